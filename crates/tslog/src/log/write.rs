//! Writing frames: the batch, and the small frames of cursors and of an orderly end.

use super::Log;
use crate::{
    error::Error,
    layout::{
        self,
        bucket::{self, BucketHeader},
        frame::{self, Kind},
        plan::{Plan, RECORDS_AT},
    },
    storage::Storage,
};

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Writes the batch as a part of a commit that ends later.
    pub(super) fn write_part(&mut self) -> Result<(), Error<S::Error>> {
        self.write_batch(Kind::Part)?;
        Ok(())
    }

    /// Writes the batch as one frame.
    pub(super) fn write_batch(&mut self, kind: Kind) -> Result<(), Error<S::Error>> {
        let frame = self.take_batch(kind);
        let bytes = self.buffer.as_mut();
        let written = frame.write(&mut self.storage, &self.plan, bytes);
        written.map_err(|error| self.poison(error))
    }

    /// Makes a frame of the batch, which stays in the buffer until it is written.
    pub(super) fn take_batch(&mut self, kind: Kind) -> NewFrame {
        let count = self.tail.pending;
        let payload = u32::from(count).saturating_mul(self.plan.record_size);
        if !self.tail.is_begun() {
            let header = self.next_bucket_header();
            layout::put(self.buffer.as_mut(), 0, &header);
        }
        let frame = self.new_frame(kind, count, payload);
        self.tail.pending = 0;
        frame
    }

    /// Writes a frame that is not part of the batch, and leaves the batch alone.
    pub(super) fn write_small(
        &mut self,
        kind: Kind,
        count: u16,
        payload: &[u8],
    ) -> Result<(), Error<S::Error>> {
        // Room for a bucket header, a frame of up to 24 bytes, and padding to words of 32.
        let mut bytes = [0; 64];
        if !self.tail.is_begun() {
            layout::put(&mut bytes, 0, &self.next_bucket_header());
        }
        layout::put(&mut bytes, RECORDS_AT, payload);
        let size = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let frame = self.new_frame(kind, count, size);
        let written = frame.write(&mut self.storage, &self.plan, &mut bytes);
        written.map_err(|error| self.poison(error))
    }

    /// The next frame of the newest bucket; the one after it goes behind.
    fn new_frame(&mut self, kind: Kind, count: u16, payload: u32) -> NewFrame {
        let tail = &mut self.tail;
        let number = tail.stored.saturating_sub(u64::from(tail.pending)).saturating_add(1);
        let (index, offset, headed) = (tail.head, tail.offset, !tail.is_begun());
        tail.offset = offset.saturating_add(self.plan.frame_of(payload));
        tail.closed = false;
        NewFrame { kind, count, payload, number, index, offset, headed }
    }

    /// The header the newest bucket gets.
    fn next_bucket_header(&self) -> [u8; bucket::SIZE] {
        let cursors = self.declared().iter().map(|reader| reader.committed);
        let header = BucketHeader { index: self.tail.head, first: self.tail.first };
        header.encode(self.plan.base_seed, cursors)
    }
}

/// A frame about to be written, whose payload lies in place behind room for its headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFrame {
    kind: Kind,
    count: u16,
    payload: u32,
    number: u64,
    index: u32,
    offset: u32,
    /// The header of the bucket is not yet on the medium, and lies in front.
    headed: bool,
}

impl NewFrame {
    /// Seals the frame in `bytes` and writes it: in one call, with the header of the bucket in
    /// front if that is not yet on the medium.
    pub(super) fn write<S: Storage>(
        &self,
        storage: &mut S,
        plan: &Plan,
        bytes: &mut [u8],
    ) -> Result<(), S::Error> {
        let (offset, bytes) = self.seal(plan, bytes);
        storage.write(self.slot(plan), offset, bytes)
    }

    /// Where the frame goes.
    pub(crate) fn slot(&self, plan: &Plan) -> u32 {
        plan.slot(self.index)
    }

    /// Seals the frame in `bytes`. Returns what is to be written, and where in the slot.
    pub(crate) fn seal<'b>(&self, plan: &Plan, bytes: &'b mut [u8]) -> (u32, &'b [u8]) {
        let size = plan.frame_of(self.payload) as usize;
        let bytes = bytes.get_mut(..bucket::SIZE.saturating_add(size)).unwrap_or_default();
        let sealed = bytes.get_mut(bucket::SIZE..).unwrap_or_default();
        let seed = bucket::seed(plan.base_seed, self.index);
        frame::seal(sealed, self.payload, (self.count, self.kind), seed, self.number);
        if self.headed {
            (0, bytes)
        } else {
            (self.offset, bytes.get(bucket::SIZE..).unwrap_or_default())
        }
    }
}

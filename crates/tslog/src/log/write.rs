//! Writing frames: the batch, and the small frames of cursors and of an orderly end.

use super::{Log, state::Tail};
use crate::{
    error::Error,
    layout::{
        self,
        bucket::{self, BucketHeader},
        frame::{self, Kind},
        plan::Plan,
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
        let pending = self.tail.pending;
        let number = self.tail.stored.saturating_sub(u64::from(pending)).saturating_add(1);
        let frame = NewFrame {
            kind,
            count: pending,
            payload: u32::from(pending).saturating_mul(self.plan.record_size) as usize,
            number,
        };
        let header = self.next_bucket_header();
        let bytes = self.buffer.as_mut();
        let written = frame.write(&mut self.storage, &self.plan, &mut self.tail, &header, bytes);
        written.map_err(|error| self.poison(error))?;
        self.tail.pending = 0;
        Ok(())
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
        let number = self.tail.stored.saturating_sub(u64::from(self.tail.pending));
        let number = number.saturating_add(1);
        layout::put(&mut bytes, self.plan.records_at(), payload);
        let frame = NewFrame { kind, count, payload: payload.len(), number };
        let header = self.next_bucket_header();
        let tail = &mut self.tail;
        let written = frame.write(&mut self.storage, &self.plan, tail, &header, &mut bytes);
        written.map_err(|error| self.poison(error))
    }

    /// The header the newest bucket gets, or has.
    fn next_bucket_header(&self) -> [u8; bucket::SIZE] {
        let cursors = self.declared().iter().map(|reader| reader.committed);
        let header = BucketHeader::new(self.tail.head, self.tail.first, cursors);
        header.encode(self.plan.base_seed)
    }
}

/// A frame about to be written, whose payload lies in place behind room for its headers.
struct NewFrame {
    kind: Kind,
    count: u16,
    payload: usize,
    number: u64,
}

impl NewFrame {
    /// Seals the frame in `bytes` and writes it to the newest bucket: in one call, with the header
    /// of the bucket in front if that is not yet on the medium.
    fn write<S: Storage>(
        &self,
        storage: &mut S,
        plan: &Plan,
        tail: &mut Tail,
        header: &[u8; bucket::SIZE],
        bytes: &mut [u8],
    ) -> Result<(), S::Error> {
        let size = u32::try_from(plan.frame_of(self.payload as u64)).unwrap_or(u32::MAX);
        let at = plan.first_frame() as usize;
        let bytes = bytes.get_mut(..at.saturating_add(size as usize)).unwrap_or_default();
        let (front, sealed) = bytes.split_at_mut_checked(at).unwrap_or_default();
        front.fill(0xFF);
        layout::put(front, 0, header);
        if let Some(padding) = sealed.get_mut(self.payload.saturating_add(frame::SIZE)..) {
            padding.fill(0xFF);
        }
        let seed = bucket::seed(plan.base_seed, tail.head);
        frame::seal(sealed, self.count, self.kind, seed, self.number);
        let slot = plan.slot(tail.head);
        if tail.is_begun(plan) {
            storage.write(slot, tail.offset, sealed)?;
        } else {
            storage.write(slot, 0, bytes)?;
        }
        tail.offset = tail.offset.saturating_add(size);
        tail.closed = false;
        Ok(())
    }
}

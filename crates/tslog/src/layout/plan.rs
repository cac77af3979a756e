//! Every offset and size of a log, computed in one place from its header and its medium.

use super::{bucket, frame, header::LogHeader};
use crate::{
    error::Invalid,
    storage::{FIRST_BUCKET_SLOT, Geometry, Slots, Storage},
};

/// The most a batch may take in one frame, so that sums of offsets stay far inside 32 bits.
const MAX_FRAME: u32 = 1 << 28;

/// How the bytes of one life of a log lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) base_seed: u32,
    pub(crate) record_size: u32,
    pub(crate) bucket_size: u32,
    pub(crate) slot_size: u32,
    /// How many buckets the medium can hold at once.
    pub(crate) ring: u32,
    pub(crate) write_size: u8,
    named: bool,
    pub(crate) formats: u8,
}

impl Plan {
    /// Fails only for a geometry no log can live on, and sizes that do not fit it.
    pub(crate) fn new<S: Storage>(header: &LogHeader) -> Result<Self, Invalid> {
        header.geometry.check()?;
        let Geometry { slot_count, slot_size, write_size, slots } = header.geometry;
        let plan = Self {
            base_seed: header.base_seed(),
            record_size: header.record_size,
            bucket_size: header.bucket_size,
            slot_size: slot_size.min(1 << 31),
            ring: slot_count.saturating_sub(FIRST_BUCKET_SLOT),
            write_size: u8::try_from(write_size).unwrap_or(1),
            named: slots == Slots::Named,
            formats: u8::try_from(header.formats).unwrap_or(u8::MAX),
        };
        let one = u64::from(plan.first_frame()).saturating_add(plan.frame_bytes(1));
        if header.record_size == 0 || one > u64::from(MAX_FRAME) {
            return Err(Invalid::RecordSize(u64::from(header.record_size)));
        }
        if one > u64::from(plan.slot_size) {
            return Err(Invalid::SlotSize(one, u64::from(slot_size)));
        }
        if header.bucket_size == 0
            || (plan.is_named::<S>() && plan.room(1) > u64::from(plan.slot_size))
        {
            return Err(Invalid::BucketSize(header.bucket_size));
        }
        Ok(plan)
    }

    /// The most numbers a bucket can hold. On fixed slots a commit may be larger than the
    /// `bucket_size`.
    pub(crate) fn numbers_max<S: Storage>(&self) -> u64 {
        let fit = self.slot_size.checked_div(self.record_size).unwrap_or(0);
        u64::from(if self.is_named::<S>() { self.bucket_size } else { self.bucket_size.max(fit) })
    }

    /// The slot of bucket `index`.
    pub(crate) fn slot(&self, index: u32) -> u32 {
        index.checked_rem(self.ring).unwrap_or(0).saturating_add(FIRST_BUCKET_SLOT)
    }

    /// True where slots exist by name. Where the type of the storage tells, the compiler knows.
    pub(crate) fn is_named<S: Storage>(&self) -> bool {
        match S::SLOTS {
            Some(slots) => slots == Slots::Named,
            None => self.named,
        }
    }

    /// What blank bytes read.
    pub(crate) fn blank<S: Storage>(&self) -> u8 {
        if self.is_named::<S>() { 0x00 } else { 0xFF }
    }

    pub(crate) fn align(&self, bytes: u64) -> u64 {
        // The write size is a power of two, and a division of 64 bits takes much code.
        let beyond = u64::from(self.write_size.max(1)).saturating_sub(1);
        bytes.saturating_add(beyond) & !beyond
    }

    /// Where the first frame of a bucket begins.
    pub(crate) fn first_frame(&self) -> u32 {
        self.align_u32(bucket::SIZE as u64)
    }

    /// Bytes of a frame of `records` records on the medium.
    pub(crate) fn frame_bytes(&self, records: u64) -> u64 {
        self.frame_of(records.saturating_mul(u64::from(self.record_size)))
    }

    /// How many records a frame of at most `bytes` bytes holds.
    pub(crate) fn records_in(&self, bytes: u32) -> u32 {
        // Where words are larger than a byte, `bytes` is a multiple of them, and padding is within.
        let payload = bytes.saturating_sub(frame::SIZE_U32);
        payload.checked_div(self.record_size).unwrap_or(0)
    }

    /// Bytes of a frame with `payload` bytes on the medium.
    pub(crate) fn frame_of(&self, payload: u64) -> u64 {
        self.align(payload.saturating_add(frame::SIZE as u64))
    }

    /// Bytes a cursor frame takes.
    pub(crate) fn cursor_frame(&self) -> u32 {
        self.align_u32(16)
    }

    /// Bytes a closing frame takes.
    pub(crate) fn close_frame(&self) -> u32 {
        self.align_u32(8)
    }

    /// Bytes a journal frame takes.
    pub(crate) fn journal_frame(&self) -> u32 {
        self.align_u32(48)
    }

    /// Bytes of a frame on the medium by what its header says, if that can be.
    pub(crate) fn frame_size(&self, header: frame::FrameHeader) -> Option<u32> {
        let payload = match header.kind {
            frame::Kind::Records | frame::Kind::Part => {
                u64::from(header.count).checked_mul(u64::from(self.record_size))?
            }
            frame::Kind::Cursor => 8,
            frame::Kind::Close => 0,
            frame::Kind::Journal => 40,
        };
        u32::try_from(self.frame_of(payload)).ok().filter(|&size| size <= self.slot_size)
    }

    /// Bytes of a full bucket whose every commit has `commit_delta` records: header, frames, and a
    /// closing frame.
    pub(crate) fn room(&self, commit_delta: u32) -> u64 {
        let commits = self.bucket_size.div_ceil(commit_delta.max(1));
        let frames = u64::from(commits).saturating_mul(self.frame_bytes(0));
        u64::from(self.first_frame())
            .saturating_add(frames)
            .saturating_add(u64::from(self.bucket_size).saturating_mul(u64::from(self.record_size)))
            .saturating_add(u64::from(self.close_frame()))
    }

    /// Where the records begin in the batch buffer: behind room for a bucket header and the header
    /// of the frame, so that one write takes all.
    pub(crate) fn records_at(&self) -> usize {
        self.first_frame().saturating_add(frame::SIZE_U32) as usize
    }

    /// Bytes the batch buffer needs for `records` records.
    pub(crate) fn buffer_bytes(&self, records: u64) -> u64 {
        u64::from(self.first_frame()).saturating_add(self.frame_bytes(records))
    }

    /// How many records a buffer of `bytes` bytes can batch.
    pub(crate) fn batch_capacity(&self, bytes: usize) -> u32 {
        let beyond = u32::from(self.write_size.max(1)).saturating_sub(1);
        let bytes = u32::try_from(bytes).unwrap_or(MAX_FRAME).min(MAX_FRAME) & !beyond;
        let room = bytes.saturating_sub(self.first_frame()).saturating_sub(frame::SIZE_U32);
        room.checked_div(self.record_size).unwrap_or(0).min(u32::from(u16::MAX))
    }

    fn align_u32(&self, bytes: u64) -> u32 {
        u32::try_from(self.align(bytes)).unwrap_or(u32::MAX)
    }
}

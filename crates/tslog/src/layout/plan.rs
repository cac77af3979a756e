//! Every offset and size of a log, computed in one place from its header and its medium.

use super::{bucket, frame, header::LogHeader};
#[cfg(feature = "std")]
use crate::error::{Error, Mismatch};
use crate::{
    error::Invalid,
    storage::{FIRST_BUCKET_SLOT, Geometry, Slots, Storage},
};

/// The most a batch may take in one frame, so that sums of offsets stay far inside 32 bits.
const MAX_FRAME: u32 = 1 << 28;

/// Where the first frame of a bucket begins: its header is as long as the longest word.
pub(crate) const FIRST_FRAME: u32 = 32;

/// Where the records begin in the batch buffer: behind room for a bucket header and the header of
/// the frame, so that one write takes all.
pub(crate) const RECORDS_AT: usize = bucket::SIZE.saturating_add(frame::SIZE);

/// How the bytes of one life of a log lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) base_seed: u32,
    pub(crate) record_size: u32,
    pub(crate) bucket_size: u32,
    pub(crate) slot_size: u32,
    /// How many buckets the medium can hold at once.
    pub(crate) ring: u32,
    /// One less than the write size, which is a power of two.
    beyond: u8,
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
            beyond: u8::try_from(write_size.saturating_sub(1)).unwrap_or(0),
            named: slots == Slots::Named,
            formats: u8::try_from(header.formats).unwrap_or(u8::MAX),
        };
        let one = FIRST_FRAME.saturating_add(plan.frame_bytes(1));
        if header.record_size == 0 || one > MAX_FRAME {
            return Err(Invalid::RecordSize(u64::from(header.record_size)));
        }
        if one > plan.slot_size {
            return Err(Invalid::SlotSize(u64::from(one), u64::from(slot_size)));
        }
        if header.bucket_size == 0 || (plan.is_named::<S>() && plan.room(1) > plan.slot_size) {
            return Err(Invalid::BucketSize(header.bucket_size));
        }
        Ok(plan)
    }

    /// The plan of a log that is only looked at on a medium of this shape. A dump may be short; but
    /// files have no number of slots, and a forged one would send a reader round and round in them.
    #[cfg(feature = "std")]
    pub(crate) fn to_look<S: Storage>(
        header: &LogHeader,
        is: Geometry,
    ) -> Result<Self, Error<S::Error>> {
        let (plan, was) = (Self::new::<S>(header)?, header.geometry);
        let named = plan.is_named::<S>();
        if was.slots != is.slots || named && was.slot_count != is.slot_count {
            return Err(Mismatch::SlotCount(was.slot_count, is.slot_count).into());
        }
        if !named && was.slot_size != is.slot_size {
            return Err(Mismatch::SlotSize(was.slot_size, is.slot_size).into());
        }
        Ok(plan)
    }

    /// The most numbers a bucket can hold. On fixed slots a commit may be larger than the
    /// `bucket_size`, and than a slot none is.
    pub(crate) fn numbers_max<S: Storage>(&self) -> u64 {
        let fit = self.slot_size.checked_div(self.record_size).unwrap_or(0);
        u64::from(if self.is_named::<S>() { self.bucket_size } else { fit })
    }

    /// The slot of bucket `index`. It is needed all over, and a division is not short.
    #[inline(never)]
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

    /// The smallest unit of writing, in bytes.
    pub(crate) fn write_size(&self) -> u32 {
        u32::from(self.beyond).saturating_add(1)
    }

    /// Rounds up to the write size. What exceeds any slot still does then.
    #[inline(never)]
    pub(crate) fn align(&self, bytes: u32) -> u32 {
        let beyond = u32::from(self.beyond);
        bytes.saturating_add(beyond) & !beyond
    }

    /// Bytes of a frame of `records` records on the medium.
    pub(crate) fn frame_bytes(&self, records: u32) -> u32 {
        self.frame_of(records.saturating_mul(self.record_size))
    }

    /// How many records a frame of at most `bytes` bytes holds.
    pub(crate) fn records_in(&self, bytes: u32) -> u32 {
        // Where words are larger than a byte, `bytes` is a multiple of them, and padding is within.
        let payload = bytes.saturating_sub(frame::SIZE_U32);
        payload.checked_div(self.record_size).unwrap_or(0)
    }

    /// Bytes of a frame with `payload` bytes on the medium.
    pub(crate) fn frame_of(&self, payload: u32) -> u32 {
        self.align(payload.saturating_add(frame::SIZE_U32))
    }

    /// Bytes a cursor frame takes.
    pub(crate) fn cursor_frame(&self) -> u32 {
        self.align(16)
    }

    /// Bytes a closing frame takes.
    pub(crate) fn close_frame(&self) -> u32 {
        self.align(8)
    }

    /// Bytes a journal frame takes.
    pub(crate) fn journal_frame(&self) -> u32 {
        self.align(48)
    }

    /// Bytes of a frame on the medium by what its header says, if that can be.
    pub(crate) fn frame_size(&self, header: frame::FrameHeader) -> Option<u32> {
        let payload = match header.kind {
            frame::Kind::Records | frame::Kind::Part => {
                u32::from(header.count).checked_mul(self.record_size).filter(|&size| size > 0)?
            }
            frame::Kind::Cursor => 8,
            frame::Kind::Close => 0,
            frame::Kind::Journal => 40,
        };
        Some(self.frame_of(payload)).filter(|&size| size <= self.slot_size)
    }

    /// Bytes of a full bucket whose every commit has `commit_delta` records: header, frames, and a
    /// closing frame.
    pub(crate) fn room(&self, commit_delta: u32) -> u32 {
        let commits = self.bucket_size.div_ceil(commit_delta.max(1));
        FIRST_FRAME
            .saturating_add(commits.saturating_mul(self.frame_bytes(0)))
            .saturating_add(self.bucket_size.saturating_mul(self.record_size))
            .saturating_add(self.close_frame())
    }

    /// Bytes the batch buffer needs for `records` records.
    pub(crate) fn buffer_bytes(&self, records: u32) -> u32 {
        FIRST_FRAME.saturating_add(self.frame_bytes(records))
    }

    /// How many records a buffer of `bytes` bytes can batch.
    pub(crate) fn batch_capacity(&self, bytes: usize) -> u32 {
        let bytes = u32::try_from(bytes).unwrap_or(MAX_FRAME).min(MAX_FRAME);
        let bytes = bytes & !u32::from(self.beyond);
        let room = bytes.saturating_sub(FIRST_FRAME).saturating_sub(frame::SIZE_U32);
        room.checked_div(self.record_size).unwrap_or(0).min(u32::from(u16::MAX))
    }
}

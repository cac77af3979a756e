//! Reading frames that lie whole in the window: what a reader meets as long as all is well.

use super::{
    probe::Probe,
    read::{Bounds, OPEN, Position},
};
use crate::{
    layout::{bucket, crc::crc32c, frame, plan::Plan, take},
    storage::Storage,
};

/// A frame of more bytes is handed out by itself, where it lies: to move it would cost more than
/// the call that is saved.
const LARGE: usize = 4096;

/// Records in the window that may be handed out, back to back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AtHand {
    /// Where in the window they begin.
    pub(crate) begin: usize,
    pub(crate) count: u32,
    /// Bytes of the frame that was met last, 0 before the first: the next one may be alike.
    pub(crate) frame_size: usize,
}

impl AtHand {
    /// Moves over records that are handed out. There are as many, so that nothing wraps.
    #[inline]
    pub(crate) fn take(&mut self, count: u32, record_size: usize) {
        self.count = self.count.wrapping_sub(count);
        self.begin = self.begin.wrapping_add(record_size.wrapping_mul(count as usize));
    }
}

/// What frames of as many records have in common, and is looked into once.
#[derive(Clone, Copy, Default)]
struct Alike {
    head: [u8; 4],
    head_crc: u32,
    /// Records in the frame, and their bytes.
    count: u32,
    len: usize,
    /// All bytes of the frame.
    size: usize,
}

impl Alike {
    /// That of the frame of records which `bytes` begin with.
    fn of(bytes: &[u8], seed: u32, plan: &Plan) -> Option<Self> {
        let header = frame::decode_at(bytes.get(..frame::SIZE)?)?;
        let size = plan.frame_size(header).filter(|_| header.has_records())?;
        let (head, count) = (header.head(), u32::from(header.count));
        let (len, size) = (count.saturating_mul(plan.record_size) as usize, size as usize);
        Some(Self { head, head_crc: crc32c(seed, &head), count, len, size })
    }
}

impl<S: Storage> Probe<'_, '_, S> {
    /// Gathers the records of the frames from `at` on that lie whole in the window and are sound
    /// and durable, and moves `at` over them. The first frame stays where it is; the records of
    /// small ones are moved up to it, and the window then holds nothing else. If nothing is at
    /// hand, [`Probe::find`] knows the way, or the window is too small for the frame.
    pub(crate) fn gather(
        &mut self,
        bounds: &Bounds,
        at: &mut Position,
        next: u64,
        got: &mut AtHand,
    ) {
        got.count = 0;
        if !self.load(bounds, at, next, got.frame_size) {
            return;
        }
        let seed = bucket::seed(self.plan.base_seed, at.index);
        let durable = bounds.last.saturating_sub(next).saturating_add(1);
        let most = u32::try_from(durable).unwrap_or(u32::MAX).min(at.left);
        // Of the first frame, some records may have been handed out.
        let mut taken = u32::from(at.taken);
        let (bytes, start) = self.window.at_hand(at.offset);
        let (mut total, mut from, mut end, mut moved) = (0_u32, start, start, false);
        let mut alike = Alike::default();
        loop {
            let frame = bytes.get(from..).unwrap_or_default();
            if frame.first_chunk() != Some(&alike.head) {
                let Some(other) = Alike::of(frame, seed, self.plan) else { break };
                (alike, got.frame_size) = (other, other.size);
            }
            let Some(payload) = frame.get(frame::SIZE..alike.size) else { break };
            let count = alike.count.saturating_sub(taken);
            let all = total.saturating_add(count);
            if all == total || all > most || (total > 0 && alike.size > LARGE) {
                break;
            }
            let number = next.saturating_add(u64::from(total)).saturating_sub(u64::from(taken));
            let crc = crc32c(alike.head_crc, payload) ^ frame::number_mix(number);
            if crc != u32::from_le_bytes(take(frame, 4)) {
                break;
            }
            let skip = (taken as usize).saturating_mul(self.plan.record_size as usize);
            let begin = from.saturating_add(frame::SIZE).saturating_add(skip);
            let len = alike.len.saturating_sub(skip);
            if total == 0 {
                (got.begin, end) = (begin, begin);
            } else {
                bytes.copy_within(begin..begin.saturating_add(len), end);
                moved = true;
            }
            (total, taken) = (all, 0);
            (from, end) = (from.saturating_add(alike.size), end.saturating_add(len));
        }
        got.count = total;
        at.pass(total, from.saturating_sub(start));
        if moved {
            self.forget();
        }
    }

    /// Makes sure that the window holds the frame at `at`, if that is one of a bucket that is known
    /// and may be as large as `frame_size`.
    fn load(&mut self, bounds: &Bounds, at: &Position, next: u64, frame_size: usize) -> bool {
        let is_kept = at.index >= bounds.oldest && at.index <= bounds.head;
        let is_known = at.left != OPEN || at.index == bounds.head;
        if !is_kept || !is_known || at.left == 0 || at.offset == 0 || next > bounds.last {
            return false;
        }
        if self.window.covers(at.index, at.offset, frame_size.max(frame::SIZE)).is_some() {
            return true;
        }
        // What is not durable is of no use, and neither is a part of a frame.
        let durable = bounds.last.saturating_sub(next).saturating_add(1);
        let durable = durable.saturating_add(u64::from(at.taken));
        let each = u64::from(self.plan.record_size).saturating_add(frame::SIZE as u64);
        let most = usize::try_from(durable.saturating_mul(each)).unwrap_or(usize::MAX);
        let room = self.window.room();
        let whole = room.saturating_sub(room.checked_rem(frame_size).unwrap_or(0));
        let want = whole.min(most).min(self.plan.slot_size.saturating_sub(at.offset) as usize);
        self.refill(at.index, at.offset, want);
        true
    }
}

impl Position {
    /// Moves over so many records to the end of their last frame.
    fn pass(&mut self, records: u32, bytes: usize) {
        if records > 0 {
            self.take(records);
            self.taken = 0;
            self.offset = self.offset.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        }
    }
}

//! Reading in order, and going on behind what cannot be read.
//!
//! It owns the walk from frame to frame and from bucket to bucket. It promises that a record is
//! handed out only if the CRC of its frame holds for exactly its number, that nothing beyond the
//! last durable number is handed out, and that every number is either handed out or named in a
//! range, once.

use super::{
    newest::ROTTEN,
    probe::{Link, Probe},
};
use crate::{
    layout::{frame::Kind, plan::FIRST_FRAME},
    storage::Storage,
    words::SeqnRange,
};

/// How far from where a frame should lie it is looked for, should its sector or another one read
/// as one of its neighbours.
const NEAR: u32 = 4096;

/// Which buckets there are, and the last number that may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) oldest: u32,
    pub(crate) head: u32,
    /// The last durable number; 0 if there is none, and then the buckets mean nothing.
    pub(crate) last: u64,
}

/// Where a reader stands: at a frame, with `taken` of its records behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(super) index: u32,
    pub(super) offset: u32,
    /// How many numbers of this bucket are still ahead; [`OPEN`] for the newest bucket.
    pub(super) left: u32,
    pub(super) taken: u16,
}

pub(super) const OPEN: u32 = u32::MAX;

impl Position {
    /// Has to look for its number first.
    pub(crate) const NOWHERE: Self = Self { index: u32::MAX, offset: 0, left: OPEN, taken: 0 };

    fn start_of(index: u32) -> Self {
        Self { index, offset: 0, left: OPEN, taken: 0 }
    }

    /// The bucket the reader stands in, where known.
    #[cfg(feature = "std")]
    pub(crate) fn index(&self) -> Option<u32> {
        (self.index <= crate::words::MAX_INDEX).then_some(self.index)
    }

    /// The last number the bucket can hold, `next` being the first one ahead.
    fn last(&self, bounds: &Bounds, next: u64) -> u64 {
        if self.left == OPEN {
            return bounds.last;
        }
        next.saturating_add(u64::from(self.left)).saturating_sub(1).min(bounds.last)
    }

    /// Counts the numbers from `next` up to `reached` off what is left in this bucket.
    fn reach(&mut self, next: u64, reached: u64) {
        if self.left != OPEN {
            let gone = u32::try_from(reached.saturating_sub(next)).unwrap_or(u32::MAX);
            self.left = self.left.saturating_sub(gone);
        }
    }

    /// Moves over records that were handed out from this frame.
    pub(crate) fn take(&mut self, records: u32) {
        self.taken = self.taken.saturating_add(u16::try_from(records).unwrap_or(u16::MAX));
        if self.left != OPEN {
            self.left = self.left.saturating_sub(records);
        }
    }
}

/// What a reader meets next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This many records were copied; they begin with the number asked for.
    Records(u32),
    /// Nothing more is durable.
    End,
    /// These numbers do not read back.
    Damaged(SeqnRange),
    /// These numbers are gone because the log dropped them.
    Lost(SeqnRange),
}

impl<S: Storage> Probe<'_, '_, S> {
    /// Copies into `out` as many records from number `next` on as lie in one frame and fit. `at`
    /// is moved to where `next` lies, not over the records.
    pub(crate) fn read(
        &mut self,
        bounds: &Bounds,
        at: &mut Position,
        next: u64,
        out: &mut [u8],
    ) -> Step {
        loop {
            match self.find(bounds, at, next) {
                Ok(frame) => {
                    if let Some(step) = self.read_frame(bounds, at, next, &frame, out) {
                        return step;
                    }
                }
                Err(step) => return step,
            }
        }
    }

    /// Moves `at` to the frame in which `next` should lie, which is not checked; or says what a
    /// reader meets instead.
    pub(crate) fn find(
        &mut self,
        bounds: &Bounds,
        at: &mut Position,
        next: u64,
    ) -> Result<Link, Step> {
        if next > bounds.last {
            return Err(Step::End);
        }
        if at.index < bounds.oldest || at.index > bounds.head {
            *at = Position::NOWHERE;
            if let Some(step) = self.locate(bounds, at, next) {
                return Err(step);
            }
        }
        loop {
            if at.index > bounds.head {
                *at = Position::NOWHERE;
                return Err(Step::Damaged(SeqnRange { first: next, last: bounds.last }));
            }
            if at.offset == 0
                && let Some(step) = self.enter(bounds, at, next)
            {
                return Err(step);
            }
            if at.left == OPEN && at.index < bounds.head {
                at.left = self.left_in(bounds, at.index, next);
            }
            if at.left == 0 {
                *at = Position::start_of(self.above(at.index, bounds.head));
                continue;
            }
            let number = next.saturating_sub(u64::from(at.taken));
            let mut frame = Link::at(at.offset, number);
            if !self.see(at.index, &mut frame) {
                match self.find_way(bounds, at, next) {
                    Some(step) => return Err(step),
                    None => continue,
                }
            }
            if !frame.header.has_records() || at.taken >= frame.header.count {
                at.offset = frame.end();
                at.taken = 0;
                continue;
            }
            return Ok(frame);
        }
    }

    /// Checks the frame at `at` and copies what was asked for.
    fn read_frame(
        &mut self,
        bounds: &Bounds,
        at: &mut Position,
        next: u64,
        frame: &Link,
        out: &mut [u8],
    ) -> Option<Step> {
        let record_size = self.plan.record_size;
        let fit = u32::try_from(out.len()).unwrap_or(u32::MAX).checked_div(record_size);
        let durable = bounds.last.saturating_sub(next).saturating_add(1);
        let count = u32::from(frame.header.count.saturating_sub(at.taken))
            .min(at.left)
            .min(fit.unwrap_or(0))
            .min(u32::try_from(durable).unwrap_or(u32::MAX));
        let skip = u32::from(at.taken).saturating_mul(record_size);
        let want = count.saturating_mul(record_size) as usize;
        let out = out.get_mut(..want).unwrap_or_default();
        let computed = self.copy_frame(at.index, frame, skip, out);
        if frame.header.begins_with(computed, frame.number) {
            return Some(Step::Records(count));
        }
        out.fill(0);
        let (end, behind) = (frame.next(), frame.end());
        if end > at.last(bounds, next) || !self.vouches(at.index, behind, end) {
            return self.find_way(bounds, at, next);
        }
        *at = Position { offset: behind, taken: 0, ..*at };
        at.reach(next, end);
        Some(Step::Damaged(SeqnRange { first: next, last: end.saturating_sub(1) }))
    }

    /// True if the frame at `offset` is sound and begins with `number`.
    fn vouches(&mut self, index: u32, offset: u32, number: u64) -> bool {
        let mut frame = Link::at(offset, number);
        self.see(index, &mut frame) && self.is_sound(index, &frame)
    }

    /// The chain of frames is broken at `at`, and `next` should lie there or behind. Looks for the
    /// frame that holds `next`, or the next later record; `None` means that reading can go on at
    /// `at` with nothing lost.
    fn find_way(&mut self, bounds: &Bounds, at: &mut Position, next: u64) -> Option<Step> {
        let high = at.last(bounds, next);
        at.taken = 0;
        if let Some(found) = self.nearest(at, next, high) {
            at.offset = found.offset;
            at.taken = u16::try_from(next.saturating_sub(found.number)).unwrap_or(u16::MAX);
            at.reach(next, found.number);
            let last = found.number.saturating_sub(1);
            let gap = SeqnRange { first: next, last };
            return (found.number > next).then_some(Step::Damaged(gap));
        }
        let following = at.index.saturating_add(1);
        if at.index < bounds.head && self.first_of(following).is_none() {
            // Where the next header is rotten, nobody says where this bucket ends; its frames do.
            let offset = FIRST_FRAME;
            let following = self.above(at.index, bounds.head);
            *at = Position { offset, ..Position::start_of(following) };
            return None;
        }
        *at = Position::start_of(following);
        Some(Step::Damaged(SeqnRange { first: next, last: high }))
    }

    /// The sound frame around `at` that holds record `next`, or else the next later one.
    fn nearest(&mut self, at: &Position, next: u64, high: u64) -> Option<Link> {
        let most = self.plan.numbers_max::<S>();
        let from = at.offset.saturating_sub(NEAR).max(FIRST_FRAME);
        let numbers = (next.saturating_sub(most), high);
        let mut search = self.search(at.index, from, numbers, self.most_missing());
        let mut nearest: Option<Link> = None;
        let mut until = u32::MAX;
        while let Some(link) = self.next_sound(&mut search).filter(|link| link.offset <= until) {
            let is_next = link.header.has_records() && link.next() > next;
            if is_next && nearest.is_none_or(|nearest| link.number < nearest.number) {
                if link.number <= next {
                    return Some(link);
                }
                until = until.min(link.end().saturating_add(NEAR));
                nearest = Some(link);
            }
        }
        nearest
    }

    /// Finds where `next` lies: the bucket by bisection over first numbers, the frame by hopping.
    fn locate(&mut self, bounds: &Bounds, at: &mut Position, next: u64) -> Option<Step> {
        let (mut low, mut high) = (bounds.oldest, bounds.head.saturating_add(1));
        // Invariant: the bucket wanted is low or later, and before high.
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            let mut probe = middle;
            let first = loop {
                if let Some(first) = self.first_of(probe) {
                    break Some(first);
                }
                probe = self.below(probe).unwrap_or(low);
                if probe <= low {
                    break None;
                }
            };
            match first {
                Some(first) if first <= next => low = probe.max(low.saturating_add(1)),
                Some(_) => high = probe,
                None => {
                    // No sound header from here down to `low`: look above for one.
                    match self.first_at_or_after(middle, high.saturating_sub(1)) {
                        Some(first) if first <= next => low = middle,
                        Some(_) | None => high = middle,
                    }
                }
            }
        }
        *at = Position::start_of(low);
        if low == bounds.oldest
            && let Some(first) = self.first_at_or_after(low, bounds.head)
            && first > next
            && self.first_of(low).is_some()
        {
            // Only a forged bucket begins beyond the end.
            let last = first.saturating_sub(1).min(bounds.last);
            return Some(Step::Lost(SeqnRange { first: next, last }));
        }
        None
    }

    /// Stands at the first frame of the bucket `at` names, or at the frame that holds `next`.
    fn enter(&mut self, bounds: &Bounds, at: &mut Position, next: u64) -> Option<Step> {
        let index = at.index;
        *at = Position { offset: FIRST_FRAME, ..Position::start_of(index) };
        // Where nothing says which number the bucket begins with, `find_way` looks for this one.
        let first = self.first_of(index)?;
        if first > next {
            let last = first.saturating_sub(1).min(bounds.last);
            return Some(Step::Damaged(SeqnRange { first: next, last }));
        }
        let mut frame = Link::at(FIRST_FRAME, first);
        // `find_way` goes on where the chain is broken.
        while frame.number < next && self.see(index, &mut frame) {
            if frame.next() > next {
                let taken = next.saturating_sub(frame.number);
                at.taken = u16::try_from(taken).unwrap_or(u16::MAX);
                break;
            }
            frame.advance();
        }
        at.offset = frame.offset;
        None
    }

    /// How many numbers from `next` on lie in bucket `index`, which is not the newest.
    fn left_in(&mut self, bounds: &Bounds, index: u32, next: u64) -> u32 {
        let following = index.saturating_add(1);
        let high = match self.first_of(index) {
            Some(first) => first.saturating_add(self.plan.numbers_max::<S>()),
            None => next.saturating_add(self.most_missing()),
        };
        let end = if let Some(first) = self.first_of(following) {
            first
        } else {
            match self.first_sound(following, next, high) {
                Some(first) if first.offset == FIRST_FRAME => first.number,
                Some(_) | None => self.end_of(bounds, index, next),
            }
        };
        u32::try_from(end.saturating_sub(next)).unwrap_or(OPEN).min(OPEN.saturating_sub(1))
    }

    /// The number behind the last that counts in bucket `index`, where the bucket behind it is
    /// gone, and with it what says so: only what was committed in here does, for part frames may
    /// be left from a cut.
    fn end_of(&mut self, bounds: &Bounds, index: u32, next: u64) -> u64 {
        let end = self.first_at_or_after(index.saturating_add(1), bounds.head);
        let end = end.unwrap_or(bounds.last.saturating_add(1));
        let low = next.saturating_sub(self.plan.numbers_max::<S>());
        let mut search = self.search(index, FIRST_FRAME, (low, end), self.most_missing());
        let mut committed = 0;
        while let Some(link) = self.next_sound(&mut search) {
            if link.header.kind != Kind::Part {
                committed = link.next().max(committed);
            }
        }
        end.min(committed)
    }

    /// How many numbers may be gone around the one that is read next: whole buckets may be, in
    /// front of one whose header is rotten.
    fn most_missing(&self) -> u64 {
        self.plan.numbers_max::<S>().saturating_mul(u64::from(ROTTEN).saturating_add(2))
    }
}

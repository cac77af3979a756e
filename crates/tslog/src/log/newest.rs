//! Which buckets there are: by bisection over a ring, by name where slots have names.

use super::probe::{Link, Probe};
use crate::{
    layout::{bucket, plan::FIRST_FRAME},
    storage::{FIRST_BUCKET_SLOT, Storage},
    words::MAX_INDEX,
};

/// How far behind a sound header buckets with rotten ones are believed. Each number that may be is
/// one more chance for random bytes to pass.
pub(super) const ROTTEN: u32 = 4;

impl<S: Storage> Probe<'_, '_, S> {
    /// The first number from bucket `oldest` on: that of the first sound header, or of a sound
    /// frame in the buckets before that.
    #[inline(never)]
    pub(crate) fn first_number(&mut self, oldest: u32, head: u32) -> u64 {
        if let Some(first) = self.first_of(oldest) {
            return first;
        }
        if oldest == 0 {
            return 1;
        }
        let mut first = self.first_at_or_after(oldest.saturating_add(1), head).unwrap_or(1);
        let buckets = u64::from(head.saturating_sub(oldest));
        let most = self.plan.numbers_max::<S>().saturating_mul(buckets);
        let low = first.saturating_sub(most).max(1);
        let mut index = oldest;
        while index <= head && self.first_of(index).is_none() {
            let numbers = (low, first);
            let mut search = self.search(index, FIRST_FRAME, numbers, most);
            while let Some(link) = self.next_sound(&mut search) {
                first = first.min(link.number);
            }
            index = self.above(index, head);
        }
        first
    }

    /// The first sound frame of a bucket whose header is rotten, and which begins with a number
    /// from `low` to `high`.
    pub(crate) fn first_sound(&mut self, index: u32, low: u64, high: u64) -> Option<Link> {
        if self.ends_at(index, FIRST_FRAME) {
            return None;
        }
        let most = high.saturating_add(self.plan.numbers_max::<S>());
        let mut search = self.search(index, FIRST_FRAME, (low, most), high.saturating_sub(low));
        self.next_sound(&mut search)
    }

    /// Finds the newest bucket on fixed slots: positions from the first on hold one lap, the others
    /// the lap before or nothing. Also returns the bucket in the slot behind it.
    #[inline(never)]
    fn newest_in_ring(&mut self) -> Option<(u32, Option<u32>)> {
        let ring = self.plan.ring;
        let Some(base) = self.index_in_slot(self.plan.slot(0)) else {
            return self.newest_by_scan();
        };
        let same_lap = |index: u32| index.checked_div(ring) == base.checked_div(ring);
        let (mut low, mut high, mut newest) = (0, ring, base);
        let mut behind = Some(base);
        while high.saturating_sub(low) > 1 {
            let middle = u32::midpoint(low, high);
            match self.index_in_slot(self.plan.slot(middle)) {
                Some(index) if same_lap(index) => (low, newest) = (middle, index),
                None if !self.is_blank_slot(middle) => return self.newest_by_scan(),
                other => (high, behind) = (middle, other),
            }
        }
        // A header gone blank misleads the bisection; the buckets behind it tell.
        for behind in high.saturating_add(1)..high.saturating_add(3).min(ring) {
            if self.index_in_slot(self.plan.slot(behind)).is_some_and(same_lap) {
                return self.newest_by_scan();
            }
        }
        Some((newest, behind))
    }

    /// True if no header was begun in the slot of this position, or it was erased.
    fn is_blank_slot(&mut self, position: u32) -> bool {
        self.header_bytes(self.plan.slot(position)) == [0xFF; bucket::SIZE]
    }

    fn newest_by_scan(&mut self) -> Option<(u32, Option<u32>)> {
        let mut newest = None;
        for position in 0..self.positions() {
            newest = newest.max(self.index_in_slot(self.plan.slot(position)));
        }
        let newest = newest?;
        let behind = self.index_in_slot(self.plan.slot(newest.saturating_add(1)));
        Some((newest, behind))
    }

    /// The newest and the oldest bucket there may be.
    #[inline(never)]
    pub(crate) fn extremes(&mut self) -> Option<(u32, u32)> {
        if self.plan.is_named::<S>() {
            let present = self.storage.present(u32::MAX);
            let index = |slot: u32| slot.saturating_sub(FIRST_BUCKET_SLOT);
            return present
                .filter(|present| index(present.highest) <= MAX_INDEX)
                .map(|present| (index(present.highest), index(present.lowest)));
        }
        let (mut newest, mut behind) = match self.newest_in_ring() {
            Some(found) => found,
            // Without a sound header anywhere there can only be the first buckets.
            None if self.is_rotten(0) => (0, None),
            None => return None,
        };
        let ring = self.plan.ring;
        let mut following = newest.saturating_add(1);
        // Behind the last sound header there may be buckets with rotten ones.
        while behind.is_none_or(|index| index.saturating_add(ring) != following)
            && self.is_rotten(following)
        {
            newest = following;
            following = newest.saturating_add(1);
            behind = self.index_in_slot(self.plan.slot(following));
        }
        let Some(oldest) = following.checked_sub(ring) else { return Some((newest, 0)) };
        if behind == Some(oldest) {
            return Some((newest, oldest));
        }
        // The slot behind was erased for the bucket to come, or holds the oldest one with a rotten
        // header.
        let second = oldest.saturating_add(1).min(newest);
        // Without any sound header, the ring is in its first lap.
        let after = self.first_at_or_after(second, newest).unwrap_or(2);
        let most = self.plan.numbers_max::<S>().saturating_mul(u64::from(ring));
        let low = after.saturating_sub(most);
        let whole = self.first_sound(oldest, low, after.saturating_sub(1)).is_some();
        Some((newest, if whole { oldest } else { second }))
    }

    /// True if the slot of bucket `index` holds a sound frame of that bucket behind a rotten
    /// header.
    fn is_rotten(&mut self, index: u32) -> bool {
        if index > MAX_INDEX {
            return false;
        }
        let (low, high) = self.plausible_first(index, 0);
        self.first_sound(index, low, high).is_some()
    }

    /// How many positions of the ring the medium has, as a dump may be short and a header may lie.
    fn positions(&self) -> u32 {
        // The last slot may be there in part.
        let slots = self.storage.geometry().slot_count.saturating_sub(FIRST_BUCKET_SLOT);
        self.plan.ring.min(slots.saturating_add(1))
    }

    /// The bucket that lies next below `index`, where missing ones need not be tried one by one.
    pub(crate) fn below(&mut self, index: u32) -> Option<u32> {
        let below = index.checked_sub(1)?;
        if !self.plan.is_named::<S>() {
            let position = below.checked_rem(self.plan.ring).unwrap_or(0);
            let beyond = position.saturating_sub(self.positions().saturating_sub(1));
            return Some(below.saturating_sub(beyond));
        }
        let slot = self.plan.slot(below);
        if self.storage.extent(slot) > 0 {
            return Some(below);
        }
        let present = self.storage.present(self.plan.slot(index));
        let index = |slot: u32| slot.saturating_sub(FIRST_BUCKET_SLOT);
        present.map(|present| index(present.highest))
    }

    /// The next bucket behind `index` and up to `head`, where missing ones need not be tried one by
    /// one.
    pub(crate) fn above(&mut self, index: u32, head: u32) -> u32 {
        let following = index.saturating_add(1);
        if following >= head {
            return following;
        }
        if !self.plan.is_named::<S>() {
            let position = following.checked_rem(self.plan.ring).unwrap_or(0);
            let lap = following.saturating_sub(position).saturating_add(self.plan.ring);
            return if position < self.positions() { following } else { lap.min(head) };
        }
        let first = self.plan.slot(following);
        if self.storage.extent(first) > 0 {
            return following;
        }
        // Invariant: none exists up to `low`, and `high` is the first or behind it.
        let (mut low, mut high) = (following, head);
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            let present = self.storage.present(self.plan.slot(middle).saturating_add(1));
            if present.is_some_and(|present| present.highest > first) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// Where the header of bucket `index` is rotten, the numbers it may begin with: those that the
    /// buckets from the last sound header on have room for, if that is near.
    pub(crate) fn plausible_first(&mut self, index: u32, cursor: u64) -> (u64, u64) {
        let size = self.plan.numbers_max::<S>();
        let room = |before: u32| size.saturating_mul(u64::from(index.saturating_sub(before)));
        let mut before = index;
        while let Some(below) = self.below(before)
            && index.saturating_sub(below) <= ROTTEN
        {
            before = below;
            if let Some(first) = self.first_of(before) {
                return (first, first.saturating_add(room(before)));
            }
        }
        if before == 0 {
            return (1, room(0).saturating_add(1));
        }
        (cursor.saturating_sub(size).saturating_add(1), cursor.saturating_add(1))
    }
}

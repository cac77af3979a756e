//! Opening: finding where the log ends. It writes nothing. Its steps are not inlined into each
//! other, so that the stack of one is free again for the next.
//!
//! 1. The newest bucket is found by bisection over the ring, or by name.
//! 2. From there back, buckets that hold no whole commit, cursor or closing frame are *void*: a cut
//!    left them behind, and the next bucket begun takes their place.
//! 3. The newest bucket that is not void is walked from frame to frame. Whatever is followed by a
//!    sound frame was synced before that one was written; so only the last frame can be torn, and
//!    only that one's payload is read.
//! 4. Unless the walk ends in a closing frame with nothing behind it, the bucket is abandoned: bits
//!    of a write that was cut may read blank now and otherwise later, so nothing is added there.
//! 5. Cursors come from the bucket header, the cursor frames and the journal, or from their places.
//!    A cursor beyond the last commit proves that commits were lost; numbering goes on behind it.

use core::array;

#[cfg(feature = "std")]
use super::read::Bounds;
use super::{
    NO_INDEX,
    cursors::newest_place,
    journal::JournalState,
    medium::Medium,
    probe::{Probe, Window, look},
    shape::Shape,
    state::{Found, ReaderState, Tail},
    walk::Walk,
};
use crate::{
    layout::cursor::{Cursors, Journal},
    storage::Storage,
    words::MAX_READERS,
};

/// What a log knows of itself once its end was found.
pub(super) struct Known<const R: usize> {
    pub(super) tail: Tail,
    pub(super) clean: bool,
    /// The header of the newest bucket is sound.
    pub(super) headed: bool,
    pub(super) found: Found,
    pub(super) journal: JournalState,
    pub(super) readers: [ReaderState; R],
}

/// Finds out everything a log knows about itself, for `declared` readers. It looks at the medium
/// through the batch buffer, which is idle while the log opens.
pub(super) fn recover<S: Storage, const R: usize>(
    storage: &mut S,
    buffer: &mut [u8],
    shape: &Shape,
    declared: u8,
) -> Result<Known<R>, S::Error> {
    let plan = &shape.plan;
    let (mut places, mut newest, mut slot) = (None, None, 0);
    if plan.is_named::<S>() {
        places = Some(read_places::<S, R>(storage, plan.base_seed, declared)?);
    } else {
        let mut medium = Medium::new(storage);
        slot = JournalState::find(&mut medium, plan, shape.size, &mut newest);
        medium.end(())?;
    }
    let least = places.iter().flatten().flatten().map(|reader| reader.committed).min();
    let mut end = End::of_none();
    let window = &mut Window::empty(buffer, plan.is_named::<S>());
    let oldest = look(storage, plan, window, |probe| {
        probe.find_end(least.unwrap_or(0), newest.as_ref(), true, &mut end);
        match end.head {
            NO_INDEX => 1,
            head => probe.first_number(end.oldest, head),
        }
    })?;
    let (journal, vouched) = end.journal(newest.as_ref(), slot);
    if plan.is_named::<S>() {
        for n in 0..declared {
            if is_fresh(storage, n)? {
                end.walk.cursors.set(usize::from(n), None);
            }
        }
    }
    let before = oldest.saturating_sub(1);
    // A forged bucket may begin beyond the end, which does not show that it was committed.
    let before = if before > end.committed() { 0 } else { before };
    let readers = array::from_fn(|n| {
        let own = places.as_ref().and_then(|places| places.get(n).copied().flatten());
        own.unwrap_or(ReaderState::at(end.walk.cursors.get(n).unwrap_or(before), 0))
    });
    let most = readers.iter().take(usize::from(declared)).map(|reader| reader.committed).max();
    let found = end.number_beyond(most.unwrap_or(0).max(vouched));
    let headed = end.walk.headed;
    Ok(Known { tail: end.tail(), clean: end.clean, headed, found, journal, readers })
}

/// What the places of their own tell of the readers, where slots have names. Nothing is known of a
/// reader whose places are both torn or rotten.
fn read_places<S: Storage, const R: usize>(
    storage: &mut S,
    base_seed: u32,
    declared: u8,
) -> Result<[Option<ReaderState>; R], S::Error> {
    let mut places = [None; R];
    for (known, n) in places.iter_mut().zip(0..declared) {
        storage.settle_cursor(n)?;
        let place = newest_place(storage, base_seed, n)?;
        *known = place.map(|place| ReaderState::at(place.cursor, place.counter));
    }
    Ok(places)
}

/// True if no commit of reader `n` ever ended, and one of its places is as it was made: an older
/// reader of that number was removed, and its cursor with it.
fn is_fresh<S: Storage>(storage: &mut S, n: u8) -> Result<bool, S::Error> {
    let mut bytes = [[0; crate::storage::CURSOR_PLACE_SIZE]; 2];
    for (place, bytes) in (0..).zip(&mut bytes) {
        storage.read_cursor(n, place, bytes)?;
    }
    Ok(bytes.iter().any(|place| place.iter().all(|&byte| byte == 0)))
}

/// Where a log ends: in its newest bucket that counts, as that was walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// Its cursors are those that were heard of.
    walk: Walk,
    /// That bucket, or [`NO_INDEX`] if nothing was ever committed, or nothing is left of it.
    head: u32,
    oldest: u32,
    extent: u32,
    /// Bytes behind the last commit that belong to none.
    pub(crate) abandoned_size: u32,
    /// The log was closed in order, or is new.
    clean: bool,
    journal_counts: bool,
}

impl End {
    /// That of a log without records.
    pub(crate) fn of_none() -> Self {
        Self {
            walk: Walk::from_number(1),
            head: NO_INDEX,
            oldest: 0,
            extent: 0,
            abandoned_size: 0,
            clean: true,
            journal_counts: false,
        }
    }

    /// The last number. In line in each place it would be more code.
    #[inline(never)]
    fn committed(&self) -> u64 {
        self.walk.committed.max(self.walk.first.saturating_sub(1))
    }

    /// Where the `newest` journal is, if it still counts, and up to which number it vouches for
    /// commits that are gone.
    #[inline(never)]
    fn journal(&self, newest: Option<&Journal>, slot: u8) -> (JournalState, u64) {
        let Some(newest) = newest else { return (JournalState::NONE, 0) };
        let mut journal = JournalState::of(newest, slot);
        if self.journal_counts {
            // It is the place for cursors until there is a newer bucket.
            journal.index = self.head;
        } else if self.head != NO_INDEX && journal.index < self.head {
            journal.index = NO_INDEX;
        } else {
            // Of a later bucket, which is gone, it tells that these numbers were committed. It will
            // count again once that bucket is begun anew.
            let cursors = (0..MAX_READERS).filter_map(|n| newest.cursors.get(n));
            return (journal, cursors.max().unwrap_or(0));
        }
        (journal, 0)
    }

    /// A committed `cursor` beyond the last commit found proves that everything up to it was
    /// committed once. Those numbers are lost, and never given again.
    fn number_beyond(&mut self, cursor: u64) -> Found {
        let lost = cursor.saturating_sub(self.committed());
        if lost > 0 {
            (self.walk.committed, self.clean) = (cursor, false);
        }
        Found {
            lost_last: cursor,
            lost_count: u32::try_from(lost).unwrap_or(u32::MAX),
            abandoned_size: self.abandoned_size,
        }
    }

    /// The end of a log that goes on behind this one.
    fn tail(&self) -> Tail {
        Tail {
            committed: self.committed(),
            stored: self.committed(),
            first: self.walk.first,
            head: self.head,
            anchor: self.head,
            oldest: self.oldest,
            offset: self.walk.end,
            reserved: self.extent,
            pending: 0,
            abandoned: !self.clean,
            closed: self.clean,
        }
    }

    /// What the readers have acknowledged.
    #[cfg(feature = "std")]
    pub(crate) fn told(&self) -> Cursors {
        self.walk.cursors
    }

    /// How far the log goes.
    #[cfg(feature = "std")]
    pub(crate) fn bounds(&self) -> Bounds {
        self.tail().bounds()
    }
}

impl<S: Storage> Probe<'_, '_, S> {
    /// Where the log ends now, for those who only look.
    #[cfg(feature = "std")]
    pub(crate) fn end_beside_writer(&mut self, journal: Option<&Journal>) -> End {
        let mut end = End::of_none();
        self.find_end(0, journal, false, &mut end);
        end
    }

    /// Finds the newest bucket that is not void, and where it ends, and says so in `end`. `cursor`
    /// is one that was committed; `own` says that nobody else writes.
    fn find_end(&mut self, cursor: u64, journal: Option<&Journal>, own: bool, end: &mut End) {
        let Some((newest, oldest)) = self.extremes() else { return };
        let (mut next, mut walked) = (Some(newest), newest);
        while let Some(index) = next.filter(|&index| index >= oldest) {
            if own {
                // A commit may have been on its way when a program ended and the power stayed on.
                self.storage.settle(self.plan.slot(index));
            }
            walked = index;
            if self.walk(index, cursor, &mut end.walk) {
                end.head = index;
                if end.walk.solid {
                    break;
                }
            }
            end.abandoned_size = end.abandoned_size.saturating_add(self.bytes_in(index));
            next = self.below(index);
        }
        end.clean = false;
        if walked != end.head {
            // No bucket at all lies below the lowest that is there.
            end.walk = Walk::from_number(1);
            if end.head != NO_INDEX {
                self.walk(end.head, cursor, &mut end.walk);
            }
        }
        if !end.walk.solid && end.walk.first <= 1 {
            // Nothing was ever committed, or not a byte of it is left.
            (end.head, end.walk) = (NO_INDEX, Walk::from_number(1));
            return;
        }
        // If it is not solid, the bucket before it is gone or rotten; the numbers up to here are
        // taken.
        end.oldest = oldest;
        self.end_at(end, end.head == newest);
        self.hear_cursors(journal, end);
    }

    /// The log ends in the bucket that was walked.
    #[inline(never)]
    fn end_at(&mut self, end: &mut End, is_newest: bool) {
        let (index, walk) = (end.head, &end.walk);
        end.extent = self.extent(index);
        let orderly = walk.closed && walk.headed && is_newest;
        end.clean = orderly && self.rest_is_blank(index, walk.end, end.extent);
        if !end.clean {
            let left = self.bytes_behind(index, walk.end, end.extent);
            end.abandoned_size = end.abandoned_size.saturating_add(left);
        }
    }

    /// Adds to the cursors of the newest bucket, where its header is rotten, those that the bucket
    /// before tells of; and those of the journal, if that counts.
    #[inline(never)]
    fn hear_cursors(&mut self, journal: Option<&Journal>, end: &mut End) {
        let (mut index, mut walk) = (end.head, end.walk);
        end.walk.cursors = Cursors::NONE;
        let told = &mut end.walk.cursors;
        loop {
            if let Some(journal) = journal.filter(|journal| journal.index == index) {
                told.fill(&journal.cursors);
                end.journal_counts = true;
            }
            told.fill(&walk.cursors);
            if walk.headed {
                break;
            }
            let below = self.below(index).filter(|&below| below >= end.oldest);
            let Some(below) = below else { break };
            index = below;
            if !self.walk(below, 0, &mut walk) {
                walk = Walk::from_number(0);
            }
        }
    }
}

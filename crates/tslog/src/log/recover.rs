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

#[cfg(feature = "std")]
use super::read::Bounds;
use super::{
    Log, NO_INDEX,
    cursors::newest_place,
    journal::JournalState,
    medium::Medium,
    probe::{Probe, Window, look},
    state::{Found, ReaderState, Tail},
    walk::Walk,
};
use crate::{
    error::Error,
    layout::{
        cursor::{Cursors, Journal},
        header::LogHeader,
    },
    storage::Storage,
    words::MAX_READERS,
};

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Fills in everything the log knows about itself from the medium.
    #[inline(never)]
    pub(super) fn recover(&mut self, header: &LogHeader) -> Result<(), Error<S::Error>> {
        let (mut placed, mut journal) = (Cursors::NONE, None);
        if self.plan.is_named::<S>() {
            placed = self.read_places()?;
        } else {
            let mut medium = Medium::new(&mut self.storage);
            let found = JournalState::find(&mut medium, &self.plan, header);
            (self.journal, journal) = medium.end(found).map_err(Error::Storage)?;
        }
        let least = (0..MAX_READERS).filter_map(|n| placed.get(n)).min().unwrap_or(0);
        let mut end = End::of_none();
        let oldest = self.scan(|probe| {
            probe.find_end(least, journal.as_ref(), true, &mut end);
            match end.tail.head {
                NO_INDEX => 1,
                head => probe.first_number(end.tail.oldest, head),
            }
        })?;
        if end.tail.head != NO_INDEX {
            // A journal that counts is the place for cursors until there is a newer bucket.
            self.journal.index = if end.journal_counts { end.tail.head } else { NO_INDEX };
        }
        (self.tail, self.clean, self.found.abandoned_size) =
            (end.tail, end.clean, end.abandoned_size);
        if self.plan.is_named::<S>() {
            for n in 0..self.reader_count {
                if self.is_fresh(n)? {
                    end.told.set(usize::from(n), None);
                }
            }
        }
        let before = oldest.saturating_sub(1);
        // A forged bucket may begin beyond the end, which does not show that it was committed.
        let before = if before > self.tail.committed { 0 } else { before };
        self.take_cursors(&end.told, &placed, before);
        self.number_beyond_cursors();
        if self.plan.is_named::<S>() {
            self.discard_consumed()?;
        }
        Ok(())
    }

    /// The cursors in the places of their own, where slots have names. None is known of a reader
    /// whose places are both torn or rotten.
    fn read_places(&mut self) -> Result<Cursors, Error<S::Error>> {
        let mut cursors = Cursors::NONE;
        for (n, state) in (0..self.reader_count).zip(&mut self.readers) {
            self.storage.settle_cursor(n).map_err(Error::Storage)?;
            let place = newest_place(&mut self.storage, self.plan.base_seed, n);
            if let Some(place) = place.map_err(Error::Storage)? {
                *state = ReaderState::at(place.cursor, place.counter);
                cursors.set(usize::from(n), Some(place.cursor));
            }
        }
        Ok(cursors)
    }

    /// True if no commit of reader `n` ever ended, and one of its places is as it was made: an
    /// older reader of that number was removed, and its cursor with it.
    fn is_fresh(&mut self, n: u8) -> Result<bool, Error<S::Error>> {
        let mut bytes = [[0; crate::storage::CURSOR_PLACE_SIZE]; 2];
        for (place, bytes) in (0..).zip(&mut bytes) {
            self.storage.read_cursor(n, place, bytes).map_err(Error::Storage)?;
        }
        Ok(bytes.iter().any(|place| place.iter().all(|&byte| byte == 0)))
    }

    /// Sets the cursor of each declared reader: the newest that is sound, or before the `oldest`
    /// record.
    fn take_cursors(&mut self, told: &Cursors, placed: &Cursors, oldest: u64) {
        for (n, state) in self.readers.iter_mut().enumerate() {
            if placed.get(n).is_none() {
                *state = ReaderState::at(told.get(n).unwrap_or(oldest), 0);
            }
        }
    }

    /// A committed cursor beyond the last commit found proves that everything up to it was
    /// committed once. Those numbers are lost, and never given again.
    fn number_beyond_cursors(&mut self) {
        let most = self.declared().iter().map(|reader| reader.committed).max().unwrap_or(0);
        let tail = &mut self.tail;
        if most > tail.committed {
            let count = most.saturating_sub(tail.committed);
            self.found = Found {
                lost_last: most,
                lost_count: u32::try_from(count).unwrap_or(u32::MAX),
                ..self.found
            };
            (tail.committed, tail.stored, tail.abandoned) = (most, most, true);
            self.clean = false;
        }
    }

    /// Looks at the medium through the batch buffer, which is idle while the log opens.
    fn scan<T>(
        &mut self,
        found: impl FnOnce(&mut Probe<'_, '_, S>) -> T,
    ) -> Result<T, Error<S::Error>> {
        let window = &mut Window::empty(self.buffer.as_mut(), self.plan.is_named::<S>());
        look(&mut self.storage, &self.plan, window, found).map_err(Error::Storage)
    }
}

/// Where a log ends, and what its newest bucket tells of the readers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(super) tail: Tail,
    /// The log was closed in order, or is new.
    clean: bool,
    /// Bytes behind the last commit that belong to none.
    pub(crate) abandoned_size: u32,
    pub(crate) told: Cursors,
    journal_counts: bool,
}

impl End {
    /// That of a log without records.
    pub(crate) fn of_none() -> Self {
        let (tail, told) = (Tail::empty(), Cursors::NONE);
        Self { tail, clean: true, abandoned_size: 0, told, journal_counts: false }
    }

    /// How far the log goes.
    #[cfg(feature = "std")]
    pub(crate) fn bounds(&self) -> Bounds {
        self.tail.bounds()
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
    #[inline(never)]
    fn find_end(&mut self, cursor: u64, journal: Option<&Journal>, own: bool, end: &mut End) {
        let Some((newest, oldest)) = self.extremes() else { return };
        let (mut lowest, mut walk) = (NO_INDEX, Walk::from_number(1));
        let mut next = Some(newest);
        while let Some(index) = next.filter(|&index| index >= oldest) {
            if own {
                // A commit may have been on its way when a program ended and the power stayed on.
                self.storage.settle(self.plan.slot(index));
            }
            if let Some(found) = self.walk(index, cursor) {
                (lowest, walk) = (index, found);
                if walk.solid {
                    break;
                }
            }
            end.abandoned_size = end.abandoned_size.saturating_add(self.bytes_in(index));
            next = self.below(index);
        }
        end.clean = false;
        if walk.solid || walk.first > 1 {
            // If it is not solid, the bucket before it is gone or rotten; the numbers up to here
            // are taken.
            self.end_at(lowest, &walk, lowest == newest, end);
            end.tail.oldest = oldest;
            self.hear_cursors(&mut walk, journal, end);
        } else {
            // Nothing was ever committed, or not a byte of it is left.
            end.tail.abandoned = true;
        }
    }

    /// The log ends in bucket `index`.
    fn end_at(&mut self, index: u32, walk: &Walk, is_newest: bool, end: &mut End) {
        let extent = self.storage.extent(self.plan.slot(index)).min(self.plan.slot_size);
        let orderly = walk.closed && walk.headed && is_newest;
        end.clean = orderly && self.rest_is_blank(index, walk.end, extent);
        if !end.clean {
            let left = self.bytes_behind(index, walk.end, extent);
            end.abandoned_size = end.abandoned_size.saturating_add(left);
        }
        let committed = walk.committed.unwrap_or(walk.first.saturating_sub(1));
        let tail = &mut end.tail;
        (tail.committed, tail.stored, tail.first) = (committed, committed, walk.first);
        (tail.head, tail.anchor, tail.offset) = (index, index, walk.end);
        (tail.reserved, tail.abandoned, tail.closed) = (extent, !end.clean, end.clean);
    }

    /// The cursors that the newest bucket, of this `walk`, tells of, and where its header is
    /// rotten, those of the bucket before; and those of the journal, if that counts.
    fn hear_cursors(&mut self, walk: &mut Walk, journal: Option<&Journal>, end: &mut End) {
        let mut index = end.tail.head;
        loop {
            if let Some(journal) = journal.filter(|journal| journal.index == index) {
                end.told.fill(&journal.cursors);
                end.journal_counts = true;
            }
            end.told.fill(&walk.cursors);
            if walk.headed {
                break;
            }
            let below = self.below(index).filter(|&below| below >= end.tail.oldest);
            let Some(below) = below else { break };
            index = below;
            if let Some(found) = self.walk(below, 0) {
                *walk = found;
            }
        }
    }
}

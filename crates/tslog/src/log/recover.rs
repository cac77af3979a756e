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

use super::{
    Log, NO_INDEX,
    cursors::newest_place,
    journal::JournalState,
    medium::Medium,
    probe::{Probe, Window, look},
    state::{Found, ReaderState},
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
        let placed = if self.plan.is_named::<S>() { self.read_places()? } else { Cursors::NONE };
        let least = (0..MAX_READERS).filter_map(|n| placed.get(n)).min();
        let walk = self.find_tail(least.unwrap_or(0))?;
        let told = self.told_cursors(walk, header)?;
        self.take_cursors(&told, &placed)?;
        self.number_beyond_cursors();
        if self.plan.is_named::<S>() {
            self.discard_consumed()?;
        }
        Ok(())
    }

    /// Finds the newest bucket that is not void, and where it ends.
    #[inline(never)]
    fn find_tail(&mut self, cursor: u64) -> Result<Option<Walk>, Error<S::Error>> {
        let Some((newest, oldest)) = self.scan(|probe| -> Option<_> { probe.extremes() })? else {
            self.clean = true;
            return Ok(None);
        };
        self.tail.oldest = oldest;
        let mut lowest: Option<(u32, Walk)> = None;
        let mut next = Some(newest);
        while let Some(index) = next.filter(|&index| index >= oldest) {
            // A commit may have been on its way when the program ended, and the power stayed on.
            self.storage.settle(self.plan.slot(index)).map_err(Error::Storage)?;
            let walk = self.scan(|probe| probe.walk(index, cursor))?;
            if let Some(walk) = walk {
                if walk.solid {
                    return self.end_at(index, walk, newest).map(Some);
                }
                lowest = Some((index, walk));
            }
            let left = self.scan(|probe| probe.bytes_in(index))?;
            self.found.abandoned_size = self.found.abandoned_size.saturating_add(left);
            next = self.scan(|probe| probe.below(index))?;
        }
        match lowest {
            // The bucket before it is gone or rotten; the numbers up to here are taken.
            Some((index, walk)) if walk.first > 1 => self.end_at(index, walk, newest).map(Some),
            // Nothing was ever committed, or not a byte of it is left.
            _ => {
                (self.tail.oldest, self.tail.abandoned) = (0, true);
                Ok(None)
            }
        }
    }

    /// The log ends in bucket `index`.
    #[inline(never)]
    fn end_at(&mut self, index: u32, walk: Walk, newest: u32) -> Result<Walk, Error<S::Error>> {
        let committed = walk.committed.unwrap_or(walk.first.saturating_sub(1));
        let slot = self.plan.slot(index);
        let extent = self.storage.extent(slot).map_err(Error::Storage)?;
        let extent = extent.min(self.plan.slot_size);
        let orderly = walk.closed && walk.headed && index == newest;
        let clean = orderly && self.scan(|probe| probe.rest_is_blank(index, walk.end, extent))?;
        let tail = &mut self.tail;
        (tail.committed, tail.stored, tail.first) = (committed, committed, walk.first);
        (tail.head, tail.anchor, tail.offset) = (index, index, walk.end);
        tail.reserved = extent;
        (tail.abandoned, tail.closed) = (!clean, clean);
        self.clean = clean;
        if !clean {
            let left = self.scan(|probe| probe.bytes_behind(index, walk.end, extent))?;
            self.found.abandoned_size = self.found.abandoned_size.saturating_add(left);
        }
        Ok(walk)
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

    /// The cursors that lie in the ring or in the journal.
    #[inline(never)]
    fn told_cursors(
        &mut self,
        walk: Option<Walk>,
        header: &LogHeader,
    ) -> Result<Cursors, Error<S::Error>> {
        let mut journal = None;
        if !self.plan.is_named::<S>() {
            let mut medium = Medium::new(&mut self.storage);
            let found = JournalState::find(&mut medium, &self.plan, header);
            (self.journal, journal) = medium.end(found).map_err(Error::Storage)?;
        }
        let Some(walk) = walk else { return Ok(Cursors::NONE) };
        let (anchor, oldest) = (self.tail.anchor, self.tail.oldest);
        let (mut told, counts) =
            self.scan(|probe| probe.told_cursors(anchor, oldest, walk, journal))?;
        // A journal that counts is the place for cursors until there is a newer bucket.
        self.journal.index = if counts { self.tail.anchor } else { NO_INDEX };
        if self.plan.is_named::<S>() {
            for n in 0..self.reader_count {
                if self.is_fresh(n)? {
                    told.set(usize::from(n), None);
                }
            }
        }
        Ok(told)
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

    /// Sets the cursor of each declared reader: the newest that is sound, or the oldest record.
    #[inline(never)]
    fn take_cursors(&mut self, told: &Cursors, placed: &Cursors) -> Result<(), Error<S::Error>> {
        let oldest = self.numbers()?.first.saturating_sub(1);
        for (n, state) in self.readers.iter_mut().enumerate() {
            if placed.get(n).is_none() {
                *state = ReaderState::at(told.get(n).unwrap_or(oldest), 0);
            }
        }
        Ok(())
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

impl<S: Storage> Probe<'_, '_, S> {
    /// The cursors that bucket `index`, the newest, tells of, and where its header is rotten, those
    /// of the bucket before. Also says whether the journal counts.
    pub(crate) fn told_cursors(
        &mut self,
        mut index: u32,
        oldest: u32,
        mut walk: Walk,
        journal: Option<Journal>,
    ) -> (Cursors, bool) {
        let mut told = Cursors::NONE;
        let mut counts = false;
        loop {
            if let Some(journal) = journal.filter(|journal| journal.index == index) {
                told.fill(&journal.cursors);
                counts = true;
            }
            told.fill(&walk.cursors);
            if walk.headed {
                break;
            }
            let below = self.below(index);
            let Some(before) = below.filter(|&before| before >= oldest) else { break };
            index = before;
            if let Some(before) = self.walk(before, 0) {
                walk = before;
            }
        }
        (told, counts)
    }
}

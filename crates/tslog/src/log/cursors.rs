//! Cursors: how a reader's commit gets onto the medium.
//!
//! On named slots each reader has two places, written in turn. On fixed slots a cursor is a frame
//! in
//! the newest bucket, so that wear spreads; where that has no room, a new bucket is begun; and
//! where
//! the ring has no free slot, or the room is promised to a batch, all cursors go as a journal
//! beside
//! the log header, so that a full log can always be drained. A journal counts only as long as the
//! bucket it names is the newest, and from then on all cursors go there until there is a newer one.

use super::{Log, NO_INDEX, journal::JournalState, reader::Reader, state::ReaderState};
use crate::{
    error::Error,
    layout::{
        cursor::{Cursors, Journal, Place, encode_payload},
        frame::Kind,
    },
    storage::Storage,
};

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Makes the cursor of this reader durable, and returns it: everything it has read may then be
    /// forgotten. It never needs new space.
    ///
    /// *Power goes before this returns:* the cursor is the one before or this one, and records are
    /// at worst handed out again.
    ///
    /// # Errors
    /// [`Error::Storage`], after which the log is poisoned; [`Error::Closed`]; [`Error::Poisoned`].
    pub fn commit_reader(&mut self, reader: &mut Reader) -> Result<u64, Error<S::Error>> {
        self.check_open()?;
        let state = *self.state_of(reader)?;
        if state.cursor == state.committed {
            return Ok(state.committed);
        }
        if self.plan.is_named::<S>() {
            self.write_place(reader, state)?;
        } else {
            self.mend_header()?;
            self.write_to_ring(reader.n, state)?;
        }
        self.state_of(reader)?.committed = state.cursor;
        Ok(state.cursor)
    }

    /// Writes the place that does not hold the newest cursor.
    fn write_place(&mut self, reader: &Reader, state: ReaderState) -> Result<(), Error<S::Error>> {
        let counter = state.counter.wrapping_add(1);
        let index = self.tail.anchor;
        let place = Place { counter, index, cursor: state.cursor, reader: reader.n };
        let bytes = place.encode(self.plan.base_seed);
        let which = u8::from(counter % 2 == 1);
        let written = self.storage.write_cursor(reader.n, which, &bytes);
        written.map_err(|error| self.poison(error))?;
        self.state_of(reader)?.counter = counter;
        Ok(())
    }

    /// Writes a cursor frame into the ring, or a journal if there is no room.
    fn write_to_ring(&mut self, n: u8, state: ReaderState) -> Result<(), Error<S::Error>> {
        let cursor = state.cursor;
        // A cursor that moves back needs what its old place would give up.
        let back = cursor < state.committed;
        let idle = self.tail.pending == 0 && !self.tail.has_parts();
        if !self.cursor_fits() {
            if !idle || !self.has_free_slot(back)? {
                return self.write_journal(n, cursor);
            }
            self.roll()?;
        }
        self.write_small(Kind::Cursor, 1, &encode_payload(n, cursor))?;
        self.tail.anchor = self.tail.head;
        self.sync()
    }

    /// True if the newest bucket has room for a cursor frame beside the batch that is waiting, and
    /// recovery would find it there.
    fn cursor_fits(&self) -> bool {
        let tail = &self.tail;
        let waiting = match tail.pending {
            0 => 0,
            pending => self.plan.frame_bytes(u32::from(pending)),
        };
        let end = tail.offset.saturating_add(self.plan.cursor_frame()).saturating_add(waiting);
        let orderly = tail.is_begun() || tail.first == tail.committed.saturating_add(1);
        tail.head != NO_INDEX
            && !tail.abandoned
            && self.journal.index != tail.anchor
            && orderly
            && end <= self.plan.slot_size
    }

    /// True if a bucket can be begun without giving up anything a reader needs.
    pub(super) fn has_free_slot(&mut self, back: bool) -> Result<bool, Error<S::Error>> {
        let (head, oldest) = (self.tail.head, self.tail.oldest);
        let next = head.saturating_add(1);
        if head == NO_INDEX || next.saturating_sub(oldest) < self.ring {
            return Ok(head < crate::words::MAX_INDEX || head == NO_INDEX);
        }
        let last_to_go = next.saturating_sub(self.ring);
        Ok(!back && last_to_go < self.tail.anchor && self.is_consumed(last_to_go)?)
    }

    /// Writes all cursors beside the log header.
    fn write_journal(&mut self, n: u8, cursor: u64) -> Result<(), Error<S::Error>> {
        self.forget_torn_bucket()?;
        let mut cursors = Cursors::NONE;
        for (reader, state) in self.declared().iter().enumerate() {
            cursors.set(reader, Some(state.committed));
        }
        cursors.set(usize::from(n), Some(cursor));
        let counter = self.journal.counter.wrapping_add(1);
        let journal = Journal { counter, index: self.tail.anchor, cursors };
        match JournalState::write(&self.journal, &mut self.storage, &self.plan, &journal) {
            Ok(state) => self.journal = state,
            Err(error) => return Err(self.poison(error)),
        }
        self.sync()
    }

    /// Takes over what readers in other processes have committed. What differs from what is known
    /// is made durable before it is believed.
    pub(super) fn refresh_cursors(&mut self) -> Result<(), Error<S::Error>> {
        for n in 0..self.reader_count {
            let seed = self.plan.base_seed;
            let Some(known) = self.readers.get(usize::from(n)).copied() else { break };
            let mut newest = newest_place(&mut self.storage, seed, n).map_err(Error::Storage)?;
            if newest.is_some_and(|place| place.counter != known.counter) {
                self.storage.settle_cursor(n).map_err(|error| self.poison(error))?;
                newest = newest_place(&mut self.storage, seed, n).map_err(Error::Storage)?;
            }
            if let (Some(place), Some(state)) = (newest, self.readers.get_mut(usize::from(n))) {
                state.committed = place.cursor.min(self.tail.committed);
                state.counter = place.counter;
            }
        }
        Ok(())
    }
}

/// The place of reader `n` that counts: of two sound ones, the one written later.
pub(crate) fn newest_place<S: Storage>(
    storage: &mut S,
    base_seed: u32,
    n: u8,
) -> Result<Option<Place>, S::Error> {
    let mut newest: Option<Place> = None;
    for which in 0..2 {
        let mut bytes = [0; crate::storage::CURSOR_PLACE_SIZE];
        storage.read_cursor(n, which, &mut bytes)?;
        let place = Place::decode(&bytes, base_seed, n);
        // The counter wraps, so "later" is by the sign of the difference.
        let later = |place: &Place| match newest {
            Some(newest) => place.counter.wrapping_sub(newest.counter) < 1 << 31,
            None => true,
        };
        newest = place.filter(later).or(newest);
    }
    Ok(newest)
}

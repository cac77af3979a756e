//! Readers: their cursors in RAM, and how a committed cursor gets onto the medium.
//!
//! On named slots each reader has two places, written in turn. On fixed slots a cursor is a frame
//! in
//! the newest bucket, so that wear spreads; where that has no room, a new bucket is begun; and
//! where
//! the ring has no free slot, or the room is promised to a batch, all cursors go as a journal
//! beside
//! the log header, so that a full log can always be drained. A journal counts only as long as the
//! bucket it names is the newest, and from then on all cursors go there until there is a newer one.

use super::{
    Log, NO_INDEX,
    journal::JournalState,
    read::{Position, Step},
    state::State,
};
use crate::{
    error::{Error, Invalid},
    layout::{
        cursor::{Journal, Place, encode_payload},
        frame::Kind,
    },
    storage::Storage,
    words::{MAX_READERS, SeqnRange},
};

/// What a log keeps for one reader.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReaderState {
    /// The cursor that is durable.
    pub(super) committed: u64,
    /// The last number handed out.
    pub(super) cursor: u64,
    /// Counts the commits to this reader's places, on named slots.
    pub(super) counter: u32,
    /// The handle that is valid now; 0 before the first.
    handle: u8,
}

impl ReaderState {
    pub(super) fn at(committed: u64, counter: u32) -> Self {
        Self { committed, cursor: committed, counter, handle: 0 }
    }
}

/// A handle to one reader of a [`Log`], to be passed to its reading methods.
///
/// It is the position and whose it is, in 16 bytes.
#[derive(Debug)]
pub struct Reader {
    index: u32,
    offset: u32,
    left: u32,
    taken: u16,
    n: u8,
    handle: u8,
}

impl Reader {
    fn at(&self) -> Position {
        let Self { index, offset, left, taken, .. } = *self;
        Position { index, offset, left, taken }
    }

    fn stand_at(&mut self, at: Position) {
        let Position { index, offset, left, taken } = at;
        *self = Self { index, offset, left, taken, ..*self };
    }
}

/// Records that were read at once: they lie back to back in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The number of the first record.
    pub first: u64,
    /// How many records there are, at least 1.
    pub count: u32,
}

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// A handle for reader `n`, which starts behind its committed cursor. An older handle of the
    /// same reader is closed by this.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such reader; [`Error::Closed`].
    pub fn reader(&mut self, n: u8) -> Result<Reader, Error<S::Error>> {
        if self.state == State::Closed {
            return Err(Error::Closed);
        }
        let refused = Invalid::Reader(u32::from(n), u32::from(self.reader_count));
        if n >= self.reader_count {
            return Err(refused.into());
        }
        let state = self.readers.get_mut(usize::from(n)).ok_or(refused)?;
        state.cursor = state.committed;
        state.handle = state.handle.wrapping_add(1).max(1);
        let mut reader = Reader { index: 0, offset: 0, left: 0, taken: 0, n, handle: state.handle };
        reader.stand_at(Position::NOWHERE);
        Ok(reader)
    }

    /// Copies the next record into `out`, moves the cursor over it, and returns its number; `None`
    /// if nothing more is durable.
    ///
    /// # Errors
    /// [`Error::Damaged`] and [`Error::Lost`] name numbers that cannot be read; the reader then
    /// stands behind them. [`Error::Invalid`] if `out` is shorter than a record; [`Error::Closed`];
    /// [`Error::Storage`].
    pub fn next_record(
        &mut self,
        reader: &mut Reader,
        out: &mut [u8],
    ) -> Result<Option<u64>, Error<S::Error>> {
        let out = self.one_record(out)?;
        Ok(self.read(reader, out, true)?.map(|batch| batch.first))
    }

    /// As [`Log::next_record`], but the cursor stays where it is.
    ///
    /// # Errors
    /// As [`Log::next_record`].
    pub fn peek_record(
        &mut self,
        reader: &mut Reader,
        out: &mut [u8],
    ) -> Result<Option<u64>, Error<S::Error>> {
        let out = self.one_record(out)?;
        Ok(self.read(reader, out, false)?.map(|batch| batch.first))
    }

    /// Copies as many records into `out` as fit and are durable, back to back, and moves the cursor
    /// over them.
    ///
    /// # Errors
    /// As [`Log::next_record`]. What was read before a gap is returned first, and the gap is told
    /// by
    /// the next call.
    pub fn read_batch(
        &mut self,
        reader: &mut Reader,
        out: &mut [u8],
    ) -> Result<Option<Batch>, Error<S::Error>> {
        self.one_record(out)?;
        let size = self.record_size();
        let mut batch: Option<Batch> = None;
        loop {
            let done = batch.map_or(0, |batch| batch.count as usize).saturating_mul(size);
            let rest = out.get_mut(done..).filter(|rest| rest.len() >= size);
            let Some(rest) = rest else { return Ok(batch) };
            let before = (reader.at(), self.cursor_of(reader)?);
            match (self.read(reader, rest, true), &mut batch) {
                (Ok(None), _) => return Ok(batch),
                (Ok(Some(more)), None) => batch = Some(more),
                (Ok(Some(more)), Some(batch)) => {
                    batch.count = batch.count.saturating_add(more.count);
                }
                (Err(error), None) => return Err(error),
                (Err(_), Some(batch)) => {
                    reader.stand_at(before.0);
                    self.state_of(reader)?.cursor = before.1;
                    return Ok(Some(*batch));
                }
            }
        }
    }

    /// Makes `seqn` the next record this reader reads. Only a commit makes that durable.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the numbers there are, if `seqn` is neither one of them nor the one
    /// to come; [`Error::Closed`]; [`Error::Storage`].
    pub fn seek(&mut self, reader: &mut Reader, seqn: u64) -> Result<(), Error<S::Error>> {
        self.state_of(reader)?;
        let range = self.numbers()?;
        if seqn < range.first || seqn > range.last.saturating_add(1) {
            return Err(Invalid::Seqn(seqn, range).into());
        }
        reader.stand_at(Position::NOWHERE);
        self.state_of(reader)?.cursor = seqn.saturating_sub(1);
        Ok(())
    }

    /// The numbers that can be read: from the first of the oldest bucket to the last durable one.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn numbers(&mut self) -> Result<SeqnRange, Error<S::Error>> {
        let bounds = self.bounds();
        let last = bounds.last;
        if bounds.head == NO_INDEX {
            return Ok(SeqnRange { first: last.saturating_add(1), last });
        }
        let first = self.look(|probe| probe.first_number(bounds.oldest, bounds.head))?;
        Ok(SeqnRange { first, last })
    }

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
        if self.plan.named {
            self.write_place(reader, state)?;
        } else {
            self.mend_header()?;
            self.write_to_ring(reader.n, state)?;
        }
        self.state_of(reader)?.committed = state.cursor;
        Ok(state.cursor)
    }

    /// The last number this reader has read.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn cursor(&mut self, reader: &Reader) -> Result<u64, Error<S::Error>> {
        self.cursor_of(reader)
    }

    /// How many records this reader has read and not committed.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn unacknowledged(&mut self, reader: &Reader) -> Result<u64, Error<S::Error>> {
        let state = self.state_of(reader)?;
        Ok(state.cursor.saturating_sub(state.committed))
    }

    fn one_record<'o>(&self, out: &'o mut [u8]) -> Result<&'o mut [u8], Error<S::Error>> {
        let (need, have) = (self.record_size(), out.len());
        Ok(out.get_mut(..need).ok_or(Invalid::Buffer(need as u64, have as u64))?)
    }

    fn state_of(&mut self, reader: &Reader) -> Result<&mut ReaderState, Error<S::Error>> {
        let open = self.state != State::Closed;
        let state = self.readers.get_mut(usize::from(reader.n));
        state.filter(|state| open && state.handle == reader.handle).ok_or(Error::Closed)
    }

    fn cursor_of(&mut self, reader: &Reader) -> Result<u64, Error<S::Error>> {
        Ok(self.state_of(reader)?.cursor)
    }

    fn read(
        &mut self,
        reader: &mut Reader,
        out: &mut [u8],
        advance: bool,
    ) -> Result<Option<Batch>, Error<S::Error>> {
        let first = self.cursor_of(reader)?.saturating_add(1);
        let bounds = self.bounds();
        let mut at = reader.at();
        let step = self.look(|probe| probe.read(&bounds, &mut at, first, out));
        reader.stand_at(at);
        match step? {
            Step::End => Ok(None),
            Step::Records(count) => {
                if advance {
                    at.take(count);
                    reader.stand_at(at);
                    let last = first.saturating_add(u64::from(count)).saturating_sub(1);
                    self.state_of(reader)?.cursor = last;
                }
                Ok(Some(Batch { first, count }))
            }
            Step::Damaged(range) => {
                self.state_of(reader)?.cursor = range.last;
                Err(Error::Damaged(range))
            }
            Step::Lost(range) => {
                self.state_of(reader)?.cursor = range.last;
                Err(Error::Lost(range))
            }
        }
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
            pending => self.plan.frame_bytes(u64::from(pending)),
        };
        let end = u64::from(tail.offset)
            .saturating_add(u64::from(self.plan.cursor_frame()))
            .saturating_add(waiting);
        let orderly = tail.is_begun(&self.plan) || tail.first == tail.committed.saturating_add(1);
        tail.head != NO_INDEX
            && !tail.abandoned
            && self.journal.index != tail.anchor
            && orderly
            && end <= u64::from(self.plan.slot_size)
    }

    /// True if a bucket can be begun without giving up anything a reader needs.
    fn has_free_slot(&mut self, back: bool) -> Result<bool, Error<S::Error>> {
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
        let mut cursors = [None; MAX_READERS];
        let committed = self.declared().iter().map(|reader| Some(reader.committed));
        for (slot, committed) in cursors.iter_mut().zip(committed) {
            *slot = committed;
        }
        if let Some(own) = cursors.get_mut(usize::from(n)) {
            *own = Some(cursor);
        }
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

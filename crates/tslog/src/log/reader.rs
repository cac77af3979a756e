//! Readers: their handles, and reading through them.
//!
//! It promises that a reader is given every durable number once and in order, or told of it in an
//! error, and that only the newest handle of a reader moves its cursor.

use super::{
    Log, NO_INDEX,
    read::{Position, Step},
    state::{ReaderState, State},
};
use crate::{
    error::{Error, Invalid},
    storage::Storage,
    words::SeqnRange,
};

/// A handle to one reader of a [`Log`], to be passed to its reading methods.
///
/// It is the position and whose it is, in 16 bytes.
///
/// ```
/// # use tslog::{Config, Log, storage::ram::Ram};
/// # let mut medium = [0xFF; 8 * 256];
/// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
/// # let buffer = [0; tslog::buffer_size(8, 2)];
/// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
/// for record in [b"one", b"two"] {
///     log.store_record(record)?;
/// }
/// let mut reader = log.reader(0)?;
/// let mut record = [0; 8];
/// assert_eq!(log.peek_record(&mut reader, &mut record)?, Some(1));
/// assert_eq!(log.next_record(&mut reader, &mut record)?, Some(1));
/// assert_eq!((log.cursor(&reader)?, log.unacknowledged(&reader)?), (1, 1));
/// log.seek(&mut reader, 2)?;
/// assert_eq!(log.next_record(&mut reader, &mut record)?, Some(2));
/// assert_eq!(&record, b"two\0\0\0\0\0");
/// assert_eq!(log.commit_reader(&mut reader)?, 2);
/// assert_eq!(log.next_record(&mut reader, &mut record)?, None);
/// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    index: u32,
    offset: u32,
    left: u32,
    taken: u16,
    pub(super) n: u8,
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
///
/// ```
/// # use tslog::{Config, Log, storage::ram::Ram};
/// # let mut medium = [0xFF; 8 * 256];
/// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
/// # let buffer = [0; tslog::buffer_size(8, 2)];
/// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
/// for record in [b"one", b"two"] {
///     log.store_record(record)?;
/// }
/// let mut reader = log.reader(0)?;
/// let mut records = [0; 10 * 8];
/// let batch = log.read_batch(&mut reader, &mut records)?.expect("two are durable");
/// assert_eq!((batch.first, batch.count), (1, 2));
/// assert_eq!(log.numbers()?.count(), 2);
/// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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

    pub(super) fn state_of(
        &mut self,
        reader: &Reader,
    ) -> Result<&mut ReaderState, Error<S::Error>> {
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
        let step = self.look(|probe| probe.read(&bounds, &mut at, first, out))?;
        reader.stand_at(at);
        match step {
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
}

//! The log itself: one algorithm over any [`Storage`].
//!
//! It owns every decision about when a byte is written, believed or given up, and promises:
//!
//! 1. `store` copies the record into the batch in RAM. If the bucket has no room for one more, the
//!    next one is secured first (`store.rs`, `room.rs`), so that a commit never lacks space.
//! 2. `commit` writes the batch as one frame, with the header of the bucket in front if it is the
//!    first, and syncs (`commit.rs`). *Power goes before the sync returns:* the frame is whole and
//!    counts, or its check fails and the whole commit is gone.
//! 3. A commit that spans two buckets leaves part frames behind, which are synced before the frame
//!    that ends it is written. *Power goes between:* parts without an end are no commit.
//! 4. A bucket is given up only when a new one is begun, and only if every committed cursor is
//!    behind it (`store.rs`).
//! 5. A reader's commit is a frame in the ring, or its own place where slots have names
//!    (`cursors.rs`).
//! 6. Opening finds the newest bucket by bisection or by name, and walks that one only
//!    (`recover.rs`). It writes nothing.

mod ahead;
#[cfg(feature = "std")]
pub(crate) mod at_hand;
pub(crate) mod commit;
pub(crate) mod create;
pub(crate) mod cursors;
pub(crate) mod header;
mod journal;
pub(crate) mod medium;
mod newest;
pub(crate) mod probe;
pub(crate) mod read;
mod reader;
pub(crate) mod recover;
mod room;
mod shape;
mod state;
pub(crate) mod store;
pub(crate) mod unmade;
mod walk;
mod write;

#[doc(hidden)]
pub use commit::Begun;
#[cfg(feature = "std")]
pub(crate) use journal::newest_journal;
pub use reader::{Batch, Reader};
pub use state::{Report, Stats, buffer_size};

use crate::{
    config::{Config, Policy},
    error::{Error, Invalid},
    layout::plan::Plan,
    storage::Storage,
    words::{MAX_READERS, SeqnRange},
};
use journal::JournalState;
use probe::{CHUNK_SIZE, Probe, Window};
use read::Bounds;
use recover::{Known, recover};
use shape::Shape;
use state::{Found, ReaderState, State, Tail, check_batch, limit};

/// "No bucket", where an index is expected.
pub(crate) const NO_INDEX: u32 = u32::MAX;

/// A crash-safe log of fixed-length records.
///
/// `S` is the medium, `B` the buffer a batch is gathered in ([`buffer_size`] says how large), and
/// `R` the most readers this value can serve. Dropping a log commits nothing: that is what a crash
/// looks like, and [`Log::close`] what an orderly end does.
///
/// ```
/// use tslog::{Config, Log, storage::ram::Ram};
///
/// let mut medium = [0xFF; 8 * 256];
/// let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
/// let buffer = [0; tslog::buffer_size(8, 2)];
/// let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
/// assert_eq!(log.store_record(&7_u64.to_le_bytes())?, 1);
/// assert_eq!(log.store_record(&8_u64.to_le_bytes())?, 2);
/// assert_eq!((log.record_size(), log.readers()), (8, 1));
///
/// let mut reader = log.reader(0)?;
/// let mut record = [0; 8];
/// assert_eq!(log.next_record(&mut reader, &mut record)?, Some(1));
/// assert_eq!(u64::from_le_bytes(record), 7);
/// log.commit_reader(&mut reader)?;
/// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
/// ```
#[derive(Debug)]
pub struct Log<S, B, const R: usize = 1> {
    storage: S,
    buffer: B,
    plan: Plan,
    commit_delta: u32,
    /// The most buckets there may be at once.
    ring: u32,
    tail: Tail,
    found: Found,
    journal: JournalState,
    readers: [ReaderState; R],
    reader_count: u8,
    policy: Policy,
    state: State,
    copies: header::Copies,
    clean: bool,
    /// The slot of the next bucket is blank already.
    ahead: bool,
}

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Makes an empty log. A log that is already there is replaced: a power cut at any step leaves
    /// either all of the old one or the new one.
    ///
    /// # Errors
    /// [`Error::Invalid`] before anything changed; [`Error::Storage`].
    pub fn create(storage: S, buffer: B, config: &Config<'_>) -> Result<Self, Error<S::Error>> {
        let mut storage = storage;
        let mut shape = Shape::default();
        shape.replace(&mut storage, config)?;
        Self::start(storage, buffer, config, &mut shape)
    }

    /// Opens the log that is there. Nothing is written, and nothing is ever formatted.
    ///
    /// ```
    /// # use tslog::{Config, Log, storage::ram::Ram};
    /// # let mut medium = [0xFF; 8 * 256];
    /// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
    /// # let buffer = [0; tslog::buffer_size(8, 2)];
    /// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
    /// log.store_record(b"one")?;
    /// log.close()?;
    /// let medium = log.into_storage();
    ///
    /// let mut log = Log::<_, _, 1>::open(medium, buffer, &config)?;
    /// assert!(log.report().clean);
    /// assert_eq!(log.stats().committed, 1);
    /// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoLog`], [`Error::NotALog`], [`Error::Version`], [`Error::Mismatch`],
    /// [`Error::Invalid`] and [`Error::Storage`].
    pub fn open(storage: S, buffer: B, config: &Config<'_>) -> Result<Self, Error<S::Error>> {
        let mut storage = storage;
        let mut shape = Shape::default();
        shape.find(&mut storage)?;
        shape.check_formats(&mut storage, config)?;
        Self::start(storage, buffer, config, &mut shape)
    }

    /// Opens the log that is there, or makes one if there is none.
    ///
    /// ```
    /// use tslog::{Config, Error, Log, storage::ram::Ram};
    ///
    /// let mut medium = [0xFF; 8 * 256];
    /// let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
    /// for boot in 1..=3 {
    ///     let (ram, buffer) = (Ram::new(&mut medium[..], 256, 1), [0; tslog::buffer_size(8, 2)]);
    ///     let mut log = Log::<_, _, 1>::open_or_create(ram, buffer, &config)?;
    ///     assert_eq!(log.store_record(b"awake")?, boot);
    ///     log.commit()?;
    /// }
    /// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Log::open`] and [`Log::create`], [`Error::NoLog`] excepted.
    pub fn open_or_create(
        storage: S,
        buffer: B,
        config: &Config<'_>,
    ) -> Result<Self, Error<S::Error>> {
        let mut storage = storage;
        let mut shape = Shape::default();
        shape.find_or_make(&mut storage, config)?;
        shape.check_formats(&mut storage, config)?;
        Self::start(storage, buffer, config, &mut shape)
    }

    /// Goes on where the log ends.
    #[inline(never)]
    fn start(
        mut storage: S,
        mut buffer: B,
        config: &Config<'_>,
        shape: &mut Shape,
    ) -> Result<Self, Error<S::Error>> {
        Self::admit(shape, buffer.as_ref().len(), config)?;
        if shape.plan.is_named::<S>() {
            storage.set_readers(config.readers).map_err(Error::Storage)?;
        }
        let known = recover(&mut storage, buffer.as_mut(), shape, config.readers);
        let Known { tail, clean, headed, found, journal, readers } =
            known.map_err(Error::Storage)?;
        let mut log = Self {
            storage,
            buffer,
            plan: shape.plan,
            commit_delta: config.commit_delta,
            ring: limit(&shape.plan, config.max_buckets, config.commit_delta),
            tail,
            found,
            journal,
            readers,
            reader_count: config.readers,
            policy: config.policy,
            state: State::Open,
            copies: shape.copies,
            clean,
            ahead: false,
        };
        // Where the header of the newest bucket is rotten, the one before it says that it counts.
        if headed && log.plan.is_named::<S>() {
            log.discard_consumed()?;
        }
        Ok(log)
    }

    /// Refuses a log of other sizes than those asked for, and what it cannot do.
    #[inline(never)]
    fn admit(shape: &mut Shape, buffer: usize, config: &Config<'_>) -> Result<(), Error<S::Error>> {
        shape.check_sizes(config)?;
        let plan = &mut shape.plan;
        if !plan.is_named::<S>() {
            // So that a commit never spans more than two buckets.
            plan.bucket_size = plan.bucket_size.max(config.commit_delta);
        }
        let readers = usize::from(config.readers);
        if readers == 0 || readers > R.min(MAX_READERS) {
            return Err(Invalid::Readers(u32::from(config.readers)).into());
        }
        Ok(check_batch::<S>(plan, config.commit_delta, buffer)?)
    }

    /// The last number, the buckets and the lag.
    pub fn stats(&self) -> Stats {
        let tail = &self.tail;
        let bucket = match tail.head {
            NO_INDEX => 0,
            head if tail.stored >= tail.first => head,
            head => head.saturating_sub(1).max(tail.oldest),
        };
        let least = self.declared().iter().map(|reader| reader.cursor).min().unwrap_or(0);
        Stats {
            seqn: tail.stored,
            committed: tail.committed,
            bucket,
            oldest_bucket: tail.oldest,
            lag: tail.stored.saturating_sub(least),
        }
    }

    /// What opening found.
    pub fn report(&self) -> Report {
        let found = &self.found;
        let count = u64::from(found.lost_count);
        Report {
            clean: self.clean,
            abandoned_size: found.abandoned_size,
            lost: (count > 0).then(|| SeqnRange {
                first: found.lost_last.saturating_sub(count).saturating_add(1),
                last: found.lost_last,
            }),
            header_damaged: self.copies.damaged().is_some(),
        }
    }

    /// How many records are stored and not yet committed.
    pub fn uncommitted(&self) -> u64 {
        self.tail.stored.saturating_sub(self.tail.committed)
    }

    /// Bytes in a record, the tag included.
    pub fn record_size(&self) -> usize {
        self.plan.record_size as usize
    }

    /// Records in a full bucket.
    pub fn bucket_size(&self) -> u32 {
        self.plan.bucket_size
    }

    /// How many readers the log waits for.
    pub fn readers(&self) -> u8 {
        self.reader_count
    }

    /// Gives the medium back without a commit, as a crash would.
    ///
    /// ```
    /// # use tslog::{Config, Log, storage::ram::Ram};
    /// # let mut medium = [0xFF; 8 * 256];
    /// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
    /// # let buffer = [0; tslog::buffer_size(8, 2)];
    /// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
    /// log.store_record(b"lost")?; // and not committed
    /// let medium = log.into_storage();
    /// let log = Log::<_, _, 1>::open(medium, buffer, &config)?;
    /// assert_eq!(log.stats().seqn, 0);
    /// assert_eq!(log.storage().bytes().len(), 8 * 256);
    /// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
    /// ```
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// Looks at the medium while the log is open.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// Refuses what no medium and no log could make right.
    #[cfg(feature = "std")]
    pub(crate) fn check(config: &Config<'_>) -> Result<(), Invalid> {
        let readers = u32::from(config.readers);
        if readers == 0 || readers as usize > R.min(MAX_READERS) {
            return Err(Invalid::Readers(readers));
        }
        if config.commit_delta == 0 {
            return Err(Invalid::CommitDelta(0));
        }
        if config.bucket_size == Some(0) {
            return Err(Invalid::BucketSize(0));
        }
        if config.record_size == Some(0) && config.formats.is_none_or(<[_]>::is_empty) {
            return Err(Invalid::RecordSize(0));
        }
        Ok(())
    }

    #[cfg(feature = "std")]
    pub(crate) fn committed_cursors(&self) -> impl Iterator<Item = u64> {
        self.declared().iter().map(|reader| reader.committed)
    }

    #[cfg(feature = "std")]
    pub(crate) fn plan(&self) -> Plan {
        self.plan
    }

    /// The last number given.
    #[cfg(feature = "std")]
    pub(crate) fn stored(&self) -> u64 {
        self.tail.stored
    }

    #[cfg(feature = "std")]
    pub(crate) fn buffer(&self) -> &[u8] {
        self.buffer.as_ref()
    }

    /// Goes on with another buffer of the same length. The batch is to be empty.
    #[cfg(feature = "std")]
    pub(crate) fn swap_buffer(&mut self, other: &mut B) {
        core::mem::swap(&mut self.buffer, other);
    }

    #[cfg(feature = "std")]
    pub(crate) fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    fn declared(&self) -> &[ReaderState] {
        self.readers.get(..usize::from(self.reader_count)).unwrap_or_default()
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.tail.bounds()
    }

    pub(crate) fn check_open(&self) -> Result<(), Error<S::Error>> {
        match self.state {
            State::Open => Ok(()),
            State::Poisoned => Err(Error::Poisoned),
            State::Closed => Err(Error::Closed),
        }
    }

    /// A failed write leaves a medium of which nothing more is known.
    pub(crate) fn poison(&mut self, error: S::Error) -> Error<S::Error> {
        self.state = State::Poisoned;
        Error::Storage(error)
    }

    /// Looks at the medium through a chunk on the stack.
    fn look<T>(
        &mut self,
        look: impl FnOnce(&mut Probe<'_, '_, S>) -> T,
    ) -> Result<T, Error<S::Error>> {
        let mut chunk = [0; CHUNK_SIZE];
        let window = &mut Window::exact(&mut chunk);
        probe::look(&mut self.storage, &self.plan, window, look).map_err(Error::Storage)
    }
}

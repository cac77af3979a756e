//! How a log in a folder is made or opened.

use core::time::Duration;
use std::{io, path::Path};

use super::{Raw, Schema, SharedLog, SharedReader, When, borrow_formats, memory::zeroed};
use crate::{
    Config, Log, Policy, Record, error::Error, layout::plan::Plan, log::create::create,
    storage::folder::Folder,
};

/// The most bytes of records that are gathered before a part of a commit is written.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// The parameters of a log in a folder; see [`Config`] for what they mean.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("log");
/// use tslog::{Options, Policy};
/// let options = Options::new()
///     .formats(&[("Qff", "time:s,temperature:degC,humidity:%")])
///     .bucket_size(4096)
///     .commit_delta(64)
///     .readers(2)
///     .policy(Policy::DropOldest)
///     .max_buckets(100);
/// let log = options.clone().open_raw(&path)?;
/// assert_eq!(log.schema().record_size, 16);
/// # log.close()?;
/// let emptied = options.recreate(true).open_raw(&path)?;
/// let missing = Options::new().create(false).open_raw(path.join("elsewhere"));
/// assert!(matches!(missing, Err(tslog::Error::NoLog)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) formats: Option<Vec<(String, String)>>,
    record_size: Option<u32>,
    bucket_size: Option<u32>,
    commit_delta: u32,
    commit_interval: Option<Duration>,
    background_commit: bool,
    readers: u8,
    policy: Policy,
    max_buckets: u32,
    recreate: bool,
    create: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults: one reader, a commit each 16 records, buckets of 1024 records.
    pub fn new() -> Self {
        Self {
            formats: None,
            record_size: None,
            bucket_size: None,
            commit_delta: 16,
            commit_interval: None,
            background_commit: false,
            readers: 1,
            policy: Policy::Error,
            max_buckets: 0,
            recreate: false,
            create: true,
        }
    }

    /// The formats of the records and the names of their fields, `("Qff", "time:s,a,b")`.
    #[must_use]
    pub fn formats(mut self, formats: &[(&str, &str)]) -> Self {
        let owned = formats.iter().map(|&(format, fields)| (format.into(), fields.into()));
        self.formats = Some(owned.collect());
        self
    }

    /// Bytes in a record of a log without formats.
    #[must_use]
    pub fn record_size(mut self, record_size: u32) -> Self {
        self.record_size = Some(record_size);
        self
    }

    /// Records in a bucket.
    #[must_use]
    pub fn bucket_size(mut self, bucket_size: u32) -> Self {
        self.bucket_size = Some(bucket_size);
        self
    }

    /// Records between two commits that `store` makes by itself.
    #[must_use]
    pub fn commit_delta(mut self, commit_delta: u32) -> Self {
        self.commit_delta = commit_delta;
        self
    }

    /// The longest that a stored record waits for a commit, at least a millisecond: so the last few
    /// records of a slow sensor become durable too. A thread sees to it, from opening to closing,
    /// and sleeps while no record waits. What goes wrong there is the error of the next call.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// use tslog::Options;
    ///
    /// let options = Options::new().record_size(8).commit_interval(Duration::from_millis(20));
    /// let log = options.open_raw(&path)?;
    /// let mut uplink = log.reader(0)?;
    /// log.store_record(b"12.5")?; // fewer records than `commit_delta`, and no `commit`
    /// assert!(uplink.wait(Some(Duration::from_secs(60)))?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.commit_interval = Some(interval.max(Duration::from_millis(1)));
        self
    }

    /// Whether a thread makes the commits that come due, so that `store` costs a copy and does not
    /// wait for the medium; false unless said otherwise. Then `store` promises nothing about the
    /// record it returns from: more than `commit_delta` may be lost with the power, at most what
    /// arrives while a commit is on its way, a mebibyte of records. [`SharedLog::commit`] is the
    /// barrier: once it returns, all that was stored before is durable. What goes wrong in the
    /// thread is the error of the next call. `store` waits if a batch is full before the commit
    /// ahead of it has ended, and where a bucket begins.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// use tslog::Options;
    ///
    /// let options = Options::new().record_size(8).commit_delta(256).background_commit(true);
    /// let log = options.commit_interval(Duration::from_millis(100)).open_raw(&path)?;
    /// for i in 0..1000_u64 {
    ///     log.store_record(&i.to_le_bytes())?; // a copy
    /// }
    /// assert_eq!(log.commit()?, 1000);
    /// assert_eq!(log.uncommitted(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn background_commit(mut self, background: bool) -> Self {
        self.background_commit = background;
        self
    }

    /// How many readers the log waits for, 1 to 4.
    #[must_use]
    pub fn readers(mut self, readers: u8) -> Self {
        self.readers = readers;
        self
    }

    /// What happens when the log is full.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The most buckets the log may have; 0 for no cap.
    #[must_use]
    pub fn max_buckets(mut self, max_buckets: u32) -> Self {
        self.max_buckets = max_buckets;
        self
    }

    /// Whether to begin with an empty log even if there is one.
    #[must_use]
    pub fn recreate(mut self, recreate: bool) -> Self {
        self.recreate = recreate;
        self
    }

    /// Whether to make a log if there is none; true unless said otherwise.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Opens or makes a log of records of type `T`.
    ///
    /// # Errors
    /// As [`Log::open`] and [`Log::create`]; [`Error::Locked`] if there is another writer.
    pub fn open<T: Record>(
        mut self,
        path: impl AsRef<Path>,
    ) -> Result<SharedLog<T>, Error<io::Error>> {
        self.formats = Some(vec![(T::FORMAT.into(), T::FIELDS.into())]);
        self.open_as(path.as_ref())
    }

    /// Opens or makes a log of raw records, or of values by the formats given here.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open_raw(self, path: impl AsRef<Path>) -> Result<SharedLog<Raw>, Error<io::Error>> {
        self.open_as(path.as_ref())
    }

    /// Opens reader `n` of a log that another process may be writing.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// # let log = tslog::Options::new().record_size(4).commit_delta(1).open_raw(&path)?;
    /// # log.store_record(b"20.5")?;
    /// # log.close()?;
    /// let mut uplink = tslog::Options::open_reader(&path, 0)?; // perhaps in another process
    /// assert_eq!(uplink.next_record()?, Some((1, b"20.5".to_vec())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoLog`] if there is no such log or reader; [`Error::Locked`] if it is in use.
    pub fn open_reader(
        path: impl AsRef<Path>,
        n: u8,
    ) -> Result<SharedReader<Raw>, Error<io::Error>> {
        SharedReader::apart(path.as_ref(), n)
    }

    fn open_as<T>(self, path: &Path) -> Result<SharedLog<T>, Error<io::Error>> {
        let formats = self.formats.as_deref().map(borrow_formats).transpose()?;
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| Error::Storage(io::Error::other(error.to_string())))?;
        let config = Config {
            formats: formats.as_deref(),
            record_size: self.record_size,
            bucket_size: self.bucket_size,
            commit_delta: self.commit_delta,
            readers: self.readers,
            policy: self.policy,
            max_buckets: self.max_buckets,
            id,
        };
        // Refused arguments must not leave a folder behind.
        Log::<Folder, Vec<u8>, 4>::check(&config)?;
        let mut storage = Folder::open_writer(path, self.create)?;
        let made = match crate::log::header::find(&mut storage) {
            Ok((header, _)) if !self.recreate => header,
            Err(Error::NoLog) if !self.create => return Err(Error::NoLog),
            Ok((old, _)) => create(&mut storage, &config, Some(&old))?,
            Err(Error::NoLog) => create(&mut storage, &config, None)?,
            Err(Error::Storage(error)) => return Err(Error::Storage(error)),
            Err(_) if self.recreate => create(&mut storage, &config, None)?,
            Err(error) => return Err(error),
        };
        let schema = Schema::read(&mut storage, &made)?;
        // What a header says is checked before memory is set aside by it.
        Plan::new::<Folder>(&made)?;
        let records = (BATCH_BYTES as u64).div_ceil(u64::from(made.record_size));
        // A batch that fills while a commit is on its way has nothing to do with `commit_delta`.
        let most = if self.background_commit { u32::MAX } else { self.commit_delta };
        let records = records.min(u64::from(most)).clamp(1, 65_535);
        let bytes = records.saturating_mul(u64::from(made.record_size)).saturating_add(128);
        let bytes = usize::try_from(bytes.max(64 * 1024)).unwrap_or(usize::MAX);
        let batch = zeroed(bytes).map_err(Error::Storage)?;
        let log = Log::open(storage, batch, &config)?;
        let when = When {
            delta: u64::from(self.commit_delta),
            interval: self.commit_interval,
            background: self.background_commit,
        };
        SharedLog::new(log, path.to_path_buf(), schema, when).map_err(Error::Storage)
    }
}

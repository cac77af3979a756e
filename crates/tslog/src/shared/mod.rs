//! One log for several threads, over a folder.
//!
//! Storing threads share one lock around the log, and commits (`group.rs`). Readers take no lock of
//! theirs: each looks at the folder through files of its own, up to the last number that is
//! shown after its sync (`shown.rs`). So a reader never waits for a sync of the writer.

mod apart;
mod clock;
mod committer;
mod company;
mod gather;
mod group;
mod handle;
mod memory;
mod options;
mod reader;
#[cfg(feature = "async")]
mod ready;
mod records;
mod shown;
mod source;
mod sync;
mod typed;
mod view;
mod wait;
mod writer;

use core::marker::PhantomData;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use committer::Committer;
use group::{Group, When};
use handle::Handle;
pub use options::Options;
pub use reader::SharedReader;
#[cfg(feature = "async")]
pub use ready::Ready;
pub use records::Records;
use shown::Shown;
pub use view::{Schema, View, ViewStep};
use writer::Writer;

use crate::{
    Log, Record, Report, Stats,
    error::{Error, Invalid},
    format::{Format, Value},
    log::{
        read::Bounds,
        store::{check_size, fill_from},
    },
    storage::folder::Folder,
    words::MAX_READERS,
};

/// The type of a log whose records are bytes or values, and not a Rust type.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("log");
/// use tslog::{Options, Raw, SharedLog};
/// let log: SharedLog<Raw> = Options::new().record_size(16).open_raw(&path)?;
/// assert_eq!(log.store_record(b"any bytes")?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Raw;

type FolderLog = Log<Folder, Vec<u8>, MAX_READERS>;

/// A log in a folder, for any number of storing threads. Clones are the same log.
///
/// ```
/// use tslog::{Options, Record};
///
/// #[derive(Record, Debug, PartialEq)]
/// struct Reading {
///     #[record(unit = "s")]
///     time: u64,
///     #[record(unit = "degC")]
///     temperature: f32,
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("readings");
/// let log = Options::new().commit_delta(2).open::<Reading>(&path)?;
/// log.store(&Reading { time: 1, temperature: 20.5 })?;
/// log.store(&Reading { time: 2, temperature: 20.6 })?;
///
/// let mut uplink = log.reader(0)?;
/// assert_eq!(uplink.next()?, Some(Reading { time: 1, temperature: 20.5 }));
/// uplink.commit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SharedLog<T = Raw> {
    /// Goes first, so that the folder is free once the last handle is gone.
    committer: Option<Arc<Committer>>,
    inner: Arc<Inner>,
    records: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Inner {
    group: Group<Writer>,
    shown: Arc<Shown<Published>>,
    path: PathBuf,
    schema: Schema,
    report: Report,
    plan: crate::layout::plan::Plan,
    /// Where the readers stood when the log was opened.
    opened_at: [u64; MAX_READERS],
    /// Readers' locks, held as long as the log is open.
    reader_locks: Mutex<[Option<Folder>; MAX_READERS]>,
}

/// What readers need to know, beside the log so that they need not wait for it.
#[derive(Debug)]
struct Published {
    bounds: Bounds,
    stats: Stats,
    /// The newest handle of each reader, opened or not.
    handles: [Arc<Handle>; MAX_READERS],
    readers: u8,
    closed: bool,
}

/// A thread that panicked while it held the lock leaves a log that crash safety covers.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Clone for SharedLog<T> {
    fn clone(&self) -> Self {
        let committer = self.committer.as_ref().map(Arc::clone);
        Self { committer, inner: Arc::clone(&self.inner), records: PhantomData }
    }
}

impl<T> SharedLog<T> {
    fn new(log: FolderLog, path: PathBuf, schema: Schema, when: When) -> io::Result<Self> {
        let mut cursors = [0; MAX_READERS];
        for (cursor, state) in cursors.iter_mut().zip(log.committed_cursors()) {
            *cursor = state;
        }
        let published = Published {
            bounds: log.bounds(),
            stats: log.stats(),
            handles: cursors.map(Handle::new),
            readers: log.readers(),
            closed: false,
        };
        let (report, plan) = (log.report(), log.plan());
        let shown = Arc::new(Shown::new(published));
        let inner = Arc::new(Inner {
            group: Group::new(Writer::new(log, Arc::clone(&shown))?, when),
            shown,
            path,
            schema,
            report,
            plan,
            opened_at: cursors,
            reader_locks: Mutex::new([const { None }; MAX_READERS]),
        });
        let is_served = when.background || when.interval.is_some();
        let committer = is_served.then(|| Committer::start(&inner)).transpose()?.map(Arc::new);
        Ok(Self { committer, inner, records: PhantomData })
    }

    /// Stores raw bytes, filled up with zeros to the record size, and returns the number.
    ///
    /// # Errors
    /// As [`Log::store_record`].
    pub fn store_record(&self, data: &[u8]) -> Result<u64, Error<io::Error>> {
        check_size(self.inner.plan.record_size, data)?;
        self.inner.store(|record| fill_from(record, data))
    }

    /// As [`SharedLog::store_record`], if that is a matter of copying the bytes: no commit comes
    /// due, no bucket or part of one has to be written, and no other thread is in the log. `None`
    /// means that nothing has changed, and that [`SharedLog::store_record`], which may wait for the
    /// medium, is to be called: where only some threads may wait, one of those.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// # let log = tslog::Options::new().record_size(8).open_raw(&path)?;
    /// match log.try_store_record(b"one") {
    ///     Some(seqn) => seqn,
    ///     None => log.store_record(b"one")?,
    /// };
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_store_record(&self, data: &[u8]) -> Option<u64> {
        let fill = |record: &mut [u8]| fill_from(record, data);
        self.inner.group.try_store(|writer, _| Ok(writer.log.store_copy(fill)?))
    }

    /// Stores values by the one format of the log.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// use tslog::{Options, Value};
    /// let log = Options::new().formats(&[("Qf", "time:s,humidity:%")]).open_raw(&path)?;
    /// assert_eq!(log.store_values(&[Value::Uint(1), Value::Float(48.5)])?, 1);
    /// assert_eq!(log.schema().formats[0].1, "time:s,humidity:%");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if the log has no format or several, or the values do not fit it; and as
    /// [`Log::store_record`].
    pub fn store_values(&self, values: &[Value<'_>]) -> Result<u64, Error<io::Error>> {
        let record = self.inner.schema.pack(None, values)?;
        self.store_record(&record)
    }

    /// Stores values by the format that `tag` selects.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// use tslog::{Options, Value};
    /// let formats = [("f", "temperature:degC"), ("H", "lightning_strikes")];
    /// let log = Options::new().formats(&formats).open_raw(&path)?;
    /// log.store_with_tag(0, &[Value::Float(20.5)])?;
    /// log.store_with_tag(1, &[Value::Uint(3)])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if the log has fewer than two formats, or the values do not fit; and as
    /// [`Log::store_record`].
    pub fn store_with_tag(&self, tag: u8, values: &[Value<'_>]) -> Result<u64, Error<io::Error>> {
        let record = self.inner.schema.pack(Some(tag), values)?;
        self.store_record(&record)
    }

    /// Makes everything stored durable, and returns the last number.
    ///
    /// # Errors
    /// As [`Log::commit`].
    pub fn commit(&self) -> Result<u64, Error<io::Error>> {
        self.inner.group.commit()
    }

    /// Commits and closes the log for all its handles. Closing twice is no error.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// # let log = tslog::Options::new().record_size(8).open_raw(&path)?;
    /// log.store_record(b"one")?;
    /// assert_eq!((log.stats().seqn, log.uncommitted()), (1, 1));
    /// log.close()?;
    /// assert!(matches!(log.store_record(b"two"), Err(tslog::Error::Closed)));
    /// # let log = tslog::Options::new().open_raw(&path)?;
    /// # assert!(log.report().clean);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Log::close`]; the log is closed and its lock released all the same.
    pub fn close(&self) -> Result<(), Error<io::Error>> {
        let closed = self.inner.group.with_log(|writer| {
            let closed = writer.log.close();
            writer.log.storage_mut().unlock();
            closed
        });
        self.inner.group.stop();
        let mut handles = Vec::new();
        self.inner.shown.change(|published| {
            published.closed = true;
            handles.extend_from_slice(&published.handles);
            false
        });
        // Another process may have the readers from here on, so none of ours may be committing.
        for handle in &handles {
            handle.end();
        }
        self.inner.shown.change(|_| true);
        *lock(&self.inner.reader_locks) = [const { None }; MAX_READERS];
        closed
    }

    /// The last number, the buckets, and how far the readers are behind.
    pub fn stats(&self) -> Stats {
        let (stats, least) = self.inner.shown.with(|published| {
            let handles = published.handles.iter().take(usize::from(published.readers));
            (published.stats, handles.map(|handle| handle.cursor()).min().unwrap_or(0))
        });
        // Copying a record does not show itself to readers.
        let seqn = stats.seqn.max(self.inner.group.stored());
        Stats { seqn, lag: seqn.saturating_sub(least), ..stats }
    }

    /// How many records are stored and not yet committed.
    pub fn uncommitted(&self) -> u64 {
        let stats = self.stats();
        stats.seqn.saturating_sub(stats.committed)
    }

    /// What opening found.
    pub fn report(&self) -> Report {
        self.inner.report
    }

    /// The formats, the names of the columns and the sizes.
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// A handle for reader `n`, which starts behind its committed cursor. An older handle of the
    /// same reader is closed by this.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// # let log = tslog::Options::new().record_size(4).commit_delta(1).open_raw(&path)?;
    /// for record in [b"20.5", b"20.6", b"20.7"] {
    ///     log.store_record(record)?;
    /// }
    /// let mut uplink = log.reader(0)?;
    /// assert_eq!(uplink.peek_record()?, Some((1, b"20.5".to_vec())));
    /// assert_eq!(uplink.next_record()?, Some((1, b"20.5".to_vec())));
    /// let mut record = [0; 4];
    /// assert_eq!(uplink.next_into(&mut record)?, Some(2)); // without an allocation
    /// assert_eq!((uplink.cursor(), uplink.uncommitted(), uplink.lag()?), (2, 2, 1));
    /// assert_eq!(uplink.commit()?, 2);
    ///
    /// uplink.seek(1)?;
    /// let mut records = [0; 64];
    /// let batch = uplink.read_batch(&mut records)?.expect("they are still there");
    /// assert_eq!((batch.first, &records[..4]), (1, &b"20.5"[..]));
    /// uplink.close();
    /// assert!(matches!(uplink.next_record(), Err(tslog::Error::Closed)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such reader; [`Error::Locked`] if it is in use in another
    /// process; [`Error::Closed`].
    pub fn reader(&self, n: u8) -> Result<SharedReader<T>, Error<io::Error>> {
        let readers = self.inner.shown.with(|published| published.readers);
        if n >= readers {
            return Err(Invalid::Reader(u32::from(n), u32::from(readers)).into());
        }
        {
            let mut locks = lock(&self.inner.reader_locks);
            if let Some(held) = locks.get_mut(usize::from(n)).filter(|held| held.is_none()) {
                let mut folder = Folder::open_beside(&self.inner.path)?;
                folder.lock_reader(n)?;
                *held = Some(folder);
            }
        }
        SharedReader::beside(&self.inner, n)
    }
}

impl Inner {
    #[inline]
    fn store(
        &self,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Invalid>,
    ) -> Result<u64, Error<io::Error>> {
        self.group.store(|writer, copy| {
            if copy { Ok(writer.log.store_copy(fill)?) } else { writer.log.store_only(fill) }
        })
    }
}

impl<T: Record> SharedLog<T> {
    /// Stores one record and returns its number.
    ///
    /// # Errors
    /// As [`Log::store_record`].
    pub fn store(&self, record: &T) -> Result<u64, Error<io::Error>> {
        self.inner.store(|bytes| {
            bytes.fill(0);
            record.pack(bytes);
            Ok(())
        })
    }
}

/// Formats as the library borrows them, out of texts that someone else owns.
fn borrow_formats(texts: &[(String, String)]) -> Result<Vec<Format<'_>>, Invalid> {
    let format = |(format, fields): &'_ (String, String)| -> Result<(), Invalid> {
        Format::new(format)?.with_fields(fields).map(|_| ())
    };
    texts.iter().try_for_each(format)?;
    texts.iter().map(|(format, fields)| Format::new(format)?.with_fields(fields)).collect()
}

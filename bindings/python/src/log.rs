//! The class `TSLog`.

use core::sync::atomic::{AtomicBool, Ordering};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pyo3::{
    buffer::PyBuffer,
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyString, PyTuple, PyType},
};
use tslog::{Error, Format, Mismatch, Options, Policy, SharedLog, View};

use crate::{
    codec::{Arg, Codec, SMALL},
    error,
    fork::Home,
    object::Serializer,
};

/// A crash-safe log of fixed-length records in a folder.
///
/// `folder` is a folder for the files of the log; it and its parents are made if they are not
/// there.
/// `formats` is a list of formats as the module `struct` has them; a record is as long as the
/// longest, and one byte longer if there are several. Without formats, records are bytes.
/// `record_size` is the number of bytes in a record, ignored if there are formats.
/// `bucket_size` is the number of records in a file.
/// `commit_delta` is the number of records after which `store` commits by itself; with 1, each
/// record is durable when `store` returns.
/// `nreaders` is the number of readers, 1 to 4. Records are kept until all of them have committed
/// beyond them.
/// `recreate`, if true, begins with an empty log even if there is one.
///
/// `fields` names the values and their units: `"time:s,temperature:degC"`, or a list of such texts,
/// one for each format. `serializer` is an object with `dumps` and `loads`, such as the module
/// `json`, for `store_object`. `policy` says what happens when the log is full: `"error"`, or
/// `"drop_oldest"`, which gives unread records up. `max_buckets` is the most buckets, 0 for no cap.
/// `commit_interval_ms` bounds how many milliseconds a record waits for a commit, 0 for no bound;
/// with `background_commit` a thread makes the commits, and `store` waits for none of them: it then
/// promises nothing, and `commit` is the barrier. What goes wrong in the thread is raised by the
/// next call. `create`, if false, opens only a log that is there, as `TSLog.open` does.
///
/// A log that is there keeps its formats, sizes and fields; those that are not given are taken from
/// it.
///
/// Raises `TSLogLocked` if another process writes the log; `TSLogMismatch` if it was made with
/// other formats or sizes; `TSLogNotFound` if there is none and `create` is false;
/// `TSLogValueError` and `TSLogTypeError` for arguments; `TSLogNotALog` if the folder has something
/// else; `TSLogOSError` with its errno.
///
/// >>> log = TSLog(folder, formats=["Qff"], commit_delta=16)
/// >>> log.store(1700000000, 20.5, 40.0)
/// 1
/// >>> log.commit()
/// 1
/// >>> log.close()
#[pyclass(frozen, subclass, module = "tslog")]
#[derive(Debug)]
pub(crate) struct TSLog {
    pub(crate) log: SharedLog,
    pub(crate) codec: Arc<Codec>,
    pub(crate) serializer: Option<Serializer>,
    pub(crate) folder: PathBuf,
    pub(crate) nreaders: u8,
    closed: AtomicBool,
    home: Home,
}

/// What a caller says about a log, read and checked.
struct Wanted {
    options: Options,
    /// The formats, where they were given.
    formats: Vec<String>,
    nreaders: u8,
    serializer: Option<Serializer>,
}

impl Wanted {
    fn new(
        commit_delta: Option<&Bound<'_, PyAny>>,
        nreaders: u64,
        serializer: Option<&Bound<'_, PyAny>>,
        policy: Option<&Bound<'_, PyAny>>,
        max_buckets: Option<&Bound<'_, PyAny>>,
        (interval, background): (Option<&Bound<'_, PyAny>>, Option<&Bound<'_, PyAny>>),
    ) -> PyResult<Self> {
        let policy = policy.map_or(Ok(Policy::Error), policy_of)?;
        let commit_delta = commit_delta.map_or(Ok(16), |value| small(value, "commit_delta", 1))?;
        let max_buckets = max_buckets.map_or(Ok(0), |value| small(value, "max_buckets", 0))?;
        let nreaders = u8::try_from(nreaders).unwrap_or(u8::MAX);
        let options = Options::new().commit_delta(commit_delta).readers(nreaders).policy(policy);
        let mut options = options.max_buckets(max_buckets);
        let interval = interval.map_or(Ok(0), |value| small(value, "commit_interval_ms", 0))?;
        if interval > 0 {
            options = options.commit_interval(Duration::from_millis(interval.into()));
        }
        let background = background.map_or(Ok(false), PyAnyMethods::is_truthy)?;
        options = options.background_commit(background);
        let serializer = serializer.map_or(Ok(None), Serializer::new)?;
        Ok(Self { options, formats: Vec::new(), nreaders, serializer })
    }

    fn open(self, py: Python<'_>, folder: PathBuf) -> PyResult<TSLog> {
        let options = self.options.clone();
        let opened = py.detach(|| options.open_raw(&folder));
        let log = opened.map_err(|error| match error {
            Error::Mismatch(Mismatch::Format(at)) => self.other_format(py, at as usize, &folder),
            error => error::from_log(py, error, &folder),
        })?;
        let codec = Codec::new(log.schema()).map_err(|why| error::from_invalid(py, why))?;
        if self.serializer.is_some() && !codec.layouts.is_empty() {
            return Err(error::formats_and_serializer(py));
        }
        Ok(TSLog {
            log,
            codec: Arc::new(codec),
            serializer: self.serializer,
            folder,
            nreaders: self.nreaders,
            closed: AtomicBool::new(false),
            home: Home::here(),
        })
    }
}

impl Wanted {
    /// Names both formats where they differ: the one asked for, and the one of the log.
    fn other_format(&self, py: Python<'_>, at: usize, folder: &Path) -> PyErr {
        let view = match View::open(folder) {
            Ok(view) => view,
            Err(error) => return error::from_log(py, error, folder),
        };
        let made = view.schema().formats.get(at).map_or("", |(format, _)| format.as_str());
        let asked = self.formats.get(at).map_or("", String::as_str);
        let resolved = Format::new(asked).map_or_else(|_| asked.to_owned(), |f| f.to_string());
        let text = format!(
            "format {at} '{resolved}' was asked for, and the log was made with '{made}': give its \
             formats, or none, which takes them from the log"
        );
        error::raise(py, "TSLogMismatch", (text,))
    }
}

fn policy_of(value: &Bound<'_, PyAny>) -> PyResult<Policy> {
    match value.extract::<String>().as_deref() {
        Ok("error") => Ok(Policy::Error),
        Ok("drop_oldest") => Ok(Policy::DropOldest),
        _ => {
            let got = error::show(value);
            let text = format!("policy must be 'error' or 'drop_oldest', got {got}");
            Err(error::value_error(value.py(), &text))
        }
    }
}

/// How many readers the log in a folder has: each has a file. With fewer of them, the cursors of
/// the others would be lost.
fn readers_of(folder: &Path) -> u64 {
    (1..4).take_while(|n| folder.join(format!("reader-{n}")).exists()).count() as u64 + 1
}

/// A count that the log keeps in 32 bits.
fn small(value: &Bound<'_, PyAny>, name: &str, least: u64) -> PyResult<u32> {
    let number = error::integer(value, name, (least, u64::from(u32::MAX)))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A list of texts; one text alone is a mistake that Python would take for a list of letters.
fn texts(value: &Bound<'_, PyAny>, name: &str, example: &str) -> PyResult<Vec<String>> {
    let refused = || {
        let got = error::show(value);
        error::type_error(
            value.py(),
            &format!("{name} must be a list of texts such as ['{example}'], got {got}"),
        )
    };
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
        return Err(refused());
    }
    let items = value.try_iter().map_err(|_| refused())?;
    items.map(|item| item?.extract::<String>().map_err(|_| refused())).collect()
}

/// Formats, each with its fields.
fn formats(
    value: &Bound<'_, PyAny>,
    fields: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<(String, String)>> {
    let formats = texts(value, "formats", "Qff")?;
    let fields = match fields {
        None => vec![String::new(); formats.len()],
        Some(text) if text.is_instance_of::<PyString>() => vec![text.extract()?],
        Some(list) => texts(list, "fields", "time:s,level:m")?,
    };
    if formats.len() != fields.len() {
        let (wanted, got) = (formats.len(), fields.len());
        let text = format!("fields must be one text for each of {wanted} formats, got {got}");
        return Err(error::value_error(value.py(), &text));
    }
    Ok(formats.into_iter().zip(fields).collect())
}

impl TSLog {
    /// Refuses a log that was closed, or is a parent's.
    pub(crate) fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.home.check(py)?;
        if self.closed.load(Ordering::Relaxed) {
            return Err(error::from_log(py, tslog::Error::Closed, &self.folder));
        }
        Ok(())
    }

    /// Stores bytes; other Python threads run while the medium is waited for.
    fn put(&self, py: Python<'_>, record: &[u8]) -> PyResult<u64> {
        self.home.check(py)?;
        if let Some(seqn) = self.log.try_store_record(record) {
            return Ok(seqn);
        }
        let stored = py.detach(|| self.log.store_record(record));
        stored.map_err(|error| error::from_log(py, error, &self.folder))
    }

    /// Packs values by format `tag` and stores them.
    fn put_values(&self, py: Python<'_>, tag: u8, values: &[Arg<'_, '_>]) -> PyResult<u64> {
        let mut small = [0; SMALL];
        let mut large = Vec::new();
        let record = if self.codec.record_size <= SMALL {
            small.get_mut(..self.codec.record_size).unwrap_or_default()
        } else {
            large.resize(self.codec.record_size, 0);
            large.as_mut_slice()
        };
        if self.codec.tag_size() == 1
            && let Some(first) = record.first_mut()
        {
            *first = tag;
        }
        let out = record.get_mut(self.codec.tag_size()..).unwrap_or_default();
        if let Some(layout) = self.codec.layouts.get(usize::from(tag)) {
            layout.pack(py, values, out)?;
        }
        self.put(py, record)
    }
}

impl Drop for TSLog {
    fn drop(&mut self) {
        // A child has no thread that commits, and would wait for its end for ever.
        if !self.home.is_here() {
            core::mem::forget(self.log.clone());
        }
    }
}

#[pymethods]
impl TSLog {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "these are the parameters of the API")]
    #[pyo3(
        signature = (folder, formats=None, record_size=None, bucket_size=None, commit_delta=None,
            nreaders=None, recreate=None, *, fields=None, serializer=None, policy=None,
            max_buckets=None, commit_interval_ms=None, background_commit=None, create=None),
        text_signature = "(folder, formats=[], record_size=128, bucket_size=1024, \
            commit_delta=16, nreaders=1, recreate=False, *, fields=None, serializer=None, \
            policy='error', max_buckets=0, commit_interval_ms=0, background_commit=False, \
            create=True)"
    )]
    fn new(
        py: Python<'_>,
        folder: PathBuf,
        formats: Option<&Bound<'_, PyAny>>,
        record_size: Option<&Bound<'_, PyAny>>,
        bucket_size: Option<&Bound<'_, PyAny>>,
        commit_delta: Option<&Bound<'_, PyAny>>,
        nreaders: Option<&Bound<'_, PyAny>>,
        recreate: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyAny>>,
        serializer: Option<&Bound<'_, PyAny>>,
        policy: Option<&Bound<'_, PyAny>>,
        max_buckets: Option<&Bound<'_, PyAny>>,
        commit_interval_ms: Option<&Bound<'_, PyAny>>,
        background_commit: Option<&Bound<'_, PyAny>>,
        create: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let create = create.map_or(Ok(true), PyAnyMethods::is_truthy)?;
        let nreaders = match nreaders {
            Some(value) => error::integer(value, "nreaders", (1, 4))?,
            None if create => 1,
            None => readers_of(&folder),
        };
        let thread = (commit_interval_ms, background_commit);
        let mut wanted =
            Wanted::new(commit_delta, nreaders, serializer, policy, max_buckets, thread)?;
        let mut options = wanted.options;
        let mut shapes = None;
        if let Some(given) = formats {
            shapes = Some(self::formats(given, fields)?);
        } else if fields.is_some() {
            return Err(error::type_error(py, "expected formats with fields, got fields alone"));
        }
        if let Some(pairs) = &shapes {
            if wanted.serializer.is_some() && !pairs.is_empty() {
                return Err(error::formats_and_serializer(py));
            }
            let borrowed: Vec<_> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            options = options.formats(&borrowed);
            wanted.formats = pairs.iter().map(|(format, _)| format.clone()).collect();
        }
        let has_formats = shapes.is_some_and(|pairs| !pairs.is_empty());
        if let Some(size) = record_size {
            let size = small(size, "record_size", u64::from(!has_formats))?;
            options = if has_formats { options } else { options.record_size(size) };
        }
        if let Some(size) = bucket_size {
            options = options.bucket_size(small(size, "bucket_size", 1)?);
        }
        let recreate = recreate.map_or(Ok(false), PyAnyMethods::is_truthy)?;
        wanted.options = options.recreate(recreate).create(create);
        wanted.open(py, folder)
    }

    /// Opens a log that is there, and takes formats, sizes, fields and the number of readers from
    /// it.
    ///
    /// Raises `TSLogNotFound` if there is none, and as `TSLog`.
    ///
    /// >>> TSLog(folder, formats=["Qff"], bucket_size=64, nreaders=2).close()
    /// >>> log = TSLog.open(folder)
    /// >>> log.formats, log.record_size, log.bucket_size, log.nreaders
    /// (['<Qff'], 16, 64, 2)
    #[classmethod]
    #[pyo3(
        signature = (folder, *, commit_delta=None, nreaders=None, serializer=None, policy=None,
            max_buckets=None, commit_interval_ms=None, background_commit=None),
        text_signature = "($cls, folder, *, commit_delta=16, nreaders=None, serializer=None, \
            policy='error', max_buckets=0, commit_interval_ms=0, background_commit=False)"
    )]
    #[expect(clippy::too_many_arguments, reason = "these are the parameters of the API")]
    fn open<'py>(
        class: &Bound<'py, PyType>,
        folder: &Bound<'py, PyAny>,
        commit_delta: Option<&Bound<'py, PyAny>>,
        nreaders: Option<&Bound<'py, PyAny>>,
        serializer: Option<&Bound<'py, PyAny>>,
        policy: Option<&Bound<'py, PyAny>>,
        max_buckets: Option<&Bound<'py, PyAny>>,
        commit_interval_ms: Option<&Bound<'py, PyAny>>,
        background_commit: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let words = PyDict::new(class.py());
        words.set_item("create", false)?;
        words.set_item("commit_delta", commit_delta)?;
        words.set_item("nreaders", nreaders)?;
        words.set_item("serializer", serializer)?;
        words.set_item("policy", policy)?;
        words.set_item("max_buckets", max_buckets)?;
        words.set_item("commit_interval_ms", commit_interval_ms)?;
        words.set_item("background_commit", background_commit)?;
        class.call((folder,), Some(&words))
    }

    /// Stores the arguments by the one format of the log, and returns the number of the record.
    ///
    /// Commits by itself as soon as `commit_delta` records wait.
    ///
    /// Raises `TSLogTypeError` if the log has no format or several, or there are too many or too
    /// few arguments, or one of the wrong type; `TSLogValueError` if one is out of its range;
    /// `TSLogFull`, `TSLogClosed`, `TSLogOSError`, `TSLogPoisoned`. A refused record uses no
    /// number.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"])
    /// >>> log.store(1700000000, 20.5, 40.0)
    /// 1
    /// >>> log.store(-1, 20.5, 40.0)
    /// Traceback (most recent call last):
    ///     ...
    /// tslog.TSLogValueError: values[0] must be an integer from 0 to 18446744073709551615, got -1
    #[pyo3(
        signature = (a=Arg::NONE, b=Arg::NONE, c=Arg::NONE, d=Arg::NONE, e=Arg::NONE, f=Arg::NONE,
            /, *more),
        text_signature = "($self, *args)"
    )]
    #[expect(
        clippy::too_many_arguments,
        clippy::many_single_char_names,
        reason = "arguments with a place of their own cost half of those in a tuple"
    )]
    fn store(
        &self,
        py: Python<'_>,
        a: Arg<'_, '_>,
        b: Arg<'_, '_>,
        c: Arg<'_, '_>,
        d: Arg<'_, '_>,
        e: Arg<'_, '_>,
        f: Arg<'_, '_>,
        more: &Bound<'_, PyTuple>,
    ) -> PyResult<u64> {
        if self.codec.layouts.len() != 1 {
            self.check(py)?;
            let text = match self.codec.layouts.len() {
                0 => "store() needs a log with one format, and this one has none: \
                      use store_record(data)"
                    .to_owned(),
                many => format!(
                    "store() needs a log with one format, and this one has {many}: \
                     use store_with_tag(tag, ...)"
                ),
            };
            return Err(error::type_error(py, &text));
        }
        let values = [a, b, c, d, e, f];
        if more.is_empty() {
            let count = values.iter().take_while(|value| !value.is_none()).count();
            return self.put_values(py, 0, values.get(..count).unwrap_or_default());
        }
        let more: Vec<_> = more.iter().collect();
        let values: Vec<_> = values.into_iter().chain(more.iter().map(Arg::new)).collect();
        self.put_values(py, 0, &values)
    }

    /// Stores the arguments by the format that `tag` selects, and returns the number of the record.
    ///
    /// `tag` is the position of the format in `formats`, from 0. Raises `TSLogTypeError` if the log
    /// has fewer than two formats, `TSLogValueError` if there is no such tag, and as `store`.
    ///
    /// >>> log = TSLog(folder, formats=["Qff", "Qiii"])
    /// >>> log.store_with_tag(0, 100, 1.0, 2.0), log.store_with_tag(1, 100, 1, 2, 3)
    /// (1, 2)
    #[pyo3(signature = (tag, *args))]
    fn store_with_tag(&self, tag: &Bound<'_, PyAny>, args: &Bound<'_, PyTuple>) -> PyResult<u64> {
        let py = args.py();
        let formats = self.codec.layouts.len();
        if formats < 2 {
            self.check(py)?;
            let instead = if formats == 1 { "store(...)" } else { "store_record(data)" };
            let text = format!(
                "store_with_tag() needs a log with two formats or more, and this one has \
                 {formats}: use {instead}"
            );
            return Err(error::type_error(py, &text));
        }
        let tag = error::integer(tag, "tag", (0, formats as u64 - 1))?;
        let values: Vec<_> = args.iter().collect();
        let values: Vec<_> = values.iter().map(Arg::new).collect();
        self.put_values(py, u8::try_from(tag).unwrap_or(u8::MAX), &values)
    }

    /// Stores bytes, filled up with zeros to `record_size`, and returns the number of the record.
    ///
    /// Raises `TSLogTypeError` if `data` is not bytes, `TSLogValueError` if it is longer than
    /// `record_size`, and as `store`.
    ///
    /// >>> log = TSLog(folder, record_size=8)
    /// >>> log.store_record(b"ab")
    /// 1
    fn store_record(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<u64> {
        if let Ok(bytes) = data.cast::<PyBytes>() {
            return self.put(py, bytes.as_bytes());
        }
        if let Ok(bytes) = data.cast::<PyByteArray>() {
            return self.put(py, &bytes.to_vec());
        }
        let buffer = PyBuffer::<u8>::get(data).and_then(|buffer| buffer.to_vec(py));
        let bytes = buffer.map_err(|_| {
            let text = format!("data must be bytes, got {}", error::show(data));
            error::type_error(py, &text)
        })?;
        self.put(py, &bytes)
    }

    /// Stores what the serializer's `dumps` makes of an object, and returns the number of the
    /// record. `next` then returns the object.
    ///
    /// Raises `TSLogObjectsUnsupported` if the log was opened without a serializer;
    /// `TSLogObjectTooBig` if there are more than `record_size` bytes; what `dumps` raises; and as
    /// `store`.
    ///
    /// >>> import json
    /// >>> log = TSLog(folder, serializer=json, commit_delta=1)
    /// >>> log.store_object({"door": "open"})
    /// 1
    /// >>> log.reader(0).next()
    /// {'door': 'open'}
    fn store_object(&self, py: Python<'_>, obj: &Bound<'_, PyAny>) -> PyResult<u64> {
        self.check(py)?;
        let Some(serializer) = &self.serializer else {
            let text = "store_object() needs a log that was opened with a serializer, such as \
                        serializer=json";
            return Err(error::raise(py, "TSLogObjectsUnsupported", (text,)));
        };
        let bytes = serializer.dump(obj, self.codec.record_size)?;
        self.put(py, &bytes)
    }

    /// Makes every stored record durable, and returns the number of the last one; 0 in an empty
    /// log.
    ///
    /// Raises `TSLogClosed`, and `TSLogOSError` with its errno: after that the log must be opened
    /// anew.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"])
    /// >>> log.commit(), log.store(1, 0.5, 1.5), log.commit()
    /// (0, 1, 1)
    fn commit(&self, py: Python<'_>) -> PyResult<u64> {
        self.check(py)?;
        let committed = py.detach(|| self.log.commit());
        committed.map_err(|error| error::from_log(py, error, &self.folder))
    }

    /// The latest number, the index of the bucket that holds it, and the readers' lag: how many
    /// records the slowest of them has not read.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"])
    /// >>> log.store(1, 0.5, 1.5)
    /// 1
    /// >>> log.stats()
    /// TSStats(seqn=1, bucket=0, lag=1)
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.check(py)?;
        let stats = self.log.stats();
        let class = py.import("tslog._types")?.getattr("TSStats")?;
        class.call1((stats.seqn, stats.bucket, stats.lag))
    }

    /// How many records are stored and not committed.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"])
    /// >>> log.store(1, 0.5, 1.5), log.uncommitted(), log.commit(), log.uncommitted()
    /// (1, 1, 1, 0)
    fn uncommitted(&self, py: Python<'_>) -> PyResult<u64> {
        self.check(py)?;
        Ok(self.log.uncommitted())
    }

    /// Reader `n`, from 0 to `nreaders - 1`, which starts behind its last commit. An older handle
    /// of the same reader is closed by this.
    ///
    /// Raises `TSLogValueError` if there is no such reader, `TSLogLocked` if another process has
    /// it, and `TSLogClosed`.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"], commit_delta=1)
    /// >>> log.store(1, 0.5, 1.5)
    /// 1
    /// >>> log.reader(0).next()
    /// (1, 0.5, 1.5)
    fn reader<'py>(slf: &Bound<'py, Self>, n: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        // By its name, for a reader is made of a log, and a log knows of none.
        slf.py().import("tslog._tslog")?.getattr("TSReader")?.call1((slf, n))
    }

    /// Commits, and closes the log for all its readers. Closing twice is no error.
    ///
    /// Raises as `commit`; the log is closed and its lock released all the same.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"])
    /// >>> log.close()
    /// >>> log.store(1, 0.5, 1.5)
    /// Traceback (most recent call last):
    ///     ...
    /// tslog.TSLogClosed: this handle is closed, or a newer one took its place
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.home.check(py)?;
        self.closed.store(true, Ordering::Relaxed);
        let closed = py.detach(|| self.log.close());
        closed.map_err(|error| error::from_log(py, error, &self.folder))
    }

    /// Whether the log was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The folder, as a `pathlib.Path`.
    #[getter]
    fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// The formats, resolved: with byte order, standard codes and explicit padding.
    #[getter]
    fn formats(&self) -> Vec<&str> {
        self.codec.layouts.iter().map(|layout| layout.format.as_str()).collect()
    }

    /// The names and units of the values of each format, `"name:unit,..."`; empty where there are
    /// none.
    #[getter]
    fn fields(&self) -> Vec<&str> {
        self.codec.layouts.iter().map(|layout| layout.fields.as_str()).collect()
    }

    /// Bytes in a record, the tag included.
    #[getter]
    fn record_size(&self) -> usize {
        self.codec.record_size
    }

    /// Records in a full bucket.
    #[getter]
    fn bucket_size(&self) -> u32 {
        self.log.schema().bucket_size
    }

    /// How many readers the log waits for before it forgets a record.
    #[getter]
    fn nreaders(&self) -> u8 {
        self.nreaders
    }

    /// What opening the log found, as a `TSReport`.
    #[getter]
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let report = self.log.report();
        let lost = report.lost.map(|range| (range.first, range.last));
        let class = py.import("tslog._types")?.getattr("TSReport")?;
        class.call1((report.clean, report.abandoned_size, lost, report.header_damaged))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        error::at_exit(self.close(py), exception)
    }

    fn __repr__(&self) -> String {
        let state = if self.closed() { "closed TSLog" } else { "TSLog" };
        format!("<{state} in '{}'>", self.folder.display())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(error::unpicklable(slf.as_any(), "call TSLog.open(folder) in the other process"))
    }
}

//! The class `TSReader`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::{
    prelude::*,
    types::{PyBool, PyByteArray, PyTuple, PyType},
};
use tslog::{Error, Options, SharedReader, View};

use crate::{
    batch::{self, TSBatch},
    codec::Codec,
    error,
    fork::Home,
    log::TSLog,
    object::Serializer,
};

/// How long a wait goes on without a look at whether the user has pressed Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

/// The system has no memory left.
const ENOMEM: i32 = 12;

/// Reads the records of a log in order, and acknowledges them.
///
/// It is the result of `TSLog.reader(n)`; in another process, of `TSReader.open`. All methods may
/// be called from any thread.
///
/// >>> log = TSLog(folder, formats=["Qff"], commit_delta=2)
/// >>> log.store(1, 0.5, 1.5), log.store(2, 2.5, 3.5)
/// (1, 2)
/// >>> reader = log.reader(0)
/// >>> for time, a, b in reader:
/// ...     print(time, a, b)
/// 1 0.5 1.5
/// 2 2.5 3.5
/// >>> reader.commit()
/// 2
#[pyclass(frozen, module = "tslog")]
#[derive(Debug)]
pub(crate) struct TSReader {
    reader: Mutex<SharedReader>,
    codec: Arc<Codec>,
    serializer: Option<Serializer>,
    folder: PathBuf,
    n: u8,
    home: Home,
}

impl TSReader {
    pub(crate) fn new(
        reader: SharedReader,
        codec: Arc<Codec>,
        serializer: Option<Serializer>,
        folder: PathBuf,
        n: u8,
    ) -> Self {
        Self { reader: Mutex::new(reader), codec, serializer, folder, n, home: Home::here() }
    }

    /// Waiting for this lock means waiting for the medium, so only a detached thread may.
    fn lock(&self) -> MutexGuard<'_, SharedReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the reader while other Python threads run.
    fn detached<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut SharedReader) -> Result<T, Error<io::Error>> + Send,
    ) -> PyResult<T> {
        self.home.check(py)?;
        let done = py.detach(|| act(&mut self.lock()));
        done.map_err(|error| error::from_log(py, error, &self.folder))
    }

    /// What `act` makes of the next record where it lies, if it is in memory and no other thread is
    /// in the reader.
    ///
    /// The reader is locked meanwhile. So `act` must do nothing that could run other code, which
    /// might want the reader: it makes no object that Python collects garbage for.
    #[inline]
    fn at_hand<T>(&self, py: Python<'_>, act: impl FnOnce(&[u8]) -> T) -> PyResult<Option<T>> {
        self.home.check(py)?;
        let Ok(mut reader) = self.reader.try_lock() else { return Ok(None) };
        Ok(reader.try_next_bytes().map(|(_, record)| act(record)))
    }

    /// The next record, if there is one.
    fn fetch(&self, py: Python<'_>, advance: bool) -> PyResult<Option<Vec<u8>>> {
        if advance && let Some(record) = self.at_hand(py, <[u8]>::to_vec)? {
            return Ok(Some(record));
        }
        self.detached(py, |reader| {
            if advance {
                return Ok(reader.next_bytes()?.map(|(_, record)| record.to_vec()));
            }
            Ok(reader.peek_record()?.map(|(_, record)| record))
        })
    }

    /// As `fetch`, but looks again every `wait` milliseconds until there is a record, if `wait` is
    /// not 0.
    fn wait_for(&self, py: Python<'_>, advance: bool, wait: Wait) -> PyResult<Option<Vec<u8>>> {
        loop {
            let record = self.fetch(py, advance)?;
            if record.is_some() || wait.0 == 0 {
                return Ok(record);
            }
            let mut left = Duration::from_millis(wait.0);
            while !left.is_zero() {
                let nap = left.min(PATIENCE);
                py.detach(|| std::thread::sleep(nap));
                py.check_signals()?;
                left -= nap;
            }
        }
    }

    /// The values of the next record, of whatever kind it is and wherever it lies.
    #[inline(never)]
    fn values<'py>(
        &self,
        py: Python<'py>,
        advance: bool,
        wait: Wait,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.serializer.is_none() && self.codec.layouts.is_empty() {
            let text = "expected a log with formats or a serializer, and this one has neither: \
                        read bytes with next_record()";
            return Err(error::type_error(py, text));
        }
        let Some(record) = self.wait_for(py, advance, wait)? else { return Ok(None) };
        if let Some(serializer) = &self.serializer {
            return serializer.load(py, &record).map(Some);
        }
        Ok(Some(self.codec.unpack(py, &record)?.into_any()))
    }
}

/// Up to `most` records of `size` bytes, and the number of the first. After an error the reader
/// stands where it stood, or behind the numbers that are gone.
fn read_many(
    reader: &mut SharedReader,
    most: u64,
    size: usize,
) -> Result<(Vec<u8>, u64), Error<io::Error>> {
    let first = reader.cursor().saturating_add(1);
    let count = usize::try_from(reader.lag()?.min(most)).unwrap_or(usize::MAX);
    let need = count.saturating_mul(size);
    // How many there are says the log, and what it says may be forged.
    let room = Vec::<u8>::new().try_reserve_exact(need);
    room.map_err(|_| Error::Storage(io::Error::from_raw_os_error(ENOMEM)))?;
    let mut bytes = vec![0; need];
    let mut end = 0;
    while end < need {
        match reader.read_batch(bytes.get_mut(end..).unwrap_or_default()) {
            Ok(Some(part)) => end += part.count as usize * size,
            Ok(None) => break,
            Err(error) if end == 0 => return Err(error),
            // What was read must not be lost with what is gone: that is met again.
            Err(Error::Damaged(range) | Error::Lost(range)) => {
                reader.seek(range.first)?;
                break;
            }
            // The same goes for what cannot be read now: all of it is met again.
            Err(error) => {
                reader.seek(first)?;
                return Err(error);
            }
        }
    }
    bytes.truncate(end);
    Ok((bytes, first))
}

/// Why reader `n` of the log in `folder` could not be opened: of the log alone the core speaks.
fn refused(py: Python<'_>, error: Error<io::Error>, n: u8, folder: &Path) -> PyErr {
    let text = match error {
        Error::Locked(None) => format!("reader {n} is in use, here or in another process"),
        Error::NoLog if View::open(folder).is_ok() => {
            format!("the log has no reader {n}: open the log with nreaders={}", n.saturating_add(1))
        }
        _ => error.to_string(),
    };
    error::with_text(py, error, text, folder)
}

/// Milliseconds between two looks; 0 for one look only.
#[derive(Clone, Copy)]
struct Wait(u64);

impl<'py> FromPyObject<'_, 'py> for Wait {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if value.is_instance_of::<PyBool>() {
            // next(True) would look again every millisecond, for ever.
            let got = error::show(&value);
            let text = format!("wait must be an integer of milliseconds, got {got}");
            return Err(error::type_error(value.py(), &text));
        }
        error::integer(&value, "wait", (0, u64::MAX)).map(Self)
    }
}

#[pymethods]
impl TSReader {
    /// As `tslog.reader(n)`. If a `format` is given it must be the one of the log.
    #[new]
    #[pyo3(signature = (tslog, n, format=None), text_signature = "(tslog, n, format='')")]
    fn py_new(
        py: Python<'_>,
        tslog: &Bound<'_, TSLog>,
        n: &Bound<'_, PyAny>,
        format: Option<&str>,
    ) -> PyResult<Self> {
        let log = tslog.get();
        if let Some(format) = format.filter(|format| !format.is_empty()) {
            let asked = tslog::Format::new(format).map_err(|why| error::from_invalid(py, why))?;
            if !matches!(log.codec.layouts.as_slice(), [one] if one.format == asked.to_string()) {
                let formats = log.codec.layouts.iter().map(|layout| layout.format.as_str());
                let formats: Vec<&str> = formats.collect();
                let text = format!(
                    "expected no format or the one of the log, {formats:?}, got '{format}'"
                );
                return Err(error::raise(py, "TSLogMismatch", (text,)));
            }
        }
        log.check(py)?;
        let n = error::integer(n, "n", (0, u64::from(log.nreaders) - 1))?;
        let n = u8::try_from(n).unwrap_or(u8::MAX);
        let reader = py.detach(|| log.log.reader(n));
        let reader = reader.map_err(|error| refused(py, error, n, &log.folder))?;
        let serializer = log.serializer.as_ref().map(|serializer| serializer.share(py));
        Ok(Self::new(reader, Arc::clone(&log.codec), serializer, log.folder.clone(), n))
    }

    /// Opens reader `n` of a log that another process may be writing.
    ///
    /// It sees durable records only. It holds the lock of its reader number, never the writer's.
    ///
    /// Raises `TSLogNotFound` if there is no such log or reader, and `TSLogLocked` if the reader is
    /// in use.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"], commit_delta=1)
    /// >>> log.store(1, 0.5, 1.5)
    /// 1
    /// >>> with TSReader.open(folder, 0) as reader:
    /// ...     reader.next()
    /// (1, 0.5, 1.5)
    #[classmethod]
    #[pyo3(signature = (folder, n=None, *, serializer=None),
        text_signature = "($cls, folder, n=0, *, serializer=None)")]
    fn open(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        folder: PathBuf,
        n: Option<&Bound<'_, PyAny>>,
        serializer: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let n = n.map_or(Ok(0), |n| error::integer(n, "n", (0, 3)))?;
        let n = u8::try_from(n).unwrap_or(u8::MAX);
        let serializer = serializer.map_or(Ok(None), Serializer::new)?;
        let opened = py.detach(|| Options::open_reader(&folder, n));
        let reader = opened.map_err(|error| refused(py, error, n, &folder))?;
        let codec = Codec::new(reader.schema()).map_err(|why| error::from_invalid(py, why))?;
        if serializer.is_some() && !codec.layouts.is_empty() {
            return Err(error::formats_and_serializer(py));
        }
        Ok(Self::new(reader, Arc::new(codec), serializer, folder, n))
    }

    /// The next record: a tuple of its values by the format of the log. With several formats a
    /// tuple of two, the tag and the tuple of values; with a serializer, the object.
    ///
    /// `None` if no more records are committed. With `wait` above 0, looks again every `wait`
    /// milliseconds until there is one.
    ///
    /// Raises `TSLogDamaged` or `TSLogDropped`, which name the numbers that are gone, once: the
    /// next call goes on behind them. Raises `TSLogClosed`; `TSLogTypeError` if the log has neither
    /// formats nor a serializer.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"], commit_delta=1)
    /// >>> log.store(1, 0.5, 1.5)
    /// 1
    /// >>> reader = log.reader(0)
    /// >>> reader.next()
    /// (1, 0.5, 1.5)
    /// >>> print(reader.next())
    /// None
    #[pyo3(signature = (wait=Wait(0)), text_signature = "($self, wait=0)")]
    fn next<'py>(&self, py: Python<'py>, wait: Wait) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(row) = self.codec.row(py)?
            && let Some(values) = self.at_hand(py, |record| row.fill(py, record))?
        {
            return Ok(Some(values.into_any()));
        }
        self.values(py, true, wait)
    }

    /// As `next`, but the cursor stays where it is.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"], commit_delta=1)
    /// >>> log.store(1, 0.5, 1.5)
    /// 1
    /// >>> reader = log.reader(0)
    /// >>> reader.peek() == reader.peek() == reader.next()
    /// True
    #[pyo3(signature = (wait=Wait(0)), text_signature = "($self, wait=0)")]
    fn peek<'py>(&self, py: Python<'py>, wait: Wait) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.values(py, false, wait)
    }

    /// The next record as a bytearray of `record_size` bytes; in a log with several formats the
    /// first one is the tag.
    ///
    /// With `advance=False` the cursor stays where it is. `wait`, `None` and errors are as in
    /// `next`.
    ///
    /// >>> log = TSLog(folder, record_size=4, commit_delta=1)
    /// >>> log.store_record(b"ab")
    /// 1
    /// >>> log.reader(0).next_record()
    /// bytearray(b'ab\x00\x00')
    #[pyo3(signature = (advance=true, wait=Wait(0)),
        text_signature = "($self, advance=True, wait=0)")]
    fn next_record<'py>(
        &self,
        py: Python<'py>,
        advance: bool,
        wait: Wait,
    ) -> PyResult<Option<Bound<'py, PyByteArray>>> {
        if advance && let Some(array) = self.at_hand(py, |record| PyByteArray::new(py, record))? {
            return Ok(Some(array));
        }
        let record = self.wait_for(py, advance, wait)?;
        Ok(record.map(|record| PyByteArray::new(py, &record)))
    }

    /// Up to `n` records as one buffer; fewer if fewer are committed, none in an empty batch.
    ///
    /// It ends in front of numbers that are gone; the next call then raises. Raises `TSLogClosed`,
    /// and `TSLogOSError` with its errno, `ENOMEM` if memory lacks: the cursor then stays.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"], commit_delta=1)
    /// >>> log.store(1, 0.5, 1.5)
    /// 1
    /// >>> log.reader(0).batch(1000)
    /// <TSBatch of 1 records from number 1>
    fn batch(&self, py: Python<'_>, n: &Bound<'_, PyAny>) -> PyResult<TSBatch> {
        let most = batch::count(n)?;
        let size = self.codec.record_size;
        let (bytes, first) = self.detached(py, |reader| read_many(reader, most, size))?;
        Ok(TSBatch::new(bytes, first, Arc::clone(&self.codec)))
    }

    /// Saves the number of the last record read as the cursor, and returns it: all up to it may
    /// then be forgotten. It is durable when this returns.
    ///
    /// Raises `TSLogClosed`, and `TSLogOSError` with its errno.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"], commit_delta=1)
    /// >>> log.store(1, 0.5, 1.5)
    /// 1
    /// >>> reader = log.reader(0)
    /// >>> reader.commit(), reader.next(), reader.commit()
    /// (0, (1, 0.5, 1.5), 1)
    fn commit(&self, py: Python<'_>) -> PyResult<u64> {
        self.detached(py, SharedReader::commit)
    }

    /// Closes the reader without a commit. Closing twice is no error.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"])
    /// >>> reader = log.reader(0)
    /// >>> reader.close()
    /// >>> reader.next()
    /// Traceback (most recent call last):
    ///     ...
    /// tslog.TSLogClosed: this handle is closed, or a newer one took its place
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.detached(py, |reader| {
            reader.close();
            Ok(())
        })
    }

    /// Makes `seqn` the next record to be read. What is committed stays committed until the next
    /// `commit`, which may then move the cursor back.
    ///
    /// Raises `TSLogValueError` if `seqn` is 0 or beyond the record to come. Numbers that are not
    /// in the log any more are met as `TSLogDropped` or `TSLogDamaged` by the next read.
    ///
    /// >>> log = TSLog(folder, formats=["Q"], commit_delta=1)
    /// >>> [log.store(n) for n in (10, 20, 30)]
    /// [1, 2, 3]
    /// >>> reader = log.reader(0)
    /// >>> reader.seek(3)
    /// >>> reader.next()
    /// (30,)
    fn seek(&self, py: Python<'_>, seqn: &Bound<'_, PyAny>) -> PyResult<()> {
        let seqn = error::integer(seqn, "seqn", (1, u64::MAX))?;
        self.detached(py, |reader| reader.seek(seqn))
    }

    /// How many records were read and not committed.
    ///
    /// >>> log = TSLog(folder, formats=["Q"], commit_delta=1)
    /// >>> log.store(10)
    /// 1
    /// >>> reader = log.reader(0)
    /// >>> reader.next(), reader.uncommitted(), reader.commit(), reader.uncommitted()
    /// ((10,), 1, 1, 0)
    fn uncommitted(&self, py: Python<'_>) -> PyResult<u64> {
        self.detached(py, |reader| reader.lag().map(|_| reader.uncommitted()))
    }

    /// How many committed records this reader has not read.
    ///
    /// >>> log = TSLog(folder, formats=["Q"], commit_delta=1)
    /// >>> log.store(10)
    /// 1
    /// >>> log.reader(0).lag()
    /// 1
    fn lag(&self, py: Python<'_>) -> PyResult<u64> {
        self.detached(py, SharedReader::lag)
    }

    /// Waits, for asyncio, until a record can be read; looks every `every` milliseconds.
    ///
    /// Returns how many can be read. Raises as `lag`.
    ///
    /// >>> import asyncio
    /// >>> log = TSLog(folder, formats=["Q"], commit_delta=1)
    /// >>> log.store(10)
    /// 1
    /// >>> async def main():
    /// ...     reader = log.reader(0)
    /// ...     await reader.wait()
    /// ...     return reader.next()
    /// >>> asyncio.run(main())
    /// (10,)
    #[pyo3(signature = (every=None), text_signature = "($self, every=20)")]
    fn wait<'py>(
        slf: &Bound<'py, Self>,
        every: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let every = every.map_or(Ok(20), |every| error::integer(every, "every", (1, u64::MAX)))?;
        slf.py().import("tslog._waiting")?.call_method1("wait", (slf, every))
    }

    /// The number of the last record read; 0 if none was.
    #[getter]
    fn cursor(&self, py: Python<'_>) -> PyResult<u64> {
        self.detached(py, |reader| Ok(reader.cursor()))
    }

    /// The number of this reader, from 0.
    #[getter]
    fn n(&self) -> u8 {
        self.n
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.next(py, Wait(0))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        error::at_exit(self.close(py), exception)
    }

    fn __repr__(&self) -> String {
        format!("<TSReader {} of '{}'>", self.n, self.folder.display())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(error::unpicklable(slf.as_any(), "call TSReader.open(folder, n) in the other process"))
    }
}

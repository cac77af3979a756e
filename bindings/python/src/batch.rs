//! Many records as one buffer, which NumPy takes without a copy.

use core::ffi::{c_char, c_int, c_void};
use std::ffi::CString;
use std::fmt::Write as _;
use std::sync::Arc;

use pyo3::{
    IntoPyObjectExt,
    exceptions::PyBufferError,
    ffi,
    prelude::*,
    types::{PyDict, PyTuple},
};

use crate::{codec::Codec, error};

/// Records of a log in one piece of memory, as `TSReader.batch` returns them.
///
/// It has the buffer protocol, so that `memoryview(batch)` and `numpy.asarray(batch)` work without
/// a copy. It cannot be written to.
///
/// >>> log = TSLog(folder, formats=["Qf"], fields="time:s,level:m", commit_delta=1)
/// >>> log.store(1700000000, 0.5), log.store(1700000060, 0.25)
/// (1, 2)
/// >>> batch = log.reader(0).batch(1000)
/// >>> len(batch), batch.first, batch.last
/// (2, 1, 2)
/// >>> batch.to_numpy()["level"].tolist()
/// [0.5, 0.25]
#[pyclass(frozen, module = "tslog")]
#[derive(Debug)]
pub(crate) struct TSBatch {
    bytes: Vec<u8>,
    first: u64,
    codec: Arc<Codec>,
    /// What the buffer protocol points to: items, bytes of one, and its format.
    shape: [isize; 1],
    strides: [isize; 1],
    format: CString,
}

impl TSBatch {
    pub(crate) fn new(bytes: Vec<u8>, first: u64, codec: Arc<Codec>) -> Self {
        let structure = structure(&codec);
        let item = if structure.is_some() { codec.record_size } else { 1 };
        let as_isize = |size: usize| isize::try_from(size).unwrap_or(isize::MAX);
        let shape = [as_isize(bytes.len() / item)];
        let format = structure.unwrap_or_else(|| c"B".to_owned());
        Self { bytes, first, codec, shape, strides: [as_isize(item)], format }
    }

    fn count(&self) -> usize {
        self.bytes.len() / self.codec.record_size
    }

    fn convert<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        tag: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let words = PyDict::new(slf.py());
        words.set_item("tag", tag)?;
        slf.py().import("tslog._arrays")?.getattr(name)?.call((slf,), Some(&words))
    }
}

/// The records of a log with one format, in the words of PEP 3118.
fn structure(codec: &Codec) -> Option<CString> {
    let [layout] = codec.layouts.as_slice() else { return None };
    let mut text = String::from(if layout.format.starts_with('>') { "T{>" } else { "T{<" });
    let mut end = 0;
    for ((name, _), code) in layout.columns().zip(&layout.codes) {
        let gap = code.offset - end;
        if gap > 0 {
            write!(text, "{gap}x").ok()?;
        }
        match code.letter {
            // A buffer knows no Pascal strings.
            's' | 'p' => write!(text, "{}s:{name}:", code.size).ok()?,
            letter => write!(text, "{letter}:{name}:").ok()?,
        }
        end = code.offset + code.size;
    }
    let gap = codec.record_size.checked_sub(end as usize)?;
    if gap > 0 {
        write!(text, "{gap}x").ok()?;
    }
    text.push('}');
    CString::new(text).ok()
}

#[pymethods]
impl TSBatch {
    /// The number of the first record; one more than the last number read if there is no record.
    #[getter]
    fn first(&self) -> u64 {
        self.first
    }

    /// The number of the last record; `first - 1` if there is no record.
    #[getter]
    fn last(&self) -> u64 {
        (self.first + self.count() as u64).saturating_sub(1)
    }

    /// Bytes in a record, the tag included.
    #[getter]
    fn record_size(&self) -> usize {
        self.codec.record_size
    }

    /// For each format its columns: name, unit, struct code, offset in the record and size, both in
    /// bytes. A log of raw records has none.
    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let tag_size = self.codec.tag_size();
        let formats = self.codec.layouts.iter().map(|layout| {
            let order = if layout.format.starts_with('>') { ">" } else { "<" };
            let columns = layout.columns().zip(&layout.codes).map(|((name, unit), code)| {
                let offset = code.offset as usize + tag_size;
                (name, unit, format!("{order}{}", code.letter), offset, code.size).into_py_any(py)
            });
            PyTuple::new(py, columns.collect::<PyResult<Vec<_>>>()?)
        });
        PyTuple::new(py, formats.collect::<PyResult<Vec<_>>>()?)
    }

    fn __len__(&self) -> usize {
        self.count()
    }

    fn __repr__(&self) -> String {
        format!("<TSBatch of {} records from number {}>", self.count(), self.first)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(error::unpicklable(slf.as_any(), "send bytes(batch), or what to_arrow() gives"))
    }

    /// A NumPy structured array on the bytes of this batch, without a copy and read-only.
    ///
    /// Fields have the names of the header, or `f0`, `f1` and so on. In a log with several formats
    /// `tag` says which one; the records of that format are copied then, with their number as
    /// `seqn`. A log of raw records gives an array of `V`, bytes.
    ///
    /// Raises `ImportError` without NumPy; `TSLogValueError` if `tag` is not one of the formats;
    /// `TSLogTypeError` if there are several formats and no `tag`.
    ///
    /// >>> log = TSLog(folder, formats=["Qff"], commit_delta=1)
    /// >>> log.store(7, 0.5, 1.5)
    /// 1
    /// >>> log.reader(0).batch(10).to_numpy()["f2"].tolist()
    /// [1.5]
    #[pyo3(signature = (tag=None))]
    fn to_numpy<'py>(
        slf: &Bound<'py, Self>,
        tag: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::convert(slf, "to_numpy", tag)
    }

    /// A `pyarrow.Table` with a column `seqn` of numbers and one for each field. Units are in the
    /// metadata of the fields, under `unit`.
    ///
    /// Raises `ImportError` without NumPy or pyarrow, and as `to_numpy`.
    ///
    /// >>> log = TSLog(folder, formats=["Qf"], fields="time:s,level:m", commit_delta=1)
    /// >>> log.store(7, 0.5)
    /// 1
    /// >>> log.reader(0).batch(10).to_arrow().to_pylist()
    /// [{'seqn': 1, 'time': 7, 'level': 0.5}]
    #[pyo3(signature = (tag=None))]
    fn to_arrow<'py>(
        slf: &Bound<'py, Self>,
        tag: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::convert(slf, "to_arrow", tag)
    }

    /// A `pandas.DataFrame` with a column for each field; the index `seqn` has the numbers. Units
    /// are in `frame.attrs["units"]`.
    ///
    /// Raises `ImportError` without pandas, and as `to_numpy`.
    ///
    /// >>> log = TSLog(folder, formats=["Qf"], fields="time:s,level:m", commit_delta=1)
    /// >>> log.store(7, 0.5)
    /// 1
    /// >>> log.reader(0).batch(10).to_pandas()["level"].to_dict()
    /// {1: 0.5}
    #[pyo3(signature = (tag=None))]
    fn to_pandas<'py>(
        slf: &Bound<'py, Self>,
        tag: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::convert(slf, "to_pandas", tag)
    }

    /// A `polars.DataFrame` with a column `seqn` of numbers and one for each field.
    ///
    /// Raises `ImportError` without NumPy or polars, and as `to_numpy`.
    ///
    /// >>> log = TSLog(folder, formats=["Qf"], fields="time:s,level:m", commit_delta=1)
    /// >>> log.store(7, 0.5)
    /// 1
    /// >>> log.reader(0).batch(10).to_polars().rows()
    /// [(1, 7, 0.5)]
    #[pyo3(signature = (tag=None))]
    fn to_polars<'py>(
        slf: &Bound<'py, Self>,
        tag: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::convert(slf, "to_polars", tag)
    }

    #[expect(unsafe_code, reason = "the buffer protocol is a struct of C that is filled in place")]
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("expected a reader: a batch cannot be written to"));
        }
        let batch = slf.get();
        let wants = |flag| flags & flag == flag;
        let or_null = |wanted: bool, pointer: *const isize| {
            if wanted { pointer.cast_mut() } else { core::ptr::null_mut() }
        };
        let filled = ffi::Py_buffer {
            buf: batch.bytes.as_ptr().cast_mut().cast::<c_void>(),
            obj: core::ptr::null_mut(),
            len: isize::try_from(batch.bytes.len()).unwrap_or(isize::MAX),
            itemsize: batch.strides[0],
            readonly: 1,
            ndim: 1,
            format: if wants(ffi::PyBUF_FORMAT) {
                batch.format.as_ptr().cast_mut().cast::<c_char>()
            } else {
                core::ptr::null_mut()
            },
            shape: or_null(wants(ffi::PyBUF_ND), batch.shape.as_ptr()),
            strides: or_null(wants(ffi::PyBUF_STRIDES), batch.strides.as_ptr()),
            suboffsets: core::ptr::null_mut(),
            internal: core::ptr::null_mut(),
        };
        // SAFETY: Python gives a `view` to be filled. All it points to belongs to the batch, which
        // never changes and does not move, and `obj` keeps the batch for as long as the view is.
        unsafe {
            view.write(filled);
            (*view).obj = slf.into_any().into_ptr();
        }
        Ok(())
    }
}

/// The most records of a batch that is asked for by `value`.
pub(crate) fn count(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    error::integer(value, "n", (1, u64::MAX))
}

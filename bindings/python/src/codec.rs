//! Python values into records and back.
//!
//! The bytes are those of the Rust crate's formats, which are those of Python's `struct`. What is
//! common is done here without a detour: plain ints and floats in little-endian formats. All else,
//! and every refusal, is left to the crate, so that there is one place that decides.

use core::convert::Infallible;

use pyo3::{
    ffi,
    prelude::*,
    types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyTuple},
};
use tslog::{Code, Format, Invalid, PackError, Schema, Value};

use crate::error;

/// The most bytes of a record that is gathered on the stack.
pub(crate) const SMALL: usize = 64;

/// An argument of a call that takes any number of them; none where the call had fewer.
#[derive(Clone, Copy)]
pub(crate) struct Arg<'a, 'py>(Option<Borrowed<'a, 'py, PyAny>>);

impl<'a, 'py> Arg<'a, 'py> {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn new(value: &'a Bound<'py, PyAny>) -> Self {
        Self(Some(value.as_borrowed()))
    }

    pub(crate) fn is_none(self) -> bool {
        self.0.is_none()
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Arg<'a, 'py> {
    type Error = Infallible;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self(Some(value)))
    }
}

/// The formats of a log, read once.
#[derive(Debug)]
pub(crate) struct Codec {
    pub(crate) layouts: Vec<Layout>,
    pub(crate) record_size: usize,
}

/// One format.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) format: String,
    pub(crate) fields: String,
    pub(crate) codes: Vec<Code>,
    size: usize,
    /// Where each value lies and what makes it, if all are of kinds that need no detour.
    makers: Option<Vec<(usize, Make)>>,
}

/// Makes a value of the bytes that begin with it.
type Make = for<'py> fn(Python<'py>, &[u8]) -> Bound<'py, PyAny>;

impl Codec {
    pub(crate) fn new(schema: &Schema) -> Result<Self, Invalid> {
        let layouts =
            schema.formats()?.into_iter().zip(&schema.formats).map(|(read, (text, _))| {
                let makers = read.codes().map(|code| Some((code.offset as usize, maker(code)?)));
                let makers: Option<Vec<_>> = makers.collect();
                Layout {
                    format: text.clone(),
                    fields: read.fields_text().to_owned(),
                    codes: read.codes().collect(),
                    size: read.size() as usize,
                    makers: makers.filter(|_| text.starts_with('<')),
                }
            });
        Ok(Self { layouts: layouts.collect(), record_size: schema.record_size as usize })
    }

    /// Bytes in front of the values: the tag, where there are several formats.
    pub(crate) fn tag_size(&self) -> usize {
        usize::from(self.layouts.len() > 1)
    }

    /// A place for the values of a record, if the log has one format and they need no detour.
    #[inline]
    pub(crate) fn row<'a, 'py>(&'a self, py: Python<'py>) -> PyResult<Option<Row<'a, 'py>>> {
        let [layout] = self.layouts.as_slice() else { return Ok(None) };
        layout.makers.as_deref().map(|makers| Row::new(py, makers)).transpose()
    }

    /// The values of a record, as `next` returns them.
    pub(crate) fn unpack<'py>(
        &self,
        py: Python<'py>,
        record: &[u8],
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (tag, bytes) = match record.split_first() {
            Some((&tag, rest)) if self.tag_size() == 1 => (usize::from(tag), rest),
            Some(_) | None => (0, record),
        };
        let Some(layout) = self.layouts.get(tag) else {
            let formats = self.layouts.len();
            let text = format!("expected a tag from 0 to {}, got {tag} in a record", formats - 1);
            return Err(error::value_error(py, &text));
        };
        let values = layout.unpack(py, bytes)?;
        if self.tag_size() == 1 { (tag, values).into_pyobject(py) } else { Ok(values) }
    }
}

impl Layout {
    /// The name and the unit of each value; `f0`, `f1` and so on where the header has no names.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (String, &str)> {
        let named = self.fields.split(',').filter(|_| !self.fields.is_empty());
        let named = named.map(|field| field.split_once(':').unwrap_or((field, "")));
        let named = named.map(|(name, unit)| (name.to_owned(), unit));
        named.chain((0..).map(|index| (format!("f{index}"), ""))).take(self.codes.len())
    }

    /// Writes the record of these values into `out`, which is zeroed.
    pub(crate) fn pack(
        &self,
        py: Python<'_>,
        values: &[Arg<'_, '_>],
        out: &mut [u8],
    ) -> PyResult<()> {
        if self.makers.is_none() || self.pack_common(values, out).is_none() {
            self.pack_any(py, values, out)?;
        }
        Ok(())
    }

    fn pack_common(&self, values: &[Arg<'_, '_>], out: &mut [u8]) -> Option<()> {
        if values.len() != self.codes.len() {
            return None;
        }
        for (code, value) in self.codes.iter().zip(values) {
            let value = value.0?;
            let out = out.get_mut(code.offset as usize..)?;
            match code.letter {
                'd' => put(out, value.cast_exact::<PyFloat>().ok()?.value().to_le_bytes())?,
                'f' => {
                    let value = value.cast_exact::<PyFloat>().ok()?.value();
                    #[expect(clippy::cast_possible_truncation, reason = "to round is what f does")]
                    let single = value as f32;
                    if single.is_infinite() && value.is_finite() {
                        return None;
                    }
                    put(out, single.to_le_bytes())?;
                }
                letter => {
                    let value = value.cast_exact::<PyInt>().ok()?;
                    match letter {
                        'b' => put(out, value.extract::<i8>().ok()?.to_le_bytes())?,
                        'B' => put(out, value.extract::<u8>().ok()?.to_le_bytes())?,
                        'h' => put(out, value.extract::<i16>().ok()?.to_le_bytes())?,
                        'H' => put(out, value.extract::<u16>().ok()?.to_le_bytes())?,
                        'i' => put(out, value.extract::<i32>().ok()?.to_le_bytes())?,
                        'I' => put(out, value.extract::<u32>().ok()?.to_le_bytes())?,
                        'q' => put(out, value.extract::<i64>().ok()?.to_le_bytes())?,
                        _ => put(out, value.extract::<u64>().ok()?.to_le_bytes())?,
                    }
                }
            }
        }
        Some(())
    }

    fn pack_any(&self, py: Python<'_>, values: &[Arg<'_, '_>], out: &mut [u8]) -> PyResult<()> {
        let given = values.len();
        if given != self.codes.len() {
            let count = PackError::Count(self.codes.len() as u64, given as u64);
            return Err(error::from_invalid(py, count.into()));
        }
        let mut owned = Vec::with_capacity(given);
        let values = values.iter().filter_map(|value| value.0.as_deref());
        for ((index, code), value) in (0..).zip(&self.codes).zip(values) {
            owned.push(Owned::take(value, code.letter).map_err(|refused| match refused {
                Refused::Raised(error) => error,
                Refused::Type => error::type_error(py, &refusal(index, code.letter, value)),
                Refused::Range => error::value_error(py, &refusal(index, code.letter, value)),
            })?);
        }
        let values: Vec<Value<'_>> = owned.iter().map(Owned::borrow).collect();
        let packed = Format::new(&self.format).and_then(|format| {
            let out = out.get_mut(..self.size).unwrap_or_default();
            format.pack(&values, out).map_err(Invalid::from)
        });
        packed.map_err(|invalid| error::from_invalid(py, invalid))
    }

    fn unpack<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        if let Some(makers) = &self.makers {
            return Ok(Row::new(py, makers)?.fill(py, bytes));
        }
        let format = Format::new(&self.format).map_err(|why| error::from_invalid(py, why))?;
        let values: PyResult<Vec<_>> = format.unpack(bytes).map(|v| to_python(py, v)).collect();
        PyTuple::new(py, values?)
    }
}

/// A tuple that has a place for each value of a record, and no values yet.
///
/// To make one may collect garbage, which runs anything. To fill one with numbers runs nothing, and
/// so may be done while a lock is held.
pub(crate) struct Row<'a, 'py> {
    tuple: Bound<'py, PyAny>,
    makers: &'a [(usize, Make)],
}

impl<'a, 'py> Row<'a, 'py> {
    #[expect(unsafe_code, reason = "a tuple is filled in place")]
    #[inline]
    fn new(py: Python<'py>, makers: &'a [(usize, Make)]) -> PyResult<Self> {
        let len = isize::try_from(makers.len()).unwrap_or(isize::MAX);
        // SAFETY: Python gives a new tuple, or an error.
        let tuple = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyTuple_New(len))? };
        Ok(Self { tuple, makers })
    }

    /// What a loop over records spends its time with: `PyTuple::new` costs as much again for three
    /// values.
    #[expect(unsafe_code, reason = "a tuple is filled in place")]
    #[expect(clippy::inline_always, reason = "a call costs as much as a value")]
    #[inline(always)]
    pub(crate) fn fill(self, py: Python<'py>, record: &[u8]) -> Bound<'py, PyTuple> {
        for (at, (offset, make)) in (0..).zip(self.makers) {
            let value = make(py, record.get(*offset..).unwrap_or_default());
            // SAFETY: the tuple is new and nobody else has it. It has a place for each value, and
            // takes it over.
            unsafe { ffi::PyTuple_SetItem(self.tuple.as_ptr(), at, value.into_ptr()) };
        }
        // SAFETY: it was made as a tuple.
        unsafe { self.tuple.cast_into_unchecked() }
    }
}

/// What makes the value of a code; nothing for a kind that takes a detour.
fn maker(code: Code) -> Option<Make> {
    Some(match code.letter {
        'd' => |py, bytes| float(py, f64::from_le_bytes(take(bytes))),
        'f' => |py, bytes| float(py, f32::from_le_bytes(take(bytes)).into()),
        'b' => |py, bytes| int(py, i8::from_le_bytes(take(bytes))),
        'B' => |py, bytes| int(py, u8::from_le_bytes(take(bytes))),
        'h' => |py, bytes| int(py, i16::from_le_bytes(take(bytes))),
        'H' => |py, bytes| int(py, u16::from_le_bytes(take(bytes))),
        'i' => |py, bytes| int(py, i32::from_le_bytes(take(bytes))),
        'I' => |py, bytes| int(py, u32::from_le_bytes(take(bytes))),
        'q' => |py, bytes| int(py, i64::from_le_bytes(take(bytes))),
        'Q' => |py, bytes| {
            let value = u64::from_le_bytes(take(bytes));
            // Python makes signed numbers faster than unsigned ones.
            i64::try_from(value).map_or_else(|_| int(py, value), |value| int(py, value))
        },
        _ => return None,
    })
}

fn float(py: Python<'_>, value: f64) -> Bound<'_, PyAny> {
    PyFloat::new(py, value).into_any()
}

fn int<'py, T>(py: Python<'py>, value: T) -> Bound<'py, PyAny>
where
    T: IntoPyObject<'py, Target = PyInt, Output = Bound<'py, PyInt>, Error = Infallible>,
{
    let Ok(value) = value.into_pyobject(py);
    value.into_any()
}

/// The first bytes; zeros if there are too few, which a record never has.
fn take<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

fn put<const N: usize>(out: &mut [u8], bytes: [u8; N]) -> Option<()> {
    *out.first_chunk_mut()? = bytes;
    Some(())
}

/// What the crate says of a value that does not fit, with the Python value in it.
fn refusal(index: u32, code: char, value: &Bound<'_, PyAny>) -> String {
    let text = PackError::Value { index, code, got: tslog::Got::Bool(false) }.to_string();
    let expected = text.rsplit_once(", got ").map_or(text.as_str(), |(expected, _)| expected);
    format!("{expected}, got {}", error::show(value))
}

fn to_python<'py>(py: Python<'py>, value: Value<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Float(value) => PyFloat::new(py, value).into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
        Value::Uint(value) => value.into_pyobject(py)?.into_any(),
    })
}

/// Why a Python value is none for its code.
enum Refused {
    Raised(PyErr),
    Range,
    Type,
}

/// A value taken out of Python.
enum Owned {
    Bool(bool),
    Bytes(Vec<u8>),
    Float(f64),
    Int(i64),
    Uint(u64),
}

impl Owned {
    fn take(value: &Bound<'_, PyAny>, code: char) -> Result<Self, Refused> {
        match code {
            '?' => value.is_truthy().map(Self::Bool).map_err(Refused::Raised),
            'c' | 's' | 'p' => {
                if let Ok(bytes) = value.cast::<PyBytes>() {
                    return Ok(Self::Bytes(bytes.as_bytes().to_vec()));
                }
                let bytes = value.cast::<PyByteArray>().ok().filter(|_| code != 'c');
                bytes.map(|bytes| Self::Bytes(bytes.to_vec())).ok_or(Refused::Type)
            }
            'e' | 'f' | 'd' => value.extract().map(Self::Float).map_err(|e| refused(value, &e)),
            _ => match value.extract::<u64>() {
                Ok(number) => Ok(Self::Uint(number)),
                Err(_) => value.extract().map(Self::Int).map_err(|e| refused(value, &e)),
            },
        }
    }

    fn borrow(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Float(value) => Value::Float(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
        }
    }
}

fn refused(value: &Bound<'_, PyAny>, error: &PyErr) -> Refused {
    let is_type_error = error.is_instance_of::<pyo3::exceptions::PyTypeError>(value.py());
    if is_type_error { Refused::Type } else { Refused::Range }
}

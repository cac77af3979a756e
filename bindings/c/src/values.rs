//! Values between C and the library, and packing them.

use core::ffi::{c_char, c_int, c_void};

use tslog_core::{Format, Value};

use crate::abi::{
    BytesOfC, ErrorDetails, TSLOG_BOOL, TSLOG_BYTES, TSLOG_FLOAT, TSLOG_INT, TSLOG_PACK_VALUES_MAX,
    TSLOG_UINT, ValueOfC, ValueUnion,
};
use crate::fault::Fault;
use crate::guard::{Outcome, answer};
use crate::pointers::{In, Out};

impl ValueOfC {
    /// The value as the library has it; `index` is its place, for an error.
    pub(crate) fn read<'a>(&self, index: usize) -> Result<Value<'a>, Fault> {
        let held = &self.r#as;
        Ok(match self.kind {
            // SAFETY: all bits of this member mean something.
            TSLOG_BOOL => Value::Bool(unsafe { held.boolean } != 0),
            TSLOG_BYTES => {
                // SAFETY: the kind says that C wrote this member; what the pointer is worth is for
                // `slice` to see.
                let bytes = unsafe { held.bytes };
                Value::Bytes(bytes.data.slice(bytes.size, "values[].as.bytes.data")?)
            }
            // SAFETY: all bits of this member mean something.
            TSLOG_FLOAT => Value::Float(unsafe { held.real }),
            // SAFETY: all bits of this member mean something.
            TSLOG_INT => Value::Int(unsafe { held.integer }),
            // SAFETY: all bits of this member mean something.
            TSLOG_UINT => Value::Uint(unsafe { held.uinteger }),
            other => return Err(Fault::Kind(u32::try_from(index).unwrap_or(u32::MAX), other)),
        })
    }
}

impl From<Value<'_>> for ValueOfC {
    fn from(value: Value<'_>) -> Self {
        let (kind, held) = match value {
            Value::Bool(truth) => (TSLOG_BOOL, ValueUnion { boolean: u64::from(truth) }),
            Value::Bytes(bytes) => {
                let bytes = BytesOfC { data: In::from(bytes), size: bytes.len() };
                (TSLOG_BYTES, ValueUnion { bytes })
            }
            Value::Float(real) => (TSLOG_FLOAT, ValueUnion { real }),
            Value::Int(integer) => (TSLOG_INT, ValueUnion { integer }),
            Value::Uint(uinteger) => (TSLOG_UINT, ValueUnion { uinteger }),
        };
        Self { kind, r#as: held }
    }
}

/// All values, where there is a heap.
#[cfg(feature = "std")]
pub(crate) fn read_all<'a>(values: In<ValueOfC>, count: usize) -> Result<Vec<Value<'a>>, Fault> {
    let values = values.slice(count, "values")?;
    values.iter().enumerate().map(|(index, value)| value.read(index)).collect()
}

/// Writes the values of `bytes`, and says how many there are.
pub(crate) fn write_all(
    format: &Format<'_>,
    bytes: &[u8],
    values: Out<ValueOfC>,
    capacity: usize,
) -> Result<u32, Fault> {
    let (need, have) = (u64::from(format.size()), bytes.len() as u64);
    if have < need {
        return Err(tslog_core::Invalid::Buffer(need, have).into());
    }
    check_room(format.values(), values, capacity)?;
    values.put_all(capacity, format.unpack(bytes).map(ValueOfC::from));
    Ok(format.values())
}

/// Values are written only where there is room for all.
pub(crate) fn check_room(count: u32, values: Out<ValueOfC>, capacity: usize) -> Result<(), Fault> {
    if u64::from(count) > capacity as u64 {
        return Err(Fault::Room("values", u64::from(count), capacity as u64));
    }
    if count > 0 { values.check("values") } else { Ok(()) }
}

#[unsafe(no_mangle)]
extern "C" fn tslog_format_size(
    format: In<c_char>,
    size: Out<u32>,
    values: Out<u32>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let format = Format::new(format.text("format")?)?;
        size.put(format.size());
        values.put(format.values());
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_pack(
    format: In<c_char>,
    values: In<ValueOfC>,
    count: usize,
    out: Out<u8>,
    out_size: usize,
    size: Out<usize>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let format = Format::new(format.text("format")?)?;
        let given = values.slice(count, "values")?;
        let mut values = [Value::Bool(false); TSLOG_PACK_VALUES_MAX];
        let most = values.len() as u64;
        let room = values.get_mut(..count);
        let room = room.ok_or(Fault::Count("values", most, count as u64))?;
        for (index, (place, value)) in room.iter_mut().zip(given).enumerate() {
            *place = value.read(index)?;
        }
        let out = out.slice(out_size, "out")?;
        format.pack(room, out).map_err(tslog_core::Invalid::from)?;
        size.put(usize::try_from(format.size()).unwrap_or(usize::MAX));
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_unpack(
    format: In<c_char>,
    record: In<c_void>,
    record_size: usize,
    values: Out<ValueOfC>,
    capacity: usize,
    count: Out<usize>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let format = Format::new(format.text("format")?)?;
        let bytes = record.as_bytes().slice(record_size, "record")?;
        let written = write_all(&format, bytes, values, capacity)?;
        count.put(usize::try_from(written).unwrap_or(usize::MAX));
        Ok(Outcome::Done)
    })
}

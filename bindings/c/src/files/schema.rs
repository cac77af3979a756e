//! `tslog_shape_of` and its like: what is known of the records of a log, a reader or a view.

use core::ffi::{c_char, c_int, c_void};

use super::handles::Handle;
use crate::abi::{ErrorDetails, RecordRead, Shape, ValueOfC};
use crate::fault::Fault;
use crate::guard::{Outcome, answer};
use crate::pointers::{In, Out};

/// Writes text and a zero byte.
fn put_text(text: &str, out: Out<u8>, room: usize, name: &'static str) -> Result<(), Fault> {
    let need = text.len().saturating_add(1);
    if need > room {
        return Err(Fault::Room(name, need as u64, room as u64));
    }
    out.put_all(room, text.bytes().chain([0]));
    Ok(())
}

#[unsafe(no_mangle)]
extern "C" fn tslog_shape_of(handle: Handle, shape: Out<Shape>, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        shape.check("shape")?;
        shape.put(handle.described()?.shape);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_format_of(
    handle: Handle,
    index: u32,
    format: Out<c_char>,
    format_size: usize,
    fields: Out<c_char>,
    fields_size: usize,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        format.check("format")?;
        fields.check("fields")?;
        let described = handle.described()?;
        let (format_text, fields_text) = described.text(index)?;
        let need = fields_text.len().saturating_add(1);
        if need > fields_size {
            return Err(Fault::Room("fields", need as u64, fields_size as u64));
        }
        put_text(format_text, format.as_bytes(), format_size, "format")?;
        put_text(fields_text, fields.as_bytes(), fields_size, "fields")?;
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_decode(
    handle: Handle,
    record: In<c_void>,
    record_size: usize,
    values: Out<ValueOfC>,
    capacity: usize,
    out: Out<RecordRead>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        out.check("out")?;
        let described = handle.described()?;
        let bytes = record.as_bytes().slice(record_size, "record")?;
        out.put(described.decode(bytes, values, capacity)?);
        Ok(Outcome::Done)
    })
}

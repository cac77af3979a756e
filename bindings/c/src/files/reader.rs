//! `tslog_reader_...`: readers of a log in a folder.

use core::ffi::{c_char, c_int, c_void};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tslog_core::{Error, Invalid, Options, SharedReader};

use super::described::Described;
use super::handles::{Handle, Object, hand_out, lock};
use super::path;
use crate::abi::{Batch, ErrorDetails, RecordRead, ValueOfC};
use crate::fault::Fault;
use crate::guard::{Outcome, answer};
use crate::pointers::{In, Out};

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_open(
    log: Handle,
    n: u32,
    reader: Out<Handle>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        reader.check("reader")?;
        let opened = {
            let log = log.log()?;
            // No log has as many readers as a byte can count, so the number that is cut is refused.
            let opened = log.reader(u8::try_from(n).unwrap_or(u8::MAX));
            if let Err(Error::Invalid(Invalid::Reader(_, readers))) = opened {
                return Err(Invalid::Reader(n, readers).into());
            }
            opened?
        };
        hand_out(reader, Object::Reader(Arc::new(Mutex::new(opened))), log.described()?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_open_folder(
    folder: In<c_char>,
    n: u32,
    reader: Out<Handle>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        reader.check("reader")?;
        let folder = path(folder, "folder")?;
        let most = tslog_core::MAX_READERS;
        let refused = Invalid::Reader(n, u32::try_from(most).unwrap_or(u32::MAX));
        let n = u8::try_from(n).ok().filter(|n| usize::from(*n) < most).ok_or(refused)?;
        let opened = Options::open_reader(folder, n)?;
        let described = Arc::new(Described::new(opened.schema())?);
        hand_out(reader, Object::Reader(Arc::new(Mutex::new(opened))), described);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_close(reader: Handle, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        reader.drop_reader()?;
        Ok(Outcome::Done)
    })
}

/// Where a reader stands after a record was read.
#[derive(Clone, Copy)]
enum Then {
    Behind,
    BeforeIt,
}

/// Looks for the next record until there is one, where the caller wants to wait; says its number.
fn look(handle: Handle, wait_ms: u32, record: &mut [u8], then: Then) -> Result<Option<u64>, Fault> {
    loop {
        // Looked up each time, so that closing the reader ends the wait.
        let (reader, described) = handle.reader()?;
        let (need, have) = (described.record_size(), record.len());
        let out = record.get_mut(..need).ok_or(Invalid::Buffer(need as u64, have as u64))?;
        let found = match then {
            Then::Behind => lock(&reader).read_batch(out)?.map(|batch| batch.first),
            Then::BeforeIt => lock(&reader).peek_record()?.map(|(seqn, bytes)| {
                out.copy_from_slice(&bytes);
                seqn
            }),
        };
        if found.is_some() || wait_ms == 0 {
            return Ok(found);
        }
        drop(reader);
        std::thread::sleep(Duration::from_millis(u64::from(wait_ms)));
    }
}

/// A record as bytes.
fn as_bytes(
    handle: Handle,
    wait_ms: u32,
    (record, size): (Out<c_void>, usize),
    seqn: Out<u64>,
    then: Then,
) -> Result<Outcome, Fault> {
    let out = record.as_bytes().slice(size, "record")?;
    Ok(match look(handle, wait_ms, out, then)? {
        Some(found) => {
            seqn.put(found);
            Outcome::Done
        }
        None => Outcome::Nothing,
    })
}

/// A record as values.
fn as_values(
    handle: Handle,
    wait_ms: u32,
    (record, size): (Out<c_void>, usize),
    (values, capacity): (Out<ValueOfC>, usize),
    out: Out<RecordRead>,
    then: Then,
) -> Result<Outcome, Fault> {
    out.check("out")?;
    let (_, described) = handle.reader()?;
    // All that can be refused is refused before the reader moves.
    described.check_values(values, capacity)?;
    let bytes = record.as_bytes().slice(size, "record")?;
    let Some(seqn) = look(handle, wait_ms, bytes, then)? else { return Ok(Outcome::Nothing) };
    out.put(RecordRead { seqn, ..described.decode(bytes, values, capacity)? });
    Ok(Outcome::Done)
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_next(
    reader: Handle,
    wait_ms: u32,
    record: Out<c_void>,
    record_size: usize,
    values: Out<ValueOfC>,
    capacity: usize,
    out: Out<RecordRead>,
    error: Out<ErrorDetails>,
) -> c_int {
    let (record, values) = ((record, record_size), (values, capacity));
    answer(error, || as_values(reader, wait_ms, record, values, out, Then::Behind))
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_peek(
    reader: Handle,
    wait_ms: u32,
    record: Out<c_void>,
    record_size: usize,
    values: Out<ValueOfC>,
    capacity: usize,
    out: Out<RecordRead>,
    error: Out<ErrorDetails>,
) -> c_int {
    let (record, values) = ((record, record_size), (values, capacity));
    answer(error, || as_values(reader, wait_ms, record, values, out, Then::BeforeIt))
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_next_record(
    reader: Handle,
    wait_ms: u32,
    record: Out<c_void>,
    record_size: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || as_bytes(reader, wait_ms, (record, record_size), seqn, Then::Behind))
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_peek_record(
    reader: Handle,
    wait_ms: u32,
    record: Out<c_void>,
    record_size: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || as_bytes(reader, wait_ms, (record, record_size), seqn, Then::BeforeIt))
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_read_batch(
    reader: Handle,
    records: Out<c_void>,
    size: usize,
    batch: Out<Batch>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        batch.check("batch")?;
        let out = records.as_bytes().slice(size, "records")?;
        let read = with(reader, |reader| Ok(reader.read_batch(out)?))?;
        Ok(read.map_or(Outcome::Nothing, |read| {
            batch.put(read.into());
            Outcome::Done
        }))
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_seek(reader: Handle, seqn: u64, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        with(reader, |reader| Ok(reader.seek(seqn)?))?;
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_commit(
    reader: Handle,
    cursor: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        cursor.put(with(reader, |reader| Ok(reader.commit()?))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_cursor(
    reader: Handle,
    cursor: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        cursor.check("cursor")?;
        cursor.put(with(reader, |reader| Ok(reader.cursor()))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_uncommitted(
    reader: Handle,
    count: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        count.check("count")?;
        count.put(with(reader, |reader| Ok(reader.uncommitted()))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_reader_lag(reader: Handle, count: Out<u64>, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        count.check("count")?;
        count.put(with(reader, |reader| Ok(reader.lag()?))?);
        Ok(Outcome::Done)
    })
}

fn with<T>(
    handle: Handle,
    call: impl FnOnce(&mut SharedReader) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let (reader, _) = handle.reader()?;
    call(&mut lock(&reader))
}

//! `tslog_flash_reader_...`: readers of a log on flash.

use core::ffi::{c_int, c_void};

use tslog_core::Invalid;

use super::{Handle, ReaderHandle};
use crate::abi::{Batch, ErrorDetails};
use crate::fault::Fault;
use crate::guard::{Outcome, answer};
use crate::pointers::Out;

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_open(
    log: Handle,
    n: u32,
    reader: ReaderHandle,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        reader.check()?;
        let opened = log.with(|open| {
            let readers = u32::from(open.readers());
            let n = u8::try_from(n).map_err(|_| Invalid::Reader(n, readers))?;
            Ok(open.reader(n)?)
        })?;
        reader.begin(log, opened);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_next_record(
    log: Handle,
    reader: ReaderHandle,
    record: Out<c_void>,
    record_size: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let out = record.as_bytes().slice(record_size, "record")?;
        let read = reader.with(log, |log, reader| Ok(log.next_record(reader, out)?))?;
        Ok(given(read, seqn))
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_peek_record(
    log: Handle,
    reader: ReaderHandle,
    record: Out<c_void>,
    record_size: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let out = record.as_bytes().slice(record_size, "record")?;
        let read = reader.with(log, |log, reader| Ok(log.peek_record(reader, out)?))?;
        Ok(given(read, seqn))
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_read_batch(
    log: Handle,
    reader: ReaderHandle,
    records: Out<c_void>,
    size: usize,
    batch: Out<Batch>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        batch.check("batch")?;
        let out = records.as_bytes().slice(size, "records")?;
        let read = reader.with(log, |log, reader| Ok(log.read_batch(reader, out)?))?;
        Ok(given(read.map(Batch::from), batch))
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_seek(
    log: Handle,
    reader: ReaderHandle,
    seqn: u64,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        reader.with(log, |log, reader| Ok(log.seek(reader, seqn)?))?;
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_commit(
    log: Handle,
    reader: ReaderHandle,
    cursor: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        cursor.put(reader.with(log, |log, reader| Ok(log.commit_reader(reader)?))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_cursor(
    log: Handle,
    reader: ReaderHandle,
    cursor: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        cursor.check("cursor")?;
        cursor.put(reader.with(log, |log, reader| Ok(log.cursor(reader)?))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_uncommitted(
    log: Handle,
    reader: ReaderHandle,
    count: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        count.check("count")?;
        count.put(reader.with(log, |log, reader| Ok(log.unacknowledged(reader)?))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_reader_lag(
    log: Handle,
    reader: ReaderHandle,
    count: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        count.check("count")?;
        count.put(reader.with(log, |log, reader| {
            let committed = log.stats().committed;
            Ok::<_, Fault>(committed.saturating_sub(log.cursor(reader)?))
        })?);
        Ok(Outcome::Done)
    })
}

/// What was read, if anything was.
fn given<T>(read: Option<T>, out: Out<T>) -> Outcome {
    match read {
        Some(value) => {
            out.put(value);
            Outcome::Done
        }
        None => Outcome::Nothing,
    }
}

//! `tslog_flash_...`: the log.

use core::ffi::{c_int, c_void};

use tslog_core::{Error, Format};

use super::storage::{Callbacks, Failed};
use super::{FlashLog, Handle};
use crate::abi::{
    Config, ErrorDetails, Range, Report, Stats, StorageCallbacks, TSLOG_FLASH_ALIGN,
    TSLOG_FLASH_FORMATS_MAX, TSLOG_FLASH_SIZE,
};
use crate::config::Parameters;
use crate::fault::Fault;
use crate::guard::{Outcome, answer};
use crate::pointers::{In, Out};

/// How a log is opened: by one of the library's own functions.
type Open =
    fn(Callbacks, &'static mut [u8], &tslog_core::Config<'_>) -> Result<FlashLog, Error<Failed>>;

/// What the three opening functions share.
struct Request {
    log: Handle,
    storage: In<StorageCallbacks>,
    buffer: Out<c_void>,
    buffer_size: usize,
    config: In<Config>,
}

impl Request {
    fn open(self, open: Open) -> Result<Outcome, Fault> {
        self.log.check()?;
        let storage = Callbacks::read(self.storage)?;
        let parameters = Parameters::read(self.config)?;
        let given = parameters.formats.unwrap_or_default();
        let mut formats = [Format::new("")?; TSLOG_FLASH_FORMATS_MAX];
        let (most, count) = (formats.len() as u64, given.len() as u64);
        let room = formats.get_mut(..given.len());
        let room = room.ok_or(Fault::Count("config.formats", most, count))?;
        for (place, format) in room.iter_mut().zip(given) {
            *place = format.format()?;
        }
        let config = tslog_core::Config {
            formats: parameters.formats.is_some().then_some(&*room),
            record_size: parameters.record_size,
            bucket_size: parameters.bucket_size,
            commit_delta: parameters.commit_delta,
            readers: parameters.readers,
            policy: parameters.policy,
            max_buckets: parameters.max_buckets,
            id: parameters.id,
        };
        let buffer = self.buffer.as_bytes().slice(self.buffer_size, "buffer")?;
        self.log.forget();
        self.log.begin(open(storage, buffer, &config)?);
        Ok(Outcome::Done)
    }
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_open(
    log: Handle,
    storage: In<StorageCallbacks>,
    buffer: Out<c_void>,
    buffer_size: usize,
    config: In<Config>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || Request { log, storage, buffer, buffer_size, config }.open(FlashLog::open))
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_create(
    log: Handle,
    storage: In<StorageCallbacks>,
    buffer: Out<c_void>,
    buffer_size: usize,
    config: In<Config>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || Request { log, storage, buffer, buffer_size, config }.open(FlashLog::create))
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_open_or_create(
    log: Handle,
    storage: In<StorageCallbacks>,
    buffer: Out<c_void>,
    buffer_size: usize,
    config: In<Config>,
    error: Out<ErrorDetails>,
) -> c_int {
    let request = Request { log, storage, buffer, buffer_size, config };
    answer(error, || request.open(FlashLog::open_or_create))
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_close(log: Handle, error: Out<ErrorDetails>) -> c_int {
    answer(error, || match log.end(|log| Ok(log.close()?)) {
        // Closing twice is no error.
        Ok(()) | Err(Fault::Log(Error::Closed)) => Ok(Outcome::Done),
        Err(fault) => Err(fault),
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_store_record(
    log: Handle,
    data: In<c_void>,
    size: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let data = data.as_bytes().slice(size, "data")?;
        seqn.put(log.with(|log| Ok(log.store_record(data)?))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_commit(log: Handle, seqn: Out<u64>, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        seqn.put(log.with(|log| Ok(log.commit()?))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_poll(log: Handle, done: Out<c_int>, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        done.put(c_int::from(log.with(|log| Ok(log.poll()?))?));
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_stats(log: Handle, stats: Out<Stats>, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        stats.check("stats")?;
        stats.put(log.with(|log| Ok(log.stats().into()))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_uncommitted(
    log: Handle,
    count: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        count.check("count")?;
        count.put(log.with(|log| Ok(log.uncommitted()))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_report(
    log: Handle,
    report: Out<Report>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        report.check("report")?;
        report.put(log.with(|log| Ok(log.report().into()))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_numbers(
    log: Handle,
    range: Out<Range>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        range.check("range")?;
        range.put(log.with(|log| Ok(log.numbers()?.into()))?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_sizes(
    log: Handle,
    record_size: Out<u32>,
    bucket_size: Out<u32>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let sizes = log.with(|log| Ok((log.record_size(), log.bucket_size())))?;
        record_size.put(u32::try_from(sizes.0).unwrap_or(u32::MAX));
        bucket_size.put(sizes.1);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_size() -> usize {
    TSLOG_FLASH_SIZE
}

#[unsafe(no_mangle)]
extern "C" fn tslog_flash_align() -> usize {
    TSLOG_FLASH_ALIGN
}

/// The size of the batch buffer, as the macro of the header has it; 0 if there is no such size.
#[unsafe(no_mangle)]
extern "C" fn tslog_buffer_size(record_size: usize, commit_delta: usize) -> usize {
    let records = record_size.checked_mul(commit_delta).and_then(|bytes| bytes.checked_add(8));
    let rounded = records.and_then(|bytes| bytes.checked_next_multiple_of(32));
    rounded.and_then(|bytes| bytes.checked_add(32)).unwrap_or(0)
}

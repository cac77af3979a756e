//! `tslog_log_...`: the one writer of a folder.

use core::ffi::{c_char, c_int, c_void};
use std::sync::Arc;
use std::time::Duration;

use tslog_core::{Invalid, Options};

use super::described::Described;
use super::handles::{Handle, Object, hand_out};
use super::path;
use crate::abi::{Config, ErrorDetails, Report, Stats, TSLOG_EXISTING, TSLOG_RECREATE, ValueOfC};
use crate::config::Parameters;
use crate::fault::Fault;
use crate::guard::{Outcome, answer};
use crate::pointers::{In, Out};
use crate::values::read_all;

/// The options that `config` and `flags` ask for.
fn options(config: In<Config>, flags: u32) -> Result<Options, Fault> {
    let unknown = flags & !(TSLOG_RECREATE | TSLOG_EXISTING);
    if unknown != 0 {
        return Err(Fault::Flag("flags", flags));
    }
    let parameters = Parameters::read(config)?;
    let (interval_ms, background) = parameters.thread;
    let mut options = Options::new()
        .commit_delta(parameters.commit_delta)
        .readers(parameters.readers)
        .policy(parameters.policy)
        .max_buckets(parameters.max_buckets)
        .background_commit(background)
        .recreate(flags & TSLOG_RECREATE != 0)
        .create(flags & TSLOG_EXISTING == 0);
    if let Some(formats) = parameters.formats {
        let texts: Result<Vec<_>, _> = formats.iter().map(|format| format.texts()).collect();
        options = options.formats(&texts?);
    }
    if interval_ms > 0 {
        options = options.commit_interval(Duration::from_millis(interval_ms.into()));
    }
    if let Some(size) = parameters.record_size {
        options = options.record_size(size);
    }
    if let Some(size) = parameters.bucket_size {
        options = options.bucket_size(size);
    }
    Ok(options)
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_open(
    folder: In<c_char>,
    config: In<Config>,
    flags: u32,
    log: Out<Handle>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        log.check("log")?;
        let folder = path(folder, "folder")?;
        let opened = options(config, flags)?.open_raw(folder)?;
        let described = Arc::new(Described::new(opened.schema())?);
        hand_out(log, Object::Log(opened), described);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_close(log: Handle, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        if let Some(log) = log.take_log()? {
            log.close()?;
        }
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_abandon(log: Handle, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        drop(log.take_log()?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_store(
    log: Handle,
    values: In<ValueOfC>,
    count: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let log = log.log()?;
        seqn.put(log.store_values(&read_all(values, count)?)?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_store_with_tag(
    log: Handle,
    tag: u32,
    values: In<ValueOfC>,
    count: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let log = log.log()?;
        let values = read_all(values, count)?;
        let formats = u32::try_from(log.schema().formats.len()).unwrap_or(u32::MAX);
        let tag = u8::try_from(tag).map_err(|_| Invalid::Tag(tag, formats))?;
        seqn.put(log.store_with_tag(tag, &values)?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_store_record(
    log: Handle,
    data: In<c_void>,
    size: usize,
    seqn: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        let data = data.as_bytes().slice(size, "data")?;
        seqn.put(log.log()?.store_record(data)?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_commit(log: Handle, seqn: Out<u64>, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        seqn.put(log.log()?.commit()?);
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_stats(log: Handle, stats: Out<Stats>, error: Out<ErrorDetails>) -> c_int {
    answer(error, || {
        stats.check("stats")?;
        stats.put(log.log()?.stats().into());
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_uncommitted(
    log: Handle,
    count: Out<u64>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        count.check("count")?;
        count.put(log.log()?.uncommitted());
        Ok(Outcome::Done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn tslog_log_report(
    log: Handle,
    report: Out<Report>,
    error: Out<ErrorDetails>,
) -> c_int {
    answer(error, || {
        report.check("report")?;
        report.put(log.log()?.report().into());
        Ok(Outcome::Done)
    })
}

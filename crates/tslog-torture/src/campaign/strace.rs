//! The N-th call fails, for every N, under `strace -e inject`: each kind of call, each error, once
//! and for good, or the process is killed at it. Writes that are cut short are real ones, of the
//! campaign `full`: a tracer can only claim that a call was short.
//!
//! After it: no panic, a reason on standard error where a call failed, nothing acknowledged behind
//! a failed sync, nothing lost that was acknowledged, and a log that opens and goes on. A call that
//! says it has synced and has not cannot be told from one that has; nothing here claims it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tslog_sim::power::Rng;

use crate::Result;
use crate::args::Args;
use crate::event::{Event, Kind};
use crate::ledger::{Ledger, Life};
use crate::look::look;
use crate::machine::program::Spoken;
use crate::machine::{self, at, own_path, space};
use crate::tally::Tally;
use crate::work::{self, Work};

/// The calls that change or lead to something on the disk, and how each can go wrong.
const CALLS: &[(&str, &[&str])] = &[
    ("fdatasync", &["error=EIO", "error=ENOSPC", "error=EDQUOT", "signal=KILL"]),
    ("fsync", &["error=EIO", "error=ENOSPC", "error=EDQUOT", "error=EROFS", "signal=KILL"]),
    ("pwrite64", &["error=EIO", "error=ENOSPC", "error=EDQUOT", "error=EROFS", "error=EINTR"]),
    ("pwrite64", &["signal=KILL"]),
    ("pwritev2", &["error=EIO", "error=ENOSPC", "error=EDQUOT", "error=EROFS", "signal=KILL"]),
    ("pwritev2", HARMLESS),
    ("pread64", &["error=EIO", "error=EINTR"]),
    ("openat", &["error=EMFILE", "error=EROFS", "error=EIO", "error=ENOSPC", "error=EINTR"]),
    ("unlinkat", &["error=EIO", "error=EROFS", "signal=KILL"]),
    ("ftruncate", &["error=EIO", "error=ENOSPC", "error=EINTR"]),
    ("newfstatat,statx,fstat", &["error=EIO"]),
    ("flock", &["error=EINTR", "error=ENOLCK"]),
    ("getdents64", &["error=EIO"]),
];

/// How a write that syncs may fail and be made again, or be made as a write and a sync.
const HARMLESS: &[&str] = &["error=EINTR", "error=EOPNOTSUPP", "error=EPERM"];

/// One way to go wrong.
#[derive(Clone, Debug)]
struct Fault {
    call: &'static str,
    how: &'static str,
    at: u64,
    for_good: bool,
    shape: usize,
}

/// The workloads: small, so that every call of theirs can fail.
fn shapes(seed: u64) -> Vec<Work> {
    let small = Work { records: 15, bucket_size: 4, record_size: 200, ..Work::alone(seed) };
    vec![
        Work { commit_delta: 1, ..small.clone() },
        Work { commit_delta: 6, ..small.clone() },
        Work { life: 2, recreate: true, records: 6, ..small },
    ]
}

pub(crate) fn run(args: &Args, tally: &Tally<'_>) -> Result<()> {
    let shapes = shapes(args.seed);
    let place = space::folder();
    let mut faults = Vec::new();
    for (shape, work) in shapes.iter().enumerate() {
        for &(call, ways) in CALLS {
            let count = count(work, &place, call)?;
            for &how in ways {
                let sticky = how.starts_with("error") && how != "error=EINTR";
                for at in 1..=count {
                    faults.push(Fault { call, how, at, for_good: false, shape });
                    if sticky {
                        faults.push(Fault { call, how, at, for_good: true, shape });
                    }
                }
            }
        }
    }
    // In any order, so that a part of them is a fair sample.
    let mut rng = Rng::new(args.seed);
    for last in (1..faults.len()).rev() {
        faults.swap(last, usize::try_from(rng.below(last as u64 + 1)).unwrap_or(0));
    }
    tally.count("faults", faults.len() as u64);
    let most = faults.len() as u64;
    let cases = args.size.of(150, 1_500, u64::MAX).min(most);
    let make = |job: usize| {
        let folder = place.join(format!("traced-{job}"));
        std::fs::create_dir(&folder).map_err(at(&folder))?;
        Ok(folder)
    };
    tally.each(0..cases, make, |folder, case| {
        let index = usize::try_from(case).unwrap_or(usize::MAX);
        let fault = faults.get(index).ok_or("there is no such case")?;
        tally.ran();
        let tried = try_one(&shapes[fault.shape], fault, folder);
        let tried = tried.map_err(|what| format!("{fault:?}: {what}"));
        let log = folder.join("log");
        let tried = tried.map_err(|what| format!("{what}; {}", machine::keep(args, case, &log)));
        let _ = std::fs::remove_dir_all(&log);
        tried
    })
}

/// The workload under a tracer with these options of its own.
fn traced(work: &Work, folder: &Path, options: &[String]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-x", "-y", "-s", "4"]).args(options);
    command.arg(own_path()).args(work.words(folder, Path::new("-")));
    command
}

/// Prepares what a workload begins with; for one that makes the log anew, an old log.
fn prepare(work: &Work, place: &Path, ledger: &mut Ledger) -> Result<PathBuf> {
    let folder = place.join("log");
    if work.recreate {
        let before = Work { life: 1, recreate: false, ..work.clone() };
        hear(&before, &folder, place, ledger, true)?;
    }
    Ok(folder)
}

/// How often the workload makes these calls, once it runs.
fn count(work: &Work, place: &Path, call: &str) -> Result<u64> {
    let folder = prepare(work, place, &mut Ledger::default())?;
    let log = place.join("counted");
    let options = [format!("-etrace={call}"), format!("-o{}", log.display())];
    let mut worker = Spoken::start(&mut traced(work, &folder, &options), place, "counted")?;
    let status = worker.program.wait()?;
    if !status.success() {
        return Err(format!("strace cannot trace here: {status} {}", worker.complaints()?));
    }
    let text = std::fs::read_to_string(&log).map_err(at(&log))?;
    std::fs::remove_dir_all(&folder).map_err(at(&folder))?;
    Ok(text.lines().count() as u64)
}

fn try_one(work: &Work, fault: &Fault, place: &Path) -> Result<()> {
    let mut ledger = Ledger::default();
    let folder = prepare(work, place, &mut ledger)?;
    let Fault { call, how, at: when, for_good, .. } = fault;
    let trace = place.join("trace");
    let plus = if *for_good { "+" } else { "" };
    let options = [
        format!("-etrace={call},write"),
        format!("-einject={call}:{how}:when={when}{plus}"),
        format!("-o{}", trace.display()),
    ];
    ledger.begin(Life { fails: true, ..life(work) });
    let mut worker = Spoken::start(&mut traced(work, &folder, &options), place, "worker")?;
    let status = worker.program.wait()?;
    let complaints = worker.complaints()?;
    let events = worker.events()?;
    let text = std::fs::read_to_string(&trace).map_err(at(&trace))?;
    let failed = events.iter().any(|event| event.kind == Kind::Failed);
    let is_code = |code: u8| status.code() == Some(code.into());
    match () {
        () if how.starts_with("signal") => {}
        () if is_code(work::FAILED) && !complaints.contains("failed: ") => {
            return Err("it failed and gave no reason".to_owned());
        }
        () if is_code(0) && failed => return Err("it failed and ended well".to_owned()),
        () if is_code(0) || is_code(work::FAILED) => {}
        // The loader and the runtime need their calls before the log is ever opened.
        () if events.is_empty() => {}
        () => return Err(format!("it ended with {status}: {complaints}")),
    }
    let is_durable_write = *call == "pwritev2";
    let is_harmless = *how == "error=EINTR" || is_durable_write && HARMLESS.contains(how);
    if is_harmless && failed {
        return Err(format!("a call was not made again: {complaints}"));
    }
    if call.contains("sync") || is_durable_write && !is_harmless {
        promises_nothing_behind_a_failed_sync(&text)?;
    }
    ledger.hear(&events)?;
    let found = look(&folder, work.seed).or_else(|why| {
        // A log that was never made may have left a part of itself.
        if ledger.acked() == 0 && !events_opened(&events) {
            Ok(crate::look::none())
        } else {
            Err(why)
        }
    })?;
    ledger.compare(&found).map_err(|what| format!("{what}; {complaints}"))?;
    let next = Work { life: work.life + 1, recreate: false, ..work.clone() };
    hear(&next, &folder, place, &mut ledger, false)
}

fn events_opened(events: &[Event]) -> bool {
    events.iter().any(|event| event.kind == Kind::Opened)
}

fn life(work: &Work) -> Life {
    Life {
        number: work.life,
        durable: work.commit_delta == 1,
        threads: work.threads,
        recreates: work.recreate,
        fails: false,
        until_ns: None,
    }
}

/// Runs a workload without any fault, which must then do all it is to do.
fn hear(work: &Work, folder: &Path, place: &Path, ledger: &mut Ledger, first: bool) -> Result<()> {
    ledger.begin(life(work));
    let mut worker = Spoken::start(&mut work.command(folder), place, "after")?;
    let status = worker.program.wait()?;
    let complaints = worker.complaints()?;
    if !status.success() {
        let when = if first { "before the fault" } else { "opened again" };
        return Err(format!("{when}, it ended with {status}: {complaints}"));
    }
    ledger.hear(&worker.events()?)?;
    ledger.compare(&look(folder, work.seed)?)
}

/// A sync of the writer failed, so it is promised nothing from then on. The worker has one thread:
/// what follows in the trace followed in time. A reader's file is another matter, and parents of
/// the folder that cannot change need no sync.
fn promises_nothing_behind_a_failed_sync(trace: &str) -> Result<()> {
    let mut failed = false;
    for line in trace.lines() {
        let is_writers = line.contains("/log>") || line.contains("/log/");
        failed |= line.contains("(INJECTED)") && is_writers && !line.contains("/log/reader-");
        let said = line.split_once(">, \"\\x").filter(|(call, _)| call.contains("write(1<"));
        let said = said.and_then(|(_, rest)| rest.get(..2));
        let promise = said.is_some_and(|said| {
            [Kind::Stored, Kind::Committed, Kind::Closed]
                .iter()
                .any(|kind| format!("{:02x}", *kind as u8) == said)
        });
        if failed && promise {
            return Err(format!("behind a failed sync it was promised more: {line}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::promises_nothing_behind_a_failed_sync;

    #[test]
    fn a_promise_behind_a_failed_sync_is_found() {
        let say = |kind| format!("9 write(1</w>, \"\\x{kind}\\x00\\x00\\x00\"..., 32) = 32\n");
        let fail = |file| format!("9 fdatasync(5</a/log/{file}>) = -1 EIO (INJECTED)\n");
        let (store, read) = (say("42"), say("44"));
        let (bucket, reader) = (fail("bucket-0000000000"), fail("reader-0"));
        let holds = |trace: String| promises_nothing_behind_a_failed_sync(&trace).is_ok();
        assert!(holds(format!("{store}{bucket}{read}")) && holds(format!("{reader}{store}")));
        assert!(!holds(format!("{bucket}{store}")));
    }
}

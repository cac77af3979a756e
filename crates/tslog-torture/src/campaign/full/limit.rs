//! A limit on the size of a file: the kernel sends SIGXFSZ, which ends a process, or, where that is
//! ignored, fails the call.

use std::path::Path;
use std::process::Command;

use tslog_sim::power::Rng;

use crate::Result;
use crate::args::Args;
use crate::event;
use crate::ledger::{Ledger, Life};
use crate::look::look;
use crate::machine::{self, at};
use crate::work::{Manner, Work};

pub(super) fn run(args: &Args, place: &Path, case: u64) -> Result<()> {
    let mut rng = Rng::new(args.seed << 32 ^ case);
    let folder = place.join("log");
    let work = Work {
        manner: Manner::Threads,
        records: 400,
        bucket_size: 128,
        record_size: 200,
        commit_delta: rng.pick(&[1, 16]),
        threads: 2,
        ..Work::alone(rng.bits())
    };
    // From too little for a bucket of one record to more than any bucket needs.
    let limit = 8_192 + case / 8 % 48 * 500;
    let ignored = rng.chance(70);
    let done = store_under(&work, &folder, limit, ignored)
        .map_err(|what| format!("files of {limit} bytes, signal ignored: {ignored}: {what}"))
        .map_err(|what| format!("{what}; {}", machine::keep(args, case, &folder)));
    std::fs::remove_dir_all(&folder).map_err(at(&folder))?;
    done
}

fn store_under(work: &Work, folder: &Path, limit: u64, ignored: bool) -> Result<()> {
    let mut ledger = Ledger::default();
    let life = Life { number: 1, durable: work.commit_delta == 1, threads: 2, ..Life::default() };
    ledger.begin(life);
    let ignore = if ignored { "trap '' XFSZ; " } else { "" };
    let mut command = Command::new("prlimit");
    command.arg(format!("--fsize={limit}")).args(["sh", "-c", &format!("{ignore}exec \"$@\"")]);
    command.arg("sh").arg(crate::machine::own_path()).args(work.words(folder, Path::new("-")));
    // It speaks into a pipe: a file would be cut off too.
    let output = command.output().map_err(|error| format!("prlimit does not run: {error}"))?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    let events = event::decode_all(&output.stdout);
    ledger.hear(&events).map_err(|what| format!("{what}; {complaints}"))?;
    if complaints.contains("panicked") || (ignored && !output.status.success()) {
        return Err(format!("it ended with {}: {complaints}", output.status));
    }
    ledger.compare(&look(folder, work.seed)?)
}

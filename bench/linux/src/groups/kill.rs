//! A process that stores and is killed (SIGKILL) at a random moment; what is left is opened, read,
//! and stored to.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Pace;
use crate::part::Part;
use crate::peers::Kind;
use crate::random::Random;
use crate::results::{Case, Results};
use crate::run::{Job, Said};
use tslog_sim::mount::Ext4;

pub const NAME: &str = "kill";
pub const CASE: &str = "16/16";

/// What is counted.
pub const COUNTS: [&str; 6] = ["tried", "lost", "wrong", "unopened", "repaired", "stopped"];

/// The longest that a process stores before it is killed.
const LONGEST: u64 = 20_000;

pub fn run(ext4: &Ext4, pace: Pace, results: &mut Results) {
    let kinds = Kind::ALL.iter().copied().filter(|kind| !kind.is_baseline());
    for kind in kinds {
        // The same seed for all: each is killed after the same times.
        let mut random = Random::new(8);
        for _ in 0..pace.tries(40) {
            let folder = ext4.memory_folder("kill");
            one(kind, &folder, Duration::from_micros(random.below(LONGEST)), results);
        }
        ext4.memory_folder("kill");
    }
}

/// A part that stores commits of 16 records of 16 bytes.
pub fn job(part: Part, kind: Kind, folder: &Path, records: usize) -> Job<'_> {
    Job { part, kind, folder, record_size: 16, commit: 16, durable: true, records }
}

fn one(kind: Kind, folder: &Path, after: Duration, results: &mut Results) {
    match store_and_kill(kind, folder, after) {
        Ok(acknowledged) => {
            results.add((NAME, CASE), kind, "tried", &1);
            hold((NAME, CASE), kind, folder, acknowledged, results);
        }
        Err(error) => results.add((NAME, CASE), kind, "failure", &error),
    }
}

/// Opens what is left, holds it against what was acknowledged, and stores to it.
pub fn hold(case: Case<'_>, kind: Kind, folder: &Path, acknowledged: u64, results: &mut Results) {
    let mut check = job(Part::Check, kind, folder, 0).run();
    if let Some(why) = unopened(&check) {
        results.add(case, kind, "unopened", &1);
        results.add(case, kind, "words", &why);
        let repair = job(Part::Repair, kind, folder, 0).run();
        check = job(Part::Check, kind, folder, 0).run();
        if let Some(why) = repair.failure.clone().or_else(|| unopened(&check)) {
            results.add(case, kind, "words", &why);
            return;
        }
        results.add(case, kind, "repaired", &1);
    }
    let delivered = check.count("right");
    if delivered < acknowledged {
        results.add(case, kind, "lost", &(acknowledged - delivered));
    }
    if check.count("wrong") > 0 {
        results.add(case, kind, "wrong", &check.count("wrong"));
    }
    let last = usize::try_from(check.count("last")).unwrap_or(0);
    let more = job(Part::GoOn, kind, folder, last).run();
    let after = job(Part::Check, kind, folder, 0).run();
    if after.count("right") != delivered + 16 {
        let why = more.failure.as_deref().or(after.failure.as_deref()).or(after.text("told"));
        results.add(case, kind, "stopped", &1);
        results.add(case, kind, "words", &why.unwrap_or("what was stored then is not read back"));
    }
}

/// Why a store cannot be opened or read at all.
fn unopened(check: &Said) -> Option<String> {
    let crashed = check.failure.as_deref().filter(|_| check.text("right").is_none());
    check.text("refused").or(crashed).map(str::to_owned)
}

/// Stores until killed, so long after the first commit, and returns the last number that was
/// acknowledged.
fn store_and_kill(kind: Kind, folder: &Path, after: Duration) -> Result<u64, String> {
    let told = |error: std::io::Error| error.to_string();
    let mut child = job(Part::Endless, kind, folder, 1 << 16).start().map_err(told)?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut last = match lines.next() {
        Some(Ok(line)) => number_of(&line),
        _ => 0,
    };
    let killer = std::thread::spawn(move || {
        let begun = Instant::now();
        while begun.elapsed() < after {
            std::thread::sleep(after.saturating_sub(begun.elapsed()));
        }
        let _ = child.kill();
        child.wait()
    });
    for line in lines.map_while(Result::ok) {
        last = last.max(number_of(&line));
    }
    let ended = killer.join().map_err(|_| "the thread that kills panicked".to_owned())?;
    ended.map_err(told)?;
    if last == 0 { Err("nothing was acknowledged".to_owned()) } else { Ok(last) }
}

/// The number in a line that a storing process says.
pub fn number_of(line: &str) -> u64 {
    line.strip_prefix("acknowledged ").and_then(|text| text.parse().ok()).unwrap_or(0)
}

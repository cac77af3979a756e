//! Durable commits: how long, and what the block device counts.
//!
//! What is counted begins with an empty folder, so that making the store and all that it sets
//! aside is part of it, and ends with the last commit. The time is that of the commits alone.

use super::{Pace, keep, rotated};
use crate::part::Part;
use crate::peers::Kind;
use crate::results::Results;
use crate::run::Job;
use tslog_sim::mount::Ext4;

pub const NAME: &str = "commits";

/// Bytes in a record, and records in a commit.
pub const CASES: [(usize, usize); 6] =
    [(16, 1), (16, 16), (16, 1024), (128, 1), (128, 16), (128, 1024)];

pub fn name(record_size: usize, commit: usize) -> String {
    format!("{record_size}/{commit}")
}

pub fn run(ext4: &Ext4, pace: Pace, results: &mut Results) {
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_durable()).collect();
    for (record_size, commit) in CASES {
        for round in 0..pace.choose(1, 5) {
            for kind in rotated(&kinds, round) {
                one(ext4, kind, record_size, commit, pace, results);
            }
        }
        ext4.settle();
    }
}

/// Measures one case of one peer once.
pub fn one(
    ext4: &Ext4,
    kind: Kind,
    record_size: usize,
    commit: usize,
    pace: Pace,
    results: &mut Results,
) {
    let commits = commits_of(kind, commit) / pace.choose(4, 1);
    let folder = ext4.folder("store");
    let records = commits * commit;
    let part = Part::Append;
    let job = Job { part, kind, folder: &folder, record_size, commit, durable: true, records };
    let (said, cost) = ext4.cost_of(|| job.run());
    let name = name(record_size, commit);
    let case = (NAME, name.as_str());
    if keep(results, case, kind, &said, &[]) {
        let each = |value: f64| value / commits as f64;
        let micros = |metric| said.number(metric).map_or(0.0, |seconds| each(seconds * 1e6));
        results.add(case, kind, "us", &micros("wall"));
        results.add(case, kind, "cpu", &micros("cpu"));
        results.add(case, kind, "flushes", &each(cost.flushes as f64));
        results.add(case, kind, "kib", &each(cost.sectors as f64 / 2.0));
    }
    ext4.folder("store");
}

/// Enough commits to tell peers apart, and few enough for the slowest.
fn commits_of(kind: Kind, commit: usize) -> usize {
    match (kind, commit) {
        (Kind::Walrus, 1) => 500,
        (Kind::Walrus, 16) => 100,
        (Kind::Walrus, _) => 8,
        (_, 1024) => 200,
        _ => 2000,
    }
}

//! Storing where no sync is asked for.

use super::{Pace, keep, rotated};
use crate::part::Part;
use crate::peers::Kind;
use crate::results::Results;
use crate::run::Job;
use tslog_sim::mount::Ext4;

pub const NAME: &str = "unsynced";

/// Bytes in a record, and how many are stored.
pub const CASES: [(usize, usize); 2] = [(16, 1 << 20), (128, 1 << 18)];

pub fn run(ext4: &Ext4, pace: Pace, results: &mut Results) {
    for (record_size, records) in CASES {
        for round in 0..pace.choose(1, 3) {
            for kind in rotated(Kind::ALL, round) {
                one(ext4, kind, record_size, records / pace.choose(8, 1), results);
            }
        }
        ext4.settle();
    }
}

/// Measures one peer once.
pub fn one(ext4: &Ext4, kind: Kind, record_size: usize, records: usize, results: &mut Results) {
    let folder = ext4.folder("store");
    let (part, commit) = (Part::Append, kind.unsynced_commit());
    let records = kind.fewer(records);
    let job = Job { part, kind, folder: &folder, record_size, commit, durable: false, records };
    let said = job.run();
    let name = record_size.to_string();
    let case = (NAME, name.as_str());
    if keep(results, case, kind, &said, &["memory"]) {
        let rate = records as f64 / said.number("wall").unwrap_or(f64::INFINITY);
        results.add(case, kind, "rate", &rate);
    }
    ext4.folder("store");
}

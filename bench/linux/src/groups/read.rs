//! Reading all records, the bytes they take on the disk, and opening about a million of them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Pace, keep, rotated};
use crate::part::Part;
use crate::peers::Kind;
use crate::results::Results;
use crate::run::Job;
use tslog_sim::mount::Ext4;

pub const NAME: &str = "read";

/// Bytes in a record, records in a commit, and how many are stored.
pub const CASES: [(usize, usize, usize); 3] =
    [(16, 16, 3 << 16), (16, 1024, 1 << 20), (128, 1024, 1 << 18)];

pub fn run(ext4: &Ext4, pace: Pace, results: &mut Results) {
    for case in CASES {
        let (record_size, commit, records) = case;
        let case = (record_size, commit, records / pace.choose(8, 1));
        run_case(ext4, case, Kind::ALL, pace.choose(1, 3), results);
    }
}

/// Fills a store for each peer, and then reads them all, round by round.
pub fn run_case(
    ext4: &Ext4,
    (record_size, commit, records): (usize, usize, usize),
    kinds: &[Kind],
    rounds: usize,
    results: &mut Results,
) {
    let name = format!("{record_size}/{commit}");
    let case = (NAME, name.as_str());
    let kept = kinds.iter().copied().filter(|kind| kind.is_kept());
    let filled: Vec<Kind> = kept
        .filter(|&kind| {
            let folder = ext4.folder(kind.name());
            let job = job(Part::Fill, kind, &folder, (record_size, commit, records));
            let filled = keep(results, case, kind, &job.run(), &[]);
            if filled {
                let each = disk(&folder) as f64 / job.records as f64;
                results.add(case, kind, "disk", &each);
            }
            filled
        })
        .collect();
    ext4.settle();
    for round in 0..rounds {
        for kind in rotated(&filled, round) {
            for (part, metric) in [(Part::Read, "batches"), (Part::Next, "next")] {
                if part == Part::Next && !kind.reads_both_ways() {
                    continue;
                }
                let folder = ext4.path_of(kind.name());
                let job = job(part, kind, &folder, (record_size, commit, records));
                let said = job.run();
                if keep(results, case, kind, &said, &["open", "open-memory", "memory"]) {
                    let seconds = said.number("wall").unwrap_or(f64::INFINITY);
                    results.add(case, kind, metric, &(job.records as f64 / seconds));
                }
            }
        }
    }
    for kind in kinds {
        ext4.folder(kind.name());
    }
    ext4.settle();
}

/// A part on a store that is not synced where that can be helped.
fn job(
    part: Part,
    kind: Kind,
    folder: &Path,
    (record_size, commit, records): (usize, usize, usize),
) -> Job<'_> {
    let records = kind.fewer(records);
    Job { part, kind, folder, record_size, commit, durable: kind.is_filled_durably(), records }
}

/// Bytes of the disk that the files of a store take.
pub fn disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

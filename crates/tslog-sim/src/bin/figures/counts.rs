//! Instructions of a store, a commit and a read, counted by `callgrind`: figures that do not depend
//! on what else the machine does. They are held to `counts.txt`, and rise by 5 % at most.
//!
//! Two runs of different lengths are counted and taken from each other, so that what a program does
//! to start and to end is not counted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::{figure, payload};
use tslog::{Options, SharedLog};

/// What is kept: a name and instructions a line.
const KEPT: &str = include_str!("counts.txt");
/// How much a count may rise.
const RISE_MAX: f64 = 1.05;
/// Records of the short and of the long run: whole buckets of both.
const SHORT: u64 = 1 << 14;
const LONG: u64 = 1 << 16;

/// What is counted: a name, bytes in a record, the records between two commits, and what is done
/// with so many records.
type Part = (&'static str, usize, u32, fn(&SharedLog, u64));

const PARTS: [Part; 6] = [
    ("counts_16b_store", 16, 1 << 30, store::<16>),
    ("counts_16b_k16_store", 16, 16, store::<16>),
    ("counts_16b_k16_batches", 16, 16, read_batches),
    ("counts_128b_k1024_batches", 128, 1024, read_batches),
    ("counts_16b_k16_next", 16, 16, read_one_by_one),
    ("counts_16b_k1024_next", 16, 1024, read_one_by_one),
];

/// Prints all counts, or one line `skipped: reason` where there is no callgrind, or another
/// processor than the one whose counts are kept.
pub(crate) fn run() -> ExitCode {
    if cfg!(not(target_arch = "x86_64")) {
        println!("skipped: counts are kept of x86-64");
        return ExitCode::SUCCESS;
    }
    if let Err(error) = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status() {
        println!("skipped: valgrind: {error}");
        return ExitCode::SUCCESS;
    }
    let mut risen = 0;
    for part in PARTS {
        let (name, ..) = part;
        let per_record = (count(part, LONG) - count(part, SHORT)) / (LONG - SHORT) as f64;
        let kept = kept(name);
        figure(name, per_record, "instructions/record");
        figure(&format!("{name}_risen"), per_record / kept, "of_kept");
        if per_record > kept * RISE_MAX {
            risen += 1;
            eprintln!("{name}: {per_record:.1} instructions a record, and {kept:.1} are kept");
        }
    }
    figure("counts_violations", f64::from(risen), "count");
    if risen == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one part in this process, for callgrind to look at; false if there is no such part.
pub(crate) fn run_part(name: &str, folder: &str, records: &str) -> bool {
    let Some((_, size, delta, act)) = PARTS.into_iter().find(|(known, ..)| *known == name) else {
        return false;
    };
    act(&open(folder, size, delta), records.parse().expect("a number of records"));
    true
}

fn open(folder: &str, size: usize, delta: u32) -> SharedLog {
    let size = u32::try_from(size).expect("a record is small");
    let options = Options::new().record_size(size).bucket_size(SHORT as u32);
    options.commit_delta(delta).open_raw(folder).expect("the log opens")
}

/// The instructions of a part with so many records.
fn count((name, size, delta, _): Part, records: u64) -> f64 {
    let place = std::env::temp_dir().join(format!("tslog-counts-{}", std::process::id()));
    let own = std::env::current_exe().expect("a program knows where it is");
    if !name.ends_with("store") {
        let fill = if size == 16 { store::<16> } else { store::<128> };
        fill(&open(place.to_str().expect("a path of ASCII"), size, delta), records);
    }
    let out: PathBuf = place.with_extension("out");
    let mut command = Command::new("valgrind");
    let to = format!("--callgrind-out-file={}", out.display());
    command.args(["--tool=callgrind", "--quiet", &to]).arg(own).args(["counts", name]);
    let ended = command.arg(&place).arg(records.to_string()).status();
    assert!(ended.is_ok_and(|status| status.success()), "callgrind runs {name}");
    let text = fs::read_to_string(&out).expect("callgrind wrote its counts");
    forget(&place, &out);
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).expect("a total")
}

fn forget(folder: &Path, out: &Path) {
    fs::remove_dir_all(folder).expect("the log can be removed");
    fs::remove_file(out).expect("the counts can be removed");
}

fn kept(name: &str) -> f64 {
    let words = KEPT.lines().filter_map(|line| line.split_once(' '));
    let mut own = words.filter(|(known, _)| *known == name).map(|(_, count)| count.parse());
    own.next().and_then(Result::ok).expect("each count is kept")
}

fn store<const SIZE: usize>(log: &SharedLog, records: u64) {
    let mut record = [0; SIZE];
    for seqn in 1..=records {
        payload(seqn, &mut record);
        log.store_record(&record).expect("there is room");
    }
}

fn read_batches(log: &SharedLog, records: u64) {
    let mut reader = log.reader(0).expect("there is one reader");
    let mut read = 0;
    while let Some(records) = reader.next_batch().expect("records read back") {
        read += std::hint::black_box(records).len() as u64;
    }
    assert_eq!(read, records);
}

fn read_one_by_one(log: &SharedLog, records: u64) {
    let mut reader = log.reader(0).expect("there is one reader");
    let (mut read, mut record) = (0, [0; 16]);
    while reader.next_into(&mut record).expect("records read back").is_some() {
        read += 1;
    }
    assert_eq!(read, records);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_a_count_that_is_kept() {
        for (name, ..) in PARTS {
            assert!(kept(name) >= 1.0, "{name}");
        }
    }
}

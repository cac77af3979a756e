//! System calls of a commit, counted by strace.
//!
//! Two runs of different lengths are counted and taken from each other, so that what a program does
//! to start and to end is not counted.

use std::collections::BTreeMap;
use std::fs;

use super::{Shape, run_again};
use crate::figure;
use tslog_sim::mount::Ext4;

/// The log that is traced: 1024 commits fill a bucket.
pub(super) const SHAPE: Shape = Shape { record_size: 16, bucket_size: 16_384, commit_delta: 16 };
const BUCKET_COMMITS: u64 = (SHAPE.bucket_size / SHAPE.commit_delta) as u64;

/// Prints the system calls of a commit, and those of a new bucket.
pub(super) fn run(ext4: &Ext4) {
    let short = count(ext4, 100);
    let long = count(ext4, 1000);
    let buckets = count(ext4, 100 + 2 * BUCKET_COMMITS);
    let commit = difference(&short, &long) / 900.0;
    let bucket = difference(&short, &buckets) / 2.0 - BUCKET_COMMITS as f64 * commit;
    figure("linux_16b_k16_syscalls", commit, "syscalls/commit");
    figure("linux_16b_k16_syscalls_new_bucket", bucket, "syscalls/bucket");
    eprintln!("900 commits in a bucket: {}", list(&short, &long));
    eprintln!("2048 commits that begin two buckets: {}", list(&short, &buckets));
}

type Calls = BTreeMap<String, u64>;

/// The calls of a run of so many commits, by name.
fn count(ext4: &Ext4, commits: u64) -> Calls {
    let (folder, summary) = (ext4.path_of("traced"), ext4.path_of("summary"));
    let to = summary.to_str().expect("a path of ASCII");
    let strace = ["strace", "-f", "-c", "-U", "name,calls", "-o", to];
    run_again(&strace, "append", &folder, &commits.to_string());
    let text = fs::read_to_string(&summary).expect("strace wrote its summary");
    fs::remove_dir_all(&folder).expect("the log can be removed");
    parse(&text)
}

/// Reads lines of a name and a number; strace adds a head, rules and a total.
fn parse(summary: &str) -> Calls {
    let pairs = summary.lines().filter_map(|line| {
        let (name, calls) = line.trim().split_once(char::is_whitespace)?;
        Some((name.to_owned(), calls.trim().parse().ok()?))
    });
    pairs.filter(|(name, _)| name != "total").collect()
}

fn difference(less: &Calls, more: &Calls) -> f64 {
    more.values().sum::<u64>() as f64 - less.values().sum::<u64>() as f64
}

/// What is called more often in the second run, by name.
fn list(less: &Calls, more: &Calls) -> String {
    let extra = more.iter().filter_map(|(name, calls)| {
        let extra = calls.checked_sub(less.get(name).copied().unwrap_or(0))?;
        (extra > 0).then(|| format!("{extra} {name}"))
    });
    extra.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "\
syscall              calls
---------------- ---------
pwrite64                10
fdatasync                9
---------------- ---------
total                   19
";

    #[test]
    fn a_summary_is_read_by_name_without_its_total() {
        let calls = parse(SUMMARY);
        assert_eq!(calls.len(), 2);
        assert_eq!((calls["pwrite64"], calls["fdatasync"]), (10, 9));
    }

    #[test]
    fn what_both_runs_call_cancels() {
        let less = parse("pwrite64 10\nbrk 3\n");
        let more = parse("pwrite64 15\nbrk 3\nfdatasync 2\n");
        assert_eq!(difference(&less, &more).to_bits(), 7_f64.to_bits());
        assert_eq!(list(&less, &more), "2 fdatasync, 5 pwrite64");
    }
}

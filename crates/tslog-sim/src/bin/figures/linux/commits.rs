//! Commits as the block device sees them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Shape;
use crate::{figure, payload};
use tslog_sim::mount::Ext4;

const COMMITS: u64 = 2000;

/// Prints the cost of commits of 16 records, and of writing the same bytes without a log.
pub(super) fn run(ext4: &Ext4) {
    for (record_size, bucket_size) in [(16, 16_384), (16, 1024), (128, 16_384), (128, 1024)] {
        let shape = Shape { record_size, bucket_size, commit_delta: 16 };
        // A log of 16,384 records in a bucket is the rule; other sizes are named.
        let bucket = if bucket_size == 16_384 { String::new() } else { format!("_b{bucket_size}") };
        let folder = ext4.path_of("commits");
        report(ext4, &format!("linux_{record_size}b_k16{bucket}"), || {
            append(&folder, shape, COMMITS);
        });
        fs::remove_dir_all(&folder).expect("the log can be removed");
    }
    for record_size in [16, 128] {
        let file = ext4.path_of("raw");
        report(ext4, &format!("linux_{record_size}b_k16_raw"), || raw(&file, record_size * 16));
        fs::remove_file(&file).expect("the file can be removed");
    }
}

fn report(ext4: &Ext4, name: &str, act: impl FnOnce()) {
    let mut took = Duration::ZERO;
    let ((), cost) = ext4.cost_of(|| {
        let begun = Instant::now();
        act();
        took = begun.elapsed();
    });
    let commits = COMMITS as f64;
    figure(&format!("{name}_flushes"), cost.flushes as f64 / commits, "flushes/commit");
    figure(&format!("{name}_written"), cost.sectors as f64 / 2.0 / commits, "KiB/commit");
    figure(&format!("{name}_time"), took.as_secs_f64() * 1e6 / commits, "us/commit");
}

/// Makes a log and stores records until there were so many commits. The log is not closed, so that
/// nothing but commits is measured.
pub(super) fn append(folder: &Path, shape: Shape, commits: u64) {
    let log = shape.open(folder);
    let mut record = vec![0; shape.record_size as usize];
    for seqn in 1..=commits * u64::from(shape.commit_delta) {
        payload(seqn, &mut record);
        log.store_record(&record).expect("there is room");
    }
    assert_eq!(log.uncommitted(), 0);
}

/// The least that is durable: a file filled with zeros, then one write and one sync a commit.
fn raw(path: &Path, commit_size: u64) {
    let file = File::create_new(path).expect("the file can be made");
    file.write_all_at(&vec![0; (COMMITS * commit_size) as usize], 0).expect("there is room");
    file.sync_all().expect("the file syncs");
    let mut data = vec![0; commit_size as usize];
    for commit in 0..COMMITS {
        payload(commit, &mut data);
        file.write_all_at(&data, commit * commit_size).expect("there is room");
        file.sync_data().expect("the file syncs");
    }
}

//! Commits that nobody asks for: by time, and in the background.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::path::Path;
use std::thread;
use std::time::Duration;

use tslog::{Error, Options, SharedLog};

/// Far longer than any of this takes; a wait that ends by it has failed.
const LONG: Duration = Duration::from_mins(1);

fn options() -> Options {
    Options::new().record_size(8).bucket_size(100)
}

fn store(log: &SharedLog, numbers: std::ops::RangeInclusive<u64>) {
    for i in numbers {
        assert_eq!(log.store_record(&i.to_le_bytes()).unwrap(), i);
    }
}

/// What a crash would leave: how many records are durable.
fn durable(path: &Path) -> u64 {
    Options::new().open_raw(path).unwrap().stats().seqn
}

#[test]
fn a_record_that_waited_for_the_interval_is_committed_in_every_mode() {
    for background in [false, true] {
        let temp = tempfile::tempdir().unwrap();
        let options = options().commit_delta(1000).background_commit(background);
        let log = options.commit_interval(Duration::from_millis(10)).open_raw(temp.path()).unwrap();
        let mut reader = log.reader(0).unwrap();
        // Time and again, for the thread sleeps while no record waits.
        for i in 1..=5 {
            store(&log, i..=i);
            assert!(reader.wait(Some(LONG)).unwrap(), "record {i}, background {background}");
            assert_eq!(reader.next_record().unwrap().unwrap().0, i);
            assert_eq!((log.stats().committed, log.uncommitted()), (i, 0));
        }
        drop((reader, log));
        assert_eq!(durable(temp.path()), 5);
    }
}

#[test]
fn an_interval_changes_nothing_for_commits_by_number() {
    let temp = tempfile::tempdir().unwrap();
    let log = options().commit_delta(4).commit_interval(LONG).open_raw(temp.path()).unwrap();
    for i in 1..=20 {
        store(&log, i..=i);
        assert_eq!(log.uncommitted(), i % 4);
    }
}

#[test]
fn the_committer_commits_as_soon_as_enough_records_wait() {
    let temp = tempfile::tempdir().unwrap();
    let options = options().commit_delta(7).background_commit(true);
    let log = options.open_raw(temp.path()).unwrap();
    let mut reader = log.reader(0).unwrap();
    for i in (7..=700).step_by(7) {
        store(&log, i - 6..=i);
        while reader.cursor() < i {
            assert!(reader.wait(Some(LONG)).unwrap(), "{i}");
            assert_eq!(reader.next_record().unwrap().unwrap().0, reader.cursor());
        }
    }
    store(&log, 701..=706);
    assert!(!reader.wait(Some(Duration::from_millis(20))).unwrap(), "6 are not enough");
}

#[test]
fn a_commit_is_the_barrier_of_what_the_committer_has_not_reached() {
    let temp = tempfile::tempdir().unwrap();
    let background = || options().commit_delta(50).background_commit(true);
    let log = background().open_raw(temp.path()).unwrap();
    for round in 0..40 {
        store(&log, round * 33 + 1..=round * 33 + 33);
        assert_eq!(log.commit().unwrap(), round * 33 + 33);
        assert_eq!(log.uncommitted(), 0);
    }
    drop(log);
    assert_eq!(durable(temp.path()), 40 * 33);
}

#[test]
fn dropping_a_log_ends_its_committer_commits_nothing_more_and_frees_the_folder() {
    let temp = tempfile::tempdir().unwrap();
    let options = || options().commit_delta(1000).background_commit(true).commit_interval(LONG);
    for round in 0..3 {
        let log = options().open_raw(temp.path()).unwrap();
        assert_eq!(log.stats().seqn, 10 * round);
        store(&log, 10 * round + 1..=10 * round + 10);
        log.commit().unwrap();
        store(&log, 10 * round + 11..=10 * round + 15);
        let clone = log.clone();
        drop(log);
        assert_eq!(clone.store_record(b"one more").unwrap(), 10 * round + 16);
    }
}

#[test]
fn closing_commits_what_waits_and_ends_every_wait() {
    let temp = tempfile::tempdir().unwrap();
    let options = || options().commit_delta(1000).background_commit(true).commit_interval(LONG);
    let log = options().open_raw(temp.path()).unwrap();
    let mut reader = log.reader(0).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            loop {
                match reader.next_record_wait(None) {
                    Ok(Some(_)) => {}
                    other => return (other, reader.cursor()),
                }
            }
        });
        store(&log, 1..=9);
        log.close().unwrap();
        let (ended, cursor) = waiting.join().unwrap();
        assert!(matches!(ended, Err(Error::Closed)), "{ended:?} behind number {cursor}");
        // The commit may be seen before the end, and the end may come while its records are read.
        assert!(cursor <= 9, "{cursor} were committed");
    });
    log.close().unwrap();
    assert!(matches!(log.store_record(b"late"), Err(Error::Closed)));
    assert!(matches!(log.commit(), Err(Error::Closed)));
    drop(log);
    let log = options().open_raw(temp.path()).unwrap();
    assert!(log.report().clean);
    assert_eq!(log.stats().seqn, 9);
}

#[test]
fn threads_that_store_in_the_background_keep_their_order_across_buckets() {
    const EACH: u64 = 20_000;
    let temp = tempfile::tempdir().unwrap();
    let options = || options().record_size(16).bucket_size(5000).commit_delta(64);
    let log = options().background_commit(true).open_raw(temp.path()).unwrap();
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let log = &log;
            scope.spawn(move || {
                for i in 0..EACH {
                    let record = [thread.to_le_bytes(), i.to_le_bytes()].concat();
                    let seqn = log.store_record(&record).unwrap();
                    if i % 5000 == 0 {
                        assert!(log.commit().unwrap() >= seqn);
                    }
                }
            });
        }
    });
    assert_eq!(log.commit().unwrap(), 4 * EACH);
    drop(log);
    let log = options().open_raw(temp.path()).unwrap();
    let mut reader = log.reader(0).unwrap();
    let mut next = [0; 4];
    while let Some((_, record)) = reader.next_record().unwrap() {
        let thread = usize::from(record[0]);
        assert_eq!(record[8..], u64::to_le_bytes(next[thread]), "thread {thread}");
        next[thread] += 1;
    }
    assert_eq!(next, [EACH; 4]);
}

#[test]
fn a_commit_larger_than_a_batch_is_one_commit_in_the_background_too() {
    let temp = tempfile::tempdir().unwrap();
    // Five records fill the mebibyte of a batch, and ten make a commit.
    let options = Options::new().record_size(200_000).bucket_size(100).commit_delta(10);
    let log = options.background_commit(true).open_raw(temp.path()).unwrap();
    for i in 1..=25_u64 {
        assert_eq!(log.store_record(&i.to_le_bytes()).unwrap(), i);
    }
    assert_eq!(log.commit().unwrap(), 25);
    let mut reader = log.reader(0).unwrap();
    for i in 1..=25_u64 {
        let (seqn, record) = reader.next_record().unwrap().unwrap();
        assert_eq!((seqn, &record[..8]), (i, &i.to_le_bytes()[..]));
    }
}

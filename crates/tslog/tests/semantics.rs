//! What the log promises of its records, readers and buckets: a test for each promise, through the
//! handles that programs use. Crashes are cut at every step elsewhere, by the harness of
//! `tslog-sim`; here a dropped log is the crash.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::path::Path;

use tempfile::tempdir;
use tslog::{Error, Invalid, Options, Policy, SeqnRange, SharedLog, SharedReader, Value};

/// Logs of records of 8 bytes, 4 of them in a bucket.
fn options() -> Options {
    Options::new().record_size(8).bucket_size(4)
}

/// Stores the numbers of a range as their own contents.
fn store(log: &SharedLog, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        assert_eq!(log.store_record(&number.to_le_bytes()).unwrap(), number);
    }
}

/// Everything this reader is given until there is nothing more.
fn read(reader: &mut SharedReader) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some((number, record)) = reader.next_record().unwrap() {
        assert_eq!(record, number.to_le_bytes());
        numbers.push(number);
    }
    numbers
}

fn take(reader: &mut SharedReader, count: usize) {
    for _ in 0..count {
        reader.next_record().unwrap().unwrap();
    }
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

fn buckets(path: &Path) -> Vec<String> {
    let names = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("bucket")).collect();
    names.sort();
    names
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn promise_1_numbers_begin_at_1_and_have_no_gaps() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(3).open_raw(temp.path()).unwrap();
    assert_eq!((log.stats().seqn, log.reader(0).unwrap().cursor()), (0, 0));
    store(&log, 1..=10);
    log.close().unwrap();
    let log = options().open_raw(temp.path()).unwrap();
    store(&log, 11..=20);
    log.commit().unwrap();
    assert_eq!(read(&mut log.reader(0).unwrap()), numbers(1..=20));
}

#[test]
fn promise_2_readers_see_a_commit_whole_and_nothing_before_it() {
    let temp = tempdir().unwrap();
    let log = options().bucket_size(100).commit_delta(50).open_raw(temp.path()).unwrap();
    let mut beside = log.reader(0).unwrap();
    store(&log, 1..=49);
    assert_eq!(beside.next_record().unwrap(), None);
    log.commit().unwrap();
    assert_eq!(read(&mut beside), numbers(1..=49));
}

#[test]
fn promise_3_store_commits_when_commit_delta_records_wait() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(4).open_raw(temp.path()).unwrap();
    assert_eq!(log.commit().unwrap(), 0, "there is nothing to commit");
    let mut committed = Vec::new();
    for number in 1..=10 {
        store(&log, number..=number);
        if number == 5 {
            assert_eq!(log.commit().unwrap(), 5, "and the count begins again");
        }
        committed.push(log.stats().committed);
    }
    assert_eq!(committed, [0, 0, 0, 4, 5, 5, 5, 5, 9, 9]);
    assert_eq!(log.commit().unwrap(), 10);
    let before = std::fs::read(temp.path().join("bucket-0000000002")).unwrap();
    assert_eq!(log.commit().unwrap(), 10);
    let after = std::fs::read(temp.path().join("bucket-0000000002")).unwrap();
    assert!(before == after, "a commit with nothing new writes nothing");
    drop(log);

    let log = options().commit_delta(1).open_raw(temp.path()).unwrap();
    store(&log, 11..=11);
    assert_eq!((log.stats().committed, log.uncommitted()), (11, 0));
    drop(log);
    let refused = options().commit_delta(0).open_raw(temp.path()).unwrap_err();
    assert_eq!(refused.to_string(), "commit_delta must be at least 1, got 0");
}

#[test]
fn promise_4_after_a_crash_the_log_is_as_of_its_last_commit() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(5).open_raw(temp.path()).unwrap();
    store(&log, 1..=8);
    drop(log);
    let log = options().open_raw(temp.path()).unwrap();
    assert_eq!(log.stats().seqn, 5);
    assert_eq!(log.store_record(b"another!").unwrap(), 6, "number 6 was never committed");
    log.commit().unwrap();
    let mut reader = log.reader(0).unwrap();
    take(&mut reader, 5);
    assert_eq!(reader.next_record().unwrap(), Some((6, b"another!".to_vec())));
}

#[test]
fn promise_5_close_commits_and_lets_go_and_dropping_does_not_commit() {
    let temp = tempdir().unwrap();
    let log = options().open_raw(temp.path()).unwrap();
    let mut reader = log.reader(0).unwrap();
    store(&log, 1..=3);
    log.close().unwrap();
    log.close().unwrap();
    assert!(matches!(log.store_record(b"late"), Err(Error::Closed)));
    assert!(matches!(log.commit(), Err(Error::Closed)));
    assert!(matches!(log.reader(0), Err(Error::Closed)));
    assert!(matches!(reader.next_record(), Err(Error::Closed)));
    // The lock is free though the old handle still lives.
    let next = options().open_raw(temp.path()).unwrap();
    assert!(next.report().clean);
    store(&next, 4..=5);
    drop(next);
    assert_eq!(options().open_raw(temp.path()).unwrap().stats().seqn, 3);
}

#[test]
fn promise_6_a_refused_store_uses_no_number_and_leaves_nothing() {
    let temp = tempdir().unwrap();
    let log = Options::new().formats(&[("<BH", "a,b")]).open_raw(temp.path()).unwrap();
    for refused in [
        log.store_values(&[Value::Uint(1)]),
        log.store_values(&[Value::Uint(1), Value::Uint(65_536)]),
        log.store_values(&[Value::Uint(1), Value::Bytes(b"no")]),
        log.store_with_tag(0, &[Value::Uint(1), Value::Uint(2)]),
        log.store_record(&[0; 4]),
    ] {
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    assert_eq!((log.stats().seqn, log.uncommitted()), (0, 0));
    assert_eq!(log.store_values(&[Value::Uint(1), Value::Uint(2)]).unwrap(), 1);
    log.commit().unwrap();
    assert_eq!(log.reader(0).unwrap().next_record().unwrap(), Some((1, vec![1, 2, 0])));
}

#[test]
fn promise_7_a_bucket_begins_with_the_record_that_needs_it() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(1).open_raw(temp.path()).unwrap();
    assert_eq!((log.stats().bucket, buckets(temp.path()).len()), (0, 0));
    for number in 1..=13 {
        store(&log, number..=number);
        let bucket = (number - 1) / 4;
        assert_eq!(u64::from(log.stats().bucket), bucket);
        assert_eq!(buckets(temp.path()).len() as u64, bucket + 1);
    }
}

#[test]
fn promise_8_a_bucket_goes_once_every_declared_reader_has_committed_past_it() {
    let temp = tempdir().unwrap();
    let log = options().readers(2).commit_delta(1).open_raw(temp.path()).unwrap();
    store(&log, 1..=8);
    let (mut first, mut second) = (log.reader(0).unwrap(), log.reader(1).unwrap());
    take(&mut first, 8);
    first.commit().unwrap();
    take(&mut second, 8);
    store(&log, 9..=12);
    assert_eq!(log.stats().oldest_bucket, 0, "reader 1 has read it, and not committed");
    second.seek(5).unwrap();
    second.commit().unwrap();
    assert_eq!(log.stats().oldest_bucket, 0, "buckets go only when one is begun");
    store(&log, 13..=13);
    assert_eq!(log.stats().oldest_bucket, 1);
    take(&mut second, 9);
    take(&mut first, 5);
    assert_eq!((first.commit().unwrap(), second.commit().unwrap()), (13, 13));
    store(&log, 14..=17);
    assert_eq!(buckets(temp.path()), ["bucket-0000000003", "bucket-0000000004"]);
}

#[test]
fn promise_9_a_full_log_refuses_or_drops_the_oldest_and_tells_each_reader_once() {
    let temp = tempdir().unwrap();
    let log = options().readers(2).commit_delta(1).max_buckets(3);
    let log = log.open_raw(temp.path()).unwrap();
    store(&log, 1..=12);
    assert!(matches!(log.store_record(b"more"), Err(Error::Full)));
    assert_eq!(log.stats().seqn, 12);
    for n in 0..2 {
        let mut reader = log.reader(n).unwrap();
        take(&mut reader, 4);
        assert_eq!(reader.commit().unwrap(), 4, "a full log can be drained");
    }
    store(&log, 13..=16);
    log.close().unwrap();

    let log = options().readers(2).commit_delta(1).max_buckets(3).policy(Policy::DropOldest);
    let log = log.open_raw(temp.path()).unwrap();
    let (mut slow, mut slower) = (log.reader(0).unwrap(), log.reader(1).unwrap());
    take(&mut slow, 6);
    store(&log, 17..=21);
    let mut told = Vec::new();
    loop {
        match slow.next_record() {
            Ok(Some((number, _))) => told.push(number),
            Err(Error::Lost(range)) => told.extend(range.first..=range.last),
            Ok(None) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(told, numbers(11..=21), "each number is read or named, and once");
    let lost = slower.next_record();
    assert!(matches!(lost, Err(Error::Lost(SeqnRange { first: 5, last: 12 }))), "{lost:?}");
    assert_eq!(read(&mut slower), numbers(13..=21));
}

#[test]
fn promise_10_a_log_has_1_to_4_readers_and_each_has_one_handle() {
    let temp = tempdir().unwrap();
    for count in [0, 5] {
        let refused = options().readers(count).open_raw(temp.path()).unwrap_err();
        let expected = format!("the number of readers must be 1 to 4, got {count}");
        assert_eq!(refused.to_string(), expected);
    }
    let log = options().readers(4).commit_delta(1).open_raw(temp.path()).unwrap();
    assert!(matches!(log.reader(4), Err(Error::Invalid(Invalid::Reader(4, 4)))));
    store(&log, 1..=6);
    let mut old = log.reader(3).unwrap();
    take(&mut old, 2);
    old.commit().unwrap();
    take(&mut old, 2);
    let mut new = log.reader(3).unwrap();
    assert_eq!(read(&mut new), numbers(3..=6));
    assert!(matches!(old.next_record(), Err(Error::Closed)));
    assert!(matches!(old.commit(), Err(Error::Closed)));
}

#[test]
fn promise_11_next_moves_the_cursor_and_only_commit_makes_it_last() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(1).open_raw(temp.path()).unwrap();
    store(&log, 1..=6);
    let mut reader = log.reader(0).unwrap();
    take(&mut reader, 4);
    assert_eq!((reader.cursor(), reader.uncommitted()), (4, 4));
    assert_eq!((reader.commit().unwrap(), reader.uncommitted()), (4, 0));
    take(&mut reader, 1);
    reader.close();
    assert!(matches!(reader.next_record(), Err(Error::Closed)));
    let mut reader = log.reader(0).unwrap();
    assert_eq!(reader.cursor(), 4);
    assert_eq!(reader.peek_record().unwrap().unwrap().0, 5);
    assert_eq!(reader.cursor(), 4, "a look moves nothing");
    reader.seek(2).unwrap();
    assert_eq!(reader.commit().unwrap(), 1, "a seek may move it back");
    assert_eq!(read(&mut log.reader(0).unwrap()), numbers(2..=6));
}

#[test]
fn promise_12_lag_counts_from_the_reader_that_is_farthest_behind() {
    let temp = tempdir().unwrap();
    let log = options().readers(2).commit_delta(5).open_raw(temp.path()).unwrap();
    store(&log, 1..=12);
    assert_eq!(log.stats().lag, 12);
    let (mut first, mut second) = (log.reader(0).unwrap(), log.reader(1).unwrap());
    take(&mut first, 10);
    assert_eq!(log.stats().lag, 12);
    take(&mut second, 7);
    assert_eq!(log.stats().lag, 5, "what was read counts, committed or not, and so does 11 and 12");
    assert_eq!((first.lag().unwrap(), second.lag().unwrap()), (0, 3), "of durable records");
    second.commit().unwrap();
    log.close().unwrap();
    let log = options().readers(2).open_raw(temp.path()).unwrap();
    assert_eq!(log.stats().lag, 12, "reader 0 committed nothing");
}

#[test]
fn promise_13_what_cannot_be_read_is_named_exactly_and_once() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(2).open_raw(temp.path()).unwrap();
    store(&log, 1..=12);
    log.close().unwrap();
    // The payload of the first frame of bucket 1, which holds 5 and 6.
    flip(&temp.path().join("bucket-0000000001"), 32 + 8);
    let log = options().open_raw(temp.path()).unwrap();
    let mut reader = log.reader(0).unwrap();
    take(&mut reader, 4);
    let damaged = reader.next_record();
    assert!(matches!(damaged, Err(Error::Damaged(SeqnRange { first: 5, last: 6 }))), "{damaged:?}");
    assert_eq!(read(&mut reader), numbers(7..=12));
    reader.commit().unwrap();
    log.close().unwrap();
    // A cursor proves that the records up to it were committed, although they are gone.
    std::fs::remove_file(temp.path().join("bucket-0000000002")).unwrap();
    let log = options().open_raw(temp.path()).unwrap();
    assert_eq!(log.report().lost, Some(SeqnRange { first: 9, last: 12 }));
    assert_eq!(log.reader(0).unwrap().next_record().unwrap(), None);
    store(&log, 13..=13);
    log.commit().unwrap();
    assert_eq!(read(&mut log.reader(0).unwrap()), [13]);
}

#[test]
fn promise_14_a_reader_sees_again_what_it_did_not_commit_and_misses_nothing() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(1).open_raw(temp.path()).unwrap();
    store(&log, 1..=9);
    let mut reader = log.reader(0).unwrap();
    take(&mut reader, 4);
    reader.commit().unwrap();
    take(&mut reader, 3);
    drop((reader, log));
    let log = options().open_raw(temp.path()).unwrap();
    assert_eq!(read(&mut log.reader(0).unwrap()), numbers(5..=9));
}

#[test]
fn promise_15_the_header_keeps_the_format_resolved() {
    let temp = tempdir().unwrap();
    let log = Options::new().formats(&[("@bq", "a:V,b")]).open_raw(temp.path()).unwrap();
    log.store_values(&[Value::Int(-1), Value::Int(2)]).unwrap();
    log.close().unwrap();
    let log = Options::new().create(false).open_raw(temp.path()).unwrap();
    let resolved = if cfg!(target_endian = "little") { "<b7xq" } else { ">b7xq" };
    assert_eq!(log.schema().formats, [(resolved.to_owned(), "a:V,b".to_owned())]);
    let (_, record) = log.reader(0).unwrap().next_record().unwrap().unwrap();
    let formats = log.schema().formats().unwrap();
    let values: Vec<_> = formats[0].unpack(&record).collect();
    assert_eq!(values, [Value::Int(-1), Value::Int(2)]);
}

#[test]
fn promise_16_formats_give_the_size_and_several_a_tag_in_front() {
    let temp = tempdir().unwrap();
    let one = Options::new().formats(&[("<Qff", "")]).record_size(99);
    assert_eq!(one.open_raw(temp.path().join("one")).unwrap().schema().record_size, 16);
    let two = Options::new().formats(&[("<Q", ""), ("<HB", "")]);
    let two = two.open_raw(temp.path().join("two")).unwrap();
    assert_eq!(two.schema().record_size, 9);
    assert!(matches!(two.store_values(&[Value::Uint(1)]), Err(Error::Invalid(_))));
    assert!(matches!(two.store_with_tag(2, &[]), Err(Error::Invalid(Invalid::Tag(2, 2)))));
    two.store_with_tag(1, &[Value::Uint(0x0201), Value::Uint(3)]).unwrap();
    two.commit().unwrap();
    let (_, record) = two.reader(0).unwrap().next_record().unwrap().unwrap();
    assert_eq!(record, [1, 1, 2, 3, 0, 0, 0, 0, 0]);
    let most = Options::new().formats(&[("<Q", ""); 255]);
    assert_eq!(most.open_raw(temp.path().join("most")).unwrap().schema().formats.len(), 255);
    let refused = Options::new().formats(&[("<Q", ""); 256]).open_raw(temp.path().join("more"));
    assert!(matches!(refused, Err(Error::Invalid(Invalid::Formats(256)))), "{refused:?}");
}

#[test]
fn promise_17_a_short_record_is_filled_with_zeros_and_a_long_one_refused() {
    let temp = tempdir().unwrap();
    let log = options().commit_delta(1).open_raw(temp.path()).unwrap();
    log.store_record(b"ab").unwrap();
    assert!(matches!(log.store_record(&[7; 9]), Err(Error::Invalid(Invalid::Record(8, 9)))));
    for number in 2..=5 {
        assert_eq!(log.store_record(b"").unwrap(), number);
    }
    let mut reader = log.reader(0).unwrap();
    assert_eq!(reader.next_record().unwrap(), Some((1, b"ab\0\0\0\0\0\0".to_vec())));
    for number in 2..=5 {
        assert_eq!(reader.next_record().unwrap(), Some((number, vec![0; 8])));
    }
    assert!(matches!(log.store_values(&[]), Err(Error::Invalid(_))), "it has no formats");
}

#[test]
fn promise_18_another_shape_is_refused_with_both_values_and_readers_may_change() {
    let temp = tempdir().unwrap();
    let log = options().readers(2).commit_delta(1).open_raw(temp.path()).unwrap();
    store(&log, 1..=8);
    log.close().unwrap();
    for (asked, message) in [
        (options().record_size(9), "record_size 9 was asked for, and the log was made with 8"),
        (options().bucket_size(5), "bucket_size 5 was asked for, and the log was made with 4"),
        (
            options().formats(&[("<Q", "")]),
            "number of formats 1 was asked for, and the log was made with 0",
        ),
    ] {
        assert_eq!(asked.open_raw(temp.path()).unwrap_err().to_string(), message);
    }
    let log = Options::new().readers(1).commit_delta(3).open_raw(temp.path()).unwrap();
    let mut reader = log.reader(0).unwrap();
    assert_eq!(read(&mut reader), numbers(1..=8));
    reader.commit().unwrap();
    store(&log, 9..=9);
    log.commit().unwrap();
    assert_eq!(log.stats().oldest_bucket, 1, "the reader that was removed holds nothing back");
    log.close().unwrap();
    let log = Options::new().readers(2).open_raw(temp.path()).unwrap();
    let mut new = log.reader(1).unwrap();
    assert_eq!(read(&mut new), numbers(5..=9), "it begins with the oldest record");
    assert_eq!(read(&mut log.reader(0).unwrap()), [9]);
}

#[test]
fn promise_19_recreate_begins_again_and_touches_nothing_else_in_the_folder() {
    let temp = tempdir().unwrap();
    let path = temp.path().join("parents/are/made/too");
    let log = options().commit_delta(1).open_raw(&path).unwrap();
    store(&log, 1..=9);
    let mut reader = log.reader(0).unwrap();
    take(&mut reader, 9);
    reader.commit().unwrap();
    log.close().unwrap();
    let foreign = ["bucket-1", "bucket-0000000001.bak", "header-2", "reader-7", "notes.txt"];
    for name in foreign {
        std::fs::write(path.join(name), name).unwrap();
    }
    let log = options().recreate(true).open_raw(&path).unwrap();
    assert_eq!((log.stats().seqn, log.stats().lag, log.reader(0).unwrap().cursor()), (0, 0, 0));
    assert_eq!(log.store_record(b"new").unwrap(), 1);
    log.commit().unwrap();
    assert_eq!(log.reader(0).unwrap().next_record().unwrap().unwrap().1, b"new\0\0\0\0\0");
    for name in foreign {
        assert_eq!(std::fs::read_to_string(path.join(name)).unwrap(), name);
    }
    assert_eq!(buckets(&path).len(), 3, "one of the log's own, and two foreign ones");
}

#[test]
fn promise_20_threads_store_and_read_through_one_log_at_once() {
    let temp = tempdir().unwrap();
    let log = options().bucket_size(64).readers(2).commit_delta(7).open_raw(temp.path()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let log = log.clone();
            scope.spawn(move || {
                for i in 0..250_u32 {
                    let record = [thread.to_le_bytes(), i.to_le_bytes()].concat();
                    log.store_record(&record).unwrap();
                }
                log.commit().unwrap();
            });
        }
        for n in 0..2 {
            let log = log.clone();
            scope.spawn(move || {
                let mut reader = log.reader(n).unwrap();
                let (mut seen, mut next) = (0, [0; 4]);
                while seen < 1000 {
                    let Some((number, record)) = reader.next_record().unwrap() else {
                        std::thread::yield_now();
                        continue;
                    };
                    seen += 1;
                    assert_eq!(number, seen);
                    assert!(log.stats().committed >= number);
                    let [thread, i] =
                        [0, 4].map(|at| u32::from_le_bytes(record[at..at + 4].try_into().unwrap()));
                    assert_eq!(i, next[thread as usize], "thread {thread} is out of order");
                    next[thread as usize] += 1;
                }
                reader.commit().unwrap();
            });
        }
    });
    assert_eq!((log.stats().seqn, log.stats().lag, log.uncommitted()), (1000, 0, 0));
}

#[test]
fn promise_21_one_writer_has_a_folder_and_readers_live_beside_it() {
    let temp = tempdir().unwrap();
    let log = options().readers(2).commit_delta(4).open_raw(temp.path()).unwrap();
    match options().open_raw(temp.path()) {
        Err(Error::Locked(holder)) => assert_eq!(holder, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    let mut beside = Options::open_reader(temp.path(), 1).unwrap();
    assert!(matches!(Options::open_reader(temp.path(), 1), Err(Error::Locked(_))));
    assert!(matches!(log.reader(1), Err(Error::Locked(_))));
    assert!(matches!(Options::open_reader(temp.path(), 2), Err(Error::NoLog)));
    store(&log, 1..=6);
    assert_eq!(read(&mut beside), numbers(1..=4), "5 and 6 are not durable");
    log.commit().unwrap();
    assert_eq!(read(&mut beside), numbers(5..=6));
}

#[test]
fn a_message_tells_what_is_gone_and_how_many_records_that_are() {
    let said = |first, last| Error::<&str>::Damaged(SeqnRange { first, last }).to_string();
    assert_eq!(said(7, 7), "damaged on the medium: 7 (1 record)");
    assert_eq!(said(7, 9), "damaged on the medium: 7 to 9 (3 records)");
}

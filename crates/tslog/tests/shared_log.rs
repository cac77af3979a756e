//! The shared handle over a folder.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use tslog::storage::ram::Ram;
use tslog::{Config, Error, Invalid, Log, Options, Policy, View, ViewStep};

fn fill(path: &std::path::Path, from: u64, to: u64) {
    let log = Options::new().record_size(8).bucket_size(64).readers(2).open_raw(path).unwrap();
    for i in from..=to {
        assert_eq!(log.store_record(&i.to_le_bytes()).unwrap(), i);
    }
    log.close().unwrap();
}

#[test]
fn what_was_stored_is_read_in_order_and_buckets_go_when_all_have_read_them() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    fill(&path, 1, 1000);
    let log = Options::new().record_size(8).bucket_size(64).readers(2).open_raw(&path).unwrap();
    assert!(log.report().clean);
    for n in 0..2 {
        let mut reader = log.reader(n).unwrap();
        for i in 1..=900_u64 {
            let (seqn, bytes) = reader.next_record().unwrap().unwrap();
            assert_eq!((seqn, bytes), (i, i.to_le_bytes().to_vec()));
        }
        assert_eq!(reader.commit().unwrap(), 900);
    }
    for i in 1001..=1100_u64 {
        assert_eq!(log.store_record(&i.to_le_bytes()).unwrap(), i);
    }
    assert_eq!(log.stats().oldest_bucket, 14);
    assert_eq!(log.stats().lag, 200);
    let names = std::fs::read_dir(&path).unwrap();
    let buckets = names
        .filter(|name| name.as_ref().unwrap().file_name().to_str().unwrap().starts_with("bucket"));
    assert_eq!(buckets.count(), 4);
}

#[test]
fn an_older_handle_of_a_reader_is_closed_by_a_newer_one() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).open_raw(temp.path()).unwrap();
    log.store_record(b"a").unwrap();
    log.commit().unwrap();
    let mut old = log.reader(0).unwrap();
    let mut new = log.reader(0).unwrap();
    assert!(matches!(old.next_record(), Err(Error::Closed)));
    assert_eq!(new.next_record().unwrap().unwrap().0, 1);
}

#[test]
fn a_reader_apart_sees_commits_of_a_running_writer_and_its_cursor_holds() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).commit_delta(4).open_raw(temp.path()).unwrap();
    let mut apart = Options::open_reader(temp.path(), 0).unwrap();
    assert!(apart.next_record().unwrap().is_none());
    for i in 1..=10_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    for i in 1..=8_u64 {
        assert_eq!(apart.next_record().unwrap().unwrap().0, i);
    }
    assert!(apart.next_record().unwrap().is_none(), "9 and 10 are not committed");
    apart.commit().unwrap();
    assert!(matches!(Options::open_reader(temp.path(), 0), Err(Error::Locked(_))));
    drop(apart);
    assert_eq!(Options::open_reader(temp.path(), 0).unwrap().cursor(), 8);
}

#[test]
fn one_flipped_bit_costs_exactly_its_frame() {
    let temp = tempfile::tempdir().unwrap();
    fill(temp.path(), 1, 60);
    let bucket = temp.path().join("bucket-0000000000");
    let mut bytes = std::fs::read(&bucket).unwrap();
    bytes[32 + 8 + 16 * 8 + 8 + 3] ^= 0x10; // the first record of the second frame
    std::fs::write(&bucket, bytes).unwrap();
    let mut view = View::open(temp.path()).unwrap();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut out = [0; 8];
    loop {
        match view.read(&mut out).unwrap() {
            ViewStep::Records(seqn, 1) => {
                assert_eq!(out, seqn.to_le_bytes());
                good.push(seqn);
            }
            ViewStep::Records(..) => panic!("room for one"),
            ViewStep::Damaged(range) => bad.push((range.first, range.last)),
            ViewStep::End => break,
        }
    }
    assert_eq!(bad, [(17, 32)]);
    assert_eq!(good.len(), 44);
}

#[test]
fn a_rotten_bucket_header_costs_nothing() {
    let temp = tempfile::tempdir().unwrap();
    fill(temp.path(), 1, 300);
    for index in [0, 2, 4] {
        let bucket = temp.path().join(format!("bucket-{index:010}"));
        let mut bytes = std::fs::read(&bucket).unwrap();
        bytes[5] ^= 1;
        std::fs::write(&bucket, bytes).unwrap();
        let log = Options::new().readers(2).open_raw(temp.path()).unwrap();
        assert_eq!(log.stats().seqn, 300, "bucket {index}");
        let mut reader = log.reader(0).unwrap();
        for i in 1..=300_u64 {
            assert_eq!(reader.next_record().unwrap().unwrap().0, i);
        }
    }
}

#[test]
fn dropping_a_log_commits_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).open_raw(temp.path()).unwrap();
    for i in 1..=20_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    drop(log);
    let log = Options::new().open_raw(temp.path()).unwrap();
    assert_eq!(log.stats().seqn, 16);
    assert_eq!(log.store_record(b"x").unwrap(), 17);
}

#[test]
fn recreate_begins_at_one_and_leaves_foreign_files_alone() {
    let temp = tempfile::tempdir().unwrap();
    fill(temp.path(), 1, 200);
    std::fs::write(temp.path().join("notes.txt"), "mine").unwrap();
    let log = Options::new().record_size(4).recreate(true).open_raw(temp.path()).unwrap();
    assert_eq!(log.stats().seqn, 0);
    assert_eq!(log.store_record(b"new").unwrap(), 1);
    log.commit().unwrap();
    assert_eq!(log.reader(0).unwrap().next_record().unwrap().unwrap().1, b"new\0");
    assert_eq!(std::fs::read_to_string(temp.path().join("notes.txt")).unwrap(), "mine");
}

#[test]
fn another_shape_is_refused_with_both_values_and_nothing_is_lost() {
    let temp = tempfile::tempdir().unwrap();
    fill(temp.path(), 1, 20);
    let error = Options::new().record_size(9).open_raw(temp.path()).unwrap_err();
    assert_eq!(error.to_string(), "record_size 9 was asked for, and the log was made with 8");
    assert!(Options::new().bucket_size(65).open_raw(temp.path()).is_err());
    assert!(Options::new().formats(&[("Q", "a")]).open_raw(temp.path()).is_err());
    assert_eq!(Options::new().open_raw(temp.path()).unwrap().stats().seqn, 20);
}

#[test]
fn a_full_log_stays_usable_and_drains() {
    let temp = tempfile::tempdir().unwrap();
    let options = Options::new().record_size(8).bucket_size(16).max_buckets(3);
    let log = options.open_raw(temp.path()).unwrap();
    let mut stored = 0;
    while log.store_record(b"r").is_ok() {
        stored += 1;
    }
    assert_eq!(stored, 48);
    assert!(matches!(log.store_record(b"r"), Err(Error::Full)));
    let mut reader = log.reader(0).unwrap();
    for _ in 0..16 {
        reader.next_record().unwrap().unwrap();
    }
    reader.commit().unwrap();
    assert_eq!(log.store_record(b"r").unwrap(), 49);
}

#[test]
fn a_full_log_shows_its_readers_what_waits_for_a_commit_so_that_they_can_make_room() {
    let temp = tempfile::tempdir().unwrap();
    // A commit spans four buckets, and the log has two.
    let options = Options::new().record_size(8).bucket_size(4).commit_delta(16).max_buckets(2);
    let log = options.open_raw(temp.path()).unwrap();
    let mut reader = log.reader(0).unwrap();
    for round in 0..5_u64 {
        let mut last = log.stats().seqn;
        while let Ok(seqn) = log.store_record(b"r") {
            last = seqn;
        }
        assert!(matches!(log.store_record(b"r"), Err(Error::Full)));
        assert_eq!((log.stats().seqn, log.stats().committed), (last, last), "round {round}");
        // As a program does that waits for its uplink, which reads what it can see.
        while reader.next_record().unwrap().is_some() {}
        assert_eq!(reader.commit().unwrap(), last);
        assert_eq!(log.store_record(b"r").unwrap(), last + 1);
    }
}

#[test]
fn a_reader_apart_follows_a_bucket_that_is_made_anew_under_its_name() {
    let temp = tempfile::tempdir().unwrap();
    let options = || Options::new().record_size(8).commit_delta(1);
    options().open_raw(temp.path()).unwrap().store_record(b"first").unwrap();
    // What a power cut leaves of a bucket that was just begun.
    std::fs::write(temp.path().join("bucket-0000000001"), [0; 100]).unwrap();
    let mut apart = Options::open_reader(temp.path(), 0).unwrap();
    assert_eq!(apart.next_record().unwrap().unwrap().0, 1);
    assert!(apart.next_record().unwrap().is_none());
    let log = options().open_raw(temp.path()).unwrap();
    assert_eq!(log.store_record(b"second").unwrap(), 2);
    assert_eq!(apart.next_record().unwrap().unwrap(), (2, b"second\0\0".to_vec()));
}

#[test]
fn a_dump_of_a_flash_that_is_written_in_words_can_be_looked_at() {
    let temp = tempfile::tempdir().unwrap();
    for write_size in [1, 4, 32] {
        let mut flash = [0xFF; 8 * 512];
        let medium = Ram::new(&mut flash[..], 512, write_size);
        let config = Config { record_size: Some(5), commit_delta: 3, ..Config::default() };
        let mut log = Log::<_, _, 1>::create(medium, [0; 256], &config).unwrap();
        for i in 1..=40_u8 {
            log.store_record(&[i; 5]).unwrap();
        }
        log.close().unwrap();
        let path = temp.path().join("flash.bin");
        std::fs::write(&path, flash).unwrap();
        let mut view = View::open_image(&path, 512).unwrap();
        for i in 1..=40_u8 {
            let mut out = [0; 5];
            assert_eq!(view.read(&mut out).unwrap(), ViewStep::Records(i.into(), 1));
            assert_eq!(out, [i; 5], "words of {write_size} bytes");
        }
        assert_eq!(view.read(&mut [0; 5]).unwrap(), ViewStep::End);
    }
}

#[test]
fn a_record_that_is_too_long_is_refused_before_a_bucket_is_begun_for_it() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).bucket_size(2).open_raw(temp.path()).unwrap();
    let buckets = || {
        let names = std::fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().starts_with("bucket")).count()
    };
    for filled in 0..3 {
        assert!(matches!(log.store_record(&[0; 9]), Err(Error::Invalid(_))));
        assert_eq!(buckets(), filled);
        log.store_record(&[0; 8]).unwrap();
        log.store_record(&[0; 8]).unwrap();
    }
}

#[test]
fn storing_by_copying_stops_where_a_commit_comes_due_and_where_a_bucket_is_full() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new()
        .record_size(8)
        .bucket_size(10)
        .commit_delta(4)
        .open_raw(temp.path())
        .unwrap();
    let mut waited = Vec::new();
    for i in 1..=24_u64 {
        let seqn = log.try_store_record(&i.to_le_bytes()).unwrap_or_else(|| {
            waited.push(i);
            log.store_record(&i.to_le_bytes()).unwrap()
        });
        assert_eq!((seqn, log.stats().seqn, log.uncommitted()), (i, i, i % 4));
    }
    assert_eq!(waited, [1, 4, 8, 11, 12, 16, 20, 21, 24]);
    log.close().unwrap();
    assert_eq!(log.try_store_record(b"closed"), None);
}

#[test]
fn storing_by_copying_stops_where_a_part_of_a_commit_has_to_be_written() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new()
        .record_size(1 << 18)
        .bucket_size(100)
        .commit_delta(100)
        .open_raw(temp.path())
        .unwrap();
    let copied = |i: u64| log.try_store_record(&i.to_le_bytes()).is_some();
    let waited = (1..=14).filter(|&i| !copied(i) && log.store_record(&i.to_le_bytes()).is_ok());
    assert_eq!(waited.collect::<Vec<_>>(), [1, 5, 9, 13]);
}

#[test]
fn a_reader_that_has_records_in_memory_counts_and_commits_only_those_it_handed_out() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).commit_delta(10).open_raw(temp.path()).unwrap();
    for i in 1..=20_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    let mut reader = log.reader(0).unwrap();
    let mut out = [0; 8];
    assert!(!reader.is_ready());
    assert_eq!(reader.try_next_bytes(), None);
    assert_eq!(reader.peek_record().unwrap().unwrap().0, 1);
    assert!(reader.is_ready());
    let short = reader.next_into(&mut out[..7]);
    assert!(matches!(short, Err(Error::Invalid(Invalid::Buffer(8, 7)))));
    assert_eq!((reader.cursor(), log.stats().lag), (0, 20));
    for i in 1..=3_u64 {
        let bytes = i.to_le_bytes();
        if i > 1 {
            assert_eq!(reader.try_next_bytes(), Some((i, &bytes[..])));
        } else {
            assert_eq!((reader.next_into(&mut out).unwrap(), out), (Some(i), bytes));
        }
    }
    assert_eq!((reader.commit().unwrap(), log.stats().lag), (3, 17));
    let mut rest = [0; 80];
    assert_eq!(reader.read_batch(&mut rest[..32]).unwrap().unwrap().first, 4);
    assert_eq!(reader.read_batch(&mut rest).unwrap().unwrap().count, 10);
    assert_eq!(u64::from_le_bytes(rest[16..24].try_into().unwrap()), 10);
    reader.seek(2).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().0, 2);
    let mut again = log.reader(0).unwrap();
    assert_eq!(again.next_record().unwrap().unwrap().0, 4);
    assert_eq!((reader.is_ready(), reader.try_next_bytes()), (true, None));
    assert!(matches!(reader.next_record(), Err(Error::Closed)));
}

#[test]
fn threads_that_need_each_record_durable_share_commits_and_lose_none() {
    let temp = tempfile::tempdir().unwrap();
    let options = Options::new().record_size(16).bucket_size(100).commit_delta(1);
    let log = options.clone().open_raw(temp.path()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let log = &log;
            scope.spawn(move || {
                for i in 0..200_u64 {
                    let record = [thread.to_le_bytes(), i.to_le_bytes()].concat();
                    let seqn = log.store_record(&record).unwrap();
                    assert!(log.stats().committed >= seqn, "record {seqn} is not durable");
                }
            });
        }
    });
    assert_eq!((log.stats().seqn, log.uncommitted()), (1600, 0));
    // A crash: nothing is closed.
    drop(log);
    let log = options.open_raw(temp.path()).unwrap();
    assert_eq!(log.stats().committed, 1600);
    let mut reader = log.reader(0).unwrap();
    let mut next = [0; 8];
    while let Some((_, record)) = reader.next_record().unwrap() {
        let thread = usize::from(record[0]);
        let i = u64::from_le_bytes(record[8..].try_into().unwrap());
        assert_eq!(i, next[thread], "the records of thread {thread} are out of order");
        next[thread] += 1;
    }
    assert_eq!(next, [200; 8]);
}

#[test]
fn a_log_that_may_drop_its_oldest_bucket_is_never_full_whatever_a_commit_spans() {
    for (bucket_size, commit_delta) in [(2, 1), (2, 3), (2, 4), (2, 5), (2, 16), (1, 7), (5, 4)] {
        let temp = tempfile::tempdir().unwrap();
        let log = Options::new()
            .record_size(1)
            .bucket_size(bucket_size)
            .max_buckets(2)
            .commit_delta(commit_delta)
            .policy(Policy::DropOldest)
            .open_raw(temp.path())
            .unwrap();
        for i in 1..=50 {
            assert_eq!(log.store_record(&[i]).unwrap(), u64::from(i), "delta {commit_delta}");
        }
    }
}

#[test]
fn a_log_that_is_made_anew_ends_those_who_look_at_the_old_one() {
    let temp = tempfile::tempdir().unwrap();
    let made = |recreate: bool, records: u64| {
        let log = Options::new().record_size(8).recreate(recreate).open_raw(temp.path()).unwrap();
        for i in 1..=records {
            log.store_record(&i.to_le_bytes()).unwrap();
        }
        log.close().unwrap();
    };
    for records in [0, 5] {
        made(true, records);
        let mut apart = Options::open_reader(temp.path(), 0).unwrap();
        for i in 1..=records {
            assert_eq!(apart.next_record().unwrap().unwrap().0, i);
        }
        assert!(apart.next_record().unwrap().is_none());
        let mut view = View::open(temp.path()).unwrap();
        view.refresh().unwrap();
        made(true, 7);
        assert!(matches!(apart.next_record(), Err(Error::Closed)), "after {records} records");
        assert!(matches!(view.refresh(), Err(Error::Closed)), "after {records} records");
    }
}

/// A bucket of the log in `path` with one frame of one record, made from `docs/layout.md`.
fn forge_bucket(path: &std::path::Path, index: u32, number: u64, record: [u8; 8]) {
    let crc = |seed: u32, parts: &[&[u8]]| {
        parts.iter().fold(seed, |crc, part| crc32c::crc32c_append(crc, part))
    };
    let mix = |number: u64| {
        let (low, high) = ((number & 0xFFFF_FFFF) as u32, (number >> 32) as u32);
        let x = low ^ high.wrapping_mul(0x9E37_79B1);
        let x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
        let x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
        x ^ (x >> 16)
    };
    let crc8 = |bytes: &[u8]| {
        let step = |crc: u8| if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 0x2F };
        bytes.iter().fold(0xFF, |crc, byte| (0..8).fold(crc ^ byte, |crc, _| step(crc)))
    };
    let header = std::fs::read(path.join("header-0")).unwrap();
    let base_seed = crc(0, &[&header[16..32], &header[12..16]]);
    let seed = crc(base_seed, &[&index.to_le_bytes()]);
    let mut bytes = [&index.to_le_bytes()[..], &number.to_le_bytes()[..7], &[1]].concat();
    bytes.extend([0xFF; 16]);
    bytes.extend(crc(seed, &[&bytes]).to_le_bytes());
    let mut head = vec![1, 0, 1];
    head.push(crc8(&head));
    let sum = crc(seed, &[&head, &record]) ^ mix(number);
    bytes.extend([&head[..], &sum.to_le_bytes(), &record].concat());
    bytes.resize(4096, 0);
    std::fs::write(path.join(format!("bucket-{index:010}")), bytes).unwrap();
}

#[test]
fn billions_of_missing_buckets_are_not_tried_one_by_one() {
    let temp = tempfile::tempdir().unwrap();
    let options = || Options::new().record_size(8).commit_delta(1);
    options().bucket_size(4).open_raw(temp.path()).unwrap().close().unwrap();
    let log = options().open_raw(temp.path()).unwrap();
    for i in 1..=8_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    log.close().unwrap();
    forge_bucket(temp.path(), 4_000_000_000, 1_000_000, *b"far away");

    let mut view = View::open(temp.path()).unwrap();
    let mut out = [0; 64];
    assert_eq!(view.read(&mut out).unwrap(), ViewStep::Records(1, 1));
    view.seek(9).unwrap();
    let gap = tslog::SeqnRange { first: 9, last: 999_999 };
    assert_eq!(view.read(&mut out).unwrap(), ViewStep::Damaged(gap));
    assert_eq!(view.read(&mut out).unwrap(), ViewStep::Records(1_000_000, 1));
    assert_eq!(&out[..8], *b"far away");

    let log = options().open_raw(temp.path()).unwrap();
    assert_eq!(log.stats().seqn, 1_000_000);
    let mut reader = log.reader(0).unwrap();
    for i in 1..=8_u64 {
        assert_eq!(reader.next_record().unwrap().unwrap().0, i);
    }
    assert!(matches!(reader.next_record(), Err(Error::Damaged(range)) if range == gap));
    assert_eq!(reader.next_record().unwrap().unwrap().0, 1_000_000);
    reader.commit().unwrap();
    for i in 1_000_001..=1_000_005_u64 {
        assert_eq!(log.store_record(&i.to_le_bytes()).unwrap(), i);
    }
    assert_eq!(log.stats().oldest_bucket, 4_000_000_001);
    log.close().unwrap();
    forge_bucket(temp.path(), 7, 1, *b"backward");
    options().recreate(true).open_raw(temp.path()).unwrap();
    assert!(!temp.path().join("bucket-0000000007").exists());
}

//! Batches of records as they lie in memory.

#![expect(clippy::panic, reason = "a test says no by panicking")]

use tslog::{Batch, Error, Options, SharedReader};

/// Reads to the end in batches: the numbers that were read, each with its own bytes, and the ranges
/// that were damaged.
fn read_all(reader: &mut SharedReader) -> (Vec<u64>, Vec<(u64, u64)>) {
    let (mut read, mut damaged) = (Vec::new(), Vec::new());
    loop {
        match reader.next_batch() {
            Ok(None) => return (read, damaged),
            Ok(Some(records)) => {
                assert_eq!(records.len() * 8, records.bytes().len());
                for (seqn, bytes) in records.iter() {
                    assert_eq!(bytes, seqn.to_le_bytes());
                    read.push(seqn);
                }
            }
            Err(Error::Damaged(range)) => damaged.push((range.first, range.last)),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn batches_hold_each_record_once_whatever_the_commits_and_the_buckets() {
    let shapes = [
        (7, 3, 300),
        (1000, 1, 300),
        (64, 16, 2000),
        (20_000, 5000, 20_000),
        (60_000, 30_000, 90_000),
        (3, 10, 100),
    ];
    for (bucket_size, delta, many) in shapes {
        let temp = tempfile::tempdir().unwrap();
        let options = Options::new().record_size(8).bucket_size(bucket_size).commit_delta(delta);
        let log = options.open_raw(temp.path()).unwrap();
        let mut beside = log.reader(0).unwrap();
        let mut stored = 0;
        for count in [1, 2, 50, 3, many, 0, 5] {
            for _ in 0..count {
                stored += 1;
                log.store_record(&u64::to_le_bytes(stored)).unwrap();
            }
            let from = beside.cursor() + 1;
            let (read, damaged) = read_all(&mut beside);
            assert_eq!(read, (from..=log.stats().committed).collect::<Vec<_>>());
            assert_eq!((damaged, beside.cursor()), (vec![], log.stats().committed));
        }
        log.commit().unwrap();
        drop((beside, log));
        let mut apart = Options::open_reader(temp.path(), 0).unwrap();
        assert_eq!(read_all(&mut apart).0, (1..=stored).collect::<Vec<_>>());
        apart.seek(stored / 2).unwrap();
        assert_eq!(read_all(&mut apart).0, (stored / 2..=stored).collect::<Vec<_>>());
    }
}

#[test]
fn a_flipped_bit_costs_its_frame_and_no_batch_goes_over_it() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).commit_delta(4).open_raw(temp.path()).unwrap();
    for i in 1..=200_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    let bucket = temp.path().join("bucket-0000000000");
    let sound = std::fs::read(&bucket).unwrap();
    for frame in [0, 1, 17, 49] {
        for at in [0, 3, 5, 8, 39] {
            let mut bytes = sound.clone();
            bytes[32 + frame * 40 + at] ^= 0x04;
            std::fs::write(&bucket, &bytes).unwrap();
            let mut reader = log.reader(0).unwrap();
            let (read, damaged) = read_all(&mut reader);
            let lost = frame as u64 * 4 + 1..=frame as u64 * 4 + 4;
            assert_eq!(damaged, [(*lost.start(), *lost.end())], "frame {frame} byte {at}");
            let sound = (1..=200).filter(|seqn| !lost.contains(seqn));
            assert_eq!(read, sound.collect::<Vec<_>>(), "frame {frame} byte {at}");
        }
    }
}

#[test]
fn batches_and_single_records_go_on_where_the_other_stopped() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).commit_delta(10).open_raw(temp.path()).unwrap();
    for i in 1..=40_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    let mut reader = log.reader(0).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().0, 1);
    let records = reader.next_batch().unwrap().unwrap();
    assert_eq!((records.first(), records.len()), (2, 39));
    assert_eq!((reader.cursor(), reader.commit().unwrap()), (40, 40));
    assert!(reader.next_batch().unwrap().is_none());
    for i in 41..=60_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    let mut three = [0; 24];
    assert_eq!(reader.read_batch(&mut three).unwrap().unwrap(), Batch { first: 41, count: 3 });
    assert_eq!(three[16..], 43_u64.to_le_bytes());
    assert_eq!(reader.next_record().unwrap(), Some((44, 44_u64.to_le_bytes().to_vec())));
    let rest = reader.next_batch().unwrap().unwrap();
    assert_eq!((rest.first(), rest.len()), (45, 16));
}

#[test]
fn records_in_memory_outlive_a_look_at_how_far_the_log_is() {
    let temp = tempfile::tempdir().unwrap();
    let log = Options::new().record_size(8).commit_delta(10).open_raw(temp.path()).unwrap();
    for i in 1..=50_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    let mut apart = Options::open_reader(temp.path(), 0).unwrap();
    for i in 1..=100_u64 {
        assert_eq!(apart.lag().unwrap(), log.stats().committed - (i - 1));
        assert_eq!(apart.next_record().unwrap(), Some((i, i.to_le_bytes().to_vec())));
        log.store_record(&(i + 50).to_le_bytes()).unwrap();
    }
}

#[test]
fn records_larger_than_the_memory_a_reader_begins_with_are_read() {
    let temp = tempfile::tempdir().unwrap();
    for (folder, size) in [("a", 100_000), ("b", 600_000), ("c", 3_000_000)] {
        let options = Options::new().record_size(size).bucket_size(5).commit_delta(2);
        let log = options.open_raw(temp.path().join(folder)).unwrap();
        for i in 1..=6_u64 {
            log.store_record(&i.to_le_bytes()).unwrap();
        }
        let mut reader = log.reader(0).unwrap();
        let mut read = 0;
        while let Some(records) = reader.next_batch().unwrap() {
            for (seqn, bytes) in records.iter() {
                let (number, rest) = bytes.split_at(8);
                assert_eq!((seqn, number), (read + 1, &seqn.to_le_bytes()[..]));
                assert_eq!(rest, vec![0; size as usize - 8]);
                read += 1;
            }
        }
        assert_eq!(read, 6);
    }
}

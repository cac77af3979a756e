//! Batches of records as they lie in memory.

#![expect(clippy::panic, reason = "a test says no by panicking")]

use tslog::{Error, Options, SharedReader};

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
    let shapes =
        [(7, 3, 300), (1000, 1, 300), (64, 16, 2000), (20_000, 5000, 20_000), (3, 10, 100)];
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
    assert_eq!((records.first(), records.len()), (2, 9));
    let rest = reader.next_batch().unwrap().unwrap();
    assert_eq!((rest.first(), rest.len()), (11, 30));
    assert_eq!((reader.cursor(), reader.commit().unwrap()), (40, 40));
    assert!(reader.next_batch().unwrap().is_none());
}

//! Sectors that are lost, doubled or exchanged, and a frame whose length is rotten: what that costs
//! is the frames that were hit, to the record, and no number is given twice.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::cast_possible_truncation, reason = "the sizes are small")]

use std::ops::Range;

use tslog::storage::{Geometry, Slots, Storage, ram::Ram};
use tslog::{Config, Error, Log, SeqnRange, View, ViewStep, buffer_size};
use tslog_sim::power::{Power, Rng};
use tslog_sim::slots::SimSlots;

const SECTOR: usize = 512;
const SLOT_SIZE: usize = 4096;
const DELTA: u32 = 4;
const BUCKET: u64 = 64;

type TheLog<S> = Log<S, Vec<u8>, 2>;

fn config(record_size: usize) -> Config<'static> {
    Config {
        record_size: Some(record_size as u32),
        bucket_size: Some(BUCKET as u32),
        commit_delta: DELTA,
        readers: 2,
        ..Config::default()
    }
}

fn record(seqn: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    Rng::new(seqn).fill(&mut bytes);
    bytes
}

/// Stores `last` records of 56 bytes, 16 frames of 232 bytes a bucket; reader 1 commits a cursor
/// behind each of the numbers in `cursors`.
fn fill<S: Storage>(storage: S, size: usize, last: u64, cursors: &[u64]) -> S {
    let buffer = vec![0; buffer_size(size, DELTA as usize)];
    let mut log = TheLog::create(storage, buffer, &config(size)).map_err(drop).unwrap();
    let mut reader = log.reader(1).map_err(drop).unwrap();
    for seqn in 1..=last {
        log.store_record(&record(seqn, size)).map_err(drop).unwrap();
        if cursors.contains(&seqn) {
            log.next_record(&mut reader, &mut vec![0; size]).map_err(drop).unwrap();
            log.commit_reader(&mut reader).map_err(drop).unwrap();
        }
    }
    log.into_storage()
}

/// Opens the log, reads it whole and stores on. Returns what is lost, and the number before the one
/// that is given next.
fn told<S: Storage>(storage: S, size: usize) -> (Vec<SeqnRange>, u64) {
    let buffer = vec![0; buffer_size(size, DELTA as usize)];
    // One reader, so that nothing holds a full ring back when it has read all.
    let config = Config { readers: 1, ..config(size) };
    let mut log = TheLog::open(storage, buffer, &config).map_err(drop).unwrap();
    let mut reader = log.reader(0).map_err(drop).unwrap();
    let (mut next, mut lost, mut out) = (1, Vec::new(), vec![0; size]);
    loop {
        match log.next_record(&mut reader, &mut out) {
            Ok(None) => break,
            Ok(Some(seqn)) => {
                assert_eq!((seqn, &out), (next, &record(next, size)), "record {next}");
                next += 1;
            }
            Err(Error::Damaged(range)) => {
                assert_eq!(range.first, next);
                next = range.last + 1;
                lost.push(range);
            }
            Err(error) => panic!("reading gave {:?}", error.map_storage(drop)),
        }
    }
    log.commit_reader(&mut reader).map_err(drop).unwrap();
    let given = log.store_record(&record(next, size)).map_err(drop).unwrap();
    assert_eq!(given, next, "the next number follows what was read or named");
    (lost, next - 1)
}

/// A ring of six buckets with `last` records, harmed; as [`told`] tells.
fn ring_told(last: u64, cursors: &[u64], harm: impl FnOnce(&mut [u8])) -> (Vec<SeqnRange>, u64) {
    let ram = |bytes| Ram::new(bytes, SLOT_SIZE as u32, 4);
    let mut bytes = fill(ram(vec![0xFF; 8 * SLOT_SIZE]), 56, last, cursors).release();
    harm(&mut bytes);
    told(ram(bytes), 56)
}

/// Where sector `sector` of bucket `index` lies.
fn sector(index: usize, sector: usize) -> Range<usize> {
    let at = (2 + index) * SLOT_SIZE + sector * SECTOR;
    at..at + SECTOR
}

fn exchange(bytes: &mut [u8], one: Range<usize>, other: Range<usize>) {
    let kept = bytes[one.clone()].to_vec();
    bytes.copy_within(other.clone(), one.start);
    bytes[other].copy_from_slice(&kept);
}

fn range(first: u64, last: u64) -> Vec<SeqnRange> {
    vec![SeqnRange { first, last }]
}

/// The lost ranges, joined where one begins behind another.
fn joined(lost: &[SeqnRange]) -> Vec<SeqnRange> {
    let mut joined: Vec<SeqnRange> = Vec::new();
    for &range in lost {
        match joined.last_mut() {
            Some(before) if before.last + 1 == range.first => before.last = range.last,
            _ => joined.push(range),
        }
    }
    joined
}

#[test]
fn the_newest_bucket_counts_without_its_first_sector() {
    for with in [0x00, 0xFF, 0x5A] {
        // Three of nine frames.
        let (lost, newest) =
            ring_told(4 * BUCKET + 36, &[], |bytes| bytes[sector(4, 0)].fill(with));
        assert_eq!((joined(&lost), newest), (range(257, 268), 292), "filled with {with:02x}");
        // The only bucket there is.
        let (lost, newest) = ring_told(36, &[], |bytes| bytes[sector(0, 0)].fill(with));
        assert_eq!((joined(&lost), newest), (range(1, 12), 36), "filled with {with:02x}");
    }
}

/// Files, with this many records in them.
fn files(last: u64, cursors: &[u64]) -> SimSlots {
    let slots = Slots::Named;
    let geometry = Geometry { slot_count: u32::MAX, slot_size: 1 << 16, write_size: 1, slots };
    let slots = SimSlots::new(geometry, 1 << 20, &Power::new(), Rng::new(1));
    fill(slots, 56, last, cursors)
}

#[test]
fn opening_deletes_no_unread_file_before_one_without_its_first_sector() {
    // Both readers stand before the oldest record, which is in the file before the newest one.
    let slots = files(BUCKET + 36, &[]);
    (0..SECTOR).for_each(|at| slots.corrupt(2 + 1, at, |_| 0));
    let (lost, newest) = told(slots, 56);
    assert_eq!((joined(&lost), newest), (range(65, 76), 100));
}

#[test]
fn the_newest_file_counts_without_its_first_sector() {
    for with in [0x00, 0xFF] {
        let slots = files(4 * BUCKET + 36, &[]);
        (0..SECTOR).for_each(|at| slots.corrupt(2 + 4, at, |_| with));
        let (lost, newest) = told(slots, 56);
        assert_eq!((joined(&lost), newest), (range(257, 268), 292), "filled with {with:02x}");
    }
}

#[test]
fn a_rotten_length_that_reaches_beyond_a_file_costs_its_own_frame_alone() {
    for (index, first) in [(0, 17), (4, 4 * BUCKET + 17)] {
        // The fifth of the frames of 232 bytes says that it has 386 records and not 4, which its
        // short check does not notice: more bytes than five such files have.
        let slots = files(4 * BUCKET + 36, &[]);
        let frame = 32 + 4 * 232;
        slots.corrupt(2 + index, frame, |byte| byte ^ 0x86);
        slots.corrupt(2 + index, frame + 1, |byte| byte ^ 0x01);
        let (lost, newest) = told(slots, 56);
        assert_eq!((lost, newest), (range(first, first + 3), 292), "in bucket {index}");
    }
}

#[test]
fn the_oldest_bucket_of_a_full_ring_counts_without_its_first_sector() {
    for with in [0x00, 0xFF] {
        let (lost, newest) = ring_told(6 * BUCKET, &[], |bytes| bytes[sector(0, 0)].fill(with));
        assert_eq!((joined(&lost), newest), (range(1, 12), 384), "filled with {with:02x}");
    }
}

#[test]
fn a_blank_sector_is_not_taken_for_the_end_of_the_log() {
    // Frames of 480 bytes, the second of which begins where a sector does.
    let ram = |bytes| Ram::new(bytes, SLOT_SIZE as u32, 4);
    let mut bytes = fill(ram(vec![0xFF; 8 * SLOT_SIZE]), 118, 24, &[]).release();
    bytes[sector(0, 1)].fill(0xFF);
    let (lost, newest) = told(ram(bytes), 118);
    assert_eq!((joined(&lost), newest), (range(5, 12), 24));
}

#[test]
fn two_newest_buckets_whose_first_sectors_are_exchanged_both_count() {
    let (lost, newest) = ring_told(4 * BUCKET + 36, &[], |bytes| {
        exchange(bytes, sector(3, 0), sector(4, 0));
    });
    assert_eq!(joined(&lost), [range(193, 204), range(257, 268)].concat());
    assert_eq!(newest, 292);
}

#[test]
fn a_sector_that_reads_as_a_later_one_does_not_hide_those_between() {
    // Sector 5 holds frames 11 and 12 whole, which come too early then.
    let (lost, newest) = ring_told(2 * BUCKET, &[], |bytes| {
        bytes.copy_within(sector(0, 5), sector(0, 0).start);
    });
    assert_eq!((joined(&lost), newest), (range(1, 12), 128));
}

#[test]
fn a_sector_that_reads_as_the_one_before_costs_its_own_frames_alone() {
    // The cursor behind frame 8 lies in sector 3, and then in sector 4 too, with the number that
    // is looked for.
    let (lost, newest) = ring_told(2 * BUCKET, &[32], |bytes| {
        bytes.copy_within(sector(0, 3), sector(0, 4).start);
    });
    assert_eq!((joined(&lost), newest), (range(33, 44), 128));
}

#[test]
fn sectors_exchanged_in_the_newest_bucket_do_not_end_the_log() {
    for (one, other) in [(0, 1), (0, 7), (1, 4), (2, 3), (2, 7)] {
        let (lost, newest) = ring_told(BUCKET + 56, &[], |bytes| {
            exchange(bytes, sector(1, one), sector(1, other));
        });
        let hit = |frame: u64| {
            let frame = 32 + 232 * frame as usize..32 + 232 * (frame as usize + 1);
            [one, other]
                .iter()
                .any(|&sector| frame.start < (sector + 1) * SECTOR && sector * SECTOR < frame.end)
        };
        for lost in lost.iter().flat_map(|range| range.first..=range.last) {
            assert!(lost > BUCKET && hit((lost - BUCKET - 1) / 4), "{one} and {other}: {lost}");
        }
        assert_eq!(newest, BUCKET + 56, "{one} and {other}");
    }
}

#[test]
fn a_sector_that_reads_as_an_earlier_one_takes_no_cursor_back() {
    let ram = |bytes| Ram::new(bytes, SLOT_SIZE as u32, 4);
    // The cursors lie in sectors 0 and 2, and the last frame that counts ends in sector 2.
    let mut bytes = fill(ram(vec![0xFF; 8 * SLOT_SIZE]), 56, 36, &[4, 20]).release();
    bytes.copy_within(sector(0, 0), sector(0, 3).start);
    let buffer = vec![0; buffer_size(56, DELTA as usize)];
    let mut log = TheLog::open(ram(bytes), buffer, &config(56)).unwrap();
    let reader = log.reader(1).unwrap();
    assert_eq!((log.stats().committed, log.cursor(&reader).unwrap()), (24, 2));
}

#[test]
fn a_ring_whose_oldest_buckets_lack_their_headers_begins_with_the_first_record_that_is_left() {
    let ram = |bytes| Ram::new(bytes, SLOT_SIZE as u32, 4);
    let mut bytes = fill(ram(vec![0xFF; 8 * SLOT_SIZE]), 56, 6 * BUCKET, &[]).release();
    // Nothing is left of the two oldest, and of the next two all but their first sectors.
    bytes[sector(0, 0).start..sector(1, 7).end].fill(0xFF);
    (2..4).for_each(|index| bytes[sector(index, 0)].fill(0x5A));
    let mut view = View::new(ram(bytes)).unwrap();
    assert_eq!(view.numbers().unwrap(), SeqnRange { first: 141, last: 384 });
}

#[test]
fn a_bucket_with_a_rotten_header_is_read_behind_one_that_is_gone() {
    let ram = |bytes| Ram::new(bytes, SLOT_SIZE as u32, 4);
    let mut bytes = fill(ram(vec![0xFF; 8 * SLOT_SIZE]), 56, 5 * BUCKET, &[]).release();
    // The last five commits of bucket 1, all of bucket 2, and the header of bucket 3.
    let frame = 3 * SLOT_SIZE + 32 + 11 * 232;
    bytes[frame..sector(2, 7).end + 32].fill(0x5A);
    let mut view = View::new(ram(bytes)).unwrap();
    let mut lost = Vec::new();
    loop {
        match view.read(&mut [0; 4 * 56]).unwrap() {
            ViewStep::Records(..) => {}
            ViewStep::Damaged(range) => lost.push(range),
            ViewStep::End => break,
        }
    }
    assert_eq!(joined(&lost), range(109, 192));
}

#[test]
fn buckets_whose_first_frames_are_blank_are_read_behind_those() {
    // Where it is looked whether a bucket is blank from its first frame on.
    let blank = [0, 1, 2, 4];
    let (lost, newest) = ring_told(6 * BUCKET, &[], |bytes| {
        for index in [1, 2] {
            for at in blank {
                bytes[sector(index, at)].fill(0xFF);
            }
        }
    });
    let hit = |number: u64| {
        let frame = 32 + 232 * ((number - 1) % BUCKET / 4) as usize;
        let hit = |&at: &usize| frame < (at + 1) * SECTOR && at * SECTOR < frame + 232;
        (BUCKET + 1..=3 * BUCKET).contains(&number) && blank.iter().any(hit)
    };
    let lost: Vec<u64> = lost.iter().flat_map(|range| range.first..=range.last).collect();
    assert_eq!(lost, (1..=6 * BUCKET).filter(|&number| hit(number)).collect::<Vec<_>>());
    assert_eq!(newest, 6 * BUCKET);
}

#[test]
fn a_full_ring_without_any_sound_header_begins_with_its_first_bucket() {
    let ram = |bytes| Ram::new(bytes, SLOT_SIZE as u32, 4);
    let mut bytes = fill(ram(vec![0xFF; 6 * SLOT_SIZE]), 118, 120, &[]).release();
    (0..4).for_each(|index| bytes[sector(index, 0).start..][..32].fill(0x5A));
    let mut view = View::new(ram(bytes)).unwrap();
    assert_eq!(view.numbers().unwrap(), SeqnRange { first: 1, last: 120 });
    let mut out = [0; 4 * 118];
    assert_eq!(view.read(&mut out).unwrap(), ViewStep::Records(1, 4));
}

#[test]
fn opening_keeps_the_file_that_shows_the_newest_one_to_count() {
    fn open(slots: &mut SimSlots) -> TheLog<&mut SimSlots> {
        let buffer = vec![0; buffer_size(56, DELTA as usize)];
        TheLog::open(slots, buffer, &config(56)).map_err(drop).unwrap()
    }
    let mut slots = files(3 * BUCKET, &[]);
    let mut log = open(&mut slots);
    for n in 0..2 {
        let mut reader = log.reader(n).map_err(drop).unwrap();
        while log.next_record(&mut reader, &mut [0; 56]).map_err(drop).unwrap().is_some() {}
        log.commit_reader(&mut reader).map_err(drop).unwrap();
    }
    drop(log);
    // The newest file is gone, and the one before it has lost its header: all was acknowledged.
    slots.erase(2 + 2).map_err(drop).unwrap();
    slots.corrupt(2 + 1, 0, |byte| byte ^ 1);
    let log = open(&mut slots);
    let (stats, report) = (log.stats(), log.report());
    assert_eq!((stats.seqn, report.lost), (192, Some(SeqnRange { first: 129, last: 192 })));
    drop(log);
    let again = open(&mut slots);
    assert_eq!((again.stats(), again.report()), (stats, report));
}

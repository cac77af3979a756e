//! Every single bit of a log is flipped: what is lost is named, to the record, and nothing else is.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::cast_possible_truncation, reason = "the sizes are small")]

use tslog::storage::{Geometry, Slots, Storage, ram::Ram};
use tslog::{Config, Error, Log, SeqnRange, buffer_size};
use tslog_sim::power::{Power, Rng};
use tslog_sim::slots::SimSlots;

const RECORD_SIZE: usize = 8;
const DELTA: u32 = 4;
const COMMITS: u64 = 40;

fn config() -> Config<'static> {
    Config {
        record_size: Some(RECORD_SIZE as u32),
        bucket_size: Some(32),
        commit_delta: DELTA,
        readers: 2,
        ..Config::default()
    }
}

type TheLog<S> = Log<S, Vec<u8>, 2>;

fn buffer() -> Vec<u8> {
    vec![0; buffer_size(RECORD_SIZE, DELTA as usize)]
}

fn record(seqn: u64) -> [u8; RECORD_SIZE] {
    seqn.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()
}

/// Fills a log with commits of four records, and cursors between them; closes it if asked to.
fn fill<S: Storage>(storage: S, close: bool) -> S {
    let mut log = TheLog::create(storage, buffer(), &config()).map_err(drop).unwrap();
    let mut reader = log.reader(1).map_err(drop).unwrap();
    let mut out = [0; RECORD_SIZE];
    for seqn in 1..=COMMITS * u64::from(DELTA) {
        log.store_record(&record(seqn)).map_err(drop).unwrap();
        if seqn % 20 == 0 {
            log.next_record(&mut reader, &mut out).map_err(drop).unwrap();
            log.commit_reader(&mut reader).map_err(drop).unwrap();
        }
    }
    if close {
        log.close().map_err(drop).unwrap();
    }
    log.into_storage()
}

/// Opens the log and reads it whole. Returns what is missing, and whether that is told of.
fn missing<S: Storage>(storage: &mut S, flipped: &str) -> Option<Vec<SeqnRange>> {
    let mut log = TheLog::open(storage, buffer(), &config()).map_err(drop).ok()?;
    let mut lost = Vec::new();
    let mut reader = log.reader(0).map_err(drop).unwrap();
    let (mut next, mut out) = (1, [0; RECORD_SIZE]);
    loop {
        match log.next_record(&mut reader, &mut out) {
            Ok(Some(seqn)) => {
                assert_eq!(seqn, next, "a record is skipped without a word");
                assert_eq!(out, record(seqn), "record {seqn} has other bytes");
                next = seqn + 1;
            }
            Ok(None) => break,
            Err(Error::Damaged(range)) => {
                assert_eq!(range.first, next, "the range does not begin at the next record");
                next = range.last + 1;
                lost.push(range);
            }
            Err(error) => panic!("reading gave {:?}", error.map_storage(|_| ())),
        }
    }
    let all = COMMITS * u64::from(DELTA);
    let report = log.report();
    if next <= all {
        // The newest commit cannot be told from a write that was cut, but its remains are named.
        assert_eq!(
            next + u64::from(DELTA),
            all + 1,
            "{flipped}: more than the newest commit is gone"
        );
        assert!(report.abandoned_size > 0, "{flipped}: the newest commit is gone without a word");
    }
    Some(lost)
}

/// Flips every bit in turn and checks what that costs.
fn check_every_bit<S: Storage>(
    storage: &mut S,
    places: impl Iterator<Item = (u32, usize)>,
    flip: impl Fn(&mut S, u32, usize, u8),
) {
    assert_eq!(missing(storage, "nothing"), Some(Vec::new()), "the log is whole to begin with");
    let (mut flips, mut costs) = (0, 0);
    for (slot, offset) in places {
        for bit in 0..8 {
            flip(storage, slot, offset, 1 << bit);
            let flipped = format!("bit {bit} of byte {offset} of slot {slot}");
            let lost = missing(storage, &flipped);
            let lost = lost.unwrap_or_else(|| panic!("{flipped}: the log does not open"));
            for range in &lost {
                // A commit that spans two buckets is two frames.
                let commit = |seqn: u64| (seqn - 1) / u64::from(DELTA);
                assert_eq!(commit(range.first), commit(range.last), "{flipped} costs {range}");
            }
            assert!(lost.len() <= 1, "{flipped} costs {lost:?}");
            flips += 1;
            costs += lost.len();
            flip(storage, slot, offset, 1 << bit);
        }
    }
    assert!(flips > 10_000 && costs > 5_000, "{flips} flips cost {costs} commits");
}

fn ring(close: bool) {
    for write_size in [1, 4, 16, 32] {
        let bytes = vec![0xFF; 10 * 512];
        let mut ram = fill(Ram::new(bytes, 512, write_size), close);
        let places = (0..10).flat_map(|slot| (0..512).map(move |offset| (slot, offset)));
        check_every_bit(&mut ram, places, |ram, slot, offset, mask| {
            let none = Ram::new(Vec::new(), 512, write_size);
            let mut bytes = std::mem::replace(ram, none).release();
            bytes[slot as usize * 512 + offset] ^= mask;
            *ram = Ram::new(bytes, 512, write_size);
        });
    }
}

#[test]
fn a_flipped_bit_in_a_ring_costs_the_commit_it_lies_in_and_nothing_else() {
    ring(false);
}

#[test]
fn a_flipped_bit_in_a_closed_ring_costs_the_commit_it_lies_in_and_nothing_else() {
    ring(true);
}

#[test]
fn a_flipped_bit_in_named_slots_costs_the_commit_it_lies_in_and_nothing_else() {
    let geometry =
        Geometry { slot_count: u32::MAX, slot_size: 1 << 16, write_size: 1, slots: Slots::Named };
    for close in [false, true] {
        let power = Power::new();
        let slots = SimSlots::new(geometry, 1 << 20, &power, Rng::new(1));
        let mut slots = fill(slots, close);
        let places = slots.written().into_iter();
        check_every_bit(&mut slots, places, |slots, slot, offset, mask| {
            power.rest();
            slots.corrupt(slot, offset, |byte| byte ^ mask);
        });
    }
}

#[test]
fn a_flipped_bit_in_a_cursor_costs_at_most_the_last_commit_of_that_reader() {
    let geometry =
        Geometry { slot_count: u32::MAX, slot_size: 1 << 16, write_size: 1, slots: Slots::Named };
    let slots = SimSlots::new(geometry, 1 << 20, &Power::new(), Rng::new(1));
    let slots = fill(slots, true);
    for (place, at, bit) in
        (0..2).flat_map(|p| (0..32).flat_map(move |a| (0..8).map(move |b| (p, a, b))))
    {
        slots.corrupt_place(1, place, at, |byte| byte ^ (1 << bit));
        let mut log = TheLog::open(slots.clone(), buffer(), &config()).map_err(drop).unwrap();
        let reader = log.reader(1).map_err(drop).unwrap();
        let cursor = log.cursor(&reader).map_err(drop).unwrap();
        assert!([7, 8].contains(&cursor), "bit {bit} at {at} of place {place}: {cursor}");
        slots.corrupt_place(1, place, at, |byte| byte ^ (1 << bit));
    }
}

/// Reads what can be read. Whatever is handed out must be right, and nothing may be skipped.
fn read_what_is_left<S: Storage>(storage: &mut S, what: &str) -> u64 {
    let Ok(mut log) = TheLog::open(storage, buffer(), &config()) else { return 0 };
    let mut reader = log.reader(0).map_err(drop).unwrap();
    let mut next = log.cursor(&reader).map_err(drop).unwrap() + 1;
    let (mut out, mut read) = ([0; RECORD_SIZE], 0);
    loop {
        match log.next_record(&mut reader, &mut out) {
            Ok(Some(seqn)) => {
                assert_eq!((seqn, out), (next, record(seqn)), "{what}: a wrong record");
                (next, read) = (seqn + 1, read + 1);
            }
            Ok(None) => break,
            Err(Error::Damaged(range) | Error::Lost(range)) => {
                assert!(range.first == next && range.last >= next, "{what}: {range} behind {next}");
                next = range.last + 1;
            }
            Err(error) => panic!("{what}: reading gave {:?}", error.map_storage(|_| ())),
        }
    }
    assert!(next <= COMMITS * u64::from(DELTA) + 1, "{what}: {next} was never stored");
    // Going on must work, and give no number that is taken by what was read.
    let seqn = log.store_record(&record(0)).map_err(drop);
    assert!(seqn.is_err() || seqn >= Ok(next), "{what}: {seqn:?} was given twice");
    read
}

/// Damages a dump in one of the ways that media and people do.
fn damage(bytes: &mut [u8], rng: &mut Rng) -> &'static str {
    let slot = |rng: &mut Rng| rng.below(10) as usize * 512;
    let (a, b) = (slot(rng), slot(rng));
    let at = rng.below(bytes.len() as u64) as usize;
    let len = (rng.within(1, 64) as usize).min(bytes.len() - at);
    match rng.below(6) {
        0 => {
            bytes[a..a + 512].fill(0);
            "a slot of zeros"
        }
        1 => {
            bytes[a..a + 512].fill(0xFF);
            "a blank slot"
        }
        2 => {
            bytes.copy_within(a..a + 512, b);
            "a slot twice"
        }
        3 => {
            let (one, two) = (bytes[a..a + 512].to_vec(), bytes[b..b + 512].to_vec());
            bytes[a..a + 512].copy_from_slice(&two);
            bytes[b..b + 512].copy_from_slice(&one);
            "two slots swapped"
        }
        4 => {
            rng.fill(&mut bytes[at..at + len]);
            "a burst"
        }
        _ => {
            let from = rng.below((bytes.len() - len) as u64) as usize;
            bytes.copy_within(from..from + len, at);
            "bytes from elsewhere"
        }
    }
}

#[test]
fn whatever_is_damaged_no_wrong_record_comes_back_and_none_is_skipped_without_a_word() {
    for write_size in [1, 4, 32] {
        let whole = fill(Ram::new(vec![0xFF; 10 * 512], 512, write_size), false).release();
        let mut read = 0;
        for seed in 0..10_000 {
            let mut rng = Rng::new(seed);
            let mut bytes = whole.clone();
            let mut what = format!("seed {seed}, words of {write_size}:");
            for _ in 0..rng.within(1, 3) {
                what = format!("{what} {}", damage(&mut bytes, &mut rng));
            }
            read += read_what_is_left(&mut Ram::new(bytes, 512, write_size), &what);
        }
        assert!(read > 1_000_000, "only {read} records were read");
    }
}

/// Whoever opens the log may commit fewer records at once than whoever wrote it.
#[test]
fn a_rotten_commit_that_is_larger_than_a_bucket_is_lost_and_its_numbers_are_not_given_again() {
    let written = Config { bucket_size: Some(2), ..config() };
    let ram = Ram::new(vec![0xFF; 6 * 512], 512, 4);
    let mut log = TheLog::create(ram, buffer(), &written).map_err(drop).unwrap();
    for seqn in 1..=u64::from(DELTA) {
        log.store_record(&record(seqn)).unwrap();
    }
    let mut reader = log.reader(0).unwrap();
    log.next_record(&mut reader, &mut [0; RECORD_SIZE]).unwrap();
    log.commit_reader(&mut reader).unwrap();
    // The cursor frame behind the commit tells that there was one.
    let mut bytes = log.into_storage().release();
    bytes[2 * 512 + 32] ^= 1;
    let opened = Config { commit_delta: 1, ..written };
    let mut log = TheLog::open(Ram::new(bytes, 512, 4), buffer(), &opened).unwrap();
    let mut reader = log.reader(1).unwrap();
    let read = log.next_record(&mut reader, &mut [0; RECORD_SIZE]);
    let lost = SeqnRange { first: 1, last: u64::from(DELTA) };
    assert!(matches!(read, Err(Error::Damaged(range)) if range == lost), "{read:?}");
    assert_eq!(log.store_record(&record(0)).unwrap(), lost.last + 1);
}

#[test]
fn a_torn_commit_does_not_hide_that_a_cursor_vouched_for_one_that_is_rotten() {
    let one = Config { bucket_size: Some(1024), ..config() };
    let ram = Ram::new(vec![0xFF; 6 * 512], 512, 4);
    let mut log = TheLog::create(ram, buffer(), &one).map_err(drop).unwrap();
    let store = |log: &mut TheLog<_>, numbers: std::ops::RangeInclusive<u64>| {
        for seqn in numbers {
            log.store_record(&record(seqn)).unwrap();
        }
    };
    store(&mut log, 1..=8);
    let mut reader = log.reader(0).unwrap();
    log.next_record(&mut reader, &mut [0; RECORD_SIZE]).unwrap();
    log.commit_reader(&mut reader).unwrap();
    store(&mut log, 9..=12);
    let mut bytes = log.into_storage().release();
    // Frames of 40 bytes, and between the second and the third one of 16.
    for rotten in [32 + 40, 32 + 80 + 16] {
        bytes[2 * 512 + rotten + 12] ^= 1;
    }
    let mut log = TheLog::open(Ram::new(bytes, 512, 4), buffer(), &one).unwrap();
    assert_eq!(log.store_record(&record(0)).unwrap(), 9, "8 is committed, and 9 was cut");
}

/// A log of `stores` records of `size` bytes, and what reading it gives once `damage` is done.
fn read_damaged(
    (size, write_size, delta): (usize, u32, u32),
    stores: u64,
    damage: impl FnOnce(&mut [u8]),
) -> (u64, Vec<SeqnRange>) {
    let config = Config { record_size: Some(size as u32), commit_delta: delta, ..config() };
    let config = Config { bucket_size: Some(512), ..config };
    let buffer = || vec![0; buffer_size(size, delta as usize)];
    let ram = Ram::new(vec![0xFF; 6 * 512], 512, write_size);
    let mut log = TheLog::create(ram, buffer(), &config).map_err(drop).unwrap();
    for seqn in 1..=stores {
        log.store_record(&record(seqn)[..size]).unwrap();
    }
    let mut bytes = log.into_storage().release();
    damage(&mut bytes);
    let mut log = TheLog::open(Ram::new(bytes, 512, write_size), buffer(), &config).unwrap();
    let mut reader = log.reader(0).unwrap();
    let (mut read, mut lost, mut out) = (0, Vec::new(), vec![0; size]);
    loop {
        match log.next_record(&mut reader, &mut out) {
            Ok(None) => return (read, lost),
            Ok(Some(seqn)) => {
                assert_eq!(out, record(seqn)[..size]);
                read += 1;
            }
            Err(Error::Damaged(range)) => lost.push(range),
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn damage_across_the_border_of_two_buckets_costs_the_commit_before_it_alone() {
    // Twelve commits of 40 bytes fill a slot, from byte 32 on.
    let (read, lost) = read_damaged((8, 1, 4), 80, |bytes| {
        bytes[2 * 512 + 32 + 11 * 40..][..40].fill(0x5A);
        bytes[3 * 512..][..32].fill(0x5A);
    });
    assert_eq!((read, lost), (76, vec![SeqnRange { first: 45, last: 48 }]));
}

#[test]
fn two_rotten_commits_of_many_small_records_cost_no_more_than_those() {
    // Frames of one word of 32 bytes, with 24 records of one byte each.
    let (read, lost) = read_damaged((1, 32, 24), 240, |bytes| {
        bytes[2 * 512 + 64 + 20] ^= 1;
        bytes[2 * 512 + 96 + 20] ^= 1;
    });
    let lost: u64 = lost.iter().map(|range| range.last - range.first + 1).sum();
    assert_eq!((read, lost), (240 - 48, 48));
}

#[test]
fn numbers_that_a_cursor_shows_to_be_committed_are_named_and_not_given_again() {
    let geometry =
        Geometry { slot_count: u32::MAX, slot_size: 1 << 16, write_size: 1, slots: Slots::Named };
    let slots = SimSlots::new(geometry, 1 << 20, &Power::new(), Rng::new(1));
    let mut log = TheLog::create(slots, buffer(), &config()).map_err(drop).unwrap();
    let mut reader = log.reader(1).map_err(drop).unwrap();
    for seqn in 1..=8 {
        log.store_record(&record(seqn)).map_err(drop).unwrap();
    }
    for _ in 1..=8 {
        log.next_record(&mut reader, &mut [0; RECORD_SIZE]).map_err(drop).unwrap();
    }
    log.commit_reader(&mut reader).map_err(drop).unwrap();
    // The second of two frames of 40 bytes, behind the header of the bucket.
    let slots = log.into_storage();
    slots.corrupt(2, 32 + 40 + 12, |byte| byte ^ 1);
    let mut log = TheLog::open(slots, buffer(), &config()).map_err(drop).unwrap();
    assert_eq!(log.report().lost, Some(SeqnRange { first: 5, last: 8 }));
    assert_eq!(log.store_record(&record(9)).map_err(drop), Ok(9));
}

#[test]
fn a_batch_holds_no_record_of_a_rotten_frame() {
    let mut bytes = fill(Ram::new(vec![0xFF; 10 * 512], 512, 4), true).release();
    // The last byte of the second frame: the other records of it are whole.
    bytes[2 * 512 + 32 + 40 + 39] ^= 1;
    let mut log = TheLog::open(Ram::new(bytes, 512, 4), buffer(), &config()).unwrap();
    let mut reader = log.reader(0).unwrap();
    let mut out = [0; 64 * RECORD_SIZE];
    let batch = log.read_batch(&mut reader, &mut out).unwrap().unwrap();
    assert_eq!((batch.first, batch.count), (1, 4));
    let lost = log.read_batch(&mut reader, &mut out);
    assert!(matches!(lost, Err(Error::Damaged(SeqnRange { first: 5, last: 8 }))), "{lost:?}");
}

#[test]
fn a_frame_whose_count_looks_blank_is_found_behind_damage() {
    let geometry =
        Geometry { slot_count: u32::MAX, slot_size: 1 << 16, write_size: 1, slots: Slots::Named };
    let config = Config { commit_delta: 256, bucket_size: Some(1024), ..config() };
    let buffer = || vec![0; buffer_size(RECORD_SIZE, 256)];
    let slots = SimSlots::new(geometry, 1 << 20, &Power::new(), Rng::new(1));
    let mut log = TheLog::create(slots, buffer(), &config).map_err(drop).unwrap();
    for seqn in 1..=768 {
        log.store_record(&record(seqn)).map_err(drop).unwrap();
    }
    // 256 is 00 01, and 00 is how a file reads behind its last frame.
    let slots = log.into_storage();
    slots.corrupt(2, 32, |byte| byte ^ 1);
    let mut log = TheLog::open(slots, buffer(), &config).map_err(drop).unwrap();
    let mut reader = log.reader(0).map_err(drop).unwrap();
    let mut out = [0; RECORD_SIZE];
    let lost = log.next_record(&mut reader, &mut out).map_err(|error| error.map_storage(|_| ()));
    assert_eq!(lost, Err(Error::Damaged(SeqnRange { first: 1, last: 256 })));
    assert_eq!(log.next_record(&mut reader, &mut out).map_err(drop), Ok(Some(257)));
}

#[test]
fn a_bucket_beyond_the_end_whose_header_is_rotten_does_not_come_back() {
    let mut log = TheLog::create(Ram::new(vec![0xFF; 8 * 512], 512, 4), buffer(), &config());
    for seqn in 1..=128 {
        log.as_mut().unwrap().store_record(&record(seqn)).unwrap();
    }
    // Four buckets of 32 records: nothing is left of the third, and of the last all but its header.
    let mut bytes = log.unwrap().into_storage().release();
    bytes[4 * 512..5 * 512 + 32].fill(0x5A);
    let mut log = TheLog::open(Ram::new(bytes, 512, 4), buffer(), &config()).unwrap();
    assert_eq!(log.stats().committed, 64);
    for seqn in 65..=68 {
        assert_eq!(log.store_record(&record(seqn)).unwrap(), seqn);
    }
    let log = TheLog::open(log.into_storage(), buffer(), &config()).unwrap();
    assert_eq!(log.stats().committed, 68);
}

#[test]
fn frames_do_not_come_back_when_no_bucket_has_a_header() {
    let mut log = TheLog::create(Ram::new(vec![0xFF; 8 * 512], 512, 4), buffer(), &config());
    for seqn in 1..=128 {
        log.as_mut().unwrap().store_record(&record(seqn)).unwrap();
    }
    // Nothing is left of the first bucket, and of the others all but their headers.
    let mut bytes = log.unwrap().into_storage().release();
    bytes[2 * 512..3 * 512].fill(0x5A);
    (3..6).for_each(|slot| bytes[slot * 512..slot * 512 + 32].fill(0x5A));
    let mut log = TheLog::open(Ram::new(bytes, 512, 4), buffer(), &config()).unwrap();
    assert_eq!(log.stats().committed, 0);
    for seqn in 1..=4 {
        assert_eq!(log.store_record(&record(seqn)).unwrap(), seqn);
    }
    let log = TheLog::open(log.into_storage(), buffer(), &config()).unwrap();
    assert_eq!(log.stats().committed, 4);
}

#[test]
fn numbers_are_not_given_again_that_a_journal_vouches_for_whose_bucket_is_gone() {
    let mut log =
        TheLog::create(Ram::new(vec![0xFF; 6 * 512], 512, 4), buffer(), &config()).unwrap();
    for seqn in 1..=128 {
        log.store_record(&record(seqn)).unwrap();
    }
    let (mut reader, mut out) = (log.reader(1).unwrap(), [0; RECORD_SIZE]);
    // The ring is full, so that the last of these cursors goes beside the log header.
    while let Some(seqn) = log.next_record(&mut reader, &mut out).unwrap() {
        if seqn % 8 == 0 {
            log.commit_reader(&mut reader).unwrap();
        }
    }
    let mut bytes = log.into_storage().release();
    bytes[5 * 512..].fill(0x5A);
    let mut log = TheLog::open(Ram::new(bytes, 512, 4), buffer(), &config()).unwrap();
    for seqn in 129..=132 {
        assert_eq!(log.store_record(&record(seqn)).unwrap(), seqn);
    }
    let mut log = TheLog::open(log.into_storage(), buffer(), &config()).unwrap();
    assert_eq!(log.stats().committed, 132);
    let mut reader = log.reader(1).unwrap();
    while log.next_record(&mut reader, &mut out).unwrap() != Some(132) {}
    assert_eq!(out, record(132));
}

#[test]
fn the_newest_bucket_is_found_behind_three_whose_headers_are_rotten() {
    let mut log =
        TheLog::create(Ram::new(vec![0xFF; 8 * 512], 512, 4), buffer(), &config()).unwrap();
    for seqn in 1..=192 {
        log.store_record(&record(seqn)).unwrap();
    }
    let mut bytes = log.into_storage().release();
    // Buckets 2, 3 and 4 of 0 to 5: bisection looks at 3 first, and the one in the middle is gone.
    (4..7).for_each(|slot| bytes[slot * 512..slot * 512 + 32].fill(0x5A));
    bytes[5 * 512..6 * 512].fill(0x5A);
    let log = TheLog::open(Ram::new(bytes, 512, 4), buffer(), &config()).unwrap();
    assert_eq!(log.stats().committed, 192);
}

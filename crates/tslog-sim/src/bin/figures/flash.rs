//! What a log costs a NOR flash: 1 MiB, sectors of 4 KiB, words of 4 bytes.
//!
//! The work is that of the peers it is compared with: the ring has wrapped, then 100,000 records
//! are stored, and after each 16 a reader reads 16 and commits.

use crate::{figure, payload};
use tslog::storage::flash::Flash;
use tslog::{Config, Error, Log, Reader, buffer_size};
use tslog_sim::nor::{Counts, Nor};
use tslog_sim::power::{Power, Rng};

const SECTOR_SIZE: u32 = 4096;
const SECTORS: u32 = 256;
const RECORDS: u64 = 100_000;
const DRAIN: u64 = 16;

type Chip = Nor<4, { SECTOR_SIZE as usize }>;
type FlashLog<const R: usize> = Log<Flash<Chip>, Vec<u8>, R>;

/// Prints all figures of the flash.
pub(crate) fn run() {
    for record_size in [16, 128] {
        for commit_delta in [16, 1] {
            let name = format!("flash_{record_size}b_k{commit_delta}");
            steady(&name, record_size, commit_delta);
            full(&name, record_size, commit_delta);
        }
    }
    for end in [End::Closed, End::Reset] {
        wakes(end);
    }
    ahead();
    ram();
}

/// How a wake ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// In order, as before deep sleep.
    Closed,
    /// With a reset.
    Reset,
}

/// A device that is off between two records: it wakes, opens the log, stores a record, commits it,
/// and sleeps or is reset. Every 16 wakes a reader drains the log.
fn wakes(end: End) {
    const WAKES: u64 = 20_000;
    let power = Power::new();
    let chip = chip(&power);
    let mut record = [0; 16];
    let mut abandoned = 0;
    for wake in 0..2 * WAKES {
        if wake == WAKES {
            chip.reset_counts();
            abandoned = 0;
        }
        power.rest();
        let mut log = open(&chip, record.len(), 1);
        abandoned += u64::from(log.report().abandoned_size);
        assert_eq!(log.report().clean, wake == 0 || end == End::Closed);
        payload(log.stats().seqn + 1, &mut record);
        log.store_record(&record).expect("the reader keeps up");
        if wake % DRAIN == DRAIN - 1 {
            let mut reader = log.reader(0).expect("there is one reader");
            while log.next_record(&mut reader, &mut record).expect("records read back").is_some() {}
            log.commit_reader(&mut reader).expect("the reader commits");
        }
        if end == End::Closed {
            log.close().expect("the log closes");
        }
    }
    let counts = chip.counts();
    let erased: u64 = counts.erases.iter().map(|&erases| u64::from(erases)).sum();
    let name = if end == End::Closed { "flash_wake_closed" } else { "flash_wake_reset" };
    let add = |what, value: u64, unit| {
        figure(&format!("{name}_{what}"), value as f64 / WAKES as f64, unit);
    };
    add("read", counts.bytes_read, "bytes/wake");
    add("programmed", counts.bytes_programmed, "bytes/wake");
    add("erases", erased * 1000, "erases/1000_wakes");
    add("abandoned", abandoned, "bytes/wake");
}

/// Erases that a call of `store` waits for, where the log is polled behind each commit.
fn ahead() {
    let power = Power::new();
    let chip = chip(&power);
    let mut log = open(&chip, 16, 16);
    let mut reader = log.reader(0).expect("there is one reader");
    let mut record = [0; 16];
    let erases = || chip.counts().erases.iter().map(|&erases| u64::from(erases)).sum::<u64>();
    let (mut waited, mut worked) = (0, 0);
    for seqn in 1..=RECORDS {
        power.rest();
        let before = erases();
        payload(seqn, &mut record);
        log.store_record(&record).expect("the reader keeps up");
        if seqn > 1 {
            waited += erases() - before;
        }
        if seqn % DRAIN == 0 {
            while log.next_record(&mut reader, &mut record).expect("records read back").is_some() {}
            log.commit_reader(&mut reader).expect("the reader commits");
            worked += u64::from(log.poll().expect("the log works ahead"));
        }
    }
    figure("flash_polled_store_erases", waited as f64, "erases");
    figure("flash_polled_erased_ahead", worked as f64, "erases");
}

fn chip(power: &Power) -> Chip {
    Nor::new(SECTORS as usize, power, Rng::new(1)).lenient()
}

fn open(chip: &Chip, record_size: usize, commit_delta: u32) -> FlashLog<1> {
    let storage = Flash::new(chip.clone(), 0..SECTORS * SECTOR_SIZE, SECTOR_SIZE)
        .expect("the chip has this shape");
    let buffer = vec![0; buffer_size(record_size, commit_delta as usize)];
    let config = Config {
        record_size: Some(record_size as u32),
        bucket_size: Some(100_000),
        commit_delta,
        ..Config::default()
    };
    Log::open_or_create(storage, buffer, &config).expect("a log fits")
}

fn steady(name: &str, record_size: usize, commit_delta: u32) {
    let power = Power::new();
    let chip = chip(&power);
    let mut log = open(&chip, record_size, commit_delta);
    let mut reader = log.reader(0).expect("there is one reader");
    let partition = u64::from(SECTORS * SECTOR_SIZE);
    let warm_up = (partition * 115 / 100 / record_size as u64).next_multiple_of(DRAIN);
    store_and_drain(&power, &mut log, &mut reader, warm_up);
    chip.reset_counts();
    store_and_drain(&power, &mut log, &mut reader, RECORDS);

    let Counts { bytes_programmed, erases, bytes_read, programmed_twice, model_ns, .. } =
        chip.counts();
    let erased: u64 = erases.iter().map(|&erases| u64::from(erases)).sum();
    let records = RECORDS as f64;
    let payload = records * record_size as f64;
    let most = erases.iter().max().copied().unwrap_or(0);
    let mean = erased as f64 / f64::from(SECTORS);
    let add = |what, value, unit| figure(&format!("{name}_{what}"), value, unit);
    add("programmed", bytes_programmed as f64 / payload, "bytes/payload_byte");
    add("erases", erased as f64 * 1000.0 / records, "erases/1000_records");
    add("programmed_twice", programmed_twice as f64, "words");
    add("read", bytes_read as f64 / records, "bytes/record");
    add("model_time", model_ns as f64 / 1e6 / records, "ms/record");
    add("wear_most_to_mean", f64::from(most) / mean, "ratio");
}

fn store_and_drain(power: &Power, log: &mut FlashLog<1>, reader: &mut Reader, records: u64) {
    let mut record = vec![0; log.record_size()];
    let mut batch = vec![0; log.record_size() * DRAIN as usize];
    for _ in 0..records / DRAIN {
        power.rest();
        for _ in 0..DRAIN {
            payload(log.stats().seqn + 1, &mut record);
            log.store_record(&record).expect("the reader keeps up");
        }
        let mut read = 0;
        while let Some(got) = log.read_batch(reader, &mut batch).expect("records read back") {
            read += u64::from(got.count);
            payload(got.first, &mut record);
            assert_eq!(&batch[..record.len()], record, "record {} came back wrong", got.first);
        }
        assert_eq!(read, DRAIN);
        log.commit_reader(reader).expect("the reader commits");
    }
}

/// Fills the partition until it refuses, and opens it again.
fn full(name: &str, record_size: usize, commit_delta: u32) {
    let power = Power::new();
    let chip = chip(&power);
    let mut log = open(&chip, record_size, commit_delta);
    let mut record = vec![0; record_size];
    let stored = loop {
        power.rest();
        payload(log.stats().seqn + 1, &mut record);
        match log.store_record(&record) {
            Ok(_) => {}
            Err(Error::Full) => break log.stats().seqn,
            Err(error) => panic!("filling the partition: {error}"),
        }
    };
    log.commit().expect("what was stored can be committed");
    drop(log);
    power.rest();
    chip.reset_counts();
    let mut log = open(&chip, record_size, commit_delta);
    let opened = chip.counts();
    assert_eq!(log.stats().committed, stored);
    chip.reset_counts();
    let mut reader = log.reader(0).expect("there is one reader");
    log.next_record(&mut reader, &mut record).expect("the first record reads back");
    let first = chip.counts();
    let held = stored as f64 * record_size as f64 / f64::from(SECTORS * SECTOR_SIZE);
    let add = |what, value, unit| figure(&format!("{name}_{what}"), value, unit);
    add("full_records", stored as f64, "records");
    add("full_payload_held", held, "ratio");
    add("open_read", opened.bytes_read as f64, "bytes");
    add("open_reads", opened.reads as f64, "calls");
    add("open_programmed", opened.bytes_programmed as f64, "bytes");
    add("open_model_time", opened.model_ns as f64 / 1e6, "ms");
    add("first_record_read", first.bytes_read as f64, "bytes");
}

/// Bytes of RAM on this machine, without the storage and the batch buffer; a microcontroller with
/// pointers of 32 bits needs no more. Each reader is counted with the handle it is read by.
fn ram() {
    let rest = size_of::<Flash<Chip>>() + size_of::<Vec<u8>>();
    let handle = size_of::<Reader>();
    let one = size_of::<FlashLog<1>>() - rest;
    let two = size_of::<FlashLog<2>>() - rest;
    figure("flash_ram_one_reader", (one + handle) as f64, "bytes");
    figure("flash_ram_further_reader", (two - one + handle) as f64, "bytes");
    figure("flash_ram_reader_handle", handle as f64, "bytes");
    figure("flash_ram_batch_16b_k16", buffer_size(16, 16) as f64, "bytes");
}

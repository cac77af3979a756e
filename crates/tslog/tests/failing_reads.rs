//! A read that fails once is told, and leaves nothing wrong behind: the same call made again
//! gives what is there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

use tslog::storage::{Geometry, Slots, Storage, ram::Ram};
use tslog::{Config, Error, Log, View, ViewStep, buffer_size};

/// A medium one read of which fails.
struct Failing<'m> {
    medium: Ram<&'m mut [u8]>,
    /// Reads up to the one that fails.
    left: u32,
}

impl Storage for Failing<'_> {
    type Error = &'static str;
    const SLOTS: Option<Slots> = Some(Slots::Fixed);

    fn geometry(&self) -> Geometry {
        self.medium.geometry()
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), &'static str> {
        self.left = self.left.wrapping_sub(1);
        if self.left == 0 {
            out.fill(0x5A);
            return Err("this read fails");
        }
        self.medium.read(slot, offset, out).map_err(|_| "misuse")
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), &'static str> {
        self.medium.write(slot, offset, data).map_err(|_| "misuse")
    }

    fn erase(&mut self, slot: u32) -> Result<(), &'static str> {
        self.medium.erase(slot).map_err(|_| "misuse")
    }

    fn sync(&mut self) -> Result<(), &'static str> {
        self.medium.sync().map_err(|_| "misuse")
    }
}

const RECORDS: u64 = 40;
const SLOT: u32 = 256;

fn config() -> Config<'static> {
    Config { record_size: Some(8), commit_delta: 4, ..Config::default() }
}

fn buffer() -> [u8; buffer_size(8, 4)] {
    [0; buffer_size(8, 4)]
}

/// A flash with records in three buckets.
fn filled() -> Vec<u8> {
    let mut bytes = vec![0xFF; 8 * SLOT as usize];
    let mut log = Log::<_, _>::create(Ram::new(&mut bytes[..], SLOT, 1), buffer(), &config());
    let log = log.as_mut().unwrap();
    for number in 1..=RECORDS {
        log.store_record(&number.to_le_bytes()).unwrap();
    }
    log.close().unwrap();
    bytes
}

/// Makes a call once more if it failed because of the read that fails.
fn twice<T: std::fmt::Debug>(
    failures: &mut u32,
    mut call: impl FnMut() -> Result<T, Error<&'static str>>,
) -> T {
    match call() {
        Err(error) => {
            assert_eq!(error, Error::Storage("this read fails"));
            *failures += 1;
            call().unwrap()
        }
        Ok(value) => value,
    }
}

fn read_by_log(bytes: &mut [u8], left: u32, failures: &mut u32) -> Vec<u64> {
    let mut medium = Failing { medium: Ram::new(bytes, SLOT, 1), left };
    let opened = Log::<_, _>::open(&mut medium, buffer(), &config());
    let mut log = match opened {
        Ok(log) => log,
        Err(error) => {
            assert_eq!(error, Error::Storage("this read fails"));
            *failures += 1;
            Log::open(&mut medium, buffer(), &config()).unwrap()
        }
    };
    let mut reader = log.reader(0).unwrap();
    let (mut record, mut read) = ([0; 8], Vec::new());
    while twice(failures, || log.next_record(&mut reader, &mut record)).is_some() {
        read.push(u64::from_le_bytes(record));
    }
    read
}

fn read_by_view(bytes: &mut [u8], left: u32, failures: &mut u32) -> Vec<u64> {
    let mut medium = Failing { medium: Ram::new(bytes, SLOT, 1), left };
    let opened = View::new(&mut medium);
    let mut view = match opened {
        Ok(view) => view,
        Err(error) => {
            assert_eq!(error, Error::Storage("this read fails"));
            *failures += 1;
            View::new(&mut medium).unwrap()
        }
    };
    let (mut record, mut read) = ([0; 8], Vec::new());
    loop {
        match twice(failures, || view.read(&mut record)) {
            ViewStep::Records(..) => read.push(u64::from_le_bytes(record)),
            ViewStep::Damaged(range) => panic!("nothing is damaged, and {range} were said to be"),
            ViewStep::End => return read,
        }
    }
}

#[test]
fn a_read_that_fails_is_told_and_the_next_try_reads_what_is_there() {
    let mut bytes = filled();
    let all: Vec<u64> = (1..=RECORDS).collect();
    for read in [read_by_log, read_by_view] {
        let mut failures = 0;
        for left in 1.. {
            let before = failures;
            assert_eq!(read(&mut bytes, left, &mut failures), all, "read {left} failed");
            if failures == before {
                break;
            }
        }
        assert!(failures >= 10, "{failures} reads");
    }
}

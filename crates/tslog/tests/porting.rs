//! The example of `docs/porting.md` is compiled here, keeps the contract, and carries a log.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::{fs::File, io, os::unix::fs::FileExt as _};

use tslog::storage::{Geometry, Slots, Storage};
use tslog::{Config, Log, buffer_size};

// begin of the example
/// One file, or one partition, as a ring of 8 slots of 4 KiB.
struct Ring {
    file: File,
}

const SLOT_SIZE: u32 = 4096;
const SLOT_COUNT: u32 = 8;

fn place(slot: u32, offset: u32) -> u64 {
    u64::from(slot) * u64::from(SLOT_SIZE) + u64::from(offset)
}

impl Storage for Ring {
    type Error = io::Error;

    fn geometry(&self) -> Geometry {
        let (slot_size, slot_count) = (SLOT_SIZE, SLOT_COUNT);
        Geometry { slot_count, slot_size, write_size: 1, slots: Slots::Fixed }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, place(slot, offset))
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, place(slot, offset))
    }

    fn erase(&mut self, slot: u32) -> io::Result<()> {
        self.write(slot, 0, &[0xFF; SLOT_SIZE as usize])
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
// end of the example

fn blank() -> Ring {
    let mut ring = Ring { file: tempfile::tempfile().unwrap() };
    (0..SLOT_COUNT).for_each(|slot| ring.erase(slot).unwrap());
    ring
}

#[test]
fn the_example_keeps_the_contract() {
    tslog_sim::contract::check_contract(blank);
}

#[test]
fn a_log_on_the_example_is_there_when_it_is_opened_again() {
    let buffer = || [0; buffer_size(8, 16)];
    let config = Config { record_size: Some(8), ..Config::default() };
    let mut log: Log<_, _> = Log::create(blank(), buffer(), &config).unwrap();
    assert_eq!(log.store_record(b"reading").unwrap(), 1);
    log.commit().unwrap();
    let ring = log.into_storage();
    let mut log: Log<_, _> = Log::open(ring, buffer(), &Config::default()).unwrap();
    let (mut reader, mut record) = (log.reader(0).unwrap(), [0; 8]);
    assert_eq!(log.next_record(&mut reader, &mut record).unwrap(), Some(1));
    assert_eq!(&record, b"reading\0");
}

#[test]
fn the_document_shows_the_example_as_it_is_compiled() {
    let part = |text: &'static str, begin, end| -> &str {
        let rest = text.split_once(begin).unwrap().1;
        rest.split_once(end).unwrap().0
    };
    let code =
        part(include_str!("porting.rs"), "// begin of the example\n", "// end of the example");
    let shown = part(include_str!("../../../docs/porting.md"), "```rust\n", "```");
    assert_eq!(shown.split_once("\n\n").unwrap().1, code);
}

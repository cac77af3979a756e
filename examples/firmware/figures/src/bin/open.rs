//! The firmware with a log of raw records and one reader; it only opens one.
#![no_std]
#![no_main]

use figures::{PARTITION_SIZE, RECORD_SIZE, SECTOR_SIZE, raw, weigh};
use firmware::board::SpiNor;
use tslog::storage::flash::{Flash, FlashError};
use tslog::{Error, Log, buffer_size};

firmware::entry!(start);

fn start() -> ! {
    weigh(|nor, record| run(nor, record).is_ok())
}

fn run(nor: SpiNor, record: &mut [u8]) -> Result<(), Error<FlashError<firmware::board::Refused>>> {
    let flash = Flash::new(nor, 0..PARTITION_SIZE, SECTOR_SIZE).map_err(Error::Storage)?;
    let buffer = [0; buffer_size(RECORD_SIZE, 16)];
    let mut log: Log<_, _> = Log::open(flash, buffer, &raw(16))?;
    log.store_record(record)?;
    log.commit()?;
    let mut reader = log.reader(0)?;
    while log.next_record(&mut reader, record)?.is_some() {}
    log.commit_reader(&mut reader).map(drop)
}

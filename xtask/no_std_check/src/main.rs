//! Links the core of tslog into a program that has neither `std` nor a heap, and runs it.
//!
//! If any crate below used `std`, its panic handler would clash with the one here; if any used
//! `alloc`, rustc would ask for a global allocator. The C library starts the program and gives
//! `memcpy` and its like, which every target has.
#![no_std]
#![no_main]

use tslog::storage::ram::{Misuse, Ram};
use tslog::{Config, Error, Log, buffer_size};

const RECORD_SIZE: usize = 16;
const COMMIT_DELTA: u32 = 4;
const BUFFER_SIZE: usize = buffer_size(RECORD_SIZE, COMMIT_DELTA as usize);

#[link(name = "c")]
unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    abort()
}

/// The precompiled `core` of a hosted target refers to this name, though nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Called by the C library; 0 if the log gave back what it was given.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    i32::from(round_trip() != Ok(100))
}

/// Stores records, opens the log again, and counts those that come out as they went in.
fn round_trip() -> Result<u64, Error<Misuse>> {
    let config = Config {
        record_size: Some(RECORD_SIZE as u32),
        commit_delta: COMMIT_DELTA,
        ..Config::default()
    };
    let ram = Ram::new([0xFF; 8 * 1024], 1024, 4);
    let mut log: Log<_, _> = Log::create(ram, [0; BUFFER_SIZE], &config)?;
    for n in 1..=100 {
        log.store_record(&[n; RECORD_SIZE])?;
    }
    let mut log: Log<_, _> = Log::open(log.into_storage(), [0; BUFFER_SIZE], &config)?;
    let mut reader = log.reader(0)?;
    let (mut record, mut good) = ([0; RECORD_SIZE], 0);
    while let Some(seqn) = log.next_record(&mut reader, &mut record)? {
        good += u64::from(seqn == good + 1 && record.iter().all(|byte| u64::from(*byte) == seqn));
    }
    log.commit_reader(&mut reader)?;
    Ok(good)
}

//! What the programs to be weighed and counted share.
#![no_std]

pub mod meter;

use core::hint::black_box;
use firmware::board::{self, SpiNor};
use firmware::semihosting::{Outcome, exit};
use tslog::Config;

/// Bytes of the partition, as in the peers' workload.
pub const PARTITION_SIZE: u32 = 1 << 20;

/// Bytes in a sector.
pub const SECTOR_SIZE: u32 = 4096;

/// Bytes in a record.
pub const RECORD_SIZE: usize = 16;

/// The shape of the log of raw records.
pub fn raw(commit_delta: u32) -> Config<'static> {
    Config {
        record_size: Some(16),
        bucket_size: Some(100_000),
        commit_delta,
        id: [7; 16],
        ..Config::default()
    }
}

/// Runs a program that is only weighed. The compiler must not know what the flash holds, nor that
/// nobody looks at the outcome.
pub fn weigh(run: impl FnOnce(SpiNor, &mut [u8; RECORD_SIZE]) -> bool) -> ! {
    let mut record = black_box([0; RECORD_SIZE]);
    let good = board::take().is_some_and(|board| run(black_box(board.nor), &mut record));
    black_box(record);
    exit(if good { Outcome::Success } else { Outcome::Failure })
}

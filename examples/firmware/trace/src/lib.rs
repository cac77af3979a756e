//! What the sensor node stores. Each reading follows from its number alone, so that whoever finds
//! it later, on the board or in a dump, can tell whether it is the one that was stored.
#![no_std]

use tslog::Record;

/// Bytes of the flash that the log has: few, so that the ring wraps soon.
pub const PARTITION_SIZE: u32 = 64 * 1024;

/// Bytes in an erase sector of the flash, and in a slot of the log.
pub const SECTOR_SIZE: u32 = 4096;

/// Records in a commit.
pub const COMMIT_DELTA: u32 = 8;

/// Seconds between two readings.
const INTERVAL_S: u64 = 60;

/// The time of the first reading, 2026-01-01T00:00:00Z.
const START_S: u64 = 1_767_225_600;

/// One reading of the sensors.
#[derive(Record, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Seconds since 1970.
    #[record(unit = "s")]
    pub time: u64,
    /// Hundredths of a degree Celsius.
    #[record(unit = "cdegC")]
    pub temperature: i16,
    /// Relative humidity, in thousandths.
    #[record(unit = "permille")]
    pub humidity: u16,
    /// Air pressure in pascal.
    #[record(unit = "Pa")]
    pub pressure: u32,
}

impl Reading {
    /// The reading with number `seqn`.
    pub fn sample(seqn: u64) -> Self {
        // A multiplication by an odd number and a shift scatter neighbours well enough.
        let noise = (seqn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) & 0xFFFF_FFFF;
        let [a, b, c, d] = u32::try_from(noise).unwrap_or(0).to_le_bytes();
        Self {
            time: START_S + INTERVAL_S * seqn,
            temperature: i16::from_le_bytes([a, b % 16]) - 1000,
            humidity: u16::from_le_bytes([c, d]) % 1001,
            pressure: 95_000 + u32::from_le_bytes([a, b, c, 0]) % 10_000,
        }
    }
}

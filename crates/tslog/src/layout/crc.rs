//! The two checksums: CRC-32C (Castagnoli, 1993; RFC 3720, appendix B.4) over everything, and a
//! CRC-8 over the four bytes by which a frame says how long it is.

/// CRC-32C, continued: `crc32c(crc32c(0, a), b) == crc32c(0, ab)`.
#[cfg(feature = "std")]
pub(crate) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    ::crc32c::crc32c_append(seed, bytes)
}

/// CRC-32C, continued: `crc32c(crc32c(0, a), b) == crc32c(0, ab)`.
#[cfg(not(feature = "std"))]
pub(crate) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    portable(seed, bytes)
}

/// One table of 1 KiB, which lies in flash on a microcontroller.
#[cfg(any(test, not(feature = "std")))]
fn portable(seed: u32, bytes: &[u8]) -> u32 {
    let mut crc = !seed;
    for byte in bytes {
        let [low, ..] = crc.to_le_bytes();
        let entry = TABLE.get(usize::from(low ^ byte)).copied().unwrap_or(0);
        crc = (crc >> 8) ^ entry;
    }
    !crc
}

#[cfg(any(test, not(feature = "std")))]
static TABLE: [u32; 256] = table();

#[cfg(any(test, not(feature = "std")))]
#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "computed at build")]
#[expect(clippy::cast_possible_truncation, reason = "the index is below 256")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

/// CRC-8 with polynomial 0x2F, started at 0xFF: all single, double and triple errors in so short a
/// word are found (Koopman and Chakravarty, 2004). Neither all zeros nor all ones pass.
pub(crate) fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0xFF, |crc, byte| crc8_step(crc ^ byte))
}

/// Where memory is no concern, a table: each frame that is read or hopped over has this to compute.
#[cfg(feature = "std")]
fn crc8_step(crc: u8) -> u8 {
    CRC8_TABLE.get(usize::from(crc)).copied().unwrap_or(0)
}

#[cfg(not(feature = "std"))]
fn crc8_step(crc: u8) -> u8 {
    crc8_of(crc)
}

#[cfg(feature = "std")]
#[expect(clippy::indexing_slicing, reason = "computed at build")]
static CRC8_TABLE: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0_u8;
    loop {
        table[index as usize] = crc8_of(index);
        match index.checked_add(1) {
            Some(next) => index = next,
            None => break table,
        }
    }
};

const fn crc8_of(byte: u8) -> u8 {
    let (mut crc, mut bit) = (byte, 0_u32);
    while bit < 8 {
        crc = if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 0x2F };
        bit = bit.wrapping_add(1);
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_compute_crc32c_give_the_published_value() {
        assert_eq!(crc32c(0, b"123456789"), 0xE306_9283);
        assert_eq!(portable(0, b"123456789"), 0xE306_9283);
        assert_eq!(portable(portable(0, b"1234"), b"56789"), 0xE306_9283);
        assert_eq!(crc32c(crc32c(0, b"1234"), b"56789"), 0xE306_9283);
    }

    #[test]
    fn the_crc8_gives_the_value_that_the_layout_names() {
        assert_eq!(crc8(b"123456789"), 0x20);
    }

    #[test]
    fn blank_bytes_do_not_pass_the_crc8() {
        assert_ne!(crc8(&[0, 0, 0]), 0);
        assert_ne!(crc8(&[0xFF, 0xFF, 0xFF]), 0xFF);
    }
}

//! The log header: what the log is, twice, in slots 0 and 1.
//!
//! ```text
//!  0       8   9   10    12         16       32         36
//! +-------+---+---+-----+----------+--------+----------+----------+
//! | magic | v | s | w   |generation| id     | slot_size|slot_count|
//! +-------+---+---+-----+----------+--------+----------+----------+
//!  36..40 as above      40           44           48        50  52         56
//!                      +------------+------------+---------+---+----------+------+-----+
//!                      | record_size| bucket_size| formats | 0 | text_size| text | crc |
//!                      +------------+------------+---------+---+----------+------+-----+
//! ```
//!
//! `s` is 0 on fixed slots and 1 on named ones, `w` the write size. The text has one line for each
//! format: the resolved format, a tab, the fields, a line feed. Copy A is always written before
//! copy B, so a copy A that passes its check is never older than copy B.

use super::{LayoutField, VERSION, crc::crc32c, put, take};
use crate::{
    storage::{Geometry, Slots},
    words::MAX_FORMATS,
};

/// Where the text begins.
pub(crate) const TEXT_AT: u32 = 56;
/// Bytes before the text.
pub(crate) const FIXED_SIZE: usize = TEXT_AT as usize;
/// Bytes before the text, and the CRC after it.
pub(crate) const OVERHEAD: u32 = 60;

/// The most bytes the text may have, so that nobody has to set more aside for a forged one.
pub(crate) const MAX_TEXT: u32 = 1 << 20;

pub(crate) const MAGIC: [u8; 8] = *b"tslog\r\n\x1A";

/// The fields of the log header before its text.
pub const HEADER_FIELDS: &[LayoutField] = &[
    LayoutField { name: "magic", offset: 0, size: 8 },
    LayoutField { name: "version", offset: 8, size: 1 },
    LayoutField { name: "slots", offset: 9, size: 1 },
    LayoutField { name: "write_size", offset: 10, size: 2 },
    LayoutField { name: "generation", offset: 12, size: 4 },
    LayoutField { name: "id", offset: 16, size: 16 },
    LayoutField { name: "slot_size", offset: 32, size: 4 },
    LayoutField { name: "slot_count", offset: 36, size: 4 },
    LayoutField { name: "record_size", offset: 40, size: 4 },
    LayoutField { name: "bucket_size", offset: 44, size: 4 },
    LayoutField { name: "formats", offset: 48, size: 2 },
    LayoutField { name: "zeros", offset: 50, size: 2 },
    LayoutField { name: "text_size", offset: 52, size: 4 },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHeader {
    pub(crate) generation: u32,
    pub(crate) id: [u8; 16],
    pub(crate) geometry: Geometry,
    pub(crate) record_size: u32,
    pub(crate) bucket_size: u32,
    pub(crate) formats: u16,
    pub(crate) text_size: u32,
}

/// Why bytes are not a log header of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// All bytes are zero: nothing was ever written here, if it is a file.
    Blank,
    /// They are something else, or were once a header.
    Foreign,
    /// A header of a later layout, of this version.
    Version(u8),
}

impl LogHeader {
    /// Nothing was read yet.
    pub(crate) const NONE: Self = Self {
        generation: 0,
        id: [0; 16],
        geometry: Geometry { slot_size: 0, slot_count: 0, write_size: 0, slots: Slots::Fixed },
        record_size: 0,
        bucket_size: 0,
        formats: 0,
        text_size: 0,
    };

    pub(crate) fn encode(&self) -> [u8; FIXED_SIZE] {
        let mut bytes = [0; FIXED_SIZE];
        put(&mut bytes, 0, &MAGIC);
        bytes[8] = VERSION;
        bytes[9] = u8::from(self.geometry.slots == Slots::Named);
        let [w0, w1, ..] = self.geometry.write_size.to_le_bytes();
        put(&mut bytes, 10, &[w0, w1]);
        put(&mut bytes, 12, &self.generation.to_le_bytes());
        put(&mut bytes, 16, &self.id);
        put(&mut bytes, 32, &self.geometry.slot_size.to_le_bytes());
        put(&mut bytes, 36, &self.geometry.slot_count.to_le_bytes());
        put(&mut bytes, 40, &self.record_size.to_le_bytes());
        put(&mut bytes, 44, &self.bucket_size.to_le_bytes());
        put(&mut bytes, 48, &self.formats.to_le_bytes());
        put(&mut bytes, 52, &self.text_size.to_le_bytes());
        bytes
    }

    /// Reads the fixed part. Nothing in it may be believed before the CRC behind the text holds,
    /// but its sizes are already within bounds.
    pub(crate) fn decode(bytes: &[u8; FIXED_SIZE]) -> Result<Self, Refused> {
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(Refused::Blank);
        }
        if take(bytes, 0) != MAGIC {
            return Err(Refused::Foreign);
        }
        if bytes[8] != VERSION {
            return Err(Refused::Version(bytes[8]));
        }
        let slots = match bytes[9] {
            0 => Slots::Fixed,
            1 => Slots::Named,
            _ => return Err(Refused::Foreign),
        };
        let header = Self {
            generation: u32::from_le_bytes(take(bytes, 12)),
            id: take(bytes, 16),
            geometry: Geometry {
                slot_size: u32::from_le_bytes(take(bytes, 32)),
                slot_count: u32::from_le_bytes(take(bytes, 36)),
                write_size: u32::from(u16::from_le_bytes(take(bytes, 10))),
                slots,
            },
            record_size: u32::from_le_bytes(take(bytes, 40)),
            bucket_size: u32::from_le_bytes(take(bytes, 44)),
            formats: u16::from_le_bytes(take(bytes, 48)),
            text_size: u32::from_le_bytes(take(bytes, 52)),
        };
        let sound = header.record_size > 0
            && header.bucket_size > 0
            && usize::from(header.formats) <= MAX_FORMATS
            && header.text_size <= MAX_TEXT
            && header.text_size <= header.geometry.slot_size.saturating_sub(OVERHEAD);
        if sound { Ok(header) } else { Err(Refused::Foreign) }
    }

    /// What all checksums of this life of the log are seeded with.
    pub(crate) fn base_seed(&self) -> u32 {
        crc32c(crc32c(0, &self.id), &self.generation.to_le_bytes())
    }

    /// Where the CRC lies: behind the text.
    pub(crate) fn crc_offset(&self) -> u32 {
        self.text_size.saturating_add(TEXT_AT)
    }

    /// Bytes of the whole header, CRC included and padding not.
    pub(crate) fn size(&self) -> u32 {
        self.text_size.saturating_add(OVERHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> LogHeader {
        LogHeader {
            generation: 3,
            id: *b"0123456789abcdef",
            geometry: Geometry {
                slot_count: 256,
                slot_size: 4096,
                write_size: 4,
                slots: Slots::Fixed,
            },
            record_size: 16,
            bucket_size: 1024,
            formats: 1,
            text_size: 40,
        }
    }

    #[test]
    fn a_header_reads_back() {
        assert_eq!(LogHeader::decode(&header().encode()), Ok(header()));
    }

    #[test]
    fn a_later_version_is_told_from_noise_and_from_nothing() {
        let mut bytes = header().encode();
        bytes[8] = 2;
        assert_eq!(LogHeader::decode(&bytes), Err(Refused::Version(2)));
        assert_eq!(LogHeader::decode(&[0x5A; FIXED_SIZE]), Err(Refused::Foreign));
        assert_eq!(LogHeader::decode(&[0; FIXED_SIZE]), Err(Refused::Blank));
        assert_eq!(LogHeader::decode(&[0xFF; FIXED_SIZE]), Err(Refused::Foreign));
    }

    #[test]
    fn hostile_sizes_are_refused() {
        for hostile in [
            LogHeader { record_size: 0, ..header() },
            LogHeader { bucket_size: 0, ..header() },
            LogHeader { formats: 256, ..header() },
            LogHeader { text_size: u32::MAX, ..header() },
            LogHeader { text_size: 4037, ..header() },
        ] {
            assert_eq!(LogHeader::decode(&hostile.encode()), Err(Refused::Foreign), "{hostile:?}");
        }
    }
}

//! Committed cursors: as a frame in the ring, as a journal beside the log header, or in a place of
//! its own where each reader has a file.
//!
//! ```text
//! cursor frame payload     0                       7   8
//!                          | cursor (56 bits)      | n |
//! journal frame payload    0         4         8         16        24        32        40
//!                          | counter | index   | cursor  | cursor  | cursor  | cursor  |
//! cursor place             0         4         8                 15  16  17             28
//!                          | counter | index   | cursor (56 bits)| v | n | zeros        | crc |
//! ```

use super::{LayoutField, crc::crc32c, get_seqn, put, put_seqn, take};
use crate::words::{MAX_READERS, MAX_SEQN};

pub(crate) const PAYLOAD_SIZE: usize = 8;
pub(crate) const JOURNAL_SIZE: usize = 40;
pub(crate) const PLACE_SIZE: usize = 32;

/// The fields of a cursor place.
pub const PLACE_FIELDS: &[LayoutField] = &[
    LayoutField { name: "counter", offset: 0, size: 4 },
    LayoutField { name: "index", offset: 4, size: 4 },
    LayoutField { name: "cursor", offset: 8, size: 7 },
    LayoutField { name: "version", offset: 15, size: 1 },
    LayoutField { name: "reader", offset: 16, size: 1 },
    LayoutField { name: "zeros", offset: 17, size: 11 },
    LayoutField { name: "crc", offset: 28, size: 4 },
];

/// The payload of a cursor frame.
pub(crate) fn encode_payload(reader: u8, cursor: u64) -> [u8; PAYLOAD_SIZE] {
    let mut bytes = cursor.to_le_bytes();
    bytes[7] = reader;
    bytes
}

/// The reader and its cursor out of a payload whose frame passed its check.
pub(crate) fn decode_payload(bytes: [u8; PAYLOAD_SIZE]) -> Option<(u8, u64)> {
    let cursor = u64::from_le_bytes(bytes) & MAX_SEQN;
    let [.., reader] = bytes;
    (usize::from(reader) < MAX_READERS).then_some((reader, cursor))
}

/// A cursor for each reader, where one is known: the number it reads next, or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursors([u64; MAX_READERS]);

const UNKNOWN: u64 = 0;

impl Cursors {
    pub(crate) const NONE: Self = Self([UNKNOWN; MAX_READERS]);

    pub(crate) fn get(&self, reader: usize) -> Option<u64> {
        self.0.get(reader)?.checked_sub(1)
    }

    pub(crate) fn set(&mut self, reader: usize, cursor: Option<u64>) {
        if let Some(place) = self.0.get_mut(reader) {
            *place = cursor.map_or(UNKNOWN, |cursor| cursor.saturating_add(1));
        }
    }

    /// Takes over what is not yet known.
    pub(crate) fn fill(&mut self, older: &Self) {
        for (cursor, older) in self.0.iter_mut().zip(&older.0) {
            if *cursor == UNKNOWN {
                *cursor = *older;
            }
        }
    }
}

/// The cursors of all readers, valid only while bucket `index` is the newest that holds anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) counter: u32,
    pub(crate) index: u32,
    /// Those of the readers there are.
    pub(crate) cursors: Cursors,
}

impl Journal {
    pub(crate) fn encode(&self) -> [u8; JOURNAL_SIZE] {
        let mut bytes = [0; JOURNAL_SIZE];
        put(&mut bytes, 0, &self.counter.to_le_bytes());
        put(&mut bytes, 4, &self.index.to_le_bytes());
        for reader in 0..MAX_READERS {
            let cursor = self.cursors.get(reader).map_or([0xFF; 8], put_seqn);
            put(&mut bytes, reader.saturating_add(1).saturating_mul(8), &cursor);
        }
        bytes
    }

    /// Reads a payload whose frame passed its check.
    pub(crate) fn decode(bytes: &[u8; JOURNAL_SIZE]) -> Self {
        let mut cursors = Cursors::NONE;
        for reader in 0..MAX_READERS {
            let at = reader.saturating_add(1).saturating_mul(8);
            cursors.set(reader, get_seqn(take(bytes, at)));
        }
        Self {
            counter: u32::from_le_bytes(take(bytes, 0)),
            index: u32::from_le_bytes(take(bytes, 4)),
            cursors,
        }
    }
}

/// One of the two places a reader's cursor lies in, where readers have files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counts the commits of this reader; of two valid places the higher one holds.
    pub(crate) counter: u32,
    /// The bucket the cursor lay in, where a search may begin.
    pub(crate) index: u32,
    pub(crate) cursor: u64,
    pub(crate) reader: u8,
}

impl Place {
    pub(crate) fn encode(&self, base_seed: u32) -> [u8; PLACE_SIZE] {
        let mut bytes = [0; PLACE_SIZE];
        put(&mut bytes, 0, &self.counter.to_le_bytes());
        put(&mut bytes, 4, &self.index.to_le_bytes());
        put(&mut bytes, 8, &put_seqn(self.cursor));
        put(&mut bytes, 16, &[self.reader]);
        let crc = crc32c(base_seed, &bytes[..28]);
        put(&mut bytes, 28, &crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; PLACE_SIZE], base_seed: u32, reader: u8) -> Option<Self> {
        let crc = u32::from_le_bytes(take(bytes, 28));
        if crc32c(base_seed, &bytes[..28]) != crc || bytes[16] != reader {
            return None;
        }
        Some(Self {
            counter: u32::from_le_bytes(take(bytes, 0)),
            index: u32::from_le_bytes(take(bytes, 4)),
            cursor: get_seqn(take(bytes, 8))?,
            reader,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_every_flipped_bit_is_refused() {
        let place = Place { counter: 9, index: 3, cursor: 123_456, reader: 2 };
        let bytes = place.encode(55);
        assert_eq!(Place::decode(&bytes, 55, 2), Some(place));
        assert_eq!(Place::decode(&bytes, 55, 1), None);
        assert_eq!(Place::decode(&bytes, 56, 2), None);
        for bit in 0..PLACE_SIZE * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Place::decode(&flipped, 55, 2), None, "bit {bit}");
        }
    }

    #[test]
    fn a_journal_reads_back_with_its_missing_readers() {
        let journal = Journal { counter: 4, index: 12, cursors: Cursors([8, UNKNOWN, 1, UNKNOWN]) };
        assert_eq!(Journal::decode(&journal.encode()), journal);
    }

    #[test]
    fn a_cursor_payload_names_only_readers_there_can_be() {
        assert_eq!(decode_payload(encode_payload(3, 99)), Some((3, 99)));
        assert_eq!(decode_payload(encode_payload(4, 99)), None);
    }
}

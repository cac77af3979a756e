//! The bucket header: who a slot is, and where the readers stood when it was begun.
//!
//! ```text
//!  0         4                     11  12                              28
//! +---------+---------------------+---+-------+-------+-------+-------+---------+
//! | index   | first (56 bits)     | v | lag 0 | lag 1 | lag 2 | lag 3 | crc     |
//! +---------+---------------------+---+-------+-------+-------+-------+---------+
//! ```
//!
//! It is written in one call with the first frame of the bucket. The index is the incarnation of
//! the slot: it is never used again for another committed bucket, and it seeds every checksum in
//! the bucket.

use super::{LayoutField, crc::crc32c, cursor::Cursors, get_seqn, put, put_seqn, take};
use crate::words::{MAX_INDEX, MAX_READERS};

pub(crate) const SIZE: usize = 32;

/// The lag that says nothing: there is no such reader, or it lags beyond 32 bits.
const NO_LAG: u32 = u32::MAX;

/// The fields of the bucket header.
pub const BUCKET_FIELDS: &[LayoutField] = &[
    LayoutField { name: "index", offset: 0, size: 4 },
    LayoutField { name: "first", offset: 4, size: 7 },
    LayoutField { name: "version", offset: 11, size: 1 },
    LayoutField { name: "lag", offset: 12, size: 16 },
    LayoutField { name: "crc", offset: 28, size: 4 },
];

/// What a bucket header says of its bucket; where the readers stood, [`cursors`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BucketHeader {
    pub(crate) index: u32,
    /// The number of the first record in the bucket, or of the one to come.
    pub(crate) first: u64,
}

impl BucketHeader {
    /// `cursors` yields the committed cursor of each declared reader, in order.
    pub(crate) fn encode(
        &self,
        base_seed: u32,
        cursors: impl IntoIterator<Item = u64>,
    ) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        put(&mut bytes, 0, &self.index.to_le_bytes());
        put(&mut bytes, 4, &put_seqn(self.first));
        let mut cursors = cursors.into_iter();
        for reader in 0..MAX_READERS {
            let behind =
                cursors.next().map(|cursor| self.first.saturating_sub(1).saturating_sub(cursor));
            let lag = behind.and_then(|behind| u32::try_from(behind).ok()).unwrap_or(NO_LAG);
            put(&mut bytes, lag_at(reader), &lag.to_le_bytes());
        }
        let crc = crc32c(seed(base_seed, self.index), &bytes[..28]);
        put(&mut bytes, 28, &crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; SIZE], base_seed: u32) -> Option<Self> {
        let index = u32::from_le_bytes(take(bytes, 0));
        let crc = u32::from_le_bytes(take(bytes, 28));
        if index >= MAX_INDEX || crc32c(seed(base_seed, index), &bytes[..28]) != crc {
            return None;
        }
        let first = get_seqn(take(bytes, 4)).filter(|&first| first > 0)?;
        Some(Self { index, first })
    }
}

/// The cursors when a bucket was begun, of the readers for which the bytes of its header, which
/// was found sound, say it.
pub(crate) fn cursors(bytes: &[u8; SIZE], first: u64) -> Cursors {
    let mut cursors = Cursors::NONE;
    for reader in 0..MAX_READERS {
        let lag = u32::from_le_bytes(take(bytes, lag_at(reader)));
        if lag != NO_LAG {
            cursors.set(reader, first.saturating_sub(1).checked_sub(u64::from(lag)));
        }
    }
    cursors
}

fn lag_at(reader: usize) -> usize {
    reader.saturating_mul(4).saturating_add(12)
}

/// The seed of every checksum in bucket `index`.
pub(crate) fn seed(base_seed: u32, index: u32) -> u32 {
    crc32c(base_seed, &index.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_every_flipped_bit_is_refused() {
        let header = BucketHeader { index: 7, first: 1001 };
        let bytes = header.encode(0xABCD, [1000, 0, 996]);
        assert_eq!(BucketHeader::decode(&bytes, 0xABCD), Some(header));
        let cursors = cursors(&bytes, header.first);
        let known = [Some(1000), Some(0), Some(996), None];
        assert_eq!([0, 1, 2, 3].map(|reader| cursors.get(reader)), known);
        assert_eq!(BucketHeader::decode(&bytes, 0xABCE), None, "another life of the log");
        for bit in 0..SIZE * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BucketHeader::decode(&flipped, 0xABCD), None, "bit {bit}");
        }
    }

    #[test]
    fn blank_slots_are_no_header() {
        assert_eq!(BucketHeader::decode(&[0; SIZE], 1), None);
        assert_eq!(BucketHeader::decode(&[0xFF; SIZE], 1), None);
    }
}

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
use crate::words::MAX_READERS;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BucketHeader {
    pub(crate) index: u32,
    /// The number of the first record in the bucket, or of the one to come.
    pub(crate) first: u64,
    lags: [u32; MAX_READERS],
}

impl BucketHeader {
    /// `cursors` yields the committed cursor of each declared reader, in order.
    pub(crate) fn new(index: u32, first: u64, cursors: impl Iterator<Item = u64>) -> Self {
        let mut lags = [NO_LAG; MAX_READERS];
        for (lag, cursor) in lags.iter_mut().zip(cursors) {
            let behind = first.saturating_sub(1).saturating_sub(cursor);
            *lag = u32::try_from(behind).unwrap_or(NO_LAG);
        }
        Self { index, first, lags }
    }

    /// The cursors when this bucket was begun, of the readers for which the header says it.
    pub(crate) fn cursors(&self) -> Cursors {
        let mut cursors = Cursors::NONE;
        for (reader, &lag) in self.lags.iter().enumerate().filter(|(_, lag)| **lag != NO_LAG) {
            cursors.set(reader, self.first.saturating_sub(1).checked_sub(u64::from(lag)));
        }
        cursors
    }

    pub(crate) fn encode(&self, base_seed: u32) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        put(&mut bytes, 0, &self.index.to_le_bytes());
        put(&mut bytes, 4, &put_seqn(self.first));
        for (at, lag) in [12, 16, 20, 24].into_iter().zip(self.lags) {
            put(&mut bytes, at, &lag.to_le_bytes());
        }
        let crc = crc32c(seed(base_seed, self.index), &bytes[..28]);
        put(&mut bytes, 28, &crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; SIZE], base_seed: u32) -> Option<Self> {
        let index = u32::from_le_bytes(take(bytes, 0));
        let crc = u32::from_le_bytes(take(bytes, 28));
        if crc32c(seed(base_seed, index), &bytes[..28]) != crc {
            return None;
        }
        let first = get_seqn(take(bytes, 4)).filter(|&first| first > 0)?;
        let lags = [12, 16, 20, 24].map(|at| u32::from_le_bytes(take(bytes, at)));
        Some(Self { index, first, lags })
    }
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
        let header = BucketHeader::new(7, 1001, [1000, 0, 996].into_iter());
        let bytes = header.encode(0xABCD);
        assert_eq!(BucketHeader::decode(&bytes, 0xABCD), Some(header));
        assert_eq!(header.cursors().get(0), Some(1000));
        assert_eq!(header.cursors().get(1), Some(0));
        assert_eq!(header.cursors().get(2), Some(996));
        assert_eq!(header.cursors().get(3), None);
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

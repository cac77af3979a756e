//! Frames: the unit of writing, of checking and of loss.
//!
//! ```text
//!  0        2      3       4         8
//! +--------+------+-------+---------+--------------------+---------------+
//! | count  | kind | check | crc     | payload            | 0xFF padding  |
//! +--------+------+-------+---------+--------------------+---------------+
//! ```
//!
//! `check` is the CRC-8 of the three bytes before it, so that frames can be hopped over without
//! reading their payload. `crc` covers the first four bytes, the payload and the padding, seeded
//! with the bucket, XOR the CRC-32C of the number of the frame's first record. The XOR lets a
//! reader that lost its way compute which number a frame begins with.

use super::{
    LayoutField,
    crc::{crc8, crc32c},
    take,
};

pub(crate) const SIZE: usize = 8;
pub(crate) const SIZE_U32: u32 = 8;

/// Padding is shorter than the longest word.
const PADDING: [u8; 32] = [0xFF; 32];

/// The fields of the frame header.
pub const FRAME_FIELDS: &[LayoutField] = &[
    LayoutField { name: "count", offset: 0, size: 2 },
    LayoutField { name: "kind", offset: 2, size: 1 },
    LayoutField { name: "check", offset: 3, size: 1 },
    LayoutField { name: "crc", offset: 4, size: 4 },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records; ends a commit.
    Records = 1,
    /// Records of a commit that ends in a later frame.
    Part = 2,
    /// One reader's committed cursor.
    Cursor = 3,
    /// The log was closed here and nothing was in flight.
    Close = 4,
    /// All readers' cursors, beside the log header, where the ring has no room for them.
    Journal = 5,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) count: u16,
    pub(crate) kind: Kind,
    pub(crate) crc: u32,
}

impl FrameHeader {
    pub(crate) fn decode(bytes: [u8; SIZE]) -> Option<Self> {
        let [c0, c1, kind, check, crc @ ..] = bytes;
        let known = match kind {
            1 => Kind::Records,
            2 => Kind::Part,
            3 => Kind::Cursor,
            4 => Kind::Close,
            5 => Kind::Journal,
            _ => return None,
        };
        let (count, crc) = (u16::from_le_bytes([c0, c1]), u32::from_le_bytes(crc));
        (crc8(&[c0, c1, kind]) == check).then_some(Self { count, kind: known, crc })
    }

    /// The first four bytes, which the CRC covers.
    pub(crate) fn head(self) -> [u8; 4] {
        head(self.count, self.kind)
    }

    /// How many records the frame holds.
    pub(crate) fn records(self) -> u64 {
        if self.has_records() { u64::from(self.count) } else { 0 }
    }

    /// True for frames that hold records.
    pub(crate) fn has_records(self) -> bool {
        matches!(self.kind, Kind::Records | Kind::Part)
    }

    /// Given the CRC computed over head, payload and padding: does this frame begin with `number`?
    pub(crate) fn begins_with(self, computed: u32, number: u64) -> bool {
        computed ^ number_mix(number) == self.crc
    }

    /// Which of the numbers `from..=to` the frame begins with, if any. Each number in the range is
    /// one more chance in 2^32 for random bytes to pass, so callers keep it small.
    pub(crate) fn number_in(self, computed: u32, from: u64, to: u64) -> Option<u64> {
        let mix = computed ^ self.crc;
        [halves(from).1, halves(to).1]
            .into_iter()
            .map(|high| number_with_mix(mix, high))
            .find(|number| (from..=to).contains(number))
    }
}

/// The first four bytes of a frame.
pub(crate) fn head(count: u16, kind: Kind) -> [u8; 4] {
    let [c0, c1] = count.to_le_bytes();
    let kind = kind as u8;
    [c0, c1, kind, crc8(&[c0, c1, kind])]
}

/// Fills in the header and the padding of a frame that takes all of `bytes`, of which `size` are
/// payload.
pub(crate) fn seal(
    bytes: &mut [u8],
    size: u32,
    (count, kind): (u16, Kind),
    seed: u32,
    number: u64,
) {
    let end = (size as usize).saturating_add(SIZE);
    let padding = PADDING.get(..bytes.len().saturating_sub(end)).unwrap_or_default();
    super::put(bytes, end, padding);
    let head = head(count, kind);
    let payload = bytes.get(SIZE..).unwrap_or(&[]);
    let crc = crc32c(crc32c(seed, &head), payload) ^ number_mix(number);
    super::put(bytes, 0, &head);
    super::put(bytes, 4, &crc.to_le_bytes());
}

/// Reads a frame header at the start of `bytes`.
pub(crate) fn decode_at(bytes: &[u8]) -> Option<FrameHeader> {
    FrameHeader::decode(take(bytes, 0))
}

/// What the number of the first record adds to the CRC: a permutation of its lower 32 bits that is
/// not linear, as a CRC is, so that no error in a payload looks like another number. The steps are
/// those of the last mix of `MurmurHash3` (Appleby, public domain).
pub(crate) fn number_mix(number: u64) -> u32 {
    let (low, high) = halves(number);
    let mut mix = low ^ spread(high);
    mix = (mix ^ (mix >> 16)).wrapping_mul(0x85EB_CA6B);
    mix = (mix ^ (mix >> 13)).wrapping_mul(0xC2B2_AE35);
    mix ^ (mix >> 16)
}

/// The one number with these upper 32 bits that gives `mix`: the same steps backwards.
fn number_with_mix(mix: u32, high: u32) -> u64 {
    let mut low = (mix ^ (mix >> 16)).wrapping_mul(0x7ED1_B41D);
    low = (low ^ (low >> 13) ^ (low >> 26)).wrapping_mul(0xA5CB_9243);
    low = low ^ (low >> 16) ^ spread(high);
    (u64::from(high) << 32) | u64::from(low)
}

fn halves(number: u64) -> (u32, u32) {
    let bytes = number.to_le_bytes();
    (u32::from_le_bytes(take(&bytes, 0)), u32::from_le_bytes(take(&bytes, 4)))
}

fn spread(high: u32) -> u32 {
    high.wrapping_mul(0x9E37_79B1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_frame_reads_back_and_tells_its_number() {
        let mut bytes = [0x5A; 24];
        seal(&mut bytes, 16, (2, Kind::Records), 77, 1000);
        let header = decode_at(&bytes).unwrap();
        let computed = crc32c(crc32c(77, &header.head()), &bytes[SIZE..]);
        assert!(header.begins_with(computed, 1000));
        assert!(!header.begins_with(computed, 1001));
        assert_eq!(header.number_in(computed, 990, 1010), Some(1000));
        assert_eq!(header.number_in(computed, 1001, 1010), None);
    }

    #[test]
    fn the_mix_of_a_number_is_what_the_layout_names() {
        let mixes = [0, 1, 1 << 40].map(number_mix);
        assert_eq!(mixes, [0, 0x514E_28B7, 0x11ED_5D9B]);
    }

    #[test]
    fn a_number_is_found_from_its_crc_across_the_32_bit_border() {
        for number in [1, 77, 0xFFFF_FFFF, 0x1_0000_0000, 0x12_3456_789A] {
            assert_eq!(number_with_mix(number_mix(number), halves(number).1), number);
            let header = FrameHeader { count: 1, kind: Kind::Part, crc: 5 ^ number_mix(number) };
            assert_eq!(header.number_in(5, number - 1, number + 1), Some(number));
        }
    }

    #[test]
    fn one_to_three_flipped_bits_in_the_head_are_found() {
        let good = head(16, Kind::Records);
        for a in 0..32 {
            for b in a..32 {
                for c in b..32 {
                    let flips = (1_u32 << a) | (1 << b) | (1 << c);
                    let bytes = (u32::from_le_bytes(good) ^ flips).to_le_bytes();
                    let [x, y, z, check] = bytes;
                    assert_ne!(crc8(&[x, y, z]), check, "bits {a} {b} {c}");
                }
            }
        }
    }

    #[test]
    fn blank_bytes_are_no_frame() {
        assert_eq!(FrameHeader::decode([0; SIZE]), None);
        assert_eq!(FrameHeader::decode([0xFF; SIZE]), None);
    }
}

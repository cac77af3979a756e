//! Records that prove themselves: who stored one, which of his it is, and that no byte is another.

use tslog_sim::power::Rng;

/// Who stored a record: a thread in one life of the folder, and which of the records it stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    pub(crate) life: u32,
    pub(crate) thread: u8,
    pub(crate) counter: u32,
}

impl Identity {
    /// All of it in one number; of a life, 24 bits count.
    pub(crate) const fn to_bits(self) -> u64 {
        (self.life as u64) << 40 | (self.thread as u64) << 32 | self.counter as u64
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, thread, lives @ ..] = bits.to_le_bytes();
        let life = u32::from_le_bytes([lives[0], lives[1], lives[2], 0]);
        Self { life, thread, counter: u32::from_le_bytes([a, b, c, d]) }
    }
}

impl core::fmt::Display for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { life, thread, counter } = self;
        write!(f, "record {counter} of thread {thread} in life {life}")
    }
}

/// The bytes of this record: its identity, and noise that depends on it and on `seed`.
pub(crate) fn bytes(seed: u64, identity: Identity, size: usize) -> Vec<u8> {
    let mut record = vec![0; size];
    let bits = identity.to_bits().to_le_bytes();
    let (head, noise) = record.split_at_mut(bits.len().min(size));
    head.copy_from_slice(&bits[..head.len()]);
    Rng::new(seed ^ identity.to_bits().rotate_left(17)).fill(noise);
    record
}

/// Whose bytes these are, if they are anybody's.
pub(crate) fn identify(seed: u64, record: &[u8]) -> Option<Identity> {
    let identity = Identity::from_bits(u64::from_le_bytes(*record.first_chunk()?));
    (bytes(seed, identity, record.len()) == record).then_some(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_known_by_its_bytes_and_one_wrong_bit_is_seen() {
        let identity = Identity { life: 0xAB_CDEF, thread: 7, counter: 0xFEDC_BA98 };
        assert_eq!(Identity::from_bits(identity.to_bits()), identity);
        let record = bytes(5, identity, 61);
        assert_eq!(identify(5, &record), Some(identity));
        assert_eq!(identify(6, &record), None, "another seed is another log");
        for bit in 0..record.len() * 8 {
            let mut wrong = record.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(identify(5, &wrong), None, "bit {bit}");
        }
        assert_eq!(identify(5, &record[..7]), None);
    }
}

//! The records that all peers are given.

/// The record with number `number`: the number, a product of it, then bytes that count up.
pub fn fill(number: u64, record: &mut [u8]) {
    let (head, tail) = record.split_at_mut(16);
    head[..8].copy_from_slice(&number.to_le_bytes());
    head[8..].copy_from_slice(&mixed(number).to_le_bytes());
    for (byte, value) in tail.iter_mut().zip(16_u8..) {
        *byte = value;
    }
}

/// The second half of the head of a record, by which it can be found among other bytes.
pub fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The number of a record; 0 for one that is too short.
pub fn number_of(record: &[u8]) -> u64 {
    record.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The number of a record, if all of it is as it was stored.
pub fn sound_number(record: &[u8], size: usize) -> Option<u64> {
    let number = number_of(record);
    let mut expected = vec![0; size];
    fill(number, &mut expected);
    (number > 0 && record == expected).then_some(number)
}

/// Records one after the other, made anew for each commit.
#[derive(Debug)]
pub struct Records {
    bytes: Vec<u8>,
    size: usize,
}

impl Records {
    pub fn new(size: usize) -> Self {
        Self { bytes: Vec::new(), size }
    }

    /// The bytes of `count` records from number `first` on.
    pub fn of(&mut self, first: u64, count: usize) -> &[u8] {
        if self.bytes.len() != count * self.size {
            self.bytes.resize(count * self.size, 0);
            // What counts up is the same in all records.
            for record in self.bytes.chunks_exact_mut(self.size) {
                fill(0, record);
            }
        }
        for (record, number) in self.bytes.chunks_exact_mut(self.size).zip(first..) {
            fill(number, &mut record[..16]);
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_sound_only_as_it_was_filled() {
        let mut records = Records::new(128);
        let bytes = records.of(7, 2).to_vec();
        assert_eq!(sound_number(&bytes[128..], 128), Some(8));
        for bit in 0..128 * 8 {
            let mut record = bytes[..128].to_vec();
            record[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sound_number(&record, 128), None, "bit {bit}");
        }
        assert_eq!(sound_number(&bytes[..127], 128), None);
        assert_eq!(sound_number(&[], 16), None);
    }
}

//! What looks at records as they are read.

use std::hint::black_box;

use crate::record;

/// What looks at what reading meets.
pub trait Visit {
    /// One or more records, back to back.
    fn records(&mut self, records: &[u8]);
    /// Records that are lost, in the words of the peer, which goes on behind them.
    fn gap(&mut self, told: String);
}

/// How many records there are, and the sum of their numbers, for which each has to be looked at.
pub struct Tally {
    size: usize,
    pub count: u64,
    pub sum: u64,
}

impl Tally {
    pub fn new(size: usize) -> Self {
        Self { size, count: 0, sum: 0 }
    }

    fn look(&mut self, record: &[u8]) {
        self.sum = self.sum.wrapping_add(record::number_of(record));
        // Each is handed out whole, however little of it is used here.
        black_box(record);
        self.count += 1;
    }
}

impl Visit for Tally {
    fn records(&mut self, records: &[u8]) {
        // Without the divisions that splitting takes, which would be much of a record's time.
        if records.len() == self.size {
            return self.look(records);
        }
        records.chunks_exact(self.size).for_each(|record| self.look(record));
    }

    fn gap(&mut self, _: String) {}
}

/// What is delivered.
#[derive(Default)]
pub struct Delivered {
    size: usize,
    pub right: u64,
    pub wrong: u64,
    pub last: u64,
    pub told: Option<String>,
}

impl Delivered {
    pub fn new(size: usize) -> Self {
        Self { size, ..Self::default() }
    }
}

impl Visit for Delivered {
    fn records(&mut self, records: &[u8]) {
        for record in records.chunks(self.size) {
            match record::sound_number(record, self.size) {
                Some(number) if number > self.last => {
                    (self.last, self.right) = (number, self.right + 1);
                }
                _ => self.wrong += 1,
            }
        }
    }

    fn gap(&mut self, told: String) {
        self.told = Some(told);
    }
}

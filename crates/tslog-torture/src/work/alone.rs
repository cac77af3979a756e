//! One thread that does everything in a fixed order, so that its calls can be counted.

use tslog::{SharedLog, SharedReader};

use super::Worker;

/// A turn stores so many records, and reads as many.
const TURN: u32 = 3;
/// So many turns lie between two commits of the reader.
const TURNS_UNCOMMITTED: u32 = 2;

impl Worker {
    /// Stores and reads in turns, and closes the log. What fails is not the end: a reader goes on,
    /// and closing is tried, so that whatever they then promise is heard.
    pub(super) fn run_alone(&self, log: &SharedLog) -> bool {
        let reader = match log.reader(self.work.first_reader) {
            Ok(reader) => Some(reader),
            Err(error) => {
                self.fail(0, &format!("reader: {error}"));
                None
            }
        };
        let mut reader = reader.filter(|_| self.work.reading > 0);
        let mut well = reader.is_some() || self.work.reading == 0;
        let mut stores = true;
        for counter in 0..self.work.records {
            stores = stores && self.store(log, 0, counter);
            if counter % TURN == TURN - 1 {
                let turn = counter / TURN;
                let reads = reader.as_mut().is_none_or(|reader| self.take_turn(reader, turn));
                stores = stores && (turn.is_multiple_of(2) || self.commit(log, 0));
                well = well && reads;
            }
        }
        let read_last = reader.as_mut().is_none_or(|reader| self.take_turn(reader, 1));
        self.close(log) && well && stores && read_last
    }

    fn take_turn(&self, reader: &mut SharedReader, turn: u32) -> bool {
        let n = self.work.first_reader;
        for _ in 0..TURN {
            match self.read_one(reader, n) {
                Some(true) => {}
                Some(false) => break,
                None => return false,
            }
        }
        turn % TURNS_UNCOMMITTED != 1 || self.acknowledge(reader, n)
    }
}

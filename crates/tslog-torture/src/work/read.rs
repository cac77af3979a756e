//! Threads and processes that read and acknowledge.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tslog::{Error, Options, SharedLog, SharedReader};
use tslog_sim::power::Rng;

use super::Worker;
use crate::event::Kind;
use crate::record::{self, Identity};

/// How long a reader that has read everything waits for more.
const IDLE: Duration = Duration::from_micros(100);

/// The most records between two commits of a reader.
const UNCOMMITTED_MAX: u64 = 24;

impl Worker {
    /// Reads in the writer's process until all is stored and read.
    pub(super) fn read_beside(&self, log: &SharedLog, n: u8, all_stored: &AtomicBool) -> bool {
        match log.reader(n) {
            Ok(mut reader) => self.read(&mut reader, n, || all_stored.load(Ordering::Acquire)),
            Err(error) => self.fail(n, &format!("reader {n}: {error}")),
        }
    }

    /// Reads in a process of its own, for ever.
    pub(super) fn read_apart(&self) -> bool {
        let n = self.work.first_reader;
        loop {
            match Options::open_reader(&self.folder, n) {
                Ok(mut reader) => return self.read(&mut reader, n, || false),
                // The writer is still making it.
                Err(Error::NoLog) => std::thread::sleep(IDLE),
                Err(error) => return self.fail(n, &format!("reader {n}: {error}")),
            }
        }
    }

    fn read(&self, reader: &mut SharedReader, n: u8, ends: impl Fn() -> bool) -> bool {
        let mut rng = Rng::new(self.work.seed ^ u64::from(self.work.life) << 16 ^ u64::from(n));
        let mut due = 1 + rng.below(UNCOMMITTED_MAX);
        loop {
            let last_time = ends();
            match self.read_one(reader, n) {
                Some(true) if reader.uncommitted() < due => {}
                Some(true) => {
                    due = 1 + rng.below(UNCOMMITTED_MAX);
                    if !self.acknowledge(reader, n) {
                        return false;
                    }
                }
                Some(false) if last_time => return self.acknowledge(reader, n),
                Some(false) => std::thread::sleep(IDLE),
                None => return false,
            }
        }
    }

    /// Takes one record; false if there is none, and `None` if that failed.
    pub(super) fn read_one(&self, reader: &mut SharedReader, n: u8) -> Option<bool> {
        let (seqn, bytes) = match reader.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => return Some(false),
            Err(Error::Damaged(range) | Error::Lost(range)) => {
                self.voice.say(Kind::Gap, n, range.last, range.first);
                return Some(true);
            }
            Err(error) => {
                self.fail(n, &format!("next of reader {n}: {error}"));
                return None;
            }
        };
        match record::identify(self.work.seed, &bytes).map(Identity::to_bits) {
            Some(identity) => self.voice.say(Kind::Delivered, n, seqn, identity),
            None => self.voice.say(Kind::Wrong, n, seqn, 0),
        }
        Some(true)
    }

    pub(super) fn acknowledge(&self, reader: &mut SharedReader, n: u8) -> bool {
        if reader.uncommitted() == 0 {
            return true;
        }
        self.voice.say(Kind::Acking, n, reader.cursor(), 0);
        match reader.commit() {
            Ok(seqn) => {
                self.voice.say(Kind::Acked, n, seqn, 0);
                true
            }
            Err(error) => self.fail(n, &format!("commit of reader {n}: {error}")),
        }
    }
}

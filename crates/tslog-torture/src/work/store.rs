//! Threads that store, beside threads that read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use tslog::{Error, SharedLog};
use tslog_sim::power::Rng;

use super::{Manner, Worker};
use crate::event::Kind;
use crate::record::{self, Identity};

/// How long a thread leaves a full log to its readers.
const FULL_PAUSE: Duration = Duration::from_millis(1);

/// Waits for them, up to the first that failed; the scope sees to the others.
fn all_well(threads: Vec<ScopedJoinHandle<'_, bool>>) -> bool {
    threads.into_iter().all(|thread| thread.join().unwrap_or(false))
}

impl Worker {
    /// Stores and reads until every thread has stored its records, and closes the log.
    pub(super) fn run_threads(&self, log: &SharedLog) -> bool {
        let all_stored = AtomicBool::new(false);
        let well = std::thread::scope(|scope| {
            let end = &all_stored;
            let (first, reading) = (self.work.first_reader, self.work.reading);
            let reader = |n| scope.spawn(move || self.read_beside(log, n, end));
            let readers: Vec<_> = (first..first + reading).map(reader).collect();
            let sensor = |thread| scope.spawn(move || self.store_thread(log, thread));
            let sensors: Vec<_> = (0..self.work.threads).map(sensor).collect();
            let committed = all_well(sensors) && self.commit(log, 0);
            all_stored.store(true, Ordering::Release);
            all_well(readers) && committed
        });
        well && self.close(log)
    }

    fn store_thread(&self, log: &SharedLog, thread: u8) -> bool {
        let mut rng = Rng::new(self.work.seed ^ u64::from(self.work.life) << 8 ^ u64::from(thread));
        let mut told = 0;
        for counter in 0..self.work.records {
            if !self.store(log, thread, counter) {
                return false;
            }
            let committed = log.stats().committed;
            if committed > told {
                self.voice.say(Kind::Committed, thread, committed, 0);
                told = committed;
            }
            if rng.chance(3) && !self.commit(log, thread) {
                return false;
            }
            let pause = rng.below(u64::from(self.work.pause_us) + 1);
            if pause > 0 && rng.chance(25) {
                std::thread::sleep(Duration::from_micros(pause));
            }
        }
        true
    }

    /// Stores one record; a full log is tried again until its readers have made room.
    pub(super) fn store(&self, log: &SharedLog, thread: u8, counter: u32) -> bool {
        let identity = Identity { life: self.work.life, thread, counter };
        let size = usize::try_from(self.work.record_size).unwrap_or(0);
        let bytes = record::bytes(self.work.seed, identity, size);
        loop {
            match log.store_record(&bytes) {
                Ok(seqn) => {
                    self.voice.say(Kind::Stored, thread, seqn, identity.to_bits());
                    return true;
                }
                Err(Error::Full) if self.work.manner != Manner::Alone => {
                    self.voice.say(Kind::Full, thread, 0, 0);
                    std::thread::sleep(FULL_PAUSE);
                }
                Err(error) => return self.fail(thread, &format!("store: {error}")),
            }
        }
    }

    pub(super) fn commit(&self, log: &SharedLog, thread: u8) -> bool {
        match log.commit() {
            Ok(seqn) => {
                self.voice.say(Kind::Committed, thread, seqn, 0);
                true
            }
            Err(error) => self.fail(thread, &format!("commit: {error}")),
        }
    }
}

//! walrus-rust: one entry a record, one batch a commit.
//!
//! Its folder is named by `WALRUS_DATA_DIR`, which whoever starts this process has set.

use walrus_rust::{FsyncSchedule, ReadConsistency, Walrus};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

const TOPIC: &str = "log";

/// Bytes that are asked for at once.
const BATCH: usize = 1 << 20;

/// The most entries in a batch.
const MOST: usize = 2000;

pub struct Log {
    log: Walrus,
    record_size: usize,
}

impl Log {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        if std::env::var_os("WALRUS_DATA_DIR").as_deref() != Some(shape.folder.as_os_str()) {
            return Err("WALRUS_DATA_DIR names another folder".into());
        }
        let sync = if shape.durable { FsyncSchedule::SyncEach } else { FsyncSchedule::NoFsync };
        // The position of a reader is measured for no peer.
        let reads = ReadConsistency::AtLeastOnce { persist_every: u32::MAX };
        let log = Walrus::with_consistency_and_schedule_for_key("log", reads, sync)?;
        Ok(Self { log, record_size: shape.record_size })
    }
}

impl Peer for Log {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        for part in records.chunks(MOST * self.record_size) {
            let records: Vec<&[u8]> = part.chunks_exact(self.record_size).collect();
            self.log.batch_append_for_topic(TOPIC, &records)?;
        }
        Ok(())
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        loop {
            let entries = self.log.batch_read_for_topic(TOPIC, BATCH, true)?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in &entries {
                visit.records(&entry.data);
            }
        }
    }

    fn close(self) -> Outcome<()> {
        drop(self);
        Ok(())
    }
}

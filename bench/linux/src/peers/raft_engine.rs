//! raft-engine: one entry a record, one batch a commit, all of one region.

use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt};

use super::{Outcome, Peer, Shape};
use crate::record;
use crate::visit::Visit;

const REGION: u64 = 1;

/// Entries that are asked for at once.
const BATCH: u64 = 1024;

/// An entry is the record alone, which begins with its number.
#[derive(Clone)]
struct Record;

impl MessageExt for Record {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        record::number_of(entry.get_value())
    }
}

pub struct Log {
    engine: Engine,
    record_size: usize,
    durable: bool,
}

impl Log {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let dir = shape.folder.to_str().ok_or("the folder has no name in UTF-8")?.to_owned();
        let engine = Engine::open(Config { dir, ..Config::default() })?;
        Ok(Self { engine, record_size: shape.record_size, durable: shape.durable })
    }
}

impl Peer for Log {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        let entry = |record: &[u8]| {
            let mut entry = BytesValue::new();
            entry.set_value(record.to_vec());
            entry
        };
        let entries: Vec<BytesValue> = records.chunks_exact(self.record_size).map(entry).collect();
        let mut batch = LogBatch::default();
        batch.add_entries::<Record>(REGION, &entries)?;
        self.engine.write(&mut batch, self.durable)?;
        Ok(())
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        let first = self.engine.first_index(REGION);
        let Some((mut at, last)) = first.zip(self.engine.last_index(REGION)) else { return Ok(()) };
        let mut entries = Vec::new();
        while at <= last {
            let end = (at + BATCH).min(last + 1);
            entries.clear();
            self.engine.fetch_entries_to::<Record>(REGION, at, end, None, &mut entries)?;
            for entry in &entries {
                visit.records(entry.get_value());
            }
            at = end;
        }
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        Ok(self.engine.sync()?)
    }
}

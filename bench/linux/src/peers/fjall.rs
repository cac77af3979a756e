//! fjall: one key a record, one batch a commit.

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

pub struct Tree {
    db: Database,
    log: Keyspace,
    record_size: usize,
    durable: bool,
}

impl Tree {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let db = Database::builder(shape.folder).open()?;
        let log = db.keyspace("log", KeyspaceCreateOptions::default)?;
        Ok(Self { db, log, record_size: shape.record_size, durable: shape.durable })
    }
}

impl Peer for Tree {
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()> {
        let mut batch = self.db.batch().durability(self.durable.then_some(PersistMode::SyncData));
        for (number, record) in (first..).zip(records.chunks_exact(self.record_size)) {
            batch.insert(&self.log, number.to_be_bytes(), record);
        }
        Ok(batch.commit()?)
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        for entry in self.log.iter() {
            visit.records(&entry.value()?);
        }
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }
}

//! redb: one key a record, one transaction a commit.

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

pub struct Tree {
    db: Database,
    record_size: usize,
    durability: Durability,
}

impl Tree {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let db = Database::create(shape.folder.join("log.redb"))?;
        let durability = if shape.durable { Durability::Immediate } else { Durability::None };
        Ok(Self { db, record_size: shape.record_size, durability })
    }
}

impl Peer for Tree {
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()> {
        let mut commit = self.db.begin_write()?;
        commit.set_durability(self.durability)?;
        {
            let mut table = commit.open_table(LOG)?;
            for (number, record) in (first..).zip(records.chunks_exact(self.record_size)) {
                table.insert(number, record)?;
            }
        }
        Ok(commit.commit()?)
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        let read = self.db.begin_read()?;
        for entry in read.open_table(LOG)?.range::<u64>(..)? {
            visit.records(entry?.1.value());
        }
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        drop(self);
        Ok(())
    }
}

//! `RocksDB`: one key a record, one batch a commit.

use rocksdb::{DB, DBCompressionType, IteratorMode, Options, WriteBatch, WriteOptions};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

pub struct Tree {
    db: DB,
    commit: WriteOptions,
    record_size: usize,
}

impl Tree {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_compression_type(DBCompressionType::None);
        let mut commit = WriteOptions::default();
        commit.set_sync(shape.durable);
        Ok(Self { db: DB::open(&options, shape.folder)?, commit, record_size: shape.record_size })
    }
}

impl Peer for Tree {
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()> {
        let mut batch = WriteBatch::default();
        for (number, record) in (first..).zip(records.chunks_exact(self.record_size)) {
            batch.put(number.to_be_bytes(), record);
        }
        Ok(self.db.write_opt(batch, &self.commit)?)
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        for entry in self.db.iterator(IteratorMode::Start) {
            visit.records(&entry?.1);
        }
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        Ok(self.db.flush()?)
    }
}

//! LMDB through heed: one key a record, appended, one transaction a commit.

use heed::byteorder::BigEndian;
use heed::types::{Bytes, U64};
use heed::{Database, Env, EnvFlags, EnvOpenOptions, PutFlags};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

/// The most the map can hold, which is only room for addresses.
const MAP_SIZE: usize = 8 << 30;

pub struct Tree {
    env: Env,
    db: Database<U64<BigEndian>, Bytes>,
    record_size: usize,
}

impl Tree {
    #[expect(unsafe_code, reason = "heed leaves it to the caller that nobody else opens the file")]
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let options = &mut EnvOpenOptions::new();
        options.map_size(MAP_SIZE);
        if !shape.durable {
            // SAFETY: without syncs a crash may break the store, which is what is measured.
            unsafe { options.flags(EnvFlags::NO_SYNC) };
        }
        // SAFETY: this process alone has the file, and it opens it once.
        let env = unsafe { options.open(shape.folder)? };
        let mut commit = env.write_txn()?;
        let db = env.create_database(&mut commit, None)?;
        commit.commit()?;
        Ok(Self { env, db, record_size: shape.record_size })
    }
}

impl Peer for Tree {
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()> {
        let mut commit = self.env.write_txn()?;
        for (number, record) in (first..).zip(records.chunks_exact(self.record_size)) {
            self.db.put_with_flags(&mut commit, PutFlags::APPEND, &number, record)?;
        }
        Ok(commit.commit()?)
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        let read = self.env.read_txn()?;
        for entry in self.db.iter(&read)? {
            visit.records(entry?.1);
        }
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        Ok(self.env.force_sync()?)
    }
}

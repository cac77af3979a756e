//! `SQLite` in write-ahead mode: one row a record, one transaction a commit.

use rusqlite::{Connection, params};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

pub struct Table(Connection, usize);

impl Table {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let db = Connection::open(shape.folder.join("log.sqlite"))?;
        let mode: String = db.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(format!("the journal mode is {mode}").into());
        }
        let sync = if shape.durable { "FULL" } else { "OFF" };
        db.execute_batch(&format!("PRAGMA synchronous={sync}"))?;
        db.execute_batch(
            "CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, record BLOB)",
        )?;
        Ok(Self(db, shape.record_size))
    }
}

impl Peer for Table {
    fn append(&mut self, first: u64, records: &[u8]) -> Outcome<()> {
        let commit = self.0.transaction()?;
        {
            let mut insert = commit.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?;
            for (number, record) in (first..).zip(records.chunks_exact(self.1)) {
                insert.execute(params![number.cast_signed(), record])?;
            }
        }
        Ok(commit.commit()?)
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        let mut select = self.0.prepare("SELECT record FROM log ORDER BY number")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            visit.records(row.get_ref(0)?.as_blob()?);
        }
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        self.0.close().map_err(|(_, error)| error.into())
    }
}

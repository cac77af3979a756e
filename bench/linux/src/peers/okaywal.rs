//! okaywal: one entry a commit, one chunk a record, in one file that is never given up.
//!
//! It reads only while it opens, and hands what it finds to its manager.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use okaywal::{Configuration, Entry, EntryId, LogManager, SegmentReader, WriteAheadLog};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

/// Bytes of the file for a record, at most, beside its own.
const OVERHEAD: usize = 32;

pub struct Log {
    open: Option<WriteAheadLog>,
    folder: PathBuf,
    record_size: usize,
    preallocate: u32,
}

#[derive(Debug, Default)]
struct Manager {
    read: Arc<Mutex<Vec<u8>>>,
    keeps: bool,
}

impl LogManager for Manager {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        // An entry that was cut short was never acknowledged.
        let Some(chunks) = entry.read_all_chunks()? else { return Ok(()) };
        if self.keeps {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.extend(chunks.iter().flatten());
        }
        Ok(())
    }

    fn checkpoint_to(
        &mut self,
        _: EntryId,
        _: &mut SegmentReader,
        _: &WriteAheadLog,
    ) -> io::Result<()> {
        Err(io::Error::other("this log keeps what it has"))
    }
}

impl Log {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let bytes = shape.records * (shape.record_size + OVERHEAD);
        let preallocate = u32::try_from(bytes.max(1).next_multiple_of(1 << 20))?;
        let (folder, record_size) = (shape.folder.to_owned(), shape.record_size);
        let mut log = Self { open: None, folder, record_size, preallocate };
        log.open = Some(log.recover(Manager::default())?);
        Ok(log)
    }

    fn recover(&self, manager: Manager) -> io::Result<WriteAheadLog> {
        let configuration = Configuration::default_for(&self.folder)
            .preallocate_bytes(self.preallocate)
            .checkpoint_after_bytes(u64::MAX);
        configuration.open(manager)
    }
}

impl Peer for Log {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        let log = self.open.as_ref().ok_or("the log is closed")?;
        let mut entry = log.begin_entry()?;
        for record in records.chunks_exact(self.record_size) {
            entry.write_chunk(record)?;
        }
        entry.commit()?;
        Ok(())
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        drop(self.open.take());
        let manager = Manager { keeps: true, ..Manager::default() };
        let read = Arc::clone(&manager.read);
        let opened = self.recover(manager);
        visit.records(&read.lock().unwrap_or_else(PoisonError::into_inner));
        self.open = Some(opened?);
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        Ok(self.open.map_or(Ok(()), WriteAheadLog::shutdown)?)
    }
}

//! yaque: one element a record, one batch a commit. It never syncs.

use std::path::{Path, PathBuf};

use yaque::QueueIter;
use yaque::Sender;

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

pub struct Queue {
    sender: Sender,
    folder: PathBuf,
    record_size: usize,
}

impl Queue {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let sender = Sender::open(shape.folder)?;
        Ok(Self { sender, folder: shape.folder.to_owned(), record_size: shape.record_size })
    }
}

/// Takes away the locks of a process that was killed.
pub fn repair(folder: &Path) -> Outcome<()> {
    Ok(yaque::recovery::recover(folder)?)
}

impl Peer for Queue {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        let sent = self.sender.try_send_batch(records.chunks_exact(self.record_size));
        sent.map_err(|error| match error {
            yaque::TrySendError::Io(error) => error.into(),
            yaque::TrySendError::QueueFull { .. } => "the queue is full".into(),
        })
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        for element in QueueIter::open(&self.folder)? {
            visit.records(&element?);
        }
        Ok(())
    }

    fn close(self) -> Outcome<()> {
        drop(self);
        Ok(())
    }
}

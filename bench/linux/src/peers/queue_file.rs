//! queue-file: one element a record, one `add_n` a commit.

use queue_file::QueueFile;

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

pub struct Queue {
    queue: QueueFile,
    record_size: usize,
}

impl Queue {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let mut queue = QueueFile::open(shape.folder.join("queue"))?;
        queue.set_sync_writes(shape.durable);
        Ok(Self { queue, record_size: shape.record_size })
    }
}

impl Peer for Queue {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        Ok(self.queue.add_n(records.chunks_exact(self.record_size))?)
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        let mut elements = self.queue.iter();
        while let Some(element) = elements.borrowed_next() {
            visit.records(element);
        }
        Ok(())
    }

    fn close(mut self) -> Outcome<()> {
        Ok(self.queue.sync_all()?)
    }
}

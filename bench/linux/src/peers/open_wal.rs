//! open-wal: one record each, one commit each.

use open_wal::{Lsn, TailState, Wal, WalConfig};

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

pub struct Log {
    wal: Wal,
    record_size: usize,
    tail: TailState,
}

impl Log {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        // Sealed segments of its default size of 128 MiB would be filled by no measurement here.
        let config = WalConfig { segment_size: 16 << 20, max_record_size: 64 << 10 };
        let (wal, report) = Wal::open(shape.folder, config)?;
        Ok(Self { wal, record_size: shape.record_size, tail: report.tail_state })
    }
}

impl Peer for Log {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        for record in records.chunks_exact(self.record_size) {
            self.wal.append(record)?;
        }
        self.wal.commit()?;
        Ok(())
    }

    fn read_all(&mut self, _: bool, visit: &mut impl Visit) -> Outcome<()> {
        let mut reader = self.wal.reader_from(Lsn(0))?;
        while let Some(record) = reader.next() {
            visit.records(record?.1);
        }
        Ok(())
    }

    fn report(&self) -> Option<String> {
        (self.tail != TailState::Clean).then(|| format!("{:?}", self.tail))
    }

    fn close(self) -> Outcome<()> {
        drop(self);
        Ok(())
    }
}

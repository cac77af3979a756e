//! `ekv`: the number is the key; a commit is a transaction, and what was handed over is deleted in
//! one more.

use ekv::flash::{Flash, PageID};
use ekv::{CommitError, Config, Database, WriteError};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use tslog_sim::power::SimError;

use super::{Chip, Peer, SECTOR_SIZE, Session, Shape, Stop, block_on, failed};

struct Pages<const W: usize>(Chip<W>);

type Db<const W: usize> = Database<Pages<W>, NoopRawMutex>;

struct Keys<const W: usize> {
    db: Db<W>,
    record_size: usize,
    /// The last key that was taken, in RAM; what is before it is deleted.
    taken: [u8; 4],
    waiting: Vec<Vec<u8>>,
}

pub(super) fn with<const W: usize>(
    chip: Chip<W>,
    shape: Shape,
    new: bool,
    session: Session<'_>,
) -> Result<(), Stop> {
    let mut config = Config::default();
    config.random_seed = 1;
    let db = Db::new(Pages(chip), config);
    if new {
        block_on(db.format()).map_err(failed)?;
    }
    block_on(db.mount()).map_err(failed)?;
    let record_size = shape.record_size;
    session(&mut Keys { db, record_size, taken: [0; 4], waiting: Vec::new() })
}

impl<const W: usize> Flash for Pages<W> {
    type Error = SimError;

    fn page_count(&self) -> usize {
        self.0.capacity() / SECTOR_SIZE as usize
    }

    async fn erase(&mut self, page: PageID) -> Result<(), SimError> {
        let at = address(page, 0);
        self.0.erase(at, at + SECTOR_SIZE)
    }

    async fn read(&mut self, page: PageID, at: usize, data: &mut [u8]) -> Result<(), SimError> {
        self.0.read(address(page, at), data)
    }

    async fn write(&mut self, page: PageID, at: usize, data: &[u8]) -> Result<(), SimError> {
        self.0.write(address(page, at), data)
    }
}

fn address(page: PageID, at: usize) -> u32 {
    u32::try_from(page.index() * SECTOR_SIZE as usize + at).unwrap_or(u32::MAX)
}

fn write_stop<E: std::fmt::Debug>(error: WriteError<E>) -> Stop {
    match error {
        WriteError::Full => Stop::Full,
        error => failed(error),
    }
}

fn commit_stop<E: std::fmt::Debug>(error: CommitError<E>) -> Stop {
    failed(error)
}

impl<const W: usize> Peer for Keys<W> {
    fn store(&mut self, record: &[u8]) -> Result<(), Stop> {
        self.waiting.push(record.to_vec());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Stop> {
        let waiting = std::mem::take(&mut self.waiting);
        block_on(async {
            let mut transaction = self.db.write_transaction().await;
            for record in waiting {
                let number = record.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                let written = transaction.write(&number.to_be_bytes(), &record).await;
                written.map_err(write_stop)?;
            }
            transaction.commit().await.map_err(commit_stop)
        })
    }

    fn take(&mut self, most: usize, hand: &mut dyn FnMut(&[u8])) -> Result<usize, Stop> {
        block_on(async {
            let mut taken = Vec::new();
            {
                let transaction = self.db.read_transaction().await;
                let mut records =
                    transaction.read_range(self.taken.as_slice()..).await.map_err(failed)?;
                let (mut key, mut record) = ([0; 4], vec![0; self.record_size]);
                while taken.len() < most
                    && records.next(&mut key, &mut record).await.map_err(failed)?.is_some()
                {
                    hand(&record);
                    taken.push(key);
                }
            }
            if taken.is_empty() {
                return Ok(0);
            }
            let mut transaction = self.db.write_transaction().await;
            for key in &taken {
                transaction.delete(key).await.map_err(write_stop)?;
            }
            transaction.commit().await.map_err(commit_stop)?;
            self.taken = taken.last().copied().unwrap_or(self.taken);
            Ok(taken.len())
        })
    }

    fn ram(&self) -> usize {
        size_of::<Db<W>>() - size_of::<Pages<W>>()
    }
}

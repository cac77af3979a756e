//! The firmware with the queue of `sequential-storage` in place of the log.
#![no_std]
#![no_main]

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use embedded_storage::nor_flash::{ErrorType, NorFlash as _, ReadNorFlash as _};
use embedded_storage_async::nor_flash::{MultiwriteNorFlash, NorFlash, ReadNorFlash};
use figures::{PARTITION_SIZE, weigh};
use firmware::board::{Refused, SpiNor};
use sequential_storage::Error;
use sequential_storage::cache::Cache;
use sequential_storage::queue::{QueueConfig, QueueStorage};

firmware::entry!(start);

fn start() -> ! {
    weigh(|nor, record| block_on(run(Later(nor), record)).is_ok())
}

async fn run(nor: Later, record: &mut [u8]) -> Result<(), Error<Refused>> {
    let config = const { QueueConfig::new(0..PARTITION_SIZE) };
    let mut queue = QueueStorage::new(nor, config, Cache::new_uncached());
    queue.push(record, false).await?;
    while queue.pop(record).await?.is_some() {}
    Ok(())
}

/// The driver, for those who would wait for it.
struct Later(SpiNor);

impl ErrorType for Later {
    type Error = Refused;
}

impl ReadNorFlash for Later {
    const READ_SIZE: usize = SpiNor::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Refused> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Later {
    const WRITE_SIZE: usize = SpiNor::WRITE_SIZE;
    const ERASE_SIZE: usize = SpiNor::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        self.0.write(offset, bytes)
    }
}

impl MultiwriteNorFlash for Later {}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

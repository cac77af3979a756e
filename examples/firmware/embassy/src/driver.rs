//! The board's flash as an asynchronous driver. A real one would wait for its DMA here; this one
//! gives the others their turn before each call, and then does it.

use core::future::poll_fn;
use core::task::Poll;
use embedded_storage::nor_flash::{ErrorType, NorFlash as _, ReadNorFlash as _};
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
use firmware::board::{Refused, SpiNor};

/// The driver, for those who wait for it.
pub(crate) struct Later(pub(crate) SpiNor);

/// Is ready when it is asked again.
async fn next_turn() {
    let mut asked = false;
    poll_fn(|context| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl ErrorType for Later {
    type Error = Refused;
}

impl ReadNorFlash for Later {
    const READ_SIZE: usize = SpiNor::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Refused> {
        next_turn().await;
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
        next_turn().await;
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        next_turn().await;
        self.0.write(offset, bytes)
    }
}

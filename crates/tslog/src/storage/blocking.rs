//! A driver that is waited for, as one that is not: the log itself never waits.
//!
//! It owns the waiting, and nothing else: each call polls the driver until it is ready.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use embedded_storage_async::nor_flash as later;

/// A driver for `embedded-storage-async`, to be given to [`Flash`](super::flash::Flash).
///
/// A call returns once the driver is ready; until then it polls it, over and over. So the task
/// that calls the log stands still while the flash is busy, and with it all of its executor.
/// Interrupts go on, and so do executors of a higher priority. Two things follow:
///
/// - Have the log in a task of an executor of its own with the lowest priority if 50 ms, the time
///   of an erase, is too long for others to wait. [`Log::poll`](crate::Log::poll) erases when
///   there is time for it.
/// - What the driver waits for must not be another task of the same executor, such as one that has
///   the bus: it would wait for ever. A driver that is done by interrupts, DMA or polling is fine.
///
/// ```
/// use embedded_storage_async::nor_flash::NorFlash;
/// use tslog::storage::{blocking::Blocking, flash::{Flash, FlashError}};
///
/// fn storage<N: NorFlash>(chip: N) -> Result<Flash<Blocking<N>>, FlashError<N::Error>> {
///     Flash::new(Blocking::new(chip), 0..0x1_0000, 4096)
/// }
/// ```
#[derive(Debug)]
pub struct Blocking<N> {
    nor: N,
    wait: fn(),
}

impl<N> Blocking<N> {
    /// Polls `nor` without a pause.
    pub const fn new(nor: N) -> Self {
        Self { nor, wait: core::hint::spin_loop }
    }

    /// Calls `wait` whenever `nor` is not ready. It may sleep until the next interrupt, as
    /// `cortex_m::asm::wfe` does, or feed a watchdog.
    pub const fn with_wait(nor: N, wait: fn()) -> Self {
        Self { nor, wait }
    }

    /// Gives the driver back.
    pub fn release(self) -> N {
        self.nor
    }
}

/// Polls until there is a value.
fn wait_for<T>(future: impl Future<Output = T>, wait: fn()) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => wait(),
        }
    }
}

impl<N: ErrorType> ErrorType for Blocking<N> {
    type Error = N::Error;
}

impl<N: later::ReadNorFlash> ReadNorFlash for Blocking<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), N::Error> {
        wait_for(self.nor.read(offset, bytes), self.wait)
    }

    fn capacity(&self) -> usize {
        self.nor.capacity()
    }
}

impl<N: later::NorFlash> NorFlash for Blocking<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), N::Error> {
        wait_for(self.nor.erase(from, to), self.wait)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), N::Error> {
        wait_for(self.nor.write(offset, bytes), self.wait)
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocking, Context, ErrorType, Poll, later};
    use crate::storage::{Storage, flash::Flash};
    use core::sync::atomic::{AtomicU32, Ordering};
    use embedded_storage::nor_flash::NorFlashErrorKind;

    /// Eight blocks of 128 bytes that are busy for a while with each call.
    struct Slow([u8; 1024]);

    async fn be_busy() {
        let mut polls = 0;
        core::future::poll_fn(|_: &mut Context<'_>| {
            polls += 1;
            if polls > 3 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    impl ErrorType for Slow {
        type Error = NorFlashErrorKind;
    }

    impl later::ReadNorFlash for Slow {
        const READ_SIZE: usize = 1;
        async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
            be_busy().await;
            let from = offset as usize;
            let there =
                self.0.get(from..from + bytes.len()).ok_or(NorFlashErrorKind::OutOfBounds)?;
            bytes.copy_from_slice(there);
            Ok(())
        }
        fn capacity(&self) -> usize {
            self.0.len()
        }
    }

    impl later::NorFlash for Slow {
        const WRITE_SIZE: usize = 4;
        const ERASE_SIZE: usize = 128;
        async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
            be_busy().await;
            self.0[from as usize..to as usize].fill(0xFF);
            Ok(())
        }
        async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
            be_busy().await;
            if bytes == b"fail" {
                return Err(NorFlashErrorKind::Other);
            }
            self.0[offset as usize..][..bytes.len()].copy_from_slice(bytes);
            Ok(())
        }
    }

    #[test]
    fn each_call_waits_for_the_driver_and_hands_on_what_it_says() {
        static WAITS: AtomicU32 = AtomicU32::new(0);
        let wait = || {
            WAITS.fetch_add(1, Ordering::Relaxed);
        };
        let chip = Blocking::with_wait(Slow([0; 1024]), wait);
        let mut flash = Flash::new(chip, 0..1024, 128).unwrap();
        flash.erase(1).unwrap();
        flash.write(1, 4, b"word").unwrap();
        let mut out = [0; 12];
        flash.read(1, 0, &mut out).unwrap();
        assert_eq!(&out, b"\xFF\xFF\xFF\xFFword\xFF\xFF\xFF\xFF");
        assert!(flash.write(1, 8, b"fail").is_err());
        assert_eq!(WAITS.load(Ordering::Relaxed), 4 * 3);
        assert_eq!(&flash.release().release().0[132..136], b"word");
    }
}

//! The BBC micro:bit: an nRF51822, a Cortex-M0 whose program flash keeps the log in its upper half.

use super::sleep::Sleeper;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};
use trace::{PARTITION_SIZE, SECTOR_SIZE};
use tslog::storage::flash::Flash;

pub(super) const NAME: &str = "microbit";

/// What the log lives on.
pub type Medium = Flash<OnChip>;

/// The parts of the board that the programs use.
pub struct Board {
    /// The flash of the chip.
    pub nor: OnChip,
    /// The way to sleep.
    pub sleeper: Sleeper,
}

impl Board {
    /// The bytes behind the program as the medium of the log.
    pub fn split(self) -> Option<(Medium, Sleeper)> {
        let medium = Flash::new(self.nor, 0..PARTITION_SIZE, SECTOR_SIZE).ok()?;
        Some((medium, self.sleeper))
    }
}

/// The board, once; `None` ever after.
pub fn take() -> Option<Board> {
    let peripherals = cortex_m::Peripherals::take()?;
    Some(Board { nor: OnChip(()), sleeper: Sleeper::new(peripherals.SYST) })
}

/// The upper half of the flash, which `memory/microbit.x` leaves free.
const CAPACITY: usize = 128 * 1024;

const READ_ONLY: u32 = 0;
const WRITE: u32 = 1;
const ERASE: u32 = 2;

/// The free half of the flash.
#[derive(Debug)]
pub struct OnChip(());

/// Why the flash refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(NorFlashErrorKind);

impl NorFlashError for Refused {
    fn kind(&self) -> NorFlashErrorKind {
        self.0
    }
}

impl ErrorType for OnChip {
    type Error = Refused;
}

impl ReadNorFlash for OnChip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Refused> {
        check_read(self, offset, bytes.len()).map_err(Refused)?;
        for (at, byte) in (offset..).zip(bytes) {
            *byte = register::read(at);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl NorFlash for OnChip {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 1024;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        check_erase(self, from, to).map_err(Refused)?;
        register::configure(ERASE);
        (from..to).step_by(Self::ERASE_SIZE).for_each(register::erase_page);
        register::configure(READ_ONLY);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        check_write(self, offset, bytes.len()).map_err(Refused)?;
        register::configure(WRITE);
        let words = bytes.as_chunks().0;
        for (at, word) in (offset..).step_by(Self::WRITE_SIZE).zip(words) {
            register::program(at, u32::from_le_bytes(*word));
        }
        register::configure(READ_ONLY);
        Ok(())
    }
}

/// The registers of the flash controller, and the flash itself.
#[expect(unsafe_code, reason = "registers and flash are memory at fixed addresses")]
mod register {
    use core::ptr::with_exposed_provenance_mut;

    const READY: *const u32 = 0x4001_E400 as *const u32;
    const CONFIG: *mut u32 = 0x4001_E504 as *mut u32;
    const ERASE_PAGE: *mut u32 = 0x4001_E508 as *mut u32;

    /// Where the free half begins.
    const START: usize = 0x2_0000;

    fn wait() {
        // SAFETY: this is a register of the nRF51822's flash controller, always present.
        while unsafe { READY.read_volatile() } & 1 == 0 {}
    }

    pub(super) fn configure(mode: u32) {
        // SAFETY: as above; only this module touches the register.
        unsafe { CONFIG.write_volatile(mode) }
        wait();
    }

    pub(super) fn erase_page(at: u32) {
        let address = START + at as usize;
        // SAFETY: as above; the page lies in the half that holds no program, for the caller has
        // checked `at` against the capacity.
        unsafe { ERASE_PAGE.write_volatile(u32::try_from(address).unwrap_or(0)) }
        wait();
    }

    pub(super) fn program(at: u32, word: u32) {
        let address: *mut u32 = with_exposed_provenance_mut(START + at as usize);
        // SAFETY: the word lies in the half that holds no program and is aligned, for the caller
        // has checked both; the compiler knows of no object there.
        unsafe { address.write_volatile(word) }
        wait();
    }

    pub(super) fn read(at: u32) -> u8 {
        let address: *mut u8 = with_exposed_provenance_mut(START + at as usize);
        // SAFETY: the byte lies in the half that holds no program, for the caller has checked it.
        unsafe { address.read_volatile() }
    }
}

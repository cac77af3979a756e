//! The evaluation board of the AST1030, a Cortex-M4F with a 4 MiB SPI NOR flash (SST25VF032B) at
//! the first chip select of its flash controller, as QEMU's machine `ast1030-evb` has it.

use super::sleep::Sleeper;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};
use trace::{PARTITION_SIZE, SECTOR_SIZE};
use tslog::storage::flash::Flash;

pub(super) const NAME: &str = "ast1030-evb";

/// What the log lives on.
pub type Medium = Flash<SpiNor>;

/// The parts of the board that the programs use.
pub struct Board {
    /// The flash chip.
    pub nor: SpiNor,
    /// The way to sleep.
    pub sleeper: Sleeper,
}

impl Board {
    /// The first bytes of the chip as the medium of the log.
    pub fn split(self) -> Option<(Medium, Sleeper)> {
        let medium = Flash::new(self.nor, 0..PARTITION_SIZE, SECTOR_SIZE).ok()?;
        Some((medium, self.sleeper))
    }
}

/// The board, once; `None` ever after, and if the flash chip is not the one expected.
pub fn take() -> Option<Board> {
    let peripherals = cortex_m::Peripherals::take()?;
    Some(Board { nor: SpiNor::start()?, sleeper: Sleeper::new(peripherals.SYST) })
}

const CAPACITY: usize = 4 << 20;
const PAGE_SIZE: usize = 256;
const JEDEC_ID: [u8; 3] = [0xBF, 0x25, 0x4A];

const PROGRAM: u8 = 0x02;
const READ: u8 = 0x03;
const STATUS: u8 = 0x05;
const WRITE_ENABLE: u8 = 0x06;
const ERASE_4K: u8 = 0x20;
const ID: u8 = 0x9F;

const STATUS_BUSY: u8 = 1;

/// Chip-select control: the program drives the bus, and the chip is selected or not.
const SELECTED: u32 = 3;
const RELEASED: u32 = 7;

/// The flash chip.
#[derive(Debug)]
pub struct SpiNor(());

/// Why the flash refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(NorFlashErrorKind);

impl SpiNor {
    fn start() -> Option<Self> {
        register::allow_writes();
        let mut nor = Self(());
        let mut id = [0; 3];
        nor.transfer(&[ID], &[], &mut id);
        (id == JEDEC_ID).then_some(nor)
    }

    /// Selects the chip, sends, receives, and releases it.
    #[expect(clippy::unused_self, reason = "whoever has the chip has its registers")]
    fn transfer(&mut self, command: &[u8], data: &[u8], answer: &mut [u8]) {
        register::select(SELECTED);
        command.iter().chain(data).for_each(|&byte| register::send(byte));
        answer.fill_with(register::receive);
        register::select(RELEASED);
    }

    fn command_at(&mut self, command: u8, at: u32, data: &[u8], answer: &mut [u8]) {
        let [low, middle, high, _] = at.to_le_bytes();
        self.transfer(&[command, high, middle, low], data, answer);
    }

    /// Does what needs a permission each time, and waits for its end.
    fn change(&mut self, command: u8, at: u32, data: &[u8]) {
        self.transfer(&[WRITE_ENABLE], &[], &mut []);
        self.command_at(command, at, data, &mut []);
        let mut status = [STATUS_BUSY];
        while status[0] & STATUS_BUSY != 0 {
            self.transfer(&[STATUS], &[], &mut status);
        }
    }
}

impl NorFlashError for Refused {
    fn kind(&self) -> NorFlashErrorKind {
        self.0
    }
}

impl ErrorType for SpiNor {
    type Error = Refused;
}

impl ReadNorFlash for SpiNor {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Refused> {
        check_read(self, offset, bytes.len()).map_err(Refused)?;
        self.command_at(READ, offset, &[], bytes);
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl NorFlash for SpiNor {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        check_erase(self, from, to).map_err(Refused)?;
        for at in (from..to).step_by(Self::ERASE_SIZE) {
            self.change(ERASE_4K, at, &[]);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        check_write(self, offset, bytes.len()).map_err(Refused)?;
        // A program call must not leave its page: the chip would go on at the page's beginning.
        let (mut at, mut left) = (offset, bytes);
        while !left.is_empty() {
            let room = PAGE_SIZE - at as usize % PAGE_SIZE;
            let (page, rest) = left.split_at(room.min(left.len()));
            self.change(PROGRAM, at, page);
            at += u32::try_from(page.len()).unwrap_or(0);
            left = rest;
        }
        Ok(())
    }
}

/// The flash controller's registers.
#[expect(unsafe_code, reason = "registers are memory at fixed addresses")]
mod register {
    const CONF: *mut u32 = 0x7E62_0000 as *mut u32;
    const CONTROL: *mut u32 = 0x7E62_0010 as *mut u32;
    const WINDOW: *mut u8 = 0x8000_0000 as *mut u8;

    /// Without the write-enable bits of the chip selects every transfer is dropped.
    const CONF_WRITE_ENABLE: u32 = 7 << 16;

    pub(super) fn allow_writes() {
        // SAFETY: this is a register of the AST1030's flash controller, always present, and only
        // this module touches it.
        unsafe { CONF.write_volatile(CONF.read_volatile() | CONF_WRITE_ENABLE) }
    }

    pub(super) fn select(mode: u32) {
        // SAFETY: as above; both modes used here leave the bus to the program.
        unsafe { CONTROL.write_volatile(mode) }
    }

    pub(super) fn send(byte: u8) {
        // SAFETY: in the modes set above, a byte written to the window goes out on the bus, and
        // nothing in memory changes.
        unsafe { WINDOW.write_volatile(byte) }
    }

    pub(super) fn receive() -> u8 {
        // SAFETY: in the modes set above, a byte read from the window comes in from the bus.
        unsafe { WINDOW.read_volatile() }
    }
}

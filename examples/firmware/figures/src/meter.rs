//! Counting instructions and stack.
//!
//! QEMU runs with `-icount shift=3`: each instruction takes 8 ns of the board's time, and the
//! core's timer has ticks of 5 ns, so that a difference of ticks is a number of instructions.

use core::cell::Cell;
use cortex_m::peripheral::{SYST, syst::SystClkSource};
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

/// The timer counts down from here, and then from here again.
const TURN: u32 = 0x00FF_FFFF;

/// Instructions are this many eighths of ticks.
const EIGHTHS: u32 = 5;

/// What a call took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Instructions, those of the driver left out.
    pub log: u32,
    /// Instructions of the driver.
    pub driver: u32,
    /// Bytes of stack below the caller's, those of the driver included.
    pub stack: u32,
}

/// Starts the timer.
pub fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(TURN);
    timer.clear_current();
    timer.enable_counter();
}

/// Ticks since a moment, at most one turn.
fn since(start: u32) -> u32 {
    start.wrapping_sub(SYST::get_current()) & TURN
}

/// Ticks that the driver has taken.
#[derive(Debug, Default)]
pub struct Clock(Cell<u32>);

impl Clock {
    /// Makes a call and says what it took.
    pub fn measure<T>(&self, call: impl FnOnce() -> T) -> (T, Cost) {
        self.0.set(0);
        let painted = stack::paint();
        let start = SYST::get_current();
        let value = apart(call);
        let ticks = since(start);
        let driver = self.0.get();
        let instructions = |ticks: u32| ticks * EIGHTHS / 8;
        let cost = Cost {
            log: instructions(ticks - driver),
            driver: instructions(driver),
            stack: stack::used(painted),
        };
        (value, cost)
    }
}

/// Its own stack frame, so that what the caller keeps is not counted.
#[inline(never)]
fn apart<T>(call: impl FnOnce() -> T) -> T {
    call()
}

/// A driver whose instructions are told apart.
#[derive(Debug)]
pub struct Metered<'c, N> {
    /// The driver.
    pub nor: N,
    /// Where its ticks are summed up.
    pub clock: &'c Clock,
}

impl<N> Metered<'_, N> {
    fn call<T>(&mut self, call: impl FnOnce(&mut N) -> T) -> T {
        let start = SYST::get_current();
        let value = call(&mut self.nor);
        self.clock.0.set(self.clock.0.get() + since(start));
        value
    }
}

impl<N: ErrorType> ErrorType for Metered<'_, N> {
    type Error = N::Error;
}

impl<N: ReadNorFlash> ReadNorFlash for Metered<'_, N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), N::Error> {
        self.call(|nor| nor.read(offset, bytes))
    }

    fn capacity(&self) -> usize {
        self.nor.capacity()
    }
}

impl<N: NorFlash> NorFlash for Metered<'_, N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), N::Error> {
        self.call(|nor| nor.erase(from, to))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), N::Error> {
        self.call(|nor| nor.write(offset, bytes))
    }
}

/// Free stack is painted, and what is not paint afterwards was used.
#[expect(unsafe_code, reason = "free stack belongs to no object")]
mod stack {
    use core::ptr::with_exposed_provenance_mut;

    const PAINT: u32 = 0xDEAD_BEEF;

    /// Bytes that are painted, and the gap to the frame that paints.
    const DEPTH: usize = 8192;
    const GAP: usize = 128;

    /// Paints, and says where from.
    #[inline(never)]
    pub(super) fn paint() -> usize {
        let top = cortex_m::register::msp::read() as usize & !3;
        for at in (top - DEPTH..top - GAP).step_by(4) {
            // SAFETY: the board has far more stack than this below the pointer, nothing lives
            // there, and no interrupt handler runs in between that would use it.
            unsafe { with_exposed_provenance_mut::<u32>(at).write_volatile(PAINT) }
        }
        top
    }

    #[inline(never)]
    pub(super) fn used(top: usize) -> u32 {
        let is_paint = |at: &usize| {
            // SAFETY: as above; the words were written by `paint`.
            unsafe { with_exposed_provenance_mut::<u32>(*at).read_volatile() == PAINT }
        };
        let free = (top - DEPTH..top - GAP).step_by(4).take_while(is_paint).count();
        u32::try_from(DEPTH - 4 * free).unwrap_or(u32::MAX)
    }
}

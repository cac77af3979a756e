//! QEMU's RISC-V machine `virt`. Its flash does not behave as NOR flash does (a program sets bits
//! too), so that the log lives in RAM here: what this board shows is that the program builds.

use trace::{PARTITION_SIZE, SECTOR_SIZE};
use tslog::storage::ram::Ram;

pub(super) const NAME: &str = "virt";

/// What the log lives on.
pub type Medium = Ram<[u8; PARTITION_SIZE as usize]>;

/// The parts of the board that the programs use.
#[derive(Debug)]
pub struct Board(());

/// Waits in a loop: there is no timer set up.
#[derive(Debug)]
pub struct Sleeper(());

impl Board {
    /// Blank RAM as the medium of the log.
    #[expect(clippy::large_stack_arrays, reason = "the stack has most of 1 MiB")]
    pub fn split(self) -> Option<(Medium, Sleeper)> {
        Some((Ram::new([0xFF; PARTITION_SIZE as usize], SECTOR_SIZE, 4), Sleeper(())))
    }
}

impl Sleeper {
    /// Waits a little.
    pub fn sleep(&mut self) {
        (0..1000).for_each(|_| core::hint::spin_loop());
    }
}

/// The board.
pub fn take() -> Option<Board> {
    Some(Board(()))
}

/// The start code: a stack, and nothing else, for nothing here is initialised data.
#[expect(unsafe_code, reason = "the processor starts here, with no stack")]
mod start {
    // SAFETY: the stack is the end of the RAM that `memory/virt.x` gives, and `main` never returns.
    core::arch::global_asm!(
        ".section .init",
        ".global _start",
        "_start:",
        "la sp, _stack_start",
        "j main",
    );
}

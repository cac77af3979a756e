//! What the programs of this firmware share: the board, and the line to the host.
#![no_std]

pub mod board;
pub mod semihosting;

use core::panic::PanicInfo;
use semihosting::{Outcome, exit, say};

/// A panic is a bug of the firmware: it is told to the host, which sees a failure.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say(format_args!("{info}"));
    exit(Outcome::Failure)
}

//! What the programs of this firmware share: the board, and the line to the host.
#![no_std]

pub mod board;
pub mod semihosting;

use core::panic::PanicInfo;
use semihosting::{Outcome, exit};

/// Makes a function the one that the board starts with.
#[macro_export]
macro_rules! entry {
    ($start:path) => {
        #[cfg(target_arch = "arm")]
        #[cortex_m_rt::entry]
        fn main() -> ! {
            $start()
        }

        #[cfg(target_arch = "riscv32")]
        #[expect(unsafe_code, reason = "the start code jumps to this name")]
        #[unsafe(no_mangle)]
        extern "C" fn main() -> ! {
            $start()
        }
    };
}

/// A panic is a bug of the firmware: it is told to the host, which sees a failure.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    #[cfg(feature = "tell")]
    semihosting::say(format_args!("{info}"));
    #[cfg(not(feature = "tell"))]
    let _ = info;
    exit(Outcome::Failure)
}

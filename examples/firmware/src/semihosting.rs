//! Lines to the host, its command line, and the end of the program, through semihosting: the
//! debugger, or QEMU, stops the processor at a certain instruction and does what a register says.
//!
//! A board without a debugger would have a serial port here.

use core::fmt::{self, Write};

/// Bytes in the longest line; what is longer is cut.
const LINE_SIZE: usize = 192;

const SYS_OPEN: usize = 0x01;
const SYS_WRITE: usize = 0x05;
const SYS_GET_CMDLINE: usize = 0x15;
const SYS_EXIT: usize = 0x18;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The exit code of QEMU is 0.
    Success,
    /// The exit code of QEMU is 1.
    Failure,
}

/// Ends the program.
pub fn exit(outcome: Outcome) -> ! {
    let reason = match outcome {
        Outcome::Success => 0x2_0026,
        Outcome::Failure => 0x2_0023,
    };
    loop {
        call(SYS_EXIT, reason);
    }
}

/// Sends one line to the host, in one piece: once this returns, the host has all of it.
pub fn say(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LINE_SIZE], len: 0 };
    // A line that is too long is cut, which is all that can go wrong here.
    let _ = line.write_fmt(text);
    line.end();
    let console = [c":tt".as_ptr().addr(), 4, 3];
    let handle = call(SYS_OPEN, console.as_ptr().addr());
    let block = [handle, line.bytes.as_ptr().addr(), line.len];
    call(SYS_WRITE, block.as_ptr().addr());
}

/// The number that the host gave as the last word of the command line, if it gave one.
pub fn argument() -> Option<u32> {
    let mut text = [0_u8; 64];
    let mut block = [text.as_mut_ptr().addr(), text.len()];
    let failed = call(SYS_GET_CMDLINE, block.as_mut_ptr().addr()) != 0;
    // The host has written to both behind the compiler's back.
    let (text, block) = (core::hint::black_box(text), core::hint::black_box(block));
    let text = text.get(..block[1]).filter(|_| !failed)?;
    let text = str::from_utf8(text).ok()?;
    text.trim_end_matches('\0').rsplit(' ').next()?.parse().ok()
}

struct Line {
    bytes: [u8; LINE_SIZE],
    len: usize,
}

impl Line {
    fn end(&mut self) {
        self.len = self.len.min(LINE_SIZE - 1);
        if let Some(last) = self.bytes.get_mut(self.len) {
            *last = b'\n';
        }
        self.len += 1;
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// The call itself. What it does, and what `argument` is, depends on `operation`.
#[expect(unsafe_code, reason = "the call is an instruction of its own")]
fn call(operation: usize, argument: usize) -> usize {
    let result;
    // SAFETY: the operations above read their blocks, and those that write do so to buffers that
    // are alive and as long as the block says; the instruction changes nothing but the first
    // register.
    #[cfg(target_arch = "arm")]
    unsafe {
        core::arch::asm!(
            "bkpt #0xAB",
            inlateout("r0") operation => result,
            in("r1") argument,
            options(nostack, preserves_flags),
        );
    }
    // SAFETY: as above; the three instructions are the form that the debugger looks for, which
    // must not be compressed nor lie across a page.
    #[cfg(target_arch = "riscv32")]
    unsafe {
        core::arch::asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli zero, zero, 0x1f",
            "ebreak",
            "srai zero, zero, 7",
            ".option pop",
            inlateout("a0") operation => result,
            in("a1") argument,
            options(nostack),
        );
    }
    result
}

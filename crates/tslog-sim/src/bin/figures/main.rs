//! Measures what a log costs, and prints one `name value unit` a line.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a person, and to `cargo xtask`"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made has nothing better to do"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "figures are far below 2^52"
)]

mod flash;

use std::process::ExitCode;

/// Prints figures, one a line.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    count: u32,
}

impl Figures {
    /// Prints one figure.
    pub(crate) fn add(&mut self, group: &str, name: &str, value: f64, unit: &str) {
        self.count += 1;
        let digits = if value.fract() == 0.0 { 0 } else { 3 };
        println!("{group}_{name} {value:.digits$} {unit}");
    }
}

/// The record of number `seqn`: the number, a product of it, then bytes that count up.
pub(crate) fn payload(seqn: u64, out: &mut [u8]) {
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = at as u8;
    }
    let mixed = seqn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for (chunk, value) in out.chunks_mut(8).zip([seqn, mixed]) {
        chunk.copy_from_slice(&value.to_le_bytes()[..chunk.len()]);
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args == ["flash"] {
        flash::run(&mut Figures::default());
        return ExitCode::SUCCESS;
    }
    eprintln!("usage: figures flash");
    ExitCode::from(2)
}

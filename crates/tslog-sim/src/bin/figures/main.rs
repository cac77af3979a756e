//! Measures what a log costs, and prints one `name value unit` a line.
//!
//! A name is in lower case: the figure, the bytes in a record (`16b`), the records in a commit
//! (`k16`), and what is measured. `cargo xtask figures` knows the bars by these names.
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

mod counts;
mod flash;
mod linux;

use std::process::ExitCode;

/// Prints one figure. It is rounded up, so that no bar holds by the rounding.
pub(crate) fn figure(name: &str, value: f64, unit: &str) {
    println!("{name} {} {unit}", digits(value));
}

fn digits(value: f64) -> String {
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    // What is a multiple of 1/1000 but for the error of its division stays what it is.
    format!("{:.3}", (value * 1000.0 - 1e-6).ceil() / 1000.0)
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
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["flash"] => flash::run(),
        ["counts"] => return counts::run(),
        ["counts", part, folder, records] if counts::run_part(part, folder, records) => {}
        ["linux"] => return linux::run(),
        ["linux", part, ref rest @ ..] if linux::run_part(part, rest) => {}
        _ => {
            eprintln!("usage: figures counts|flash|linux");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_rounded_up_and_never_below_its_bar() {
        assert_eq!(digits(1.050_01), "1.051");
        assert_eq!(digits(1.05), "1.050");
        assert_eq!(digits(2.0), "2");
        assert_eq!(digits(0.0), "0");
        assert_eq!(digits(4.1 / 10.0 * 10.0), "4.100");
    }

    #[test]
    fn records_of_different_numbers_differ() {
        let (mut one, mut two) = ([0; 16], [0; 16]);
        payload(1, &mut one);
        payload(2, &mut two);
        assert_ne!(one, two);
        assert_eq!(one[..8], 1_u64.to_le_bytes());
    }
}

//! Runs a program of the firmware in QEMU, on a flash chip in the file `board.nor`: what
//! `cargo emulate` does. The first argument is the program, the second how many wakes.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use torture::Failure;
use torture::emulator::{make_chip, not_started, qemu, semihosting};

/// How many wakes the node goes through if nobody says.
const WAKES: &str = "40";

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = env::args().skip(1);
    let program = arguments.next().ok_or("the program to run is missing")?;
    let wakes = arguments.next().unwrap_or_else(|| WAKES.to_owned());
    let chip = Path::new("board.nor");
    torture::needs::emulator()?;
    make_chip(chip)?;
    let mut qemu = qemu(Path::new(&program), chip);
    qemu.arg("-semihosting-config").arg(semihosting(Some(&wakes)));
    let status = qemu.status().map_err(|error| not_started(&error))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

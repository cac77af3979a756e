//! Builds the firmware for every board and runs it in QEMU: the sensor node, the one on embassy,
//! and the check of the driver.
//!
//! What is missing on the machine is installed. The figures tell that it was done.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program that reports")]

use std::path::Path;
use std::process::ExitCode;

use torture::emulator::{make_chip, not_started, qemu, semihosting};
use torture::{Failure, TARGET, build_for, needs, target_dir};

/// Every board, by its target.
const TARGETS: [&str; 3] = [TARGET, "thumbv6m-none-eabi", "riscv32imc-unknown-none-elf"];

/// Wakes of the sensor node.
const WAKES: &str = "300";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    needs::emulator()?;
    for target in TARGETS {
        let program = build_for(target, "firmware", "logger", "release")?;
        eprintln!("linked {}", program.display());
    }
    println!("firmware_boards_linked {} count", TARGETS.len());
    let dir = target_dir()?.join("run");
    std::fs::create_dir_all(&dir)?;
    for (package, program) in [("firmware", "logger"), ("embassy", "node")] {
        let chip = dir.join(format!("{program}.nor"));
        let elf = build_for(TARGET, package, program, "release")?;
        // The second start finds what the first has left.
        for _ in 0..2 {
            start(&elf, &chip)?;
        }
    }
    let chip = dir.join("contract.nor");
    let told = output(&build_for(TARGET, "firmware", "contract", "release")?, &chip)?;
    eprintln!("{}", told.trim());
    println!("firmware_programs_run 3 count");
    Ok(())
}

fn start(program: &Path, chip: &Path) -> Result<(), Failure> {
    let text = output(program, chip)?;
    let told = |start: &str| text.lines().find(|line| line.starts_with(start));
    match (told("opened"), told("closed")) {
        (Some(opened), Some(closed)) => {
            eprintln!("{}: {opened}; {closed}", program.display());
            Ok(())
        }
        _ => Err(format!("{} failed: {text}", program.display()).into()),
    }
}

/// Runs a program to its end and gives what it said.
fn output(program: &Path, chip: &Path) -> Result<String, Failure> {
    make_chip(chip)?;
    let mut qemu = qemu(program, chip);
    qemu.arg("-semihosting-config").arg(semihosting(Some(WAKES)));
    let output = qemu.output().map_err(|error| not_started(&error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("{} failed: {text}", program.display()).into())
    }
}

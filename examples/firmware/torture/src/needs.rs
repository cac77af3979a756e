//! What a fresh machine lacks: it is installed, by its name.

use std::process::{Command, Stdio};

use crate::Failure;

/// The library for a microcontroller, by rustup.
pub fn target(target: &str) -> Result<(), Failure> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    // Without rustup, the toolchain has what its distribution gave it.
    let Ok(installed) = installed else { return Ok(()) };
    if String::from_utf8_lossy(&installed.stdout).lines().any(|line| line == target) {
        return Ok(());
    }
    run("rustup", &["target", "add", target])
}

/// The emulator, by apt.
pub fn emulator() -> Result<(), Failure> {
    const PACKAGE: &str = "qemu-system-arm";
    let there = || {
        let mut probe = Command::new(PACKAGE);
        probe.arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let install = ["install", "--yes", "--no-install-recommends", PACKAGE];
    // The list of a fresh Debian is empty, hence the second try.
    for arguments in [&install[..], &["update"], &install] {
        if there() {
            return Ok(());
        }
        let _ = run("apt-get", arguments);
    }
    if there() {
        return Ok(());
    }
    Err(format!("{PACKAGE} does not run; on Debian: apt-get install {PACKAGE}").into())
}

/// Runs a command, whose output goes where no figure is looked for.
fn run(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err(format!("this failed: {program} {}", arguments.join(" ")).into())
    }
}

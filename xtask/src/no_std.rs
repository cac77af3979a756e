//! The proof that the core needs neither the standard library nor a heap.

use crate::sh::{self, Failure};

/// Microcontrollers the core is built for where their libraries can be had: the smallest, without
/// atomic read-modify-write, and one with a floating-point unit.
const TARGETS: [&str; 2] = ["thumbv6m-none-eabi", "thumbv7em-none-eabihf"];

/// Builds the core as firmware gets it, links and runs it in a program without `std` and `alloc`,
/// and builds it for microcontrollers.
///
/// A library builds happily while something it depends on uses `std`; only a program with its own
/// panic handler and no allocator fails to build then. So the linked program is the proof, on every
/// machine. Where the toolchain's registry has no libraries for microcontrollers it stands in for
/// those builds, and this is said.
pub(crate) fn check() -> Result<(), Failure> {
    for features in ["", " --features flash", " --features flash,derive"] {
        sh::run(&format!("cargo build --package tslog --no-default-features{features}"))?;
    }
    for features in ["", " --features flash,derive"] {
        sh::run(&format!(
            "cargo run --quiet --manifest-path xtask/no_std_check/Cargo.toml \
             --target-dir target/no_std_check{features}"
        ))?;
    }
    for target in TARGETS {
        if is_installed(target) || sh::run(&format!("rustup target add {target}")).is_ok() {
            sh::run(&format!(
                "cargo build --package tslog --no-default-features --features flash,derive \
                 --target {target}"
            ))?;
        } else {
            println!("note: {target} cannot be had here; the linked program above stands in");
        }
    }
    Ok(())
}

fn is_installed(target: &str) -> bool {
    let installed = sh::output("rustup target list --installed").unwrap_or_default();
    installed.lines().any(|line| line == target)
}

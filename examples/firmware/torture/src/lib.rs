//! A board in QEMU, with a flash chip in a file.

pub mod elf;
pub mod emulator;
pub mod needs;
pub mod node;
pub mod rng;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whatever went wrong, told to a person.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The target of the board with the flash chip.
pub const TARGET: &str = "thumbv7em-none-eabihf";

/// The folder of the firmware's workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Builds one of the firmware's programs for the board with the flash chip and says where it is.
pub fn build(package: &str, program: &str, profile: &str) -> Result<PathBuf, Failure> {
    build_for(TARGET, package, program, profile)
}

/// Builds one of the firmware's programs for `target`, which is installed if it is missing.
pub fn build_for(
    target: &str,
    package: &str,
    program: &str,
    profile: &str,
) -> Result<PathBuf, Failure> {
    needs::target(target)?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--quiet", "--target", target]);
    cargo.args(["--package", package, "--bin", program, "--profile", profile]);
    if program == "contract" {
        cargo.args(["--features", "contract"]);
    }
    cargo.env("CARGO_TARGET_DIR", target_dir()?);
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("{cargo:?} failed").into());
    }
    Ok(target_dir()?.join(target).join(profile).join(program))
}

/// Where cargo puts what it builds: two folders above this program.
pub fn target_dir() -> Result<PathBuf, Failure> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("this program lies in no target folder")?;
    Ok(target.to_owned())
}

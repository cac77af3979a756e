//! Picks the board by the target and hands its memory map to the linker.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rustc-check-cfg=cfg(board, values(\"ast1030\", \"microbit\", \"virt\"))");
    println!("cargo::rerun-if-changed=memory");
    let variable = |name| env::var(name).map_err(io::Error::other);
    let (target, out) = (variable("TARGET")?, variable("OUT_DIR")?);
    let board = match target.as_str() {
        "thumbv7em-none-eabihf" => "ast1030",
        "thumbv6m-none-eabi" => "microbit",
        "riscv32imc-unknown-none-elf" => "virt",
        _ => return Ok(()),
    };
    println!("cargo::rustc-cfg=board=\"{board}\"");
    println!("cargo::rustc-link-search={out}");
    fs::copy(format!("memory/{board}.x"), Path::new(&out).join("memory.x"))?;
    // cortex-m-rt brings `link.x`, which includes `memory.x`; without it the map is the script.
    let script = if board == "virt" { "memory.x" } else { "link.x" };
    println!("cargo::rustc-link-arg-bins=-T{script}");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    Ok(())
}

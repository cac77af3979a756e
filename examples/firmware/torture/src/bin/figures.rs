//! Weighs the log in the firmware and counts what its calls cost, and compares with the bars.
//!
//! Each figure is a line `name value unit`. The size of a thing is that of a program with it, less
//! that of the same program without. Instructions are those of the log alone; those of the driver
//! have lines of their own.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program that reports")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use torture::elf::Sizes;
use torture::emulator::{CHIP_SIZE, not_started, qemu, semihosting};
use torture::{Failure, build, needs, target_dir};

/// How the programs are built: the smallest, and the next.
const PROFILES: [(&str, &str); 2] = [("z", "release"), ("s", "release-s")];

/// What is weighed.
const PARTS: [&str; 4] = ["open", "log", "formats", "queue"];

/// What the log may cost, in the smallest build.
const BARS: [(&str, u64); 4] = [
    ("firmware_z_open_text", 12 * 1024),
    ("firmware_z_log_text", 12 * 1024),
    ("firmware_z_ram_log", 160),
    ("firmware_z_stack_most", 1024),
];

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failure> {
    needs::emulator()?;
    let mut figures = Figures::default();
    for (level, profile) in PROFILES {
        weigh(&mut figures, level, profile)?;
        count(&mut figures, level, profile)?;
    }
    let mut good = true;
    for (name, bar) in BARS {
        let value = figures.0.get(name).copied().ok_or_else(|| format!("{name} is missing"))?;
        let met = value <= bar;
        good &= met;
        eprintln!("bar: {name} at most {bar}: {value} is {}", if met { "met" } else { "MISSED" });
    }
    Ok(good)
}

#[derive(Default)]
struct Figures(BTreeMap<String, u64>);

impl Figures {
    fn add(&mut self, name: String, value: u64, unit: &str) {
        println!("{name} {value} {unit}");
        self.0.insert(name, value);
    }
}

fn weigh(figures: &mut Figures, level: &str, profile: &str) -> Result<(), Failure> {
    let size = |program| -> Result<Sizes, Failure> {
        Sizes::of(&fs::read(build("figures", program, profile)?)?)
    };
    let none = size("none")?;
    figures.add(format!("firmware_{level}_without_log_text"), none.text, "bytes");
    for part in PARTS {
        let with = size(part)?;
        let name = |what| format!("firmware_{level}_{part}_{what}");
        figures.add(name("text"), with.text - none.text, "bytes");
        figures.add(name("constants"), with.constants - none.constants, "bytes");
        figures.add(name("variables"), with.variables - none.variables, "bytes");
    }
    Ok(())
}

fn count(figures: &mut Figures, level: &str, profile: &str) -> Result<(), Failure> {
    let program = build("figures", "cost", profile)?;
    let dir = target_dir()?.join("figures");
    fs::create_dir_all(&dir)?;
    let chip = dir.join("board.nor");
    fs::write(&chip, vec![0xFF; CHIP_SIZE])?;
    let output = watch(&program, &chip)?;
    let mut deepest = 0;
    for line in output.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let &[name, value, unit] = words.as_slice() else {
            return Err(format!("the firmware said \"{line}\"").into());
        };
        let value: u64 = value.parse()?;
        if name.ends_with("_stack") {
            deepest = value.max(deepest);
        }
        figures.add(format!("firmware_{level}_{name}"), value, unit);
    }
    figures.add(format!("firmware_{level}_stack_most"), deepest, "bytes");
    Ok(())
}

fn watch(program: &Path, chip: &Path) -> Result<String, Failure> {
    let mut qemu = qemu(program, chip);
    qemu.arg("-semihosting-config").arg(semihosting(None));
    let output = qemu.output().map_err(|error| not_started(&error))?;
    let text = String::from_utf8(output.stdout)?;
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("the firmware failed: {text}").into())
    }
}

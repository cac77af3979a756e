//! Cuts the power of the sensor node over and over, and lets the host's own tool judge the chip.
//!
//! Boots the logger, cuts it off at some instruction, boots it again on the same chip, and compares
//! each line with what the lines before allow. In the end `tslog` opens the file of the chip and
//! must agree with the firmware. The figures go to standard output, all else to standard error.
//!
//! A boot that fails leaves the chip as that boot found it, and what the node had said until then;
//! `--chip` starts from there.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program that reports")]

use std::env;
use std::fs;
use std::hint;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use torture::emulator::{CHIP_SIZE, Emulator, check_complaints, make_chip};
use torture::node::{Node, Tally};
use torture::rng::Rng;
use torture::{Failure, build, needs, target_dir, workspace};
use trace::{PARTITION_SIZE, Reading, SECTOR_SIZE};

const USAGE: &str = "usage: torture [--size quick|ci|release] [--boots N] [--seed S] [--chip FILE]";

/// How long a boot may go on before it is cut anyway.
const LONGEST_BOOT: Duration = Duration::from_secs(20);

/// Within this time of the first instruction the log is mostly open.
const OPENING_US: u64 = 15_000;

/// Within this time of a line there mostly come a few more.
const LINE_US: u64 = 500;

/// What to do.
struct Task {
    boots: u64,
    seed: u64,
    /// A chip that a failed boot left.
    chip: Option<PathBuf>,
}

impl Task {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut task = Self { boots: 200, seed: 1, chip: None };
        while let Some(word) = words.next() {
            let value = words.next()?;
            match word.as_str() {
                "--size" => {
                    task.boots = match value.as_str() {
                        "quick" => 20,
                        "ci" => 200,
                        "release" => 1000,
                        _ => return None,
                    };
                }
                "--boots" => task.boots = value.parse().ok()?,
                "--seed" => task.seed = value.parse().ok()?,
                "--chip" => (task.chip, task.boots) = (Some(value.into()), 1),
                _ => return None,
            }
        }
        Some(task)
    }
}

fn main() -> ExitCode {
    let Some(task) = Task::read(env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let tried = torture(&task);
    println!("firmware_violations {} count", u8::from(tried.is_err()));
    println!("firmware_seconds {:.1} s", begun.elapsed().as_secs_f64());
    match tried {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn torture(task: &Task) -> Result<(), Failure> {
    needs::emulator()?;
    let program = build("firmware", "logger", "release")?;
    let dir = target_dir()?.join("torture");
    fs::create_dir_all(&dir)?;
    let chip = dir.join("board.nor");
    let (mut node, mut rng) = (Node::default(), Rng::new(task.seed));
    if let Some(left) = &task.chip {
        node = Node::read(&fs::read_to_string(left.with_extension("node"))?)?;
        fs::copy(left, &chip)?;
    } else {
        if chip.exists() {
            fs::remove_file(&chip)?;
        }
        make_chip(&chip)?;
    }
    for boot in 1..=task.boots {
        let (before, said) = (partition(&chip)?, node.clone());
        let cut = one_boot(&program, &chip, &dir, &mut node, &mut rng);
        if let Err(error) = cut {
            let left = dir.join("failed.nor");
            keep(&left, &before, &said)?;
            return Err(format!(
                "boot {boot} of seed {}: {error}\nRun again: cargo run --manifest-path \
                 examples/firmware/Cargo.toml -p torture --bin torture -- --chip {}",
                task.seed,
                left.display()
            )
            .into());
        }
    }
    let last = Emulator::start(&program, &chip, Some("1"), &dir)?;
    finish(last, &mut node)?;
    judge(&chip, &node)?;
    print(task.boots, &node);
    Ok(())
}

/// Boots, cuts, and compares what was said.
fn one_boot(
    program: &Path,
    chip: &Path,
    dir: &Path,
    node: &mut Node,
    rng: &mut Rng,
) -> Result<(), Failure> {
    let emulator = Emulator::start(program, chip, None, dir)?;
    let lines = cut_somewhere(emulator, node, rng)?;
    lines.iter().try_for_each(|line| node.hear(line))?;
    check_complaints(dir)
}

/// The bytes of the log on the chip.
fn partition(chip: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = fs::read(chip)?;
    bytes.truncate(PARTITION_SIZE as usize);
    Ok(bytes)
}

/// Keeps a chip as a boot found it, and what the node had said.
fn keep(path: &Path, partition: &[u8], node: &Node) -> Result<(), Failure> {
    let mut bytes = partition.to_vec();
    bytes.resize(CHIP_SIZE, 0xFF);
    fs::write(path, bytes)?;
    fs::write(path.with_extension("node"), node.write())?;
    Ok(())
}

/// Lets the node run for a while that ends anywhere: in the first instructions, while the log is
/// opened, after some line, or asleep. Returns the lines nobody has heard yet.
fn cut_somewhere(
    mut emulator: Emulator,
    node: &mut Node,
    rng: &mut Rng,
) -> Result<Vec<String>, Failure> {
    emulator.run()?;
    let longest_us = if rng.below(4) == 0 {
        OPENING_US
    } else {
        let until = Instant::now() + LONGEST_BOOT;
        for _ in 0..rng.below(400) {
            match emulator.line(until) {
                Some(line) => node.hear(&line)?,
                None => break,
            }
        }
        LINE_US
    };
    // Shorter than what a thread can sleep.
    let until = Instant::now() + Duration::from_micros(rng.below(longest_us));
    while Instant::now() < until {
        hint::spin_loop();
    }
    emulator.cut()
}

/// Lets the node close its log in order.
fn finish(mut emulator: Emulator, node: &mut Node) -> Result<(), Failure> {
    emulator.run()?;
    let lines = emulator.end()?;
    lines.iter().try_for_each(|line| node.hear(line))?;
    if lines.last().is_some_and(|line| line.starts_with("closed ")) {
        Ok(())
    } else {
        Err(format!("the node did not close its log: {lines:?}").into())
    }
}

/// The host's tool must find in the chip's file what the node said.
fn judge(chip: &Path, node: &Node) -> Result<(), Failure> {
    let verdict = tslog("verify", chip, "--json")?;
    eprintln!("tslog verify: {}", verdict.trim());
    let table = tslog("cat", chip, "--csv")?;
    let mut seqn = node.oldest;
    for line in table.lines().skip(1) {
        let Reading { time, temperature, humidity, pressure } = Reading::sample(seqn);
        let expected = format!("{seqn},{time},{temperature},{humidity},{pressure}");
        if line != expected {
            return Err(format!("tslog cat printed {line}, and the node has {expected}").into());
        }
        seqn += 1;
    }
    if seqn != node.committed + 1 {
        return Err(format!("tslog cat ends before {seqn}, the node at {node:?}").into());
    }
    eprintln!("tslog cat: records {} to {} as they were stored", node.oldest, node.committed);
    Ok(())
}

/// Runs the host's tool on the file of the chip; an exit code other than 0 is a failure.
fn tslog(command: &str, chip: &Path, how: &str) -> Result<String, Failure> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace().join("../.."));
    cargo.args(["run", "--quiet", "--package", "tslog-cli", "--", command]).arg(chip);
    cargo.args(["--image", "--sector-size", &SECTOR_SIZE.to_string(), how]);
    let output = cargo.output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(
            format!("tslog {command} ended with {}: {complaint}{text}", output.status).into()
        );
    }
    Ok(text)
}

fn print(boots: u64, node: &Node) {
    let Tally { opened, torn, untold, untold_cursors, headers, received } = node.tally;
    for (name, value) in [
        ("runs", boots),
        ("boots_cut_before_opening", boots + 1 - opened),
        ("boots_that_found_a_torn_tail", torn),
        ("boots_that_found_an_untold_commit", untold),
        ("boots_that_found_an_untold_cursor", untold_cursors),
        ("boots_that_found_a_damaged_header", headers),
        ("records_committed", node.committed),
        ("records_sent_and_compared", received),
    ] {
        println!("firmware_{name} {value} count");
    }
}

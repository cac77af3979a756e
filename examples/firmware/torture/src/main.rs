//! Cuts the power of the sensor node over and over, and lets the host's own tool judge the chip.
//!
//! `torture [BOOTS] [SEED]`: boots the logger, cuts it off at some instruction, boots it again on
//! the same chip, and compares each line with what the lines before allow. In the end `tslog`
//! opens the file of the chip and must agree with the firmware.
#![expect(clippy::print_stdout, reason = "this is a program that reports")]

use std::env;
use std::fs;
use std::hint;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use torture::emulator::{Emulator, check_complaints, make_chip};
use torture::node::{Node, Tally};
use torture::rng::Rng;
use torture::{Failure, build, target_dir, workspace};
use trace::{Reading, SECTOR_SIZE};

/// Boots if nobody says.
const BOOTS: u64 = 200;

/// How long a boot may go on before it is cut anyway.
const LONGEST_BOOT: Duration = Duration::from_secs(20);

/// Within this time of the first instruction the log is mostly open.
const OPENING_US: u64 = 15_000;

/// Within this time of a line there mostly come a few more.
const LINE_US: u64 = 500;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse());
    let (boots, seed) = match (arguments.next(), arguments.next()) {
        (None, None) => (BOOTS, 1),
        (Some(Ok(boots)), None) => (boots, 1),
        (Some(Ok(boots)), Some(Ok(seed))) => (boots, seed),
        _ => {
            println!("usage: torture [BOOTS] [SEED]");
            return ExitCode::FAILURE;
        }
    };
    match torture(boots, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn torture(boots: u64, seed: u64) -> Result<(), Failure> {
    let program = build("firmware", "logger", "release")?;
    let dir = target_dir()?.join("torture");
    fs::create_dir_all(&dir)?;
    let chip = dir.join("board.nor");
    if chip.exists() {
        fs::remove_file(&chip)?;
    }
    make_chip(&chip)?;
    let (mut node, mut rng) = (Node::default(), Rng::new(seed));
    for boot in 1..=boots {
        let emulator = Emulator::start(&program, &chip, None, &dir)?;
        let lines = cut_somewhere(emulator, &mut node, &mut rng);
        let told = lines.and_then(|lines| lines.iter().try_for_each(|line| node.hear(line)));
        told.and_then(|()| check_complaints(&dir))
            .map_err(|error| format!("boot {boot} of seed {seed}: {error}"))?;
    }
    let last = Emulator::start(&program, &chip, Some("1"), &dir)?;
    finish(last, &mut node)?;
    judge(&chip, &node)?;
    print(boots, &node);
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
    println!("tslog verify: {}", verdict.trim());
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
    println!("tslog cat: records {} to {} as they were stored", node.oldest, node.committed);
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
        ("boots", boots),
        ("boots_cut_before_opening", boots + 1 - opened),
        ("boots_that_found_a_torn_tail", torn),
        ("boots_that_found_an_untold_commit", untold),
        ("boots_that_found_an_untold_cursor", untold_cursors),
        ("boots_that_found_a_damaged_header", headers),
        ("records_committed", node.committed),
        ("records_sent_and_compared", received),
    ] {
        println!("torture_{name} {value} count");
    }
}

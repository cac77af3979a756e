//! Tries crash states until there are enough, and says how many were wrong.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a person, and to `cargo xtask`"
)]

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tslog_sim::harness::{self, Case, Kind, Violation};
use tslog_sim::trail;

const USAGE: &str = "\
usage: crash [--states N] [--seed S] [--medium nor|fixed|named|folder] [--threads T]
       crash --medium M --seed S --cut N --variant V     replays one case, step by step";

/// Violations after which it is pointless to go on.
const VIOLATIONS_MAX: usize = 20;

#[derive(Debug)]
struct Args {
    states: u64,
    seed: u64,
    kinds: Vec<Kind>,
    threads: u64,
    cut: Option<u64>,
    variant: u64,
}

/// What all threads share.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    states: [AtomicU64; Kind::ALL.len()],
    violations: Mutex<Vec<Violation>>,
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    harness::keep_panics();
    match (args.cut, args.kinds.as_slice()) {
        (Some(cut), &[kind]) => replay(Case { kind, seed: args.seed, cut, variant: args.variant }),
        _ => search(&args),
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args {
        states: 1_000_000,
        seed: 1,
        kinds: Kind::ALL.to_vec(),
        threads: 2,
        cut: None,
        variant: 0,
    };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || {
            let hex = value.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16));
            hex.unwrap_or_else(|| value.replace('_', "").parse())
                .map_err(|error| format!("{word} {value}: {error}"))
        };
        match word.as_str() {
            "--states" => args.states = number()?,
            "--seed" => args.seed = number()?,
            "--threads" => args.threads = number()?,
            "--cut" => args.cut = Some(number()?),
            "--variant" => args.variant = number()?,
            "--medium" => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == value);
                args.kinds = vec![kind.ok_or_else(|| format!("there is no medium {value}"))?];
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(args)
}

/// Tries seed after seed on all media in turn.
fn search(args: &Args) -> ExitCode {
    let tally = Tally::default();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..args.threads).map(|_| scope.spawn(|| work(args, &tally))).collect();
        while std::io::stderr().is_terminal() && workers.iter().any(|worker| !worker.is_finished())
        {
            std::thread::park_timeout(Duration::from_millis(200));
            eprint!("\r{} states, {:.0} s ", total(&tally), begun.elapsed().as_secs_f64());
        }
    });
    let violations = tally.violations.into_inner().unwrap_or_default();
    for violation in &violations {
        eprintln!("violation: {violation}");
    }
    for (kind, states) in Kind::ALL.iter().zip(&tally.states) {
        println!("crash_states_{} {} count", kind.name(), states.load(Ordering::Relaxed));
    }
    let states: u64 = tally.states.iter().map(|states| states.load(Ordering::Relaxed)).sum();
    println!("crash_time {:.1} s", begun.elapsed().as_secs_f64());
    println!("crash_states {states} count");
    println!("crash_violations {} count", violations.len());
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn total(tally: &Tally) -> u64 {
    tally.states.iter().map(|states| states.load(Ordering::Relaxed)).sum()
}

fn work(args: &Args, tally: &Tally) {
    while total(tally) < args.states {
        let turn = tally.next.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(turn % args.kinds.len() as u64).unwrap_or(0);
        let kind = args.kinds[at];
        let outcome = harness::campaign(kind, args.seed + turn / args.kinds.len() as u64);
        tally.states[kind as usize].fetch_add(outcome.states, Ordering::Relaxed);
        let Ok(mut violations) = tally.violations.lock() else { return };
        violations.extend(outcome.violations);
        if violations.len() >= VIOLATIONS_MAX {
            return;
        }
    }
}

/// Runs one case and tells what it did.
fn replay(case: Case) -> ExitCode {
    trail::leave_trail();
    let outcome = harness::replay(case);
    for line in trail::trail() {
        println!("{line}");
    }
    for violation in &outcome.violations {
        eprintln!("violation: {violation}");
    }
    println!("crash_states {} count", outcome.states);
    println!("crash_violations {} count", outcome.violations.len());
    if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

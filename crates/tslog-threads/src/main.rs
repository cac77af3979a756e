//! Tries the protocols between the threads of a log, which are compiled here over the primitives of
//! two checkers: loom tries every schedule of a story, shuttle many at random.
//!
//! `threads [--size quick|ci|release] [--seed S] [--story NAME]` prints how many schedules were
//! tried and how many went wrong.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a person, and to `cargo xtask`"
)]
#![expect(clippy::duplicate_mod, reason = "the same code over the primitives of two checkers")]

mod every;
mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use shuttle::scheduler::RandomScheduler;

/// What is asked for.
struct Options {
    size: String,
    seed: u64,
    story: Option<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = match parse(&words) {
        Ok(options) => options,
        Err(message) => {
            eprintln!(
                "{message}\nusage: threads [--size quick|ci|release] [--seed S] [--story NAME]"
            );
            return ExitCode::from(2);
        }
    };
    let begun = Instant::now();
    let (mut every, mut random, mut violations) = (0, 0, 0);
    let schedules = match options.size.as_str() {
        "quick" => 1_000,
        "ci" => 100_000,
        _ => 1_000_000,
    };
    let replay = |name: &str| {
        format!("{REPLAY} --size {} --seed {} --story {name}", options.size, options.seed)
    };
    let chosen = |(name, _): &&Story| options.story.as_ref().is_none_or(|story| story == name);
    // Shuttle hears of panics from its first run on, and those of loom are none of its own.
    for &(name, act) in every::stories::STORIES.iter().filter(chosen) {
        let tried = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&tried);
        violations += violated("loom", &replay(name), || {
            loom::model::Builder::new().check(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                act();
            });
        });
        every += tried.load(Ordering::Relaxed);
        eprintln!("{name}: {} schedules in all", tried.load(Ordering::Relaxed));
    }
    let each = schedules / random::stories::STORIES.len() + 1;
    for &(name, act) in random::stories::STORIES.iter().filter(chosen) {
        violations += violated("shuttle", &replay(name), || {
            let at_random = RandomScheduler::new_from_seed(options.seed, each);
            let mut config = shuttle::Config::new();
            config.silence_warnings = true;
            random += shuttle::Runner::new(at_random, config).run(act);
        });
    }
    println!("threads_states_every {every} count");
    println!("threads_states_random {random} count");
    println!("threads_states {} count", every + random as u64);
    println!("threads_violations {violations} count");
    println!("threads_seconds {:.1} s", begun.elapsed().as_secs_f64());
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Story = (&'static str, fn());

/// Runs one story under a checker; 1 if a schedule went wrong, and 0 otherwise.
fn violated(checker: &str, replay: &str, run: impl FnOnce()) -> u32 {
    if catch_unwind(AssertUnwindSafe(run)).is_ok() {
        return 0;
    }
    eprintln!("violation, found by {checker}; replay: {replay}");
    1
}

const REPLAY: &str = "cargo run --release --package tslog-threads --bin threads --";

fn parse(words: &[String]) -> Result<Options, String> {
    let mut options = Options { size: "quick".into(), seed: 1, story: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--size" if ["quick", "ci", "release"].contains(&value.as_str()) => {
                options.size.clone_from(value);
            }
            "--seed" => {
                options.seed = value.parse().map_err(|error| format!("--seed {value}: {error}"))?;
            }
            "--story" if every::stories::STORIES.iter().any(|(name, _)| name == value) => {
                options.story = Some(value.clone());
            }
            _ => return Err(format!("{word} {value} means nothing here")),
        }
    }
    Ok(options)
}

//! Runs one campaign, and says how much was tried and what was wrong.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a person, and to `cargo xtask`"
)]

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Instant;
use tslog_sim::disk::Sabotage;
use tslog_sim::torture::{Options, Size, Tally, calls, cuts, nor, recovery, rot, soak};
use tslog_sim::{harness, trail};

const USAGE: &str = "\
usage: torture CAMPAIGN [--size quick|ci|release] [--seed S] [--threads T] [--workload W]
       torture CAMPAIGN --seed S --case CASE       makes one case again, step by step
campaigns: cuts, recovery, nor, rot, calls, soak";

/// What makes a case again, up to the campaign.
const REPLAY: &str = "cargo run --profile torture --package tslog-sim --bin torture --";

type Campaign = fn(&Options) -> Result<Tally, String>;

const CAMPAIGNS: [(&str, Campaign); 6] = [
    ("calls", calls::run),
    ("cuts", cuts::run),
    ("recovery", recovery::run),
    ("nor", nor::run),
    ("rot", rot::run),
    ("soak", soak::run),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match parse(&words).and_then(|(name, campaign, options)| run(name, campaign, &options)) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(words: &[String]) -> Result<(&'static str, Campaign, Options), String> {
    let name = words.first().ok_or("which campaign?")?;
    let known = CAMPAIGNS.iter().find(|(known, _)| known == name);
    let (name, campaign) = known.ok_or_else(|| format!("there is no campaign {name}"))?;
    let mut options = Options {
        size: Size::Quick,
        seed: 1,
        threads: 2,
        workload: None,
        case: None,
        sabotage: None,
        progress: std::io::stderr().is_terminal(),
    };
    let mut words = words[1..].iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse().map_err(|error| format!("{word} {value}: {error}"));
        match word.as_str() {
            "--seed" => options.seed = number()?,
            "--threads" => options.threads = number()?,
            "--workload" => options.workload = Some(value.clone()),
            "--case" => options.case = Some(value.split('/').map(str::to_string).collect()),
            "--size" => {
                options.size = match value.as_str() {
                    "quick" => Size::Quick,
                    "ci" => Size::Ci,
                    "release" => Size::Release,
                    _ => return Err(format!("there is no size {value}")),
                }
            }
            "--sabotage" => {
                let how = Sabotage::ALL.iter().find(|(name, _)| name == value);
                options.sabotage = Some(how.ok_or_else(|| format!("no sabotage {value}"))?.1);
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    if options.case.is_some() {
        options.threads = 1;
        trail::leave_trail();
    }
    Ok((name, *campaign, options))
}

fn run(name: &str, campaign: Campaign, options: &Options) -> Result<ExitCode, String> {
    harness::keep_panics();
    let begun = Instant::now();
    let tally = campaign(options)?;
    for line in trail::trail() {
        println!("{line}");
    }
    for violation in &tally.violations {
        let (seed, case, sabotage) = (options.seed, &violation.case, sabotage(options));
        eprintln!("violation: {}; replay:", violation.message);
        eprintln!("{REPLAY} {name} --seed {seed} --case {case}{sabotage}");
    }
    for (what, count) in &tally.counts {
        println!("{name}_{what} {count} count");
    }
    println!("{name}_seconds {:.1} s", begun.elapsed().as_secs_f64());
    println!("{name}_states {} count", tally.states);
    println!("{name}_violations {} count", tally.violations.len());
    Ok(if tally.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sabotage(options: &Options) -> String {
    let how = Sabotage::ALL.iter().find(|(_, how)| options.sabotage == Some(*how));
    how.map_or_else(String::new, |(name, _)| format!(" --sabotage {name}"))
}

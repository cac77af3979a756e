//! `cargo xtask test`: what CI runs, in this order, up to the first failure.

use std::time::Instant;

use crate::need::{self, Need, Package};
use crate::sh::{self, Failure};
use crate::{arrows, figures, links, no_std, tidy, tree};

/// One step: the name to call it by, and what it does.
pub(crate) struct Step {
    name: &'static str,
    run: fn() -> Result<(), Failure>,
}

/// The steps that run only when they are named: they tell of work that is still open.
const NAMED_ONLY: &[&str] = &["tidy", "crash"];

const STEPS: &[Step] = &[
    Step { name: "format", run: format_step },
    Step { name: "lints", run: lints_step },
    Step { name: "tests", run: tests_step },
    Step { name: "no-std", run: no_std::check },
    Step { name: "docs", run: docs_step },
    Step { name: "links", run: links_step },
    Step { name: "tidy", run: tidy_step },
    Step { name: "crash", run: crash_step },
];

/// The steps of these names, in the order given, or all for no name; the first unknown name.
pub(crate) fn named<'n>(names: &[&'n str]) -> Result<Vec<&'static Step>, &'n str> {
    if names.is_empty() {
        return Ok(STEPS.iter().filter(|step| !NAMED_ONLY.contains(&step.name)).collect());
    }
    let find = |name: &&'n str| STEPS.iter().find(|step| step.name == *name).ok_or(*name);
    names.iter().map(find).collect()
}

/// Runs `steps`, each with its wall time, and stops at the first that fails.
pub(crate) fn run(steps: &[&Step]) -> Result<(), Failure> {
    let all = Instant::now();
    let mut times = Vec::new();
    for (step, number) in steps.iter().zip(1..) {
        println!("\n== {number}/{}: {} ==", steps.len(), step.name);
        let start = Instant::now();
        let result = (step.run)();
        let seconds = start.elapsed().as_secs_f64();
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("== {}: {verdict} after {seconds:.1} s ==", step.name);
        result?;
        times.push((step.name, seconds));
    }
    println!();
    for (name, seconds) in times {
        println!("{name:8} {seconds:8.1} s");
    }
    println!("{:8} {:8.1} s", "all", all.elapsed().as_secs_f64());
    Ok(())
}

fn format_step() -> Result<(), Failure> {
    let rustfmt = Need { probe: "cargo fmt --version", package: Package::Component("rustfmt") };
    if !need::met(&rustfmt, "cargo xtask test format")? {
        return Ok(());
    }
    sh::run("cargo fmt --all --check")?;
    sh::run("cargo fmt --manifest-path xtask/no_std_check/Cargo.toml --check")
}

fn lints_step() -> Result<(), Failure> {
    let clippy = Need { probe: "cargo clippy --version", package: Package::Component("clippy") };
    if !need::met(&clippy, "cargo xtask test lints")? {
        return Ok(());
    }
    sh::run("cargo clippy --workspace --all-targets --all-features -- -D warnings")?;
    sh::run("cargo clippy --package tslog --no-default-features -- -D warnings")?;
    sh::run("cargo clippy --package tslog --no-default-features --features flash -- -D warnings")
}

/// All tests; by nextest where it is installed, which is faster and no other tests. Documentation
/// tests always run by cargo itself.
fn tests_step() -> Result<(), Failure> {
    let tests = if sh::succeeds("cargo nextest --version") {
        "cargo nextest run --workspace --all-features --no-fail-fast"
    } else {
        "cargo test --workspace --all-features --all-targets --no-fail-fast"
    };
    sh::run(tests)?;
    sh::run("cargo test --workspace --all-features --doc")
}

/// Programs first and libraries last: the program `tslog` and the library `tslog` are written to
/// the same place, and the library's documentation is the one users read.
fn docs_step() -> Result<(), Failure> {
    sh::run("RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps --bins")?;
    sh::run("RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps --lib")
}

fn links_step() -> Result<(), Failure> {
    let files = read_files("links")?;
    tree::report(&links::check(&sh::root(), &files), "cargo xtask test links")
}

fn tidy_step() -> Result<(), Failure> {
    let files = read_files("tidy")?;
    let mut findings = tidy::check(&files);
    findings.extend(arrows::check(&files));
    tree::report(&findings, "cargo xtask test tidy")
}

/// The files of the repository; how many is printed, so that a check of nothing is seen.
fn read_files(step: &str) -> Result<Vec<tree::File>, Failure> {
    let files = tree::files(&sh::root()).map_err(|error| Failure {
        what: format!("the files of the repository cannot be read: {error}"),
        rerun: format!("cargo xtask test {step}"),
    })?;
    println!("{} files", files.len());
    Ok(files)
}

/// The crash harness, at full length.
fn crash_step() -> Result<(), Failure> {
    sh::run(figures::CRASH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn no_name_means_all_steps_and_an_unknown_name_is_refused() {
        let all = names(&named(&[]).unwrap());
        assert_eq!(all.len() + NAMED_ONLY.len(), STEPS.len());
        assert!(NAMED_ONLY.iter().all(|only| !all.contains(only)));
        assert_eq!(names(&named(&["tidy", "format"]).unwrap()), ["tidy", "format"]);
        assert_eq!(named(&["tidy", "lint"]).err(), Some("lint"));
    }

    #[test]
    fn the_usage_names_every_step() {
        let all = names(&STEPS.iter().collect::<Vec<_>>()).join(" ");
        assert!(crate::USAGE.contains(&format!("steps:   {all}\n")), "{all}");
    }

    #[test]
    fn a_step_that_fails_stops_the_run() {
        fn fails() -> Result<(), Failure> {
            sh::run("false")
        }
        fn unreachable() -> Result<(), Failure> {
            panic!("a step after a failure ran")
        }
        let first = Step { name: "first", run: fails };
        let second = Step { name: "second", run: unreachable };
        assert_eq!(run(&[&first, &second]).unwrap_err().rerun, "false");
        assert!(run(&[]).is_ok());
    }
}

//! `cargo xtask test`: what CI runs, in this order, up to the first failure.

use std::time::Instant;

use crate::need::{self, Done, Need, Package};
use crate::sh::{self, Failure};
use crate::{arrows, figures, links, no_std, tidy, torture, tree};

/// One step: the name to call it by, and what it does.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    run: fn(Pace) -> Result<Done, Failure>,
}

/// How much time the steps may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Full,
    /// As one works: the crash harness tries a fraction of its states.
    Quick,
}

const STEPS: &[Step] = &[
    Step { name: "format", run: format_step },
    Step { name: "lints", run: lints_step },
    Step { name: "tests", run: tests_step },
    Step { name: "no-std", run: no_std_step },
    Step { name: "docs", run: docs_step },
    Step { name: "links", run: links_step },
    Step { name: "tidy", run: tidy_step },
    Step { name: "crash", run: crash_step },
    Step { name: "counts", run: counts_step },
    Step { name: "python", run: python_step },
    Step { name: "c", run: c_step },
    Step { name: "firmware", run: firmware_step },
    Step { name: "benches", run: benches_step },
    Step { name: "torture", run: torture_step },
];

/// The steps that take minutes even when there is little to do: `--quick` runs them only where
/// they are named.
const SLOW: &[&str] = &["counts", "python", "c", "firmware", "benches"];

/// What `--quick` does less, for people.
pub(crate) fn quick() -> String {
    let slow = SLOW.join(" ");
    format!("fewer crash states and campaigns of size quick; without {slow}, if not named")
}

/// Every step there is.
pub(crate) fn all() -> &'static [Step] {
    STEPS
}

/// The steps of these names, in the order given, or all that `pace` has for no name; the first
/// unknown name.
pub(crate) fn named<'n>(names: &[&'n str], pace: Pace) -> Result<Vec<&'static Step>, &'n str> {
    if names.is_empty() {
        let runs = |step: &&Step| pace == Pace::Full || !SLOW.contains(&step.name);
        return Ok(STEPS.iter().filter(runs).collect());
    }
    let find = |name: &&'n str| STEPS.iter().find(|step| step.name == *name).ok_or(*name);
    names.iter().map(find).collect()
}

/// Runs `steps`, each with its wall time, and stops at the first that fails.
pub(crate) fn run(steps: &[&Step], pace: Pace) -> Result<(), Failure> {
    let all = Instant::now();
    let mut table = String::new();
    let mut failure = None;
    for (step, number) in steps.iter().zip(1..) {
        println!("\n== {number}/{}: {} ==", steps.len(), step.name);
        let start = Instant::now();
        let result = (step.run)(pace);
        let verdict = match &result {
            Ok(Done::All) => "ok".to_owned(),
            Ok(Done::Skipped) => "skipped, see above".to_owned(),
            Err(_) => format!("FAILED; this step alone: cargo xtask test {}", step.name),
        };
        let row = format!("{:8} {:8.1} s  {verdict}\n", step.name, start.elapsed().as_secs_f64());
        table.push_str(&row);
        failure = result.err();
        if failure.is_some() {
            break;
        }
    }
    println!("\n{table}{:8} {:8.1} s", "all", all.elapsed().as_secs_f64());
    failure.map_or(Ok(()), Err)
}

fn format_step(_: Pace) -> Result<Done, Failure> {
    let rustfmt = Need { probe: "cargo fmt --version", package: Package::Component("rustfmt") };
    if need::met(&rustfmt, "cargo xtask test format")? == Done::Skipped {
        return Ok(Done::Skipped);
    }
    sh::run("cargo fmt --all --check")?;
    sh::run("cargo fmt --manifest-path xtask/no_std_check/Cargo.toml --check").map(done)
}

fn lints_step(_: Pace) -> Result<Done, Failure> {
    let clippy = Need { probe: "cargo clippy --version", package: Package::Component("clippy") };
    if need::met(&clippy, "cargo xtask test lints")? == Done::Skipped {
        return Ok(Done::Skipped);
    }
    sh::run("cargo clippy --workspace --all-targets --all-features -- -D warnings")?;
    sh::run("cargo clippy --package tslog --no-default-features -- -D warnings")?;
    sh::run("cargo clippy --package tslog --no-default-features --features flash -- -D warnings")
        .map(done)
}

/// All tests; by nextest where it is installed, which is faster and no other tests. Documentation
/// tests always run by cargo itself.
fn tests_step(_: Pace) -> Result<Done, Failure> {
    let tests = if sh::succeeds("cargo nextest --version") {
        "cargo nextest run --workspace --all-features --no-fail-fast"
    } else {
        "cargo test --workspace --all-features --all-targets --no-fail-fast"
    };
    sh::run(tests)?;
    sh::run("cargo test --workspace --all-features --doc").map(done)
}

/// Programs first and libraries last: the program `tslog` and the library `tslog` are written to
/// the same place, and the library's documentation is the one users read.
fn docs_step(_: Pace) -> Result<Done, Failure> {
    sh::run("RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps --bins")?;
    sh::run("RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps --lib")
        .map(done)
}

fn links_step(_: Pace) -> Result<Done, Failure> {
    let files = read_files("links")?;
    tree::report(&links::check(&sh::root(), &files), "cargo xtask test links").map(done)
}

fn tidy_step(_: Pace) -> Result<Done, Failure> {
    let files = read_files("tidy")?;
    let mut findings = tidy::check(&files);
    findings.extend(arrows::check(&files));
    tree::report(&findings, "cargo xtask test tidy").map(done)
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

/// The crash harness, held to its bars.
fn crash_step(pace: Pace) -> Result<Done, Failure> {
    figures::run(match pace {
        Pace::Full => &figures::CRASH,
        Pace::Quick => &figures::CRASH_QUICK,
    })
}

/// The instructions that storing and reading take, which a machine that is busy does not change.
fn counts_step(_: Pace) -> Result<Done, Failure> {
    figures::run(&figures::COUNTS)
}

/// The package for Python, and the module for `MicroPython`.
fn python_step(pace: Pace) -> Result<Done, Failure> {
    script("bindings/python/check.py", if pace == Pace::Quick { " --quick" } else { "" })
}

fn c_step(_: Pace) -> Result<Done, Failure> {
    script("bindings/c/check.py", "")
}

/// Runs a script that sees to what it needs itself.
fn script(path: &str, options: &str) -> Result<Done, Failure> {
    let rerun = format!("python3 {path}{options}");
    let python = Need { probe: "python3 --version", package: Package::Debian("python3") };
    if need::met(&python, &rerun)? == Done::Skipped {
        return Ok(Done::Skipped);
    }
    sh::run(&rerun).map(done)
}

fn firmware_step(_: Pace) -> Result<Done, Failure> {
    figures::run_firmware()
}

/// Workspaces of their own that nothing else here builds, or not all of it: what is only run now
/// and then must still compile when the log changes.
fn benches_step(_: Pace) -> Result<Done, Failure> {
    let compiler = Need { probe: "g++ --version", package: Package::Debian("g++") };
    if need::met(&compiler, "cargo xtask test benches")? == Done::Skipped {
        return Ok(Done::Skipped);
    }
    for folder in ["bench/flash", "bench/linux", "fuzz"] {
        let manifest = format!("--manifest-path {folder}/Cargo.toml");
        sh::run(&format!("cargo fmt {manifest} --check"))?;
        sh::run(&format!("cargo clippy {manifest} --all-targets -- -D warnings"))?;
    }
    sh::run("cargo test --manifest-path bench/linux/Cargo.toml")?;
    sh::run("cargo test --manifest-path fuzz/Cargo.toml").map(done)
}

fn torture_step(pace: Pace) -> Result<Done, Failure> {
    let size = match pace {
        Pace::Full => torture::Size::Ci,
        Pace::Quick => torture::Size::Quick,
    };
    torture::run(&torture::tested(size), size, None)
}

fn no_std_step(_: Pace) -> Result<Done, Failure> {
    no_std::check().map(done)
}

/// A step that came to its end has done all.
const fn done((): ()) -> Done {
    Done::All
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn no_name_means_all_steps_and_an_unknown_name_is_refused() {
        let all = names(&named(&[], Pace::Full).unwrap());
        assert_eq!(all.first(), Some(&"format"));
        assert_eq!(all.len(), STEPS.len());
        let two = named(&["tidy", "format"], Pace::Full).unwrap();
        assert_eq!(names(&two), ["tidy", "format"]);
        assert_eq!(named(&["tidy", "lint"], Pace::Full).err(), Some("lint"));
    }

    #[test]
    fn a_quick_run_leaves_the_slow_steps_out_unless_they_are_named() {
        let all = names(&named(&[], Pace::Quick).unwrap());
        assert_eq!(all.len() + SLOW.len(), STEPS.len());
        assert!(SLOW.iter().all(|slow| !all.contains(slow)), "{all:?}");
        assert_eq!(names(&named(SLOW, Pace::Quick).unwrap()), SLOW);
    }

    #[test]
    fn a_step_that_fails_stops_the_run() {
        fn fails(_: Pace) -> Result<Done, Failure> {
            sh::run("false").map(done)
        }
        fn unreachable(_: Pace) -> Result<Done, Failure> {
            panic!("a step after a failure ran")
        }
        let first = Step { name: "first", run: fails };
        let second = Step { name: "second", run: unreachable };
        assert_eq!(run(&[&first, &second], Pace::Full).unwrap_err().rerun, "false");
        assert!(run(&[], Pace::Full).is_ok());
    }

    #[test]
    fn the_pace_is_handed_to_each_step_and_a_skip_goes_on() {
        let skips = |pace| {
            assert_eq!(pace, Pace::Quick);
            Ok(Done::Skipped)
        };
        let (first, second) = (
            Step { name: "a", run: skips },
            Step { name: "b", run: |_| sh::run("false").map(done) },
        );
        assert!(run(&[&first], Pace::Quick).is_ok());
        assert!(run(&[&first, &second], Pace::Quick).is_err());
    }
}

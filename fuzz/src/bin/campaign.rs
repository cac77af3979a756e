//! Builds the fuzzer with the address sanitizer, runs each target for its share of time, and says
//! what came of it.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tslog_fuzz::{TARGETS, Target, target};

const USAGE: &str = "\
usage: campaign [--size quick|ci|release] [--seed S] [TARGET]...   fuzzes
       campaign --seconds N [--seed S] [TARGET]...                fuzzes each target so long
       campaign run TARGET FILE...                                feeds a target these inputs
       campaign list                                              prints the targets";

/// As cargo-fuzz has them: what the fuzzer steers by, and the sanitizer.
const RUSTFLAGS: &str = "-Zsanitizer=address -Cpasses=sancov-module -Ccodegen-units=1 \
     -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// Seconds until an input counts as one that hangs, on a machine that has much else to do.
const HANG: u64 = 120;
/// The address space in which every input that was kept has to do, in bytes.
const LITTLE: u64 = 32 << 20;
/// The largest allocation, and all memory, of a run.
const LIMITS: [&str; 2] = ["-malloc_limit_mb=64", "-rss_limit_mb=1024"];

struct Args {
    effort: Effort,
    seed: u64,
    targets: Vec<&'static Target>,
}

/// When a target has run enough.
#[derive(Clone, Copy)]
enum Effort {
    /// After one in so many of its inputs for CI, from the corpus alone: another run does the same.
    Runs(u32),
    /// After this time, going on from what earlier runs have grown.
    Time(Duration),
}

impl Effort {
    /// What a target has grown its inputs to, if that is kept.
    fn grown(self, target: &Target) -> PathBuf {
        let folder = match self {
            Self::Runs(_) => "target/grown-anew",
            Self::Time(_) => "target/grown",
        };
        home().join(folder).join(target.name)
    }
}

/// What one target came to.
struct Outcome {
    runs: u64,
    violation: Option<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["list"] => {
            for target in TARGETS {
                println!("{}", target.name);
            }
            ExitCode::SUCCESS
        }
        ["run", name, files @ ..] => match target(name) {
            Some(target) => run(target, files),
            None => usage(&format!("there is no target {name}")),
        },
        words => match parse(words) {
            Ok(args) => campaign(&args).unwrap_or_else(|error| {
                eprintln!("failed: {error}");
                ExitCode::FAILURE
            }),
            Err(why) => usage(&why),
        },
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("{why}\n{USAGE}");
    ExitCode::from(2)
}

/// Feeds inputs to a target, without the fuzzer.
fn run(target: &Target, files: &[&str]) -> ExitCode {
    for file in files {
        match fs::read(file) {
            Ok(data) => (target.run)(&data),
            Err(error) => return usage(&format!("{file}: {error}")),
        }
        eprintln!("{file}: no violation");
    }
    ExitCode::SUCCESS
}

fn parse(words: &[&str]) -> Result<Args, String> {
    let mut args = Args { effort: Effort::Runs(1), seed: 1, targets: Vec::new() };
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| format!("{word} needs a value"));
        match word {
            "--size" => {
                args.effort = match value()? {
                    "quick" => Effort::Runs(5),
                    "ci" => Effort::Runs(1),
                    "release" => Effort::Time(Duration::from_mins(10)),
                    size => return Err(format!("there is no size {size}")),
                };
            }
            "--seconds" => {
                let seconds = value()?.parse().map_err(|error| format!("{word}: {error}"))?;
                args.effort = Effort::Time(Duration::from_secs(seconds));
            }
            "--seed" => args.seed = value()?.parse().map_err(|error| format!("{word}: {error}"))?,
            name => {
                let target = target(name).ok_or_else(|| format!("there is no target {name}"))?;
                args.targets.push(target);
            }
        }
    }
    if args.targets.is_empty() {
        args.targets = TARGETS.iter().collect();
    }
    Ok(args)
}

/// Where this crate lies.
fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn campaign(args: &Args) -> io::Result<ExitCode> {
    if !has_compiler() {
        println!("skipped: the fuzzer is C++, and there is no c++; apt-get install g++");
        return Ok(ExitCode::SUCCESS);
    }
    let program = build()?;
    let begun = Instant::now();
    let waiting = Mutex::new(VecDeque::from(args.targets.clone()));
    let outcomes = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let next = || waiting.lock().ok()?.pop_front();
                while let Some(target) = next() {
                    let outcome = fuzz(&program, target, args);
                    let both = [outcome, in_little_memory(target, args.effort)];
                    let _ = outcomes.lock().map(|mut all| all.extend(both));
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    let outcomes = outcomes.into_iter().collect::<io::Result<Vec<_>>>()?;
    let violations: Vec<_> = outcomes.iter().filter_map(|done| done.violation.as_ref()).collect();
    for violation in &violations {
        eprintln!("violation: {violation}");
    }
    println!("fuzz_runs {} count", outcomes.iter().map(|done| done.runs).sum::<u64>());
    println!("fuzz_violations {} count", violations.len());
    println!("fuzz_seconds {:.1} s", begun.elapsed().as_secs_f64());
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// True if there is a C++ compiler, if need be after installing one by its name.
fn has_compiler() -> bool {
    let there = || succeeds(Command::new("c++").arg("--version"));
    there() || {
        let apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600"];
        let mut update = Command::new(apt[0]);
        let mut install = Command::new(apt[0]);
        install.args(&apt[1..]).args(["install", "-y", "--no-install-recommends", "g++"]);
        succeeds(update.args(&apt[1..]).arg("update")) && succeeds(&mut install) && there()
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The target triple of this machine, which has to be named so that build scripts go without the
/// sanitizer.
fn triple() -> io::Result<String> {
    let told = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| io::Error::other("rustc does not name its host"))
}

fn build() -> io::Result<PathBuf> {
    let (triple, target_dir) = (triple()?, home().join("target/asan"));
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--features", "libfuzzer", "--bin", "fuzz"])
        .args(["--target", &triple, "--manifest-path"])
        .arg(home().join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target_dir)
        // The sanitizer is not stable, and no other toolchain is asked for.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", RUSTFLAGS)
        .status()?;
    if !status.success() {
        return Err(io::Error::other("the fuzzer does not build"));
    }
    Ok(target_dir.join(triple).join("release/fuzz"))
}

/// Runs one target for its share of time.
fn fuzz(program: &Path, target: &Target, args: &Args) -> io::Result<Outcome> {
    let grown = args.effort.grown(target);
    if matches!(args.effort, Effort::Runs(_)) && grown.exists() {
        fs::remove_dir_all(&grown)?;
    }
    let enough = match args.effort {
        Effort::Runs(part) => format!("-runs={}", target.runs / part),
        Effort::Time(time) => format!("-max_total_time={}", time.as_secs()),
    };
    let artifacts = home().join("artifacts").join(target.name);
    fs::create_dir_all(&grown)?;
    fs::create_dir_all(&artifacts)?;
    let mut child = fuzzer(program, target)
        .arg(enough)
        .arg(format!("-max_len={}", target.size_max))
        .arg(format!("-seed={}", args.seed))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        .args([grown, home().join("corpus").join(target.name)])
        .stderr(Stdio::piped())
        .spawn()?;
    let (mut runs, mut artifact, mut last) = (0, None, VecDeque::new());
    if let Some(told) = child.stderr.take() {
        for line in BufReader::new(told).lines() {
            let line = line?;
            if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
                runs = count.trim().parse().unwrap_or(0);
            }
            if let Some((_, path)) = line.split_once("Test unit written to ") {
                artifact = Some(PathBuf::from(path));
            }
            last.push_back(line);
            if last.len() > 60 {
                last.pop_front();
            }
        }
    }
    let status = child.wait()?;
    eprintln!("{}: {runs} runs", target.name);
    if status.success() {
        return Ok(Outcome { runs, violation: None });
    }
    for line in last {
        eprintln!("{}| {line}", target.name);
    }
    let Some(artifact) = artifact else {
        return Ok(Outcome {
            runs,
            violation: Some(format!("{} ends with {status}", target.name)),
        });
    };
    let small = minimised(program, target, &artifact)?;
    let violation = format!(
        "{}; replay: cargo run --manifest-path fuzz/Cargo.toml --bin campaign -- run {} {}",
        target.name,
        target.name,
        small.display()
    );
    Ok(Outcome { runs, violation: Some(violation) })
}

/// Feeds a target all inputs that were kept, by hand or by the fuzzer, in a process of its own that
/// has a small memory.
fn in_little_memory(target: &Target, effort: Effort) -> io::Result<Outcome> {
    // The reference is Python, which needs more than the log.
    if target.name == "differential" {
        return Ok(Outcome { runs: 0, violation: None });
    }
    let mut files = Vec::new();
    for kept in [home().join("corpus").join(target.name), effort.grown(target)] {
        for file in fs::read_dir(kept)? {
            files.push(file?.path());
        }
    }
    files.sort();
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={LITTLE}")).arg(std::env::current_exe()?);
    let told = command.args(["run", target.name]).args(&files).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&told.stderr);
    let well = said.lines().filter(|line| line.ends_with(": no violation")).count();
    let violation = (!told.status.success()).then(|| {
        let next = files.get(well).map(|file| file.display().to_string()).unwrap_or_default();
        let end = said.lines().rev().take(8).collect::<Vec<_>>();
        end.iter().rev().for_each(|line| eprintln!("{}| {line}", target.name));
        format!("{} with {LITTLE} bytes of memory ends with {}: {next}", target.name, told.status)
    });
    Ok(Outcome { runs: well as u64, violation })
}

fn fuzzer(program: &Path, target: &Target) -> Command {
    let mut command = Command::new(program);
    command
        .env("TSLOG_FUZZ_TARGET", target.name)
        // What safe Rust leaks harms nobody, and looking for it needs ptrace.
        .env("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
        .args(LIMITS)
        .arg(format!("-timeout={HANG}"))
        .stdin(Stdio::null());
    command
}

/// A smaller input that still fails, or the same one.
fn minimised(program: &Path, target: &Target, artifact: &Path) -> io::Result<PathBuf> {
    let small = artifact.with_extension("small");
    let _ = fs::remove_file(&small);
    fuzzer(program, target)
        .args(["-minimize_crash=1", "-max_total_time=20"])
        .arg(format!("-exact_artifact_path={}", small.display()))
        .arg(artifact)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    Ok(if small.exists() { small } else { artifact.to_path_buf() })
}

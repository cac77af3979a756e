//! The real binary, from the outside: every command, every exit code, and every bad input.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

mod commands;
mod damage;
mod demo;
mod dumps;
mod input;
mod processes;
mod readme;

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder to work in, which goes when the test ends.
struct Desk(tempfile::TempDir);

/// What a command said, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command `tslog`, its arguments parted at blanks.
    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tslog"));
        command.args(args.split(' ')).current_dir(self.0.path()).env("TMPDIR", self.0.path());
        command
    }

    /// Runs a command without input.
    fn run(&self, args: &str) -> Said {
        self.feed(args, "")
    }

    /// Runs a command with this input.
    fn feed(&self, args: &str, input: &str) -> Said {
        let mut child = self.start(args);
        let mut stdin = child.stdin.take().unwrap();
        // A command that does not read its input closes the pipe, which is its right.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        finish(child)
    }

    /// Runs a command that must end well, and returns what it printed.
    fn ok(&self, args: &str, input: &str) -> String {
        let said = self.feed(args, input);
        assert_eq!(said.code, Some(0), "tslog {args}: {said:?}");
        said.out
    }

    fn start(&self, args: &str) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// A log in `log` with a time in seconds and a value, and `count` records in it.
    fn with_log(count: u64, more: &str, delta: u32) -> Self {
        let desk = Self::new();
        desk.ok(format!("create log --format QI --fields time:s,value {more}").trim_end(), "");
        desk.ok(&format!("append log --commit-delta {delta}"), &numbers(1..=count));
        desk
    }

    /// The last number of the log, as `stats` tells it.
    fn last(&self) -> u64 {
        let stats = self.ok("stats log --json", "");
        let line = stats.lines().find(|line| line.contains("\"last\"")).unwrap();
        line.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }
}

/// Waits for the end of a process, and kills one that does not end.
fn finish(child: Child) -> Said {
    let id = child.id().to_string();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output().unwrap()));
    if let Ok(output) = ended.recv_timeout(PATIENCE) {
        return output.into();
    }
    Command::new("kill").args(["-KILL", &id]).status().unwrap();
    panic!("the process does not end");
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    fn is(&self, code: i32, out: &str, err: &str) {
        let expected = Self { code: Some(code), out: out.to_owned(), err: err.to_owned() };
        assert_eq!(*self, expected);
    }

    /// The first column of what was printed as CSV.
    fn first_column(&self) -> Vec<u64> {
        let lines = self.out.lines().skip(1);
        lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
    }
}

/// CSV lines of a time and a value: number `n` was taken at second `10 * n` and has the value `n`.
fn numbers(range: std::ops::RangeInclusive<u64>) -> String {
    range.fold(String::new(), |mut text, n| {
        writeln!(text, "{},{n}", 10 * n).unwrap();
        text
    })
}

/// Asks again and again until it is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// Changes a file.
fn change(path: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    how(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// CRC-32C, bit by bit: what makes a forged header pass.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0x82F6_3B78 };
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

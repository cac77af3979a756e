//! Starting the parts, waiting for them with a deadline, and reading what they say.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::part::Part;
use crate::peers::Kind;

/// How long a part may take before it is taken for one that hangs.
const DEADLINE: Duration = Duration::from_mins(1);

/// A part to run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    pub part: Part,
    pub kind: Kind,
    pub folder: &'a Path,
    pub record_size: usize,
    pub commit: usize,
    pub durable: bool,
    pub records: usize,
}

/// What a part said, and how it ended.
#[derive(Debug)]
pub struct Said {
    lines: BTreeMap<String, String>,
    /// Why it did not end in order.
    pub failure: Option<String>,
}

impl Said {
    pub fn number(&self, metric: &str) -> Option<f64> {
        self.lines.get(metric)?.parse().ok()
    }

    pub fn count(&self, metric: &str) -> u64 {
        self.lines.get(metric).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub fn text(&self, metric: &str) -> Option<&str> {
        self.lines.get(metric).map(String::as_str)
    }

    /// Nothing, for this reason.
    pub fn failed(error: &impl ToString) -> Self {
        Self { lines: BTreeMap::new(), failure: Some(error.to_string()) }
    }

    fn read(text: &str, failure: Option<String>) -> Self {
        let pair = |line: &str| {
            let (metric, value) = line.split_once(' ')?;
            Some((metric.to_owned(), value.to_owned()))
        };
        Self { lines: text.lines().filter_map(pair).collect(), failure }
    }
}

impl Job<'_> {
    /// Runs the part to its end.
    pub fn run(self) -> Said {
        self.run_within(DEADLINE)
    }

    pub fn run_within(self, deadline: Duration) -> Said {
        match self.start() {
            Ok(child) => wait(child, deadline),
            Err(error) => Said::failed(&error),
        }
    }

    /// Starts the part, with its output to be read by the caller.
    pub fn start(self) -> std::io::Result<Child> {
        self.command()?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    }

    /// What runs the part.
    pub fn command(self) -> std::io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        let durable = if self.durable { "durable" } else { "unsynced" };
        command.args(["part", self.part.word(), self.kind.name()]).arg(self.folder);
        command.args([self.record_size.to_string(), self.commit.to_string()]);
        command.args([durable, &self.records.to_string()]);
        command.env("WALRUS_DATA_DIR", self.folder).env("WALRUS_QUIET", "1");
        command.stdin(Stdio::null());
        Ok(command)
    }
}

/// Waits for the end of a part, and ends it when its time is over.
pub fn wait(mut child: Child, deadline: Duration) -> Said {
    let begun = Instant::now();
    // What a part says fits in a pipe, but for a panic of a peer that says much; so both are read
    // while it runs.
    let read = |from: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What could be read before an error counts.
            let _ = from.map(|mut from| from.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let output = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let errors = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let mut pause = Duration::from_micros(200);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Ok(None) if begun.elapsed() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                break Err(format!("hung for {} s", deadline.as_secs()));
            }
            Ok(None) => std::thread::sleep(pause),
            Err(error) => break Err(error.to_string()),
        }
        pause = (pause * 2).min(Duration::from_millis(5));
    };
    let (output, errors) = (output.join().unwrap_or_default(), errors.join().unwrap_or_default());
    let failure = match status {
        Ok(status) if status.success() => None,
        Ok(status) => Some(why(&errors, &status.to_string())),
        Err(error) => Some(error),
    };
    Said::read(&output, failure)
}

/// A panic in its own words, or the last line that was said, or how the process ended.
fn why(errors: &str, status: &str) -> String {
    let mut lines = errors.lines().skip_while(|line| !line.contains("panicked at"));
    if let (Some(place), Some(message)) = (lines.next(), lines.next()) {
        let place = place.rsplit('/').next().unwrap_or(place);
        return format!("panicked in {place} {}", message.trim());
    }
    let last = errors.lines().rfind(|line| !line.trim().is_empty());
    last.map_or_else(|| status.to_owned(), |line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        let errors =
            "\nthread 'main' panicked at /a/b/log.rs:7:9:\nindex out of bounds\nnote: run\n";
        assert_eq!(why(errors, "exit status: 101"), "panicked in log.rs:7:9: index out of bounds");
        assert_eq!(why("", "signal: 9"), "signal: 9");
    }

    #[test]
    fn a_part_that_hangs_is_ended() {
        let sleep = Command::new("sleep").arg("60").stdout(Stdio::piped()).spawn().unwrap();
        let said = wait(sleep, Duration::from_millis(20));
        assert_eq!(said.failure.as_deref(), Some("hung for 0 s"));
    }
}

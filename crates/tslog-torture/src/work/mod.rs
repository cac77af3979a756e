//! The worker: this program once more, as a process of its own that uses the log as anybody would
//! and says what it was promised.
//!
//! It panics nowhere: a panic in it is one of the log.

mod alone;
mod read;
mod store;
mod voice;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use tslog::{Options, SharedLog};

use crate::Result;
use crate::event::Kind;
use voice::Voice;

/// The first word of a worker's command line.
pub(crate) const PART: &str = "worker";

/// What a worker exits with after a call that failed and was named on standard error.
pub(crate) const FAILED: u8 = 3;

/// How a worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Manner {
    /// Threads store and threads read.
    Threads,
    /// One thread does everything in a fixed order.
    Alone,
    /// It reads beside a writer in another process.
    Reader,
}

/// What a worker is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) manner: Manner,
    pub(crate) seed: u64,
    pub(crate) life: u32,
    /// Threads that store.
    pub(crate) threads: u8,
    /// Records that each thread stores before the log is closed.
    pub(crate) records: u32,
    pub(crate) record_size: u32,
    pub(crate) bucket_size: u32,
    pub(crate) commit_delta: u32,
    /// Readers the log has.
    pub(crate) readers: u8,
    /// The first reader that reads here, and how many do.
    pub(crate) first_reader: u8,
    pub(crate) reading: u8,
    pub(crate) recreate: bool,
    /// A thread makes the commits.
    pub(crate) background: bool,
    /// The most milliseconds that a record waits for a commit; 0 for no bound.
    pub(crate) interval_ms: u32,
    /// The most microseconds that a thread waits after a record.
    pub(crate) pause_us: u32,
    /// Where in the file of marks the next event goes; 0 to speak to standard output.
    pub(crate) marks_at: u64,
}

impl Work {
    /// One thread that does a few of everything.
    pub(crate) const fn alone(seed: u64) -> Self {
        Self {
            manner: Manner::Alone,
            seed,
            life: 1,
            threads: 1,
            records: 24,
            record_size: 64,
            bucket_size: 8,
            commit_delta: 1,
            readers: 1,
            first_reader: 0,
            reading: 1,
            recreate: false,
            background: false,
            interval_ms: 0,
            pause_us: 0,
            marks_at: 0,
        }
    }

    fn numbers(&self) -> [u64; 16] {
        [
            self.manner as u64,
            self.seed,
            self.life.into(),
            self.threads.into(),
            self.records.into(),
            self.record_size.into(),
            self.bucket_size.into(),
            self.commit_delta.into(),
            self.readers.into(),
            self.first_reader.into(),
            self.reading.into(),
            self.recreate.into(),
            self.background.into(),
            self.interval_ms.into(),
            self.pause_us.into(),
            self.marks_at,
        ]
    }

    fn from_numbers(numbers: [u64; 16]) -> Result<Self> {
        let [manner, seed, life, threads, records, record_size, rest @ ..] = numbers;
        let [bucket_size, commit_delta, readers, first_reader, reading, rest @ ..] = rest;
        let [recreate, background, interval_ms, pause_us, marks_at] = rest;
        let all = [Manner::Threads, Manner::Alone, Manner::Reader];
        let manner = all.into_iter().find(|known| *known as u64 == manner);
        Ok(Self {
            manner: manner.ok_or("there is no such manner")?,
            seed,
            life: fit(life)?,
            threads: fit(threads)?,
            records: fit(records)?,
            record_size: fit(record_size)?,
            bucket_size: fit(bucket_size)?,
            commit_delta: fit(commit_delta)?,
            readers: fit(readers)?,
            first_reader: fit(first_reader)?,
            reading: fit(reading)?,
            recreate: recreate != 0,
            background: background != 0,
            interval_ms: fit(interval_ms)?,
            pause_us: fit(pause_us)?,
            marks_at,
        })
    }

    /// The words behind the program's own name: `worker NUMBERS FOLDER MARKS`.
    pub(crate) fn words(&self, folder: &Path, marks: &Path) -> Vec<std::ffi::OsString> {
        let numbers = self.numbers().map(|number| number.to_string()).join(",");
        vec![PART.into(), numbers.into(), folder.into(), marks.into()]
    }

    /// The command that does this work, to be started.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(crate::machine::own_path());
        command.args(self.words(folder, Path::new("-")));
        command
    }

    /// How the log is opened.
    pub(crate) fn options(&self) -> Options {
        let options = Options::new()
            .record_size(self.record_size)
            .bucket_size(self.bucket_size)
            .commit_delta(self.commit_delta)
            .background_commit(self.background)
            .readers(self.readers)
            .recreate(self.recreate);
        match self.interval_ms {
            0 => options,
            ms => options.commit_interval(Duration::from_millis(ms.into())),
        }
    }

    /// Whether a store returns durable.
    pub(crate) const fn is_durable(&self) -> bool {
        self.commit_delta == 1 && !self.background
    }
}

fn fit<T: TryFrom<u64>>(number: u64) -> Result<T> {
    T::try_from(number).map_err(|_| format!("{number} is too large"))
}

/// A worker at work.
struct Worker {
    work: Work,
    folder: PathBuf,
    voice: Voice,
}

/// Does what `words` say.
pub(crate) fn run(words: &[String]) -> ExitCode {
    match Worker::new(words).map(|worker| worker.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

impl Worker {
    fn new(words: &[String]) -> Result<Self> {
        let [numbers, folder, marks] = words else { return Err("a worker takes 3 words".into()) };
        let numbers = numbers.split(',').map(|number| number.parse().unwrap_or(u64::MAX));
        let numbers = numbers.collect::<Vec<u64>>();
        let numbers = numbers.try_into().map_err(|_| "a worker takes 16 numbers".to_owned())?;
        let work = Work::from_numbers(numbers)?;
        let voice = Voice::new(&work, Path::new(marks))?;
        Ok(Self { work, folder: folder.into(), voice })
    }

    /// True if no call failed.
    fn run(&self) -> bool {
        if self.work.manner == Manner::Reader {
            return self.read_apart();
        }
        let log = match self.work.options().open_raw(&self.folder) {
            Ok(log) => log,
            Err(error) => return self.fail(0, &format!("open: {error}")),
        };
        self.voice.say(Kind::Opened, 0, log.stats().committed, 0);
        match self.work.manner {
            Manner::Alone => self.run_alone(&log),
            Manner::Threads | Manner::Reader => self.run_threads(&log),
        }
    }

    fn close(&self, log: &SharedLog) -> bool {
        match log.close() {
            Ok(()) => {
                self.voice.say(Kind::Closed, 0, log.stats().seqn, 0);
                true
            }
            Err(error) => self.fail(0, &format!("close: {error}")),
        }
    }

    /// A call failed, which is said to the campaign and, in words, to people.
    fn fail(&self, who: u8, what: &str) -> bool {
        self.voice.say(Kind::Failed, who, 0, 0);
        eprintln!("failed: {what}");
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{Manner, Work};

    #[test]
    fn work_is_understood_as_it_was_given() {
        let work = Work { manner: Manner::Reader, life: 9, marks_at: 1 << 40, ..Work::alone(77) };
        assert_eq!(Work::from_numbers(work.numbers()), Ok(work.clone()));
        let mut numbers = work.numbers();
        numbers[3] = 256;
        assert!(Work::from_numbers(numbers).is_err());
        numbers[0] = 9;
        assert!(Work::from_numbers(numbers).is_err());
    }
}

//! The parts of a measurement that run in a process of their own, so that its memory is the
//! peer's, and so that what breaks there is contained.
//!
//! A part prints one `metric value` a line on standard output. Parent and part find each other's
//! words by [`Part`].

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::peers::{Kind, Opened, Outcome, Shape};
use crate::record::Records;
use crate::visit::{Delivered, Tally};

/// What a process of its own is to do with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Store records, and stop as if killed.
    Append,
    /// Store records, and close in order.
    Fill,
    /// Open, and read all in batches.
    Read,
    /// Open, and read all one by one.
    Next,
    /// Open, read all, and compare.
    Check,
    /// Open, and store one commit behind so many records.
    GoOn,
    /// Store until killed, and say after each commit how far.
    Endless,
    /// Do what the manual of the peer says for a store that does not open.
    Repair,
}

impl Part {
    const ALL: [(Self, &str); 8] = [
        (Self::Append, "append"),
        (Self::Fill, "fill"),
        (Self::Read, "read"),
        (Self::Next, "next"),
        (Self::Check, "check"),
        (Self::GoOn, "go-on"),
        (Self::Endless, "endless"),
        (Self::Repair, "repair"),
    ];

    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(part, _)| *part == self).map_or("", |(_, word)| word)
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(part, _)| *part)
    }
}

/// Runs the part that the words name. They are those that [`crate::run::Job`] makes.
pub fn run(words: &[&str]) -> Outcome<()> {
    let [part, kind, folder, record_size, commit, durable, records] = words else {
        return Err("a part has seven words".into());
    };
    let part = Part::of(part).ok_or("no such part")?;
    let kind = Kind::of(kind).ok_or("no such peer")?;
    let shape = Shape {
        folder: Path::new(folder),
        record_size: record_size.parse()?,
        commit: commit.parse()?,
        durable: *durable == "durable",
        records: records.parse()?,
    };
    match part {
        Part::Append | Part::Fill => store(kind, shape, part == Part::Fill),
        Part::Read | Part::Next => read(kind, shape, part == Part::Next),
        Part::Check => check(kind, shape),
        Part::GoOn => go_on(kind, shape),
        Part::Endless => endless(kind, shape),
        Part::Repair => kind.repair(shape.folder).unwrap_or(Err("no repair is known".into())),
    }
}

fn say(metric: &str, value: impl std::fmt::Display) {
    // A parent that is gone hears nothing, and needs nothing.
    let _ = writeln!(std::io::stdout(), "{metric} {value}");
}

fn store(kind: Kind, shape: Shape<'_>, closes: bool) -> Outcome<()> {
    let most_before = most_resident();
    let mut peer = kind.open(shape)?;
    let mut records = Records::new(shape.record_size);
    // Memory of our own is touched before anything is measured.
    records.of(1, shape.commit);
    let (begun, cpu_before) = (Instant::now(), on_processor());
    let mut stored = 0;
    while stored < shape.records {
        let count = shape.commit.min(shape.records - stored);
        peer.append(stored as u64 + 1, records.of(stored as u64 + 1, count))?;
        stored += count;
    }
    let took = begun.elapsed();
    say("wall", took.as_secs_f64());
    say("cpu", on_processor().saturating_sub(cpu_before).as_secs_f64());
    say("memory", most_resident().saturating_sub(most_before));
    if closes {
        return peer.close();
    }
    // As if killed: what closing would write is nobody's commit.
    std::mem::forget(peer);
    std::process::exit(0)
}

fn read(kind: Kind, shape: Shape<'_>, one_by_one: bool) -> Outcome<()> {
    let most_before = most_resident();
    let begun = Instant::now();
    let mut peer = kind.open(shape)?;
    say("open", begun.elapsed().as_secs_f64());
    say("open-memory", most_resident().saturating_sub(most_before));
    if shape.records == 0 {
        return peer.close();
    }
    let begun = Instant::now();
    let Tally { count, sum, .. } = peer.tally(one_by_one, shape.record_size)?;
    say("wall", begun.elapsed().as_secs_f64());
    say("memory", most_resident().saturating_sub(most_before));
    let last = shape.records as u64;
    if count != last || sum != last * (last + 1) / 2 {
        return Err(format!("{count} records were read of {last}").into());
    }
    peer.close()
}

/// Says what is delivered of records that were numbered from 1 on, each once, in order.
fn check(kind: Kind, shape: Shape<'_>) -> Outcome<()> {
    let mut peer = match kind.open(shape) {
        Ok(peer) => peer,
        Err(error) => {
            say("refused", one_line(&error.to_string()));
            return Ok(());
        }
    };
    if let Some(report) = peer.report() {
        say("told", one_line(&report));
    }
    deliver(peer.as_mut(), shape.record_size);
    peer.close()
}

fn go_on(kind: Kind, shape: Shape<'_>) -> Outcome<()> {
    let mut peer = kind.open(shape)?;
    let first = shape.records as u64 + 1;
    peer.append(first, Records::new(shape.record_size).of(first, shape.commit))?;
    peer.close()
}

/// Reads all, and says what came.
fn deliver(peer: &mut dyn Opened, size: usize) {
    let mut delivered = Delivered::new(size);
    let read = peer.deliver(&mut delivered);
    let Delivered { right, wrong, last, told, .. } = delivered;
    let told = told.or_else(|| read.err().map(|error| error.to_string()));
    if let Some(told) = told {
        say("told", one_line(&told));
    }
    say("right", right);
    say("wrong", wrong);
    say("last", last);
}

fn endless(kind: Kind, shape: Shape<'_>) -> Outcome<()> {
    let mut peer = kind.open(shape)?;
    let mut records = Records::new(shape.record_size);
    let mut stored = 0;
    loop {
        peer.append(stored + 1, records.of(stored + 1, shape.commit))?;
        stored += shape.commit as u64;
        // In one call, so that a kill cuts no number.
        std::io::stdout().write_all(format!("acknowledged {stored}\n").as_bytes())?;
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How long this process was on a processor, as a user and in the kernel.
fn on_processor() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let time = |value: nix::sys::time::TimeVal| {
        let micros = value.tv_sec() * 1_000_000 + value.tv_usec();
        Duration::from_micros(micros.unsigned_abs())
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// The most bytes of this process that ever were in memory.
fn most_resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut words = text.split_whitespace().skip_while(|word| *word != "VmHWM:").skip(1);
    words.next().and_then(|word| word.parse().ok()).map_or(0, |kib: u64| kib * 1024)
}

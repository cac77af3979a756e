//! `tslog demo`: real readings through a dead link and a SIGKILL, and the balance at the end.
//!
//! The storing process is a child that is killed for real. The uplink lives here, in another
//! process, and delivers to a receiver that appends to a file.

pub(crate) mod child;
mod data;
mod picture;

use std::{
    collections::HashMap,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::cell::Cell;
use crate::codec::Codec;
use crate::exit::{Exit, Failure, Result};
use crate::output::{Row, thousands};
use crate::shell::shell;
use crate::source::{Reading as Uplink, Records as _, Step, Viewed};
use data::Reading;

/// After so many records the link goes down.
const LINK_DOWN: u64 = 6_000;
/// When so many records are stored, the storing process is killed.
const KILL: u64 = 10_000;
/// When so many records are stored, the link comes back.
const LINK_UP: u64 = 13_000;
/// The uplink acknowledges after so many records.
const ACKNOWLEDGE: u64 = 64;
/// Nothing in the demo takes so long; if it does, it has failed.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// The mote and its reading out of a row of the log.
fn reading(row: &Row<'_>) -> Option<(u8, Reading)> {
    let [
        Cell::Int(number),
        Cell::Bool(indoor),
        Cell::Float(humidity),
        Cell::Float(temperature),
        Cell::Bool(event),
    ] = row.cells[..]
    else {
        return None;
    };
    let mote = row.tag + 1;
    #[expect(clippy::cast_possible_truncation, reason = "the values were floats of this size")]
    let (humidity, temperature) = (humidity as f32, temperature as f32);
    let number = u32::try_from(number).ok()?;
    Some((mote, Reading { mote, number, indoor, humidity, temperature, event }))
}

/// The storing process; it does not outlive the demo.
struct Writer(Child);

impl Writer {
    fn start(log: &Path) -> Result<Self> {
        let refused =
            |error| Failure::error(format!("the storing process does not start: {error}"));
        let program = std::env::current_exe().map_err(refused)?;
        let child = Command::new(program).arg("demo-writer").arg(log).stdin(Stdio::null()).spawn();
        Ok(Self(child.map_err(refused)?))
    }

    fn kill(&mut self) -> Result<()> {
        let refused = |error| Failure::error(format!("the storing process is not killed: {error}"));
        self.0.kill().map_err(refused)?;
        self.0.wait().map_err(refused)?;
        Ok(())
    }

    fn ended(&mut self) -> Result<bool> {
        let ended = self.0.try_wait();
        let ended = ended.map_err(|error| Failure::error(format!("no word of it: {error}")))?;
        match ended {
            Some(status) if !status.success() => {
                Err(Failure::error(format!("the storing process failed: {status}")))
            }
            ended => Ok(ended.is_some()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the receiver got, and what of it more than once.
struct Receiver {
    file: BufWriter<std::fs::File>,
    path: PathBuf,
    got: HashMap<u64, Reading>,
    last: u64,
    twice: u64,
    lost: u64,
}

impl Receiver {
    fn new(path: PathBuf) -> Result<Self> {
        let file = std::fs::File::create(&path)
            .map_err(|error| Failure::error(format!("{}: {error}", shell(&path))))?;
        let file = BufWriter::new(file);
        Ok(Self { file, path, got: HashMap::new(), last: 0, twice: 0, lost: 0 })
    }

    fn take(&mut self, seqn: u64, reading: Reading) -> Result<()> {
        let Reading { mote, number, humidity, temperature, event, .. } = reading;
        writeln!(self.file, "{seqn},{mote},{number},{humidity},{temperature},{event}")
            .map_err(|error| Failure::error(format!("{}: {error}", shell(&self.path))))?;
        match self.got.insert(seqn, reading) {
            Some(before) if before != reading => {
                return Err(Failure::error(format!("number {seqn} came with two contents")));
            }
            Some(_) => self.twice += 1,
            None => {}
        }
        self.last = seqn;
        Ok(())
    }
}

/// The demo while it runs.
struct Stage {
    log: PathBuf,
    start: Instant,
    /// Set by Ctrl-C and a closed terminal, so that the folder and the storing process go in order.
    stopped: Arc<AtomicBool>,
    bar: ProgressBar,
    receiver: Receiver,
}

impl Stage {
    fn check_time(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Failure::error("the demo was stopped"));
        }
        if self.start.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(Failure::error(format!(
            "the demo stands still after {} records",
            thousands(self.receiver.last)
        )))
    }

    /// Opens the uplink as soon as there is a log.
    fn uplink(&self) -> Result<Uplink> {
        loop {
            match Uplink::open(&self.log, 0) {
                Err(failure) if matches!(failure.exit, Exit::NoLog | Exit::Usage | Exit::Error) => {
                    if self.check_time().is_err() {
                        return Err(failure);
                    }
                    std::thread::sleep(LOOK_INTERVAL);
                }
                uplink => return uplink,
            }
        }
    }

    /// Delivers up to number `to`, or until `writer` has ended and nothing is left.
    fn deliver(&mut self, uplink: &mut Uplink, writer: &mut Writer, to: u64) -> Result<()> {
        let mut unacknowledged = 0;
        let schema = uplink.schema().clone();
        let codec = Codec::new(&schema)?;
        while self.receiver.last < to {
            self.check_time()?;
            let ended = writer.ended()?;
            match uplink.step()? {
                Step::End if ended => break,
                Step::End => std::thread::sleep(LOOK_INTERVAL),
                Step::Gap(gap) => self.receiver.lost += gap.range().count(),
                Step::Record(seqn) => {
                    let row = codec.row(seqn, uplink.bytes());
                    let reading = row.as_ref().and_then(reading);
                    let (_, reading) = reading
                        .ok_or_else(|| Failure::error(format!("number {seqn} is no reading")))?;
                    self.receiver.take(seqn, reading)?;
                    self.bar.set_position(seqn);
                    unacknowledged += 1;
                    if unacknowledged == ACKNOWLEDGE {
                        uplink.commit()?;
                        unacknowledged = 0;
                    }
                }
            }
        }
        if to == u64::MAX {
            uplink.commit()?;
        }
        Ok(())
    }

    /// Waits until number `to` is stored, with the link down.
    fn wait_for(&self, to: u64) -> Result<Viewed> {
        let mut view = Viewed::folder(&self.log)?;
        while view.bounds().1 < to {
            self.check_time()?;
            std::thread::sleep(LOOK_INTERVAL);
            view.refresh()?;
        }
        Ok(view)
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| {
            // The story is for a person; a closed pipe shows at the end.
            let _ = writeln!(io::stdout(), "{text}");
        });
    }

    fn show(&self, view: &mut Viewed) -> Result<()> {
        let cursor = view.cursors()?.first().copied().unwrap_or(0);
        if let Some(buckets) = view.buckets() {
            self.say(&picture::log(buckets, 1024, cursor, view.bounds().1));
        }
        Ok(())
    }
}

pub(crate) fn run(dir: &Path, keep: bool) -> Result<Exit> {
    let readings = data::readings().map_err(Failure::error)?;
    let total = readings.len() as u64;
    let style = ProgressStyle::with_template("{bar:50} {pos}/{len} delivered")
        .map(|style| style.progress_chars("#. "));
    let bar = ProgressBar::new(total);
    let bar = style.map_or(bar.clone(), |style| bar.with_style(style));
    let receiver = Receiver::new(dir.join("delivered.csv"))?;
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let caught = signal_hook::flag::register(signal, Arc::clone(&stopped));
        caught.map_err(|error| Failure::error(format!("signals cannot be caught: {error}")))?;
    }
    let (log, start) = (dir.join("log"), Instant::now());
    let mut stage = Stage { log, start, stopped, bar, receiver };
    stage.say(&format!(
        "{} readings of four wireless motes: one process stores, another delivers.",
        thousands(total)
    ));

    let mut writer = Writer::start(&stage.log)?;
    let mut uplink = stage.uplink()?;
    stage.deliver(&mut uplink, &mut writer, LINK_DOWN)?;
    // What was sent and not yet acknowledged is sent again when the link is back.
    drop(uplink);
    stage.say(&format!("The link goes down after number {}.", thousands(stage.receiver.last)));
    let mut view = stage.wait_for(KILL)?;
    writer.kill()?;
    view.refresh()?;
    let committed = thousands(view.bounds().1);
    stage.say(&format!("SIGKILL to the storing process. Committed up to number {committed}:\n"));
    stage.show(&mut view)?;
    let mut writer = Writer::start(&stage.log)?;
    stage.say("It starts again, and goes on behind what the log has. The link is still down.");
    stage.wait_for(LINK_UP)?;
    stage.say("The link is back.");
    let mut uplink = stage.uplink()?;
    stage.deliver(&mut uplink, &mut writer, u64::MAX)?;
    drop(uplink);
    stage.bar.finish_and_clear();
    let mut view = Viewed::folder(&stage.log)?;
    stage.say("Everything is delivered:\n");
    stage.show(&mut view)?;
    balance(&stage, &mut view, &readings)?;
    if keep {
        writeln!(io::stdout(), "\nKept in {}: tslog stats {}", shell(dir), shell(&stage.log))?;
    }
    Ok(Exit::Ok)
}

/// Compares what was delivered with the data set, record by record, and does the sums.
fn balance(stage: &Stage, view: &mut Viewed, readings: &[Reading]) -> Result<()> {
    let receiver = &stage.receiver;
    let stored = view.bounds().1;
    let cursor = view.cursors()?.first().copied().unwrap_or(0);
    let (delivered, pending) = (receiver.got.len() as u64, stored.saturating_sub(cursor));
    let mut by_mote: Vec<Reading> = receiver.got.values().copied().collect();
    by_mote.sort_unstable_by_key(|reading| (reading.mote, reading.number));
    let mut expected = readings.to_vec();
    expected.sort_unstable_by_key(|reading| (reading.mote, reading.number));
    let gapless = (1..=stored).all(|seqn| receiver.got.contains_key(&seqn));
    let mut out = io::stdout().lock();
    writeln!(out, "{}\n", picture::temperatures(&by_mote))?;
    writeln!(
        out,
        "stored {} = delivered {} + pending {} + dropped {}",
        thousands(stored),
        thousands(delivered),
        thousands(pending),
        thousands(receiver.lost)
    )?;
    writeln!(
        out,
        "delivered twice: {} (sent, and not acknowledged before the link went down)",
        thousands(receiver.twice)
    )?;
    if by_mote != expected || !gapless || stored != delivered + pending + receiver.lost {
        return Err(Failure::error("what was delivered is not the data set"));
    }
    let seconds = stage.start.elapsed().as_secs_f64();
    writeln!(
        out,
        "All {} readings arrived in order, each value as in the data set: {seconds:.1} s",
        thousands(delivered)
    )?;
    Ok(())
}

//! A file system that is shut down under a live writer and two readers, without its journal.
//!
//! What was acknowledged before the shutdown began is there after the next mount. What was said
//! later does not count: the kernel calls a sync a success that came too late.

use std::process::Command;
use std::time::Duration;

use tslog_sim::power::Rng;

use crate::Result;
use crate::args::Args;
use crate::event::{Event, Kind, now_ns};
use crate::ledger::{Ledger, Life};
use crate::look::look;
use crate::machine::disk::{self, Loop, Mounted};
use crate::machine::program::{self, Program, Spoken, wait_until};
use crate::machine::{self, at, space};
use crate::tally::Tally;
use crate::work::{Manner, Work};

const DISK_SIZE: u64 = 32 << 20;

/// Shutdowns of one log before the next log.
const LIVES: u32 = 5;

struct Job {
    file: std::path::PathBuf,
    /// Where the workers speak to: not on the disk that goes down.
    memory: std::path::PathBuf,
    folder: std::path::PathBuf,
}

pub(crate) fn run(args: &Args, tally: &Tally<'_>) -> Result<()> {
    let runs = args.size.of(20, 100, 1_000);
    program::run(Command::new("xfs_io").arg("-V"))?;
    let make = |job| {
        let file = space::folder().join(space::disk_name(job));
        let memory = space::folder().join(format!("memory-{job}"));
        std::fs::create_dir(&memory).map_err(at(&memory))?;
        let folder = space::folder().join(format!("down-{job}"));
        Ok(Job { file, memory, folder })
    };
    tally.each(0..runs.div_ceil(LIVES.into()), make, |job, case| {
        let lived = live(args.seed, tally, job, case);
        lived.map_err(|what| format!("{what}; {}", machine::keep(args, case, &job.file)))
    })
}

/// One log through several shutdowns.
fn live(seed: u64, tally: &Tally<'_>, job: &Job, case: u64) -> Result<()> {
    let mut rng = Rng::new(seed << 32 ^ case);
    let mut ledger = Ledger::default();
    let shape = Work {
        manner: Manner::Threads,
        records: u32::MAX,
        record_size: rng.pick(&[24, 100, 700]),
        bucket_size: rng.pick(&[8, 32, 128]),
        readers: 2,
        pause_us: rng.pick(&[0, 200]),
        ..Work::alone(rng.bits())
    };
    disk::make(&job.file, DISK_SIZE, "ext4", &[])?;
    let disk = Loop::attach(&job.file, DISK_SIZE)?;
    let mut mounted = Mounted::mount(&disk.device, "ext4", &job.folder)?;
    for number in 1..=LIVES {
        let mut work = Work { life: number, ..shape.clone() };
        work.commit_delta = rng.pick(&[1, 1, 8]);
        work.threads = u8::try_from(rng.within(1, 3)).unwrap_or(1);
        let (events, until_ns) = shut_down_once(&work, job, &mut rng)?;
        ledger.begin(Life {
            number,
            durable: work.commit_delta == 1,
            threads: work.threads,
            recreates: false,
            fails: true,
            until_ns: Some(until_ns),
        });
        // Readers and the writer hold the file system until they are gone.
        mounted.unmount()?;
        mounted = Mounted::mount(&disk.device, "ext4", &job.folder)?;
        tally.ran();
        tally.count(
            "stored",
            events.iter().filter(|event| event.kind == Kind::Stored).count() as u64,
        );
        let found = look(&job.folder.join("log"), work.seed)?;
        let heard = ledger.hear(&events).and_then(|()| ledger.compare(&found));
        heard.map_err(|what| format!("life {number}: {what}"))?;
    }
    mounted.unmount()
}

/// Lets the workers run and shuts their file system down: what they said, and until when it counts.
fn shut_down_once(work: &Work, job: &Job, rng: &mut Rng) -> Result<(Vec<Event>, u64)> {
    let log = job.folder.join("log");
    let mut writer = Spoken::start(&mut work.command(&log), &job.memory, "writer")?;
    let apart = Work { manner: Manner::Reader, first_reader: 1, ..work.clone() };
    wait_until("the log opens", || writer.has_spoken())?;
    let mut reader = Spoken::start(&mut apart.command(&log), &job.memory, "reader")?;
    std::thread::sleep(Duration::from_micros(5_000 + rng.below(60_000)));
    let before_ns = now_ns();
    // Without -f, the journal is not written out first.
    let mut shutdown = Command::new("xfs_io");
    Program::start(shutdown.args(["-x", "-c", "shutdown"]).arg(&job.folder))?.wait()?;
    for worker in [&mut writer, &mut reader] {
        worker.program.kill()?;
        worker.complaints()?;
    }
    let mut events = writer.events()?;
    events.extend(reader.events()?);
    Ok((events, before_ns))
}

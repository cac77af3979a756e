//! `kill -9` at a random moment, again and again over one folder.
//!
//! The page cache survives, so nothing at all may be missing that was said to be durable or was
//! handed to a reader; and the next life finds exactly what was seen after the kill.

use std::path::Path;
use std::time::Duration;

use tslog_sim::power::Rng;

use crate::Result;
use crate::args::Args;
use crate::event::{Event, Kind};
use crate::ledger::{Ledger, Life};
use crate::look::look;
use crate::machine::disk::Disk;
use crate::machine::program::{Spoken, wait_until};
use crate::machine::{self, at, space};
use crate::tally::Tally;
use crate::work::{Manner, Work};

/// Kills of one folder before the next folder.
const LIVES: u32 = 10;

/// The disk is small: a life that is killed stores a few hundred records.
const DISK_SIZE: u64 = 96 << 20;

/// Each job has a file system of its own, where there are any, and memory besides.
struct Job {
    disk: Option<Disk>,
    memory: std::path::PathBuf,
}

pub(crate) fn run(args: &Args, tally: &Tally<'_>) -> Result<()> {
    let kills = args.size.of(150, 1_500, 10_000);
    let make = |job| {
        let disk = Disk::ext4(job, DISK_SIZE, &[]);
        if let Err(why) = &disk {
            eprintln!("kill: in memory only, not on ext4: {why}");
        }
        let memory = space::folder().join(format!("memory-{job}"));
        std::fs::create_dir(&memory).map_err(at(&memory))?;
        Ok(Job { disk: disk.ok(), memory })
    };
    tally.each(0..kills.div_ceil(LIVES.into()), make, |job, case| {
        let on_disk = job.disk.as_ref().filter(|_| case % 4 != 0);
        let place = on_disk.map_or(job.memory.as_path(), |disk| &disk.mounted.at);
        let folder = place.join("log");
        let lived = live(args, tally, &job.memory, &folder, case);
        let lived = lived.map_err(|what| format!("{what}; {}", machine::keep(args, case, &folder)));
        std::fs::remove_dir_all(&folder).map_err(at(&folder))?;
        lived
    })
}

/// One folder through all its lives.
fn live(args: &Args, tally: &Tally<'_>, memory: &Path, folder: &Path, case: u64) -> Result<()> {
    let mut rng = Rng::new(args.seed << 32 ^ case);
    let mut ledger = Ledger::default();
    let shape = draw(&mut rng);
    for number in 1..=LIVES {
        let mut work =
            Work { life: number, commit_delta: rng.pick(&[1, 1, 3, 16]), ..shape.clone() };
        work.threads = u8::try_from(rng.within(1, 4)).unwrap_or(1);
        work.background = rng.chance(30);
        work.interval_ms = rng.pick(&[0, 0, 1, 20]);
        work.recreate = number > 1 && rng.chance(8);
        if rng.chance(6) {
            // This one comes to its end, for closing changes what the next one finds.
            work.records = u32::try_from(rng.within(1, 60)).unwrap_or(1);
        }
        ledger.begin(Life {
            number,
            durable: work.is_durable(),
            threads: work.threads,
            recreates: work.recreate,
            fails: false,
            until_ns: None,
        });
        let heard = kill_once(&work, memory, folder, &mut rng, &mut ledger);
        let heard = heard.map_err(|what| format!("life {number}: {what}"))?;
        tally.ran();
        tally.count("in_background", work.background.into());
        for (name, kind) in [("opened", Kind::Opened), ("stored", Kind::Stored)] {
            let count = heard.iter().filter(|event| event.kind == kind).count();
            tally.count(name, count as u64);
        }
    }
    Ok(())
}

/// The shape of a log, which all its lives share.
fn draw(rng: &mut Rng) -> Work {
    Work {
        manner: Manner::Threads,
        records: u32::MAX,
        record_size: rng.pick(&[16, 64, 200]),
        bucket_size: rng.pick(&[4, 16, 64]),
        readers: 2,
        first_reader: 0,
        reading: 1,
        pause_us: rng.pick(&[0, 50, 400]),
        ..Work::alone(rng.bits())
    }
}

/// One life: a writer with a reader in it, at times a reader in a process of its own, and the kill.
fn kill_once(
    work: &Work,
    memory: &Path,
    folder: &Path,
    rng: &mut Rng,
    ledger: &mut Ledger,
) -> Result<Vec<Event>> {
    let mut writer = Spoken::start(&mut work.command(folder), memory, "writer")?;
    let apart = Work { manner: Manner::Reader, first_reader: 1, ..work.clone() };
    // A reader of the old log, beside one that is made anew, would be neither.
    let reads_apart = rng.chance(50) && !work.recreate;
    let reader = reads_apart.then(|| Spoken::start(&mut apart.command(folder), memory, "reader"));
    let mut reader = reader.transpose()?;
    if rng.chance(75) {
        wait_until("the log opens", || writer.has_spoken())?;
    }
    // The moment is random on purpose, and without the wait above it often falls into opening.
    let most_us = 1 << rng.within(8, 15);
    std::thread::sleep(Duration::from_micros(rng.below(most_us)));
    if work.records == u32::MAX {
        writer.program.kill()?;
    } else if !writer.program.wait()?.success() {
        return Err(format!("it did not end well: {}", writer.complaints()?));
    }
    if let Some(reader) = &mut reader {
        std::thread::sleep(Duration::from_micros(rng.below(2_000)));
        reader.program.kill()?;
    }
    let mut events = writer.events()?;
    if let Some(reader) = &reader {
        events.extend(reader.events()?);
        reader.complaints()?;
    }
    let complaints = writer.complaints()?;
    let found = look(folder, work.seed)?;
    let heard = ledger.hear(&events).and_then(|()| ledger.compare(&found));
    heard.map_err(|what| format!("{what} {complaints}"))?;
    Ok(events)
}

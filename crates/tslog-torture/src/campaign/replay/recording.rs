//! A workload on a disk that writes down all it is told: two lives, the first of which is killed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tslog_sim::disk_log::{self, Entry, SECTOR};
use tslog_sim::power::Rng;

use super::kind::FileSystem;
use crate::Result;
use crate::event::{Event, Kind};
use crate::ledger::{Ledger, Life};
use crate::look::{Found, look};
use crate::machine::disk;
use crate::machine::fuse::Exported;
use crate::machine::program::Spoken;
use crate::machine::{at, space};
use crate::work::{Manner, Work};

/// Room for the marks, beyond the file system.
const MARKS_SIZE: u64 = 8 << 20;

/// What a disk was told, and by whom.
pub(super) struct Recording {
    pub(super) system: &'static FileSystem,
    /// The disk before the first entry.
    pub(super) base: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    pub(super) lives: [Work; 2],
    /// What was to be seen between the lives.
    between: Found,
}

impl Recording {
    /// Records a workload drawn from `seed`; with `lies`, no sync of the workers does anything.
    pub(super) fn make(system: &'static FileSystem, seed: u64, lies: bool) -> Result<Self> {
        let mut rng = Rng::new(seed);
        let [file, log] = ["recorded", "written"].map(|name| space::folder().join(name));
        disk::make(&file, system.size, system.name, system.make)?;
        let base = std::fs::read(&file).map_err(at(&file))?;
        let whole = std::fs::File::options().write(true).open(&file);
        let whole = whole.and_then(|whole| whole.set_len(system.size + MARKS_SIZE));
        whole.and_then(|()| std::fs::write(&log, "")).map_err(at(&log))?;
        let nodes = [
            format!("driver=file,filename={},node-name=f0", file.display()),
            format!("driver=file,filename={},node-name=l0", log.display()),
            "driver=blklogwrites,file=f0,log=l0,log-append=off,node-name=bl0".to_owned(),
        ];
        let exported = Exported::mount(&nodes, "bl0", system.name, system.size)?;
        let folder = space::folder().join("mounted/log");
        let (first, second) = draw(&mut rng, system.size);
        let mut worker = start(&first, &folder, &exported.shown, lies)?;
        if lies {
            // Killing the tracer would leave its worker alive.
            worker.program.wait()?;
        } else {
            std::thread::sleep(Duration::from_micros(30_000 + rng.below(200_000)));
            worker.program.kill()?;
        }
        let between = look(&folder, first.seed)?;
        let mut worker = start(&second, &folder, &exported.shown, lies)?;
        let status = worker.program.wait()?;
        let complaints = worker.complaints()?;
        if !status.success() {
            return Err(format!("the worker ended with {status}: {complaints}"));
        }
        exported.end()?;
        let marks_from = usize::try_from(system.size).unwrap_or(usize::MAX) / SECTOR;
        let entries = disk_log::read(&log, marks_from)?;
        Ok(Self { system, base, entries, lives: [first, second], between })
    }

    /// What is owed when the power goes before entry `end`.
    pub(super) fn ledger(&self, end: usize) -> Result<Ledger> {
        let mut ledger = Ledger::default();
        let marks = self.entries[..end].iter().filter_map(|entry| match entry {
            Entry::Mark(sectors) => Some(sectors.chunks(SECTOR)),
            Entry::Write { .. } | Entry::Flush => None,
        });
        let events = marks.flatten().filter_map(|mark| Event::decode(mark.first_chunk()?));
        let (first, second): (Vec<Event>, Vec<Event>) =
            events.into_iter().partition(|event| event.life == 1);
        ledger.begin(life(&self.lives[0]));
        ledger.hear(&first)?;
        if second.first().is_some_and(|event| event.kind == Kind::Opened) {
            ledger.compare(&self.between)?;
            ledger.begin(life(&self.lives[1]));
            ledger.hear(&second)?;
        }
        Ok(ledger)
    }
}

fn life(work: &Work) -> Life {
    Life {
        number: work.life,
        durable: work.commit_delta == 1,
        threads: work.threads,
        recreates: work.recreate,
        fails: false,
        until_ns: None,
    }
}

/// Two lives of one log.
fn draw(rng: &mut Rng, marks_at: u64) -> (Work, Work) {
    let first = Work {
        manner: rng.pick(&[Manner::Alone, Manner::Threads]),
        threads: 1,
        records: 60,
        record_size: rng.pick(&[24, 100, 700]),
        bucket_size: rng.pick(&[4, 8, 32]),
        commit_delta: rng.pick(&[1, 1, 4, 16]),
        readers: 2,
        reading: 1,
        pause_us: 100,
        marks_at,
        ..Work::alone(rng.bits())
    };
    // The marks of the first life fill less than half of the room for marks.
    let mut second = Work { life: 2, marks_at: marks_at + MARKS_SIZE / 2, ..first.clone() };
    second.commit_delta = rng.pick(&[1, 4, 16]);
    if second.manner == Manner::Threads {
        (second.threads, second.records) = (3, 30);
    }
    (first, second)
}

/// Starts a worker that speaks in marks; with `lies`, under a tracer that leaves its syncs out.
fn start(work: &Work, folder: &Path, marks: &Path, lies: bool) -> Result<Spoken> {
    let mut command = if lies {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync,pwritev2"]);
        // A write that syncs is then made as a write and a sync.
        strace.args(["-e", "inject=pwritev2:error=EOPNOTSUPP"]);
        strace.args(["-e", "inject=fsync,fdatasync:retval=0"]).arg(crate::machine::own_path());
        strace
    } else {
        Command::new(crate::machine::own_path())
    };
    Spoken::start(command.args(work.words(folder, marks)), &space::folder(), "worker")
}

//! A full file system, at each write and roll: real ext4 of 2 MiB, memory with a size, memory with
//! a count of files, a limit on the size of a file.
//!
//! A full log says so, uses up no number, lets its readers read and commit, and goes on without
//! being opened again once they have.

mod limit;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::mount::MountFlags;
use tslog::{Error, Options, SharedLog, SharedReader};
use tslog_sim::power::Rng;

use crate::Result;
use crate::args::Args;
use crate::look::look;
use crate::machine::disk::{Disk, Mounted};
use crate::machine::{self, at, space};
use crate::record::{self, Identity};
use crate::tally::Tally;

/// The disk that is to be full.
const DISK_SIZE: u64 = 2 << 20;
/// The steps in which room is left on it, from none on.
const ROOM_STEP: u64 = 1 << 10;
const ROOM_STEPS: u64 = 96;
/// So many records fit on no disk here.
const RECORDS_MAX: u64 = 100_000;

/// Where a log may fill up.
struct Job {
    disk: Disk,
    memory: Mounted,
    /// Has room for the files of a log with three buckets, and no more.
    few_files: Mounted,
}

pub(crate) fn run(args: &Args, tally: &Tally<'_>) -> Result<()> {
    let cases = args.size.of(120, 1_200, 12_000);
    let make = |job| {
        let memory = |kind: &str, options| {
            let folder = space::folder().join(format!("{kind}-{job}"));
            std::fs::create_dir(&folder).map_err(at(&folder))?;
            rustix::mount::mount("tmpfs", &folder, "tmpfs", MountFlags::empty(), Some(options))
                .map_err(at(&folder))?;
            Ok::<_, String>(Mounted { at: folder })
        };
        let disk = Disk::ext4(job, DISK_SIZE, &["-b", "1024", "-O", "^has_journal"])?;
        let few_files = memory("few", c"size=16m,nr_inodes=9")?;
        Ok(Job { disk, memory: memory("small", c"size=512k")?, few_files })
    };
    let is_limit = |case: u64| case.is_multiple_of(8);
    // A case waits for its disk most of the time.
    let jobs = args.jobs * 4;
    tally.each_by(jobs, 0..cases, make, |job, case| {
        if is_limit(case) {
            return Ok(());
        }
        tally.ran();
        let (place, name) = match case % 8 {
            1 => (&job.few_files.at, "few files"),
            2 | 3 => (&job.memory.at, "memory"),
            _ => (&job.disk.mounted.at, "ext4"),
        };
        let mut drawn = Case::draw(args.seed, case, place, case % 8 == 1);
        drawn.settles = name == "ext4";
        let done = drawn.run();
        let done = done.map_err(|what| format!("{name}: {what}"));
        clear(place)?;
        done.map_err(|what| format!("{what}; {}", machine::keep(args, case, &job.disk.file)))
    })?;
    // These start programs, and see [`Tally::each_by`] for what that does to the others.
    let make = |job| {
        let spare = space::folder().join(format!("spare-{job}"));
        std::fs::create_dir(&spare).map_err(at(&spare)).map(|()| spare)
    };
    tally.each_by(jobs, 0..cases, make, |spare, case| {
        if !is_limit(case) {
            return Ok(());
        }
        tally.ran();
        limit::run(args, spare, case)
    })
}

/// Removes everything in `folder`.
fn clear(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(at(folder))?.flatten() {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "lost+found" {
            std::fs::remove_dir_all(&path).map_err(at(&path))?;
        } else if path.is_file() {
            std::fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// A log that is to fill up, and how much room there is for it.
struct Case {
    place: PathBuf,
    seed: u64,
    record_size: usize,
    bucket_size: u32,
    commit_delta: u32,
    readers: u8,
    room: u64,
    /// What is free is known for certain once all is written: ext4 holds back more than it needs
    /// for what is not, and may have room a moment after it had none. Memory counts exactly.
    settles: bool,
    closes: bool,
    /// Numbers of records that are stored before the room is taken.
    before: u64,
}

impl Case {
    fn draw(seed: u64, case: u64, place: &Path, few: bool) -> Self {
        let mut rng = Rng::new(seed << 32 ^ case);
        Self {
            place: place.to_owned(),
            seed: rng.bits(),
            record_size: rng.pick(&[64, 200, 1000]),
            bucket_size: rng.pick(&[4, 16, 64]),
            commit_delta: rng.pick(&[1, 4, 16]),
            readers: if few { 1 } else { rng.pick(&[1, 1, 2]) },
            room: case / 8 % ROOM_STEPS * ROOM_STEP,
            settles: false,
            closes: rng.chance(50),
            before: if few { 0 } else { rng.pick(&[0, 1, 40]) },
        }
    }

    fn options(&self) -> Options {
        let size = u32::try_from(self.record_size).unwrap_or(0);
        let options = Options::new().record_size(size).bucket_size(self.bucket_size);
        options.commit_delta(self.commit_delta).readers(self.readers)
    }

    fn run(&self) -> Result<()> {
        let folder = self.place.join("log");
        let log = self.options().open_raw(&folder).map_err(|error| format!("open: {error}"))?;
        for _ in 0..self.before {
            self.store(&log).map_err(|error| format!("store while there is room: {error}"))?;
        }
        self.leave_room()?;
        let last = self.fill(&log)?;
        let mut readers = Vec::new();
        for n in 0..self.readers {
            readers
                .push(log.reader(n).map_err(|error| format!("reader {n} of a full log: {error}"))?);
        }
        for reader in &mut readers {
            self.drain(reader, last)?;
        }
        let last = self.resume(&log, &mut readers, last)?;
        drop(readers);
        if self.closes {
            log.close().map_err(|error| format!("close: {error}"))?;
        }
        drop(log);
        self.verify(&folder, last)
    }

    fn identity(seqn: u64) -> Identity {
        Identity { life: 1, thread: 0, counter: u32::try_from(seqn).unwrap_or(u32::MAX) }
    }

    fn bytes(&self, seqn: u64) -> Vec<u8> {
        record::bytes(self.seed, Self::identity(seqn), self.record_size)
    }

    fn store(&self, log: &SharedLog) -> core::result::Result<u64, Error<std::io::Error>> {
        log.store_record(&self.bytes(log.stats().seqn + 1))
    }

    /// Takes all the room on the file system but for what the case leaves.
    fn leave_room(&self) -> Result<()> {
        let path = self.place.join("ballast");
        let mut ballast = match File::create(&path) {
            // It is files that are lacking here.
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
            ballast => ballast.map_err(at(&path))?,
        };
        let mut size: u64 = 0;
        for piece in [&[1; 8 << 10][..], &[1; 1 << 10]] {
            while size < 16 << 20 && ballast.write_all(piece).is_ok() {
                size += piece.len() as u64;
            }
        }
        ballast.set_len(size.saturating_sub(self.room)).map_err(at(&path))?;
        // Until ext4 has found a place for it, it holds back more room than that takes.
        ballast.sync_all().map_err(at(&path))
    }

    /// Lets the file system write all it has; true once it has.
    fn settle(&self) -> Result<bool> {
        let place = File::open(&self.place).map_err(at(&self.place))?;
        rustix::fs::syncfs(&place).map_err(at(&self.place)).map(|()| true)
    }

    /// Stores until there is no room, and holds the log to what it owes then; the last number.
    fn fill(&self, log: &SharedLog) -> Result<u64> {
        let (mut last, mut settled) = (log.stats().seqn, !self.settles);
        let full = loop {
            match self.store(log) {
                Ok(seqn) if seqn != last + 1 => return Err(format!("{seqn} came behind {last}")),
                Ok(seqn) if seqn > RECORDS_MAX => return Err("it is never full".to_owned()),
                Ok(seqn) => (last, settled) = (seqn, !self.settles),
                Err(Error::Full) if !settled => settled = self.settle()?,
                Err(error) => break error,
            }
        };
        for (turn, error) in
            core::iter::once(Err(full)).chain((1..3).map(|_| self.store(log))).enumerate()
        {
            match error {
                Err(Error::Full) => {}
                Err(error) => return Err(format!("a full log says: {error}")),
                Ok(seqn) => return Err(format!("{seqn} was stored at try {turn} of a full log")),
            }
        }
        if log.stats().seqn != last {
            return Err(format!("being full used up {last} to {}", log.stats().seqn));
        }
        match log.commit() {
            Ok(seqn) if seqn == last => Ok(last),
            Ok(seqn) => Err(format!("the commit of a full log ends at {seqn}, not {last}")),
            Err(error) => Err(format!("a full log does not commit: {error}")),
        }
    }

    /// Reads all up to `last`, and acknowledges it.
    fn drain(&self, reader: &mut SharedReader, last: u64) -> Result<()> {
        while reader.cursor() < last {
            let record = reader.next_record().map_err(|error| format!("next: {error}"))?;
            let due = reader.cursor();
            let (seqn, bytes) = record.ok_or_else(|| format!("nothing is behind {due}"))?;
            if seqn != due || bytes != self.bytes(seqn) {
                return Err(format!("{seqn} is not what was stored"));
            }
        }
        let acked =
            reader.commit().map_err(|error| format!("a reader does not commit: {error}"))?;
        if acked == last { Ok(()) } else { Err(format!("acknowledged {acked}, not {last}")) }
    }

    /// Goes on as far as several buckets, with the readers behind; the last number.
    fn resume(&self, log: &SharedLog, readers: &mut [SharedReader], full_at: u64) -> Result<u64> {
        let mut last = full_at;
        let goal = full_at + 3 * u64::from(self.bucket_size);
        let (mut drained, mut helped, mut settled) = (false, false, !self.settles);
        while last < goal {
            match self.store(log) {
                Ok(seqn) => (last, drained, settled) = (seqn, false, !self.settles),
                Err(Error::Full) if !drained => drained = true,
                Err(Error::Full) if !settled => settled = self.settle()?,
                // Where one bucket is all there is room for, none can be given up for another.
                Err(Error::Full) if log.stats().oldest_bucket == log.stats().bucket && !helped => {
                    helped = true;
                    let _ = std::fs::remove_file(self.place.join("ballast"));
                }
                Err(error) => {
                    let stats = log.stats();
                    return Err(format!(
                        "behind {last}, after {full_at} were read: {error}; {stats:?}"
                    ));
                }
            }
            let committed = log.stats().committed;
            if drained || last.is_multiple_of(4) {
                readers.iter_mut().try_for_each(|reader| self.drain(reader, committed))?;
            }
        }
        log.commit().map_err(|error| format!("commit: {error}"))
    }

    /// After a reopening, all is there.
    fn verify(&self, folder: &Path, last: u64) -> Result<()> {
        let found = look(folder, self.seed)?;
        let log = self.options().open_raw(folder).map_err(|error| format!("reopen: {error}"))?;
        if found.last != last || log.stats().seqn != last {
            return Err(format!("{last} were committed; the log ends at {}", found.last));
        }
        let right = found.records.iter().all(|&(seqn, identity)| identity == Self::identity(seqn));
        let whole = found.records.len() as u64 == last + 1 - found.first;
        if right && whole { Ok(()) } else { Err("records are missing or misplaced".to_owned()) }
    }
}

//! Power cuts on real file systems: all that a disk was told is written down, and disks are made as
//! a cut could have left them: all before the last flush, and any sectors of what came after it.
//!
//! Each must mount, and the log on it must hold all that was acknowledged before the cut. That this
//! is able to see a loss is shown by a control: a worker whose syncs do nothing must lose.

mod kind;
mod recording;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

use tslog_sim::disk_log::{Entry, SECTOR};
use tslog_sim::power::Rng;

use crate::Result;
use crate::args::Args;
use crate::look::look;
use crate::machine::disk::{Loop, Mounted};
use crate::machine::{self, at, space};
use crate::tally::Tally;
use kind::FileSystem;
use recording::Recording;

/// Images of one recording.
const IMAGES: u64 = 400;
/// Images of the control, of which at least one must show a loss.
const CONTROL_IMAGES: u64 = 60;
/// Every so many images, the log is also opened and stored into.
const OPENED_EACH: u64 = 3;

pub(crate) fn run(args: &Args, tally: &Tally<'_>) -> Result<()> {
    control(args, tally)?;
    let plan: &[(&FileSystem, u64)] = &[
        (&kind::EXT4, args.size.of(200, 2_000, 20_000)),
        (&kind::XFS, args.size.of(0, 0, 500)),
        (&kind::BTRFS, args.size.of(0, 0, 500)),
    ];
    let mut base = 0;
    for &(system, images) in plan {
        for turn in 0..images.div_ceil(IMAGES) {
            let count = IMAGES.min(images - turn * IMAGES);
            replay(args, tally, system, base, count)?;
            base += count;
        }
    }
    Ok(())
}

/// Cases `base` and on are the images of one recording.
fn replay(
    args: &Args,
    tally: &Tally<'_>,
    system: &'static FileSystem,
    base: u64,
    count: u64,
) -> Result<()> {
    if args.case.is_some_and(|case| case < base || case >= base + count) {
        return Ok(());
    }
    let recording = Recording::make(system, args.seed << 32 ^ base, false)?;
    let one_at_a_time = Mutex::new(());
    let make = |job| Image::make(&recording, job);
    tally.each(base..base + count, make, |image, case| {
        tally.ran();
        tally.count(system.name, 1);
        let alone = (system.name == "btrfs").then(|| one_at_a_time.lock());
        let tried = image.try_one(args.seed, case, (case - base, count));
        drop(alone);
        tried.map_err(|what| {
            format!("{}: {what}; {}", system.name, machine::keep(args, case, &image.file))
        })
    })
}

/// Shows that a loss would be seen.
fn control(args: &Args, tally: &Tally<'_>) -> Result<()> {
    let recording = Recording::make(&kind::EXT4, args.seed, true)?;
    let mut image = Image::make(&recording, 0)?;
    let tried = (0..CONTROL_IMAGES)
        .filter_map(|case| image.try_one(args.seed, case, (case, CONTROL_IMAGES)).err());
    // Only a loss counts, and no other way to fail.
    let losses = ["they were acknowledged", "the log was made anew"];
    let lost = tried.filter(|what| losses.iter().any(|loss| what.contains(loss))).count();
    tally.count("control_images", CONTROL_IMAGES);
    tally.count("control_lost", lost as u64);
    if lost == 0 {
        tally.violation(0, "a log whose syncs do nothing lost nothing: losses are not seen");
    }
    Ok(())
}

/// A disk that is made again and again, as cuts at ever later moments leave it.
struct Image<'r> {
    recording: &'r Recording,
    file: PathBuf,
    loop_device: Loop,
    folder: PathBuf,
    /// The disk with all entries before `safe_end`, which is a flush.
    safe: Vec<u8>,
    safe_end: usize,
}

impl<'r> Image<'r> {
    fn make(recording: &'r Recording, job: usize) -> Result<Self> {
        let file = space::folder().join(space::disk_name(job));
        std::fs::write(&file, &recording.base).map_err(at(&file))?;
        let loop_device = Loop::attach(&file, recording.system.size)?;
        let folder = space::folder().join(format!("image-{job}"));
        let safe = recording.base.clone();
        Ok(Self { recording, file, loop_device, folder, safe, safe_end: 0 })
    }

    /// Cuts at a moment of part `part.0` of `part.1` equal parts, and holds what is left against
    /// what was said before.
    fn try_one(&mut self, seed: u64, case: u64, part: (u64, u64)) -> Result<()> {
        let mut rng = Rng::new(seed ^ case << 20);
        let length = self.recording.entries.len() as u64;
        let (begin, end) = (length * part.0 / part.1, length * (part.0 + 1) / part.1);
        let end = rng.within(begin, end.max(begin + 1).min(length));
        let end = usize::try_from(end).unwrap_or(0);
        self.cut(end, &mut rng)?;
        let Recording { system, lives, .. } = self.recording;
        let mounted = Mounted::mount_with(
            &self.loop_device.device,
            system.name,
            &self.folder,
            system.options,
        )?;
        let held = self.compare(end, case, &mut rng);
        mounted.unmount()?;
        held.map_err(|what| format!("cut before entry {end}: {what}; {:?}", lives[0]))
    }

    /// Makes the disk: all before the last flush, and of the entries behind it a random part.
    fn cut(&mut self, end: usize, rng: &mut Rng) -> Result<()> {
        let entries = &self.recording.entries[..end];
        let flush = entries.iter().rposition(|entry| *entry == Entry::Flush).unwrap_or(0);
        if flush < self.safe_end {
            (self.safe, self.safe_end) = (self.recording.base.clone(), 0);
        }
        for entry in &entries[self.safe_end..flush] {
            if let Entry::Write { sector, data, .. } = entry {
                self.safe[sector * SECTOR..][..data.len()].copy_from_slice(data);
            }
        }
        self.safe_end = flush;
        let file = File::options().write(true).open(&self.file).map_err(at(&self.file))?;
        let write = |bytes: &[u8], offset: usize| {
            file.write_all_at(bytes, offset as u64).map_err(at(&self.file))
        };
        write(&self.safe, 0)?;
        let (most, torn) = (rng.pick(&[0, 20, 50, 80, 100]), rng.chance(50));
        for entry in &entries[flush..] {
            let Entry::Write { sector, data, at_once } = entry else { continue };
            let system = self.recording.system;
            let in_whole = |sector: usize| system.whole.contains(&sector);
            let sectors = *sector..*sector + data.len() / SECTOR;
            let torn = torn && !sectors.clone().any(in_whole);
            let whole = *at_once || (!torn && rng.chance(most));
            for (piece, sector) in data.chunks(SECTOR).zip(sectors) {
                if whole || (torn && rng.chance(most)) {
                    write(piece, sector * SECTOR)?;
                }
            }
        }
        Ok(())
    }

    fn compare(&self, end: usize, case: u64, rng: &mut Rng) -> Result<()> {
        let mut ledger = self.recording.ledger(end)?;
        let work = &self.recording.lives[0];
        let folder = self.folder.join("log");
        let found = look(&folder, work.seed);
        let is_new = ledger.acked() == 0 && found.is_err();
        let last = match found {
            Ok(found) => {
                ledger.compare(&found)?;
                Some(found.last)
            }
            // The cut came while the log was made, and nothing was promised yet.
            Err(_) if is_new => None,
            Err(why) => return Err(why),
        };
        if !is_new && !case.is_multiple_of(OPENED_EACH) {
            return Ok(());
        }
        let mut options = work.options();
        options = options.commit_delta(1 + u32::try_from(rng.below(2)).unwrap_or(0));
        let told = |error: tslog::Error<std::io::Error>| format!("it does not go on: {error}");
        let log = options.open_raw(&folder).map_err(told)?;
        let stored = log.store_record(b"behind the cut").map_err(told)?;
        let closed = log.commit().and_then(|_| log.close()).map_err(told);
        let is_next = last.is_none_or(|last| stored == last + 1);
        if is_next { closed } else { Err(format!("{stored} came behind {last:?}")) }
    }
}

//! A log that is only looked at: a folder beside its writer, or a flash dump.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tslog::storage::{
    Storage,
    dir::{RealDir, Watch},
};
use tslog::{Error, Schema, SeqnRange, View, ViewStep};

use super::facts::{Facts, ReaderFacts, Verdict, disk_size};
use super::{Gap, Records, Step, failure, image, to_usize, unreadable};
use crate::args::Place;
use crate::exit::{Exit, Failure, Result};
use crate::shell::shell;

/// The least that a bucket takes.
const BUCKET_HEADER_SIZE: u64 = 32;
/// Bytes of records looked at in one step.
const STEP_BYTES: usize = 1 << 20;
/// How often a dump is looked at that may grow.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// A header that speaks of larger records is a hostile one, and no memory is set aside for it.
pub(super) const RECORD_SIZE_MAX: u32 = 1 << 24;

/// The methods of a view, over any medium.
trait Look {
    fn schema(&self) -> &Schema;
    fn id(&self) -> [u8; 16];
    fn generation(&self) -> u32;
    fn header_damaged(&self) -> bool;
    fn abandoned_size(&self) -> u32;
    fn buckets(&self) -> Option<(u32, u32)>;
    fn bucket_first(&mut self, index: u32) -> std::result::Result<Option<u64>, Error<io::Error>>;
    fn numbers(&mut self) -> std::result::Result<SeqnRange, Error<io::Error>>;
    fn cursors(&mut self) -> std::result::Result<Vec<u64>, Error<io::Error>>;
    fn believe(&mut self, cursor: u64);
    fn seek(&mut self, seqn: u64) -> std::result::Result<(), Error<io::Error>>;
    fn read(&mut self, out: &mut [u8]) -> std::result::Result<ViewStep, Error<io::Error>>;
    fn refresh(&mut self) -> std::result::Result<(), Error<io::Error>>;
}

impl<S: Storage<Error = io::Error>> Look for View<S> {
    fn schema(&self) -> &Schema {
        self.schema()
    }
    fn id(&self) -> [u8; 16] {
        self.id()
    }
    fn generation(&self) -> u32 {
        self.generation()
    }
    fn header_damaged(&self) -> bool {
        self.header_damaged()
    }
    fn abandoned_size(&self) -> u32 {
        self.abandoned_size()
    }
    fn buckets(&self) -> Option<(u32, u32)> {
        self.buckets()
    }
    fn bucket_first(&mut self, index: u32) -> std::result::Result<Option<u64>, Error<io::Error>> {
        self.bucket_first(index)
    }
    fn numbers(&mut self) -> std::result::Result<SeqnRange, Error<io::Error>> {
        self.numbers()
    }
    fn cursors(&mut self) -> std::result::Result<Vec<u64>, Error<io::Error>> {
        self.cursors()
    }
    fn believe(&mut self, cursor: u64) {
        self.believe(cursor);
    }
    fn seek(&mut self, seqn: u64) -> std::result::Result<(), Error<io::Error>> {
        self.seek(seqn)
    }
    fn read(&mut self, out: &mut [u8]) -> std::result::Result<ViewStep, Error<io::Error>> {
        self.read(out)
    }
    fn refresh(&mut self) -> std::result::Result<(), Error<io::Error>> {
        self.refresh()
    }
}

/// Refuses records that no memory is to be set aside for.
pub(super) fn check_record_size(schema: &Schema, path: &Path) -> Result<()> {
    if schema.record_size <= RECORD_SIZE_MAX {
        return Ok(());
    }
    Err(Failure::error(format!(
        "expected records of at most {RECORD_SIZE_MAX} bytes, and those in {} have {}",
        shell(path),
        schema.record_size
    )))
}

/// The command that shows how a dump begins.
fn first_bytes(file: &str) -> String {
    format!("od -A d -t x1z {file} | head")
}

/// A log that is only looked at: a folder or a flash dump.
pub(crate) struct Viewed {
    view: Box<dyn Look>,
    path: PathBuf,
    numbers: SeqnRange,
    bytes: Vec<u8>,
    /// Bytes that a flash dump lacks at its end.
    missing_size: u64,
    /// The first number in `bytes`, how many records are there, and how many were taken.
    batch: (u64, u32, u32),
    /// What the kernel tells of the folder, once it was waited for.
    watch: Option<Watch>,
}

impl Viewed {
    pub(crate) fn open(place: &Place) -> Result<Self> {
        if place.image {
            Self::image(&place.path, place.sector_size)
        } else {
            Self::folder(&place.path)
        }
    }

    fn image(path: &Path, sector_size: Option<u32>) -> Result<Self> {
        if sector_size == Some(0) {
            return Err(Failure::usage("expected a --sector-size of at least 1 byte, got 0"));
        }
        let file = shell(path);
        let dump = match image::look(path, sector_size) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::new(Exit::NoLog, format!("there is no file {file}"))
                    .hint(format!("ls -l {file}")));
            }
            dump => dump.map_err(|error| failure(Error::Storage(error), path))?,
        };
        let view = View::open_image(path, dump.slot_size).map_err(|error| match error {
            Error::NoLog => Failure::new(
                Exit::NoLog,
                format!("expected the header of a log at the start of {file}, and all is blank"),
            )
            .hint(first_bytes(&file)),
            Error::NotALog => unreadable(Error::NotALog, path).hint(first_bytes(&file)),
            error => unreadable(error, path),
        })?;
        if let Some(wrong) = sector_size.filter(|size| !dump.slot_size.is_multiple_of(*size)) {
            let slot = dump.slot_size;
            let message =
                format!("expected a --sector-size that divides {slot} bytes, got {wrong}");
            return Err(Failure::usage(message).hint(format!("tslog stats {file} --image")));
        }
        let mut viewed = Self::new(Box::new(view), path)?;
        viewed.missing_size = dump.missing_size;
        Ok(viewed)
    }

    pub(crate) fn folder(path: &Path) -> Result<Self> {
        Self::new(Box::new(View::open(path).map_err(|error| unreadable(error, path))?), path)
    }

    fn new(mut view: Box<dyn Look>, path: &Path) -> Result<Self> {
        check_record_size(view.schema(), path)?;
        let numbers = view.numbers().map_err(|error| failure(error, path))?;
        let size = to_usize(view.schema().record_size);
        let bytes = vec![0; STEP_BYTES.max(size)];
        let (missing_size, batch, watch) = (0, (0, 0, 0), None);
        Ok(Self { view, path: path.to_owned(), numbers, bytes, missing_size, batch, watch })
    }

    /// The oldest number that is there, and the last.
    pub(crate) fn bounds(&self) -> (u64, u64) {
        (self.numbers.first, self.numbers.last)
    }

    pub(crate) fn seek(&mut self, seqn: u64) -> Result<()> {
        self.batch = (0, 0, 0);
        self.view.seek(seqn).map_err(|error| failure(error, &self.path))
    }

    /// Waits until a look at the log is worth it.
    pub(crate) fn wait(&mut self) {
        if let Some(watch) = &mut self.watch {
            let _ = watch.wait(None);
        } else if let Ok(dir) = RealDir::open_read_only(&self.path) {
            // What was written before there was a watch is worth a look.
            self.watch = Some(dir.watch());
        } else {
            // A dump is no folder.
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    pub(crate) fn refresh(&mut self) -> Result<()> {
        self.view.refresh().map_err(|error| match error {
            Error::Closed => {
                let place = shell(&self.path);
                Failure::error(format!("the log in {place} was made anew meanwhile"))
                    .hint(format!("tslog stats {place}"))
            }
            error => failure(error, &self.path),
        })?;
        let numbers = self.view.numbers().map_err(|error| failure(error, &self.path))?;
        self.numbers = numbers;
        Ok(())
    }

    pub(crate) fn buckets(&self) -> Option<(u32, u32)> {
        self.view.buckets()
    }

    pub(crate) fn cursors(&mut self) -> Result<Vec<u64>> {
        self.view.cursors().map_err(|error| failure(error, &self.path))
    }

    pub(crate) fn facts(&mut self) -> Result<Facts> {
        let cursors = self.cursors()?;
        let (schema, buckets) = (self.view.schema(), self.view.buckets());
        let last = self.numbers.last;
        let readers = cursors.into_iter().zip(0_u8..).map(|(cursor, number)| ReaderFacts {
            number,
            cursor,
            lag: last.saturating_sub(cursor),
        });
        Ok(Facts {
            path: self.path.display().to_string(),
            id: self.view.id().iter().fold(String::new(), |id, byte| id + &format!("{byte:02x}")),
            generation: self.view.generation(),
            schema: schema.clone(),
            oldest: self.numbers.first,
            last,
            buckets,
            readers: readers.collect(),
            disk_size: disk_size(&self.path)?,
            abandoned_size: self.view.abandoned_size(),
            missing_size: self.missing_size,
            header_damaged: self.view.header_damaged(),
        })
    }

    /// Reads every frame there is.
    pub(crate) fn verify(&mut self) -> Result<Verdict> {
        // The cursors come first: what a reader had acknowledged by then was committed before.
        let acknowledged = self.cursors()?.into_iter().max().unwrap_or(0);
        self.refresh()?;
        let mut verdict = Verdict {
            records: 0,
            buckets: self.view.buckets().map_or(0, |(first, last)| u64::from(last - first) + 1),
            damaged: Vec::new(),
            buckets_damaged: Vec::new(),
            header_damaged: self.view.header_damaged(),
            abandoned_size: self.view.abandoned_size(),
            missing_size: self.missing_size,
        };
        self.seek(0)?;
        if acknowledged > self.numbers.last {
            // What lies behind the last commit that is whole is one that went rotten, and no write
            // that was cut.
            verdict.abandoned_size = 0;
            self.view.believe(acknowledged);
        }
        loop {
            let step = self.view.read(&mut self.bytes);
            match step.map_err(|error| failure(error, &self.path))? {
                ViewStep::End => break,
                ViewStep::Damaged(range) => verdict.damaged.push(range),
                ViewStep::Records(_, count) => {
                    verdict.records += u64::from(count);
                }
            }
        }
        verdict.buckets_damaged = self.damaged_buckets()?;
        Ok(verdict)
    }

    /// The buckets whose headers are not sound, whatever became of their records. Of a flash the
    /// oldest is left out: it may be erased in part for the bucket to come, which is no damage.
    fn damaged_buckets(&mut self) -> Result<Vec<u32>> {
        let Some((oldest, last)) = self.view.buckets() else { return Ok(Vec::new()) };
        let first = oldest.saturating_add(u32::from(self.path.is_file()));
        // Whoever forged an index far from all others sends nobody through those between.
        let most = disk_size(&self.path)? / BUCKET_HEADER_SIZE;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut damaged = Vec::new();
        for index in (first..=last).take(most) {
            let sound =
                self.view.bucket_first(index).map_err(|error| failure(error, &self.path))?;
            if sound.is_none() {
                damaged.push(index);
            }
        }
        // A writer may have given some up meanwhile.
        self.refresh()?;
        let oldest = self.view.buckets().map_or(0, |(oldest, _)| oldest);
        damaged.retain(|index| *index >= oldest);
        Ok(damaged)
    }
}

impl Records for Viewed {
    fn schema(&self) -> &Schema {
        self.view.schema()
    }

    fn step(&mut self) -> Result<Step> {
        if self.batch.2 < self.batch.1 {
            self.batch.2 += 1;
            return Ok(Step::Record(self.batch.0 + u64::from(self.batch.2) - 1));
        }
        let step = self.view.read(&mut self.bytes).map_err(|error| failure(error, &self.path))?;
        Ok(match step {
            ViewStep::End => Step::End,
            ViewStep::Damaged(range) => Step::Gap(Gap::Damaged(range)),
            ViewStep::Records(first, count) => {
                self.batch = (first, count, 1);
                Step::Record(first)
            }
        })
    }

    fn bytes(&self) -> &[u8] {
        let size = to_usize(self.view.schema().record_size);
        let at = to_usize(self.batch.2.saturating_sub(1)) * size;
        self.bytes.get(at..at + size).unwrap_or_default()
    }
}

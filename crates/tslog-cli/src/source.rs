//! The one place where the commands meet the library.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_json::{Value as Json, json};
use tslog::{
    Error, Invalid, Options, Schema, SeqnRange, SharedLog, SharedReader, View, ViewStep,
    storage::Storage,
};

use crate::args::Place;
use crate::cmd::shell;
use crate::exit::{Exit, Failure, Result};

/// Bytes of records looked at in one step.
const STEP_BYTES: usize = 1 << 20;

/// Numbers that have no record to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    Damaged(SeqnRange),
    Lost(SeqnRange),
    /// The bytes are sound and have a tag of no format.
    Unreadable(SeqnRange),
}

impl Gap {
    pub(crate) fn unreadable(seqn: u64) -> Self {
        Self::Unreadable(SeqnRange { first: seqn, last: seqn })
    }

    pub(crate) fn range(&self) -> SeqnRange {
        match self {
            Self::Damaged(range) | Self::Lost(range) | Self::Unreadable(range) => *range,
        }
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Record(u64),
    Gap(Gap),
    End,
}

/// A source of records, one after the other.
pub(crate) trait Records {
    fn schema(&self) -> &Schema;
    fn step(&mut self) -> Result<Step>;
    /// The bytes of the record that the last step named.
    fn bytes(&self) -> &[u8];
}

/// A size in memory; beyond the address space nothing fits anyway.
pub(crate) fn to_usize(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// Says what went wrong with the log at `path`, and what to type next.
pub(crate) fn failure(error: Error<io::Error>, path: &Path) -> Failure {
    let dir = shell(path);
    match error {
        Error::NoLog => Failure::new(Exit::NoLog, format!("there is no log in {dir}"))
            .hint(format!("tslog create {dir} --format Qff --fields time:s,a,b")),
        Error::NotALog => {
            Failure::error(format!("what is in {dir} is not a log")).hint(format!("ls -l {dir}"))
        }
        Error::Locked(pid) => {
            let holder = pid.map_or("another process".to_owned(), |pid| format!("process {pid}"));
            let message = format!("the log in {dir}, or this reader of it, is in use by {holder}");
            Failure::new(Exit::Locked, message).hint(format!("tslog stats {dir}"))
        }
        Error::Full => Failure::new(
            Exit::Full,
            format!("the log in {dir} is full, and its readers still need every bucket"),
        )
        .hint(format!("tslog read {dir} --reader 0 --commit")),
        Error::Invalid(Invalid::Values(error)) => Failure::error(error.to_string()),
        Error::Invalid(invalid) => Failure::usage(invalid.to_string()),
        other => Failure::error(format!("{dir}: {other}")),
    }
}

/// The methods of a view, over any medium.
trait Look {
    fn schema(&self) -> &Schema;
    fn id(&self) -> [u8; 16];
    fn generation(&self) -> u32;
    fn header_damaged(&self) -> bool;
    fn abandoned_size(&self) -> u32;
    fn buckets(&self) -> Option<(u32, u32)>;
    fn numbers(&mut self) -> std::result::Result<SeqnRange, Error<io::Error>>;
    fn cursors(&mut self) -> std::result::Result<Vec<u64>, Error<io::Error>>;
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
    fn numbers(&mut self) -> std::result::Result<SeqnRange, Error<io::Error>> {
        self.numbers()
    }
    fn cursors(&mut self) -> std::result::Result<Vec<u64>, Error<io::Error>> {
        self.cursors()
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

/// A log that is only looked at: a folder or a flash dump.
pub(crate) struct Viewed {
    view: Box<dyn Look>,
    path: PathBuf,
    numbers: SeqnRange,
    bytes: Vec<u8>,
    /// The first number in `bytes`, how many records are there, and how many were taken.
    batch: (u64, u32, u32),
}

impl Viewed {
    pub(crate) fn open(place: &Place) -> Result<Self> {
        let view: Box<dyn Look> = if place.image {
            let view = View::open_image(&place.path, place.sector_size);
            Box::new(view.map_err(|error| failure(error, &place.path))?)
        } else {
            Box::new(View::open(&place.path).map_err(|error| failure(error, &place.path))?)
        };
        Self::new(view, &place.path)
    }

    pub(crate) fn folder(path: &Path) -> Result<Self> {
        Self::new(Box::new(View::open(path).map_err(|error| failure(error, path))?), path)
    }

    fn new(mut view: Box<dyn Look>, path: &Path) -> Result<Self> {
        let numbers = view.numbers().map_err(|error| failure(error, path))?;
        let size = to_usize(view.schema().record_size);
        let bytes = vec![0; STEP_BYTES.max(size)];
        Ok(Self { view, path: path.to_owned(), numbers, bytes, batch: (0, 0, 0) })
    }

    /// The oldest number that is there, and the last.
    pub(crate) fn bounds(&self) -> (u64, u64) {
        (self.numbers.first, self.numbers.last)
    }

    pub(crate) fn seek(&mut self, seqn: u64) -> Result<()> {
        self.batch = (0, 0, 0);
        self.view.seek(seqn).map_err(|error| failure(error, &self.path))
    }

    pub(crate) fn refresh(&mut self) -> Result<()> {
        self.view.refresh().map_err(|error| failure(error, &self.path))?;
        self.numbers = self.view.numbers().map_err(|error| failure(error, &self.path))?;
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
            header_damaged: self.view.header_damaged(),
        })
    }

    /// Reads every frame there is.
    pub(crate) fn verify(&mut self) -> Result<Verdict> {
        let mut verdict = Verdict {
            records: 0,
            buckets: self.view.buckets().map_or(0, |(first, last)| u64::from(last - first) + 1),
            damaged: Vec::new(),
            header_damaged: self.view.header_damaged(),
            abandoned_size: self.view.abandoned_size(),
        };
        self.seek(0)?;
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
        Ok(verdict)
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

/// One reader of a log, with its lock.
pub(crate) struct Reading {
    reader: SharedReader,
    path: PathBuf,
    record: Vec<u8>,
}

impl Reading {
    pub(crate) fn open(path: &Path, n: u8) -> Result<Self> {
        let readers = View::open(path).and_then(|mut view| Ok(view.cursors()?.len()));
        let readers = readers.map_err(|error| failure(error, path))?;
        if usize::from(n) >= readers {
            let last = readers.saturating_sub(1);
            return Err(Failure::usage(format!("expected a --reader from 0 to {last}, got {n}")));
        }
        let reader = Options::open_reader(path, n).map_err(|error| failure(error, path))?;
        Ok(Self { reader, path: path.to_owned(), record: Vec::new() })
    }

    pub(crate) fn commit(&mut self) -> Result<u64> {
        self.reader.commit().map_err(|error| failure(error, &self.path))
    }
}

impl Records for Reading {
    fn schema(&self) -> &Schema {
        self.reader.schema()
    }

    fn step(&mut self) -> Result<Step> {
        match self.reader.next_record() {
            Ok(None) => Ok(Step::End),
            Ok(Some((seqn, record))) => {
                self.record = record;
                Ok(Step::Record(seqn))
            }
            Err(Error::Damaged(range)) => Ok(Step::Gap(Gap::Damaged(range))),
            Err(Error::Lost(range)) => Ok(Step::Gap(Gap::Lost(range))),
            Err(error) => Err(failure(error, &self.path)),
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.record
    }
}

/// A log that is written.
pub(crate) struct Store {
    log: SharedLog,
    path: PathBuf,
}

/// Commits from another thread.
pub(crate) struct Committer {
    log: SharedLog,
    path: PathBuf,
}

impl Committer {
    pub(crate) fn commit(&self) -> Result<u64> {
        self.log.commit().map_err(|error| failure(error, &self.path))
    }
}

impl Store {
    pub(crate) fn open(path: &Path, commit_delta: u32) -> Result<Self> {
        // The number of readers is the log's own; opening to append must not change it.
        let readers = View::open(path).and_then(|mut view| Ok(view.cursors()?.len()));
        let readers = readers.map_err(|error| failure(error, path))?;
        let readers = u8::try_from(readers).unwrap_or(1).max(1);
        let options = Options::new().create(false).commit_delta(commit_delta).readers(readers);
        let log = options.open_raw(path).map_err(|error| failure(error, path))?;
        Ok(Self { log, path: path.to_owned() })
    }

    pub(crate) fn schema(&self) -> &Schema {
        self.log.schema()
    }

    pub(crate) fn last(&self) -> u64 {
        self.log.stats().seqn
    }

    pub(crate) fn store(&self, record: &[u8]) -> Result<u64> {
        self.log.store_record(record).map_err(|error| failure(error, &self.path))
    }

    pub(crate) fn handle(&self) -> Committer {
        Committer { log: self.log.clone(), path: self.path.clone() }
    }

    pub(crate) fn close(&self) -> Result<()> {
        self.log.close().map_err(|error| failure(error, &self.path))
    }
}

/// What a new log is to be.
pub(crate) struct NewLog<'a> {
    pub(crate) formats: Vec<(&'a str, &'a str)>,
    pub(crate) record_size: Option<u32>,
    pub(crate) bucket_size: Option<u32>,
    pub(crate) readers: u8,
    pub(crate) recreate: bool,
}

/// True if there is a log in the folder.
pub(crate) fn is_log(path: &Path) -> Result<bool> {
    match View::open(path) {
        Ok(_) => Ok(true),
        Err(Error::NoLog) => Ok(false),
        Err(error) => Err(failure(error, path)),
    }
}

/// Makes an empty log.
pub(crate) fn create(path: &Path, new: &NewLog<'_>) -> Result<Facts> {
    let mut options =
        Options::new().formats(&new.formats).readers(new.readers).recreate(new.recreate);
    if let Some(size) = new.record_size {
        options = options.record_size(size);
    }
    if let Some(size) = new.bucket_size {
        options = options.bucket_size(size);
    }
    let log = options.open_raw(path).map_err(|error| failure(error, path))?;
    log.close().map_err(|error| failure(error, path))?;
    Viewed::folder(path)?.facts()
}

/// What `tslog stats` tells.
pub(crate) struct Facts {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) generation: u32,
    pub(crate) schema: Schema,
    pub(crate) oldest: u64,
    pub(crate) last: u64,
    pub(crate) buckets: Option<(u32, u32)>,
    pub(crate) readers: Vec<ReaderFacts>,
    pub(crate) disk_size: u64,
    pub(crate) abandoned_size: u32,
    pub(crate) header_damaged: bool,
}

pub(crate) struct ReaderFacts {
    pub(crate) number: u8,
    pub(crate) cursor: u64,
    pub(crate) lag: u64,
}

impl Facts {
    pub(crate) fn json(&self) -> Json {
        let formats = self.schema.formats.iter();
        let formats = formats.map(|(format, fields)| json!({ "format": format, "fields": fields }));
        let readers = self.readers.iter().map(
            |reader| json!({ "reader": reader.number, "cursor": reader.cursor, "lag": reader.lag }),
        );
        json!({
            "path": self.path,
            "id": self.id,
            "generation": self.generation,
            "formats": formats.collect::<Vec<_>>(),
            "record_size": self.schema.record_size,
            "bucket_size": self.schema.bucket_size,
            "first": self.oldest,
            "last": self.last,
            "first_bucket": self.buckets.map(|(first, _)| first),
            "last_bucket": self.buckets.map(|(_, last)| last),
            "readers": readers.collect::<Vec<_>>(),
            "disk_size": self.disk_size,
            "abandoned_size": self.abandoned_size,
            "header_damaged": self.header_damaged,
        })
    }
}

/// What `tslog verify` found.
pub(crate) struct Verdict {
    pub(crate) records: u64,
    pub(crate) buckets: u64,
    pub(crate) damaged: Vec<SeqnRange>,
    pub(crate) header_damaged: bool,
    pub(crate) abandoned_size: u32,
}

impl Verdict {
    pub(crate) fn is_sound(&self) -> bool {
        self.damaged.is_empty() && !self.header_damaged
    }

    pub(crate) fn json(&self) -> Json {
        let damaged = self.damaged.iter();
        let damaged = damaged.map(|range| json!({ "first": range.first, "last": range.last }));
        json!({
            "records": self.records,
            "buckets": self.buckets,
            "damaged": damaged.collect::<Vec<_>>(),
            "header_damaged": self.header_damaged,
            "abandoned_size": self.abandoned_size,
            "sound": self.is_sound(),
        })
    }
}

/// Bytes on disk: of the dump, or of all files of the folder.
fn disk_size(path: &Path) -> Result<u64> {
    let unreadable = |error: io::Error| Failure::error(format!("{}: {error}", shell(path)));
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_file() {
        return Ok(metadata.len());
    }
    let mut size = 0;
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        // A file that goes while it is counted takes no space any more.
        size += entry.and_then(|entry| entry.metadata()).map_or(0, |metadata| metadata.len());
    }
    Ok(size)
}

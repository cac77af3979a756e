//! Logs that are changed: made, appended to, or read by one of their readers.

use std::path::{Path, PathBuf};

use tslog::{Error, Options, Policy, Schema, SharedLog, SharedReader, View};

use super::look::{RECORD_SIZE_MAX, check_record_size};
use super::{Facts, Gap, Records, Step, Viewed, failure, unreadable};
use crate::exit::{Exit, Failure, Result};
use crate::shell::shell;

/// One reader of a log, with its lock.
pub(crate) struct Reading {
    reader: SharedReader,
    path: PathBuf,
    record: Vec<u8>,
}

impl Reading {
    pub(crate) fn open(path: &Path, n: u8) -> Result<Self> {
        let Some(last) = readers(path)?.checked_sub(1) else {
            return Err(Failure::error(format!("the log in {} has no readers", shell(path)))
                .hint(format!("ls -l {}", shell(path))));
        };
        if usize::from(n) > last {
            return Err(Failure::usage(format!("expected a --reader from 0 to {last}, got {n}"))
                .hint(format!("tslog stats {}", shell(path))));
        }
        let reader = Options::open_reader(path, n).map_err(|error| match error {
            Error::Locked(_) => {
                let message = format!("reader {n} of the log in {} is in use", shell(path));
                Failure::new(Exit::Locked, format!("{message} by another process"))
                    .hint(format!("tslog stats {}", shell(path)))
            }
            error => failure(error, path),
        })?;
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

/// How many readers the log at `path` has.
fn readers(path: &Path) -> Result<usize> {
    let mut view = View::open(path).map_err(|error| unreadable(error, path))?;
    check_record_size(view.schema(), path)?;
    Ok(view.cursors().map_err(|error| failure(error, path))?.len())
}

/// How a log is opened to store records.
pub(crate) struct HowToStore {
    pub(crate) commit_delta: u32,
    /// 0 for no cap.
    pub(crate) max_buckets: u32,
    pub(crate) drop_oldest: bool,
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
    pub(crate) fn open(path: &Path, how: &HowToStore) -> Result<Self> {
        // The number of readers is the log's own; opening to append must not change it.
        let readers = u8::try_from(readers(path)?).unwrap_or(1).max(1);
        let policy = if how.drop_oldest { Policy::DropOldest } else { Policy::Error };
        let options = Options::new()
            .create(false)
            .commit_delta(how.commit_delta)
            .readers(readers)
            .policy(policy)
            .max_buckets(how.max_buckets);
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
        Err(error) => Err(unreadable(error, path)),
    }
}

/// Makes an empty log.
pub(crate) fn create(path: &Path, new: &NewLog<'_>) -> Result<Facts> {
    if let Some(size) = new.record_size.filter(|size| *size > RECORD_SIZE_MAX) {
        return Err(Failure::usage(format!(
            "expected a --record-size of at most {RECORD_SIZE_MAX} bytes, got {size}"
        )));
    }
    let mut options =
        Options::new().formats(&new.formats).readers(new.readers).recreate(new.recreate);
    if let Some(size) = new.record_size {
        options = options.record_size(size);
    }
    if let Some(size) = new.bucket_size {
        options = options.bucket_size(size);
    }
    let log = options.open_raw(path).map_err(|error| match error {
        // Here it only means that the folder cannot be made, not even its parents.
        Error::NoLog => Failure::error(format!("the folder {} cannot be made", shell(path))),
        error => failure(error, path),
    })?;
    log.close().map_err(|error| failure(error, path))?;
    Viewed::folder(path)?.facts()
}

//! The one place where the commands meet the library.
//!
//! [`Viewed`] looks at a log, [`Reading`] is one of its readers, [`Store`] writes it; [`Facts`] and
//! [`Verdict`] are what `stats` and `verify` tell.

mod facts;
mod image;
mod look;
mod write;

use std::{io, path::Path};

use tslog::{Error, Invalid, Schema, SeqnRange};

use crate::exit::{Exit, Failure, Result};
use crate::shell::shell;

pub(crate) use facts::{Facts, Verdict};
pub(crate) use look::Viewed;
pub(crate) use write::{HowToStore, NewLog, Reading, Store, create, is_log};

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
        Error::NotALog => Failure::error(format!(
            "expected the header of a log in {dir} and found neither copy of it: this is no log, \
             or both copies are damaged"
        ))
        .hint(format!("ls -l {dir}")),
        Error::Locked(pid) => {
            let holder = pid.map_or("another process".to_owned(), |pid| format!("process {pid}"));
            let message = format!("the log in {dir} is being written by {holder}");
            Failure::new(Exit::Locked, message).hint(format!("tslog stats {dir}"))
        }
        Error::Full => Failure::new(
            Exit::Full,
            format!("the log in {dir} is full, and its readers still need every bucket"),
        )
        .hint(format!("tslog read {dir} --reader 0 --commit")),
        Error::Invalid(Invalid::Values(error)) => Failure::error(error.to_string()),
        Error::Invalid(invalid) => Failure::usage(invalid.to_string()),
        Error::Storage(error) => unreachable_place(&error, path),
        Error::Version(version) => Failure::error(format!(
            "the log in {dir} has layout version {version}, and this tslog knows none later than 1"
        ))
        .hint("tslog --version"),
        other => Failure::error(format!("{dir}: {other}")),
    }
}

/// The same for a log that is only opened: what is invalid then is its header.
pub(crate) fn unreadable(error: Error<io::Error>, path: &Path) -> Failure {
    match error {
        Error::Invalid(invalid) => {
            let dir = shell(path);
            Failure::error(format!("the header of the log in {dir} cannot be right: {invalid}"))
                .hint(format!("ls -l {dir}"))
        }
        error => failure(error, path),
    }
}

/// Says why a place cannot be used; a file where a folder has to be is most likely a flash dump.
fn unreachable_place(error: &io::Error, path: &Path) -> Failure {
    let place = shell(path);
    match error.kind() {
        io::ErrorKind::NotADirectory if path.is_file() => {
            Failure::error(format!("expected the folder of a log, and {place} is a file"))
                .hint(format!("tslog stats {place} --image"))
        }
        io::ErrorKind::IsADirectory => {
            Failure::error(format!("expected a flash dump, and {place} is a folder"))
                .hint(format!("tslog stats {place}"))
        }
        _ => Failure::error(format!("{place} cannot be used: {error}")),
    }
}

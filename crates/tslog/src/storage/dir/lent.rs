//! Files of a folder that are written and synced beside other work on it.

use rustix::fs::Advice;
use rustix::io::retry_on_intr;
use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::fs::FileExt},
    sync::Arc,
};

/// A file to be written, and what makes it and all that was written before durable.
#[derive(Debug)]
pub(crate) struct Lending {
    pub(in super::super) file: Lent,
    /// Files that were written before and are not yet synced.
    pub(in super::super) others: Vec<Lent>,
    pub(in super::super) names: Option<LentNames>,
}

impl Lending {
    /// As [`crate::storage::Storage::write`] to the slot.
    pub(crate) fn write(&self, offset: u32, data: &[u8]) -> io::Result<()> {
        self.file.write(u64::from(offset), data)
    }

    /// As [`crate::storage::Storage::sync`].
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.others.iter().chain([&self.file]).try_for_each(Lent::sync)?;
        self.names.as_ref().map_or(Ok(()), LentNames::sync)
    }
}

/// A file that is written and synced without its folder.
#[derive(Debug)]
pub(crate) struct Lent(pub(super) Arc<File>);

impl Lent {
    /// As [`super::Dir::write`].
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }

    /// As [`super::Dir::sync`].
    pub(crate) fn sync(&self) -> io::Result<()> {
        sync_data(&self.0)
    }
}

/// The names of a folder, which are synced without it.
#[derive(Debug)]
pub(crate) struct LentNames(pub(super) Arc<OwnedFd>);

impl LentNames {
    /// As [`super::Dir::sync_names`].
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::fsync(&self.0))?)
    }
}

/// Makes the bytes of a file durable.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    let synced = file.sync_data();
    if synced.is_err() {
        // The cache would go on showing what is not on the disk, and whoever opens the log next
        // would believe it.
        let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
    }
    synced
}

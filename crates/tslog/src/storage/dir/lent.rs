//! Files of a folder that are written and synced beside other work on it.

use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags, pwritev2, retry_on_intr};
use std::{
    fs::File,
    io::{self, IoSlice},
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
    /// Nothing was written before that is not yet synced, and the file system does as a write asks.
    pub(in super::super) in_one_call: bool,
}

impl Lending {
    /// As [`crate::storage::Storage::write`] to the slot.
    fn write(&self, offset: u32, data: &[u8]) -> io::Result<()> {
        self.file.write(u64::from(offset), data)
    }

    /// As [`Lending::write`] and then [`Lending::sync`], in one call where that can be.
    pub(crate) fn write_durably(&self, offset: u32, data: &[u8]) -> io::Result<()> {
        if self.in_one_call && self.file.write_durably(u64::from(offset), data)? {
            return Ok(());
        }
        self.write(offset, data)?;
        self.sync()
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

    /// Writes what is durable then, and nothing else of the file. False if the kernel knows no such
    /// write, or a filter of calls keeps it from us.
    fn write_durably(&self, mut offset: u64, mut data: &[u8]) -> io::Result<bool> {
        while !data.is_empty() {
            let flags = ReadWriteFlags::DSYNC;
            let slice = || [IoSlice::new(data)];
            match retry_on_intr(|| pwritev2(&self.0, &slice(), offset, flags)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    data = data.get(count..).unwrap_or_default();
                    offset = offset.saturating_add(count as u64);
                }
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => {
                    return Ok(false);
                }
                Err(error) => {
                    forget_cached(&self.0);
                    return Err(error.into());
                }
            }
        }
        Ok(true)
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
        forget_cached(file);
    }
    synced
}

/// After a failed sync the cache would go on showing what is not on the disk, and whoever opens the
/// log next would believe it.
fn forget_cached(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
}

/// Whether a write to a file of this folder that is to be durable is durable then. Elsewhere the
/// wish may get lost on its way: a file system of a process (FUSE) is told, and need not listen.
pub(super) fn syncs_writes(folder: &OwnedFd) -> bool {
    const EXT: i128 = 0xEF53;
    const XFS: i128 = 0x5846_5342;
    const BTRFS: i128 = 0x9123_683E;
    const TMPFS: i128 = 0x0102_1994;
    // On some machines the type is a signed number of 32 bits.
    let kind = rustix::fs::fstatfs(folder).map(|stat| i128::from(stat.f_type) & 0xFFFF_FFFF);
    matches!(kind, Ok(EXT | XFS | BTRFS | TMPFS))
}

#[cfg(test)]
mod tests {
    use super::syncs_writes;
    use rustix::fs::{Mode, OFlags, open};

    #[test]
    fn a_file_system_nobody_has_looked_at_is_not_trusted_to_sync_what_is_written() {
        let folder = |path| open(path, OFlags::DIRECTORY, Mode::empty()).unwrap();
        assert!(!syncs_writes(&folder("/proc")));
    }
}

//! A file that is looked at and never written, wherever it lies.

use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use std::io::{self, ErrorKind};
use std::{fs::File, path::Path};

use super::real::{read_full, refusal};

/// A file that is only read: the dump of a flash.
///
/// ```
/// use tslog::storage::dir::ReadOnlyFile;
/// let (file, size) = ReadOnlyFile::open("tests/golden/flash-4.bin".as_ref())?;
/// let mut bytes = [0; 16];
/// assert_eq!((file.read(0, &mut bytes)?, size), (16, 4096));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ReadOnlyFile(File);

impl ReadOnlyFile {
    /// Opens the regular file at `path` and tells its length in bytes; a link to one will do.
    pub fn open(path: &Path) -> io::Result<(Self, u64)> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?);
        let found = file.metadata()?;
        if found.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        if !found.is_file() {
            return Err(refusal(path.display(), "not a regular file; copy the flash into one"));
        }
        Ok((Self(file), found.len()))
    }

    /// Reads from `offset`; returns how many bytes there were, fewer only at the end of the file.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        read_full(&self.0, offset, out)
    }
}

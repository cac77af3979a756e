//! The files of a log in their folder.
//!
//! [`Dir`] is a flat folder of the few [`Name`]s a log uses, as weak as POSIX; [`RealDir`] is that
//! folder on Linux, and a test can put one in its place that fails.

mod lent;
mod read_only;
mod real;
mod space;
mod watch;

use core::fmt;
use std::io;

pub(crate) use lent::Lending;
pub use read_only::ReadOnlyFile;
pub use real::RealDir;
pub(super) use space::Space;
pub use watch::Watch;

use crate::words::MAX_READERS;

/// The files of a log. [`fmt::Display`] gives the name in the folder.
///
/// ```
/// use tslog::storage::dir::Name;
/// assert_eq!(Name::Bucket(12).to_string(), "bucket-0000000012");
/// assert_eq!(Name::parse("reader-3"), Some(Name::Reader(3)));
/// assert_eq!(Name::parse("notes.txt"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A copy of the log header, 0 or 1: `header-0`.
    Header(u8),
    /// A bucket, by its place in the ring: `bucket-0000000012`.
    Bucket(u32),
    /// The cursor places of a reader, 0 to 3: `reader-0`.
    Reader(u8),
    /// What the writer holds a lock on; it holds the writer's process number: `lock`.
    Lock,
}

impl Name {
    /// The highest number of a bucket: its slot is two more, and `u32::MAX` is no slot.
    pub const MAX_BUCKET: u32 = u32::MAX - 3;

    /// The name as it stands in a folder, or `None` for a file that is not part of a log. Only the
    /// one canonical spelling is a name, so that no two files can mean the same.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "lock" {
            return Some(Self::Lock);
        }
        let (kind, digits) = text.split_once('-')?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
        let number: u32 = digits.parse().ok()?;
        match (kind, digits.len(), u8::try_from(number)) {
            ("bucket", 10, _) if number <= Self::MAX_BUCKET => Some(Self::Bucket(number)),
            ("header", 1, Ok(copy @ 0..=1)) => Some(Self::Header(copy)),
            ("reader", 1, Ok(n)) if usize::from(n) < MAX_READERS => Some(Self::Reader(n)),
            _ => None,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(copy) => write!(f, "header-{copy}"),
            Self::Bucket(number) => write!(f, "bucket-{number:010}"),
            Self::Reader(reader) => write!(f, "reader-{reader}"),
            Self::Lock => f.write_str("lock"),
        }
    }
}

/// A flat folder of a log's files, as weak as POSIX: what was written is safe after
/// [`Dir::sync`] of the file, and a name that came or went after [`Dir::sync_names`].
pub trait Dir {
    /// Calls `each` with every name there is, in any order. Foreign files are passed over.
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()>;
    /// The length of a file in bytes, `None` if there is no such file.
    fn size(&mut self, name: Name) -> io::Result<Option<u64>>;
    /// Reads from `offset` and returns how many bytes there were: fewer than asked for only at the
    /// end of the file, 0 if there is no such file.
    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize>;
    /// Writes into an existing file, which may grow. A failed call may have written any part.
    fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Makes an existing file at least `size` bytes long, with zeros at its end, so that no write
    /// up to there can lack space. False if that takes writing the zeros. A failed call may have
    /// made it any longer.
    fn allocate(&mut self, name: Name, size: u64) -> io::Result<bool> {
        let (_, _) = (name, size);
        Ok(false)
    }
    /// Makes an empty file. It must not exist.
    fn create(&mut self, name: Name) -> io::Result<()>;
    /// Cuts an existing file off behind `size` bytes.
    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()>;
    /// Removes a file; false if there was none. The file of a reader is not removed while somebody
    /// holds its lock: the error is of kind `WouldBlock`.
    fn remove(&mut self, name: Name) -> io::Result<bool>;
    /// Makes the bytes and the length of an existing file survive a power cut. Never to be tried
    /// again after a failure: the kernel has then forgotten which bytes it lost.
    fn sync(&mut self, name: Name) -> io::Result<()>;
    /// Makes the names that came and went survive a power cut.
    fn sync_names(&mut self) -> io::Result<()>;
    /// Lets go of files whose names lead elsewhere by now, as another process may remove a file and
    /// make it anew. Those that were written and not synced stay.
    fn refresh(&mut self) {}
    /// True if the lock of this file is taken.
    fn is_locked(&mut self, name: Name) -> io::Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn only_the_canonical_spelling_of_a_name_is_ours() {
        let last = Name::Bucket(Name::MAX_BUCKET);
        for name in [Name::Header(1), Name::Bucket(12), last, Name::Reader(3), Name::Lock] {
            assert_eq!(Name::parse(&name.to_string()), Some(name));
        }
        assert_eq!(Name::Bucket(12).to_string(), "bucket-0000000012");
        let foreign = " lock2 notes.txt header-2 header- reader-4 reader-+1 reader-01 bucket-12 \
             bucket-00000000012 bucket-+000000012 bucket-4294967293";
        for foreign in foreign.split(' ') {
            assert_eq!(Name::parse(foreign), None, "{foreign}");
        }
    }
}

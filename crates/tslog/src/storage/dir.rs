//! The files of a log in one folder: the only place in the library that talks to a file system.
//!
//! It promises that only regular files of the log's own names are touched, relative to a folder
//! that was opened once; that symlinks, devices and the like are refused; and that what it makes
//! belongs to its owner alone.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{DirBuilderExt, FileExt},
    },
    path::Path,
};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};

/// How many files are kept open: the bucket written, the one read, and cursors.
const KEPT_OPEN: usize = 6;

/// A file of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `header-0` and `header-1`: the copies of the log header.
    Header(u8),
    /// `bucket-0000000012`: a bucket, by its index.
    Bucket(u32),
    /// `reader-0` to `reader-3`: the cursor places of a reader.
    Reader(u8),
    /// `lock`: held by the writer; holds its process id.
    Lock,
}

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Header(copy) => write!(f, "header-{copy}"),
            Self::Bucket(index) => write!(f, "bucket-{index:010}"),
            Self::Reader(n) => write!(f, "reader-{n}"),
            Self::Lock => f.write_str("lock"),
        }
    }
}

impl Name {
    /// The file of this name, if it is one of a log's.
    pub fn parse(name: &str) -> Option<Self> {
        let parsed = if name == "lock" {
            Self::Lock
        } else if let Some(copy) = name.strip_prefix("header-") {
            Self::Header(copy.parse().ok().filter(|&copy| copy < 2)?)
        } else if let Some(n) = name.strip_prefix("reader-") {
            Self::Reader(n.parse().ok().filter(|&n| n < 4)?)
        } else {
            Self::Bucket(name.strip_prefix("bucket-")?.parse().ok()?)
        };
        // Only the one way to write a number counts.
        (parsed.to_string() == name).then_some(parsed)
    }
}

/// The operations on files that a folder of a log needs.
pub trait Dir {
    /// Names every file of the log, in any order.
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()>;
    /// Bytes in the file, `None` if there is none.
    fn size(&mut self, name: Name) -> io::Result<Option<u64>>;
    /// Reads up to `out.len()` bytes; fewer at the end of the file, none if there is no file.
    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize>;
    /// Writes into an existing file.
    fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Makes an empty file that was not there.
    fn create(&mut self, name: Name) -> io::Result<()>;
    /// Cuts a file back to `size` bytes.
    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()>;
    /// Removes a file; that there is none is no error.
    fn remove(&mut self, name: Name) -> io::Result<()>;
    /// On return, the bytes of the file survive a power cut. Never to be tried again after a
    /// failure: the kernel has then forgotten which bytes it lost.
    fn sync(&mut self, name: Name) -> io::Result<()>;
    /// On return, creations and removals survive a power cut.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Debug)]
pub struct RealDir {
    folder: OwnedFd,
    open: Vec<(Name, File)>,
    locks: Vec<File>,
    read_only: bool,
}

impl RealDir {
    /// Opens a folder, and makes it and its parents if `create` says so.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::NotFound`] if there is no folder.
    pub fn open(path: &Path, create: bool, read_only: bool) -> io::Result<Self> {
        if create {
            make_folders(path)?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { folder, open: Vec::new(), locks: Vec::new(), read_only })
    }

    /// Takes the lock on `name` for as long as this value lives. `Err` inside names the process
    /// that has it, where known.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn lock(&mut self, name: Name) -> io::Result<Result<(), Option<u32>>> {
        let flags = OFlags::RDWR | OFlags::CREATE;
        let Some(file) = self.open_file(name, flags)? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Err(read_pid(&file))),
            Err(error) => return Err(error.into()),
        }
        if name == Name::Lock {
            file.set_len(0)?;
            file.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0)?;
        }
        self.locks.push(file);
        Ok(Ok(()))
    }

    /// Lets go of every lock.
    pub fn unlock(&mut self) {
        self.locks.clear();
    }

    /// Forgets the open files, so that the next look is at what the names mean now.
    pub fn refresh(&mut self) {
        self.open.clear();
    }

    fn open_file(&self, name: Name, extra: OFlags) -> io::Result<Option<File>> {
        let access = if self.read_only { OFlags::RDONLY } else { OFlags::RDWR };
        // Without NONBLOCK, opening a pipe that lies in the place of a file would hang.
        let flags = access | extra | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = match rustix::fs::openat(&self.folder, name.to_string(), flags, mode) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::ISDIR | rustix::io::Errno::NXIO) => {
                return Err(foreign(name));
            }
            Err(error) => return Err(error.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(foreign(name));
        }
        Ok(Some(File::from(file)))
    }

    fn file(&mut self, name: Name) -> io::Result<Option<&File>> {
        if let Some(at) = self.open.iter().position(|(open, _)| *open == name) {
            return Ok(self.open.get(at).map(|(_, file)| file));
        }
        let Some(file) = self.open_file(name, OFlags::empty())? else { return Ok(None) };
        if self.open.len() >= KEPT_OPEN {
            self.open.remove(0);
        }
        self.open.push((name, file));
        Ok(self.open.last().map(|(_, file)| file))
    }

    fn existing(&mut self, name: Name) -> io::Result<&File> {
        self.file(name)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Dir for RealDir {
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            if let Some(name) = entry?.file_name().to_str().ok().and_then(Name::parse) {
                each(name);
            }
        }
        Ok(())
    }

    fn size(&mut self, name: Name) -> io::Result<Option<u64>> {
        match self.file(name)? {
            Some(file) => Ok(Some(file.metadata()?.len())),
            None => Ok(None),
        }
    }

    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let Some(file) = self.file(name)? else { return Ok(0) };
        let mut done = 0_usize;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(read) => done = done.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()> {
        self.existing(name)?.write_all_at(data, offset)
    }

    fn create(&mut self, name: Name) -> io::Result<()> {
        self.open.retain(|(open, _)| *open != name);
        self.open_file(name, OFlags::CREATE | OFlags::EXCL)?;
        Ok(())
    }

    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()> {
        self.existing(name)?.set_len(size)
    }

    fn remove(&mut self, name: Name) -> io::Result<()> {
        self.open.retain(|(open, _)| *open != name);
        match rustix::fs::unlinkat(&self.folder, name.to_string(), AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn sync(&mut self, name: Name) -> io::Result<()> {
        match self.file(name)? {
            Some(file) => Ok(rustix::fs::fdatasync(file)?),
            None => Ok(()),
        }
    }

    fn sync_names(&mut self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.folder.as_fd())?)
    }
}

/// A file that is only ever read: a flash dump.
#[derive(Debug)]
pub struct ReadOnlyFile(File);

impl ReadOnlyFile {
    /// Opens a file and tells its size in bytes.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<(Self, u64)> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((Self(file), size))
    }

    /// Reads exactly `out.len()` bytes at `offset`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }
}

/// Makes a folder and its parents, each durable in the one above it.
fn make_folders(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    for folder in missing.into_iter().rev() {
        match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn foreign(name: Name) -> io::Error {
    let why = format!("{name} is not a regular file; move it away");
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn read_pid(file: &File) -> Option<u32> {
    let mut bytes = [0; 16];
    let len = file.read_at(&mut bytes, 0).ok()?;
    core::str::from_utf8(bytes.get(..len)?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_of_a_name_is_ours() {
        for name in [Name::Header(1), Name::Bucket(12), Name::Reader(3), Name::Lock] {
            assert_eq!(Name::parse(&name.to_string()), Some(name));
        }
        for foreign in ["bucket-12", "header-2", "reader-4", "reader-+1", "lock2", "notes.txt"] {
            assert_eq!(Name::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn symlinks_and_folders_in_the_place_of_a_file_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", temp.path().join("header-0")).unwrap();
        std::fs::create_dir(temp.path().join("header-1")).unwrap();
        let mut dir = RealDir::open(temp.path(), false, false).unwrap();
        for name in [Name::Header(0), Name::Header(1)] {
            let error = dir.read(name, 0, &mut [0; 4]).unwrap_err();
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
    }

    #[test]
    fn a_second_writer_is_told_who_has_the_lock() {
        let temp = tempfile::tempdir().unwrap();
        let mut first = RealDir::open(temp.path(), false, false).unwrap();
        assert_eq!(first.lock(Name::Lock).unwrap(), Ok(()));
        let mut second = RealDir::open(temp.path(), false, false).unwrap();
        assert_eq!(second.lock(Name::Lock).unwrap(), Err(Some(std::process::id())));
        drop(first);
        assert_eq!(second.lock(Name::Lock).unwrap(), Ok(()));
    }

    #[test]
    fn what_is_made_belongs_to_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        let mut dir = RealDir::open(&path, true, false).unwrap();
        dir.create(Name::Bucket(0)).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("bucket-0000000000")), 0o600);
    }
}

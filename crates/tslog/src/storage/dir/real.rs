//! A folder on Linux: with its neighbours here the only place that talks to a file system.
//!
//! The folder is opened once, and every file is then named relative to it, so that renaming a
//! parent in between cannot lead elsewhere. Only the owner may read the files. What is not a
//! regular file is refused, and files of other names are left alone.
//!
//! A file that was written stays open until it is synced: the kernel reports a failed write-back
//! only to those who had the file open. For the same reason a failed sync is never tried again.

use core::fmt;
use rustix::fs::{AtFlags, FallocateFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::io::{self, ErrorKind};
use std::os::{fd::OwnedFd, unix::fs::FileExt};
use std::{fs::File, path::Path, sync::Arc};

use super::{
    Dir, Name,
    lent::{Lent, LentNames, sync_data, syncs_writes},
    watch::Watch,
};

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// How many synced files stay open beside those of the readers: the bucket being written and the
/// bucket being read. More would keep deleted buckets on the disk.
const IDLE_FILES_MAX: usize = 2;

/// A folder on Linux.
///
/// ```
/// use tslog::storage::dir::{Dir as _, Name, RealDir};
/// # let folder = tempfile::tempdir()?;
/// let mut dir = RealDir::open(&folder.path().join("new"), true)?;
/// assert!(dir.lock(Name::Lock)?.is_ok());
/// dir.create(Name::Bucket(0))?;
/// dir.write(Name::Bucket(0), 0, b"bytes")?;
/// dir.sync(Name::Bucket(0))?;
/// assert_eq!(dir.size(Name::Bucket(0))?, Some(5));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct RealDir {
    folder: Arc<OwnedFd>,
    writable: bool,
    /// A write can be told to be durable.
    pub(in super::super) syncs_writes: bool,
    /// The least recently used first.
    open: Vec<OpenFile>,
    locks: Vec<Held>,
}

/// A file that stays open for the next call.
#[derive(Debug)]
struct OpenFile {
    name: Name,
    file: Arc<File>,
    inode: Inode,
    unsynced: bool,
}

/// What tells a file from one that has its name later.
type Inode = (u64, u64);

impl RealDir {
    /// Opens the folder at `path`; with `create`, makes it and the parents it lacks, for the owner
    /// only. A folder that is a symbolic link is refused; its parents may be.
    pub fn open(path: &Path, create: bool) -> io::Result<Self> {
        let mut dir = match Self::with_access(path, true) {
            Err(error) if create && error.kind() == ErrorKind::NotFound => {
                make_folders(path)?;
                Self::with_access(path, true)?
            }
            opened => opened?,
        };
        // A folder without a log may be new, perhaps made by a process that died right then: its
        // name must be safe before there is anything in it to lose.
        if create && dir.size(Name::Header(0))?.is_none() {
            sync_ancestors(path)?;
        }
        Ok(dir)
    }

    /// Opens the folder at `path`; nothing in it is ever created or changed.
    pub fn open_read_only(path: &Path) -> io::Result<Self> {
        Self::with_access(path, false)
    }

    fn with_access(path: &Path, writable: bool) -> io::Result<Self> {
        // Behind a slash at the end, a symbolic link would be followed.
        let path = path.components().as_path();
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())) {
            Ok(folder) => {
                let (open, locks) = (Vec::new(), Vec::new());
                let syncs_writes = writable && syncs_writes(&folder);
                Ok(Self { folder: Arc::new(folder), writable, syncs_writes, open, locks })
            }
            Err(Errno::NOTDIR | Errno::LOOP) if path.is_symlink() => {
                Err(refusal(path.display(), "a symbolic link; name the folder it points to"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the lock on `name` without waiting, for as long as this value lives; makes the file if
    /// it is [`Name::Lock`]. `Err` inside names the process that has it, where known.
    pub fn lock(&mut self, name: Name) -> io::Result<Result<(), Option<u32>>> {
        let extra = if name == Name::Lock { OFlags::CREATE } else { OFlags::empty() };
        let (file, locked) = self.open_file(name, extra)?;
        let held = match try_lock(file)? {
            Ok(held) => held,
            Err(file) if name == Name::Lock => return Ok(Err(holder(&file))),
            Err(_) => return Ok(Err(None)),
        };
        // If the file was removed meanwhile, this lock would keep nobody out.
        if locked != self.open_file(name, OFlags::empty())?.1 {
            return Ok(Err(None));
        }
        if name == Name::Lock {
            // Only for the message to a second writer; a full disk must not keep the log shut.
            let pid = format!("{:<10}\n", std::process::id());
            let _ = held.file.write_all_at(pid.as_bytes(), 0);
        }
        self.locks.push(held);
        Ok(Ok(()))
    }

    /// Lets go of every lock.
    pub fn unlock(&mut self) {
        self.locks.clear();
    }

    /// The file itself, to be written and synced beside other work on the folder; see
    /// [`RealDir::synced`]. Until then it is held open.
    pub(crate) fn lend(&mut self, name: Name) -> io::Result<Lent> {
        self.with_file(name, |open| {
            open.unsynced = true;
            Ok(Lent(Arc::clone(&open.file)))
        })
    }

    /// The folder itself, for its names to be synced beside other work.
    pub(crate) fn lend_names(&self) -> LentNames {
        LentNames(Arc::clone(&self.folder))
    }

    /// The file was synced, and not written since.
    pub(crate) fn synced(&mut self, name: Name) {
        for open in self.open.iter_mut().filter(|open| open.name == name) {
            open.unsynced = false;
        }
    }

    /// Watches the folder from here on.
    pub fn watch(&self) -> Watch {
        Watch::new(&self.folder)
    }

    /// Opens a file, or with `OFlags::CREATE` makes it.
    fn open_file(&self, name: Name, extra: OFlags) -> io::Result<(File, Inode)> {
        let creates = extra.contains(OFlags::CREATE);
        if creates && !self.writable {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        let access = if self.writable { OFlags::RDWR } else { OFlags::RDONLY };
        // Opening a FIFO would wait for the other end without NONBLOCK, and a terminal would become
        // ours without NOCTTY, before the check below can refuse them.
        let careful = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let (text, flags) = (name.to_string(), extra | access | careful);
        let foreign = || refusal(name, "not a regular file; move it away");
        let opened = retry_on_intr(|| rustix::fs::openat(&self.folder, &text, flags, FILE_MODE));
        let fd = opened.map_err(|error| match error {
            Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::NODEV => foreign(),
            error => error.into(),
        })?;
        let stat = rustix::fs::fstat(&fd)?;
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        regular.then_some(()).ok_or_else(foreign)?;
        // A copy of the log that was made by hard links would change with it.
        if self.writable && stat.st_nlink > 1 {
            return Err(refusal(name, "also linked from elsewhere; replace it by a copy"));
        }
        // The mask of the process may have taken bits away that the owner needs.
        if creates && Mode::from_raw_mode(stat.st_mode) != FILE_MODE {
            retry_on_intr(|| rustix::fs::fchmod(&fd, FILE_MODE))?;
        }
        Ok((File::from(fd), inode(&stat)))
    }

    /// Calls `act` with the open file; an error of kind `NotFound` if there is none.
    fn with_file<T>(
        &mut self,
        name: Name,
        act: impl FnOnce(&mut OpenFile) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut open = if let Some(at) = self.open.iter().position(|open| open.name == name) {
            self.open.remove(at)
        } else {
            let (file, inode) = self.open_file(name, OFlags::empty())?;
            OpenFile { name, file: Arc::new(file), inode, unsynced: false }
        };
        let done = act(&mut open);
        self.open.push(open);
        let idle = |open: &OpenFile| !open.unsynced && !matches!(open.name, Name::Reader(_));
        if self.open.iter().filter(|open| idle(open)).count() > IDLE_FILES_MAX
            && let Some(oldest) = self.open.iter().position(idle)
        {
            self.open.remove(oldest);
        }
        done
    }
}

impl Dir for RealDir {
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()> {
        for entry in retry_on_intr(|| rustix::fs::Dir::read_from(&self.folder))? {
            if let Some(name) = entry?.file_name().to_str().ok().and_then(Name::parse) {
                each(name);
            }
        }
        Ok(())
    }

    fn size(&mut self, name: Name) -> io::Result<Option<u64>> {
        unless_missing(self.with_file(name, |open| Ok(open.file.metadata()?.len())))
    }

    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let read = self.with_file(name, |open| read_full(&open.file, offset, out));
        Ok(unless_missing(read)?.unwrap_or(0))
    }

    fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()> {
        self.writable.then_some(()).ok_or(ErrorKind::ReadOnlyFilesystem)?;
        self.with_file(name, |open| {
            open.unsynced = true;
            open.file.write_all_at(data, offset)
        })
    }

    fn allocate(&mut self, name: Name, size: u64) -> io::Result<bool> {
        self.writable.then_some(()).ok_or(ErrorKind::ReadOnlyFilesystem)?;
        self.with_file(name, |open| {
            open.unsynced = true;
            let old = open.file.metadata()?.len();
            let Some(more) = size.checked_sub(old).filter(|&more| more > 0) else {
                return Ok(true);
            };
            let flags = FallocateFlags::empty();
            match retry_on_intr(|| rustix::fs::fallocate(&open.file, flags, old, more)) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
                done => Ok(done.map(|()| true)?),
            }
        })
    }

    fn create(&mut self, name: Name) -> io::Result<()> {
        let (file, inode) = self.open_file(name, OFlags::CREATE | OFlags::EXCL)?;
        self.open.retain(|open| open.name != name);
        self.open.push(OpenFile { name, file: Arc::new(file), inode, unsynced: true });
        Ok(())
    }

    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()> {
        self.with_file(name, |open| {
            open.unsynced = true;
            open.file.set_len(size)
        })
    }

    fn remove(&mut self, name: Name) -> io::Result<bool> {
        if !self.writable {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        let file = unless_missing(self.open_file(name, OFlags::empty()))?;
        let Some((file, _)) = file else { return Ok(false) };
        // It is held until the name is gone, or a reader could go on in a file without one.
        let held = matches!(name, Name::Reader(_)).then(|| try_lock(file)).transpose()?;
        let _held = held.transpose().map_err(|_| ErrorKind::WouldBlock)?;
        rustix::fs::unlinkat(&self.folder, name.to_string(), AtFlags::empty())?;
        self.open.retain(|open| open.name != name);
        Ok(true)
    }

    fn sync(&mut self, name: Name) -> io::Result<()> {
        self.with_file(name, |open| sync_data(&open.file).map(|()| open.unsynced = false))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::fsync(&self.folder))?)
    }

    fn refresh(&mut self) {
        let Self { folder, open, .. } = self;
        open.retain(|open| {
            let now =
                rustix::fs::statat(&*folder, open.name.to_string(), AtFlags::SYMLINK_NOFOLLOW);
            open.unsynced || now.is_ok_and(|stat| inode(&stat) == open.inode)
        });
    }

    fn is_locked(&mut self, name: Name) -> io::Result<bool> {
        let file = unless_missing(self.open_file(name, OFlags::empty()))?;
        file.map_or(Ok(false), |(file, _)| Ok(try_lock(file)?.is_err()))
    }
}

fn inode(stat: &rustix::fs::Stat) -> Inode {
    (stat.st_dev, stat.st_ino)
}

/// `None` for a file that is not there.
fn unless_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Reads until `out` is full or the file ends.
pub(super) fn read_full(file: &File, offset: u64, out: &mut [u8]) -> io::Result<usize> {
    let mut done: usize = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(count) => done = done.saturating_add(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Takes the lock of an open file; gives the file back if somebody else has it.
fn try_lock(file: File) -> io::Result<Result<Held, File>> {
    match retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
        Err(Errno::WOULDBLOCK) => Ok(Err(file)),
        locked => Ok(Ok(locked.map(|()| Held { file, by: std::process::id() })?)),
    }
}

/// A lock. A child of a fork has the file too, and must neither keep the lock nor let go of it.
#[derive(Debug)]
struct Held {
    file: File,
    by: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.by == std::process::id() {
            let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
        }
    }
}

/// The process that wrote itself into a lock file.
fn holder(file: &File) -> Option<u32> {
    let mut text = [0; 11];
    let len = read_full(file, 0, &mut text).ok()?;
    core::str::from_utf8(text.get(..len)?).ok()?.trim_end().parse().ok()
}

pub(super) fn refusal(what: impl fmt::Display, why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{what} is {why}"))
}

/// Makes a folder and the parents it lacks. That one is there already is no error.
fn make_folders(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent()
        && !parent.as_os_str().is_empty()
        && !parent.exists()
    {
        make_folders(parent)?;
    }
    match rustix::fs::mkdir(path, Mode::RWXU) {
        Err(Errno::EXIST) => Ok(()),
        // The mask of the process may have taken bits away that the owner needs.
        made => Ok(made.and_then(|()| rustix::fs::chmod(path, Mode::RWXU))?),
    }
}

/// Makes the name of a folder, and those of its parents, survive a power cut.
fn sync_ancestors(path: &Path) -> io::Result<()> {
    use ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem};
    for parent in path.ancestors().skip(1) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let synced = File::open(parent).and_then(|folder| folder.sync_all());
        // In a folder that we may not read or that cannot change, we have made nothing.
        let kinds = [InvalidInput, PermissionDenied, ReadOnlyFilesystem];
        synced.or_else(|error| if kinds.contains(&error.kind()) { Ok(()) } else { Err(error) })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::ReadOnlyFile;
    use super::{Dir, ErrorKind, Held, Name, Path, RealDir};
    use std::os::unix::{ffi::OsStrExt, fs::MetadataExt};

    #[test]
    fn what_is_not_a_regular_file_of_ours_is_refused_by_every_call_and_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        std::fs::write(at("elsewhere"), "precious").unwrap();
        std::os::unix::fs::symlink(at("elsewhere"), at("header-0")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("lock")).unwrap();
        std::fs::create_dir(at("header-1")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("reader-0"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("reader-1")).unwrap();
        std::fs::hard_link(at("elsewhere"), at("bucket-0000000000")).unwrap();
        let file = "not a regular file";
        for (name, what) in [
            (Name::Header(0), file),
            (Name::Lock, file),
            (Name::Header(1), file),
            (Name::Reader(0), file),
            (Name::Reader(1), file),
            (Name::Bucket(0), "linked"),
        ] {
            let dir = &mut RealDir::open(temp.path(), false).unwrap();
            let exists = dir.create(name).unwrap_err().kind();
            assert_eq!(exists, ErrorKind::AlreadyExists, "{name}");
            let calls: [(&str, std::io::Result<()>); 7] = [
                ("read", dir.read(name, 0, &mut [0; 4]).map(|_| ())),
                ("write", dir.write(name, 0, b"lost")),
                ("size", dir.size(name).map(|_| ())),
                ("truncate", dir.truncate(name, 0)),
                ("remove", dir.remove(name).map(|_| ())),
                ("sync", dir.sync(name)),
                ("lock", dir.lock(name).map(|_| ())),
            ];
            for (call, result) in calls {
                let text = result.unwrap_err().to_string();
                let named = text.contains(&name.to_string()) && text.contains(what);
                assert!(named, "{call} of {name}: {text}");
            }
        }
        assert_eq!(std::fs::read(at("elsewhere")).unwrap(), b"precious");
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 7);
        let mut view = RealDir::open_read_only(temp.path()).unwrap();
        assert_eq!(view.read(Name::Bucket(0), 0, &mut [0; 9]).unwrap(), 8, "a copy may be read");
        assert!(ReadOnlyFile::open(&at("reader-0")).is_err());
    }

    #[test]
    fn a_folder_that_is_a_symbolic_link_is_refused_however_it_is_spelled() {
        let temp = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(temp.path(), temp.path().join("link")).unwrap();
        for tail in ["link", "link/", "link/.", "link//"] {
            let error = RealDir::open(&temp.path().join(tail), true).unwrap_err();
            assert!(error.to_string().contains("name the folder it points to"), "{tail}: {error}");
        }
        assert!(RealDir::open(&temp.path().join("link/made"), true).is_ok(), "a parent may be one");
        std::os::unix::fs::symlink("nowhere", temp.path().join("dangling")).unwrap();
        let error = RealDir::open(&temp.path().join("dangling/made"), true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    /// Runs once more as a process with the mask it is about, which belongs to whole processes.
    #[test]
    fn what_is_made_belongs_to_its_owner_alone_whatever_the_mask_of_the_process() {
        let this = concat!(
            module_path!(),
            "::what_is_made_belongs_to_its_owner_alone_whatever_the_mask_of_the_process"
        );
        if let Some(path) = std::env::var_os("TSLOG_TEST_MASK_PATH") {
            let mut dir = RealDir::open(Path::new(&path), true).unwrap();
            dir.create(Name::Bucket(0)).unwrap();
            assert_eq!(dir.lock(Name::Lock).unwrap(), Ok(()));
            return;
        }
        for mask in ["0000", "0022", "0777"] {
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("a/b");
            let ran = std::process::Command::new("sh")
                .args(["-c", "umask $1; exec \"$0\" --exact \"$2\""])
                .arg(std::env::current_exe().unwrap())
                .args([mask, this.split_once("::").unwrap().1])
                .env("TSLOG_TEST_MASK_PATH", &path)
                .output()
                .unwrap();
            assert!(ran.status.success(), "{ran:?}");
            let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
            let folders = [path.parent().unwrap(), &path].map(mode);
            let files = ["bucket-0000000000", "lock"].map(|name| mode(&path.join(name)));
            assert_eq!((folders, files), ([0o700; 2], [0o600; 2]), "with mask {mask}");
        }
    }

    #[test]
    fn a_second_writer_is_told_who_has_the_lock_and_gets_it_afterwards() {
        let temp = tempfile::tempdir().unwrap();
        // A longer number of an earlier process must not shine through.
        std::fs::write(temp.path().join("lock"), "4294967295\n").unwrap();
        let mut first = RealDir::open(temp.path(), false).unwrap();
        assert_eq!(first.lock(Name::Lock).unwrap(), Ok(()));
        let mut second = RealDir::open(temp.path(), false).unwrap();
        assert_eq!(second.lock(Name::Lock).unwrap(), Err(Some(std::process::id())));
        std::fs::write(temp.path().join("lock"), "who knows").unwrap();
        assert_eq!(second.lock(Name::Lock).unwrap(), Err(None));
        first.unlock();
        assert_eq!(second.lock(Name::Lock).unwrap(), Ok(()));
    }

    #[test]
    fn the_lock_of_a_reader_keeps_its_file_and_makes_none() {
        let temp = tempfile::tempdir().unwrap();
        let mut dir = RealDir::open(temp.path(), false).unwrap();
        assert_eq!(dir.lock(Name::Reader(0)).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(dir.size(Name::Reader(0)).unwrap(), None);
        dir.create(Name::Reader(0)).unwrap();
        let mut reader = RealDir::open(temp.path(), false).unwrap();
        assert_eq!(reader.lock(Name::Reader(0)).unwrap(), Ok(()));
        assert_eq!(dir.lock(Name::Reader(0)).unwrap(), Err(None));
        assert!(dir.is_locked(Name::Reader(0)).unwrap());
        assert_eq!(dir.remove(Name::Reader(0)).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(reader);
        assert!(dir.remove(Name::Reader(0)).unwrap());
        assert!(!dir.remove(Name::Reader(0)).unwrap());
    }

    #[test]
    fn a_fork_neither_keeps_a_lock_that_was_let_go_nor_lets_go_of_one() {
        let temp = tempfile::tempdir().unwrap();
        let mut dir = RealDir::open(temp.path(), false).unwrap();
        let mut other = RealDir::open(temp.path(), false).unwrap();
        assert_eq!(dir.lock(Name::Lock).unwrap(), Ok(()));
        // A child of a fork has the same open file.
        let inherited = dir.locks[0].file.try_clone().unwrap();
        drop(Held { file: inherited.try_clone().unwrap(), by: dir.locks[0].by + 1 });
        assert!(other.lock(Name::Lock).unwrap().is_err(), "the child let go of the lock");
        dir.unlock();
        assert_eq!(other.lock(Name::Lock).unwrap(), Ok(()), "the child keeps the lock");
        drop(inherited);
    }

    #[test]
    fn a_folder_opened_read_only_is_never_changed() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("header-0"), "head").unwrap();
        let mut dir = RealDir::open_read_only(temp.path()).unwrap();
        for result in [
            dir.create(Name::Header(1)),
            dir.write(Name::Header(0), 0, b"tail"),
            dir.truncate(Name::Header(0), 0),
            dir.remove(Name::Header(0)).map(|_| ()),
            dir.lock(Name::Lock).map(|_| ()),
        ] {
            result.unwrap_err();
        }
        let mut out = [0; 6];
        assert_eq!(dir.read(Name::Header(0), 1, &mut out).unwrap(), 3);
        assert_eq!(&out, b"ead\0\0\0");
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
        let missing = RealDir::open_read_only(&temp.path().join("no")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn unsynced_files_stay_open_and_of_the_others_only_the_last_two() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join(std::ffi::OsStr::from_bytes(b"bucket-\xFF")), "").unwrap();
        let mut dir = RealDir::open(temp.path(), false).unwrap();
        for number in 0..5 {
            dir.create(Name::Bucket(number)).unwrap();
        }
        dir.refresh();
        let open = |dir: &RealDir| dir.open.iter().map(|open| open.name).collect::<Vec<_>>();
        assert_eq!(open(&dir), [0, 1, 2, 3, 4].map(Name::Bucket));
        for number in 0..5 {
            dir.sync(Name::Bucket(number)).unwrap();
        }
        assert_eq!(open(&dir), [3, 4].map(Name::Bucket));
        dir.read(Name::Bucket(3), 0, &mut [0]).unwrap();
        dir.read(Name::Bucket(0), 0, &mut [0]).unwrap();
        assert_eq!(open(&dir), [3, 0].map(Name::Bucket));
        let mut names = Vec::new();
        dir.list(&mut |name| names.push(name)).unwrap();
        names.sort();
        assert_eq!(names, [0, 1, 2, 3, 4].map(Name::Bucket));
        dir.refresh();
        assert_eq!(open(&dir), [3, 0].map(Name::Bucket), "they are what their names lead to");
        // The name may lead to another file by now.
        std::fs::remove_file(temp.path().join("bucket-0000000000")).unwrap();
        std::fs::write(temp.path().join("bucket-0000000000"), "new").unwrap();
        dir.refresh();
        assert_eq!(dir.read(Name::Bucket(0), 0, &mut [0; 3]).unwrap(), 3);
    }
}

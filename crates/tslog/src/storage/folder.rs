//! A log in a folder: a slot is a file, erasing is removing it and making it anew, and a sync is
//! one of each file written and, where names came or went, of the folder.
//!
//! The space of a file is set aside before it is used, so that a full disk shows when a bucket
//! begins, and a commit changes nothing but its own bytes: it costs one write and one flush.

use std::{io, path::Path};

use super::{
    CURSOR_PLACE_SIZE, FIRST_BUCKET_SLOT, Geometry, Present, Slots, Storage,
    dir::{Dir, Lending, Name, RealDir, Space, Watch},
};
use crate::{error::Error, words::MAX_READERS};

/// The most a bucket file may grow to.
const MAX_FILE: u32 = 1 << 31;

/// Each cursor place has a block of its own, so that a torn write cannot reach the other one.
const PLACE_STRIDE: u64 = 4096;

/// The bytes of a reader's file, its two cursor places.
const READER_FILE_SIZE: u64 = 2 * PLACE_STRIDE;

/// The most readers there can be, as reader numbers count.
const READERS: u8 = 4;
const _: () = assert!(READERS as usize == MAX_READERS);

/// A folder as a medium with named slots; the module above has an example.
#[derive(Debug)]
pub struct Folder<D = RealDir> {
    dir: D,
    /// Files that were written since the last sync.
    unsynced: Vec<Name>,
    names_changed: bool,
    space: Space,
    /// After a failed sync the kernel has dropped bytes and would call the next one a success.
    failed: bool,
    /// What the log header says, and which files there are, survives a power cut.
    trusted: bool,
}

impl Folder<RealDir> {
    /// Opens a folder for the one writer it may have.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::NoLog`] if nothing is there and nothing is to be made.
    pub fn open_writer(path: &Path, create: bool) -> Result<Self, Error<io::Error>> {
        let why = if create { Error::Storage } else { no_folder };
        let mut folder = Self::new(RealDir::open(path, create).map_err(why)?);
        // A folder of somebody else's must not get a lock file only because we looked.
        if !create && folder.is_blank().map_err(Error::Storage)? {
            return Err(Error::NoLog);
        }
        match folder.dir.lock(Name::Lock).map_err(Error::Storage)? {
            Ok(()) => Ok(folder),
            Err(holder) => Err(Error::Locked(holder)),
        }
    }

    /// Opens a folder for reader `n`, beside a writer. On a read-only medium, it cannot commit.
    ///
    /// # Errors
    /// [`Error::Locked`] if that reader is in use; [`Error::NoLog`] if the log has no such reader.
    pub fn open_reader(path: &Path, n: u8) -> Result<Self, Error<io::Error>> {
        let mut folder = Self::open_beside(path)?;
        match folder.lock_reader(n) {
            Err(Error::Storage(e)) if e.kind() == io::ErrorKind::ReadOnlyFilesystem => {}
            locked => return locked.map(|()| folder),
        }
        folder = Self::open_view(path)?;
        folder.lock_reader(n).map(|()| folder)
    }

    /// Opens a folder to look at it, without any lock. Nothing in it is ever changed.
    ///
    /// # Errors
    /// [`Error::NoLog`]; [`Error::Storage`].
    pub fn open_view(path: &Path) -> Result<Self, Error<io::Error>> {
        Ok(Self::new(RealDir::open_read_only(path).map_err(no_folder)?))
    }

    /// As the writer's own readers need it: no lock, but cursors can be written.
    pub(crate) fn open_beside(path: &Path) -> Result<Self, Error<io::Error>> {
        Ok(Self::new(RealDir::open(path, false).map_err(no_folder)?))
    }

    /// Takes the lock of reader `n`.
    pub(crate) fn lock_reader(&mut self, n: u8) -> Result<(), Error<io::Error>> {
        self.dir.lock(Name::Reader(n)).map_err(no_folder)?.map_err(Error::Locked)
    }

    /// Lets go of every lock.
    pub(crate) fn unlock(&mut self) {
        self.dir.unlock();
    }

    /// The file of `slot`, to be written, and all that a sync would sync then. This may be done
    /// beside other work, with nothing else written meanwhile; [`Folder::take_back`] is then to be
    /// told what came of it.
    pub(crate) fn lend(&mut self, slot: u32) -> io::Result<Lending> {
        if self.failed {
            return Err(failed_before());
        }
        let own = name(slot);
        self.space.fill_rest(&mut self.dir);
        // A write that is durable takes along nothing that was written before it.
        let is_clean = self.unsynced.is_empty() && !self.names_changed;
        self.touch(own);
        let Self { dir, unsynced, .. } = self;
        let others = unsynced.iter().filter(|name| **name != own);
        Ok(Lending {
            others: others.map(|name| dir.lend(*name)).collect::<io::Result<_>>()?,
            file: dir.lend(own)?,
            names: self.names_changed.then(|| self.dir.lend_names()),
            in_one_call: is_clean && self.dir.syncs_writes,
        })
    }

    /// What came of what was lent: whether all of it is durable.
    pub(crate) fn take_back(&mut self, durable: bool) {
        self.failed |= !durable;
        if durable {
            for name in self.unsynced.drain(..) {
                self.dir.synced(name);
            }
            self.names_changed = false;
        }
    }

    /// Watches the folder for what another process writes to the log.
    pub(crate) fn watch(&self) -> Watch {
        self.dir.watch()
    }

    fn is_blank(&mut self) -> io::Result<bool> {
        let mut header = |copy| self.dir.size(Name::Header(copy)).map(|size| size.is_some());
        Ok(!header(0)? && !header(1)? && self.present(u32::MAX)?.is_none())
    }
}

fn failed_before() -> io::Error {
    io::Error::other("an earlier sync failed; open the log again")
}

fn no_folder(error: io::Error) -> Error<io::Error> {
    if error.kind() == io::ErrorKind::NotFound { Error::NoLog } else { Error::Storage(error) }
}

impl<D: Dir> Folder<D> {
    /// A log over any folder-like thing.
    pub const fn new(dir: D) -> Self {
        Self {
            dir,
            unsynced: Vec::new(),
            names_changed: false,
            space: Space::NONE,
            failed: false,
            trusted: false,
        }
    }

    /// Gives the folder back.
    pub fn release(self) -> D {
        self.dir
    }

    fn touch(&mut self, name: Name) {
        if !self.unsynced.contains(&name) {
            self.unsynced.push(name);
        }
    }

    /// Runs `sync`, the one chance there is: see [`Dir::sync`]. One that fails for want of space
    /// has lost bytes, and is no call that could be made again later.
    fn sync_once(&mut self, sync: impl FnOnce(&mut D) -> io::Result<()>) -> io::Result<()> {
        if self.failed {
            return Err(failed_before());
        }
        let synced = sync(&mut self.dir);
        self.failed = synced.is_err();
        let lasting = |error| if Self::is_full(&error) { io::Error::other(error) } else { error };
        synced.map_err(lasting)
    }

    /// Syncs what another process may have written; a file that is not there needs none.
    fn sync_foreign(&mut self, name: Name) -> io::Result<()> {
        self.sync_once(|dir| match dir.sync(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        })
    }

    /// Makes the log header and the names durable, once, before anything is changed. A process that
    /// was killed may have left some that only the page cache knows: who went on from those would
    /// lose what he then stores, or give up what an older header needs, once the power goes.
    fn trust(&mut self) -> io::Result<()> {
        if !self.trusted {
            self.sync_foreign(Name::Header(0))?;
            self.sync_foreign(Name::Header(1))?;
            self.sync_once(Dir::sync_names)?;
            self.trusted = true;
        }
        Ok(())
    }

    /// Makes the file of a reader, or what is missing of it.
    fn make_reader(&mut self, name: Name, exists: bool) -> io::Result<()> {
        if !exists {
            self.dir.create(name)?;
        }
        let set_aside = self.space.set_aside(&mut self.dir, name, READER_FILE_SIZE);
        self.space.fill_rest(&mut self.dir);
        if let Err(error) = set_aside {
            if !exists {
                // Half a reader would be counted as one.
                let _ = self.dir.remove(name);
            }
            return Err(error);
        }
        self.sync_once(|dir| dir.sync(name))
    }
}

fn name(slot: u32) -> Name {
    match slot.checked_sub(FIRST_BUCKET_SLOT) {
        Some(number) => Name::Bucket(number),
        None => Name::Header(u8::from(slot == 1)),
    }
}

impl<D: Dir> Storage for Folder<D> {
    type Error = io::Error;
    // Whatever a header says: a forged one must send nobody through a ring of 2^32 slots.
    const SLOTS: Option<Slots> = Some(Slots::Named);

    fn geometry(&self) -> Geometry {
        Geometry { slot_count: u32::MAX, slot_size: MAX_FILE, write_size: 1, slots: Slots::Named }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> io::Result<()> {
        let read = self.dir.read(name(slot), u64::from(offset), out)?;
        out.get_mut(read..).unwrap_or_default().fill(0);
        Ok(())
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> io::Result<()> {
        self.touch(name(slot));
        let end = u64::from(offset).saturating_add(data.len() as u64);
        self.space.wrote(name(slot), end);
        self.dir.write(name(slot), u64::from(offset), data)
    }

    fn erase(&mut self, slot: u32) -> io::Result<()> {
        self.trust()?;
        self.discard(slot)?;
        self.dir.create(name(slot))?;
        self.touch(name(slot));
        self.names_changed = true;
        Ok(())
    }

    fn reserve(&mut self, slot: u32, size: u32) -> io::Result<()> {
        self.touch(name(slot));
        self.space.set_aside(&mut self.dir, name(slot), u64::from(size.min(MAX_FILE)))
    }

    fn trim(&mut self, slot: u32, size: u32) -> io::Result<()> {
        if self.dir.size(name(slot))?.is_some_and(|now| now > u64::from(size)) {
            self.touch(name(slot));
            self.space.forget(name(slot));
            self.dir.truncate(name(slot), u64::from(size))?;
        }
        Ok(())
    }

    fn discard(&mut self, slot: u32) -> io::Result<()> {
        self.space.forget(name(slot));
        if self.dir.remove(name(slot))? {
            self.unsynced.retain(|unsynced| *unsynced != name(slot));
            self.names_changed = true;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.space.fill_rest(&mut self.dir);
        let (unsynced, names_changed) = (core::mem::take(&mut self.unsynced), self.names_changed);
        self.sync_once(|dir| {
            unsynced.iter().try_for_each(|name| dir.sync(*name))?;
            if names_changed { dir.sync_names() } else { Ok(()) }
        })?;
        self.names_changed = false;
        Ok(())
    }

    fn extent(&mut self, slot: u32) -> io::Result<u32> {
        let size = self.dir.size(name(slot))?.unwrap_or(0);
        Ok(u32::try_from(size).unwrap_or(MAX_FILE).min(MAX_FILE))
    }

    fn present(&mut self, below: u32) -> io::Result<Option<Present>> {
        let mut present: Option<Present> = None;
        self.dir.list(&mut |name| {
            let Name::Bucket(number) = name else { return };
            let slot = number.saturating_add(FIRST_BUCKET_SLOT);
            if slot < below {
                let known = present.unwrap_or(Present { lowest: slot, highest: slot });
                present = Some(Present {
                    lowest: known.lowest.min(slot),
                    highest: known.highest.max(slot),
                });
            }
        })?;
        Ok(present)
    }

    fn refresh(&mut self) {
        self.dir.refresh();
    }

    fn settle(&mut self, slot: u32) -> io::Result<()> {
        self.sync_foreign(name(slot))?;
        self.sync_once(Dir::sync_names)
    }

    fn is_full(error: &io::Error) -> bool {
        // Against a limit on the size of files, another file helps: the next bucket.
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    }

    fn read_cursor(
        &mut self,
        reader: u8,
        place: u8,
        out: &mut [u8; CURSOR_PLACE_SIZE],
    ) -> io::Result<()> {
        let offset = u64::from(place).saturating_mul(PLACE_STRIDE);
        let read = self.dir.read(Name::Reader(reader), offset, out)?;
        out.get_mut(read..).unwrap_or_default().fill(0);
        Ok(())
    }

    fn write_cursor(
        &mut self,
        reader: u8,
        place: u8,
        data: &[u8; CURSOR_PLACE_SIZE],
    ) -> io::Result<()> {
        let offset = u64::from(place).saturating_mul(PLACE_STRIDE);
        self.dir.write(Name::Reader(reader), offset, data)?;
        self.sync_once(|dir| dir.sync(Name::Reader(reader)))
    }

    fn settle_cursor(&mut self, reader: u8) -> io::Result<()> {
        self.sync_foreign(Name::Reader(reader))
    }

    fn set_readers(&mut self, count: u8) -> io::Result<()> {
        self.trust()?;
        let keep = self.readers()?.min(count);
        for reader in keep..READERS {
            if self.dir.is_locked(Name::Reader(reader))? {
                let text = format!("reader {reader} is in use; close it before it is removed");
                return Err(io::Error::new(io::ErrorKind::WouldBlock, text));
            }
        }
        // Behind a gap there may be files of readers that were removed when the power went; their
        // cursors must not come back.
        let mut removed = false;
        for reader in (keep..READERS).rev() {
            removed |= self.dir.remove(Name::Reader(reader))?;
        }
        if removed {
            self.sync_once(Dir::sync_names)?;
        }
        let mut made = false;
        for reader in 0..count.min(READERS) {
            let size = self.dir.size(Name::Reader(reader))?;
            if size.is_none_or(|size| size < READER_FILE_SIZE) {
                self.make_reader(Name::Reader(reader), size.is_some())?;
                made = true;
            }
        }
        if made { self.sync_once(Dir::sync_names) } else { Ok(()) }
    }

    fn readers(&mut self) -> io::Result<u8> {
        let mut count = 0;
        while count < READERS && self.dir.size(Name::Reader(count))?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dir, Error, Folder, Name, Path, Present, RealDir, Storage, io};

    /// A folder that writes down what reaches the medium, and can be full or broken.
    struct Spy {
        dir: RealDir,
        calls: Vec<String>,
        room: u64,
        allocates: bool,
        broken: Option<io::ErrorKind>,
    }

    impl Spy {
        fn folder(path: &Path, room: u64) -> Folder<Self> {
            let dir = RealDir::open(path, true).unwrap();
            Folder::new(Self { dir, calls: Vec::new(), room, allocates: false, broken: None })
        }
        fn log(&mut self, call: String) -> io::Result<()> {
            self.calls.push(call);
            self.broken.map_or(Ok(()), |kind| Err(io::Error::new(kind, "broken")))
        }
    }

    fn calls(folder: &mut Folder<Spy>) -> Vec<String> {
        core::mem::take(&mut folder.dir.calls)
    }

    impl Dir for Spy {
        fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()> {
            self.dir.list(each)
        }
        fn size(&mut self, name: Name) -> io::Result<Option<u64>> {
            self.dir.size(name)
        }
        fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize> {
            self.dir.read(name, offset, out)
        }
        fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()> {
            self.log(format!("write {name}"))?;
            let size = self.dir.size(name)?.unwrap_or(0);
            let grown = (offset + data.len() as u64).saturating_sub(size);
            let fits = data.len() - usize::try_from(grown.saturating_sub(self.room)).unwrap();
            self.room -= grown.min(self.room);
            self.dir.write(name, offset, &data[..fits])?;
            if fits < data.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
        fn allocate(&mut self, name: Name, size: u64) -> io::Result<bool> {
            if self.allocates {
                self.log(format!("allocate {name}"))?;
            }
            if self.allocates { self.dir.allocate(name, size) } else { Ok(false) }
        }
        fn create(&mut self, name: Name) -> io::Result<()> {
            self.dir.create(name)
        }
        fn truncate(&mut self, name: Name, size: u64) -> io::Result<()> {
            self.room += self.dir.size(name)?.unwrap() - size;
            self.dir.truncate(name, size)
        }
        fn remove(&mut self, name: Name) -> io::Result<bool> {
            self.dir.remove(name)
        }
        fn sync(&mut self, name: Name) -> io::Result<()> {
            self.log(format!("sync {name}"))?;
            self.dir.sync(name)
        }
        fn sync_names(&mut self) -> io::Result<()> {
            self.log("sync names".into())?;
            self.dir.sync_names()
        }
        fn is_locked(&mut self, name: Name) -> io::Result<bool> {
            self.dir.is_locked(name)
        }
    }

    #[test]
    fn a_commit_is_one_write_and_one_sync_and_a_roll_syncs_names_last() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = Spy::folder(temp.path(), 1 << 20);
        folder.erase(2).unwrap();
        calls(&mut folder);
        folder.reserve(2, 100_000).unwrap();
        folder.write(2, 0, b"frame").unwrap();
        folder.sync().unwrap();
        let bucket = "bucket-0000000000";
        let (write, sync) = (format!("write {bucket}"), format!("sync {bucket}"));
        assert_eq!(calls(&mut folder), [&write, &write, &write, &sync, "sync names"]);
        folder.write(2, 5, b"frame").unwrap();
        folder.sync().unwrap();
        assert_eq!(calls(&mut folder), [&write[..], &sync]);
        folder.discard(2).unwrap();
        folder.discard(2).unwrap();
        folder.sync().unwrap();
        assert_eq!(calls(&mut folder), ["sync names"]);
        folder.sync().unwrap();
        assert_eq!(calls(&mut folder), [""; 0]);
    }

    #[test]
    fn a_write_is_made_durable_by_itself_only_where_nothing_else_waits_for_a_sync() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = Folder::open_writer(&temp.path().join("log"), true).unwrap();
        // What the folder of this test happens to be on must not matter.
        folder.dir.syncs_writes = true;
        folder.erase(0).unwrap();
        folder.erase(2).unwrap();
        folder.reserve(2, 100).unwrap();
        let mut written = 0;
        let mut commit = |folder: &mut Folder| {
            let lending = folder.lend(2).unwrap();
            lending.write_durably(written, b"frame").unwrap();
            folder.take_back(true);
            written += 5;
            lending.in_one_call
        };
        assert!(!commit(&mut folder), "the file and its name are new");
        assert!(commit(&mut folder));
        folder.write(2, 50, b"part").unwrap();
        assert!(!commit(&mut folder), "the file was written before");
        folder.reserve(2, 200).unwrap();
        assert!(!commit(&mut folder), "it has grown");
        folder.write(0, 0, b"header").unwrap();
        assert!(!commit(&mut folder), "another file was written");
        folder.erase(3).unwrap();
        folder.discard(3).unwrap();
        assert!(!commit(&mut folder), "a name has come and gone");
        assert!(commit(&mut folder));
        folder.dir.syncs_writes = false;
        assert!(!commit(&mut folder), "the file system is a strange one");
        let mut out = [0; 45];
        folder.read(2, 0, &mut out).unwrap();
        assert_eq!(&out[..40], b"frame".repeat(8));
    }

    #[test]
    fn what_is_full_at_its_first_sync_is_written_once_and_what_is_not_is_filled_then() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = Spy::folder(temp.path(), 1 << 20);
        folder.dir.allocates = true;
        folder.erase(2).unwrap();
        calls(&mut folder);
        let [allocate, write, sync] =
            ["allocate", "write", "sync"].map(|call| format!("{call} bucket-0000000000"));
        folder.reserve(2, 100_000).unwrap();
        assert_eq!(folder.extent(2).unwrap(), 100_000);
        folder.write(2, 0, &vec![7; 100_000]).unwrap();
        folder.sync().unwrap();
        assert_eq!(calls(&mut folder), [&allocate, &write, &sync, "sync names"]);
        folder.reserve(2, 150_000).unwrap();
        folder.write(2, 100_000, b"frame").unwrap();
        folder.reserve(2, 200_000).unwrap();
        folder.sync().unwrap();
        let filled = [&allocate, &write, &allocate, &write, &write, &sync].map(String::as_str);
        assert_eq!(calls(&mut folder), filled, "zeros behind the frame");
        folder.sync().unwrap();
        assert_eq!(calls(&mut folder), [""; 0]);
        let mut out = vec![1; 100_000];
        folder.read(2, 100_000, &mut out).unwrap();
        assert_eq!((&out[..5], &out[5..]), (&b"frame"[..], &vec![0; 99_995][..]));
    }

    #[test]
    fn a_full_disk_takes_back_what_was_set_aside_and_can_be_tried_again() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = Spy::folder(temp.path(), 200_000);
        folder.erase(2).unwrap();
        folder.reserve(2, 1000).unwrap();
        folder.write(2, 0, &[7; 1000]).unwrap();
        let error = folder.reserve(2, 300_000).unwrap_err();
        assert!(Folder::<Spy>::is_full(&error) && !Folder::<Spy>::is_full(&io::Error::other("")));
        assert_eq!(folder.extent(2).unwrap(), 1000);
        assert_eq!(folder.dir.room, 199_000);
        folder.reserve(2, 200_000).unwrap();
        let mut out = [1; 1004];
        folder.read(2, 0, &mut out).unwrap();
        assert_eq!((&out[..1000], &out[1000..]), (&[7; 1000][..], &[0; 4][..]));
        assert!(folder.set_readers(1).is_err());
        assert_eq!(folder.readers().unwrap(), 0, "half a reader is none");
        folder.write_cursor(0, 0, &[1; 32]).unwrap_err();
        folder.discard(2).unwrap();
        folder.dir.room = 8192;
        folder.set_readers(1).unwrap();
        calls(&mut folder);
        folder.write_cursor(0, 1, &[9; 32]).unwrap();
        assert_eq!(calls(&mut folder), ["write reader-0", "sync reader-0"]);
    }

    #[test]
    fn no_space_no_quota_and_a_limit_on_files_are_full_and_a_broken_disk_is_not() {
        use io::ErrorKind::{FileTooLarge, Other, QuotaExceeded, StorageFull};
        let kinds = [StorageFull, QuotaExceeded, FileTooLarge, Other];
        let full = kinds.map(|kind| Folder::<Spy>::is_full(&kind.into()));
        assert_eq!(full, [true, true, true, false]);
    }

    #[test]
    fn after_a_failed_sync_no_sync_is_a_success_again() {
        let temp = tempfile::tempdir().unwrap();
        for broken in [Folder::sync, |folder: &mut Folder<Spy>| folder.settle(2)] {
            let mut folder = Spy::folder(temp.path(), 100);
            folder.erase(2).unwrap();
            folder.write(2, 0, b"frame").unwrap();
            folder.dir.broken = Some(io::ErrorKind::Other);
            assert_eq!(broken(&mut folder).unwrap_err().to_string(), "broken");
            folder.dir.broken = None;
            calls(&mut folder);
            assert!(folder.sync().is_err() && folder.settle(2).is_err());
            assert!(folder.settle_cursor(0).is_err());
            assert_eq!(calls(&mut folder), [""; 0], "the kernel is not asked again");
        }
    }

    #[test]
    fn a_sync_that_fails_for_want_of_space_is_not_taken_for_a_full_disk() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = Spy::folder(temp.path(), 100);
        folder.dir.broken = Some(io::ErrorKind::StorageFull);
        for error in [folder.settle(2).unwrap_err(), folder.erase(2).unwrap_err()] {
            assert!(!Folder::<Spy>::is_full(&error), "{error}");
        }
    }

    #[test]
    fn the_log_header_and_all_names_are_made_durable_before_the_first_change() {
        let temp = tempfile::tempdir().unwrap();
        for change in [
            |folder: &mut Folder<Spy>| folder.erase(0),
            |folder: &mut Folder<Spy>| folder.set_readers(1),
        ] {
            let mut folder = Spy::folder(temp.path(), 10_000);
            folder.read(0, 0, &mut [0]).unwrap();
            assert_eq!(calls(&mut folder), [""; 0]);
            change(&mut folder).unwrap();
            let synced = ["sync header-0", "sync header-1", "sync names"];
            assert_eq!(calls(&mut folder)[..3], synced);
            folder.erase(1).unwrap();
            assert_eq!(calls(&mut folder), [""; 0], "once is enough");
            let mut folder = Spy::folder(temp.path(), 10_000);
            folder.dir.broken = Some(io::ErrorKind::Other);
            change(&mut folder).unwrap_err();
        }
    }

    #[test]
    fn slots_are_files_that_come_and_go_by_name() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("log");
        let mut folder = Folder::open_writer(&path, true).unwrap();
        std::fs::write(path.join("bucket-7"), "foreign").unwrap();
        assert_eq!(folder.present(u32::MAX).unwrap(), None);
        for slot in [0, 1, 9, 5, u32::MAX - 1] {
            folder.erase(slot).unwrap();
            folder.write(slot, 2, &[9]).unwrap();
        }
        let highest = u32::MAX - 1;
        assert_eq!(folder.present(u32::MAX).unwrap(), Some(Present { lowest: 5, highest }));
        assert_eq!(folder.present(9).unwrap(), Some(Present { lowest: 5, highest: 5 }));
        assert_eq!(folder.present(5).unwrap(), None);
        folder.erase(9).unwrap();
        assert_eq!((folder.extent(9).unwrap(), folder.extent(5).unwrap()), (0, 3));
        let mut out = [5; 3];
        folder.read(9, 0, &mut out).unwrap();
        assert_eq!(out, [0; 3]);
        folder.settle(77).unwrap();
        assert!(folder.write(77, 0, &[1]).is_err());
        assert_eq!(std::fs::read(path.join("bucket-0000000003")).unwrap(), [0, 0, 9]);
    }

    #[test]
    fn readers_are_removed_only_if_none_is_in_use_and_never_come_back_with_old_cursors() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = Folder::open_writer(temp.path(), true).unwrap();
        folder.set_readers(4).unwrap();
        folder.write_cursor(3, 0, &[4; 32]).unwrap();
        let reader = Folder::open_reader(temp.path(), 2).unwrap();
        assert_eq!(folder.set_readers(1).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(folder.readers().unwrap(), 4, "nothing has changed");
        drop(reader);
        // What a power cut can leave of removing readers 1 to 3.
        for gone in ["reader-1", "reader-2"] {
            std::fs::remove_file(temp.path().join(gone)).unwrap();
        }
        std::fs::write(temp.path().join("reader-0"), [1; 32]).unwrap();
        folder.refresh();
        assert_eq!(folder.readers().unwrap(), 1);
        folder.set_readers(4).unwrap();
        let mut out = [5; 32];
        folder.read_cursor(3, 0, &mut out).unwrap();
        assert_eq!(out, [0; 32]);
        folder.read_cursor(0, 0, &mut out).unwrap();
        assert_eq!(out, [1; 32]);
        assert_eq!(std::fs::metadata(temp.path().join("reader-0")).unwrap().len(), 8192);
    }

    #[test]
    fn old_cursors_are_gone_for_good_before_new_readers_are_made_and_those_are_durable() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = Spy::folder(temp.path(), 1 << 20);
        folder.set_readers(2).unwrap();
        let (one, two) = (["write reader-0", "sync reader-0"], ["write reader-1", "sync reader-1"]);
        assert_eq!(calls(&mut folder)[3..], [&one[..], &two, &["sync names"]].concat());
        folder.dir.remove(Name::Reader(0)).unwrap();
        calls(&mut folder);
        folder.set_readers(1).unwrap();
        let made = [&["sync names"], &one[..], &["sync names"]].concat();
        assert_eq!(calls(&mut folder), made, "reader 1 goes first");
        folder.set_readers(1).unwrap();
        assert_eq!(calls(&mut folder), [""; 0]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_of_the_storage() {
        let refused = Folder::open_writer(Path::new("/proc/tslog"), true).unwrap_err();
        assert!(matches!(refused, Error::Storage(_)), "{refused:?}");
        let absent = Folder::open_writer(Path::new("/proc/tslog"), false).unwrap_err();
        assert!(matches!(absent, Error::NoLog), "{absent:?}");
    }

    #[test]
    fn a_folder_without_a_log_gets_no_lock_file_unless_one_is_to_be_made() {
        let temp = tempfile::tempdir().unwrap();
        let missing = temp.path().join("none");
        for path in [temp.path(), &missing] {
            assert_eq!(Folder::open_writer(path, false).unwrap_err().to_string(), NO_LOG);
            assert_eq!(Folder::open_reader(path, 0).unwrap_err().to_string(), NO_LOG);
        }
        assert_eq!(Folder::open_view(&missing).unwrap_err().to_string(), NO_LOG);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
        let mut folder = Folder::open_writer(&missing, true).unwrap();
        folder.erase(0).unwrap();
        drop(folder);
        let _writer = Folder::open_writer(&missing, false).unwrap();
        let second = Folder::open_writer(&missing, false).unwrap_err();
        assert!(matches!(second, Error::Locked(Some(pid)) if pid == std::process::id()));
    }

    const NO_LOG: &str = "there is no log here";
}

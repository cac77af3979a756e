//! A log in a folder: a slot is a file, erasing is removing and making it anew, and a sync is one
//! of
//! each file written and, where names are new, of the folder.

use std::{io, path::Path};

use super::{
    CURSOR_PLACE_SIZE, FIRST_BUCKET_SLOT, Geometry, Present, Slots, Storage,
    dir::{Dir, Name, RealDir},
};
use crate::error::Error;

/// The most a bucket file may grow to.
const MAX_FILE: u32 = 1 << 31;
/// Each cursor place has a block of its own, so that a torn write cannot reach the other one.
const PLACE_STRIDE: u64 = 4096;
/// Zeros are written in pieces of this size.
const ZEROS: &[u8] = &[0; 64 * 1024];

/// A folder as a medium with named slots.
#[derive(Debug)]
pub struct Folder<D = RealDir> {
    dir: D,
    dirty: Vec<Name>,
    names_changed: bool,
}

impl Folder<RealDir> {
    /// Opens a folder for the one writer it may have.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::NoLog`] if there is no folder and none is to be made.
    pub fn open_writer(path: &Path, create: bool) -> Result<Self, Error<io::Error>> {
        let mut dir = open(path, create, false)?;
        match dir.lock(Name::Lock).map_err(Error::Storage)? {
            Ok(()) => Ok(Self::new(dir)),
            Err(holder) => Err(Error::Locked(holder)),
        }
    }

    /// Opens a folder for reader `n`, beside a writer that may be running.
    ///
    /// # Errors
    /// [`Error::Locked`] if that reader is in use; [`Error::NoLog`].
    pub fn open_reader(path: &Path, n: u8) -> Result<Self, Error<io::Error>> {
        let mut dir = open(path, false, false)?;
        if dir.size(Name::Reader(n)).map_err(Error::Storage)?.is_none() {
            return Err(Error::NoLog);
        }
        match dir.lock(Name::Reader(n)).map_err(Error::Storage)? {
            Ok(()) => Ok(Self::new(dir)),
            Err(_) => Err(Error::Locked(None)),
        }
    }

    /// Opens a folder to look at it, without any lock.
    ///
    /// # Errors
    /// [`Error::NoLog`]; [`Error::Storage`].
    pub fn open_view(path: &Path) -> Result<Self, Error<io::Error>> {
        Ok(Self::new(open(path, false, true)?))
    }

    /// As the writer's own readers need it: no lock, but cursors can be written.
    pub(crate) fn open_beside(path: &Path) -> Result<Self, Error<io::Error>> {
        Ok(Self::new(open(path, false, false)?))
    }

    /// Takes the lock of reader `n`.
    pub(crate) fn lock_reader(&mut self, n: u8) -> Result<(), Error<io::Error>> {
        match self.dir.lock(Name::Reader(n)).map_err(Error::Storage)? {
            Ok(()) => Ok(()),
            Err(_) => Err(Error::Locked(None)),
        }
    }

    /// Lets go of every lock.
    pub(crate) fn unlock(&mut self) {
        self.dir.unlock();
    }

    /// Looks at what the names mean now.
    pub fn refresh(&mut self) {
        self.dir.refresh();
    }
}

fn open(path: &Path, create: bool, read_only: bool) -> Result<RealDir, Error<io::Error>> {
    match RealDir::open(path, create, read_only) {
        Ok(dir) => Ok(dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoLog),
        Err(error) => Err(Error::Storage(error)),
    }
}

impl<D: Dir> Folder<D> {
    /// A log over any folder-like thing.
    pub const fn new(dir: D) -> Self {
        Self { dir, dirty: Vec::new(), names_changed: false }
    }

    /// Gives the folder back.
    pub fn release(self) -> D {
        self.dir
    }

    fn touch(&mut self, name: Name) {
        if !self.dirty.contains(&name) {
            self.dirty.push(name);
        }
    }

    /// Fills `name` with zeros up to `size`, so that a commit never has to grow it. If space runs
    /// out, what was added goes again.
    fn fill(&mut self, name: Name, size: u64) -> io::Result<()> {
        let old = self.dir.size(name)?.unwrap_or(0);
        let mut at = old;
        while at < size {
            let len = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
            let zeros = ZEROS.get(..len.min(ZEROS.len())).unwrap_or(ZEROS);
            if let Err(error) = self.dir.write(name, at, zeros) {
                self.dir.truncate(name, old)?;
                return Err(error);
            }
            at = at.saturating_add(zeros.len() as u64);
        }
        Ok(())
    }
}

fn name(slot: u32) -> Name {
    match slot.checked_sub(FIRST_BUCKET_SLOT) {
        Some(index) => Name::Bucket(index),
        None => Name::Header(u8::from(slot == 1)),
    }
}

impl<D: Dir> Storage for Folder<D> {
    type Error = io::Error;

    fn geometry(&self) -> Geometry {
        Geometry { slot_count: u32::MAX, slot_size: MAX_FILE, write_size: 1, slots: Slots::Named }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> io::Result<()> {
        let read = self.dir.read(name(slot), u64::from(offset), out)?;
        out.get_mut(read..).unwrap_or_default().fill(0);
        Ok(())
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> io::Result<()> {
        self.dir.write(name(slot), u64::from(offset), data)?;
        self.touch(name(slot));
        Ok(())
    }

    fn erase(&mut self, slot: u32) -> io::Result<()> {
        self.discard(slot)?;
        self.dir.create(name(slot))?;
        self.touch(name(slot));
        self.names_changed = true;
        Ok(())
    }

    fn reserve(&mut self, slot: u32, size: u32) -> io::Result<()> {
        self.fill(name(slot), u64::from(size))?;
        self.touch(name(slot));
        Ok(())
    }

    fn discard(&mut self, slot: u32) -> io::Result<()> {
        self.dir.remove(name(slot))?;
        self.dirty.retain(|&dirty| dirty != name(slot));
        self.names_changed = true;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        while let Some(name) = self.dirty.pop() {
            self.dir.sync(name)?;
        }
        if core::mem::take(&mut self.names_changed) {
            self.dir.sync_names()?;
        }
        Ok(())
    }

    fn extent(&mut self, slot: u32) -> io::Result<u32> {
        let size = self.dir.size(name(slot))?.unwrap_or(0);
        Ok(u32::try_from(size).unwrap_or(MAX_FILE).min(MAX_FILE))
    }

    fn present(&mut self, below: u32) -> io::Result<Option<Present>> {
        let mut present: Option<Present> = None;
        self.dir.list(&mut |name| {
            let Name::Bucket(index) = name else { return };
            let slot = index.saturating_add(FIRST_BUCKET_SLOT);
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

    fn settle(&mut self, slot: u32) -> io::Result<()> {
        self.dir.sync(name(slot))?;
        self.dir.sync_names()
    }

    fn is_full(error: &io::Error) -> bool {
        matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
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
        self.dir.sync(Name::Reader(reader))
    }

    fn settle_cursor(&mut self, reader: u8) -> io::Result<()> {
        self.dir.sync(Name::Reader(reader))
    }

    fn set_readers(&mut self, count: u8) -> io::Result<()> {
        let mut changed = false;
        for reader in 0..4 {
            let name = Name::Reader(reader);
            let size = self.dir.size(name)?;
            if reader >= count {
                if size.is_some() {
                    self.dir.remove(name)?;
                    changed = true;
                }
            } else if size.is_none_or(|size| size < PLACE_STRIDE.saturating_mul(2)) {
                if size.is_none() {
                    self.dir.create(name)?;
                }
                self.fill(name, PLACE_STRIDE.saturating_mul(2))?;
                self.dir.sync(name)?;
                changed = true;
            }
        }
        if changed { self.dir.sync_names() } else { Ok(()) }
    }

    fn readers(&mut self) -> io::Result<u8> {
        let mut count = 0;
        while count < 4 && self.dir.size(Name::Reader(count))?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

//! A disk that shows all that a power cut may leave of it, piece by piece.
//!
//! Everything is seen at once. What was not synced is kept as pieces, in the order they came: a
//! part of one sector, the length of a file, or what a name leads to. A cut keeps any of them and
//! loses the others, so that `k` pieces have `2^k` outcomes, and [`Disk::left`] builds each of them
//! as an [`Image`]. Zeros where there were none but zeros are no piece: they read the same whether
//! they arrived or not.
//!
//! Two storages lie on it: a folder by way of [`Dir`] (`folder.rs`), and slots at the contract of
//! [`Storage`] (`slots.rs`).
//!
//! [`Dir`]: tslog::storage::dir::Dir
//! [`Storage`]: tslog::storage::Storage

mod faults;
mod folder;
mod image;
mod slots;

pub use faults::{Failure, Sabotage};
pub use image::{Image, Kept};
pub use slots::SlotDisk;

use crate::power::{Power, Step};
use crate::trail::note;
use faults::Faults;
use image::Content;
use std::cell::{RefCell, RefMut};
use std::io::{self, ErrorKind};
use std::rc::Rc;
use tslog::storage::dir::Name;

/// Bytes that a disk writes whole or not at all.
pub const SECTOR_SIZE: usize = 512;

/// A simulated disk. It is a handle: clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk(Rc<RefCell<Inner>>);

/// One thing that a cut keeps or loses by itself.
#[derive(Clone, Debug)]
enum Piece {
    /// Bytes inside one sector.
    Bytes { file: usize, at: usize, data: Vec<u8> },
    /// How long a file is; what lay behind a shorter one is gone.
    Len { file: usize, len: usize },
    /// What a name leads to.
    Name { name: Name, to: Option<usize> },
}

#[derive(Debug)]
struct File {
    /// As everybody sees it.
    live: Rc<Content>,
    /// As it is on the disk for certain.
    safe: Rc<Content>,
}

/// Which file a name leads to, in the order of the names.
#[derive(Clone, Debug, Default)]
struct Names(Vec<(Name, usize)>);

#[derive(Debug)]
struct Inner {
    power: Power,
    faults: Faults,
    names: Names,
    safe_names: Names,
    files: Vec<File>,
    pending: Vec<Piece>,
    /// Everything is safe at once: nobody is going to ask for pieces.
    sure: bool,
    /// Bytes that all files together may have; those of the readers do not count.
    budget: u64,
    /// Calls so far that changed something.
    changes: u64,
    /// Bytes read so far.
    bytes_read: u64,
}

impl Names {
    fn get(&self, name: Name) -> Option<usize> {
        self.0.binary_search_by_key(&name, |(name, _)| *name).ok().map(|at| self.0[at].1)
    }

    fn set(&mut self, name: Name, to: Option<usize>) {
        match (self.0.binary_search_by_key(&name, |(name, _)| *name), to) {
            (Ok(at), Some(file)) => self.0[at].1 = file,
            (Ok(at), None) => drop(self.0.remove(at)),
            (Err(at), Some(file)) => self.0.insert(at, (name, file)),
            (Err(_), None) => {}
        }
    }
}

impl Disk {
    /// An empty disk with room for `budget` bytes.
    pub fn new(budget: u64, power: &Power) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            power: power.clone(),
            faults: Faults::default(),
            names: Names::default(),
            safe_names: Names::default(),
            files: Vec::new(),
            pending: Vec::new(),
            sure: false,
            budget,
            changes: 0,
            bytes_read: 0,
        })))
    }

    /// From now on everything is safe at once, which saves work where no power goes.
    pub fn be_sure(&self) {
        self.inner().sure = true;
    }

    /// Changes how many bytes all files together may have.
    pub fn set_budget(&self, budget: u64) {
        self.inner().budget = budget;
    }

    /// Bytes that all files together have now, those of the readers left out.
    pub fn used(&self) -> u64 {
        self.inner().used()
    }

    /// How many calls have changed something since the disk was made.
    pub fn changes(&self) -> u64 {
        self.inner().changes
    }

    /// How many bytes were read since the disk was made.
    pub fn bytes_read(&self) -> u64 {
        self.inner().bytes_read
    }

    /// How many pieces are not safe.
    pub fn pieces(&self) -> usize {
        self.inner().pending.len()
    }

    fn inner(&self) -> RefMut<'_, Inner> {
        self.0.borrow_mut()
    }
}

impl Inner {
    fn used(&self) -> u64 {
        let counts = self.names.0.iter().filter(|(name, _)| !matches!(name, Name::Reader(_)));
        counts.map(|(_, file)| self.files[*file].live.bytes.len() as u64).sum()
    }

    fn file(&self, name: Name) -> io::Result<usize> {
        self.names.get(name).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn bytes(&self, file: usize) -> &[u8] {
        &self.files[file].live.bytes
    }

    /// A call that changes nothing.
    fn look(&mut self) -> io::Result<()> {
        self.power.read().map_err(io::Error::other)?;
        self.faults.strike(&self.power)
    }

    /// A call that changes something. `Ok(true)` if it is done and returns well; `Ok(false)` if it
    /// is done, and the power goes before it returns.
    fn step(&mut self, what: impl Fn() -> String) -> io::Result<bool> {
        let step = self.power.step();
        note(|| format!("    {} {step:?}", what()));
        match step {
            Step::Whole => Ok(true),
            Step::Torn => Ok(false),
            Step::Off => Err(io::Error::other(self.power.error())),
        }
    }

    /// What a call returns that was done.
    fn end(&self, whole: bool) -> io::Result<()> {
        if whole { Ok(()) } else { Err(io::Error::other(self.power.error())) }
    }

    /// How many of `len` bytes at `at` there is space for.
    fn room(&self, name: Name, at: usize, len: usize) -> io::Result<usize> {
        let end = self.bytes(self.file(name)?).len();
        let grown = (at + len).saturating_sub(end) as u64;
        if grown == 0 || matches!(name, Name::Reader(_)) {
            return Ok(len);
        }
        let left = self.budget.saturating_sub(self.used());
        Ok(len.saturating_sub(grown.saturating_sub(left) as usize))
    }

    /// Puts bytes where everybody sees them, and notes what of them is not safe.
    fn put(&mut self, file: usize, at: usize, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        self.changes += 1;
        let old = self.bytes(file).len();
        let end = at + data.len();
        if !self.sure {
            self.note_pieces(file, at, data);
        }
        let bytes = Content::edit(&mut self.files[file].live);
        bytes.resize(old.max(end), 0);
        bytes[at..end].copy_from_slice(data);
    }

    fn note_pieces(&mut self, file: usize, at: usize, data: &[u8]) {
        let end = at + data.len();
        if end > self.bytes(file).len() {
            self.pending.push(Piece::Len { file, len: end });
        }
        let mut from = at;
        while from < end {
            let to = end.min((from / SECTOR_SIZE + 1) * SECTOR_SIZE);
            let data = &data[from - at..to - at];
            if !self.is_no_news(file, from, data) {
                self.pending.push(Piece::Bytes { file, at: from, data: data.to_vec() });
            }
            from = to;
        }
    }

    /// True if these bytes read so already, whatever a cut leaves.
    fn is_no_news(&self, file: usize, at: usize, data: &[u8]) -> bool {
        let safe = &self.files[file].safe.bytes;
        let read_so =
            (at..).zip(data).all(|(at, byte)| safe.get(at).copied().unwrap_or(0) == *byte);
        read_so
            && !self.pending.iter().any(|piece| match piece {
                Piece::Bytes { file: other, at: begin, data: bytes } => {
                    *other == file && *begin < at + data.len() && at < begin + bytes.len()
                }
                Piece::Len { .. } | Piece::Name { .. } => false,
            })
    }

    fn set_len(&mut self, file: usize, len: usize) {
        self.changes += 1;
        if !self.sure {
            self.pending.push(Piece::Len { file, len });
        }
        Content::edit(&mut self.files[file].live).resize(len, 0);
    }

    /// Makes a new file and lets `name` lead to it.
    fn make(&mut self, name: Name) {
        let empty = Rc::new(Content::default());
        self.files.push(File { live: empty.clone(), safe: empty });
        self.lead(name, Some(self.files.len() - 1));
    }

    fn lead(&mut self, name: Name, to: Option<usize>) {
        self.changes += 1;
        self.names.set(name, to);
        if !self.sure {
            self.pending.push(Piece::Name { name, to });
        }
    }

    fn sync_file(&mut self, file: usize) {
        if self.sure || self.faults.sabotage == Some(Sabotage::SkipSync) {
            return;
        }
        let File { live, safe } = &mut self.files[file];
        safe.clone_from(live);
        self.pending.retain(|piece| match piece {
            Piece::Bytes { file: other, .. } | Piece::Len { file: other, .. } => *other != file,
            Piece::Name { .. } => true,
        });
    }

    fn sync_names(&mut self) {
        if self.sure || self.faults.sabotage == Some(Sabotage::SkipFolderSync) {
            return;
        }
        self.safe_names.clone_from(&self.names);
        self.pending.retain(|piece| !matches!(piece, Piece::Name { .. }));
    }
}

//! A folder of files that is as forgetful as POSIX allows, and as ext4 is.
//!
//! Everything is seen at once. When the power goes, what was not synced is decided about piece by
//! piece: each sector of a file is as it was after any of the writes since, or torn between two;
//! how long the file is, is decided apart from that, so that it may read zeros or end early. Each
//! name that came or went is kept or lost by itself, whatever became of the bytes: a new file may
//! vanish though it was synced, and a removed one may come back. After a failed sync the bytes are
//! given up: what reads is what is on the disk, and the next sync says all is well. Callers may
//! write each byte of a header or a bucket only once; a second time is a panic.

mod file;

use file::{Change, File};

use crate::power::{Power, Rng, SimError, Step};
use crate::trail::note;
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::rc::Rc;
use tslog::storage::dir::{Dir, Name};

/// A simulated folder. It is a handle: clones are the same folder.
#[derive(Clone, Debug)]
pub struct SimDir(Rc<RefCell<Disk>>);

#[derive(Debug)]
struct Disk {
    power: Power,
    rng: Rng,
    /// The files that exist or may come back, by a number that is never used again.
    files: BTreeMap<u64, File>,
    next: u64,
    /// Which file a name leads to.
    names: BTreeMap<Name, u64>,
    /// What each name that changed since the last sync of names led to, the safe one first.
    past: BTreeMap<Name, Vec<Option<u64>>>,
    /// Bytes that all files together may have; those of the readers do not count.
    budget: u64,
}

impl SimDir {
    /// An empty folder with room for `budget` bytes. What the files of readers need is always
    /// there.
    pub fn new(budget: u64, power: &Power, rng: Rng) -> Self {
        Self(Rc::new(RefCell::new(Disk {
            power: power.clone(),
            rng,
            files: BTreeMap::new(),
            next: 0,
            names: BTreeMap::new(),
            past: BTreeMap::new(),
            budget,
        })))
    }

    /// What a power cut leaves: decides about everything that was not synced.
    pub fn cycle(&self) {
        self.disk().cycle();
    }

    /// Changes how many bytes all files together may have.
    pub fn set_budget(&self, budget: u64) {
        self.disk().budget = budget;
    }

    /// Bytes that all files together have now, those of the readers left out.
    pub fn used(&self) -> u64 {
        self.disk().used()
    }

    /// The files there are, each with how many of its bytes, from its beginning, may be other than
    /// zero.
    pub fn written(&self) -> Vec<(Name, usize)> {
        let disk = self.disk();
        let end = |id: &u64| disk.files[id].live.iter().rposition(|&byte| byte != 0);
        let files = disk.names.iter();
        files.filter_map(|(name, id)| Some((*name, end(id)? + 1))).collect()
    }

    /// Changes a byte by `f`, as rot or a stray write would.
    pub fn corrupt(&self, name: Name, at: usize, f: impl Fn(u8) -> u8) {
        let mut disk = self.disk();
        let Ok(file) = disk.file(name) else { return };
        file.sync();
        for bytes in [&mut file.live, &mut file.safe] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = f(*byte);
            }
        }
    }

    fn disk(&self) -> RefMut<'_, Disk> {
        self.0.borrow_mut()
    }
}

impl Disk {
    fn used(&self) -> u64 {
        let counts = self.names.iter().filter(|(name, _)| !matches!(name, Name::Reader(_)));
        counts.map(|(_, id)| self.files[id].live.len() as u64).sum()
    }

    fn file(&mut self, name: Name) -> io::Result<&mut File> {
        let id = self.names.get(&name).ok_or(ErrorKind::NotFound)?;
        self.files.get_mut(id).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn read(&self) -> io::Result<()> {
        self.power.read().map_err(io::Error::other)
    }

    /// Takes a step that ends in `done` or in an error; says whether what was to be done is done:
    /// with the power gone, it is left to be decided about.
    fn step(&self, what: impl FnOnce() -> String) -> (bool, io::Result<()>) {
        let step = self.power.step();
        note(|| format!("    {} {step:?}", what()));
        match step {
            Step::Whole => (true, Ok(())),
            Step::Torn => {
                let error = self.power.error();
                (error == SimError::Off, Err(io::Error::other(error)))
            }
            Step::Off => (false, Err(io::Error::other(SimError::Off))),
        }
    }

    /// From now on `name` leads to this file, until the power goes.
    fn lead(&mut self, name: Name, to: Option<u64>) {
        let was = match to {
            Some(id) => self.names.insert(name, id),
            None => self.names.remove(&name),
        };
        self.past.entry(name).or_insert_with(|| vec![was]).push(to);
    }

    /// How many of `len` bytes at `offset` there is space for.
    fn room(&mut self, name: Name, offset: usize, len: usize) -> io::Result<usize> {
        let left = self.budget.saturating_sub(self.used());
        let end = self.file(name)?.live.len();
        let grown = (offset + len).saturating_sub(end) as u64;
        let lacking = if matches!(name, Name::Reader(_)) { 0 } else { grown.saturating_sub(left) };
        Ok(len.saturating_sub(lacking as usize))
    }

    fn cycle(&mut self) {
        let Self { files, names, past, rng, .. } = self;
        note(|| {
            let dirty = |id: &u64| files.get(id).is_some_and(|file| !file.pending.is_empty());
            let dirty: Vec<_> = names.iter().filter(|(_, id)| dirty(id)).map(|(n, _)| n).collect();
            format!("    the power goes, before {dirty:?} and the names {past:?} are safe")
        });
        let keep = rng.pick(&[0, 25, 50, 75, 100]);
        for (name, past) in std::mem::take(past) {
            let last = past.len() - 1;
            let at = if rng.chance(keep) { last } else { rng.below(past.len() as u64) as usize };
            match past[at] {
                Some(id) => names.insert(name, id),
                None => names.remove(&name),
            };
        }
        for file in files.values_mut() {
            file.give_up(rng);
            file.live.clone_from(&file.safe);
        }
        self.sweep();
        note(|| {
            let lens = |(name, id)| format!("{name} {}", self.files[id].live.len());
            let names: Vec<_> = self.names.iter().map(lens).collect();
            format!("    what is left: {}", names.join(", "))
        });
    }

    /// Drops the files that no name can lead to any more.
    fn sweep(&mut self) {
        let past = self.past.values().flatten().flatten();
        let kept: BTreeSet<u64> = self.names.values().chain(past).copied().collect();
        self.files.retain(|id, _| kept.contains(id));
    }
}

/// The log and its readers never write a byte of these twice.
fn check_blank(name: Name, live: &[u8], offset: usize, len: usize) {
    if matches!(name, Name::Header(_) | Name::Bucket(_)) {
        let there = live.iter().enumerate().skip(offset).take(len);
        for (at, &byte) in there {
            assert!(byte == 0, "byte {at} of {name} is written twice");
        }
    }
}

impl Dir for SimDir {
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()> {
        let mut disk = self.disk();
        disk.read()?;
        let mut names: Vec<_> = disk.names.keys().copied().collect();
        while !names.is_empty() {
            let at = disk.rng.below(names.len() as u64) as usize;
            each(names.swap_remove(at));
        }
        Ok(())
    }

    fn size(&mut self, name: Name) -> io::Result<Option<u64>> {
        let mut disk = self.disk();
        disk.read()?;
        Ok(disk.file(name).ok().map(|file| file.live.len() as u64))
    }

    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.disk();
        disk.read()?;
        let Ok(file) = disk.file(name) else { return Ok(0) };
        let there = file.live.get(offset as usize..).unwrap_or_default();
        let len = there.len().min(out.len());
        out[..len].copy_from_slice(&there[..len]);
        Ok(len)
    }

    fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        let offset = offset as usize;
        disk.read()?;
        disk.file(name)?;
        let mut len = disk.room(name, offset, data.len())?;
        let full = len < data.len();
        let what = || format!("write {name} {offset}: {len} of {} bytes", data.len());
        let (done, stepped) = disk.step(what);
        if !done {
            len = disk.rng.below(len as u64 + 1) as usize;
        }
        let file = disk.file(name)?;
        check_blank(name, &file.live, offset, len);
        if len > 0 {
            file.change(Change::Write(offset, data[..len].to_vec()));
        }
        stepped?;
        if full { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn allocate(&mut self, name: Name, size: u64) -> io::Result<bool> {
        let old = self.size(name)?.unwrap_or(0);
        // Zeros that were written may be lost in every way in which space may be that was not.
        self.write(name, old, &vec![0; size.saturating_sub(old) as usize]).map(|()| true)
    }

    fn create(&mut self, name: Name) -> io::Result<()> {
        let mut disk = self.disk();
        disk.read()?;
        if disk.names.contains_key(&name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let (done, stepped) = disk.step(|| format!("create {name}"));
        if done || disk.power.is_on() && disk.rng.chance(50) {
            let id = disk.next;
            disk.next += 1;
            disk.files.insert(id, File::default());
            disk.lead(name, Some(id));
        }
        stepped
    }

    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()> {
        let mut disk = self.disk();
        disk.read()?;
        disk.file(name)?;
        let (done, stepped) = disk.step(|| format!("truncate {name} to {size}"));
        if done {
            disk.file(name)?.change(Change::Truncate(size as usize));
        }
        stepped
    }

    fn remove(&mut self, name: Name) -> io::Result<bool> {
        let mut disk = self.disk();
        disk.read()?;
        if !disk.names.contains_key(&name) {
            return Ok(false);
        }
        let (done, stepped) = disk.step(|| format!("remove {name}"));
        if done {
            disk.lead(name, None);
        }
        stepped.map(|()| true)
    }

    fn sync(&mut self, name: Name) -> io::Result<()> {
        let mut disk = self.disk();
        disk.read()?;
        disk.file(name)?;
        let (_, stepped) = disk.step(|| format!("sync {name}"));
        let Disk { power, rng, names, files, .. } = &mut *disk;
        let file = files.get_mut(&names[&name]).ok_or(ErrorKind::NotFound)?;
        if stepped.is_ok() {
            file.sync();
        } else if power.is_on() {
            file.give_up(rng);
            file.live.clone_from(&file.safe);
        }
        stepped
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.read()?;
        let (_, stepped) = disk.step(|| "sync names".into());
        if stepped.is_ok() {
            disk.past.clear();
            disk.sweep();
        }
        stepped
    }

    fn is_locked(&mut self, _name: Name) -> io::Result<bool> {
        self.disk().read()?;
        Ok(false)
    }
}

//! The disk as slots, at the contract of [`Storage`] and not a bit better: nothing is safe before a
//! sync, and no order holds before it.

use super::{Disk, Inner};
use std::io::{self, ErrorKind};
use tslog::storage::dir::Name;
use tslog::storage::{CURSOR_PLACE_SIZE, FIRST_BUCKET_SLOT, Geometry, Present, Slots, Storage};

/// Each cursor place has a sector of its own.
const PLACE_STRIDE: usize = super::SECTOR_SIZE;

/// Slots on a disk. Clones are the same slots.
#[derive(Clone, Debug)]
pub struct SlotDisk {
    disk: Disk,
    geometry: Geometry,
}

fn name(slot: u32) -> Name {
    match slot.checked_sub(FIRST_BUCKET_SLOT) {
        Some(number) => Name::Bucket(number),
        None => Name::Header(slot as u8),
    }
}

impl SlotDisk {
    /// Slots on `disk`; where they are fixed and there are none yet, they are made blank.
    pub fn new(disk: &Disk, geometry: Geometry) -> Self {
        let mut inner = disk.inner();
        if geometry.slots == Slots::Fixed && inner.names.0.is_empty() {
            for slot in 0..geometry.slot_count {
                inner.make(name(slot));
                let file = inner.files.len() - 1;
                inner.put(file, 0, &vec![0xFF; geometry.slot_size as usize]);
            }
            inner.sync_all();
        }
        drop(inner);
        Self { disk: disk.clone(), geometry }
    }

    fn is_named(&self) -> bool {
        self.geometry.slots == Slots::Named
    }

    fn blank(&self) -> u8 {
        if self.is_named() { 0 } else { 0xFF }
    }

    fn check(&self, slot: u32, offset: u32, len: usize) {
        let inside = slot < self.geometry.slot_count
            && offset as usize + len <= self.geometry.slot_size as usize;
        assert!(inside, "{len} bytes at {offset} of slot {slot} are out of bounds");
    }
}

impl Inner {
    fn sync_all(&mut self) {
        for file in 0..self.files.len() {
            self.sync_file(file);
        }
        self.sync_names();
    }
}

impl Storage for SlotDisk {
    type Error = io::Error;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> io::Result<()> {
        self.check(slot, offset, out.len());
        let blank = self.blank();
        let mut inner = self.disk.inner();
        inner.look()?;
        let there = inner.names.get(name(slot)).map_or(&[][..], |file| inner.bytes(file));
        let there = there.get(offset as usize..).unwrap_or_default();
        let len = there.len().min(out.len());
        out[..len].copy_from_slice(&there[..len]);
        out[len..].fill(blank);
        inner.bytes_read += len as u64;
        Ok(())
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> io::Result<()> {
        self.check(slot, offset, data.len());
        let (at, word) = (offset as usize, self.geometry.write_size as usize);
        let aligned = at.is_multiple_of(word) && data.len().is_multiple_of(word);
        assert!(aligned, "{} bytes at {at} of slot {slot} are not in words of {word}", data.len());
        let blank = self.blank();
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        let file = inner.file(name(slot))?;
        let again = inner.bytes(file).iter().skip(at).take(data.len()).any(|byte| *byte != blank);
        assert!(!again, "bytes at {at} of slot {slot} are written twice");
        if inner.room(name(slot), at, data.len())? < data.len() {
            return Err(ErrorKind::StorageFull.into());
        }
        let whole = inner.step(|| format!("write {} bytes at {at} of slot {slot}", data.len()))?;
        inner.put(file, at, data);
        inner.end(whole)
    }

    fn erase(&mut self, slot: u32) -> io::Result<()> {
        self.check(slot, 0, 0);
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        let whole = inner.step(|| format!("erase slot {slot}"))?;
        if self.is_named() {
            if inner.names.get(name(slot)).is_some() {
                inner.lead(name(slot), None);
            }
            inner.make(name(slot));
        } else {
            let file = inner.file(name(slot))?;
            inner.put(file, 0, &vec![0xFF; self.geometry.slot_size as usize]);
        }
        inner.end(whole)
    }

    fn reserve(&mut self, slot: u32, size: u32) -> io::Result<()> {
        self.check(slot, 0, size as usize);
        if !self.is_named() {
            return Ok(());
        }
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        let (file, size) = (inner.file(name(slot))?, size as usize);
        if size <= inner.bytes(file).len() {
            return Ok(());
        }
        if inner.room(name(slot), 0, size)? < size {
            return Err(ErrorKind::StorageFull.into());
        }
        let whole = inner.step(|| format!("reserve {size} bytes of slot {slot}"))?;
        inner.set_len(file, size);
        inner.end(whole)
    }

    fn trim(&mut self, slot: u32, size: u32) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        let Some(file) = inner.names.get(name(slot)).filter(|_| self.is_named()) else {
            return Ok(());
        };
        if inner.bytes(file).len() <= size as usize {
            return Ok(());
        }
        let whole = inner.step(|| format!("trim slot {slot} to {size} bytes"))?;
        inner.set_len(file, size as usize);
        inner.end(whole)
    }

    fn discard(&mut self, slot: u32) -> io::Result<()> {
        self.check(slot, 0, 0);
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        if !self.is_named() || inner.names.get(name(slot)).is_none() {
            return Ok(());
        }
        if inner.faults.refuses_removal {
            inner.power.strike();
            return Err(ErrorKind::PermissionDenied.into());
        }
        let whole = inner.step(|| format!("discard slot {slot}"))?;
        inner.lead(name(slot), None);
        inner.end(whole)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        if inner.pending.is_empty() {
            return Ok(());
        }
        if !inner.step(|| "sync".into())? {
            return inner.end(false);
        }
        inner.sync_all();
        Ok(())
    }

    fn extent(&mut self, slot: u32) -> io::Result<u32> {
        self.check(slot, 0, 0);
        let mut inner = self.disk.inner();
        inner.look()?;
        Ok(inner.names.get(name(slot)).map_or(0, |file| inner.bytes(file).len() as u32))
    }

    fn present(&mut self, below: u32) -> io::Result<Option<Present>> {
        let mut inner = self.disk.inner();
        inner.look()?;
        let slots = inner.names.0.iter().filter_map(|(name, _)| match name {
            Name::Bucket(number) => Some(number + FIRST_BUCKET_SLOT).filter(|slot| *slot < below),
            Name::Header(_) | Name::Reader(_) | Name::Lock => None,
        });
        let (lowest, highest) = (slots.clone().min(), slots.max());
        Ok(lowest.zip(highest).map(|(lowest, highest)| Present { lowest, highest }))
    }

    fn settle(&mut self, slot: u32) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        if !inner.step(|| format!("settle slot {slot}"))? {
            return inner.end(false);
        }
        if let Some(file) = inner.names.get(name(slot)) {
            inner.sync_file(file);
        }
        inner.sync_names();
        Ok(())
    }

    fn is_full(error: &io::Error) -> bool {
        error.kind() == ErrorKind::StorageFull
    }

    fn read_cursor(
        &mut self,
        reader: u8,
        place: u8,
        out: &mut [u8; CURSOR_PLACE_SIZE],
    ) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.look()?;
        let file = inner.names.get(Name::Reader(reader));
        let there = file.map_or(&[][..], |file| inner.bytes(file));
        let there = there.get(usize::from(place) * PLACE_STRIDE..).unwrap_or_default();
        let len = there.len().min(CURSOR_PLACE_SIZE);
        out.fill(0);
        out[..len].copy_from_slice(&there[..len]);
        Ok(())
    }

    fn write_cursor(
        &mut self,
        reader: u8,
        place: u8,
        data: &[u8; CURSOR_PLACE_SIZE],
    ) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        inner.write(Name::Reader(reader), usize::from(place) * PLACE_STRIDE, data)?;
        inner.sync(Name::Reader(reader))
    }

    fn settle_cursor(&mut self, reader: u8) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        if inner.names.get(Name::Reader(reader)).is_none() {
            return Ok(());
        }
        inner.sync(Name::Reader(reader))
    }

    fn set_readers(&mut self, count: u8) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.power.read().map_err(io::Error::other)?;
        let mut changed = false;
        // Removed from the highest on and made from the lowest on, so that a cut leaves no gap.
        for reader in (count..4).rev().chain(0..count) {
            let there = inner.names.get(Name::Reader(reader)).is_some();
            if there == (reader < count) {
                continue;
            }
            changed = true;
            let whole = inner.step(|| format!("make or remove reader {reader}"))?;
            if there {
                inner.lead(Name::Reader(reader), None);
            } else {
                inner.make(Name::Reader(reader));
            }
            inner.end(whole)?;
            inner.sync_names();
        }
        // What was there may have been made by a process that was killed.
        if !changed && !inner.pending.is_empty() {
            inner.sync_names();
        }
        Ok(())
    }

    fn readers(&mut self) -> io::Result<u8> {
        let mut inner = self.disk.inner();
        inner.look()?;
        let there = |reader: &u8| inner.names.get(Name::Reader(*reader)).is_some();
        Ok((0..4).take_while(there).count() as u8)
    }
}

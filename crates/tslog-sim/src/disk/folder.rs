//! The disk as a folder of files: what `Folder` lies on.

use super::{Disk, Inner};
use crate::disk::image::Content;
use std::io::{self, ErrorKind};
use tslog::storage::dir::{Dir, Name};

impl Inner {
    /// A call that is to change something fails, if it is its turn.
    fn strike(&mut self) -> io::Result<()> {
        self.faults.strike(&self.power)
    }

    fn does_half(&self) -> bool {
        self.faults.failure.is_some_and(|failure| failure.half)
    }

    /// Writes as much as there is space for; says whether that was all.
    pub(super) fn write(&mut self, name: Name, at: usize, data: &[u8]) -> io::Result<bool> {
        let file = self.file(name)?;
        if let Err(error) = self.strike() {
            let half = if self.does_half() { data.len() / 2 } else { 0 };
            self.put(file, at, &data[..half]);
            return Err(error);
        }
        let len = self.room(name, at, data.len())?;
        if matches!(name, Name::Header(_) | Name::Bucket(_)) {
            let there = self.bytes(file).iter().skip(at).take(len);
            let again = there.clone().position(|byte| *byte != 0);
            assert!(again.is_none(), "byte {} of {name} is written twice", at + again.unwrap_or(0));
        }
        let whole = self.step(|| format!("write {len} bytes at {at} of {name}"))?;
        self.put(file, at, &data[..len]);
        self.end(whole)?;
        Ok(len == data.len())
    }

    /// A failed sync: the kernel has dropped what was dirty, and some of it had arrived.
    fn drop_dirty(&mut self, file: usize) {
        if self.does_half() {
            // Every second piece had arrived.
            let mut kept = super::Kept::default();
            let mut turn = false;
            kept.by(self.pending.len(), |at| {
                let own = match &self.pending[at] {
                    super::Piece::Bytes { file: other, .. }
                    | super::Piece::Len { file: other, .. } => *other == file,
                    super::Piece::Name { .. } => false,
                };
                turn ^= own;
                own && turn
            });
            let bytes = self.left_of(file, &kept);
            *Content::edit(&mut self.files[file].safe) = bytes;
        }
        let safe = self.files[file].safe.clone();
        self.files[file].live = safe;
        self.pending.retain(|piece| match piece {
            super::Piece::Bytes { file: other, .. } | super::Piece::Len { file: other, .. } => {
                *other != file
            }
            super::Piece::Name { .. } => true,
        });
    }

    pub(super) fn sync(&mut self, name: Name) -> io::Result<()> {
        let file = self.file(name)?;
        if let Err(error) = self.strike() {
            self.drop_dirty(file);
            return Err(error);
        }
        if !self.step(|| format!("sync {name}"))? {
            return self.end(false);
        }
        self.sync_file(file);
        Ok(())
    }
}

impl Dir for Disk {
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()> {
        let mut inner = self.inner();
        inner.look()?;
        // No order is promised; this one is the least convenient.
        inner.names.0.iter().rev().for_each(|(name, _)| each(*name));
        Ok(())
    }

    fn size(&mut self, name: Name) -> io::Result<Option<u64>> {
        let mut inner = self.inner();
        inner.look()?;
        Ok(inner.names.get(name).map(|file| inner.bytes(file).len() as u64))
    }

    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.inner();
        inner.look()?;
        let Some(file) = inner.names.get(name) else { return Ok(0) };
        let there = inner.bytes(file).get(offset as usize..).unwrap_or_default();
        let len = there.len().min(out.len());
        out[..len].copy_from_slice(&there[..len]);
        inner.bytes_read += len as u64;
        Ok(len)
    }

    fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        inner.power.read().map_err(io::Error::other)?;
        let all = inner.write(name, offset as usize, data)?;
        if all { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
    }

    fn create(&mut self, name: Name) -> io::Result<()> {
        let mut inner = self.inner();
        inner.power.read().map_err(io::Error::other)?;
        inner.strike()?;
        if inner.names.get(name).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let whole = inner.step(|| format!("create {name}"))?;
        inner.make(name);
        inner.end(whole)
    }

    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()> {
        let mut inner = self.inner();
        inner.power.read().map_err(io::Error::other)?;
        inner.strike()?;
        let file = inner.file(name)?;
        let whole = inner.step(|| format!("truncate {name} to {size}"))?;
        inner.set_len(file, size as usize);
        inner.end(whole)
    }

    fn remove(&mut self, name: Name) -> io::Result<bool> {
        let mut inner = self.inner();
        inner.power.read().map_err(io::Error::other)?;
        inner.strike()?;
        if inner.names.get(name).is_none() {
            return Ok(false);
        }
        if inner.faults.refuses_removal {
            inner.power.strike();
            return Err(ErrorKind::PermissionDenied.into());
        }
        let whole = inner.step(|| format!("remove {name}"))?;
        inner.lead(name, None);
        inner.end(whole).map(|()| true)
    }

    fn sync(&mut self, name: Name) -> io::Result<()> {
        let mut inner = self.inner();
        inner.power.read().map_err(io::Error::other)?;
        inner.sync(name)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut inner = self.inner();
        inner.power.read().map_err(io::Error::other)?;
        inner.strike()?;
        if !inner.step(|| "sync names".into())? {
            return inner.end(false);
        }
        inner.sync_names();
        Ok(())
    }

    fn is_locked(&mut self, _name: Name) -> io::Result<bool> {
        self.inner().look().map(|()| false)
    }
}

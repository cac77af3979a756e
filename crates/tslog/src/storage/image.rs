//! A raw flash dump in a file, to be looked at and never written.

use std::{io, path::Path};

use super::{Geometry, Slots, Storage, dir::ReadOnlyFile};

/// A flash dump as a medium with fixed slots.
#[derive(Debug)]
pub struct Image {
    file: ReadOnlyFile,
    slot_size: u32,
    slot_count: u32,
}

impl Image {
    /// Opens a dump whose slots have `slot_size` bytes. A last slot that is cut short is left out.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::InvalidInput`] for a slot size of 0.
    pub fn open(path: &Path, slot_size: u32) -> io::Result<Self> {
        let (file, size) = ReadOnlyFile::open(path)?;
        let Some(slots) = size.checked_div(u64::from(slot_size)) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a sector has at least 1 byte",
            ));
        };
        Ok(Self { file, slot_size, slot_count: u32::try_from(slots).unwrap_or(u32::MAX) })
    }
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "a flash dump is only read")
}

impl Storage for Image {
    type Error = io::Error;

    fn geometry(&self) -> Geometry {
        Geometry {
            slot_count: self.slot_count,
            slot_size: self.slot_size,
            write_size: 1,
            slots: Slots::Fixed,
        }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> io::Result<()> {
        if slot >= self.slot_count {
            out.fill(0xFF);
            return Ok(());
        }
        let at = u64::from(slot).saturating_mul(u64::from(self.slot_size));
        let size = u64::from(self.slot_count).saturating_mul(u64::from(self.slot_size));
        let at = at.saturating_add(u64::from(offset));
        let len = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX).min(out.len());
        let (there, behind) = out.split_at_mut_checked(len).unwrap_or_default();
        behind.fill(0xFF);
        self.file.read(at, there)
    }

    fn write(&mut self, _: u32, _: u32, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn erase(&mut self, _: u32) -> io::Result<()> {
        Err(read_only())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

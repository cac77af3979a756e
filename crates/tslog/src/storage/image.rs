//! A raw flash dump in a file, to be looked at and never written.
//!
//! What the file is too short for reads as blank, so that of a dump that was cut off everything
//! that is there can be seen.

use std::{io, path::Path};

use super::{Geometry, Slots, Storage, dir::ReadOnlyFile};

/// A flash dump as a medium with fixed slots.
///
/// ```
/// use tslog::{View, storage::image::Image};
/// let dump = Image::open("tests/golden/flash-4.bin".as_ref(), 512)?;
/// let view = View::new(dump)?;
/// assert_eq!(view.schema().bucket_size, 1024);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Image {
    file: ReadOnlyFile,
    slot_size: u32,
    slot_count: u32,
}

impl Image {
    /// Opens a dump whose slots have `slot_size` bytes. A last slot that is cut short does not
    /// count, though its bytes can be read.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::InvalidInput`] for a slot size of 0, and for what
    /// is not a regular file.
    pub fn open(path: &Path, slot_size: u32) -> io::Result<Self> {
        let (file, size) = ReadOnlyFile::open(path)?;
        let slots = size.checked_div(u64::from(slot_size));
        let none = || io::Error::new(io::ErrorKind::InvalidInput, "a sector has at least 1 byte");
        let slot_count = u32::try_from(slots.ok_or_else(none)?).unwrap_or(u32::MAX);
        Ok(Self { file, slot_size, slot_count })
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
            // Nothing is written. In which words the flash was, its log header says.
            write_size: 1,
            slots: Slots::Fixed,
        }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> io::Result<()> {
        let at = u64::from(slot).saturating_mul(u64::from(self.slot_size));
        let read = self.file.read(at.saturating_add(u64::from(offset)), out)?;
        out.get_mut(read..).unwrap_or_default().fill(0xFF);
        Ok(())
    }

    fn write(&mut self, _: u32, _: u32, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn erase(&mut self, _: u32) -> io::Result<()> {
        Err(read_only())
    }

    fn reserve(&mut self, _: u32, _: u32) -> io::Result<()> {
        Err(read_only())
    }

    fn discard(&mut self, _: u32) -> io::Result<()> {
        Err(read_only())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Geometry, Image, Slots, Storage, io};

    #[test]
    fn a_dump_reads_slot_by_slot_and_is_blank_behind_its_end() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("flash.bin");
        let bytes: Vec<u8> = (0..=39).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut image = Image::open(&path, 16).unwrap();
        let slots = Slots::Fixed;
        let shape = Geometry { slot_count: 2, slot_size: 16, write_size: 1, slots };
        assert_eq!(image.geometry(), shape);
        let mut out = [0; 4];
        image.read(1, 2, &mut out).unwrap();
        assert_eq!(out, [18, 19, 20, 21]);
        image.read(2, 6, &mut out).unwrap();
        assert_eq!(out, [38, 39, 0xFF, 0xFF]);
        image.read(u32::MAX, u32::MAX, &mut out).unwrap();
        assert_eq!(out, [0xFF; 4]);
        assert_eq!(image.extent(0).unwrap(), 16);
    }

    #[test]
    fn a_dump_is_never_written_and_must_be_a_file() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("flash.bin");
        std::fs::write(&path, [7; 64]).unwrap();
        let mut image = Image::open(&path, 16).unwrap();
        for result in
            [image.write(0, 0, &[1]), image.erase(0), image.reserve(0, 1), image.discard(0)]
        {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
        }
        image.sync().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [7; 64]);
        let refused = |path, size| Image::open(path, size).unwrap_err().kind();
        assert_eq!(refused(&path, 0), io::ErrorKind::InvalidInput);
        assert_eq!(refused(temp.path(), 16), io::ErrorKind::IsADirectory);
        assert_eq!(refused(&temp.path().join("none"), 16), io::ErrorKind::NotFound);
    }
}

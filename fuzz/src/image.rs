//! A folder in one string of bytes, and in memory.
//!
//! ```text
//!  0      1        5        7         9
//! +------+--------+--------+---------+-----------------+
//! | kind | number | size   | zeros   | content         |  for each file
//! +------+--------+--------+---------+-----------------+
//! ```
//!
//! `kind` modulo 4 is a header, a bucket, a reader's file or another bucket; `zeros` follow the
//! content, so that a seed of a few bytes is a file of many. A file that is cut short is what there
//! is of it, so that every string of bytes is some folder.

use std::{collections::BTreeMap, io};

use tslog::storage::dir::{Dir, Name};

/// Bytes in front of each file.
const HEAD: usize = 9;
/// More than the files of a folder here ever have in all.
const BYTES_MAX: usize = 1 << 20;

/// Where a file lies in the bytes.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: Name,
    pub(crate) content: std::ops::Range<usize>,
    pub(crate) zeros: usize,
}

/// The files in `data`, in their order; of two with one name, the first counts.
pub(crate) fn places(data: &[u8]) -> Vec<Place> {
    let (mut at, mut places) = (0, Vec::<Place>::new());
    while let Some(head) = data.get(at..at + HEAD) {
        let number = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        let small = head[1] % 4;
        let name = match head[0] % 4 {
            0 => Name::Header(small % 2),
            1 => Name::Reader(small),
            _ => Name::Bucket(number.min(Name::MAX_BUCKET)),
        };
        let size = usize::from(u16::from_le_bytes([head[5], head[6]]));
        let zeros = usize::from(u16::from_le_bytes([head[7], head[8]]));
        let content = at + HEAD..(at + HEAD + size).min(data.len());
        at = content.end;
        if places.iter().all(|place| place.name != name) {
            places.push(Place { name, content, zeros });
        }
    }
    places
}

/// The files in `data`.
#[must_use]
pub fn unpack(data: &[u8]) -> Memory {
    let mut memory = Memory::default();
    for place in places(data) {
        let mut content = data[place.content].to_vec();
        content.resize(content.len() + place.zeros, 0);
        memory.files.insert(place.name, content);
    }
    memory
}

/// The bytes for these files.
#[must_use]
pub fn pack(memory: &Memory) -> Vec<u8> {
    let mut data = Vec::new();
    for (name, content) in &memory.files {
        let (kind, number) = match *name {
            Name::Header(copy) => (0, u32::from(copy)),
            Name::Reader(n) => (1, u32::from(n)),
            Name::Bucket(number) => (2, number),
            Name::Lock => continue,
        };
        let used = content.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let short = |size: usize| u16::try_from(size).unwrap_or(u16::MAX).to_le_bytes();
        data.push(kind);
        data.extend(number.to_le_bytes());
        data.extend(short(used));
        data.extend(short(content.len() - used));
        data.extend(&content[..used.min(usize::from(u16::MAX))]);
    }
    data
}

/// Files in memory, which never fail, up to a size that no honest log here needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The content of each.
    pub files: BTreeMap<Name, Vec<u8>>,
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Dir for Memory {
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()> {
        self.files.keys().for_each(|name| each(*name));
        Ok(())
    }

    fn size(&mut self, name: Name) -> io::Result<Option<u64>> {
        Ok(self.files.get(&name).map(|content| content.len() as u64))
    }

    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let content = self.files.get(&name).map_or(&[][..], Vec::as_slice);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = content.get(offset..).unwrap_or_default();
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write(&mut self, name: Name, offset: u64, data: &[u8]) -> io::Result<()> {
        let used: usize = self.files.values().map(Vec::len).sum();
        let content = self.files.get_mut(&name).ok_or_else(missing)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = offset.saturating_add(data.len());
        let grown = end.saturating_sub(content.len());
        if used.saturating_add(grown) > BYTES_MAX {
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.resize(content.len() + grown, 0);
        content[offset..end].copy_from_slice(data);
        Ok(())
    }

    fn create(&mut self, name: Name) -> io::Result<()> {
        assert!(self.files.insert(name, Vec::new()).is_none(), "{name} is made twice");
        Ok(())
    }

    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()> {
        let content = self.files.get_mut(&name).ok_or_else(missing)?;
        content.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(())
    }

    fn remove(&mut self, name: Name) -> io::Result<bool> {
        Ok(self.files.remove(&name).is_some())
    }

    fn sync(&mut self, name: Name) -> io::Result<()> {
        self.files.contains_key(&name).then_some(()).ok_or_else(missing)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn is_locked(&mut self, _: Name) -> io::Result<bool> {
        Ok(false)
    }
}

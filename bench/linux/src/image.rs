//! The files of a closed store, kept in memory so that it can be made anew and damaged.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Files are kept and looked at in pieces of this size.
const SECTOR: usize = 512;

#[derive(Debug)]
pub struct Image {
    folders: Vec<PathBuf>,
    files: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    path: PathBuf,
    size: u64,
    /// The sectors that have a byte other than zero, and where they begin.
    sectors: Vec<(u64, Vec<u8>)>,
}

/// Where a bit is: the file, the sector among those kept, and the bit in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bit {
    file: usize,
    sector: usize,
    /// Counted from the first of the sector.
    at: usize,
}

impl Image {
    /// Reads all files below `root`.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut image = Self { folders: Vec::new(), files: Vec::new() };
        let mut ahead = vec![PathBuf::new()];
        while let Some(folder) = ahead.pop() {
            for entry in fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    ahead.push(path);
                } else {
                    image.files.push(Kept::read(root, path)?);
                }
            }
            image.folders.push(folder);
        }
        image.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(image)
    }

    /// Makes all files below `root`, which does not exist, with one bit flipped if one is given.
    pub fn write(&self, root: &Path, flipped: Option<Bit>) -> io::Result<()> {
        for folder in &self.folders {
            fs::create_dir_all(root.join(folder))?;
        }
        for (at, kept) in self.files.iter().enumerate() {
            let file = File::create(root.join(&kept.path))?;
            file.set_len(kept.size)?;
            for (offset, sector) in &kept.sectors {
                file.write_all_at(sector, *offset)?;
            }
            if let Some(flipped) = flipped.filter(|bit| bit.file == at) {
                let (offset, sector) = &kept.sectors[flipped.sector];
                let byte = flipped.at / 8;
                let value = sector[byte] ^ (1 << (flipped.at % 8));
                file.write_all_at(&[value], offset + byte as u64)?;
            }
        }
        Ok(())
    }

    /// How many bits lie in sectors with a byte other than zero.
    pub fn bits(&self) -> u64 {
        self.files.iter().map(Kept::bits).sum()
    }

    /// The bit of that number, counted through all files.
    pub fn bit(&self, mut number: u64) -> Option<Bit> {
        for (file, kept) in self.files.iter().enumerate() {
            if number < kept.bits() {
                let mut number = usize::try_from(number).ok()?;
                for (sector, (_, bytes)) in kept.sectors.iter().enumerate() {
                    if number < bytes.len() * 8 {
                        return Some(Bit { file, sector, at: number });
                    }
                    number -= bytes.len() * 8;
                }
            }
            number -= kept.bits();
        }
        None
    }

    /// A bit of the first place where these bytes stand.
    pub fn find(&self, needle: &[u8]) -> Option<Bit> {
        self.files.iter().enumerate().find_map(|(file, kept)| {
            let (offset, at) = kept.find(needle)?;
            let sector = kept.sectors.iter().position(|(known, _)| *known == offset)?;
            Some(Bit { file, sector, at: at * 8 })
        })
    }

    /// The file a bit is in, and the byte.
    pub fn place(&self, bit: Bit) -> String {
        let kept = &self.files[bit.file];
        let offset = kept.sectors[bit.sector].0 + bit.at as u64 / 8;
        format!("{} byte {offset} bit {}", kept.path.display(), bit.at % 8)
    }
}

impl Kept {
    fn read(root: &Path, path: PathBuf) -> io::Result<Self> {
        let file = File::open(root.join(&path))?;
        let size = file.metadata()?.len();
        let mut sectors = Vec::new();
        let mut piece = vec![0; 1 << 20];
        let mut at = 0;
        while at < size {
            let count = file.read_at(&mut piece, at)?;
            if count == 0 {
                break;
            }
            // Pieces begin at multiples of their size, so that sectors do as well.
            for (sector, offset) in piece[..count].chunks(SECTOR).zip((at..).step_by(SECTOR)) {
                if sector.iter().any(|byte| *byte != 0) {
                    sectors.push((offset, sector.to_vec()));
                }
            }
            at += count as u64;
        }
        Ok(Self { path, size, sectors })
    }

    fn bits(&self) -> u64 {
        self.sectors.iter().map(|(_, bytes)| bytes.len() as u64 * 8).sum()
    }

    /// The sector in which the needle begins, and where in it.
    fn find(&self, needle: &[u8]) -> Option<(u64, usize)> {
        self.sectors.iter().enumerate().find_map(|(index, (offset, sector))| {
            let mut bytes = sector.clone();
            // It may reach into the next sector.
            if let Some((_, next)) =
                self.sectors.get(index + 1).filter(|(next, _)| *next == offset + SECTOR as u64)
            {
                bytes.extend_from_slice(&next[..next.len().min(needle.len() - 1)]);
            }
            let at = bytes.windows(needle.len()).position(|window| window == needle)?;
            Some((*offset, at))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("linux-bench-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_store_is_made_anew_with_one_bit_flipped() {
        let (from, to) = (scratch("from"), scratch("to"));
        fs::create_dir_all(from.join("folder")).unwrap();
        let mut bytes = vec![0; 3 * SECTOR + 7];
        bytes[SECTOR..2 * SECTOR].fill(0xA5);
        bytes[2 * SECTOR - 2..2 * SECTOR + 2].copy_from_slice(b"need");
        fs::write(from.join("folder/file"), &bytes).unwrap();
        let image = Image::read(&from).unwrap();
        assert_eq!(image.bits(), 2 * 8 * SECTOR as u64);

        image.write(&to, None).unwrap();
        assert_eq!(fs::read(to.join("folder/file")).unwrap(), bytes);

        let bit = image.find(b"need").unwrap();
        assert_eq!(Some(bit), image.bit((SECTOR as u64 - 2) * 8));
        assert_eq!(image.place(bit), format!("folder/file byte {} bit 0", 2 * SECTOR - 2));
        fs::remove_dir_all(&to).unwrap();
        image.write(&to, Some(bit)).unwrap();
        bytes[2 * SECTOR - 2] ^= 1;
        assert_eq!(fs::read(to.join("folder/file")).unwrap(), bytes);
        assert_eq!(image.bit(image.bits()), None);
        for path in [from, to] {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

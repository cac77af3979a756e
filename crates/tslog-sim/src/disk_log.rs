//! The log of all a real disk was told, as qemu's `blklogwrites` writes it.
//!
//! ```text
//! superblock   | magic u64 | version u64 | entries u64 | sector size u32 | zeros to a sector
//! entry        | sector u64 | sectors u64 | flags u64 | data bytes u64 | zeros to a sector | data
//! ```

use std::path::Path;

/// The bytes of a sector.
pub const SECTOR: usize = 512;
const MAGIC: u64 = 0x6a_7366_7773_6872;
const FLUSH: u64 = 1;
const AT_ONCE: u64 = 2;
const DISCARD: u64 = 4;

/// Something the disk was told, or a mark between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Bytes to sectors.
    Write {
        /// The first one.
        sector: usize,
        /// Whole sectors.
        data: Vec<u8>,
        /// Whether it is safe before any flush.
        at_once: bool,
    },
    /// All before is safe.
    Flush,
    /// Sectors beyond the file system, where the user of the disk leaves word.
    Mark(Vec<u8>),
}

/// Reads a log. Writes from sector `marks_from` on are marks.
///
/// # Errors
///
/// The file cannot be read, or is no such log; in words for a person.
pub fn read(path: &Path, marks_from: usize) -> Result<Vec<Entry>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&bytes, marks_from).ok_or_else(|| "the log of the disk is not understood".to_owned())
}

fn parse(bytes: &[u8], marks_from: usize) -> Option<Vec<Entry>> {
    let number = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    };
    if number(0)? != MAGIC || bytes.get(24..28)? != 512_u32.to_le_bytes() {
        return None;
    }
    let mut entries = Vec::new();
    let mut offset = SECTOR;
    for _ in 0..number(16)? {
        let [sector, sectors, flags] = [number(offset)?, number(offset + 8)?, number(offset + 16)?];
        let sector = usize::try_from(sector).ok()?;
        offset += SECTOR;
        if flags & FLUSH != 0 {
            entries.push(Entry::Flush);
        }
        if flags & DISCARD != 0 || sectors == 0 {
            continue;
        }
        let size = usize::try_from(sectors).ok()?.checked_mul(SECTOR)?;
        let data = bytes.get(offset..)?.get(..size)?;
        offset += size;
        if sector >= marks_from {
            entries.push(Entry::Mark(data.to_vec()));
        } else {
            let at_once = flags & AT_ONCE != 0;
            entries.push(Entry::Write { sector, data: data.to_vec(), at_once });
        }
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_writes_flushes_and_marks_is_read_in_order() {
        let mut log = vec![0; SECTOR];
        log[..8].copy_from_slice(&MAGIC.to_le_bytes());
        log[16] = 4;
        log[24..28].copy_from_slice(&512_u32.to_le_bytes());
        let mut entry = |sector: u64, flags: u64, data: &[u8]| {
            let sectors = (data.len() / SECTOR) as u64;
            let head = [sector, sectors, flags, data.len() as u64].map(u64::to_le_bytes).concat();
            log.extend(&head);
            log.extend(vec![0; SECTOR - head.len()]);
            log.extend(data);
        };
        entry(7, 0, &[9; 1024]);
        entry(0, FLUSH, &[]);
        entry(100, 0, &[5; 512]);
        entry(8, AT_ONCE, &[1; 512]);
        let entries = parse(&log, 100).unwrap();
        let write = Entry::Write { sector: 7, data: vec![9; 1024], at_once: false };
        let last = Entry::Write { sector: 8, data: vec![1; 512], at_once: true };
        assert_eq!(entries, [write, Entry::Flush, Entry::Mark(vec![5; 512]), last]);
        assert_eq!(parse(&log[..log.len() - 1], 100), None);
        log[0] = 0;
        assert_eq!(parse(&log, 100), None);
    }
}

//! Flash dumps: how large their slots are, and whether they are whole.
//!
//! A slot is one erase sector or several. Each of the two copies of the log header says how large a
//! slot is; nothing it says is believed before the library has checked the copy.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use tslog::layout_fields::{HEADER_FIELDS, LayoutField};

/// How most flash is erased, in bytes.
const SECTOR_SIZE: u32 = 4096;
/// So many sectors may make up a slot for its second header to be found without the first.
const SECTORS_MAX: u32 = 64;

/// What a dump says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dump {
    pub(super) slot_size: u32,
    /// Bytes that the partition has and the dump has not.
    pub(super) missing_size: u64,
}

/// The sizes of a header copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    slot_size: u32,
    slot_count: u32,
}

/// Finds a size that both copies of the header agree on, or else the best there is.
///
/// # Errors
/// Those of the file system.
pub(super) fn look(path: &Path, sector_size: Option<u32>) -> io::Result<Dump> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let sector_size = sector_size.unwrap_or(SECTOR_SIZE);
    let first = sizes(&file, 0);
    let second = |slot_size: u32| {
        sizes(&file, slot_size.into()).filter(|sizes| sizes.slot_size == slot_size)
    };
    let agreed = first.filter(|first| second(first.slot_size) == Some(*first));
    let sectors = || (1..=SECTORS_MAX).find_map(|count| second(sector_size.checked_mul(count)?));
    let Some(found) =
        agreed.or_else(sectors).or(first.filter(|first| u64::from(first.slot_size) <= size))
    else {
        return Ok(Dump { slot_size: sector_size, missing_size: 0 });
    };
    let whole = u64::from(found.slot_size) * u64::from(found.slot_count);
    Ok(Dump { slot_size: found.slot_size, missing_size: whole.saturating_sub(size) })
}

/// The sizes in the header copy at `at`, if there seems to be one.
fn sizes(file: &File, at: u64) -> Option<Sizes> {
    let field = |name| HEADER_FIELDS.iter().find(|field| field.name == name);
    let read = |field: &LayoutField, out: &mut [u8]| {
        file.read_exact_at(out, at.saturating_add(field.offset.into())).ok()
    };
    let mut magic = [0; 8];
    read(field("magic")?, &mut magic)?;
    let number = |name| {
        let mut bytes = [0; 4];
        read(field(name)?, &mut bytes)?;
        Some(u32::from_le_bytes(bytes))
    };
    let sizes = Sizes { slot_size: number("slot_size")?, slot_count: number("slot_count")? };
    (magic == *b"tslog\r\n\x1A" && sizes.slot_size > 0).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A dump of 4 slots of 8192 bytes with the copies of the header that are asked for.
    fn dump(copies: [bool; 2]) -> tempfile::NamedTempFile {
        let mut bytes = vec![0xFF; 4 * 8192];
        for (copy, at) in copies.into_iter().zip([0, 8192]) {
            if copy {
                bytes[at..at + 8].copy_from_slice(b"tslog\r\n\x1A");
                bytes[at + 32..at + 36].copy_from_slice(&8192_u32.to_le_bytes());
                bytes[at + 36..at + 40].copy_from_slice(&4_u32.to_le_bytes());
            }
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        file
    }

    #[test]
    fn either_copy_of_the_header_says_how_large_a_slot_is() {
        for copies in [[true, true], [true, false], [false, true]] {
            let dump = look(dump(copies).path(), None).unwrap();
            assert_eq!(dump, Dump { slot_size: 8192, missing_size: 0 }, "{copies:?}");
        }
        let none = dump([false, false]);
        assert_eq!(look(none.path(), Some(512)).unwrap().slot_size, 512);
    }

    #[test]
    fn a_dump_that_ends_early_says_how_much_is_missing() {
        let file = dump([true, true]);
        file.as_file().set_len(3 * 8192 + 1).unwrap();
        assert_eq!(look(file.path(), None).unwrap().missing_size, 8191);
    }

    #[test]
    fn a_size_of_nothing_is_not_believed() {
        let file = dump([true, true]);
        file.as_file().write_at(&[0; 4], 32).unwrap();
        assert_eq!(look(file.path(), Some(4096)).unwrap().slot_size, 8192);
    }
}

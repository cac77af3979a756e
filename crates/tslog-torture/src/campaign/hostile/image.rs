//! Folders whose bytes were changed by somebody who knows the layout: extreme numbers in every
//! field, with checksums that hold; and by chance.

use std::path::{Path, PathBuf};

use tslog::layout_fields::{BUCKET_FIELDS, FRAME_FIELDS, HEADER_FIELDS, LayoutField, PLACE_FIELDS};
use tslog_sim::power::Rng;

use super::{looking, make_log, open_in_little_memory};
use crate::Result;
use crate::machine::at;

/// The bytes of a log header before its text.
const HEADER_SIZE: usize = 56;
/// Where a bucket's CRC lies, and its first frame.
const BUCKET_CRC: usize = 28;
const FIRST_FRAME: usize = 32;

/// Makes a log, changes it, and opens what became of it, with little memory. Any end in words is
/// right: nothing is promised about such a log, but that it costs neither the process nor the
/// machine.
pub(super) fn try_one(seed: u64, case: u64, place: &Path) -> Result<()> {
    let mut rng = Rng::new(seed << 32 ^ case);
    let log = place.join("log");
    let work = make_log(&log, 7)?;
    for _ in 0..rng.within(1, 3) {
        mutate(&log, &mut rng)?;
    }
    open_in_little_memory(&looking(&work), &log).map(|_| ())
}

/// Forged headers ask for records that no memory holds, which is said.
pub(super) fn records_larger_than_memory_end_no_process(place: &Path) -> Result<()> {
    let log = place.join("log");
    let work = make_log(&log, 7)?;
    let record_size = HEADER_FIELDS.iter().find(|field| field.name == "record_size");
    let begin = record_size.map(|field| usize::try_from(field.offset).unwrap_or(0));
    let begin = begin.ok_or("a header has no record size")?;
    for forged in [1_u32 << 24, (1 << 25) - 1, 1 << 26, (1 << 27) - 1, 1 << 30] {
        for copy in ["header-0", "header-1"] {
            let path = log.join(copy);
            let mut bytes = std::fs::read(&path).map_err(at(&path))?;
            bytes[begin..begin + 4].copy_from_slice(&forged.to_le_bytes());
            seal_header(&mut bytes);
            std::fs::write(&path, bytes).map_err(at(&path))?;
        }
        open_in_little_memory(&looking(&work), &log)
            .map_err(|why| format!("{forged} bytes: {why}"))?;
    }
    Ok(())
}

fn mutate(log: &Path, rng: &mut Rng) -> Result<()> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(log).map_err(at(log))?.flatten().map(|file| file.path()).collect();
    files.sort();
    let index = usize::try_from(rng.below(files.len() as u64)).unwrap_or(0);
    let path = &files[index];
    let mut bytes = std::fs::read(path).map_err(at(path))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let header = std::fs::read(log.join("header-0")).unwrap_or_default();
    match (rng.below(10), name.split_once('-')) {
        (0, _) => bytes.truncate(usize::try_from(rng.below(bytes.len() as u64 + 1)).unwrap_or(0)),
        (1, _) => bytes.resize(bytes.len() + (1 << rng.within(0, 20)), rng.pick(&[0, 0xFF, 1])),
        (2, _) => {
            let other = &files[usize::try_from(rng.below(files.len() as u64)).unwrap_or(0)];
            bytes = std::fs::read(other).map_err(at(other))?;
        }
        (3, _) => noise(&mut bytes, rng),
        (_, Some(("header", _))) => {
            set_field(&mut bytes, 0, HEADER_FIELDS, rng);
            seal_header(&mut bytes);
        }
        (4..=6, Some(("bucket", _))) => set_field(&mut bytes, FIRST_FRAME, FRAME_FIELDS, rng),
        (_, Some(("bucket", index))) => {
            set_field(&mut bytes, 0, BUCKET_FIELDS, rng);
            let index = index.parse::<u32>().unwrap_or(0);
            seal_bucket(&mut bytes, base_seed(&header), index);
        }
        (_, Some(("reader", _))) => {
            for place in [0, 4096] {
                set_field(&mut bytes, place, PLACE_FIELDS, rng);
                seal_place(&mut bytes, place, base_seed(&header));
            }
        }
        _ => noise(&mut bytes, rng),
    }
    std::fs::write(path, bytes).map_err(at(path))
}

/// A few bytes in a random place.
fn noise(bytes: &mut [u8], rng: &mut Rng) {
    let begin = usize::try_from(rng.below(bytes.len() as u64)).unwrap_or(0);
    let end = bytes.len().min(begin + usize::try_from(rng.within(1, 16)).unwrap_or(1));
    rng.fill(bytes.get_mut(begin..end).unwrap_or_default());
}

/// Puts an extreme number into one of `fields`.
fn set_field(bytes: &mut [u8], offset: usize, fields: &[LayoutField], rng: &mut Rng) {
    let field = &fields[usize::try_from(rng.below(fields.len() as u64)).unwrap_or(0)];
    let bits = rng.bits();
    let near = 1_u64 << rng.below(64);
    let extremes = [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF, (1 << 56) - 1, 1 << 63, u64::MAX];
    let number = rng.pick(&[rng.clone().pick(&extremes), near, near.wrapping_sub(1), bits]);
    let [at, size] = [field.offset, field.size.min(8)].map(|n| usize::try_from(n).unwrap_or(0));
    let begin = offset + at;
    if let Some(place) = bytes.get_mut(begin..begin + size) {
        place.copy_from_slice(&number.to_le_bytes()[..size]);
    }
}

/// Makes the CRC of a log header hold, where its text ends within the file.
fn seal_header(bytes: &mut [u8]) {
    let Some(size) = bytes.get(HEADER_SIZE - 4..HEADER_SIZE).and_then(|size| size.first_chunk())
    else {
        return;
    };
    let size = usize::try_from(u32::from_le_bytes(*size)).unwrap_or(usize::MAX);
    seal(bytes, 0, HEADER_SIZE.saturating_add(size), 0);
}

fn seal_bucket(bytes: &mut [u8], base_seed: u32, index: u32) {
    seal(bytes, 0, BUCKET_CRC, crc32c::crc32c_append(base_seed, &index.to_le_bytes()));
}

fn seal_place(bytes: &mut [u8], begin: usize, base_seed: u32) {
    seal(bytes, begin, BUCKET_CRC, base_seed);
}

/// Writes the CRC of `size` bytes behind them.
fn seal(bytes: &mut [u8], begin: usize, size: usize, seed: u32) {
    let end = begin.saturating_add(size);
    let Some(sealed) = bytes.get(begin..end) else { return };
    let crc = crc32c::crc32c_append(seed, sealed);
    if let Some(place) = bytes.get_mut(end..end.saturating_add(4)) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
}

/// The seed of all checksums of the log with this header: its id, then its generation.
fn base_seed(header: &[u8]) -> u32 {
    let id = crc32c::crc32c(header.get(16..32).unwrap_or_default());
    crc32c::crc32c_append(id, header.get(12..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_again_is_what_was_there() {
        let log = std::env::temp_dir().join(format!("tslog-torture-seal-{}", std::process::id()));
        let made = crate::work::Work::alone(1).options().open_raw(&log).unwrap();
        made.store_record(b"one").unwrap();
        let mut reader = made.reader(0).unwrap();
        reader.next_record().unwrap().unwrap();
        reader.commit().unwrap();
        made.close().unwrap();
        let read = |name: &str| std::fs::read(log.join(name)).unwrap();
        let (header, bucket, reader) =
            (read("header-0"), read("bucket-0000000000"), read("reader-0"));
        std::fs::remove_dir_all(&log).unwrap();
        let (mut again, seed) = (header.clone(), base_seed(&header));
        seal_header(&mut again);
        assert_eq!(again, header);
        let mut again = bucket.clone();
        seal_bucket(&mut again, seed, 0);
        assert_eq!(again, bucket);
        let mut again = reader.clone();
        let written = if reader[..32] == [0; 32] { 4096 } else { 0 };
        seal_place(&mut again, written, seed);
        assert_eq!(again, reader);
    }
}

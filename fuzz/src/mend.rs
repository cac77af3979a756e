//! Makes checksums right again, so that the fuzzer gets behind them.
//!
//! It knows the layout by itself and not from the library, and changes nothing but checksums. Of
//! those it leaves one in eight as it is, so that rot is tried too.

use crc32c::{crc32c, crc32c_append};
use tslog::storage::dir::Name;

use crate::image::places;

/// Draws which checksums are mended.
struct Draw(u32);

impl Draw {
    fn mends(&mut self) -> bool {
        self.0 = self.0.wrapping_mul(0x9E37_79B1).wrapping_add(0x7F4A_7C15);
        self.0 >> 29 != 0
    }
}

/// What a log header says, as far as checksums depend on it.
#[derive(Clone, Copy)]
struct Shape {
    base_seed: u32,
    record_size: usize,
    write_size: usize,
    slot_size: usize,
    slot_count: usize,
    header_size: usize,
}

impl Shape {
    fn up(&self, size: usize) -> usize {
        size.next_multiple_of(self.write_size)
    }

    fn seed(&self, index: u32) -> u32 {
        crc32c_append(self.base_seed, &index.to_le_bytes())
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_le_bytes)
}

fn set(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

/// Nothing has a checksum here.
pub(crate) fn nothing(_: &mut [u8], _: u32) {}

/// As [`flash`] or [`folder`], as the first byte says.
pub(crate) fn either(data: &mut [u8], seed: u32) {
    match data {
        [first, rest @ ..] if *first % 2 == 0 => flash(rest, seed),
        [_, rest @ ..] => folder(rest, seed),
        [] => {}
    }
}

/// Mends an input of any target, by the name of the target.
pub fn mend(name: &str, data: &mut [u8], seed: u32) {
    if let Some(target) = crate::target(name) {
        (target.mend)(data, seed);
    }
}

/// Mends the header at the start of `bytes`.
fn header(bytes: &mut [u8], draw: &mut Draw) -> Option<Shape> {
    let text_size = word(bytes, 52) as usize;
    let crc_at = 56_usize.checked_add(text_size).filter(|at| at + 4 <= bytes.len())?;
    if draw.mends() {
        set(bytes, crc_at, crc32c(&bytes[..crc_at]));
    }
    let write_size = word(bytes, 10) as usize & 0xFFFF;
    Some(Shape {
        base_seed: crc32c_append(crc32c(&bytes[16..32]), &bytes[12..16]),
        record_size: word(bytes, 40) as usize,
        write_size: write_size.clamp(1, 32),
        slot_size: word(bytes, 32) as usize,
        slot_count: word(bytes, 36) as usize,
        header_size: crc_at + 4,
    })
}

/// Mends a bucket: its header, and its frames up to the first that has no sense.
fn bucket(bytes: &mut [u8], index: u32, shape: &Shape, draw: &mut Draw) {
    if bytes.len() < 32 {
        return;
    }
    let seed = shape.seed(index);
    if draw.mends() {
        set(bytes, 28, crc32c_append(seed, &bytes[..28]));
    }
    let mut first = [0; 8];
    first[..7].copy_from_slice(&bytes[4..11]);
    frames(bytes, shape.up(32), u64::from_le_bytes(first), seed, shape, draw);
}

/// Mends frames, one behind the other.
fn frames(bytes: &mut [u8], from: usize, first: u64, seed: u32, shape: &Shape, draw: &mut Draw) {
    let (mut at, mut number) = (from, first);
    while let Some(&[c0, c1, kind, ..]) = bytes.get(at..at + 8) {
        let count = usize::from(u16::from_le_bytes([c0, c1]));
        let payload = match kind {
            1 | 2 => count.saturating_mul(shape.record_size),
            3 => 8,
            4 => 0,
            5 => 40,
            _ => return,
        };
        let size = shape.up(payload.saturating_add(8).min(1 << 24));
        let Some(frame) = bytes.get_mut(at..at + size) else { return };
        if draw.mends() {
            frame[3] = crc8([c0, c1, kind]);
            let crc = crc32c_append(crc32c_append(seed, &frame[..4]), &frame[8..]);
            set(frame, 4, crc ^ mix(number));
        }
        if kind <= 2 {
            number = number.wrapping_add(count as u64);
        }
        at += size;
    }
}

/// Mends a flash image.
pub(crate) fn flash(data: &mut [u8], seed: u32) {
    let mut draw = Draw(seed);
    let Some(shape) = header(data, &mut draw) else { return };
    if !(64..=data.len()).contains(&shape.slot_size) {
        return;
    }
    for (slot, bytes) in data.chunks_mut(shape.slot_size).enumerate() {
        if slot == 1 {
            header(bytes, &mut draw);
        }
        if slot < 2 {
            frames(bytes, shape.up(shape.header_size), 0, shape.base_seed, &shape, &mut draw);
        } else if slot < shape.slot_count {
            let index = word(bytes, 0);
            bucket(bytes, index, &shape, &mut draw);
        }
    }
}

/// Mends a folder.
pub(crate) fn folder(data: &mut [u8], seed: u32) {
    let mut draw = Draw(seed);
    let places = places(data);
    let copies = places.iter().filter(|place| matches!(place.name, Name::Header(_)));
    let mut shape = None;
    for place in copies {
        let found = header(&mut data[place.content.clone()], &mut draw);
        shape = if place.name == Name::Header(0) { found.or(shape) } else { shape.or(found) };
    }
    let Some(shape) = shape.map(|shape| Shape { write_size: 1, ..shape }) else { return };
    for place in &places {
        let bytes = &mut data[place.content.clone()];
        match place.name {
            Name::Bucket(index) => bucket(bytes, index, &shape, &mut draw),
            Name::Reader(_) => {
                for at in [0, 4096] {
                    let place = bytes.get_mut(at..at + 32);
                    if let Some(place) = place {
                        cursor(place, shape.base_seed, &mut draw);
                    }
                }
            }
            Name::Header(_) | Name::Lock => {}
        }
    }
}

/// Mends one cursor place.
fn cursor(place: &mut [u8], base_seed: u32, draw: &mut Draw) {
    if draw.mends() {
        set(place, 28, crc32c_append(base_seed, &place[..28]));
    }
}

/// Mends two cursor places, back to back.
pub(crate) fn cursors(data: &mut [u8], seed: u32) {
    let (base_seed, mut draw) = (crate::cursor::base_seed(), Draw(seed));
    data.chunks_exact_mut(32).take(2).for_each(|place| cursor(place, base_seed, &mut draw));
}

fn crc8(bytes: [u8; 3]) -> u8 {
    bytes.iter().fold(0xFF, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| crc << 1 ^ if crc & 0x80 == 0 { 0 } else { 0x2F })
    })
}

fn mix(number: u64) -> u32 {
    let low = u32::try_from(number & 0xFFFF_FFFF).unwrap_or(0);
    let high = u32::try_from(number >> 32).unwrap_or(0);
    let x = low ^ high.wrapping_mul(0x9E37_79B1);
    let x = (x ^ x >> 16).wrapping_mul(0x85EB_CA6B);
    let x = (x ^ x >> 13).wrapping_mul(0xC2B2_AE35);
    x ^ x >> 16
}

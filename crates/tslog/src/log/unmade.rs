//! Media that hold no log yet, on fixed slots: which of them may be taken for one.
//!
//! What a log is made on may hold something else, and only `create` may overwrite that. But a power
//! cut while a log is made leaves things that are no log either, and opening must be able to begin
//! anew there. So the making of a log begins with a mark in slot 1, while slot 0 is as it was, and
//! nothing else is touched before the mark is there to stay:
//!
//! ```text
//! slot 1   +--------+--------+--   -+--------+---------------
//!          | mark   | mark   |      | mark   | blank
//!          +--------+--------+--   -+--------+---------------
//!          0        32       64              256, or half the slot
//! ```
//!
//! *Power goes while a mark is written:* slot 0 is blank and slot 1 is, but for its marks. *Power
//! goes behind it, while copy A is erased and written:* the mark tells. Once copy A is sound, slot
//! 1 is erased for copy B. A mark that was cut is left, and the next one goes behind it.

use super::{medium::Medium, probe::run_of, walk::READS};
use crate::storage::Storage;

/// A mark is this text.
pub(crate) const MARK: [u8; 32] = *b"tslog: a log is being made here\n";
const MARK_SIZE: u32 = 32;

/// The most bytes that marks take.
const MARKS_SIZE: u32 = 256;

/// Where marks end.
fn marks_end(slot_size: u32) -> u32 {
    let half = slot_size.checked_div(2).unwrap_or(0);
    half.min(MARKS_SIZE)
}

/// True if there is no log, and nothing else either: all is blank, or left from making a log.
pub(super) fn is_unmade<S: Storage>(medium: &mut Medium<'_, S>) -> bool {
    let slot_size = medium.geometry().slot_size;
    let end = marks_end(slot_size);
    places(end).any(|offset| read(medium, offset) == MARK)
        || is_blank(medium, 0, 0, slot_size) && is_blank(medium, 1, end, slot_size)
}

/// Leaves a mark in slot 1, unless one is there to stay.
pub(super) fn mark<S: Storage>(storage: &mut S) -> Result<(), S::Error> {
    let end = marks_end(storage.geometry().slot_size);
    for offset in places(end) {
        if is_stable(storage, offset, [0xFF; 32])? {
            storage.write(1, offset, &MARK)?;
            storage.sync()?;
        }
        if is_stable(storage, offset, MARK)? {
            return Ok(());
        }
    }
    // Something else is here, and the caller was told to make a log in its place.
    storage.erase(1)?;
    storage.sync()?;
    storage.write(1, 0, &MARK)?;
    storage.sync()
}

fn places(end: u32) -> impl Iterator<Item = u32> {
    (0..end).step_by(32).filter(move |offset| offset.saturating_add(MARK_SIZE) <= end)
}

fn read<S: Storage>(medium: &mut Medium<'_, S>, offset: u32) -> [u8; 32] {
    let mut bytes = [0; 32];
    medium.read(1, offset, &mut bytes);
    bytes
}

/// True if the bytes at `offset` read as these every time: bits of a write that was cut may not.
fn is_stable<S: Storage>(storage: &mut S, offset: u32, bytes: [u8; 32]) -> Result<bool, S::Error> {
    let mut medium = Medium::new(storage);
    let stable = (0..READS).all(|_| read(&mut medium, offset) == bytes);
    medium.end(stable)
}

fn is_blank<S: Storage>(medium: &mut Medium<'_, S>, slot: u32, from: u32, to: u32) -> bool {
    let mut bytes = [0; 64];
    let mut offset = from;
    while offset < to {
        let len = to.saturating_sub(offset).min(64);
        let piece = bytes.get_mut(..len as usize).unwrap_or_default();
        medium.read(slot, offset, piece);
        if run_of(0xFF, piece) < piece.len() {
            return false;
        }
        offset = offset.saturating_add(len);
    }
    true
}

//! A log in memory, for examples and tests: it behaves like NOR flash and catches misuse.

use crate::storage::{Geometry, Slots, Storage};

/// Slots in memory, over an array, a `Vec<u8>`, a `&mut [u8]` or whatever else holds bytes.
///
/// Blank bytes are 0xFF. Writing a byte that is not blank is an error, as it would be on flash.
///
/// ```
/// use tslog::storage::{Storage, ram::{Misuse, Ram}};
/// let mut ram = Ram::new([0xFF; 4 * 512], 512, 4);
/// ram.write(2, 0, b"abcd")?;
/// assert_eq!(ram.write(2, 0, b"abcd"), Err(Misuse::Rewritten));
/// ram.erase(2)?;
/// ram.write(2, 0, b"efgh")?;
/// assert_eq!(&ram.bytes()[1024..1028], b"efgh");
/// # Ok::<(), Misuse>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ram<M> {
    bytes: M,
    slot_size: u32,
    write_size: u32,
}

/// How the memory was misused, as in the example of [`Ram`]. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Misuse {
    /// The slot does not exist, or the range leaves it.
    OutOfBounds,
    /// A byte was to be written that is not blank.
    Rewritten,
    /// The offset or the length of a write is not a multiple of the write size.
    Unaligned,
}

impl<M: AsRef<[u8]> + AsMut<[u8]>> Ram<M> {
    /// Divides `bytes` into slots of `slot_size` bytes that are written in words of `write_size`
    /// bytes. What is in `bytes` stays, so that a log can be opened again; fill them with 0xFF for
    /// a new one. Bytes behind the last whole slot are not used.
    pub const fn new(bytes: M, slot_size: u32, write_size: u32) -> Self {
        Self { bytes, slot_size, write_size }
    }

    /// All bytes as they are now: what a flash dump would hold.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Gives the memory back.
    pub fn release(self) -> M {
        self.bytes
    }

    /// Where `len` bytes at `offset` of `slot` lie in the memory.
    fn range(&self, slot: u32, offset: u32, len: usize) -> Result<core::ops::Range<usize>, Misuse> {
        let inside = |len: usize| {
            let end = usize::try_from(offset).ok()?.checked_add(len)?;
            let slot_size = usize::try_from(self.slot_size).ok().filter(|size| end <= *size)?;
            let first = usize::try_from(slot).ok()?.checked_mul(slot_size)?;
            let slot_end = first.checked_add(slot_size)?;
            let (start, end) = (first.checked_add(end)?.checked_sub(len)?, first.checked_add(end)?);
            (slot_end <= self.bytes.as_ref().len()).then_some(start..end)
        };
        inside(len).ok_or(Misuse::OutOfBounds)
    }
}

impl<M: AsRef<[u8]> + AsMut<[u8]>> Storage for Ram<M> {
    type Error = Misuse;
    const SLOTS: Option<Slots> = Some(Slots::Fixed);

    fn geometry(&self) -> Geometry {
        let slot_size = usize::try_from(self.slot_size).unwrap_or(usize::MAX);
        let slots = self.bytes.as_ref().len().checked_div(slot_size).unwrap_or(0);
        Geometry {
            slot_count: u32::try_from(slots).unwrap_or(u32::MAX),
            slot_size: self.slot_size,
            write_size: self.write_size,
            slots: Slots::Fixed,
        }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), Misuse> {
        let range = self.range(slot, offset, out.len())?;
        let from = self.bytes.as_ref().get(range).ok_or(Misuse::OutOfBounds)?;
        out.copy_from_slice(from);
        Ok(())
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), Misuse> {
        let range = self.range(slot, offset, data.len())?;
        let word = usize::try_from(self.write_size).unwrap_or(usize::MAX);
        if !range.start.is_multiple_of(word) || !data.len().is_multiple_of(word) {
            return Err(Misuse::Unaligned);
        }
        let to = self.bytes.as_mut().get_mut(range).ok_or(Misuse::OutOfBounds)?;
        if to.iter().any(|byte| *byte != 0xFF) {
            return Err(Misuse::Rewritten);
        }
        to.copy_from_slice(data);
        Ok(())
    }

    fn erase(&mut self, slot: u32) -> Result<(), Misuse> {
        let slot_size = usize::try_from(self.slot_size).map_err(|_| Misuse::OutOfBounds)?;
        let range = self.range(slot, 0, slot_size)?;
        self.bytes.as_mut().get_mut(range).ok_or(Misuse::OutOfBounds)?.fill(0xFF);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Misuse> {
        Ok(())
    }
}

impl core::fmt::Display for Misuse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::OutOfBounds => "outside the slots of this memory",
            Self::Rewritten => "a byte was written twice without an erase",
            Self::Unaligned => "a write does not begin and end on a multiple of the write size",
        })
    }
}

impl core::error::Error for Misuse {}

#[cfg(test)]
mod tests {
    use super::{Misuse, Ram};
    use crate::storage::Storage;

    fn four_slots() -> Ram<[u8; 70]> {
        Ram::new([0xFF; 70], 16, 4)
    }

    #[test]
    fn bytes_come_back_from_their_own_slot_and_the_rest_is_blank() {
        let mut ram = four_slots();
        assert_eq!(ram.geometry().slot_count, 4);
        ram.write(3, 12, b"last").unwrap();
        let mut out = [0; 16];
        ram.read(3, 0, &mut out).unwrap();
        assert_eq!(&out, b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFlast");
        assert_eq!(&ram.release()[60..64], b"last");
    }

    #[test]
    fn a_byte_is_written_once_between_two_erases() {
        let mut ram = four_slots();
        ram.write(2, 4, b"once").unwrap();
        ram.write(1, 4, b"kept").unwrap();
        assert_eq!(ram.write(2, 0, b"xxxxyyyy"), Err(Misuse::Rewritten));
        ram.erase(2).unwrap();
        ram.write(2, 0, b"xxxxyyyy").unwrap();
        assert_eq!(&ram.bytes()[20..24], b"kept");
    }

    #[test]
    fn what_leaves_a_slot_or_splits_a_word_is_refused_and_changes_nothing() {
        let mut ram = four_slots();
        assert_eq!(ram.write(4, 0, b"four"), Err(Misuse::OutOfBounds));
        assert_eq!(ram.write(0, 12, b"too long"), Err(Misuse::OutOfBounds));
        assert_eq!(ram.read(u32::MAX, u32::MAX, &mut [0; 4]), Err(Misuse::OutOfBounds));
        assert_eq!(ram.erase(4), Err(Misuse::OutOfBounds));
        assert_eq!(ram.write(0, 2, b"word"), Err(Misuse::Unaligned));
        assert_eq!(ram.write(0, 0, b"wo"), Err(Misuse::Unaligned));
        assert_eq!(ram.release(), [0xFF; 70]);
    }

    #[test]
    fn impossible_sizes_give_no_slots_and_no_panic() {
        let mut ram = Ram::new([0xFF; 64], 0, 0);
        assert_eq!(ram.geometry().slot_count, 0);
        assert_eq!(ram.write(0, 0, b"x"), Err(Misuse::OutOfBounds));
        assert_eq!(Ram::new([0xFF; 64], u32::MAX, 1).geometry().slot_count, 0);
    }
}

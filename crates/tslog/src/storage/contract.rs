//! The contract of [`Storage`] as a check that runs where the storage does: on the board, with no
//! `std` and no heap, or on the host.
//!
//! It finds what ports get wrong: addresses, blank bytes, alignment, slots that reach into each
//! other. What a power cut leaves it cannot see.

use super::{Geometry, Slots, Storage};
use crate::error::Invalid;

/// A promise that was not kept.
///
/// ```
/// use tslog::storage::{contract::{self, Broken}, ram::Ram};
/// // 12 is no size of words that flash has.
/// let broken = contract::check(&mut Ram::new([0xFF; 4 * 480], 480, 12));
/// assert!(matches!(broken, Err(Broken::Geometry(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Broken<E> {
    /// No log can live on such a storage.
    Geometry(Invalid),
    /// A call failed.
    Failed(E),
    /// This is not so.
    Promise {
        /// What must be.
        what: &'static str,
        /// Where it is not.
        slot: u32,
        /// The byte in the slot.
        offset: u32,
    },
}

/// Bytes looked at in each slot, at most.
const LEN_MAX: u32 = 4096;

/// Bytes of the longest write, a multiple of every write size.
const PIECE: usize = 64;

const BLANK: &str = "bytes are blank after an erase";
const AT_ONCE: &str = "a write is seen at once, where it was made";
const APART: &str = "slots and words do not touch each other";

/// Checks `storage`. What is on it is lost: four slots are erased and written.
///
/// ```
/// use tslog::storage::{contract, ram::Ram};
/// assert_eq!(contract::check(&mut Ram::new([0xFF; 4 * 512], 512, 4)), Ok(()));
/// ```
///
/// # Errors
/// The first promise that is not kept.
pub fn check<S: Storage>(storage: &mut S) -> Result<(), Broken<S::Error>> {
    let geometry = storage.geometry();
    geometry.check().map_err(Broken::Geometry)?;
    let mut check = Check { storage, geometry, len: geometry.slot_size.min(LEN_MAX) };
    let slots = check.slots();
    for slot in slots {
        check.erase(slot)?;
    }
    for slot in slots {
        check.is(slot, 0, check.len, BLANK, |_| blank(geometry))?;
        check.fill(slot)?;
    }
    check.storage.sync().map_err(Broken::Failed)?;
    for slot in slots {
        check.is(slot, 0, check.len, APART, |offset| pattern(slot, offset))?;
    }
    // One slot is erased and gets one word; nothing else changes.
    let [_, erased, ..] = slots;
    check.erase(erased)?;
    check.is(erased, 0, check.len, BLANK, |_| blank(geometry))?;
    let at = check.one_word(erased)?;
    let word = at..at.saturating_add(geometry.write_size);
    check.is(erased, 0, check.len, APART, |offset| {
        if word.contains(&offset) { pattern(erased, offset) } else { blank(geometry) }
    })?;
    for slot in slots.into_iter().filter(|&slot| slot != erased) {
        check.is(slot, 0, check.len, APART, |offset| pattern(slot, offset))?;
    }
    for slot in slots {
        check.erase(slot)?;
    }
    check.storage.sync().map_err(Broken::Failed)
}

fn blank(geometry: Geometry) -> u8 {
    if geometry.slots == Slots::Fixed { 0xFF } else { 0 }
}

/// A byte that is never blank and differs from its neighbours, and from slot to slot.
fn pattern(slot: u32, offset: u32) -> u8 {
    let [mixed, ..] = offset.wrapping_mul(31).wrapping_add(slot.wrapping_mul(101)).to_le_bytes();
    (mixed & 0x7E) | 1
}

struct Check<'s, S> {
    storage: &'s mut S,
    geometry: Geometry,
    /// Bytes looked at in each slot.
    len: u32,
}

impl<S: Storage> Check<'_, S> {
    /// The slots of the log header, the first of the ring, and the last there is.
    fn slots(&self) -> [u32; 4] {
        let last = self.geometry.slot_count.saturating_sub(1);
        [0, 1, 2, if self.geometry.slots == Slots::Fixed { last } else { 3 }]
    }

    fn erase(&mut self, slot: u32) -> Result<(), Broken<S::Error>> {
        self.storage.erase(slot).map_err(Broken::Failed)?;
        self.storage.reserve(slot, self.len).map_err(Broken::Failed)
    }

    /// Fills a slot by writes of one word and of several, and looks at each.
    fn fill(&mut self, slot: u32) -> Result<(), Broken<S::Error>> {
        let (mut offset, mut words) = (0_u32, 1_u32);
        while offset < self.len {
            let len = words.saturating_mul(self.geometry.write_size).min(64);
            let len = len.min(self.len.saturating_sub(offset));
            self.write(slot, offset, len)?;
            self.is(slot, offset, len, AT_ONCE, |offset| pattern(slot, offset))?;
            offset = offset.saturating_add(len);
            words = words.checked_rem(7).unwrap_or(0).saturating_add(1);
        }
        Ok(())
    }

    /// Writes one word in the middle of a slot and says where.
    fn one_word(&mut self, slot: u32) -> Result<u32, Broken<S::Error>> {
        let word = self.geometry.write_size;
        let words = self.len.checked_div(word.saturating_mul(2)).unwrap_or(0);
        let at = words.saturating_mul(word);
        self.write(slot, at, word)?;
        Ok(at)
    }

    fn write(&mut self, slot: u32, offset: u32, len: u32) -> Result<(), Broken<S::Error>> {
        let mut bytes = [0; PIECE];
        for (at, byte) in (offset..).zip(&mut bytes) {
            *byte = pattern(slot, at);
        }
        let data = bytes.get(..len as usize).unwrap_or_default();
        self.storage.write(slot, offset, data).map_err(Broken::Failed)
    }

    /// Compares `len` bytes, read in pieces of odd sizes, with what they must be.
    fn is(
        &mut self,
        slot: u32,
        from: u32,
        len: u32,
        what: &'static str,
        expected: impl Fn(u32) -> u8,
    ) -> Result<(), Broken<S::Error>> {
        let end = from.saturating_add(len);
        let (mut offset, mut size) = (from, 1_u32);
        while offset < end {
            let mut bytes = [0; PIECE];
            let len = size.min(end.saturating_sub(offset));
            let piece = bytes.get_mut(..len as usize).unwrap_or_default();
            self.storage.read(slot, offset, piece).map_err(Broken::Failed)?;
            for (at, byte) in (offset..).zip(piece) {
                if *byte != expected(at) {
                    return Err(Broken::Promise { what, slot, offset: at });
                }
            }
            offset = offset.saturating_add(len);
            size = size.saturating_mul(3).checked_rem(61).unwrap_or(0).saturating_add(1);
        }
        Ok(())
    }
}

impl<E: core::fmt::Display> core::fmt::Display for Broken<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Geometry(invalid) => invalid.fmt(f),
            Self::Failed(error) => write!(f, "the storage failed: {error}"),
            Self::Promise { what, slot, offset } => {
                write!(f, "not so in slot {slot} at byte {offset}: {what}")
            }
        }
    }
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for Broken<E> {}

#[cfg(test)]
mod tests {
    use super::{APART, AT_ONCE, BLANK, Broken, check};
    use crate::error::Invalid;
    use crate::storage::{Geometry, Storage, ram::Misuse, ram::Ram};

    /// A mistake that a port may have.
    #[derive(Clone, Copy, PartialEq)]
    enum Mistake {
        None,
        EraseLeavesTheLastByte,
        EraseReachesTheNextSlot,
        ReadIsOffByOne,
        WriteGoesToAnotherSlot,
        WriteIsLate,
        WriteFillsTwoWords,
    }

    struct Port(Ram<Vec<u8>>, Mistake);

    impl Storage for Port {
        type Error = Misuse;
        fn geometry(&self) -> Geometry {
            self.0.geometry()
        }
        fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), Misuse> {
            let fits = offset as usize + out.len() < 512;
            let skew = self.1 == Mistake::ReadIsOffByOne && fits;
            self.0.read(slot, offset + u32::from(skew), out)
        }
        fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), Misuse> {
            if self.1 == Mistake::WriteIsLate {
                return Ok(());
            }
            if self.1 == Mistake::WriteFillsTwoWords && data.len() == 4 && offset == 256 {
                self.0.write(slot, offset + 4, data)?;
            }
            let elsewhere = self.1 == Mistake::WriteGoesToAnotherSlot && slot == 2;
            self.0.write(if elsewhere { 3 } else { slot }, offset, data)
        }
        fn erase(&mut self, slot: u32) -> Result<(), Misuse> {
            self.0.erase(slot)?;
            if self.1 == Mistake::EraseLeavesTheLastByte {
                self.0.write(slot, 508, &[0xFF, 0xFF, 0xFF, 0])?;
            }
            if self.1 == Mistake::EraseReachesTheNextSlot && slot == 1 {
                self.0.erase(2)?;
            }
            Ok(())
        }
        fn sync(&mut self) -> Result<(), Misuse> {
            Ok(())
        }
    }

    fn broken(mistake: Mistake) -> Option<&'static str> {
        match check(&mut Port(Ram::new(vec![0xFF; 4 * 512], 512, 4), mistake)) {
            Ok(()) => None,
            Err(Broken::Promise { what, .. }) => Some(what),
            Err(Broken::Failed(_) | Broken::Geometry(_)) => Some("failed"),
        }
    }

    #[test]
    fn each_mistake_is_found() {
        assert_eq!(broken(Mistake::None), None);
        assert_eq!(broken(Mistake::EraseLeavesTheLastByte), Some(BLANK));
        assert_eq!(broken(Mistake::EraseReachesTheNextSlot), Some(APART));
        assert_eq!(broken(Mistake::ReadIsOffByOne), Some(AT_ONCE));
        assert_eq!(broken(Mistake::WriteGoesToAnotherSlot), Some(AT_ONCE));
        assert_eq!(broken(Mistake::WriteIsLate), Some(AT_ONCE));
        assert_eq!(broken(Mistake::WriteFillsTwoWords), Some(APART));
    }

    #[test]
    fn a_storage_for_no_log_is_told_at_once() {
        let few = check(&mut Ram::new([0xFF; 512], 512, 4));
        assert_eq!(few, Err(Broken::Geometry(Invalid::SlotCount(1))));
    }
}

//! The seam between the log and its media: an array of equal slots.
//!
//! ```text
//!   slot 0       slot 1       slot 2        slot 3             slot n-1
//! +------------+------------+-------------+-------------+-   -+-------------+
//! | log header | log header | bucket 0    | bucket 1    | ... |             |
//! | copy A     | copy B     | or n-2, ... | or n-1, ... |     |             |
//! +------------+------------+-------------+-------------+-   -+-------------+
//! ```
//!
//! A medium is as weak as NOR flash and as forgetful as a page cache: a slot is erased whole, then
//! written forward, each byte once; nothing is safe before [`Storage::sync`]. A storage adapts its
//! medium to that and decides nothing: all crash logic is in `log`.
//!
//! Most use a folder through [`Options`](crate::Options); as one medium among others, it is used
//! like this:
//!
//! ```
//! use tslog::{Config, Log, storage::folder::Folder};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("log");
//! let config = Config { record_size: Some(8), commit_delta: 1, ..Config::default() };
//! let medium = Folder::open_writer(&path, true)?;
//! let mut log = Log::<_, _, 4>::open_or_create(medium, vec![0; 4096], &config)?;
//! assert_eq!(log.store_record(b"one")?, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "flash-async")]
pub mod blocking;
#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "std")]
pub mod dir;
#[cfg(feature = "flash")]
pub mod flash;
#[cfg(feature = "std")]
pub mod folder;
#[cfg(feature = "std")]
pub mod image;
pub mod ram;

use crate::error::Invalid;

/// Where the ring of buckets begins: slots 0 and 1 hold the two copies of the log header.
pub const FIRST_BUCKET_SLOT: u32 = 2;

/// Bytes of one cursor place, see [`Storage::write_cursor`].
pub const CURSOR_PLACE_SIZE: usize = 32;

/// How the slots of a medium come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Slots {
    /// A fixed number of slots that are used over and over, as on flash. Erased bytes read 0xFF,
    /// the log reclaims one consumed slot at a time, and cursors are written into the ring itself.
    Fixed,
    /// Slots that exist by name, as files do. Bytes that were set aside and not written read 0x00,
    /// consumed slots are discarded, and each reader has its own two cursor places.
    Named,
}

/// The shape of a medium.
///
/// ```
/// use tslog::{Invalid, storage::{Geometry, Slots}};
/// let chip = Geometry { slot_count: 64, slot_size: 4096, write_size: 4, slots: Slots::Fixed };
/// assert_eq!(chip.check(), Ok(()));
/// assert_eq!(Geometry { write_size: 3, ..chip }.check(), Err(Invalid::WriteSize(3)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Geometry {
    /// How many slots there are, the two of the log header included; `u32::MAX` where only names
    /// limit it.
    pub slot_count: u32,
    /// Bytes in a slot; where slots are files, the most a file may grow to.
    pub slot_size: u32,
    /// The smallest unit of writing in bytes: 1, 2, 4, 8, 16 or 32. Every write begins and ends on
    /// a multiple of it.
    pub write_size: u32,
    /// How slots come and go.
    pub slots: Slots,
}

/// Two slots for the log header, and two for buckets.
const MIN_SLOTS: u32 = 4;

/// The smallest slot that is of any use.
const MIN_SLOT_SIZE: u32 = 128;

impl Geometry {
    /// Refuses a geometry no log can live on.
    ///
    /// # Errors
    /// [`Invalid::WriteSize`], [`Invalid::SlotCount`], [`Invalid::SlotSize`].
    pub fn check(&self) -> Result<(), Invalid> {
        let Self { slot_count, slot_size, write_size, .. } = *self;
        if !write_size.is_power_of_two() || write_size > 32 {
            return Err(Invalid::WriteSize(write_size));
        }
        if slot_count < MIN_SLOTS {
            return Err(Invalid::SlotCount(slot_count));
        }
        let least = slot_size.max(MIN_SLOT_SIZE).checked_next_multiple_of(write_size);
        let least = least.unwrap_or(u32::MAX);
        if slot_size != least {
            return Err(Invalid::SlotSize(u64::from(least), u64::from(slot_size)));
        }
        Ok(())
    }
}

/// The lowest and the highest ring slot that exist, both included.
///
/// ```
/// use tslog::storage::{FIRST_BUCKET_SLOT, Present};
/// let one_bucket = Present { lowest: FIRST_BUCKET_SLOT, highest: FIRST_BUCKET_SLOT };
/// assert_eq!(one_bucket.highest, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// The lowest slot, at least [`FIRST_BUCKET_SLOT`].
    pub lowest: u32,
    /// The highest slot.
    pub highest: u32,
}

/// A medium a log can live on.
///
/// What a power cut may leave is part of each method's contract. After an error from `write`,
/// `erase`, `reserve` or `sync` the log trusts nothing and stops until it is opened again; the one
/// exception is [`Storage::is_full`].
pub trait Storage {
    /// What the medium reports when it fails.
    type Error: core::fmt::Debug;

    /// How the slots come and go, where that is known when the program is built: what the log does
    /// for the other kind then takes no code. `None` asks the geometry.
    const SLOTS: Option<Slots> = None;

    /// The shape of the medium. It never changes while the storage lives.
    fn geometry(&self) -> Geometry;

    /// Reads `out.len()` bytes of `slot` from `offset`. A slot that does not exist, and bytes of it
    /// that were never written, read as blank: 0xFF on [`Slots::Fixed`], 0x00 on [`Slots::Named`].
    /// Reads see earlier writes at once, synced or not.
    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes `data` to blank bytes of `slot`. Offset and length are multiples of `write_size`, and
    /// no byte is written twice between two erases. A power cut may leave any of these bytes as
    /// anything, and any of the writes since the last sync undone.
    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), Self::Error>;

    /// Makes `slot` blank; creates it where slots are named. A power cut may leave the slot as
    /// anything, the old bytes included, until the next sync.
    fn erase(&mut self, slot: u32) -> Result<(), Self::Error>;

    /// Sets `size` bytes of `slot` aside, counted from its beginning, so that writing them needs no
    /// new space. Called again with a larger `size`, it grows the slot.
    fn reserve(&mut self, slot: u32, size: u32) -> Result<(), Self::Error> {
        let _ = (slot, size);
        Ok(())
    }

    /// Gives back what is set aside in `slot` behind `size` bytes, where a medium can; whatever was
    /// written there may go with it. It may come back after a power cut until the next sync.
    fn trim(&mut self, slot: u32, size: u32) -> Result<(), Self::Error> {
        let _ = (slot, size);
        Ok(())
    }

    /// Gives the space of `slot` back, where a medium can. It may come back after a power cut until
    /// the next sync. A slot that is not there is no error.
    fn discard(&mut self, slot: u32) -> Result<(), Self::Error> {
        let _ = slot;
        Ok(())
    }

    /// On return, every earlier write, erase, reserve and discard survives a power cut.
    fn sync(&mut self) -> Result<(), Self::Error>;

    /// How many bytes of `slot` may be other than blank, from its beginning: the slot size on fixed
    /// slots, the length on files, 0 for a slot that does not exist.
    fn extent(&mut self, slot: u32) -> Result<u32, Self::Error> {
        let _ = slot;
        Ok(self.geometry().slot_size)
    }

    /// On [`Slots::Named`]: the lowest and highest ring slot below `below` that exist, or `None` if
    /// none does. Never called on [`Slots::Fixed`].
    fn present(&mut self, below: u32) -> Result<Option<Present>, Self::Error> {
        let _ = below;
        Ok(None)
    }

    /// Looks again at what names lead to: another process may have removed a slot and made it anew.
    fn refresh(&mut self) {}

    /// Makes durable whatever any process has written to `slot` so far, and its name, so that what
    /// is read from it next can be relied on.
    fn settle(&mut self, slot: u32) -> Result<(), Self::Error> {
        let _ = slot;
        Ok(())
    }

    /// True if `error` means that the medium has no space left. The failed call has then changed
    /// nothing that matters, and can be made again later.
    fn is_full(error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// On [`Slots::Named`]: reads cursor place `place` (0 or 1) of `reader`; a place that does not
    /// exist reads as zeros.
    fn read_cursor(
        &mut self,
        reader: u8,
        place: u8,
        out: &mut [u8; CURSOR_PLACE_SIZE],
    ) -> Result<(), Self::Error> {
        let _ = (reader, place);
        out.fill(0);
        Ok(())
    }

    /// On [`Slots::Named`]: writes a cursor place in place, durable on return. A power cut may
    /// leave
    /// this place as anything and must not touch the other one.
    fn write_cursor(
        &mut self,
        reader: u8,
        place: u8,
        data: &[u8; CURSOR_PLACE_SIZE],
    ) -> Result<(), Self::Error> {
        let _ = (reader, place, data);
        Ok(())
    }

    /// On [`Slots::Named`]: makes durable what another process may have written to the places of
    /// `reader`, so that what is read next can be relied on.
    fn settle_cursor(&mut self, reader: u8) -> Result<(), Self::Error> {
        let _ = reader;
        Ok(())
    }

    /// On [`Slots::Named`]: makes the cursor places of readers 0 to `count - 1` exist and those of
    /// the others go, durable on return. Existing places keep their bytes.
    fn set_readers(&mut self, count: u8) -> Result<(), Self::Error> {
        let _ = count;
        Ok(())
    }

    /// On [`Slots::Named`]: how many readers have cursor places.
    fn readers(&mut self) -> Result<u8, Self::Error> {
        Ok(0)
    }
}

impl<S: Storage + ?Sized> Storage for &mut S {
    type Error = S::Error;
    const SLOTS: Option<Slots> = S::SLOTS;
    fn geometry(&self) -> Geometry {
        (**self).geometry()
    }
    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), S::Error> {
        (**self).read(slot, offset, out)
    }
    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), S::Error> {
        (**self).write(slot, offset, data)
    }
    fn erase(&mut self, slot: u32) -> Result<(), S::Error> {
        (**self).erase(slot)
    }
    fn reserve(&mut self, slot: u32, size: u32) -> Result<(), S::Error> {
        (**self).reserve(slot, size)
    }
    fn trim(&mut self, slot: u32, size: u32) -> Result<(), S::Error> {
        (**self).trim(slot, size)
    }
    fn discard(&mut self, slot: u32) -> Result<(), S::Error> {
        (**self).discard(slot)
    }
    fn sync(&mut self) -> Result<(), S::Error> {
        (**self).sync()
    }
    fn extent(&mut self, slot: u32) -> Result<u32, S::Error> {
        (**self).extent(slot)
    }
    fn present(&mut self, below: u32) -> Result<Option<Present>, S::Error> {
        (**self).present(below)
    }
    fn refresh(&mut self) {
        (**self).refresh();
    }
    fn settle(&mut self, slot: u32) -> Result<(), S::Error> {
        (**self).settle(slot)
    }
    fn is_full(error: &S::Error) -> bool {
        S::is_full(error)
    }
    fn read_cursor(
        &mut self,
        reader: u8,
        place: u8,
        out: &mut [u8; CURSOR_PLACE_SIZE],
    ) -> Result<(), S::Error> {
        (**self).read_cursor(reader, place, out)
    }
    fn write_cursor(
        &mut self,
        reader: u8,
        place: u8,
        data: &[u8; CURSOR_PLACE_SIZE],
    ) -> Result<(), S::Error> {
        (**self).write_cursor(reader, place, data)
    }
    fn settle_cursor(&mut self, reader: u8) -> Result<(), S::Error> {
        (**self).settle_cursor(reader)
    }
    fn set_readers(&mut self, count: u8) -> Result<(), S::Error> {
        (**self).set_readers(count)
    }
    fn readers(&mut self) -> Result<u8, S::Error> {
        (**self).readers()
    }
}

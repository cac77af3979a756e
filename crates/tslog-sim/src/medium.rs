//! The media that the harness runs on, behind one trait.

use crate::nor::Nor;
use crate::power::{Power, Rng};
use crate::simdir::SimDir;
use crate::slots::SimSlots;
use embedded_storage::nor_flash::ReadNorFlash;
use std::fmt::Debug;
use tslog::storage::dir::Name;
use tslog::storage::flash::Flash;
use tslog::storage::folder::Folder;
use tslog::storage::{CURSOR_PLACE_SIZE, FIRST_BUCKET_SLOT, Geometry, Slots, Storage};

/// A simulated medium: it makes storages and loses its power.
pub trait Medium: Sized {
    /// What a log is given.
    type Storage: Storage<Error: Debug>;

    /// Whether its slots exist by name.
    const NAMED: bool;

    /// A storage on this medium, as after a start of the program.
    fn storage(&self) -> Self::Storage;

    /// The power went and came back: decides what is left of all that was not safe.
    fn cycle(&self);

    /// Somebody else takes all space that is left, or gives it back.
    fn squeeze(&self, tight: bool) {
        let _ = tight;
    }
}

/// A medium that a seed draws, and that can be damaged.
pub trait Drawn: Medium {
    /// Steps of the mark that the making of a log begins with. The random numbers of a case leave
    /// them out, so that cases found before there was a mark are what they were.
    const MARK_STEPS: u64;

    /// A blank medium of a random shape. `need` is about how many bytes a bucket takes.
    fn draw(rng: &mut Rng, need: u64, power: &Power) -> Self;

    /// Changes one byte that holds something by `f`; returns where it is, for people.
    fn corrupt(&self, rng: &mut Rng, f: &dyn Fn(u8) -> u8) -> String;
}

/// Bytes of the smallest sector.
const SECTOR: usize = 256;

/// A NOR flash with words of `WRITE` bytes.
#[derive(Debug)]
pub struct NorMedium<const WRITE: usize> {
    nor: Nor<WRITE, SECTOR>,
    slot_size: u32,
}

impl<const WRITE: usize> Medium for NorMedium<WRITE> {
    type Storage = Flash<Nor<WRITE, SECTOR>>;
    const NAMED: bool = false;

    fn storage(&self) -> Self::Storage {
        let size = self.nor.capacity() as u32;
        Flash::new(self.nor.clone(), 0..size, self.slot_size).expect("the shape is a good one")
    }

    fn cycle(&self) {}
}

impl<const WRITE: usize> Drawn for NorMedium<WRITE> {
    const MARK_STEPS: u64 = 32 / WRITE as u64;

    fn draw(rng: &mut Rng, _need: u64, power: &Power) -> Self {
        let sectors = rng.pick(&[1, 1, 2, 2, 4, 8]);
        let slots = rng.within(4, 10) as usize;
        let nor = Nor::new(sectors * slots, power, Rng::new(rng.bits()));
        Self { nor, slot_size: (sectors * SECTOR) as u32 }
    }

    fn corrupt(&self, rng: &mut Rng, f: &dyn Fn(u8) -> u8) -> String {
        let word = rng.pick(&self.nor.programmed());
        let at = word + rng.below(WRITE as u64) as usize;
        self.nor.corrupt(at, f);
        format!("byte {} of slot {}", at % self.slot_size as usize, at / self.slot_size as usize)
    }
}

/// Slots at the contract, fixed or named.
#[derive(Debug)]
pub struct SlotMedium<const NAMED: bool> {
    slots: SimSlots,
    budget: u64,
}

impl<const NAMED: bool> Medium for SlotMedium<NAMED> {
    type Storage = SimSlots;
    const NAMED: bool = NAMED;

    fn storage(&self) -> Self::Storage {
        self.slots.clone()
    }

    fn cycle(&self) {
        self.slots.cycle();
    }

    fn squeeze(&self, tight: bool) {
        self.slots.set_budget(if tight { self.slots.used() } else { self.budget });
    }
}

impl<const NAMED: bool> Drawn for SlotMedium<NAMED> {
    const MARK_STEPS: u64 = if NAMED { 0 } else { 2 };

    fn draw(rng: &mut Rng, need: u64, power: &Power) -> Self {
        let write_size = rng.pick(&[1, 2, 4, 8, 16, 32]);
        let fixed = Geometry {
            slot_count: rng.within(4, 10) as u32,
            slot_size: rng.pick(&[256, 512, 1024, 2048, 4096]),
            write_size,
            slots: Slots::Fixed,
        };
        let named = Geometry {
            slot_count: u32::MAX,
            slot_size: rng.pick(&[4096, 1 << 20, u32::MAX]),
            write_size: 1,
            slots: Slots::Named,
        };
        let geometry = if NAMED { named } else { fixed };
        let budget = if rng.chance(40) { rng.within(3, 6) * need + 4096 } else { 1 << 20 };
        Self { slots: SimSlots::new(geometry, budget, power, Rng::new(rng.bits())), budget }
    }

    fn corrupt(&self, rng: &mut Rng, f: &dyn Fn(u8) -> u8) -> String {
        if NAMED && rng.chance(10) {
            let (reader, place) = (rng.below(4) as u8, rng.below(2) as u8);
            let at = rng.below(CURSOR_PLACE_SIZE as u64) as usize;
            self.slots.corrupt_place(reader, place, at, f);
            return format!("byte {at} of place {place} of reader {reader}");
        }
        let written = self.slots.written();
        let headers = written.iter().filter(|(slot, _)| *slot < FIRST_BUCKET_SLOT).count() as u64;
        let at = if rng.chance(10) { rng.below(headers) } else { rng.below(written.len() as u64) };
        let (slot, offset) = written[at as usize];
        self.slots.corrupt(slot, offset, f);
        format!("byte {offset} of slot {slot}")
    }
}

/// A folder of files, with the storage for real folders on it.
#[derive(Debug)]
pub struct FolderMedium {
    dir: SimDir,
    budget: u64,
}

impl Medium for FolderMedium {
    type Storage = Folder<SimDir>;
    const NAMED: bool = true;

    fn storage(&self) -> Self::Storage {
        Folder::new(self.dir.clone())
    }

    fn cycle(&self) {
        self.dir.cycle();
    }

    fn squeeze(&self, tight: bool) {
        self.dir.set_budget(if tight { self.dir.used() } else { self.budget });
    }
}

impl Drawn for FolderMedium {
    const MARK_STEPS: u64 = 0;

    fn draw(rng: &mut Rng, need: u64, power: &Power) -> Self {
        let budget = if rng.chance(40) { rng.within(3, 6) * need + 4096 } else { 1 << 20 };
        Self { dir: SimDir::new(budget, power, Rng::new(rng.bits())), budget }
    }

    fn corrupt(&self, rng: &mut Rng, f: &dyn Fn(u8) -> u8) -> String {
        let written = self.dir.written();
        let kind = match rng.below(10) {
            0 => |name: &Name| matches!(name, Name::Reader(_)),
            1 => |name: &Name| matches!(name, Name::Header(_)),
            _ => |name: &Name| matches!(name, Name::Bucket(_)),
        };
        let wanted: Vec<_> = written.iter().copied().filter(|(name, _)| kind(name)).collect();
        let (name, end) = rng.pick(if wanted.is_empty() { &written } else { &wanted });
        let at = rng.below(end as u64) as usize;
        self.dir.corrupt(name, at, f);
        format!("byte {at} of {name}")
    }
}

//! Slots that may do everything the contract of [`Storage`] allows.
//!
//! What was written is seen at once and is safe only after a sync. When the power goes, each write,
//! erase, reserve and discard since then is kept, lost or torn by itself, in any order and at any
//! byte; so are a slot that is new and a slot that went. The callers are held to the contract too:
//! a byte written twice, an unaligned write or one out of bounds is a panic.
//!
//! [`Storage`]: tslog::storage::Storage

mod storage;

use crate::power::{Power, Rng, SimError, Step};
use crate::trail::note;
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tslog::storage::{CURSOR_PLACE_SIZE, Geometry, Slots};

/// Bytes that a disk writes whole or not at all.
const SECTOR_SIZE: usize = 512;

type Place = [u8; CURSOR_PLACE_SIZE];

/// A simulated storage. It is a handle: clones are the same medium.
#[derive(Clone, Debug)]
pub struct SimSlots(Rc<RefCell<Medium>>);

#[derive(Debug)]
struct Medium {
    geometry: Geometry,
    power: Power,
    rng: Rng,
    /// What the log sees.
    live: BTreeMap<u32, Slot>,
    /// What the last sync made safe.
    safe: BTreeMap<u32, Slot>,
    /// What was done since, in order.
    pending: Vec<(u32, Change)>,
    /// Two places for each reader; these are safe on return.
    places: Vec<[Place; 2]>,
    /// Bytes that all slots together may have.
    budget: u64,
}

/// A slot that exists.
#[derive(Clone, Debug, Default)]
struct Slot {
    bytes: Vec<u8>,
    /// One flag a byte: written since the last erase, as far as a cut has let it be.
    written: Vec<bool>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Erase,
    Reserve(usize),
    Trim(usize),
    Discard,
}

impl Slot {
    fn blank(size: usize, blank: u8) -> Self {
        Self { bytes: vec![blank; size], written: vec![false; size] }
    }

    fn grow(&mut self, size: usize, blank: u8) {
        if size > self.bytes.len() {
            self.bytes.resize(size, blank);
            self.written.resize(size, false);
        }
    }
}

impl SimSlots {
    /// A blank medium with room for `budget` bytes; fixed slots all exist and ignore the budget.
    pub fn new(geometry: Geometry, budget: u64, power: &Power, rng: Rng) -> Self {
        let mut live = BTreeMap::new();
        if geometry.slots == Slots::Fixed {
            for slot in 0..geometry.slot_count {
                live.insert(slot, Slot::blank(geometry.slot_size as usize, 0xFF));
            }
        }
        Self(Rc::new(RefCell::new(Medium {
            geometry,
            power: power.clone(),
            rng,
            safe: live.clone(),
            live,
            pending: Vec::new(),
            places: Vec::new(),
            budget,
        })))
    }

    /// What a power cut leaves: decides about each change since the last sync.
    pub fn cycle(&self) {
        self.medium().give_up();
    }

    /// Changes how many bytes all slots together may have.
    pub fn set_budget(&self, budget: u64) {
        self.medium().budget = budget;
    }

    /// Bytes that all slots together have now.
    pub fn used(&self) -> u64 {
        self.medium().used()
    }

    /// Which bytes were written, as (slot, offset).
    pub fn written(&self) -> Vec<(u32, usize)> {
        let medium = self.medium();
        let mut all = Vec::new();
        for (&slot, there) in &medium.live {
            let written = there.written.iter().enumerate().filter(|(_, written)| **written);
            all.extend(written.map(|(offset, _)| (slot, offset)));
        }
        all
    }

    /// Changes a byte by `f`, as rot or a stray write would.
    pub fn corrupt(&self, slot: u32, offset: usize, f: impl Fn(u8) -> u8) {
        let mut medium = self.medium();
        let Medium { live, safe, .. } = &mut *medium;
        for slots in [live, safe] {
            if let Some(byte) = slots.get_mut(&slot).and_then(|slot| slot.bytes.get_mut(offset)) {
                *byte = f(*byte);
            }
        }
    }

    /// Changes a byte of a cursor place by `f`.
    pub fn corrupt_place(&self, reader: u8, place: u8, at: usize, f: impl Fn(u8) -> u8) {
        if let Some(places) = self.medium().places.get_mut(usize::from(reader)) {
            let byte = &mut places[usize::from(place)][at];
            *byte = f(*byte);
        }
    }

    fn medium(&self) -> RefMut<'_, Medium> {
        self.0.borrow_mut()
    }
}

impl Medium {
    fn blank(&self) -> u8 {
        if self.geometry.slots == Slots::Fixed { 0xFF } else { 0 }
    }

    fn named(&self) -> bool {
        self.geometry.slots == Slots::Named
    }

    fn used(&self) -> u64 {
        self.live.values().map(|slot| slot.bytes.len() as u64).sum()
    }

    fn step(&self) -> Result<(), SimError> {
        if self.power.step() == Step::Whole { Ok(()) } else { Err(self.power.error()) }
    }

    /// Takes a step and does `change`; one that is torn is done too, and left to be decided about.
    fn change(&mut self, slot: u32, change: Change) -> Result<(), SimError> {
        let step = self.step();
        note(|| format!("    slot {slot}: {change:?} {step:?}"));
        let optional = matches!(change, Change::Discard | Change::Trim(_));
        if optional && step == Err(SimError::Io) {
            // The calls after whose failure the log goes on: nothing has happened.
            return step;
        }
        self.apply(slot, change);
        if step == Err(SimError::Io) {
            self.give_up();
        }
        step
    }

    /// Refuses what needs more space than there is.
    fn room(&self, slot: u32, size: usize) -> Result<(), SimError> {
        let have = self.live.get(&slot).map_or(0, |slot| slot.bytes.len());
        let more = size.saturating_sub(have) as u64;
        let full = self.named() && more > 0 && self.used() + more > self.budget;
        if full { Err(SimError::Full) } else { Ok(()) }
    }

    /// Does `change` where the log can see it, and remembers it.
    fn apply(&mut self, slot: u32, change: Change) {
        let (blank, named) = (self.blank(), self.named());
        let size = self.geometry.slot_size as usize;
        match &change {
            Change::Write(offset, data) => {
                let there = self.live.get_mut(&slot).expect("checked by write");
                there.grow(offset + data.len(), blank);
                there.bytes[*offset..offset + data.len()].copy_from_slice(data);
                there.written[*offset..offset + data.len()].fill(true);
            }
            Change::Erase => {
                self.live.insert(slot, Slot::blank(if named { 0 } else { size }, blank));
            }
            Change::Reserve(size) => {
                if let Some(there) = self.live.get_mut(&slot).filter(|_| named) {
                    there.grow(*size, blank);
                }
            }
            Change::Trim(size) => {
                if let Some(there) = self.live.get_mut(&slot).filter(|_| named) {
                    there.bytes.truncate(*size);
                    there.written.truncate(*size);
                }
            }
            // Fixed slots keep their bytes: they cannot give space back.
            Change::Discard if !named => return,
            Change::Discard => {
                self.live.remove(&slot);
            }
        }
        self.pending.push((slot, change));
    }

    /// Decides about each slot that changed since the last sync; afterwards all is safe.
    fn give_up(&mut self) {
        note(|| format!("    {} changes are decided about", self.pending.len()));
        let pending = std::mem::take(&mut self.pending);
        let touched: BTreeSet<u32> = pending.iter().map(|(slot, _)| *slot).collect();
        for slot in touched {
            let changes = pending.iter().filter(|(at, _)| *at == slot).map(|(_, change)| change);
            self.settle_slot(slot, &changes.collect::<Vec<_>>());
        }
        self.live.clone_from(&self.safe);
    }

    /// Builds what is left of one slot from its safe state and the changes since.
    fn settle_slot(&mut self, slot: u32, changes: &[&Change]) {
        let blank = self.blank();
        let mut there = self.safe.get(&slot).cloned();
        // How likely a change is kept, drawn for each slot, so that all and none are common.
        let keep = self.rng.pick(&[0, 25, 50, 75, 100]);
        for change in changes {
            match change {
                Change::Erase => there = self.settle_erase(there, keep),
                Change::Discard => {
                    if self.rng.chance(keep) {
                        there = None;
                    }
                }
                Change::Reserve(size) => {
                    let size = self.rng.pick(&[0, *size / 2, *size]);
                    if let Some(there) = there.as_mut() {
                        there.grow(size, blank);
                    }
                }
                Change::Trim(size) => {
                    if let Some(there) = there.as_mut().filter(|_| self.rng.chance(keep)) {
                        there.bytes.truncate(*size);
                        there.written.truncate(*size);
                    }
                }
                Change::Write(offset, data) => {
                    if let Some(there) = there.as_mut() {
                        self.settle_write(there, *offset, data, keep);
                    }
                }
            }
        }
        match there {
            Some(there) => self.safe.insert(slot, there),
            None => self.safe.remove(&slot),
        };
    }

    /// An erase that may not have happened, or only in part.
    fn settle_erase(&mut self, old: Option<Slot>, keep: u64) -> Option<Slot> {
        let (blank, size) = (self.blank(), self.geometry.slot_size as usize);
        if self.named() {
            // Unlink and create are two steps: the old file, none, or the new one.
            return match (self.rng.chance(keep), self.rng.chance(50)) {
                (true, _) => Some(Slot::default()),
                (false, true) => None,
                (false, false) => old,
            };
        }
        let mut old = old.unwrap_or_else(|| Slot::blank(size, blank));
        if self.rng.chance(keep) {
            return Some(Slot::blank(size, blank));
        }
        let torn = self.rng.part(size);
        old.bytes[torn.clone()].fill(blank);
        old.written[torn].fill(false);
        Some(old)
    }

    /// A write that is kept, lost or torn: by sectors, by any part, or with other bytes in it.
    fn settle_write(&mut self, there: &mut Slot, offset: usize, data: &[u8], keep: u64) {
        let blank = self.blank();
        let end = offset + data.len();
        let old = |at: usize| there.bytes.get(offset + at).copied().unwrap_or(blank);
        let mut image = data.to_vec();
        let mut keep_only = |kept: &dyn Fn(usize) -> bool| {
            for at in (0..data.len()).filter(|at| !kept(*at)) {
                image[at] = old(at);
            }
        };
        if !self.rng.chance(keep) {
            let part = self.rng.part(data.len());
            let sectors = self.rng.bits();
            match self.rng.below(6) {
                0 => keep_only(&|at| at < part.end),
                1 => keep_only(&|at| part.contains(&at)),
                2 => keep_only(&|at| sectors >> ((offset + at) / SECTOR_SIZE % 64) & 1 == 1),
                3 => self.rng.fill(&mut image[part]),
                4 => keep_only(&|_| false),
                // Lost whole, and the file did not even grow.
                _ => return,
            }
        }
        there.grow(end, blank);
        there.bytes[offset..end].copy_from_slice(&image);
        for (at, byte) in (offset..end).zip(image) {
            there.written[at] |= byte != blank;
        }
    }

    fn check(&self, slot: u32, offset: u32, len: usize, doing: &str) {
        let Geometry { slot_count, slot_size, .. } = self.geometry;
        assert!(slot < slot_count, "{doing} of slot {slot}, and there are {slot_count}");
        assert!(
            offset as usize + len <= slot_size as usize,
            "{doing} of {len} bytes at {offset} of slot {slot}, and it has {slot_size}"
        );
    }

    fn check_named(&self, doing: &str) {
        assert!(self.named(), "{doing} on fixed slots");
    }

    fn check_on(&self) -> Result<(), SimError> {
        self.power.read()
    }
}

//! The contract of [`Storage`] over simulated slots.

use super::{Change, Medium, Place, SimSlots};
use crate::power::SimError;
use crate::trail::note;
use tslog::MAX_READERS;
use tslog::storage::{CURSOR_PLACE_SIZE, FIRST_BUCKET_SLOT, Geometry, Present, Storage};

impl Storage for SimSlots {
    type Error = SimError;

    fn geometry(&self) -> Geometry {
        self.medium().geometry
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), SimError> {
        let medium = self.medium();
        medium.check(slot, offset, out.len(), "read");
        medium.power.read()?;
        out.fill(medium.blank());
        if let Some(there) = medium.live.get(&slot) {
            let from = (offset as usize).min(there.bytes.len());
            let to = (offset as usize + out.len()).min(there.bytes.len());
            out[..to - from].copy_from_slice(&there.bytes[from..to]);
        }
        Ok(())
    }

    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check(slot, offset, data.len(), "write");
        let (from, word) = (offset as usize, medium.geometry.write_size as usize);
        assert!(
            from.is_multiple_of(word) && data.len().is_multiple_of(word),
            "write of {} bytes at {from} of slot {slot} is not in words of {word}",
            data.len()
        );
        medium.check_on()?;
        let there = medium.live.get(&slot);
        let there = there.unwrap_or_else(|| panic!("write to slot {slot}, which does not exist"));
        for at in from..(from + data.len()).min(there.bytes.len()) {
            assert!(!there.written[at], "byte {at} of slot {slot} is written twice");
        }
        medium.room(slot, from + data.len())?;
        medium.change(slot, Change::Write(from, data.to_vec()))
    }

    fn erase(&mut self, slot: u32) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check(slot, 0, 0, "erase");
        medium.check_on()?;
        medium.change(slot, Change::Erase)
    }

    fn reserve(&mut self, slot: u32, size: u32) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check(slot, 0, size as usize, "reserve");
        medium.check_on()?;
        medium.room(slot, size as usize)?;
        medium.change(slot, Change::Reserve(size as usize))
    }

    fn trim(&mut self, slot: u32, size: u32) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check(slot, 0, size as usize, "trim");
        medium.check_on()?;
        medium.change(slot, Change::Trim(size as usize))
    }

    fn discard(&mut self, slot: u32) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check(slot, 0, 0, "discard");
        medium.check_on()?;
        medium.change(slot, Change::Discard)
    }

    fn sync(&mut self) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check_on()?;
        let step = medium.step();
        note(|| format!("    sync {step:?}"));
        if step == Ok(()) {
            medium.pending.clear();
            let Medium { safe, live, .. } = &mut *medium;
            safe.clone_from(live);
        } else if medium.power.is_on() {
            // The dirty bytes were dropped, and a later sync will not bring them back.
            medium.give_up();
        }
        step
    }

    fn extent(&mut self, slot: u32) -> Result<u32, SimError> {
        let medium = self.medium();
        medium.check(slot, 0, 0, "extent");
        medium.check_on()?;
        Ok(medium.live.get(&slot).map_or(0, |slot| slot.bytes.len() as u32))
    }

    fn settle(&mut self, slot: u32) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check(slot, 0, 0, "settle");
        medium.check_on()?;
        if !medium.named() && !medium.pending.iter().any(|(at, _)| *at == slot) {
            return Ok(());
        }
        let step = medium.step();
        if step == Ok(()) {
            medium.pending.retain(|(at, _)| *at != slot);
            let there = medium.live.get(&slot).cloned();
            match there {
                Some(there) => medium.safe.insert(slot, there),
                None => medium.safe.remove(&slot),
            };
        } else if medium.power.is_on() {
            medium.give_up();
        }
        step
    }

    fn present(&mut self, below: u32) -> Result<Option<Present>, SimError> {
        let medium = self.medium();
        medium.check_named("present");
        medium.check_on()?;
        let ring = || medium.live.range(FIRST_BUCKET_SLOT..below.max(2)).map(|(slot, _)| *slot);
        Ok(ring().min().zip(ring().max()).map(|(lowest, highest)| Present { lowest, highest }))
    }

    fn is_full(error: &SimError) -> bool {
        *error == SimError::Full
    }

    fn read_cursor(&mut self, reader: u8, place: u8, out: &mut Place) -> Result<(), SimError> {
        let medium = self.medium();
        medium.check_named("read_cursor");
        medium.check_on()?;
        let places = medium.places.get(usize::from(reader));
        *out = places.map_or([0; CURSOR_PLACE_SIZE], |places| places[usize::from(place)]);
        Ok(())
    }

    fn write_cursor(&mut self, reader: u8, place: u8, data: &Place) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check_named("write_cursor");
        medium.check_on()?;
        let step = medium.step();
        note(|| format!("    place {place} of reader {reader}: {step:?}"));
        let Medium { places, rng, .. } = &mut *medium;
        let known = places.get_mut(usize::from(reader));
        let known = known.unwrap_or_else(|| panic!("reader {reader} has no cursor places"));
        let known = &mut known[usize::from(place)];
        let part = rng.part(CURSOR_PLACE_SIZE);
        match (step, rng.below(4)) {
            (Ok(()), _) | (Err(_), 0) => *known = *data,
            (Err(_), 1) => known[part.clone()].copy_from_slice(&data[part]),
            (Err(_), 2) => rng.fill(&mut known[part]),
            (Err(_), _) => {}
        }
        step
    }

    fn settle_cursor(&mut self, _reader: u8) -> Result<(), SimError> {
        let medium = self.medium();
        medium.check_named("settle_cursor");
        medium.check_on()?;
        medium.step()
    }

    fn set_readers(&mut self, count: u8) -> Result<(), SimError> {
        let mut medium = self.medium();
        medium.check_named("set_readers");
        assert!(usize::from(count) <= MAX_READERS, "places for {count} readers");
        medium.check_on()?;
        let step = medium.step();
        let have = medium.places.len();
        let mut want = usize::from(count);
        if step.is_err() {
            want = medium.rng.within(have.min(want) as u64, have.max(want) as u64) as usize;
        }
        medium.places.resize(want, [[0; CURSOR_PLACE_SIZE]; 2]);
        step
    }

    fn readers(&mut self) -> Result<u8, SimError> {
        let medium = self.medium();
        medium.check_named("readers");
        medium.check_on()?;
        Ok(medium.places.len() as u8)
    }
}

//! The journal of cursors beside the log header, on fixed slots: the way out for a full ring.
//!
//! Journals are appended behind one copy of the header. When that slot is full, or was last written
//! before this open, the *other* slot is erased, gets the header again, and then the journal.
//! *Power goes between these steps:* the copy left alone has a sound header and the journal before.

use super::{NO_INDEX, header, medium::Medium};
use crate::{
    layout::{
        self,
        crc::crc32c,
        cursor::{JOURNAL_SIZE, Journal},
        frame::{self, Kind},
        header::LogHeader,
        plan::Plan,
    },
    storage::Storage,
};

/// Bytes of the header copied at a time; a multiple of every write size.
const PIECE: usize = 32;

/// Where the newest journal lies, and where the next one goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct JournalState {
    pub(super) counter: u32,
    /// The bucket the newest journal speaks of, or [`NO_INDEX`].
    pub(super) index: u32,
    /// Where the next journal goes in `slot`.
    offset: u32,
    slot: u8,
}

impl JournalState {
    /// No journal, and none may be appended before a slot is erased for it.
    pub(super) const NONE: Self = Self { counter: 0, index: NO_INDEX, offset: u32::MAX, slot: 0 };

    /// True if the newest journal counts and lies beside this copy of the header.
    pub(super) fn lies_in(&self, copy: u32) -> bool {
        self.index != NO_INDEX && u32::from(self.slot) == copy
    }

    /// Where things are if the newest journal lies in `slot`.
    pub(super) fn of(newest: &Journal, slot: u8) -> Self {
        Self { counter: newest.counter, index: newest.index, slot, ..Self::NONE }
    }

    /// Finds the `newest` journal, and returns the slot it lies in.
    #[inline(never)]
    pub(super) fn find<S: Storage>(
        medium: &mut Medium<'_, S>,
        plan: &Plan,
        header_size: u32,
        newest: &mut Option<Journal>,
    ) -> u8 {
        let mut newest_slot = 0;
        for slot in [0, 1] {
            let mut offset = plan.align(header_size);
            while is_begun(medium, plan, slot, offset) {
                let journal = read(medium, plan, slot, offset);
                let later = |journal: &Journal| {
                    newest.is_none_or(|was| journal.counter.wrapping_sub(was.counter) < 1 << 31)
                };
                // One that is rotten must not hide those behind it.
                if let Some(journal) = journal.filter(later) {
                    (*newest, newest_slot) = (Some(journal), slot);
                }
                offset = offset.saturating_add(plan.journal_frame());
            }
        }
        newest_slot
    }

    /// Writes a journal and returns where things are then. The caller syncs.
    pub(super) fn write<S: Storage>(
        &self,
        storage: &mut S,
        plan: &Plan,
        journal: &Journal,
    ) -> Result<Self, S::Error> {
        let size = plan.journal_frame();
        let (mut slot, mut offset) = (self.slot, self.offset);
        if offset.saturating_add(size) > plan.slot_size {
            (slot, offset) = copy_header(storage, plan, slot)?;
        }
        let mut bytes = [0; 64];
        let frame = bytes.get_mut(..size as usize).unwrap_or_default();
        layout::put(frame, frame::SIZE, &journal.encode());
        frame::seal(frame, 40, (1, Kind::Journal), plan.base_seed, 0);
        storage.write(u32::from(slot), offset, frame)?;
        let offset = offset.saturating_add(size);
        Ok(Self { counter: journal.counter, index: journal.index, offset, slot })
    }
}

/// The newest journal of cursors on fixed slots.
#[cfg(feature = "std")]
pub(crate) fn newest_journal<S: Storage>(
    storage: &mut S,
    plan: &Plan,
    header_size: u32,
) -> Result<Option<Journal>, S::Error> {
    let mut medium = Medium::new(storage);
    let mut newest = None;
    JournalState::find(&mut medium, plan, header_size, &mut newest);
    medium.end(newest)
}

/// True if something was written where a journal would lie.
fn is_begun<S: Storage>(medium: &mut Medium<'_, S>, plan: &Plan, slot: u8, offset: u32) -> bool {
    if offset.saturating_add(plan.journal_frame()) > plan.slot_size {
        return false;
    }
    let mut head = [0xFF; frame::SIZE];
    medium.read(u32::from(slot), offset, &mut head);
    head != [0xFF; frame::SIZE]
}

/// The journal at `offset` of a header slot, if there is a sound one. It is read several times,
/// because the bits of a write that was cut may read one way now and another way later.
fn read<S: Storage>(
    medium: &mut Medium<'_, S>,
    plan: &Plan,
    slot: u8,
    offset: u32,
) -> Option<Journal> {
    let mut bytes = [0; 64];
    let bytes = bytes.get_mut(..plan.journal_frame() as usize).unwrap_or_default();
    for _ in 0..super::walk::READS {
        medium.read(u32::from(slot), offset, bytes);
        let header = frame::decode_at(bytes)?;
        let payload = bytes.get(frame::SIZE..).unwrap_or_default();
        let computed = crc32c(crc32c(plan.base_seed, &header.head()), payload);
        if header.kind != Kind::Journal || !header.begins_with(computed, 0) {
            return None;
        }
    }
    bytes.get(frame::SIZE..).and_then(<[u8]>::first_chunk::<JOURNAL_SIZE>).map(Journal::decode)
}

/// Erases the other header slot and writes the header there again; returns it and where the first
/// journal goes. A slot whose own header is rotten, or that of another log, is mended instead, so
/// that one copy is always whole.
pub(super) fn copy_header<S: Storage>(
    storage: &mut S,
    plan: &Plan,
    slot: u8,
) -> Result<(u8, u32), S::Error> {
    let mut medium = Medium::new(storage);
    let mut header = LogHeader::NONE;
    let read = header::read_stable(&mut medium, u32::from(slot), &mut header);
    let sound = medium.end(read)?.is_ok() && header.base_seed() == plan.base_seed;
    let target = if sound { u32::from(1_u8.saturating_sub(slot)) } else { u32::from(slot) };
    copy_header_from(storage, plan, 1_u32.saturating_sub(target))
}

/// Writes the damaged copy of the header again.
pub(super) fn mend_header<S: Storage>(
    storage: &mut S,
    plan: &Plan,
    damaged: u32,
) -> Result<(), S::Error> {
    copy_header_from(storage, plan, 1_u32.saturating_sub(damaged)).map(|_| ())
}

/// Erases the other header slot and writes there the header that lies in `source`.
fn copy_header_from<S: Storage>(
    storage: &mut S,
    plan: &Plan,
    source: u32,
) -> Result<(u8, u32), S::Error> {
    let target = 1_u32.saturating_sub(source);
    let mut medium = Medium::new(storage);
    let mut header = LogHeader::NONE;
    let read = header::read_stable(&mut medium, source, &mut header);
    let Ok(()) = medium.end(read)? else {
        // Both are damaged now; what is left is left alone, and journals go nowhere.
        return Ok((u8::from(target == 1), u32::MAX));
    };
    let size = plan.align(header.size());
    storage.erase(target)?;
    let mut offset = 0_u32;
    while offset < size {
        let mut piece = [0; PIECE];
        let len = size.saturating_sub(offset).min(32) as usize;
        let piece = piece.get_mut(..len).unwrap_or_default();
        storage.read(source, offset, piece)?;
        storage.write(target, offset, piece)?;
        offset = offset.saturating_add(32);
    }
    storage.sync()?;
    Ok((u8::from(target == 1), size))
}

/// Before copy A of the header is replaced: makes sure that the newest journal lies beside copy B,
/// so that a power cut leaves the old log with its cursors.
pub(super) fn keep_in_copy_b<S: Storage>(
    storage: &mut S,
    plan: &Plan,
    header_size: u32,
) -> Result<(), S::Error> {
    let mut medium = Medium::new(storage);
    let mut newest = None;
    let slot = JournalState::find(&mut medium, plan, header_size, &mut newest);
    medium.end(())?;
    if let (0, Some(journal)) = (slot, newest) {
        JournalState::of(&journal, slot).write(storage, plan, &journal)?;
        storage.sync()?;
    }
    Ok(())
}

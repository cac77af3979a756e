//! The log header on the medium: finding the copy that counts, and reading it.

use super::{medium::Medium, unmade, walk::READS};
use crate::{
    error::Error,
    layout::{
        crc::crc32c,
        header::{FIXED_SIZE, LogHeader, Refused, TEXT_AT},
    },
    storage::{Slots, Storage},
};

/// Bytes of text read at a time.
const PIECE: usize = 64;

/// Which copies of the log header can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Both, and they say the same.
    #[default]
    Both,
    /// Only copy A; copy B is damaged, or older.
    OnlyA,
    /// Only copy B.
    OnlyB,
}

impl Copies {
    /// The slot of a copy that counts.
    pub(super) fn slot(self) -> u32 {
        u32::from(self == Self::OnlyB)
    }

    /// The slot of the copy that is damaged.
    pub(crate) fn damaged(self) -> Option<u32> {
        match self {
            Self::Both => None,
            Self::OnlyA => Some(1),
            Self::OnlyB => Some(0),
        }
    }
}

/// The header that counts, and which copies of it can be relied on.
pub(crate) fn find<S: Storage>(storage: &mut S) -> Result<(LogHeader, Copies), Error<S::Error>> {
    let mut header = LogHeader::NONE;
    let copies = find_into(storage, &mut header)?;
    Ok((header, copies))
}

/// The same, with the header put where the caller has room for it.
pub(super) fn find_into<S: Storage>(
    storage: &mut S,
    header: &mut LogHeader,
) -> Result<Copies, Error<S::Error>> {
    let mut medium = Medium::new(storage);
    let found = find_in(&mut medium, header);
    medium.end(()).map_err(Error::Storage)?;
    found
}

fn find_in<S: Storage>(
    medium: &mut Medium<'_, S>,
    header: &mut LogHeader,
) -> Result<Copies, Error<S::Error>> {
    let mut other = LogHeader::NONE;
    let first = read_copy(medium, 0, header);
    let second = read_copy(medium, 1, &mut other);
    if first.is_ok() {
        if second.is_ok() && *header == other {
            return Ok(Copies::Both);
        }
        // Copy B is written once copy A is safe, so the writing of this one may have been cut.
        if is_stable(medium, 0, header) {
            return Ok(Copies::OnlyA);
        }
    }
    let Err(refused) = second else {
        *header = other;
        return Ok(Copies::OnlyB);
    };
    let unmade = match medium.geometry().slots {
        // The files have the log's own names, so that a blank copy B is enough.
        Slots::Named => refused == Refused::Blank && medium.present(u32::MAX).is_none(),
        Slots::Fixed => unmade::is_unmade(medium),
    };
    if unmade {
        return Err(Error::NoLog);
    }
    match (first, refused) {
        (Err(Refused::Version(version)), _) | (_, Refused::Version(version)) => {
            Err(Error::Version(version))
        }
        _ => Err(Error::NotALog),
    }
}

/// Reads one copy, and calls it damaged unless it reads the same every time: the other copy may
/// only go once this one can be relied on.
pub(crate) fn read_stable<S: Storage>(
    medium: &mut Medium<'_, S>,
    slot: u32,
    header: &mut LogHeader,
) -> Result<(), Refused> {
    read_copy(medium, slot, header)?;
    if is_stable(medium, slot, header) { Ok(()) } else { Err(Refused::Foreign) }
}

/// True if a copy reads as this header every time.
#[inline(never)]
fn is_stable<S: Storage>(medium: &mut Medium<'_, S>, slot: u32, header: &LogHeader) -> bool {
    let named = medium.geometry().slots == Slots::Named;
    let again = if named { 1 } else { READS };
    (0..again).all(|_| is_copy(medium, slot, header))
}

/// True if a copy reads as this header.
pub(crate) fn is_copy<S: Storage>(
    medium: &mut Medium<'_, S>,
    slot: u32,
    header: &LogHeader,
) -> bool {
    let mut read = LogHeader::NONE;
    read_copy(medium, slot, &mut read).is_ok() && read == *header
}

/// Tells whether this is still the log of `plan`, for those who look at it beside its writer.
/// Numbers never go back unless the log was made anew, and this asks for no less than that.
#[cfg(feature = "std")]
pub(crate) fn check_same<S: Storage>(
    storage: &mut S,
    plan: &crate::layout::plan::Plan,
) -> Result<(), Error<S::Error>> {
    let (header, _) = find(storage)?;
    if header.base_seed() == plan.base_seed { Ok(()) } else { Err(Error::Closed) }
}

/// Reads one copy into `header`, which means something only if the copy passes its check.
pub(crate) fn read_copy<S: Storage>(
    medium: &mut Medium<'_, S>,
    slot: u32,
    header: &mut LogHeader,
) -> Result<(), Refused> {
    let mut fixed = [0; FIXED_SIZE];
    medium.read(slot, 0, &mut fixed);
    *header = LogHeader::decode(&fixed)?;
    if header.size() > medium.extent(slot) {
        return Err(Refused::Foreign);
    }
    // The text goes through the same bytes piece by piece, as stacks are small.
    let (mut crc, mut offset) = (crc32c(0, &fixed), TEXT_AT);
    while offset < header.crc_offset() {
        let len = header.crc_offset().saturating_sub(offset).min(TEXT_AT);
        let piece = fixed.get_mut(..len as usize).unwrap_or_default();
        medium.read(slot, offset, piece);
        crc = crc32c(crc, piece);
        offset = offset.saturating_add(len);
    }
    let mut stored = [0; 4];
    medium.read(slot, header.crc_offset(), &mut stored);
    if crc == u32::from_le_bytes(stored) { Ok(()) } else { Err(Refused::Foreign) }
}

/// The text of a header, byte by byte.
pub(crate) struct Text {
    slot: u32,
    offset: u32,
    end: u32,
    piece: [u8; PIECE],
    used: usize,
    len: usize,
}

impl Text {
    /// That of the header of `size` bytes in `slot`.
    pub(crate) fn new(size: u32, slot: u32) -> Self {
        let (offset, end) = (TEXT_AT, size.saturating_sub(4));
        Self { slot, offset, end, piece: [0; PIECE], used: 0, len: 0 }
    }

    pub(crate) fn next<S: Storage>(&mut self, medium: &mut Medium<'_, S>) -> Option<u8> {
        if self.used == self.len {
            let len = (self.end.saturating_sub(self.offset) as usize).min(PIECE);
            if len == 0 {
                return None;
            }
            let piece = self.piece.get_mut(..len).unwrap_or_default();
            medium.read(self.slot, self.offset, piece);
            self.offset = self.offset.saturating_add(u32::try_from(len).unwrap_or(0));
            (self.used, self.len) = (0, len);
        }
        let byte = self.piece.get(self.used).copied();
        self.used = self.used.saturating_add(1);
        byte
    }
}

//! The log header on the medium: finding the copy that counts, and comparing it.

use core::fmt::Write as _;

use super::{medium::Medium, unmade, walk::READS};
use crate::{
    config::Config,
    error::{Error, Mismatch},
    format::Format,
    layout::{
        crc::crc32c,
        header::{FIXED_SIZE, LogHeader, Refused},
    },
    storage::{Slots, Storage},
};

/// Bytes of text read at a time.
const PIECE: usize = 64;

/// Which copies of the log header can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Both, and they say the same.
    Both,
    /// Only copy A; copy B is damaged, or older.
    OnlyA,
    /// Only copy B.
    OnlyB,
}

impl Copies {
    /// The slot of a copy that counts.
    fn slot(self) -> u32 {
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

/// The header that counts, and where it lies.
pub(crate) fn find<S: Storage>(storage: &mut S) -> Result<(LogHeader, Copies), Error<S::Error>> {
    let mut medium = Medium::new(storage);
    let found = find_in(&mut medium);
    medium.end(found).map_err(Error::Storage)?
}

fn find_in<S: Storage>(medium: &mut Medium<'_, S>) -> Result<(LogHeader, Copies), Error<S::Error>> {
    let first = read_copy(medium, 0);
    let second = read_copy(medium, 1);
    if let Ok(header) = first {
        if first == second {
            return Ok((header, Copies::Both));
        }
        // Copy B is written once copy A is safe, so the writing of this one may have been cut.
        if read_stable(medium, 0) == first {
            return Ok((header, Copies::OnlyA));
        }
    }
    let refused = match second {
        Ok(header) => return Ok((header, Copies::OnlyB)),
        Err(refused) => refused,
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

/// Reads one copy several times, and calls it damaged unless it reads the same every time: the
/// other copy may only go once this one can be relied on.
pub(crate) fn read_stable<S: Storage>(
    medium: &mut Medium<'_, S>,
    slot: u32,
) -> Result<LogHeader, Refused> {
    let copy = read_copy(medium, slot);
    let named = medium.geometry().slots == Slots::Named;
    for _ in 1..if named { 1 } else { READS } {
        if copy.is_ok() && read_copy(medium, slot) != copy {
            return Err(Refused::Foreign);
        }
    }
    copy
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

/// Reads and checks one copy.
pub(crate) fn read_copy<S: Storage>(
    medium: &mut Medium<'_, S>,
    slot: u32,
) -> Result<LogHeader, Refused> {
    let mut fixed = [0; FIXED_SIZE];
    medium.read(slot, 0, &mut fixed);
    let header = LogHeader::decode(&fixed)?;
    if header.size() > medium.extent(slot) {
        return Err(Refused::Foreign);
    }
    let mut text = Text::new(&header, slot);
    let mut crc = crc32c(0, &fixed);
    while let Some(byte) = text.next(medium) {
        crc = crc32c(crc, &[byte]);
    }
    let mut stored = [0; 4];
    medium.read(slot, header.crc_offset(), &mut stored);
    if crc == u32::from_le_bytes(stored) { Ok(header) } else { Err(Refused::Foreign) }
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
    pub(crate) fn new(header: &LogHeader, slot: u32) -> Self {
        let end = header.crc_offset();
        Self {
            slot,
            offset: end.saturating_sub(header.text_size),
            end,
            piece: [0; PIECE],
            used: 0,
            len: 0,
        }
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

/// Refuses a log that was made with another shape, or for another medium.
pub(crate) fn compare<S: Storage>(
    storage: &mut S,
    (header, copies): &(LogHeader, Copies),
    config: &Config<'_>,
) -> Result<(), Error<S::Error>> {
    let (was, is) = (header.geometry, storage.geometry());
    if was.slot_size != is.slot_size {
        return Err(Mismatch::SlotSize(was.slot_size, is.slot_size).into());
    }
    if was.slot_count != is.slot_count || was.slots != is.slots {
        return Err(Mismatch::SlotCount(was.slot_count, is.slot_count).into());
    }
    if was.write_size != is.write_size {
        return Err(Mismatch::WriteSize(was.write_size, is.write_size).into());
    }
    if let Some(formats) = config.formats {
        let mut compared = compare_formats(storage, header, copies.slot(), formats);
        if *copies == Copies::Both && matches!(compared, Err(Error::Mismatch(_))) {
            // One of the copies may have bits that do not read the same every time.
            compared = compare_formats(storage, header, 1, formats);
        }
        compared?;
    }
    let asked = match config.formats {
        Some([_, ..]) => None,
        Some([]) | None => config.record_size,
    };
    if let Some(asked) = asked.filter(|&asked| asked != header.record_size) {
        return Err(Mismatch::RecordSize(header.record_size, asked).into());
    }
    if let Some(asked) = config.bucket_size.filter(|&asked| asked != header.bucket_size) {
        return Err(Mismatch::BucketSize(header.bucket_size, asked).into());
    }
    Ok(())
}

fn compare_formats<S: Storage>(
    storage: &mut S,
    header: &LogHeader,
    slot: u32,
    formats: &[Format<'_>],
) -> Result<(), Error<S::Error>> {
    let count = u32::try_from(formats.len()).unwrap_or(u32::MAX);
    if count != u32::from(header.formats) {
        return Err(Mismatch::Formats(u32::from(header.formats), count).into());
    }
    let mut medium = Medium::new(storage);
    let differs = differing_format(&mut medium, Text::new(header, slot), formats);
    match medium.end(differs).map_err(Error::Storage)? {
        None => Ok(()),
        Some(at) => Err(Mismatch::Format(at).into()),
    }
}

/// The first format that is not the one in the text.
fn differing_format<S: Storage>(
    medium: &mut Medium<'_, S>,
    mut text: Text,
    formats: &[Format<'_>],
) -> Option<u32> {
    for (at, format) in (0_u32..).zip(formats) {
        let mut matcher = Matcher { text: &mut text, medium, same: true };
        let _ = format.write_resolved(&mut matcher);
        let _ = matcher.write_char('\t');
        if !matcher.same {
            return Some(at);
        }
        while !matches!(text.next(medium), None | Some(b'\n')) {}
    }
    None
}

/// Compares what is written to it with the text of a header.
struct Matcher<'a, 'm, S: Storage> {
    text: &'a mut Text,
    medium: &'a mut Medium<'m, S>,
    same: bool,
}

impl<S: Storage> core::fmt::Write for Matcher<'_, '_, S> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.same &= text.bytes().all(|byte| self.text.next(self.medium) == Some(byte));
        if self.same { Ok(()) } else { Err(core::fmt::Error) }
    }
}

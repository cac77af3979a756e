//! Making a log, in place of what may be there.
//!
//! Making a log writes copy A, syncs, then copy B. *Power goes before the sync:* copy B still holds
//! the old log, all of whose bytes are untouched. *Power goes after it:* copy A holds the new one,
//! whose seed makes every old byte invalid.

use crate::{
    config::Config,
    error::{Error, Invalid},
    format::Format,
    layout::{
        crc::crc32c,
        header::{LogHeader, MAX_TEXT, Refused},
        plan::Plan,
    },
    log::{
        header::{read_copy, read_stable},
        journal,
        medium::Medium,
        probe::{Window, look},
        state::check_batch,
        unmade,
    },
    storage::{FIRST_BUCKET_SLOT, Geometry, Slots, Storage},
    words::MAX_FORMATS,
};

/// Bytes of text written at a time; a multiple of every write size.
const PIECE: usize = 64;

/// Writes the header of an empty log to both copies, in place of the `old` one.
#[inline(never)]
pub(crate) fn create<S: Storage>(
    storage: &mut S,
    config: &Config<'_>,
    old: Option<&LogHeader>,
) -> Result<LogHeader, Error<S::Error>> {
    let header = empty::<S>(config, storage.geometry(), old)?;
    if let Some(old) = old {
        keep_old_in_copy_b(storage, old, &header.geometry).map_err(Error::Storage)?;
    } else {
        erase_ring_of(storage, &header)?;
        begin(storage).map_err(Error::Storage)?;
    }
    let formats = config.formats.unwrap_or_default();
    for slot in 0..FIRST_BUCKET_SLOT {
        write(storage, slot, &header, formats).map_err(Error::Storage)?;
        storage.sync().map_err(Error::Storage)?;
    }
    if storage.geometry().slots == Slots::Named {
        discard_all(storage)?;
    }
    Ok(header)
}

/// The header of a log without records.
#[inline(never)]
fn empty<S: Storage>(
    config: &Config<'_>,
    geometry: Geometry,
    old: Option<&LogHeader>,
) -> Result<LogHeader, Invalid> {
    geometry.check()?;
    let formats = config.formats.unwrap_or_default();
    let header = LogHeader {
        generation: old.map_or(1, |old| old.generation.wrapping_add(1)),
        id: config.id,
        geometry,
        record_size: record_size(formats, config.record_size)?,
        bucket_size: config.bucket_size.unwrap_or(1024),
        formats: u16::try_from(formats.len()).unwrap_or(u16::MAX),
        text_size: text_size(formats),
    };
    let plan = Plan::new::<S>(&header)?;
    check_batch::<S>(&plan, config.commit_delta, usize::MAX)?;
    if header.text_size > MAX_TEXT || header.size() > header.geometry.slot_size {
        return Err(Invalid::Formats(u32::from(header.formats)));
    }
    Ok(header)
}

/// Makes sure that what a cut leaves from here on tells that a log was being made.
#[inline(never)]
fn begin<S: Storage>(storage: &mut S) -> Result<(), S::Error> {
    if storage.geometry().slots == Slots::Fixed {
        return unmade::mark(storage);
    }
    let mut medium = Medium::new(storage);
    let mut header = LogHeader::NONE;
    let copy_b = read_copy(&mut medium, 1, &mut header);
    if medium.end(copy_b)? == Err(Refused::Blank) {
        return Ok(());
    }
    // A blank copy B says that no log is finished here.
    storage.erase(1)?;
    storage.sync()
}

/// Before copy A is replaced, copy B must be able to stand for the old log alone.
#[inline(never)]
fn keep_old_in_copy_b<S: Storage>(
    storage: &mut S,
    old: &LogHeader,
    geometry: &Geometry,
) -> Result<(), S::Error> {
    let Ok(plan) = Plan::new::<S>(old) else { return Ok(()) };
    if old.geometry == *geometry && !plan.is_named::<S>() {
        journal::keep_in_copy_b(storage, &plan, old.size())?;
    }
    let mut medium = Medium::new(storage);
    let mut copy_b = LogHeader::NONE;
    let read = read_stable(&mut medium, 1, &mut copy_b);
    if medium.end(read)?.is_err() || copy_b != *old {
        journal::copy_header(storage, &plan, 0)?;
    }
    Ok(())
}

/// With an id that was used before, old buckets could pass as new ones where no header tells the
/// generation any more; such slots are erased.
#[inline(never)]
fn erase_ring_of<S: Storage>(storage: &mut S, header: &LogHeader) -> Result<(), Error<S::Error>> {
    let plan = &Plan::new::<S>(header)?;
    if plan.is_named::<S>() {
        return Ok(());
    }
    let Geometry { slot_count, .. } = storage.geometry();
    let mut chunk = [0; 32];
    for slot in FIRST_BUCKET_SLOT..slot_count {
        let window = &mut Window::exact(&mut chunk);
        let header = look(storage, plan, window, |probe| probe.index_in_slot(slot));
        if header.map_err(Error::Storage)?.is_some() {
            storage.erase(slot).map_err(Error::Storage)?;
        }
    }
    storage.sync().map_err(Error::Storage)
}

/// Discards the buckets of the log that was replaced; none of them is valid any more.
fn discard_all<S: Storage>(storage: &mut S) -> Result<(), Error<S::Error>> {
    while let Some(present) = storage.present(u32::MAX).map_err(Error::Storage)? {
        let mut slot = present.highest;
        loop {
            storage.discard(slot).map_err(Error::Storage)?;
            slot = slot.saturating_sub(1);
            // Behind a gap, what is left is listed again.
            if slot < present.lowest || storage.extent(slot).map_err(Error::Storage)? == 0 {
                break;
            }
        }
    }
    storage.sync().map_err(Error::Storage)
}

/// The size of a record: that of the largest format, and a tag in front if there are several.
fn record_size(formats: &[Format<'_>], raw: Option<u32>) -> Result<u32, Invalid> {
    let largest = formats.iter().map(Format::size).max();
    match formats.len() {
        0 => Ok(raw.unwrap_or(128)),
        1 => Ok(largest.unwrap_or(0)),
        2..=MAX_FORMATS => Ok(largest.unwrap_or(0).saturating_add(1)),
        many => Err(Invalid::Formats(u32::try_from(many).unwrap_or(u32::MAX))),
    }
}

fn text_size(formats: &[Format<'_>]) -> u32 {
    struct Count(u32);
    impl core::fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0 = self.0.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX));
            Ok(())
        }
    }
    let mut count = Count(0);
    let _ = write_text(&mut count, formats);
    count.0
}

fn write_text(out: &mut impl core::fmt::Write, formats: &[Format<'_>]) -> core::fmt::Result {
    formats.iter().try_for_each(|format| {
        format.write_resolved(out)?;
        out.write_char('\t')?;
        out.write_str(format.fields_text())?;
        out.write_char('\n')
    })
}

/// Writes one copy, piece by piece.
#[inline(never)]
fn write<S: Storage>(
    storage: &mut S,
    slot: u32,
    header: &LogHeader,
    formats: &[Format<'_>],
) -> Result<(), S::Error> {
    storage.erase(slot)?;
    storage.reserve(slot, header.size())?;
    let mut pen = Pen { storage, slot, offset: 0, piece: [0xFF; PIECE], used: 0, failed: None };
    pen.put(&header.encode());
    let mut sum = Sum { pen: &mut pen, crc: crc32c(0, &header.encode()) };
    let _ = write_text(&mut sum, formats);
    let crc = sum.crc;
    pen.put(&crc.to_le_bytes());
    pen.finish(header.geometry.write_size)
}

/// Collects bytes and writes them in whole words.
struct Pen<'a, S: Storage> {
    storage: &'a mut S,
    slot: u32,
    offset: u32,
    piece: [u8; PIECE],
    used: usize,
    failed: Option<S::Error>,
}

impl<S: Storage> Pen<'_, S> {
    fn put(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(place) = self.piece.get_mut(self.used) {
                *place = byte;
            }
            self.used = self.used.saturating_add(1);
            if self.used == PIECE {
                self.flush(PIECE);
            }
        }
    }

    fn flush(&mut self, len: usize) {
        let piece = self.piece.get(..len).unwrap_or_default();
        if self.failed.is_none() && !piece.is_empty() {
            self.failed = self.storage.write(self.slot, self.offset, piece).err();
        }
        self.offset = self.offset.saturating_add(u32::try_from(len).unwrap_or(0));
        (self.used, self.piece) = (0, [0xFF; PIECE]);
    }

    fn finish(mut self, write_size: u32) -> Result<(), S::Error> {
        self.flush(self.used.next_multiple_of(write_size.max(1) as usize).min(PIECE));
        self.failed.map_or(Ok(()), Err)
    }
}

/// Passes text on to the pen and sums it up.
struct Sum<'a, 'b, S: Storage> {
    pen: &'a mut Pen<'b, S>,
    crc: u32,
}

impl<S: Storage> core::fmt::Write for Sum<'_, '_, S> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.crc = crc32c(self.crc, text.as_bytes());
        self.pen.put(text.as_bytes());
        Ok(())
    }
}

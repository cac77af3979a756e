//! The shape of a log: what its header settles, beside the medium and what is asked for.

use core::fmt::Write as _;

use super::{
    create::create,
    header::{Copies, Text, find, find_into},
    medium::Medium,
};
use crate::{
    config::Config,
    error::{Error, Invalid, Mismatch},
    format::Format,
    layout::{header::LogHeader, plan::Plan},
    storage::Storage,
};

/// What a log header settles before the end of its log is looked for. It is filled in where it
/// lies, as stacks are small.
#[derive(Default)]
pub(super) struct Shape {
    pub(super) plan: Plan,
    pub(super) copies: Copies,
    /// Bytes of the header, behind which journals lie.
    pub(super) size: u32,
}

impl Shape {
    fn set<S: Storage>(&mut self, header: &LogHeader, copies: Copies) -> Result<(), Invalid> {
        (self.copies, self.size) = (copies, header.size());
        self.plan = Plan::new::<S>(header)?;
        Ok(())
    }

    /// Becomes that of the log that is there, or of an empty one if there is none.
    #[inline(never)]
    pub(super) fn find_or_make<S: Storage>(
        &mut self,
        storage: &mut S,
        config: &Config<'_>,
    ) -> Result<(), Error<S::Error>> {
        match self.find(storage) {
            Err(Error::NoLog) => self.make(storage, config, None),
            found => found,
        }
    }

    /// Becomes that of an empty log in place of whatever is there.
    #[inline(never)]
    pub(super) fn replace<S: Storage>(
        &mut self,
        storage: &mut S,
        config: &Config<'_>,
    ) -> Result<(), Error<S::Error>> {
        storage.geometry().check()?;
        let old = match find(storage) {
            Ok((header, _)) => Some(header),
            Err(Error::Storage(error)) => return Err(Error::Storage(error)),
            Err(_) => None,
        };
        self.make(storage, config, old.as_ref())
    }

    #[inline(never)]
    fn make<S: Storage>(
        &mut self,
        storage: &mut S,
        config: &Config<'_>,
        old: Option<&LogHeader>,
    ) -> Result<(), Error<S::Error>> {
        let header = create(storage, config, old)?;
        Ok(self.set::<S>(&header, Copies::Both)?)
    }

    /// Becomes that of the log that is there, unless it was made for another medium.
    #[inline(never)]
    pub(super) fn find<S: Storage>(&mut self, storage: &mut S) -> Result<(), Error<S::Error>> {
        storage.geometry().check()?;
        let mut header = LogHeader::NONE;
        let copies = find_into(storage, &mut header)?;
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
        Ok(self.set::<S>(&header, copies)?)
    }

    /// Refuses a log of other formats than those asked for.
    pub(super) fn check_formats<S: Storage>(
        &self,
        storage: &mut S,
        config: &Config<'_>,
    ) -> Result<(), Error<S::Error>> {
        config.formats.map_or(Ok(()), |formats| self.compare(storage, formats))
    }

    /// Compares formats with those of the log.
    #[inline(never)]
    fn compare<S: Storage>(
        &self,
        storage: &mut S,
        formats: &[Format<'_>],
    ) -> Result<(), Error<S::Error>> {
        let compared = self.compare_with(storage, self.copies.slot(), formats);
        if self.copies == Copies::Both && matches!(compared, Err(Error::Mismatch(_))) {
            // One of the copies may have bits that do not read the same every time.
            return self.compare_with(storage, 1, formats);
        }
        compared
    }

    /// Refuses a log of other sizes than those asked for.
    pub(super) fn check_sizes(&self, config: &Config<'_>) -> Result<(), Mismatch> {
        let asked = match config.formats {
            Some([_, ..]) => None,
            Some([]) | None => config.record_size,
        };
        if let Some(asked) = asked.filter(|&asked| asked != self.plan.record_size) {
            return Err(Mismatch::RecordSize(self.plan.record_size, asked));
        }
        if let Some(asked) = config.bucket_size.filter(|&asked| asked != self.plan.bucket_size) {
            return Err(Mismatch::BucketSize(self.plan.bucket_size, asked));
        }
        Ok(())
    }

    fn compare_with<S: Storage>(
        &self,
        storage: &mut S,
        slot: u32,
        formats: &[Format<'_>],
    ) -> Result<(), Error<S::Error>> {
        let (was, is) = (u32::from(self.plan.formats), u32::try_from(formats.len()));
        let is = is.unwrap_or(u32::MAX);
        if was != is {
            return Err(Mismatch::Formats(was, is).into());
        }
        let mut medium = Medium::new(storage);
        let differs = differing_format(&mut medium, Text::new(self.size, slot), formats);
        match medium.end(differs).map_err(Error::Storage)? {
            None => Ok(()),
            Some(at) => Err(Mismatch::Format(at).into()),
        }
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

//! Storing: securing room, beginning buckets, and giving old ones up.
//!
//! It promises that a record is taken only once the space for its commit is certain, that a
//! refused record changes nothing, and that no bucket goes while a reader needs it, unless the
//! policy says so.

use super::{Log, NO_INDEX, header::Copies};
use crate::{
    config::Policy,
    error::{Error, Invalid},
    layout::plan::{FIRST_FRAME, RECORDS_AT},
    storage::Storage,
    words::{MAX_INDEX, MAX_SEQN},
};

/// How many bytes more than needed are set aside when a bucket outgrows its plan, where there is
/// space for them.
const GROWTH: u32 = 16 * 1024;

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Stores one record, filled up with zeros to the record size, and returns its number. Commits
    /// as soon as `commit_delta` records are waiting.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the record is too long; [`Error::Full`]; [`Error::Exhausted`];
    /// [`Error::Closed`]; [`Error::Poisoned`]; [`Error::Storage`]. With the first three, nothing
    /// has changed and no number is used up.
    pub fn store_record(&mut self, data: &[u8]) -> Result<u64, Error<S::Error>> {
        check_size(self.plan.record_size, data)?;
        self.store_with(|record| fill_from(record, data))
    }

    /// Stores the record that `fill` writes into the zeroed bytes it is given. If `fill` refuses,
    /// nothing is stored.
    ///
    /// ```
    /// # use tslog::{Config, Log, storage::ram::Ram};
    /// # let mut medium = [0xFF; 8 * 256];
    /// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
    /// # let buffer = [0; tslog::buffer_size(8, 2)];
    /// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
    /// log.store_with(|record| {
    ///     record[..4].copy_from_slice(&20.5_f32.to_le_bytes());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Log::store_record`], and whatever `fill` returns.
    pub fn store_with(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Invalid>,
    ) -> Result<u64, Error<S::Error>> {
        self.store_only(fill)?;
        if self.uncommitted() >= u64::from(self.commit_delta) {
            self.commit()?;
        }
        Ok(self.tail.stored)
    }

    /// As [`Log::store_with`], but leaves the commit to the caller.
    ///
    /// # Errors
    /// As [`Log::store_with`].
    #[doc(hidden)]
    pub fn store_only(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Invalid>,
    ) -> Result<u64, Error<S::Error>> {
        self.check_open()?;
        if self.tail.stored >= MAX_SEQN {
            return Err(Error::Exhausted);
        }
        self.mend_header()?;
        self.secure_room()?;
        let stored = self.store_copy(|record| {
            record.fill(0);
            fill(record)
        });
        Ok(stored?)
    }

    /// Copies one record into the batch, which has room for it. `fill` is given whatever bytes are
    /// there.
    #[inline]
    pub(crate) fn store_copy(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Invalid>,
    ) -> Result<u64, Invalid> {
        let size = self.plan.record_size as usize;
        let begin = (self.tail.pending as usize).saturating_mul(size);
        let begin = begin.saturating_add(RECORDS_AT);
        let buffer = self.buffer.as_mut().get_mut(begin..).and_then(|rest| rest.get_mut(..size));
        let record = buffer.ok_or(Invalid::Buffer(begin.saturating_add(size) as u64, 0))?;
        fill(record)?;
        self.tail.pending = self.tail.pending.saturating_add(1);
        self.tail.stored = self.tail.stored.saturating_add(1);
        Ok(self.tail.stored)
    }

    /// Writes a copy of the header again that was found damaged: a write that was cut may read
    /// whole tomorrow, and would then name another log. A journal beside it is left alone.
    pub(super) fn mend_header(&mut self) -> Result<(), Error<S::Error>> {
        let Some(damaged) = self.copies.damaged() else { return Ok(()) };
        if self.journal.lies_in(damaged) {
            return Ok(());
        }
        match super::journal::mend_header(&mut self.storage, &self.plan, damaged) {
            Ok(()) => {
                self.copies = Copies::Both;
                Ok(())
            }
            // Only slots with names fill up, and no bits there change their mind: it can wait.
            Err(error) if S::is_full(&error) => Ok(()),
            Err(error) => Err(self.poison(error)),
        }
    }

    /// Makes sure that the batch and one more record can be committed without new space.
    fn secure_room(&mut self) -> Result<(), Error<S::Error>> {
        if self.must_roll() {
            return self.roll();
        }
        let (flush, end) = self.room_needed();
        if end > self.plan.slot_size {
            return self.roll();
        }
        if self.plan.is_named::<S>() && end > self.tail.reserved {
            match self.set_aside(self.tail.head, end.saturating_add(GROWTH), end)? {
                Some(size) => self.tail.reserved = size,
                // Beginning the next bucket first gives up what all have read.
                None => return self.roll(),
            }
        }
        if flush { self.write_part() } else { Ok(()) }
    }

    /// Begins the next bucket. Its header is written with its first frame.
    ///
    /// *Power goes here:* the slot is blank, or its old bytes belong to another bucket; either way
    /// the bucket before it is the newest.
    pub(super) fn roll(&mut self) -> Result<(), Error<S::Error>> {
        let next = match self.tail.head {
            NO_INDEX => 0,
            head => head.saturating_add(1),
        };
        if next >= MAX_INDEX {
            return Err(Error::Exhausted);
        }
        if self.plan.is_named::<S>() {
            self.refresh_cursors()?;
        }
        self.give_up_consumed(next)?;
        // Where no header is sound there is no bucket, though there may be frames.
        if self.tail.abandoned || self.tail.head == NO_INDEX {
            self.erase_void(next)?;
        }
        if self.tail.has_parts() {
            // So that a bucket with part frames never outlives the one before it.
            self.sync()?;
        }
        let reserved = self.begin_slot(next)?;
        if self.tail.pending > 0 {
            self.write_part()?;
        }
        let tail = &mut self.tail;
        if tail.head == NO_INDEX {
            tail.oldest = next;
        }
        tail.head = next;
        tail.first = tail.stored.saturating_add(1);
        tail.offset = FIRST_FRAME;
        (tail.reserved, tail.abandoned, tail.closed) = (reserved, false, false);
        Ok(())
    }

    /// Gives up every bucket that all readers are behind, as far as the medium wants that, and then
    /// what the ring has no place for.
    fn give_up_consumed(&mut self, next: u32) -> Result<(), Error<S::Error>> {
        if self.tail.head == NO_INDEX {
            return Ok(());
        }
        if self.plan.is_named::<S>() {
            self.discard_consumed()?;
        }
        while next.saturating_sub(self.tail.oldest) >= self.ring {
            let in_use = self.tail.oldest >= self.tail.anchor;
            if in_use || !self.is_consumed(self.tail.oldest)? {
                self.drop_unread()?;
            } else if !self.give_up_oldest()? {
                return Err(Error::Full);
            }
        }
        Ok(())
    }

    /// Discards consumed buckets from the oldest on. A failure is no error: the bucket is tried
    /// again with the next roll.
    pub(super) fn discard_consumed(&mut self) -> Result<(), Error<S::Error>> {
        if self.tail.head == NO_INDEX {
            return Ok(());
        }
        while self.tail.oldest < self.tail.anchor.min(self.tail.head)
            && self.is_consumed(self.tail.oldest)?
        {
            if !self.give_up_oldest()? {
                break;
            }
        }
        Ok(())
    }

    /// Moves `oldest` on; where slots have names, gives the space back. Says whether that worked.
    pub(super) fn give_up_oldest(&mut self) -> Result<bool, Error<S::Error>> {
        let (oldest, newest) = (self.tail.oldest, self.tail.anchor.min(self.tail.head));
        self.tail.oldest = if self.plan.is_named::<S>() {
            if self.storage.discard(self.plan.slot(oldest)).is_err() {
                return Ok(false);
            }
            self.look(|probe| probe.above(oldest, newest))?
        } else {
            oldest.saturating_add(1)
        };
        if self.tail.anchor != NO_INDEX {
            self.tail.anchor = self.tail.anchor.max(self.tail.oldest);
        }
        Ok(true)
    }

    /// True if every declared reader has committed beyond the last record of bucket `index`.
    pub(super) fn is_consumed(&mut self, index: u32) -> Result<bool, Error<S::Error>> {
        let least = self.declared().iter().map(|reader| reader.committed).min().unwrap_or(0);
        let (head, first) = (self.tail.head, self.tail.first);
        let following = index.saturating_add(1);
        let end = if following >= head {
            first
        } else {
            let newest = head.saturating_sub(1);
            self.look(|probe| probe.first_at_or_after(following, newest))?.unwrap_or(first)
        };
        Ok(end.saturating_sub(1) <= least)
    }

    /// The oldest bucket is still needed: refuses, or drops it, as the policy says.
    fn drop_unread(&mut self) -> Result<(), Error<S::Error>> {
        let none = self.tail.anchor == NO_INDEX || self.tail.head == NO_INDEX;
        let last_one = none || self.tail.oldest >= self.tail.anchor.min(self.tail.head);
        if self.policy == Policy::Error || last_one {
            return Err(Error::Full);
        }
        if self.give_up_oldest()? { Ok(()) } else { Err(Error::Full) }
    }

    /// Erases what a cut left beyond the newest bucket, newest first, so that none of it is ever
    /// taken for the bucket that gets its index now.
    pub(super) fn erase_void(&mut self, next: u32) -> Result<(), Error<S::Error>> {
        if self.plan.is_named::<S>() {
            let own = self.plan.slot(next);
            while let Some(present) = self.storage.present(u32::MAX).map_err(Error::Storage)? {
                if present.highest < own {
                    break;
                }
                self.storage.discard(present.highest).map_err(|error| self.poison(error))?;
                self.sync()?;
            }
            return Ok(());
        }
        let low = self.tail.stored.saturating_add(1);
        let high = low.saturating_add(self.plan.numbers_max::<S>().saturating_mul(4));
        for index in (next..=next.saturating_add(3)).rev() {
            let slot = self.plan.slot(index);
            // A bucket counts with a rotten header too, behind the one before it.
            let is_there = self.look(|probe| match probe.index_in_slot(slot) {
                Some(there) => there == index,
                None => probe.first_sound(index, low, high).is_some(),
            })?;
            if is_there {
                self.storage.erase(slot).map_err(|error| self.poison(error))?;
                self.storage.sync().map_err(|error| self.poison(error))?;
            }
        }
        Ok(())
    }

    /// Makes the slot of bucket `next` blank and sets its room aside.
    fn begin_slot(&mut self, next: u32) -> Result<u32, Error<S::Error>> {
        let slot = self.plan.slot(next);
        if !self.plan.is_named::<S>() {
            if core::mem::take(&mut self.ahead) {
                return Ok(self.plan.slot_size);
            }
            self.storage.erase(slot).map_err(|error| self.poison(error))?;
            if self.tail.abandoned {
                // What a cut has left here must not mingle with what comes.
                self.sync()?;
            }
            return Ok(self.plan.slot_size);
        }
        let least = FIRST_FRAME.saturating_add(self.plan.frame_bytes(1));
        let mut trimmed = false;
        loop {
            let reserved = match self.storage.erase(slot) {
                Ok(()) => self.set_aside(next, self.plan.room(self.commit_delta), least)?,
                Err(error) if S::is_full(&error) => None,
                Err(error) => return Err(self.poison(error)),
            };
            if let Some(reserved) = reserved {
                return Ok(reserved);
            }
            self.storage.discard(slot).map_err(|error| self.poison(error))?;
            if core::mem::replace(&mut trimmed, true) {
                self.drop_unread()?;
            } else {
                self.trim_head();
            }
        }
    }

    /// Gives back what the newest bucket has set aside and will not use. That a medium cannot is no
    /// error.
    fn trim_head(&mut self) {
        if self.tail.head == NO_INDEX {
            return;
        }
        let waiting = match self.tail.pending {
            0 => 0,
            pending => self.plan.frame_bytes(u32::from(pending)),
        };
        let size = self.tail.offset.saturating_add(waiting);
        if self.storage.trim(self.plan.slot(self.tail.head), size).is_ok() {
            self.tail.reserved = self.tail.reserved.min(size);
        }
    }

    /// Sets room aside in bucket `index`: what is wanted, or else the least that will do. Returns
    /// how many bytes there are then, or `None` if there is no space even for that.
    fn set_aside(
        &mut self,
        index: u32,
        want: u32,
        least: u32,
    ) -> Result<Option<u32>, Error<S::Error>> {
        for size in [want, least] {
            let size = size.min(self.plan.slot_size);
            match self.storage.reserve(self.plan.slot(index), size) {
                Ok(()) => return Ok(Some(size)),
                Err(error) if S::is_full(&error) => {}
                Err(error) => return Err(self.poison(error)),
            }
        }
        Ok(None)
    }

    /// Before cursors go where they name the newest bucket: makes sure that what a cut left behind
    /// it can never read as a newer one.
    pub(super) fn forget_torn_bucket(&mut self) -> Result<(), Error<S::Error>> {
        let next = self.tail.head.saturating_add(1);
        let live =
            next.saturating_sub(self.plan.ring) >= self.tail.oldest && next >= self.plan.ring;
        if !self.tail.abandoned || self.tail.head == NO_INDEX || live {
            return Ok(());
        }
        let slot = self.plan.slot(next);
        let size = self.plan.slot_size;
        if !self.look(|probe| probe.is_blank(next, 0, size))? {
            self.storage.erase(slot).map_err(|error| self.poison(error))?;
            self.sync()?;
        }
        Ok(())
    }
}

/// Refuses what is longer than a record, before a bucket is begun for it.
pub(crate) fn check_size(record_size: u32, data: &[u8]) -> Result<(), Invalid> {
    let (most, given) = (u64::from(record_size), data.len() as u64);
    if given > most { Err(Invalid::Record(most, given)) } else { Ok(()) }
}

/// Copies `data` to the beginning of a record, and zeros behind it.
#[inline]
pub(crate) fn fill_from(record: &mut [u8], data: &[u8]) -> Result<(), Invalid> {
    let (most, len) = (record.len() as u64, data.len());
    let parts = record.split_at_mut_checked(len);
    let (room, rest) = parts.ok_or(Invalid::Record(most, len as u64))?;
    room.copy_from_slice(data);
    // A call for nothing would be a good part of what storing a whole record costs.
    if !rest.is_empty() {
        rest.fill(0);
    }
    Ok(())
}

//! Opening: finding where the log ends. It writes nothing.
//!
//! 1. The newest bucket is found by bisection over the ring, or by name.
//! 2. From there back, buckets that hold no whole commit, cursor or closing frame are *void*: a cut
//!    left them behind, and the next bucket begun takes their place.
//! 3. The newest bucket that is not void is walked from frame to frame. Whatever is followed by a
//!    sound frame was synced before that one was written; so only the last frame can be torn, and
//!    only that one's payload is read.
//! 4. Unless the walk ends in a closing frame with nothing behind it, the bucket is abandoned: bits
//!    of a write that was cut may read blank now and otherwise later, so nothing is added there.
//! 5. Cursors come from the bucket header, the cursor frames and the journal, or from their places.
//!    A cursor beyond the last commit proves that commits were lost; numbering goes on behind it.

#[cfg(feature = "std")]
use super::read::Bounds;
use super::{
    Found, Log, NO_INDEX,
    cursors::{ReaderState, newest_place},
    journal::JournalState,
    probe::{Probe, Window},
};
use crate::{
    error::Error,
    layout::{
        bucket::BucketHeader,
        cursor::{Journal, PAYLOAD_SIZE, decode_payload},
        frame::{FrameHeader, Kind},
        header::LogHeader,
    },
    storage::Storage,
    words::{MAX_INDEX, MAX_READERS},
};

/// How often bytes that a cut may have left half programmed are read before they are believed.
pub(super) const READS: u32 = 4;

/// How many bytes at the end of the last frame may be such bytes: those programmed at once.
const MARGINAL: u32 = 32;

/// What the walk over one bucket found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// The number the bucket begins with.
    pub(crate) first: u64,
    pub(crate) header: Option<BucketHeader>,
    /// The last number of the last whole commit, if one ends here.
    pub(crate) committed: Option<u64>,
    /// Where the last sound frame ends.
    pub(crate) end: u32,
    /// The bucket holds a commit, a cursor or a closing frame.
    pub(crate) solid: bool,
    /// The last frame is a closing frame.
    pub(crate) closed: bool,
    /// The latest cursor frame of each reader.
    pub(crate) cursors: [Option<u64>; MAX_READERS],
    /// The chain of frames goes on beyond `end`.
    more: bool,
}

/// A frame on the chain.
#[derive(Clone, Copy)]
struct Link {
    offset: u32,
    header: FrameHeader,
    size: u32,
    number: u64,
}

impl Link {
    fn end(&self) -> u32 {
        self.offset.saturating_add(self.size)
    }

    /// The number behind the last record of the frame.
    fn next(&self) -> u64 {
        let records = if self.header.has_records() { u64::from(self.header.count) } else { 0 };
        self.number.saturating_add(records)
    }
}

impl<S: Storage> Probe<'_, '_, S> {
    /// Walks bucket `index`. Where its header is rotten, its first frame must begin with a number
    /// from `low` to `high`; `None` if it does not, and so is no bucket.
    pub(crate) fn walk(
        &mut self,
        index: u32,
        low: u64,
        high: u64,
    ) -> Result<Option<Walk>, S::Error> {
        let header = self.bucket_header(index)?;
        let first = match header {
            Some(header) => header.first,
            None => match self.first_frame_number(index, low, high)? {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        let begin = self.plan.first_frame();
        let mut walk = Walk {
            first,
            header,
            committed: None,
            end: begin,
            solid: false,
            closed: false,
            cursors: [None; MAX_READERS],
            more: false,
        };
        let last = self.hop(index, &mut walk)?;
        if let Some(link) = last {
            if self.is_stable(index, link)? {
                walk.committed = Some(link.next().saturating_sub(1));
                walk.end = walk.end.max(link.end());
                walk.solid = true;
            } else {
                self.check_all(index, &mut walk)?;
            }
        }
        walk.closed &= !walk.more;
        Ok(Some(walk))
    }

    /// The first number of bucket `oldest`, by its header, its first frame, or the bucket behind
    /// it.
    pub(crate) fn first_number(&mut self, oldest: u32, head: u32) -> Result<u64, S::Error> {
        if let Some(header) = self.bucket_header(oldest)? {
            return Ok(header.first);
        }
        if oldest == 0 {
            return Ok(1);
        }
        let end = self.first_at_or_after(oldest.saturating_add(1), head)?.unwrap_or(1);
        let low = end.saturating_sub(u64::from(self.plan.bucket_size));
        Ok(self.first_frame_number(oldest, low, end)?.unwrap_or(end))
    }

    /// The number of the first frame, where the header of the bucket is rotten.
    pub(crate) fn first_frame_number(
        &mut self,
        index: u32,
        low: u64,
        high: u64,
    ) -> Result<Option<u64>, S::Error> {
        let offset = self.plan.first_frame();
        let Some(frame) = self.frame_header(index, offset)? else { return Ok(None) };
        let computed = self.frame_crc(index, offset, frame, |_, _| {})?;
        Ok(frame.0.number_in(computed, low, high))
    }

    /// Follows the chain of frames by their headers. Notes cursors and closing frames, which are
    /// checked, and returns the last frame that ends a commit, unless a checked frame follows it
    /// and so vouches for it.
    fn hop(&mut self, index: u32, walk: &mut Walk) -> Result<Option<Link>, S::Error> {
        let mut offset = walk.end;
        let mut number = walk.first;
        let mut last: Option<Link> = None;
        loop {
            let Some(link) = self.next_link(index, offset, number)? else {
                walk.more |= offset > walk.end;
                return Ok(last);
            };
            walk.more |= link.offset > offset;
            match link.header.kind {
                Kind::Records => last = Some(link),
                Kind::Cursor | Kind::Close => {
                    if self.note(index, link, walk)? {
                        let committed = last.take().map(|last| last.next().saturating_sub(1));
                        walk.committed = committed.or(walk.committed);
                        (walk.solid, walk.end, walk.more) = (true, link.end(), false);
                        walk.closed = link.header.kind == Kind::Close;
                    }
                }
                Kind::Part | Kind::Journal => {}
            }
            offset = link.end();
            number = link.next();
        }
    }

    /// The next frame of the chain at `offset`, or behind a place where the chain is broken.
    fn next_link(
        &mut self,
        index: u32,
        offset: u32,
        number: u64,
    ) -> Result<Option<Link>, S::Error> {
        if let Some((header, size)) = self.frame_header(index, offset)? {
            return Ok(Some(Link { offset, header, size, number }));
        }
        let end = offset.saturating_add(32).min(self.plan.slot_size);
        if self.is_blank(index, offset, end)? {
            return Ok(None);
        }
        let high = number.saturating_add(u64::from(self.plan.bucket_size));
        let found = self.resync(index, offset, number, high)?;
        let Some(found) = found else { return Ok(None) };
        let frame = self.frame_header(index, found.offset)?;
        Ok(frame.map(|(header, size)| Link {
            offset: found.offset,
            header,
            size,
            number: found.number,
        }))
    }

    /// Checks a cursor or closing frame and takes note of it. Says whether it is sound.
    fn note(&mut self, index: u32, link: Link, walk: &mut Walk) -> Result<bool, S::Error> {
        let mut payload = [0; PAYLOAD_SIZE];
        let frame = (link.header, link.size);
        let computed = self.frame_crc(index, link.offset, frame, |done, bytes| {
            let at = done as usize;
            let rest = payload.get_mut(at..).unwrap_or_default();
            for (to, from) in rest.iter_mut().zip(bytes) {
                *to = *from;
            }
        })?;
        if !link.header.begins_with(computed, link.number) || !self.rereads(index, link)? {
            return Ok(false);
        }
        if link.header.kind == Kind::Cursor
            && let Some((reader, cursor)) = decode_payload(payload)
            && let Some(place) = walk.cursors.get_mut(usize::from(reader))
        {
            *place = Some(cursor);
        }
        Ok(true)
    }

    fn is_sound(&mut self, index: u32, link: Link) -> Result<bool, S::Error> {
        let frame = (link.header, link.size);
        let computed = self.frame_crc(index, link.offset, frame, |_, _| {})?;
        Ok(link.header.begins_with(computed, link.number))
    }

    /// True if the frame is sound, and will be sound tomorrow.
    fn is_stable(&mut self, index: u32, link: Link) -> Result<bool, S::Error> {
        Ok(self.is_sound(index, link)? && self.rereads(index, link)?)
    }

    /// True if the end of a frame reads the same every time. A cut that came early shows in the
    /// check; one that came with the last word may not, as long as its bits happen to read right.
    fn rereads(&mut self, index: u32, link: Link) -> Result<bool, S::Error> {
        if self.plan.named {
            return Ok(true);
        }
        let size = link.size.min(MARGINAL);
        let offset = link.end().saturating_sub(size);
        let mut before = [0; MARGINAL as usize];
        for read in 0..READS {
            let mut now = [0; MARGINAL as usize];
            let bytes = now.get_mut(..size as usize).unwrap_or_default();
            self.storage.read(self.plan.slot(index), offset, bytes)?;
            if read > 0 && now != before {
                return Ok(false);
            }
            before = now;
        }
        Ok(true)
    }

    /// The last frame of the chain is not whole, so the chain itself cannot be trusted: checks
    /// every
    /// frame and notes the last commit that is whole.
    fn check_all(&mut self, index: u32, walk: &mut Walk) -> Result<(), S::Error> {
        self.forget();
        let mut offset = self.plan.first_frame();
        let mut number = walk.first;
        while let Some(link) = self.next_link(index, offset, number)? {
            let ends = link.header.kind == Kind::Records;
            if ends && self.is_stable(index, link)? {
                walk.committed = Some(link.next().saturating_sub(1));
                walk.solid = true;
                walk.end = walk.end.max(link.end());
            }
            offset = link.end();
            number = link.next();
        }
        walk.more = offset > walk.end;
        Ok(())
    }

    /// Finds the newest bucket on fixed slots: positions from the first on hold one lap, the others
    /// the lap before or nothing.
    fn newest_in_ring(&mut self) -> Result<Option<u32>, S::Error> {
        let ring = self.plan.ring;
        let Some(base) = self.header_in_slot(self.plan.slot(0))? else {
            return self.newest_by_scan();
        };
        let same_lap =
            |header: &BucketHeader| header.index.checked_div(ring) == base.index.checked_div(ring);
        let (mut low, mut high, mut newest) = (0, ring, base.index);
        while high.saturating_sub(low) > 1 {
            let middle = u32::midpoint(low, high);
            let header = self.header_in_slot(self.plan.slot(middle))?.filter(same_lap);
            match header {
                Some(header) => (low, newest) = (middle, header.index),
                None => high = middle,
            }
        }
        // A rotten header misleads the bisection; the buckets behind it tell.
        for behind in high.saturating_add(1)..high.saturating_add(3).min(ring) {
            if self.header_in_slot(self.plan.slot(behind))?.is_some_and(|found| same_lap(&found)) {
                return self.newest_by_scan();
            }
        }
        Ok(Some(newest))
    }

    fn newest_by_scan(&mut self) -> Result<Option<u32>, S::Error> {
        let mut newest = None;
        for position in 0..self.plan.ring {
            let header = self.header_in_slot(self.plan.slot(position))?;
            newest = newest.max(header.map(|header| header.index));
        }
        Ok(newest)
    }

    /// The newest and the oldest bucket there may be.
    pub(crate) fn extremes(&mut self) -> Result<Option<(u32, u32)>, S::Error> {
        if self.plan.named {
            let present = self.storage.present(u32::MAX)?;
            let index = |slot: u32| slot.saturating_sub(crate::storage::FIRST_BUCKET_SLOT);
            return Ok(present
                .filter(|present| index(present.highest) <= MAX_INDEX)
                .map(|present| (index(present.highest), index(present.lowest))));
        }
        let Some(newest) = self.newest_in_ring()? else {
            // Only the first bucket can be alone with a rotten header.
            return Ok(self.first_frame_number(0, 1, 1)?.map(|_| (0, 0)));
        };
        let following = newest.saturating_add(1);
        let rotten = match self.bucket_header(newest)? {
            Some(header) if following <= MAX_INDEX => {
                let high = header.first.saturating_add(u64::from(self.plan.bucket_size));
                self.first_frame_number(following, header.first, high)?.is_some()
            }
            Some(_) | None => false,
        };
        let newest = if rotten { following } else { newest };
        let oldest = newest.saturating_add(1).saturating_sub(self.plan.ring);
        let whole = self.bucket_header(oldest)?.is_some() || oldest == newest;
        Ok(Some((newest, if whole { oldest } else { oldest.saturating_add(1).min(newest) })))
    }

    /// How far the log goes, as the medium shows it now, for those who only look.
    #[cfg(feature = "std")]
    pub(crate) fn discover(&mut self) -> Result<Bounds, S::Error> {
        let empty = Bounds { oldest: 0, head: NO_INDEX, last: 0 };
        let Some((newest, oldest)) = self.extremes()? else { return Ok(empty) };
        let mut next = Some(newest);
        let mut bounds = empty;
        while let Some(index) = next.filter(|&index| index >= oldest) {
            let (low, high) = self.plausible_first(index, 0)?;
            if let Some(walk) = self.walk(index, low, high)? {
                let last = walk.committed.unwrap_or(walk.first.saturating_sub(1));
                bounds = Bounds { oldest, head: index, last };
                if walk.solid {
                    return Ok(bounds);
                }
            }
            next = self.below(index)?;
        }
        Ok(bounds)
    }

    /// The bucket that lies next below `index`, where missing ones need not be tried one by one.
    pub(crate) fn below(&mut self, index: u32) -> Result<Option<u32>, S::Error> {
        let Some(below) = index.checked_sub(1) else { return Ok(None) };
        let slot = self.plan.slot(below);
        if !self.plan.named || self.storage.extent(slot)? > 0 {
            return Ok(Some(below));
        }
        let present = self.storage.present(self.plan.slot(index))?;
        let index = |slot: u32| slot.saturating_sub(crate::storage::FIRST_BUCKET_SLOT);
        Ok(present.map(|present| index(present.highest)))
    }

    /// Where the header of bucket `index` is rotten, the numbers it may begin with.
    pub(crate) fn plausible_first(
        &mut self,
        index: u32,
        cursor: u64,
    ) -> Result<(u64, u64), S::Error> {
        let size = u64::from(self.plan.bucket_size);
        let Some(before) = index.checked_sub(1) else { return Ok((1, 1)) };
        Ok(match self.bucket_header(before)? {
            Some(header) => (header.first, header.first.saturating_add(size)),
            None => (cursor.saturating_sub(size).saturating_add(1), cursor.saturating_add(1)),
        })
    }
}

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Fills in everything the log knows about itself from the medium.
    pub(super) fn recover(&mut self, header: &LogHeader) -> Result<(), Error<S::Error>> {
        let (journal_state, journal) = if self.plan.named {
            (JournalState::NONE, None)
        } else {
            JournalState::find(&mut self.storage, &self.plan, header).map_err(Error::Storage)?
        };
        self.journal = journal_state;
        let named = self.read_places().map_err(Error::Storage)?;
        let cursors = named.iter().flatten().map(|state| state.committed);
        let (least, most) = (cursors.clone().min().unwrap_or(0), cursors.max().unwrap_or(0));
        let walk = self.find_tail(least, most)?;
        let journal = journal.filter(|journal| journal.index == self.tail.anchor);
        if journal.is_none() {
            self.journal.index = NO_INDEX;
        }
        self.take_cursors(walk.as_ref(), journal.as_ref(), &named)?;
        self.number_beyond_cursors();
        if self.plan.named {
            self.discard_consumed()?;
        }
        Ok(())
    }

    /// Finds the newest bucket that is not void, and where it ends.
    fn find_tail(&mut self, least: u64, most: u64) -> Result<Option<Walk>, Error<S::Error>> {
        let Some((newest, oldest)) =
            self.scan(|probe| -> Result<_, S::Error> { probe.extremes() })?
        else {
            self.found.clean = true;
            return Ok(None);
        };
        self.tail.oldest = oldest;
        let mut lowest: Option<(u32, Walk)> = None;
        let mut next = Some(newest);
        while let Some(index) = next.filter(|&index| index >= oldest) {
            if self.plan.named {
                let slot = self.plan.slot(index);
                self.storage.settle(slot).map_err(Error::Storage)?;
            }
            let walk = self.scan(|probe| {
                let (low, high) = probe.plausible_first(index, least)?;
                probe.walk(index, low, high)
            })?;
            if let Some(walk) = walk {
                if walk.solid {
                    return self.end_at(index, walk, newest).map(Some);
                }
                lowest = Some((index, walk));
            }
            next = self.scan(|probe| probe.below(index))?;
        }
        match lowest {
            // Commits before this bucket were made, read and given up; their numbers are taken. On
            // named slots the bucket may begin in the middle of a commit, and the cursors tell.
            Some((index, mut walk)) if walk.first > 1 && (most > 0 || !self.plan.named) => {
                let before = walk.first.saturating_sub(1);
                walk.committed = Some(if self.plan.named { before.min(most) } else { before });
                self.end_at(index, walk, newest).map(Some)
            }
            // Nothing was ever committed, or not a byte of it is left.
            _ => {
                (self.tail.oldest, self.tail.abandoned) = (0, true);
                Ok(None)
            }
        }
    }

    /// The log ends in bucket `index`.
    fn end_at(&mut self, index: u32, walk: Walk, newest: u32) -> Result<Walk, Error<S::Error>> {
        let committed = walk.committed.unwrap_or(walk.first.saturating_sub(1));
        let slot = self.plan.slot(index);
        let extent = self.storage.extent(slot).map_err(Error::Storage)?;
        let extent = extent.min(self.plan.slot_size);
        let orderly = walk.closed && walk.header.is_some() && index == newest;
        let clean = orderly && self.scan(|probe| probe.rest_is_blank(index, walk.end, extent))?;
        let tail = &mut self.tail;
        (tail.committed, tail.stored, tail.first) = (committed, committed, walk.first);
        (tail.head, tail.anchor, tail.offset) = (index, index, walk.end);
        (tail.reserved, tail.begun) = (extent, true);
        (tail.abandoned, tail.closed) = (!clean, clean);
        self.found.clean = clean;
        if !clean {
            self.found.abandoned_size =
                self.scan(|probe| probe.bytes_behind(index, walk.end, extent))?;
        }
        Ok(walk)
    }

    /// The cursors in the places of their own, where slots have names. An entry is `None` for a
    /// reader whose places are both torn or rotten.
    fn read_places(&mut self) -> Result<[Option<ReaderState>; MAX_READERS], S::Error> {
        let mut states = [None; MAX_READERS];
        if !self.plan.named {
            return Ok(states);
        }
        for (n, state) in (0..self.reader_count).zip(&mut states) {
            self.storage.settle_cursor(n)?;
            let place = newest_place(&mut self.storage, self.plan.base_seed, n)?;
            *state = place.map(|place| ReaderState::at(place.cursor, place.counter));
        }
        Ok(states)
    }

    /// Sets the cursor of each declared reader: the newest that is sound, or the oldest record.
    fn take_cursors(
        &mut self,
        walk: Option<&Walk>,
        journal: Option<&Journal>,
        named: &[Option<ReaderState>; MAX_READERS],
    ) -> Result<(), Error<S::Error>> {
        let numbers = self.numbers()?;
        for n in 0..usize::from(self.reader_count) {
            let place = named.get(n).copied().flatten();
            let in_bucket = walk.and_then(|walk| {
                let frame = walk.cursors.get(n).copied().flatten();
                frame.or(walk.header.and_then(|header| header.cursor(n)))
            });
            let in_journal = journal.and_then(|journal| journal.cursors.get(n).copied().flatten());
            let fresh = self.plan.named && self.is_fresh(n)?;
            let told = if fresh { None } else { in_journal.or(in_bucket) };
            let oldest = numbers.first.saturating_sub(1);
            let state = place.unwrap_or(ReaderState::at(told.unwrap_or(oldest), 0));
            if let Some(reader) = self.readers.get_mut(n) {
                *reader = state;
            }
        }
        Ok(())
    }

    /// True if the places of reader `n` were never written, or hold only an earlier log's cursors.
    fn is_fresh(&mut self, n: usize) -> Result<bool, Error<S::Error>> {
        let mut fresh = true;
        for place in 0..2 {
            let mut bytes = [0; crate::storage::CURSOR_PLACE_SIZE];
            let n = u8::try_from(n).unwrap_or(u8::MAX);
            self.storage.read_cursor(n, place, &mut bytes).map_err(Error::Storage)?;
            fresh &= bytes.iter().all(|&byte| byte == 0);
        }
        Ok(fresh)
    }

    /// A committed cursor beyond the last commit found proves that everything up to it was
    /// committed once. Those numbers are lost, and never given again.
    fn number_beyond_cursors(&mut self) {
        let most = self.declared().iter().map(|reader| reader.committed).max().unwrap_or(0);
        let tail = &mut self.tail;
        if most > tail.committed {
            let count = most.saturating_sub(tail.committed);
            self.found = Found {
                lost_last: most,
                lost_count: u32::try_from(count).unwrap_or(u32::MAX),
                clean: false,
                ..self.found
            };
            (tail.committed, tail.stored, tail.abandoned) = (most, most, true);
        }
    }

    /// Looks at the medium through the batch buffer, which is idle while the log opens.
    fn scan<T>(
        &mut self,
        look: impl FnOnce(&mut Probe<'_, '_, S>) -> Result<T, S::Error>,
    ) -> Result<T, Error<S::Error>> {
        let window = &mut Window::exact(self.buffer.as_mut());
        look(&mut Probe { storage: &mut self.storage, plan: self.plan, window })
            .map_err(Error::Storage)
    }
}

impl<S: Storage> Probe<'_, '_, S> {
    /// True if nothing was begun behind the closing frame. What will be written next is read
    /// several times, because a write that was cut may leave bits that read blank only sometimes.
    fn rest_is_blank(&mut self, index: u32, from: u32, to: u32) -> Result<bool, S::Error> {
        let near = from.saturating_add(256).min(to);
        let again = if self.plan.named { 0 } else { READS };
        for _ in 1..again {
            self.forget();
            if !self.is_blank(index, from, near)? {
                return Ok(false);
            }
        }
        self.forget();
        self.is_blank(index, from, to)
    }

    /// How many bytes from `from` on may be what is left of a write: up to the last that is not
    /// blank. Nothing is looked for behind 64 blank bytes.
    pub(crate) fn bytes_behind(&mut self, index: u32, from: u32, to: u32) -> Result<u32, S::Error> {
        let near = from.saturating_add(32).min(to);
        if self.is_blank(index, from, near)? {
            return Ok(0);
        }
        let blank = self.plan.blank();
        let (mut offset, mut end) = (from, from);
        while offset < to {
            let bytes = self.fetch(index, offset, to.saturating_sub(offset) as usize)?;
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(1);
            if let Some(last) = bytes.iter().rposition(|&byte| byte != blank) {
                end = offset.saturating_add(u32::try_from(last).unwrap_or(0)).saturating_add(1);
            }
            offset = offset.saturating_add(len);
        }
        Ok(end.saturating_sub(from))
    }
}

//! Looking at a medium without changing it: bucket headers, frames, and the way back after damage.
//!
//! Whatever reads a log reads it through a [`Probe`], so that recovery, readers beside the writer,
//! readers in other processes and tools all believe the same bytes.

use super::medium::Medium;
use crate::{
    layout::{
        bucket::{self, BucketHeader},
        crc::crc32c,
        frame::{self, FrameHeader},
        plan::Plan,
    },
    storage::Storage,
};

/// Bytes a reader without a buffer of its own looks at, at a time.
pub(crate) const CHUNK_SIZE: usize = 128;

/// Bytes that are looked through at a time for the next frame.
const LOOK_SIZE: u32 = 256;

/// Frames of more bytes than this are compared with the file they are in before they are read.
const LARGE: u32 = 64 * 1024;

/// What most media lose at once when they lose something.
const SECTOR: u32 = 512;

/// The part of one bucket that was read last.
#[derive(Debug)]
pub(crate) struct Window<'w> {
    bytes: &'w mut [u8],
    index: u32,
    offset: u32,
    len: usize,
    /// Whether to fill the whole window with each read, which pays where a read has a price.
    ahead: bool,
}

impl<'w> Window<'w> {
    /// A window that reads just what is asked for.
    #[inline(never)]
    pub(crate) fn exact(bytes: &'w mut [u8]) -> Self {
        Self { bytes, index: 0, offset: 0, len: 0, ahead: false }
    }

    /// An empty window that reads just what is asked for, or ahead where a read has a price.
    pub(crate) fn empty(bytes: &'w mut [u8], ahead: bool) -> Self {
        Self { bytes, index: 0, offset: 0, len: 0, ahead }
    }

    /// A window that reads ahead.
    #[cfg(feature = "std")]
    pub(crate) fn ahead(bytes: &'w mut [u8], seen: Seen) -> Self {
        Self { bytes, index: seen.index, offset: seen.offset, len: seen.len, ahead: true }
    }

    /// What the window holds now, to go on with later.
    #[cfg(feature = "std")]
    pub(crate) fn seen(&self) -> Seen {
        Seen { index: self.index, offset: self.offset, len: self.len }
    }

    /// How many bytes the window can hold.
    #[cfg(feature = "std")]
    pub(super) fn room(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes the window holds, to be moved about in it, and where in them `offset` is.
    #[cfg(feature = "std")]
    pub(super) fn at_hand(&mut self, offset: u32) -> (&mut [u8], usize) {
        let from = offset.saturating_sub(self.offset) as usize;
        (self.bytes.get_mut(..self.len).unwrap_or_default(), from)
    }

    pub(super) fn covers(&self, index: u32, offset: u32, len: usize) -> Option<usize> {
        let start = offset.checked_sub(self.offset)? as usize;
        (self.index == index && start.checked_add(len)? <= self.len).then_some(start)
    }
}

/// Which bytes a window holds.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    index: u32,
    offset: u32,
    len: usize,
}

/// A frame, where it is, and the number it begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) offset: u32,
    pub(crate) size: u32,
    pub(crate) header: FrameHeader,
    pub(crate) number: u64,
}

impl Link {
    /// A place where a frame should begin with a number; [`Probe::see`] looks what is there.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn at(offset: u32, number: u64) -> Self {
        let header = FrameHeader { count: 0, kind: frame::Kind::Close, crc: 0 };
        Self { offset, size: 0, header, number }
    }

    /// Moves to where the next frame should begin.
    pub(crate) fn advance(&mut self) {
        (self.offset, self.number) = (self.end(), self.next());
    }

    pub(crate) fn end(&self) -> u32 {
        self.offset.saturating_add(self.size)
    }

    /// The number behind the last record of the frame. It is needed all over: where flash is short,
    /// a call is less than the sum.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn next(&self) -> u64 {
        self.number.saturating_add(self.header.records())
    }
}

/// A search for sound frames where the chain of frames is broken: a frame should begin at `from`
/// with number `low`. Numbers are at most `high`, and not more above `low` than records have room
/// in what is skipped; `missing` more where numbers in front may be gone too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    index: u32,
    from: u32,
    low: u64,
    high: u64,
    missing: u64,
    /// Where to go on, and where to end.
    offset: u32,
    end: u32,
    /// How many bytes may still be checked, as forged lengths must not make us slow.
    budget: u32,
}

/// Where those stand who look at a log.
pub(crate) struct Probe<'a, 'w, S: Storage> {
    pub(super) storage: Medium<'a, S>,
    pub(crate) plan: &'a Plan,
    pub(crate) window: &'a mut Window<'w>,
}

/// Looks at a log through `window`, and hands on what was found, or why the medium failed.
pub(crate) fn look<S: Storage, T>(
    storage: &mut S,
    plan: &Plan,
    window: &mut Window<'_>,
    look: impl FnOnce(&mut Probe<'_, '_, S>) -> T,
) -> Result<T, S::Error> {
    let mut probe = Probe { storage: Medium::new(storage), plan, window };
    let found = look(&mut probe);
    let found = probe.storage.end(found);
    if found.is_err() {
        window.len = 0;
    }
    found
}

impl<S: Storage> Probe<'_, '_, S> {
    /// `len` bytes of bucket `index`, fewer only if the window is smaller.
    pub(crate) fn fetch(&mut self, index: u32, offset: u32, len: usize) -> &[u8] {
        let len = len.min(self.window.bytes.len());
        if self.window.covers(index, offset, len).is_none() {
            let room = self.plan.slot_size.saturating_sub(offset) as usize;
            let ahead = self.window.bytes.len().min(room).max(len);
            self.refill(index, offset, if self.window.ahead { ahead } else { len });
        }
        let start = self.window.covers(index, offset, len).unwrap_or(0);
        self.window.bytes.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default()
    }

    /// Reads `want` bytes of bucket `index` into the window, which is as large.
    pub(super) fn refill(&mut self, index: u32, offset: u32, want: usize) {
        self.window.len = 0;
        let bytes = self.window.bytes.get_mut(..want).unwrap_or_default();
        self.storage.read(self.plan.slot(index), offset, bytes);
        (self.window.index, self.window.offset, self.window.len) = (index, offset, want);
    }

    /// How many bytes of bucket `index` may be other than blank, from its beginning.
    #[inline(never)]
    pub(super) fn extent(&mut self, index: u32) -> u32 {
        self.storage.extent(self.plan.slot(index)).min(self.plan.slot_size)
    }

    /// The first number of bucket `index`, if the slot holds that bucket and its header is sound.
    pub(crate) fn first_of(&mut self, index: u32) -> Option<u64> {
        let bytes = self.header_bytes(self.plan.slot(index));
        let header = BucketHeader::decode(&bytes, self.plan.base_seed)?;
        (header.index == index).then_some(header.first)
    }

    /// The bytes of the header in `slot`.
    pub(super) fn header_bytes(&mut self, slot: u32) -> [u8; bucket::SIZE] {
        let mut bytes = [0; bucket::SIZE];
        self.storage.read(slot, 0, &mut bytes);
        bytes
    }

    /// The bucket of this log in `slot`, if its header is sound.
    pub(crate) fn index_in_slot(&mut self, slot: u32) -> Option<u32> {
        let bytes = self.header_bytes(slot);
        let header = BucketHeader::decode(&bytes, self.plan.base_seed)?;
        (self.plan.slot(header.index) == slot).then_some(header.index)
    }

    /// Sees whether there may be a frame where `link` is, by its header.
    pub(crate) fn see(&mut self, index: u32, link: &mut Link) -> bool {
        let room = self.plan.slot_size.saturating_sub(link.offset);
        if room < frame::SIZE_U32 {
            return false;
        }
        let header = frame::decode_at(self.fetch(index, link.offset, frame::SIZE));
        let Some(header) = header else { return false };
        let Some(size) = self.plan.frame_size(header) else { return false };
        (link.header, link.size) = (header, size);
        if self.plan.is_named::<S>() && size > LARGE {
            // A forged length must not make us read what is not there; asking has its price too.
            let extent = self.storage.extent(self.plan.slot(index));
            return size <= room && link.end() <= extent;
        }
        size <= room && header.kind != frame::Kind::Journal
    }

    /// The CRC of a frame as it reads now, to be compared with what its header says; and copies of
    /// the payload what fits into `out`, from `skip` on.
    #[inline(never)]
    pub(crate) fn copy_frame(&mut self, index: u32, link: &Link, skip: u32, out: &mut [u8]) -> u32 {
        let seed = bucket::seed(self.plan.base_seed, index);
        let mut crc = crc32c(seed, &link.header.head());
        let payload = link.size.saturating_sub(frame::SIZE_U32);
        let mut done = 0_u32;
        while done < payload {
            let at = link.offset.saturating_add(frame::SIZE_U32).saturating_add(done);
            let bytes = self.fetch(index, at, payload.saturating_sub(done) as usize);
            crc = crc32c(crc, bytes);
            copy_overlap(out, skip, done, bytes);
            done = done.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(1));
        }
        crc
    }

    /// True if a frame is sound, and begins with the number it is taken to begin with.
    pub(crate) fn is_sound(&mut self, index: u32, link: &Link) -> bool {
        let computed = self.copy_frame(index, link, 0, &mut []);
        link.header.begins_with(computed, link.number)
    }

    /// The records in front of bucket `index`: the number its header gives, or that of the next
    /// bucket up to `head` whose header is sound.
    pub(crate) fn first_at_or_after(&mut self, index: u32, head: u32) -> Option<u64> {
        let mut index = index;
        while index <= head {
            if let Some(first) = self.first_of(index) {
                return Some(first);
            }
            index = self.above(index, head);
        }
        None
    }

    /// Begins a search in bucket `index`. The work is bounded by a few times the bytes that are
    /// there, and by [`LARGE`] for each length that claims more.
    #[inline(never)]
    pub(crate) fn search(
        &mut self,
        index: u32,
        from: u32,
        (low, high): (u64, u64),
        missing: u64,
    ) -> Search {
        let end = self.extent(index);
        let budget = end.saturating_mul(4).saturating_add(4096);
        Search { index, from, low, high, missing, offset: from, end, budget }
    }

    /// The next sound frame of a search.
    pub(crate) fn next_sound(&mut self, search: &mut Search) -> Option<Link> {
        let index = search.index;
        while search.offset.saturating_add(frame::SIZE_U32) <= search.end && search.budget > 0 {
            let offset = search.offset;
            let skip = self.before_header(index, offset, search.end);
            if skip > 0 {
                search.offset = offset.saturating_add(skip);
                continue;
            }
            search.offset = offset.saturating_add(self.plan.write_size());
            let mut link = Link::at(offset, 0);
            if !self.see(index, &mut link) {
                continue;
            }
            // What is not there costs little, and a rotten length must not end the search.
            let checked = link.size.min(search.end.saturating_sub(offset));
            search.budget = search.budget.saturating_sub(checked);
            let computed = self.copy_frame(index, &link, 0, &mut []);
            let span = offset.saturating_sub(search.from).checked_div(self.plan.record_size);
            let most = search.missing.saturating_add(u64::from(span.unwrap_or(0)));
            let high = search.high.min(search.low.saturating_add(most));
            if let Some(number) = link.header.number_in(computed, search.low, high) {
                link.number = number;
                search.offset = link.end();
                return Some(link);
            }
        }
        None
    }

    /// True if nothing was written at `offset` or behind: a few places are blank, one of which
    /// would not be if a sector alone had been lost.
    pub(crate) fn ends_at(&mut self, index: u32, offset: u32) -> bool {
        let extent = self.extent(index);
        let (mut at, mut step) = (offset, 0);
        while at < extent {
            if !self.is_blank(index, at, at.saturating_add(32).min(extent)) {
                return false;
            }
            at = at.checked_next_multiple_of(SECTOR).unwrap_or(extent).saturating_add(step);
            step = step.saturating_mul(2).max(SECTOR);
        }
        true
    }

    /// How many bytes there are up to the next word that looks like a frame header, of the few that
    /// are looked at at once.
    fn before_header(&mut self, index: u32, offset: u32, extent: u32) -> u32 {
        let blank = self.plan.blank::<S>();
        let step = self.plan.write_size() as usize;
        let len = extent.saturating_sub(offset).min(LOOK_SIZE) as usize;
        let bytes = self.fetch(index, offset, len);
        // The count of a frame may look blank, and its kind does not.
        let words = run_of(blank, bytes).saturating_sub(2).checked_div(step).unwrap_or(0);
        let mut skip = words.saturating_mul(step);
        while let Some(word) = bytes.get(skip..)
            && word.len() >= frame::SIZE
            && frame::decode_at(word).is_none()
        {
            skip = skip.saturating_add(step);
        }
        u32::try_from(skip).unwrap_or(0)
    }

    /// True if all bytes of bucket `index` from `from` to `to` are blank.
    pub(crate) fn is_blank(&mut self, index: u32, from: u32, to: u32) -> bool {
        let blank = self.plan.blank::<S>();
        let mut offset = from;
        while offset < to {
            let bytes = self.fetch(index, offset, to.saturating_sub(offset) as usize);
            if run_of(blank, bytes) < bytes.len() {
                return false;
            }
            offset = offset.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(1));
        }
        true
    }

    /// Forgets what the window holds, so that the next look is at the medium.
    pub(crate) fn forget(&mut self) {
        self.window.len = 0;
    }
}

/// How many bytes at the start of `bytes` are `byte`. Sectors are looked through to their end when
/// a log opens behind a cut, so they are compared sixteen bytes at a time.
pub(super) fn run_of(byte: u8, bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<16>();
    let whole = blocks.iter().take_while(|block| **block == [byte; 16]).count();
    let rest = bytes.get(whole.saturating_mul(16)..).unwrap_or_default();
    let more = rest.iter().take_while(|&&other| other == byte).count();
    whole.saturating_mul(16).saturating_add(more)
}

/// Copies the part of `bytes`, which lie at `done` in a payload, that belongs into `out`, which
/// begins at `skip` in it.
fn copy_overlap(out: &mut [u8], skip: u32, done: u32, bytes: &[u8]) {
    let (skip, done) = (skip as usize, done as usize);
    let from = skip.saturating_sub(done);
    let to = done.saturating_sub(skip);
    let (Some(bytes), Some(out)) = (bytes.get(from..), out.get_mut(to..)) else { return };
    let len = bytes.len().min(out.len());
    if let (Some(bytes), Some(out)) = (bytes.get(..len), out.get_mut(..len)) {
        out.copy_from_slice(bytes);
    }
}

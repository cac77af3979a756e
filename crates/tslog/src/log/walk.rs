//! The walk over one bucket: where its frames are, and which of them count.
//!
//! It promises that whatever a walk calls committed reads back whole now and tomorrow: frames that
//! are followed by a sound one were synced before that one was written, and the last is checked to
//! its end, several times where bits may be in between.

use super::probe::{Link, Probe, run_of};
use crate::{
    layout::{
        bucket::{self, BucketHeader},
        crc::crc32c,
        cursor::{Cursors, PAYLOAD_SIZE, decode_payload},
        frame::{self, Kind},
        plan::FIRST_FRAME,
    },
    storage::Storage,
};

/// How often bytes that a cut may have left half programmed are read before they are believed.
pub(super) const READS: u32 = 4;

/// How many bytes at the end of the last frame may be such bytes: a page, which is programmed at
/// once.
const MARGINAL: u32 = 256;

/// What the walk over one bucket found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// The number the bucket begins with, or where its beginning is gone, one that is not in the
    /// bucket before.
    pub(crate) first: u64,
    /// The header of the bucket is sound.
    pub(crate) headed: bool,
    /// The last number of the last whole commit; 0 if none ends here.
    pub(crate) committed: u64,
    /// Where the last sound frame ends.
    pub(crate) end: u32,
    /// Where the last frame begins that ends a commit, or vouches for one.
    last: u32,
    /// The bucket holds a commit, a cursor or a closing frame.
    pub(crate) solid: bool,
    /// The last of these is a closing frame.
    pub(crate) closed: bool,
    /// What the latest cursor frame of each reader says, or else the header.
    pub(crate) cursors: Cursors,
}

impl Walk {
    /// Nothing was walked yet.
    pub(super) fn from_number(first: u64) -> Self {
        Self {
            first,
            headed: false,
            committed: 0,
            end: FIRST_FRAME,
            last: 0,
            solid: false,
            closed: false,
            cursors: Cursors::NONE,
        }
    }

    /// Everything up to the last record of this frame, or in front of it, is committed.
    fn count(&mut self, link: &Link) {
        self.committed = self.committed.max(link.next().saturating_sub(1));
        if link.offset >= self.last {
            (self.last, self.end) = (link.offset, link.end());
            self.closed = link.header.kind == Kind::Close;
        }
        self.solid = true;
    }
}

impl<S: Storage> Probe<'_, '_, S> {
    /// Walks bucket `index`. Where its header is rotten, its first sound frame must have a number
    /// that can be, given the buckets before or a committed `cursor`. False if there is no such
    /// frame, and so no bucket; the walk means nothing then.
    pub(crate) fn walk(&mut self, index: u32, cursor: u64, walk: &mut Walk) -> bool {
        self.walk_header(index, walk);
        let mut gone = false;
        if !walk.headed {
            let (low, high) = self.plausible_first(index, cursor);
            let Some(first) = self.first_sound(index, low, high) else { return false };
            // No record of the bucket before has this number, or a higher one.
            walk.first = first.number;
            gone = first.offset > FIRST_FRAME;
            if gone {
                let missing = high.saturating_sub(low);
                self.check_all(index, walk, (FIRST_FRAME, low), missing);
            }
        }
        if !gone {
            self.walk_chain(index, walk);
        }
        // Header and first frame are one write: unless a later frame shows that it was whole, the
        // header must be sound, and be so tomorrow.
        if walk.last <= FIRST_FRAME && !self.is_header_stable(index) {
            (walk.solid, walk.committed, walk.closed) = (false, 0, false);
        }
        // Parts alone show nothing: a cut may have left them without what was in front.
        walk.solid || !gone
    }

    /// Walks a bucket from its first frame on.
    fn walk_chain(&mut self, index: u32, walk: &mut Walk) {
        let mut link = Link::at(FIRST_FRAME, walk.first);
        if !self.hop(index, &mut link, walk) {
            self.check_all(index, walk, (FIRST_FRAME, walk.first), 0);
        } else if !self.ends_at(index, link.offset) {
            self.check_all(index, walk, (link.offset, link.number), 0);
        }
    }

    /// Begins a walk with what the header of the bucket says.
    #[inline(never)]
    fn walk_header(&mut self, index: u32, walk: &mut Walk) {
        let bytes = self.header_bytes(self.plan.slot(index));
        let header = BucketHeader::decode(&bytes, self.plan.base_seed);
        *walk = Walk::from_number(0);
        if let Some(header) = header.filter(|header| header.index == index) {
            (walk.headed, walk.first) = (true, header.first);
            walk.cursors = bucket::cursors(&bytes, header.first);
        }
    }

    /// True if the header of a bucket reads right every time.
    fn is_header_stable(&mut self, index: u32) -> bool {
        let again = if self.plan.is_named::<S>() { 1 } else { READS };
        for _ in 0..again {
            if self.first_of(index).is_none() {
                return false;
            }
        }
        true
    }

    /// Follows the chain of frames from `link` on by their headers, and checks the last one, which
    /// vouches for the others; cursors and closing frames, which vouch too, are checked where they
    /// are met. `link` is then where the chain is broken. False if its end is not sound, so that
    /// nothing vouches for the chain.
    #[inline(never)]
    fn hop(&mut self, index: u32, link: &mut Link, walk: &mut Walk) -> bool {
        // The last frame that ends a commit, and the last part behind it.
        let (mut last, mut part) = (None, None);
        while self.see(index, link) {
            match link.header.kind {
                Kind::Records => (last, part) = (Some(*link), None),
                Kind::Part => part = Some(*link),
                // Only the last frame can be what a cut left, and that one is read again below.
                Kind::Close if self.is_sound(index, link) => (last, part) = (Some(*link), None),
                Kind::Cursor if self.trust(index, link, walk) => (last, part) = (None, None),
                Kind::Cursor | Kind::Close | Kind::Journal => break,
            }
            link.advance();
        }
        part.is_none_or(|part| self.is_sound(index, &part))
            && last.is_none_or(|last| self.trust(index, &last, walk))
    }

    /// Takes note of a frame that ends a commit, if it is sound and will be so tomorrow; or of a
    /// cursor or closing frame, which was written once all numbers before its own were committed.
    fn trust(&mut self, index: u32, link: &Link, walk: &mut Walk) -> bool {
        let mut payload = [0; PAYLOAD_SIZE];
        let computed = self.copy_frame(index, link, 0, &mut payload);
        if !link.header.begins_with(computed, link.number) || !self.rereads(index, link) {
            return false;
        }
        // Where a sector reads as an earlier one does, an old cursor may lie behind a new one.
        if link.header.kind == Kind::Cursor
            && link.number > walk.committed
            && let Some((reader, cursor)) = decode_payload(payload)
        {
            walk.cursors.set(usize::from(reader), Some(cursor));
        }
        walk.count(link);
        true
    }

    /// True if the end of a sound frame reads the same every time. A cut that came early shows in
    /// the check; one that came with the last page may not, as long as its bits happen to read
    /// right.
    fn rereads(&mut self, index: u32, link: &Link) -> bool {
        if self.plan.is_named::<S>() {
            return true;
        }
        let mut first = None;
        for _ in 0..READS {
            self.forget();
            let same = if link.size <= MARGINAL {
                let header = frame::decode_at(self.fetch(index, link.offset, frame::SIZE));
                header == Some(link.header) && self.is_sound(index, link)
            } else {
                let tail = self.tail_crc(index, link.end().saturating_sub(MARGINAL));
                *first.get_or_insert(tail) == tail
            };
            if !same {
                return false;
            }
        }
        true
    }

    /// The CRC of the last bytes of a frame.
    fn tail_crc(&mut self, index: u32, from: u32) -> u32 {
        let (mut crc, mut done) = (0, 0);
        while done < MARGINAL {
            let want = MARGINAL.saturating_sub(done) as usize;
            let bytes = self.fetch(index, from.saturating_add(done), want);
            crc = crc32c(crc, bytes);
            done = done.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(1));
        }
        crc
    }

    /// Looks for sound frames from a place on where one should begin with a number: the chain is
    /// broken there, or cannot be trusted, as a header may pass its short check by chance. Each
    /// counts by its own number, for a sector may read as another one does.
    #[inline(never)]
    fn check_all(&mut self, index: u32, walk: &mut Walk, from: (u32, u64), missing: u64) {
        self.forget();
        let (offset, number) = from;
        let most = self.plan.numbers_max::<S>().saturating_add(missing);
        let numbers = (number, number.saturating_add(most));
        let mut search = self.search(index, offset, numbers, missing);
        while let Some(link) = self.next_sound(&mut search) {
            match link.header.kind {
                Kind::Records | Kind::Cursor | Kind::Close => _ = self.trust(index, &link, walk),
                Kind::Part | Kind::Journal => {}
            }
        }
    }

    /// True if nothing was begun behind the closing frame. What will be written next is read
    /// several times, because a write that was cut may leave bits that read blank only sometimes.
    pub(super) fn rest_is_blank(&mut self, index: u32, from: u32, to: u32) -> bool {
        let near = from.saturating_add(256).min(to);
        let again = if self.plan.is_named::<S>() { 0 } else { READS };
        for _ in 1..again {
            self.forget();
            if !self.is_blank(index, from, near) {
                return false;
            }
        }
        self.forget();
        self.is_blank(index, from, to)
    }

    /// Bytes in a bucket that does not count: what a cut has left or, at worst, a commit gone
    /// rotten.
    pub(crate) fn bytes_in(&mut self, index: u32) -> u32 {
        let extent = self.extent(index);
        self.bytes_behind(index, FIRST_FRAME, extent)
    }

    /// How many bytes from `from` on may be what is left of a write: up to the last that is not
    /// blank. Nothing is looked for behind 64 blank bytes.
    pub(crate) fn bytes_behind(&mut self, index: u32, from: u32, to: u32) -> u32 {
        let near = from.saturating_add(32).min(to);
        if self.is_blank(index, from, near) {
            return 0;
        }
        let blank = self.plan.blank::<S>();
        let (mut offset, mut end) = (from, from);
        while offset < to {
            let bytes = self.fetch(index, offset, to.saturating_sub(offset) as usize);
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(1);
            let first = run_of(blank, bytes);
            let left = bytes.get(first..).unwrap_or_default();
            if let Some(last) = left.iter().rposition(|&byte| byte != blank) {
                let last = first.saturating_add(last);
                end = offset.saturating_add(u32::try_from(last).unwrap_or(0)).saturating_add(1);
            }
            offset = offset.saturating_add(len);
        }
        end.saturating_sub(from)
    }
}

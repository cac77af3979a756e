//! The walk over one bucket: where its frames are, and which of them count.
//!
//! It promises that whatever a walk calls committed reads back whole now and tomorrow: frames that
//! are followed by a sound one were synced before that one was written, and the last is checked to
//! its end, several times where bits may be in between.

use super::probe::{Probe, run_of};
use crate::{
    layout::{
        bucket::{self, BucketHeader},
        crc::crc32c,
        cursor::{Cursors, PAYLOAD_SIZE, decode_payload},
        frame::{FrameHeader, Kind},
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
#[expect(clippy::struct_excessive_bools, reason = "each is a finding of its own")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// The number the bucket begins with.
    pub(crate) first: u64,
    /// The header of the bucket is sound.
    pub(crate) headed: bool,
    /// The last number of the last whole commit, if one ends here.
    pub(crate) committed: Option<u64>,
    /// Where the last sound frame ends.
    pub(crate) end: u32,
    /// The bucket holds a commit, a cursor or a closing frame.
    pub(crate) solid: bool,
    /// The last frame is a closing frame.
    pub(crate) closed: bool,
    /// What the latest cursor frame of each reader says, or else the header.
    pub(crate) cursors: Cursors,
    /// The chain of frames goes on beyond `end`.
    more: bool,
}

impl Walk {
    /// Nothing was walked yet.
    pub(super) fn from_number(first: u64) -> Self {
        Self {
            first,
            headed: false,
            committed: None,
            end: FIRST_FRAME,
            solid: false,
            closed: false,
            cursors: Cursors::NONE,
            more: false,
        }
    }

    /// Everything up to number `committed` is, as a frame that ends at `end` shows.
    fn count(&mut self, committed: u64, end: u32) {
        self.committed = self.committed.max(Some(committed));
        self.end = self.end.max(end);
        self.solid = true;
    }
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
    /// that can be, given the bucket before or a committed `cursor`; `None` if it does not, and so
    /// is no bucket.
    pub(crate) fn walk(&mut self, index: u32, cursor: u64) -> Option<Walk> {
        let bytes = self.header_bytes(self.plan.slot(index));
        let header = BucketHeader::decode(&bytes, self.plan.base_seed);
        let mut walk = Walk::from_number(0);
        if let Some(header) = header.filter(|header| header.index == index) {
            (walk.headed, walk.first) = (true, header.first);
            walk.cursors = bucket::cursors(&bytes, header.first);
        } else {
            let (low, high) = self.plausible_first(index, cursor);
            walk.first = self.first_frame_number(index, low, high)?;
        }
        if !self.hop(index, &mut walk) {
            self.check_all(index, &mut walk, 0);
        }
        // Header and first frame are one write: unless a later frame shows that it was whole, the
        // header must be sound, and be so tomorrow.
        let one = self.frame_header(index, FIRST_FRAME);
        let one = one.map(|(_, size)| FIRST_FRAME.saturating_add(size));
        if one.is_none_or(|one| walk.end <= one) && !self.is_header_stable(index) {
            (walk.solid, walk.committed, walk.closed) = (false, None, false);
        }
        walk.closed &= !walk.more;
        Some(walk)
    }

    /// The last number committed in a bucket of which neither the header nor the first frame is
    /// sound, where the first one is `next` or later.
    pub(crate) fn committed_in(&mut self, index: u32, next: u64) -> Option<u64> {
        let mut walk = Walk::from_number(next);
        self.check_all(index, &mut walk, self.plan.numbers_max::<S>());
        walk.committed
    }

    /// True if the header of a bucket reads right every time.
    fn is_header_stable(&mut self, index: u32) -> bool {
        let again = if self.plan.is_named::<S>() { 1 } else { READS };
        for _ in 0..again {
            if self.bucket_header(index).is_none() {
                return false;
            }
        }
        true
    }

    /// Follows the chain of frames by their headers, and checks the last one, which vouches for the
    /// others; cursors and closing frames, which vouch too, are checked where they are met. False
    /// if the end of the chain is not sound, so that nothing vouches for the chain.
    fn hop(&mut self, index: u32, walk: &mut Walk) -> bool {
        let mut offset = walk.end;
        let mut number = walk.first;
        // The last frame that ends a commit, and the last part behind it.
        let (mut last, mut part) = (None, None);
        while let Some(link) = self.next_link(index, offset, number) {
            walk.more |= link.offset > offset;
            match link.header.kind {
                Kind::Records => (last, part) = (Some(link), None),
                Kind::Part => part = Some(link),
                Kind::Cursor | Kind::Close if self.note(index, link, walk) => {
                    (last, part) = (None, None);
                }
                Kind::Cursor | Kind::Close | Kind::Journal => {}
            }
            offset = link.end();
            number = link.next();
        }
        walk.more |= offset > walk.end;
        if let Some(part) = part
            && !self.is_sound(index, part)
        {
            return false;
        }
        last.is_none_or(|link| self.end_commit_at(index, link, walk))
    }

    /// Takes note of a frame that ends a commit, if it is sound and will be so tomorrow.
    fn end_commit_at(&mut self, index: u32, link: Link, walk: &mut Walk) -> bool {
        let stable = self.is_stable(index, link);
        if stable {
            walk.count(link.next().saturating_sub(1), link.end());
        }
        stable
    }

    /// The next frame of the chain at `offset`, or behind a place where the chain is broken.
    fn next_link(&mut self, index: u32, offset: u32, number: u64) -> Option<Link> {
        if let Some((header, size)) = self.frame_header(index, offset) {
            return Some(Link { offset, header, size, number });
        }
        let end = offset.saturating_add(32).min(self.plan.slot_size);
        if self.is_blank(index, offset, end) {
            return None;
        }
        let high = number.saturating_add(self.plan.numbers_max::<S>());
        let found = self.resync(index, offset, number, high, 0)?;
        let frame = self.frame_header(index, found.offset);
        frame.map(|(header, size)| Link {
            offset: found.offset,
            header,
            size,
            number: found.number,
        })
    }

    /// Checks a cursor or closing frame and takes note of it: it was written once all numbers
    /// before its own were committed. Says whether it is sound.
    fn note(&mut self, index: u32, link: Link, walk: &mut Walk) -> bool {
        let mut payload = [0; PAYLOAD_SIZE];
        let frame = (link.header, link.size);
        let computed = self.copy_frame(index, link.offset, frame, 0, &mut payload);
        if !link.header.begins_with(computed, link.number) || !self.rereads(index, link) {
            return false;
        }
        if link.header.kind == Kind::Cursor
            && let Some((reader, cursor)) = decode_payload(payload)
        {
            walk.cursors.set(usize::from(reader), Some(cursor));
        }
        walk.count(link.number.saturating_sub(1), link.end());
        (walk.closed, walk.more) = (link.header.kind == Kind::Close, false);
        true
    }

    fn is_sound(&mut self, index: u32, link: Link) -> bool {
        let frame = (link.header, link.size);
        let computed = self.frame_crc(index, link.offset, frame);
        link.header.begins_with(computed, link.number)
    }

    /// True if the frame is sound, and will be sound tomorrow.
    fn is_stable(&mut self, index: u32, link: Link) -> bool {
        self.is_sound(index, link) && self.rereads(index, link)
    }

    /// True if the end of a sound frame reads the same every time. A cut that came early shows in
    /// the check; one that came with the last page may not, as long as its bits happen to read
    /// right.
    fn rereads(&mut self, index: u32, link: Link) -> bool {
        if self.plan.is_named::<S>() {
            return true;
        }
        let mut first = None;
        for _ in 0..READS {
            self.forget();
            let same = if link.size <= MARGINAL {
                let frame = self.frame_header(index, link.offset);
                frame == Some((link.header, link.size)) && self.is_sound(index, link)
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

    /// The end of the chain is not sound, so the chain itself cannot be trusted: a header may pass
    /// its short check by chance, and lead astray. Goes from one sound frame to the next instead.
    fn check_all(&mut self, index: u32, walk: &mut Walk, missing: u64) {
        self.forget();
        let mut missing = missing;
        let mut offset = FIRST_FRAME;
        let mut number = walk.first;
        loop {
            let high = number.saturating_add(self.plan.numbers_max::<S>()).saturating_add(missing);
            let Some(found) = self.resync(index, offset, number, high, missing) else { break };
            missing = 0;
            let Some((header, size)) = self.frame_header(index, found.offset) else { break };
            let link = Link { offset: found.offset, header, size, number: found.number };
            match header.kind {
                Kind::Records => _ = self.end_commit_at(index, link, walk),
                Kind::Cursor | Kind::Close => _ = self.note(index, link, walk),
                Kind::Part | Kind::Journal => {}
            }
            offset = link.end();
            number = link.next();
        }
        walk.more = offset > walk.end;
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
        let extent = self.storage.extent(self.plan.slot(index)).min(self.plan.slot_size);
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

//! The cells of a flash: what they hold, which bits are unstable, and what they held before.

use crate::power::Rng;
use std::ops::Range;

/// Bytes that are kept at a time for [`Cells::rollback`]. Of a block that nobody wrote to since it
/// was erased nothing has to be kept, and nothing has to be erased.
const BLOCK: usize = 1024;

/// How often in a row an unstable byte may read the same. One that kept still for longer could not
/// be told from a sound one by anybody.
const SAME_MAX: u8 = 3;

/// The unstable bits of one byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weak {
    mask: u8,
    /// How they read last time, and how often in a row.
    last: u8,
    same: u8,
}

impl Weak {
    /// How the bits read this time.
    fn sense(&mut self, rng: &mut Rng) -> u8 {
        let mut now = rng.byte() & self.mask;
        self.same = if now == self.last { self.same + 1 } else { 1 };
        if self.same > SAME_MAX {
            (now, self.same) = (now ^ self.mask, 1);
        }
        self.last = now;
        now
    }
}

#[derive(Debug)]
pub(super) struct Cells {
    pub(super) bytes: Vec<u8>,
    /// One flag a word: programmed, or perhaps programmed, since the last erase.
    pub(super) programmed: Vec<bool>,
    weak: Vec<Weak>,
    /// Where all unstable bits are.
    unstable: Range<usize>,
    /// One flag a block: it may hold something.
    used: Vec<bool>,
    word_size: usize,
    saved: Option<Saved>,
}

/// The cells as they were at [`Cells::mark`], of those blocks that have changed since.
#[derive(Debug)]
struct Saved {
    blocks: Vec<Option<Block>>,
    /// The blocks that have changed since the cells were as they are saved.
    changed: Vec<usize>,
    is_changed: Vec<bool>,
    unstable: Range<usize>,
}

#[derive(Debug)]
enum Block {
    Blank,
    Used { bytes: Vec<u8>, programmed: Vec<bool>, weak: Vec<Weak> },
}

impl Cells {
    /// So many bytes that were erased, in words of `word_size`.
    pub(super) fn blank(size: usize, word_size: usize) -> Self {
        Self {
            bytes: vec![0xFF; size],
            programmed: vec![false; size / word_size],
            weak: vec![Weak::default(); size],
            unstable: 0..0,
            used: vec![false; size.div_ceil(BLOCK)],
            word_size,
            saved: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Reads with unstable bits as they fall.
    pub(super) fn sense(&mut self, from: usize, out: &mut [u8], rng: &mut Rng) {
        let to = from + out.len();
        out.copy_from_slice(&self.bytes[from..to]);
        let (first, end) = (from.max(self.unstable.start), to.min(self.unstable.end));
        if first < end {
            // How often they read the same is part of what they are.
            self.touch(first, end);
        }
        for at in first..end {
            let weak = &mut self.weak[at];
            if weak.mask != 0 {
                let byte = &mut out[at - from];
                *byte = (*byte & !weak.mask) | weak.sense(rng);
            }
        }
    }

    /// Makes bits of a byte unstable.
    pub(super) fn weaken(&mut self, at: usize, mask: u8) {
        if mask == 0 {
            return;
        }
        self.weak[at].mask |= mask;
        let Range { start, end } = self.unstable;
        self.unstable = if start == end { at..at + 1 } else { start.min(at)..end.max(at + 1) };
    }

    pub(super) fn erase(&mut self, from: usize, to: usize) {
        for number in from / BLOCK..to.div_ceil(BLOCK) {
            if self.used[number] {
                self.save(number);
                let block = self.range(number);
                let (first, end) = (from.max(block.start), to.min(block.end));
                self.clear(first..end);
                self.used[number] = (first..end) != block;
            }
        }
        if from <= self.unstable.start && self.unstable.end <= to {
            self.unstable = 0..0;
        }
    }

    /// After a cut: a word counts as programmed if anything in it is not as after an erase.
    pub(super) fn judge(&mut self, from: usize, to: usize) {
        for word in from / self.word_size..to / self.word_size {
            let bytes = word * self.word_size..(word + 1) * self.word_size;
            let blank = self.bytes[bytes.clone()].iter().all(|&byte| byte == 0xFF);
            self.programmed[word] = !blank || self.weak[bytes].iter().any(|weak| weak.mask != 0);
        }
    }

    /// Remembers the cells as they are now.
    pub(super) fn mark(&mut self) {
        let blocks = self.len().div_ceil(BLOCK);
        self.saved = Some(Saved {
            blocks: std::iter::repeat_with(|| None).take(blocks).collect(),
            changed: Vec::new(),
            is_changed: vec![false; blocks],
            unstable: self.unstable.clone(),
        });
    }

    /// Makes the cells as they were at [`Cells::mark`].
    pub(super) fn rollback(&mut self) {
        let Some(mut saved) = self.saved.take() else { return };
        for number in saved.changed.drain(..) {
            saved.is_changed[number] = false;
            let range = self.range(number);
            let words = self.words(&range);
            match &saved.blocks[number] {
                Some(Block::Used { bytes, programmed, weak }) => {
                    self.programmed[words].copy_from_slice(programmed);
                    self.bytes[range.clone()].copy_from_slice(bytes);
                    self.weak[range].copy_from_slice(weak);
                    self.used[number] = true;
                }
                Some(Block::Blank) | None => {
                    self.clear(range);
                    self.used[number] = false;
                }
            }
        }
        self.unstable = saved.unstable.clone();
        self.saved = Some(saved);
    }

    /// Keeps what is about to change.
    pub(super) fn touch(&mut self, from: usize, to: usize) {
        for number in from / BLOCK..to.div_ceil(BLOCK) {
            self.save(number);
            self.used[number] = true;
        }
    }

    fn save(&mut self, number: usize) {
        let range = self.range(number);
        let words = self.words(&range);
        let Some(saved) = &mut self.saved else { return };
        if std::mem::replace(&mut saved.is_changed[number], true) {
            return;
        }
        saved.changed.push(number);
        saved.blocks[number].get_or_insert_with(|| {
            if !self.used[number] {
                return Block::Blank;
            }
            let (bytes, programmed) = (self.bytes[range.clone()].to_vec(), &self.programmed[words]);
            Block::Used { bytes, programmed: programmed.to_vec(), weak: self.weak[range].to_vec() }
        });
    }

    fn clear(&mut self, range: Range<usize>) {
        let words = self.words(&range);
        self.programmed[words].fill(false);
        self.bytes[range.clone()].fill(0xFF);
        self.weak[range].fill(Weak::default());
    }

    fn range(&self, block: usize) -> Range<usize> {
        block * BLOCK..((block + 1) * BLOCK).min(self.bytes.len())
    }

    fn words(&self, bytes: &Range<usize>) -> Range<usize> {
        bytes.start / self.word_size..bytes.end / self.word_size
    }
}

//! What a cut leaves of the bytes and the length of one file.

use crate::power::Rng;
use std::collections::BTreeSet;
use std::ops::Range;

/// Bytes that a disk writes whole or not at all.
const SECTOR_SIZE: usize = 512;

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// As everybody sees them.
    pub(super) live: Vec<u8>,
    /// As they are on the disk for certain.
    pub(super) safe: Vec<u8>,
    /// What was done to them since, in order.
    pub(super) pending: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let end = offset + data.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(data);
            }
            Self::Truncate(size) => bytes.resize(*size, 0),
        }
    }

    /// Does to `sector`, which begins at `start` of the file, what this does to the file.
    fn apply_to(&self, sector: &mut [u8], start: usize) {
        let end = start + sector.len();
        match self {
            Self::Write(offset, data) => {
                let from = (*offset).clamp(start, end);
                let to = (offset + data.len()).clamp(from, end);
                if from < to {
                    let data = &data[from - offset..to - offset];
                    sector[from - start..to - start].copy_from_slice(data);
                }
            }
            Self::Truncate(size) => sector[(*size).clamp(start, end) - start..].fill(0),
        }
    }

    /// How long a file of `len` bytes is afterwards.
    fn len(&self, len: usize) -> usize {
        match self {
            Self::Write(offset, data) => len.max(offset + data.len()),
            Self::Truncate(size) => *size,
        }
    }

    /// The bytes that change in a file of `len` bytes.
    fn span(&self, len: usize) -> Range<usize> {
        match self {
            Self::Write(offset, data) => *offset..offset + data.len(),
            Self::Truncate(size) => *size..len.max(*size),
        }
    }
}

impl File {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    /// All that was done is on the disk.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.safe);
        }
    }

    /// Decides what of all that was done is on the disk.
    pub(super) fn give_up(&mut self, rng: &mut Rng) {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return;
        }
        // How likely all is kept, drawn for each file, so that all and nothing are common.
        let keep = rng.pick(&[0, 25, 50, 75, 100]);
        let count = pending.len() as u64;
        let moment = |rng: &mut Rng| {
            if rng.chance(keep) { count as usize } else { rng.below(count + 1) as usize }
        };
        let mut lens = vec![self.safe.len()];
        let mut touched = BTreeSet::new();
        for change in &pending {
            let len = lens[lens.len() - 1];
            let span = change.span(len);
            touched.extend(span.start / SECTOR_SIZE..span.end.div_ceil(SECTOR_SIZE));
            lens.push(change.len(len));
        }
        let at = moment(rng);
        let (mut len, before) = (lens[at], lens[at.saturating_sub(1)]);
        if rng.chance(20) {
            len = rng.within(len.min(before) as u64, len.max(before) as u64) as usize;
        }
        let safe = std::mem::replace(&mut self.safe, vec![0; len]);
        let both = len.min(safe.len());
        self.safe[..both].copy_from_slice(&safe[..both]);
        for sector in touched.into_iter().map(|sector| sector * SECTOR_SIZE) {
            if sector >= len {
                break;
            }
            let sector_after = |changes: usize| {
                let mut bytes = [0; SECTOR_SIZE];
                let there = safe.get(sector..).unwrap_or_default();
                let old = there.len().min(SECTOR_SIZE);
                bytes[..old].copy_from_slice(&there[..old]);
                for change in &pending[..changes] {
                    change.apply_to(&mut bytes, sector);
                }
                bytes
            };
            let mut bytes = sector_after(moment(rng));
            if rng.chance(10) {
                // A disk that promises less than whole sectors.
                let (part, other) = (rng.part(SECTOR_SIZE), sector_after(moment(rng)));
                bytes[part.clone()].copy_from_slice(&other[part]);
            }
            let end = len.min(sector + SECTOR_SIZE);
            self.safe[sector..end].copy_from_slice(&bytes[..end - sector]);
        }
    }
}

//! What lies on a disk once nothing is pending: after a cut, or before a start.

use super::{Disk, File, Inner, Piece};
use crate::trail::note;
use std::rc::Rc;
use tslog::storage::dir::Name;

/// The bytes of a file, and a number that stands for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    hash: u64,
}

/// The files of a disk, in the order of their names. A clone shares the bytes.
#[derive(Clone, Debug, Default)]
pub struct Image(Vec<(Name, Rc<Content>)>);

/// Which pieces a cut keeps; the others are lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(pub Vec<bool>);

const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * u128::from(PRIME);
    (product ^ (product >> 64)) as u64
}

impl Content {
    fn new(bytes: Vec<u8>) -> Self {
        let hash = Self::hash(&bytes);
        Self { bytes, hash }
    }

    /// The bytes to be changed; the hash is then worth nothing until [`Content::new`].
    pub(super) fn edit(this: &mut Rc<Self>) -> &mut Vec<u8> {
        &mut Rc::make_mut(this).bytes
    }

    fn hash(bytes: &[u8]) -> u64 {
        let mut lanes = [1_u64, 2, 3, 4];
        let mut chunks = bytes.chunks_exact(32);
        for chunk in &mut chunks {
            for (lane, word) in lanes.iter_mut().zip(chunk.chunks_exact(8)) {
                *lane = mix(*lane, u64::from_le_bytes(word.try_into().unwrap_or_default()));
            }
        }
        for (at, byte) in chunks.remainder().iter().enumerate() {
            lanes[at % 4] = mix(lanes[at % 4], u64::from(*byte) + 1);
        }
        lanes.iter().fold(bytes.len() as u64, |hash, lane| mix(hash, *lane).rotate_left(17))
    }
}

impl Piece {
    /// Does to the bytes of `file`, of which `len` count, what this piece does.
    fn apply(&self, own: usize, bytes: &mut Vec<u8>, len: &mut usize) {
        match self {
            Self::Bytes { file, at, data } if *file == own => {
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
            Self::Len { file, len: new } if *file == own => {
                if new < len {
                    let cut = (*new).min(bytes.len());
                    bytes[cut..].fill(0);
                }
                *len = *new;
            }
            Self::Bytes { .. } | Self::Len { .. } | Self::Name { .. } => {}
        }
    }
}

impl Image {
    /// A number that stands for all there is: equal images have equal ones.
    pub fn hash(&self) -> u64 {
        self.0.iter().fold(0, |hash, (name, content)| {
            let (kind, number) = match name {
                Name::Header(copy) => (1, u64::from(*copy)),
                Name::Bucket(number) => (2, u64::from(*number)),
                Name::Reader(n) => (3, u64::from(*n)),
                Name::Lock => (4, 0),
            };
            mix(mix(hash, kind << 32 | number).rotate_left(23), content.hash)
        })
    }

    /// Bytes of all files together.
    pub fn size(&self) -> u64 {
        self.0.iter().map(|(_, content)| content.bytes.len() as u64).sum()
    }

    /// The files, in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = (Name, &[u8])> {
        self.0.iter().map(|(name, content)| (*name, &content.bytes[..]))
    }

    /// Changes the bytes of one file; nothing happens if there is none of that name.
    pub fn edit(&mut self, name: Name, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some((_, content)) = self.0.iter_mut().find(|(there, _)| *there == name) {
            let mut bytes = content.bytes.clone();
            change(&mut bytes);
            *content = Rc::new(Content::new(bytes));
        }
    }

    /// True if both have the same files with the same bytes.
    pub fn equals(&self, other: &Self) -> bool {
        self.files().eq(other.files())
    }
}

impl Disk {
    /// What lies on the disk as everybody sees it.
    pub fn image(&self) -> Image {
        let inner = self.inner();
        let names = inner.names.0.iter();
        let content = |file: usize| Rc::new(Content::new(inner.files[file].live.bytes.clone()));
        Image(names.map(|(name, file)| (*name, content(*file))).collect())
    }

    /// Starts again from `image`, with nothing pending.
    pub fn load(&self, image: &Image) {
        let mut inner = self.inner();
        inner.load(image);
    }

    /// Computes what stands for each safe file, so that [`Disk::left`] has to look at those only
    /// that a piece changes.
    pub fn prepare(&self) {
        let mut inner = self.inner();
        for file in &mut inner.files {
            file.safe = Rc::new(Content::new(file.safe.bytes.clone()));
        }
    }

    /// What a cut leaves that keeps these pieces; [`Disk::prepare`] was called before.
    pub fn left(&self, kept: &Kept) -> Image {
        self.inner().left(kept)
    }

    /// Says of each piece what became of it, for people.
    pub fn describe(&self, kept: &Kept) {
        let inner = self.inner();
        for (piece, kept) in inner.pending.iter().zip(&kept.0) {
            note(|| {
                let what = match piece {
                    Piece::Bytes { file, at, data } => {
                        format!("{} bytes at {at} of {}", data.len(), inner.name_of(*file))
                    }
                    Piece::Len { file, len } => {
                        format!("the length {len} of {}", inner.name_of(*file))
                    }
                    Piece::Name { name, to: Some(_) } => format!("the new name {name}"),
                    Piece::Name { name, to: None } => format!("the removal of {name}"),
                };
                format!("    the cut {} {what}", if *kept { "keeps" } else { "loses" })
            });
        }
    }
}

impl Inner {
    fn load(&mut self, image: &Image) {
        self.pending.clear();
        self.files.clear();
        self.names.0.clear();
        for (at, (name, content)) in image.0.iter().enumerate() {
            let safe = if self.sure { Rc::default() } else { content.clone() };
            self.files.push(File { live: content.clone(), safe });
            self.names.0.push((*name, at));
        }
        if !self.sure {
            self.safe_names.clone_from(&self.names);
        }
    }

    fn left(&self, kept: &Kept) -> Image {
        let mut names = self.safe_names.clone();
        let mut changed: Vec<usize> = Vec::new();
        let pieces = self.pending.iter().zip(&kept.0).filter(|(_, kept)| **kept);
        for (piece, _) in pieces {
            match piece {
                Piece::Name { name, to } => names.set(*name, *to),
                Piece::Bytes { file, .. } | Piece::Len { file, .. } if changed.contains(file) => {}
                Piece::Bytes { file, .. } | Piece::Len { file, .. } => changed.push(*file),
            }
        }
        let content = |file: usize| {
            if changed.contains(&file) {
                Rc::new(Content::new(self.left_of(file, kept)))
            } else {
                self.files[file].safe.clone()
            }
        };
        Image(names.0.iter().map(|(name, file)| (*name, content(*file))).collect())
    }

    /// The bytes of one file after a cut that keeps these pieces.
    pub(super) fn left_of(&self, file: usize, kept: &Kept) -> Vec<u8> {
        let mut bytes = self.files[file].safe.bytes.clone();
        let mut len = bytes.len();
        let pieces = self.pending.iter().zip(&kept.0).filter(|(_, kept)| **kept);
        for (piece, _) in pieces {
            piece.apply(file, &mut bytes, &mut len);
        }
        bytes.resize(len, 0);
        bytes
    }

    fn name_of(&self, file: usize) -> String {
        let all = self.names.0.iter().chain(&self.safe_names.0);
        let mut names = all.filter(|(_, there)| *there == file);
        names.next().map_or_else(|| "a removed file".into(), |(name, _)| name.to_string())
    }
}

impl Kept {
    /// Of `count` pieces, those whose bit in `mask` is set.
    pub fn by_mask(&mut self, count: usize, mask: u64) {
        self.0.clear();
        self.0.extend((0..count).map(|at| mask >> at & 1 == 1));
    }

    /// Of `count` pieces, those that `keeps` says.
    pub fn by(&mut self, count: usize, keeps: impl FnMut(usize) -> bool) {
        self.0.clear();
        self.0.extend((0..count).map(keeps));
    }
}

//! Space for a file, before it is used.
//!
//! It is set aside, so that a full disk shows before anything is written; and before the first sync
//! what is still free of it is filled with zeros, so that from then on a commit changes nothing but
//! its own bytes. What is full before its first sync is written once.

use std::io;

use super::{Dir, Name};

/// Zeros are written in pieces of this size.
const ZEROS: &[u8] = &[0; 64 * 1024];

/// What was set aside last and never written.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Space(Option<Unfilled>);

#[derive(Clone, Copy, Debug)]
struct Unfilled {
    name: Name,
    from: u64,
    to: u64,
}

impl Space {
    pub(in super::super) const NONE: Self = Self(None);

    /// Makes `name` as long as `size`, with zeros at its end, so that a commit never has to grow
    /// it. If that fails, what was added goes again.
    pub(in super::super) fn set_aside(
        &mut self,
        dir: &mut impl Dir,
        name: Name,
        size: u64,
    ) -> io::Result<()> {
        let old = dir.size(name)?.unwrap_or(0);
        if size <= old {
            return Ok(());
        }
        let done = match dir.allocate(name, size) {
            Ok(true) => {
                let begun = self.0.filter(|unfilled| unfilled.name == name);
                let from = begun.map_or(old, |unfilled| unfilled.from);
                self.0 = Some(Unfilled { name, from, to: size });
                Ok(())
            }
            Ok(false) => fill(dir, name, old, size),
            Err(error) => Err(error),
        };
        if done.is_err() {
            // If it cannot be cut off, zeros stay behind, which read like nothing at all.
            let _ = dir.truncate(name, old);
        }
        done
    }

    /// The bytes of `name` up to `end` are written.
    pub(in super::super) fn wrote(&mut self, name: Name, end: u64) {
        if let Some(unfilled) = self.0.as_mut().filter(|unfilled| unfilled.name == name) {
            unfilled.from = unfilled.from.max(end);
        }
    }

    /// `name` is cut off, or goes.
    pub(in super::super) fn forget(&mut self, name: Name) {
        self.0 = self.0.filter(|unfilled| unfilled.name != name);
    }

    /// Writes the zeros that are read already, before a sync. Space that was set aside and never
    /// written costs each later sync that touches it a change of the file system's own records.
    pub(in super::super) fn fill_rest(&mut self, dir: &mut impl Dir) {
        if let Some(Unfilled { name, from, to }) = self.0.take() {
            // They are worth something to the syncs to come, and to nothing else.
            let _ = fill(dir, name, from, to);
        }
    }
}

/// Writes zeros.
fn fill(dir: &mut impl Dir, name: Name, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let len = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX);
        let zeros = ZEROS.get(..len).unwrap_or(ZEROS);
        dir.write(name, at, zeros)?;
        at = at.saturating_add(zeros.len() as u64);
    }
    Ok(())
}

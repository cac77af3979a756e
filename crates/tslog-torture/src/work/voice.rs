//! How a worker says what it was promised: each event in one write, after the fact.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

use super::Work;
use crate::Result;
use crate::event::{Event, Kind, now_ns};

/// The bytes from one mark to the next: a sector, so that each is an entry of its own in the log
/// of what a disk was told.
const MARK_SIZE: usize = 512;

/// Where the events go.
pub(super) struct Voice {
    life: u32,
    marks: Option<(File, Mutex<u64>)>,
}

impl Voice {
    pub(super) fn new(work: &Work, marks: &Path) -> Result<Self> {
        let open = || -> Result<(File, Mutex<u64>)> {
            let file = File::options().write(true).open(marks);
            Ok((
                file.map_err(|error| format!("{}: {error}", marks.display()))?,
                Mutex::new(work.marks_at),
            ))
        };
        let marks = if work.marks_at > 0 { Some(open()?) } else { None };
        Ok(Self { life: work.life, marks })
    }

    /// Says one thing. Who listens is gone if that fails, and nobody is left to be told.
    pub(super) fn say(&self, kind: Kind, who: u8, seqn: u64, value: u64) {
        let event = Event { kind, who, life: self.life, at_ns: now_ns(), seqn, value };
        let bytes = event.encode();
        match &self.marks {
            None => {
                let _ = rustix::io::write(rustix::stdio::stdout(), &bytes);
            }
            Some((file, at)) => {
                let Ok(mut at) = at.lock() else { return };
                let mut sector = [0; MARK_SIZE];
                sector[..bytes.len()].copy_from_slice(&bytes);
                let _ = file.write_all_at(&sector, *at);
                *at += MARK_SIZE as u64;
            }
        }
    }
}

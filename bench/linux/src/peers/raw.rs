//! The least that is durable: a file filled with zeros ahead, then one write and one sync a commit.
//! Nothing is checked, and its end is found only because a number is never 0.

use std::os::unix::fs::FileExt;

use super::{Outcome, Peer, Shape};
use crate::record;
use crate::visit::Visit;

const READ: usize = 64 * 1024;

pub struct File {
    raw: std::fs::File,
    record_size: usize,
    durable: bool,
    /// Where the next commit goes.
    end: u64,
    /// Up to where the file is filled.
    filled: u64,
    /// Bytes that are filled at once.
    step: usize,
}

impl File {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let path = shape.folder.join("raw");
        let options = &mut std::fs::OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        std::fs::File::open(shape.folder)?.sync_all()?;
        let step = if shape.commit < 1024 { 16_384 } else { 65_536 } * shape.record_size;
        let (end, filled) = (0, file.metadata()?.len());
        let (record_size, durable) = (shape.record_size, shape.durable);
        Ok(Self { raw: file, record_size, durable, end, filled, step })
    }

    fn read(&self, one_by_one: bool, visit: &mut impl FnMut(&[u8])) -> Outcome<()> {
        let mut buffer = vec![0; READ / self.record_size * self.record_size];
        let mut at = 0;
        loop {
            let count = self.raw.read_at(&mut buffer, at)?;
            let records = &buffer[..count / self.record_size * self.record_size];
            let last = records.chunks_exact(self.record_size).next_back();
            let ends = last.is_none_or(|last| record::number_of(last) == 0);
            let mut each = records.chunks_exact(self.record_size);
            if ends {
                each.by_ref().take_while(|bytes| record::number_of(bytes) != 0).for_each(visit);
                return Ok(());
            }
            if one_by_one {
                each.for_each(&mut *visit);
            } else {
                visit(records);
            }
            at += records.len() as u64;
        }
    }
}

impl Peer for File {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        if self.durable && self.end + records.len() as u64 > self.filled {
            self.raw.write_all_at(&vec![0; self.step], self.filled)?;
            self.filled += self.step as u64;
            self.raw.sync_all()?;
        }
        self.raw.write_all_at(records, self.end)?;
        self.end += records.len() as u64;
        if self.durable {
            self.raw.sync_data()?;
        }
        Ok(())
    }

    fn read_all(&mut self, one_by_one: bool, visit: &mut impl Visit) -> Outcome<()> {
        self.read(one_by_one, &mut |records| visit.records(records))
    }

    fn close(self) -> Outcome<()> {
        Ok(self.raw.sync_all()?)
    }
}

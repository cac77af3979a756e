//! What records cost that are not kept: a copy into memory, and one through a `BufWriter`.

use std::hint::black_box;
use std::io::Write;

use super::{Outcome, Peer, Shape};
use crate::visit::Visit;

/// Bytes that are gathered.
const CAPACITY: usize = 64 * 1024;

/// A buffer in memory, emptied when it is full.
pub struct Buffer(Vec<u8>, usize);

impl Buffer {
    pub fn new(record_size: usize) -> Self {
        Self(Vec::with_capacity(CAPACITY), record_size)
    }
}

impl Peer for Buffer {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        for record in records.chunks_exact(self.1) {
            if self.0.len() + record.len() > CAPACITY {
                black_box(&self.0);
                self.0.clear();
            }
            self.0.extend_from_slice(record);
        }
        Ok(())
    }

    fn read_all(&mut self, _: bool, _: &mut impl Visit) -> Outcome<()> {
        Err("a buffer keeps nothing".into())
    }

    fn close(self) -> Outcome<()> {
        black_box(&self.0);
        Ok(())
    }
}

/// A file behind a `BufWriter`, one `write_all` a record, never synced.
pub struct Writer(std::io::BufWriter<std::fs::File>, usize);

impl Writer {
    pub fn open(shape: Shape<'_>) -> Outcome<Self> {
        let file = std::fs::File::create(shape.folder.join("buffered"))?;
        Ok(Self(std::io::BufWriter::with_capacity(CAPACITY, file), shape.record_size))
    }
}

impl Peer for Writer {
    fn append(&mut self, _: u64, records: &[u8]) -> Outcome<()> {
        for record in records.chunks_exact(self.1) {
            self.0.write_all(record)?;
        }
        Ok(())
    }

    fn read_all(&mut self, _: bool, _: &mut impl Visit) -> Outcome<()> {
        Err("a BufWriter only writes".into())
    }

    fn close(mut self) -> Outcome<()> {
        Ok(self.0.flush()?)
    }
}

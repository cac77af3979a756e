//! A bound on how much text one record may take, so that an input without line ends cannot take all
//! memory.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// Bytes of text for one record: each byte of the largest record written as `\xNN`.
const TEXT_MAX: u64 = 1 << 26;

/// How much more text the record being read may take.
#[derive(Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(TEXT_MAX)))
    }

    /// A new record begins.
    pub(super) fn renew(&self) {
        self.0.set(TEXT_MAX);
    }
}

/// An input that fails where a record takes more than its budget.
pub(super) struct Limited<R> {
    pub(super) input: R,
    pub(super) budget: Budget,
}

impl<R: BufRead> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Limited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.input.fill_buf()?;
        if self.budget.0.get() == 0 && !bytes.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("expected a record in at most {TEXT_MAX} bytes of text, got no end of it"),
            ));
        }
        Ok(bytes)
    }

    fn consume(&mut self, count: usize) {
        let left = self.budget.0.get();
        self.budget.0.set(left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX)));
        self.input.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_an_end_is_refused_and_many_short_ones_are_not() {
        let budget = Budget::new();
        let endless = io::BufReader::with_capacity(1 << 20, io::repeat(b'x'));
        let mut input = Limited { input: endless, budget: budget.clone() };
        let mut piece = vec![0; 1 << 20];
        for _ in 0..200 {
            budget.renew();
            input.read_exact(&mut piece).unwrap();
        }
        let error = (0..200).find_map(|_| input.read_exact(&mut piece).err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}

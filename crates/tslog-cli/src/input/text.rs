//! Plain lines, each the bytes of one raw record.

use std::io::BufRead;

use super::{BadLine, Line, Lines, unreadable};
use crate::cell::{Cell, Kind};
use crate::shape::Shape;

pub(super) struct Text<R> {
    input: R,
    record_size: usize,
    line: u64,
}

impl<R: BufRead> Text<R> {
    pub(super) fn new(input: R, shape: &Shape) -> Self {
        let kind = shape.formats.first().and_then(|format| format.columns.first()).map(|c| c.kind);
        let record_size = if let Some(Kind::Text(size)) = kind { size } else { 0 };
        Self { input, record_size, line: 0 }
    }
}

impl<R: BufRead> Lines for Text<R> {
    fn next_line(&mut self) -> Result<Option<Line>, BadLine> {
        let mut bytes = Vec::new();
        self.line += 1;
        let read = self.input.read_until(b'\n', &mut bytes);
        let read = read.map_err(|error| BadLine::new(self.line, unreadable(&error)))?;
        if read == 0 {
            return Ok(None);
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() > self.record_size {
            let (most, got) = (self.record_size, bytes.len());
            return Err(BadLine::new(
                self.line,
                format!("expected at most {most} bytes, got {got}"),
            ));
        }
        Ok(Some(Line { tag: 0, cells: vec![Cell::from(bytes.to_vec())] }))
    }

    fn line(&self) -> u64 {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::super::Syntax;
    use super::super::tests::{read, shape};
    use super::*;

    #[test]
    fn each_line_is_a_record_with_its_bytes_as_they_are() {
        let raw = shape(&[]);
        let bytes = |text: &str| (0, vec![Cell::from(text.as_bytes().to_vec())]);
        assert_eq!(
            read("a\\x41\n\nlast", Syntax::Text, &raw, None),
            Ok(vec![bytes("a\\x41"), bytes(""), bytes("last")])
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_not_cut() {
        assert_eq!(
            read("short\n0123456789abcdefg\n", Syntax::Text, &shape(&[]), None),
            Err("line 2: expected at most 16 bytes, got 17".to_owned())
        );
    }
}

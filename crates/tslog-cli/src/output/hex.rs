//! The bytes of each record, 16 a line, under its number.

use std::io::{self, Write};

use super::{Output, Row};

pub(super) struct Hex<W> {
    out: W,
}

impl<W: Write> Hex<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Output for Hex<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let mut number = row.seqn.to_string();
        for line in row.bytes.chunks(16) {
            write!(self.out, "{number:>10} ")?;
            for byte in line {
                write!(self.out, " {byte:02x}")?;
            }
            let pad = 3 * (16 - line.len());
            let text: String = line.iter().map(|byte| shown(*byte)).collect();
            writeln!(self.out, "{:pad$}  |{text}|", "")?;
            number.clear();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn shown(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_records_take_several_lines_under_one_number() {
        let mut out = Vec::new();
        let bytes: Vec<u8> = (b'a'..=b'q').collect();
        Hex::new(&mut out).row(&Row { seqn: 7, tag: 0, bytes: &bytes, cells: Vec::new() }).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "         7  61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|\n\
             \x20           71                                               |q|\n"
        );
    }
}

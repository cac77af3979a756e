//! Records as a table, CSV, JSON lines or a hex dump.

mod csv;
mod grid;
mod hex;
mod json;
mod table;

use std::io::{self, Write};

use anstyle::Style;

use crate::args::OutputArgs;
use crate::cell::Cell;
use crate::shape::Shape;

/// One record, as it is printed.
pub(crate) struct Row<'a> {
    pub(crate) seqn: u64,
    pub(crate) tag: u8,
    /// The whole record, with its tag byte if there is one.
    pub(crate) bytes: &'a [u8],
    pub(crate) cells: Vec<Cell<'a>>,
}

/// A way to print records.
pub(crate) trait Output {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()>;

    /// Puts out whatever was held back, so that everything up to here can be seen.
    fn flush(&mut self) -> io::Result<()>;
}

/// The output that the arguments ask for, to standard output.
pub(crate) fn output<'a>(args: &OutputArgs, shape: &'a Shape) -> Box<dyn Output + 'a> {
    let out = io::BufWriter::with_capacity(1 << 16, io::stdout());
    if args.csv {
        Box::new(csv::Csv::new(out, shape, args.utc))
    } else if args.json {
        Box::new(json::JsonLines::new(out, shape, args.utc))
    } else if args.hex {
        Box::new(hex::Hex::new(out))
    } else {
        Box::new(table::Table::new(out, shape, args.utc, heading()))
    }
}

/// How headings look: plain wherever standard output is no terminal or colour is not wanted.
pub(crate) fn heading() -> Style {
    match anstream::AutoStream::choice(&io::stdout()) {
        anstream::ColorChoice::Never => Style::new(),
        _ => Style::new().bold(),
    }
}

/// Prints a JSON value on lines of its own.
pub(crate) fn print_json(value: &serde_json::Value) -> io::Result<()> {
    writeln!(io::stdout(), "{value:#}")
}

/// A number with commas between its thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many things: `1 record`, `2,000 records`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_have_commas_and_one_thing_is_no_plural() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(18_914_000), "18,914,000");
        assert_eq!(count(1, "record"), "1 record");
        assert_eq!(count(1_000, "record"), "1,000 records");
    }
}

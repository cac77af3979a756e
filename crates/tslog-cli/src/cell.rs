//! One value of a record as text, and back. Table, CSV and JSON write the same text, and what they
//! write can be read again without a loss.
//!
//! Text fields may hold any bytes: what is no printable UTF-8 is written as `\xNN`, and a backslash
//! as `\\`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::time::{TimeUnit, rfc3339, timestamp};

/// One value of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Int(i128),
    Float(f64),
    Bool(bool),
    Bytes(Cow<'a, [u8]>),
}

/// What a field can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int {
        min: i128,
        max: i128,
    },
    /// Floats of 2, 4 and 8 bytes.
    Half,
    Single,
    Double,
    Bool,
    /// One byte.
    Char,
    /// So many bytes; shorter ones are filled with zeros, which are not shown.
    Text(usize),
    /// At most so many bytes, and the length is kept.
    Pascal(usize),
}

impl Kind {
    /// The cell that `text` says, or what was expected instead.
    pub(crate) fn parse(
        self,
        text: &str,
        time: Option<TimeUnit>,
    ) -> Result<Cell<'static>, Expected> {
        let expected = Expected { kind: self, time: time.is_some() };
        let nanoseconds = || time.zip(timestamp(text));
        let cell = match self {
            Self::Int { min, max } => {
                let counted = || nanoseconds().map(|(unit, at)| unit.count(at));
                let value = text.parse().ok().or_else(counted);
                value.filter(|value| (min..=max).contains(value)).map(Cell::Int)
            }
            Self::Half | Self::Single | Self::Double => {
                let counted = || nanoseconds().map(|(unit, at)| unit.count_as_float(at));
                let value = text.parse().ok().or_else(counted);
                // Digits that parse as infinite are a number too large for any float.
                let exact = |value: &f64| value.is_finite() || !text.contains(char::is_numeric);
                value.filter(exact).filter(|value| self.can_hold(*value)).map(Cell::Float)
            }
            Self::Bool => match text {
                "true" | "1" => Some(Cell::Bool(true)),
                "false" | "0" => Some(Cell::Bool(false)),
                _ => None,
            },
            Self::Char => Some(unescape(text)).filter(|bytes| bytes.len() == 1).map(Cell::from),
            Self::Text(most) | Self::Pascal(most) => {
                Some(unescape(text)).filter(|bytes| bytes.len() <= most).map(Cell::from)
            }
        };
        cell.ok_or(expected)
    }

    /// A finite number that the float would turn into an infinite one does not fit it.
    #[expect(clippy::cast_possible_truncation, reason = "this is the check for it")]
    fn can_hold(self, value: f64) -> bool {
        let largest_half = 65_520.0; // From here on the nearest half float is infinite.
        match self {
            Self::Half => !value.is_finite() || value.abs() < largest_half,
            Self::Single => !value.is_finite() || (value as f32).is_finite(),
            _ => true,
        }
    }

    /// The text of a cell of this kind; `time` asks for RFC 3339.
    pub(crate) fn show(self, cell: &Cell<'_>, time: Option<TimeUnit>) -> String {
        match cell {
            Cell::Int(value) => time
                .and_then(|unit| rfc3339(unit.nanoseconds(*value)))
                .unwrap_or_else(|| value.to_string()),
            Cell::Float(value) => time
                .and_then(|unit| rfc3339(unit.nanoseconds_of_float(*value)))
                .unwrap_or_else(|| self.show_float(*value)),
            Cell::Bool(value) => value.to_string(),
            Cell::Bytes(bytes) => escape(match self {
                Self::Text(_) => trim_zeros(bytes),
                _ => bytes,
            }),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the value was read from such a float")]
    fn show_float(self, value: f64) -> String {
        match self {
            Self::Half | Self::Single => format!("{:?}", value as f32),
            _ => format!("{value:?}"),
        }
    }

    /// Whether a column of it lines up on its last digit.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Int { .. } | Self::Half | Self::Single | Self::Double)
    }
}

impl From<Vec<u8>> for Cell<'static> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

/// What a field wanted to have, said after "expected".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    kind: Kind,
    time: bool,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Int { min, max } => write!(f, "an integer from {min} to {max}")?,
            Kind::Half => f.write_str("a number between -65520 and 65520")?,
            Kind::Single => f.write_str("a number up to 3.4e38")?,
            Kind::Double => f.write_str("a number up to 1.8e308")?,
            Kind::Bool => f.write_str("true or false")?,
            Kind::Char => f.write_str("one byte of text")?,
            Kind::Text(most) | Kind::Pascal(most) => write!(f, "text of at most {most} bytes")?,
        }
        f.write_str(if self.time { ", or a time such as 2026-01-01T00:00:00Z" } else { "" })
    }
}

fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.split_at(end).0
}

/// Bytes as text that [`unescape`] turns back into them.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let hex = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            // Writing to a String does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\\' => text.push_str("\\\\"),
                _ if char.is_control() => {
                    hex(&mut text, char.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => text.push(char),
            }
        }
        hex(&mut text, chunk.invalid());
    }
    text
}

/// The bytes of a text; a backslash that begins neither `\\` nor `\xNN` stands for itself.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let hex = |code: &str| u8::from_str_radix(code, 16).ok();
        let code = behind.strip_prefix('x').and_then(|code| code.get(..2));
        if let Some(byte) = code.filter(|code| !code.starts_with('+')).and_then(hex) {
            bytes.push(byte);
            rest = behind.get(3..).unwrap_or_default();
        } else {
            bytes.push(b'\\');
            rest = behind.strip_prefix('\\').unwrap_or(behind);
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTE: Kind = Kind::Int { min: 0, max: 255 };

    fn expected(kind: Kind, text: &str) -> String {
        kind.parse(text, None).unwrap_err().to_string()
    }

    #[test]
    fn floats_print_as_they_were_typed() {
        for (kind, value, text) in [
            (Kind::Half, 21.5, "21.5"),
            (Kind::Single, f64::from(21.3_f32), "21.3"),
            (Kind::Double, 0.1, "0.1"),
            (Kind::Double, 1e300, "1e300"),
            (Kind::Double, f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(kind.show(&Cell::Float(value), None), text, "{kind:?}");
        }
    }

    #[test]
    fn any_bytes_survive_as_text() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [&all[..], b"\\x41", b"a\\\\x41", "caf\u{e9} \u{20ac}".as_bytes(), b"\\", b""]
        {
            assert_eq!(unescape(&escape(bytes)), bytes, "{bytes:?}");
        }
        assert_eq!(escape("\u{20ac}\n".as_bytes()), "\u{20ac}\\x0a");
        assert_eq!(unescape("C:\\temp\\x+f"), b"C:\\temp\\x+f");
    }

    #[test]
    fn the_zeros_that_fill_a_text_are_not_shown() {
        let cell = Cell::from(b"a\0b\0\0".to_vec());
        assert_eq!(Kind::Text(5).show(&cell, None), "a\\x00b");
        assert_eq!(Kind::Pascal(6).show(&cell, None), "a\\x00b\\x00\\x00");
    }

    #[test]
    fn what_does_not_fit_says_what_was_expected() {
        assert_eq!(expected(BYTE, "256"), "an integer from 0 to 255");
        assert_eq!(expected(BYTE, "1.5"), "an integer from 0 to 255");
        assert_eq!(expected(Kind::Single, "1e39"), "a number up to 3.4e38");
        assert_eq!(expected(Kind::Single, "-1e400"), "a number up to 3.4e38");
        assert_eq!(expected(Kind::Double, &"9".repeat(400)), "a number up to 1.8e308");
        assert_eq!(expected(Kind::Half, "65520"), "a number between -65520 and 65520");
        assert_eq!(expected(Kind::Bool, "yes"), "true or false");
        assert_eq!(expected(Kind::Char, "ab"), "one byte of text");
        assert_eq!(expected(Kind::Text(2), "abc"), "text of at most 2 bytes");
    }

    #[test]
    fn infinities_are_numbers_of_any_float() {
        for kind in [Kind::Half, Kind::Single, Kind::Double] {
            assert_eq!(kind.parse("inf", None), Ok(Cell::Float(f64::INFINITY)));
        }
    }

    #[test]
    fn a_time_is_a_number_or_rfc_3339() {
        let unit = TimeUnit::parse("ms");
        let kind = Kind::Int { min: 0, max: u64::MAX.into() };
        let time = "2026-01-01T00:00:00.25Z";
        assert_eq!(kind.parse(time, unit), Ok(Cell::Int(1_767_225_600_250)));
        assert_eq!(kind.parse("17", unit), Ok(Cell::Int(17)));
        assert_eq!(Kind::Double.parse(time, unit), Ok(Cell::Float(1_767_225_600_250.0)));
        assert_eq!(kind.show(&Cell::Int(1_767_225_600_250), unit), time);
        assert!(kind.parse("noon", unit).unwrap_err().to_string().contains("2026-01-01T"));
    }
}

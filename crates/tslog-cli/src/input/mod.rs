//! Lines of standard input as records: CSV, JSON lines, or plain text for a log of raw records.
//!
//! A line that is no record is an error that names the line, what was expected and what came; the
//! lines before it are stored.

mod csv;
mod json;
mod limit;
mod text;

use std::fmt;
use std::io::BufRead;

use self::limit::{Budget, Limited};
use crate::cell::{Cell, Expected};
use crate::exit::{Failure, Result};
use crate::shape::{Column, Shape};

/// How the lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Csv,
    JsonLines,
    Text,
}

/// One record of the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) tag: u8,
    pub(crate) cells: Vec<Cell<'static>>,
}

/// A line that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// Counted from 1.
    pub(crate) line: u64,
    what: String,
}

impl BadLine {
    pub(crate) fn new(line: u64, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// The records of an input, one after another.
pub(crate) trait Lines {
    /// The next record; `None` at the end.
    fn next_line(&mut self) -> std::result::Result<Option<Line>, BadLine>;

    /// The number of the line that the last record came from.
    fn line(&self) -> u64;

    /// Whether the first line named the columns.
    fn has_header(&self) -> bool {
        false
    }

    /// The columns of the input that no field of the log asks for.
    fn ignored(&self) -> &[String] {
        &[]
    }
}

/// Whether the first line looks like a JSON object, as hardly any line of CSV does. Nothing is
/// taken from the input; if it cannot be read, whoever reads it next says so.
pub(crate) fn begins_with_object(input: &mut impl BufRead) -> bool {
    input.fill_buf().is_ok_and(|bytes| bytes.trim_ascii_start().starts_with(b"{"))
}

/// The records of `input`. `tag` is the one for every line; without it each line of a log with
/// several formats has to name its own.
pub(crate) fn lines<'a>(
    input: impl BufRead + 'a,
    syntax: Syntax,
    shape: &'a Shape,
    tag: Option<u8>,
) -> Result<Box<dyn Lines + 'a>> {
    if let Some(tag) = tag
        && usize::from(tag) >= shape.formats.len()
    {
        let last = shape.formats.len().saturating_sub(1);
        return Err(Failure::usage(format!("expected a --tag from 0 to {last}, got {tag}")));
    }
    let tags = Tags { tag, shape };
    let budget = Budget::new();
    let input = Limited { input, budget: budget.clone() };
    let lines: Box<dyn Lines> = match syntax {
        Syntax::Csv => Box::new(csv::Csv::new(input, tags)),
        Syntax::JsonLines => Box::new(json::JsonLines::new(input, tags)),
        Syntax::Text => {
            if !shape.raw {
                return Err(Failure::usage(
                    "--text is for a log of raw records, and this one has formats",
                ));
            }
            Box::new(text::Text::new(input, shape))
        }
    };
    Ok(Box::new(Bounded { lines, budget }))
}

/// Lines, each of which has a budget of its own.
struct Bounded<'a> {
    lines: Box<dyn Lines + 'a>,
    budget: Budget,
}

impl Lines for Bounded<'_> {
    fn next_line(&mut self) -> std::result::Result<Option<Line>, BadLine> {
        self.budget.renew();
        self.lines.next_line()
    }

    fn line(&self) -> u64 {
        self.lines.line()
    }

    fn has_header(&self) -> bool {
        self.lines.has_header()
    }

    fn ignored(&self) -> &[String] {
        self.lines.ignored()
    }
}

/// Which format a line belongs to.
struct Tags<'a> {
    tag: Option<u8>,
    shape: &'a Shape,
}

impl<'a> Tags<'a> {
    /// The tag of a line that says `named`, and the fields of its format.
    fn columns(&self, named: Option<&str>) -> std::result::Result<(u8, &'a [Column]), String> {
        let last = self.shape.formats.len().saturating_sub(1);
        let tag = match (self.tag, named) {
            (Some(tag), _) => tag,
            (None, Some(text)) => text
                .parse()
                .map_err(|_| format!("tag: expected an integer from 0 to {last}, got {text:?}"))?,
            (None, None) if !self.shape.tagged() => 0,
            (None, None) => {
                return Err(format!(
                    "expected a column `{}`, or --tag N with N from 0 to {last}, because the log \
                     has several formats",
                    self.shape.tag_name()
                ));
            }
        };
        let format = self.shape.formats.get(usize::from(tag));
        let format = format
            .ok_or_else(|| format!("tag: expected an integer from 0 to {last}, got {tag}"))?;
        Ok((tag, &format.columns))
    }

    /// Whether `name` is one that the log's own columns have: of a field, a tag or a number.
    fn knows(&self, name: &str) -> bool {
        self.knows_as(name, |own| own.eq_ignore_ascii_case(name))
    }

    fn knows_as(&self, name: &str, is: impl Fn(&str) -> bool) -> bool {
        let has_unit = name.contains(':');
        let is_field = |column: &Column| is(&column.name) || has_unit && is(&column.label());
        is(&self.shape.seqn_name())
            || self.tag_name().is_some_and(|tag| is(&tag))
            || self.shape.formats.iter().flat_map(|format| &format.columns).any(is_field)
    }

    /// The name of the column of tags; with one format there is none.
    fn tag_name(&self) -> Option<String> {
        self.shape.tagged().then(|| self.shape.tag_name())
    }

    /// Where one of the `wanted` names is among `names`; small and capital letters are the same
    /// only where no column of the log is spelled just so.
    fn place(&self, names: &[&str], wanted: &[&str]) -> Option<usize> {
        let exact = |own: &&str| names.iter().position(|name| name == own);
        let alike = |own: &&str| {
            let alike = |name: &&str| name.eq_ignore_ascii_case(own);
            names.iter().position(|name| alike(name) && !self.knows_as(name, |own| own == *name))
        };
        wanted.iter().find_map(exact).or_else(|| wanted.iter().find_map(alike))
    }
}

/// The sentence for a field that is not what it should be.
fn wrong(column: &Column, expected: Expected, got: &str) -> String {
    format!("{}: expected {expected}, got {got:?}", column.name)
}

/// The sentence for a line with too few values or too many.
fn wrong_count(columns: &[Column], got: usize) -> String {
    let labels: Vec<String> = columns.iter().map(Column::label).collect();
    let (count, s) = (columns.len(), if columns.len() == 1 { "" } else { "s" });
    format!("expected {count} value{s} ({}), got {got}", labels.join(", "))
}

/// The sentence for standard input that cannot be read.
fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => error.to_string(),
        _ => format!("standard input cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape of a log with these formats and fields.
    pub(super) fn shape(formats: &[(&'static str, &'static str)]) -> Shape {
        let format = |(text, fields): &(&'static str, &'static str)| {
            tslog::Format::new(text).unwrap().with_fields(fields).unwrap()
        };
        let formats: Vec<_> = formats.iter().map(format).collect();
        Shape::new(&formats, 16).unwrap()
    }

    /// All records of a text, or the error that stopped them.
    pub(super) fn read(
        text: &str,
        syntax: Syntax,
        shape: &Shape,
        tag: Option<u8>,
    ) -> std::result::Result<Vec<(u8, Vec<Cell<'static>>)>, String> {
        let mut lines = lines(text.as_bytes(), syntax, shape, tag).map_err(|e| e.to_string())?;
        let mut records = Vec::new();
        while let Some(line) = lines.next_line().map_err(|e| e.to_string())? {
            records.push((line.tag, line.cells));
        }
        Ok(records)
    }

    #[test]
    fn a_tag_that_the_log_does_not_have_is_refused_before_anything_is_read() {
        let two = shape(&[("<Q", "a"), ("<f", "b")]);
        assert_eq!(
            read("1\n", Syntax::Csv, &two, Some(2)).unwrap_err(),
            "expected a --tag from 0 to 1, got 2"
        );
    }

    #[test]
    fn plain_text_is_refused_by_a_log_with_formats() {
        assert!(read("x\n", Syntax::Text, &shape(&[("<Q", "a")]), None).is_err());
    }
}

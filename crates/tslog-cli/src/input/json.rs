//! JSON lines: each an object with a key for each field, or an array in the order of the fields.

use std::io::BufRead;

use serde_json::Value;

use super::{BadLine, Line, Lines, Tags, unreadable, wrong, wrong_count};
use crate::cell::Cell;
use crate::shape::Column;

pub(super) struct JsonLines<'a, R> {
    input: R,
    tags: Tags<'a>,
    text: String,
    ignored: Vec<String>,
    line: u64,
}

impl<'a, R: BufRead> JsonLines<'a, R> {
    pub(super) fn new(input: R, tags: Tags<'a>) -> Self {
        Self { input, tags, text: String::new(), ignored: Vec::new(), line: 0 }
    }

    fn record(&mut self) -> Result<Line, String> {
        let value: Value = serde_json::from_str(&self.text)
            .map_err(|error| format!("expected a JSON object or array: {}", position(&error)))?;
        let object = match value {
            Value::Array(values) => {
                let (tag, columns) = self.tags.columns(None)?;
                if values.len() != columns.len() {
                    return Err(wrong_count(columns, values.len()));
                }
                let cells = columns.iter().zip(&values).map(|(column, value)| cell(column, value));
                return Ok(Line { tag, cells: cells.collect::<Result<_, _>>()? });
            }
            Value::Object(object) => object,
            other => return Err(format!("expected a JSON object or array, got {other}")),
        };
        for name in object.keys() {
            if !self.tags.knows(name) && !self.ignored.contains(name) {
                self.ignored.push(name.clone());
            }
        }
        let alike = |wanted: &[&str]| {
            let names: Vec<&str> = object.keys().map(String::as_str).collect();
            self.tags.place(&names, wanted).and_then(|at| object.values().nth(at))
        };
        let tag = self.tags.tag_name();
        let tag = tag.and_then(|tag| object.get(&tag).or_else(|| alike(&[&tag]))).map(text);
        let (tag, columns) = self.tags.columns(tag.as_deref())?;
        let value = |column: &Column| {
            let (name, label) = (&column.name, column.label());
            let value = object.get(name).or_else(|| alike(&[&label, name]));
            let missing = || format!("expected a key `{}`, and the object has none", column.name);
            cell(column, value.ok_or_else(missing)?)
        };
        Ok(Line { tag, cells: columns.iter().map(value).collect::<Result<_, _>>()? })
    }
}

impl<R: BufRead> Lines for JsonLines<'_, R> {
    fn next_line(&mut self) -> Result<Option<Line>, BadLine> {
        loop {
            self.text.clear();
            self.line += 1;
            let read = self.input.read_line(&mut self.text).map_err(|error| {
                let what = match error.kind() {
                    std::io::ErrorKind::InvalidData => "expected UTF-8 text".to_owned(),
                    _ => unreadable(&error),
                };
                BadLine::new(self.line, what)
            })?;
            if read == 0 {
                return Ok(None);
            }
            if !self.text.trim().is_empty() {
                let record = self.record();
                return record.map(Some).map_err(|what| BadLine::new(self.line, what));
            }
        }
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

/// Numbers, texts and truth values are read as CSV reads them, so that both accept the same.
fn cell(column: &Column, value: &Value) -> Result<Cell<'static>, String> {
    let text = text(value);
    let parsed = column.kind.parse(&text, column.time_unit());
    parsed.map_err(|expected| wrong(column, expected, &text))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The message of the parser, whose line number is always 1 here and would mislead.
fn position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line")
        .map_or(text.clone(), |(what, _)| format!("{what} at character {}", error.column()))
}

#[cfg(test)]
mod tests {
    use super::super::Syntax;
    use super::super::tests::{read, shape};
    use super::*;

    fn json(
        text: &str,
        formats: &[(&'static str, &'static str)],
    ) -> Result<Vec<(u8, Vec<Cell<'static>>)>, String> {
        read(text, Syntax::JsonLines, &shape(formats), None)
    }

    const TH: &[(&str, &str)] = &[("<Qf", "time:s,h:%")];

    #[test]
    fn objects_go_by_name_and_arrays_by_order() {
        let expected = Ok(vec![(0, vec![Cell::Int(5), Cell::Float(1.5)])]);
        assert_eq!(json("{\"h\":1.5,\"time\":5}\n", TH), expected);
        assert_eq!(json("\n[5,1.5]", TH), expected);
        assert_eq!(json("{\"h:%\":\"1.5\",\"time\":\"1970-01-01T00:00:05Z\"}", TH), expected);
        assert_eq!(json("{\"H\":1.5,\"Time\":5,\"tag\":\"x\"}", TH), expected);
    }

    #[test]
    fn what_json_has_no_number_for_is_a_string() {
        let lines = json("[0,\"NaN\"]\n[0,\"-inf\"]", TH).unwrap();
        assert!(matches!(lines[0].1[1], Cell::Float(value) if value.is_nan()));
        assert_eq!(lines[1].1[1], Cell::Float(f64::NEG_INFINITY));
    }

    #[test]
    fn a_bad_line_is_named_with_what_was_expected_and_what_came() {
        let error = |text| json(text, TH).unwrap_err();
        assert_eq!(
            error("[1,2]\n\n[-1,2]"),
            "line 3: time: expected an integer from 0 to 18446744073709551615, or a time such as \
             2026-01-01T00:00:00Z, got \"-1\""
        );
        assert_eq!(error("{\"time\":1}"), "line 1: expected a key `h`, and the object has none");
        assert_eq!(error("[1]"), "line 1: expected 2 values (time:s, h:%), got 1");
        assert_eq!(error("7"), "line 1: expected a JSON object or array, got 7");
        assert!(error("{\"time\":").starts_with("line 1: expected a JSON object or array: EOF"));
    }

    #[test]
    fn a_key_chooses_the_format_of_each_line() {
        let two: &[(&'static str, &'static str)] = &[("<Q", "a"), ("<?", "b")];
        assert_eq!(
            json("{\"tag\":1,\"b\":true}\n{\"seqn\":9,\"tag\":0,\"a\":3}\n", two),
            Ok(vec![(1, vec![Cell::Bool(true)]), (0, vec![Cell::Int(3)])])
        );
        assert!(json("[1]", two).unwrap_err().contains("--tag N"));
    }
}

//! JSON lines: an object a record, its keys in the order of the fields.

use std::io::{self, Write};

use super::{Output, Row};
use crate::cell::Cell;
use crate::shape::{Column, Shape};

pub(super) struct JsonLines<'a, W> {
    out: W,
    shape: &'a Shape,
    utc: bool,
    seqn: String,
    tag: String,
}

impl<'a, W: Write> JsonLines<'a, W> {
    pub(super) fn new(out: W, shape: &'a Shape, utc: bool) -> Self {
        Self { out, shape, utc, seqn: quoted(&shape.seqn_name()), tag: quoted(&shape.tag_name()) }
    }

    fn cell(&self, column: &Column, cell: &Cell<'_>) -> String {
        let time = column.time_unit().filter(|_| self.utc);
        let text = column.kind.show(cell, time);
        let plain = match cell {
            Cell::Bool(_) => true,
            Cell::Int(_) => text.parse::<i128>().is_ok(),
            // JSON has no number for NaN and the infinities: they are strings, which
            // `tslog append --json-lines` takes back.
            Cell::Float(value) => value.is_finite() && text.parse::<f64>().is_ok(),
            Cell::Bytes(_) => false,
        };
        if plain { text } else { quoted(&text) }
    }
}

impl<W: Write> Output for JsonLines<'_, W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        write!(self.out, "{{{}:{}", self.seqn, row.seqn)?;
        if self.shape.tagged() {
            write!(self.out, ",{}:{}", self.tag, row.tag)?;
        }
        let format = self.shape.formats.get(usize::from(row.tag));
        let columns = format.map_or(&[][..], |format| &format.columns);
        for (column, cell) in columns.iter().zip(&row.cells) {
            write!(self.out, ",{}:{}", quoted(&column.name), self.cell(column, cell))?;
        }
        self.out.write_all(b"}\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::{rows, shape};
    use super::*;

    fn print(rows: &[Row<'_>], utc: bool) -> String {
        let mut out = Vec::new();
        let shape = shape();
        let mut json = JsonLines::new(&mut out, &shape, utc);
        for row in rows {
            json.row(row).unwrap();
        }
        json.flush().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_record_is_an_object_with_the_fields_of_its_format() {
        assert_eq!(
            print(&rows(), false),
            "{\"seqn\":9,\"tag\":0,\"time\":60,\"temperature\":21.5}\n\
             {\"seqn\":10,\"tag\":1,\"time\":3600,\"door\":\"a\\\"\"}\n"
        );
    }

    #[test]
    fn what_json_has_no_number_for_is_a_string() {
        let cells = vec![Cell::Int(60), Cell::Float(f64::NAN)];
        let text = print(&[Row { seqn: 1, tag: 0, bytes: &[], cells }], true);
        assert!(
            text.contains("\"time\":\"1970-01-01T00:01:00Z\",\"temperature\":\"NaN\"}"),
            "{text}"
        );
    }
}

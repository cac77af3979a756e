//! CSV under a header of `name:unit`, which `tslog append --csv` takes back as it is.

use std::io::{self, Write};

use csv::Writer;

use super::grid::Grid;
use super::{Output, Row};
use crate::shape::{Column, Shape};

pub(super) struct Csv<'a, W: Write> {
    writer: Writer<W>,
    grid: Grid<'a>,
    at_start: bool,
}

impl<'a, W: Write> Csv<'a, W> {
    pub(super) fn new(out: W, shape: &'a Shape, utc: bool) -> Self {
        Self { writer: Writer::from_writer(out), grid: Grid::new(shape, utc), at_start: true }
    }

    fn put_header(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.at_start) {
            self.writer.write_record(self.grid.headings(Column::label)).map_err(plain)?;
        }
        Ok(())
    }
}

impl<W: Write> Output for Csv<'_, W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.put_header()?;
        self.writer.write_record(self.grid.cells(row)).map_err(plain)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.put_header()?;
        self.writer.flush()
    }
}

/// The error of the output itself, so that a closed pipe is known as one.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::{rows, shape};
    use super::*;

    #[test]
    fn the_header_names_fields_and_units_and_cells_are_quoted_where_needed() {
        let mut out = Vec::new();
        let shape = shape();
        let mut csv = Csv::new(&mut out, &shape, false);
        for row in rows() {
            csv.row(&row).unwrap();
        }
        csv.flush().unwrap();
        drop(csv);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "seqn,tag,time:s,temperature:degC,door\n9,0,60,21.5,\n10,1,3600,,\"a\"\"\"\n"
        );
    }
}

//! A table with aligned columns. The widths come from the first rows and only ever grow.

use std::io::{self, Write};

use anstyle::Style;

use super::grid::Grid;
use super::{Output, Row};
use crate::shape::{Column, Shape};

/// So many rows are held back to find the widths of their columns.
const ROWS_HELD: usize = 256;

pub(super) struct Table<'a, W> {
    out: W,
    grid: Grid<'a>,
    headings: Option<Vec<String>>,
    heading: Style,
    numbers: Vec<bool>,
    widths: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl<'a, W: Write> Table<'a, W> {
    pub(super) fn new(out: W, shape: &'a Shape, utc: bool, heading: Style) -> Self {
        let grid = Grid::new(shape, utc);
        let headings = grid.headings(with_unit);
        Self {
            out,
            numbers: grid.numbers(),
            widths: headings.iter().map(|text| text.chars().count()).collect(),
            headings: Some(headings),
            heading,
            grid,
            rows: Vec::new(),
        }
    }

    fn put_rows(&mut self) -> io::Result<()> {
        for row in &self.rows {
            for (width, text) in self.widths.iter_mut().zip(row) {
                *width = text.chars().count().max(*width);
            }
        }
        if let Some(headings) = self.headings.take() {
            let line = self.line(&headings);
            let style = self.heading;
            writeln!(self.out, "{style}{line}{style:#}")?;
        }
        for row in std::mem::take(&mut self.rows) {
            let line = self.line(&row);
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for ((text, width), is_number) in cells.iter().zip(&self.widths).zip(&self.numbers) {
            let pad = " ".repeat(width.saturating_sub(text.chars().count()));
            let (left, right) = if *is_number { (&*pad, "") } else { ("", &*pad) };
            line.extend([left, text, right, "  "]);
        }
        line.truncate(line.trim_end().len());
        line
    }
}

impl<W: Write> Output for Table<'_, W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.rows.push(self.grid.cells(row));
        if self.rows.len() >= ROWS_HELD { self.put_rows() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.put_rows()?;
        self.out.flush()
    }
}

fn with_unit(column: &Column) -> String {
    if column.unit.is_empty() {
        column.name.clone()
    } else {
        format!("{} [{}]", column.name, column.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::{rows, shape};
    use super::*;

    fn print(rows: &[Row<'_>], style: Style) -> String {
        let mut out = Vec::new();
        let shape = shape();
        let mut table = Table::new(&mut out, &shape, false, style);
        for row in rows {
            table.row(row).unwrap();
        }
        table.flush().unwrap();
        drop(table);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_line_up_on_the_right_under_their_units() {
        assert_eq!(
            print(&rows(), Style::new()),
            "seqn  tag  time [s]  temperature [degC]  door\n\
             \x20  9    0        60                21.5\n\
             \x20 10    1      3600                      a\"\n"
        );
    }

    #[test]
    fn an_empty_log_has_its_headings() {
        assert_eq!(print(&[], Style::new()).lines().count(), 1);
    }

    #[test]
    fn only_the_headings_have_a_style() {
        let text = print(&rows(), Style::new().bold());
        assert!(text.starts_with("\x1b[1mseqn") && text.matches("\x1b[0m").count() == 1, "{text}");
    }
}

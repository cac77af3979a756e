//! The columns of a table or a CSV file: a number, a tag if the log has several formats, and every
//! field of every format. Fields of the same name and unit share a column.

use super::Row;
use crate::shape::{Column, Shape};

pub(super) struct Grid<'a> {
    shape: &'a Shape,
    utc: bool,
    columns: Vec<&'a Column>,
    /// For each tag the column of each of its fields.
    places: Vec<Vec<usize>>,
    /// The columns in front of the fields: 1, or 2 with a tag.
    front: usize,
}

impl<'a> Grid<'a> {
    /// `utc` prints times as RFC 3339.
    pub(super) fn new(shape: &'a Shape, utc: bool) -> Self {
        let mut columns: Vec<&Column> = Vec::new();
        let mut place = |column: &'a Column| {
            let same = columns
                .iter()
                .position(|known| (&known.name, &known.unit) == (&column.name, &column.unit));
            same.unwrap_or_else(|| {
                columns.push(column);
                columns.len() - 1
            })
        };
        let places =
            shape.formats.iter().map(|f| f.columns.iter().map(&mut place).collect()).collect();
        let front = if shape.tagged() { 2 } else { 1 };
        Self { shape, utc, columns, places, front }
    }

    /// The headings, each field as `named` writes it.
    pub(super) fn headings(&self, named: impl Fn(&Column) -> String) -> Vec<String> {
        let mut headings = vec![self.shape.seqn_name()];
        headings.extend(self.shape.tagged().then(|| self.shape.tag_name()));
        headings.extend(self.columns.iter().map(|column| named(column)));
        headings
    }

    /// Whether each column lines up on the right.
    pub(super) fn numbers(&self) -> Vec<bool> {
        let mut numbers = vec![true; self.front];
        let shown_as_number =
            |c: &&Column| c.kind.is_number() && !(self.utc && c.time_unit().is_some());
        numbers.extend(self.columns.iter().map(shown_as_number));
        numbers
    }

    /// The text of each column; empty where the format of the record has no such field.
    pub(super) fn cells(&self, row: &Row<'_>) -> Vec<String> {
        let mut cells = vec![String::new(); self.front + self.columns.len()];
        let tag = usize::from(row.tag);
        let format = self.shape.formats.get(tag).map_or(&[][..], |format| &format.columns);
        let places = self.places.get(tag).map_or(&[][..], Vec::as_slice);
        let mut put = |at: usize, text: String| {
            if let Some(cell) = cells.get_mut(at) {
                *cell = text;
            }
        };
        put(0, row.seqn.to_string());
        if self.shape.tagged() {
            put(1, row.tag.to_string());
        }
        for ((column, cell), place) in format.iter().zip(&row.cells).zip(places) {
            let time = column.time_unit().filter(|_| self.utc);
            put(self.front + place, column.kind.show(cell, time));
        }
        cells
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tslog::Format;

    use super::*;
    use crate::cell::Cell;

    /// Two formats that share a column.
    pub(in crate::output) fn shape() -> Shape {
        let format = |text, fields| Format::new(text).unwrap().with_fields(fields).unwrap();
        let formats = [format("<Qf", "time:s,temperature:degC"), format("<Q3s", "time:s,door")];
        Shape::new(&formats, 13).unwrap()
    }

    pub(in crate::output) fn rows() -> [Row<'static>; 2] {
        let row = |seqn, tag, cells| Row { seqn, tag, bytes: &[0, 0, 65, 255], cells };
        [
            row(9, 0, vec![Cell::Int(60), Cell::Float(21.5)]),
            row(10, 1, vec![Cell::Int(3600), Cell::from(b"a\"\0".to_vec())]),
        ]
    }

    #[test]
    fn fields_of_the_same_name_and_unit_share_a_column() {
        let shape = shape();
        let grid = Grid::new(&shape, false);
        assert_eq!(
            grid.headings(Column::label),
            ["seqn", "tag", "time:s", "temperature:degC", "door"]
        );
        assert_eq!(grid.numbers(), [true, true, true, true, false]);
        let [first, second] = rows();
        assert_eq!(grid.cells(&first), ["9", "0", "60", "21.5", ""]);
        assert_eq!(grid.cells(&second), ["10", "1", "3600", "", "a\""]);
    }

    #[test]
    fn times_are_dates_when_asked_for() {
        let shape = shape();
        let grid = Grid::new(&shape, true);
        assert_eq!(grid.cells(&rows()[1])[2], "1970-01-01T01:00:00Z");
        assert!(!grid.numbers()[2]);
    }
}

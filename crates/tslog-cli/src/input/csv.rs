//! CSV: values in the order of the fields, or under a header line that names them.
//!
//! The first line is a header if one of its cells is the name of a field and none is a number.

use std::io::BufRead;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};

use super::{BadLine, Line, Lines, Tags, unreadable, wrong, wrong_count};
use crate::cell::Cell;
use crate::shape::Column;

pub(super) struct Csv<'a, R> {
    reader: Reader<R>,
    tags: Tags<'a>,
    record: StringRecord,
    /// Where the columns are, if the first line named them.
    header: Option<Header>,
    ignored: Vec<String>,
    at_start: bool,
    line: u64,
}

/// What the first line says.
struct Header {
    names: usize,
    tag: Option<usize>,
    /// For each format the places of its columns.
    places: Vec<Vec<Option<usize>>>,
}

impl Header {
    fn new(names: &[&str], tags: &Tags<'_>) -> Self {
        // The name with the unit is the better match.
        let place = |column: &Column| tags.place(names, &[&column.label(), &column.name]);
        let places = |columns: &[Column]| columns.iter().map(place).collect();
        Self {
            names: names.len(),
            tag: tags.tag_name().and_then(|tag| tags.place(names, &[&tag])),
            places: tags.shape.formats.iter().map(|format| places(&format.columns)).collect(),
        }
    }
}

impl<'a, R: BufRead> Csv<'a, R> {
    pub(super) fn new(input: R, tags: Tags<'a>) -> Self {
        Self {
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .trim(Trim::All)
                .from_reader(input),
            tags,
            record: StringRecord::new(),
            header: None,
            ignored: Vec::new(),
            at_start: true,
            line: 0,
        }
    }

    /// Reads the next line with something on it; false at the end.
    fn advance(&mut self) -> Result<bool, BadLine> {
        let found = self.reader.read_record(&mut self.record).map_err(|error| {
            let line = error.position().map_or(self.line + 1, csv::Position::line);
            let what = match error.kind() {
                ErrorKind::Io(error) => unreadable(error),
                ErrorKind::Utf8 { .. } => "expected UTF-8 text".to_owned(),
                _ => error.to_string(),
            };
            BadLine::new(line, what)
        })?;
        // A record's own position is that of the empty lines in front of it; the reader stands
        // behind it, and the line ends inside its values are known.
        let begin = self.record.position().map_or(self.line, csv::Position::line);
        let inside = self.record.iter().flat_map(str::bytes).filter(|&byte| byte == b'\n').count();
        let behind = self.reader.position().line().saturating_sub(1);
        self.line = begin.max(behind.saturating_sub(u64::try_from(inside).unwrap_or(0)));
        Ok(found)
    }

    fn is_header(&self) -> bool {
        self.record.iter().any(|cell| self.tags.knows(cell))
            && self.record.iter().all(|cell| cell.parse::<f64>().is_err())
    }

    fn cells(&self) -> Result<Line, String> {
        let tag = self.header.as_ref().and_then(|header| self.record.get(header.tag?));
        let (tag, columns) = self.tags.columns(tag)?;
        let Some(header) = &self.header else {
            if self.record.len() != columns.len() {
                return Err(self.wrong_count(columns));
            }
            let cells = columns.iter().zip(&self.record).map(|(column, text)| cell(column, text));
            return Ok(Line { tag, cells: cells.collect::<Result<_, _>>()? });
        };
        let places = header.places.get(usize::from(tag)).map_or(&[][..], Vec::as_slice);
        let named = |(column, place): (&Column, &Option<usize>)| {
            let name = &column.name;
            let place = place
                .ok_or_else(|| format!("expected a column `{name}`, and the header has none"))?;
            let text = self.record.get(place).ok_or_else(|| {
                format!("{name}: expected {} values, got {}", header.names, self.record.len())
            })?;
            cell(column, text)
        };
        let cells = columns.iter().zip(places).map(named);
        Ok(Line { tag, cells: cells.collect::<Result<_, _>>()? })
    }

    /// The sentence for a line with too few values or too many, and what may have parted them.
    fn wrong_count(&self, columns: &[Column]) -> String {
        let wrong = wrong_count(columns, self.record.len());
        match self.record.get(0).filter(|_| self.record.len() == 1) {
            Some(text) if text.contains(';') => format!("{wrong}: part them by commas, not by `;`"),
            Some(text) if text.contains('\t') => {
                format!("{wrong}: part them by commas, not by tabs")
            }
            _ => wrong,
        }
    }
}

impl<R: BufRead> Lines for Csv<'_, R> {
    fn next_line(&mut self) -> Result<Option<Line>, BadLine> {
        let mut found = self.advance()?;
        if std::mem::take(&mut self.at_start) && found && self.is_header() {
            let names: Vec<&str> = self.record.iter().collect();
            let ignored = names.iter().filter(|name| !self.tags.knows(name));
            self.ignored = ignored.map(|name| (*name).to_owned()).collect();
            self.header = Some(Header::new(&names, &self.tags));
            found = self.advance()?;
        }
        if !found {
            return Ok(None);
        }
        self.cells().map(Some).map_err(|what| BadLine::new(self.line, what))
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn has_header(&self) -> bool {
        self.header.is_some()
    }

    fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

fn cell(column: &Column, text: &str) -> Result<Cell<'static>, String> {
    let cell = column.kind.parse(text, column.time_unit());
    cell.map_err(|expected| wrong(column, expected, text))
}

#[cfg(test)]
mod tests {
    use super::super::Syntax;
    use super::super::tests::{read, shape};
    use super::*;

    fn csv(
        text: &str,
        formats: &[(&'static str, &'static str)],
    ) -> Result<Vec<(u8, Vec<Cell<'static>>)>, String> {
        read(text, Syntax::Csv, &shape(formats), None)
    }

    fn ints(values: &[i128]) -> Vec<Cell<'static>> {
        values.iter().map(|value| Cell::Int(*value)).collect()
    }

    const AB: &[(&str, &str)] = &[("<QI", "a:s,b")];

    #[test]
    fn values_without_a_header_come_in_the_order_of_the_fields() {
        assert_eq!(csv("1,2\n 3 , 4", AB), Ok(vec![(0, ints(&[1, 2])), (0, ints(&[3, 4]))]));
    }

    #[test]
    fn a_header_names_the_columns_in_any_order_with_or_without_units() {
        for header in ["b,a", "b,a:s", "b,seqn,a", "B,A", "B,Seqn,A:S"] {
            let row = if header.contains("eqn") { "2,99,1" } else { "2,1" };
            assert_eq!(csv(&format!("{header}\n{row}\n"), AB), Ok(vec![(0, ints(&[1, 2]))]));
        }
    }

    #[test]
    fn columns_that_no_field_asks_for_are_named() {
        let shape = shape(AB);
        let tags = Tags { tag: None, shape: &shape };
        let mut lines = Csv::new("a,b,station\n1,2,x\n".as_bytes(), tags);
        assert_eq!(lines.next_line().unwrap().unwrap().cells, ints(&[1, 2]));
        assert_eq!(lines.ignored(), ["station"]);
    }

    #[test]
    fn a_bad_line_is_named_with_what_was_expected_and_what_came() {
        let error = |text| csv(text, AB).unwrap_err();
        assert_eq!(
            error("1,2\n\n3,x\n"),
            "line 3: b: expected an integer from 0 to 4294967295, got \"x\""
        );
        assert_eq!(error("1,2\n3\n"), "line 2: expected 2 values (a:s, b), got 1");
        assert!(error("1;2\n").ends_with("got 1: part them by commas, not by `;`"));
        assert!(error("a\tb\n").ends_with("got 1: part them by commas, not by tabs"));
        assert_eq!(error("a\n1\n"), "line 2: expected a column `b`, and the header has none");
        assert_eq!(error("a,b\n1\n"), "line 2: b: expected 2 values, got 1");
    }

    #[test]
    fn text_that_is_no_utf_8_is_a_bad_line() {
        let shape = shape(AB);
        let tags = Tags { tag: None, shape: &shape };
        let mut lines = Csv::new(&b"1,2\n\xff,2\n"[..], tags);
        assert!(lines.next_line().is_ok());
        assert_eq!(lines.next_line().unwrap_err().to_string(), "line 2: expected UTF-8 text");
    }

    #[test]
    fn a_column_of_tags_chooses_the_format_of_each_line() {
        let two: &[(&'static str, &'static str)] = &[("<Q", "a"), ("<I", "b")];
        assert_eq!(csv("tag,a,b\n0,1,\n1,,2\n", two), Ok(vec![(0, ints(&[1])), (1, ints(&[2]))]));
        assert!(csv("tag,a,b\n2,1,\n", two).unwrap_err().contains("from 0 to 1, got 2"));
        assert!(csv("1\n", two).unwrap_err().contains("--tag N with N from 0 to 1"));
    }

    #[test]
    fn the_same_name_in_two_units_is_two_columns() {
        let two: &[(&'static str, &'static str)] = &[("<i", "t:degC"), ("<i", "t:K")];
        let text = "tag,t:degC,t:K\n0,20,\n1,,293\n";
        assert_eq!(csv(text, two), Ok(vec![(0, ints(&[20])), (1, ints(&[293]))]));
    }

    #[test]
    fn names_that_differ_in_their_letters_alone_are_two_columns() {
        let two: &[(&'static str, &'static str)] = &[("<i", "t"), ("<i", "T")];
        assert_eq!(
            csv("tag,t,T\n0,20,\n1,,30\n", two),
            Ok(vec![(0, ints(&[20])), (1, ints(&[30]))])
        );
        let error = csv("tag,t\n0,20\n1,30\n", two).unwrap_err();
        assert_eq!(error, "line 3: expected a column `T`, and the header has none");
    }

    #[test]
    fn a_column_called_tag_is_like_any_other_where_there_is_one_format() {
        assert_eq!(csv("b,tag,a\n2,kitchen,1\n", AB), Ok(vec![(0, ints(&[1, 2]))]));
    }

    #[test]
    fn a_quoted_text_may_hold_commas_and_line_ends() {
        let text: &[(&'static str, &'static str)] = &[("<8sB", "name,n")];
        let name = Cell::from(b"a,\nb".to_vec());
        assert_eq!(csv("\"a,\nb\",7\n", text), Ok(vec![(0, vec![name, Cell::Int(7)])]));
        assert!(csv("\"a,\nb\",7\nx,y\n", text).unwrap_err().starts_with("line 3: n: "));
    }
}

//! Records as bytes and as cells, by the formats of a log.

use std::borrow::Cow;

use tslog::{Format, Schema, Value};

use crate::cell::Cell;
use crate::exit::{Failure, Result};
use crate::output::Row;
use crate::shape::Shape;
use crate::source::to_usize;

/// Packs and unpacks the records of one log.
pub(crate) struct Codec<'a> {
    schema: &'a Schema,
    formats: Vec<Format<'a>>,
    shape: Shape,
}

impl<'a> Codec<'a> {
    pub(crate) fn new(schema: &'a Schema) -> Result<Self> {
        let formats = schema.formats().map_err(|invalid| Failure::error(invalid.to_string()))?;
        let shape = Shape::new(&formats, schema.record_size)?;
        Ok(Self { schema, formats, shape })
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The record as it is printed; `None` if its tag is not one of this log.
    pub(crate) fn row<'b>(&self, seqn: u64, bytes: &'b [u8]) -> Option<Row<'b>> {
        if self.shape.raw {
            let cells = vec![Cell::Bytes(Cow::Borrowed(bytes))];
            return Some(Row { seqn, tag: 0, bytes, cells });
        }
        let (tag, packed) = self.schema.split(bytes)?;
        let values = self.formats.get(usize::from(tag))?.unpack(packed);
        Some(Row { seqn, tag, bytes, cells: values.map(cell).collect() })
    }

    /// The bytes of a record of these cells.
    pub(crate) fn record(&self, tag: u8, cells: &[Cell<'_>]) -> Result<Vec<u8>> {
        if let (true, [Cell::Bytes(bytes)]) = (self.shape.raw, cells) {
            return Ok(bytes.to_vec());
        }
        let mut record = vec![0; to_usize(self.schema.record_size)];
        let skip = usize::from(self.shape.tagged());
        record.get_mut(..skip).unwrap_or_default().fill(tag);
        let place = record.get_mut(skip..).unwrap_or_default();
        let values: Vec<Value<'_>> = cells.iter().map(value).collect();
        let format = self.formats.get(usize::from(tag));
        let format = format.ok_or_else(|| Failure::error(format!("there is no tag {tag}")))?;
        format.pack(&values, place).map_err(|error| Failure::error(error.to_string()))?;
        Ok(record)
    }
}

fn cell(value: Value<'_>) -> Cell<'_> {
    match value {
        Value::Bool(value) => Cell::Bool(value),
        Value::Bytes(bytes) => Cell::Bytes(Cow::Borrowed(bytes)),
        Value::Float(value) => Cell::Float(value),
        Value::Int(value) => Cell::Int(value.into()),
        Value::Uint(value) => Cell::Int(value.into()),
    }
}

/// A cell is parsed by the range of its field, so that one of the two integers always fits.
fn value<'b>(cell: &'b Cell<'_>) -> Value<'b> {
    match cell {
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Bytes(bytes) => Value::Bytes(bytes),
        Cell::Float(value) => Value::Float(*value),
        Cell::Int(value) => match u64::try_from(*value) {
            Ok(value) => Value::Uint(value),
            Err(_) => Value::Int(i64::try_from(*value).unwrap_or(i64::MIN)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(formats: &[(&str, &str)], record_size: u32) -> Schema {
        let formats = formats.iter().map(|(f, n)| ((*f).to_owned(), (*n).to_owned())).collect();
        Schema { formats, record_size, bucket_size: 8 }
    }

    #[test]
    fn a_record_of_each_format_comes_back_as_it_went() {
        let schema = schema(&[("<qfc", "a,b,c"), ("<Q?4s", "d,e,f")], 14);
        let codec = Codec::new(&schema).unwrap();
        for (tag, cells) in [
            (0, vec![Cell::Int(-5), Cell::Float(0.5), Cell::from(b"x".to_vec())]),
            (1, vec![Cell::Int(u64::MAX.into()), Cell::Bool(true), Cell::from(b"text".to_vec())]),
        ] {
            let record = codec.record(tag, &cells).unwrap();
            assert_eq!((record.len(), record[0]), (14, tag));
            let row = codec.row(7, &record).unwrap();
            assert_eq!((row.seqn, row.tag, row.cells), (7, tag, cells));
        }
        assert!(codec.row(7, &[2; 14]).is_none(), "there is no tag 2");
    }

    #[test]
    fn a_raw_record_is_one_cell() {
        let schema = schema(&[], 4);
        let codec = Codec::new(&schema).unwrap();
        let cells = [Cell::from(b"ab".to_vec())];
        assert_eq!(codec.record(0, &cells).unwrap(), b"ab");
        assert_eq!(codec.row(1, b"ab").unwrap().cells, cells);
    }
}

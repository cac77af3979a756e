//! What is known of the records of a log, a reader or a view.

use tslog_core::{Error, Format, Invalid, Schema};

use crate::abi::{RecordRead, Shape, ValueOfC};
use crate::fault::Fault;
use crate::pointers::Out;
use crate::values::{check_room, write_all};

/// A schema, and the sizes that follow from it.
pub(super) struct Described {
    pub(super) schema: Schema,
    pub(super) shape: Shape,
}

impl Described {
    pub(super) fn new(schema: &Schema) -> Result<Self, Fault> {
        let formats = schema.formats()?;
        let shape = Shape {
            record_size: schema.record_size,
            bucket_size: schema.bucket_size,
            format_count: u32::try_from(formats.len()).unwrap_or(u32::MAX),
            values_max: formats.iter().map(Format::values).max().unwrap_or(0),
        };
        Ok(Self { schema: schema.clone(), shape })
    }

    pub(super) fn record_size(&self) -> usize {
        usize::try_from(self.shape.record_size).unwrap_or(usize::MAX)
    }

    /// Refuses, before anything is read, what could not be given as values.
    pub(super) fn check_values(&self, values: Out<ValueOfC>, capacity: usize) -> Result<(), Fault> {
        if self.shape.format_count == 0 {
            return Err(Invalid::Formats(0).into());
        }
        check_room(self.shape.values_max, values, capacity)
    }

    /// Writes the values of a record; its number is for the caller to know.
    pub(super) fn decode(
        &self,
        record: &[u8],
        values: Out<ValueOfC>,
        capacity: usize,
    ) -> Result<RecordRead, Fault> {
        let (need, have) = (u64::from(self.shape.record_size), record.len() as u64);
        let record = record.get(..self.record_size()).ok_or(Invalid::Buffer(need, have))?;
        let Some((tag, bytes)) = self.schema.split(record) else {
            let count = self.shape.format_count;
            let tag = record.first().map_or(0, |tag| u32::from(*tag));
            let raw = Invalid::Formats(0);
            return Err(if count == 0 { raw } else { Invalid::Tag(tag, count) }.into());
        };
        let (text, _) = self.text(u32::from(tag))?;
        let count = write_all(&Format::new(text)?, bytes, values, capacity)?;
        Ok(RecordRead { seqn: 0, tag: u32::from(tag), count })
    }

    pub(super) fn text(&self, index: u32) -> Result<(&str, &str), Fault> {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let found = self.schema.formats.get(at);
        let missing = Invalid::Tag(index, self.shape.format_count);
        let (format, fields) = found.ok_or(Error::Invalid(missing)).map_err(Fault::Log)?;
        Ok((format, fields))
    }
}

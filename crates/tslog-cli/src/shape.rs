//! What the records of a log are made of: its formats with the names, units and kinds of their
//! fields.
//!
//! A log without formats has one column, `data`, which holds the whole record as text.

use tslog::{Code, Format};

use crate::cell::Kind;
use crate::exit::{Failure, Result};
use crate::time::TimeUnit;

/// More columns than this nobody looks at, and nobody's memory has to hold.
const VALUES_MAX: u32 = 4096;

/// One field of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Empty where the log gives none.
    pub(crate) unit: String,
    pub(crate) kind: Kind,
}

impl Column {
    /// The unit of a field named `time` that holds numbers; `None` for every other field.
    pub(crate) fn time_unit(&self) -> Option<TimeUnit> {
        let is_time = self.name == "time" && self.kind.is_number();
        is_time.then(|| TimeUnit::parse(&self.unit)).flatten()
    }

    /// `name:unit`, or the name alone, as `--fields` takes it.
    pub(crate) fn label(&self) -> String {
        if self.unit.is_empty() {
            self.name.clone()
        } else {
            format!("{}:{}", self.name, self.unit)
        }
    }
}

/// One format, and its fields in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatShape {
    /// As the header of the log has it, such as `<Qff`; empty in a log of raw records.
    pub(crate) format: String,
    pub(crate) columns: Vec<Column>,
}

/// All formats of a log; a log of raw records has one without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) formats: Vec<FormatShape>,
    pub(crate) raw: bool,
}

impl Shape {
    /// From the formats of a log's header.
    ///
    /// # Errors
    /// A format with more values than a person can look at, which only a hostile header has.
    pub(crate) fn new(formats: &[Format<'_>], record_size: u32) -> Result<Self> {
        if formats.is_empty() {
            let kind = Kind::Text(usize::try_from(record_size).unwrap_or(usize::MAX));
            let data = Column { name: "data".to_owned(), unit: String::new(), kind };
            let format = FormatShape { format: String::new(), columns: vec![data] };
            return Ok(Self { formats: vec![format], raw: true });
        }
        let formats = formats.iter().map(FormatShape::new).collect::<Result<_>>()?;
        Ok(Self { formats, raw: false })
    }

    /// Whether records carry a tag that a person has to see.
    pub(crate) fn tagged(&self) -> bool {
        self.formats.len() > 1
    }

    /// The name of the column of sequence numbers.
    pub(crate) fn seqn_name(&self) -> String {
        self.free_name("seqn")
    }

    /// The name of the column of tags.
    pub(crate) fn tag_name(&self) -> String {
        self.free_name("tag")
    }

    /// A name that no field of the log has.
    fn free_name(&self, name: &str) -> String {
        let mut name = name.to_owned();
        while self.formats.iter().flat_map(|format| &format.columns).any(|c| c.name == name) {
            name.push('_');
        }
        name
    }
}

impl FormatShape {
    fn new(format: &Format<'_>) -> Result<Self> {
        if format.values() > VALUES_MAX {
            return Err(Failure::error(format!(
                "the format {format} has {} values, and tslog shows at most {VALUES_MAX}",
                format.values()
            )));
        }
        let mut fields = format.fields();
        let column = |(code, number): (Code, u32)| {
            let (name, unit) = fields.next().map_or_else(
                || (format!("value{number}"), String::new()),
                |field| (field.name.to_owned(), field.unit.to_owned()),
            );
            Column { name, unit, kind: kind(code) }
        };
        let columns = format.codes().zip(1..).map(column).collect();
        Ok(Self { format: format.to_string(), columns })
    }
}

/// The kind of a value; the codes of a resolved format are all here.
fn kind(code: Code) -> Kind {
    let size = usize::try_from(code.size).unwrap_or(usize::MAX);
    let bits = code.size.saturating_mul(8).clamp(8, 64);
    match code.letter {
        '?' => Kind::Bool,
        'c' => Kind::Char,
        'e' => Kind::Half,
        'f' => Kind::Single,
        'd' => Kind::Double,
        's' => Kind::Text(size),
        'p' => Kind::Pascal(size.saturating_sub(1).min(255)),
        'b' | 'h' | 'i' | 'q' => Kind::Int { min: -(1 << (bits - 1)), max: (1 << (bits - 1)) - 1 },
        _ => Kind::Int { min: 0, max: (1 << bits) - 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(format: &str, names: &str) -> Shape {
        let format = Format::new(format).unwrap().with_fields(names).unwrap();
        Shape::new(&[format], format.size()).unwrap()
    }

    fn labels(shape: &Shape) -> Vec<String> {
        shape.formats[0].columns.iter().map(Column::label).collect()
    }

    #[test]
    fn fields_without_a_name_are_numbered() {
        assert_eq!(labels(&shape("<Qff", "")), ["value1", "value2", "value3"]);
        assert_eq!(labels(&shape("<Qff", "time:s,t:degC,h")), ["time:s", "t:degC", "h"]);
    }

    #[test]
    fn each_value_has_its_kind_and_pads_have_none() {
        let int = Kind::Int { min: -0x8000_0000, max: 0x7fff_ffff };
        let long = Kind::Int { min: 0, max: u64::MAX.into() };
        let shape = shape("<2i7x12s?Q5pc", "");
        let kinds: Vec<Kind> = shape.formats[0].columns.iter().map(|c| c.kind).collect();
        assert_eq!(
            kinds,
            [int, int, Kind::Text(12), Kind::Bool, long, Kind::Pascal(4), Kind::Char]
        );
    }

    #[test]
    fn a_format_with_more_values_than_anyone_can_look_at_is_refused() {
        let huge = Format::new("<4294967295b").unwrap();
        assert!(Shape::new(&[huge], u32::MAX).is_err());
    }

    #[test]
    fn only_a_number_named_time_is_a_time() {
        let unit = |format, names| shape(format, names).formats[0].columns[0].time_unit();
        assert!(unit("<Q", "time:ms").is_some());
        assert!(unit("<Q", "time:h").is_none());
        assert!(unit("<Q", "age:s").is_none());
        assert!(unit("<8s", "time:s").is_none());
    }

    #[test]
    fn a_raw_log_has_one_column_of_whole_records() {
        let shape = Shape::new(&[], 128).unwrap();
        assert!(shape.raw);
        assert_eq!(labels(&shape), ["data"]);
        assert_eq!(shape.formats[0].columns[0].kind, Kind::Text(128));
    }

    #[test]
    fn the_column_of_numbers_steps_aside_for_a_field_of_its_name() {
        assert_eq!(shape("<Q", "seqn").seqn_name(), "seqn_");
        assert_eq!(shape("<Q", "time").seqn_name(), "seqn");
    }
}

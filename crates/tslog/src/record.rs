//! Records as Rust types: the trait that joins a struct to its format.

/// A type whose values are the records of a log.
///
/// `#[derive(Record)]` implements it for structs with named fields of the types `u8` to `u64`, `i8`
/// to `i64`, `f32`, `f64`, `bool` and `[u8; N]`. The record has the fields in their order,
/// little-endian, with no padding. A field is called what it is called in Rust, or what
/// `#[record(name = "...")]` says; `#[record(unit = "...")]` gives its unit.
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use tslog::{Format, Record};
///
/// #[derive(Record, Debug, PartialEq)]
/// struct Reading {
///     #[record(unit = "s")]
///     time: u64,
///     #[record(unit = "degC")]
///     temperature: f32,
///     #[record(name = "humidity", unit = "%")]
///     relative_humidity: f32,
/// }
///
/// assert_eq!(Reading::FORMAT, "<Qff");
/// assert_eq!(Reading::FIELDS, "time:s,temperature:degC,humidity:%");
///
/// let reading = Reading { time: 1, temperature: 20.5, relative_humidity: 40.0 };
/// let mut bytes = [0; Reading::SIZE];
/// reading.pack(&mut bytes);
/// assert_eq!(Reading::unpack(&bytes), reading);
/// # }
/// ```
///
/// Written by hand, the constants must agree: `FORMAT` is a [`Format`](crate::Format) of `SIZE`
/// bytes, and `FIELDS` has a name for each of its values, or is empty. A log checks this when it is
/// opened, and that is all it relies on; what the bytes mean to Rust is the type's own affair.
///
/// ```
/// use tslog::Record;
///
/// /// A temperature in hundredths of a degree.
/// struct Centi(i16);
///
/// impl Record for Centi {
///     const FORMAT: &'static str = "<h";
///     const FIELDS: &'static str = "temperature:cdegC";
///     const SIZE: usize = 2;
///
///     fn pack(&self, out: &mut [u8]) {
///         if let Some(place) = out.first_chunk_mut() {
///             *place = self.0.to_le_bytes();
///         }
///     }
///
///     fn unpack(bytes: &[u8]) -> Self {
///         Self(bytes.first_chunk().map_or(0, |bytes| i16::from_le_bytes(*bytes)))
///     }
/// }
/// ```
pub trait Record: Sized {
    /// The format of the record, as [`Format::new`](crate::Format::new) reads it.
    const FORMAT: &'static str;

    /// The names and units of the values, as
    /// [`Format::with_fields`](crate::Format::with_fields) reads them.
    const FIELDS: &'static str;

    /// Bytes of a record.
    const SIZE: usize;

    /// Writes the record into the first [`SIZE`](Self::SIZE) bytes of `out`. It must not panic:
    /// where `out` is shorter, the derived one leaves out the fields that do not fit.
    fn pack(&self, out: &mut [u8]);

    /// Reads a record from the first [`SIZE`](Self::SIZE) bytes of `bytes`. It must not panic,
    /// whatever the bytes: where they are too few, the derived one takes zero for the fields that
    /// are not there whole.
    fn unpack(bytes: &[u8]) -> Self;
}

//! Formats: what the bytes of a record mean, in the words of Python's `struct`.
//!
//! It owns the text of a format and the names of its fields, and turns values into bytes and back.
//! It promises the bytes of `struct.pack`, on every machine those that Python gives there; and that
//! the text which a [`Format`] displays, the resolved one, means the same bytes everywhere.

mod float;
mod parse;
mod value;

use core::fmt;

use crate::error::{Invalid, PackError};
use parse::{Parser, Run};
pub use value::Value;

/// The most bytes of text that name the fields of one format.
const FIELDS_TEXT_MAX: usize = 16384;

/// The format of a record, with the names and units of its fields where they are known.
///
/// A format is a text as Python's `struct` has it: codes `x c b B ? h H i I l L q Q n N e f d s p
/// P` with counts, behind one of the prefixes `@ = < > !` or none. Without a prefix and with `@`,
/// sizes, padding and byte order are those of this machine.
///
/// It differs from `struct` in four things, for it must mean the same after it was resolved: a
/// float too large for a native `f` is refused, as with `<f`, and not stored as infinity; a native
/// `P` takes no negative number; `0p` is an empty value, where Python writes over its neighbour; a
/// record is smaller than 4 GiB.
///
/// It displays as the resolved format: with the byte order, standard codes and explicit padding.
/// Two formats are equal if they resolve to the same text and have the same fields.
///
/// ```
/// use tslog::{Format, Value};
/// let format = Format::new("<Qff")?.with_fields("time:s,temperature:degC,humidity:%")?;
/// let mut record = [0; 16];
/// format.pack(&[Value::Uint(1), Value::Float(20.5), Value::Float(40.0)], &mut record)?;
/// assert_eq!(format.unpack(&record).nth(1), Some(Value::Float(20.5)));
/// assert_eq!(Format::new(">3H 2x 4s")?.to_string(), ">3Hxx4s");
/// # Ok::<(), tslog::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Format<'a> {
    text: &'a str,
    fields: &'a str,
    size: u32,
    values: u32,
}

/// The name and the unit of one value of a record.
///
/// ```
/// let format = tslog::Format::new("Qf")?.with_fields("time:s,humidity")?;
/// let names: Vec<_> = format.fields().map(|field| (field.name, field.unit)).collect();
/// assert_eq!(names, [("time", "s"), ("humidity", "")]);
/// assert_eq!((format.size(), format.values(), format.fields_text()), (12, 2, "time:s,humidity"));
/// # Ok::<(), tslog::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, never empty.
    pub name: &'a str,
    /// The unit as text, such as `degC`; empty where there is none.
    pub unit: &'a str,
}

/// Where one value lies in a record, and how.
///
/// ```
/// let format = tslog::Format::new("<BxH")?;
/// let code = format.codes().last().expect("there are two");
/// assert_eq!((code.letter, code.offset, code.size), ('H', 2, 2));
/// # Ok::<(), tslog::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code of the resolved format: one of `c b B ? h H i I q Q e f d s p`.
    pub letter: char,
    /// Bytes of the value.
    pub size: u32,
    /// Bytes in front of the value.
    pub offset: u32,
}

impl<'a> Format<'a> {
    /// Reads a format.
    ///
    /// # Errors
    /// [`Invalid::Format`] says what was expected, and at which character.
    ///
    /// ```
    /// use tslog::{Format, Invalid};
    /// assert_eq!(Format::new("<bQ")?.size(), 9);
    /// assert!(matches!(Format::new("Qfz"), Err(Invalid::Format(_, 2))));
    /// # Ok::<(), Invalid>(())
    /// ```
    pub fn new(text: &'a str) -> Result<Self, Invalid> {
        let mut parser = Parser::new(text);
        let mut values: u32 = 0;
        while let Some(run) = parser.read()? {
            values =
                values.checked_add(run.values()).ok_or(Invalid::Format("too many values", 0))?;
        }
        Ok(Self { text, fields: "", size: parser.size, values })
    }

    /// The same format with names for its values: `name:unit` or `name`, separated by commas; no
    /// text at all for no names.
    ///
    /// # Errors
    /// [`Invalid::Fields`] if there is not one name for each value. [`Invalid::FieldName`] if a
    /// name
    /// is empty or there twice, if a name or a unit has a control character or a space at an end,
    /// or if there are more than 16,384 bytes.
    ///
    /// ```
    /// use tslog::{Format, Invalid};
    /// let format = Format::new("Qf")?.with_fields("time:s,humidity")?;
    /// assert_eq!(format.fields().map(|field| field.unit).collect::<Vec<_>>(), ["s", ""]);
    /// assert_eq!(Format::new("Qf")?.with_fields("time"), Err(Invalid::Fields(2, 1)));
    /// # Ok::<(), Invalid>(())
    /// ```
    pub fn with_fields(self, fields: &'a str) -> Result<Self, Invalid> {
        if fields.len() > FIELDS_TEXT_MAX {
            return Err(Invalid::FieldName("the names have at most 16384 bytes", 0));
        }
        let named = Self { fields, ..self };
        let count = u64::try_from(named.fields().count()).unwrap_or(u64::MAX);
        if count != u64::from(self.values) && !fields.is_empty() {
            return Err(Invalid::Fields(self.values.into(), count));
        }
        for (index, field) in named.fields().enumerate() {
            let refuse =
                |why| Err(Invalid::FieldName(why, u32::try_from(index).unwrap_or(u32::MAX)));
            if field.name.is_empty() {
                return refuse("a name must not be empty");
            }
            if field.name.contains(char::is_control) || field.unit.contains(char::is_control) {
                return refuse("a name must not have control characters");
            }
            if field.name.trim() != field.name || field.unit.trim() != field.unit {
                return refuse("a name must not begin or end with a space");
            }
            if named.fields().take(index).any(|before| before.name == field.name) {
                return refuse("a name must not be there twice");
            }
        }
        Ok(named)
    }

    /// Bytes of a record of this format.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// The number of values in a record of this format.
    pub const fn values(&self) -> u32 {
        self.values
    }

    /// The names and units of the values, in their order; none if none were given.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let text = (!self.fields.is_empty()).then_some(self.fields);
        text.into_iter().flat_map(|text| text.split(',')).map(|field| {
            let (name, unit) = field.split_once(':').unwrap_or((field, ""));
            Field { name, unit }
        })
    }

    /// The names and units as one text, as they were given.
    pub const fn fields_text(&self) -> &'a str {
        self.fields
    }

    /// Code, size and place of each value, in their order.
    ///
    /// ```
    /// let format = tslog::Format::new("<bx2H")?;
    /// let places: Vec<_> = format.codes().map(|code| (code.letter, code.offset)).collect();
    /// assert_eq!(places, [('b', 0), ('H', 2), ('H', 4)]);
    /// # Ok::<(), tslog::Invalid>(())
    /// ```
    pub fn codes(&self) -> impl Iterator<Item = Code> + use<'a> {
        let mut runs = Parser::new(self.text);
        let mut run = Run { code: b'x', size: 0, count: 0 };
        let mut offset: u32 = 0;
        core::iter::from_fn(move || {
            while run.values() == 0 {
                offset = offset.saturating_add(run.size.saturating_mul(run.count));
                run = runs.next()?;
            }
            let code = Code { letter: char::from(run.code), size: run.size, offset };
            run.count = run.count.saturating_sub(1);
            offset = offset.saturating_add(run.size);
            Some(code)
        })
    }

    /// Writes a record: the first [`size`](Self::size) bytes of `out`, padding as zeros.
    ///
    /// Each code takes what it takes in Python: an integer code integers in its range, a float code
    /// any number, `?` anything, `c` one byte, `s` and `p` bytes, which are cut or filled up to
    /// their length.
    ///
    /// # Errors
    /// Says which value was refused. What `out` then holds is not specified.
    ///
    /// ```
    /// use tslog::{Format, Value};
    /// let refused = Format::new("<fB")?.pack(&[Value::Float(0.5), Value::Int(300)], &mut [0; 8]);
    /// let why = "values[1] must be an integer from 0 to 255, got 300";
    /// assert_eq!(refused.map_err(|error| error.to_string()), Err(why.into()));
    /// # Ok::<(), tslog::Invalid>(())
    /// ```
    pub fn pack(&self, values: &[Value<'_>], out: &mut [u8]) -> Result<(), PackError> {
        let given = u64::try_from(values.len()).unwrap_or(u64::MAX);
        if given != u64::from(self.values) {
            return Err(PackError::Count(self.values.into(), given));
        }
        let room = u64::try_from(out.len()).unwrap_or(u64::MAX);
        let short = PackError::Buffer(self.size.into(), room);
        let out = out.get_mut(..to_usize(self.size)).ok_or(short)?;
        out.fill(0);
        let big_endian = parse::is_big_endian(self.text);
        for ((index, value), code) in (0..).zip(values).zip(self.codes()) {
            let place = out.get_mut(code.range()).ok_or(short)?;
            value.pack(code.byte(), big_endian, place).map_err(|got| PackError::Value {
                index,
                code: code.letter,
                got,
            })?;
        }
        Ok(())
    }

    /// The values of a record, in their order. Bytes behind the record are not looked at; where
    /// there are too few bytes, the iterator ends with the last value that is there whole.
    pub fn unpack<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = Value<'b>> + use<'a, 'b> {
        let big_endian = parse::is_big_endian(self.text);
        self.codes()
            .map_while(move |code| Value::unpack(code.byte(), big_endian, bytes.get(code.range())?))
    }

    /// Writes the resolved format: what [`Display`](fmt::Display) shows, in less code.
    pub(crate) fn write_resolved(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(if parse::is_big_endian(self.text) { ">" } else { "<" })?;
        self.runs().try_for_each(|run| {
            let code = char::from(run.code);
            match if run.is_string() { run.size } else { run.count } {
                1 => {}
                // As short as "2f", and what people write.
                2 if !run.is_string() => out.write_char(code)?,
                count => write_number(out, count)?,
            }
            out.write_char(code)
        })
    }

    /// The runs of the resolved format, each as long as it can be, none of them empty.
    fn runs(&self) -> impl Iterator<Item = Run> + use<'a> {
        let mut parts = Parser::new(self.text).filter(|run| run.count > 0).peekable();
        core::iter::from_fn(move || {
            let mut run = parts.next()?;
            while let Some(more) = parts.next_if(|next| run.goes_on_with(next)) {
                run.count = run.count.saturating_add(more.count);
            }
            Some(run)
        })
    }
}

impl fmt::Display for Format<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_resolved(f)
    }
}

/// Writes a number in digits, without the machinery of `core::fmt`.
fn write_number(out: &mut impl fmt::Write, number: u32) -> fmt::Result {
    let mut divisor = 1_000_000_000_u32;
    while divisor > 0 {
        let digit = number.checked_div(divisor).unwrap_or(0);
        if digit > 0 || divisor == 1 {
            let digit = u8::try_from(digit % 10).unwrap_or(0);
            out.write_char(char::from(b'0'.saturating_add(digit)))?;
        }
        divisor /= 10;
    }
    Ok(())
}

impl PartialEq for Format<'_> {
    fn eq(&self, other: &Self) -> bool {
        parse::is_big_endian(self.text) == parse::is_big_endian(other.text)
            && self.runs().eq(other.runs())
            && self.fields == other.fields
    }
}

impl Eq for Format<'_> {}

impl Code {
    /// `value` as text, with the fewest digits that give the same value of this code again: 20.1
    /// stored as `f` shows as `20.1`, and not as the `f64` nearest to it.
    ///
    /// ```
    /// use tslog::Format;
    /// let format = Format::new("<f")?;
    /// let record = 20.1_f32.to_le_bytes();
    /// let (code, value) = format.codes().zip(format.unpack(&record)).next().unwrap();
    /// assert_eq!(value.to_string(), "20.100000381469727");
    /// assert_eq!(code.show(value).to_string(), "20.1");
    /// # Ok::<(), tslog::Invalid>(())
    /// ```
    pub fn show<'b>(&self, value: Value<'b>) -> impl fmt::Display + use<'b> {
        Shown { value, single: matches!(self.letter, 'e' | 'f') }
    }

    /// The letter, which is ASCII.
    fn byte(self) -> u8 {
        u8::try_from(self.letter).unwrap_or(b'x')
    }

    /// The bytes of the value in its record.
    fn range(self) -> core::ops::Range<usize> {
        to_usize(self.offset)..to_usize(self.offset.saturating_add(self.size))
    }
}

/// What [`Code::show`] returns.
struct Shown<'b> {
    value: Value<'b>,
    single: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Value::Float(value) = self.value
            && self.single
            && let Some(single) = float::to_single(value)
        {
            return fmt::Debug::fmt(&single, f);
        }
        self.value.fmt(f)
    }
}

/// A size as an index; one that a small machine cannot index lies outside of every slice.
fn to_usize(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(text: &str) -> Format<'_> {
        Format::new(text).unwrap()
    }

    #[test]
    fn a_resolved_format_has_byte_order_standard_codes_and_explicit_padding() {
        for (text, resolved, size, values) in [
            ("<", "<", 0, 0),
            ("<Qff", "<Qff", 16, 3),
            ("!3H 2x 4s", ">3Hxx4s", 12, 4),
            ("<ff", "<ff", 8, 2),
            ("<2f", "<ff", 8, 2),
            ("<fff", "<3f", 12, 3),
            ("<2f0q 0x1f", "<3f", 12, 3),
            ("<2s2s", "<2s2s", 4, 2),
            ("<1s0s p", "<s0sp", 2, 3),
            ("<lLbB", "<iIbB", 10, 4),
            ("<xx3x", "<5x", 5, 0),
            ("<0b", "<", 0, 0),
            ("<\t b\n\x0B\x0C\r", "<b", 1, 1),
            (">c?e d", ">c?ed", 12, 4),
        ] {
            let format = format(text);
            assert_eq!(format.to_string(), resolved, "{text}");
            assert_eq!((format.size(), format.values()), (size, values), "{text}");
        }
    }

    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    #[test]
    fn a_native_format_has_the_sizes_and_the_padding_of_the_machine() {
        for (text, resolved) in [
            ("bQ", "<b7xQ"),
            ("@bQ", "<b7xQ"),
            ("=bQ", "<bQ"),
            ("l", "<q"),
            ("=l", "<i"),
            ("nNP", "<qQQ"),
            ("b0q", "<b7x"),
            ("0qb", "<b"),
            ("bx0h", "<bx"),
            ("bhe0iQ", "<bxhexxQ"),
            ("3sd", "<3s5xd"),
        ] {
            assert_eq!(format(text).to_string(), resolved, "{text}");
        }
    }

    #[test]
    fn a_bad_format_is_refused_where_it_goes_wrong() {
        for (text, at) in [
            ("z", 0),
            (" <b", 1),
            ("@@b", 1),
            ("<b<", 2),
            ("3 b", 1),
            ("<Qf12", 5),
            ("b\0", 1),
            ("b\u{e9}", 1),
            ("-1b", 0),
            ("<n", 1),
            (">3N", 2),
            ("=P", 1),
            ("999999999999999999s", 9),
            ("4294967296x", 9),
            ("<4294967295xb", 12),
            ("2147483648h", 10),
            ("4294967295x0q", 12),
        ] {
            let refused = Format::new(text);
            assert!(matches!(refused, Err(Invalid::Format(_, got)) if got == at), "{refused:?}");
        }
        for text in ["<n", "=N", "!P"] {
            let refused = Format::new(text).unwrap_err().to_string();
            assert!(refused.contains("no standard size"), "{refused}");
        }
        assert_eq!(format("<4294967295x").size(), u32::MAX);
    }

    #[test]
    fn a_huge_format_costs_nothing_until_its_record_is_there() {
        let huge = format("<4294967295b");
        assert_eq!(huge.to_string(), "<4294967295b");
        assert_eq!(huge.codes().nth(1000).map(|code| code.offset), Some(1000));
        assert_eq!(huge.unpack(&[7, 8]).count(), 2);
        assert_eq!(huge.pack(&[], &mut []), Err(PackError::Count(4_294_967_295, 0)));
    }

    #[test]
    fn names_and_units_are_split_and_checked() {
        let named = format("<4f").with_fields("a:m/s,b,c:x:y,d:").unwrap();
        let fields: Vec<_> = named.fields().map(|field| (field.name, field.unit)).collect();
        assert_eq!(fields, [("a", "m/s"), ("b", ""), ("c", "x:y"), ("d", "")]);
        assert_eq!(format("<4f").with_fields("").unwrap().fields().count(), 0);
        assert_eq!(format("<").with_fields("a"), Err(Invalid::Fields(0, 1)));
        assert_eq!(format("<2f").with_fields("a,b,"), Err(Invalid::Fields(2, 3)));
        let long = "n".repeat(FIELDS_TEXT_MAX + 1);
        assert!(matches!(format("<f").with_fields(&long), Err(Invalid::FieldName(_, 0))));
        assert!(format("<f").with_fields(&long[1..]).is_ok());
        for bad in
            ["a,", "a,:s", "a,a", "a:s,a:s", "a:s,a:m", "a, b", "a,b ", "a,b: s", "a,\tb", "a,b:\n"]
        {
            let refused = format("<2f").with_fields(bad);
            assert!(matches!(refused, Err(Invalid::FieldName(_, 1))), "{bad} {refused:?}");
        }
    }

    #[test]
    fn formats_are_equal_if_they_mean_the_same() {
        assert_eq!(format("<ffxx"), format("<2f 2x"));
        assert_ne!(format("<2s"), format("<ss"));
        assert_ne!(format("<h"), format(">h"));
        assert_ne!(format("<h").with_fields("a"), format("<h").with_fields("b"));
        assert_eq!(format(&format("bQ").to_string()), format("bQ"));
    }

    #[test]
    fn values_become_the_bytes_of_their_codes() {
        let cases: [(&str, Value, &[u8]); 19] = [
            ("<h", Value::Int(-2), &[0xFE, 0xFF]),
            (">h", Value::Int(-2), &[0xFF, 0xFE]),
            ("<H", Value::Bool(true), &[1, 0]),
            (">q", Value::Int(i64::MIN), &[0x80, 0, 0, 0, 0, 0, 0, 0]),
            ("<Q", Value::Uint(u64::MAX), &[0xFF; 8]),
            ("<xB", Value::Int(255), &[0, 255]),
            ("?", Value::Float(0.5), &[1]),
            ("?", Value::Bytes(b""), &[0]),
            (">e", Value::Int(1), &[0x3C, 0]),
            ("<f", Value::Uint(1), &[0, 0, 0x80, 0x3F]),
            ("<d", Value::Bool(true), &[0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
            ("c", Value::Bytes(b"z"), b"z"),
            ("3s", Value::Bytes(b"abcd"), b"abc"),
            ("3s", Value::Bytes(b"a"), b"a\0\0"),
            ("0s", Value::Bytes(b"a"), b""),
            ("3p", Value::Bytes(b"abcd"), b"\x02ab"),
            ("4p", Value::Bytes(b"a"), b"\x01a\0\0"),
            ("1p", Value::Bytes(b"a"), b"\0"),
            ("0p", Value::Bytes(b"a"), b""),
        ];
        for (text, value, bytes) in cases {
            let mut out = [0xAA; 9];
            format(text).pack(&[value], &mut out).unwrap();
            let (record, behind) = out.split_at(bytes.len());
            assert_eq!(record, bytes, "{text} {value:?}");
            assert!(behind.iter().all(|byte| *byte == 0xAA), "{text} {value:?}");
        }
    }

    #[test]
    fn values_come_back_in_the_kind_of_their_code() {
        let cases: [(&str, &[u8], Value); 11] = [
            ("b", &[0x80], Value::Int(-128)),
            (">h", &[0xFF, 0xFE], Value::Int(-2)),
            ("<i", &[0, 0, 0, 0x80], Value::Int(i64::from(i32::MIN))),
            ("<Q", &[0xFF; 8], Value::Uint(u64::MAX)),
            ("?", &[2], Value::Bool(true)),
            (">f", &[0x3F, 0x80, 0, 0], Value::Float(1.0)),
            (">e", &[0x3C, 1], Value::Float(1.000_976_562_5)),
            ("c", b"z", Value::Bytes(b"z")),
            ("3p", b"\x01ab", Value::Bytes(b"a")),
            ("3p", b"\xFFab", Value::Bytes(b"ab")),
            ("0p", b"", Value::Bytes(b"")),
        ];
        for (text, bytes, value) in cases {
            assert_eq!(format(text).unpack(bytes).collect::<Vec<_>>(), [value], "{text}");
        }
        assert_eq!(format("<xHH").unpack(&[9, 1, 0, 2]).collect::<Vec<_>>(), [Value::Uint(1)]);
    }

    #[test]
    fn a_wrong_value_is_named_with_what_was_expected_and_what_came() {
        let bytes = Value::Bytes(b"ab");
        for (text, value, why) in [
            ("<xB", Value::Int(-1), "an integer from 0 to 255, got -1"),
            ("<b", Value::Uint(128), "an integer from -128 to 127, got 128"),
            ("<Q", Value::Int(-1), "an integer from 0 to 18446744073709551615, got -1"),
            ("P", Value::Float(1.0), "an integer from 0 to 18446744073709551615, got 1.0"),
            ("<e", Value::Int(65520), "a number from -65504 to 65504, got 65520"),
            ("f", Value::Float(1e39), "a number from -3.4028235e38 to 3.4028235e38, got 1e39"),
            ("d", bytes, "a number, got 2 bytes"),
            ("c", bytes, "one byte, got 2 bytes"),
            ("2s", Value::Bool(true), "bytes, got true"),
            ("p", Value::Uint(1), "bytes, got 1"),
        ] {
            let error = format(text).pack(&[value], &mut [0; 16]).unwrap_err();
            assert_eq!(error.to_string(), format!("values[0] must be {why}"), "{text}");
        }
        let short = format("<Q").pack(&[Value::Int(0)], &mut [0; 7]);
        assert_eq!(short, Err(PackError::Buffer(8, 7)));
    }

    #[test]
    fn values_show_as_people_write_them() {
        for (value, text) in [
            (Value::Float(1e300), "1e300"),
            (Value::Float(20.0), "20.0"),
            (Value::Float(f64::NAN), "NaN"),
            (Value::Bytes(b"a\xFF\0b\0"), "a\\xff\\x00b"),
            (Value::Bool(true), "true"),
        ] {
            assert_eq!(value.to_string(), text);
        }
        assert_eq!(format!("[{:>5}|{:.1}]", Value::Int(-3), Value::Float(0.25)), "[   -3|0.2]");
    }
}

//! A format string and the names of its fields.

use tslog::{Format, Value};

/// More values and larger records than these cost time alone.
const VALUES_MAX: u32 = 1024;
const SIZE_MAX: u32 = 1 << 14;

/// The target: two lines, the format and its fields.
pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (text, fields) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(format) = Format::new(text) else { return };
    let resolved = format.to_string();
    let again = Format::new(&resolved).expect("a resolved format is one");
    assert_eq!(again.to_string(), resolved, "a resolved format resolves to itself");
    assert_eq!((again.size(), again.values()), (format.size(), format.values()));
    let named = format.with_fields(fields);
    if format.values() > VALUES_MAX || format.size() > SIZE_MAX {
        return;
    }
    if let Ok(named) = named
        && !named.fields_text().is_empty()
    {
        assert_eq!(named.fields().count(), named.values() as usize, "a field for each value");
    }
    assert_eq!(format.codes().count(), format.values() as usize, "a code for each value");
    let noise = data.iter().copied().chain(1..=255).cycle();
    let bytes: Vec<u8> = noise.take(format.size() as usize).collect();
    let packed = packed(&format, &bytes);
    assert_eq!(self::packed(&again, &packed), packed, "what was packed does not come back");
}

/// The values in `bytes`, packed again.
fn packed(format: &Format<'_>, bytes: &[u8]) -> Vec<u8> {
    let values: Vec<Value<'_>> = format.unpack(bytes).collect();
    assert_eq!(values.len(), format.values() as usize, "each value is there");
    let mut out = vec![0; format.size() as usize];
    format.pack(&values, &mut out).expect("what was unpacked can be packed");
    out
}

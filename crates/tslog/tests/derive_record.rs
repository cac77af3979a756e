//! `#[derive(Record)]`: the derived format, and bytes that agree with it.
#![cfg(feature = "derive")]

use tslog::{Format, Record, Value};

/// One field of each type, under names that the derived code uses itself.
#[derive(Clone, Debug, PartialEq, Record)]
struct Everything {
    out: u8,
    bytes: u16,
    #[record(unit = "ms")]
    place: u32,
    #[record(name = "stamp", unit = "s")]
    rest: u64,
    taken: i8,
    #[record(unit = "degC")]
    #[record(name = "inside temperature")]
    take: i16,
    r#type: i32,
    f: i64,
    g: f32,
    h: core::primitive::f64,
    on: bool,
    raw: [u8; 3],
    none: [u8; 0],
}

const EVERYTHING: Everything = Everything {
    out: 0x01,
    bytes: 0x0203,
    place: 0x0405_0607,
    rest: 0x0809_0A0B_0C0D_0E0F,
    taken: -1,
    take: -2,
    r#type: -3,
    f: i64::MIN,
    g: -0.5,
    h: 1e300,
    on: true,
    raw: *b"abc",
    none: [],
};

#[test]
fn the_format_and_the_fields_are_those_of_the_struct() {
    assert_eq!(Everything::FORMAT, "<BHIQbhiqfd?3s0s");
    assert_eq!(
        Everything::FIELDS,
        "out,bytes,place:ms,stamp:s,taken,inside temperature:degC,type,f,g,h,on,raw,none"
    );
    let format = Format::new(Everything::FORMAT).unwrap();
    let format = format.with_fields(Everything::FIELDS).unwrap();
    assert_eq!(usize::try_from(format.size()), Ok(Everything::SIZE));
    assert_eq!(format.to_string(), Everything::FORMAT, "it is resolved already");
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let mut packed = [0xAA; Everything::SIZE];
    EVERYTHING.pack(&mut packed);
    let values: [Value; 13] = [
        1_u8.into(),
        0x0203_u16.into(),
        0x0405_0607_u32.into(),
        0x0809_0A0B_0C0D_0E0F_u64.into(),
        (-1_i8).into(),
        (-2_i16).into(),
        (-3_i32).into(),
        i64::MIN.into(),
        (-0.5_f32).into(),
        1e300.into(),
        true.into(),
        b"abc".into(),
        b"".into(),
    ];
    let format = Format::new(Everything::FORMAT).unwrap();
    let mut expected = [0; Everything::SIZE];
    format.pack(&values, &mut expected).unwrap();
    assert_eq!(packed, expected);
    assert!(format.unpack(&packed).eq(values));
    assert_eq!(Everything::unpack(&packed), EVERYTHING);
}

#[test]
fn a_record_lies_at_the_beginning_and_the_rest_stays_as_it_is() {
    let mut long = [0xAA; Everything::SIZE + 2];
    EVERYTHING.pack(&mut long);
    assert_eq!(&long[Everything::SIZE..], [0xAA; 2]);
    assert_eq!(Everything::unpack(&long), EVERYTHING);
}

#[test]
fn too_few_bytes_leave_out_the_fields_that_are_not_there_whole() {
    let mut packed = [0; Everything::SIZE];
    EVERYTHING.pack(&mut packed);
    for length in 0..Everything::SIZE {
        let mut short = vec![0; length];
        EVERYTHING.pack(&mut short);
        let whole = Format::new(Everything::FORMAT).unwrap().codes().map(|code| {
            let end = usize::try_from(code.offset + code.size).unwrap();
            if end <= length { end } else { 0 }
        });
        let whole = whole.max().unwrap();
        assert_eq!(short[..whole], packed[..whole]);
        assert!(short[whole..].iter().all(|byte| *byte == 0), "{length}");

        let mut padded = [0; Everything::SIZE];
        padded[..whole].copy_from_slice(&packed[..whole]);
        assert_eq!(Everything::unpack(&packed[..length]), Everything::unpack(&padded), "{length}");
    }
}

#[test]
fn any_byte_but_zero_is_true() {
    #[derive(Record)]
    struct Switch {
        on: bool,
    }
    assert!(Switch::unpack(&[2]).on);
    assert!(!Switch::unpack(&[0]).on);
}

/// A struct whose types come through another macro, in a module where names of the prelude and of
/// the primitive types mean something else.
mod strange {
    #![allow(dead_code, non_camel_case_types, reason = "the names are there to be in the way")]

    pub(crate) struct Option;
    pub(crate) struct Some;
    pub(crate) struct u8;
    pub(crate) struct str;

    macro_rules! record {
        ($name:ident, $type:ty) => {
            #[derive(tslog::Record)]
            pub(crate) struct $name {
                pub(crate) value: $type,
                pub(crate) flag: bool,
            }
        };
    }
    record!(Strange, u32);
}

#[test]
fn the_derived_code_depends_on_no_name_in_scope() {
    let mut packed = [0; 5];
    tslog::Record::pack(&strange::Strange { value: 7, flag: true }, &mut packed);
    assert_eq!(packed, [7, 0, 0, 0, 1]);
    let back: strange::Strange = tslog::Record::unpack(&packed);
    assert_eq!((back.value, back.flag), (7, true));
}

//! What `tslog.h` declares, as Rust sees it: every constant and every struct, held to the header by
//! the test at the foot, which asks a C compiler.

use core::ffi::{c_char, c_int, c_void};

use crate::pointers::In;

/// Constants of the header, and a list of them for the test.
macro_rules! constants {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $value:expr,)+) => {
        $($(#[$meta])* pub(crate) const $name: $type = $value;)+
        #[cfg(test)]
        const CONSTANTS: &[(&str, i128)] = &[$((stringify!($name), $value as i128),)+];
    };
}

constants! {
    TSLOG_OK: i32 = 0,
    TSLOG_NONE: i32 = 1,
    TSLOG_E_CLOSED: i32 = -1,
    TSLOG_E_DAMAGED: i32 = -2,
    TSLOG_E_EXHAUSTED: i32 = -3,
    TSLOG_E_FULL: i32 = -4,
    TSLOG_E_INVALID: i32 = -5,
    TSLOG_E_LOCKED: i32 = -6,
    TSLOG_E_LOST: i32 = -7,
    TSLOG_E_MISMATCH: i32 = -8,
    TSLOG_E_NO_LOG: i32 = -9,
    TSLOG_E_NOT_A_LOG: i32 = -10,
    TSLOG_E_POISONED: i32 = -11,
    TSLOG_E_STORAGE: i32 = -12,
    TSLOG_E_VERSION: i32 = -13,
    TSLOG_E_ARGUMENT: i32 = -20,
    TSLOG_E_HANDLE: i32 = -21,
    TSLOG_E_BUSY: i32 = -22,
    TSLOG_E_BUG: i32 = -23,
    TSLOG_E_OTHER: i32 = -24,
    TSLOG_WHAT_NONE: i32 = 0,
    TSLOG_INVALID_BUFFER: i32 = 1,
    TSLOG_INVALID_BUCKET_SIZE: i32 = 2,
    TSLOG_INVALID_COMMIT_DELTA: i32 = 3,
    TSLOG_INVALID_SLOT_COUNT: i32 = 4,
    TSLOG_INVALID_FIELD_NAME: i32 = 5,
    TSLOG_INVALID_FIELDS: i32 = 6,
    TSLOG_INVALID_FORMAT: i32 = 7,
    TSLOG_INVALID_FORMATS: i32 = 8,
    TSLOG_INVALID_BATCH: i32 = 9,
    TSLOG_INVALID_READERS: i32 = 10,
    TSLOG_INVALID_READER: i32 = 11,
    TSLOG_INVALID_RECORD: i32 = 12,
    TSLOG_INVALID_RECORD_SIZE: i32 = 13,
    TSLOG_INVALID_SEQN: i32 = 14,
    TSLOG_INVALID_TAG: i32 = 15,
    TSLOG_INVALID_VALUES_BUFFER: i32 = 16,
    TSLOG_INVALID_VALUES_COUNT: i32 = 17,
    TSLOG_INVALID_VALUES_VALUE: i32 = 18,
    TSLOG_INVALID_OTHER: i32 = 19,
    TSLOG_INVALID_SLOT_SIZE: i32 = 20,
    TSLOG_INVALID_WRITE_SIZE: i32 = 21,
    TSLOG_MISMATCH_BUCKET_SIZE: i32 = 32,
    TSLOG_MISMATCH_FORMAT: i32 = 33,
    TSLOG_MISMATCH_FORMATS: i32 = 34,
    TSLOG_MISMATCH_RECORD_SIZE: i32 = 35,
    TSLOG_MISMATCH_SLOT_SIZE: i32 = 36,
    TSLOG_MISMATCH_SLOT_COUNT: i32 = 37,
    TSLOG_MISMATCH_WRITE_SIZE: i32 = 38,
    TSLOG_MISMATCH_OTHER: i32 = 39,
    TSLOG_ARGUMENT_NULL: i32 = 64,
    TSLOG_ARGUMENT_ALIGNMENT: i32 = 65,
    TSLOG_ARGUMENT_SIZE: i32 = 66,
    TSLOG_ARGUMENT_TEXT: i32 = 67,
    TSLOG_ARGUMENT_KIND: i32 = 68,
    TSLOG_ARGUMENT_FLAG: i32 = 69,
    TSLOG_ARGUMENT_COUNT: i32 = 70,
    TSLOG_ARGUMENT_ROOM: i32 = 71,
    TSLOG_ARGUMENT_ADDRESS: i32 = 72,
    TSLOG_BOOL: u32 = 1,
    TSLOG_BYTES: u32 = 2,
    TSLOG_FLOAT: u32 = 3,
    TSLOG_INT: u32 = 4,
    TSLOG_UINT: u32 = 5,
    TSLOG_POLICY_ERROR: u32 = 0,
    TSLOG_POLICY_DROP_OLDEST: u32 = 1,
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "for folders alone"))]
    TSLOG_RECREATE: u32 = 1,
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "for folders alone"))]
    TSLOG_EXISTING: u32 = 2,
    TSLOG_MESSAGE_SIZE: usize = 160,
    TSLOG_PACK_VALUES_MAX: usize = 32,
    TSLOG_FLASH_FORMATS_MAX: usize = 8,
    TSLOG_FLASH_SIZE: usize = if cfg!(target_pointer_width = "64") { 384 } else { 320 },
    TSLOG_FLASH_ALIGN: usize = 8,
}

/// Structs of the header, and a list of their sizes and offsets for the test.
macro_rules! structs {
    ($($(#[$meta:meta])* $name:ident = $c_name:literal { $($field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy)]
            #[repr(C)]
            pub(crate) struct $name {
                $(pub(crate) $field: $type,)+
            }
        )+
        #[cfg(test)]
        fn layout() -> Vec<(String, i128)> {
            let mut all = Vec::new();
            $(
                all.push((format!("sizeof({})", $c_name), size_of::<$name>() as i128));
                $(
                    let (name, field) = ($c_name, stringify!($field));
                    let offset = core::mem::offset_of!($name, $field);
                    all.push((format!("offsetof({name}, {field})"), offset as i128));
                    let size = size_of::<$type>();
                    all.push((format!("sizeof((({name} *)0)->{field})"), size as i128));
                )+
            )+
            all
        }
    };
}

structs! {
    ErrorDetails = "tslog_error" {
        code: i32,
        what: i32,
        first: u64,
        last: u64,
        expected: u64,
        got: u64,
        index: u32,
        system: i32,
        holder: u32,
        reserved: u32,
        message: [u8; TSLOG_MESSAGE_SIZE],
    }
    FormatText = "tslog_format" {
        format: In<c_char>,
        fields: In<c_char>,
    }
    ValueOfC = "tslog_value" {
        kind: u32,
        r#as: ValueUnion,
    }
    Config = "tslog_config" {
        size: u32,
        record_size: u32,
        bucket_size: u32,
        commit_delta: u32,
        readers: u32,
        max_buckets: u32,
        policy: u32,
        commit_interval_ms: u32,
        background_commit: u32,
        format_count: u32,
        formats: In<FormatText>,
        id: [u8; 16],
    }
    Stats = "tslog_stats" {
        seqn: u64,
        committed: u64,
        lag: u64,
        bucket: u32,
        oldest_bucket: u32,
    }
    Report = "tslog_report" {
        lost_first: u64,
        lost_last: u64,
        abandoned_size: u32,
        clean: u8,
        header_damaged: u8,
        reserved: [u8; 2],
    }
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "for folders alone"))]
    Shape = "tslog_shape" {
        record_size: u32,
        bucket_size: u32,
        format_count: u32,
        values_max: u32,
    }
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "for folders alone"))]
    RecordRead = "tslog_record" {
        seqn: u64,
        tag: u32,
        count: u32,
    }
    Batch = "tslog_batch" {
        first: u64,
        count: u32,
        reserved: u32,
    }
    Range = "tslog_range" {
        first: u64,
        last: u64,
    }
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "for folders alone"))]
    ViewInfo = "tslog_view_info" {
        id: [u8; 16],
        generation: u32,
        abandoned_size: u32,
        oldest_bucket: u32,
        newest_bucket: u32,
        header_damaged: u8,
        reserved: [u8; 3],
    }
    /// The callbacks are never NULL when a log uses them; `flash` sees to that.
    StorageCallbacks = "tslog_storage" {
        size: u32,
        slot_count: u32,
        slot_size: u32,
        write_size: u32,
        user: *mut c_void,
        read: Option<unsafe extern "C" fn(*mut c_void, u32, *mut c_void, u32) -> c_int>,
        program: Option<unsafe extern "C" fn(*mut c_void, u32, *const c_void, u32) -> c_int>,
        erase: Option<unsafe extern "C" fn(*mut c_void, u32, u32) -> c_int>,
        sync: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    }
}

/// What a value holds; its kind says which.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union ValueUnion {
    pub(crate) boolean: u64,
    pub(crate) real: f64,
    pub(crate) integer: i64,
    pub(crate) uinteger: u64,
    pub(crate) bytes: BytesOfC,
}

/// Bytes somewhere else.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct BytesOfC {
    pub(crate) data: In<u8>,
    pub(crate) size: usize,
}

impl ErrorDetails {
    /// A code without anything more to say.
    pub(crate) const fn of(code: i32) -> Self {
        Self {
            code,
            what: TSLOG_WHAT_NONE,
            first: 0,
            last: 0,
            expected: 0,
            got: 0,
            index: 0,
            system: 0,
            holder: 0,
            reserved: 0,
            message: [0; TSLOG_MESSAGE_SIZE],
        }
    }

    /// The same with a message, cut where it is too long, with a zero byte at its end.
    #[cfg(feature = "std")]
    pub(crate) fn with_message(mut self, words: &str) -> Self {
        let end = words.floor_char_boundary(TSLOG_MESSAGE_SIZE.saturating_sub(1));
        self.message.fill(0);
        let words = words.bytes().take(end);
        self.message.iter_mut().zip(words).for_each(|(place, byte)| *place = byte);
        self
    }
}

impl From<tslog_core::Stats> for Stats {
    fn from(stats: tslog_core::Stats) -> Self {
        let tslog_core::Stats { seqn, committed, bucket, oldest_bucket, lag } = stats;
        Self { seqn, committed, lag, bucket, oldest_bucket }
    }
}

impl From<tslog_core::Report> for Report {
    fn from(report: tslog_core::Report) -> Self {
        Self {
            lost_first: report.lost.map_or(0, |lost| lost.first),
            lost_last: report.lost.map_or(0, |lost| lost.last),
            abandoned_size: report.abandoned_size,
            clean: u8::from(report.clean),
            header_damaged: u8::from(report.header_damaged),
            reserved: [0; 2],
        }
    }
}

impl From<tslog_core::Batch> for Batch {
    fn from(batch: tslog_core::Batch) -> Self {
        Self { first: batch.first, count: batch.count, reserved: 0 }
    }
}

impl From<tslog_core::SeqnRange> for Range {
    fn from(range: tslog_core::SeqnRange) -> Self {
        Self { first: range.first, last: range.last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt::Write as _, path::Path, process::Command};

    impl ErrorDetails {
        pub(crate) fn text(&self) -> String {
            let end = self.message.iter().position(|byte| *byte == 0).unwrap();
            String::from_utf8(self.message[..end].to_vec()).unwrap()
        }
    }

    /// Every constant, size and offset that Rust holds to, by its name in C.
    fn ours() -> Vec<(String, i128)> {
        let constants = CONSTANTS.iter().map(|(name, value)| ((*name).to_owned(), *value));
        let mut all: Vec<_> = constants.chain(layout()).collect();
        for (name, value) in [
            ("sizeof(tslog_flash)", size_of::<crate::flash::FlashMemory>()),
            ("sizeof(tslog_flash_reader)", size_of::<crate::flash::ReaderMemory>()),
            ("sizeof(((tslog_value *)0)->as)", size_of::<ValueUnion>()),
            ("TSLOG_BUFFER_SIZE(17, 5)", tslog_core::buffer_size(17, 5)),
            ("TSLOG_BUFFER_SIZE(8, 3)", tslog_core::buffer_size(8, 3)),
        ] {
            all.push((name.to_owned(), value as i128));
        }
        all.into_iter().map(|(name, value)| (name.replace("r#", ""), value)).collect()
    }

    #[test]
    fn a_c_compiler_sees_the_same_constants_sizes_and_offsets() {
        let folder = tempfile::tempdir().unwrap();
        let ours = ours();
        let mut program =
            String::from("#include <stdio.h>\n#include <tslog.h>\nint main(void)\n{\n");
        for (name, _) in &ours {
            writeln!(program, "    printf(\"%lld\\n\", (long long)({name}));").unwrap();
        }
        program.push_str("    return 0;\n}\n");
        let (source, binary) = (folder.path().join("abi.c"), folder.path().join("abi"));
        std::fs::write(&source, program).unwrap();
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
        let mut cc = Command::new("cc");
        cc.arg("-std=c99").arg("-I").arg(include).arg("-o").arg(&binary).arg(&source);
        assert!(cc.status().unwrap().success());
        let output = Command::new(&binary).output().unwrap().stdout;
        let theirs = String::from_utf8(output).unwrap();
        let theirs: Vec<i128> = theirs.lines().map(|line| line.parse().unwrap()).collect();
        let theirs = ours.iter().map(|(name, _)| name.clone()).zip(theirs);
        assert_eq!(ours, theirs.collect::<Vec<_>>());
    }

    #[test]
    fn every_constant_and_member_of_the_header_is_known_here() {
        let header = include_str!("../include/tslog.h");
        let ours = ours();
        let known = |name: &str| ours.iter().any(|(ours, _)| ours == name);
        // The body of a struct or an enum, without comments.
        let mut members = 0;
        let mut comment = false;
        let mut code = String::new();
        for line in header.lines() {
            let mut rest = line;
            while !rest.is_empty() {
                let (mark, other) = if comment { ("*/", false) } else { ("/*", true) };
                let (before, behind) = rest.split_once(mark).unwrap_or((rest, ""));
                if !comment {
                    code.push_str(before);
                }
                comment = if rest.contains(mark) { other } else { comment };
                rest = behind;
            }
            code.push('\n');
        }
        for block in code.split("typedef struct ").skip(1) {
            let Some((name, body)) = block.split_once(" {\n") else { continue };
            let Some((body, _)) = body.split_once("\n}") else { continue };
            let is_declared_elsewhere = name.contains(';') || name.contains("flash");
            if is_declared_elsewhere {
                continue;
            }
            for line in
                body.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("     "))
            {
                let line = line.trim().trim_end_matches(['{', ';']).trim();
                let field = match line.split_once("(*") {
                    Some((_, behind)) => behind.split(')').next().unwrap_or_default(),
                    None => line.rsplit([' ', '*']).next().unwrap_or_default(),
                };
                let field = field.split('[').next().unwrap_or_default().trim_start_matches('}');
                if field == "union" {
                    continue;
                }
                members += 1;
                assert!(known(&format!("offsetof({name}, {field})")), "{name}.{field}");
            }
        }
        let constants = code
            .split("enum tslog_")
            .skip(1)
            .filter_map(|block| Some(block.split_once("{\n")?.1.split_once("\n}")?.0));
        let mut values = 0;
        for name in constants.flat_map(str::lines).filter_map(|line| line.split_once(" = ")) {
            values += 1;
            assert!(known(name.0.trim()), "{}", name.0);
        }
        // So that a parser that finds nothing is seen.
        assert!(members > 50 && values > 60, "{members} {values}");
    }

    #[test]
    fn a_message_is_cut_between_characters_and_ends_with_a_zero() {
        let long = ErrorDetails::of(0).with_message(&"\u{e9}".repeat(100));
        assert_eq!(long.text(), "\u{e9}".repeat(79));
        assert_eq!(long.with_message("short").text(), "short");
    }
}

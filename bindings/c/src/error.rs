//! Errors: from those of the library to codes and details.

use core::ffi::{CStr, c_char, c_int};

use tslog_core::{Error, Invalid, Mismatch, PackError, SeqnRange};

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "it takes every code there is")
)]
use crate::abi::*;
use crate::fault::{Fault, System};

impl Fault {
    /// Code and details, with a message where there is the code to make one.
    pub(crate) fn details(&self) -> ErrorDetails {
        let details = self.numbers();
        #[cfg(feature = "std")]
        let details = details.with_message(&self.to_string());
        details
    }

    fn numbers(&self) -> ErrorDetails {
        let argument = |what, expected, got| ErrorDetails {
            what,
            expected,
            got,
            ..ErrorDetails::of(TSLOG_E_ARGUMENT)
        };
        match self {
            Self::Log(error) => of_log(error),
            Self::Address(..) => argument(TSLOG_ARGUMENT_ADDRESS, 0, 0),
            Self::Alignment(_) => argument(TSLOG_ARGUMENT_ALIGNMENT, 0, 0),
            Self::Busy => ErrorDetails::of(TSLOG_E_BUSY),
            #[cfg(feature = "std")]
            Self::Bug(_) => ErrorDetails::of(TSLOG_E_BUG),
            Self::Count(_, most, got) => argument(TSLOG_ARGUMENT_COUNT, *most, *got),
            Self::Flag(_, got) => argument(TSLOG_ARGUMENT_FLAG, 0, u64::from(*got)),
            Self::Handle(_) => ErrorDetails::of(TSLOG_E_HANDLE),
            Self::Kind(index, got) => {
                ErrorDetails { index: *index, ..argument(TSLOG_ARGUMENT_KIND, 0, u64::from(*got)) }
            }
            Self::Null(_) => argument(TSLOG_ARGUMENT_NULL, 0, 0),
            Self::Room(_, need, have) => argument(TSLOG_ARGUMENT_ROOM, *need, *have),
            Self::Size(_, here, came) => argument(TSLOG_ARGUMENT_SIZE, *here, *came),
            Self::Text(_) => argument(TSLOG_ARGUMENT_TEXT, 0, 0),
        }
    }
}

fn of_log(error: &Error<System>) -> ErrorDetails {
    let range = |code, range: &SeqnRange| ErrorDetails {
        first: range.first,
        last: range.last,
        ..ErrorDetails::of(code)
    };
    match error {
        Error::Closed => ErrorDetails::of(TSLOG_E_CLOSED),
        Error::Damaged(lost) => range(TSLOG_E_DAMAGED, lost),
        Error::Exhausted => ErrorDetails::of(TSLOG_E_EXHAUSTED),
        Error::Full => ErrorDetails::of(TSLOG_E_FULL),
        Error::Invalid(invalid) => of_invalid(invalid),
        Error::Locked(holder) => {
            ErrorDetails { holder: holder.unwrap_or(0), ..ErrorDetails::of(TSLOG_E_LOCKED) }
        }
        Error::Lost(lost) => range(TSLOG_E_LOST, lost),
        Error::Mismatch(mismatch) => of_mismatch(*mismatch),
        Error::NoLog => ErrorDetails::of(TSLOG_E_NO_LOG),
        Error::NotALog => ErrorDetails::of(TSLOG_E_NOT_A_LOG),
        Error::Poisoned => ErrorDetails::of(TSLOG_E_POISONED),
        Error::Storage(system) => {
            ErrorDetails { system: system.code, ..ErrorDetails::of(TSLOG_E_STORAGE) }
        }
        Error::Version(version) => {
            ErrorDetails { got: u64::from(*version), ..ErrorDetails::of(TSLOG_E_VERSION) }
        }
        _ => ErrorDetails::of(TSLOG_E_OTHER),
    }
}

fn of_invalid(invalid: &Invalid) -> ErrorDetails {
    let refused = |what, expected, got| ErrorDetails {
        what,
        expected,
        got,
        ..ErrorDetails::of(TSLOG_E_INVALID)
    };
    let at = |what, index| ErrorDetails { index, ..refused(what, 0, 0) };
    match *invalid {
        Invalid::Batch(need, have) => refused(TSLOG_INVALID_BATCH, need, have),
        Invalid::BucketSize(got) => refused(TSLOG_INVALID_BUCKET_SIZE, 1, u64::from(got)),
        Invalid::Buffer(need, have) => refused(TSLOG_INVALID_BUFFER, need, have),
        Invalid::CommitDelta(got) => refused(TSLOG_INVALID_COMMIT_DELTA, 1, u64::from(got)),
        Invalid::FieldName(_, index) => at(TSLOG_INVALID_FIELD_NAME, index),
        Invalid::Fields(need, got) => refused(TSLOG_INVALID_FIELDS, need, got),
        Invalid::Format(_, index) => at(TSLOG_INVALID_FORMAT, index),
        Invalid::Formats(got) => refused(TSLOG_INVALID_FORMATS, 0, u64::from(got)),
        Invalid::SlotCount(got) => refused(TSLOG_INVALID_SLOT_COUNT, 4, u64::from(got)),
        Invalid::SlotSize(need, have) => refused(TSLOG_INVALID_SLOT_SIZE, need, have),
        Invalid::WriteSize(got) => refused(TSLOG_INVALID_WRITE_SIZE, 32, u64::from(got)),
        Invalid::Reader(got, readers) => {
            refused(TSLOG_INVALID_READER, u64::from(readers), u64::from(got))
        }
        Invalid::Readers(got) => refused(TSLOG_INVALID_READERS, 4, u64::from(got)),
        Invalid::Record(most, got) => refused(TSLOG_INVALID_RECORD, most, got),
        Invalid::RecordSize(got) => refused(TSLOG_INVALID_RECORD_SIZE, 0, got),
        Invalid::Seqn(got, range) => ErrorDetails {
            first: range.first,
            last: range.last,
            ..refused(TSLOG_INVALID_SEQN, 0, got)
        },
        Invalid::Tag(got, formats) => {
            refused(TSLOG_INVALID_TAG, u64::from(formats), u64::from(got))
        }
        Invalid::Values(PackError::Buffer(need, have)) => {
            refused(TSLOG_INVALID_VALUES_BUFFER, need, have)
        }
        Invalid::Values(PackError::Count(need, got)) => {
            refused(TSLOG_INVALID_VALUES_COUNT, need, got)
        }
        Invalid::Values(PackError::Value { index, .. }) => at(TSLOG_INVALID_VALUES_VALUE, index),
        Invalid::Values(_) | _ => refused(TSLOG_INVALID_OTHER, 0, 0),
    }
}

fn of_mismatch(mismatch: Mismatch) -> ErrorDetails {
    let (what, log, asked) = match mismatch {
        Mismatch::BucketSize(log, asked) => (TSLOG_MISMATCH_BUCKET_SIZE, log, asked),
        Mismatch::Format(index) => {
            let what = TSLOG_MISMATCH_FORMAT;
            return ErrorDetails { what, index, ..ErrorDetails::of(TSLOG_E_MISMATCH) };
        }
        Mismatch::Formats(log, asked) => (TSLOG_MISMATCH_FORMATS, log, asked),
        Mismatch::RecordSize(log, asked) => (TSLOG_MISMATCH_RECORD_SIZE, log, asked),
        Mismatch::SlotSize(log, asked) => (TSLOG_MISMATCH_SLOT_SIZE, log, asked),
        Mismatch::SlotCount(log, asked) => (TSLOG_MISMATCH_SLOT_COUNT, log, asked),
        Mismatch::WriteSize(log, asked) => (TSLOG_MISMATCH_WRITE_SIZE, log, asked),
        _ => (TSLOG_MISMATCH_OTHER, 0, 0),
    };
    let (expected, got) = (u64::from(log), u64::from(asked));
    ErrorDetails { what, expected, got, ..ErrorDetails::of(TSLOG_E_MISMATCH) }
}

#[cfg(feature = "std")]
impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Log(error) => error.fmt(f),
            Self::Address(count, size) => write!(
                f,
                "slots must end below 4 GiB, got {count} slots of {size} bytes; use fewer"
            ),
            Self::Alignment(name) => {
                write!(f, "{name} must lie on a multiple of the alignment of its type")
            }
            Self::Busy => f.write_str("the log is in use by another call; wait for it to return"),
            Self::Bug(words) => write!(f, "a bug in tslog: {words}"),
            Self::Count(name, most, got) => {
                write!(f, "{name} must have at most {most}, got {got}")
            }
            Self::Flag(name, got) => write!(f, "{name} has a value tslog.h does not name: {got}"),
            Self::Handle(name) => write!(f, "{name} is not an open {name} that tslog gave out"),
            Self::Kind(index, got) => {
                write!(f, "values[{index}].kind must be one of enum tslog_kind, got {got}")
            }
            Self::Null(name) => write!(f, "{name} must not be NULL"),
            Self::Room(name, need, have) => {
                write!(f, "{name} needs room for {need}, got room for {have}")
            }
            Self::Size(name, here, came) => write!(
                f,
                "{name}.size must be {here}, got {came}; set it, and compile with the tslog.h of \
                 this library"
            ),
            Self::Text(name) => write!(f, "{name} must be UTF-8"),
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn tslog_strerror(code: c_int) -> *const c_char {
    let sentence: &'static CStr = match code {
        TSLOG_OK => c"success",
        TSLOG_NONE => c"there is nothing more to read yet",
        TSLOG_E_CLOSED => c"this handle is closed, or a newer one took its place",
        TSLOG_E_DAMAGED => c"committed records do not read back",
        TSLOG_E_EXHAUSTED => c"the log has given its last number",
        TSLOG_E_FULL => c"the log is full, and its readers still need every bucket",
        TSLOG_E_INVALID => c"the log refused a value",
        TSLOG_E_LOCKED => c"another process has the log",
        TSLOG_E_LOST => c"records were dropped before this reader read them",
        TSLOG_E_MISMATCH => c"the log was made with other parameters",
        TSLOG_E_NO_LOG => c"there is no log here",
        TSLOG_E_NOT_A_LOG => c"what is here is not a log",
        TSLOG_E_POISONED => c"a write or sync failed earlier; open the log again",
        TSLOG_E_STORAGE => c"the storage failed",
        TSLOG_E_VERSION => c"the log has a later layout than this library knows",
        TSLOG_E_ARGUMENT => c"an argument cannot be used as it is",
        TSLOG_E_HANDLE => c"this is no handle of the kind that the function takes",
        TSLOG_E_BUSY => c"the log is in use by another call",
        TSLOG_E_BUG => c"a bug in the library",
        TSLOG_E_OTHER => c"an error of a later version; see the message",
        _ => c"this is no code of tslog",
    };
    sentence.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn tslog_version() -> *const c_char {
    const VERSION: &[u8] = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    VERSION.as_ptr().cast()
}

//! What can go wrong, in one type. It knows no layer above it.
//!
//! Each variant says what state the log is in afterwards; unless it says otherwise, nothing has
//! changed and the call can be made again.

use crate::words::SeqnRange;

/// Why a call on a log failed; `E` is the error of the storage below.
///
/// "No more records" is not an error: readers return `None` for it.
///
/// ```
/// use tslog::Error;
///
/// /// What to do about an error of a reader.
/// fn advice<E>(error: &Error<E>) -> String {
///     match error {
///         Error::Damaged(range) | Error::Lost(range) => format!("report {range}, and read on"),
///         Error::Poisoned | Error::Storage(_) => "open the log again".to_owned(),
///         _ => "see what the message says".to_owned(),
///     }
/// }
/// let gone = tslog::SeqnRange { first: 17, last: 32 };
/// assert_eq!(advice(&Error::<()>::Damaged(gone)), "report 17 to 32, and read on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The log, or this reader of it, was closed or replaced by a newer handle; or another log was
    /// made in its place.
    Closed,
    /// Committed records do not read back: their bytes changed on the medium. The reader stands
    /// behind the range and goes on there.
    Damaged(SeqnRange),
    /// The log has given its last number, or its last bucket index.
    Exhausted,
    /// There is no room, and the readers still need every bucket. Readers can go on reading and
    /// committing; once they have, storing works again. They see committed records only: commit
    /// what waits first, as a log that threads share does by itself.
    Full,
    /// An argument was refused before anything changed.
    Invalid(Invalid),
    /// Another writer, or another reader of this number, has the log; its process, where known.
    Locked(Option<u32>),
    /// `drop_oldest` gave these records up before this reader read them. The reader stands behind
    /// the range and goes on there.
    Lost(SeqnRange),
    /// The log was made with other parameters. Nothing was opened and nothing changed.
    Mismatch(Mismatch),
    /// There is no log here.
    NoLog,
    /// There is something here, and it is not a log.
    NotALog,
    /// A write or a sync failed earlier, so what the medium holds is not known; reopen the log.
    Poisoned,
    /// The storage failed. After a failed write or sync the log is [`Error::Poisoned`].
    Storage(E),
    /// The log has a later layout, of this version.
    Version(u8),
}

/// Which argument was refused.
///
/// ```
/// # use tslog::{Config, Log, storage::ram::Ram};
/// # let mut medium = [0xFF; 8 * 256];
/// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
/// # let buffer = [0; tslog::buffer_size(8, 2)];
/// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
/// use tslog::{Error, Invalid};
/// let refused = log.store_record(b"nine bytes");
/// assert_eq!(refused, Err(Error::Invalid(Invalid::Record(8, 10))));
/// assert_eq!(log.store_record(b"8 bytes!")?, 1); // no number was used up
/// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Invalid {
    /// The buffer for batches is too short: bytes needed, bytes given.
    Buffer(u64, u64),
    /// `bucket_size` must be at least 1 record.
    BucketSize(u32),
    /// `commit_delta` must be at least 1 record.
    CommitDelta(u32),
    /// The name of a field was refused: why, and which field, counted from 0.
    FieldName(&'static str, u32),
    /// The names of fields do not fit their format: values in the format, names given.
    Fields(u64, u64),
    /// A format was not understood; the text says what was expected and where.
    Format(&'static str, u32),
    /// The log has too many formats, or none where some are needed.
    Formats(u32),
    /// The batch of `commit_delta` records does not fit one slot: bytes needed, bytes there are.
    Batch(u64, u64),
    /// The number of readers must be 1 to 4.
    Readers(u32),
    /// This reader number is not below the number of readers: given, readers.
    Reader(u32, u32),
    /// A record longer than `record_size`: bytes allowed, bytes given.
    Record(u64, u64),
    /// `record_size` is 0, or larger than any log can hold: bytes given.
    RecordSize(u64),
    /// The storage has too few slots for a log, which needs at least 4.
    SlotCount(u32),
    /// A slot of the storage is too small, or not whole words: bytes needed, bytes there are. It
    /// must hold a bucket header and one record.
    SlotSize(u64, u64),
    /// This number is not in the log: asked for, lowest and highest there is.
    Seqn(u64, SeqnRange),
    /// This tag is not below the number of formats: given, formats.
    Tag(u32, u32),
    /// The values do not fit their format.
    Values(PackError),
    /// The storage is written in words of another size than 1, 2, 4, 8, 16 or 32 bytes.
    WriteSize(u32),
}

/// Why values do not fit their format.
///
/// ```
/// use tslog::{Format, PackError, Value};
/// let format = Format::new("<Qf")?;
/// let refused = format.pack(&[Value::Uint(1)], &mut [0; 12]);
/// assert_eq!(refused, Err(PackError::Count(2, 1)));
/// # Ok::<(), tslog::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PackError {
    /// The record is larger than the room for it: bytes needed, bytes given.
    Buffer(u64, u64),
    /// The number of values is another one: values in the format, values given.
    Count(u64, u64),
    /// One value is not of the kind that its code takes, or out of its range.
    Value {
        /// The place of the value, counted from 0.
        index: u32,
        /// Its code in the resolved format.
        code: char,
        /// What came instead.
        got: Got,
    },
}

/// What a value was that did not fit its code.
///
/// ```
/// use tslog::{Format, Got, PackError, Value};
/// let refused = Format::new("B")?.pack(&[Value::Int(-1)], &mut [0]);
/// let why = PackError::Value { index: 0, code: 'B', got: Got::Int(-1) };
/// assert_eq!(refused, Err(why));
/// # Ok::<(), tslog::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Got {
    /// A truth value.
    Bool(bool),
    /// This many bytes.
    Bytes(u64),
    /// The bits of an `f64`, so that errors stay comparable.
    Float(u64),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
}

/// Which parameter differs from the one the log was made with: the log's value, the caller's.
///
/// ```
/// # use tslog::{Config, Log, storage::ram::Ram};
/// # let mut medium = [0xFF; 8 * 256];
/// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
/// # let buffer = [0; tslog::buffer_size(8, 2)];
/// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
/// use tslog::{Error, Mismatch};
/// let medium = log.into_storage();
/// let other = Config { record_size: Some(12), ..config };
/// let refused = Log::<_, _, 1>::open(medium, buffer, &other);
/// assert_eq!(refused.err(), Some(Error::Mismatch(Mismatch::RecordSize(8, 12))));
/// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Mismatch {
    /// Records in a bucket.
    BucketSize(u32, u32),
    /// The format at this position is another one.
    Format(u32),
    /// The number of formats.
    Formats(u32, u32),
    /// Bytes in a record.
    RecordSize(u32, u32),
    /// The geometry of the medium: the log was made for this slot size in bytes, not that one.
    SlotSize(u32, u32),
    /// The geometry of the medium: the log was made for this many slots.
    SlotCount(u32, u32),
    /// The geometry of the medium: the log was made for words of this size.
    WriteSize(u32, u32),
}

impl<E> Error<E> {
    /// The same error over another storage error.
    ///
    /// ```
    /// let error = tslog::Error::Storage(5).map_storage(|code| format!("the chip says {code}"));
    /// assert_eq!(error, tslog::Error::Storage("the chip says 5".to_owned()));
    /// ```
    pub fn map_storage<F>(self, map: impl FnOnce(E) -> F) -> Error<F> {
        match self {
            Self::Closed => Error::Closed,
            Self::Damaged(range) => Error::Damaged(range),
            Self::Exhausted => Error::Exhausted,
            Self::Full => Error::Full,
            Self::Invalid(invalid) => Error::Invalid(invalid),
            Self::Locked(holder) => Error::Locked(holder),
            Self::Lost(range) => Error::Lost(range),
            Self::Mismatch(mismatch) => Error::Mismatch(mismatch),
            Self::NoLog => Error::NoLog,
            Self::NotALog => Error::NotALog,
            Self::Poisoned => Error::Poisoned,
            Self::Storage(error) => Error::Storage(map(error)),
            Self::Version(version) => Error::Version(version),
        }
    }
}

impl<E> From<Invalid> for Error<E> {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<PackError> for Invalid {
    fn from(error: PackError) -> Self {
        Self::Values(error)
    }
}

impl<E> From<Mismatch> for Error<E> {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}

impl<E: core::fmt::Display> core::fmt::Display for Error<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Closed => f.write_str("this handle is closed, or a newer one took its place"),
            Self::Damaged(range) => gone(f, "damaged on the medium", *range),
            Self::Exhausted => f.write_str("the log has given its last number"),
            Self::Full => f.write_str("the log is full, and its readers still need every bucket"),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::Locked(Some(pid)) => write!(f, "the log is locked by process {pid}"),
            Self::Locked(None) => f.write_str("the log is locked by another process"),
            Self::Lost(range) => gone(f, "dropped before it was read", *range),
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::NoLog => f.write_str("there is no log here"),
            Self::NotALog => f.write_str("what is here is not a log"),
            Self::Poisoned => f.write_str("a write or sync failed earlier; reopen the log"),
            Self::Storage(error) => write!(f, "the storage failed: {error}"),
            Self::Version(version) => {
                write!(f, "the log has layout version {version}, later than this library knows")
            }
        }
    }
}

fn gone(f: &mut core::fmt::Formatter<'_>, how: &str, range: SeqnRange) -> core::fmt::Result {
    let count = range.count();
    write!(f, "{how}: {range} ({count} record{})", if count == 1 { "" } else { "s" })
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for Error<E> {}

impl core::fmt::Display for Invalid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Batch(need, have) => write!(
                f,
                "a batch of commit_delta records needs {need} bytes, and a slot gives it {have}"
            ),
            Self::BucketSize(got) => {
                write!(f, "bucket_size must be at least 1 record and fit a slot, got {got}")
            }
            Self::Buffer(need, have) => {
                write!(f, "the batch buffer must have {need} bytes, got {have}")
            }
            Self::CommitDelta(got) => write!(f, "commit_delta must be at least 1, got {got}"),
            Self::Fields(need, got) => {
                write!(f, "the format has {need} values, and {got} field names were given")
            }
            Self::FieldName(why, at) => write!(f, "bad name in fields[{at}]: {why}"),
            Self::Format(why, at) => {
                write!(f, "bad format at character {}: {why}", at.saturating_add(1))
            }
            Self::Formats(got) => write!(f, "a log has at most 255 formats, got {got}"),
            Self::Reader(got, readers) => {
                write!(f, "reader must be 0 to {}, got {got}", readers.saturating_sub(1))
            }
            Self::Readers(got) => write!(f, "the number of readers must be 1 to 4, got {got}"),
            Self::Record(most, got) => {
                write!(f, "a record has at most {most} bytes, got {got}")
            }
            Self::RecordSize(got) => {
                write!(f, "record_size must be at least 1 byte and far below 256 MiB, got {got}")
            }
            Self::SlotCount(got) => {
                write!(f, "a log needs at least 4 slots (sectors), and the storage has {got}")
            }
            Self::SlotSize(need, have) => write!(
                f,
                "this log needs slots of at least {need} bytes, and the storage has slots of {have}"
            ),
            Self::Seqn(got, range) => {
                write!(f, "number {got} is not in the log, which has {range}")
            }
            Self::Tag(got, formats) => {
                write!(f, "tag must be 0 to {}, got {got}", formats.saturating_sub(1))
            }
            Self::Values(error) => error.fmt(f),
            Self::WriteSize(got) => {
                write!(
                    f,
                    "the storage must be written in words of 1, 2, 4, 8, 16 or 32 bytes, got {got}"
                )
            }
        }
    }
}

impl core::error::Error for Invalid {}

impl core::fmt::Display for PackError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (index, code, got) = match *self {
            Self::Buffer(need, have) => {
                return write!(f, "the record needs {need} bytes, and there is room for {have}");
            }
            Self::Count(need, got) => {
                return write!(f, "the format has {need} values, and {got} were given");
            }
            Self::Value { index, code, got } => (index, code, got),
        };
        let expected = match code {
            'b' => "an integer from -128 to 127",
            'B' => "an integer from 0 to 255",
            'h' => "an integer from -32768 to 32767",
            'H' => "an integer from 0 to 65535",
            'i' => "an integer from -2147483648 to 2147483647",
            'I' => "an integer from 0 to 4294967295",
            'q' => "an integer from -9223372036854775808 to 9223372036854775807",
            'Q' => "an integer from 0 to 18446744073709551615",
            'e' => "a number from -65504 to 65504",
            'f' => "a number from -3.4028235e38 to 3.4028235e38",
            'd' => "a number",
            'c' => "one byte",
            _ => "bytes",
        };
        write!(f, "values[{index}] must be {expected}, got {got}")
    }
}

impl core::error::Error for PackError {}

impl core::fmt::Display for Got {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Bytes(length) => write!(f, "{length} bytes"),
            Self::Float(bits) => write!(f, "{:?}", f64::from_bits(bits)),
            Self::Int(value) => write!(f, "{value}"),
            Self::Uint(value) => write!(f, "{value}"),
        }
    }
}

impl core::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (what, log, asked) = match *self {
            Self::BucketSize(log, asked) => ("bucket_size", log, asked),
            Self::Format(at) => {
                return write!(f, "format {at} is not the one the log was made with");
            }
            Self::Formats(log, asked) => ("number of formats", log, asked),
            Self::RecordSize(log, asked) => ("record_size", log, asked),
            Self::SlotSize(log, asked) => ("slot_size", log, asked),
            Self::SlotCount(log, asked) => ("slot_count", log, asked),
            Self::WriteSize(log, asked) => ("write_size", log, asked),
        };
        write!(f, "{what} {asked} was asked for, and the log was made with {log}")
    }
}

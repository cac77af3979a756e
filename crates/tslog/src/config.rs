//! What the caller decides when a log is made or opened.

use crate::format::Format;

/// What `store` does when there is no room and a reader still needs the oldest bucket.
///
/// ```
/// use tslog::{Config, Policy};
/// // On a device, the newest records are worth more than the oldest.
/// let config = Config { policy: Policy::DropOldest, ..Config::default() };
/// assert_eq!(Config::default().policy, Policy::Error);
/// # assert_ne!(config.policy, Policy::Error);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Policy {
    /// `store` returns [`crate::Error::Full`]; nothing unread is ever given up.
    #[default]
    Error,
    /// The oldest bucket goes, and each reader that had not read it is told, once, the exact range
    /// it lost.
    DropOldest,
}

/// The parameters of a log.
///
/// The first three are the shape of the log. They are kept in its header; opening with another
/// shape is an error that names both values, and `None` takes what the header says. The others may
/// change with every open.
///
/// ```
/// use tslog::{Config, Format};
/// let formats = [Format::new("Qff")?.with_fields("time:s,temperature:degC,humidity:%")?];
/// let config = Config { formats: Some(&formats), commit_delta: 4, ..Config::default() };
/// assert_eq!(config.readers, 1);
/// # Ok::<(), tslog::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config<'a> {
    /// The formats of the records. Records carry a tag byte if there is more than one; an empty
    /// list is a log of raw records. A new log without a list is one of raw records.
    pub formats: Option<&'a [Format<'a>]>,
    /// Bytes in a record of a log of raw records, 128 for a new log that names none. Ignored with
    /// formats, which give the size.
    pub record_size: Option<u32>,
    /// The most records in a bucket, 1024 for a new log that names none. Where a slot is too small
    /// for that many, a bucket ends with its slot.
    pub bucket_size: Option<u32>,
    /// `store` commits by itself as soon as this many records are stored since the last commit.
    pub commit_delta: u32,
    /// How many readers the log waits for before it forgets a record: 1 to 4.
    pub readers: u8,
    /// What happens when the log is full.
    pub policy: Policy,
    /// The most buckets the log may have, at least 2; 0 for as many as the medium has room for.
    pub max_buckets: u32,
    /// The id of a log made by this call: with a sequence number it names a record for ever. Draw
    /// it at random, or derive it from the serial number of the device.
    pub id: [u8; 16],
}

impl Default for Config<'_> {
    fn default() -> Self {
        Self {
            formats: None,
            record_size: None,
            bucket_size: None,
            commit_delta: 16,
            readers: 1,
            policy: Policy::Error,
            max_buckets: 0,
            id: [0; 16],
        }
    }
}

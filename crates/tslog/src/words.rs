//! The numbers and names every other module shares: limits, reader numbers, ranges of records.
//!
//! It owns no behaviour and imports nothing, so that all arrows can end here.

/// The highest sequence number a log can give: 2^56 - 1.
///
/// At a million records a second this lasts 2,283 years. The eighth byte of a number on the medium
/// holds the version of the layout.
pub const MAX_SEQN: u64 = (1 << 56) - 1;

/// The most readers a log can have.
pub const MAX_READERS: usize = 4;

/// The most formats a log can have: the tag is one byte, and 255 is kept free.
pub const MAX_FORMATS: usize = 255;

/// The highest bucket index; the next value marks "none" on the medium.
pub(crate) const MAX_INDEX: u32 = u32::MAX - 2;

/// A run of records, named by its first and its last sequence number, both included.
///
/// ```
/// let lost = tslog::SeqnRange { first: 17, last: 32 };
/// assert_eq!(lost.count(), 16);
/// assert_eq!(lost.to_string(), "17 to 32");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SeqnRange {
    /// The first number of the run.
    pub first: u64,
    /// The last number of the run.
    pub last: u64,
}

impl SeqnRange {
    /// How many records the run names.
    pub const fn count(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

impl core::fmt::Display for SeqnRange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{} to {}", self.first, self.last)
        }
    }
}

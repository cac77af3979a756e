//! Records that are handed out together.

use std::io;

use super::SharedReader;
use crate::error::Error;

/// Records that follow each other, back to back, as long as their reader is left alone.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("log");
/// # let log = tslog::Options::new().record_size(4).commit_delta(2).open_raw(&path)?;
/// # log.store_record(b"20.5")?;
/// # log.store_record(b"20.6")?;
/// let mut uplink = log.reader(0)?;
/// let records = uplink.next_batch()?.expect("two are durable");
/// assert_eq!((records.first(), records.len()), (1, 2));
/// assert_eq!(records.iter().next(), Some((1, &b"20.5"[..])));
/// assert_eq!(records.bytes().len(), 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records<'r> {
    pub(super) first: u64,
    pub(super) bytes: &'r [u8],
    pub(super) record_size: usize,
}

impl<'r> Records<'r> {
    /// The number of the first of them.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.record_size).unwrap_or(0)
    }

    /// All bytes of all records.
    pub fn bytes(&self) -> &'r [u8] {
        self.bytes
    }

    /// Each record with its number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &'r [u8])> + use<'r> {
        (self.first..).zip(self.bytes.chunks_exact(self.record_size.max(1)))
    }
}

impl<T> SharedReader<T> {
    /// The next records at hand, of one commit or of several: each commit is checked, nothing is
    /// copied for a record, and the cursor moves over all of them.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// # let log = tslog::Options::new().record_size(4).commit_delta(2).open_raw(&path)?;
    /// for bytes in [b"20.5", b"20.6"] {
    ///     log.store_record(bytes)?;
    /// }
    /// let mut uplink = log.reader(0)?;
    /// while let Some(records) = uplink.next_batch()? {
    ///     assert_eq!((records.first(), records.bytes()), (1, &b"20.520.6"[..]));
    ///     assert_eq!(records.iter().last(), Some((2, &b"20.6"[..])));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`SharedReader::next_record`].
    pub fn next_batch(&mut self) -> Result<Option<Records<'_>>, Error<io::Error>> {
        self.next_records(u32::MAX)
    }

    /// The records at hand, at most so many.
    pub(super) fn next_records(
        &mut self,
        most: u32,
    ) -> Result<Option<Records<'_>>, Error<io::Error>> {
        self.check_open()?;
        self.gather()?;
        let (begin, count) = (self.at_hand.begin, self.at_hand.count.min(most));
        let (first, record_size) = (self.cursor.saturating_add(1), self.plan.record_size as usize);
        self.move_on(count)?;
        self.at_hand.take(count, record_size);
        let bytes = self.window.get(begin..self.at_hand.begin).unwrap_or_default();
        Ok((count > 0).then_some(Records { first, bytes, record_size }))
    }
}

//! Reading records as the Rust type they were stored as.

use core::time::Duration;
use std::io;

use super::SharedReader;
use crate::{Record, error::Error};

impl<T: Record> SharedReader<T> {
    /// The next record; `None` if nothing more is durable.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// use std::time::Duration;
    /// use tslog::{Options, Record};
    ///
    /// #[derive(Record, Debug, PartialEq)]
    /// struct Door {
    ///     open: bool,
    /// }
    /// let log = Options::new().commit_delta(1).open::<Door>(&path)?;
    /// log.store(&Door { open: true })?;
    /// log.store(&Door { open: false })?;
    /// let mut uplink = log.reader(0)?;
    /// assert_eq!(uplink.peek()?, Some(Door { open: true }));
    /// assert_eq!(uplink.next()?, Some(Door { open: true }));
    /// assert_eq!(uplink.next_wait(Some(Duration::from_secs(60)))?, Some(Door { open: false }));
    /// assert_eq!(uplink.next()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`SharedReader::next_record`].
    #[expect(clippy::should_implement_trait, reason = "it can fail, and go on after a None")]
    pub fn next(&mut self) -> Result<Option<T>, Error<io::Error>> {
        Ok(self.next_record()?.map(|(_, bytes)| T::unpack(&bytes)))
    }

    /// As [`SharedReader::next`], but waits for a record up to `timeout`, or for ever.
    ///
    /// # Errors
    /// As [`SharedReader::next_record`].
    pub fn next_wait(&mut self, timeout: Option<Duration>) -> Result<Option<T>, Error<io::Error>> {
        Ok(self.next_record_wait(timeout)?.map(|(_, bytes)| T::unpack(&bytes)))
    }

    /// As [`SharedReader::next`], but the cursor stays where it is.
    ///
    /// # Errors
    /// As [`SharedReader::next_record`].
    pub fn peek(&mut self) -> Result<Option<T>, Error<io::Error>> {
        Ok(self.peek_record()?.map(|(_, bytes)| T::unpack(&bytes)))
    }
}

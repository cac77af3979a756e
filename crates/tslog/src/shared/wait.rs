//! Readers that wait for records, without looking again and again.
//!
//! Beside the writer a commit wakes them. In another process the kernel does, where it can watch
//! the folder; where it cannot, they look ten times a second.

use core::time::Duration;
use std::{io, time::Instant};

use super::{SharedReader, source::Source};
use crate::error::Error;

impl<T> SharedReader<T> {
    /// Waits until there is something to read, or `timeout` is over; says whether there is. Without
    /// a timeout it waits for ever. The wait ends with an error when the log is closed, or another
    /// handle takes the place of this one.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("log");
    /// use std::{thread, time::Duration};
    /// use tslog::Options;
    ///
    /// let log = Options::new().record_size(8).commit_delta(1).open_raw(&path)?;
    /// let mut uplink = log.reader(0)?;
    /// assert!(!uplink.wait(Some(Duration::from_millis(1)))?);
    /// let sensor = thread::spawn(move || log.store_record(b"12.5"));
    /// assert!(uplink.wait(None)?);
    /// assert_eq!(uplink.next_record()?, Some((1, b"12.5\0\0\0\0".to_vec())));
    /// # sensor.join().expect("it stores")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Storage`].
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool, Error<io::Error>> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if self.has_more()? {
            return Ok(true);
        }
        let cursor = self.cursor();
        match &mut self.source {
            Source::Beside(inner) => {
                let ready = inner.shown.wait(until, |published| {
                    self.handle.is_gone() || published.bounds.last > cursor
                });
                Ok(ready && self.has_more()?)
            }
            Source::Apart(apart) => {
                // From here on nothing is missed between a look and the wait behind it.
                let mut watch = apart.watch.take().unwrap_or_else(|| self.folder.watch());
                let mut more = self.has_more();
                while matches!(more, Ok(false)) && watch.wait(until) {
                    more = self.has_more();
                }
                if let Source::Apart(apart) = &mut self.source {
                    apart.watch = Some(watch);
                }
                more
            }
        }
    }

    /// The number and the bytes of the next record, for which it waits up to `timeout`, or for
    /// ever.
    ///
    /// # Errors
    /// As [`SharedReader::next_record`].
    pub fn next_record_wait(
        &mut self,
        timeout: Option<Duration>,
    ) -> Result<Option<(u64, Vec<u8>)>, Error<io::Error>> {
        if self.wait(timeout)? { self.next_record() } else { Ok(None) }
    }

    /// Whether there is something to read behind the cursor.
    pub(super) fn has_more(&mut self) -> Result<bool, Error<io::Error>> {
        if !self.is_ready() && !self.is_behind() {
            self.refresh()?;
        }
        self.check_open()?;
        Ok(self.is_ready() || self.is_behind())
    }
}

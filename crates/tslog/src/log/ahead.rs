//! Working ahead: what a later `store` would have to wait for is done while nothing else is to do.
//!
//! It promises that nothing is erased that a reader needs, whatever the policy, and that a bucket
//! which was erased ahead is begun without another erase. *Power goes here:* it is as where a
//! bucket was to be begun; whether an erase came to its end cannot be told then, and it is done
//! again.

use super::{Log, NO_INDEX};
use crate::{error::Error, storage::Storage, words::MAX_INDEX};

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// Erases the next bucket if the next commit may need it, so that `store` does not wait for an
    /// erase, which takes a flash 45 ms and more. Returns whether it did; most of the time there is
    /// nothing to do, and nothing is read or written.
    ///
    /// To be called when there is time, once for each commit or more often. On slots with names it
    /// has nothing to do. A device that is switched off between two calls gains nothing by it: an
    /// erase that nobody has used yet is done again after the next start.
    ///
    /// ```
    /// # use tslog::{Config, Log, storage::ram::Ram};
    /// # let mut medium = [0xFF; 8 * 256];
    /// let config = Config { record_size: Some(8), commit_delta: 4, ..Config::default() };
    /// # let buffer = [0; tslog::buffer_size(8, 4)];
    /// let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
    /// assert!(log.poll()?); // for the first record
    /// for value in 0..8_u64 {
    ///     log.store_record(&value.to_le_bytes())?;
    ///     log.poll()?;
    /// }
    /// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Storage`], after which the log is poisoned; [`Error::Closed`]; [`Error::Poisoned`].
    pub fn poll(&mut self) -> Result<bool, Error<S::Error>> {
        self.check_open()?;
        if self.plan.is_named::<S>() || self.ahead || !self.needs_bucket_soon() {
            return Ok(false);
        }
        let next = match self.tail.head {
            NO_INDEX => 0,
            head => head.saturating_add(1),
        };
        if next >= MAX_INDEX || !self.has_free_slot(false)? {
            return Ok(false);
        }
        self.mend_header()?;
        while self.tail.head != NO_INDEX && next.saturating_sub(self.tail.oldest) >= self.ring {
            self.give_up_oldest()?;
        }
        if self.tail.abandoned {
            self.erase_void(next)?;
        }
        self.storage.erase(self.plan.slot(next)).map_err(|error| self.poison(error))?;
        self.sync()?;
        self.ahead = true;
        Ok(true)
    }

    /// True if a full batch and a cursor of each reader do not fit behind what is in the bucket.
    fn needs_bucket_soon(&self) -> bool {
        let (tail, delta) = (&self.tail, self.commit_delta);
        let cursors = u32::from(self.reader_count).saturating_mul(self.plan.cursor_frame());
        let end = tail.offset.saturating_add(self.plan.frame_bytes(delta)).saturating_add(cursors);
        let records = tail.committed.saturating_add(u64::from(delta)).saturating_sub(tail.first);
        tail.head == NO_INDEX
            || tail.abandoned
            || end > self.plan.slot_size
            || records >= u64::from(self.plan.bucket_size)
    }
}

//! How much can be stored before something has to be written.

use super::{Log, NO_INDEX, header::Copies, state::State};
use crate::{storage::Storage, words::MAX_SEQN};

impl<S, B, const R: usize> Log<S, B, R>
where
    S: Storage,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// True if the next record is stored by copying it alone: no commit comes due, and nothing else
    /// has to be written first.
    ///
    /// ```
    /// # use tslog::{Config, Log, storage::ram::Ram};
    /// # let mut medium = [0xFF; 8 * 256];
    /// let config = Config { record_size: Some(8), commit_delta: 3, ..Config::default() };
    /// # let buffer = [0; tslog::buffer_size(8, 3)];
    /// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
    /// assert!(!log.has_room_in_batch(), "a bucket has to be begun");
    /// log.store_record(b"one")?;
    /// assert!(log.has_room_in_batch());
    /// log.store_record(b"two")?;
    /// assert!(!log.has_room_in_batch(), "the third record is committed");
    /// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
    /// ```
    pub fn has_room_in_batch(&self) -> bool {
        let due = self.uncommitted().saturating_add(1) >= u64::from(self.commit_delta);
        !due && self.copies_left() > 0
    }

    /// How many records can be taken by copying them, with nothing written before the last.
    #[doc(hidden)]
    pub fn copies_left(&self) -> u32 {
        if self.state != State::Open || self.copies != Copies::Both || self.must_roll() {
            return 0;
        }
        let tail = &self.tail;
        let end = if self.plan.is_named::<S>() { tail.reserved } else { self.plan.slot_size };
        let frame = self.plan.records_in(end.saturating_sub(tail.offset));
        let batch = frame.min(self.plan.batch_capacity(self.buffer.as_ref().len()));
        let in_bucket = tail.stored.saturating_add(1).saturating_sub(tail.first);
        let bucket = u64::from(self.plan.bucket_size).saturating_sub(in_bucket);
        let numbers = MAX_SEQN.saturating_sub(tail.stored);
        let most = u32::try_from(bucket.min(numbers)).unwrap_or(u32::MAX);
        most.min(batch.saturating_sub(u32::from(tail.pending)))
    }

    /// Whether the batch must be written before one more record is taken, and where the bytes of
    /// the bucket end then.
    pub(super) fn room_needed(&self) -> (bool, u32) {
        let capacity = self.plan.batch_capacity(self.buffer.as_ref().len());
        let batch = u32::from(self.tail.pending);
        let flush = batch >= capacity;
        // A flushed batch leaves its bytes behind, and the record starts a frame of its own.
        let need = if flush {
            self.plan.frame_bytes(batch).saturating_add(self.plan.frame_bytes(1))
        } else {
            self.plan.frame_bytes(batch.saturating_add(1))
        };
        (flush, self.tail.offset.saturating_add(need))
    }

    /// Whether the next record needs a new bucket.
    pub(super) fn must_roll(&self) -> bool {
        let tail = &self.tail;
        let records = tail.stored.saturating_add(1).saturating_sub(tail.first);
        tail.head == NO_INDEX || tail.abandoned || records >= u64::from(self.plan.bucket_size)
    }
}

//! What a log keeps in RAM, and the limits it is opened with. It never looks at the medium.

use super::{NO_INDEX, read::Bounds};
use crate::{
    error::Invalid,
    layout::plan::{FIRST_FRAME, Plan},
    storage::Storage,
    words::SeqnRange,
};

/// Where the log ends, in RAM and on the medium.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    /// The last number that is durable.
    pub(super) committed: u64,
    /// The last number given.
    pub(super) stored: u64,
    /// The first number of `head`.
    pub(super) first: u64,
    /// The bucket being written, or [`NO_INDEX`] before the first.
    pub(super) head: u32,
    /// The oldest bucket that is kept.
    pub(super) oldest: u32,
    /// The newest bucket that recovery would find: it holds the end of a commit, or a cursor.
    pub(super) anchor: u32,
    /// Where the next frame goes in `head`.
    pub(super) offset: u32,
    /// Bytes of `head` that are set aside, on named slots.
    pub(super) reserved: u32,
    /// Records in the batch buffer. What is neither here nor committed lies in part frames.
    pub(super) pending: u16,
    /// Nothing may be added to `head` any more: the log was not closed in order.
    pub(super) abandoned: bool,
    /// The last frame in `head` is a closing frame.
    pub(super) closed: bool,
}

/// What opening found, kept small.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) lost_last: u64,
    pub(super) lost_count: u32,
    pub(super) abandoned_size: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Poisoned,
    Closed,
}

/// What a log keeps for one reader.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReaderState {
    /// The cursor that is durable.
    pub(super) committed: u64,
    /// The last number handed out.
    pub(super) cursor: u64,
    /// Counts the commits to this reader's places, on named slots.
    pub(super) counter: u32,
    /// The handle that is valid now; 0 before the first.
    pub(super) handle: u8,
}

impl ReaderState {
    pub(super) fn at(committed: u64, counter: u32) -> Self {
        Self { committed, cursor: committed, counter, handle: 0 }
    }
}

/// Figures of a log at one moment.
///
/// ```
/// # use tslog::{Config, Log, storage::ram::Ram};
/// # let mut medium = [0xFF; 8 * 256];
/// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
/// # let buffer = [0; tslog::buffer_size(8, 2)];
/// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
/// log.store_record(b"one")?;
/// let stats = log.stats();
/// assert_eq!((stats.seqn, stats.committed, stats.lag), (1, 0, 1));
/// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stats {
    /// The last number given; 0 if there is none.
    pub seqn: u64,
    /// The last number that is durable.
    pub committed: u64,
    /// The index of the bucket that holds the latest record, 0 on an empty log.
    pub bucket: u32,
    /// The index of the oldest bucket that is kept.
    pub oldest_bucket: u32,
    /// The latest number less the least in-memory cursor of all declared readers, in records.
    pub lag: u64,
}

/// What opening a log found.
///
/// ```
/// # use tslog::{Config, Log, storage::ram::Ram};
/// # let mut medium = [0xFF; 8 * 256];
/// # let config = Config { record_size: Some(8), commit_delta: 2, ..Config::default() };
/// # let buffer = [0; tslog::buffer_size(8, 2)];
/// # let mut log = Log::<_, _, 1>::create(Ram::new(&mut medium[..], 256, 1), buffer, &config)?;
/// log.store_record(b"one")?;
/// log.commit()?;
/// let medium = log.into_storage(); // as a power cut would
/// let report = Log::<_, _, 1>::open(medium, buffer, &config)?.report();
/// assert!(!report.clean);
/// assert_eq!((report.abandoned_size, report.lost, report.header_damaged), (0, None, false));
/// # Ok::<(), tslog::Error<tslog::storage::ram::Misuse>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report {
    /// The log was closed in order, or is new.
    pub clean: bool,
    /// Bytes behind the last commit that belong to none: a write that was never acknowledged or, at
    /// worst, the newest commit gone rotten.
    pub abandoned_size: u32,
    /// Numbers that a committed cursor proves to have been committed, and that are gone.
    pub lost: Option<SeqnRange>,
    /// One of the two copies of the log header is damaged; the other one serves.
    pub header_damaged: bool,
}

/// The bytes a batch buffer needs for records of `record_size` bytes, committed by `commit_delta`,
/// on any medium.
///
/// ```
/// assert!(tslog::buffer_size(16, 16) < 16 * 16 + 128);
/// ```
#[expect(clippy::arithmetic_side_effects, reason = "too large a buffer fails to compile")]
pub const fn buffer_size(record_size: usize, commit_delta: usize) -> usize {
    32 + (8 + record_size * commit_delta).next_multiple_of(32)
}

impl Tail {
    /// What readers may read.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { oldest: self.oldest, head: self.anchor, last: self.committed }
    }

    /// True if the header of `head` is on the medium: it goes there with the first frame.
    pub(super) fn is_begun(&self) -> bool {
        self.head != NO_INDEX && self.offset > FIRST_FRAME
    }

    /// True if part frames of a commit were written that has no end yet.
    pub(super) fn has_parts(&self) -> bool {
        self.stored.saturating_sub(self.committed) > u64::from(self.pending)
    }
}

/// The most buckets there may be, given the cap the caller asked for: at least the bucket that
/// holds the last commit, and those that the next one may span.
pub(super) fn limit(plan: &Plan, max_buckets: u32, commit_delta: u32) -> u32 {
    let spanned = commit_delta.div_ceil(plan.bucket_size.max(1));
    match max_buckets {
        0 => plan.ring,
        cap => cap.max(spanned.saturating_add(1)).min(plan.ring),
    }
}

/// On fixed slots a batch must fit the buffer and one slot, so that a commit never spans more than
/// two buckets; where cursors have places of their own, it may span any number.
pub(super) fn check_batch<S: Storage>(
    plan: &Plan,
    commit_delta: u32,
    buffer: usize,
) -> Result<(), Invalid> {
    if commit_delta == 0 {
        return Err(Invalid::CommitDelta(0));
    }
    let records = if plan.is_named::<S>() { 1 } else { commit_delta };
    let need = plan.buffer_bytes(records);
    if need > plan.slot_size {
        return Err(Invalid::Batch(u64::from(need), u64::from(plan.slot_size)));
    }
    if plan.batch_capacity(buffer) < records {
        return Err(Invalid::Buffer(u64::from(need), buffer as u64));
    }
    Ok(())
}

//! What the harness does to a log, drawn from a seed.

use crate::power::Rng;
use tslog::{Format, MAX_READERS, Policy};

/// The parameters of a log, see [`tslog::Config`].
#[derive(Clone, Debug)]
pub struct Shape {
    /// Formats of the records; empty for raw ones.
    pub formats: Vec<Format<'static>>,
    /// Bytes in a record, the tag included.
    pub record_size: u32,
    /// The most records in a bucket.
    pub bucket_size: u32,
    /// Records in a batch.
    pub commit_delta: u32,
    /// Records that the batch buffer has room for, where it may have less than `commit_delta`.
    pub batch: u32,
    /// The number of readers.
    pub readers: u8,
    /// What happens when the log is full.
    pub policy: Policy,
    /// The most buckets, 0 for no limit.
    pub max_buckets: u32,
}

/// One step of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Stores this many records.
    Store(u8),
    /// Commits the log.
    Commit,
    /// A reader reads this many records, in one of three ways.
    Read(u8, u8, How),
    /// A reader commits.
    CommitReader(u8),
    /// A reader moves to this many thousandths of the log.
    Seek(u8, u16),
    /// A reader gets a new handle.
    Renew(u8),
    /// Closes the log and opens it again.
    Reopen,
    /// Drops the log and opens it again, as a reset does.
    Reset,
    /// Makes the log anew in place.
    Recreate,
    /// Closes the log and opens it with as many readers.
    Readers(u8),
    /// Closes the log and opens it with this commit delta.
    Delta(u8),
    /// All readers read all there is and commit.
    Drain,
    /// The space of the medium runs out, or comes back.
    Squeeze(bool),
}

/// How a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// One by one.
    Next,
    /// Looks at each before it takes it.
    Peek,
    /// Many at a time.
    Batch,
}

impl Shape {
    /// Random parameters.
    pub fn draw(rng: &mut Rng) -> Self {
        let texts =
            rng.pick(&[&[][..], &[], &["B"], &["<Qff"], &["BBH", "<q"], &["2s", "b", "6s"]]);
        let formats: Vec<Format> =
            texts.iter().map(|text| Format::new(text).expect("a good format")).collect();
        let tag = u32::from(formats.len() > 1);
        let most = rng.pick(&[4, 16, 16, 64]);
        let raw = rng.within(1, most) as u32;
        Self {
            record_size: formats.iter().map(|format| format.size() + tag).max().unwrap_or(raw),
            formats,
            bucket_size: rng.pick(&[1, 2, 5, 16, 33, 100, 1000]),
            commit_delta: rng.pick(&[1, 1, 2, 3, 4, 7, 16, 20]),
            batch: rng.within(1, 20) as u32,
            readers: rng.within(1, MAX_READERS as u64) as u8,
            policy: if rng.chance(30) { Policy::DropOldest } else { Policy::Error },
            max_buckets: rng.pick(&[0, 0, 0, 2, 3, 5]),
        }
    }
}

/// A random script of `len` steps.
pub fn script(rng: &mut Rng, len: u64) -> Vec<Op> {
    // Some scripts are about writing, some about reading.
    let taste = rng.within(20, 60);
    (0..len).map(|_| if rng.chance(taste) { draw_writing(rng) } else { draw_op(rng) }).collect()
}

fn draw_writing(rng: &mut Rng) -> Op {
    match rng.below(8) {
        0..=4 => Op::Store(rng.pick(&[1, 1, 1, 2, 3, 8])),
        5 | 6 => Op::Commit,
        _ => Op::Store(20),
    }
}

fn draw_op(rng: &mut Rng) -> Op {
    let reader = rng.below(MAX_READERS as u64) as u8;
    let how = rng.pick(&[How::Next, How::Peek, How::Batch]);
    match rng.below(100) {
        0..=29 => Op::Read(reader, rng.within(1, 12) as u8, how),
        30..=34 => Op::Read(reader, u8::MAX, how),
        35..=59 => Op::CommitReader(reader),
        60..=64 => Op::Seek(reader, rng.below(1001) as u16),
        65..=67 => Op::Renew(reader),
        68..=75 => Op::Reopen,
        76..=83 => Op::Reset,
        84..=86 => Op::Recreate,
        87..=89 => Op::Readers(rng.within(1, MAX_READERS as u64) as u8),
        90..=92 => Op::Delta(rng.within(1, 20) as u8),
        93..=96 => Op::Drain,
        97 | 98 => Op::Squeeze(true),
        _ => Op::Squeeze(false),
    }
}

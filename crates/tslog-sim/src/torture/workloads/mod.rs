//! What is done to a log while the power goes: each workload has a name, and is about one thing.

mod folder;
mod slots;

use crate::ops::Op;
use tslog::Policy;

/// The medium a workload is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A folder of files.
    Folder,
    /// Fixed slots at the contract.
    Fixed,
    /// Named slots at the contract.
    Named,
}

/// One step of a workload.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Opens the log, or makes it.
    Open,
    /// One call, or a few, as in the scripts of the harness.
    Do(Op),
    /// From now on files can be removed, or not.
    Removal(bool),
    /// The power goes at this step of the call, counted from 1, and every second piece is lost.
    Cut(u64, Op),
    /// The program ends, and this copy of the log header has gone bad.
    Damage(u8),
}

/// A log and what is done to it.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is called on the command line.
    pub name: &'static str,
    /// The medium it is for.
    pub on: On,
    /// Bytes in a record in the first round; later rounds draw others.
    pub record_size: u32,
    /// Records in a bucket.
    pub bucket_size: u32,
    /// Records in a batch.
    pub commit_delta: u32,
    /// Records that the batch buffer has room for, on a medium where it may have fewer.
    pub batch: u32,
    /// The number of readers.
    pub readers: u8,
    /// What happens when the log is full.
    pub policy: Policy,
    /// The most buckets, 0 for no limit.
    pub max_buckets: u32,
    /// The records have this many formats, whose fields have long names; 0 for raw records.
    pub formats: usize,
    /// What comes before the power can go.
    pub before: &'static [Act],
    /// What is cut at every step.
    pub acts: &'static [Act],
}

/// Two commits of three records fill a bucket, and each takes four or five sectors.
const PLAIN: Workload = Workload {
    name: "",
    on: On::Folder,
    record_size: 700,
    bucket_size: 6,
    commit_delta: 3,
    batch: 20,
    readers: 1,
    policy: Policy::Error,
    max_buckets: 0,
    formats: 0,
    before: &[Act::Open],
    acts: &[],
};

/// All workloads. Those on slots have names that begin with `ring` or `slots`.
pub fn all() -> impl Iterator<Item = &'static Workload> {
    folder::ALL.iter().chain(slots::ALL)
}

//! What is in a folder, as anybody can see it without changing it.

use std::path::Path;

use tslog::{Error, SeqnRange, View, ViewStep};

use crate::Result;
use crate::record::{self, Identity};

/// All that a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How often it was made anew; 0 if there is no log.
    pub(crate) generation: u32,
    /// The first and the last number; the first is one more than the last if there is none.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// From the first number to the last.
    pub(crate) records: Vec<(u64, Identity)>,
    pub(crate) cursors: Vec<u64>,
}

/// Reads everything in the log at `path` whose records carry `seed`. That something is damaged, or
/// was never stored, is an error like a folder that does not open.
pub(crate) fn look(path: &Path, seed: u64) -> Result<Found> {
    let told = |error: Error<std::io::Error>| format!("the log does not open to look at: {error}");
    let mut view = match View::open(path) {
        Ok(view) => view,
        Err(Error::NoLog) => return Ok(none()),
        Err(error) => return Err(told(error)),
    };
    let SeqnRange { first, last } = view.numbers().map_err(told)?;
    let cursors = view.cursors().map_err(told)?;
    let generation = view.generation();
    let size = usize::try_from(view.schema().record_size).unwrap_or(usize::MAX);
    let mut found = Found { generation, first, last, records: Vec::new(), cursors };
    let mut bytes = vec![0; size.saturating_mul(256)];
    loop {
        match view.read(&mut bytes).map_err(told)? {
            ViewStep::End => return Ok(found),
            ViewStep::Damaged(range) => return Err(format!("{range} do not read back")),
            ViewStep::Records(first, count) => {
                for (record, seqn) in bytes.chunks(size).take(count as usize).zip(first..) {
                    let identity = record::identify(seed, record);
                    let identity = identity.ok_or_else(|| format!("nobody stored {seqn}"))?;
                    found.records.push((seqn, identity));
                }
            }
        }
    }
}

/// What is found where there is no log.
pub(crate) fn none() -> Found {
    Found { first: 1, ..Found::default() }
}

//! One file a command. Each takes its arguments and says how it ended.

pub(crate) mod append;
pub(crate) mod cat;
pub(crate) mod create;
pub(crate) mod demo;
pub(crate) mod read;
pub(crate) mod stats;
pub(crate) mod verify;

use crate::exit::{Exit, Result, note};
use crate::output::{Output, count};
use crate::source::Gap;

/// Tells on standard error which records are missing, at its place among those printed, and says
/// how the command then ends: records given up by `drop_oldest` are no damage.
fn tell_gap(gap: &Gap, out: &mut dyn Output) -> Result<Exit> {
    out.flush()?;
    let (range, what, exit) = match gap {
        Gap::Damaged(range) => (range, "damaged", Exit::Damage),
        Gap::Lost(range) => (range, "dropped before they were read", Exit::Ok),
        Gap::Unreadable(range) => (range, "of no format of this log", Exit::Damage),
    };
    note(format_args!("{what}: {range} ({})", count(range.count(), "record")));
    Ok(exit)
}

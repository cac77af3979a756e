//! Opening ten million records of 16 bytes, closed in order, with files that are in memory.
//!
//! Peers that would take minutes are not here: the page has their time for a million.

use super::{Pace, keep};
use crate::part::Part;
use crate::peers::Kind;
use crate::results::Results;
use crate::run::Job;
use tslog_sim::mount::Ext4;

pub const NAME: &str = "open";
pub const CASE: &str = "16/1024";

const RECORD_SIZE: usize = 16;
const COMMIT: usize = 1024;

/// Whether a peer is opened with so many.
pub fn takes(kind: Kind) -> bool {
    let slow = matches!(kind, Kind::Walrus | Kind::RaftEngine | Kind::OpenWal);
    !slow && !kind.is_baseline()
}

pub fn run(ext4: &Ext4, pace: Pace, results: &mut Results) {
    let records = pace.choose(1_000_000, 10_000_000);
    let case = (NAME, CASE);
    let kinds = Kind::ALL.iter().copied().filter(|&kind| takes(kind));
    // One peer after the other, for all of them at once would take more memory than need be.
    for kind in kinds {
        let folder = ext4.folder(kind.name());
        let folder = folder.as_path();
        let (record_size, commit, durable) = (RECORD_SIZE, COMMIT, kind.is_filled_durably());
        let part = Part::Fill;
        let fill = Job { part, kind, folder, record_size, commit, durable, records };
        if keep(results, case, kind, &fill.run(), &[]) {
            for _ in 0..3 {
                // No records to read: it only opens.
                let open = Job { part: Part::Read, records: 0, ..fill };
                keep(results, case, kind, &open.run(), &["open", "open-memory"]);
            }
        }
        ext4.folder(kind.name());
        ext4.settle();
    }
}

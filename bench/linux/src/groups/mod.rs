//! What is measured, in groups that can run one at a time.

pub mod commits;
pub mod cut;
pub mod kill;
pub mod open;
pub mod read;
pub mod rot;
pub mod unsynced;

use crate::peers::Kind;
use crate::results::{Case, Results};
use crate::run::Said;
use tslog_sim::mount::Ext4;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Enough to see that all peers run.
    Quick,
    Full,
    /// Ten times as many flipped bits, killed processes and power cuts.
    Long,
}

impl Pace {
    pub fn choose<T>(self, quick: T, full: T) -> T {
        if self == Self::Quick { quick } else { full }
    }

    /// How often something is tried whose outcome is counted.
    fn tries(self, full: u64) -> u64 {
        match self {
            Self::Quick => full / 10,
            Self::Full => full,
            Self::Long => full * 10,
        }
    }
}

/// A group: its name, and what measures it.
pub type Group = (&'static str, fn(&Ext4, Pace, &mut Results));

pub const ALL: [Group; 7] = [
    (commits::NAME, commits::run),
    (unsynced::NAME, unsynced::run),
    (read::NAME, read::run),
    (open::NAME, open::run),
    (rot::NAME, rot::run),
    (kill::NAME, kill::run),
    (cut::NAME, cut::run),
];

/// The peers in another order each round, so that none always runs behind the same one.
fn rotated(kinds: &[Kind], round: usize) -> Vec<Kind> {
    let mut kinds = kinds.to_vec();
    let by = round % kinds.len().max(1);
    kinds.rotate_left(by);
    kinds
}

/// Keeps the numbers of a part, or why there are none.
fn keep(results: &mut Results, case: Case<'_>, kind: Kind, said: &Said, metrics: &[&str]) -> bool {
    if let Some(failure) = &said.failure {
        eprintln!("{} {}: {}: {failure}", case.0, case.1, kind.name());
        results.add(case, kind, "failure", &failure);
        return false;
    }
    for metric in metrics {
        if let Some(value) = said.number(metric) {
            results.add(case, kind, metric, &value);
        }
    }
    true
}

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

/// A generator of evenly spread numbers (splitmix64), the same for the same seed.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Puts them into an order that is drawn.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, usize::try_from(self.below(last as u64 + 1)).unwrap_or(last));
        }
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn each_order_is_drawn_about_as_often_as_the_others() {
        let mut random = Random::new(1);
        let mut drawn = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            let mut order = [0, 1, 2];
            random.shuffle(&mut order);
            *drawn.entry(order).or_insert(0) += 1;
        }
        assert!(
            drawn.len() == 6 && drawn.values().all(|times| (850..1150).contains(times)),
            "{drawn:?}"
        );
    }
}

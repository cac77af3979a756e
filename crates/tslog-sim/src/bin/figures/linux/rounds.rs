//! Rounds of what is compared, taken in turn, so that a machine with other work treats both alike.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use super::open::on_processor;

/// What one act took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    /// On the clock.
    pub(super) clock: Duration,
    /// Of this thread on a processor, in nanoseconds.
    pub(super) processor_ns: u64,
}

impl Took {
    /// How fast this was beside `other`, which did the same work and waited for nothing: by time
    /// on a processor, which other work on the machine does not add to.
    pub(super) fn speed_of(self, other: Self) -> f64 {
        other.processor_ns as f64 / self.processor_ns as f64
    }
}

/// Measures one act.
pub(super) fn took(act: impl FnOnce()) -> Took {
    let on_before = on_processor();
    let begun = Instant::now();
    act();
    let clock = begun.elapsed();
    Took { clock, processor_ns: on_processor() - on_before }
}

/// What two acts took, round by round.
pub(super) struct Rounds(Vec<(Took, Took)>);

/// Measures `one` and `other` in turn, each `rounds` times.
pub(super) fn in_turn(
    rounds: usize,
    mut one: impl FnMut(usize) -> Took,
    mut other: impl FnMut(usize) -> Took,
) -> Rounds {
    let round = |round| {
        // Who goes first changes, for the second finds warmer caches.
        if round % 2 == 0 {
            let first = one(round);
            (first, other(round))
        } else {
            let first = other(round);
            (one(round), first)
        }
    };
    Rounds((0..rounds).map(round).collect())
}

impl Rounds {
    /// The median of both, each by itself.
    pub(super) fn medians(&self) -> (Took, Took) {
        let of = |which: fn(&(Took, Took)) -> Took| {
            let all = || self.0.iter().map(which);
            Took {
                clock: median(all().map(|took| took.clock).collect(), Ord::cmp),
                processor_ns: median(all().map(|took| took.processor_ns).collect(), Ord::cmp),
            }
        };
        (of(|round| round.0), of(|round| round.1))
    }

    /// How often the clock of the second fits into that of the first, compared within each round:
    /// what a disk does besides changes from one round to the next, and much less within one.
    pub(super) fn ratio(&self) -> f64 {
        median(
            self.0.iter().map(|(one, other)| ratio(one.clock, other.clock)).collect(),
            f64::total_cmp,
        )
    }
}

fn median<T: Copy>(mut all: Vec<T>, order: impl FnMut(&T, &T) -> Ordering) -> T {
    all.sort_unstable_by(order);
    all[all.len() / 2]
}

/// How often the second fits into the first.
pub(super) fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three rounds of what takes 9, 1 and 4 ms beside what takes `others`, and who went when.
    fn three(others: [u64; 3]) -> (Rounds, Vec<char>) {
        let order = std::cell::RefCell::new(Vec::new());
        let of = |name, ms| {
            order.borrow_mut().push(name);
            Took { clock: Duration::from_millis(ms), processor_ns: ms }
        };
        let rounds = in_turn(3, |n| of('a', [9, 1, 4][n]), |n| of('b', others[n]));
        (rounds, order.into_inner())
    }

    #[test]
    fn the_median_of_each_is_taken_and_both_take_turns() {
        let (rounds, order) = three([7, 7, 7]);
        let (one, other) = rounds.medians();
        assert_eq!((one.clock.as_millis(), one.processor_ns, other.processor_ns), (4, 4, 7));
        assert_eq!(order, ['a', 'b', 'b', 'a', 'a', 'b']);
    }

    #[test]
    fn a_ratio_is_that_of_the_round_in_the_middle() {
        // 4.5, 0.5 and 1; of the medians by themselves it is 2.
        assert!((three([2, 2, 4]).0.ratio() - 1.0).abs() < 1e-9);
    }
}

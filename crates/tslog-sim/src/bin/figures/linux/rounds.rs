//! Rounds of what is compared, taken in turn, so that a machine with other work treats both alike.

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

/// Measures `one` and `other` in turn, each `rounds` times; returns the median of both.
pub(super) fn in_turn(
    rounds: usize,
    mut one: impl FnMut(usize) -> Took,
    mut other: impl FnMut(usize) -> Took,
) -> (Took, Took) {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who goes first changes, for the second finds warmer caches.
        if round % 2 == 0 {
            ones.push(one(round));
            others.push(other(round));
        } else {
            others.push(other(round));
            ones.push(one(round));
        }
    }
    (median(&ones), median(&others))
}

fn median(all: &[Took]) -> Took {
    let mut clocks: Vec<_> = all.iter().map(|took| took.clock).collect();
    let mut processors: Vec<_> = all.iter().map(|took| took.processor_ns).collect();
    clocks.sort_unstable();
    processors.sort_unstable();
    Took { clock: clocks[all.len() / 2], processor_ns: processors[all.len() / 2] }
}

/// How often the second fits into the first.
pub(super) fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_each_is_taken_and_both_take_turns() {
        let order = std::cell::RefCell::new(Vec::new());
        let of = |name, ms| {
            order.borrow_mut().push(name);
            Took { clock: Duration::from_millis(ms), processor_ns: ms }
        };
        let (one, other) = in_turn(3, |round| of('a', [9, 1, 4][round]), |_| of('b', 7));
        assert_eq!((one.clock.as_millis(), one.processor_ns, other.processor_ns), (4, 4, 7));
        assert_eq!(order.into_inner(), ['a', 'b', 'b', 'a', 'a', 'b']);
    }
}

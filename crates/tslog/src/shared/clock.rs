//! Tells when the oldest record that waits has waited for an interval, without a look at the clock
//! for each record: it looks twice an interval which records there are, and what still waits at the
//! next look is due.

use core::time::Duration;
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Clock {
    half: Option<Duration>,
    /// When to look, and the last number at the last look.
    next: Option<(Instant, u64)>,
}

impl Clock {
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self { half: interval.and_then(|interval| interval.checked_div(2)), next: None }
    }

    /// How long there is nothing to do: zero if a commit is due, `None` until a record is stored.
    pub(super) fn look(&mut self, stored: u64, committed: u64) -> Option<Duration> {
        let half = self.half?;
        let now = Instant::now();
        if let Some((at, seen)) = self.next {
            if now < at {
                return Some(at.saturating_duration_since(now).max(Duration::from_nanos(1)));
            }
            if committed < seen {
                return Some(Duration::ZERO);
            }
            if stored == seen {
                self.next = None;
            }
        }
        if stored == committed && self.next.is_none() {
            return None;
        }
        self.next = now.checked_add(half).map(|at| (at, stored));
        self.next.map(|_| half.max(Duration::from_nanos(1)))
    }
}

//! How many threads share a commit, and how long it waits for them.
//!
//! Threads that need each record durable come back from one commit with a record for the next. Were
//! that to begin with the first of them, the others would fill the one behind it, and each thread
//! would take part in every other commit. So a commit waits for as many records as there were
//! threads when the last one ended, but no longer than a quarter of what that one took. A thread
//! that is alone waits for nobody, and nothing is measured for it.

use std::time::Instant;

/// Threads that are held up until a commit has ended.
#[derive(Debug, Default)]
pub(super) struct Company {
    now: u64,
    /// When the last commit ended.
    last: u64,
    /// When those who are missing are missed no more.
    until: Option<Instant>,
}

impl Company {
    pub(super) fn enter(&mut self) {
        self.now = self.now.saturating_add(1);
    }

    pub(super) fn leave(&mut self) {
        self.now = self.now.saturating_sub(1);
    }

    /// Until when a commit of so many records is to wait for more.
    pub(super) fn awaited(&self, records: impl FnOnce() -> u64) -> Option<Instant> {
        self.until.filter(|_| records() < self.last)
    }

    /// The time is over.
    pub(super) fn give_up(&mut self) {
        self.until = None;
    }

    /// A commit begins. Returns when, if that matters.
    pub(super) fn begin(&self) -> Option<Instant> {
        (self.last > 1).then(Instant::now)
    }

    /// A commit has ended that began then.
    pub(super) fn end(&mut self, begun: Option<Instant>) {
        let until = begun.and_then(|begun| {
            let now = Instant::now();
            let quarter = now.saturating_duration_since(begun).checked_div(4)?;
            now.checked_add(quarter)
        });
        (self.last, self.until) = (self.now, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A commit with so many threads around at its end.
    fn commit(company: &mut Company, threads: u64) {
        let begun = company.begin();
        company.now = threads;
        company.end(begun);
    }

    #[test]
    fn a_thread_that_is_alone_waits_for_nobody_and_nothing_is_measured_for_it() {
        let mut company = Company::default();
        for _ in 0..3 {
            company.enter();
            assert_eq!((company.begin(), company.awaited(|| 1)), (None, None));
            company.end(None);
            company.leave();
        }
    }

    #[test]
    fn a_commit_waits_for_as_many_records_as_threads_were_there_before() {
        let mut company = Company::default();
        commit(&mut company, 3);
        assert_eq!(company.awaited(|| 1), None, "it is not known yet what a commit takes");
        commit(&mut company, 3);
        assert!(company.awaited(|| 2).is_some());
        assert_eq!(company.awaited(|| 3), None);
        company.give_up();
        assert_eq!(company.awaited(|| 1), None);
        commit(&mut company, 1);
        assert_eq!(company.awaited(|| 1), None);
    }

    #[test]
    fn a_commit_waits_for_a_quarter_of_what_the_last_one_took() {
        let mut company = Company::default();
        commit(&mut company, 2);
        let took = std::time::Duration::from_secs(4);
        let begun = Instant::now().checked_sub(took).unwrap();
        company.end(Some(begun));
        let left = company.awaited(|| 1).unwrap().saturating_duration_since(Instant::now());
        assert!(left <= took / 2 && left > took / 8, "{left:?}");
    }
}

//! What a campaign counts, and how it says so.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::args::Args;

/// Violations after which it is pointless to go on.
const VIOLATIONS_MAX: usize = 20;

/// The counts of one campaign, shared by its jobs.
pub(crate) struct Tally<'a> {
    args: &'a Args,
    begun: Instant,
    runs: AtomicU64,
    violations: Mutex<Vec<String>>,
    /// Further counts, each with its name.
    extra: Mutex<Vec<(&'static str, u64)>>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(args: &'a Args) -> Self {
        Self {
            args,
            begun: Instant::now(),
            runs: AtomicU64::new(0),
            violations: Mutex::default(),
            extra: Mutex::default(),
        }
    }

    /// One more thing was tried.
    pub(crate) fn ran(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Counts something that a person wants to know besides.
    pub(crate) fn count(&self, name: &'static str, more: u64) {
        let Ok(mut extra) = self.extra.lock() else { return };
        match extra.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += more,
            None => extra.push((name, more)),
        }
    }

    /// Case `case` was wrong. It is said at once, with the command that runs it again.
    pub(crate) fn violation(&self, case: u64, what: &str) {
        let Args { name, size, seed, .. } = self.args;
        eprintln!("violation: {name}: case {case}: {what}");
        eprintln!(
            "  again: cargo run --profile torture --package tslog-torture -- {name} --size {} \
             --seed {seed} --case {case}",
            size.name()
        );
        if let Ok(mut violations) = self.violations.lock() {
            violations.push(what.to_owned());
        }
    }

    fn violations(&self) -> usize {
        self.violations.lock().map_or(usize::MAX, |violations| violations.len())
    }

    /// Runs cases one after the other on as many threads as there are jobs; each job makes what it
    /// needs once. A case says how it failed, and is told by its number alone what to do.
    pub(crate) fn each<J: Send>(
        &self,
        cases: Range<u64>,
        make: impl Fn(usize) -> Result<J, String>,
        run: impl Fn(&mut J, u64) -> Result<(), String> + Sync,
    ) -> Result<(), String> {
        self.each_by(self.args.jobs, cases, make, run)
    }

    /// As [`Tally::each`], by one job.
    pub(crate) fn each_alone<J: Send>(
        &self,
        cases: Range<u64>,
        make: impl Fn(usize) -> Result<J, String>,
        run: impl Fn(&mut J, u64) -> Result<(), String> + Sync,
    ) -> Result<(), String> {
        self.each_by(1, cases, make, run)
    }

    /// As [`Tally::each`], by so many jobs. All of them are made before the first case, and go
    /// behind the last: what a program is started for meanwhile has the files of all the others
    /// open for a moment, so that the room of one that is deleted is not free yet.
    pub(crate) fn each_by<J: Send>(
        &self,
        jobs: usize,
        cases: Range<u64>,
        make: impl Fn(usize) -> Result<J, String>,
        run: impl Fn(&mut J, u64) -> Result<(), String> + Sync,
    ) -> Result<(), String> {
        let only = self.args.case.filter(|case| cases.contains(case));
        if only.is_none() && self.args.case.is_some() {
            return Ok(());
        }
        let jobs = if only.is_some() { 1 } else { jobs };
        let next = AtomicU64::new(cases.start);
        let tried = AtomicBool::new(false);
        let work = |own: &mut J| {
            loop {
                let case = only.unwrap_or_else(|| next.fetch_add(1, Ordering::Relaxed));
                let done =
                    case >= cases.end || (only.is_some() && tried.swap(true, Ordering::Relaxed));
                if done || self.violations() >= VIOLATIONS_MAX {
                    return;
                }
                if let Err(what) = run(own, case) {
                    self.violation(case, &what);
                }
            }
        };
        let mut owns = (0..jobs).map(make).collect::<Result<Vec<J>, String>>()?;
        std::thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> =
                owns.iter_mut().map(|own| scope.spawn(move || work(own))).collect();
            let ended = workers.into_iter().map(|worker| {
                worker.join().map_err(|_| "a job of the campaign ended in a panic".to_owned())
            });
            ended.collect::<Vec<_>>().into_iter().collect()
        })
    }

    /// Prints the figures, and says whether all was well.
    pub(crate) fn report(self) -> bool {
        let name = &self.args.name;
        let (runs, violations) = (self.runs(), self.violations());
        println!("{name}_runs {runs} count");
        for (what, count) in self.extra.into_inner().unwrap_or_default() {
            println!("{name}_{what} {count} count");
        }
        println!("{name}_violations {violations} count");
        println!("{name}_seconds {:.1} s", self.begun.elapsed().as_secs_f64());
        violations == 0 && runs > 0
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Barrier;
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    thread_local! {
        /// Goes when its thread ends.
        static WITH_THREAD: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
    }

    /// A job that is counted as long as it is there.
    struct Job<'a>(&'a AtomicU64);

    impl Drop for Job<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn every_job_is_made_before_the_first_case_and_goes_behind_the_last() {
        let words = ["full", "--seed", "1"].map(str::to_owned);
        let args = Args::parse(&words).unwrap();
        let (tally, jobs) = (Tally::new(&args), AtomicU64::new(0));
        let make = |_| {
            jobs.fetch_add(1, Ordering::SeqCst);
            Ok(Job(&jobs))
        };
        let (sender, ended) = channel();
        let (sender, ended) = (Mutex::new(Some(sender)), Mutex::new(ended));
        let both_run = Barrier::new(2);
        let all_are_there = |_: &mut Job<'_>, case| {
            tally.ran();
            both_run.wait();
            if case == 0 {
                WITH_THREAD.set(sender.lock().unwrap().take());
            } else {
                // An error once the other thread has ended.
                assert!(ended.lock().unwrap().recv().is_err());
            }
            let there = jobs.load(Ordering::SeqCst);
            if there == 2 { Ok(()) } else { Err(format!("{there} of 2 jobs")) }
        };
        tally.each_by(2, 0..2, make, all_are_there).unwrap();
        assert_eq!((tally.runs(), tally.violations(), jobs.load(Ordering::SeqCst)), (2, 0, 0));
    }
}

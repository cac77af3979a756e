//! Campaigns: each tries one kind of harm in every way it has, on named workloads, and counts.
//!
//! A campaign is cut into turns, which any number of threads take. A case that goes wrong is named
//! by a path, such as `roll/0/12/5`, and that path alone makes it again.

pub mod calls;
pub mod cuts;
pub mod media;
pub mod nor;
pub mod recovery;
pub mod rot;
pub mod soak;
pub mod workloads;

use crate::disk::Sabotage;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// While one works.
    Quick,
    /// With every change.
    Ci,
    /// Before a release.
    Release,
}

/// What a campaign is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much is tried.
    pub size: Size,
    /// What draws everything that is random.
    pub seed: u64,
    /// How many threads work.
    pub threads: u64,
    /// Only the workload of this name.
    pub workload: Option<String>,
    /// Only this case.
    pub case: Option<Vec<String>>,
    /// What is wrong with the medium, to see that it is noticed.
    pub sabotage: Option<Sabotage>,
    /// Whether to show how far things are.
    pub progress: bool,
}

/// A log that did what it must not.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What was wrong.
    pub message: String,
    /// What makes it again.
    pub case: String,
}

/// What was tried and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// States or runs that were tried.
    pub states: u64,
    /// What else was counted, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// What went wrong.
    pub violations: Vec<Violation>,
}

/// Violations after which it is pointless to go on.
pub const VIOLATIONS_MAX: usize = 20;

impl Options {
    /// One of three numbers, by the size.
    pub fn by_size<T>(&self, quick: T, ci: T, release: T) -> T {
        match self.size {
            Size::Quick => quick,
            Size::Ci => ci,
            Size::Release => release,
        }
    }

    /// Part `at` of the case that is asked for, as a number.
    ///
    /// # Errors
    /// What is wrong with the path.
    pub fn part(&self, at: usize) -> Result<Option<u64>, String> {
        let Some(case) = &self.case else { return Ok(None) };
        let part = case.get(at).ok_or_else(|| format!("the case has no part {at}"))?;
        part.parse().map(Some).map_err(|_| format!("{part} is not a number"))
    }
}

impl Tally {
    /// Counts `count` more of `what`.
    pub fn count(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    /// Remembers a violation; says whether there is any point in going on.
    pub fn violate(&mut self, message: String, case: String) {
        self.violations.push(Violation { message, case });
    }

    /// Adds what another thread has.
    pub fn add(&mut self, other: Self) {
        self.states += other.states;
        for (what, count) in other.counts {
            self.count(what, count);
        }
        self.violations.extend(other.violations);
    }
}

/// What is left to do, shared by all threads.
#[derive(Debug, Default)]
pub struct Progress {
    turn: AtomicU64,
    states: AtomicU64,
}

impl Progress {
    /// States that were tried so far, in all turns that have ended.
    pub fn states(&self) -> u64 {
        self.states.load(Ordering::Relaxed)
    }
}

/// Lets threads take turn after turn, until one is told that there is no such turn.
pub fn spread(options: &Options, turn: impl Fn(u64, &Progress) -> Option<Tally> + Sync) -> Tally {
    let (progress, total) = (Progress::default(), Mutex::new(Tally::default()));
    let begun = Instant::now();
    let work = || {
        loop {
            let next = progress.turn.fetch_add(1, Ordering::Relaxed);
            let Some(tally) = turn(next, &progress) else { return };
            progress.states.fetch_add(tally.states, Ordering::Relaxed);
            let mut total = total.lock().expect("no thread panics with the tally in its hands");
            total.add(tally);
            if total.violations.len() >= VIOLATIONS_MAX {
                progress.turn.fetch_add(1 << 40, Ordering::Relaxed);
            }
        }
    };
    if options.threads == 1 {
        // On this thread, so that what it does can be followed.
        work();
        return total.into_inner().unwrap_or_default();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads.max(1)).map(|_| scope.spawn(work)).collect();
        while options.progress && threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::park_timeout(Duration::from_millis(200));
            show(&progress, begun);
        }
    });
    total.into_inner().unwrap_or_default()
}

#[expect(clippy::print_stderr, reason = "only where the caller says that a person looks on")]
fn show(progress: &Progress, begun: Instant) {
    eprint!("\r{} states, {:.0} s ", progress.states(), begun.elapsed().as_secs_f64());
}

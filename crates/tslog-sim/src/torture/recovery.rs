//! The power goes again: while the log recovers from a cut, and in the first calls after it.
//!
//! From everything that a first cut leaves of a workload, the log is opened and used a little, with
//! a second cut at every step of that and every subset of what was not safe: two deep in full. From
//! some of what that leaves, chosen at random, the same is done once more with a third cut.

use super::cuts::{Subsets, chosen_of, cut_at};
use super::media::{Bench, OnDisk, Round, check, on_medium};
use super::{Options, Tally, spread};
use crate::disk::{Image, Kept};
use crate::harness::guarded;
use crate::ops::How::Next;
use crate::ops::Op::{self, Commit, CommitReader, Read, Reset, Store};
use crate::power::{Fault, Rng};
use crate::run::{Life, Run};
use crate::trail::{self, note};
use std::collections::HashSet;

/// What is tried two deep.
const WORKLOADS: [&str; 16] = [
    "create",
    "commit",
    "roll",
    "commit-across-buckets",
    "cursor",
    "delete",
    "delete-at-open",
    "recreate",
    "drop-oldest",
    "header-mends",
    "after-a-cut-roll",
    "slots-roll",
    "ring-roll",
    "ring-cursor",
    "ring-journal",
    "ring-recreate",
];

/// What is done after a cut, once the log is open.
const SEQUEL: [Op; 6] = [Read(0, 2, Next), CommitReader(0), Store(2), Commit, Reset, Store(1)];

/// Bytes that the records of a commit have at most: what two cuts leave is the square of what one
/// does.
const COMMIT_MAX: u32 = 2000;

/// One in so many states that are two deep is cut a third time.
const THIRD: u64 = 8;

/// The steps of a sequel that a third cut may strike, counted from 1.
const THIRD_CUTS: u64 = 24;

/// Runs the campaign.
///
/// # Errors
/// What is wrong with the case or the workload that was asked for.
pub fn run(options: &Options) -> Result<Tally, String> {
    let workloads = chosen_of(options, |name| WORKLOADS.contains(&name))?;
    let want = options.by_size(300_000, 4_000_000, 60_000_000);
    let count = workloads.len() as u64;
    let only: Vec<Option<u64>> = (1..8).map(|at| options.part(at).unwrap_or(None)).collect();
    let mut tally = spread(options, |turn, progress| {
        let (number, at) = (turn / count, turn % count);
        let rounds = if only[0].is_some() || options.workload.is_some() { 1 } else { u64::MAX };
        if number >= rounds || number > 0 && progress.states() >= want {
            return None;
        }
        let number = only[0].unwrap_or(number);
        let round = Round::new(workloads[at as usize], number, options.seed, COMMIT_MAX);
        let mut deep = Deep::new(options, &round, &only[1..]);
        on_medium!(round.workload.on, first(&mut deep, &round));
        Some(deep.tally)
    });
    tally.counts.insert("workloads", count);
    Ok(tally)
}

struct Deep<'a> {
    options: &'a Options,
    round: &'a Round,
    /// The only cut and state of each depth, where a case is asked for.
    only: &'a [Option<u64>],
    tally: Tally,
    /// Where what was left is looked at, and where it is used and cut again.
    bench: Bench,
    benches: [Bench; 2],
    /// What was tried at each depth.
    seen: [HashSet<u64>; 3],
    rng: Rng,
}

impl<'a> Deep<'a> {
    fn new(options: &'a Options, round: &'a Round, only: &'a [Option<u64>]) -> Self {
        Self {
            options,
            round,
            only,
            tally: Tally::default(),
            bench: Bench::default(),
            benches: [Bench::tracking(), Bench::tracking()],
            seen: Default::default(),
            rng: Rng::new(round.seed),
        }
    }

    fn is_wanted(&self, at: usize, number: u64) -> bool {
        self.only.get(at).is_none_or(|only| only.is_none_or(|only| only == number))
    }

    fn is_over(&self) -> bool {
        self.tally.violations.len() >= 3
    }

    fn violate(&mut self, message: String, path: &[u64]) {
        let numbers: Vec<_> = path.iter().map(ToString::to_string).collect();
        let Round { workload, number, .. } = self.round;
        let case = format!("{}/{number}/{}", workload.name, numbers.join("/"));
        self.tally.violate(message, case);
    }

    /// Tries every subset of what `run` had not made safe when the power went.
    fn try_all<M: OnDisk>(&mut self, run: &Run<M>, path: &mut Vec<u64>) {
        let depth = path.len() / 2;
        let pieces = run.medium.disk().pieces();
        let subsets = Subsets { pieces, seed: self.round.seed ^ path.len() as u64 };
        let expectation = run.expectation();
        let mut kept = Kept::default();
        for state in 0..subsets.count() {
            if !self.is_wanted(path.len(), state) || self.is_over() {
                continue;
            }
            path.push(state);
            if depth > 0 {
                self.count(depth);
            }
            subsets.choose(state, &mut kept);
            let image = run.medium.disk().left(&kept);
            if self.seen[depth].insert(image.hash() ^ expectation) {
                run.medium.disk().describe(&kept);
                self.go_on(run, &image, path);
            }
            path.pop();
        }
    }

    fn count(&mut self, depth: usize) {
        self.tally.states += 1;
        self.tally.count(if depth == 1 { "two_deep" } else { "three_deep" }, 1);
    }

    fn go_on<M: OnDisk>(&mut self, run: &Run<M>, image: &Image, path: &mut Vec<u64>) {
        let depth = path.len() / 2;
        if depth > 1 {
            self.tally.count("distinct", 1);
            let write_size = self.round.write_size;
            let checked = guarded(|| check(&mut self.bench.start(run, image, write_size), image));
            if let Err(message) = checked {
                return self.violate(message, path);
            }
        }
        let asked = self.only.get(path.len()).is_some_and(Option::is_some);
        match depth {
            1 => self.cut_again(run, image, path, 1..=u64::MAX),
            2 if asked => self.cut_again(run, image, path, 1..=u64::MAX),
            2 if self.rng.below(THIRD) == 0 => {
                let cut = self.rng.within(1, THIRD_CUTS);
                self.cut_again(run, image, path, cut..=cut);
            }
            _ => {}
        }
    }

    /// Opens and uses what is left, with the power cut at each of these steps.
    fn cut_again<M: OnDisk>(
        &mut self,
        run: &Run<M>,
        image: &Image,
        path: &mut Vec<u64>,
        cuts: std::ops::RangeInclusive<u64>,
    ) {
        let bench = path.len() / 2 - 1;
        for cut in cuts {
            if !self.is_wanted(path.len(), cut) {
                if self.only.get(path.len()).is_some_and(|only| only < &Some(cut)) {
                    return;
                }
                continue;
            }
            let cut_off = guarded(|| {
                let mut next = self.benches[bench].start(run, image, self.round.write_size);
                next.power.plan(cut, Fault::Cut);
                let ended = sequel(&mut next).is_ok();
                note(|| format!("the power goes again, at step {cut}"));
                next.end(true);
                next.medium.disk().prepare();
                (next, ended)
            });
            path.push(cut);
            match cut_off {
                Ok((next, ended)) => {
                    self.try_all(&next, path);
                    path.pop();
                    if ended || self.is_over() {
                        return;
                    }
                }
                Err(message) => {
                    path.push(0);
                    self.violate(message, path);
                    path.truncate(path.len() - 2);
                    return;
                }
            }
        }
    }
}

fn sequel<M: OnDisk>(run: &mut Run<M>) -> Life {
    note(|| format!("open: {}", run.model));
    run.open()?;
    for op in SEQUEL {
        note(|| format!("{op:?}: {}", run.model));
        run.op(op)?;
    }
    Ok(())
}

/// The first cut, as the campaign `cuts` has it.
fn first<M: OnDisk>(deep: &mut Deep<'_>, round: &Round) {
    for cut in 1.. {
        if !deep.is_wanted(0, cut) {
            if deep.only[0].is_some_and(|only| only < cut) {
                return;
            }
            continue;
        }
        trail::forget();
        let cut_off = guarded(|| cut_at::<M>(round, cut, deep.options));
        match cut_off {
            Ok((run, ended)) => {
                deep.try_all(&run, &mut vec![cut]);
                if ended || deep.is_over() {
                    return;
                }
            }
            Err(message) => return deep.violate(message, &[cut, 0]),
        }
    }
}

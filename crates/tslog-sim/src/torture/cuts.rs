//! The power goes at every step of every workload, and every subset of what was not safe is lost.
//!
//! Up to 12 pieces all subsets are tried; of more, the first of them for every count, all
//! but one, one alone, and as many random ones. Each of these is a state. States of one step that
//! leave the same bytes are told apart by nothing, so such bytes are opened once: both are counted.

use super::media::{Bench, OnDisk, Round, check, on_medium};
use super::workloads::{Workload, all};
use super::{Options, Tally, spread};
use crate::disk::Kept;
use crate::harness::guarded;
use crate::power::{Fault, Rng};
use crate::run::Run;
use crate::trail::{self, note};
use std::collections::HashSet;

/// How many pieces may be lost in every combination.
const ALL_MAX: usize = 12;

/// How many random subsets are tried of more pieces.
const RANDOM: u64 = 1 << ALL_MAX;

/// Bytes that the records of a commit have at most: with the bytes around them they fit eleven
/// sectors.
const COMMIT_MAX: u32 = 5200;

/// Runs the campaign.
///
/// # Errors
/// What is wrong with the case or the workload that was asked for.
pub fn run(options: &Options) -> Result<Tally, String> {
    let workloads = chosen_of(options, |_| true)?;
    let want = options.by_size(1_000_000, 10_000_000, 200_000_000);
    let count = workloads.len() as u64;
    let (only_round, cut, state) = (options.part(1)?, options.part(2)?, options.part(3)?);
    let mut tally = spread(options, |turn, progress| {
        let (number, at) = (turn / count, turn % count);
        // One workload is tried in a few rounds.
        let rounds = if options.workload.is_some() { 4 } else { u64::MAX };
        let enough = match only_round {
            Some(_) => number > 0,
            None => number >= rounds || number > 0 && progress.states() >= want,
        };
        if enough {
            return None;
        }
        let number = only_round.unwrap_or(number);
        let round = Round::new(workloads[at as usize], number, options.seed, COMMIT_MAX);
        let mut sweep = Sweep { options, cut, state, tally: Tally::default() };
        on_medium!(round.workload.on, sweep_on(&mut sweep, &round));
        Some(sweep.tally)
    });
    tally.counts.insert("workloads", count);
    Ok(tally)
}

/// The workloads that are asked for, of those that a campaign has.
pub(super) fn chosen_of(
    options: &Options,
    has: impl Fn(&str) -> bool,
) -> Result<Vec<&'static Workload>, String> {
    let name = options.case.as_ref().and_then(|case| case.first()).or(options.workload.as_ref());
    let chosen = || all().filter(|workload| has(workload.name));
    let wanted: Vec<_> =
        chosen().filter(|workload| name.is_none_or(|name| name == workload.name)).collect();
    if wanted.is_empty() {
        let names: Vec<_> = chosen().map(|workload| workload.name).collect();
        return Err(format!("the workloads are {}", names.join(", ")));
    }
    Ok(wanted)
}

struct Sweep<'a> {
    options: &'a Options,
    cut: Option<u64>,
    state: Option<u64>,
    tally: Tally,
}

fn sweep_on<M: OnDisk>(sweep: &mut Sweep<'_>, round: &Round) {
    let counted = guarded(|| {
        let mut run = round.begin::<M>();
        let before = run.power.steps();
        assert!(round.live(&mut run).is_ok(), "nothing was planned to fail");
        run.power.steps() - before
    });
    let path = format!("{}/{}", round.workload.name, round.number);
    let steps = match counted {
        Ok(steps) => steps,
        Err(message) => return sweep.tally.violate(message, format!("{path}/0/0")),
    };
    let mut seen = HashSet::new();
    let bench = Bench::default();
    // The last cut is behind the last step.
    for cut in 1..=steps + 1 {
        if sweep.cut.is_some_and(|only| only != cut) {
            continue;
        }
        let cut_off = guarded(|| cut_at::<M>(round, cut, sweep.options));
        match cut_off {
            Ok((run, _)) => try_all(sweep, round, &bench, &run, (cut, &mut seen)),
            Err(message) => sweep.tally.violate(message, format!("{path}/{cut}/0")),
        }
        if sweep.tally.violations.len() >= 3 {
            return;
        }
    }
}

/// The run whose power goes at step `cut`, and whether it came to its end before that.
pub(super) fn cut_at<M: OnDisk>(round: &Round, cut: u64, options: &Options) -> (Run<M>, bool) {
    trail::forget();
    let mut run = round.begin::<M>();
    run.medium.disk().sabotage(options.sabotage);
    run.power.plan(cut, Fault::Cut);
    let lived = round.live(&mut run);
    note(|| format!("the power goes at step {cut}: {lived:?}"));
    run.end(true);
    run.medium.disk().prepare();
    (run, lived.is_ok())
}

fn try_all<M: OnDisk>(
    sweep: &mut Sweep<'_>,
    round: &Round,
    bench: &Bench,
    run: &Run<M>,
    (cut, seen): (u64, &mut HashSet<u64>),
) {
    let pieces = run.medium.disk().pieces();
    let subsets = Subsets { pieces, seed: round.seed ^ cut };
    sweep.tally.count(if subsets.is_whole() { "cuts_in_full" } else { "cuts_sampled" }, 1);
    let expectation = run.expectation();
    let mut kept = Kept::default();
    for state in 0..subsets.count() {
        if sweep.state.is_some_and(|only| only != state) {
            continue;
        }
        sweep.tally.states += 1;
        subsets.choose(state, &mut kept);
        let image = run.medium.disk().left(&kept);
        if !seen.insert(image.hash() ^ expectation) {
            continue;
        }
        sweep.tally.count("distinct", 1);
        run.medium.disk().describe(&kept);
        let checked = guarded(|| check(&mut bench.start(run, &image, round.write_size), &image));
        if let Err(message) = checked {
            let Round { workload, number, .. } = round;
            let case = format!("{}/{number}/{cut}/{state}", workload.name);
            sweep.tally.violate(message, case);
            return;
        }
    }
}

/// Which subsets of the pieces are kept, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subsets {
    pub(super) pieces: usize,
    pub(super) seed: u64,
}

impl Subsets {
    pub(super) fn is_whole(&self) -> bool {
        self.pieces <= ALL_MAX
    }

    pub(super) fn count(&self) -> u64 {
        let pieces = self.pieces as u64;
        if self.is_whole() { 1 << pieces } else { 3 * pieces + 1 + RANDOM }
    }

    pub(super) fn choose(&self, state: u64, kept: &mut Kept) {
        let count = self.pieces;
        if self.is_whole() {
            return kept.by_mask(count, state);
        }
        let pieces = count as u64;
        let (kind, at) = (state / pieces, (state % pieces) as usize);
        match kind {
            0 => kept.by(count, |piece| piece < at),
            1 => kept.by(count, |piece| piece != at),
            2 => kept.by(count, |piece| piece == at),
            _ if state == 3 * pieces => kept.by(count, |_| true),
            _ => {
                let mut rng = Rng::new(self.seed ^ state << 32);
                let likely = rng.pick(&[25, 50, 50, 75]);
                kept.by(count, |_| rng.chance(likely));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, Subsets};
    use std::collections::HashSet;

    fn subsets_of(pieces: usize) -> Vec<Vec<bool>> {
        let subsets = Subsets { pieces, seed: 7 };
        let mut kept = Kept::default();
        (0..subsets.count())
            .map(|state| {
                subsets.choose(state, &mut kept);
                kept.0.clone()
            })
            .collect()
    }

    #[test]
    fn up_to_twelve_pieces_are_lost_in_every_combination() {
        for pieces in [0, 1, 3, 12] {
            let subsets = subsets_of(pieces);
            assert_eq!(subsets.len(), 1 << pieces);
            let distinct: HashSet<_> = subsets.iter().collect();
            assert_eq!(distinct.len(), subsets.len());
        }
    }

    #[test]
    fn of_more_pieces_every_prefix_all_but_one_and_one_alone_are_tried() {
        let subsets = subsets_of(20);
        assert_eq!(subsets.len(), 4096 + 61);
        let has = |wanted: &dyn Fn(usize) -> bool| {
            let wanted: Vec<_> = (0..20).map(wanted).collect();
            subsets.contains(&wanted)
        };
        for at in 0..20 {
            assert!(has(&|piece| piece < at) && has(&|piece| piece != at));
            assert!(has(&|piece| piece == at));
        }
        assert!(has(&|_| true));
    }
}

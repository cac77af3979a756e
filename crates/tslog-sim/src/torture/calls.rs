//! Every call of a workload to its folder fails, one after the other: once, or from then on for
//! good, with each kind of error.
//!
//! What was acknowledged is not lost, no call panics, and each that fails says how. Afterwards the
//! program ends, in every second run of three with the power, and all or every second piece of what
//! was not safe is lost; then the log is opened and held to the model.

use super::cuts::chosen_of;
use super::media::{Bench, FolderOn, OnDisk, Round, check};
use super::workloads::On;
use super::{Options, Tally, spread};
use crate::disk::{Failure, Image, Kept};
use crate::harness::guarded;
use crate::run::Run;
use crate::trail::{self, note};

/// Name, number, and whether half of the call was done.
const KINDS: [(&str, i32, bool); 7] = [
    ("EIO", 5, false),
    ("ENOSPC", 28, true),
    ("EDQUOT", 122, false),
    ("EROFS", 30, false),
    ("EMFILE", 24, false),
    ("EINTR", 4, false),
    ("short", 5, true),
];

/// Once or for good, and one of the kinds.
const WAYS: u64 = 2 * KINDS.len() as u64;

/// Bytes that the records of a commit have at most.
const COMMIT_MAX: u32 = 5200;

/// Runs the campaign.
///
/// # Errors
/// What is wrong with the case or the workload that was asked for.
pub fn run(options: &Options) -> Result<Tally, String> {
    let folder = |name: &str| !name.starts_with("ring-") && !name.starts_with("slots-");
    let workloads = chosen_of(options, folder)?;
    let rounds = options.by_size(1, 1, 40);
    let count = workloads.len() as u64;
    let (only_round, call, way) = (options.part(1)?, options.part(2)?, options.part(3)?);
    let mut tally = spread(options, |turn, _| {
        let (number, at) = (turn / count, turn % count);
        if number >= if only_round.is_some() { 1 } else { rounds } {
            return None;
        }
        let number = only_round.unwrap_or(number);
        let workload = workloads[at as usize];
        debug_assert_eq!(workload.on, On::Folder, "calls are made to folders");
        let round = Round::new(workload, number, options.seed, COMMIT_MAX);
        let mut sweep = Sweep { round: &round, call, way, tally: Tally::default() };
        sweep.all(options.by_size(10, 1, 1));
        Some(sweep.tally)
    });
    tally.counts.insert("workloads", count);
    tally.counts.insert("kinds", KINDS.len() as u64);
    Ok(tally)
}

struct Sweep<'a> {
    round: &'a Round,
    call: Option<u64>,
    way: Option<u64>,
    tally: Tally,
}

impl Sweep<'_> {
    /// Fails each call, or one of every `stride`.
    fn all(&mut self, stride: usize) {
        let counted = guarded(|| {
            let mut run = self.round.begin::<FolderOn>();
            run.medium.disk().fail(None);
            assert!(self.round.live(&mut run).is_ok(), "nothing was planned to fail");
            run.medium.disk().calls()
        });
        let calls = match counted {
            Ok(calls) => calls,
            Err(message) => return self.violate(message, 0, 0),
        };
        self.tally.count("calls", calls);
        let bench = Bench::default();
        for call in (1..=calls).step_by(if self.call.is_some() { 1 } else { stride }) {
            for way in 0..WAYS {
                let other = |only: Option<u64>, this: u64| only.is_some_and(|only| only != this);
                if other(self.call, call) || other(self.way, way) {
                    continue;
                }
                self.tally.states += 1;
                trail::forget();
                if let Err(message) = guarded(|| one(self.round, &bench, call, way)) {
                    self.violate(message, call, way);
                    if self.tally.violations.len() >= 3 {
                        return;
                    }
                }
            }
        }
    }

    fn violate(&mut self, message: String, call: u64, way: u64) {
        let Round { workload, number, .. } = self.round;
        self.tally.violate(message, format!("{}/{number}/{call}/{way}", workload.name));
    }
}

fn one(round: &Round, bench: &Bench, call: u64, way: u64) {
    let (name, errno, half) = KINDS[(way / 2) as usize];
    let for_good = way % 2 == 1;
    note(|| format!("call {call} fails with {name}{}", if for_good { ", for good" } else { "" }));
    let mut run = round.begin::<FolderOn>();
    run.medium.disk().fail(Some(Failure { call, for_good, errno, half }));
    let lived = round.live(&mut run);
    note(|| format!("{lived:?}: {}", run.model));
    if lived.is_err() {
        run.carry_on();
    }
    run.medium.disk().fail(None);
    run.power.forgive();
    run.end(true);
    let image = left(&run, call + way);
    check(&mut bench.start(&run, &image, round.write_size), &image);
}

/// What is there at the next start: all, if only the program ended; else what was safe, and none or
/// every second piece of the rest.
fn left(run: &Run<FolderOn>, variant: u64) -> Image {
    let disk = run.medium.disk();
    if variant.is_multiple_of(3) {
        return disk.image();
    }
    disk.prepare();
    let mut kept = Kept::default();
    kept.by(disk.pieces(), |at| variant % 3 == 2 && at % 2 == 0);
    disk.describe(&kept);
    disk.left(&kept)
}

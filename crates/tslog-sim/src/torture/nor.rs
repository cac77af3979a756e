//! The power goes at every byte that is programmed into a flash, and at the start, in the middle
//! and at the end of every erase.
//!
//! The word at the cut has random bits; in every second state some of them read differently from
//! one read to the next, and the rest of the page may have been programmed too. No word may ever be
//! programmed twice: that is a panic on every geometry, as it is an error on parts with ECC.

use super::cuts::chosen_of;
use super::media::shape_of;
use super::workloads::{Act, On, Workload};
use super::{Options, Tally, spread};
use crate::harness::guarded;
use crate::medium::Medium;
use crate::nor::{Interrupted, Nor};
use crate::ops::Op;
use crate::power::{Fault, Power, Rng};
use crate::run::{Life, Run};
use crate::trail::{self, note};
use embedded_storage::nor_flash::ReadNorFlash;
use tslog::storage::flash::Flash;

/// Slots of the flash, the two of the log header included.
const SLOTS: usize = 6;

/// The shapes of flash: bytes in a word, bytes in a sector.
const GEOMETRIES: [&str; 8] =
    ["1x4096", "4x2048", "8x2048", "16x4096", "32x2048", "32x4096", "1x65536", "8x65536"];

/// Bytes that the records of a commit have at most.
const COMMIT_MAX: u32 = 400;

/// Runs the campaign.
///
/// # Errors
/// What is wrong with the case or the workload that was asked for.
pub fn run(options: &Options) -> Result<Tally, String> {
    let fixed = |name: &str| name.starts_with("ring-") && !name.contains("-a-cut");
    let workloads = chosen_of(options, |name| fixed(name) && !name.contains("mends"))?;
    let want = options.by_size(300_000, 3_000_000, 50_000_000);
    let (only_round, cut, state) = (options.part(1)?, options.part(2)?, options.part(3)?);
    // A round is a number of records of some size on one of the geometries.
    let geometries = GEOMETRIES.len() as u64;
    let count = workloads.len() as u64;
    let mut tally = spread(options, |turn, progress| {
        let (number, at) = (turn / count, turn % count);
        let rounds = if options.workload.is_some() { geometries } else { u64::MAX };
        let enough = number >= rounds || number >= geometries && progress.states() >= want;
        if enough || only_round.is_some() && number > 0 {
            return None;
        }
        let number = only_round.unwrap_or(number);
        let workload = workloads[at as usize];
        let mut sweep = Sweep { workload, number, cut, state, seed: 0, tally: Tally::default() };
        sweep.seed = Rng::new(options.seed ^ number << 8 ^ at << 40).bits();
        match GEOMETRIES[(number % geometries) as usize] {
            "1x4096" => sweep.all::<1, 4096>(),
            "4x2048" => sweep.all::<4, 2048>(),
            "8x2048" => sweep.all::<8, 2048>(),
            "16x4096" => sweep.all::<16, 4096>(),
            "32x2048" => sweep.all::<32, 2048>(),
            "32x4096" => sweep.all::<32, 4096>(),
            "1x65536" => sweep.all::<1, 65_536>(),
            _ => sweep.all::<8, 65_536>(),
        }
        Some(sweep.tally)
    });
    tally.counts.insert("workloads", count);
    tally.counts.insert("geometries", geometries);
    Ok(tally)
}

/// A flash that is cut by the byte. A clone is the same flash.
#[derive(Clone, Debug)]
struct NorOn<const WRITE: usize, const ERASE: usize>(Nor<WRITE, ERASE>);

impl<const WRITE: usize, const ERASE: usize> Medium for NorOn<WRITE, ERASE> {
    type Storage = Flash<Nor<WRITE, ERASE>>;
    const NAMED: bool = false;

    fn storage(&self) -> Self::Storage {
        let size = self.0.capacity() as u32;
        Flash::new(self.0.clone(), 0..size, ERASE as u32).expect("the shape is a good one")
    }

    fn cycle(&self) {}
}

struct Sweep<'a> {
    workload: &'a Workload,
    number: u64,
    cut: Option<u64>,
    state: Option<u64>,
    seed: u64,
    tally: Tally,
}

impl Sweep<'_> {
    fn all<const WRITE: usize, const ERASE: usize>(&mut self) {
        debug_assert_eq!(self.workload.on, On::Fixed, "a flash has fixed slots");
        for cut in 1.. {
            if self.cut.is_some_and(|only| only != cut) {
                if self.cut.is_some_and(|only| only < cut) {
                    return;
                }
                continue;
            }
            trail::forget();
            match guarded(|| self.cut_before::<WRITE, ERASE>(cut)) {
                Ok((run, call)) => {
                    self.try_all(&run, cut, call.as_ref());
                    if call.is_none() || self.tally.violations.len() >= 3 {
                        return;
                    }
                }
                Err(message) => return self.violate(message, cut, 0),
            }
        }
    }

    /// The run whose power goes before the program or erase with number `cut`.
    fn cut_before<const WRITE: usize, const ERASE: usize>(
        &self,
        cut: u64,
    ) -> (Run<NorOn<WRITE, ERASE>>, Option<Interrupted>) {
        let power = Power::new();
        let nor = Nor::new(SLOTS, &power, Rng::new(self.seed));
        nor.cut_by_call();
        let shape = shape_of(self.workload, self.number, &mut Rng::new(self.seed), COMMIT_MAX);
        note(|| format!("words of {WRITE}, sectors of {ERASE}, {shape:?}"));
        let mut run = Run::on(NorOn(nor), power, Rng::new(self.seed), shape);
        let before = live(&mut run, self.workload.before);
        assert!(before.is_ok(), "nothing was planned to fail");
        run.power.plan(cut, Fault::Cut);
        let lived = live(&mut run, self.workload.acts);
        run.end(true);
        let call = run.medium.0.interrupted().filter(|_| lived.is_err());
        (run, call)
    }

    fn try_all<const WRITE: usize, const ERASE: usize>(
        &mut self,
        run: &Run<NorOn<WRITE, ERASE>>,
        cut: u64,
        call: Option<&Interrupted>,
    ) {
        let nor = &run.medium.0;
        let what = match call {
            Some(Interrupted::Program(..)) => "program_cuts",
            Some(Interrupted::Erase(..)) => "erase_cuts",
            None => "ends",
        };
        nor.mark();
        for state in 0..call.map_or(1, Interrupted::tears) {
            if self.state.is_some_and(|only| only != state) {
                continue;
            }
            self.tally.states += 1;
            self.tally.count(what, 1);
            let mut rng = Rng::new(self.seed ^ cut << 24 ^ state);
            let checked = guarded(|| {
                let own = Rng::new(rng.bits());
                if let Some(call) = call {
                    nor.tear(call, call.tear(state), rng.clone());
                }
                let mut next = run.fork(run.medium.clone(), &run.power, own);
                check(&mut next);
            });
            nor.rollback();
            run.power.restore();
            if let Err(message) = checked {
                return self.violate(message, cut, state);
            }
        }
    }

    fn violate(&mut self, message: String, cut: u64, state: u64) {
        let case = format!("{}/{}/{cut}/{state}", self.workload.name, self.number);
        self.tally.violate(message, case);
    }
}

fn live<M: Medium>(run: &mut Run<M>, acts: &[Act]) -> Life {
    for &act in acts {
        note(|| format!("{act:?} at step {}: {}", run.power.steps(), run.model));
        match act {
            Act::Open => run.open()?,
            Act::Do(op) => run.op(op)?,
            Act::Removal(_) | Act::Cut(..) | Act::Damage(_) => {}
        }
    }
    Ok(())
}

/// Opens what a cut left, compares all of it, goes on, and opens again. Opening writes nothing.
fn check<M: Medium>(run: &mut Run<M>) {
    let life = check_all(run);
    assert!(life.is_ok(), "nothing was planned to fail");
}

fn check_all<M: Medium>(run: &mut Run<M>) -> Life {
    // A log that was never made is made now.
    let (made, steps) = (run.is_made(), run.power.steps());
    run.open()?;
    note(|| format!("found: {}", run.model));
    run.check_all()?;
    run.op(Op::Reset)?;
    assert!(!made || run.power.steps() == steps, "opening changed the flash");
    note(|| format!("again: {}", run.model));
    run.op(Op::Store(1))?;
    run.op(Op::Commit)?;
    run.op(Op::Reset)?;
    run.op(Op::Drain)?;
    run.op(Op::Reset)
}

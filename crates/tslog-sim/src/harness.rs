//! Cuts the power at every step of a script, lets the log recover, goes on and cuts again.
//!
//! A case is a seed, a medium, a step and a variant; these four replay it. The seed draws the
//! medium, the parameters of the log and the script. The variant says whether the power goes or a
//! call fails, what is torn, and what happens in the later lives.

use crate::medium::{Drawn, FolderMedium, Medium, NorMedium, SlotMedium};
use crate::ops::{Shape, script};
use crate::power::{Fault, Rng};
use crate::run::{Life, Run};
use crate::trail::note;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use tslog::storage::Storage as _;

/// Steps of a script that are all cut; of longer scripts a random one of every few.
const CUTS_MAX: u64 = 1500;

/// The bit of a variant in which records are stored while a commit is on its way.
const BESIDE: u64 = 8;

/// The media that the harness knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A NOR flash.
    Nor,
    /// Fixed slots at the contract.
    Fixed,
    /// Named slots at the contract.
    Named,
    /// A folder of files.
    Folder,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nor, Self::Fixed, Self::Named, Self::Folder];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nor => "nor",
            Self::Fixed => "fixed",
            Self::Named => "named",
            Self::Folder => "folder",
        }
    }
}

/// Which crash was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The medium.
    pub kind: Kind,
    /// What draws the script and its parameters.
    pub seed: u64,
    /// The step at which the fault strikes first, counted from 1; 0 is after the last.
    pub cut: u64,
    /// Which of several tears and sequels; from 8 on, the same with commits in the background.
    pub variant: u64,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "--medium {} --seed {:#x} --cut {} --variant {}",
            self.kind.name(),
            self.seed,
            self.cut,
            self.variant
        )
    }
}

/// A log that did what it must not.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What replays it.
    pub case: Case,
    /// What was wrong.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; replay: cargo run -p tslog-sim --bin crash -- {}", self.message, self.case)
    }
}

/// What trying the crashes of one seed came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Crash states that were recovered from and compared whole.
    pub states: u64,
    /// What went wrong; each seed is given up at its first.
    pub violations: Vec<Violation>,
}

/// Tries every cut of the script that `seed` draws.
pub fn campaign(kind: Kind, seed: u64) -> Outcome {
    match kind {
        Kind::Nor => match seed % 5 {
            0 => sweep::<NorMedium<1>>(kind, seed),
            1 => sweep::<NorMedium<4>>(kind, seed),
            2 => sweep::<NorMedium<8>>(kind, seed),
            3 => sweep::<NorMedium<16>>(kind, seed),
            _ => sweep::<NorMedium<32>>(kind, seed),
        },
        Kind::Fixed => sweep::<SlotMedium<false>>(kind, seed),
        Kind::Named => sweep::<SlotMedium<true>>(kind, seed),
        Kind::Folder => sweep::<FolderMedium>(kind, seed),
    }
}

/// Tries one case again.
pub fn replay(case: Case) -> Outcome {
    let one = match case.kind {
        Kind::Nor => match case.seed % 5 {
            0 => attempt::<NorMedium<1>>,
            1 => attempt::<NorMedium<4>>,
            2 => attempt::<NorMedium<8>>,
            3 => attempt::<NorMedium<16>>,
            _ => attempt::<NorMedium<32>>,
        },
        Kind::Fixed => attempt::<SlotMedium<false>>,
        Kind::Named => attempt::<SlotMedium<true>>,
        Kind::Folder => attempt::<FolderMedium>,
    };
    let mut outcome = Outcome::default();
    one(case, &mut outcome);
    outcome
}

fn sweep<M: Drawn>(kind: Kind, seed: u64) -> Outcome {
    let mut outcome = Outcome::default();
    for mode in [0, BESIDE] {
        if sweep_mode::<M>(Case { kind, seed, cut: 0, variant: mode }, &mut outcome).is_none() {
            break;
        }
    }
    outcome
}

/// As [`sweep`], in the mode that the variant says; `None` after a violation.
fn sweep_mode<M: Drawn>(mut case: Case, outcome: &mut Outcome) -> Option<()> {
    let Case { kind, seed, variant: mode, .. } = case;
    // The first attempt is not cut, and counts the steps there are to cut.
    let steps = attempt::<M>(case, outcome)?;
    let stride = steps.div_ceil(CUTS_MAX).max(1);
    let mut rng = Rng::new(seed ^ 1);
    for first in (1..=steps).step_by(stride as usize) {
        case.cut = first + rng.below(stride);
        // Where a tear has few steps, it has many outcomes.
        for variant in 0..if kind == Kind::Nor { 1 } else { 3 } {
            case.variant = variant | mode;
            attempt::<M>(case, outcome)?;
        }
    }
    Some(())
}

/// Tries one case; returns the steps its first life took, or `None` after a violation.
fn attempt<M: Drawn>(case: Case, outcome: &mut Outcome) -> Option<u64> {
    let states = &mut outcome.states;
    match guarded(|| lives::<M>(case, states)) {
        Ok(steps) => Some(steps),
        Err(message) => {
            outcome.violations.push(Violation { case, message });
            None
        }
    }
}

/// Runs `f` and returns what it panicked with, once [`keep_panics`] was called.
pub fn guarded<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    GUARDED.set(outer);
    result.map_err(|_| PANIC.with(RefCell::take))
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on, a panic inside [`guarded`] is kept for its caller instead of being printed.
pub fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                return print(info);
            }
            let payload = info.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panic");
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            PANIC.with(|panic| *panic.borrow_mut() = format!("{text} ({place})"));
        }));
    });
}

/// Draws a shape that fits the medium the seed draws, and the script.
fn prepare<M: Drawn>(seed: u64) -> (Shape, Rng) {
    let mut rng = Rng::new(seed);
    loop {
        let shape = Shape::draw(&mut rng);
        let medium_rng = Rng::new(rng.bits());
        if Run::<M>::new(shape.clone(), medium_rng.clone(), 0).fits() {
            return (shape, medium_rng);
        }
    }
}

/// All lives of a case; returns the steps of the first.
fn lives<M: Drawn>(case: Case, states: &mut u64) -> u64 {
    let (shape, medium_rng) = prepare::<M>(case.seed);
    let mut draw = Rng::new(case.seed ^ 2);
    let script = script(&mut draw, 30 + case.seed % 31);
    let cut = case.cut.wrapping_sub(M::MARK_STEPS);
    let mut sequel = Rng::new(case.seed ^ cut << 20 ^ case.variant << 50 ^ 3);
    note(|| format!("{case}: {shape:?}"));
    let mut run = Run::<M>::new(shape, medium_rng, sequel.bits());
    run.beside = case.variant & BESIDE != 0;
    note(|| format!("{:?}", run.medium.storage().geometry()));

    let fault = match sequel.chance(80) {
        // Files outlive the program that wrote them, though perhaps not the next cut.
        true if case.kind == Kind::Folder && sequel.chance(30) => Fault::Kill,
        true => Fault::Cut,
        false => Fault::Error,
    };
    run.power.plan(case.cut, fault);
    let polls = works_ahead(case.seed);
    let lived = first_life(&mut run, &script, polls);
    let steps = run.power.steps();
    note(|| format!("the first life ends at step {steps}: {lived:?} {fault:?}"));
    run.end(sequel.chance(50));

    for _ in 0..sequel.below(3) {
        // Recovery takes few steps, so many of the cuts are early.
        let most = sequel.pick(&[4, 12, 60]);
        run.power.plan(sequel.within(1, most), fault);
        let lived = later_life(&mut run, &mut sequel, polls, states);
        note(|| format!("a later life ends: {lived:?}"));
        run.end(sequel.chance(70));
    }
    run.power.restore();
    assert!(last_life(&mut run, states).is_ok(), "nothing was planned to fail");
    steps
}

/// Whether a log is given time to work ahead between the calls of this seed's script.
pub const fn works_ahead(seed: u64) -> bool {
    seed % 11 == 7
}

fn first_life<M: Medium>(run: &mut Run<M>, script: &[crate::ops::Op], polls: bool) -> Life {
    run.open()?;
    for &op in script {
        note(|| format!("{op:?} at step {}: {}", run.power.steps(), run.model));
        run.op(op)?;
        if polls {
            run.idle()?;
        }
    }
    Ok(())
}

fn later_life<M: Medium>(
    run: &mut Run<M>,
    sequel: &mut Rng,
    polls: bool,
    states: &mut u64,
) -> Life {
    note(|| format!("open: {}", run.model));
    run.open()?;
    run.check_all()?;
    *states += 1;
    let ops = sequel.within(1, 12);
    for op in script(sequel, ops) {
        note(|| format!("{op:?} at step {}: {}", run.power.steps(), run.model));
        run.op(op)?;
        if polls {
            run.idle()?;
        }
    }
    Ok(())
}

fn last_life<M: Medium>(run: &mut Run<M>, states: &mut u64) -> Life {
    use crate::ops::Op;
    note(|| format!("last open: {}", run.model));
    run.open()?;
    run.check_all()?;
    *states += 1;
    run.op(Op::Store(1))?;
    run.op(Op::Commit)?;
    run.op(Op::Drain)
}

//! When the power goes, and the random numbers that say what it takes with it.
//!
//! Every medium asks the shared [`Power`] before each step that changes something: a word
//! programmed, a quarter of an erase, a write, a sync. The step at which the power goes is torn,
//! and every call after it fails. All that is random comes from one seed, so that one number
//! replays a run.

use std::cell::Cell;
use std::rc::Rc;

/// A small generator of random numbers (splitmix64): fast, seeded by any number.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator whose numbers depend on `seed` alone.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A random byte.
    pub fn byte(&mut self) -> u8 {
        self.bits() as u8
    }

    /// A number from 0 to `end - 1`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `first` to `last`, both included.
    pub fn within(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.bits().to_le_bytes()[..chunk.len()]);
        }
    }

    /// A part of 0 to `len - 1`, empty ones included: where it begins, and where it ends.
    pub fn part(&mut self, len: usize) -> std::ops::Range<usize> {
        let (a, b) = (self.below(len as u64 + 1) as usize, self.below(len as u64 + 1) as usize);
        a.min(b)..a.max(b)
    }
}

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is done whole.
    Whole,
    /// It is torn, and the call fails.
    Torn,
    /// There is no power: nothing happens, and the call fails.
    Off,
}

/// What happens at the step that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: that step is torn, and all calls fail until [`Power::restore`].
    Cut,
    /// That one call fails and leaves what a cut would leave; later calls work.
    Error,
    /// The program is killed before that step, and its calls do nothing until [`Power::restore`];
    /// the medium keeps its power, and what it was told and has not made safe.
    Kill,
}

/// The power supply that the parts of a simulated medium share. Clones are the same supply.
#[derive(Clone, Debug, Default)]
pub struct Power(Rc<Supply>);

#[derive(Debug, Default)]
struct Supply {
    steps: Cell<u64>,
    chosen: Cell<Option<(u64, Fault)>>,
    off: Cell<bool>,
    killed: Cell<bool>,
    struck: Cell<bool>,
    work: Cell<u64>,
}

/// Reads and steps after which one step of a script is said to have no end.
const WORK_MAX: u64 = 1_000_000;

impl Power {
    /// A supply that never fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `fault` happen at the `step`-th step from now, counted from 1; 0 is never.
    pub fn plan(&self, step: u64, fault: Fault) {
        let at = (step > 0).then(|| (self.0.steps.get() + step, fault));
        self.0.chosen.set(at);
    }

    /// Asks for a step.
    pub fn step(&self) -> Step {
        if self.0.off.get() {
            return Step::Off;
        }
        self.work();
        let steps = self.0.steps.get() + 1;
        self.0.steps.set(steps);
        match self.0.chosen.get() {
            Some((at, fault)) if at == steps => {
                self.0.off.set(fault != Fault::Error);
                self.0.killed.set(fault == Fault::Kill);
                self.0.struck.set(true);
                if fault == Fault::Kill { Step::Off } else { Step::Torn }
            }
            _ => Step::Whole,
        }
    }

    /// Asks for a read, which changes nothing and is no step.
    pub fn read(&self) -> Result<(), SimError> {
        self.work();
        if self.is_on() { Ok(()) } else { Err(SimError::Off) }
    }

    fn work(&self) {
        let work = self.0.work.get() + 1;
        self.0.work.set(work);
        assert!(work < WORK_MAX, "a call goes on and on, without end");
    }

    /// A new call begins, and may work as much as the one before.
    pub fn rest(&self) {
        self.0.work.set(0);
    }

    /// Steps asked for so far.
    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// True while calls can work.
    pub fn is_on(&self) -> bool {
        !self.0.off.get()
    }

    /// True if calls fail because the program was killed, and not the power.
    pub fn killed(&self) -> bool {
        self.0.killed.get()
    }

    /// True once the fault that was planned has happened.
    pub fn struck(&self) -> bool {
        self.0.struck.get()
    }

    /// A call has worked: forgets a fault in it that did no harm, unless the power is off.
    pub fn forgive(&self) {
        if self.is_on() {
            self.0.struck.set(false);
        }
    }

    /// A call fails by itself, though the power is on.
    pub fn strike(&self) {
        self.0.struck.set(true);
    }

    /// Turns the power off between two steps.
    pub fn cut(&self) {
        self.0.off.set(true);
        self.0.struck.set(true);
    }

    /// Turns the power on again and forgets the plan.
    pub fn restore(&self) {
        self.0.off.set(false);
        self.0.killed.set(false);
        self.0.struck.set(false);
        self.0.chosen.set(None);
    }
}

/// What a simulated medium reports when a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimError {
    /// The power is off, or went off during the call.
    Off,
    /// The call failed, and what it did is not known.
    Io,
    /// The medium has no space left; nothing was changed.
    Full,
}

impl std::fmt::Display for SimError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Off => "simulated: the power is off",
            Self::Io => "simulated: input/output error",
            Self::Full => "simulated: no space left",
        })
    }
}

impl std::error::Error for SimError {}

impl Power {
    /// The error of a call whose step was not [`Step::Whole`].
    pub fn error(&self) -> SimError {
        if self.is_on() { SimError::Io } else { SimError::Off }
    }
}

//! A flash whose calls are cut at any byte, again and again from the same state.

use super::{Chip, ERASE_STEPS, Nor, TEARS};
use crate::power::{Rng, SimError, Step};
use crate::trail::note;

/// The call that was to come when the power went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// These bytes were to be programmed from here on.
    Program(usize, Vec<u8>),
    /// This many bytes from here on were to be erased.
    Erase(usize, usize),
}

/// How far a call got, and what became of where it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// Programmed up to this byte; the word it is in has random bits, which may be unstable.
    Byte(usize, bool),
    /// Erased to one of three points: nothing, a half, or all of the sector; torn in one of six
    /// ways.
    Erase(u8, u8),
    /// Nothing was under way.
    Nothing,
}

impl Interrupted {
    /// In how many ways the call can be torn.
    pub fn tears(&self) -> u64 {
        match self {
            Self::Program(_, bytes) => 2 * bytes.len() as u64,
            Self::Erase(..) => 18,
        }
    }

    /// One of them.
    pub fn tear(&self, number: u64) -> Tear {
        match self {
            Self::Program(..) => Tear::Byte((number / 2) as usize, number % 2 == 1),
            Self::Erase(..) => Tear::Erase((number % 3) as u8, (number / 3) as u8),
        }
    }
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> Nor<WRITE, ERASE, READ> {
    /// From now on a call is one step: the power goes before it, and [`Nor::tear`] says how far it
    /// got.
    pub fn cut_by_call(&self) {
        self.chip().by_call = true;
    }

    /// The call before which the power went; it is told once.
    pub fn interrupted(&self) -> Option<Interrupted> {
        self.chip().interrupted.take()
    }

    /// Leaves what a cut leaves of `call`; what is random is drawn from `rng`, from now on too.
    pub fn tear(&self, call: &Interrupted, tear: Tear, rng: Rng) {
        let mut chip = self.chip();
        chip.rng = rng;
        note(|| format!("    {call:02x?} is torn: {tear:?}"));
        match (call, tear) {
            (Interrupted::Program(from, bytes), Tear::Byte(at, unstable)) => {
                chip.tear_program::<WRITE>(*from, bytes, at / WRITE * WRITE, unstable);
            }
            (Interrupted::Erase(from, len), Tear::Erase(point, how)) => {
                chip.tear_erase(*from, *len, usize::from(point) * ERASE_STEPS / 2, how.into());
                chip.cells.judge(*from, from + len);
            }
            (Interrupted::Program(..) | Interrupted::Erase(..), _) => {}
        }
    }

    /// Remembers the flash as it is now.
    pub fn mark(&self) {
        self.chip().cells.mark();
    }

    /// Makes the flash as it was at [`Nor::mark`], as often as one likes.
    pub fn rollback(&self) {
        self.chip().cells.rollback();
    }
}

impl Chip {
    /// Asks for the one step of a call.
    pub(super) fn ask(&mut self, call: impl FnOnce() -> Interrupted) -> Result<(), SimError> {
        match self.power.step() {
            Step::Whole => Ok(()),
            Step::Torn | Step::Off => {
                self.interrupted = Some(call());
                Err(self.power.error())
            }
        }
    }

    fn tear_program<const WRITE: usize>(
        &mut self,
        from: usize,
        bytes: &[u8],
        torn: usize,
        unstable: bool,
    ) {
        for at in (0..torn).step_by(WRITE) {
            self.program(from + at, &bytes[at..at + WRITE]);
        }
        let word = &bytes[torn..torn + WRITE];
        if unstable {
            // Any tear but the one that leaves each bit where it is.
            let how = [0, 1, 3, 4][self.rng.below(TEARS - 1) as usize];
            self.tear(from + torn, word, how);
            self.tear_rest(from + torn + WRITE, &bytes[torn + WRITE..], WRITE);
        } else {
            self.tear(from + torn, word, 2);
        }
        self.cells.judge(from + torn, from + bytes.len());
    }
}

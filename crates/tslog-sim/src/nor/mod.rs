//! A NOR flash that is as bad as the real ones.
//!
//! Programming only clears bits, and no word is programmed twice between two erases. When the power
//! goes, the word being programmed has some of its bits cleared, and some of them are unstable:
//! they read differently from one read to the next until they are erased. The rest of the program
//! call may be done, undone or torn. A torn erase leaves old bytes, blank bytes and unstable bits,
//! in any mixture. Everything is counted.

mod cells;
mod cut;

pub use cut::{Interrupted, Tear};

use crate::power::{Power, Rng, SimError, Step};
use crate::trail::note;
use cells::Cells;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use std::cell::{RefCell, RefMut};
use std::rc::Rc;

/// Bytes that a flash programs at one go; a program call is split at its multiples.
const PAGE_SIZE: usize = 256;

/// Steps of one sector erase.
const ERASE_STEPS: usize = 4;

/// In how many ways a word is torn, and an erase.
const TEARS: u64 = 5;
const ERASE_TEARS: u64 = 6;

impl NorFlashError for SimError {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// What was done to a flash.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Bytes programmed, padding to whole words included.
    pub bytes_programmed: u64,
    /// Program calls.
    pub programs: u64,
    /// Erases of each sector.
    pub erases: Vec<u32>,
    /// Bytes read.
    pub bytes_read: u64,
    /// Read calls.
    pub reads: u64,
    /// Words programmed a second time without an erase between.
    pub programmed_twice: u64,
    /// The time a typical serial flash would have needed, in nanoseconds: 45 ms an erase, 30 us and
    /// 2.5 us a byte (at most 0.4 ms a page) a program call, 2 us and 0.1 us a byte a read.
    pub model_ns: u64,
}

/// A simulated NOR flash with words of `WRITE` bytes, sectors of `ERASE` bytes and reads in
/// multiples of `READ` bytes. It is a handle: clones are the same flash.
#[derive(Clone, Debug)]
pub struct Nor<const WRITE: usize, const ERASE: usize, const READ: usize = 1>(Rc<RefCell<Chip>>);

#[derive(Debug)]
struct Chip {
    cells: Cells,
    power: Power,
    rng: Rng,
    counts: Counts,
    /// A second program of a word is a panic.
    strict: bool,
    /// A call is one step: the power goes before it, and the call is kept.
    by_call: bool,
    interrupted: Option<Interrupted>,
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> Nor<WRITE, ERASE, READ> {
    /// A flash of `sectors` blank sectors that panics when a word is programmed twice.
    pub fn new(sectors: usize, power: &Power, rng: Rng) -> Self {
        let chip = Chip {
            cells: Cells::blank(sectors * ERASE, WRITE),
            power: power.clone(),
            rng,
            counts: Counts { erases: vec![0; sectors], ..Counts::default() },
            strict: true,
            by_call: false,
            interrupted: None,
        };
        Self(Rc::new(RefCell::new(chip)))
    }

    /// Lets a second program of a word pass, as parts without ECC do; it is counted all the same.
    #[must_use]
    pub fn lenient(self) -> Self {
        self.chip().strict = false;
        self
    }

    /// What was done since the flash was made or [`Nor::reset_counts`].
    pub fn counts(&self) -> Counts {
        self.chip().counts.clone()
    }

    /// Sets all counts to 0.
    pub fn reset_counts(&self) {
        let mut chip = self.chip();
        let sectors = chip.counts.erases.len();
        chip.counts = Counts { erases: vec![0; sectors], ..Counts::default() };
    }

    /// The bytes as they read now.
    pub fn image(&self) -> Vec<u8> {
        let Chip { cells, rng, .. } = &mut *self.chip();
        let mut out = vec![0; cells.len()];
        cells.sense(0, &mut out, rng);
        out
    }

    /// Changes a byte by `f`, as rot or a stray write would.
    pub fn corrupt(&self, at: usize, f: impl FnOnce(u8) -> u8) {
        let cells = &mut self.chip().cells;
        cells.touch(at, at + 1);
        cells.bytes[at] = f(cells.bytes[at]);
    }

    /// Where bytes other than blank are, as ranges of words.
    pub fn programmed(&self) -> Vec<usize> {
        let chip = self.chip();
        let words = chip.cells.programmed.iter().enumerate();
        words.filter(|(_, programmed)| **programmed).map(|(word, _)| word * WRITE).collect()
    }

    fn chip(&self) -> RefMut<'_, Chip> {
        self.0.borrow_mut()
    }
}

impl Chip {
    /// Programs one word whole, for the first time since the last erase.
    fn program(&mut self, at: usize, word: &[u8]) {
        self.cells.touch(at, at + word.len());
        let number = at / word.len();
        if self.cells.programmed[number] {
            self.counts.programmed_twice += 1;
            assert!(!self.strict, "the word at {at} is programmed twice");
        }
        self.cells.programmed[number] = true;
        for (cell, byte) in self.cells.bytes[at..].iter_mut().zip(word) {
            *cell &= byte;
        }
    }

    /// Programs one word as a cut leaves it.
    fn tear(&mut self, at: usize, word: &[u8], how: u64) {
        let Self { cells, rng, .. } = self;
        cells.touch(at, at + word.len());
        let lucky = rng.below(word.len() as u64 * 8);
        for (index, byte) in word.iter().enumerate() {
            let falling = cells.bytes[at + index] & !byte;
            let one = if lucky / 8 == index as u64 { 1 << (lucky % 8) } else { 0 };
            let (cleared, unstable) = match how {
                // Not begun, as far as it reads.
                0 => (0, falling & one),
                // Done, as far as it reads: only a bit or none is weak.
                1 => (falling, falling & one),
                2 => (falling & rng.byte(), 0),
                3 => (falling & rng.byte(), falling & rng.byte()),
                _ => (falling & rng.byte(), falling & rng.byte() & rng.byte()),
            };
            cells.bytes[at + index] &= !cleared;
            cells.weaken(at + index, unstable);
        }
    }

    /// The part of a sector that a torn erase was to blank.
    fn tear_erase(&mut self, from: usize, len: usize, done: usize, how: u64) {
        let Self { cells, rng, .. } = self;
        cells.touch(from, from + len);
        let edge = from + len * done / ERASE_STEPS;
        for at in from..from + len {
            let blank = match how {
                0 => at < edge,
                1 => at >= from + len - (edge - from),
                2 => true,
                3 => false,
                _ => rng.chance(50),
            };
            if blank {
                cells.bytes[at] = 0xFF;
            }
            let mask = match how {
                0 | 1 if (at / 4).abs_diff(edge / 4) == 0 => rng.byte(),
                // A whole sector that reads as blank, for now.
                2 if rng.chance(3) => 1 << rng.below(8),
                4 => rng.byte() & rng.byte(),
                _ => 0,
            };
            cells.weaken(at, mask);
        }
    }

    /// What a cut may leave of the words behind the torn one: the page was being programmed.
    fn tear_rest(&mut self, at: usize, rest: &[u8], word_size: usize) {
        if !self.rng.chance(25) {
            return;
        }
        let page_end = (at / PAGE_SIZE + 1) * PAGE_SIZE;
        for (index, word) in rest.chunks(word_size).enumerate() {
            let at = at + index * word_size;
            if at >= page_end {
                return;
            }
            match self.rng.below(3) {
                0 => self.program(at, word),
                1 => {
                    let how = self.rng.below(TEARS);
                    self.tear(at, word, how);
                }
                _ => {}
            }
        }
    }
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> ErrorType
    for Nor<WRITE, ERASE, READ>
{
    type Error = SimError;
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> ReadNorFlash
    for Nor<WRITE, ERASE, READ>
{
    const READ_SIZE: usize = READ;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimError> {
        let mut chip = self.chip();
        let (from, len) = (offset as usize, bytes.len());
        assert!(from + len <= chip.cells.len(), "read of {len} bytes at {from} is out of bounds");
        assert!(from % READ == 0 && len % READ == 0, "read of {len} bytes at {from} is unaligned");
        chip.power.read()?;
        chip.counts.reads += 1;
        chip.counts.bytes_read += len as u64;
        chip.counts.model_ns += 2_000 + 100 * len as u64;
        let Chip { cells, rng, .. } = &mut *chip;
        cells.sense(from, bytes, rng);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.chip().cells.len()
    }
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> NorFlash
    for Nor<WRITE, ERASE, READ>
{
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimError> {
        let mut chip = self.chip();
        let (from, len) = (offset as usize, bytes.len());
        assert!(from + len <= chip.cells.len(), "write of {len} bytes at {from} is out of bounds");
        assert!(from % WRITE == 0 && len % WRITE == 0, "write of {len} at {from} is unaligned");
        if !chip.power.is_on() {
            return Err(SimError::Off);
        }
        note(|| format!("    program {from}: {bytes:02x?}"));
        chip.counts.programs += 1;
        chip.counts.bytes_programmed += len as u64;
        chip.counts.model_ns += program_ns(from, len);
        if chip.by_call {
            chip.ask(|| Interrupted::Program(from, bytes.to_vec()))?;
        }
        for at in (0..len).step_by(WRITE) {
            if !chip.by_call && chip.power.step() != Step::Whole {
                let how = chip.rng.below(TEARS);
                chip.tear(from + at, &bytes[at..at + WRITE], how);
                chip.tear_rest(from + at + WRITE, &bytes[at + WRITE..], WRITE);
                chip.cells.judge(from + at, from + len);
                return Err(chip.power.error());
            }
            chip.program(from + at, &bytes[at..at + WRITE]);
        }
        Ok(())
    }

    fn erase(&mut self, from: u32, to: u32) -> Result<(), SimError> {
        let mut chip = self.chip();
        let (from, to) = (from as usize, to as usize);
        assert!(from <= to && to <= chip.cells.len(), "erase of {from} to {to} is out of bounds");
        assert!(from % ERASE == 0 && to % ERASE == 0, "erase of {from} to {to} is unaligned");
        note(|| format!("    erase {from} to {to}"));
        for sector in from / ERASE..to / ERASE {
            let start = sector * ERASE;
            if chip.by_call {
                chip.ask(|| Interrupted::Erase(start, ERASE))?;
            }
            for done in 0..if chip.by_call { 0 } else { ERASE_STEPS } {
                match chip.power.step() {
                    Step::Whole => {}
                    Step::Torn => {
                        let how = chip.rng.below(ERASE_TEARS);
                        chip.tear_erase(start, ERASE, done, how);
                        chip.cells.judge(start, start + ERASE);
                        return Err(chip.power.error());
                    }
                    Step::Off => return Err(SimError::Off),
                }
            }
            chip.cells.erase(start, start + ERASE);
            chip.counts.erases[sector] += 1;
            chip.counts.model_ns += 45_000_000;
        }
        Ok(())
    }
}

/// The model time of a program call, page by page.
fn program_ns(from: usize, len: usize) -> u64 {
    let (mut at, mut ns) = (from, 0);
    while at < from + len {
        let end = ((at / PAGE_SIZE + 1) * PAGE_SIZE).min(from + len);
        ns += (30_000 + 2_500 * (end - at) as u64).min(400_000);
        at = end;
    }
    ns
}

//! Every bit of a log is flipped, every sector lost, doubled and exchanged: what that costs is the
//! frames that were hit, to the record, and the reader is told.
//!
//! A log of more than 64 KiB is written once, as a folder and as a flash, and each harm is done to
//! a fresh copy. The log is opened and read whole, and held to what the frames that were hit say:
//! their records are named as damaged, at the end of the log they may be called abandoned, all
//! others come back, and no byte is changed by looking.

mod victim;

use super::{Options, Tally, spread};
use crate::harness::guarded;
use crate::power::Rng;
use crate::trail::{self, note};
use victim::{Victim, folder, ring};

/// Bytes of the sectors that are lost, doubled and exchanged.
const SECTOR: usize = 512;

/// Bytes whose bits are flipped in one turn.
const STRETCH: usize = 512;

/// Random bursts in one turn.
const BURSTS: u64 = 2000;

/// One harm, done to one victim.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// One bit of one byte.
    Bit(usize, u8),
    /// From two to eight bits in a row, by the number that draws them.
    Burst(u64),
    /// A sector reads zeros.
    Zeroed(usize),
    /// A sector reads as erased.
    Set(usize),
    /// A sector reads as another one does.
    Doubled(usize, usize),
    /// Two sectors are exchanged.
    Swapped(usize, usize),
}

/// The bytes that a harm may change, in one place or in two.
type Touched = [std::ops::Range<usize>; 2];

/// A stretch of harms that one thread does.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Bits(usize),
    Bursts(u64),
    /// All that is done to one sector, and with it to the others.
    Sector(usize),
}

/// Runs the campaign.
///
/// # Errors
/// What is wrong with the case that was asked for.
pub fn run(options: &Options) -> Result<Tally, String> {
    let named = [("folder", folder(options.seed)), ("flash", ring(options.seed))];
    let wanted = options.case.as_ref().and_then(|case| case.first()).or(options.workload.as_ref());
    let chosen = named.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
    let victims: Vec<_> = chosen.collect();
    if victims.is_empty() {
        return Err("the workloads are folder, flash".into());
    }
    if options.case.is_some() {
        return one(options, victims[0]);
    }
    let bursts = options.by_size(10_000, 100_000, 5_000_000);
    let skip = options.by_size(12, 1, 1);
    let turns: Vec<_> = victims
        .iter()
        .flat_map(|(name, victim)| {
            let bits = (0..victim.bytes.len()).step_by(STRETCH * skip).map(Turn::Bits);
            let bursts = (0..bursts).step_by(BURSTS as usize).map(Turn::Bursts);
            let sectors = (0..victim.sectors.len()).step_by(skip).map(Turn::Sector);
            bits.chain(bursts).chain(sectors).map(move |turn| (*name, victim, turn))
        })
        .collect();
    let mut tally = spread(options, |turn, _| {
        let (name, victim, turn) = turns.get(usize::try_from(turn).ok()?)?;
        let mut work = Work { name, victim, seed: options.seed, tally: Tally::default() };
        work.take(*turn);
        Some(work.tally)
    });
    tally.counts.insert("workloads", victims.len() as u64);
    Ok(tally)
}

fn one(options: &Options, (name, victim): &(&'static str, Victim)) -> Result<Tally, String> {
    let kind = options.case.as_ref().and_then(|case| case.get(1)).map_or("", String::as_str);
    let number = |at| options.part(at).map(|number| number.unwrap_or(0) as usize);
    let harm = match kind {
        "bit" => Harm::Bit(number(2)?, number(3)? as u8),
        "burst" => Harm::Burst(number(2)? as u64),
        "zeroed" => Harm::Zeroed(number(2)?),
        "set" => Harm::Set(number(2)?),
        "doubled" => Harm::Doubled(number(2)?, number(3)?),
        "swapped" => Harm::Swapped(number(2)?, number(3)?),
        _ => return Err(format!("there is no harm {kind}")),
    };
    let mut work = Work { name, victim, seed: options.seed, tally: Tally::default() };
    let mut bytes = victim.bytes.clone();
    trail::forget();
    work.harm(&mut bytes, harm);
    Ok(work.tally)
}

struct Work<'a> {
    name: &'static str,
    victim: &'a Victim,
    seed: u64,
    tally: Tally,
}

impl Work<'_> {
    fn take(&mut self, turn: Turn) {
        let mut bytes = self.victim.bytes.clone();
        match turn {
            Turn::Bits(from) => {
                for at in from..(from + STRETCH).min(bytes.len()) {
                    (0..8).for_each(|bit| self.harm(&mut bytes, Harm::Bit(at, bit)));
                }
            }
            Turn::Bursts(from) => {
                (from..from + BURSTS).for_each(|burst| self.harm(&mut bytes, Harm::Burst(burst)));
            }
            Turn::Sector(sector) => {
                self.harm(&mut bytes, Harm::Zeroed(sector));
                self.harm(&mut bytes, Harm::Set(sector));
                let len = self.victim.sectors[sector].len();
                for other in 0..self.victim.sectors.len() {
                    if other == sector || self.victim.sectors[other].len() != len {
                        continue;
                    }
                    self.harm(&mut bytes, Harm::Doubled(sector, other));
                    if other > sector {
                        self.harm(&mut bytes, Harm::Swapped(sector, other));
                    }
                }
            }
        }
    }

    /// Does one harm, looks, and undoes it.
    fn harm(&mut self, bytes: &mut [u8], harm: Harm) {
        if self.tally.violations.len() >= 3 {
            return;
        }
        self.tally.states += 1;
        let touched = self.touched(harm);
        do_harm(bytes, harm, &touched, self.seed);
        let what = match harm {
            Harm::Bit(..) => "flips",
            Harm::Burst(_) => "bursts",
            Harm::Zeroed(_) | Harm::Set(_) => "sectors_lost",
            Harm::Doubled(..) => "sectors_doubled",
            Harm::Swapped(..) => "sectors_swapped",
        };
        self.tally.count(what, 1);
        note(|| format!("{harm:?}"));
        match guarded(|| self.victim.look(bytes, &touched)) {
            Ok(outcome) => self.tally.count(outcome, 1),
            Err(message) => {
                let case = format!("{}/{}", self.name, path(harm));
                self.tally.violate(message, case);
            }
        }
        for range in touched {
            bytes[range.clone()].copy_from_slice(&self.victim.bytes[range]);
        }
    }

    /// The bytes that a harm may change.
    fn touched(&self, harm: Harm) -> Touched {
        let sector = |at: usize| self.victim.sectors[at].clone();
        match harm {
            Harm::Bit(at, _) => [at..at + 1, 0..0],
            Harm::Burst(number) => {
                let at = burst(number, self.seed, self.victim.bytes.len()).0;
                // What follows the end of a file here is another file, and lies elsewhere.
                let at = at - usize::from(self.victim.is_end(at + 1));
                [at..at + 2, 0..0]
            }
            Harm::Zeroed(at) | Harm::Set(at) => [sector(at), 0..0],
            Harm::Doubled(from, to) => [sector(to), sector(from)],
            Harm::Swapped(one, other) => [sector(one), sector(other)],
        }
    }
}

fn do_harm(bytes: &mut [u8], harm: Harm, touched: &Touched, seed: u64) {
    let first = touched[0].clone();
    match harm {
        Harm::Bit(at, bit) => bytes[at] ^= 1 << bit,
        Harm::Burst(number) => {
            let [one, two] = burst(number, seed, bytes.len()).1.to_le_bytes();
            bytes[first.start] ^= one;
            bytes[first.start + 1] ^= two;
        }
        Harm::Zeroed(_) => bytes[first].fill(0),
        Harm::Set(_) => bytes[first].fill(0xFF),
        Harm::Doubled(..) => bytes.copy_within(touched[1].clone(), first.start),
        Harm::Swapped(..) => {
            let kept = bytes[first.clone()].to_vec();
            bytes.copy_within(touched[1].clone(), first.start);
            bytes[touched[1].clone()].copy_from_slice(&kept);
        }
    }
}

/// Where a burst lies, and the bits it flips there, in 16: two to eight in a row, of which the
/// first and the last are flipped for certain.
fn burst(number: u64, seed: u64, len: usize) -> (usize, u16) {
    let mut rng = Rng::new(seed ^ number << 8 ^ 0xB5);
    let at = rng.below(len as u64 - 1) as usize;
    let bits = rng.within(2, 8);
    let ends = 1 | 1 << (bits - 1);
    let mask = (rng.bits() & ((1 << bits) - 1) | ends) as u16;
    (at, mask << rng.below(17 - bits))
}

fn path(harm: Harm) -> String {
    match harm {
        Harm::Bit(at, bit) => format!("bit/{at}/{bit}"),
        Harm::Burst(number) => format!("burst/{number}"),
        Harm::Zeroed(at) => format!("zeroed/{at}"),
        Harm::Set(at) => format!("set/{at}"),
        Harm::Doubled(from, to) => format!("doubled/{from}/{to}"),
        Harm::Swapped(one, other) => format!("swapped/{one}/{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::burst;

    #[test]
    fn a_burst_has_two_to_eight_bits_in_a_row_and_both_ends_are_flipped() {
        let mut spans = [0; 17];
        for number in 0..10_000 {
            let (at, mask) = burst(number, 1, 100);
            assert!(at < 99 && mask != 0);
            let span = 16 - mask.leading_zeros() - mask.trailing_zeros();
            spans[span as usize] += 1;
        }
        assert!(spans[2..=8].iter().all(|count| *count > 1000), "{spans:?}");
        assert_eq!(spans[2..=8].iter().sum::<u32>(), 10_000);
    }
}

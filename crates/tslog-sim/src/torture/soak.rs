//! Years of a device that stores a record a second on a flash, whose power is cut once a day and
//! whose clock jumps by twenty years, forward and back.
//!
//! Time is payload: whatever the clock says, records come back in the order of their numbers, with
//! the bytes that were stored. All sectors of the ring are erased about equally often.

use super::{Options, Tally};
use crate::harness::guarded;
use crate::nor::Nor;
use crate::power::{Fault, Power, Rng};
use crate::trail::{self, note};
use embedded_storage::nor_flash::ReadNorFlash;
use tslog::storage::flash::Flash;
use tslog::{Config, Log, Reader, buffer_size};

const SECTOR: usize = 4096;
const SECTORS: usize = 64;
const RECORD_SIZE: usize = 16;
/// One commit a minute.
const DELTA: u32 = 60;
const DAY: u64 = 86_400;
const TWENTY_YEARS: u64 = 20 * 365 * DAY;

type TheNor = Nor<4, SECTOR>;
type TheLog = Log<Flash<TheNor>, Vec<u8>, 1>;

/// Records from this number on were stored in this life, by a clock that ran this far ahead of
/// their numbers.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    first: u64,
    life: u64,
    clock: u64,
}

struct Device {
    nor: TheNor,
    power: Power,
    rng: Rng,
    stretches: Vec<Stretch>,
    life: u64,
    /// The last number whose commit was acknowledged.
    committed: u64,
    /// The last cursor whose commit was acknowledged, and one that was under way.
    cursor: u64,
    under_way: u64,
    records: u64,
    cuts: u64,
    jumps: u64,
}

/// Runs the campaign.
///
/// # Errors
/// What is wrong with the case that was asked for.
pub fn run(options: &Options) -> Result<Tally, String> {
    let days = days(options)?;
    let mut tally = Tally::default();
    let power = Power::new();
    let nor = TheNor::new(SECTORS, &power, Rng::new(options.seed));
    nor.cut_by_call();
    let mut device = Device {
        nor,
        power,
        rng: Rng::new(options.seed),
        stretches: vec![Stretch { first: 1, life: 0, clock: 1_700_000_000 }],
        life: 0,
        committed: 0,
        cursor: 0,
        under_way: 0,
        records: 0,
        cuts: 0,
        jumps: 0,
    };
    let mut day = 0;
    let lived = guarded(|| {
        while day < days {
            trail::forget();
            note(|| format!("day {day}"));
            device.day();
            day += 1;
        }
    });
    if let Err(message) = lived {
        tally.violate(message, format!("day/{day}"));
    }
    let erases = device.nor.counts().erases;
    let (header, ring) = erases.split_at(2);
    let (least, most) = (ring.iter().min(), ring.iter().max());
    let (least, most) = (u64::from(*least.unwrap_or(&0)), u64::from(*most.unwrap_or(&0)));
    tally.states = device.records;
    tally.count("days", days);
    tally.count("cuts", device.cuts);
    tally.count("clock_jumps", device.jumps);
    tally.count("ring_erases_least", least);
    tally.count("ring_erases_most", most);
    tally.count("header_erases_most", u64::from(*header.iter().max().unwrap_or(&0)));
    if most > 2 * least && day == days {
        let message = format!("a sector was erased {most} times, another {least} times");
        tally.violate(message, "wear".into());
    }
    Ok(tally)
}

/// How many days are lived: up to the one that a case names, which all the days before make what
/// it is.
fn days(options: &Options) -> Result<u64, String> {
    let all = options.by_size(10, 100, 3650);
    let words: Option<Vec<&str>> =
        options.case.as_ref().map(|case| case.iter().map(String::as_str).collect());
    match words.as_deref() {
        None | Some(["wear"]) => Ok(all),
        Some(["day", _]) => Ok(options.part(1)?.map_or(all, |day| day + 1)),
        Some(_) => Err("the cases are day/N and wear".into()),
    }
}

impl Device {
    fn config() -> Config<'static> {
        Config {
            record_size: Some(RECORD_SIZE as u32),
            bucket_size: Some(1024),
            commit_delta: DELTA,
            ..Config::default()
        }
    }

    fn open(&self) -> TheLog {
        let size = self.nor.capacity() as u32;
        let flash = Flash::new(self.nor.clone(), 0..size, SECTOR as u32).expect("a good shape");
        let buffer = vec![0; buffer_size(RECORD_SIZE, DELTA as usize)];
        self.power.rest();
        TheLog::open_or_create(flash, buffer, &Self::config()).expect("the log opens")
    }

    /// A day, with a cut somewhere in it, and now and then a clock that jumps.
    fn day(&mut self) {
        let mut left = DAY;
        let cut = self.rng.within(1, 1400);
        let (mut log, mut reader) = self.start();
        self.power.plan(cut, Fault::Cut);
        while left > 0 {
            if self.rng.below(5 * DAY) == 0 {
                self.jump(log.stats().seqn + 1);
            }
            left -= 1;
            let lived = self.second(&mut log, &mut reader, left);
            if !lived {
                self.cuts += 1;
                let call = self.nor.interrupted().expect("the power went before a call");
                let tear = call.tear(self.rng.below(call.tears()));
                self.nor.tear(&call, tear, Rng::new(self.rng.bits()));
                self.power.restore();
                (log, reader) = self.start();
            }
        }
    }

    /// What a second brings; false if the power went.
    fn second(&mut self, log: &mut TheLog, reader: &mut Reader, left: u64) -> bool {
        let seqn = log.stats().seqn + 1;
        if log.store_record(&self.record(seqn)).is_err() {
            return false;
        }
        self.records += 1;
        self.committed = log.stats().committed;
        !left.is_multiple_of(3600) || self.drain(log, reader)
    }

    fn drain(&mut self, log: &mut TheLog, reader: &mut Reader) -> bool {
        let mut out = [0; RECORD_SIZE * 64];
        self.power.rest();
        let mut next = log.cursor(reader).expect("the reader is open") + 1;
        while let Some(batch) = log.read_batch(reader, &mut out).expect("nothing was lost") {
            assert!(batch.first == next, "record {} came instead of {next}", batch.first);
            for bytes in out.chunks(RECORD_SIZE).take(batch.count as usize) {
                assert!(bytes == self.record(next), "record {next} has other bytes");
                next += 1;
            }
        }
        assert!(next == self.committed + 1, "the reader ends behind {}", next - 1);
        self.under_way = next - 1;
        if log.commit_reader(reader).is_err() {
            return false;
        }
        self.cursor = self.under_way;
        let cursor = self.cursor;
        let needed = |stretch: &Stretch| stretch.first > cursor;
        let old = self.stretches.iter().take_while(|stretch| !needed(stretch)).count();
        self.stretches.drain(..old.saturating_sub(1));
        true
    }

    /// The program starts: as it was, or with what was under way.
    fn start(&mut self) -> (TheLog, Reader) {
        let mut log = self.open();
        let found = log.stats().committed;
        let most = self.committed + u64::from(DELTA);
        let may = found >= self.committed && found <= most;
        assert!(may, "found {found} records, and {} were committed", self.committed);
        let reader = log.reader(0).expect("there is a reader 0");
        let cursor = log.cursor(&reader).expect("the reader is open");
        note(|| format!("found {found} records, and a reader behind {cursor}"));
        let known = [self.cursor, self.under_way].contains(&cursor);
        assert!(known, "the reader is behind {cursor}, and committed {}", self.cursor);
        (self.committed, self.cursor, self.under_way) = (found, cursor, cursor);
        self.life += 1;
        let clock = self.stretches.last().map_or(0, |stretch| stretch.clock);
        self.stretch(found + 1, clock);
        (log, reader)
    }

    fn jump(&mut self, first: u64) {
        self.jumps += 1;
        let clock = self.stretches.last().map_or(0, |stretch| stretch.clock);
        let back = clock > TWENTY_YEARS && self.rng.chance(50);
        let clock = if back { clock - TWENTY_YEARS } else { clock + TWENTY_YEARS };
        self.stretch(first, clock);
    }

    fn stretch(&mut self, first: u64, clock: u64) {
        self.stretches.retain(|stretch| stretch.first < first);
        self.stretches.push(Stretch { first, life: self.life, clock });
    }

    /// The record of a number: the time, and what depends on the life it was stored in.
    fn record(&self, seqn: u64) -> [u8; RECORD_SIZE] {
        let stretch = self.stretches.iter().rev().find(|stretch| stretch.first <= seqn);
        let stretch = stretch.expect("every number that is not yet read has a stretch");
        let mut out = [0; RECORD_SIZE];
        out[..8].copy_from_slice(&(stretch.clock + seqn).to_le_bytes());
        let value = Rng::new(seqn ^ stretch.life << 40).bits();
        out[8..].copy_from_slice(&value.to_le_bytes());
        out
    }
}

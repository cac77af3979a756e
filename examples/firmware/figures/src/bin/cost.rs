//! Counts the instructions and the stack of each call, on the peers' partition of 1 MiB.
#![no_std]
#![no_main]

use embedded_storage::nor_flash::NorFlash;
use figures::meter::{self, Clock, Cost, Metered};
use figures::{PARTITION_SIZE, RECORD_SIZE, SECTOR_SIZE, raw};
use firmware::board::{self, Refused, SpiNor};
use firmware::semihosting::{Outcome, exit, say};
use tslog::storage::flash::{Flash, FlashError};
use tslog::{Error, Log, Reader, buffer_size};

firmware::entry!(start);

type Medium<'c> = Flash<Metered<'c, SpiNor>>;
type CostLog<'c> = Log<Medium<'c>, &'c mut [u8]>;
type CostError = Error<FlashError<Refused>>;

const BUFFER_SIZE: usize = buffer_size(RECORD_SIZE, 16);

/// Turns of a loop of two instructions, to see that they are counted right.
const TURNS: u32 = 10_000;

fn start() -> ! {
    let Some(board) = board::take() else { exit(Outcome::Failure) };
    meter::start(board.sleeper.into_timer());
    match run(board.nor) {
        Ok(()) => exit(Outcome::Success),
        Err(error) => {
            say(format_args!("failed: {error:?}"));
            exit(Outcome::Failure)
        }
    }
}

fn run(mut nor: SpiNor) -> Result<(), CostError> {
    let clock = Clock::default();
    let mut buffer = [0; BUFFER_SIZE];
    let ((), known) = clock.measure(|| cortex_m::asm::delay(TURNS));
    say(format_args!("loop_of_{TURNS}_turns_instructions {} count", known.log));
    ram();

    nor.erase(0, PARTITION_SIZE).map_err(|error| Error::Storage(FlashError::Nor(error)))?;
    let (log, created) = open(medium(nor, &clock)?, &mut buffer, &clock, 16);
    print("create", created);
    let nor = steady(log?, &clock, 16)?;
    let (log, opened) = open(medium(nor, &clock)?, &mut buffer, &clock, 1);
    print("open_after_a_cut", opened);
    let nor = steady(log?, &clock, 1)?;

    // The partition full of records nobody has read, and no end of the log in order.
    let mut log = open(medium(nor, &clock)?, &mut buffer, &clock, 16).0?;
    let full = loop {
        match log.store_record(&[0; RECORD_SIZE]) {
            Ok(_) => {}
            Err(Error::Full) => break log.stats().seqn,
            Err(error) => return Err(error),
        }
    };
    let (committed, cost) = clock.measure(|| log.commit());
    committed?;
    print("commit_when_full", cost);
    say(format_args!("records_when_full {full} count"));
    let (log, opened) = open(medium(release(log), &clock)?, &mut buffer, &clock, 16);
    print("open_when_full", opened);
    let mut log = log?;
    let (closed, cost) = clock.measure(|| log.close());
    closed?;
    print("close", cost);
    Ok(())
}

/// What lives as long as the log does.
fn ram() {
    let (whole, medium) = (size_of::<CostLog<'_>>(), size_of::<Medium<'_>>());
    say(format_args!("ram_log {} bytes", whole - medium - size_of::<&mut [u8]>()));
    say(format_args!("ram_storage {} bytes", size_of::<Flash<SpiNor>>()));
    say(format_args!("ram_reader_handle {} bytes", size_of::<Reader>()));
    say(format_args!("ram_batch_of_16 {BUFFER_SIZE} bytes"));
}

fn medium(nor: SpiNor, clock: &Clock) -> Result<Medium<'_>, CostError> {
    Flash::new(Metered { nor, clock }, 0..PARTITION_SIZE, SECTOR_SIZE).map_err(Error::Storage)
}

fn release(log: CostLog<'_>) -> SpiNor {
    log.into_storage().release().nor
}

fn open<'c>(
    medium: Medium<'c>,
    buffer: &'c mut [u8],
    clock: &Clock,
    commit_delta: u32,
) -> (Result<CostLog<'c>, CostError>, Cost) {
    let config = raw(commit_delta);
    clock.measure(|| Log::open_or_create(medium, buffer, &config))
}

/// A number of costs that are told as one.
#[derive(Default)]
struct Many {
    log: u64,
    driver: u64,
    count: u64,
    most: Cost,
}

impl Many {
    fn add(&mut self, cost: Cost) {
        self.log += u64::from(cost.log);
        self.driver += u64::from(cost.driver);
        self.count += 1;
        self.most.log = self.most.log.max(cost.log);
        self.most.stack = self.most.stack.max(cost.stack);
    }

    fn print(&self, name: &str, delta: u32) {
        let mean = |sum: u64| sum.checked_div(self.count).unwrap_or(0);
        say(format_args!("{name}_k{delta}_instructions_mean {} count", mean(self.log)));
        say(format_args!("{name}_k{delta}_instructions_most {} count", self.most.log));
        say(format_args!("{name}_k{delta}_driver_instructions_mean {} count", mean(self.driver)));
        say(format_args!("{name}_k{delta}_stack {} bytes", self.most.stack));
    }
}

/// Stores, reads and commits over several sectors, and gives the flash back without an end.
fn steady<'c>(mut log: CostLog<'c>, clock: &'c Clock, delta: u32) -> Result<SpiNor, CostError> {
    let mut kinds: [Many; 5] = Default::default();
    let [store, commit, roll, read, cursor] = &mut kinds;
    let mut reader = log.reader(0)?;
    let mut record = [0; RECORD_SIZE];
    for _ in 0..64 {
        for _ in 0..16 {
            let before = log.stats();
            let (stored, cost) = clock.measure(|| log.store_record(&[0x5A; RECORD_SIZE]));
            stored?;
            let after = log.stats();
            if after.bucket != before.bucket {
                roll.add(cost);
            } else if after.committed != before.committed {
                commit.add(cost);
            } else {
                store.add(cost);
            }
        }
        loop {
            let (next, cost) = clock.measure(|| log.next_record(&mut reader, &mut record));
            if next?.is_none() {
                break;
            }
            read.add(cost);
        }
        let (committed, cost) = clock.measure(|| log.commit_reader(&mut reader));
        committed?;
        cursor.add(cost);
    }
    for (kind, name) in
        kinds.iter().zip(["store", "store_that_commits", "store_that_rolls", "next", "cursor"])
    {
        if kind.count > 0 {
            kind.print(name, delta);
        }
    }
    Ok(release(log))
}

fn print(name: &str, cost: Cost) {
    say(format_args!("{name}_instructions {} count", cost.log));
    say(format_args!("{name}_driver_instructions {} count", cost.driver));
    say(format_args!("{name}_stack {} bytes", cost.stack));
}

//! A sensor node: it wakes, stores a reading, commits every few, sends what is new now and then,
//! and sleeps. It may be reset at any instruction.
//!
//! Each line it prints tells of something that is already so: `committed 16` is printed once
//! record 16 is safe. `torture` holds the node to that.
#![no_std]
#![no_main]

use firmware::board::{self, Board, Medium};
use firmware::semihosting::{Outcome, argument, exit, say};
use trace::{COMMIT_DELTA, Reading};
use tslog::storage::Storage;
use tslog::{Config, Error, Format, Log, Reader, Record, buffer_size};

/// Wakes between two times the node sends what it has.
const SEND_EVERY: u32 = 256;

/// Records in a message: so many may come twice if the power fails.
const SEND_AT_ONCE: u32 = 32;

/// Sleeps before the program ends, some 20 ms.
const LAST_SLEEPS: u32 = 400;

const BUFFER_SIZE: usize = buffer_size(Reading::SIZE, COMMIT_DELTA as usize);

type NodeLog = Log<Medium, [u8; BUFFER_SIZE]>;
type NodeError = Error<<Medium as Storage>::Error>;

firmware::entry!(node);

fn node() -> ! {
    let Some(board) = board::take() else {
        say(format_args!("failed: the flash chip does not answer"));
        exit(Outcome::Failure)
    };
    match run(board, argument()) {
        Ok(()) => exit(Outcome::Success),
        Err(error) => {
            say(format_args!("failed: {error:?}"));
            exit(Outcome::Failure)
        }
    }
}

/// Goes through `wakes` wakes and closes the log in order, or goes on until the power fails.
fn run(board: Board, wakes: Option<u32>) -> Result<(), NodeError> {
    let (medium, mut sleeper) = board.split().ok_or(Error::NotALog)?;
    let mut log = open(medium)?;
    let mut reader = log.reader(0)?;
    report(&mut log, &reader)?;
    let mut committed = log.stats().committed;
    for wake in 1_u32.. {
        match store(&mut log) {
            Err(Error::Full) => {
                // Nothing unread is ever dropped: the node sends first, and tries again.
                send(&mut log, &mut reader)?;
                store(&mut log)?;
            }
            stored => stored?,
        }
        let now = log.stats().committed;
        if now > committed {
            committed = now;
            say(format_args!("committed {committed}"));
        }
        if wake % SEND_EVERY == 0 {
            send(&mut log, &mut reader)?;
        }
        if Some(wake) == wakes {
            break;
        }
        sleeper.sleep();
    }
    log.close()?;
    let numbers = log.numbers()?;
    say(format_args!("closed {} oldest {}", numbers.last, numbers.first));
    // QEMU writes the file of the chip in the background, and would end without it.
    (0..LAST_SLEEPS).for_each(|_| sleeper.sleep());
    Ok(())
}

#[cfg_attr(
    target_arch = "riscv32",
    expect(clippy::large_types_passed_by_value, reason = "there the medium is the RAM itself")
)]
fn open(medium: Medium) -> Result<NodeLog, NodeError> {
    let format = Format::new(Reading::FORMAT)?.with_fields(Reading::FIELDS)?;
    let config = Config {
        formats: Some(&[format]),
        commit_delta: COMMIT_DELTA,
        id: *b"tslog-firmware-1",
        ..Config::default()
    };
    Log::open_or_create(medium, [0; BUFFER_SIZE], &config)
}

/// Tells what opening found.
fn report(log: &mut NodeLog, reader: &Reader) -> Result<(), NodeError> {
    let (found, stats, cursor) = (log.report(), log.stats(), log.cursor(reader)?);
    say(format_args!(
        "opened on {}: committed {} cursor {cursor} oldest {} clean {} \
         abandoned {} lost {} header {}",
        board::NAME,
        stats.committed,
        log.numbers()?.first,
        found.clean,
        found.abandoned_size,
        found.lost.map_or(0, |range| range.count()),
        if found.header_damaged { "damaged" } else { "sound" },
    ));
    Ok(())
}

/// Takes a reading and stores it.
fn store(log: &mut NodeLog) -> Result<(), NodeError> {
    let reading = Reading::sample(log.stats().seqn + 1);
    log.store_with(|record| {
        reading.pack(record);
        Ok(())
    })?;
    Ok(())
}

/// Sends what is durable and was not sent before; what was sent may then be forgotten.
fn send(log: &mut NodeLog, reader: &mut Reader) -> Result<(), NodeError> {
    let mut record = [0; Reading::SIZE];
    loop {
        let mut more = false;
        for _ in 0..SEND_AT_ONCE {
            let Some(seqn) = log.next_record(reader, &mut record)? else { break };
            let Reading { time, temperature, humidity, pressure } = Reading::unpack(&record);
            say(format_args!("record {seqn} {time} {temperature} {humidity} {pressure}"));
            more = true;
        }
        if !more {
            return Ok(());
        }
        log.commit_reader(reader)?;
        say(format_args!("sent {}", log.cursor(reader)?));
    }
}

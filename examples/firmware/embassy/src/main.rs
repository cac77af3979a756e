//! The sensor node on embassy, on the same board: one task samples, one logs.
//!
//! The driver of the flash is asynchronous, and the log waits for it by polling. What a firmware
//! has to gain from tasks: readings go on being taken while the flash is busy, a commit comes due
//! by time as well as by number, and the next sector is erased while nothing else is to do.
#![no_std]
#![no_main]

mod driver;
mod time;

use driver::Later;
use embassy_executor::Spawner;
use embassy_sync::{blocking_mutex::raw::CriticalSectionRawMutex, channel::Channel};
use embassy_time::{Duration, Ticker, with_timeout};
use firmware::board::{self, Refused};
use firmware::semihosting::{Outcome, exit, say};
use trace::{COMMIT_DELTA, PARTITION_SIZE, Reading, SECTOR_SIZE};
use tslog::storage::{
    blocking::Blocking,
    flash::{Flash, FlashError},
};
use tslog::{Config, Error, Format, Log, Record, buffer_size};

/// A reading is durable after this time, however few there are.
const COMMIT_AFTER: Duration = Duration::from_millis(5);

/// Time between two readings.
const SAMPLE_EVERY: Duration = Duration::from_millis(2);

/// Readings that wait while the flash erases a sector.
const WAITING: usize = 8;

const BUFFER_SIZE: usize = buffer_size(Reading::SIZE, COMMIT_DELTA as usize);

type NodeLog = Log<Flash<Blocking<Later>>, [u8; BUFFER_SIZE]>;
type NodeError = Error<FlashError<Refused>>;

static READINGS: Channel<CriticalSectionRawMutex, u64, WAITING> = Channel::new();

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let Some(board) = board::take() else { exit(Outcome::Failure) };
    time::start(board.sleeper.into_timer());
    match sample() {
        Ok(task) => spawner.spawn(task),
        Err(_) => exit(Outcome::Failure),
    }
    match log(Later(board.nor)).await {
        Ok(()) => exit(Outcome::Success),
        Err(error) => {
            say(format_args!("failed: {error:?}"));
            exit(Outcome::Failure)
        }
    }
}

/// Takes readings for ever.
#[embassy_executor::task]
async fn sample() {
    let mut ticker = Ticker::every(SAMPLE_EVERY);
    for taken in 1.. {
        ticker.next().await;
        READINGS.send(taken).await;
    }
}

/// Logs 300 readings.
async fn log(nor: Later) -> Result<(), NodeError> {
    let mut log = open(nor)?;
    say(format_args!("opened: committed {}", log.stats().committed));
    for _ in 0..300 {
        match with_timeout(COMMIT_AFTER, READINGS.receive()).await {
            Ok(_) => {
                let reading = Reading::sample(log.stats().seqn + 1);
                log.store_with(|record| {
                    reading.pack(record);
                    Ok(())
                })?;
            }
            // Nothing came for a while: what waits is made durable.
            Err(_) => drop(log.commit()?),
        }
        if log.uncommitted() == 0 && log.poll()? {
            say(format_args!("erased ahead behind record {}", log.stats().seqn));
        }
    }
    log.close()?;
    say(format_args!("closed: committed {}", log.stats().committed));
    Ok(())
}

fn open(nor: Later) -> Result<NodeLog, NodeError> {
    let flash = Flash::new(Blocking::new(nor), 0..PARTITION_SIZE, SECTOR_SIZE);
    let format = Format::new(Reading::FORMAT)?.with_fields(Reading::FIELDS)?;
    let config = Config {
        formats: Some(&[format]),
        commit_delta: COMMIT_DELTA,
        policy: tslog::Policy::DropOldest,
        id: *b"tslog-firmware-2",
        ..Config::default()
    };
    Log::open_or_create(flash.map_err(Error::Storage)?, [0; BUFFER_SIZE], &config)
}

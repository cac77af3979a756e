//! The storing process of the demo: four sensor threads, one a mote, that store through one handle.
//!
//! It may be killed at any moment. Started again, it asks the log which readings are safe and goes
//! on behind them.

use std::{path::Path, time::Duration};

use tslog::{Options, SharedLog, Value};

use super::data::{self, Reading};
use crate::args::DemoWriterArgs;
use crate::codec::Codec;
use crate::exit::{Exit, Failure, Result};
use crate::source::{Records as _, Step, Viewed, failure};

/// How many readings a mote takes in a row before it waits for the others.
const BURST: usize = 16;
/// How long it waits, so that the demo shows something: a reading each 5 s would take 7 hours.
const PAUSE: Duration = Duration::from_millis(8);

/// Every mote has a format of its own; the tag tells which mote a record is from.
const FORMAT: (&str, &str) = ("<I?ff?", "reading,indoor,humidity:%,temperature:degC,event");

pub(crate) fn run(args: &DemoWriterArgs) -> Result<Exit> {
    let path = args.dir.as_path();
    let readings = data::readings().map_err(Failure::error)?;
    let options = Options::new().formats(&[FORMAT; 4]).bucket_size(1024).commit_delta(16);
    let log = options.open_raw(path).map_err(|error| failure(error, path))?;
    let safe = safe_readings(path)?;
    let stored: Result<Vec<()>> = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (mote, safe) in (1_u8..).zip(safe) {
            let own: Vec<Reading> = readings
                .iter()
                .filter(|reading| reading.mote == mote && reading.number > safe)
                .copied()
                .collect();
            let log = log.clone();
            threads.push(scope.spawn(move || store(&log, mote - 1, &own, path)));
        }
        let gone = || Failure::error("a sensor thread ended early");
        threads.into_iter().map(|thread| thread.join().map_err(|_| gone())?).collect()
    });
    stored?;
    log.close().map_err(|error| failure(error, path))?;
    Ok(Exit::Ok)
}

/// The last reading of each mote that the log has committed.
fn safe_readings(path: &Path) -> Result<[u32; 4]> {
    let mut safe = [0; 4];
    let mut view = Viewed::folder(path)?;
    let schema = view.schema().clone();
    let codec = Codec::new(&schema)?;
    loop {
        let seqn = match view.step()? {
            Step::End => return Ok(safe),
            Step::Gap(gap) => {
                return Err(Failure::error(format!("numbers {} are damaged", gap.range())));
            }
            Step::Record(seqn) => seqn,
        };
        if let Some((mote, reading)) =
            codec.row(seqn, view.bytes()).as_ref().and_then(super::reading)
            && let Some(safe) = safe.get_mut(usize::from(mote) - 1)
        {
            *safe = reading.number;
        }
    }
}

fn store(log: &SharedLog, tag: u8, readings: &[Reading], path: &Path) -> Result<()> {
    for burst in readings.chunks(BURST) {
        for reading in burst {
            let values = [
                Value::Uint(reading.number.into()),
                Value::Bool(reading.indoor),
                Value::Float(reading.humidity.into()),
                Value::Float(reading.temperature.into()),
                Value::Bool(reading.event),
            ];
            log.store_with_tag(tag, &values).map_err(|error| failure(error, path))?;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

//! A partition that is full of records nobody has taken, opened again. Words of 4 bytes.

use tslog_sim::nor::Nor;
use tslog_sim::power::{Power, Rng};

use crate::peers::{Chip, Kind, Reason, Shape, Stop};
use crate::{number_of, record};

pub(crate) const HEAD: &str = "\
| record / commit | | records held | share of the partition | read to open, B (calls) \
| read for the first record, B |
|---|---|---|---|---|---|";

const SECTORS: u32 = 256;

/// Prints the row of one peer.
pub(crate) fn row(kind: Kind, record_size: usize, delta: usize) {
    let shape = Shape { record_size, delta, sectors: SECTORS };
    match measure(kind, shape) {
        Ok(cells) => println!("| {record_size} / {delta} | {} | {cells} |", kind.name()),
        Err(error) => println!("| {record_size} / {delta} | {} | {error:?} | | | |", kind.name()),
    }
}

fn measure(kind: Kind, shape: Shape) -> Result<String, Stop> {
    let power = Power::new();
    let chip: Chip<4> = Nor::new(SECTORS as usize, &power, Rng::new(1)).lenient();
    let size = u32::try_from(shape.record_size).unwrap_or(1);
    let room = shape.partition() / size;
    let most = match kind {
        Kind::Sensor => room * 13 / 10,
        Kind::Keys => room * 35 / 100,
        _ => u32::MAX,
    };
    let mut stored = 0;
    kind.with(&chip, shape, true, &mut |peer| {
        for number in 1..=most {
            power.rest();
            let done = peer.store(&record(number, shape.record_size)).and_then(|()| {
                if (number as usize).is_multiple_of(shape.delta) { peer.commit() } else { Ok(()) }
            });
            match done {
                Ok(()) => stored = number,
                Err(Stop::Full) => break,
                Err(error) => return Err(error),
            }
        }
        match peer.commit() {
            Ok(()) | Err(Stop::Full) => Ok(()),
            Err(error) => Err(error),
        }
    })?;
    chip.reset_counts();
    let mut cells = String::new();
    power.rest();
    kind.with(&chip, shape, false, &mut |peer| {
        let opened = chip.counts();
        chip.reset_counts();
        let mut first = None;
        power.rest();
        let taken = peer.take(1, &mut |bytes| first = first.or(number_of(bytes)))?;
        let read = chip.counts().bytes_read;
        let first =
            first.filter(|_| taken > 0).ok_or(Stop::Failed(Reason("nothing is left".into())))?;
        let held = if kind.is_ring() { stored - first + 1 } else { stored };
        cells = format!(
            "{held} | {:.2} | {} ({}) | {read}",
            f64::from(held * size) / f64::from(shape.partition()),
            opened.bytes_read,
            opened.reads,
        );
        Ok(())
    })?;
    Ok(cells)
}

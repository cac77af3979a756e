//! Steady work: the ring has wrapped, then records are stored, and after each 16 a consumer takes
//! 16.

use tslog_sim::nor::{Counts, Nor};
use tslog_sim::power::{Power, Rng};

use crate::peers::{Chip, Kind, Peer, Reason, Shape, Stop};
use crate::{number_of, record};

pub(crate) const HEAD: &str = "\
| record / commit | | programmed per payload byte, words 1 / 4 / 16 / 32 | erases per 1000 records \
| programmed twice per record | read per record, B | RAM, B |
|---|---|---|---|---|---|---|";

const RECORDS: u32 = 100_000;
const DRAIN: u32 = 16;
const SECTORS: u32 = 256;

struct Outcome {
    programmed: f64,
    erases: f64,
    twice: f64,
    read: f64,
    ram: usize,
}

/// Prints the row of one peer.
pub(crate) fn row(kind: Kind, record_size: usize, delta: usize) {
    let shape = Shape { record_size, delta, sectors: SECTORS };
    let words = [
        measure::<1>(kind, shape),
        measure::<4>(kind, shape),
        measure::<16>(kind, shape),
        measure::<32>(kind, shape),
    ];
    if words.iter().all(Option::is_none) {
        return;
    }
    let cell = |digits: usize, value: fn(&Outcome) -> f64| {
        let values = words.iter().map(|word| {
            word.as_ref().map_or("-".to_owned(), |word| format!("{:.digits$}", value(word)))
        });
        values.collect::<Vec<_>>().join(" / ")
    };
    let four = words[1].as_ref();
    println!(
        "| {record_size} / {delta} | {} | {} | {} | {} | {} | {} |",
        kind.name(),
        cell(2, |word| word.programmed),
        cell(2, |word| word.erases),
        cell(2, |word| word.twice),
        four.map_or("-".to_owned(), |word| format!("{:.0}", word.read)),
        four.map_or("-".to_owned(), |word| word.ram.to_string()),
    );
}

fn measure<const W: usize>(kind: Kind, shape: Shape) -> Option<Outcome> {
    if !kind.takes(W, shape.delta) {
        return None;
    }
    let power = Power::new();
    let chip: Chip<W> = Nor::new(SECTORS as usize, &power, Rng::new(1)).lenient();
    let mut outcome = None;
    let payload = u32::try_from(shape.record_size).unwrap_or(1);
    let (warm_up, records) = if kind.is_slow() {
        (4_000, RECORDS / 20)
    } else {
        (shape.partition() / 100 * 115 / payload / DRAIN * DRAIN, RECORDS)
    };
    let worked = kind.with(&chip, shape, true, &mut |peer| {
        work(&power, peer, shape, 0, warm_up)?;
        chip.reset_counts();
        work(&power, peer, shape, warm_up, records)?;
        outcome = Some((chip.counts(), peer.ram()));
        Ok(())
    });
    if let Err(error) = worked {
        eprintln!("{} {shape:?} word {W}: {error:?}", kind.name());
    }
    let (Counts { bytes_programmed, erases, bytes_read, programmed_twice, .. }, ram) = outcome?;
    let count = f64::from(records);
    let erased: u64 = erases.iter().map(|&erases| u64::from(erases)).sum();
    Some(Outcome {
        programmed: bytes_programmed as f64 / count / shape.record_size as f64,
        erases: erased as f64 * 1000.0 / count,
        twice: programmed_twice as f64 / count,
        read: bytes_read as f64 / count,
        ram,
    })
}

/// Stores `count` records and takes each 16 at once.
pub(crate) fn work(
    power: &Power,
    peer: &mut dyn Peer,
    shape: Shape,
    before: u32,
    count: u32,
) -> Result<(), Stop> {
    let mut wrong = 0;
    for number in before + 1..=before + count {
        power.rest();
        peer.store(&record(number, shape.record_size))?;
        if (number as usize).is_multiple_of(shape.delta) {
            peer.commit()?;
        }
        if number.is_multiple_of(DRAIN) {
            power.rest();
            let mut hand = |bytes: &[u8]| wrong += u32::from(number_of(bytes).is_none());
            peer.take(DRAIN as usize, &mut hand)?;
        }
    }
    if wrong == 0 {
        Ok(())
    } else {
        Err(Stop::Failed(Reason(format!("{wrong} records are wrong"))))
    }
}

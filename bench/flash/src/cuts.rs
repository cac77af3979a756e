//! Power cuts: the same work is cut at one step after another, and what is left is opened and
//! taken.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tslog_sim::nor::Nor;
use tslog_sim::power::{Fault, Power, Rng};

use crate::peers::{Chip, Kind, Peer, Shape, Stop};
use crate::{number_of, record};

pub(crate) const HEAD: &str = "\
| record / commit | | cuts | clean | committed records lost | records wrong | cannot go on |
|---|---|---|---|---|---|---|";

const SECTORS: u32 = 16;
const RECORDS: u32 = 448;
const CUTS: u64 = 150;

/// How one cut ended.
enum End {
    Clean,
    Lost,
    Wrong,
    Stuck,
}

/// What the world knows when the power goes.
#[derive(Default)]
struct Known {
    committed: u32,
    stored: u32,
    handed: BTreeSet<u32>,
    wrong: u32,
}

/// Prints the row of one peer; how many cuts there were, and how many did not end clean.
pub(crate) fn row(kind: Kind, delta: usize) -> (u32, u32) {
    let shape = Shape { record_size: 16, delta, sectors: SECTORS };
    let steps = steps(kind, shape);
    let (mut cuts, mut ends) = (0_u32, [0_u32; 4]);
    let stride = (steps / CUTS).max(1);
    for step in (1..=steps).step_by(usize::try_from(stride).unwrap_or(1)) {
        cuts += 1;
        let end = catch_unwind(AssertUnwindSafe(|| cut(kind, shape, step)));
        let end = end.unwrap_or_else(|_| {
            eprintln!("{}, cut at step {step}: a panic", kind.name());
            End::Stuck
        });
        ends[match end {
            End::Clean => 0,
            End::Lost => 1,
            End::Wrong => 2,
            End::Stuck => 3,
        }] += 1;
    }
    let [clean, lost, wrong, stuck] = ends;
    println!("| 16 / {delta} | {} | {cuts} | {clean} | {lost} | {wrong} | {stuck} |", kind.name());
    (cuts, cuts - clean)
}

fn warm_up(kind: Kind) -> u32 {
    if kind.is_slow() { 320 } else { 6_000 }
}

/// Steps that the work takes if nothing happens.
fn steps(kind: Kind, shape: Shape) -> u64 {
    let power = Power::new();
    let chip: Chip<4> = Nor::new(SECTORS as usize, &power, Rng::new(1)).lenient();
    let (mut known, mut before) = (Known::default(), 0);
    let worked = kind.with(&chip, shape, true, &mut |peer| {
        go(&power, peer, shape, &mut known, warm_up(kind))?;
        before = power.steps();
        go(&power, peer, shape, &mut known, RECORDS)
    });
    if let Err(error) = worked {
        eprintln!("{}: {error:?}", kind.name());
    }
    power.steps() - before
}

/// Stores and takes; the consumer stays 160 records behind.
fn go(
    power: &Power,
    peer: &mut dyn Peer,
    shape: Shape,
    known: &mut Known,
    count: u32,
) -> Result<(), Stop> {
    for _ in 0..count {
        power.rest();
        let number = known.stored + 1;
        known.stored = number;
        peer.store(&record(number, shape.record_size))?;
        if (number as usize).is_multiple_of(shape.delta) {
            peer.commit()?;
            known.committed = number;
        }
        if number.is_multiple_of(16) && number > 160 {
            power.rest();
            take(peer, known, 16)?;
        }
    }
    Ok(())
}

fn take(peer: &mut dyn Peer, known: &mut Known, most: usize) -> Result<usize, Stop> {
    peer.take(most, &mut |bytes| match number_of(bytes) {
        Some(number) => {
            known.handed.insert(number);
        }
        None => known.wrong += 1,
    })
}

fn cut(kind: Kind, shape: Shape, step: u64) -> End {
    let power = Power::new();
    let chip: Chip<4> = Nor::new(SECTORS as usize, &power, Rng::new(step)).lenient();
    let mut known = Known::default();
    // It ends in an error, that of the chip without power.
    let _ = kind.with(&chip, shape, true, &mut |peer| {
        go(&power, peer, shape, &mut known, warm_up(kind))?;
        power.plan(step, Fault::Cut);
        go(&power, peer, shape, &mut known, RECORDS)
    });
    power.restore();
    power.rest();
    let (committed, begun) = (known.committed, known.stored);
    let again = kind.with(&chip, shape, false, &mut |peer| {
        drain(&power, peer, &mut known)?;
        for number in begun + 1..=begun + 48 {
            power.rest();
            peer.store(&record(number, shape.record_size))?;
            if (number as usize).is_multiple_of(shape.delta) {
                peer.commit()?;
            }
        }
        peer.commit()?;
        drain(&power, peer, &mut known)
    });
    if let Err(error) = &again {
        eprintln!("{}, cut at step {step}: {error:?}", kind.name());
    }
    let there = |number: &u32| known.handed.contains(number);
    if known.wrong > 0 {
        End::Wrong
    } else if again.is_err() || !(begun + 1..=begun + 48).all(|number| there(&number)) {
        End::Stuck
    } else if !(1..=committed).all(|number| there(&number)) {
        End::Lost
    } else {
        End::Clean
    }
}

fn drain(power: &Power, peer: &mut dyn Peer, known: &mut Known) -> Result<(), Stop> {
    loop {
        power.rest();
        if take(peer, known, 16)? == 0 {
            return Ok(());
        }
    }
}

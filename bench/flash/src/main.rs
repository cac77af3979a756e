//! tslog beside its peers on one simulated NOR flash, as a page of Markdown on standard output:
//! `cargo run --release --manifest-path bench/flash/Cargo.toml > docs/flash-peers.md`. With the
//! word `figures`, what is held to bars stands behind it.
#![expect(clippy::print_stdout, reason = "the page is what this program is for")]
#![expect(clippy::cast_precision_loss, reason = "the counts are far below 2^52")]

mod cuts;
mod full;
mod peers;
mod steady;

use peers::Kind;

/// Record sizes and commits that are measured.
const WORK: [(usize, usize); 4] = [(16, 1), (16, 16), (128, 1), (128, 16)];

/// The record with number `number`, which it begins with.
fn record(number: u32, size: usize) -> Vec<u8> {
    let pattern = (0_u32..).map(|at| number.wrapping_mul(0x9E37_79B9).wrapping_add(at * 7));
    let pattern = pattern.map(|value| value.to_le_bytes()[3]);
    number.to_le_bytes().into_iter().chain(pattern).take(size).collect()
}

/// The number of a record, if all of it is as it was stored.
fn number_of(bytes: &[u8]) -> Option<u32> {
    let number = u32::from_le_bytes(*bytes.first_chunk()?);
    (bytes == record(number, bytes.len())).then_some(number)
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    println!("{}", include_str!("head.md").trim_end());
    println!("\n## Steady work\n\n{}", steady::HEAD);
    for (record_size, delta) in WORK {
        for kind in Kind::ALL {
            steady::row(kind, record_size, delta);
        }
    }
    println!("\n## A full partition\n\n{}", full::HEAD);
    for (record_size, delta) in WORK {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.takes(4, delta)) {
            full::row(kind, record_size, delta);
        }
    }
    println!("\n## Power cuts\n\n{}", cuts::HEAD);
    let (mut cuts, mut unclean) = (0, 0);
    for delta in [1, 16] {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.takes(4, delta)) {
            let row = cuts::row(kind, delta);
            if kind == Kind::Log {
                (cuts, unclean) = (cuts + row.0, unclean + row.1);
            }
        }
    }
    println!("\n{}", include_str!("foot.md").trim_end());
    if std::env::args().nth(1).is_some_and(|word| word == "figures") {
        println!("\nflash-peers_cuts {cuts} count\nflash-peers_unclean {unclean} count");
    }
}

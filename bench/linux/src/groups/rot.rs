//! Single bits flipped in a closed store, each followed by opening it and reading all.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Pace;
use crate::image::{Bit, Image};
use crate::part::Part;
use crate::peers::Kind;
use crate::random::Random;
use crate::record;
use crate::results::Results;
use crate::run::{Job, Said};
use tslog_sim::mount::Ext4;

pub const NAME: &str = "rot";

/// The case of bits spread over all files.
pub const SPREAD: &str = "spread";
/// The case of one bit in record 800.
pub const ONE: &str = "one";

/// Records in the store, and in a commit.
pub const RECORDS: usize = 1600;
const COMMIT: usize = 16;
const RECORD_SIZE: usize = 16;

/// Opening and reading 1600 records takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);

/// What came of a flipped bit, the best first.
pub const OUTCOMES: [&str; 6] = ["right", "told", "told-more", "lost", "wrong", "panicked"];

pub fn run(ext4: &Ext4, pace: Pace, results: &mut Results) {
    let kinds = Kind::ALL.iter().copied().filter(|kind| !kind.is_baseline());
    for kind in kinds {
        let folder = ext4.memory_folder("rot");
        let filled = job(Part::Fill, kind, &folder, RECORDS).run();
        let image = Image::read(&folder).map_err(|error| error.to_string());
        let image = filled.failure.map_or(image, Err);
        match image {
            Ok(image) => flip(kind, &image, &folder, pace, results),
            Err(error) => results.add((NAME, SPREAD), kind, "failure", &error),
        }
        ext4.memory_folder("rot");
    }
}

fn job(part: Part, kind: Kind, folder: &Path, records: usize) -> Job<'_> {
    let (record_size, commit) = (RECORD_SIZE, COMMIT);
    Job { part, kind, folder, record_size, commit, durable: true, records }
}

fn flip(kind: Kind, image: &Image, folder: &Path, pace: Pace, results: &mut Results) {
    let case = (NAME, ONE);
    match image.find(&record::mixed(RECORDS as u64 / 2).to_le_bytes()) {
        Some(bit) => {
            let said = check(kind, image, folder, bit);
            results.add(case, kind, "outcome", &outcome(&said).0);
            results.add(case, kind, "right", &said.count("right"));
            results.add(case, kind, "wrong", &said.count("wrong"));
            let words = said.failure.as_deref().or(said.text("refused")).or(said.text("told"));
            // Where the store lay is of no interest, and another place each time.
            let words = words.unwrap_or("nothing").replace(&folder.display().to_string(), "...");
            results.add(case, kind, "words", &words);
        }
        None => results.add(case, kind, "outcome", &"not found as it was stored"),
    }
    let case = (NAME, SPREAD);
    let flips = pace.tries(400);
    let bits = image.bits();
    results.add(case, kind, "bytes", &(bits / 8));
    let mut random = Random::new(1);
    for flip in 0..flips {
        // One in each of as many equal parts of the store.
        let (begin, end) = (bits * flip / flips, bits * (flip + 1) / flips);
        let Some(bit) = image.bit(begin + random.below(end - begin)) else { continue };
        let said = check(kind, image, folder, bit);
        let (outcome, missing) = outcome(&said);
        results.add(case, kind, outcome, &missing);
        if matches!(outcome, "lost" | "wrong" | "panicked") && kind == Kind::Tslog {
            eprintln!("{} is {outcome}: {}: {said:?}", kind.name(), image.place(bit));
        }
    }
}

fn check(kind: Kind, image: &Image, folder: &Path, bit: Bit) -> Said {
    // Where nothing is left to remove, the next call says what is wrong.
    let _ = fs::remove_dir_all(folder);
    if let Err(error) = image.write(folder, Some(bit)) {
        return Said::failed(&error);
    }
    // No records: it stores nothing.
    job(Part::Check, kind, folder, 0).run_within(DEADLINE)
}

/// Which of [`OUTCOMES`] it is, and how many records were not delivered.
fn outcome(said: &Said) -> (&'static str, u64) {
    let missing = (RECORDS as u64).saturating_sub(said.count("right"));
    let told = said.text("refused").is_some() || said.text("told").is_some();
    let outcome = match (said.count("wrong"), missing) {
        _ if said.failure.is_some() => "panicked",
        (1.., _) => "wrong",
        (0, 0) => "right",
        (0, missing) if told && missing <= COMMIT as u64 => "told",
        (0, _) if told => "told-more",
        (0, _) => "lost",
    };
    (outcome, missing)
}

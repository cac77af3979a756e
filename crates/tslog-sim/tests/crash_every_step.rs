//! A few thousand crash states on each medium; the program `crash` tries as many as are wanted.

use tslog_sim::harness::{Kind, campaign, keep_panics, works_ahead};

fn survives_cuts_at_every_step(kind: Kind, seeds: impl Iterator<Item = u64>) {
    keep_panics();
    let (mut states, mut violations) = (0, Vec::new());
    for seed in seeds {
        let outcome = campaign(kind, seed);
        states += outcome.states;
        violations.extend(outcome.violations.iter().map(ToString::to_string));
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    assert!(states > 2_000, "only {states} states were tried");
}

#[test]
fn a_log_on_flash_survives_cuts_at_every_step() {
    survives_cuts_at_every_step(Kind::Nor, 1..16);
}

#[test]
fn a_log_on_fixed_slots_survives_cuts_at_every_step() {
    survives_cuts_at_every_step(Kind::Fixed, 1..16);
}

#[test]
fn a_log_on_named_slots_survives_cuts_at_every_step() {
    survives_cuts_at_every_step(Kind::Named, 1..16);
}

#[test]
fn a_log_in_a_folder_survives_cuts_at_every_step() {
    survives_cuts_at_every_step(Kind::Folder, 1..16);
}

#[test]
fn a_log_that_works_ahead_survives_cuts_at_every_step() {
    for kind in [Kind::Nor, Kind::Fixed] {
        survives_cuts_at_every_step(kind, (0..150).filter(|&seed| works_ahead(seed)));
    }
}

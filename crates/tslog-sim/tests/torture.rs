//! A small part of each campaign, and that a campaign notices a medium that lies.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use tslog_sim::disk::Sabotage;
use tslog_sim::harness::keep_panics;
use tslog_sim::torture::{Options, Size, Tally, calls, cuts, nor, recovery, soak};

fn options(workload: &str) -> Options {
    Options {
        size: Size::Quick,
        seed: 1,
        threads: 1,
        workload: Some(workload.into()),
        case: None,
        sabotage: None,
        progress: false,
    }
}

fn tried(tally: Result<Tally, String>) -> Tally {
    let tally = tally.unwrap_or_else(|message| panic!("{message}"));
    let violations =
        tally.violations.iter().map(|found| format!("{} {}", found.case, found.message));
    let violations: Vec<_> = violations.collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    tally
}

#[test]
fn every_subset_of_what_was_not_safe_may_be_lost() {
    keep_panics();
    for workload in ["commit", "roll", "delete-many", "recreate", "slots-roll", "ring-roll"] {
        let tally = tried(cuts::run(&options(workload)));
        assert!(tally.states > 1_000, "{workload} has {} states only", tally.states);
    }
}

#[test]
fn the_power_may_go_again_while_the_log_recovers() {
    keep_panics();
    for workload in ["create", "cursor", "delete", "ring-roll"] {
        let tally = tried(recovery::run(&options(workload)));
        assert!(tally.counts["two_deep"] > 100 && tally.counts["three_deep"] > 0, "{workload}");
    }
}

#[test]
fn the_power_may_go_at_every_byte_that_is_programmed() {
    keep_panics();
    let tally = tried(nor::run(&options("ring-close")));
    assert!(tally.states > 2_000 && tally.counts["geometries"] >= 6, "{}", tally.states);
}

#[test]
fn every_call_to_a_folder_may_fail() {
    keep_panics();
    for workload in ["create", "roll", "cursor", "recreate"] {
        let tally = tried(calls::run(&options(workload)));
        assert!(tally.states > 40, "{workload} has {} runs only", tally.states);
    }
}

#[test]
fn a_disk_that_skips_syncs_is_noticed() {
    keep_panics();
    for (how, workloads) in [
        (Sabotage::SkipSync, ["commit", "roll", "cursor", "slots-roll"]),
        (Sabotage::SkipFolderSync, ["create", "roll", "delete", "recreate"]),
    ] {
        for workload in workloads {
            let options = Options { sabotage: Some(how), ..options(workload) };
            let tally = cuts::run(&options).unwrap_or_else(|message| panic!("{message}"));
            assert!(!tally.violations.is_empty(), "{how:?} goes unnoticed in {workload}");
        }
    }
}

#[test]
fn a_case_is_made_again_by_its_path_alone() {
    keep_panics();
    let broken = Options { sabotage: Some(Sabotage::SkipSync), ..options("roll") };
    let found = cuts::run(&broken).unwrap_or_else(|message| panic!("{message}"));
    let case: Vec<_> = found.violations[0].case.split('/').map(str::to_string).collect();
    let again = Options { workload: None, case: Some(case), ..broken };
    let again = cuts::run(&again).unwrap_or_else(|message| panic!("{message}"));
    assert_eq!((again.states, again.violations.len()), (1, 1));
    assert_eq!(again.violations[0].message, found.violations[0].message);
}

#[test]
fn a_case_of_the_soak_lives_up_to_its_day_and_no_further() {
    keep_panics();
    let case = |path: &str| path.split('/').map(str::to_string).collect();
    let days = |path| soak::run(&Options { case: Some(case(path)), ..options("") });
    let tally = tried(days("day/0"));
    assert_eq!((tally.counts["days"], tally.counts["cuts"]), (1, 1));
    assert!(tally.states >= 86_000, "a day has {} records", tally.states);
    assert!(days("night/0").is_err() && days("day/noon").is_err());
}

//! Crashes that once broke a promise, each by the case that showed it.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use tslog_sim::harness::{Case, Kind, keep_panics, replay};
use tslog_sim::torture::{Options, Size, Tally, calls};

fn survives(kind: Kind, cases: &[(u64, u64, u64)]) {
    keep_panics();
    for &(seed, cut, variant) in cases {
        let outcome = replay(Case { kind, seed, cut, variant });
        let violations: Vec<_> = outcome.violations.iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        assert!(outcome.states > 0, "seed {seed:#x} tries nothing");
    }
}

/// Makes one case of a campaign again, by its seed and its path.
fn survives_case(run: fn(&Options) -> Result<Tally, String>, seed: u64, case: &str) {
    keep_panics();
    let case = Some(case.split('/').map(str::to_string).collect());
    let (size, workload) = (Size::Quick, None);
    let options =
        Options { size, seed, threads: 1, workload, case, sabotage: None, progress: false };
    let tally = run(&options).unwrap_or_else(|message| panic!("{message}"));
    assert_eq!(tally.violations.first().map(|found| &found.message), None);
    assert_eq!(tally.states, 1);
}

#[test]
fn a_sync_that_fails_for_want_of_space_while_a_header_is_mended_is_told_at_once() {
    for case in ["header-mends/0/11/2", "header-mends/0/11/4", "second-header-mends/0/11/2"] {
        survives_case(calls::run, 1, case);
    }
}

#[test]
fn a_reader_can_commit_although_a_reopened_ring_has_more_buckets_than_its_cap() {
    survives(Kind::Nor, &[(0x18, 131, 0), (0x1c, 201, 0), (0x20, 215, 0)]);
    survives(Kind::Fixed, &[(0x16, 89, 1), (0x18, 55, 0), (0x2f, 17, 0)]);
}

#[test]
fn a_bucket_whose_header_was_torn_takes_no_cursor_with_it() {
    survives(Kind::Nor, &[(0x2, 145, 0), (0x16, 299, 0), (0x17, 57, 0)]);
    survives(Kind::Fixed, &[(0x10, 30, 0), (0x1b, 151, 1), (0x25, 5, 0), (0x4d, 71, 0)]);
}

#[test]
fn a_torn_payload_is_not_taken_for_a_frame_of_another_number() {
    survives(Kind::Nor, &[(0x2a, 60, 0), (0x2f, 87, 0), (0x3a, 137, 0)]);
    survives(Kind::Fixed, &[(0x64, 46, 1)]);
}

#[test]
fn bits_that_read_right_by_chance_are_not_believed() {
    survives(Kind::Nor, &[(0x86, 111, 0), (0xa9, 93, 0), (0x5c, 73, 0)]);
    survives(Kind::Nor, &[(0x1422, 201, 0), (0x1653, 204, 0), (0x180d, 52, 0)]);
}

#[test]
fn a_bucket_that_is_erased_in_part_may_begin_with_a_later_number_each_time_it_is_read() {
    survives(Kind::Nor, &[(0x4b, 2301, 8)]);
}

#[test]
fn a_store_on_a_full_disk_works_again_once_the_readers_have_drained() {
    survives(Kind::Named, &[(0xd, 0, 0), (0x36, 0, 0), (0x5a, 2, 0), (0x173e, 423, 2)]);
}

#[test]
fn an_empty_log_on_a_full_disk_does_not_look_for_buckets_to_drop_forever() {
    survives(Kind::Named, &[(0x10, 0, 0), (0x18, 47, 0), (0x2f, 21, 0)]);
}

#[test]
fn parts_of_a_commit_that_never_ended_are_no_records() {
    survives(Kind::Named, &[(0x13, 11, 1), (0x5b, 28, 0), (0x9f, 26, 0), (0x28, 43, 0)]);
    survives(Kind::Named, &[(0x98, 211, 2), (0x14ad, 98, 1), (0x1773, 44, 1)]);
}

#[test]
fn a_log_whose_making_was_cut_can_be_made_whatever_the_cut_left_of_its_magic() {
    survives(Kind::Named, &[(0x66, 3, 0)]);
}

#[test]
fn the_first_commit_of_a_reader_that_is_torn_leaves_it_at_the_oldest_record() {
    survives(Kind::Named, &[(0x29, 46, 1), (0x3d, 100, 0), (0x70, 72, 0)]);
}

#[test]
fn a_commit_on_its_way_at_a_reset_is_made_durable_before_it_counts() {
    survives(Kind::Fixed, &[(0x2, 25, 10), (0x3, 126, 10), (0x4, 59, 9)]);
}

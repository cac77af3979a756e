//! The simulated folder forgets all that a real one may, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::ErrorKind;
use tslog::storage::dir::{Dir, Name};
use tslog_sim::power::{Fault, Power, Rng};
use tslog_sim::simdir::SimDir;

const BUCKET: Name = Name::Bucket(0);

fn dir(seed: u64) -> (SimDir, Power) {
    let power = Power::new();
    (SimDir::new(10_000, &power, Rng::new(seed)), power)
}

/// A folder with a file of 2,000 ones, all of it synced.
fn with_file(seed: u64) -> (SimDir, Power) {
    let (mut dir, power) = dir(seed);
    dir.create(BUCKET).unwrap();
    dir.write(BUCKET, 0, &[1; 2000]).unwrap();
    dir.sync(BUCKET).unwrap();
    dir.sync_names().unwrap();
    (dir, power)
}

fn bytes(dir: &mut SimDir, name: Name) -> Option<Vec<u8>> {
    let size = dir.size(name).unwrap()?;
    let mut out = vec![0; usize::try_from(size).unwrap()];
    assert_eq!(dir.read(name, 0, &mut out).unwrap(), out.len());
    Some(out)
}

/// How the sectors of the bytes behind the first 2,000 came out: a letter each.
fn sectors(bytes: &[u8], new: u8) -> String {
    let ends = [2048, 2560, 3072, 3500];
    let sector = |(from, to): (usize, usize)| match bytes.get(from..to) {
        Some(bytes) if bytes.iter().all(|&byte| byte == new) => 'n',
        Some(bytes) if bytes.iter().all(|&byte| byte == 0) => '0',
        Some(_) => 't',
        None => '-',
    };
    [2000, 2048, 2560, 3072].into_iter().zip(ends).map(sector).collect()
}

#[test]
fn each_sector_and_the_length_of_a_file_are_kept_or_lost_by_themselves() {
    let mut seen = BTreeSet::new();
    for seed in 0..2000 {
        let (mut dir, _) = with_file(seed);
        let mut other = dir.clone();
        other.write(BUCKET, 2000, &[2; 1500]).unwrap();
        assert_eq!(bytes(&mut dir, BUCKET).unwrap().len(), 3500, "seen at once, by all handles");
        dir.cycle();
        let after = bytes(&mut dir, BUCKET).unwrap();
        assert_eq!(after[..2000], [1; 2000], "what was synced stays");
        seen.insert(sectors(&after, 2));
    }
    for state in ["nnnn", "----", "0000", "0nnn", "n0n0", "nn--", "0n0-", "nntn"] {
        assert!(seen.contains(state), "{state} is not among {seen:?}");
    }
}

#[test]
fn a_new_file_may_vanish_though_its_bytes_were_synced_and_a_removed_one_may_come_back() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let (mut dir, _) = with_file(seed);
        assert!(dir.remove(BUCKET).unwrap());
        dir.create(Name::Bucket(1)).unwrap();
        dir.write(Name::Bucket(1), 0, b"new").unwrap();
        dir.sync(Name::Bucket(1)).unwrap();
        dir.cycle();
        let (old, new) = (bytes(&mut dir, BUCKET), bytes(&mut dir, Name::Bucket(1)));
        assert!(old.as_ref().is_none_or(|old| *old == [1; 2000]));
        assert!(new.as_ref().is_none_or(|new| new == b"new"));
        seen.insert((old.is_some(), new.is_some()));
    }
    assert_eq!(seen.len(), 4, "each name by itself: {seen:?}");
}

#[test]
fn a_file_made_anew_is_the_old_one_none_or_the_new_one() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let (mut dir, _) = with_file(seed);
        dir.remove(BUCKET).unwrap();
        dir.create(BUCKET).unwrap();
        dir.cycle();
        seen.insert(bytes(&mut dir, BUCKET).map(|bytes| bytes.len()));
        dir.cycle();
        dir.sync_names().unwrap();
    }
    assert_eq!(seen, BTreeSet::from([None, Some(0), Some(2000)]));
}

#[test]
fn what_was_synced_stays_whatever_happens_to_the_rest() {
    for seed in 0..200 {
        let (mut dir, _) = with_file(seed);
        dir.create(Name::Lock).unwrap();
        dir.remove(BUCKET).unwrap();
        dir.sync_names().unwrap();
        dir.cycle();
        assert_eq!(bytes(&mut dir, Name::Lock).map(|bytes| bytes.len()), Some(0));
        assert_eq!(bytes(&mut dir, BUCKET), None);
    }
}

#[test]
fn a_truncation_may_be_undone() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let (mut dir, _) = with_file(seed);
        dir.truncate(BUCKET, 600).unwrap();
        assert_eq!(bytes(&mut dir, BUCKET).unwrap(), [1; 600]);
        dir.cycle();
        let after = bytes(&mut dir, BUCKET).unwrap();
        seen.insert((after.len() == 2000, after.iter().all(|&byte| byte == 1)));
        assert!(after.len() >= 600 && after[..600] == [1; 600]);
    }
    assert_eq!(seen.len(), 4, "whole or in part, and with zeros for what was cut off: {seen:?}");
}

#[test]
fn a_folder_without_space_writes_a_part_and_leaves_room_for_readers() {
    let (mut dir, _) = with_file(1);
    dir.set_budget(2500);
    let full = dir.write(BUCKET, 2000, &[2; 1500]).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    assert_eq!((bytes(&mut dir, BUCKET).unwrap().len(), dir.used()), (2500, 2500));
    dir.create(Name::Reader(0)).unwrap();
    dir.write(Name::Reader(0), 0, &[0; 8192]).unwrap();
    dir.truncate(BUCKET, 2000).unwrap();
    dir.write(BUCKET, 2000, &[2; 500]).unwrap();
}

#[test]
fn after_a_failed_sync_the_bytes_are_given_up_and_the_next_sync_says_all_is_well() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..200 {
        let (mut dir, power) = with_file(seed);
        dir.write(BUCKET, 2000, &[2; 1500]).unwrap();
        power.plan(1, Fault::Error);
        dir.sync(BUCKET).unwrap_err();
        dir.sync(BUCKET).unwrap();
        let after = bytes(&mut dir, BUCKET).unwrap();
        dir.cycle();
        assert_eq!(bytes(&mut dir, BUCKET).unwrap(), after, "nothing is pending");
        kept += u32::from(sectors(&after, 2) == "nnnn");
        lost += u32::from(sectors(&after, 2) != "nnnn");
    }
    assert!(kept > 20 && lost > 20, "{kept} kept and {lost} lost of 200");
}

#[test]
fn without_power_nothing_works_and_nothing_changes() {
    let (mut dir, power) = with_file(1);
    power.cut();
    dir.write(BUCKET, 2000, &[2; 10]).unwrap_err();
    dir.create(Name::Lock).unwrap_err();
    dir.truncate(BUCKET, 0).unwrap_err();
    dir.remove(BUCKET).unwrap_err();
    dir.sync(BUCKET).unwrap_err();
    dir.sync_names().unwrap_err();
    dir.read(BUCKET, 0, &mut [0]).unwrap_err();
    dir.size(BUCKET).unwrap_err();
    dir.list(&mut |_| {}).unwrap_err();
    power.restore();
    assert_eq!(bytes(&mut dir, BUCKET).unwrap(), [1; 2000]);
    let mut names = Vec::new();
    dir.list(&mut |name| names.push(name)).unwrap();
    assert_eq!(names, [BUCKET]);
}

#[test]
fn what_a_killed_program_wrote_is_seen_by_the_next_one_and_not_yet_safe() {
    let mut lost = 0;
    for seed in 0..100 {
        let (mut dir, power) = with_file(seed);
        dir.write(BUCKET, 2000, &[2; 10]).unwrap();
        power.plan(1, Fault::Kill);
        dir.sync(BUCKET).unwrap_err();
        assert!(power.killed() && dir.write(BUCKET, 2010, &[3; 10]).is_err());
        power.restore();
        assert_eq!(bytes(&mut dir, BUCKET).unwrap()[2000..], [2; 10]);
        dir.cycle();
        lost += u32::from(bytes(&mut dir, BUCKET).unwrap().get(2000..) != Some(&[2; 10]));
    }
    assert!((20..90).contains(&lost), "{lost} of 100 were lost");
}

#[test]
#[should_panic(expected = "is written twice")]
fn a_byte_of_a_bucket_cannot_be_written_twice() {
    let (mut dir, _) = with_file(1);
    dir.write(BUCKET, 1999, &[1; 2]).unwrap();
}

//! The simulated media are as bad as they promise.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use tslog::storage::{Geometry, Slots, Storage};
use tslog_sim::nor::Nor;
use tslog_sim::power::{Fault, Power, Rng};
use tslog_sim::slots::SimSlots;

type Chip = Nor<4, 256>;

fn word(chip: &mut Chip, at: u32) -> [u8; 4] {
    let mut out = [0; 4];
    chip.read(at, &mut out).unwrap();
    out
}

#[test]
#[should_panic(expected = "programmed twice")]
fn a_word_cannot_be_programmed_twice() {
    let mut chip = Chip::new(1, &Power::new(), Rng::new(1));
    chip.write(8, &[1; 4]).unwrap();
    chip.write(8, &[1; 4]).unwrap();
}

#[test]
fn programming_only_clears_bits_and_is_counted() {
    let mut chip = Chip::new(1, &Power::new(), Rng::new(1)).lenient();
    chip.write(8, &[0xF0; 4]).unwrap();
    chip.write(8, &[0x3C; 4]).unwrap();
    assert_eq!(word(&mut chip, 8), [0x30; 4]);
    let counts = chip.counts();
    assert_eq!((counts.programmed_twice, counts.bytes_programmed, counts.programs), (1, 8, 2));
}

#[test]
fn a_cut_leaves_words_torn_and_some_of_their_bits_unstable() {
    let (mut torn, mut unstable) = (0, 0);
    for seed in 0..500 {
        let power = Power::new();
        let mut chip = Chip::new(1, &power, Rng::new(seed));
        power.plan(2, Fault::Cut);
        assert!(chip.write(0, &[0; 12]).is_err());
        assert!(chip.read(0, &mut [0; 4]).is_err(), "the power is off");
        power.restore();
        assert_eq!(word(&mut chip, 0), [0; 4], "the word before the cut is whole");
        let reads: Vec<_> = (0..8).map(|_| word(&mut chip, 4)).collect();
        unstable += u32::from(reads.iter().any(|read| *read != reads[0]));
        torn += u32::from(reads[0] != [0; 4] && reads[0] != [0xFF; 4]);
        chip.erase(0, 256).unwrap();
        for _ in 0..8 {
            assert_eq!(word(&mut chip, 4), [0xFF; 4], "an erase heals");
        }
    }
    assert!(torn > 200 && unstable > 200, "{torn} torn and {unstable} unstable words of 500");
}

#[test]
fn a_torn_erase_leaves_old_and_blank_bytes() {
    let (mut heads, mut tails) = (0, 0);
    for seed in 0..200 {
        let power = Power::new();
        let mut chip = Chip::new(1, &power, Rng::new(seed));
        chip.write(0, &[0; 256]).unwrap();
        power.plan(3, Fault::Cut);
        assert!(chip.erase(0, 256).is_err());
        power.restore();
        let (head, tail) = (word(&mut chip, 0), word(&mut chip, 252));
        heads += u32::from(head == [0xFF; 4] && tail == [0; 4]);
        tails += u32::from(head == [0; 4] && tail == [0xFF; 4]);
    }
    assert!(heads > 10 && tails > 10, "{heads} blank heads and {tails} blank tails");
}

fn slots(power: &Power, seed: u64, slots: Slots) -> SimSlots {
    let geometry = Geometry { slot_count: 8, slot_size: 1024, write_size: 1, slots };
    SimSlots::new(geometry, 3000, power, Rng::new(seed))
}

#[test]
fn what_was_not_synced_may_be_kept_lost_torn_and_reordered() {
    let (mut kept, mut lost, mut torn, mut reordered) = (0, 0, 0, 0);
    for seed in 0..400 {
        let mut medium = slots(&Power::new(), seed, Slots::Fixed);
        medium.write(2, 0, &[1; 100]).unwrap();
        medium.write(3, 0, &[2; 100]).unwrap();
        medium.cycle();
        let mut read = |slot| {
            let mut out = [0; 100];
            medium.read(slot, 0, &mut out).unwrap();
            out
        };
        let (one, two) = (read(2), read(3));
        kept += u32::from(one == [1; 100]);
        lost += u32::from(one == [0xFF; 100]);
        torn += u32::from(one != [1; 100] && one != [0xFF; 100]);
        reordered += u32::from(one == [0xFF; 100] && two == [2; 100]);
    }
    assert!(kept.min(lost).min(torn).min(reordered) > 15, "{kept} {lost} {torn} {reordered}");
}

#[test]
fn what_was_synced_is_safe() {
    for seed in 0..50 {
        for kind in [Slots::Fixed, Slots::Named] {
            let mut medium = slots(&Power::new(), seed, kind);
            medium.erase(2).unwrap();
            medium.write(2, 0, &[1; 100]).unwrap();
            medium.sync().unwrap();
            medium.write(2, 100, &[2; 100]).unwrap();
            medium.cycle();
            let mut out = [0; 100];
            medium.read(2, 0, &mut out).unwrap();
            assert_eq!(out, [1; 100]);
        }
    }
}

#[test]
fn a_new_name_may_vanish_until_it_is_synced() {
    let mut vanished = 0;
    for seed in 0..100 {
        let mut medium = slots(&Power::new(), seed, Slots::Named);
        medium.erase(5).unwrap();
        medium.write(5, 0, &[1; 10]).unwrap();
        medium.cycle();
        vanished += u32::from(medium.present(u32::MAX).unwrap().is_none());
    }
    assert!((20..90).contains(&vanished), "{vanished} of 100 vanished");
}

#[test]
fn a_full_medium_refuses_and_changes_nothing() {
    let mut medium = slots(&Power::new(), 1, Slots::Named);
    medium.erase(2).unwrap();
    medium.reserve(2, 1000).unwrap();
    medium.erase(3).unwrap();
    medium.set_budget(1500);
    let refused = medium.reserve(3, 600).unwrap_err();
    assert!(SimSlots::is_full(&refused));
    assert_eq!(medium.extent(3), Ok(0));
    medium.write(2, 0, &[1; 1000]).unwrap();
    medium.discard(2).unwrap();
    medium.reserve(3, 600).unwrap();
}

#[test]
#[should_panic(expected = "is written twice")]
fn simulated_slots_refuse_a_second_write() {
    let mut medium = slots(&Power::new(), 1, Slots::Fixed);
    medium.write(2, 10, &[1; 10]).unwrap();
    medium.write(2, 19, &[1; 10]).unwrap();
}

#[test]
fn a_cursor_place_is_torn_alone() {
    let mut torn = 0;
    for seed in 0..100 {
        let power = Power::new();
        let mut medium = slots(&power, seed, Slots::Named);
        medium.set_readers(1).unwrap();
        medium.write_cursor(0, 0, &[1; 32]).unwrap();
        power.plan(1, Fault::Cut);
        assert!(medium.write_cursor(0, 1, &[2; 32]).is_err());
        power.restore();
        medium.cycle();
        let mut out = [0; 32];
        medium.read_cursor(0, 0, &mut out).unwrap();
        assert_eq!(out, [1; 32]);
        medium.read_cursor(0, 1, &mut out).unwrap();
        torn += u32::from(out != [0; 32] && out != [2; 32]);
    }
    assert!(torn > 20, "{torn} of 100 were torn");
}

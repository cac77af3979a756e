//! Every storage passes the same tests of its contract.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tslog::storage::flash::Flash;
use tslog::storage::folder::Folder;
use tslog::storage::ram::Ram;
use tslog::storage::{Geometry, Slots};
use tslog_sim::contract::check_contract;
use tslog_sim::nor::Nor;
use tslog_sim::power::{Power, Rng};
use tslog_sim::simdir::SimDir;
use tslog_sim::slots::SimSlots;

#[test]
fn ram_keeps_the_contract() {
    for write_size in [1, 2, 4, 8, 16, 32] {
        check_contract(|| Ram::new(vec![0xFF; 6 * 1024], 1024, write_size));
    }
}

fn check_flash<const WRITE: usize, const READ: usize>() {
    check_contract(|| {
        let nor = Nor::<WRITE, 256, READ>::new(32, &Power::new(), Rng::new(1));
        // Not from the beginning of the chip, and with slots of several sectors.
        Flash::new(nor, 512..512 + 6 * 1024, 1024).unwrap()
    });
}

#[test]
fn flash_keeps_the_contract_with_every_word_size() {
    check_flash::<1, 1>();
    check_flash::<4, 1>();
    check_flash::<8, 1>();
    check_flash::<16, 1>();
    check_flash::<32, 1>();
}

#[test]
fn flash_keeps_the_contract_on_chips_that_read_only_whole_words() {
    check_flash::<4, 4>();
    check_flash::<1, 16>();
    check_flash::<32, 32>();
}

#[test]
fn simulated_slots_keep_the_contract_that_they_hold_others_to() {
    let fixed = Geometry { slot_count: 8, slot_size: 2048, write_size: 4, slots: Slots::Fixed };
    let named =
        Geometry { slot_count: u32::MAX, slot_size: 2048, write_size: 1, slots: Slots::Named };
    for geometry in [fixed, named] {
        check_contract(|| SimSlots::new(geometry, 1 << 20, &Power::new(), Rng::new(2)));
    }
}

#[test]
fn a_folder_keeps_the_contract() {
    let temp = tempfile::tempdir().unwrap();
    let mut count = 0;
    check_contract(|| {
        count += 1;
        Folder::open_writer(&temp.path().join(format!("log{count}")), true).unwrap()
    });
    assert!(count > 10, "{count} folders were tried");
}

#[test]
fn a_simulated_folder_keeps_the_contract() {
    check_contract(|| Folder::new(SimDir::new(1 << 20, &Power::new(), Rng::new(3))));
}

//! The contract of [`Storage`] as tests that every storage passes, real and simulated alike.

use tslog::MAX_READERS;
use tslog::storage::{CURSOR_PLACE_SIZE, FIRST_BUCKET_SLOT, Present, Slots, Storage};

/// Slots that every storage has.
const SLOTS: [u32; 4] = [0, 1, FIRST_BUCKET_SLOT, FIRST_BUCKET_SLOT + 1];

/// Runs all tests on storages that `make` makes; each must be blank.
pub fn check_contract<S: Storage>(mut make: impl FnMut() -> S) {
    for check in [
        blank_slots_read_blank,
        what_was_written_reads_back_at_once,
        writes_in_pieces_meet_without_a_gap,
        an_erased_slot_is_blank_and_writable,
        slots_do_not_touch_each_other,
        reserved_bytes_are_blank_and_keep_what_was_written,
        a_slot_can_be_filled_to_its_end,
        synced_bytes_stay,
    ] {
        check(&mut make());
    }
    if make().geometry().slots == Slots::Named {
        for check in [
            discarded_slots_are_gone,
            present_names_the_ends_of_the_ring,
            cursor_places_begin_as_zeros_and_keep_what_was_written,
            readers_come_and_go,
        ] {
            check(&mut make());
        }
    }
}

fn blank<S: Storage>(storage: &S) -> u8 {
    if storage.geometry().slots == Slots::Fixed { 0xFF } else { 0 }
}

/// Bytes that differ from place to place, as many words as are asked for.
fn pattern<S: Storage>(storage: &S, words: usize, salt: u8) -> Vec<u8> {
    let len = words * storage.geometry().write_size as usize;
    (0..len).map(|at| (at as u8).wrapping_mul(31).wrapping_add(salt) | 1).collect()
}

fn read<S: Storage>(storage: &mut S, slot: u32, offset: u32, len: usize) -> Vec<u8> {
    let mut out = vec![0x5A; len];
    storage.read(slot, offset, &mut out).expect("reads work");
    out
}

fn blank_slots_read_blank<S: Storage>(storage: &mut S) {
    let blank = blank(storage);
    for slot in SLOTS {
        assert_eq!(read(storage, slot, 0, 100), vec![blank; 100], "slot {slot} is not blank");
        let extent = storage.extent(slot).expect("extent works");
        let named = storage.geometry().slots == Slots::Named;
        assert_eq!(extent, if named { 0 } else { storage.geometry().slot_size });
    }
    assert!(read(storage, 2, 3, 0).is_empty());
}

fn what_was_written_reads_back_at_once<S: Storage>(storage: &mut S) {
    let (blank, word) = (blank(storage), storage.geometry().write_size);
    storage.erase(2).expect("erase works");
    let data = pattern(storage, 3, 1);
    storage.write(2, word, &data).expect("write works");
    assert_eq!(read(storage, 2, word, data.len()), data);
    assert_eq!(read(storage, 2, 0, word as usize), vec![blank; word as usize]);
    assert_eq!(read(storage, 2, word * 4, 10), vec![blank; 10]);
    assert!(storage.extent(2).expect("extent works") >= word * 4);
    assert_eq!(read(storage, 2, word + 1, data.len() - 1), data[1..], "reads need no alignment");
}

fn writes_in_pieces_meet_without_a_gap<S: Storage>(storage: &mut S) {
    storage.erase(3).expect("erase works");
    let data = pattern(storage, 12, 2);
    let word = storage.geometry().write_size as usize;
    let mut done = 0;
    for words in [1, 2, 3, 6] {
        let next = done + words * word;
        storage.write(3, done as u32, &data[done..next]).expect("write works");
        done = next;
    }
    assert_eq!(read(storage, 3, 0, data.len()), data);
}

fn an_erased_slot_is_blank_and_writable<S: Storage>(storage: &mut S) {
    let blank = blank(storage);
    storage.erase(2).expect("erase works");
    let (one, two) = (pattern(storage, 4, 3), pattern(storage, 2, 200));
    storage.write(2, 0, &one).expect("write works");
    storage.sync().expect("sync works");
    storage.erase(2).expect("erase works");
    assert_eq!(read(storage, 2, 0, one.len()), vec![blank; one.len()]);
    storage.write(2, 0, &two).expect("write works");
    assert_eq!(read(storage, 2, 0, two.len()), two);
    assert_eq!(read(storage, 2, two.len() as u32, two.len()), vec![blank; two.len()]);
}

fn slots_do_not_touch_each_other<S: Storage>(storage: &mut S) {
    for slot in SLOTS {
        storage.erase(slot).expect("erase works");
        let data = pattern(storage, 5, slot as u8);
        storage.write(slot, 0, &data).expect("write works");
    }
    storage.erase(2).expect("erase works");
    for slot in [0, 1, 3] {
        let data = pattern(storage, 5, slot as u8);
        assert_eq!(read(storage, slot, 0, data.len()), data, "slot {slot}");
    }
}

fn reserved_bytes_are_blank_and_keep_what_was_written<S: Storage>(storage: &mut S) {
    let blank = blank(storage);
    storage.erase(2).expect("erase works");
    storage.reserve(2, 100).expect("reserve works");
    assert_eq!(read(storage, 2, 0, 100), vec![blank; 100]);
    assert!(storage.extent(2).expect("extent works") >= 100);
    let data = pattern(storage, 2, 9);
    storage.write(2, 0, &data).expect("write works");
    storage.reserve(2, 120).expect("reserve works");
    assert!(storage.extent(2).expect("extent works") >= 120);
    assert_eq!(read(storage, 2, 0, data.len()), data);
    let rest = 120 - data.len();
    assert_eq!(read(storage, 2, data.len() as u32, rest), vec![blank; rest]);
}

fn a_slot_can_be_filled_to_its_end<S: Storage>(storage: &mut S) {
    let (size, word) = (storage.geometry().slot_size, storage.geometry().write_size);
    if size > 1 << 20 {
        return;
    }
    storage.erase(3).expect("erase works");
    let data = pattern(storage, 1, 77);
    storage.write(3, size - word, &data).expect("write works");
    assert_eq!(read(storage, 3, size - word, word as usize), data);
}

fn synced_bytes_stay<S: Storage>(storage: &mut S) {
    storage.erase(2).expect("erase works");
    let data = pattern(storage, 6, 5);
    storage.write(2, 0, &data).expect("write works");
    storage.sync().expect("sync works");
    storage.settle(2).expect("settle works");
    storage.settle(3).expect("settle works on a slot that is not there");
    storage.sync().expect("a sync with nothing to do works");
    assert_eq!(read(storage, 2, 0, data.len()), data);
}

fn discarded_slots_are_gone<S: Storage>(storage: &mut S) {
    storage.discard(2).expect("discarding what is not there works");
    storage.erase(2).expect("erase works");
    storage.write(2, 0, &[7; 50]).expect("write works");
    storage.sync().expect("sync works");
    storage.discard(2).expect("discard works");
    assert_eq!(storage.extent(2).expect("extent works"), 0);
    assert_eq!(read(storage, 2, 0, 50), vec![0; 50]);
    storage.sync().expect("sync works");
    assert_eq!(storage.present(u32::MAX).expect("present works"), None);
}

fn present_names_the_ends_of_the_ring<S: Storage>(storage: &mut S) {
    let present = |storage: &mut S, below| storage.present(below).expect("present works");
    assert_eq!(present(storage, u32::MAX), None);
    storage.erase(0).expect("erase works");
    storage.erase(1).expect("erase works");
    assert_eq!(present(storage, u32::MAX), None, "header slots are not in the ring");
    for slot in [5, 9, 1000] {
        storage.erase(slot).expect("erase works");
    }
    assert_eq!(present(storage, u32::MAX), Some(Present { lowest: 5, highest: 1000 }));
    assert_eq!(present(storage, 1000), Some(Present { lowest: 5, highest: 9 }));
    assert_eq!(present(storage, 5), None);
    storage.discard(5).expect("discard works");
    assert_eq!(present(storage, u32::MAX), Some(Present { lowest: 9, highest: 1000 }));
}

fn cursor_places_begin_as_zeros_and_keep_what_was_written<S: Storage>(storage: &mut S) {
    let mut out = [1; CURSOR_PLACE_SIZE];
    storage.read_cursor(0, 0, &mut out).expect("a place that is not there reads");
    assert_eq!(out, [0; CURSOR_PLACE_SIZE]);
    storage.set_readers(2).expect("set_readers works");
    let data = |seed: u8| [seed; CURSOR_PLACE_SIZE];
    for (reader, place) in [(0, 0), (1, 1)] {
        storage.write_cursor(reader, place, &data(reader + 1)).expect("write_cursor works");
        storage.settle_cursor(reader).expect("settle_cursor works");
    }
    storage.write_cursor(0, 0, &data(8)).expect("a place can be written again");
    for (reader, place, want) in [(0, 0, 8), (0, 1, 0), (1, 0, 0), (1, 1, 2)] {
        storage.read_cursor(reader, place, &mut out).expect("read_cursor works");
        assert_eq!(out, data(want), "place {place} of reader {reader}");
    }
}

fn readers_come_and_go<S: Storage>(storage: &mut S) {
    assert_eq!(storage.readers().expect("readers works"), 0);
    storage.set_readers(2).expect("set_readers works");
    storage.write_cursor(0, 1, &[3; CURSOR_PLACE_SIZE]).expect("write_cursor works");
    storage.write_cursor(1, 0, &[4; CURSOR_PLACE_SIZE]).expect("write_cursor works");
    storage.set_readers(MAX_READERS as u8).expect("set_readers works");
    assert_eq!(storage.readers().expect("readers works"), MAX_READERS as u8);
    let mut out = [0; CURSOR_PLACE_SIZE];
    storage.read_cursor(1, 0, &mut out).expect("read_cursor works");
    assert_eq!(out, [4; CURSOR_PLACE_SIZE], "existing places keep their bytes");
    storage.set_readers(1).expect("set_readers works");
    assert_eq!(storage.readers().expect("readers works"), 1);
    storage.set_readers(2).expect("set_readers works");
    storage.read_cursor(1, 0, &mut out).expect("read_cursor works");
    assert_eq!(out, [0; CURSOR_PLACE_SIZE], "a removed reader left its place behind");
    storage.read_cursor(0, 1, &mut out).expect("read_cursor works");
    assert_eq!(out, [3; CURSOR_PLACE_SIZE]);
}

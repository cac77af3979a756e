//! Flash dumps: the images of the library's own tests.

use crate::{Desk, change};

/// A desk with one of the dumps of the library's golden tests as `dump`.
fn desk(name: &str) -> Desk {
    let desk = Desk::new();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../tslog/tests/golden/");
    std::fs::copy(format!("{golden}{name}"), desk.path("dump")).unwrap();
    desk
}

#[test]
fn a_dump_of_any_word_size_is_read_like_a_folder() {
    for (name, code, first, last) in
        [("flash-1.bin", 4, 323, 500), ("flash-4.bin", 0, 281, 451), ("flash-32.bin", 0, 1, 90)]
    {
        let desk = desk(name);
        for sector in ["", " --sector-size 512"] {
            let said = desk.run(&format!("verify dump --image{sector}"));
            assert_eq!(said.code, Some(code), "{name}: {said:?}");
            let said = desk.run(&format!("cat dump --image --csv{sector}"));
            let rotten = |number: &u64| code == 4 && (468..=470).contains(number);
            let expected: Vec<u64> = (first..=last).filter(|number| !rotten(number)).collect();
            assert_eq!((said.code, said.first_column()), (Some(code), expected), "{name}");
        }
    }
}

#[test]
fn a_dump_says_what_it_is_and_where_its_readers_are() {
    let desk = desk("flash-4.bin");
    let stats = desk.ok("stats dump --image", "");
    for line in [
        "id            676f6c64656e20696d61676573207631\n",
        "format        <IB8s  time:ms, level:%, station\n",
        "records       171 committed: number 281 to 451\n",
        "reader 0      cursor 440, lag 11 records\n",
        "reader 1      cursor 420, lag 31 records\n",
    ] {
        assert!(stats.contains(line), "{stats}");
    }
    assert!(desk.ok("stats dump --image --json", "").contains("\"cursor\": 420,"));
    assert_eq!(desk.ok("cat dump --image --json --tail 2", "").lines().count(), 2);
    assert_eq!(desk.run("cat dump --image -f").code, Some(2));
}

#[test]
fn either_header_of_a_dump_is_enough_and_a_short_dump_is_not_called_sound() {
    let desk = desk("flash-4.bin");
    change(&desk.path("dump"), |bytes| bytes[3] ^= 1);
    let said = desk.run("verify dump --image --sector-size 512");
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.out.starts_with("171 records in "), "{said:?}");
    change(&desk.path("dump"), |bytes| {
        bytes[3] ^= 1;
        bytes.truncate(7 * 512 + 100);
    });
    let said = desk.run("verify dump --image");
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.out.contains("missing: 412 bytes of the partition"), "{said:?}");
    assert!(desk.ok("stats dump --image", "").contains("missing       412 bytes"));
}

#[test]
fn a_sector_size_that_cannot_be_is_refused() {
    let desk = desk("flash-4.bin");
    for size in [1, 256, 512] {
        assert_eq!(desk.run(&format!("stats dump --image --sector-size {size}")).code, Some(0));
    }
    for size in [7, 4096] {
        desk.run(&format!("stats dump --image --sector-size {size}")).is(
            2,
            "",
            &format!(
                "error: expected a --sector-size that divides 512 bytes, got {size}\n  tslog stats \
                 dump --image\n"
            ),
        );
    }
}

#[test]
fn the_oldest_bucket_of_a_dump_may_be_erased_in_part_and_no_other_lacks_its_header() {
    // Buckets 9 to 14 lie in a ring of 6 slots of 512 bytes, behind the two of the header.
    for (index, is_named) in [(9, false), (10, true)] {
        let desk = desk("flash-4.bin");
        let at = (2 + index % 6) * 512;
        change(&desk.path("dump"), |bytes| bytes[at..at + 4].fill(0xFF));
        let said = desk.run("verify dump --image");
        let told = said.out.contains(&format!("damaged: the header of bucket {index};"));
        assert_eq!((told, said.code == Some(4)), (is_named, is_named), "{said:?}");
        assert!(said.out.starts_with("171 records"), "{said:?}");
    }
}

#[test]
fn a_blank_dump_holds_no_log() {
    let desk = Desk::new();
    for bytes in [vec![], vec![0xFF; 100], vec![0xFF; 65536]] {
        std::fs::write(desk.path("dump"), bytes).unwrap();
        let said = desk.run("cat dump --image");
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.err.contains("expected the header of a log at the start of dump"), "{said:?}");
    }
}

#[test]
fn a_dump_of_something_else_is_no_log_and_is_left_as_it_is() {
    let desk = Desk::new();
    let noise: Vec<u8> =
        (0..65536_u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    let mut littlefs = vec![0xFF; 65536];
    littlefs[8..16].copy_from_slice(b"littlefs");
    let mut fat = vec![0; 65536];
    fat[..11].copy_from_slice(b"\xEB\x3C\x90mkfs.fat");
    fat[510..512].copy_from_slice(b"\x55\xAA");
    for bytes in [noise, littlefs, fat, vec![0; 65536], vec![0; 100]] {
        std::fs::write(desk.path("dump"), &bytes).unwrap();
        for command in ["cat", "verify", "stats"] {
            let said = desk.run(&format!("{command} dump --image"));
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(said.err.contains("this is no log, or both copies are damaged"), "{said:?}");
            assert!(said.err.contains("od -A d -t x1z dump | head"), "{said:?}");
        }
        assert!(std::fs::read(desk.path("dump")).unwrap() == bytes);
    }
}

#[test]
fn a_dump_of_which_any_byte_is_wrong_is_a_report_and_no_panic() {
    let desk = desk("flash-1.bin");
    let whole = std::fs::read(desk.path("dump")).unwrap();
    for at in (0..whole.len()).step_by(29) {
        change(&desk.path("dump"), |bytes| {
            bytes.clone_from(&whole);
            bytes[at] ^= 0xA5;
        });
        let said = desk.run("verify dump --image --sector-size 512");
        assert_eq!(said.code, Some(4), "byte {at}: {said:?}");
    }
}

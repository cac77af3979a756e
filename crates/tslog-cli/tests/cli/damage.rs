//! What a person finds when bytes changed, went, or were never right.

use std::{path::Path, process::Command};

use crate::{Desk, Said, change, crc32c, numbers};

/// Four records a frame, eight a bucket, 30 in all.
fn desk() -> Desk {
    Desk::with_log(30, "--bucket-size 8 --readers 2", 4)
}

fn all_but(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    (1..=30).filter(|number| !range.contains(number)).collect()
}

#[test]
fn one_flipped_bit_costs_exactly_its_frame() {
    // A bucket header has 32 bytes, a frame 8 and its records 12 each.
    for (bit_of, range) in [(40, 9..=12), (40 + 47, 9..=12), (32 + 56 + 8 + 30, 13..=16)] {
        let desk = desk();
        change(&desk.path("log/bucket-0000000001"), |bytes| bytes[bit_of] ^= 0x04);
        let told = format!("damaged: {} to {} (4 records)\n", range.start(), range.end());
        desk.run("verify log").is(
            4,
            &format!("26 records in 4 buckets checked\n{told}DAMAGED\n"),
            "",
        );
        let json = desk.run("verify log --json");
        assert_eq!(json.code, Some(4));
        assert!(json.out.contains(&format!("\"first\": {},", range.start())), "{}", json.out);
        for command in ["cat log --csv", "read log --reader 1 --csv"] {
            let said = desk.run(command);
            assert_eq!((said.code, &*said.err), (Some(4), &*told), "{command}");
            assert_eq!(said.first_column(), all_but(range.clone()));
        }
        // It goes on all the same, and what lies elsewhere is not touched by it.
        desk.ok("append log", &numbers(31..=31));
        assert_eq!(desk.run("cat log --csv --tail 3").code, Some(0));
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_a_report_and_no_panic() {
    for name in ["header-0", "header-1", "reader-0", "bucket-0000000000", "bucket-0000000003"] {
        let desk = desk();
        let path = desk.path("log").join(name);
        let whole = std::fs::read(&path).unwrap();
        for len in (0..whole.len()).step_by(whole.len() / 23) {
            std::fs::write(&path, &whole[..len]).unwrap();
            let said = desk.run("verify log");
            assert!(matches!(said.code, Some(0 | 4)), "{name} of {len} bytes: {said:?}");
            // The newest bucket may end early without a loss that can be known; the first copy of
            // the header and the other place of the cursor are enough.
            let known = name == "header-0" || (name == "bucket-0000000000" && len < 32 + 2 * 56);
            assert!(!known || said.code == Some(4), "{name} of {len} bytes: {said:?}");
            let said = desk.run("cat log --csv");
            let numbers = said.first_column();
            assert!(numbers.is_sorted() && numbers.iter().all(|n| *n <= 30), "{said:?}");
        }
    }
}

#[test]
fn acknowledged_records_that_are_gone_are_named() {
    let desk = desk();
    desk.ok("read log --reader 0 --commit", "");
    std::fs::remove_file(desk.path("log/bucket-0000000003")).unwrap();
    let said = desk.run("verify log");
    assert_eq!(said.code, Some(4));
    assert!(said.out.contains("damaged: 25 to 30 (6 records)\n"), "{}", said.out);
}

#[test]
fn of_a_commit_that_a_cursor_proves_only_what_a_reader_misses_is_damaged() {
    let desk = Desk::new();
    let options = tslog::Options::new().record_size(1 << 16).commit_delta(1000);
    let log = options.open_raw(desk.path("log")).unwrap();
    let record = |number: u64| log.store_record(&number.to_le_bytes()).unwrap();
    record(1);
    log.commit().unwrap();
    // More than is gathered for one frame: a part goes first.
    (2..=21).for_each(|number| assert_eq!(record(number), number));
    log.commit().unwrap();
    let mut reader = log.reader(0).unwrap();
    while reader.next_record().unwrap().is_some() {}
    assert_eq!(reader.commit().unwrap(), 21);
    drop((reader, log));
    // The end of the commit goes, and with it all that shows but the cursor.
    let frames_size = 32 + 3 * 8 + 21 * (1 << 16);
    change(&desk.path("log/bucket-0000000000"), |bytes| bytes[frames_size - 1] ^= 1);

    let said = desk.run("verify log");
    let log = tslog::Options::new().open_raw(desk.path("log")).unwrap();
    let mut reader = log.reader(0).unwrap();
    reader.seek(1).unwrap();
    let (mut read, mut lost) = (0, Vec::new());
    loop {
        match reader.next_record() {
            Ok(Some((number, bytes))) => {
                assert_eq!(bytes[..8], number.to_le_bytes());
                read += 1;
            }
            Ok(None) => break,
            Err(tslog::Error::Damaged(range)) => lost.push(range),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(read > 2 && read < 21 && lost.len() == 1, "{read} of 21 read, lost {lost:?}");
    let told = format!("damaged: {} ({} records)\n", lost[0], lost[0].count());
    said.is(4, &format!("{read} records in 1 bucket checked\n{told}DAMAGED\n"), "");
}

#[test]
fn a_bucket_whose_header_went_rotten_is_named_and_loses_no_record() {
    let desk = desk();
    for index in [0, 2] {
        change(&desk.path(&format!("log/bucket-000000000{index}")), |bytes| bytes[6] ^= 1);
    }
    let told =
        |index| format!("damaged: the header of bucket {index}; its records say what it holds\n");
    let told = told(0) + &told(2);
    desk.run("verify log").is(4, &format!("30 records in 4 buckets checked\n{told}DAMAGED\n"), "");
    let json = desk.run("verify log --json").out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["buckets_damaged"], serde_json::json!([0, 2]));
    assert_eq!(desk.run("cat log --csv").first_column(), all_but(0..=0));
}

#[test]
fn one_header_serves_and_none_is_no_log() {
    let desk = desk();
    change(&desk.path("log/header-0"), |bytes| bytes[20] ^= 1);
    let said = desk.run("verify log");
    assert_eq!(said.code, Some(4));
    assert!(
        said.out.contains("damaged: one of the two copies of the log's header"),
        "{}",
        said.out
    );
    assert_eq!(desk.run("cat log --csv").first_column().len(), 30);
    change(&desk.path("log/header-1"), |bytes| bytes[20] ^= 1);
    for command in ["verify log", "cat log", "stats log", "append log", "read log --reader 0"] {
        let said = desk.run(command);
        assert_eq!((said.code, &*said.out), (Some(1), ""), "{said:?}");
        assert!(
            said.err.contains("expected the header of a log in log and found neither"),
            "{said:?}"
        );
    }
}

#[test]
fn a_log_of_a_later_version_is_called_that() {
    let desk = desk();
    for name in ["log/header-0", "log/header-1"] {
        change(&desk.path(name), |bytes| bytes[8] = 2);
    }
    for command in ["verify log", "cat log", "stats log", "append log", "read log --reader 0"] {
        desk.run(command).is(
            1,
            "",
            "error: the log in log has layout version 2, and this tslog knows none later than 1\n  \
             tslog --version\n",
        );
    }
}

/// Puts a forged number into both headers and makes their checksums right.
fn forge(desk: &Desk, at: usize, value: &[u8]) {
    for name in ["log/header-0", "log/header-1"] {
        change(&desk.path(name), |bytes| {
            bytes[at..at + value.len()].copy_from_slice(value);
            let end = bytes.len() - 4;
            let crc = crc32c(&bytes[..end]);
            bytes[end..].copy_from_slice(&crc.to_le_bytes());
        });
    }
}

/// Runs a command that may have 400 MB of address space and no more.
fn in_little_memory(desk: &Desk, args: &str) -> Said {
    let program = Path::new(env!("CARGO_BIN_EXE_tslog")).display();
    let script = format!("ulimit -v 400000; exec {program} {args} < /dev/null");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(desk.0.path()).output().unwrap().into()
}

#[test]
fn a_hostile_header_is_an_error_and_takes_no_memory() {
    let huge = u32::MAX.to_le_bytes();
    let large = 0x0100_0001_u32.to_le_bytes();
    for (what, at, value) in [
        ("slots", 9, &[7][..]),
        ("write_size", 10, &[0, 0]),
        ("write_size", 10, &[3, 0]),
        ("write_size", 10, &[0xFF, 0xFF]),
        ("slot_size", 32, &[0; 4]),
        ("slot_size", 32, &[1, 0, 0, 0]),
        ("slot_count", 36, &[0; 4]),
        ("slot_count", 36, &[7, 0, 0, 0]),
        ("record_size", 40, &[0; 4]),
        ("record_size", 40, &huge),
        ("record_size", 40, &large),
        ("bucket_size", 44, &[0; 4]),
        ("bucket_size", 44, &huge),
        ("formats", 48, &[0xFF, 0xFF]),
        ("text_size", 52, &huge),
        ("text_size", 52, &[0; 4]),
    ] {
        let desk = desk();
        forge(&desk, at, value);
        for args in ["verify log", "cat log", "stats log", "append log", "read log --reader 0"] {
            let said = in_little_memory(&desk, args);
            assert_eq!((said.code, &*said.out), (Some(1), ""), "{what} {value:?} {args}: {said:?}");
            assert!(said.err.starts_with("error: "), "{what} {value:?} {args}: {said:?}");
        }
    }
}

#[test]
fn a_format_with_more_values_than_there_is_memory_is_refused() {
    let desk = Desk::new();
    desk.ok("create log --format <1000001b", "");
    for args in ["cat log", "stats log", "append log"] {
        let said = in_little_memory(&desk, args);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("has 1000001 values, and tslog shows at most 4096"), "{said:?}");
    }
}

#[test]
fn noise_is_no_log() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("log")).unwrap();
    let noise: Vec<u8> =
        (0..4000_u32).flat_map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes()).collect();
    for name in ["header-0", "header-1", "bucket-0000000000", "reader-0"] {
        std::fs::write(desk.path("log").join(name), &noise).unwrap();
    }
    std::fs::write(desk.path("dump"), &noise).unwrap();
    for args in ["verify log", "cat log", "append log", "verify dump --image", "cat dump --image"] {
        let said = desk.run(args);
        assert_eq!((said.code, &*said.out), (Some(1), ""), "{args}: {said:?}");
    }
}

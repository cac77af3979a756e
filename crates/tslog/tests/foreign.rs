//! Flash that holds something else, and flash that no log fits: refused, with the reason, and left
//! as it is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tslog::storage::ram::Ram;
use tslog::{Config, Error, Invalid, Log, buffer_size};

const SLOT: usize = 4096;
const SIZE: usize = 16 * SLOT;

type Flash = Ram<Vec<u8>>;
type FlashLog = Log<Flash, Vec<u8>>;

fn config() -> Config<'static> {
    Config { record_size: Some(16), commit_delta: 4, ..Config::default() }
}

fn buffer() -> Vec<u8> {
    vec![0; buffer_size(16, 4)]
}

fn flash(bytes: Vec<u8>) -> Flash {
    Ram::new(bytes, 4096, 4)
}

fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        state.to_le_bytes()[6]
    };
    (0..SIZE).map(|_| byte()).collect()
}

/// The boot sector of a FAT file system, its table, and zeros.
fn fat() -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    bytes[..11].copy_from_slice(b"\xEB\x3C\x90mkfs.fat");
    bytes[54..62].copy_from_slice(b"FAT12   ");
    bytes[510..515].copy_from_slice(b"\x55\xAA\xF8\xFF\xFF");
    bytes
}

/// What littlefs leaves: a superblock in the first block or in the second, and blank blocks.
fn littlefs(block: usize) -> Vec<u8> {
    let mut bytes = vec![0xFF; SIZE];
    let superblock = b"\x01\x00\x00\x00\xF0\x0F\xFF\xF7littlefs\x2F\xE0\x00\x10\x01\x00\x02\x00";
    bytes[block * SLOT..][..superblock.len()].copy_from_slice(superblock);
    bytes[block * SLOT + 256..block * SLOT + 300].fill(0x42);
    bytes
}

/// The first page of a store of keys (ESP-IDF's NVS): a header, a map, an entry; all else is blank.
fn keys() -> Vec<u8> {
    let mut bytes = vec![0xFF; SIZE];
    bytes[..12].copy_from_slice(b"\xFE\xFF\xFF\xFF\x00\x00\x00\x00\xFE\xFF\xFF\xFF");
    bytes[64..96].copy_from_slice(b"\x01\x04\x01\xFFwifi.ssid\0\0\0\0\0\0\0home network");
    bytes
}

/// What was written by a queue that has filled its first page and begun its second.
fn queue() -> Vec<u8> {
    let mut bytes = vec![0xFF; SIZE];
    bytes[..SLOT].fill(0x17);
    bytes[SLOT..SLOT + 4].fill(0);
    bytes
}

#[test]
fn what_is_not_a_log_is_never_overwritten_unless_one_is_to_be_made() {
    for (what, bytes) in [
        ("noise", noise()),
        ("zeros", vec![0; SIZE]),
        ("FAT", fat()),
        ("littlefs", littlefs(0)),
        ("littlefs, in the second block", littlefs(1)),
        ("a store of keys", keys()),
        ("a queue", queue()),
    ] {
        let opened = FlashLog::open(flash(bytes.clone()), buffer(), &config());
        assert_eq!(opened.map(drop), Err(Error::NotALog), "{what}");
        let mut kept = bytes.clone();
        let borrowed = Ram::new(&mut kept[..], 4096, 4);
        let opened = Log::<_, _, 1>::open_or_create(borrowed, buffer(), &config());
        assert_eq!(opened.map(drop), Err(Error::NotALog), "{what}");
        assert!(kept == bytes, "{what} was changed");

        let mut log = FlashLog::create(flash(bytes), buffer(), &config()).unwrap();
        assert_eq!(log.store_record(b"first").unwrap(), 1, "{what}");
        log.close().unwrap();
        let log = FlashLog::open(log.into_storage(), buffer(), &config()).unwrap();
        assert_eq!(log.stats().committed, 1, "{what}");
    }
}

#[test]
fn a_blank_flash_has_no_log_and_gets_one_by_opening_it() {
    let blank = || flash(vec![0xFF; SIZE]);
    assert_eq!(FlashLog::open(blank(), buffer(), &config()).map(drop), Err(Error::NoLog));
    let log = FlashLog::open_or_create(blank(), buffer(), &config()).unwrap();
    assert!(log.report().clean);
}

#[test]
fn a_log_whose_two_headers_are_rotten_is_not_made_anew() {
    let mut log = FlashLog::create(flash(vec![0xFF; SIZE]), buffer(), &config()).unwrap();
    log.store_record(b"precious").unwrap();
    log.commit().unwrap();
    let mut bytes = log.into_storage().release();
    for at in [20, SLOT + 20] {
        bytes[at] ^= 1;
    }
    let opened = FlashLog::open_or_create(flash(bytes), buffer(), &config());
    assert_eq!(opened.map(drop), Err(Error::NotALog));
}

fn refused(bytes: usize, slot: u32, write: u32, record: u32) -> (Invalid, String) {
    let config = Config { record_size: Some(record), ..config() };
    let mut invalid = None;
    for open in [Log::<Ram<Vec<u8>>, Vec<u8>>::create, Log::open_or_create] {
        let medium = Ram::new(vec![0xFF; bytes], slot, write);
        let found = match open(medium, vec![0; 1 << 16], &config) {
            Err(Error::Invalid(found)) => Some(found),
            Ok(_) | Err(_) => None,
        };
        assert!(invalid.is_none_or(|_| found == invalid));
        invalid = found;
    }
    let invalid = invalid.unwrap();
    (invalid, invalid.to_string())
}

#[test]
fn a_partition_of_too_few_sectors_is_refused_with_how_many_it_takes() {
    for sectors in 0..4 {
        let (invalid, text) = refused(sectors * 4096, 4096, 4, 16);
        assert_eq!(invalid, Invalid::SlotCount(u32::try_from(sectors).unwrap()));
        let words =
            format!("a log needs at least 4 slots (sectors), and the storage has {sectors}");
        assert_eq!(text, words);
    }
    let opened = FlashLog::open(flash(vec![0xFF; SLOT]), buffer(), &config());
    assert_eq!(opened.map(drop), Err(Error::Invalid(Invalid::SlotCount(1))));
}

#[test]
fn a_record_larger_than_a_sector_is_refused_with_the_smallest_slot_that_would_do() {
    let (invalid, text) = refused(SIZE, 4096, 16, 5000);
    // A bucket header of 32 bytes, a frame header of 8, the record, and padding to 16.
    assert_eq!(invalid, Invalid::SlotSize(5040, 4096));
    assert_eq!(
        text,
        "this log needs slots of at least 5040 bytes, and the storage has slots of 4096"
    );
    let medium = Ram::new(vec![0xFF; 8 * 5040], 5040, 16);
    let config = Config { record_size: Some(5000), commit_delta: 1, ..config() };
    let mut log = Log::<_, _, 1>::create(medium, vec![0; buffer_size(5000, 1)], &config).unwrap();
    assert_eq!(log.store_record(&[7; 5000]).unwrap(), 1);
}

#[test]
fn slots_and_words_of_no_use_are_refused_with_what_would_do() {
    assert_eq!(refused(640, 64, 4, 16).0, Invalid::SlotSize(128, 64));
    assert_eq!(refused(4000, 200, 16, 16).0, Invalid::SlotSize(208, 200));
    let (invalid, text) = refused(SIZE, 4096, 64, 16);
    assert_eq!(invalid, Invalid::WriteSize(64));
    assert_eq!(text, "the storage must be written in words of 1, 2, 4, 8, 16 or 32 bytes, got 64");
    assert_eq!(refused(SIZE, 4096, 0, 16).0, Invalid::WriteSize(0));
}

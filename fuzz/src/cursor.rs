//! The file of a reader, any byte of which may be wrong, in a log that is whole.

use std::sync::OnceLock;

use tslog::storage::{dir::Name, folder::Folder};
use tslog::{Config, Log, SeqnRange, buffer_size};

use crate::image::Memory;

type TheLog = Log<Folder<Memory>, Vec<u8>, 4>;

const RECORD_SIZE: usize = 8;
/// The last number of the log.
const LAST: u64 = 40;
/// Where the second place begins.
const SECOND: usize = 4096;

fn config() -> Config<'static> {
    Config {
        record_size: Some(8),
        bucket_size: Some(8),
        commit_delta: 4,
        readers: 2,
        id: *b"a log to fuzz in",
        ..Config::default()
    }
}

fn buffer() -> Vec<u8> {
    vec![0; buffer_size(RECORD_SIZE, 4)]
}

/// A log of 40 records that nobody has read.
pub(crate) fn whole() -> &'static Memory {
    static WHOLE: OnceLock<Memory> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = Folder::new(Memory::default());
        let mut log = TheLog::create(folder, buffer(), &config()).expect("memory holds a log");
        for seqn in 1..=LAST {
            log.store_record(&seqn.to_le_bytes()).expect("memory holds a record");
        }
        log.into_storage().release()
    })
}

/// What the places of that log are seeded with.
pub(crate) fn base_seed() -> u32 {
    let header = &whole().files[&Name::Header(0)];
    crc32c::crc32c_append(crc32c::crc32c(&header[16..32]), &header[12..16])
}

/// The target: 64 bytes are the two places of reader 0.
pub(crate) fn run(data: &[u8]) {
    let mut memory = whole().clone();
    let file = memory.files.get_mut(&Name::Reader(0)).expect("the log has two readers");
    let (first, second) = data.split_at(data.len().min(32));
    file[..first.len()].copy_from_slice(first);
    let second = &second[..second.len().min(32)];
    file[SECOND..SECOND + second.len()].copy_from_slice(second);

    let mut log = open(memory);
    let mut reader = log.reader(0).expect("there is a reader 0");
    let cursor = log.cursor(&reader).expect("it is open");
    let lost = (cursor > LAST).then_some(SeqnRange { first: LAST + 1, last: cursor });
    assert_eq!(log.report().lost.map(|range| range.last), lost.map(|range| range.last));
    let mut out = [0; RECORD_SIZE];
    for seqn in cursor + 1..=LAST {
        let read = log.next_record(&mut reader, &mut out).expect("the log is whole");
        assert_eq!((read, out), (Some(seqn), seqn.to_le_bytes()));
    }
    let read = log.next_record(&mut reader, &mut out).expect("the log is whole");
    assert_eq!(read, None, "there is nothing behind the last record");
    let committed = log.commit_reader(&mut reader).expect("a cursor can be committed");

    let mut log = open(log.into_storage().release());
    let reader = log.reader(0).expect("there is a reader 0");
    assert_eq!(log.cursor(&reader).expect("it is open"), committed, "a cursor is not kept");
}

fn open(memory: Memory) -> TheLog {
    TheLog::open(Folder::new(memory), buffer(), &config()).expect("only a cursor is wrong")
}

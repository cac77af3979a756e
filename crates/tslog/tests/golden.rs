//! Old logs open: images of layout version 1 that are never made again.
//!
//! Each image in `tests/golden` was written by an early version of the library and must be read by
//! every later one, record by record, cursors included. `TSLOG_BLESS=1 cargo test -p tslog --test
//! golden` writes images that are not there yet, and never one that is.
//!
//! | image | holds |
//! |---|---|
//! | `folder` | two formats with names and units, 2 readers; buckets given up; closed in order |
//! | `flash-1.bin` | words of 1 byte, raw records, 3 readers; wrapped; torn tail, rotten frame |
//! | `flash-4.bin` | words of 4 bytes, one format, 2 readers; wrapped ring; closed in order |
//! | `flash-32.bin` | words of 32 bytes, raw records, 1 reader; full, its cursor in a journal |

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
};

use tslog::{
    Config, Error, Format, Log, SeqnRange, View, ViewStep,
    storage::{Storage, folder::Folder, ram::Ram},
};

type Memory = Ram<Vec<u8>>;

/// What a log must give back.
struct Golden {
    /// The record with this number, without the zeros that fill it up.
    record: fn(u64) -> Vec<u8>,
    record_size: usize,
    numbers: SeqnRange,
    /// Numbers that do not read back.
    damaged: Option<SeqnRange>,
    cursors: &'static [u64],
    /// Closed in order.
    clean: bool,
    formats: &'static [(&'static str, &'static str)],
}

const FOLDER: Golden = Golden {
    record: tagged,
    record_size: 15,
    numbers: SeqnRange { first: 9, last: 30 },
    damaged: None,
    cursors: &[12, 21],
    clean: true,
    formats: &[("<Qf", "time:s,temperature:degC"), (">QH?3s", "time:s,alarm,on,door")],
};

const FLASH_1: Golden = Golden {
    record: raw,
    record_size: 11,
    numbers: SeqnRange { first: 323, last: 500 },
    damaged: Some(SeqnRange { first: 468, last: 470 }),
    cursors: &[455, 450, 460],
    clean: false,
    formats: &[],
};

const FLASH_4: Golden = Golden {
    record: raw,
    record_size: 13,
    numbers: SeqnRange { first: 281, last: 451 },
    damaged: None,
    cursors: &[440, 420],
    clean: true,
    formats: &[("<IB8s", "time:ms,level:%,station")],
};

const FLASH_32: Golden = Golden {
    record: raw,
    record_size: 24,
    numbers: SeqnRange { first: 1, last: 90 },
    damaged: None,
    cursors: &[5],
    clean: false,
    formats: &[],
};

/// Bytes at random, the same for the same number: eleven of them, which is the shortest record.
fn raw(seqn: u64) -> Vec<u8> {
    let mut state = seqn.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    let mut byte = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()[7]
    };
    (0..11).map(|_| byte()).collect()
}

/// The same behind a tag of 0 or 1.
fn tagged(seqn: u64) -> Vec<u8> {
    [vec![u8::from(seqn.is_multiple_of(3))], raw(seqn)].concat()
}

fn place(name: &str) -> PathBuf {
    Path::new("tests/golden").join(name)
}

fn config(readers: usize, commit_delta: u32) -> Config<'static> {
    Config {
        commit_delta,
        readers: u8::try_from(readers).unwrap(),
        id: *b"golden images v1",
        ..Config::default()
    }
}

impl Golden {
    /// An empty log of this kind.
    fn create<S: Storage>(
        &self,
        storage: S,
        bucket_size: u32,
        commit_delta: u32,
    ) -> Log<S, Vec<u8>, 4>
    where
        S::Error: Debug,
    {
        let formats = self.formats.iter();
        let formats: Vec<_> =
            formats.map(|(f, names)| Format::new(f).unwrap().with_fields(names).unwrap()).collect();
        let config = Config {
            formats: Some(&formats),
            record_size: formats.is_empty().then(|| u32::try_from(self.record_size).unwrap()),
            bucket_size: Some(bucket_size),
            ..config(self.cursors.len(), commit_delta)
        };
        Log::create(storage, vec![0; 4096], &config).unwrap()
    }

    fn filled(&self, seqn: u64) -> Vec<u8> {
        let mut record = (self.record)(seqn);
        record.resize(self.record_size, 0);
        record
    }

    /// Reads everything with a view, which takes no lock and writes nothing.
    fn check_view<S: Storage>(&self, storage: S)
    where
        S::Error: Debug,
    {
        let mut view = View::new(storage).unwrap();
        assert_eq!(view.id(), *b"golden images v1");
        assert!(!view.header_damaged());
        let formats = self.formats.iter().map(|(f, names)| ((*f).into(), (*names).into()));
        assert_eq!(view.schema().formats, formats.collect::<Vec<_>>());
        assert_eq!(view.schema().record_size as usize, self.record_size);
        assert_eq!(view.numbers().unwrap(), self.numbers);
        assert_eq!(view.cursors().unwrap(), self.cursors);
        assert_eq!(view.abandoned_size() > 0, !self.clean && self.damaged.is_some());
        let mut next = self.numbers.first;
        let mut out = vec![0; self.record_size];
        loop {
            match view.read(&mut out).unwrap() {
                ViewStep::End => break,
                ViewStep::Damaged(range) => {
                    assert_eq!(Some(range), self.damaged);
                    next = range.last + 1;
                }
                ViewStep::Records(first, count) => {
                    assert_eq!((first, count), (next, 1));
                    assert_eq!(out, self.filled(next), "number {next}");
                    next += 1;
                }
            }
        }
        assert_eq!(next, self.numbers.last + 1);
    }

    /// Opens the log as its owner does: every reader goes on behind its cursor, and so does the
    /// next record.
    fn check_log<S: Storage>(&self, storage: S, room: bool)
    where
        S::Error: Debug,
    {
        let mut log: Log<_, _, 4> =
            Log::open(storage, vec![0; 4096], &config(self.cursors.len(), 4)).unwrap();
        assert_eq!(log.report().clean, self.clean);
        assert_eq!(log.report().lost, None);
        assert_eq!(log.stats().committed, self.numbers.last);
        let stored = log.store_record(&(self.record)(self.numbers.last + 1));
        let last = if room { stored.unwrap() } else { self.numbers.last };
        assert_eq!(last, self.numbers.last + u64::from(room));
        log.commit().unwrap();
        let mut out = vec![0; self.record_size];
        for (n, cursor) in (0..).zip(self.cursors) {
            let mut reader = log.reader(n).unwrap();
            let mut next = cursor + 1;
            loop {
                match log.next_record(&mut reader, &mut out) {
                    Ok(None) => break,
                    Ok(Some(seqn)) => {
                        assert_eq!((seqn, &out), (next, &self.filled(next)), "reader {n}");
                        next += 1;
                    }
                    Err(Error::Damaged(range)) => {
                        assert_eq!(Some(range), self.damaged);
                        next = range.last + 1;
                    }
                    Err(error) => panic!("reader {n} stopped at {next}: {error:?}"),
                }
            }
            assert_eq!(next, last + 1, "reader {n}");
            assert_eq!(log.commit_reader(&mut reader).unwrap(), last);
        }
    }

    /// Stores 400 records, with all readers close behind, so that the ring goes round.
    fn wrap<S: Storage>(&self, log: &mut Log<S, Vec<u8>, 4>)
    where
        S::Error: Debug,
    {
        for to in [100, 200, 300, 400] {
            for reader in 0..log.readers() {
                self.store(log, to, reader, to);
            }
        }
    }

    /// Stores up to number `to`, and then has a reader read to `cursor` and commit.
    fn store<S: Storage>(&self, log: &mut Log<S, Vec<u8>, 4>, to: u64, reader: u8, cursor: u64)
    where
        S::Error: Debug,
    {
        while log.stats().seqn < to {
            let next = log.stats().seqn + 1;
            assert_eq!(log.store_record(&(self.record)(next)).unwrap(), next);
        }
        log.commit().unwrap();
        let mut reader = log.reader(reader).unwrap();
        let mut out = vec![0; self.record_size];
        while log.cursor(&reader).unwrap() < cursor {
            log.next_record(&mut reader, &mut out).unwrap();
        }
        assert_eq!(log.commit_reader(&mut reader).unwrap(), cursor);
    }
}

fn memory(bytes: Vec<u8>, write_size: u32) -> Memory {
    Ram::new(bytes, 512, write_size)
}

/// The dump that is committed, made now if there is none and that was asked for.
fn dump(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = place(name);
    if !path.exists() && std::env::var_os("TSLOG_BLESS").is_some() {
        std::fs::write(&path, make()).unwrap();
    }
    std::fs::read(&path).unwrap()
}

#[test]
fn a_folder_of_layout_1_reads_back() {
    let path = place("folder");
    if !path.exists() && std::env::var_os("TSLOG_BLESS").is_some() {
        let mut log = FOLDER.create(Folder::open_writer(&path, true).unwrap(), 8, 3);
        FOLDER.store(&mut log, 20, 0, 12);
        FOLDER.store(&mut log, 24, 1, 21);
        FOLDER.store(&mut log, 30, 1, 21);
        log.close().unwrap();
        std::fs::remove_file(path.join("lock")).unwrap();
    }
    FOLDER.check_view(Folder::open_view(&path).unwrap());
    // The image stays as it is: only a copy is opened for writing.
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(&path).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    FOLDER.check_log(Folder::open_writer(copy.path(), false).unwrap(), true);
}

#[test]
fn a_dump_with_words_of_1_byte_a_torn_tail_and_a_rotten_frame_reads_back() {
    let bytes = dump("flash-1.bin", || {
        let mut log = FLASH_1.create(memory(vec![0xFF; 8 * 512], 1), 1024, 5);
        FLASH_1.wrap(&mut log);
        for (to, reader, cursor) in [(470, 0, 410), (485, 0, 455), (490, 1, 450), (500, 2, 460)] {
            FLASH_1.store(&mut log, to, reader, cursor);
        }
        let before = log.storage().bytes().to_vec();
        for seqn in 501..=505 {
            log.store_record(&raw(seqn)).unwrap();
        }
        let mut after = log.into_storage().release();
        // The power goes in the middle of the last write.
        let written: Vec<usize> = (0..after.len()).filter(|&at| after[at] != before[at]).collect();
        for &at in &written[written.len() / 2..] {
            after[at] = 0xFF;
        }
        // A bit falls in a frame that was committed long ago.
        let record = raw(468);
        let at = after.windows(11).position(|bytes| bytes == record).unwrap();
        after[at + 4] ^= 0x20;
        after
    });
    FLASH_1.check_view(memory(bytes.clone(), 1));
    FLASH_1.check_log(memory(bytes, 1), true);
}

#[test]
fn a_dump_with_words_of_4_bytes_reads_back() {
    let bytes = dump("flash-4.bin", || {
        let mut log = FLASH_4.create(memory(vec![0xFF; 8 * 512], 4), 1024, 4);
        FLASH_4.wrap(&mut log);
        for (to, reader, cursor) in [(430, 1, 410), (450, 0, 440), (451, 1, 420)] {
            FLASH_4.store(&mut log, to, reader, cursor);
        }
        log.close().unwrap();
        log.into_storage().release()
    });
    FLASH_4.check_view(memory(bytes.clone(), 4));
    FLASH_4.check_log(memory(bytes, 4), true);
}

#[test]
fn a_full_dump_with_words_of_32_bytes_and_a_journal_reads_back() {
    let bytes = dump("flash-32.bin", || {
        let mut log = FLASH_32.create(memory(vec![0xFF; 8 * 512], 32), 1024, 2);
        while log.store_record(&raw(log.stats().seqn + 1)).is_ok() {}
        let last = log.stats().committed;
        for cursor in [2, 5] {
            FLASH_32.store(&mut log, last, 0, cursor);
        }
        log.into_storage().release()
    });
    FLASH_32.check_view(memory(bytes.clone(), 32));
    FLASH_32.check_log(memory(bytes, 32), false);
}

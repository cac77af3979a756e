//! A log of which any byte may be wrong is opened and written on: what is stored there is there.

use std::collections::BTreeMap;

use tslog::storage::{Slots, Storage, folder::Folder};
use tslog::{Config, Error, Log, buffer_size};

use crate::image::unpack;
use crate::read::{dump, ram, record_size};
use crate::reference::is_orderly;

type TheLog<S> = Log<S, Vec<u8>, 4>;

/// The first byte says what is done, all others are the medium.
pub(crate) fn run(data: &[u8]) {
    let Some((&plan, bytes)) = data.split_first() else { return };
    let plan = Plan {
        commit_delta: 1 + u32::from(plan >> 1 & 3),
        readers: 1 + (plan >> 3 & 3),
        stores: 1 + u64::from(plan >> 5) * 3,
    };
    let kept = if data[0].is_multiple_of(2) {
        let Some(dump) = dump(bytes) else { return };
        let (Some(ram), Some(size)) = (ram(&dump), record_size(&[bytes])) else { return };
        plan.live(ram, size)
    } else {
        let memory = unpack(bytes);
        let files: Vec<_> = memory.files.values().map(Vec::as_slice).collect();
        let Some(size) = record_size(&files) else { return };
        plan.live(Folder::new(memory), size)
    };
    // To a log that was forged, one may add what contradicts it.
    if let Err(why) = kept {
        assert!(!is_orderly(data[0] % 2, bytes), "{why}");
    }
}

struct Plan {
    commit_delta: u32,
    readers: u8,
    stores: u64,
}

impl Plan {
    fn open<S: Storage>(&self, storage: S, record_size: usize) -> Option<TheLog<S>> {
        let Self { commit_delta, readers, .. } = *self;
        let config = Config { commit_delta, readers, ..Config::default() };
        let buffer = vec![0; buffer_size(record_size, commit_delta as usize)];
        Log::open(storage, buffer, &config).ok()
    }

    /// Opens the log twice, reads it, and writes on. Fails if what was written then is not kept.
    fn live<S: Storage>(&self, mut storage: S, record_size: usize) -> Result<(), String> {
        let is_flash = storage.geometry().slots == Slots::Fixed;
        let Some(log) = self.open(&mut storage, record_size) else { return Ok(()) };
        let (before, report) = (log.stats(), log.report());
        assert_eq!(before.seqn, before.committed, "what was not committed is there");
        drop(log);

        // A second open finds what the first one found.
        let Some(mut log) = self.open(&mut storage, record_size) else {
            panic!("a log that was opened cannot be opened again")
        };
        if (log.stats(), log.report().lost) != (before, report.lost) {
            // Opening a flash writes nothing; a folder gives up what all have read, and what
            // contradicts itself may look different then.
            assert!(!is_flash, "the second open of a flash finds another log");
            return Err("the second open finds another log".into());
        }
        if log.record_size() != record_size {
            return Ok(());
        }
        for n in 0..self.readers {
            read_all(&mut log, n)?;
        }

        let mut stored = BTreeMap::new();
        for number in before.seqn + 1..=before.seqn + self.stores {
            let record = record(number, record_size);
            match log.store_record(&record) {
                Ok(seqn) => assert_eq!(seqn, number, "a number is skipped or given twice"),
                Err(Error::Full | Error::Exhausted) => break,
                Err(error) => return Err(format!("store: {error:?}")),
            }
            stored.insert(number, record);
        }
        let last = log.commit().map_err(|error| format!("commit: {error:?}"))?;
        assert_eq!(last, before.seqn + stored.len() as u64, "a commit returns another number");
        drop(log);
        self.find(&mut storage, record_size, last, &stored)
    }

    /// Fails unless these records are the end of the log.
    fn find<S: Storage>(
        &self,
        storage: &mut S,
        record_size: usize,
        last: u64,
        stored: &BTreeMap<u64, Vec<u8>>,
    ) -> Result<(), String> {
        let log = self.open(storage, record_size);
        let mut log = log.ok_or("a log that was written cannot be opened again")?;
        let end = log.stats().committed;
        if end != last {
            return Err(format!("{last} was committed, and the log ends with {end}"));
        }
        let Some(first) = stored.keys().next().copied() else { return Ok(()) };
        let mut reader = log.reader(0).map_err(|error| format!("reader: {error:?}"))?;
        let sought = log.seek(&mut reader, first);
        sought.map_err(|error| format!("seek to {first}: {error:?}"))?;
        let mut out = vec![0; log.record_size()];
        for (number, record) in stored {
            match log.next_record(&mut reader, &mut out) {
                Ok(Some(seqn)) if (seqn, &out) == (*number, record) => {}
                other => return Err(format!("record {number} was committed, and reads {other:?}")),
            }
        }
        Ok(())
    }
}

/// Reads what reader `n` has before it, and acknowledges it.
fn read_all<S: Storage>(log: &mut TheLog<S>, n: u8) -> Result<(), String> {
    let mut reader = log.reader(n).unwrap_or_else(|error| panic!("reader: {error:?}"));
    let mut out = vec![0; log.record_size()];
    let mut next = log.cursor(&reader).map_or(1, |cursor| cursor + 1);
    loop {
        match log.next_record(&mut reader, &mut out) {
            Ok(None) => break,
            Ok(Some(seqn)) => {
                assert_eq!(seqn, next, "numbers are skipped without a word");
                next = seqn + 1;
            }
            Err(Error::Damaged(range) | Error::Lost(range)) => {
                assert!(range.first == next && range.last >= next, "{range} behind {next}");
                next = range.last + 1;
            }
            Err(error) => panic!("reading: {error:?}"),
        }
    }
    match log.commit_reader(&mut reader) {
        Ok(cursor) => assert_eq!(cursor + 1, next, "another cursor is committed"),
        Err(error) => return Err(format!("commit of a reader: {error:?}")),
    }
    Ok(())
}

fn record(number: u64, size: usize) -> Vec<u8> {
    let word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    word.iter().copied().cycle().take(size).collect()
}

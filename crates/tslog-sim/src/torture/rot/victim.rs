//! A log as it lies on its medium, byte by byte, with what each byte belongs to.

use super::SECTOR;
use crate::disk::Disk;
use crate::power::{Power, Rng};
use crate::trail::note;
use std::io;
use std::ops::Range;
use tslog::storage::dir::{Dir, Name};
use tslog::storage::folder::Folder;
use tslog::storage::ram::Ram;
use tslog::storage::{CURSOR_PLACE_SIZE, FIRST_BUCKET_SLOT, Geometry, Present, Slots, Storage};
use tslog::{Config, Error, Log, SeqnRange, buffer_size};

const RECORD_SIZE: usize = 56;
const DELTA: u32 = 4;
const BUCKET_SIZE: u32 = 64;

/// Commits; more than 64 KiB of them.
const COMMITS: u64 = 17 * 16 + 9;

/// The last number.
const LAST: u64 = COMMITS * DELTA as u64;

/// On flash: slots of this size, and how many.
const SLOT_SIZE: usize = 4096;
const SLOTS: usize = 2 + 18;
const WRITE_SIZE: u32 = 4;

type TheLog<S> = Log<S, Vec<u8>, 2>;

/// A frame with records.
#[derive(Clone, Debug)]
struct Frame {
    bytes: Range<usize>,
    records: SeqnRange,
}

/// A log on a medium, which harms are done to.
#[derive(Clone, Debug)]
pub(super) struct Victim {
    /// All bytes of the medium.
    pub(super) bytes: Vec<u8>,
    /// The sectors of its files.
    pub(super) sectors: Vec<Range<usize>>,
    /// Where the files lie; empty for a flash.
    files: Vec<(Name, Range<usize>)>,
    frames: Vec<Frame>,
    /// All records, back to back.
    records: Vec<u8>,
}

/// The log in a folder.
pub(super) fn folder(seed: u64) -> Victim {
    let disk = Disk::new(1 << 20, &Power::new());
    let (_, written) = fill(Folder::new(disk.clone()), seed);
    let mut victim = Victim {
        bytes: Vec::new(),
        sectors: Vec::new(),
        files: Vec::new(),
        frames: Vec::new(),
        records: records(seed),
    };
    for (name, bytes) in disk.image().files() {
        let begin = victim.bytes.len();
        victim.bytes.extend(bytes);
        victim.files.push((name, begin..victim.bytes.len()));
    }
    let files = victim.files.clone();
    for (_, file) in &files {
        let sectors = file.clone().step_by(SECTOR);
        victim.sectors.extend(sectors.map(|at| at..(at + SECTOR).min(file.end)));
    }
    victim.note_frames(&written, |slot| {
        let file = files.iter().find(|(name, _)| *name == Name::Bucket(slot - FIRST_BUCKET_SLOT));
        file.expect("every bucket is there").1.start
    });
    victim
}

/// The log on a flash.
pub(super) fn ring(seed: u64) -> Victim {
    let ram = Ram::new(vec![0xFF; SLOTS * SLOT_SIZE], SLOT_SIZE as u32, WRITE_SIZE);
    let (ram, written) = fill(ram, seed);
    let bytes = ram.release();
    let sectors = (0..bytes.len()).step_by(SECTOR).map(|at| at..at + SECTOR).collect();
    let (files, frames) = (Vec::new(), Vec::new());
    let mut victim = Victim { bytes, sectors, files, frames, records: records(seed) };
    victim.note_frames(&written, |slot| slot as usize * SLOT_SIZE);
    victim
}

fn config() -> Config<'static> {
    Config {
        record_size: Some(RECORD_SIZE as u32),
        bucket_size: Some(BUCKET_SIZE),
        commit_delta: DELTA,
        readers: 2,
        ..Config::default()
    }
}

fn buffer() -> Vec<u8> {
    vec![0; buffer_size(RECORD_SIZE, DELTA as usize)]
}

fn records(seed: u64) -> Vec<u8> {
    let mut all = vec![0; LAST as usize * RECORD_SIZE];
    Rng::new(seed).fill(&mut all);
    all
}

/// Fills a log, with cursors of reader 1 here and there; returns where the frames were written.
fn fill<S: Storage>(storage: S, seed: u64) -> (S, Vec<Written>) {
    let spy = Spy { storage, last: None };
    let mut log = TheLog::create(spy, buffer(), &config()).expect("a good config");
    let mut reader = log.reader(1).expect("there is a reader 1");
    let (mut out, mut written) = ([0; RECORD_SIZE], Vec::new());
    for (seqn, record) in (1..).zip(records(seed).chunks(RECORD_SIZE)) {
        log.store_record(record).expect("there is room");
        if seqn % u64::from(DELTA) == 0 {
            written.push(log.storage().last.expect("a commit writes"));
        }
        if seqn % 40 == 0 {
            log.next_record(&mut reader, &mut out).expect("it reads back");
            log.commit_reader(&mut reader).expect("there is room");
        }
    }
    (log.into_storage().storage, written)
}

impl Victim {
    /// The header of a bucket lies in front of its first frame, and is written with it.
    fn note_frames(&mut self, written: &[Written], begin: impl Fn(u32) -> usize) {
        for (commit, written) in (0_u64..).zip(written) {
            let header = if written.offset == 0 { 32 } else { 0 };
            let from = begin(written.slot) + written.offset as usize;
            let first = commit * u64::from(DELTA) + 1;
            let last = first + u64::from(DELTA) - 1;
            let bytes = from + header..from + written.len;
            self.frames.push(Frame { bytes, records: SeqnRange { first, last } });
        }
    }

    /// True if a file ends here.
    pub(super) fn is_end(&self, at: usize) -> bool {
        self.files.iter().any(|(_, file)| file.end == at)
    }

    /// Opens and reads what is left of the log. Returns what came of it.
    pub(super) fn look(&self, bytes: &[u8], touched: &[Range<usize>]) -> &'static str {
        let hit = |frame: &Frame| {
            let inside = |range: &Range<usize>| {
                let (from, to) =
                    (range.start.max(frame.bytes.start), range.end.min(frame.bytes.end));
                from < to && bytes[from..to] != self.bytes[from..to]
            };
            touched.iter().any(inside)
        };
        let hit: Vec<_> = self.frames.iter().filter(|frame| hit(frame)).collect();
        let frozen = Frozen { victim: self, bytes };
        if self.files.is_empty() {
            self.read(frozen, &hit, touched)
        } else {
            self.read(Folder::new(frozen), &hit, touched)
        }
    }

    fn read<S: Storage>(
        &self,
        storage: S,
        hit: &[&Frame],
        touched: &[Range<usize>],
    ) -> &'static str {
        let mut log = TheLog::open(storage, buffer(), &config()).expect("the log opens");
        let mut reader = log.reader(0).expect("there is a reader 0");
        let mut out = vec![0; 70_000];
        let (mut next, mut lost) = (1, Vec::new());
        loop {
            match log.read_batch(&mut reader, &mut out) {
                Ok(Some(batch)) => {
                    assert!(batch.first == next, "record {} came after {}", batch.first, next - 1);
                    let (count, at) = (batch.count as usize, (next - 1) as usize * RECORD_SIZE);
                    let stored = &self.records[at..at + count * RECORD_SIZE];
                    let same = out[..count * RECORD_SIZE] == *stored;
                    assert!(same, "of {count} records from {next} on, one has other bytes");
                    next += count as u64;
                }
                Ok(None) => break,
                Err(Error::Damaged(range)) => {
                    note(|| format!("told that {range} are damaged"));
                    assert!(range.first == next, "told of {range} behind {}", next - 1);
                    lost.extend(range.first..=range.last);
                    next = range.last + 1;
                }
                Err(error) => panic!("reading gave {error:?}"),
            }
        }
        note(|| format!("read up to {}, {:?}", next - 1, log.report()));
        let mut due: Vec<_> =
            hit.iter().flat_map(|frame| frame.records.first..=frame.records.last).collect();
        // The last commits cannot be told from writes that were cut, if all that lies behind was
        // hit; but their remains are named.
        let tail_is_gone = next <= LAST;
        if tail_is_gone {
            let told = log.report().abandoned_size > 0;
            assert!(told, "the log ends with {} and not with {LAST}, without a word", next - 1);
            let hit_all = (next..=LAST).all(|seqn| due.contains(&seqn));
            assert!(hit_all, "the log ends with {}, and not all behind was hit", next - 1);
            due.retain(|seqn| *seqn < next);
        }
        // A frame that was copied whole, to where it does not belong, may still be found.
        let moved = touched.iter().filter(|range| !range.is_empty()).count() > 1;
        let right = if moved { lost.iter().all(|seqn| due.contains(seqn)) } else { lost == due };
        assert!(right, "told of {lost:?}, and hit were {due:?}");
        let cursor = log.reader(1).and_then(|reader| log.cursor(&reader));
        let cursor = cursor.expect("there is a reader 1");
        assert!(cursor <= LAST / 40, "reader 1 stands behind {cursor}, and read {}", LAST / 40);
        match (tail_is_gone, lost.is_empty()) {
            (true, _) => "abandoned",
            (false, true) => "harmless",
            (false, false) => "damaged",
        }
    }
}

/// Where a write went.
#[derive(Clone, Copy, Debug)]
struct Written {
    slot: u32,
    offset: u32,
    len: usize,
}

/// Notes the last write to a bucket.
struct Spy<S> {
    storage: S,
    last: Option<Written>,
}

impl<S: Storage> Storage for Spy<S> {
    type Error = S::Error;

    fn geometry(&self) -> Geometry {
        self.storage.geometry()
    }
    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), S::Error> {
        self.storage.read(slot, offset, out)
    }
    fn write(&mut self, slot: u32, offset: u32, data: &[u8]) -> Result<(), S::Error> {
        self.last = Some(Written { slot, offset, len: data.len() });
        self.storage.write(slot, offset, data)
    }
    fn erase(&mut self, slot: u32) -> Result<(), S::Error> {
        self.storage.erase(slot)
    }
    fn reserve(&mut self, slot: u32, size: u32) -> Result<(), S::Error> {
        self.storage.reserve(slot, size)
    }
    fn sync(&mut self) -> Result<(), S::Error> {
        self.storage.sync()
    }
    fn extent(&mut self, slot: u32) -> Result<u32, S::Error> {
        self.storage.extent(slot)
    }
    fn present(&mut self, below: u32) -> Result<Option<Present>, S::Error> {
        self.storage.present(below)
    }
    fn settle(&mut self, slot: u32) -> Result<(), S::Error> {
        self.storage.settle(slot)
    }
    fn read_cursor(
        &mut self,
        reader: u8,
        place: u8,
        out: &mut [u8; CURSOR_PLACE_SIZE],
    ) -> Result<(), S::Error> {
        self.storage.read_cursor(reader, place, out)
    }
    fn write_cursor(
        &mut self,
        reader: u8,
        place: u8,
        data: &[u8; CURSOR_PLACE_SIZE],
    ) -> Result<(), S::Error> {
        self.storage.write_cursor(reader, place, data)
    }
    fn settle_cursor(&mut self, reader: u8) -> Result<(), S::Error> {
        self.storage.settle_cursor(reader)
    }
    fn set_readers(&mut self, count: u8) -> Result<(), S::Error> {
        self.storage.set_readers(count)
    }
    fn readers(&mut self) -> Result<u8, S::Error> {
        self.storage.readers()
    }
}

/// A medium that nobody may change.
struct Frozen<'a> {
    victim: &'a Victim,
    bytes: &'a [u8],
}

impl Frozen<'_> {
    fn file(&self, name: Name) -> Option<&[u8]> {
        let files = &self.victim.files;
        // Where the name lies if none is missing, which saves the search.
        let guess = match name {
            Name::Header(copy) => usize::from(copy),
            Name::Bucket(number) => number as usize + 2,
            Name::Reader(_) | Name::Lock => usize::MAX,
        };
        let found = files.get(guess).filter(|(there, _)| *there == name);
        let found = found.or_else(|| files.iter().find(|(there, _)| *there == name));
        self.bytes.get(found?.1.clone())
    }
}

impl Dir for Frozen<'_> {
    fn list(&mut self, each: &mut dyn FnMut(Name)) -> io::Result<()> {
        self.victim.files.iter().for_each(|(name, _)| each(*name));
        Ok(())
    }
    fn size(&mut self, name: Name) -> io::Result<Option<u64>> {
        Ok(self.file(name).map(|bytes| bytes.len() as u64))
    }
    fn read(&mut self, name: Name, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let there = self.file(name).and_then(|bytes| bytes.get(offset as usize..));
        let there = there.unwrap_or_default();
        let len = there.len().min(out.len());
        out[..len].copy_from_slice(&there[..len]);
        Ok(len)
    }
    fn write(&mut self, name: Name, offset: u64, _data: &[u8]) -> io::Result<()> {
        panic!("looking writes at {offset} of {name}")
    }
    fn create(&mut self, name: Name) -> io::Result<()> {
        panic!("looking creates {name}")
    }
    fn truncate(&mut self, name: Name, size: u64) -> io::Result<()> {
        panic!("looking cuts {name} off behind {size}")
    }
    fn remove(&mut self, name: Name) -> io::Result<bool> {
        assert!(self.file(name).is_none(), "looking removes {name}");
        Ok(false)
    }
    fn sync(&mut self, _name: Name) -> io::Result<()> {
        Ok(())
    }
    fn sync_names(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn is_locked(&mut self, _name: Name) -> io::Result<bool> {
        Ok(false)
    }
}

impl Storage for Frozen<'_> {
    type Error = io::Error;

    fn geometry(&self) -> Geometry {
        Geometry {
            slot_count: SLOTS as u32,
            slot_size: SLOT_SIZE as u32,
            write_size: WRITE_SIZE,
            slots: Slots::Fixed,
        }
    }
    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> io::Result<()> {
        let from = slot as usize * SLOT_SIZE + offset as usize;
        out.copy_from_slice(&self.bytes[from..from + out.len()]);
        Ok(())
    }
    fn write(&mut self, slot: u32, offset: u32, _data: &[u8]) -> io::Result<()> {
        panic!("looking writes at {offset} of slot {slot}")
    }
    fn erase(&mut self, slot: u32) -> io::Result<()> {
        panic!("looking erases slot {slot}")
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

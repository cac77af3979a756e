//! Reading a log of which any byte may be wrong, through a view and through the log itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tslog::storage::{Geometry, Slots, Storage, folder::Folder, ram::Ram};
use tslog::{Config, Error, Log, SeqnRange, View, ViewStep, buffer_size};

use crate::image::{Memory, unpack};
use crate::reference::is_orderly;

/// Records larger than this are not read: they are of a hostile header, and cost time alone.
pub(crate) const RECORD_SIZE_MAX: u32 = 1 << 14;

/// A log on one of the two kinds of media.
#[derive(Clone, Debug)]
pub(crate) enum Medium {
    /// In a folder.
    Folder(Memory),
    /// In a flash image.
    Flash(Dump),
}

/// A flash image that is only looked at; what it is too short for reads as blank.
#[derive(Clone, Debug)]
pub(crate) struct Dump {
    bytes: Vec<u8>,
    slot_size: u32,
    /// Where the header lies that says so.
    header_at: usize,
}

const MAGIC: &[u8] = b"tslog\r\n\x1A";

impl Dump {
    /// The size of a slot is what a sound copy of the header says, A or one that lies where it
    /// says, or else what a rotten one does.
    fn new(bytes: &[u8]) -> Option<Self> {
        let size_at =
            |at: usize| Some(u32::from_le_bytes(bytes.get(at + 32..at + 36)?.try_into().ok()?));
        let is_copy = |at: &usize| {
            bytes[*at..].starts_with(MAGIC) && (*at == 0 || size_at(*at) == u32::try_from(*at).ok())
        };
        let copies = || (0..bytes.len()).filter(is_copy);
        let header_at = copies().find(|&at| is_sound(&bytes[at..])).or_else(|| copies().next())?;
        let slot_size = size_at(header_at)?;
        (slot_size > 0).then(|| Self { bytes: bytes.to_vec(), slot_size, header_at })
    }
}

/// True if these bytes begin with a log header whose checksum is right.
fn is_sound(bytes: &[u8]) -> bool {
    let word = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    let word = |at: usize| word(at).map(|bytes| u32::from_le_bytes(*bytes));
    let crc_at = word(52).and_then(|size| 56_usize.checked_add(size as usize));
    let crc = crc_at.and_then(|at| Some((word(at)?, crc32c::crc32c(bytes.get(..at)?))));
    bytes.starts_with(MAGIC) && crc.is_some_and(|(stored, computed)| stored == computed)
}

impl Storage for Dump {
    type Error = std::convert::Infallible;

    fn geometry(&self) -> Geometry {
        let slot_count = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX) / self.slot_size;
        Geometry { slot_count, slot_size: self.slot_size, write_size: 1, slots: Slots::Fixed }
    }

    fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) -> Result<(), Self::Error> {
        out.fill(0xFF);
        let at = u64::from(slot) * u64::from(self.slot_size) + u64::from(offset);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let rest = self.bytes.get(at..).unwrap_or_default();
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        Ok(())
    }

    fn write(&mut self, _: u32, _: u32, _: &[u8]) -> Result<(), Self::Error> {
        panic!("a view has written")
    }

    fn erase(&mut self, _: u32) -> Result<(), Self::Error> {
        panic!("a view has erased")
    }

    fn sync(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// All that a log tells.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) records: BTreeMap<u64, Vec<u8>>,
    lost: Vec<SeqnRange>,
    cursors: Vec<u64>,
    end: u64,
    /// False if no two readers need to tell the same of it.
    pub(crate) sensible: bool,
}

impl Story {
    /// As the reference prints it, the line about the log excepted.
    pub(crate) fn lines(&self) -> String {
        let mut out = String::new();
        let mut lost = self.lost.iter().peekable();
        let mut tell = |out: &mut String, before: u64| {
            while let Some(range) = lost.next_if(|range| range.first < before) {
                let _ = writeln!(out, r#"{{"lost": [{}, {}]}}"#, range.first, range.last);
            }
        };
        for (seqn, record) in &self.records {
            tell(&mut out, *seqn);
            let _ = write!(out, r#"{{"record": {seqn}, "bytes": ""#);
            for byte in record {
                let _ = write!(out, "{byte:02x}");
            }
            out.push_str("\"}\n");
        }
        tell(&mut out, u64::MAX);
        for (n, cursor) in self.cursors.iter().enumerate() {
            let _ = writeln!(out, r#"{{"cursor": {n}, "at": {cursor}}}"#);
        }
        let _ = writeln!(out, r#"{{"end": {}}}"#, self.end);
        out
    }
}

impl Medium {
    /// A folder or a flash image, as the reference numbers them: 1 and 0.
    #[must_use]
    pub(crate) fn new(kind: u8, data: &[u8]) -> Option<Self> {
        if kind == 1 { Some(Self::Folder(unpack(data))) } else { Dump::new(data).map(Self::Flash) }
    }

    /// All that a view tells of it, or why it is no log.
    pub(crate) fn story(&self) -> Result<Story, String> {
        match self.clone() {
            Self::Folder(memory) => {
                let size = memory.files.values().map(Vec::len).sum();
                story(Folder::new(memory), size)
            }
            Self::Flash(dump) => {
                let size = dump.bytes.len();
                story(dump, size)
            }
        }
    }
}

fn story<S: Storage>(storage: S, size: usize) -> Result<Story, String> {
    let mut view = View::new(storage).map_err(|error| format!("{error:?}"))?;
    let record_size = view.schema().record_size;
    if record_size > RECORD_SIZE_MAX {
        return Ok(Story::default());
    }
    let read = |error| format!("{error:?}");
    let numbers = view.numbers().map_err(read)?;
    let mut story = Story { end: numbers.last, sensible: true, ..Story::default() };
    let mut out = vec![0; record_size as usize * 16];
    let (mut next, mut steps) = (numbers.first, 0);
    loop {
        steps += 1;
        assert!(steps <= size * 4 + 64, "reading {size} bytes does not end");
        match view.read(&mut out).map_err(read)? {
            ViewStep::End => break,
            ViewStep::Records(first, count) => {
                assert_eq!(first, next, "numbers are skipped without a word");
                assert!(count > 0, "no record is read, and the end is not told");
                for bytes in out.chunks_exact(record_size as usize).take(count as usize) {
                    story.records.insert(next, bytes.to_vec());
                    next += 1;
                }
            }
            ViewStep::Damaged(range) => {
                assert!(range.first == next && range.last >= next, "{range} is told behind {next}");
                next = range.last + 1;
                match story.lost.last_mut() {
                    // What was found in two steps is one loss.
                    Some(lost)
                        if lost.last + 1 == range.first
                            && !story.records.contains_key(&lost.last) =>
                    {
                        lost.last = range.last;
                    }
                    _ => story.lost.push(range),
                }
            }
        }
    }
    assert!(next == story.end + 1 || story.end < numbers.first, "reading ends at {next}");
    story.cursors = view.cursors().map_err(read)?;
    // A cursor beyond the end proves that numbers up to it were committed and are lost.
    let most = story.cursors.iter().copied().max().unwrap_or(0);
    if most > story.end {
        match story.lost.last_mut() {
            Some(lost) if lost.last == story.end => lost.last = most,
            _ => story.lost.push(SeqnRange { first: story.end + 1, last: most }),
        }
        story.end = most;
    }
    Ok(story)
}

/// A log that is opened on these bytes reads the same records. Returns the first that is another
/// one.
fn log_reads<S: Storage>(storage: S, record_size: usize, story: &Story) -> Option<u64> {
    let mut other = None;
    let config = Config { readers: 4, commit_delta: 1, ..Config::default() };
    let buffer = vec![0; buffer_size(record_size, 1)];
    let Ok(mut log) = Log::<_, _, 4>::open(storage, buffer, &config) else { return None };
    // Another header than the one that was found may count, and fit the buffer all the same.
    let mut out = vec![0; log.record_size()];
    for n in 0..4 {
        let Ok(mut reader) = log.reader(n) else { panic!("reader {n} is not there") };
        let mut next = log.cursor(&reader).map_or(1, |cursor| cursor + 1);
        loop {
            match log.next_record(&mut reader, &mut out) {
                Ok(None) => break,
                Ok(Some(seqn)) => {
                    assert_eq!(seqn, next, "reader {n} skips numbers without a word");
                    if story.records.get(&seqn).is_some_and(|record| *record != out) {
                        other = other.or(Some(seqn));
                    }
                    next += 1;
                }
                Err(Error::Damaged(range) | Error::Lost(range)) => {
                    assert!(range.first == next && range.last >= next, "{range} behind {next}");
                    next = range.last + 1;
                }
                Err(error) => panic!("reader {n}: {error:?}"),
            }
        }
    }
    other
}

/// A record may only have two contents if somebody has forged both.
fn check_contents(kind: u8, data: &[u8], other: Option<u64>) {
    if let Some(seqn) = other {
        assert!(!is_orderly(kind, data), "record {seqn} has two contents");
    }
}

/// The target: a folder.
pub(crate) fn folder(data: &[u8]) {
    let memory = unpack(data);
    let Ok(story) = Medium::Folder(memory.clone()).story() else { return };
    let record_size = record_size(&memory.files.values().map(Vec::as_slice).collect::<Vec<_>>());
    if let Some(record_size) = record_size {
        check_contents(1, data, log_reads(Folder::new(memory), record_size, &story));
    }
}

/// The target: a flash image.
pub(crate) fn flash(data: &[u8]) {
    let Some(dump) = Dump::new(data) else { return };
    let Ok(story) = Medium::Flash(dump.clone()).story() else { return };
    if let (Some(ram), Some(size)) = (ram(&dump), record_size(&[data])) {
        check_contents(0, data, log_reads(ram, size, &story));
    }
}

/// The bytes as a flash that can be written, in the words its header names.
pub(crate) fn ram(dump: &Dump) -> Option<Ram<Vec<u8>>> {
    let header = dump.bytes.get(dump.header_at..)?;
    let field = |from: usize| header.get(from..).and_then(|rest| rest.first_chunk::<4>());
    let word = |from: usize| field(from).map(|bytes| u32::from_le_bytes(*bytes));
    let (write_size, slot_count) = (word(10)? & 0xFFFF, word(36)?);
    let size = usize::try_from(u64::from(slot_count) * u64::from(dump.slot_size)).ok()?;
    let bytes = dump.bytes.get(..size)?.to_vec();
    (1..=32).contains(&write_size).then(|| Ram::new(bytes, dump.slot_size, write_size))
}

/// The size of a record that some header in these files may name.
pub(crate) fn record_size(files: &[&[u8]]) -> Option<usize> {
    let header = files.iter().find_map(|file| {
        let at = file.windows(MAGIC.len()).position(|bytes| bytes == MAGIC)?;
        file.get(at..at + 44)
    })?;
    let size = u32::from_le_bytes(header.get(40..44)?.try_into().ok()?);
    (1..=RECORD_SIZE_MAX).contains(&size).then_some(size as usize)
}

/// As [`Dump::new`], for the other targets.
pub(crate) fn dump(bytes: &[u8]) -> Option<Dump> {
    Dump::new(bytes)
}

//! What cuts and rot leave is not taken for forged, and the reference reads it as the library does.

use tslog::storage::{Storage, dir::Name, folder::Folder, ram::Ram};
use tslog::{Config, Error, Log, buffer_size};
use tslog_fuzz::{Memory, pack, story, told_by_reference};

/// The logs that are made, some of which were once read in two ways, and how often each is damaged.
const LOGS: std::ops::Range<u64> = 670..770;
const DAMAGES: u64 = 8;

/// What a disk or a flash loses at once.
const SECTOR: usize = 512;
/// How far away a sector may be that it reads as. Frames are not looked for further.
const NEAR: usize = 4;

/// Draws numbers, the same with every run.
struct Draw(u64);

impl Draw {
    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("it has 31 bits") % limit
    }

    fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }

    fn from(&mut self, low: usize, high: usize) -> u32 {
        u32::try_from(low + self.below(high - low + 1)).expect("it is small")
    }
}

/// How a log is used.
struct Plan {
    record_size: u32,
    bucket_size: u32,
    readers: u8,
}

impl Plan {
    fn of(draw: &mut Draw) -> Self {
        Self {
            record_size: draw.from(1, 24),
            bucket_size: draw.from(2, 60),
            readers: u8::try_from(draw.from(1, 3)).expect("it is small"),
        }
    }

    /// Opens or makes the log, stores and reads, and stops without a word or in order.
    fn live<S: Storage>(&self, storage: S, is_new: bool, draw: &mut Draw) -> Option<S> {
        let commit_delta = draw.from(1, 7);
        let config = Config {
            record_size: Some(self.record_size),
            bucket_size: Some(self.bucket_size),
            commit_delta,
            readers: self.readers,
            ..Config::default()
        };
        let size = self.record_size as usize;
        let buffer = vec![0; buffer_size(size, commit_delta as usize)];
        let mut log = if is_new {
            Log::<_, _, 4>::create(storage, buffer, &config).expect("it fits")
        } else {
            Log::<_, _, 4>::open(storage, buffer, &config).ok()?
        };
        let (mut out, mut record) = (vec![0; size], vec![0; size]);
        for _ in 0..draw.below(90) {
            record.fill_with(|| draw.byte());
            if matches!(log.store_record(&record), Err(Error::Full)) {
                break;
            }
            if draw.below(6) == 0 {
                let n = draw.below(usize::from(self.readers)).to_le_bytes()[0];
                let mut reader = log.reader(n).ok()?;
                for _ in 0..draw.below(20) {
                    let _ = log.next_record(&mut reader, &mut out);
                }
                let _ = log.commit_reader(&mut reader);
            }
        }
        if draw.below(4) == 0 {
            let _ = log.close();
        }
        Some(log.into_storage())
    }
}

/// The bytes of one bucket or slot, and what is blank there.
struct Part<'a> {
    bytes: &'a mut [u8],
    blank: u8,
    word: usize,
}

impl Part<'_> {
    /// The power goes while the end of what is written here was on its way.
    fn cut(&mut self, draw: &mut Draw) {
        let used =
            self.bytes.iter().rposition(|&byte| byte != self.blank).map_or(0, |last| last + 1);
        let from = used.saturating_sub(draw.below(80)) / self.word * self.word;
        self.bytes[from..].fill(self.blank);
    }

    /// A bit or a few bytes are not what was written.
    fn rot(&mut self, draw: &mut Draw) {
        if self.bytes.is_empty() {
            return;
        }
        let at = draw.below(self.bytes.len());
        if draw.below(3) > 0 {
            self.bytes[at] ^= 1 << draw.below(8);
        } else {
            let end = (at + 1 + draw.below(40)).min(self.bytes.len());
            self.bytes[at..end].fill_with(|| draw.byte());
        }
    }

    /// A sector is blank or reads as another one does, or two are exchanged, which it returns.
    fn lose(&mut self, draw: &mut Draw) -> bool {
        let size = self.bytes.len();
        let sector = |n: usize| n * SECTOR..(n * SECTOR + SECTOR).min(size);
        let sectors = size.div_ceil(SECTOR).max(1);
        let n = draw.below(sectors);
        let (one, other) = (sector(n), sector((n + draw.below(NEAR + 1)).min(sectors - 1)));
        // What lies behind the end of a file does not come along.
        if draw.below(3) == 0 || one.len() != other.len() {
            self.bytes[one].fill(self.blank);
            return false;
        }
        let kept = self.bytes[one.clone()].to_vec();
        self.bytes.copy_within(other.clone(), one.start);
        let exchanged = draw.below(2) == 0;
        if exchanged {
            self.bytes[other].copy_from_slice(&kept);
        }
        exchanged
    }

    /// Does either. True if no two readers need to tell the same: where frames have moved forward
    /// to the end of the log, it may be taken to end in front of them.
    fn damage(&mut self, draw: &mut Draw) -> bool {
        match draw.below(3) {
            0 => self.lose(draw),
            more => {
                (0..more).for_each(|_| self.rot(draw));
                false
            }
        }
    }
}

/// Cuts the newest bucket short.
fn cut_folder(memory: &mut Memory, draw: &mut Draw) {
    let newest = memory.files.iter_mut().rfind(|(name, _)| matches!(name, Name::Bucket(_)));
    if let Some((_, bytes)) = newest {
        Part { bytes, blank: 0, word: 1 }.cut(draw);
    }
}

/// Fails if one of the two tells what the other does not, or takes it for forged.
fn same(name: &str, kind: u8, image: &[u8], is_open: bool) {
    let ours = story(kind, image).expect("the header says what a log is");
    let theirs = told_by_reference(kind, image);
    if theirs.as_ref() != Some(&ours) && !(is_open && theirs.is_none()) {
        let input = std::env::temp_dir().join("tslog-fuzz-damage");
        std::fs::write(&input, [&[kind][..], image].concat()).unwrap();
        assert_eq!(Some(ours), theirs, "{name}, kept as {}", input.display());
    }
}

#[test]
fn a_folder_that_was_cut_or_is_rotten_is_not_taken_for_forged_and_reads_the_same() {
    for seed in LOGS {
        let mut draw = Draw(seed);
        let plan = Plan::of(&mut draw);
        let mut memory = Memory::default();
        for life in 0..=draw.below(4) {
            let folder = Folder::new(memory.clone());
            let Some(kept) = plan.live(folder, life == 0, &mut draw) else { break };
            memory = kept.release();
            if draw.below(2) == 0 {
                cut_folder(&mut memory, &mut draw);
            }
        }
        same(&format!("folder {seed}"), 1, &pack(&memory), false);
        for damage in 0..DAMAGES {
            let mut rotten = memory.clone();
            let file = draw.below(rotten.files.len());
            let bytes = rotten.files.values_mut().nth(file).expect("it is one of them");
            let is_open = Part { bytes, blank: 0, word: 1 }.damage(&mut draw);
            same(&format!("folder {seed}, damage {damage}"), 1, &pack(&rotten), is_open);
        }
    }
}

#[test]
fn a_flash_that_was_cut_or_is_rotten_is_not_taken_for_forged_and_reads_the_same() {
    for seed in LOGS {
        let mut draw = Draw(seed);
        let plan = Plan::of(&mut draw);
        let word = [1, 4, 8, 16, 32][draw.below(5)];
        let (slots, size) = (4 + draw.below(4), [512, 1024, 2048][draw.below(3)]);
        let mut image = vec![0xFF; slots * size];
        let short = |size: usize| u32::try_from(size).expect("it is small");
        let ram = |image: &[u8]| Ram::new(image.to_vec(), short(size), short(word));
        for life in 0..=draw.below(4) {
            let Some(kept) = plan.live(ram(&image), life == 0, &mut draw) else { break };
            image = kept.release();
            if draw.below(2) == 0 {
                let slot = draw.below(slots) * size;
                let bytes = &mut image[slot..slot + size];
                Part { bytes, blank: 0xFF, word }.cut(&mut draw);
            }
        }
        same(&format!("flash {seed}"), 0, &image, false);
        for damage in 0..DAMAGES {
            let mut rotten = image.clone();
            let is_open = Part { bytes: &mut rotten, blank: 0xFF, word }.damage(&mut draw);
            same(&format!("flash {seed}, damage {damage}"), 0, &rotten, is_open);
        }
    }
}

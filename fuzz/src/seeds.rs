//! The inputs the fuzzer begins with: images of old logs, logs made here, and a few texts.

use std::path::Path;

use tslog::storage::{Storage, folder::Folder, ram::Ram};
use tslog::{Config, Error, Log, buffer_size};

use crate::image::{Memory, pack};

/// A seed: the target it is for, a name and the bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// How a log is made.
#[derive(Clone, Copy)]
struct Recipe {
    name: &'static str,
    write_size: u32,
    record_size: u32,
    bucket_size: u32,
    commit_delta: u32,
    readers: u8,
    stores: u64,
    /// A reader commits behind every so many records.
    reads: u64,
    close: bool,
}

const PLAIN: Recipe = Recipe {
    name: "plain",
    write_size: 1,
    record_size: 6,
    bucket_size: 8,
    commit_delta: 3,
    readers: 2,
    stores: 25,
    reads: 5,
    close: false,
};

const RECIPES: &[Recipe] = &[
    PLAIN,
    Recipe { name: "closed", close: true, ..PLAIN },
    Recipe { name: "empty", stores: 0, ..PLAIN },
    Recipe { name: "one-by-one", write_size: 4, commit_delta: 1, reads: 1, ..PLAIN },
    Recipe { name: "words", write_size: 8, record_size: 13, stores: 60, close: true, ..PLAIN },
    Recipe { name: "parts", bucket_size: 2, commit_delta: 5, stores: 20, ..PLAIN },
    Recipe { name: "full", write_size: 16, stores: 90, reads: 1000, readers: 4, ..PLAIN },
    Recipe { name: "pages", write_size: 32, record_size: 24, stores: 40, ..PLAIN },
];

impl Recipe {
    fn fill<S: Storage>(&self, storage: S) -> S {
        let config = Config {
            record_size: Some(self.record_size),
            bucket_size: Some(self.bucket_size),
            commit_delta: self.commit_delta,
            readers: self.readers,
            id: *b"a seed to grow..",
            ..Config::default()
        };
        let record_size = self.record_size as usize;
        let buffer = vec![0; buffer_size(record_size, self.commit_delta as usize)];
        let mut log = Log::<_, _, 4>::create(storage, buffer, &config).expect("it fits");
        let mut reader = log.reader(self.readers - 1).expect("it is declared");
        let mut out = vec![0; record_size];
        for seqn in 1..=self.stores {
            let record: Vec<u8> = (1..=seqn.to_le_bytes()[0]).cycle().take(record_size).collect();
            match log.store_record(&record) {
                Err(Error::Full) => break,
                stored => assert_eq!(stored.expect("it stores"), seqn),
            }
            if seqn % self.reads == 0 {
                log.next_record(&mut reader, &mut out).expect("the log is whole");
                log.commit_reader(&mut reader).expect("a cursor can be committed");
            }
        }
        // A full log is still drained; its cursor goes beside the header.
        log.next_record(&mut reader, &mut out).expect("the log is whole");
        log.commit_reader(&mut reader).expect("a cursor can be committed");
        if self.close {
            log.close().expect("it closes");
        }
        log.into_storage()
    }

    fn flash(&self) -> Vec<u8> {
        self.fill(Ram::new(vec![0xFF; 6 * 256], 256, self.write_size)).release()
    }

    fn folder(&self) -> Memory {
        self.fill(Folder::new(Memory::default())).release()
    }
}

/// The logs made here: the name and the bytes of each, as flash and as a folder.
#[must_use]
pub fn logs() -> Vec<(&'static str, Vec<u8>, Memory)> {
    RECIPES.iter().map(|recipe| (recipe.name, recipe.flash(), recipe.folder())).collect()
}

/// Where images of old logs lie.
#[must_use]
pub fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/tslog/tests/golden")
}

/// The files of a folder on the disk.
#[must_use]
pub fn load(path: &Path) -> Memory {
    let mut memory = Memory::default();
    for entry in std::fs::read_dir(path).expect("the folder is there") {
        let entry = entry.expect("its entries can be read");
        let name = tslog::storage::dir::Name::parse(&entry.file_name().to_string_lossy());
        if let Some(name) = name {
            let content = std::fs::read(entry.path()).expect("its files can be read");
            memory.files.insert(name, content);
        }
    }
    memory
}

const FORMATS: &[&str] = &[
    "Qff\ntime:s,temperature:degC,humidity:%",
    "@bBhHiIlLqQnN\n",
    "<e2f d?c\na,b,c,d,e,f",
    ">10s 3p xx P",
    "=0Q255B\nx",
];

const COMMANDS: &[&str] = &[
    "create\ndata\n--format\nQff\n--fields\ntime:s,temperature:degC,humidity:%",
    "append\ndata\n--csv\n--tag\n1\n--commit-delta\n1",
    "cat\ndata\n--since\n10m\n--until\n2026-01-01T00:00:00Z\n--tail\n5\n--json",
    "cat\nflash.bin\n--image\n--sector-size\n4096\n--from\n1000",
    "read\ndata\n--reader\n0\n--limit\n100\n--commit",
    "verify\nflash.bin\n--image",
    "\0time:s,temperature:degC\n1,20.5\n2,nan\n",
    "\x03{\"time\": 1, \"temperature\": 20.5}\n{\"temperature\": -1e9, \"time\": 2}\n",
    "\x01tag,a,b:V,c,d\n1,-5,1,2.5,9\n",
    "\x05text\\x00\\xff\nmore",
];

/// All seeds.
#[must_use]
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut log = |name: &str, flash: Option<Vec<u8>>, folder: Option<Memory>| {
        for (kind, image) in [(0, flash), (1, folder.as_ref().map(pack))] {
            let Some(image) = image else { continue };
            let own = if kind == 0 { "flash" } else { "folder" };
            let name = format!("{own}-{name}");
            let with = |first: u8| [&[first][..], &image].concat();
            seeds.push(("differential", name.clone(), with(kind)));
            let plan = 2 * u8::try_from(image.len() % 128).unwrap_or(0);
            seeds.push(("recover_append", name.clone(), with(kind + plan)));
            seeds.push((own, name, image));
        }
    };
    for (name, flash, folder) in logs() {
        log(name, Some(flash), Some(folder));
    }
    for name in ["flash-1", "flash-4", "flash-32"] {
        let image = std::fs::read(golden().join(format!("{name}.bin")));
        log(&name.replace("flash", "old"), Some(image.expect("the image is there")), None);
    }
    log("old", None, Some(load(&golden().join("folder"))));
    for (n, text) in FORMATS.iter().enumerate() {
        seeds.push(("format", format!("format-{n}"), text.as_bytes().to_vec()));
    }
    for (n, text) in COMMANDS.iter().enumerate() {
        seeds.push(("cli", format!("command-{n}"), text.as_bytes().to_vec()));
    }
    seeds.push(("cursor", "blank".into(), vec![0; 64]));
    let mut two = vec![0; 64];
    for (at, counter) in [(0, 2_u8), (32, 1)] {
        (two[at], two[at + 8], two[at + 15]) = (counter, counter * 4, 1);
    }
    // Its checksums are right where the fuzzer mends both.
    (0..64).find(|&seed| {
        crate::mend("cursor", &mut two, seed);
        two[28..32] != [0; 4] && two[60..64] != [0; 4]
    });
    seeds.push(("cursor", "two".into(), two));
    seeds
}

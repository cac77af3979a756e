//! How fast the log is beside the least that could do the same work, measured in turn.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::Shape;
use super::rounds::{Took, in_turn, ratio, took};
use crate::{figure, payload};
use tslog::{Options, SharedLog};
use tslog_sim::mount::Ext4;

const ROUNDS: usize = 9;
const COMMITS: u64 = 2000;
const SIZE: usize = 16;
/// Records that are stored without a sync, or read.
const RECORDS: u64 = 1 << 20;
/// Of the log that is stored to, in one bucket: beginning another one means a sync.
const STORED: Shape =
    Shape { record_size: SIZE as u32, bucket_size: 1 << 20, commit_delta: 1 << 30 };
/// Of the log that is read: each frame is a commit of 16.
const READ: Shape = Shape { record_size: SIZE as u32, bucket_size: 16_384, commit_delta: 16 };

pub(super) fn run(ext4: &Ext4) {
    durable(ext4);
    shared(ext4);
    not_synced(ext4);
    in_the_background(ext4);
    reading(ext4);
    scaling(ext4);
}

/// Commits of 16 records, beside one write and one sync of a file filled with zeros before.
fn durable(ext4: &Ext4) {
    let (folder, path) = (ext4.path_of("durable"), ext4.path_of("raw"));
    let log = READ.open(&folder);
    store(&log, 16);
    let file = File::create_new(&path).expect("the file can be made");
    file.write_all_at(&vec![0; (COMMITS * 256) as usize], 0).expect("there is room");
    file.sync_all().expect("the file syncs");
    let rounds = in_turn(
        ROUNDS,
        |_| took(|| store(&log, COMMITS * 16)),
        |_| {
            took(|| {
                let mut data = [0; 256];
                for commit in 0..COMMITS {
                    for (at, record) in data.chunks_mut(SIZE).enumerate() {
                        payload(commit * 16 + at as u64, record);
                    }
                    file.write_all_at(&data, commit * 256).expect("there is room");
                    file.sync_data().expect("the file syncs");
                }
            })
        },
    );
    let (ours, raw) = rounds.medians();
    figure("linux_16b_k16_speed", 1.0 / rounds.ratio(), "of_raw");
    figure("linux_16b_k16_cpu", ours.processor_ns as f64 / raw.processor_ns as f64, "of_raw");
    drop(log);
    fs::remove_dir_all(&folder).expect("the log can be removed");
    fs::remove_file(&path).expect("the file can be removed");
}

/// Sixteen threads that need each record durable.
fn shared(ext4: &Ext4) {
    let folder = ext4.path_of("shared");
    let log = Shape { commit_delta: 1, ..READ }.open(&folder);
    store(&log, 1);
    let each = 500;
    let ((), cost) = ext4.cost_of(|| {
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| store(&log, each));
            }
        });
    });
    figure("linux_16t_k1_syncs", cost.flushes as f64 / (16 * each) as f64, "syncs/record");
    drop(log);
    fs::remove_dir_all(&folder).expect("the log can be removed");
}

/// Storing with no sync, beside a loop over a `BufWriter`.
fn not_synced(ext4: &Ext4) {
    let (folder, path) = (ext4.path_of("stored"), ext4.path_of("buffered"));
    let rounds = in_turn(
        ROUNDS,
        |_| {
            let log = STORED.open(&folder);
            let took = took(|| store(&log, RECORDS));
            drop(log);
            fs::remove_dir_all(&folder).expect("the log can be removed");
            took
        },
        |_| {
            let file = File::create_new(&path).expect("the file can be made");
            let took = took(|| {
                let mut file = BufWriter::new(file);
                let mut record = [0; SIZE];
                for seqn in 1..=RECORDS {
                    payload(seqn, &mut record);
                    file.write_all(&record).expect("there is room");
                }
                file.flush().expect("there is room");
            });
            fs::remove_file(&path).expect("the file can be removed");
            took
        },
    );
    let (ours, buffered) = rounds.medians();
    figure("linux_16b_store", per_record(ours), "ns/record");
    figure("linux_16b_buffered", per_record(buffered), "ns/record");
    figure("linux_16b_store_speed", ours.speed_of(buffered), "of_bufwriter");
}

/// How long a single `store` takes while commits run in the background, beside one sync.
fn in_the_background(ext4: &Ext4) {
    let folder = ext4.path_of("background");
    let options = Options::new().record_size(SIZE as u32).bucket_size(1 << 18);
    let options = options.commit_delta(4096).background_commit(true);
    let log = options.open_raw(&folder).expect("the log opens");
    store(&log, 1);
    let mut record = [0; SIZE];
    let mut times = Vec::with_capacity(RECORDS as usize);
    for seqn in 2..=RECORDS {
        payload(seqn, &mut record);
        let begun = Instant::now();
        log.store_record(&record).expect("there is room");
        times.push(begun.elapsed());
    }
    let commits = log.stats().committed;
    assert!(commits > RECORDS / 2, "commits ran all the while: {commits}");
    times.sort_unstable();
    let rare = times[times.len() * 999 / 1000];
    let sync = one_sync(ext4);
    figure("linux_background_store_median", times[times.len() / 2].as_nanos() as f64, "ns");
    figure("linux_background_store_p999", rare.as_nanos() as f64, "ns");
    figure("linux_background_sync", sync.as_nanos() as f64, "ns");
    figure("linux_background_store_p999_sync", ratio(rare, sync), "syncs");
    drop(log);
    fs::remove_dir_all(&folder).expect("the log can be removed");
}

/// The median of a write of 4096 records and its sync.
fn one_sync(ext4: &Ext4) -> Duration {
    let path = ext4.path_of("synced");
    let file = File::create_new(&path).expect("the file can be made");
    let data = vec![7; 4096 * SIZE];
    let mut times = Vec::new();
    for at in 0..101 {
        file.write_all_at(&data, at * data.len() as u64).expect("there is room");
        let begun = Instant::now();
        file.sync_data().expect("the file syncs");
        times.push(begun.elapsed());
    }
    fs::remove_file(&path).expect("the file can be removed");
    times.sort_unstable();
    times[times.len() / 2]
}

/// Reading all, beside a loop over the same files that checks as many CRCs.
fn reading(ext4: &Ext4) {
    let folder = ext4.path_of("read");
    let log = Shape { commit_delta: 16, ..READ }.open(&folder);
    store(&log, RECORDS);
    let mut files = buckets(&folder);
    files.sort();
    let read_all = |act: fn(&mut tslog::SharedReader) -> u64| {
        let mut reader = log.reader(0).expect("there is one reader");
        let mut read = 0;
        let took = took(|| read = act(&mut reader));
        assert_eq!(read, RECORDS);
        took
    };
    let raw = |_| {
        let mut sum = 0_u32;
        let took = took(|| {
            let mut bytes = vec![0; 64 * 1024];
            for path in &files {
                let file = File::open(path).expect("the bucket is there");
                let mut at = 0;
                while let Ok(len @ 1..) = file.read_at(&mut bytes, at) {
                    // A frame is 16 records and a head of 8 bytes.
                    let frames = bytes[..len].chunks(16 * SIZE + 8);
                    sum = frames.fold(sum, |sum, frame| sum ^ crc32c::crc32c(frame));
                    at += len as u64;
                }
            }
        });
        assert_ne!(sum, 0);
        took
    };
    let (batches, checked) = in_turn(ROUNDS, |_| read_all(in_batches), raw).medians();
    let (one_by_one, _) = in_turn(3, |_| read_all(one_at_a_time), raw).medians();
    figure("linux_16b_k16_batches", per_record(batches), "ns/record");
    figure("linux_16b_k16_raw_reads", per_record(checked), "ns/record");
    figure("linux_16b_k16_batches_speed", batches.speed_of(checked), "of_raw");
    figure("linux_16b_k16_next", per_record(one_by_one), "ns/record");
    drop(log);
    fs::remove_dir_all(&folder).expect("the log can be removed");
}

fn in_batches(reader: &mut tslog::SharedReader) -> u64 {
    let mut read = 0;
    while let Some(records) = reader.next_batch().expect("records read back") {
        read += std::hint::black_box(records).len() as u64;
    }
    read
}

fn one_at_a_time(reader: &mut tslog::SharedReader) -> u64 {
    let (mut read, mut record) = (0, [0; SIZE]);
    while reader.next_into(&mut record).expect("records read back").is_some() {
        read += 1;
        std::hint::black_box(record);
    }
    read
}

fn buckets(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(folder).expect("the folder can be read");
    let paths = files.map(|file| file.expect("a file").path());
    let is_bucket = |path: &std::path::PathBuf| path.to_string_lossy().contains("bucket-");
    paths.filter(is_bucket).collect()
}

/// More threads, and readers that drain while a writer stores.
fn scaling(ext4: &Ext4) {
    let folder = ext4.path_of("scaling");
    for threads in [1, 2, 4, 8, 16] {
        let log = STORED.open(&folder);
        let took = took(|| {
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| store(&log, RECORDS / threads));
                }
            });
        });
        let ns = took.clock.as_nanos() as f64 / RECORDS as f64;
        figure(&format!("linux_{threads}t_store"), ns, "ns/record");
        drop(log);
        fs::remove_dir_all(&folder).expect("the log can be removed");
    }
    let log = {
        let options = Options::new().record_size(SIZE as u32).bucket_size(16_384).readers(4);
        options.commit_delta(16).open_raw(&folder).expect("the log opens")
    };
    store(&log, 16);
    for readers in [1, 2, 3, 4] {
        // What starting a thread costs is no part of it.
        let write = || {
            store(&log, COMMITS / 10 * 16);
            took(|| store(&log, COMMITS * 16))
        };
        let drained = |_| {
            let last = log.stats().seqn + (COMMITS + COMMITS / 10) * 16;
            thread::scope(|scope| {
                for n in 0..readers {
                    let mut reader = log.reader(n).expect("there are four readers");
                    reader.seek(log.stats().committed + 1).expect("it is the record to come");
                    scope.spawn(move || {
                        while reader.cursor() < last {
                            // As an uplink does: it takes what there is, and then sends it.
                            thread::sleep(Duration::from_millis(1));
                            in_batches(&mut reader);
                        }
                    });
                }
                write()
            })
        };
        let rounds = in_turn(3 * ROUNDS, drained, |_| write());
        figure(&format!("linux_{readers}_readers_slow"), rounds.ratio(), "of_alone");
    }
    drop(log);
    fs::remove_dir_all(&folder).expect("the log can be removed");
}

fn store(log: &SharedLog, records: u64) {
    let mut record = [0; SIZE];
    for seqn in 1..=records {
        payload(seqn, &mut record);
        log.store_record(&record).expect("there is room");
    }
}

fn per_record(took: Took) -> f64 {
    took.processor_ns as f64 / RECORDS as f64
}

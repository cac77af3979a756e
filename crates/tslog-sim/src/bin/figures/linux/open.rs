//! Opening a log of a hundred thousand records, of ten million, and of a hundred million.
//!
//! Opening reads one bucket, the newest, and is slowest when that is full of small commits. So the
//! log ends with such a bucket; the others are written in large commits, to be quick. It is opened
//! as it was closed, and once more as a crash would leave it. The records of the largest log are of
//! one byte, so that it has room: how many there are is what counts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Shape, run_again};
use crate::{figure, payload};
use tslog::{Options, SharedLog};
use tslog_sim::mount::Ext4;

const BUCKET_SIZE: u32 = 16_384;
const OPENS: usize = 101;

/// A large log: its name, the bytes in a record, the records in a bucket, and the full buckets
/// before the newest.
type Large = (&'static str, u32, u32, u32);

/// With the newest bucket, 114,656, 10,010,592 and 100,007,904 records. Opening lists the folder
/// once, so that the number of buckets is what counts, and a larger log wants larger ones.
const LARGE: [Large; 3] = [
    ("linux_100k", 16, BUCKET_SIZE, 6),
    ("linux_10m", 16, BUCKET_SIZE, 610),
    ("linux_100m", 1, 4 * BUCKET_SIZE, 1525),
];

/// Prints the figures of the large logs.
pub(super) fn run(ext4: &Ext4) {
    for large in LARGE {
        open(ext4, large);
    }
    let folder = ext4.path_of("large");
    // The same in commits of 16 from the first to the last record, in 64 full buckets.
    let log = Shape { record_size: 16, bucket_size: BUCKET_SIZE, commit_delta: 16 }.open(&folder);
    store(&log, 64 * u64::from(BUCKET_SIZE));
    log.close().expect("the log closes");
    let records = log.stats().seqn as f64;
    figure("linux_16b_k16_disk", disk(&folder) as f64 / records, "bytes/record");
    fs::remove_dir_all(&folder).expect("the log can be removed");
}

fn open(ext4: &Ext4, (name, record_size, bucket_size, buckets): Large) {
    let folder = ext4.path_of("large");
    let large = Shape { record_size, bucket_size, commit_delta: BUCKET_SIZE };
    let small = Shape { commit_delta: 16, ..large };
    let log = large.open(&folder);
    store(&log, u64::from(buckets) * u64::from(bucket_size));
    log.close().expect("the log closes");
    let log = small.open(&folder);
    // The newest bucket has room for two more commits: the closing frame, and one after it.
    store(&log, u64::from(bucket_size) - 32);
    log.close().expect("the log closes");
    let records = log.stats().seqn;
    figure(&format!("{name}_records"), records as f64, "records");
    figure(&format!("{name}_disk"), disk(&folder) as f64 / records as f64, "bytes/record");
    measure(&folder, name);

    let log = small.open(&folder);
    store(&log, 16);
    drop(log);
    measure(&folder, &format!("{name}_crashed"));
    fs::remove_dir_all(&folder).expect("the log can be removed");
}

fn measure(folder: &Path, name: &str) {
    run_again(&[], "memory", folder, name);
    run_again(&[], "open", folder, name);
}

fn store(log: &SharedLog, records: u64) {
    let mut record = vec![0; log.schema().record_size as usize];
    let first = log.stats().seqn + 1;
    for seqn in first..first + records {
        payload(seqn, &mut record);
        log.store_record(&record).expect("there is room");
    }
    assert_eq!(log.uncommitted(), 0);
}

/// Bytes of the disk that the files of the log take.
fn disk(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("the folder of the log can be read");
    files.map(|file| file.and_then(|file| file.metadata()).expect("a file").blocks() * 512).sum()
}

/// Opens a log of whatever shape.
fn open_as_it_is(folder: &Path) -> SharedLog {
    Options::new().open_raw(folder).expect("the log opens")
}

/// Opens the log many times and prints how long that takes: its own time, which is the time this
/// process was on a processor, as a user and in the kernel; and the time on the clock, which holds
/// also the waiting for the syncs that opening makes.
pub(super) fn run_child(folder: &Path, name: &str) {
    let (mut own, mut clock) = (Vec::new(), Vec::new());
    for _ in 0..OPENS {
        let on_before = on_processor();
        let begun = Instant::now();
        let log = open_as_it_is(folder);
        clock.push(ns(begun.elapsed()));
        own.push(on_processor() - on_before);
        assert!(log.stats().seqn > 100_000);
    }
    for (mut times, what) in [(own, ""), (clock, "_clock")] {
        times.sort_unstable();
        let ms = |ns: u64| ns as f64 / 1e6;
        figure(&format!("{name}_open{what}_best"), ms(times[0]), "ms");
        figure(&format!("{name}_open{what}_median"), ms(times[OPENS / 2]), "ms");
    }
}

/// How long this thread, the only one, has run on a processor, in nanoseconds.
pub(super) fn on_processor() -> u64 {
    // The kernel adds up what a thread has run whenever it sleeps, and not when it is asked.
    std::thread::sleep(Duration::from_micros(1));
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells what has run");
    let ns = text.split_whitespace().next().and_then(|word| word.parse().ok());
    ns.expect("a number of nanoseconds")
}

fn ns(time: Duration) -> u64 {
    time.as_nanos() as u64
}

/// Opens the log once, reads its first and its last record, and prints by how much the memory of
/// this process grew: at the end with all handles open, and at most.
pub(super) fn run_memory(folder: &Path, name: &str) {
    // The first look makes room for what looking takes.
    let _ = (resident(), most_resident());
    let (before, most_before) = (resident(), most_resident());
    let log = open_as_it_is(folder);
    let mut reader = log.reader(0).expect("there is one reader");
    let last = log.stats().seqn;
    let mut expected = vec![0; log.schema().record_size as usize];
    for seqn in [1, last] {
        reader.seek(seqn).expect("the record is there");
        let read = reader.next_record().expect("records read back");
        payload(seqn, &mut expected);
        assert_eq!(read, Some((seqn, expected.clone())));
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let grown = resident().saturating_sub(before);
    let most_grown = most_resident().saturating_sub(most_before);
    figure(&format!("{name}_memory"), megabytes(grown), "MB");
    figure(&format!("{name}_memory_most"), megabytes(most_grown), "MB");
}

/// Bytes of this process in memory, counted page by page: the count in `status` is an estimate.
fn resident() -> u64 {
    number_of("/proc/self/smaps_rollup", "Rss:")
}

/// The most bytes of this process that ever were in memory.
fn most_resident() -> u64 {
    number_of("/proc/self/status", "VmHWM:")
}

fn number_of(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).expect("Linux tells what memory a process has");
    let mut words = text.split_whitespace().skip_while(|word| *word != name).skip(1);
    let kib: u64 = words.next().and_then(|word| word.parse().ok()).expect("a number of kB");
    kib * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_counted() {
        let before = resident();
        let touched = vec![1_u8; 8 << 20];
        let grown = resident() - before;
        assert!(grown >= 8 << 20, "{grown} of {}", touched.len());
        assert!(most_resident() >= 8 << 20);
    }

    #[test]
    fn time_on_a_processor_is_counted() {
        let (before, begun) = (on_processor(), Instant::now());
        while begun.elapsed() < Duration::from_millis(20) {}
        let ran = on_processor() - before;
        assert!((1_000_000..ns(begun.elapsed())).contains(&ran), "{ran} ns");
    }
}

//! Readers that wait, beside the writer and as in another process.

#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::thread;
use std::time::{Duration, Instant};

use tslog::{Error, Options, SharedLog, SharedReader, View, ViewStep};

/// Far longer than any of this takes; a wait that ends by it has failed.
const LONG: Duration = Duration::from_mins(1);

fn open(path: &std::path::Path) -> SharedLog {
    Options::new().record_size(8).bucket_size(50).commit_delta(1).open_raw(path).unwrap()
}

/// Reads records 1 to `count` as they come.
fn follow(mut reader: SharedReader, count: u64) {
    for i in 1..=count {
        let (seqn, record) = reader.next_record_wait(Some(LONG)).unwrap().unwrap();
        assert_eq!((seqn, record), (i, i.to_le_bytes().to_vec()));
    }
    assert!(!reader.wait(Some(Duration::from_millis(5))).unwrap(), "there are no more");
}

#[test]
fn a_reader_that_waits_gets_each_record_beside_the_writer_and_apart_from_it() {
    for apart in [false, true] {
        let temp = tempfile::tempdir().unwrap();
        let log = open(temp.path());
        let reader = if apart {
            Options::open_reader(temp.path(), 0).unwrap()
        } else {
            log.reader(0).unwrap()
        };
        thread::scope(|scope| {
            let following = scope.spawn(move || follow(reader, 300));
            for i in 1..=300_u64 {
                log.store_record(&i.to_le_bytes()).unwrap();
            }
            following.join().unwrap();
        });
    }
}

#[test]
fn a_wait_ends_with_its_time_and_takes_about_that_long() {
    let temp = tempfile::tempdir().unwrap();
    let options = Options::new().record_size(8).readers(2);
    let log = options.open_raw(temp.path()).unwrap();
    for mut reader in [log.reader(0).unwrap(), Options::open_reader(temp.path(), 1).unwrap()] {
        let begun = Instant::now();
        assert!(!reader.wait(Some(Duration::from_millis(20))).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(20));
        assert!(!reader.wait(Some(Duration::ZERO)).unwrap());
    }
}

#[test]
fn a_newer_handle_ends_the_wait_of_the_older() {
    let temp = tempfile::tempdir().unwrap();
    let log = open(temp.path());
    let mut old = log.reader(0).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(move || old.wait(None));
        let mut new = log.reader(0).unwrap();
        assert!(matches!(waiting.join().unwrap(), Err(Error::Closed)));
        log.store_record(b"new").unwrap();
        assert!(new.wait(Some(LONG)).unwrap());
    });
}

#[test]
fn damage_ends_a_wait_for_the_reader_is_told_of_it() {
    let temp = tempfile::tempdir().unwrap();
    let log = open(temp.path());
    for i in 1..=3_u64 {
        log.store_record(&i.to_le_bytes()).unwrap();
    }
    let bucket = temp.path().join("bucket-0000000000");
    let mut bytes = std::fs::read(&bucket).unwrap();
    bytes[32 + 8] ^= 1;
    std::fs::write(&bucket, bytes).unwrap();
    let mut reader = log.reader(0).unwrap();
    assert!(reader.wait(Some(LONG)).unwrap());
    assert!(matches!(reader.next_record(), Err(Error::Damaged(range)) if range.last == 1));
    assert!(reader.wait(Some(LONG)).unwrap());
    assert_eq!(reader.next_record().unwrap().unwrap().0, 2);
}

#[test]
fn a_view_that_waits_sees_what_is_committed_next() {
    let temp = tempfile::tempdir().unwrap();
    let log = open(temp.path());
    let mut view = View::open(temp.path()).unwrap();
    thread::scope(|scope| {
        let watching = scope.spawn(move || {
            let mut out = [0; 8];
            let mut last = 0;
            while last < 100 {
                if let ViewStep::Records(seqn, count) = view.read(&mut out).unwrap() {
                    assert_eq!((seqn, count), (last + 1, 1));
                    assert_eq!(u64::from_le_bytes(out), seqn);
                    last = seqn;
                } else {
                    assert!(view.wait(Some(LONG)), "behind {last}");
                    view.refresh().unwrap();
                }
            }
        });
        for i in 1..=100_u64 {
            log.store_record(&i.to_le_bytes()).unwrap();
        }
        watching.join().unwrap();
    });
}

#[cfg(feature = "async")]
mod tasks {
    use super::*;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake};

    /// The least executor: a task is the thread it is polled on.
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn block_on<T>(task: impl Future<Output = T>) -> T {
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut task = pin!(task);
        loop {
            match task.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(done) => return done,
                Poll::Pending => thread::park_timeout(LONG),
            }
        }
    }

    #[test]
    fn a_task_is_woken_for_each_record_beside_the_writer_and_apart_from_it() {
        for apart in [false, true] {
            let temp = tempfile::tempdir().unwrap();
            let log = open(temp.path());
            let mut reader = if apart {
                Options::open_reader(temp.path(), 0).unwrap()
            } else {
                log.reader(0).unwrap()
            };
            thread::scope(|scope| {
                let following = scope.spawn(move || {
                    let begun = Instant::now();
                    for i in 1..=100 {
                        block_on(reader.ready()).unwrap();
                        assert_eq!(reader.next_record().unwrap().unwrap().0, i);
                    }
                    assert!(begun.elapsed() < LONG, "the task was never woken");
                });
                for i in 1..=100_u64 {
                    log.store_record(&i.to_le_bytes()).unwrap();
                }
                following.join().unwrap();
            });
        }
    }

    #[test]
    fn a_task_that_waits_is_told_that_the_log_is_closed() {
        let temp = tempfile::tempdir().unwrap();
        let log = open(temp.path());
        let mut reader = log.reader(0).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || block_on(reader.ready()));
            log.close().unwrap();
            assert!(matches!(waiting.join().unwrap(), Err(Error::Closed)));
        });
    }
}

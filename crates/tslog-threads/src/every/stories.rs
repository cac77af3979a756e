//! What threads do to a log, and what must hold whatever the schedule.
//!
//! Each story ends; a schedule in which it does not is a deadlock, and found as one.

use super::{
    fake::{Failed, Fake, Medium, Seen, see},
    group::{Batches, Group, When},
    handle::Handle,
    shown::Shown,
    sync::Arc,
    thread,
};
use std::sync::{Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

/// A story: its name, and what is run under each schedule.
pub(crate) type Story = (&'static str, fn());

/// All of them, each with at most three threads.
pub(crate) const STORIES: &[Story] = &[
    ("stores_that_are_durable_when_they_return", durable_stores),
    ("threads_that_come_back_for_the_next_commit", company),
    ("a_store_beside_a_commit", store_beside),
    ("a_batch_that_is_full", full_batch),
    ("a_committer_that_commits_by_number", background),
    ("a_barrier_beside_a_committer", barrier),
    ("a_committer_that_is_told_of_the_first_record", first_record),
    ("an_end_that_commits_nothing", stop),
    ("a_sync_that_fails_for_all_who_wait", failing_sync),
    ("a_failure_of_the_committer_that_is_told", failing_committer),
    ("a_close_beside_stores", close),
    ("a_task_that_waits_for_a_record", task),
    ("a_handle_that_is_replaced_while_it_commits", replaced_handle),
    ("a_handle_that_speaks_for_itself_alone", old_handle),
];

/// The log under test, and what watches it.
#[derive(Clone, Debug)]
struct Log {
    group: Arc<Group<Fake>>,
    shown: Arc<Shown<Seen>>,
    medium: std::sync::Arc<Mutex<Medium>>,
}

impl Log {
    fn new(delta: u64, background: bool, capacity: u64, fails_at: u64) -> Self {
        Self::with(When { delta, interval: None, background }, capacity, fails_at)
    }

    fn with(when: When, capacity: u64, fails_at: u64) -> Self {
        let medium = std::sync::Arc::new(Mutex::new(Medium { fails_at, ..Medium::default() }));
        let shown = Arc::new(Shown::new(Seen::default()));
        let fake = Fake {
            stored: 0,
            committed: 0,
            pending: 0,
            capacity,
            state: Ok(()),
            medium: std::sync::Arc::clone(&medium),
            shown: Arc::clone(&shown),
        };
        Self { group: Arc::new(Group::new(fake, when)), shown, medium }
    }

    fn store(&self) -> Result<u64, Failed> {
        self.group.store(|fake, copy| {
            fake.state?;
            assert!(fake.pending < fake.capacity, "a batch runs over");
            assert!(copy || fake.pending < fake.capacity);
            fake.stored += 1;
            fake.pending += 1;
            Ok(fake.stored)
        })
    }

    fn synced(&self) -> u64 {
        see(&self.medium).synced
    }

    /// Waits for record `seqn` as a reader does.
    fn read(&self, seqn: u64) {
        assert!(self.shown.wait(None, |seen| seen.closed || seen.last >= seqn));
        assert!(self.synced() >= self.shown.with(|seen| seen.last), "read, and not durable");
    }

    fn serve(&self) -> thread::JoinHandle<()> {
        let group = Arc::clone(&self.group);
        thread::spawn(move || group.serve())
    }
}

fn spawn<T: Send + 'static>(
    log: &Log,
    act: impl FnOnce(&Log) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let log = log.clone();
    thread::spawn(move || act(&log))
}

fn join<T>(thread: thread::JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|_| std::process::abort())
}

/// Two threads need each record durable, and a reader waits for both.
fn durable_stores() {
    let log = Log::new(1, false, 9, 0);
    let store = |log: &Log| {
        let seqn = log.store();
        assert!(log.synced() >= seqn.unwrap_or(u64::MAX), "{seqn:?} returned, and is not durable");
    };
    let threads = [spawn(&log, store), spawn(&log, store)];
    log.read(2);
    for thread in threads {
        join(thread);
    }
    assert_eq!((log.group.stored(), log.synced()), (2, 2));
    assert!(see(&log.medium).syncs <= 2);
}

/// Two threads share commits, so that one waits for the other, which comes back or does not.
fn company() {
    let log = Log::new(1, false, 9, 0);
    let twice = |log: &Log| {
        for _ in 0..2 {
            let seqn = log.store();
            assert!(log.synced() >= seqn.unwrap_or(u64::MAX), "{seqn:?} is not durable");
        }
    };
    let other = spawn(&log, twice);
    twice(&log);
    join(other);
    assert_eq!((log.group.stored(), log.synced()), (4, 4));
}

/// One thread commits, another stores what that commit does not have.
fn store_beside() {
    let log = Log::new(3, false, 9, 0);
    assert_eq!(log.store(), Ok(1));
    let commit = spawn(&log, |log| {
        let seqn = log.group.commit();
        assert!(log.synced() >= seqn.unwrap_or(u64::MAX), "the barrier returned at {seqn:?}");
    });
    assert_eq!(log.store(), Ok(2));
    let durable = log.group.look(Batches::committed);
    assert!(durable <= log.synced());
    let tried = log.group.try_store(|fake, _| {
        fake.stored += 1;
        fake.pending += 1;
        Ok(fake.stored)
    });
    assert!(matches!(tried, None | Some(3)));
    assert_eq!(log.group.commit(), Ok(log.group.stored()));
    assert_eq!(log.synced(), log.group.stored());
    join(commit);
}

/// Whoever finds the batch full while a commit is on its way waits for its end.
fn full_batch() {
    let log = Log::new(2, false, 2, 0);
    let stores = spawn(&log, |log| assert!(log.store().is_ok() && log.store().is_ok()));
    assert!(log.store().is_ok() && log.store().is_ok());
    join(stores);
    assert_eq!(log.group.commit(), Ok(4));
    assert_eq!(log.synced(), 4);
}

fn background() {
    let log = Log::new(2, true, 9, 0);
    let committer = log.serve();
    assert_eq!((log.store(), log.store()), (Ok(1), Ok(2)));
    log.read(2);
    log.group.stop();
    join(committer);
}

fn barrier() {
    let log = Log::new(2, true, 9, 0);
    let committer = log.serve();
    let other = spawn(&log, |log| assert!(log.store().is_ok()));
    assert!(log.store().is_ok());
    let seqn = log.group.commit();
    assert!(log.synced() >= seqn.unwrap_or(u64::MAX), "the barrier returned at {seqn:?}");
    join(other);
    log.group.stop();
    join(committer);
}

/// A committer with a bound in time sleeps while no record waits, and is told of the first.
fn first_record() {
    let when = When { delta: 9, interval: Some(Duration::from_hours(1)), background: false };
    let log = Log::with(when, 9, 0);
    let committer = log.serve();
    assert_eq!((log.store(), log.store()), (Ok(1), Ok(2)));
    log.group.stop();
    join(committer);
    assert_eq!(log.synced(), 0);
}

fn stop() {
    let log = Log::new(2, true, 9, 0);
    let committer = log.serve();
    assert_eq!(log.store(), Ok(1));
    log.group.stop();
    join(committer);
    assert_eq!((log.store(), log.store()), (Ok(2), Ok(3)));
    assert_eq!(log.synced(), 0, "what dropped the log commits nothing");
}

fn failing_sync() {
    let log = Log::new(1, false, 9, 1);
    let store = |log: &Log| log.store();
    let other = spawn(&log, store);
    let own = log.store();
    let both = [own, join(other)];
    assert!(both.iter().all(Result::is_err), "{both:?} of a sync that failed");
    assert!(both.contains(&Err(Failed::Sync)));
    assert_eq!((log.store(), log.group.commit()), (Err(Failed::Poisoned), Err(Failed::Poisoned)));
    assert_eq!(log.synced(), 0);
}

fn failing_committer() {
    let log = Log::new(1, true, 9, 1);
    let committer = log.serve();
    let mut told = log.store().err();
    told = told.or(log.store().err());
    told = told.or(log.group.commit().err());
    assert_eq!(told, Some(Failed::Sync), "whoever calls next is told");
    assert_eq!(log.group.commit(), Err(Failed::Poisoned));
    log.group.stop();
    join(committer);
}

fn close() {
    let log = Log::new(1, false, 9, 0);
    let stores = spawn(&log, |log| match log.store() {
        Ok(seqn) => assert!(log.synced() >= seqn),
        Err(error) => assert_eq!(error, Failed::Closed),
    });
    let reads = spawn(&log, |log| log.read(9));
    let closed = log.group.with_log(|fake| {
        assert!(!see(&fake.medium).busy, "closed while a commit is on its way");
        fake.state = Err(Failed::Closed);
        Ok(fake.committed)
    });
    assert_eq!(closed, Ok(log.synced()));
    log.shown.change(|seen| {
        seen.closed = true;
        true
    });
    assert_eq!(log.store(), Err(Failed::Closed));
    join(stores);
    join(reads);
}

/// What an executor does: it polls the task again once it was woken.
#[derive(Debug, Default)]
struct Executor {
    woken: super::sync::Mutex<bool>,
    told: super::sync::Condvar,
}

impl Wake for Executor {
    fn wake(self: std::sync::Arc<Self>) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_one();
    }
}

impl Executor {
    fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            woken = self.told.wait(woken).unwrap_or_else(PoisonError::into_inner);
        }
        *woken = false;
    }
}

fn task() {
    let log = Log::new(1, false, 9, 0);
    let store = spawn(&log, |log| assert_eq!(log.store(), Ok(1)));
    let executor = std::sync::Arc::new(Executor::default());
    let waker = Waker::from(std::sync::Arc::clone(&executor));
    while !log.shown.poll(&waker, |seen| seen.last == 1) {
        executor.sleep();
    }
    assert_eq!(log.synced(), 1);
    join(store);
}

/// The place of a cursor: how often it was written, and the cursor.
type Place = std::sync::Arc<Mutex<(u64, u64)>>;

/// A reader's commit, as `reader.rs` makes it: `None` if the handle is at its end.
fn commit(handle: &Handle, place: &Place, loaded: (u64, u64), cursor: u64) -> Option<()> {
    handle.commit(|| {
        thread::yield_now();
        *see(place) = (loaded.0 + 1, cursor);
    })
}

fn replaced_handle() {
    let place = Place::default();
    let old = Handle::new(0);
    let committed = {
        let (old, place) = (Arc::clone(&old), place.clone());
        thread::spawn(move || commit(&old, &place, (0, 0), 5).map_or(0, |()| 5))
    };
    old.end();
    let loaded = *see(&place);
    let new = Handle::new(loaded.1);
    assert_eq!(commit(&new, &place, loaded, loaded.1 + 1), Some(()));
    let acknowledged = join(committed);
    assert!(see(&place).1 > acknowledged, "a committed cursor went back");
}

fn old_handle() {
    let (old, new) = (Handle::new(2), Handle::new(2));
    let telling = {
        let old = Arc::clone(&old);
        thread::spawn(move || old.tell(7))
    };
    assert!(new.tell(3));
    old.end();
    assert!(old.is_gone() && !old.tell(9));
    join(telling);
    assert_eq!(new.cursor(), 3);
    assert!(old.cursor() < 9);
}

//! A log that counts: records are numbers, and a medium knows how far it was written and synced.

use super::{group::Batches, shown::Shown, sync::Arc, thread};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a power cut would leave, and whether somebody writes.
#[derive(Debug, Default)]
pub(super) struct Medium {
    pub(super) written: u64,
    pub(super) synced: u64,
    pub(super) busy: bool,
    pub(super) syncs: u64,
    /// The sync that fails, counted from 1.
    pub(super) fails_at: u64,
}

/// Locks what the checker is not to know: nothing is waited for while it is held.
pub(super) fn see<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    Sync,
    Poisoned,
    Closed,
}

#[derive(Debug)]
pub(super) struct Fake {
    pub(super) stored: u64,
    pub(super) committed: u64,
    pub(super) pending: u64,
    pub(super) capacity: u64,
    pub(super) state: Result<(), Failed>,
    pub(super) medium: std::sync::Arc<Mutex<Medium>>,
    pub(super) shown: Arc<Shown<Seen>>,
}

/// What readers see.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) last: u64,
    pub(super) closed: bool,
}

#[derive(Debug)]
pub(super) struct Begun {
    pub(super) last: u64,
    pub(super) medium: std::sync::Arc<Mutex<Medium>>,
    done: bool,
}

impl Batches for Fake {
    type Error = Failed;
    type Begun = Begun;

    fn copies_left(&self) -> u64 {
        if self.state.is_ok() { self.capacity - self.pending } else { 0 }
    }
    fn stored(&self) -> u64 {
        self.stored
    }
    fn committed(&self) -> u64 {
        self.committed
    }
    fn check_open(&self) -> Result<(), Failed> {
        self.state
    }
    fn begin(&mut self) -> Result<Option<Begun>, Failed> {
        self.state?;
        if self.stored == self.committed {
            return Ok(None);
        }
        self.pending = 0;
        let medium = std::sync::Arc::clone(&self.medium);
        Ok(Some(Begun { last: self.stored, medium, done: false }))
    }
    fn carry_out(begun: &mut Begun) {
        {
            let mut medium = see(&begun.medium);
            assert!(!medium.busy, "two commits are on their way");
            assert_eq!(medium.written, medium.synced, "a frame behind one that is not synced");
            assert!(medium.written < begun.last, "a frame without records");
            (medium.busy, medium.written) = (true, begun.last);
        }
        // Here the others go on.
        thread::yield_now();
        let mut medium = see(&begun.medium);
        medium.busy = false;
        medium.syncs += 1;
        begun.done = medium.syncs != medium.fails_at;
        if begun.done {
            medium.synced = begun.last;
        }
    }
    fn end(&mut self, begun: Begun) -> Result<(), Failed> {
        if begun.done {
            self.committed = begun.last;
            return Ok(());
        }
        self.state = Err(Failed::Poisoned);
        Err(Failed::Sync)
    }
    fn show(&self) {
        let last = self.committed;
        assert!(last <= see(&self.medium).synced, "shown, and not durable");
        self.shown.change(|seen| {
            let more = seen.last != last;
            seen.last = last;
            more
        });
    }
}

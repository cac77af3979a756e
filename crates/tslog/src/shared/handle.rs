//! How far one handle of a reader is, for the log to look at without a lock.

use super::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, PoisonError};

/// Each handle has its own, so that an older one cannot speak for the one that took its place.
#[derive(Debug)]
pub(super) struct Handle {
    cursor: AtomicU64,
    /// The log was closed, or a newer handle took the place of this one.
    gone: AtomicBool,
    /// Held during a commit, so that none goes on behind the end of the handle: what took its place
    /// would not know of it, and write over it.
    commit: Mutex<()>,
}

impl Handle {
    pub(super) fn new(cursor: u64) -> Arc<Self> {
        let (cursor, gone) = (AtomicU64::new(cursor), AtomicBool::new(false));
        Arc::new(Self { cursor, gone, commit: Mutex::new(()) })
    }

    pub(super) fn cursor(&self) -> u64 {
        self.cursor.load(Ordering::Acquire)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Says how far the reader is; false if nobody listens any more.
    #[inline]
    pub(super) fn tell(&self, cursor: u64) -> bool {
        let open = !self.gone.load(Ordering::Acquire);
        if open {
            self.cursor.store(cursor, Ordering::Release);
        }
        open
    }

    /// Makes a cursor durable by `commit`, unless the handle is at its end.
    pub(super) fn commit<T>(&self, commit: impl FnOnce() -> T) -> Option<T> {
        let _held = self.commit.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.gone.load(Ordering::Acquire)).then(commit)
    }

    /// Ends the handle, once a commit of it that has begun is through.
    pub(super) fn end(&self) {
        let _held = self.commit.lock().unwrap_or_else(PoisonError::into_inner);
        self.gone.store(true, Ordering::Release);
    }
}

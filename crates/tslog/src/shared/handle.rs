//! How far one handle of a reader is, for the log to look at without a lock.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

/// Each handle has its own, so that an older one cannot speak for the one that took its place.
#[derive(Debug, Default)]
pub(super) struct Handle {
    cursor: AtomicU64,
    /// The log was closed, or a newer handle took the place of this one.
    gone: AtomicBool,
}

impl Handle {
    pub(super) fn new(cursor: u64) -> Arc<Self> {
        Arc::new(Self { cursor: AtomicU64::new(cursor), gone: AtomicBool::new(false) })
    }

    pub(super) fn cursor(&self) -> u64 {
        self.cursor.load(Ordering::Acquire)
    }

    /// Says how far the reader is; false if nobody listens any more.
    pub(super) fn tell(&self, cursor: u64) -> bool {
        let open = !self.gone.load(Ordering::Acquire);
        if open {
            self.cursor.store(cursor, Ordering::Release);
        }
        open
    }

    pub(super) fn end(&self) {
        self.gone.store(true, Ordering::Release);
    }
}

//! The protocols over the primitives of loom, which tries every schedule there is.

#[path = "../../tslog/src/shared/clock.rs"]
mod clock;
#[path = "../../tslog/src/shared/company.rs"]
mod company;
mod fake;
#[path = "../../tslog/src/shared/group.rs"]
mod group;
#[path = "../../tslog/src/shared/handle.rs"]
mod handle;
#[path = "../../tslog/src/shared/shown.rs"]
mod shown;
pub(crate) mod stories;

/// What `shared/sync.rs` has for the library.
mod sync {
    pub(super) use loom::sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    };
    pub(super) use std::sync::PoisonError;

    /// Somebody may have had the lock before the time was over, or nobody.
    pub(super) fn wait_until<'g, T>(
        state: &'g Mutex<T>,
        _: &Condvar,
        guard: MutexGuard<'g, T>,
        _: std::time::Instant,
    ) -> (MutexGuard<'g, T>, bool) {
        drop(guard);
        loom::thread::yield_now();
        (state.lock().unwrap_or_else(PoisonError::into_inner), true)
    }
}

use loom::thread;

//! What threads are kept apart and woken with.
//!
//! The protocols (`group.rs`, `handle.rs`, `shown.rs`) take these names from here alone, so that a
//! checker of schedules can compile them over its own.

pub(super) use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Waits to be told, or until then; says whether it is then. A checker, which has no time, lets go
/// of the mutex and takes it again whenever it likes.
pub(super) fn wait_until<'g, T>(
    _: &'g Mutex<T>,
    told: &Condvar,
    guard: MutexGuard<'g, T>,
    until: Instant,
) -> (MutexGuard<'g, T>, bool) {
    let left = until.saturating_duration_since(Instant::now());
    let (guard, left) = told.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
    (guard, left.timed_out())
}

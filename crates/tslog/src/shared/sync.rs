//! What threads are kept apart and woken with.
//!
//! The protocols (`group.rs`, `handle.rs`, `shown.rs`) take these names from here alone, so that a
//! checker of schedules can compile them over its own.

pub(super) use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

//! The protocols over the primitives of loom, which tries every schedule there is.

#[path = "../../tslog/src/shared/clock.rs"]
mod clock;
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
}

use loom::thread;

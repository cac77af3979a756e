//! The protocols over the primitives of shuttle, which tries schedules at random.

#[path = "../../tslog/src/shared/clock.rs"]
mod clock;
#[path = "every/fake.rs"]
mod fake;
#[path = "../../tslog/src/shared/group.rs"]
mod group;
#[path = "../../tslog/src/shared/handle.rs"]
mod handle;
#[path = "../../tslog/src/shared/shown.rs"]
mod shown;
#[path = "every/stories.rs"]
pub(crate) mod stories;

/// What `shared/sync.rs` has for the library.
mod sync {
    pub(super) use shuttle::sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    };
    pub(super) use std::sync::PoisonError;
}

use shuttle::thread;

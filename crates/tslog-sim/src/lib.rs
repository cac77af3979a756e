//! The adversary of tslog: media that fail in every way their contract allows, a model of what a
//! log must do, and a harness that cuts the power at every step and compares.
//!
//! Nothing here is shipped. A simulator says what it finds by panicking, and [`harness::guarded`]
//! turns that into a line with a seed.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a simulator's failed assertion is its output"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "simulated media have a few MiB, and random bits may be cut"
)]

pub mod contract;
pub mod disk;
pub mod disk_log;
pub mod harness;
pub mod medium;
pub mod model;
pub mod mount;
pub mod nor;
pub mod ops;
pub mod power;
pub mod run;
pub mod simdir;
pub mod slots;
pub mod torture;
pub mod trail;

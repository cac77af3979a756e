//! The boards: each has a `take` that gives its parts, once.

#[cfg(target_arch = "arm")]
mod sleep;
#[cfg_attr(board = "ast1030", path = "ast1030.rs")]
#[cfg_attr(board = "microbit", path = "microbit.rs")]
#[cfg_attr(board = "virt", path = "virt.rs")]
mod this;

pub use this::*;

/// The name of the board.
pub const NAME: &str = this::NAME;

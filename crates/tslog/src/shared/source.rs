//! Where a reader learns how far the log is.

use std::sync::Arc;

use super::{Inner, Schema};
use crate::storage::dir::Watch;

/// Who says what is durable.
#[derive(Debug)]
pub(super) enum Source {
    /// The writer in this process.
    Beside(Arc<Inner>),
    /// What the folder shows, once it is made durable.
    Apart(Box<Apart>),
}

/// A reader without a writer in this process.
#[derive(Debug)]
pub(super) struct Apart {
    pub(super) schema: Schema,
    /// What is looked at to find out: in the window of the reader records may be at hand.
    pub(super) window: Vec<u8>,
    /// What the kernel tells of the folder, once it was waited for.
    pub(super) watch: Option<Watch>,
    /// How often it has changed, once a task has waited for it.
    #[cfg(feature = "async")]
    pub(super) changes: Option<std::sync::Arc<super::shown::Shown<u64>>>,
}

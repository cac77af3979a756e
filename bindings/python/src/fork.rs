//! A log does not survive a fork: both processes would write the same numbers into the same files.

use core::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;

use crate::error;

/// How many forks lie between this process and the one that loaded the library.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process a log or a reader was opened in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home(u32);

impl Home {
    pub(crate) fn here() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    pub(crate) fn is_here(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }

    /// Refuses every use in a child process.
    pub(crate) fn check(self, py: Python<'_>) -> PyResult<()> {
        if self.is_here() {
            return Ok(());
        }
        let text = "expected the process that opened the log, and this one was forked from it: \
                    open the log or a reader anew in the child";
        Err(error::raise(py, "TSLogForked", (text,)))
    }
}

/// Python calls this in each child.
#[pyfunction]
fn count() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Asks Python to be told of forks: to ask the system for the process id would cost more than to
/// store a record.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let words = pyo3::types::PyDict::new(py);
    words.set_item("after_in_child", wrap_pyfunction!(count, module)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&words))?;
    Ok(())
}

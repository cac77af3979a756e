//! The Python module `tslog._tslog`: the log for Python, over the shared handle of the Rust crate.
//!
//! `log` and `reader` are the classes, `codec` turns Python values into records and back, `batch`
//! is many records as one buffer, `error` says what went wrong in Python's words. The interpreter's
//! lock is let go of around everything that may wait for the medium, and held for the rest.

mod batch;
mod codec;
mod error;
mod fork;
mod log;
mod object;
mod reader;

use pyo3::prelude::*;

/// The library under the package `tslog`.
#[pymodule]
mod _tslog {
    #[pymodule_export]
    use super::batch::TSBatch;
    #[pymodule_export]
    use super::log::TSLog;
    #[pymodule_export]
    use super::reader::TSReader;
    use super::{Bound, PyModule, PyResult, fork};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        fork::watch(module)
    }
}

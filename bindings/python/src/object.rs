//! Objects as records: what a serializer makes of them, filled up with zeros.
//!
//! The bytes come back exactly as they were: data that ends with a zero or a one gets a one behind
//! it, and what is read loses its zeros at the end, and then one such one. Text never ends with
//! either, so that a record of JSON is plain JSON.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use pyo3::{
    prelude::*,
    types::{PyByteArray, PyBytes, PyString},
};

use crate::error;

const MARK: u8 = 1;

/// An object with `dumps` and `loads`, such as the module `json`.
#[derive(Debug)]
pub(crate) struct Serializer {
    object: Py<PyAny>,
    /// True once `dumps` has returned text, so that `loads` gets text.
    is_text: Arc<AtomicBool>,
}

impl Serializer {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if object.is_none() {
            return Ok(None);
        }
        for name in ["dumps", "loads"] {
            if !object.hasattr(name)? {
                let text = format!(
                    "expected a serializer with dumps and loads, such as the module json, got {}",
                    error::show(object)
                );
                return Err(error::type_error(object.py(), &text));
            }
        }
        Ok(Some(Self { object: object.clone().unbind(), is_text: Arc::default() }))
    }

    pub(crate) fn share(&self, py: Python<'_>) -> Self {
        Self { object: self.object.clone_ref(py), is_text: Arc::clone(&self.is_text) }
    }

    /// The bytes of a record, of at most `record_size`.
    pub(crate) fn dump(&self, object: &Bound<'_, PyAny>, record_size: usize) -> PyResult<Vec<u8>> {
        let py = object.py();
        let dumped = self.object.bind(py).call_method1("dumps", (object,))?;
        let mut bytes = if let Ok(text) = dumped.cast::<PyString>() {
            self.is_text.store(true, Ordering::Relaxed);
            text.to_cow()?.as_bytes().to_vec()
        } else if let Ok(bytes) = dumped.cast::<PyBytes>() {
            bytes.as_bytes().to_vec()
        } else if let Ok(bytes) = dumped.cast::<PyByteArray>() {
            bytes.to_vec()
        } else {
            let text = format!("expected text or bytes of dumps, got {}", error::show(&dumped));
            return Err(error::type_error(py, &text));
        };
        if bytes.last().is_none_or(|&last| last <= MARK) {
            bytes.push(MARK);
        }
        if bytes.len() > record_size {
            let text = format!(
                "expected an object of at most {record_size} bytes (record_size), got {}",
                bytes.len()
            );
            return Err(error::raise(py, "TSLogObjectTooBig", (text,)));
        }
        Ok(bytes)
    }

    pub(crate) fn load<'py>(&self, py: Python<'py>, record: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let end = record.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let data = record.get(..end).unwrap_or_default();
        let data = data.strip_suffix(&[MARK]).unwrap_or(data);
        let serializer = self.object.bind(py);
        let as_text = || {
            let text = PyString::from_bytes(py, data)?;
            serializer.call_method1("loads", (text,))
        };
        if self.is_text.load(Ordering::Relaxed) {
            return as_text();
        }
        // A log that was filled earlier: a serializer of text alone refuses bytes by their type.
        match serializer.call_method1("loads", (PyBytes::new(py, data),)) {
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) => {
                let loaded = as_text()?;
                self.is_text.store(true, Ordering::Relaxed);
                Ok(loaded)
            }
            loaded => loaded,
        }
    }
}

//! Errors in Python's words: the classes of `tslog._errors`, and the arguments they are raised
//! with.

use std::io;
use std::path::Path;

use pyo3::{IntoPyObjectExt, call::PyCallArgs, prelude::*, types::PyTuple};
use tslog::{Error, Invalid, PackError, SeqnRange};

const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EWOULDBLOCK: i32 = 11;
const ENOSPC: i32 = 28;

/// An error of class `name`, made with `arguments`.
pub(crate) fn raise<'py>(py: Python<'py>, name: &str, arguments: impl PyCallArgs<'py>) -> PyErr {
    let class = py.import("tslog._errors").and_then(|module| module.getattr(name));
    class.and_then(|class| class.call1(arguments)).map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn type_error(py: Python<'_>, text: &str) -> PyErr {
    raise(py, "TSLogTypeError", (text,))
}

pub(crate) fn value_error(py: Python<'_>, text: &str) -> PyErr {
    raise(py, "TSLogValueError", (text,))
}

/// Refuses to be pickled, which would open one log twice.
pub(crate) fn unpicklable(object: &Bound<'_, PyAny>, instead: &str) -> PyErr {
    let kind = object.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
    let text = format!("expected something to be copied or pickled, got a {kind}: {instead}");
    type_error(object.py(), &text)
}

pub(crate) fn formats_and_serializer(py: Python<'_>) -> PyErr {
    value_error(py, "expected formats or a serializer, got both: objects are raw records")
}

/// What a call on the log in `folder` failed with.
pub(crate) fn from_log(py: Python<'_>, error: Error<io::Error>, folder: &Path) -> PyErr {
    let text = error.to_string();
    with_text(py, error, text, folder)
}

/// As `from_log`, in words of the caller's.
pub(crate) fn with_text(
    py: Python<'_>,
    error: Error<io::Error>,
    text: String,
    folder: &Path,
) -> PyErr {
    // As text, for that is what the file system's errors have in Python.
    let name = folder.as_os_str();
    let lost = |class, range: SeqnRange| raise(py, class, (text.as_str(), range.first, range.last));
    match error {
        Error::Closed => raise(py, "TSLogClosed", (text,)),
        Error::Damaged(range) => lost("TSLogDamaged", range),
        Error::Lost(range) => lost("TSLogDropped", range),
        Error::Exhausted => raise(py, "TSLogExhausted", (text,)),
        Error::Full => raise(py, "TSLogFull", (ENOSPC, text, name)),
        Error::Invalid(invalid) => from_invalid(py, invalid),
        Error::Locked(holder) => {
            let error = raise(py, "TSLogLocked", (EWOULDBLOCK, text, name));
            let set = holder.into_py_any(py).and_then(|pid| error.value(py).setattr("pid", pid));
            set.err().unwrap_or(error)
        }
        Error::Mismatch(_) => raise(py, "TSLogMismatch", (text,)),
        Error::NoLog => raise(py, "TSLogNotFound", (ENOENT, text, name)),
        Error::NotALog | Error::Version(_) => {
            raise(py, "TSLogNotALog", (format!("{text}: '{}'", folder.display()),))
        }
        Error::Poisoned => raise(py, "TSLogPoisoned", (text,)),
        Error::Storage(error) => {
            let text = error.to_string();
            match error.raw_os_error() {
                // The text without the number, which Python shows itself.
                Some(code) => {
                    let text = text.strip_suffix(&format!(" (os error {code})")).unwrap_or(&text);
                    raise(py, "TSLogOSError", (code, text, name))
                }
                None => raise(py, "TSLogOSError", (EIO, text, name)),
            }
        }
        _ => raise(py, "TSLogError", (text,)),
    }
}

/// The result of closing at the end of a `with` block, whose own error is not to be hidden.
pub(crate) fn at_exit(closed: PyResult<()>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
    let Err(error) = closed else { return Ok(()) };
    if let Ok(raised) = exception.get_item(1) {
        error.value(exception.py()).setattr("__context__", raised)?;
    }
    Err(error)
}

pub(crate) fn from_invalid(py: Python<'_>, invalid: Invalid) -> PyErr {
    match invalid {
        Invalid::Values(PackError::Count(..)) => type_error(py, &invalid.to_string()),
        _ => value_error(py, &invalid.to_string()),
    }
}

/// An argument that is an integer from `least` to `most`.
pub(crate) fn integer(
    value: &Bound<'_, PyAny>,
    name: &str,
    (least, most): (u64, u64),
) -> PyResult<u64> {
    let py = value.py();
    let expected = || {
        let range = match most {
            u64::MAX => format!("an integer from {least} up"),
            most if most == least => most.to_string(),
            most => format!("an integer from {least} to {most}"),
        };
        format!("{name} must be {range}, got {}", show(value))
    };
    match value.extract::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) => {
            Err(type_error(py, &expected()))
        }
        Ok(_) | Err(_) => Err(value_error(py, &expected())),
    }
}

/// A value as an error names it: short, and with its type.
pub(crate) fn show(value: &Bound<'_, PyAny>) -> String {
    let kind = value.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    let Ok(text) = value.repr().map(|text| text.to_string()) else { return kind };
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        format!("{short}... ({kind})")
    } else {
        format!("{short} ({kind})")
    }
}

//! The functions over folders: handles, logs, readers, views, and what all three know.

mod described;
mod handles;
mod log;
mod reader;
mod schema;
mod view;

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use core::ffi::c_char;

use crate::fault::Fault;
use crate::pointers::In;

/// A path as the system has it: any bytes.
fn path<'a>(text: In<c_char>, name: &'static str) -> Result<&'a Path, Fault> {
    Ok(Path::new(OsStr::from_bytes(text.bytes(name)?)))
}

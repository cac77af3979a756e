//! Why a call failed, before it is put in the words of C.

use tslog_core::{Error, Invalid};

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The library's own errors.
    Log(Error<System>),
    Alignment(&'static str),
    Busy,
    #[cfg(feature = "std")]
    Bug(String),
    /// More than there may be: the most, what came.
    Count(&'static str, u64, u64),
    /// A flag or a policy that is not known.
    Flag(&'static str, u32),
    Handle(&'static str),
    /// A value of no kind there is: its place, its kind.
    Kind(u32, u32),
    Null(&'static str),
    /// Slots beyond the addresses there are: their number, their size.
    Address(u32, u32),
    /// Too little room for a result: needed, there.
    Room(&'static str, u64, u64),
    /// A struct of another version: its size here, the size that came.
    Size(&'static str, u64, u64),
    Text(&'static str),
}

/// What a medium said.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) code: i32,
    #[cfg(feature = "std")]
    pub(crate) words: String,
}

#[cfg(feature = "std")]
impl core::fmt::Display for System {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self::Log(Error::Invalid(invalid))
    }
}

#[cfg(feature = "std")]
impl From<Error<std::io::Error>> for Fault {
    fn from(error: Error<std::io::Error>) -> Self {
        Self::Log(error.map_storage(|error| System {
            code: error.raw_os_error().unwrap_or(0),
            words: error.to_string(),
        }))
    }
}

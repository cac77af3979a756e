//! The boundary: what every function that can fail goes through on its way out.

use core::ffi::c_int;

use crate::abi::{ErrorDetails, TSLOG_NONE, TSLOG_OK};
use crate::fault::Fault;
use crate::pointers::Out;

/// What a call came to, where it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// There is nothing more to read.
    Nothing,
}

/// Runs a call, fills in the details and gives the code that the C function returns. A panic ends
/// here, as `TSLOG_E_BUG`.
pub(crate) fn answer(
    error: Out<ErrorDetails>,
    call: impl FnOnce() -> Result<Outcome, Fault>,
) -> c_int {
    let result = if error.is_null() || error.check("error").is_ok() {
        caught(call)
    } else {
        // There is no place to say more.
        return Fault::Alignment("error").details().code;
    };
    let details = match result {
        Ok(Outcome::Done) => ErrorDetails::of(TSLOG_OK),
        Ok(Outcome::Nothing) => ErrorDetails::of(TSLOG_NONE),
        Err(fault) => fault.details(),
    };
    error.put(details);
    details.code
}

#[cfg(feature = "std")]
fn caught(call: impl FnOnce() -> Result<Outcome, Fault>) -> Result<Outcome, Fault> {
    // What a panic leaves behind is a log behind a mutex, which is as good as after a crash.
    let call = std::panic::AssertUnwindSafe(call);
    std::panic::catch_unwind(call).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Fault::Bug(words.unwrap_or_default()))
    })
}

#[cfg(not(feature = "std"))]
fn caught(call: impl FnOnce() -> Result<Outcome, Fault>) -> Result<Outcome, Fault> {
    call()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::TSLOG_E_BUG;

    #[test]
    fn a_panic_ends_at_the_boundary() {
        let mut details = ErrorDetails::of(0);
        assert_eq!(answer(Out::from(&raw mut details), || panic!("no {}", 7)), TSLOG_E_BUG);
        assert_eq!((details.code, details.text()), (TSLOG_E_BUG, "a bug in tslog: no 7".into()));
    }
}

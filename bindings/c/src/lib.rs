//! tslog for C. `include/tslog.h` says what each function does and what its caller owes; the
//! functions here turn pointers into checked values, call the library, and turn its answer back.
//!
//! It promises that no panic crosses the boundary, that a result is written only with `TSLOG_OK`,
//! and that unsafe code lives in three places: `pointers` (memory of the caller), `values` (the
//! union of a value) and `flash` (a log in memory of the caller, and its callbacks).
#![cfg_attr(not(feature = "std"), no_std)]

mod abi;
mod config;
mod error;
#[cfg_attr(
    not(feature = "std"),
    expect(
        dead_code,
        reason = "names of arguments are for messages, which this build has none of"
    )
)]
mod fault;
#[cfg(feature = "std")]
mod files;
mod flash;
mod guard;
mod pointers;
mod values;

/// Nothing in the library for microcontrollers panics: the check of the bindings looks for this
/// function in a linked program. Were it called all the same, a watchdog has to end it.
#[cfg(not(feature = "std"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

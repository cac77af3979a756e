//! What one case did, step by step, for whoever looks at a violation.

use std::cell::RefCell;

thread_local! {
    static TRAIL: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// From now on this thread remembers what it does, for [`trail`].
pub fn leave_trail() {
    TRAIL.with(|trail| *trail.borrow_mut() = Some(Vec::new()));
}

/// What this thread did.
pub fn trail() -> Vec<String> {
    TRAIL.with(RefCell::take).unwrap_or_default()
}

/// Forgets what was done so far: what comes now is another case.
pub(crate) fn forget() {
    TRAIL.with(|trail| {
        if let Some(trail) = trail.borrow_mut().as_mut() {
            trail.clear();
        }
    });
}

/// Remembers a line, if somebody wants it.
pub(crate) fn note(line: impl FnOnce() -> String) {
    TRAIL.with(|trail| {
        if let Some(trail) = trail.borrow_mut().as_mut() {
            trail.push(line());
        }
    });
}

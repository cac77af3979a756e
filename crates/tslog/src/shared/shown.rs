//! What readers are shown of the log, beside it so that they need not wait for it, and the waiting
//! for more.

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use core::{mem, task::Waker, time::Duration};
use std::time::Instant;

/// A value for readers to look at, and to wait for.
#[derive(Debug)]
pub(super) struct Shown<T> {
    state: Mutex<State<T>>,
    /// Told when there is more to be read, or never will be.
    moved: Condvar,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    /// Threads that wait; telling nobody would cost a system call all the same.
    waiting: u32,
    /// Tasks that wait.
    wakers: Vec<Waker>,
}

impl<T> Shown<T> {
    pub(super) fn new(value: T) -> Self {
        let state = State { value, waiting: 0, wakers: Vec::new() };
        Self { state: Mutex::new(state), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the value, or changes what nobody waits for.
    pub(super) fn with<U>(&self, act: impl FnOnce(&mut T) -> U) -> U {
        act(&mut self.lock().value)
    }

    /// Changes the value; `act` says whether those who wait are to look at it.
    pub(super) fn change(&self, act: impl FnOnce(&mut T) -> bool) {
        let mut state = self.lock();
        if !act(&mut state.value) {
            return;
        }
        let wakers = mem::take(&mut state.wakers);
        if state.waiting > 0 {
            self.moved.notify_all();
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until `done` says so, or until then; returns what it says at last.
    pub(super) fn wait(&self, until: Option<Instant>, done: impl Fn(&T) -> bool) -> bool {
        let mut state = self.lock();
        state.waiting = state.waiting.saturating_add(1);
        while !done(&state.value) {
            state = match until {
                None => self.moved.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO {
                        break;
                    }
                    let woken = self.moved.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.waiting = state.waiting.saturating_sub(1);
        done(&state.value)
    }

    /// Asks `done`; if it says no, `waker` is woken once it may say something else.
    #[cfg(feature = "async")]
    pub(super) fn poll(&self, waker: &Waker, done: impl Fn(&T) -> bool) -> bool {
        let mut state = self.lock();
        if done(&state.value) {
            return true;
        }
        if !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        false
    }
}

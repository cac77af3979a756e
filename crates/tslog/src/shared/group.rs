//! Storing from several threads: commits that threads share.
//!
//! One thread at a time writes a commit and syncs it, without the lock on the log. Meanwhile the
//! others fill the next batch, and those whose record must be durable wait; the first of them to
//! wake then commits for all. The next frame is written only after the sync of the one before, as
//! recovery relies on.

use std::{
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{FolderLog, Inner, lock};
use crate::{
    error::{Error, Invalid},
    log::read::Bounds,
};

/// The log, and the commit that is on its way to the medium.
#[derive(Debug)]
pub(super) struct Writer {
    state: Mutex<State>,
    /// Told whenever a commit has ended.
    ended: Condvar,
}

#[derive(Debug)]
struct State {
    log: FolderLog,
    /// The last number of the commit that is being synced.
    syncing: Option<u64>,
    /// Threads that wait for its end; telling nobody would cost a system call all the same.
    waiting: u32,
}

impl Writer {
    pub(super) fn new(log: FolderLog) -> Self {
        Self { state: Mutex::new(State { log, syncing: None, waiting: 0 }), ended: Condvar::new() }
    }

    /// Waits until nothing is on its way to the medium.
    fn idle(&self) -> MutexGuard<'_, State> {
        self.wait_while(lock(&self.state), |state| state.syncing.is_some())
    }

    fn wait_while<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        mut waits: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'s, State> {
        if waits(&mut state) {
            state.waiting = state.waiting.saturating_add(1);
            let woken = self.ended.wait_while(state, waits);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.waiting = state.waiting.saturating_sub(1);
        }
        state
    }
}

impl Inner {
    /// Does something with the log while nothing is on its way to the medium.
    pub(super) fn with_log<U>(
        &self,
        act: impl FnOnce(&mut FolderLog) -> Result<U, Error<io::Error>>,
    ) -> Result<U, Error<io::Error>> {
        let mut state = self.writer.idle();
        let done = act(&mut state.log);
        self.publish(&state.log);
        done
    }

    /// Stores one record; returns once it is durable, if a commit comes due with it.
    pub(super) fn store(
        &self,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Invalid>,
    ) -> Result<u64, Error<io::Error>> {
        let mut state = self.writer.wait_while(lock(&self.writer.state), |state| {
            state.syncing.is_some() && !state.log.fits_batch()
        });
        let stored = state.log.store_only(fill);
        self.publish(&state.log);
        let seqn = stored?;
        let begun = state.syncing.unwrap_or(state.log.stats().committed);
        if seqn.saturating_sub(begun) >= u64::from(self.commit_delta) {
            self.commit_to(state, seqn)?;
        }
        Ok(seqn)
    }

    /// Stores one record if that is copying alone, and no other thread has the log.
    pub(super) fn try_store(
        &self,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Invalid>,
    ) -> Option<u64> {
        let mut state = self.writer.state.try_lock().ok()?;
        if !state.log.has_room_in_batch() {
            return None;
        }
        let seqn = state.log.store_only(fill).ok()?;
        lock(&self.published).stats = state.log.stats();
        Some(seqn)
    }

    /// Makes all that is stored now durable.
    pub(super) fn commit(&self) -> Result<u64, Error<io::Error>> {
        let state = lock(&self.writer.state);
        state.log.check_open()?;
        let seqn = state.log.stats().seqn;
        self.commit_to(state, seqn)?;
        Ok(seqn)
    }

    /// Returns once everything up to `seqn` is durable: by the commit of another thread, or by one
    /// of its own.
    fn commit_to<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        seqn: u64,
    ) -> Result<(), Error<io::Error>> {
        loop {
            state = self.writer.wait_while(state, |state| {
                state.syncing.is_some() && state.log.stats().committed < seqn
            });
            if state.log.stats().committed >= seqn {
                return Ok(());
            }
            state = self.commit_once(state)?;
        }
    }

    /// Commits what is stored, with the lock let go during the sync where that is one of one file.
    fn commit_once<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
    ) -> Result<MutexGuard<'s, State>, Error<io::Error>> {
        let Some(begun) = state.log.begin_commit()? else { return Ok(state) };
        let to_sync = match state.log.storage_mut().begin_sync() {
            Ok(to_sync) => to_sync,
            Err(error) => return Err(state.log.poison(error)),
        };
        let synced = if let Some((name, file)) = to_sync {
            state.syncing = Some(begun.seqn);
            drop(state);
            let synced = file.sync();
            state = lock(&self.writer.state);
            state.syncing = None;
            state.log.storage_mut().end_sync(name, synced.is_ok());
            if state.waiting > 0 {
                self.writer.ended.notify_all();
            }
            synced.map_err(|error| state.log.poison(error))
        } else {
            state.log.sync()
        };
        if synced.is_ok() {
            state.log.end_commit(begun);
        }
        self.publish(&state.log);
        synced.map(|()| state)
    }

    /// Which buckets the log has, as of this moment and not of the last call that returned.
    pub(super) fn bounds(&self) -> Bounds {
        lock(&self.writer.state).log.bounds()
    }

    fn publish(&self, log: &FolderLog) {
        let mut published = lock(&self.published);
        published.bounds = log.bounds();
        published.stats = log.stats();
    }
}

//! Storing from several threads: commits that threads share, and commits in the background.
//!
//! One thread at a time carries out a commit, without the lock on the log. Meanwhile the others
//! fill the next batch, and those whose record must be durable wait; one of them then commits for
//! all, once those of the last commit have come back (`company.rs`). The next frame is written only
//! after the sync of the one before, as recovery relies on.
//!
//! A committer, where there is one, is one more such thread. It commits once enough records wait,
//! or once the first of them has waited long enough, and what goes wrong then is told to whoever
//! calls next.

use super::clock::Clock;
use super::company::Company;
use super::sync::{AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, wait_until};
use core::time::Duration;
use std::time::Instant;

/// What is asked of a log whose commits are shared.
pub(super) trait Batches {
    /// What can go wrong.
    type Error: core::fmt::Debug;
    /// A commit that is on its way, with all that is needed to carry it out.
    type Begun;
    /// How many records can be stored by copying them; 0 on a log that is not open.
    fn copies_left(&self) -> u64;
    /// The last number given.
    fn stored(&self) -> u64;
    /// The last number that is durable.
    fn committed(&self) -> u64;
    /// True if a store failed because the log is full.
    fn is_full(_: &Self::Error) -> bool {
        false
    }
    /// Whether the log takes records at all.
    fn check_open(&self) -> Result<(), Self::Error>;
    /// Takes what is stored out of the batch; `None` if there is nothing new. Until the end of this
    /// commit, only copying is allowed.
    fn begin(&mut self) -> Result<Option<Self::Begun>, Self::Error>;
    /// Writes and syncs, beside those who copy.
    fn carry_out(begun: &mut Self::Begun);
    /// Takes over what came of it.
    fn end(&mut self, begun: Self::Begun) -> Result<(), Self::Error>;
    /// Shows readers how far the log is now.
    fn show(&self);
}

/// When a commit comes due.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    /// So many records wait for it.
    pub(super) delta: u64,
    /// The first of them has waited so long.
    pub(super) interval: Option<Duration>,
    /// The committer makes those that come due by number, too.
    pub(super) background: bool,
}

/// A log that threads share.
#[derive(Debug)]
pub(super) struct Group<L: Batches> {
    state: Mutex<State<L>>,
    /// Told whenever a commit has ended.
    ended: Condvar,
    /// Told when the committer has something to do.
    due: Condvar,
    /// The last number given, to be looked at without the lock.
    stored: AtomicU64,
    when: When,
}

#[derive(Debug)]
struct State<L: Batches> {
    log: L,
    /// So many records may be stored by copying and nothing else: nobody has to commit or to be
    /// told. It is never more than is true.
    quick: u64,
    /// The last number of the commit that is on its way.
    flight: Option<u64>,
    /// Threads that wait for its end; telling nobody would cost a system call all the same.
    waiting: u32,
    company: Company,
    nap: Nap,
    /// The committer is to end.
    stopped: bool,
    /// What the committer met and nobody was told yet.
    failure: Option<L::Error>,
}

/// What the committer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nap {
    /// It is at work, or wakes by itself.
    Awake,
    /// That enough records wait.
    Due,
    /// That there is a record at all.
    Stored,
}

type Guard<'g, L> = MutexGuard<'g, State<L>>;

fn lock<L: Batches>(state: &Mutex<State<L>>) -> Guard<'_, L> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<L: Batches> State<L> {
    fn since_begun(&self) -> u64 {
        self.log.stored().saturating_sub(self.flight.unwrap_or(self.log.committed()))
    }

    fn take_failure(&mut self) -> Result<(), L::Error> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Counts anew how many records are a matter of copying.
    fn count_quick(&mut self, when: &When) {
        let before_due = when.delta.saturating_sub(1).saturating_sub(self.since_begun());
        let copies = self.log.copies_left();
        self.quick = match self.nap {
            Nap::Stored => 0,
            Nap::Awake if when.background => copies,
            Nap::Awake | Nap::Due => copies.min(before_due),
        };
    }
}

impl<L: Batches> Group<L> {
    pub(super) fn new(log: L, when: When) -> Self {
        let stored = AtomicU64::new(log.stored());
        let mut state = State {
            log,
            quick: 0,
            flight: None,
            waiting: 0,
            company: Company::default(),
            nap: Nap::Awake,
            stopped: false,
            failure: None,
        };
        state.count_quick(&when);
        let (ended, due) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::new(state), ended, due, stored, when }
    }

    /// The last number given.
    pub(super) fn stored(&self) -> u64 {
        self.stored.load(Ordering::Acquire)
    }

    /// Stores one record by calling `store`, which copies if its second argument says so and may
    /// write otherwise. Returns once the record is durable, if a commit comes due with it that no
    /// committer makes.
    #[inline]
    pub(super) fn store(
        &self,
        store: impl FnOnce(&mut L, bool) -> Result<u64, L::Error>,
    ) -> Result<u64, L::Error> {
        let mut state = lock(&self.state);
        if state.quick == 0 {
            return self.store_slowly(state, store);
        }
        let seqn = store(&mut state.log, true)?;
        state.quick = state.quick.saturating_sub(1);
        self.stored.store(seqn, Ordering::Release);
        Ok(seqn)
    }

    /// Stores one record if that is copying alone, and no other thread has the log.
    #[inline]
    pub(super) fn try_store(
        &self,
        store: impl FnOnce(&mut L, bool) -> Result<u64, L::Error>,
    ) -> Option<u64> {
        let mut state = self.state.try_lock().ok()?;
        if state.quick == 0 {
            return None;
        }
        let seqn = store(&mut state.log, true).ok()?;
        state.quick = state.quick.saturating_sub(1);
        self.stored.store(seqn, Ordering::Release);
        Some(seqn)
    }

    #[cold]
    fn store_slowly<'g>(
        &'g self,
        mut state: Guard<'g, L>,
        store: impl FnOnce(&mut L, bool) -> Result<u64, L::Error>,
    ) -> Result<u64, L::Error> {
        while state.flight.is_some() && state.log.copies_left() == 0 {
            state = self.wait(state);
        }
        state.take_failure()?;
        let stored = store(&mut state.log, false);
        state.log.show();
        // Whatever was written in vain, the next one looks again.
        state.quick = 0;
        let seqn = match stored {
            Ok(seqn) => seqn,
            Err(error) => {
                if L::is_full(&error) {
                    // Readers cannot make room by what they cannot see, and while the log is full
                    // no further record brings the next commit nearer.
                    let waiting = state.log.stored();
                    self.commit_to(state, waiting)?;
                }
                return Err(error);
            }
        };
        self.stored.store(seqn, Ordering::Release);
        if state.since_begun() < self.when.delta {
            self.wake(&mut state, Nap::Stored);
        } else if self.when.background {
            self.wake(&mut state, Nap::Due);
            self.wake(&mut state, Nap::Stored);
        } else {
            self.commit_to(state, seqn)?;
            return Ok(seqn);
        }
        state.count_quick(&self.when);
        Ok(seqn)
    }

    /// Tells the committer, if that is what it waits for.
    fn wake(&self, state: &mut State<L>, nap: Nap) {
        if state.nap == nap {
            state.nap = Nap::Awake;
            self.due.notify_one();
        }
    }

    /// Makes all that is stored now durable.
    pub(super) fn commit(&self) -> Result<u64, L::Error> {
        let mut state = lock(&self.state);
        state.take_failure()?;
        state.log.check_open()?;
        let seqn = state.log.stored();
        self.commit_to(state, seqn)?;
        Ok(seqn)
    }

    /// Returns once everything up to `seqn` is durable: by the commit of another thread, or by one
    /// of its own.
    fn commit_to<'g>(&'g self, mut state: Guard<'g, L>, seqn: u64) -> Result<(), L::Error> {
        state.company.enter();
        let mut done = Ok(());
        while done.is_ok() && state.log.committed() < seqn {
            if let Err(failure) = state.take_failure() {
                done = Err(failure);
            } else if state.flight.is_some() {
                state = self.wait(state);
            } else if let Some(until) = state.company.awaited(|| state.since_begun()) {
                state = self.gather(state, until);
            } else {
                (state, done) = self.carry_out(state);
            }
        }
        state.company.leave();
        done
    }

    /// Commits what is stored, with the lock let go in between.
    fn carry_out<'g>(&'g self, mut state: Guard<'g, L>) -> (Guard<'g, L>, Result<(), L::Error>) {
        state.quick = 0;
        let mut begun = match state.log.begin() {
            Ok(Some(begun)) => begun,
            nothing => return (state, nothing.map(|_| ())),
        };
        state.flight = Some(state.log.stored());
        state.count_quick(&self.when);
        let at = state.company.begin();
        drop(state);
        L::carry_out(&mut begun);
        let mut state = lock(&self.state);
        state.company.end(at);
        state.flight = None;
        let ended = state.log.end(begun);
        state.log.show();
        state.count_quick(&self.when);
        if state.waiting > 0 {
            self.ended.notify_all();
        }
        (state, ended)
    }

    /// Waits for the end of the commit that is on its way.
    fn wait<'g>(&'g self, mut state: Guard<'g, L>) -> Guard<'g, L> {
        state.waiting = state.waiting.saturating_add(1);
        let mut state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting = state.waiting.saturating_sub(1);
        state
    }

    /// Waits for those who are missing, the last of whom commits; or until then.
    fn gather<'g>(&'g self, mut state: Guard<'g, L>, until: Instant) -> Guard<'g, L> {
        state.waiting = state.waiting.saturating_add(1);
        let (mut state, over) = wait_until(&self.state, &self.ended, state, until);
        state.waiting = state.waiting.saturating_sub(1);
        if over {
            state.company.give_up();
        }
        state
    }

    /// Does something with the log while nothing is on its way to the medium.
    pub(super) fn with_log<U>(
        &self,
        act: impl FnOnce(&mut L) -> Result<U, L::Error>,
    ) -> Result<U, L::Error> {
        let mut state = lock(&self.state);
        while state.flight.is_some() {
            state = self.wait(state);
        }
        let done = act(&mut state.log);
        state.log.show();
        state.count_quick(&self.when);
        state.take_failure()?;
        done
    }

    /// Looks at the log as of this moment, and not of the last call that returned.
    pub(super) fn look<U>(&self, look: impl FnOnce(&L) -> U) -> U {
        look(&lock(&self.state).log)
    }

    /// Ends the committer. What it has begun is brought to its end, and nothing else is committed.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.state);
        state.stopped = true;
        self.due.notify_one();
    }

    /// The committer: returns once it is stopped.
    pub(super) fn serve(&self) {
        let mut clock = Clock::new(self.when.interval);
        let mut state = lock(&self.state);
        while !state.stopped {
            if state.flight.is_some() {
                state = self.wait(state);
                continue;
            }
            let open = state.log.check_open().is_ok();
            let by_number = self.when.background && state.since_begun() >= self.when.delta;
            let nap = clock.look(state.log.stored(), state.log.committed());
            if open && (by_number || nap == Some(Duration::ZERO)) {
                let done;
                (state, done) = self.carry_out(state);
                if let Err(failure) = done {
                    // Nobody can have had the lock since, and learnt of it in another way.
                    state.failure.get_or_insert(failure);
                }
                continue;
            }
            state.nap = match nap {
                _ if !open => Nap::Awake,
                None if self.when.interval.is_some() => Nap::Stored,
                _ if self.when.background => Nap::Due,
                _ => Nap::Awake,
            };
            state.count_quick(&self.when);
            state = match nap.filter(|_| open) {
                None => self.due.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(nap) => {
                    let woken = self.due.wait_timeout(state, nap);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.nap = Nap::Awake;
        }
    }
}

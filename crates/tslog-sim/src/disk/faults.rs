//! Calls that fail, and a disk that does not do what it says.

use crate::power::Power;
use std::io;

/// What is wrong with a disk, so that a harness can show that it would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Syncing a file makes nothing safe.
    SkipSync,
    /// Syncing the names makes none of them safe.
    SkipFolderSync,
}

impl Sabotage {
    /// All of them, with the names they have on the command line.
    pub const ALL: [(&str, Self); 2] =
        [("skip-sync", Self::SkipSync), ("skip-folder-sync", Self::SkipFolderSync)];
}

/// The call that is to fail, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which call, counted from 1.
    pub call: u64,
    /// All calls after it fail too.
    pub for_good: bool,
    /// The number of the error it returns.
    pub errno: i32,
    /// A write that fails has written half of its bytes, and a sync half of what was pending.
    pub half: bool,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) sabotage: Option<Sabotage>,
    pub(super) failure: Option<Failure>,
    pub(super) calls: u64,
    pub(super) refuses_removal: bool,
}

impl Faults {
    /// A call is made: fails it if it is its turn.
    pub(super) fn strike(&mut self, power: &Power) -> io::Result<()> {
        self.calls += 1;
        let Some(failure) = self.failure else { return Ok(()) };
        let now = self.calls == failure.call || failure.for_good && self.calls > failure.call;
        if !now {
            return Ok(());
        }
        power.strike();
        Err(io::Error::from_raw_os_error(failure.errno))
    }
}

impl super::Disk {
    /// From now on the disk does not do what it says.
    pub fn sabotage(&self, how: Option<Sabotage>) {
        self.inner().faults.sabotage = how;
    }

    /// Lets a call fail, counted from now; `None` lets all of them work again.
    pub fn fail(&self, failure: Option<Failure>) {
        let mut inner = self.inner();
        inner.faults.failure = failure;
        inner.faults.calls = 0;
    }

    /// Calls made since [`super::Disk::fail`].
    pub fn calls(&self) -> u64 {
        self.inner().faults.calls
    }

    /// While set, no file can be removed.
    pub fn refuse_removal(&self, refuse: bool) {
        self.inner().faults.refuses_removal = refuse;
    }
}

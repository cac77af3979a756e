//! The log in its folder, as threads share it (`group.rs`).

use core::mem;
use std::{io, sync::Arc};

use super::memory::zeroed;
use super::{FolderLog, Published, group::Batches, shown::Shown};
use crate::{
    error::Error,
    layout::plan::Plan,
    log::{commit, read::Bounds},
    storage::dir::Lending,
};

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) log: FolderLog,
    /// The next batch goes in here while one is being written.
    spare: Vec<u8>,
    shown: Arc<Shown<Published>>,
}

/// A commit that is on its way, and the batch it is made of.
#[derive(Debug)]
pub(super) struct Begun {
    commit: commit::Begun,
    plan: Plan,
    batch: Vec<u8>,
    lending: Lending,
    done: io::Result<()>,
}

impl Writer {
    pub(super) fn new(log: FolderLog, shown: Arc<Shown<Published>>) -> io::Result<Self> {
        let spare = zeroed(log.buffer().len())?;
        Ok(Self { log, spare, shown })
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.log.bounds()
    }
}

impl Batches for Writer {
    type Error = Error<io::Error>;
    type Begun = Begun;

    fn copies_left(&self) -> u64 {
        self.log.copies_left().into()
    }

    fn stored(&self) -> u64 {
        self.log.stored()
    }

    fn committed(&self) -> u64 {
        self.log.bounds().last
    }

    fn is_full(error: &Self::Error) -> bool {
        matches!(error, Error::Full)
    }

    fn check_open(&self) -> Result<(), Self::Error> {
        self.log.check_open()
    }

    fn begin(&mut self) -> Result<Option<Begun>, Self::Error> {
        let Some(commit) = self.log.take_commit()? else { return Ok(None) };
        let plan = self.log.plan();
        let lent = self.log.storage_mut().lend(commit.frame.slot(&plan));
        let lending = lent.map_err(|error| self.log.poison(error))?;
        let mut batch = mem::take(&mut self.spare);
        self.log.swap_buffer(&mut batch);
        Ok(Some(Begun { commit, plan, batch, lending, done: Ok(()) }))
    }

    fn carry_out(begun: &mut Begun) {
        let Begun { commit, plan, batch, lending, done } = begun;
        let parts = if commit.has_parts { lending.sync() } else { Ok(()) };
        let (offset, bytes) = commit.frame.seal(plan, batch);
        *done = parts.and_then(|()| lending.write_durably(offset, bytes));
    }

    fn end(&mut self, begun: Begun) -> Result<(), Self::Error> {
        self.spare = begun.batch;
        self.log.storage_mut().take_back(begun.done.is_ok());
        begun.done.map_err(|error| self.log.poison(error))?;
        self.log.end_commit(begun.commit);
        Ok(())
    }

    fn show(&self) {
        let (bounds, stats) = (self.log.bounds(), self.log.stats());
        self.shown.change(|published| {
            let more = bounds.last != published.bounds.last;
            (published.bounds, published.stats) = (bounds, stats);
            more
        });
    }
}

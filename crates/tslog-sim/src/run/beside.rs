//! Storing while a commit is on its way, as threads do that share one log.
//!
//! A commit that comes due is written and not yet synced; what is stored then is copied only, until
//! there is no room for that or chance ends the commit. Readers read on meanwhile, and see nothing
//! of it.

use super::{Life, Medium, Run, StorageError};
use tslog::Error;

impl<M: Medium> Run<M> {
    /// Brings the commit that is on its way to its end, if there is one.
    pub(super) fn finish_commit(&mut self) -> Life {
        let Some(begun) = self.begun.take() else { return Ok(()) };
        let finished = self.log().finish_commit(begun);
        self.expect(finished, "finishing a commit")?;
        self.model.done();
        Ok(())
    }

    /// Where copying does not do, the commit ahead has to be through.
    pub(super) fn make_room_beside(&mut self) -> Life {
        if self.log().copies_left() == 0 { self.finish_commit() } else { Ok(()) }
    }

    pub(super) fn store_only(&mut self, data: &[u8]) -> Result<u64, Error<StorageError<M>>> {
        self.log().store_only(|record| {
            record[..data.len()].copy_from_slice(data);
            Ok(())
        })
    }

    /// Begins a commit that is due, and at random ends one.
    pub(super) fn commit_beside(&mut self) -> Life {
        if self.begun.is_none() && self.model.is_due() {
            self.model.commit();
            let begun = self.log().begin_commit();
            self.begun = self.expect(begun, "beginning a commit")?;
            assert!(self.begun.is_some(), "a commit that is due has nothing to commit");
        }
        if self.rng.chance(25) { self.finish_commit() } else { Ok(()) }
    }
}

//! What the log may do after a call has failed and the program goes on.

use super::{Run, TheLog};
use crate::medium::Medium;
use tslog::Error;

impl<M: Medium> Run<M> {
    /// Goes on with the log after an error as a stubborn program would. The log may refuse; what it
    /// takes and acknowledges must be there.
    pub fn carry_on(&mut self) {
        let Some(log) = self.log.as_mut() else { return };
        let mut data = vec![0; self.model.record_size()];
        self.rng.fill(&mut data);
        let Ok(seqn) = log.store_record(&data) else { return self.check_refusals() };
        if self.model.stored() >= seqn {
            // The call that failed was a store, and it took nothing.
            self.model.refuse();
        }
        let due = self.model.store(&data);
        assert!(seqn == due, "after a failed call, store gave number {seqn} instead of {due}");
        self.model.done();
        self.model.commit();
        match log.commit() {
            Ok(seqn) => {
                let stored = self.model.stored();
                assert!(seqn == stored, "commit gave number {seqn} instead of {stored}");
                self.model.done();
            }
            Err(_) => self.check_refusals(),
        }
    }

    /// A log that is poisoned stays so.
    fn check_refusals(&mut self) {
        let Some(log) = self.log.as_mut() else { return };
        let stored = log.stats().seqn;
        let first: Result<u64, Error<_>> = TheLog::<M>::commit(log);
        if !matches!(first, Err(Error::Poisoned)) {
            // What waited was written, and may be there whole, though nobody was told so; a store
            // that failed took nothing.
            while self.model.stored() > stored {
                self.model.refuse();
            }
            self.model.commit();
        }
        if matches!(first, Err(Error::Poisoned)) {
            let again = log.store_record(&[]);
            assert!(matches!(again, Err(Error::Poisoned)), "a poisoned log gave {again:?}");
        }
    }
}

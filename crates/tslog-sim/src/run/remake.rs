//! Making the log anew, opening it with another commit delta, and taking its space away.

use super::{Life, Run, TheLog};
use crate::medium::Medium;
use tslog::{Error, Policy};

impl<M: Medium> Run<M> {
    pub(super) fn recreate(&mut self) -> Life {
        self.forget();
        self.model.reset();
        let (storage, buffer) = (self.medium.storage(), self.buffer());
        let made = TheLog::<M>::create(storage, buffer, &self.config(true));
        let made = match made {
            // No room for the new header beside the old log, which is still there.
            Err(Error::Full | Error::Storage(_)) if self.power.is_on() && !self.power.struck() => {
                return self.open();
            }
            made => self.expect(made, "making the log anew")?,
        };
        self.log = Some(made);
        let drops = self.shape.policy == Policy::DropOldest;
        self.model.reset_done(self.shape.readers, drops);
        self.adopt()
    }

    /// Opens with another commit delta, if the medium has room for such batches.
    pub(super) fn change_delta(&mut self, delta: u32) -> Life {
        self.close()?;
        let old = std::mem::replace(&mut self.shape.commit_delta, delta);
        let probe = TheLog::<M>::open(self.medium.storage(), self.buffer(), &self.config(true));
        match probe.map(|_| ()) {
            Err(Error::Invalid(_)) => self.shape.commit_delta = old,
            probe => self.expect(probe, "opening with another commit_delta")?,
        }
        self.open()
    }

    pub(super) fn squeeze(&mut self, tight: bool) {
        self.squeezed = tight;
        self.medium.squeeze(tight);
    }
}

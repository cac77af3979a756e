//! Working ahead between the calls of a script.

use super::{Life, Run};
use crate::medium::Medium;

impl<M: Medium> Run<M> {
    /// Gives the log time to work ahead, which nobody may notice.
    pub fn idle(&mut self) -> Life {
        if self.rng.chance(60) {
            return Ok(());
        }
        let ahead = self.log().poll();
        self.expect(ahead, "working ahead")?;
        let again = self.log().poll();
        assert!(!self.expect(again, "working ahead again")?, "the same work was done twice");
        self.check_stats();
        Ok(())
    }
}

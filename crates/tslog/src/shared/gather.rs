//! Getting records into the memory of a reader, checked.
//!
//! As long as all is well they stay where the medium was read to, and are handed out from there.

use std::io;

use super::{
    SharedReader, memory::zeroed, options::BATCH_BYTES, reader::WINDOW, source::Source,
    writer::Writer,
};
use crate::{
    error::Error,
    log::{
        at_hand::AtHand,
        probe::{Probe, Seen, Window, look},
        read::{Position, Step},
    },
    storage::{Storage as _, folder::Folder},
};

impl<T> SharedReader<T> {
    /// Looks at the folder through the window, from where the reader stands. It stands there still
    /// if the folder cannot be read.
    fn look<U>(
        &mut self,
        act: impl FnOnce(&mut Probe<'_, '_, Folder>, &mut Position, &mut AtHand) -> U,
    ) -> Result<U, Error<io::Error>> {
        let window = &mut Window::ahead(&mut self.window, self.seen);
        let (mut at, mut got) = (self.at, self.at_hand);
        let done =
            look(&mut self.folder, &self.plan, window, |probe| act(probe, &mut at, &mut got));
        self.seen = window.seen();
        let done = done.map_err(Error::Storage)?;
        (self.at, self.at_hand) = (at, got);
        Ok(done)
    }

    /// Sees to it that the next record is at hand, unless nothing more is durable.
    pub(super) fn gather(&mut self) -> Result<(), Error<io::Error>> {
        if self.is_ready() {
            return Ok(());
        }
        if !self.is_behind() {
            self.refresh()?;
        }
        if !self.is_behind() || self.gather_here()? {
            return Ok(());
        }
        let (before, bounds, next) = (self.at, self.bounds, self.cursor.saturating_add(1));
        let found = self.look(|probe, at, _| probe.find(&bounds, at, next))?;
        if found.is_ok() && self.gather_here()? {
            return Ok(());
        }
        self.at = before;
        self.read()
    }

    /// Gathers records where the reader stands; false if that takes more than a look.
    fn gather_here(&mut self) -> Result<bool, Error<io::Error>> {
        // A writer gathers less for one frame; whoever forged a larger one gets no memory.
        let most = BATCH_BYTES.saturating_add(self.plan.record_size as usize).saturating_add(1024);
        let (bounds, next) = (self.bounds, self.cursor.saturating_add(1));
        for _ in 0..2 {
            self.look(|probe, at, got| probe.gather(&bounds, at, next, got))?;
            let AtHand { count, frame_size, .. } = self.at_hand;
            if count > 0 {
                return Ok(true);
            }
            if (self.window.len()..=most).contains(&frame_size) {
                self.window.resize(frame_size, 0);
            }
        }
        self.at_hand.frame_size = 0;
        Ok(false)
    }

    /// Reads with care, into memory of its own: what does not read back may have been given up, and
    /// the window is needed to find the way. The cursor moves over what is lost.
    fn read(&mut self) -> Result<(), Error<io::Error>> {
        let size = WINDOW.max(self.plan.record_size as usize);
        let mut bytes = zeroed(size).map_err(Error::Storage)?;
        let before = self.at;
        let mut read = |reader: &mut Self| {
            let (bounds, next) = (reader.bounds, reader.cursor.saturating_add(1));
            reader.look(|probe, at, _| probe.read(&bounds, at, next, &mut bytes))
        };
        let mut step = read(self)?;
        if matches!(step, Step::Damaged(_)) {
            // The bucket may have been given up while it was being read; the log knows.
            self.ask_again()?;
            self.at = if before.index() == self.at.index() { before } else { Position::NOWHERE };
            step = read(self)?;
        }
        match step {
            Step::End => Ok(()),
            Step::Records(count) => {
                self.at.take(count);
                self.at_hand = AtHand { begin: 0, count, frame_size: 0 };
                (self.window, self.seen) = (bytes, Seen::default());
                Ok(())
            }
            Step::Damaged(range) | Step::Lost(range) => {
                self.cursor = range.last;
                self.handle.tell(self.cursor);
                let lost = matches!(step, Step::Lost(_));
                Err(if lost { Error::Lost(range) } else { Error::Damaged(range) })
            }
        }
    }

    fn ask_again(&mut self) -> Result<(), Error<io::Error>> {
        if let Source::Beside(inner) = &self.source {
            // As of this moment, and not of the last call that returned.
            self.bounds = inner.group.look(Writer::bounds);
        } else {
            self.refresh()?;
        }
        self.seen = Seen::default();
        self.folder.refresh();
        Ok(())
    }
}

//! A medium that is only looked at, and keeps its first failure.
//!
//! It owns what looking need not care about: once a medium has failed, everything reads as zeros
//! and nothing is there, which no check of ours accepts. Who looks comes to an end soon, and what
//! was found is dropped for the error.

use crate::storage::{Geometry, Present, Storage};

pub(crate) struct Medium<'a, S: Storage> {
    storage: &'a mut S,
    failed: Option<S::Error>,
}

impl<'a, S: Storage> Medium<'a, S> {
    pub(crate) fn new(storage: &'a mut S) -> Self {
        Self { storage, failed: None }
    }

    /// What was found, unless the medium has failed.
    pub(crate) fn end<T>(self, found: T) -> Result<T, S::Error> {
        self.failed.map_or(Ok(found), Err)
    }

    pub(crate) fn geometry(&self) -> Geometry {
        self.storage.geometry()
    }

    pub(crate) fn read(&mut self, slot: u32, offset: u32, out: &mut [u8]) {
        if self.failed.is_none() {
            self.failed = self.storage.read(slot, offset, out).err();
        }
        if self.failed.is_some() {
            out.fill(0);
        }
    }

    pub(crate) fn extent(&mut self, slot: u32) -> u32 {
        let extent = self.storage.extent(slot);
        self.unless_failed(extent, 0)
    }

    pub(crate) fn present(&mut self, below: u32) -> Option<Present> {
        let present = self.storage.present(below);
        self.unless_failed(present, None)
    }

    pub(crate) fn settle(&mut self, slot: u32) {
        let settled = self.storage.settle(slot);
        self.unless_failed(settled, ());
    }

    fn unless_failed<T>(&mut self, answer: Result<T, S::Error>, none: T) -> T {
        match (&self.failed, answer) {
            (None, Ok(answer)) => answer,
            (None, Err(error)) => {
                self.failed = Some(error);
                none
            }
            (Some(_), _) => none,
        }
    }
}

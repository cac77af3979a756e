//! A life that goes on in more than one way.

use super::Run;
use crate::medium::Medium;
use crate::power::{Power, Rng};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use tslog::MAX_READERS;

impl<M: Medium> Run<M> {
    /// What the next life begins with, on another medium.
    pub fn fork<N: Medium>(&self, medium: N, power: &Power, rng: Rng) -> Run<N> {
        Run {
            medium,
            power: power.clone(),
            rng,
            shape: self.shape.clone(),
            model: self.model.clone(),
            log: None,
            handles: [const { None }; MAX_READERS],
            made: self.made,
            squeezed: false,
            beside: self.beside,
            begun: None,
        }
    }

    /// True once making the log was acknowledged.
    pub fn is_made(&self) -> bool {
        self.made
    }

    /// A number that stands for all that this run may find at the next start.
    pub fn expectation(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.model, self.made, self.shape.commit_delta, self.shape.readers).hash(&mut hasher);
        hasher.finish()
    }
}

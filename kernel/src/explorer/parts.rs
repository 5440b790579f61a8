//! The parts of a decision and of a new model, one by one, for benchmarks that count what each
//! costs (feature `parts`). No campaign uses them.

use core::ops::ControlFlow;

use super::Explorer;
use super::proposal::{Novelty, StructuralNovelty, Value, best_response};
use crate::novelty::KnownResponses;
use crate::{Candidate, Error, Model};

impl Explorer<'_> {
    /// Computes the features of all candidates in the network's own units: the first part of
    /// [`Explorer::load_model`]. The explorer has no model afterwards.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::WeightCount`], [`Error::NotFinite`].
    pub fn only_features(&mut self, model: &Model<'_>) -> Result<(), Error> {
        self.process = None;
        self.forget_evaluation();
        self.finish_evaluation(model, |_, _| ControlFlow::Continue(()))
            .map(|_| ())
    }

    /// Computes the features of the fixed filters, whether or not they are known.
    ///
    /// # Errors
    /// As [`Explorer::features`].
    pub fn only_filters(&mut self) -> Result<(), Error> {
        self.filtered = false;
        self.features().map(|_| ())
    }

    /// Computes covariances and factor of all measured points: the last part of
    /// [`Explorer::load_model`].
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::NotPositiveDefinite`], [`Error::Outlier`].
    pub fn only_refactor(&mut self) -> Result<(), Error> {
        self.preparation = None;
        self.factor.clear();
        self.absorb()
    }

    /// Updates the structural distances of all candidates with the points measured since the last
    /// update.
    ///
    /// # Errors
    /// [`Error::NoImage`].
    pub fn only_update_distances(&mut self) -> Result<(), Error> {
        self.update_distances()
    }

    /// Leaves the points measured since the last update out of the structural distances. An
    /// emulator would need minutes for those of a whole campaign, and the cost of the next update
    /// does not depend on them.
    pub fn skip_distances(&mut self) {
        self.distances_known = self.measured;
        self.distances_underway = None;
    }

    /// Draws the joint sample of the response and finds the free candidate where it is largest.
    ///
    /// # Errors
    /// As [`Explorer::propose`].
    pub fn only_sample(&mut self) -> Result<(Candidate, f32), Error> {
        self.preparation = None;
        self.best_of_sample(&Value)
    }

    /// Computes what neighbours add to all candidates, with the responses for weights of the points.
    ///
    /// # Errors
    /// As [`Explorer::propose`].
    pub fn only_space(&mut self) -> Result<(), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let process = self.ready()?;
        self.preparation = None;
        self.evaluation = None;
        let memory = &mut self.memory;
        let own = &mut memory.own[0];
        let targets = own.targets.get(..self.held).unwrap_or_default();
        let plane = own.plane.get_mut(..candidates.count());
        let plane = plane.unwrap_or_default();
        plane.fill(0.0);
        if let Some(space) = process.space {
            space.spread(candidates, memory.falloff, (memory.places, targets), plane);
        }
        Ok(())
    }

    /// Computes the posterior means at the measured points and finds the free candidate with the
    /// highest score against them, as [`crate::Strategy::BeaconStructure`] does. The first axis of
    /// the latent plane stands in for the sample.
    ///
    /// # Errors
    /// As [`Explorer::propose`].
    pub fn only_novelty(&mut self) -> Result<(Candidate, f32), Error> {
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        self.prepare_means()?;
        let memory = &mut self.memory;
        let known = memory.own[0].references.get_mut(..self.held);
        let reference = KnownResponses::new(known.unwrap_or_default());
        let novelty = Novelty::new(reference, usize::from(self.acquisition.k));
        let responses = memory.latents.iter().take(count).map(|latent| latent[0]);
        let responses = responses.zip(&*memory.distances);
        best_response(
            memory.taken,
            responses,
            &StructuralNovelty(novelty),
            |_, _| None,
        )
    }
}

//! What a decision and a new model are made of, one part at a time, for those who count what each
//! costs (feature `parts`). Campaigns need none of it.

use super::proposal::{Novelty, StructuralNovelty, Value, best_response};
use super::{Explorer, compute_features, scale_latents};
use crate::cnn::Layers;
use crate::novelty::Reference;
use crate::{Candidate, Error, Model};

impl Explorer<'_> {
    /// The features of all candidates in the network's own units, as [`Explorer::load_model`]
    /// begins. There is no model afterwards.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::WeightCount`], [`Error::NotFinite`].
    pub fn only_features(&mut self, model: &Model<'_>) -> Result<(), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let layers = Layers::new(model.network, model.weights)?;
        self.process = None;
        compute_features(&layers, candidates, &mut self.memory)?;
        let latents = self.memory.latents.get_mut(..candidates.count());
        scale_latents(latents.unwrap_or_default(), [1.0; 2]).map(|_| ())
    }

    /// Covariances and factor of all points measured, as [`Explorer::load_model`] ends.
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::NotPositiveDefinite`], [`Error::Outlier`].
    pub fn only_refactor(&mut self) -> Result<(), Error> {
        self.factor.clear();
        self.absorb()
    }

    /// Structural distances of all candidates to the points measured since the last time.
    ///
    /// # Errors
    /// [`Error::NoImage`].
    pub fn only_update_distances(&mut self) -> Result<(), Error> {
        self.update_distances()
    }

    /// Leaves out the structural distances to the points measured since the last time: an emulator
    /// would take minutes over a whole campaign's, and what the next one costs does not depend on
    /// them.
    pub fn skip_distances(&mut self) {
        self.distances_known = self.measured;
        self.distances_underway = None;
    }

    /// The joint sample of the response, at its largest free candidate.
    ///
    /// # Errors
    /// As [`Explorer::propose`].
    pub fn only_sample(&mut self) -> Result<(Candidate, f32), Error> {
        let mut random = crate::random::Random::new(self.seed, self.measured);
        self.best_of_sample(&mut random, 1.0, &Value)
    }

    /// Posterior means at the points measured, and the free candidate that scores best against
    /// them: what [`crate::Strategy::BeaconStructure`] does with a sample, for which the first
    /// axis of the latent plane stands in.
    ///
    /// # Errors
    /// As [`Explorer::propose`].
    pub fn only_novelty(&mut self) -> Result<(Candidate, f32), Error> {
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        self.prepare_means()?;
        let memory = &mut self.memory;
        let known = memory.references.get_mut(..self.measured);
        let reference = Reference::new(known.unwrap_or_default());
        let novelty = Novelty::new(reference, usize::from(self.acquisition.k));
        let responses = memory.latents.iter().take(count).map(|latent| latent[0]);
        let responses = responses.zip(&*memory.distances);
        best_response(memory.taken, responses, &StructuralNovelty(novelty))
    }
}

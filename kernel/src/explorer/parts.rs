//! What a decision and a new model are made of, one part at a time, for those who count what each
//! costs (feature `parts`). Campaigns need none of it.

use super::proposal::best;
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
        (0..self.measured).try_for_each(|n| self.absorb(n))
    }

    /// Structural distances of all candidates to the points measured since the last time.
    ///
    /// # Errors
    /// [`Error::NoImage`].
    pub fn only_approach(&mut self) -> Result<(), Error> {
        self.approach()
    }

    /// Leaves out the structural distances to the points measured since the last time, as if they
    /// had been found while the beam dwelt: a campaign's worth of them takes an emulator minutes.
    pub fn skip_approach(&mut self) {
        self.approached = self.measured;
    }

    /// The joint sample of the response, at its largest free candidate.
    ///
    /// # Errors
    /// As [`Explorer::propose`].
    pub fn only_sample(&mut self) -> Result<(Candidate, f32), Error> {
        let mut random = crate::random::Random::new(self.seed, self.measured);
        self.best_of_sample(&mut random, 1.0, |response, _| response)
    }

    /// Novelty of every candidate's posterior mean against those at all points measured, and the
    /// most novel free candidate: what [`crate::Strategy::Beacon`] does with a sample. Ask for
    /// [`Explorer::surrogate`] first.
    ///
    /// # Errors
    /// As [`Explorer::propose`].
    pub fn only_novelty(&mut self) -> Result<(Candidate, f32), Error> {
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        self.prepare_means()?;
        let k = usize::from(self.acquisition.k);
        let memory = &mut self.memory;
        let known = memory.references.get_mut(..self.measured);
        let reference = Reference::new(known.unwrap_or_default());
        let means = memory.mean.iter().take(count);
        best(memory.taken, means.map(|&mean| reference.novelty(mean, k)))
    }
}

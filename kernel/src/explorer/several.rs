//! A decision with several responses of a place.
//!
//! By its own module the firmware leaves it out of the fastest memory, where one response has a place: its
//! loops are short, and a cache holds them.

use super::preparation::sampled_vectors;
use super::proposal::{Score, StructuralNovelty, best_response, nearer};
use super::{Explorer, Strategy};
use crate::storage::Ahead;
use crate::structure::Windows;
use crate::vectors::{KnownVectors, Vector, VectorBounds, Whitening};
use crate::{Candidate, Error};

/// Distance of a vector of responses from the known ones.
pub(super) struct VectorNovelty<'r> {
    pub(super) known: KnownVectors<'r>,
    pub(super) whitening: Whitening,
    pub(super) k: usize,
    pub(super) bounds: VectorBounds,
}

impl Score<Vector> for VectorNovelty<'_> {
    fn exact(&self, responses: Vector, _: f32) -> f32 {
        self.known.novelty(self.whitening.of(responses), self.k)
    }

    fn bound(&self, responses: Vector, _: f32) -> f32 {
        self.bounds.at(self.whitening.of(responses))
    }
}

impl Explorer<'_> {
    /// The free candidate whose sampled vector is most novel against the references, or scores highest with the
    /// structural distance.
    #[inline(never)]
    pub(super) fn most_novel_vector(
        &mut self,
        structural: bool,
    ) -> Result<(Candidate, f32), Error> {
        self.with_vectors(|explorer, novelty| {
            if structural {
                explorer.best_of_samples(&StructuralNovelty(novelty))
            } else {
                explorer.best_of_samples(&novelty)
            }
        })
    }

    /// The scores of the samples that the proposal has left in memory, against references that are not whitened
    /// yet.
    #[inline(never)]
    pub(super) fn score_vectors(&mut self, scores: &mut [f32]) {
        let structural = self.acquisition.strategy == Strategy::BeaconStructure;
        self.with_vectors(|explorer, novelty| {
            if structural {
                explorer.score_samples(scores, &StructuralNovelty(novelty));
            } else {
                explorer.score_samples(scores, &novelty);
            }
        });
    }

    /// Hands over novelty against the references, which it whitens and sorts.
    fn with_vectors<T>(&mut self, then: impl FnOnce(&mut Self, VectorNovelty<'_>) -> T) -> T {
        let held = self.held;
        let (k, responses) = (usize::from(self.acquisition.k), self.responses);
        let targets = self.memory.own.each_ref().map(|own| {
            let targets = own.targets.get(..held);
            targets.unwrap_or_default()
        });
        let whitening = Whitening::new(targets.get(..responses).unwrap_or_default());
        let own = self.memory.own.each_mut();
        let mut references = own.map(|own| core::mem::take(&mut own.references));
        let mut room = core::mem::take(&mut self.memory.row);
        let columns = references.each_mut().map(|column| {
            let held = held.min(column.len());
            column.get_mut(..held).unwrap_or_default()
        });
        let known = KnownVectors::new(&whitening, columns, &mut *room);
        let novelty = VectorNovelty {
            known,
            whitening,
            k,
            bounds: VectorBounds::new(known, k),
        };
        let outcome = then(self, novelty);
        core::mem::swap(&mut self.memory.row, &mut room);
        for (own, references) in self.memory.own.iter_mut().zip(&mut references) {
            core::mem::swap(&mut own.references, references);
        }
        outcome
    }

    /// [`Self::best_of_sample`] with a sample of each response.
    fn best_of_samples(&mut self, score: &impl Score<Vector>) -> Result<(Candidate, f32), Error> {
        let (candidates, lacking) = self.finish_sample()?;
        let gains = self.gains();
        let memory = &mut self.memory;
        let (_, room) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let windows = Windows::new(memory.image, candidates);
        let known = (&*memory.reciprocals, &*memory.next_distances);
        let nearer = nearer(windows, lacking, known, room)?;
        let slopes = memory.slopes.get(..candidates.count()).unwrap_or_default();
        let planes = memory.own.each_ref().map(|own| &*own.plane);
        let responses = sampled_vectors(gains, planes, slopes).zip(&*memory.distances);
        best_response(memory.taken, responses, score, nearer)
    }

    /// [`Self::score_sample`] with a sample of each response.
    fn score_samples(&self, scores: &mut [f32], score: &impl Score<Vector>) {
        let memory = &self.memory;
        let planes = memory.own.each_ref().map(|own| &*own.plane);
        let responses = sampled_vectors(self.gains(), planes, memory.slopes);
        let responses = responses.zip(&*memory.distances);
        for (of, (responses, squared)) in scores.iter_mut().zip(responses) {
            *of = score.exact(responses, *squared);
        }
    }
}

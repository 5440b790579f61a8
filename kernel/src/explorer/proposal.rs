//! From the model to the next candidate: one method per strategy.
//!
//! BEACON draws a sample of the response at every candidate (Thompson), scores it by its distance
//! to the responses already known (novelty) and proposes the candidate with the highest score.

mod score;
mod search;

pub(super) use score::{Novelty, Score, StructuralNovelty, Value};
pub(super) use search::{Lacking, best_response, nearer};

use super::preparation::sampled;
use super::{Explorer, Prediction, is_taken};
use crate::improvement::log_expected_improvement;
use crate::novelty::{self, KnownResponses};
use crate::random::Random;
use crate::storage::Ahead;
use crate::strategy::{References, Sampling, Strategy};
use crate::structure::Windows;
use crate::{Candidate, Candidates, Error};
use search::best;

/// The candidate to measure next, and what the model thinks of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// The candidate.
    pub candidate: Candidate,
    /// Points measured before it.
    pub step: usize,
    /// Its score in the strategy's own terms, on standardised targets; 0 for `random`.
    pub score: f32,
    /// What the model expects of the first response there; `None` while there is no model that fits.
    pub prediction: Option<Prediction>,
}

impl Explorer<'_> {
    /// The candidate to measure next. Asking again before measuring gives the same answer.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::Exhausted`] when every candidate was measured; for all
    /// strategies but `random` [`Error::NoMeasurement`]; for all but `random` and `farthest`
    /// [`Error::NoModel`] and [`Error::NotPositiveDefinite`] when the model does not fit the
    /// measurements. [`Error::OneResponse`] for [`Strategy::BeaconElite`] in a campaign of several responses.
    pub fn propose(&mut self) -> Result<Proposal, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let (strategy, responses) = (self.acquisition.strategy, self.responses);
        if strategy == Strategy::BeaconElite && responses > 1 {
            return Err(Error::OneResponse {
                strategy,
                responses,
            });
        }
        if self.measured >= candidates.count() {
            return Err(Error::Exhausted);
        }
        if self.measured == 0 && self.acquisition.strategy != Strategy::Random {
            if self.acquisition.strategy != Strategy::Farthest {
                self.ready()?;
            }
            return Err(Error::NoMeasurement);
        }
        let mut random = Random::new(self.seed, self.measured);
        let (candidate, score) = match self.acquisition.strategy {
            Strategy::Random => (self.uniform(candidates, &mut random)?, 0.0),
            Strategy::Farthest => self.farthest()?,
            Strategy::Beacon | Strategy::BeaconStructure => self.most_novel()?,
            Strategy::BeaconElite => self.most_novel_among_elite(&mut random)?,
            Strategy::Thompson => self.best_of_sample(&Value)?,
            Strategy::Ei => {
                self.prepare_means()?;
                let best = self.best_denoised();
                self.best_of_surrogate(|mean, sigma| log_expected_improvement(mean, sigma, best))?
            }
            Strategy::Mu => self.best_of_surrogate(|_, sigma| sigma)?,
            Strategy::Ucb => {
                let width = libm::sqrtf(self.acquisition.beta);
                self.best_of_surrogate(|mean, sigma| mean + width * sigma)?
            }
        };
        let prediction = self.predict(candidate).ok();
        Ok(Proposal {
            candidate,
            step: self.measured,
            score,
            prediction,
        })
    }

    /// Algorithm 1 of BEACON: sample, then novelty against everything measured; for
    /// [`Strategy::BeaconStructure`] of a tempered sample and times the structural distance.
    fn most_novel(&mut self) -> Result<(Candidate, f32), Error> {
        let structural = self.acquisition.strategy == Strategy::BeaconStructure;
        if structural {
            self.update_distances_but_last()?;
        }
        self.prepare_references()?;
        if self.responses > 1 {
            return self.most_novel_vector(structural);
        }
        let mut references = core::mem::take(&mut self.memory.own[0].references);
        let known = references.get_mut(..self.held).unwrap_or_default();
        let k = usize::from(self.acquisition.k);
        let novelty = Novelty::new(KnownResponses::new(known), k);
        let best = if structural {
            self.best_of_sample(&StructuralNovelty(novelty))
        } else {
            self.best_of_sample(&novelty)
        };
        core::mem::swap(&mut self.memory.own[0].references, &mut references);
        best
    }

    /// Fills the references of each response with what novelty is measured against.
    pub(super) fn prepare_references(&mut self) -> Result<(), Error> {
        match self.acquisition.references {
            References::Denoised => self.prepare_means()?,
            References::Raw => {
                self.ready()?;
                for own in self.memory.own.iter_mut().take(self.responses) {
                    let targets = own.targets.iter().take(self.held);
                    for (reference, target) in own.references.iter_mut().zip(targets) {
                        *reference = *target;
                    }
                }
            }
        }
        Ok(())
    }

    /// The paper's Eqs. 2 and 3: novelty against the elite, both z-scored by the elite.
    fn most_novel_among_elite(&mut self, random: &mut Random) -> Result<(Candidate, f32), Error> {
        self.prepare_means()?;
        let mut references = core::mem::take(&mut self.memory.own[0].references);
        let novelty = self.novelty_among_elite(references);
        let best = match self.acquisition.sampling {
            Sampling::Joint => self.best_of_sample(&novelty),
            Sampling::Marginal => self.best_of_surrogate(|mean, sigma| {
                novelty.exact(mean + sigma * random.normal(), 0.0)
            }),
        };
        core::mem::swap(&mut self.memory.own[0].references, &mut references);
        best
    }

    /// Novelty against the elite of the posterior means, which are sorted, and the elite z-scored.
    #[inline]
    pub(super) fn novelty_among_elite<'r>(&self, references: &'r mut [f32]) -> Novelty<'r> {
        let n = self.held;
        let share = self.acquisition.elite_share;
        let elites = (libm::ceilf(share * n as f32) as usize).clamp(1, n.max(1));
        let means = references.get_mut(..n).unwrap_or_default();
        novelty::sort(means);
        let elite = means.get_mut(n - elites..).unwrap_or_default();
        let count = elites as f32;
        let centre = elite.iter().sum::<f32>() / count;
        let spread = elite
            .iter()
            .map(|y| (y - centre) * (y - centre))
            .sum::<f32>()
            / count;
        // A single elite, or equal ones, have no spread to divide by.
        let scale = if spread > 1e-12 {
            libm::sqrtf(spread)
        } else {
            1.0
        };
        for response in elite.iter_mut() {
            *response = (*response - centre) / scale;
        }
        let k = usize::from(self.acquisition.k);
        Novelty {
            centre,
            scale,
            ..Novelty::new(KnownResponses::new(elite), k)
        }
    }

    /// Fills the references with the posterior means at the measured points: from Kα = y − m
    /// follows μ(z_j) = y_j − σ²α_j.
    pub(super) fn prepare_means(&mut self) -> Result<(), Error> {
        let process = self.ready()?;
        self.weigh()?;
        let n = self.held;
        let noise = process.hyperparameters.noise;
        for own in self.memory.own.iter_mut().take(self.responses) {
            let known = own.alpha.iter().zip(&*own.targets).take(n);
            for (mean, (alpha, target)) in own.references.iter_mut().zip(known) {
                *mean = target - noise * alpha;
            }
        }
        Ok(())
    }

    /// Largest of the first response's references.
    pub(super) fn best_denoised(&self) -> f32 {
        let means = self.memory.own[0].references.iter().take(self.held);
        means.fold(f32::NEG_INFINITY, |best, &mean| {
            crate::math::larger(best, mean)
        })
    }

    /// The free candidate whose joint Thompson sample and squared structural distance score
    /// highest. The sample's prior has no spatial part, its correction by the measurements has.
    pub(super) fn best_of_sample(&mut self, score: &impl Score) -> Result<(Candidate, f32), Error> {
        let (candidates, lacking) = self.finish_sample()?;
        let gain = self.gain(0);
        let memory = &mut self.memory;
        let (_, room) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let windows = Windows::new(memory.image, candidates);
        let known = (&*memory.reciprocals, &*memory.next_distances);
        let nearer = nearer(windows, lacking, known, room)?;
        // Slices: what is iterated over costs a few instructions less a candidate.
        let values = memory.own[0].plane.get(..candidates.count());
        let responses = sampled(gain, values.unwrap_or_default(), memory.slopes);
        let responses = responses.zip(&*memory.distances);
        best_response(memory.taken, responses, score, nearer)
    }

    /// Does what is left of the samples that the strategy draws; returns the candidates, and what their
    /// structural distances lack where they count.
    #[inline(never)]
    pub(super) fn finish_sample(&mut self) -> Result<(Candidates, Lacking), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        self.finish(self.acquisition.temperature().or(Some(1.0)))?;
        let structural = self.acquisition.strategy == Strategy::BeaconStructure;
        Ok((candidates, self.distances_lack().filter(|_| structural)))
    }

    /// The free candidate whose posterior mean and deviation score highest.
    fn best_of_surrogate(
        &mut self,
        mut score: impl FnMut(f32, f32) -> f32,
    ) -> Result<(Candidate, f32), Error> {
        while !self.refresh()? {}
        let taken = &*self.memory.taken;
        let surrogate = self.current_surrogate()?;
        let scores = surrogate
            .iter()
            .map(|(mean, variance)| score(mean, libm::sqrtf(variance)));
        best(taken, scores)
    }

    /// The free candidate whose patch is farthest from the nearest measured one, and that distance.
    fn farthest(&mut self) -> Result<(Candidate, f32), Error> {
        self.update_distances()?;
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        let distances = self.memory.distances.iter().take(count);
        let (candidate, squared) = best(self.memory.taken, distances.copied())?;
        Ok((candidate, libm::sqrtf(squared)))
    }

    /// A free candidate, each equally likely.
    fn uniform(&self, candidates: Candidates, random: &mut Random) -> Result<Candidate, Error> {
        let taken = self.memory.taken.iter().map(|word| word.count_ones());
        let free = candidates
            .count()
            .saturating_sub(taken.sum::<u32>() as usize);
        if free == 0 {
            return Err(Error::Exhausted);
        }
        let chosen = random.below(free as u32) as usize;
        let mut free = (0..candidates.count()).filter(|&c| !is_taken(self.memory.taken, c));
        let index = free.nth(chosen).ok_or(Error::Exhausted)?;
        Ok(Candidate(index as u32))
    }
}

#[cfg(test)]
mod tests;

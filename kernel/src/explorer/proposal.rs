//! From the model to the next candidate: one method per strategy.
//!
//! A proposal reads like the algorithm of the paper: draw a sample of the response at every
//! candidate (Thompson), score it by its distance to the responses already known (novelty),
//! take the best.

use super::{Explorer, Prediction, is_taken};
use crate::grid::Grid;
use crate::improvement::log_expected_improvement;
use crate::novelty::{self, Reference};
use crate::random::Random;
use crate::strategy::{References, Sampling, Strategy};
use crate::thompson::{Evidence, Prior};
use crate::{Candidate, Candidates, Error};

/// The candidate to measure next, and what the model thinks of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// The candidate.
    pub candidate: Candidate,
    /// Points measured before it.
    pub step: usize,
    /// Its score in the strategy's own terms, on standardised targets; 0 for `random`.
    pub score: f32,
    /// What the model expects there; `None` while there is no model that fits.
    pub prediction: Option<Prediction>,
}

/// By how much [`Strategy::BeaconStructure`] narrows its sample about the posterior mean. A full
/// sample's deviations drown the gaps between responses once the model has learned something;
/// the mean alone is sure of what it has not seen. Like the power in [`structural_weight`] it is
/// part of what the strategy is, judged with it on four kinds of data, and no setting.
const TEMPERATURE: f32 = 0.3;

/// The structural distance to the power of three quarters. Its root leaves a tenth of the patch
/// clusters of the PFM benchmark unseen; the whole distance outweighs the response where few
/// structures hold most of its range.
///
/// Never less than at a hundredth of a deviation: where patches differ in brightness alone, as on
/// a ramp, they are all alike to the structural distance, and the response has to decide.
fn structural_weight(squared: f32) -> f32 {
    let squared = crate::math::larger(squared, 1e-4);
    let root = libm::sqrtf(libm::sqrtf(squared));
    root * libm::sqrtf(root)
}

impl Explorer<'_> {
    /// The candidate to measure next. Asking again before measuring gives the same answer.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::Exhausted`] when every candidate was measured; for all
    /// strategies but `random` [`Error::NoMeasurement`]; for all but `random` and `farthest`
    /// [`Error::NoModel`] and [`Error::NotPositiveDefinite`] when the model does not fit the
    /// measurements.
    pub fn propose(&mut self) -> Result<Proposal, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
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
            Strategy::Beacon => self.most_novel(&mut random, 1.0, |novelty, _| novelty)?,
            Strategy::BeaconStructure => {
                self.approach()?;
                self.most_novel(&mut random, TEMPERATURE, |novelty, squared| {
                    novelty * structural_weight(squared)
                })?
            }
            Strategy::BeaconElite => self.most_novel_among_elite(&mut random)?,
            Strategy::Thompson => self.best_of_sample(&mut random, 1.0, |response, _| response)?,
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

    /// Algorithm 1 of BEACON: sample, then novelty against everything measured. `score` makes
    /// of a candidate's novelty and its squared structural distance what is compared.
    fn most_novel(
        &mut self,
        random: &mut Random,
        temperature: f32,
        score: impl Fn(f32, f32) -> f32,
    ) -> Result<(Candidate, f32), Error> {
        match self.acquisition.references {
            References::Denoised => self.prepare_means()?,
            References::Raw => {
                self.ready()?;
                let targets = self.memory.targets.iter().take(self.measured);
                for (reference, target) in self.memory.references.iter_mut().zip(targets) {
                    *reference = *target;
                }
            }
        }
        let mut references = core::mem::take(&mut self.memory.references);
        let known = references.get_mut(..self.measured).unwrap_or_default();
        let reference = Reference::new(known);
        let k = usize::from(self.acquisition.k);
        let best = self.best_of_sample(random, temperature, |response, squared| {
            score(reference.novelty(response, k), squared)
        });
        core::mem::swap(&mut self.memory.references, &mut references);
        best
    }

    /// The paper's Eqs. 2 and 3: novelty against the elite, both z-scored by the elite.
    fn most_novel_among_elite(&mut self, random: &mut Random) -> Result<(Candidate, f32), Error> {
        self.prepare_means()?;
        let n = self.measured;
        let share = self.acquisition.elite_share;
        let elites = (libm::ceilf(share * n as f32) as usize).clamp(1, n.max(1));
        let mut references = core::mem::take(&mut self.memory.references);
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
        let reference = Reference::new(elite);
        let k = usize::from(self.acquisition.k);
        let score = |response: f32| reference.novelty((response - centre) / scale, k);
        let best = match self.acquisition.sampling {
            Sampling::Joint => self.best_of_sample(random, 1.0, |response, _| score(response)),
            Sampling::Marginal => {
                self.best_of_surrogate(|mean, sigma| score(mean + sigma * random.normal()))
            }
        };
        core::mem::swap(&mut self.memory.references, &mut references);
        best
    }

    /// Fills the references with the posterior means at the measured points: from Kα = y − m
    /// follows μ(z_j) = y_j − σ²α_j.
    pub(super) fn prepare_means(&mut self) -> Result<(), Error> {
        let process = self.ready()?;
        let n = self.measured;
        let memory = &mut self.memory;
        let alpha = memory.alpha.get_mut(..n).unwrap_or_default();
        for (alpha, whitened) in alpha.iter_mut().zip(&*memory.whitened) {
            *alpha = *whitened;
        }
        self.factor.solve_upper(alpha);
        let noise = process.hyperparameters.noise;
        let known = alpha.iter().zip(&*memory.targets);
        for (mean, (alpha, target)) in memory.references.iter_mut().zip(known) {
            *mean = target - noise * alpha;
        }
        Ok(())
    }

    /// Largest of the references.
    fn best_denoised(&self) -> f32 {
        let means = self.memory.references.iter().take(self.measured);
        means.fold(f32::NEG_INFINITY, |best, &mean| {
            crate::math::larger(best, mean)
        })
    }

    /// The free candidate whose joint Thompson sample and squared structural distance score
    /// best. The sample's deviations from the posterior mean are scaled by `temperature`: a
    /// sample is linear in its random numbers, so scaling those does it.
    pub(super) fn best_of_sample(
        &mut self,
        random: &mut Random,
        temperature: f32,
        score: impl Fn(f32, f32) -> f32,
    ) -> Result<(Candidate, f32), Error> {
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        let process = self.ready()?;
        let n = self.measured;
        let memory = &mut self.memory;
        let points = memory.points.get(..n).unwrap_or_default();
        let targets = memory.targets.get(..n).unwrap_or_default();
        let weights = memory.alpha.get_mut(..n).unwrap_or_default();
        let latents = memory.latents.get(..count).unwrap_or_default();
        let distances = &*memory.distances;
        let mean = process.hyperparameters.mean;
        let tempered = temperature * temperature;
        let evidence = Evidence {
            covariance: process.covariance(),
            mean,
            noise: tempered * process.hyperparameters.noise,
            factor: &self.factor,
            points,
            targets,
        };
        let prior = Prior::draw(random, tempered * process.hyperparameters.outputscale);
        let taken = &*memory.taken;
        if let Some(mut grid) = Grid::new(process.bounds, memory.workspace) {
            grid.add_features(prior.features());
            for (weight, &point) in weights.iter_mut().zip(points) {
                *weight = grid.at(point);
            }
            evidence.correct(random, weights);
            grid.add_covariances(evidence.covariance, points, weights);
            let responses = latents.iter().map(|&latent| mean + grid.at(latent));
            let scores = responses
                .zip(distances)
                .map(|(y, &squared)| score(y, squared));
            return best(taken, scores);
        }
        for (weight, &point) in weights.iter_mut().zip(points) {
            *weight = prior.at(point);
        }
        evidence.correct(random, weights);
        let responses = latents
            .iter()
            .map(|&latent| evidence.sample_at(&prior, weights, latent));
        let scores = responses
            .zip(distances)
            .map(|(y, &squared)| score(y, squared));
        best(taken, scores)
    }

    /// The free candidate whose posterior mean and deviation score best.
    fn best_of_surrogate(
        &mut self,
        mut score: impl FnMut(f32, f32) -> f32,
    ) -> Result<(Candidate, f32), Error> {
        self.surrogate()?;
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        let posterior = self.memory.mean.iter().zip(&*self.memory.variance);
        let scores = posterior
            .take(count)
            .map(|(&mean, &variance)| score(mean, libm::sqrtf(variance)));
        best(self.memory.taken, scores)
    }

    /// The free candidate whose patch is farthest from any measured one, and that distance.
    fn farthest(&mut self) -> Result<(Candidate, f32), Error> {
        self.approach()?;
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        let distances = self.memory.distances.iter().take(count);
        let (candidate, squared) = best(self.memory.taken, distances.copied())?;
        Ok((candidate, libm::sqrtf(squared)))
    }

    /// A free candidate, each equally likely.
    fn uniform(&self, candidates: Candidates, random: &mut Random) -> Result<Candidate, Error> {
        let free = candidates.count() - self.measured;
        let chosen = random.below(free as u32) as usize;
        let mut free = (0..candidates.count()).filter(|&c| !is_taken(self.memory.taken, c));
        let index = free.nth(chosen).ok_or(Error::Exhausted)?;
        Ok(Candidate(index as u32))
    }
}

/// The free candidate with the largest score; the first of equals, never one that is NaN
/// unless all are.
pub(super) fn best(
    taken: &[u32],
    scores: impl Iterator<Item = f32>,
) -> Result<(Candidate, f32), Error> {
    let mut best: Option<(usize, f32)> = None;
    for (index, score) in scores.enumerate() {
        let better = match best {
            None => true,
            Some((_, most)) => score > most || (most.is_nan() && !score.is_nan()),
        };
        if better && !is_taken(taken, index) {
            best = Some((index, score));
        }
    }
    let (index, score) = best.ok_or(Error::Exhausted)?;
    Ok((Candidate(index as u32), score))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Acquisition, Capacity, Hyperparameters, Model, Network, Standardisation, Storage};

    /// The direct form is the reference: the grid must not change what is proposed.
    #[test]
    fn the_grid_proposes_what_the_direct_form_proposes() {
        let capacity = Capacity::for_campaign(36, 36, 16, 30);
        let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
        let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::default(), 1).unwrap();
        let mut random = Random::new(2, 0);
        let image: Vec<f32> = (0..36 * 36)
            .map(|i| ((i / 36) as f32 * 0.5).sin() + ((i % 36) as f32 * 0.3).cos())
            .collect();
        explorer.load_image(36, 36, 16, &image).unwrap();
        let network = Network::for_window(16).unwrap();
        let weights: Vec<f32> = (0..network.weight_count())
            .map(|_| 0.3 * (random.uniform() - 0.5))
            .collect();
        let model = Model {
            network,
            weights: &weights,
            hyperparameters: Hyperparameters {
                lengthscale: [0.1, 0.1],
                outputscale: 1.0,
                noise: 0.05,
                mean: 0.0,
            },
            standardisation: Standardisation::IDENTITY,
        };
        explorer.load_model(&model).unwrap();
        for n in 0..30 {
            explorer
                .measure(Candidate(n * 14), random.normal())
                .unwrap();
        }
        for strategy in [Strategy::Beacon, Strategy::Thompson] {
            explorer
                .set_acquisition(Acquisition::new(strategy))
                .unwrap();
            for seed in 0..10 {
                explorer.set_seed(seed);
                let on_grid = explorer.propose().unwrap();
                let bounds = explorer.process.unwrap().bounds;
                // A box without end is too wide for any grid.
                explorer.process.as_mut().unwrap().bounds = ([f32::MIN; 2], [f32::MAX; 2]);
                let direct = explorer.propose().unwrap();
                explorer.process.as_mut().unwrap().bounds = bounds;
                assert_ne!(
                    on_grid.score.to_bits(),
                    direct.score.to_bits(),
                    "two forms ran"
                );
                assert_eq!(on_grid.candidate, direct.candidate);
                assert!((on_grid.score - direct.score).abs() < 1e-3);
            }
        }
    }
}

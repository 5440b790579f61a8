//! From the model to the next candidate: one method per strategy.
//!
//! BEACON draws a sample of the response at every candidate (Thompson), scores it by its distance
//! to the responses already known (novelty) and proposes the candidate with the highest score.

use super::preparation::sampled;
use super::{Explorer, Prediction, is_taken};
use crate::improvement::log_expected_improvement;
use crate::novelty::{self, Bounds, KnownResponses};
use crate::random::Random;
use crate::storage::Ahead;
use crate::strategy::{References, Sampling, Strategy};
use crate::structure::Windows;
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
    /// What the model expects of the first response there; `None` while there is no model that fits.
    pub prediction: Option<Prediction>,
}

/// The number by which candidates are ranked, by a sampled response or by several.
pub(super) trait Score<V = f32> {
    /// The score of what was sampled at a squared structural distance.
    fn exact(&self, response: V, squared: f32) -> f32;

    /// An upper bound of the score that costs less than the score.
    fn bound(&self, _response: V, _squared: f32) -> f32 {
        f32::INFINITY
    }
}

/// The response itself.
pub(super) struct Value;

impl Score for Value {
    fn exact(&self, response: f32, _: f32) -> f32 {
        response
    }
}

/// Distance of a response from the known ones, both shifted and scaled.
pub(super) struct Novelty<'r> {
    reference: KnownResponses<'r>,
    k: usize,
    bounds: Bounds,
    centre: f32,
    scale: f32,
}

impl<'r> Novelty<'r> {
    pub(super) fn new(reference: KnownResponses<'r>, k: usize) -> Self {
        Self {
            reference,
            k,
            bounds: Bounds::new(reference, k),
            centre: 0.0,
            scale: 1.0,
        }
    }
}

impl Score for Novelty<'_> {
    fn exact(&self, response: f32, _: f32) -> f32 {
        let response = (response - self.centre) / self.scale;
        self.reference.novelty(response, self.k)
    }

    fn bound(&self, response: f32, _: f32) -> f32 {
        self.bounds.at((response - self.centre) / self.scale)
    }
}

/// Novelty times the structural distance to the power of three quarters. With the power of one
/// half a tenth of the patch clusters of the PFM benchmark stays unseen; with the whole distance
/// structure outweighs the response where few structures hold most of its range.
pub(super) struct StructuralNovelty<N>(pub(super) N);

/// The least squared distance that counts. Patches closer than a hundredth of a deviation differ in
/// brightness alone, as on a ramp; the structural distance cannot tell them apart, and the response
/// decides.
const LEAST_SQUARED: f32 = 1e-4;

impl<V, N: Score<V>> Score<V> for StructuralNovelty<N> {
    fn exact(&self, response: V, squared: f32) -> f32 {
        let squared = crate::math::larger(squared, LEAST_SQUARED);
        let root = libm::sqrtf(libm::sqrtf(squared));
        self.0.exact(response, squared) * (root * libm::sqrtf(root))
    }

    fn bound(&self, response: V, squared: f32) -> f32 {
        let squared = crate::math::larger(squared, LEAST_SQUARED);
        self.0.bound(response, squared) * above_three_eighths(squared)
    }
}

/// A number above x to the power of 3/8, by at most a tenth, for x of some power of ten.
///
/// The bits of a float, as a whole number, are its logarithm with straight lines between powers
/// of two: up to 0.0861 octaves below the true one, never above.
fn above_three_eighths(x: f32) -> f32 {
    const ONE: u32 = 1.0_f32.to_bits();
    /// 3/8 of 0.0861 octaves and what the shift drops, in bits.
    const SLACK: i32 = 270_850 + 8;
    let logarithm = x.to_bits().wrapping_sub(ONE).cast_signed();
    f32::from_bits(ONE.wrapping_add_signed(3 * (logarithm >> 3) + SLACK))
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

/// The only measured point that the structural distances lack, and the candidates that have theirs with it.
pub(super) type Lacking = Option<(Candidate, usize)>;

/// How near a candidate is to the point that the structural distances lack, if any, or to the ones before.
/// `known` are reciprocal norms and the next distances; `room` has room for a window.
pub(super) fn nearer<'n>(
    windows: Windows<'n>,
    lacking: Lacking,
    (reciprocals, next): (&'n [f32], &'n [f32]),
    room: &'n mut [f32],
) -> Result<impl Fn(usize, f32) -> Option<f32> + 'n, Error> {
    let newest = match lacking {
        Some((candidate, done)) => Some((windows.template(candidate, room)?, done)),
        None => None,
    };
    Ok(move |index: usize, squared: f32| {
        let (template, done) = newest?;
        if index < done {
            return next.get(index).copied();
        }
        let own = (reciprocals.get(index).copied()?, squared);
        Some(windows.nearer(template, Candidate(index as u32), own))
    })
}

/// The candidate that [`best`] finds among the scores of sampled responses at squared structural
/// distances. Bounds rule most candidates out without their exact score. `nearer` is asked for the
/// distance of those that are left, where the one given may be too large: no score grows with a
/// smaller one.
pub(super) fn best_response<'d, V: Copy>(
    taken: &[u32],
    responses: impl Iterator<Item = (V, &'d f32)>,
    score: &impl Score<V>,
    nearer: impl Fn(usize, f32) -> Option<f32>,
) -> Result<(Candidate, f32), Error> {
    let mut best = Best::default();
    for (index, (response, &squared)) in responses.enumerate() {
        if best.may_lose_to(score.bound(response, squared)) {
            let mut exact = score.exact(response, squared);
            if best.may_lose_to(exact)
                && !is_taken(taken, index)
                && let Some(squared) = nearer(index, squared)
            {
                exact = score.exact(response, squared);
            }
            best.consider(taken, index, exact);
        }
    }
    best.found()
}

/// The free candidate with the largest score: the first of equals, and one whose score is NaN only
/// if all scores are.
fn best(taken: &[u32], scores: impl Iterator<Item = f32>) -> Result<(Candidate, f32), Error> {
    let mut best = Best::default();
    for (index, score) in scores.enumerate() {
        best.consider(taken, index, score);
    }
    best.found()
}

/// The best free candidate so far and its score.
#[derive(Default)]
struct Best(Option<(usize, f32)>);

impl Best {
    /// Whether a candidate with a score of at most `bound` may be better.
    fn may_lose_to(&self, bound: f32) -> bool {
        self.0
            .is_none_or(|(_, most)| most.is_nan() || bound.is_nan() || bound > most)
    }

    fn consider(&mut self, taken: &[u32], index: usize, score: f32) {
        let better = match self.0 {
            None => true,
            Some((_, most)) => score > most || (most.is_nan() && !score.is_nan()),
        };
        if better && !is_taken(taken, index) {
            self.0 = Some((index, score));
        }
    }

    fn found(self) -> Result<(Candidate, f32), Error> {
        let (index, score) = self.0.ok_or(Error::Exhausted)?;
        Ok((Candidate(index as u32), score))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::several::VectorNovelty;
    use crate::thompson::{Evidence, Prior};
    use crate::vectors::{KnownVectors, Vector, VectorBounds, Whitening};
    use crate::{Acquisition, Capacity, Hyperparameters, Model, Network, Standardisation, Storage};

    #[test]
    fn three_eighths_are_bounded_from_above_by_a_tenth() {
        let mut x = LEAST_SQUARED;
        while x < 5.0 {
            let ratio = above_three_eighths(x) / libm::powf(x, 0.375);
            assert!((1.000_01..1.1).contains(&ratio), "{x}: {ratio}");
            x *= 1.000_37;
        }
    }

    /// Bounds must not change the choice.
    #[test]
    fn candidates_passed_over_by_their_bound_are_not_the_best() {
        let mut random = Random::new(9, 0);
        for _ in 0..20 {
            let mut known: Vec<f32> = (0..100).map(|_| random.normal()).collect();
            let score = StructuralNovelty(Novelty::new(KnownResponses::new(&mut known), 10));
            let draws: Vec<(f32, f32)> = (0..3000)
                .map(|_| {
                    (
                        2.0 * random.normal(),
                        4.0 * random.uniform() * random.uniform(),
                    )
                })
                .collect();
            let all = draws.iter().map(|&(y, squared)| score.exact(y, squared));
            let expected = best(&[0; 100], all).unwrap();
            let pairs = draws.iter().map(|(y, squared)| (*y, squared));
            assert_eq!(
                best_response(&[0; 100], pairs, &score, |_, _| None),
                Ok(expected)
            );
            // Distances that are known too large, and asked for where they may count.
            let above: Vec<f32> = draws.iter().map(|draw| draw.1 + random.uniform()).collect();
            let pairs = draws.iter().map(|draw| draw.0).zip(&above);
            let asked = core::cell::Cell::new(0);
            let nearer = |index: usize, _: f32| {
                asked.set(asked.get() + 1);
                Some(draws[index].1)
            };
            assert_eq!(
                best_response(&[0; 100], pairs, &score, nearer),
                Ok(expected)
            );
            assert!(asked.get() < 300, "{}", asked.get());
        }
    }

    /// Nor with several responses.
    #[test]
    fn vectors_passed_over_by_their_bound_are_not_the_most_novel() {
        let mut random = Random::new(10, 0);
        for order in 2..=4 {
            for _ in 0..10 {
                let mut draw = |scale: f32| {
                    let mut vector = [0.0; 4];
                    let own = vector.iter_mut().take(order);
                    own.for_each(|x| *x = scale * random.normal());
                    vector
                };
                let mut columns: [Vec<f32>; 4] = Default::default();
                for _ in 0..100 {
                    let known = draw(1.0);
                    for (column, x) in columns.iter_mut().zip(known).take(order) {
                        column.push(x);
                    }
                }
                let draws: Vec<Vector> = (0..3000).map(|_| draw(2.0)).collect();
                let squared: Vec<f32> = (0..3000)
                    .map(|_| 4.0 * random.uniform() * random.uniform())
                    .collect();
                let targets = columns.each_ref().map(|column| &column[..]);
                let whitening = Whitening::new(&targets[..order]);
                let mut room = [0.0; 100];
                let known = columns.each_mut().map(|column| &mut column[..]);
                let known = KnownVectors::new(&whitening, known, &mut room);
                let score = StructuralNovelty(VectorNovelty {
                    known,
                    whitening,
                    k: 10,
                    bounds: VectorBounds::new(known, 10),
                });
                let pairs = || draws.iter().copied().zip(&squared);
                let all = pairs().map(|(vector, &squared)| score.exact(vector, squared));
                let expected = best(&[0; 100], all).unwrap();
                let asked = core::cell::Cell::new(0);
                let nearer = |_: usize, _: f32| {
                    asked.set(asked.get() + 1);
                    None
                };
                let found = best_response(&[0; 100], pairs(), &score, nearer);
                assert_eq!(found, Ok(expected));
                assert!(asked.get() < 300, "{}", asked.get());
            }
        }
    }

    /// The proposal from a sample that is summed term by term at every candidate.
    fn propose_directly(explorer: &mut Explorer<'_>, novel: bool) -> (Candidate, f32) {
        let (count, n) = (explorer.candidates.unwrap().count(), explorer.held);
        explorer.prepare_means().unwrap();
        let process = explorer.ready().unwrap();
        let mut random = Random::new(explorer.seed, n);
        let memory = &mut explorer.memory;
        let points = &memory.points[..n];
        let evidence = Evidence {
            covariance: process.covariance(),
            mean: process.hyperparameters.mean,
            noise: process.hyperparameters.noise,
            factor: &explorer.factor,
            targets: &memory.own[0].targets[..n],
        };
        let outputscale = process.hyperparameters.outputscale;
        let prior = Prior::draw(&mut random, outputscale, points[0]);
        let mut weights: Vec<f32> = points.iter().map(|&point| prior.at(point)).collect();
        evidence.correct(&mut random, &mut weights);
        let at = |&latent: &[f32; 2]| evidence.sample_at(&prior, (points, &weights), latent);
        let responses = memory.latents[..count].iter().map(at);
        let responses = responses.zip(memory.distances.iter());
        if novel {
            let k = usize::from(explorer.acquisition.k);
            let known = KnownResponses::new(&mut memory.own[0].references[..n]);
            best_response(memory.taken, responses, &Novelty::new(known, k), |_, _| {
                None
            })
            .unwrap()
        } else {
            best_response(memory.taken, responses, &Value, |_, _| None).unwrap()
        }
    }

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
            others: &[],
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
                let (candidate, score) =
                    propose_directly(&mut explorer, strategy == Strategy::Beacon);
                assert_eq!(on_grid.candidate, candidate);
                assert!((on_grid.score - score).abs() < 1e-3);
            }
        }
    }
}

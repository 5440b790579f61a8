//! The score of every candidate: what a proposal was chosen by, for whoever wants to see it.

use super::preparation::sampled;
use super::proposal::{Novelty, Proposal, Score, StructuralNovelty, Value};
use super::{Explorer, Sampling, Strategy};
use crate::Error;
use crate::improvement::log_expected_improvement;
use crate::novelty::KnownResponses;
use crate::random::Random;

impl Explorer<'_> {
    /// The proposal of [`propose`](Self::propose), and the scores that it was chosen by, in the
    /// strategy's own terms and the order of the candidates: as many as there is room for, those that
    /// may not be proposed among them. [`Strategy::Random`] has none: NaN.
    ///
    /// # Errors
    /// As [`propose`](Self::propose).
    pub fn propose_with_scores(&mut self, scores: &mut [f32]) -> Result<Proposal, Error> {
        let proposal = self.propose()?;
        if self.acquisition.strategy == Strategy::BeaconStructure {
            self.update_distances()?;
        }
        match self.acquisition.strategy {
            Strategy::Random => scores.fill(f32::NAN),
            Strategy::Farthest => {
                for (score, squared) in scores.iter_mut().zip(&*self.memory.distances) {
                    *score = libm::sqrtf(*squared);
                }
            }
            Strategy::Thompson => self.score_sample(scores, &Value),
            Strategy::Beacon | Strategy::BeaconStructure if self.responses > 1 => {
                self.prepare_references()?;
                self.score_vectors(scores);
            }
            Strategy::Beacon | Strategy::BeaconStructure => {
                // What novelty is measured against is as the proposal has left it.
                let mut references = core::mem::take(&mut self.memory.own[0].references);
                let known = references.get_mut(..self.held).unwrap_or_default();
                let k = usize::from(self.acquisition.k);
                let novelty = Novelty::new(KnownResponses::new(known), k);
                if self.acquisition.strategy == Strategy::BeaconStructure {
                    self.score_sample(scores, &StructuralNovelty(novelty));
                } else {
                    self.score_sample(scores, &novelty);
                }
                core::mem::swap(&mut self.memory.own[0].references, &mut references);
            }
            Strategy::BeaconElite => {
                self.prepare_means()?;
                let mut random = Random::new(self.seed, self.measured);
                let mut references = core::mem::take(&mut self.memory.own[0].references);
                let novelty = self.novelty_among_elite(references);
                let scored = match self.acquisition.sampling {
                    Sampling::Joint => {
                        self.score_sample(scores, &novelty);
                        Ok(())
                    }
                    Sampling::Marginal => self.score_surrogate(scores, |mean, sigma| {
                        novelty.exact(mean + sigma * random.normal(), 0.0)
                    }),
                };
                core::mem::swap(&mut self.memory.own[0].references, &mut references);
                scored?;
            }
            Strategy::Ei => {
                let best = self.best_denoised();
                self.score_surrogate(scores, |mean, sigma| {
                    log_expected_improvement(mean, sigma, best)
                })?;
            }
            Strategy::Mu => self.score_surrogate(scores, |_, sigma| sigma)?,
            Strategy::Ucb => {
                let width = libm::sqrtf(self.acquisition.beta);
                self.score_surrogate(scores, |mean, sigma| mean + width * sigma)?;
            }
        }
        Ok(proposal)
    }

    /// The scores of the sample that the proposal has left in memory.
    fn score_sample(&self, scores: &mut [f32], score: &impl Score) {
        let memory = &self.memory;
        let plane = &*memory.own[0].plane;
        let responses = sampled(self.gain(0), plane, memory.slopes).zip(&*memory.distances);
        for (of, (response, squared)) in scores.iter_mut().zip(responses) {
            *of = score.exact(response, *squared);
        }
    }

    fn score_surrogate(
        &self,
        scores: &mut [f32],
        mut score: impl FnMut(f32, f32) -> f32,
    ) -> Result<(), Error> {
        let surrogate = self.current_surrogate()?;
        for (of, (mean, variance)) in scores.iter_mut().zip(surrogate.iter()) {
            *of = score(mean, libm::sqrtf(variance));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::tests::made_up;
    use crate::{
        Acquisition, Candidate, Candidates, Capacity, Model, Network, Standardisation, Storage,
    };

    /// The judge is the proposal: among the candidates that may be proposed, the one with the highest
    /// of these scores is proposed, with that score.
    #[test]
    fn the_best_of_the_scores_is_what_is_proposed() {
        for responses in [1, 3] {
            compare(responses);
        }
    }

    fn compare(responses: usize) {
        let capacity = Capacity::for_campaign(30, 30, 10, 40).with_responses(responses);
        let (mut floats, mut words) =
            (vec![f32::NAN; capacity.floats()], vec![0; capacity.words()]);
        let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
        let network = Network::for_window(10).unwrap();
        let mut random = Random::new(1, 0);
        let image: Vec<f32> = (0..900).map(|_| random.normal()).collect();
        let candidates = Candidates::new(30, 30, 10).unwrap();
        explorer
            .load_image_with(candidates, responses, &image)
            .unwrap();
        let weights: Vec<f32> = (0..network.weight_count())
            .map(|_| 0.2 * random.normal())
            .collect();
        let others = [Standardisation::IDENTITY; 2];
        let model = Model {
            others: &others[..responses - 1],
            ..made_up(network, &weights, [0.5, 0.5])
        };
        explorer.load_model(&model).unwrap();
        explorer.exclude(0..12, 0..30).unwrap();
        let mut scores = vec![0.0; 21 * 21];
        for n in 0..20 {
            let values = [(); 3].map(|()| random.normal());
            explorer
                .measure_all(Candidate(440 - 14 * n), &values[..responses])
                .unwrap();
            for strategy in Strategy::ALL {
                if strategy == Strategy::BeaconElite && responses > 1 {
                    continue;
                }
                for sampling in [Sampling::Marginal, Sampling::Joint] {
                    let acquisition = Acquisition {
                        sampling,
                        ..Acquisition::new(strategy)
                    };
                    explorer.set_acquisition(acquisition).unwrap();
                    let proposal = explorer.propose().unwrap();
                    let again = explorer.propose_with_scores(&mut scores).unwrap();
                    assert_eq!(again, proposal);
                    if strategy == Strategy::Random {
                        assert!(scores.iter().all(|score| score.is_nan()));
                        continue;
                    }
                    let free = (0..).zip(&scores).filter(|(n, _)| {
                        let pixel = explorer.candidates().unwrap().pixel(Candidate(*n)).unwrap();
                        pixel.row >= 12 && !explorer.is_measured(Candidate(*n))
                    });
                    let best = free.reduce(|best, next| if next.1 > best.1 { next } else { best });
                    let (best, score) = best.unwrap();
                    let found = (Candidate(best), score.to_bits());
                    let expected = (proposal.candidate, proposal.score.to_bits());
                    assert_eq!(found, expected, "{strategy:?} after {n}");
                }
            }
        }
    }
}

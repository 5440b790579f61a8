//! What a full memory drops, so that a campaign goes on.
//!
//! All measured points stay on record: they are not proposed again, and structural distances include them.
//! The Gaussian process is of as many as its factor has room for. When that is full, the explorer drops a
//! part of them at once, so that most decisions can be worked ahead as before.
//!
//! Which ones follows from places and order of the measurements alone, and not from a model: a controller that
//! is told them anew holds the same points. Those go that lie nearest, in pixels, to a point measured before
//! them: their windows tell nearly the same, and the first of a crowd stays.

use super::model::lattice;
use super::{Candidate, Error, Explorer};
use crate::math::{distance_squared, smaller};

/// A full memory drops one of so many points.
const SHARE: usize = 16;
/// The number of a point that goes.
const DROPPED: u32 = u32::MAX;

impl Explorer<'_> {
    /// Measured points that the Gaussian process is of, at most [`crate::Capacity::measurements`]. Where
    /// there are more, it dropped those that lay nearest to others held before them.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Bounds the points that are held, for a mirror of a controller with less memory. Takes effect with
    /// the next measurement.
    pub fn hold_at_most(&mut self, points: usize) {
        self.most = points.min(self.memory.capacity.measurements);
    }

    /// The candidate of a held point.
    pub(super) fn held_candidate(&self, n: usize) -> Option<Candidate> {
        let number = *self.memory.numbers.get(n)?;
        self.memory
            .measured
            .get(number as usize)
            .copied()
            .map(Candidate)
    }

    /// Drops one of [`SHARE`] held points, at least one.
    // So rarely that it shall not be inlined into what runs in the fastest memory.
    #[inline(never)]
    pub(super) fn drop_points(&mut self) -> Result<(), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let held = self.held;
        for n in 0..held {
            let candidate = self.held_candidate(n).ok_or(Error::NoMeasurement)?;
            if let Some(place) = self.memory.places.get_mut(n) {
                *place = lattice(candidates, candidate)?;
            }
        }
        let memory = &mut self.memory;
        let places = memory.places.get(..held).unwrap_or_default();
        let nearest = memory.row.get_mut(..held).unwrap_or_default();
        for ((n, &own), nearest) in places.iter().enumerate().zip(&mut *nearest) {
            let earlier = places.iter().take(n);
            *nearest = earlier.fold(f32::INFINITY, |least, &other| {
                smaller(least, distance_squared(own, other))
            });
        }
        for _ in 0..(held / SHARE).max(1) {
            let first = (0, f32::INFINITY);
            let (least, _) = nearest.iter().enumerate().fold(first, |least, (n, &own)| {
                if own < least.1 { (n, own) } else { least }
            });
            if let (Some(nearest), Some(number)) =
                (nearest.get_mut(least), memory.numbers.get_mut(least))
            {
                (*nearest, *number) = (f32::INFINITY, DROPPED);
            }
        }
        let mut kept = 0;
        for n in 0..held {
            let Some(&number) = memory.numbers.get(n) else {
                break;
            };
            if number == DROPPED {
                continue;
            }
            for own in memory.own.iter_mut().take(self.responses) {
                if let Some(&response) = own.responses.get(n)
                    && let Some(to) = own.responses.get_mut(kept)
                {
                    *to = response;
                }
            }
            if let Some(to) = memory.numbers.get_mut(kept) {
                *to = number;
            }
            kept += 1;
        }
        self.held = kept;
        self.preparation = None;
        self.factor.clear();
        if let Some(process) = &mut self.process {
            // All that was known of the points is worked out anew.
            (process.swept, process.updated) = (kept, kept);
            (process.groups, process.spread) = (0, 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::tests::made_up;
    use crate::random::Random;
    use crate::{
        Acquisition, Architecture, Candidates, Capacity, Edges, Model, Network, Standardisation,
        Storage, Strategy,
    };

    const CANDIDATES: Result<Candidates, Error> = Candidates::with_edges(15, 17, 6, Edges::Reflect);

    fn normal(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed, 0);
        (0..count).map(|_| random.normal()).collect()
    }

    fn weights(seed: u64) -> Vec<f32> {
        let network = Network::new(Architecture::Filters, 6).unwrap();
        let mut weights = normal(network.weight_count(), seed);
        weights[network.layout().space].copy_from_slice(&[0.4, 0.2]);
        weights
    }

    fn load(explorer: &mut Explorer<'_>, weights: &[f32]) {
        let network = Network::new(Architecture::Filters, 6).unwrap();
        explorer
            .load_model(&made_up(network, weights, [4.0, 3.0]))
            .unwrap();
    }

    /// An explorer with an image and room for so many points.
    fn explorer(
        (floats, words): &mut (Vec<f32>, Vec<u32>),
        points: usize,
        strategy: Strategy,
    ) -> Explorer<'_> {
        let candidates = CANDIDATES.unwrap();
        let capacity = Capacity::for_candidates(candidates, points);
        floats.resize(capacity.floats(), f32::NAN);
        words.resize(capacity.words(), 7);
        let storage = Storage::new(capacity, floats, words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::new(strategy), 3).unwrap();
        explorer
            .load_image_for(candidates, &normal(15 * 17, 4))
            .unwrap();
        explorer
    }

    fn held(explorer: &Explorer<'_>) -> Vec<u32> {
        explorer.memory.numbers[..explorer.held()].to_vec()
    }

    /// Oracle: the rule in whole numbers, over the points that are held.
    #[test]
    fn those_go_that_lie_nearest_to_earlier_ones() {
        let mut memory = Default::default();
        let mut explorer = explorer(&mut memory, 40, Strategy::Random);
        let mut kept: Vec<u32> = Vec::new();
        let candidate = |n: u32| Candidate(n * 131 % 255);
        let place = |n: u32| (candidate(n).0 / 17, candidate(n).0 % 17);
        for n in 0..200 {
            if kept.len() == 40 {
                let nearest = |i: usize| {
                    let away = |j: usize| {
                        let (a, b) = (place(kept[i]), place(kept[j]));
                        a.0.abs_diff(b.0).pow(2) + a.1.abs_diff(b.1).pow(2)
                    };
                    (0..i).map(away).min().unwrap_or(u32::MAX)
                };
                let mut order: Vec<(u32, usize)> = (0..40).map(|i| (nearest(i), i)).collect();
                order.sort_unstable();
                let mut gone: Vec<usize> = order[..2].iter().map(|&(_, i)| i).collect();
                gone.sort_unstable();
                for i in gone.into_iter().rev() {
                    kept.remove(i);
                }
            }
            kept.push(n);
            explorer.measure(candidate(n), n as f32).unwrap();
            assert_eq!(held(&explorer), kept, "{n}");
        }
        assert_eq!(explorer.measurements().len(), 200);
        for (n, (own, response)) in (0..).zip(explorer.measurements()) {
            assert_eq!(own, candidate(n));
            if kept.contains(&n) {
                assert_eq!(response, n as f32);
            } else {
                assert!(response.is_nan());
            }
        }
    }

    /// Oracle: an explorer that never knew of the others.
    #[test]
    fn what_is_left_expects_what_it_would_expect_alone() {
        let [mut one, mut other] = <[(Vec<f32>, Vec<u32>); 2]>::default();
        let (weights, responses) = (weights(5), normal(41, 6));
        let mut full = explorer(&mut one, 40, Strategy::BeaconStructure);
        load(&mut full, &weights);
        let candidate = |n: u32| Candidate(n * 131 % 255);
        for (n, &response) in (0..).zip(&responses) {
            full.measure(candidate(n), response).unwrap();
        }
        let kept = held(&full);
        assert_eq!(kept.len(), 39);
        let mut alone = explorer(&mut other, 40, Strategy::BeaconStructure);
        for (place, &n) in kept.iter().enumerate() {
            if place == 38 {
                load(&mut alone, &weights);
            }
            alone.measure(candidate(n), responses[n as usize]).unwrap();
        }
        let bits = |explorer: &mut Explorer<'_>| -> Vec<[u32; 2]> {
            let surrogate = explorer.surrogate().unwrap();
            let both = surrogate.iter();
            both.map(|(mean, variance)| [mean.to_bits(), variance.to_bits()])
                .collect()
        };
        assert_eq!(bits(&mut full), bits(&mut alone));
        for n in 0..255 {
            let found = full.predict(Candidate(n)).unwrap();
            assert_eq!(found, alone.predict(Candidate(n)).unwrap(), "{n}");
        }
    }

    /// A controller that is told the points anew, and one model in its place, decides as the first one; so does
    /// a mirror that has more memory than it uses, and whoever works nothing ahead.
    #[test]
    fn who_is_told_all_anew_holds_the_same_points_and_decides_alike() {
        for strategy in [
            Strategy::BeaconStructure,
            Strategy::Beacon,
            Strategy::Ei,
            Strategy::Farthest,
            Strategy::Random,
        ] {
            let mut memories = <[(Vec<f32>, Vec<u32>); 3]>::default();
            let [one, two, three] = &mut memories;
            let (models, responses) = ([weights(5), weights(7)], normal(200, 8));
            let mut first = explorer(one, 20, strategy);
            let mut mirror = explorer(two, 90, strategy);
            mirror.hold_at_most(20);
            let mut told = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for (n, &response) in responses.iter().enumerate().take(90) {
                for (at, model) in [3, 47].into_iter().zip(&models) {
                    if n == at {
                        load(&mut first, model);
                        load(&mut mirror, model);
                    }
                }
                let candidate = if n < 3 {
                    Candidate(50 * n as u32)
                } else {
                    let proposal = first.propose().unwrap();
                    assert_eq!(proposal.step, n);
                    assert_eq!(mirror.propose().unwrap(), proposal, "{strategy:?} {n}");
                    proposal.candidate
                };
                assert!(seen.insert(candidate));
                while first.prepare(Some(candidate)) {}
                told.push((candidate, response));
                first.measure(candidate, response).unwrap();
                mirror.measure(candidate, response).unwrap();
            }
            assert!(first.held() <= 20 && first.measurements().len() == 90);
            let mut anew = explorer(three, 20, strategy);
            for (n, &(candidate, response)) in told.iter().enumerate() {
                if n == 47 {
                    load(&mut anew, &models[1]);
                }
                anew.measure(candidate, response).unwrap();
            }
            assert_eq!(held(&anew), held(&first));
            assert_eq!(anew.propose().unwrap(), first.propose().unwrap());
        }
    }

    /// As one that never knew of the others, with several responses of each point.
    #[test]
    fn every_response_of_a_point_goes_with_it() {
        let candidates = CANDIDATES.unwrap();
        let capacity = Capacity::for_candidates(candidates, 40).with_responses(3);
        let network = Network::new(Architecture::Filters, 6).unwrap();
        let weights = weights(5);
        let model = Model {
            others: &[Standardisation::IDENTITY; 2],
            ..made_up(network, &weights, [4.0, 3.0])
        };
        let responses = |n: u32| [0.1, 0.7, 1.9].map(|rate| libm::sinf(rate * n as f32));
        let candidate = |n: u32| Candidate(n * 131 % 255);
        let [mut one, mut other] = <[(Vec<f32>, Vec<u32>); 2]>::default();
        let [mut full, mut alone] = [&mut one, &mut other].map(|(floats, words)| {
            floats.resize(capacity.floats(), f32::NAN);
            words.resize(capacity.words(), 7);
            let storage = Storage::new(capacity, floats, words).unwrap();
            let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
            let image = normal(15 * 17, 4);
            explorer.load_image_with(candidates, 3, &image).unwrap();
            explorer
        });
        full.load_model(&model).unwrap();
        for n in 0..90 {
            full.measure_all(candidate(n), &responses(n)).unwrap();
        }
        let kept = held(&full);
        assert!(full.measurements().len() == 90 && kept.len() <= 40);
        for &n in &kept {
            alone.measure_all(candidate(n), &responses(n)).unwrap();
        }
        alone.load_model(&model).unwrap();
        for n in 0..255 {
            for response in 0..3 {
                let found = full.predict_of(Candidate(n), response).unwrap();
                let expected = alone.predict_of(Candidate(n), response).unwrap();
                assert!((found.mean - expected.mean).abs() < 1e-3, "{n}: {found:?}");
                assert!((found.sigma - expected.sigma).abs() < 1e-3, "{n}");
            }
        }
        for (n, (own, vector)) in (0..).zip(full.measured_vectors()) {
            assert_eq!(own, candidate(n));
            if kept.contains(&n) {
                assert_eq!(vector[..], responses(n));
            } else {
                assert!(vector.iter().all(|value| value.is_nan()) && vector.len() == 3);
            }
        }
    }

    /// Less room than anybody would want.
    #[test]
    fn a_campaign_goes_on_with_room_for_a_few_points() {
        for points in [1, 2, 3] {
            let mut memory = Default::default();
            let mut explorer = explorer(&mut memory, points, Strategy::BeaconStructure);
            explorer.measure(Candidate(9), 0.5).unwrap();
            explorer.measure(Candidate(11), 0.25).unwrap();
            load(&mut explorer, &weights(5));
            for n in 2..40 {
                let proposal = explorer.propose().unwrap();
                assert_eq!((proposal.step, explorer.held()), (n, points.min(n)));
                assert!(!explorer.is_measured(proposal.candidate));
                while explorer.prepare(Some(proposal.candidate)) {}
                explorer
                    .measure(proposal.candidate, 0.1 * n as f32)
                    .unwrap();
            }
        }
        let mut memory = Default::default();
        let mut none = explorer(&mut memory, 0, Strategy::Random);
        assert!(matches!(
            none.measure(Candidate(1), 0.0),
            Err(Error::Capacity { needed: 1, .. })
        ));
        assert_eq!(none.measurements().len(), 0);
    }
}

use super::score::{LEAST_SQUARED, above_three_eighths};
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
            let (candidate, score) = propose_directly(&mut explorer, strategy == Strategy::Beacon);
            assert_eq!(on_grid.candidate, candidate);
            assert!((on_grid.score - score).abs() < 1e-3);
        }
    }
}

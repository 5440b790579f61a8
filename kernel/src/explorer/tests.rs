use core::ops::ControlFlow;

use super::preparation::sampled;
use super::*;
use crate::math::distance_squared;
use crate::random::Random;
use crate::{Architecture, Edges, Hyperparameters, Model, Network};

const SIDE: usize = 30;
const WINDOW: usize = 10;

/// What an explorer proposes at each step of a campaign with a new model, another strategy and
/// another image on the way; `ahead` decides how many slices are worked ahead between the calls,
/// and with which candidate in mind.
fn campaign(mut ahead: impl FnMut(Candidate) -> (u32, Option<Candidate>)) -> Vec<(u32, u32)> {
    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 40);
    let (mut floats, mut words) = (vec![f32::NAN; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
    let network = Network::for_window(WINDOW).unwrap();
    let mut random = Random::new(1, 0);
    let mut proposals = Vec::new();
    for strategy in [Strategy::BeaconStructure, Strategy::Mu] {
        explorer
            .set_acquisition(Acquisition::new(strategy))
            .unwrap();
        let image: Vec<f32> = (0..SIDE * SIDE).map(|_| random.normal()).collect();
        explorer.load_image(SIDE, SIDE, WINDOW, &image).unwrap();
        explorer.measure(Candidate(7), 0.5).unwrap();
        for step in 0..25 {
            if step % 10 == 0 {
                let weights: Vec<f32> = (0..network.weight_count())
                    .map(|_| 0.2 * random.normal())
                    .collect();
                let hyperparameters = Hyperparameters {
                    lengthscale: [0.5, 0.5],
                    outputscale: 1.0,
                    noise: 0.02,
                    mean: 0.0,
                };
                let standardisation = Standardisation::IDENTITY;
                let model = Model {
                    network,
                    weights: &weights,
                    hyperparameters,
                    standardisation,
                    others: &[],
                };
                explorer.load_model(&model).unwrap();
            }
            if step == 15 {
                let other = match strategy {
                    Strategy::Mu => Strategy::BeaconStructure,
                    _ => Strategy::Ei,
                };
                explorer.set_acquisition(Acquisition::new(other)).unwrap();
            }
            let proposal = explorer.propose().unwrap();
            proposals.push((proposal.candidate.0, proposal.score.to_bits()));
            let (slices, expected) = ahead(proposal.candidate);
            for _ in 0..slices {
                explorer.prepare(expected);
            }
            explorer
                .measure(proposal.candidate, random.normal())
                .unwrap();
        }
    }
    proposals
}

/// A slice covers a few rows of candidates here, and a comparison with one patch takes eight.
#[test]
fn no_proposal_depends_on_what_was_worked_ahead() {
    let plain = campaign(|_| (0, None));
    assert_eq!(campaign(|proposed| (1000, Some(proposed))), plain);
    assert_eq!(campaign(|proposed| (3, Some(proposed))), plain);
    assert_eq!(campaign(|_| (1000, None)), plain);
    // Candidates that are not the next to be measured, and some that were measured already.
    let mut random = Random::new(2, 0);
    for _ in 0..20 {
        let run = campaign(|proposed| {
            let other = Candidate(random.below(441));
            let expected = [None, Some(proposed), Some(other)][random.below(3) as usize];
            (random.below(20), expected)
        });
        assert_eq!(run, plain);
    }
}

#[test]
fn slices_of_a_surrogate_end_and_add_up_to_the_whole() {
    let mut slices = 0;
    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 40);
    let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::new(Strategy::Mu), 3).unwrap();
    assert!(
        explorer.is_refreshed() && !explorer.prepare(None),
        "nothing to do without an image"
    );
    let mut random = Random::new(4, 0);
    let image: Vec<f32> = (0..SIDE * SIDE).map(|_| random.normal()).collect();
    explorer.load_image(SIDE, SIDE, WINDOW, &image).unwrap();
    for n in 0..30 {
        explorer
            .measure(Candidate(n * 14), random.normal())
            .unwrap();
    }
    let network = Network::for_window(WINDOW).unwrap();
    let weights: Vec<f32> = (0..network.weight_count())
        .map(|_| 0.2 * random.normal())
        .collect();
    let model = made_up(network, &weights, [5.0, 5.0]);
    explorer.load_model(&model).unwrap();
    explorer.measure(Candidate(3), 0.1).unwrap();
    while explorer.prepare(None) {
        slices += 1;
        assert!(!explorer.is_refreshed());
    }
    assert!(slices > 10 && explorer.is_refreshed(), "{slices}");
    let points: Vec<_> = explorer.surrogate().unwrap().iter().collect();
    for (n, (mean, variance)) in points.into_iter().enumerate() {
        let exact = explorer.predict(Candidate(n as u32)).unwrap();
        assert!((mean - exact.mean).abs() < 1e-4, "{mean} {}", exact.mean);
        assert!((variance - exact.sigma * exact.sigma).abs() < 1e-4);
    }
}

/// A model with the weights and lengthscales given, and little noise.
pub(super) fn made_up(network: Network, weights: &[f32], lengthscale: [f32; LATENT]) -> Model<'_> {
    Model {
        network,
        weights,
        hyperparameters: Hyperparameters {
            lengthscale,
            outputscale: 1.0,
            noise: 0.02,
            mean: 0.0,
        },
        standardisation: Standardisation::IDENTITY,
        others: &[],
    }
}

/// An explorer's latents and structural distances over some candidates, with a made-up model and
/// the measured pixels given.
fn explored(
    candidates: Candidates,
    architecture: Architecture,
    image: &[f32],
    measured: &[Pixel],
) -> (Vec<[f32; LATENT]>, Vec<f32>) {
    let capacity = Capacity::for_candidates(candidates, measured.len());
    let (mut floats, mut words) = (vec![f32::NAN; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
    explorer.load_image_for(candidates, image).unwrap();
    let network = Network::new(architecture, candidates.window()).unwrap();
    let mut random = Random::new(6, 0);
    let weights: Vec<f32> = (0..network.weight_count())
        .map(|_| 0.2 * random.normal())
        .collect();
    let model = made_up(network, &weights, [50.0, 25.0]);
    explorer.load_model(&model).unwrap();
    for (n, &pixel) in measured.iter().enumerate() {
        let candidate = candidates.at(pixel).unwrap();
        explorer.measure(candidate, n as f32).unwrap();
    }
    explorer.update_distances().unwrap();
    let count = candidates.count();
    (
        explorer.memory.latents[..count].to_vec(),
        explorer.memory.distances[..count].to_vec(),
    )
}

/// A window that lies inside the image has the same pixels with and without reflection.
#[test]
fn reflection_changes_no_bit_of_windows_inside_the_image() {
    let mut random = Random::new(5, 0);
    for (architecture, height, width, window) in [
        (Architecture::Valid, 24, 37, 10),
        (Architecture::Valid, 31, 26, 16),
        (Architecture::Same, 20, 17, 5),
        (Architecture::Same, 19, 22, 12),
    ] {
        let image: Vec<f32> = (0..height * width).map(|_| random.normal()).collect();
        let inside = Candidates::new(height, width, window).unwrap();
        let reflect = Candidates::with_edges(height, width, window, Edges::Reflect).unwrap();
        let measured = [0, 17, 55].map(|n| inside.pixel(Candidate(n)).unwrap());
        let without = explored(inside, architecture, &image, &measured);
        let with = explored(reflect, architecture, &image, &measured);
        for n in 0..inside.count() {
            let pixel = inside.pixel(Candidate(n as u32)).unwrap();
            let same = reflect.at(pixel).unwrap().index();
            let case = format!("{architecture:?}, window {window}, {pixel:?}");
            let bits = |latent: [f32; LATENT]| latent.map(f32::to_bits);
            assert_eq!(bits(without.0[n]), bits(with.0[same]), "{case}");
            assert_eq!(without.1[n].to_bits(), with.1[same].to_bits(), "{case}");
        }
    }
}

/// The patch around a pixel, its image completed by the definition of reflection.
fn reflected_patch(image: &[f32], width: usize, window: usize, pixel: Pixel) -> Vec<f32> {
    let height = image.len() / width;
    let reflect = |at: isize, length: usize| -> usize {
        let (mut at, last) = (at, length.cast_signed() - 1);
        while at < 0 || at > last {
            at = if at < 0 { -at } else { 2 * last - at };
        }
        at.cast_unsigned()
    };
    let half = (window / 2).cast_signed();
    let place = |i: usize| {
        let row = reflect(
            pixel.row.cast_signed() - half + (i / window).cast_signed(),
            height,
        );
        let column = reflect(
            pixel.column.cast_signed() - half + (i % window).cast_signed(),
            width,
        );
        image[row * width + column]
    };
    (0..window * window).map(place).collect()
}

/// References: the network on a copy of each reflected patch, which must agree bit for bit, and
/// mean squares of z-scored patches in f64. The last window is larger than its image.
#[test]
fn windows_beyond_the_image_are_completed_by_reflection() {
    let mut random = Random::new(9, 0);
    for (architecture, height, width, window) in [
        (Architecture::Valid, 14, 19, 10),
        (Architecture::Same, 11, 9, 5),
        (Architecture::Valid, 7, 30, 16),
    ] {
        let image: Vec<f32> = (0..height * width).map(|_| random.normal()).collect();
        let reflect = Candidates::with_edges(height, width, window, Edges::Reflect).unwrap();
        let pixels: Vec<Pixel> = (0..reflect.count())
            .map(|n| reflect.pixel(Candidate(n as u32)).unwrap())
            .collect();
        let patches: Vec<Vec<f32>> = pixels
            .iter()
            .map(|&pixel| reflected_patch(&image, width, window, pixel))
            .collect();
        let scored: Vec<Vec<f64>> = patches.iter().map(|patch| z_scored(patch)).collect();
        let measured = [0, width - 1, height * width / 2, height * width - 1];
        let places = measured.map(|n| pixels[n]);
        let (latents, distances) = explored(reflect, architecture, &image, &places);
        for (n, patch) in patches.iter().enumerate() {
            let alone = Candidates::new(window, window, window).unwrap();
            let expected = explored(alone, architecture, patch, &[]).0[0];
            assert_eq!(latents[n].map(f32::to_bits), expected.map(f32::to_bits));
            let mean_square = |other: &usize| {
                let differences = scored[n].iter().zip(&scored[*other]);
                let squares = differences.map(|(a, b)| (a - b).powi(2));
                squares.sum::<f64>() / scored[n].len() as f64
            };
            let nearest = measured.iter().map(mean_square).fold(4.0, f64::min);
            let error = (f64::from(distances[n]) - nearest).abs();
            assert!(error < 1e-5, "{}: {} is not {nearest}", n, distances[n]);
        }
    }
}

fn z_scored(patch: &[f32]) -> Vec<f64> {
    let pixels: Vec<f64> = patch.iter().map(|&x| f64::from(x)).collect();
    let count = pixels.len() as f64;
    let mean = pixels.iter().sum::<f64>() / count;
    let variance = pixels.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    pixels
        .iter()
        .map(|x| (x - mean) / variance.sqrt())
        .collect()
}

#[test]
fn with_reflection_every_pixel_of_the_image_is_proposed_once() {
    let candidates = Candidates::with_edges(9, 13, 16, Edges::Reflect).unwrap();
    let capacity = Capacity::for_candidates(candidates, 9 * 13);
    let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::new(Strategy::Farthest), 3).unwrap();
    let mut random = Random::new(7, 0);
    let image: Vec<f32> = (0..9 * 13).map(|_| random.normal()).collect();
    explorer.load_image_for(candidates, &image).unwrap();
    explorer.measure(Candidate(60), 0.0).unwrap();
    for _ in 1..9 * 13 {
        let proposal = explorer.propose().unwrap();
        explorer.measure(proposal.candidate, 1.0).unwrap();
    }
    assert_eq!(explorer.propose(), Err(Error::Exhausted));
}

#[test]
fn an_extended_image_that_does_not_fit_is_refused() {
    let candidates = Candidates::with_edges(20, 20, 16, Edges::Reflect).unwrap();
    let capacity = Capacity::for_campaign(20, 20, 16, 3);
    let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
    assert_eq!(
        explorer.load_image_for(candidates, &[0.0; 400]),
        Err(Error::Capacity {
            what: "pixels",
            needed: 35 * 35,
            capacity: 400
        })
    );
}

/// A model of the fixed filters serves like one of a network: its latents are the projected
/// features, and nothing depends on when those were computed.
#[test]
fn filters_place_every_candidate_and_the_campaign_goes_on() {
    let candidates = Candidates::with_edges(24, 20, 16, Edges::Reflect).unwrap();
    let capacity = Capacity::for_candidates(candidates, 30);
    let mut random = Random::new(8, 0);
    let image: Vec<f32> = (0..24 * 20).map(|_| random.normal()).collect();
    let network = Network::new(Architecture::Filters, 16).unwrap();
    let mut weights: Vec<f32> = (0..network.weight_count())
        .map(|_| random.normal())
        .collect();
    weights[network.layout().space].copy_from_slice(&[0.4, 0.2]);
    let model = Model {
        network,
        weights: &weights,
        hyperparameters: Hyperparameters {
            lengthscale: [2.0, 4.0],
            outputscale: 1.0,
            noise: 0.02,
            mean: 0.0,
        },
        standardisation: Standardisation::IDENTITY,
        others: &[],
    };
    let run = |ask: bool| {
        let (mut floats, mut words) =
            (vec![f32::NAN; capacity.floats()], vec![7; capacity.words()]);
        let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
        assert!(matches!(
            explorer.features().map(|_| ()),
            Err(Error::NoImage)
        ));
        explorer.load_image_for(candidates, &image).unwrap();
        explorer.measure(Candidate(5), 0.3).unwrap();
        explorer.measure(Candidate(77), -0.4).unwrap();
        if ask {
            // In the middle of an update of the distances.
            explorer.prepare(None);
            assert_eq!(explorer.features().unwrap().len(), 480);
        }
        explorer.load_model(&model).unwrap();
        let latents = explorer.latents().unwrap().to_vec();
        for (latent, features) in latents.iter().zip(explorer.features().unwrap()) {
            for axis in 0..LATENT {
                let terms = features.iter().enumerate();
                let sum: f32 = terms.map(|(k, x)| x * weights[LATENT * k + axis]).sum();
                let expected = sum / model.hyperparameters.lengthscale[axis];
                assert!((latent[axis] - expected).abs() < 1e-4 * expected.abs().max(1.0));
            }
        }
        let mut proposals = Vec::new();
        for n in 0..20 {
            let proposal = explorer.propose().unwrap();
            proposals.push((proposal.candidate, proposal.score.to_bits()));
            explorer
                .measure(proposal.candidate, (n % 7) as f32)
                .unwrap();
        }
        proposals
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn filters_take_windows_of_4_to_64_pixels() {
    let candidates = Candidates::with_edges(9, 9, 3, Edges::Reflect).unwrap();
    let capacity = Capacity::for_candidates(candidates, 1);
    let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
    explorer.load_image_for(candidates, &[0.5; 81]).unwrap();
    assert!(matches!(
        explorer.features().map(|_| ()),
        Err(Error::Window {
            window: 3,
            smallest: 4,
            largest: 64
        })
    ));
}

/// Wherever a model is broken off, the measurements stay, and the same model handed over again is
/// what it would have been.
#[test]
fn a_model_can_be_broken_off_at_every_piece_and_handed_over_again() {
    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 10);
    let mut random = Random::new(9, 0);
    let image: Vec<f32> = (0..SIDE * SIDE).map(|_| random.normal()).collect();
    for architecture in [
        Architecture::Valid,
        Architecture::Same,
        Architecture::Filters,
    ] {
        let network = Network::new(architecture, WINDOW).unwrap();
        let count = network.weight_count();
        let mut weights: Vec<f32> = (0..count).map(|_| 0.2 * random.normal()).collect();
        // 0.3 of the outputscale, over 0.3 pixels⁻¹; nothing in a network.
        weights[network.layout().space].fill(0.3);
        let model = Model {
            network,
            weights: &weights,
            hyperparameters: Hyperparameters {
                lengthscale: [0.5, 0.5],
                outputscale: 1.0,
                noise: 0.02,
                mean: 0.0,
            },
            standardisation: Standardisation::IDENTITY,
            others: &[],
        };
        let mut broken_off_at = 0;
        let mut expected = None;
        loop {
            let (mut floats, mut words) =
                (vec![f32::NAN; capacity.floats()], vec![0; capacity.words()]);
            let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
            let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
            explorer.load_image(SIDE, SIDE, WINDOW, &image).unwrap();
            explorer.measure(Candidate(7), 0.5).unwrap();
            let mut asked = 0;
            let done = explorer.load_model_watched(&model, |done, of| {
                assert!(done == asked && done < of);
                asked += 1;
                if done == broken_off_at {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            let broken_off = done.unwrap().is_break();
            assert_eq!(explorer.latents().is_none(), broken_off);
            assert_eq!(explorer.measurements().len(), 1);
            explorer.load_model(&model).unwrap();
            let latents = explorer.latents().unwrap().to_vec();
            let proposal = explorer.propose().unwrap();
            let found = (latents, proposal.candidate, proposal.score.to_bits());
            assert_eq!(*expected.get_or_insert_with(|| found.clone()), found);
            if !broken_off {
                break;
            }
            broken_off_at += 1;
        }
        assert!(broken_off_at >= 9, "{broken_off_at} pieces");
    }
}

/// Far from the only measured point, on the plane and among the pixels, a sample is its prior.
#[test]
fn the_prior_of_a_sample_has_no_spatial_part() {
    let candidates = Candidates::new(40, 40, 16).unwrap();
    let capacity = Capacity::for_candidates(candidates, 3);
    let mut random = Random::new(8, 0);
    let image: Vec<f32> = (0..1600).map(|_| random.normal()).collect();
    let network = Network::new(Architecture::Filters, 16).unwrap();
    let mut weights: Vec<f32> = (0..network.weight_count())
        .map(|_| random.normal())
        .collect();
    let mut sample = |share: f32| {
        weights[network.layout().space].copy_from_slice(&[share, 1.0]);
        let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
        let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::new(Strategy::Thompson), 3).unwrap();
        explorer.load_image_for(candidates, &image).unwrap();
        explorer.measure(Candidate(0), 2.0).unwrap();
        let model = made_up(network, &weights, [0.3, 0.3]);
        explorer.load_model(&model).unwrap();
        explorer.propose().unwrap();
        let latents = explorer.memory.latents[..625].to_vec();
        (
            sampled(
                explorer.gain(0),
                &explorer.memory.own[0].plane[..625],
                explorer.memory.slopes,
            )
            .collect::<Vec<_>>(),
            latents,
        )
    };
    let ((without, latents), (with, _)) = (sample(0.0), sample(0.5));
    let changed = |n: &usize| without[*n].to_bits() != with[*n].to_bits();
    // A radial-basis covariance over 15 lengthscales counts for nothing.
    let near = |n: &usize| {
        (n / 25 < 16 && n % 25 < 16) || distance_squared(latents[*n], latents[0]) < 15.0 * 15.0
    };
    assert!((0..625).filter(changed).all(|n| near(&n)));
    assert!((0..625).any(|n| !near(&n)));
    assert!((0..3).all(|n| changed(&n) && changed(&(25 * n))));
}

use super::*;
use crate::random::Random;
use crate::{Hyperparameters, Network};

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
    };
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

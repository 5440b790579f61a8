//! The explorer through its public face: what it computes, and what it refuses.

mod common;

use beacon_kernel::{
    Acquisition, Architecture, Candidate, Error, Explorer, Hyperparameters, Model, Network,
    References, Sampling, Standardisation, Strategy,
};
use common::{ExplorerMemory, Fixture, SIDE, WINDOW, posterior_f64, response, response_at, spread};

#[test]
fn the_posterior_stays_within_2e_4_of_f64_over_300_appended_points() {
    for architecture in [Architecture::Valid, Architecture::Filters] {
        let mut fixture = Fixture::new(architecture, 1e-3);
        // At most eight of them: a wider plane has a test of its own.
        fixture.hyperparameters.lengthscale = [0.15, 0.25];
        posterior_stays_close(&fixture);
    }
}

fn posterior_stays_close(fixture: &Fixture) {
    let mut memory = ExplorerMemory::new(300);
    let mut explorer = memory.with_image(Acquisition::default(), 1, fixture);
    explorer.load_model(&fixture.model()).unwrap();
    let count = explorer.candidates().unwrap().count();
    for n in 0..300 {
        let candidate = spread(n, count);
        explorer
            .measure(candidate, response_at(&explorer, candidate))
            .unwrap();
    }
    let latents = explorer.latents().unwrap().to_vec();
    let span = |axis: usize| {
        let values = latents.iter().map(|latent| latent[axis]);
        values.clone().fold(f32::MIN, f32::max) - values.fold(f32::MAX, f32::min)
    };
    for span in [span(0), span(1)] {
        assert!((1.0..8.0).contains(&span), "{span} lengthscales");
    }
    let measured: Vec<_> = explorer.measurements().collect();
    let exact = posterior_f64(fixture, &latents, &measured);
    let mut largest = [0.0_f64; 4];
    {
        let surrogate = explorer.surrogate().unwrap();
        for (n, &(mean, variance)) in exact.iter().enumerate() {
            let found = surrogate.at(n).unwrap();
            largest[0] = largest[0].max((f64::from(found.0) - mean).abs());
            largest[1] = largest[1].max((f64::from(found.1) - variance).abs());
        }
    }
    let s = fixture.standardisation;
    for (n, &(mean, variance)) in exact.iter().enumerate() {
        let prediction = explorer.predict(Candidate(n as u32)).unwrap();
        let error = f64::from(s.standardise(prediction.mean)) - mean;
        largest[2] = largest[2].max(error.abs());
        let found = f64::from(prediction.sigma / s.scale).powi(2);
        largest[3] = largest[3].max((found - variance).abs());
    }
    println!("largest errors: recursive mean and variance, direct mean and variance {largest:?}");
    assert!(largest.iter().all(|&error| error < 2e-4), "{largest:?}");
}

#[test]
fn the_surrogate_is_the_same_whenever_it_is_asked_for() {
    for architecture in [Architecture::Valid, Architecture::Filters] {
        surrogate_is_the_same(&Fixture::new(architecture, 1e-2));
    }
}

fn surrogate_is_the_same(fixture: &Fixture) {
    let run = |ask_every: usize| {
        let mut memory = ExplorerMemory::new(60);
        let mut explorer = memory.with_image(Acquisition::default(), 1, fixture);
        for n in 0..40 {
            if n == 20 {
                explorer.load_model(&fixture.model()).unwrap();
            }
            let candidate = spread(n, 625);
            explorer.measure(candidate, n as f32 * 0.1).unwrap();
            if n >= 20 && n % ask_every == 0 {
                explorer.surrogate().unwrap();
                // A sample takes the memory of what neighbours add.
                explorer.propose().unwrap();
            }
        }
        let surrogate = explorer.surrogate().unwrap();
        let bits = surrogate
            .iter()
            .map(|(mean, variance)| (mean.to_bits(), variance.to_bits()));
        bits.collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(7));
    assert_eq!(run(1), run(1000));
}

#[test]
fn sweeping_all_points_agrees_with_updating_one_by_one() {
    let fixture = Fixture::new(Architecture::Same, 1e-2);
    let surrogate = |load_at: usize| {
        let mut memory = ExplorerMemory::new(60);
        let mut explorer = memory.with_image(Acquisition::default(), 1, &fixture);
        for n in 0..=50 {
            if n == load_at {
                explorer.load_model(&fixture.model()).unwrap();
            }
            if n < 50 {
                explorer.measure(spread(n, 625), (n % 9) as f32).unwrap();
            }
        }
        let surrogate = explorer.surrogate().unwrap();
        surrogate.iter().collect::<Vec<_>>()
    };
    let (swept, updated) = (surrogate(50), surrogate(0));
    for (a, b) in swept.into_iter().zip(updated) {
        assert!((a.0 - b.0).abs() < 1e-4, "means {} and {}", a.0, b.0);
        assert!((a.1 - b.1).abs() < 1e-4, "variances {} and {}", a.1, b.1);
    }
}

fn campaign(acquisition: Acquisition, seed: u64, fixture: &Fixture) -> Vec<(u32, u32)> {
    let mut memory = ExplorerMemory::new(50);
    let mut explorer = memory.with_image(acquisition, seed, fixture);
    explorer.load_model(&fixture.model()).unwrap();
    for n in 0..10 {
        let candidate = spread(n, 625);
        explorer
            .measure(candidate, response_at(&explorer, candidate))
            .unwrap();
    }
    (0..30)
        .map(|_| {
            let proposal = explorer.propose().unwrap();
            assert_eq!(
                explorer.propose(),
                Ok(proposal),
                "asking twice changes nothing"
            );
            assert!(!explorer.is_measured(proposal.candidate));
            assert!(proposal.prediction.is_some());
            explorer
                .measure(
                    proposal.candidate,
                    response_at(&explorer, proposal.candidate),
                )
                .unwrap();
            (proposal.candidate.0, proposal.score.to_bits())
        })
        .collect()
}

#[test]
fn every_strategy_runs_is_reproducible_and_differs_from_the_others() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut seen = Vec::new();
    let plain = Strategy::ALL.map(Acquisition::new);
    let joint = Acquisition {
        sampling: Sampling::Joint,
        ..Acquisition::new(Strategy::BeaconElite)
    };
    let raw = Acquisition {
        references: References::Raw,
        ..Acquisition::new(Strategy::Beacon)
    };
    for acquisition in plain.into_iter().chain([joint, raw]) {
        let run = campaign(acquisition, 5, &fixture);
        assert_eq!(run, campaign(acquisition, 5, &fixture), "{acquisition:?}");
        assert!(!seen.contains(&run), "{acquisition:?}");
        seen.push(run);
    }
}

/// Where the grid is coarse the posterior keeps to the exact one of the same latents, and a plane that
/// would be wider ends at the widest.
#[test]
fn a_wide_latent_plane_keeps_to_the_exact_posterior() {
    for (lengthscale, narrowest, widest, error) in
        [(0.05, 14.0, 22.0, 1e-2), (0.005, 22.4, 22.51, 4e-2)]
    {
        let mut fixture = Fixture::new(Architecture::Valid, 1e-2);
        fixture.hyperparameters.lengthscale = [lengthscale; 2];
        let mut memory = ExplorerMemory::new(60);
        let mut explorer = memory.with_image(Acquisition::new(Strategy::Mu), 1, &fixture);
        explorer.load_model(&fixture.model()).unwrap();
        for n in 0..40 {
            if n == 20 {
                explorer.load_model(&fixture.model()).unwrap();
            }
            let candidate = spread(n, 625);
            let response = response_at(&explorer, candidate);
            explorer.measure(candidate, response).unwrap();
        }
        let latents = explorer.latents().unwrap().to_vec();
        let across = |axis: usize| {
            let values = latents.iter().map(|latent| latent[axis]);
            values.clone().fold(f32::MIN, f32::max) - values.fold(f32::MAX, f32::min)
        };
        let wide = across(0).max(across(1));
        assert!((narrowest..widest).contains(&wide), "{wide} lengthscales");
        let measured: Vec<_> = explorer.measurements().collect();
        let exact = posterior_f64(&fixture, &latents, &measured);
        let found: Vec<_> = explorer.surrogate().unwrap().iter().collect();
        let errors = found.iter().zip(exact).map(|(found, exact)| {
            [
                (f64::from(found.0) - exact.0).abs(),
                (f64::from(found.1) - exact.1).abs(),
            ]
        });
        let largest = errors.fold([0.0_f64; 2], |most, [mean, variance]| {
            [most[0].max(mean), most[1].max(variance)]
        });
        println!("{wide} lengthscales: largest errors of mean and variance {largest:?}");
        assert!(largest.iter().all(|&found| found < error), "{largest:?}");
        let variance = |candidate: Candidate| found[candidate.index()].1;
        let chosen = explorer.propose().unwrap().candidate;
        assert!(!explorer.is_measured(chosen));
        let free = (0..625)
            .map(Candidate)
            .filter(|&c| !explorer.is_measured(c));
        assert_eq!(variance(chosen), free.map(variance).fold(0.0, f32::max));
        for strategy in [Strategy::BeaconStructure, Strategy::Thompson] {
            explorer
                .set_acquisition(Acquisition::new(strategy))
                .unwrap();
            let proposal = explorer.propose().unwrap();
            assert!(proposal.score.is_finite() && !explorer.is_measured(proposal.candidate));
        }
    }
}

#[test]
fn mu_proposes_the_least_certain_candidate_and_ei_improves_on_the_best() {
    let fixture = Fixture::new(Architecture::Valid, 1e-3);
    let mut memory = ExplorerMemory::new(60);
    let mut explorer = memory.with_image(Acquisition::new(Strategy::Mu), 1, &fixture);
    explorer.load_model(&fixture.model()).unwrap();
    for n in 0..20 {
        let candidate = spread(n, 625);
        explorer
            .measure(candidate, response_at(&explorer, candidate))
            .unwrap();
    }
    let proposal = explorer.propose().unwrap();
    let surrogate = explorer.surrogate().unwrap();
    let most = surrogate
        .iter()
        .map(|(_, variance)| variance)
        .fold(0.0, f32::max);
    let chosen = surrogate.at(proposal.candidate.index()).unwrap();
    assert_eq!(chosen.1, most);

    explorer
        .set_acquisition(Acquisition::new(Strategy::Ei))
        .unwrap();
    let best_before = explorer
        .measurements()
        .map(|(_, y)| y)
        .fold(f32::MIN, f32::max);
    for _ in 0..25 {
        let candidate = explorer.propose().unwrap().candidate;
        explorer
            .measure(candidate, response_at(&explorer, candidate))
            .unwrap();
    }
    let truth = explorer
        .latents()
        .unwrap()
        .iter()
        .map(|&latent| response(latent));
    let top = truth.fold(f32::MIN, f32::max);
    let best = explorer
        .measurements()
        .map(|(_, y)| y)
        .fold(f32::MIN, f32::max);
    assert!(best > best_before);
    assert!(
        top - best < 0.02 * (top - best_before).max(1.0),
        "{best} of {top}"
    );
}

#[test]
fn a_new_explorer_that_is_told_the_same_goes_on_identically() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let whole = campaign(Acquisition::default(), 9, &fixture);
    let mut memory = ExplorerMemory::new(50);
    let mut explorer = memory.with_image(Acquisition::default(), 9, &fixture);
    explorer.load_model(&fixture.model()).unwrap();
    let seeds = (0..10).map(|n| spread(n, 625));
    let earlier = whole[..17]
        .iter()
        .map(|&(candidate, _)| Candidate(candidate));
    for candidate in seeds.chain(earlier) {
        explorer
            .measure(candidate, response_at(&explorer, candidate))
            .unwrap();
    }
    let next = explorer.propose().unwrap();
    assert_eq!((next.candidate.0, next.score.to_bits()), whole[17]);
}

#[test]
fn random_visits_every_candidate_once_and_then_is_exhausted() {
    let mut memory = ExplorerMemory::new(625);
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut explorer = memory.with_image(Acquisition::new(Strategy::Random), 3, &fixture);
    for _ in 0..625 {
        let proposal = explorer.propose().unwrap();
        assert_eq!(proposal.prediction, None);
        explorer.measure(proposal.candidate, 1.0).unwrap();
    }
    assert_eq!(explorer.propose(), Err(Error::Exhausted));
}

#[test]
fn an_image_that_is_refused_leaves_the_explorer_without_one() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut memory = ExplorerMemory::new(3);
    let mut explorer = memory.explorer(Acquisition::default(), 1);
    assert_eq!(explorer.propose(), Err(Error::NoImage));
    assert_eq!(explorer.measure(Candidate(0), 1.0), Err(Error::NoImage));
    assert_eq!(explorer.load_model(&fixture.model()), Err(Error::NoImage));
    let mut broken = fixture.image.clone();
    broken[7] = f32::NAN;
    assert_eq!(
        explorer.load_image(SIDE, SIDE, WINDOW, &broken),
        Err(Error::NotFinite {
            what: "pixel",
            index: 7
        })
    );
    assert!(matches!(
        explorer.load_image(SIDE, SIDE, WINDOW, &broken[1..]),
        Err(Error::ImageShape { pixels: 1599, .. })
    ));
    assert!(matches!(
        explorer.load_image(10, 160, WINDOW, &fixture.image),
        Err(Error::NoCandidates { height: 10, .. })
    ));
    assert!(matches!(
        explorer.load_image(SIDE, 2 * SIDE, WINDOW, &vec![0.0; 2 * SIDE * SIDE]),
        Err(Error::Capacity { what: "pixels", .. })
    ));
    assert_eq!(explorer.propose(), Err(Error::NoImage));
}

#[test]
fn a_model_that_is_refused_leaves_the_explorer_without_one() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut memory = ExplorerMemory::new(3);
    let mut explorer = memory.with_image(Acquisition::default(), 1, &fixture);
    assert_eq!(explorer.propose(), Err(Error::NoModel));
    let model = fixture.model();
    let refuse = |explorer: &mut Explorer<'_>, model: Model<'_>| explorer.load_model(&model);
    assert!(matches!(
        refuse(
            &mut explorer,
            Model {
                weights: &fixture.weights[1..],
                ..model
            }
        ),
        Err(Error::WeightCount {
            found: 5057,
            expected: 5058
        })
    ));
    let other = Network::new(Architecture::Valid, 12).unwrap();
    let few = vec![0.0; other.weight_count()];
    assert!(matches!(
        refuse(
            &mut explorer,
            Model {
                network: other,
                weights: &few,
                ..model
            }
        ),
        Err(Error::ModelWindow {
            found: 12,
            expected: 16
        })
    ));
    let mut broken = fixture.weights.clone();
    broken[3] = f32::INFINITY;
    assert!(matches!(
        refuse(
            &mut explorer,
            Model {
                weights: &broken,
                ..model
            }
        ),
        Err(Error::NotFinite {
            what: "weight",
            index: 3
        })
    ));
}

#[test]
fn a_hyperparameter_out_of_range_is_named() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut memory = ExplorerMemory::new(3);
    let mut explorer = memory.with_image(Acquisition::default(), 1, &fixture);
    let model = fixture.model();
    let refuse = |explorer: &mut Explorer<'_>, model: Model<'_>| explorer.load_model(&model);
    for (name, hyperparameters) in [
        (
            "noise",
            Hyperparameters {
                noise: 5e-5,
                ..model.hyperparameters
            },
        ),
        (
            "outputscale",
            Hyperparameters {
                outputscale: -1.0,
                ..model.hyperparameters
            },
        ),
        (
            "lengthscale",
            Hyperparameters {
                lengthscale: [1.0, 0.0],
                ..model.hyperparameters
            },
        ),
        (
            "mean",
            Hyperparameters {
                mean: f32::NAN,
                ..model.hyperparameters
            },
        ),
    ] {
        assert!(matches!(
            refuse(&mut explorer, Model { hyperparameters, ..model }),
            Err(Error::Hyperparameter { name: n, .. }) if n == name
        ));
    }
    let standardisation = Standardisation {
        mean: 0.0,
        scale: 0.0,
    };
    assert!(
        refuse(
            &mut explorer,
            Model {
                standardisation,
                ..model
            }
        )
        .is_err()
    );
    explorer.load_model(&model).unwrap();
    assert_eq!(explorer.propose(), Err(Error::NoMeasurement));
}

#[test]
fn a_spatial_part_out_of_range_is_named() {
    let mut fixture = Fixture::new(Architecture::Filters, 1e-2);
    let mut memory = ExplorerMemory::new(3);
    let mut explorer = memory.with_image(Acquisition::default(), 1, &fixture);
    let space = fixture.network.layout().space;
    let share = "share of space";
    let reach = "inverse reach of space";
    for (weights, refused) in [
        ([0.0, 0.0], None),
        ([0.0, -3.0], None),
        ([50.0, 1e-4], None),
        ([50.0, 4.0], None),
        ([-0.1, 0.2], Some(share)),
        ([0.4, 0.0], Some(reach)),
        ([0.4, 4.1], Some(reach)),
        // 1e-2 is less than a ten thousandth of the whole prior variance.
        ([101.0, 0.2], Some("noise")),
    ] {
        fixture.weights[space.clone()].copy_from_slice(&weights);
        match (explorer.load_model(&fixture.model()), refused) {
            (Ok(()), None) => {}
            (Err(Error::Hyperparameter { name, .. }), Some(refused)) => assert_eq!(name, refused),
            (found, _) => panic!("{weights:?}: {found:?}"),
        }
    }
}

#[test]
fn a_measurement_that_is_refused_leaves_the_explorer_as_it_was() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut memory = ExplorerMemory::new(3);
    let mut explorer = memory.with_image(Acquisition::default(), 1, &fixture);
    explorer.load_model(&fixture.model()).unwrap();
    explorer.measure(Candidate(4), 1.0).unwrap();
    assert_eq!(
        explorer.measure(Candidate(4), 2.0),
        Err(Error::AlreadyMeasured {
            candidate: Candidate(4)
        })
    );
    assert!(matches!(
        explorer.measure(Candidate(625), 1.0),
        Err(Error::NoSuchCandidate {
            candidates: 625,
            ..
        })
    ));
    assert_eq!(
        explorer.measure(Candidate(5), f32::NAN),
        Err(Error::ResponseNotFinite {
            candidate: Candidate(5),
            response: 0
        })
    );
    explorer.measure(Candidate(5), 2.0).unwrap();
    explorer.measure(Candidate(6), 2.5).unwrap();
    let kept: Vec<_> = explorer.measurements().map(|(c, y)| (c.0, y)).collect();
    assert_eq!(kept, [(4, 1.0), (5, 2.0), (6, 2.5)]);
    assert!(explorer.propose().is_ok());
}

#[test]
fn a_latent_that_overflows_is_named_and_measurements_survive_it() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut memory = ExplorerMemory::new(5);
    let mut explorer = memory.with_image(Acquisition::default(), 1, &fixture);
    explorer.load_model(&fixture.model()).unwrap();
    explorer.measure(Candidate(3), 1.5).unwrap();
    let huge = vec![9e3; fixture.weights.len()];
    let mut model = Model {
        weights: &huge,
        ..fixture.model()
    };
    model.hyperparameters.lengthscale = [1e-12; 2];
    assert!(matches!(
        explorer.load_model(&model),
        Err(Error::NotFinite { what: "latent", .. })
    ));
    assert_eq!(explorer.propose(), Err(Error::NoModel));
    assert_eq!(explorer.measurements().len(), 1);
    explorer.load_model(&fixture.model()).unwrap();
    assert!(explorer.propose().is_ok());
}

#[test]
fn errors_say_what_was_found_and_what_would_be_accepted() {
    let message = Error::Window {
        window: 3,
        smallest: 4,
        largest: 64,
    }
    .to_string();
    assert_eq!(message, "a window of 3 pixels: the network takes 4 to 64");
}

#[test]
fn what_is_excluded_is_never_proposed_and_everything_else_still_is() {
    let fixture = Fixture::new(Architecture::Valid, 1e-3);
    let mut memory = ExplorerMemory::new(SIDE * SIDE);
    let mut explorer = memory.with_image(Acquisition::new(Strategy::Random), 1, &fixture);
    let candidates = explorer.candidates().unwrap();
    // Wider than the image below and to the right: what lies outside is no matter.
    let excluded = |row: usize, column: usize| row >= 14 || (column >= 12 && row >= 10);
    explorer.exclude(14..SIDE + 9, 0..SIDE).unwrap();
    explorer.exclude(10..SIDE, 12..usize::MAX).unwrap();
    let mut proposed = 0;
    while let Ok(proposal) = explorer.propose() {
        let pixel = candidates.pixel(proposal.candidate).unwrap();
        assert!(!excluded(pixel.row, pixel.column), "{pixel:?}");
        explorer.measure(proposal.candidate, 1.0).unwrap();
        proposed += 1;
    }
    let free = (0..candidates.count() as u32).filter(|&n| {
        let pixel = candidates.pixel(Candidate(n)).unwrap();
        !excluded(pixel.row, pixel.column)
    });
    assert_eq!(proposed, free.count());
}

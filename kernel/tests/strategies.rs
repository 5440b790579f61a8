//! Each strategy against its definition, computed in f64 from the latents and measurements.

mod common;

use beacon_kernel::{
    Acquisition, Architecture, Candidate, Candidates, Error, Explorer, Proposal, Strategy,
};
use common::{ExplorerMemory, Fixture, SIDE, WINDOW, posterior_f64, response_at, spread};

/// What the definition of a strategy needs, at every candidate.
struct Truth {
    mean: Vec<f64>,
    sigma: Vec<f64>,
    /// Posterior means at the measured points.
    denoised: Vec<f64>,
    free: Vec<bool>,
    /// Distance of the z-scored patch to the nearest measured one, in root mean square.
    structural: Vec<f64>,
}

/// Structural distances by their definition, from whole z-scored patches.
fn structural(fixture: &Fixture, measured: &[Candidate]) -> Vec<f64> {
    let candidates = Candidates::new(SIDE, SIDE, WINDOW).unwrap();
    let standardised = |n: usize| -> Vec<f64> {
        let corner = candidates.corner(Candidate(n as u32)).unwrap();
        let rows = corner.row..corner.row + WINDOW;
        let row = |r: usize| &fixture.image[r * SIDE + corner.column..][..WINDOW];
        let pixels: Vec<f64> = rows.flat_map(row).map(|&x| f64::from(x)).collect();
        let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
        let square = pixels.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let sigma = (square / pixels.len() as f64).sqrt();
        pixels.iter().map(|x| (x - mean) / sigma).collect()
    };
    let patches: Vec<_> = (0..candidates.count()).map(standardised).collect();
    let distance = |a: &[f64], b: &[f64]| {
        let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        (squares / a.len() as f64).sqrt()
    };
    let nearest = |patch: &Vec<f64>| {
        let known = measured
            .iter()
            .map(|m| distance(patch, &patches[m.index()]));
        known.fold(f64::INFINITY, f64::min)
    };
    patches.iter().map(nearest).collect()
}

/// Measures `points` responses with a little structure that the model takes for noise, and
/// returns the proposal beside the posterior in f64.
fn propose(
    fixture: &Fixture,
    acquisition: Acquisition,
    seed: u64,
    points: usize,
) -> (Proposal, Truth) {
    let mut memory = ExplorerMemory::new(points);
    let mut explorer: Explorer<'_> = memory.with_image(acquisition, seed, fixture);
    explorer.load_model(&fixture.model()).unwrap();
    for n in 0..points {
        let candidate = spread(n, 625);
        let unexplained = 0.3 * (n as f32).sin();
        let response = response_at(&explorer, candidate) + unexplained;
        explorer.measure(candidate, response).unwrap();
    }
    let proposal = explorer.propose().unwrap();
    let measured: Vec<_> = explorer.measurements().collect();
    let places: Vec<_> = measured.iter().map(|(candidate, _)| *candidate).collect();
    let posterior = posterior_f64(fixture, explorer.latents().unwrap(), &measured);
    let truth = Truth {
        mean: posterior.iter().map(|p| p.0).collect(),
        sigma: posterior.iter().map(|p| p.1.max(0.0).sqrt()).collect(),
        denoised: measured
            .iter()
            .map(|(c, _)| posterior[c.index()].0)
            .collect(),
        free: (0..625)
            .map(|n| !explorer.is_measured(Candidate(n)))
            .collect(),
        structural: structural(fixture, &places),
    };
    (proposal, truth)
}

/// The best free candidate by a score, and that score.
fn best(truth: &Truth, score: impl Fn(usize) -> f64) -> (usize, f64) {
    (0..truth.mean.len())
        .filter(|&n| truth.free[n])
        .map(|n| (n, score(n)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap()
}

/// The proposal has the score of the definition, and no candidate has a better one.
fn agrees(proposal: &Proposal, truth: &Truth, tolerance: f64, score: impl Fn(usize) -> f64) {
    let chosen = proposal.candidate.index();
    assert!(truth.free[chosen]);
    let (favourite, most) = best(truth, &score);
    let own = score(chosen);
    assert!(
        own > most - tolerance,
        "{chosen} scores {own}, {favourite} scores {most}"
    );
    let said = f64::from(proposal.score);
    assert!((said - own).abs() < tolerance, "{said} is not {own}");
}

#[test]
fn mu_is_the_largest_deviation() {
    let fixture = Fixture::new(Architecture::Valid, 0.05);
    let (proposal, truth) = propose(&fixture, Acquisition::new(Strategy::Mu), 1, 25);
    agrees(&proposal, &truth, 1e-5, |n| truth.sigma[n]);
}

#[test]
fn ucb_is_the_mean_plus_the_root_of_beta_deviations() {
    let fixture = Fixture::new(Architecture::Valid, 0.05);
    let acquisition = Acquisition {
        beta: 2.5,
        ..Acquisition::new(Strategy::Ucb)
    };
    let (proposal, truth) = propose(&fixture, acquisition, 1, 25);
    agrees(&proposal, &truth, 1e-4, |n| {
        truth.mean[n] + 2.5_f64.sqrt() * truth.sigma[n]
    });
}

#[test]
fn ei_is_the_expected_improvement_over_the_best_denoised_response() {
    let fixture = Fixture::new(Architecture::Valid, 0.05);
    let (proposal, truth) = propose(&fixture, Acquisition::new(Strategy::Ei), 1, 25);
    let incumbent = truth.denoised.iter().copied().fold(f64::MIN, f64::max);
    // σ (φ(z) + z Φ(z)), as in Jones, Schonlau and Welch (1998), Eq. 15.
    agrees(&proposal, &truth, 1e-3, |n| {
        let z = (truth.mean[n] - incumbent) / truth.sigma[n];
        let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let below = 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        (truth.sigma[n] * (density + z * below)).ln()
    });
}

/// Mean distance to the k nearest, by sorting all distances.
fn novelty(response: f64, references: &[f64], k: usize) -> f64 {
    let mut distances: Vec<f64> = references.iter().map(|r| (response - r).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let nearest = &distances[..k.min(distances.len())];
    nearest.iter().sum::<f64>() / nearest.len() as f64
}

/// A posterior so narrow that every sample is its mean, within what is returned: five of the
/// largest deviation.
fn narrow() -> Fixture {
    let mut fixture = Fixture::new(Architecture::Valid, 1e-4);
    fixture.hyperparameters.lengthscale = [0.9, 0.6];
    fixture
}

fn slack(truth: &Truth) -> f64 {
    let widest = truth.sigma.iter().copied().fold(0.0, f64::max);
    assert!(widest < 0.02, "the posterior is not narrow: {widest}");
    5.0 * widest
}

#[test]
fn thompson_without_uncertainty_is_the_largest_mean() {
    let fixture = narrow();
    for seed in 1..4 {
        let acquisition = Acquisition::new(Strategy::Thompson);
        let (proposal, truth) = propose(&fixture, acquisition, seed, 60);
        agrees(&proposal, &truth, slack(&truth), |n| truth.mean[n]);
    }
}

#[test]
fn beacon_without_uncertainty_is_the_mean_farthest_from_all_denoised_responses() {
    let fixture = narrow();
    for seed in 1..4 {
        let acquisition = Acquisition {
            k: 3,
            ..Acquisition::new(Strategy::Beacon)
        };
        let (proposal, truth) = propose(&fixture, acquisition, seed, 60);
        agrees(&proposal, &truth, slack(&truth), |n| {
            novelty(truth.mean[n], &truth.denoised, 3)
        });
    }
}

#[test]
fn structural_beacon_without_uncertainty_weighs_that_by_the_structural_distance() {
    let fixture = narrow();
    for seed in 1..4 {
        let acquisition = Acquisition {
            k: 3,
            ..Acquisition::new(Strategy::BeaconStructure)
        };
        let (proposal, truth) = propose(&fixture, acquisition, seed, 60);
        agrees(&proposal, &truth, slack(&truth), |n| {
            novelty(truth.mean[n], &truth.denoised, 3) * truth.structural[n].powf(0.75)
        });
    }
}

/// On a ramp every patch is the same pattern, brighter or darker: structure has nothing to say.
#[test]
fn where_all_structures_are_alike_the_response_decides() {
    let mut fixture = narrow();
    for (i, pixel) in fixture.image.iter_mut().enumerate() {
        *pixel = (i % SIDE) as f32 * 0.1 + (i / SIDE) as f32 * 0.07;
    }
    let acquisition = Acquisition {
        k: 3,
        ..Acquisition::new(Strategy::BeaconStructure)
    };
    let (proposal, truth) = propose(&fixture, acquisition, 1, 60);
    assert!(truth.structural.iter().all(|&distance| distance < 1e-3));
    agrees(&proposal, &truth, slack(&truth), |n| {
        novelty(truth.mean[n], &truth.denoised, 3) * 0.01_f64.powf(0.75)
    });
}

#[test]
fn farthest_is_the_largest_structural_distance() {
    let fixture = Fixture::new(Architecture::Valid, 0.05);
    for points in [1, 25] {
        let acquisition = Acquisition::new(Strategy::Farthest);
        let (proposal, truth) = propose(&fixture, acquisition, 1, points);
        agrees(&proposal, &truth, 1e-5, |n| truth.structural[n]);
    }
}

/// It looks at structures alone, so it goes on where no model fits.
#[test]
fn farthest_needs_no_model() {
    let fixture = Fixture::new(Architecture::Valid, 0.05);
    let mut memory = ExplorerMemory::new(3);
    let mut explorer = memory.with_image(Acquisition::new(Strategy::Farthest), 1, &fixture);
    assert_eq!(explorer.propose(), Err(Error::NoMeasurement));
    explorer.measure(Candidate(7), 0.5).unwrap();
    let chosen = explorer.propose().unwrap().candidate;
    let distances = structural(&fixture, &[Candidate(7)]);
    let most = distances.iter().copied().fold(0.0, f64::max);
    assert!(distances[chosen.index()] > most - 1e-5);
}

#[test]
fn the_elite_variant_without_uncertainty_is_farthest_from_the_best_fifth_in_its_own_spread() {
    let fixture = narrow();
    for seed in 1..4 {
        let acquisition = Acquisition::new(Strategy::BeaconElite);
        let (proposal, truth) = propose(&fixture, acquisition, seed, 61);
        let mut ranked = truth.denoised.clone();
        ranked.sort_by(|a, b| b.total_cmp(a));
        // A fifth of 61, rounded up.
        let elite = &ranked[..13];
        let centre = elite.iter().sum::<f64>() / 13.0;
        let spread = (elite.iter().map(|y| (y - centre).powi(2)).sum::<f64>() / 13.0).sqrt();
        let standard = |y: f64| (y - centre) / spread;
        let references: Vec<f64> = elite.iter().map(|&y| standard(y)).collect();
        agrees(&proposal, &truth, slack(&truth) / spread, |n| {
            novelty(standard(truth.mean[n]), &references, 10)
        });
    }
}

#[test]
fn strategies_that_sample_differ_from_seed_to_seed_and_the_others_do_not() {
    let fixture = Fixture::new(Architecture::Valid, 0.05);
    for strategy in Strategy::ALL {
        let mut chosen: Vec<_> = (0..12)
            .map(|seed| {
                propose(&fixture, Acquisition::new(strategy), seed, 20)
                    .0
                    .candidate
            })
            .collect();
        chosen.sort();
        chosen.dedup();
        let samples = !matches!(
            strategy,
            Strategy::Ei | Strategy::Mu | Strategy::Ucb | Strategy::Farthest
        );
        // A tempered sample differs less from another.
        assert_eq!(chosen.len() > 2, samples, "{}: {chosen:?}", strategy.name());
        assert!(samples || chosen.len() == 1, "{}", strategy.name());
    }
}

#[test]
fn without_a_measurement_only_random_proposes() {
    let fixture = Fixture::new(Architecture::Valid, 0.05);
    for strategy in Strategy::ALL {
        let mut memory = ExplorerMemory::new(3);
        let mut explorer = memory.with_image(Acquisition::new(strategy), 1, &fixture);
        explorer.load_model(&fixture.model()).unwrap();
        assert_eq!(explorer.propose().is_ok(), strategy == Strategy::Random);
    }
}

//! What holds for specimens of every kind.

use beacon_kernel::{Candidate, Candidates, Pixel};
use rayon::prelude::*;

use super::*;
use crate::experiment::{Experiment as _, Oracle as _, Point, SpecimenExperiment};
use crate::metrics::{TARGET_BINS, Whitening, target_groups};

/// Pixels (index) that are candidates for windows of 16.
fn candidates() -> Vec<usize> {
    let candidates = Candidates::new(64, 64, 16).unwrap();
    (0..candidates.count() as u32)
        .map(|n| candidates.pixel(Candidate(n)).unwrap())
        .map(|pixel| pixel.row * 64 + pixel.column)
        .collect()
}

fn fnv(values: impl Iterator<Item = f64>) -> u64 {
    values
        .flat_map(|value| value.to_bits().to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// The contract with everyone who keeps a seed: the same image and the same spectra on every
/// machine. Whatever changes these hashes (FNV-1a over the bits) is to be told to users.
#[test]
fn every_default_specimen_is_the_same_bits_everywhere() {
    let hashes = SpecimenKind::ALL.map(|kind| {
        let specimen = kind.config(0).make().unwrap();
        let image = specimen.image().values.iter().copied();
        let spectra = (0..8).flat_map(|i| specimen.spectrum(8 * i, 60 - 7 * i));
        fnv(image.chain(spectra))
    });
    let pinned = [
        0x94ae_5f85_47a1_3f05,
        0x9698_e4d6_912d_a22c,
        0xfbf7_a07e_552a_734b,
    ];
    assert_eq!(hashes, pinned, "{hashes:#018x?}");
}

#[test]
fn spectra_depend_on_seed_and_pixel_but_not_on_order() {
    for kind in SpecimenKind::ALL {
        let [a, b, other] = [4, 4, 5].map(|seed| kind.config(seed).make().unwrap());
        assert_eq!(a.image(), b.image(), "{kind}");
        let forward: Vec<_> = (0..20).map(|i| a.spectrum(i, 2 * i)).collect();
        let mut backward: Vec<_> = (0..20).rev().map(|i| b.spectrum(i, 2 * i)).collect();
        backward.reverse();
        assert_eq!(forward, backward, "{kind}");
        assert_ne!(a.spectrum(6, 3), forward[3], "{kind}");
        assert_ne!(other.image(), a.image(), "{kind}");
        assert_ne!(other.spectrum(3, 6), forward[3], "{kind}");
        assert_eq!(*a.config(), kind.config(4));
        assert_eq!(forward[0].len(), a.coordinates().len(), "{kind}");
        assert_eq!(a.channels().size, a.coordinates().len(), "{kind}");
    }
}

/// Entries of configurations that are refused, and how the message begins.
const REFUSED: [(SpecimenKind, &[(&str, &str)]); 3] = [
    (
        SpecimenKind::Nanoparticles,
        &[
            ("height = 8", "height is 8, expected 16 to 512 rows"),
            ("width = 4", "width is 4, expected 16 to 512 columns"),
            ("field_of_view_nm = nan", "field_of_view_nm is NaN,"),
            (
                "height = 16\nwidth = 128",
                "field_of_view_nm * height / width is 11.5,",
            ),
            ("beam_energy_kev = 5", "beam_energy_kev is 5,"),
            ("live_time_s = 0", "live_time_s is 0,"),
            ("counts_per_pixel = -1", "counts_per_pixel is -1,"),
            ("tail_fraction = 0.9", "tail_fraction is 0.9,"),
            ("resolution_ev = inf", "resolution_ev is inf,"),
        ],
    ),
    (
        SpecimenKind::Ferroelectric,
        &[
            ("width = 513", "width is 513, expected 16 to 512 columns"),
            ("field_of_view_nm = nan", "field_of_view_nm is NaN,"),
            (
                "height = 16\nwidth = 128",
                "field_of_view_nm * height / width is 160,",
            ),
            ("domain_nm = 10", "domain_nm is 10, expected 100 to 1000 nm"),
            ("sweep_v = 5", "sweep_v is 5, expected 7 to 100 V"),
            ("loop_noise_pm = -1", "loop_noise_pm is -1,"),
        ],
    ),
    (
        SpecimenKind::Plasmonic,
        &[
            ("height = 8", "height is 8, expected 16 to 512 rows"),
            ("field_of_view_nm = nan", "field_of_view_nm is NaN,"),
            (
                "diameter_nm = 100",
                "diameter_nm is 100, expected 8 to 40 nm",
            ),
            ("electrons_per_nm3 = 0", "electrons_per_nm3 is 0,"),
            ("damping_ev = inf", "damping_ev is inf,"),
            ("counts_per_pixel = -1", "counts_per_pixel is -1,"),
        ],
    ),
];

#[test]
fn values_out_of_range_are_named() {
    for (kind, cases) in REFUSED {
        for (entry, message) in cases {
            let text = format!("name = \"{kind}\"\n{entry}");
            let config: SpecimenConfig = toml::from_str(&text).unwrap();
            let error = config.make().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}

#[test]
#[should_panic(expected = "pixel (64, 0) lies outside the image of 64 x 64")]
fn a_pixel_outside_is_named() {
    let specimen = SpecimenKind::Nanoparticles.config(0).make().unwrap();
    let _ = specimen.spectrum(64, 0);
}

/// The kinds whose spectra are counts, and how many a pixel has on average by default.
const COUNTING: [(SpecimenKind, f64); 2] = [
    (SpecimenKind::Nanoparticles, 4000.0),
    (SpecimenKind::Plasmonic, 10_000.0),
];

#[test]
fn counts_are_as_configured() {
    for (kind, counts) in COUNTING {
        let specimen = kind.config(2).make().unwrap();
        let (mut expected, mut counted) = (0.0, 0.0);
        for (row, column) in (0..64 * 64).map(|i| (i / 64, i % 64)) {
            expected += specimen.expected_spectrum(row, column).iter().sum::<f64>();
            counted += specimen.spectrum(row, column).iter().sum::<f64>();
        }
        let configured = 4096.0 * counts;
        assert!((expected / configured - 1.0).abs() < 1e-9, "{kind}");
        assert!((counted - configured).abs() < 5.0 * configured.sqrt());
    }
}

/// Oracle: for Poisson counts n with means m, Σ (n - m)²/m over N channels has the mean N and
/// the variance 2N + Σ 1/m.
#[test]
fn counts_are_poisson_around_the_expected_spectrum() {
    for (kind, _) in COUNTING {
        let specimen = kind.config(3).make().unwrap();
        let mean = specimen.expected_spectrum(25, 40);
        let (mut chi, mut channels, mut inverse) = (0.0, 0.0, 0.0);
        for repeat in 0..200 {
            let counts = specimen.noisy(mean.clone(), 1.0, (25, 40), repeat);
            assert!(counts.iter().all(|n| *n >= 0.0 && n.fract() == 0.0));
            for (n, m) in counts.iter().zip(&mean).filter(|(_, m)| **m > 0.5) {
                chi += (n - m) * (n - m) / m;
                channels += 1.0;
                inverse += 1.0 / m;
            }
        }
        let error: f64 = 2.0 * channels + inverse;
        let is_poisson = (chi - channels).abs() < 5.0 * error.sqrt();
        assert!(channels > 10_000.0 && is_poisson, "{chi} {channels}");
    }
}

/// Oracle: the hashes above, which pin spectra and images.
#[test]
fn one_exposure_with_the_noise_of_the_first_repeat_is_what_a_specimen_shows() {
    for kind in SpecimenKind::ALL {
        let specimen = kind.config(3).make().unwrap();
        let image = specimen.noisy_image(specimen.expected_image().to_vec(), 1.0, 0);
        assert_eq!(image, specimen.image().values, "{kind}");
        let pixel @ (row, column) = (20, 33);
        let mean = specimen.expected_spectrum(row, column);
        let spectrum = specimen.noisy(mean.clone(), 1.0, pixel, 0);
        assert_eq!(spectrum, specimen.spectrum(row, column), "{kind}");
        assert_ne!(specimen.noisy(mean, 1.0, pixel, 1), spectrum, "{kind}");
    }
}

/// Oracle: counts over N exposures have N times the mean and N times the variance; a mean over
/// N times the time keeps its value and has a variance N times smaller.
#[test]
fn more_exposures_have_less_noise_beside_the_signal() {
    for kind in SpecimenKind::ALL {
        let specimen = kind.config(3).make().unwrap();
        let mean = specimen.expected_spectrum(20, 33);
        for dose in [1.0, 16.0] {
            let exposed = specimen.exposed(mean.clone(), dose);
            let squares = (0..400).map(|repeat| {
                let noisy = specimen.noisy(mean.clone(), dose, (20, 33), repeat);
                let pairs = noisy.iter().zip(&exposed);
                pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
            });
            let variance = squares.sum::<f64>() / 400.0;
            let expected = match specimen.config() {
                SpecimenConfig::Ferroelectric(film) => {
                    mean.len() as f64 * film.loop_noise_pm.powi(2) / dose
                }
                _ => dose * mean.iter().sum::<f64>(),
            };
            assert!(
                (variance / expected - 1.0).abs() < 0.05,
                "{kind}: {variance} {expected}"
            );
        }
    }
}

/// Every kind with seeds 0 to 9.
fn study() -> impl ParallelIterator<Item = (SpecimenChoice, SpecimenExperiment)> {
    let seeds = |kind| {
        (0..10).map(move |seed| SpecimenChoice {
            kind,
            seed,
            joint: false,
        })
    };
    let choices: Vec<_> = SpecimenKind::ALL.into_iter().flat_map(seeds).collect();
    choices.into_par_iter().map(|choice| {
        let experiment = SpecimenExperiment::open(choice.config()).unwrap();
        (choice, experiment)
    })
}

/// In one test, because a specimen takes longer to make than to judge.
#[test]
fn every_specimen_is_worth_exploring_and_those_that_can_hold_what_is_planted_where_candidates_are()
{
    study().for_each(|(choice, mut experiment)| {
        let name = choice.to_string();
        has_rare_behaviours_among_its_candidates(&name, experiment.specimen());
        has_a_range_for_a_target(&name, &mut experiment);
        let planted = JOINT.iter().find(|(kind, ..)| *kind == choice.kind);
        if let Some((_, planted, ..)) = planted {
            holds_what_is_planted(choice, planted, experiment.specimen());
        }
    });
}

/// Beside it there is all that the specimen without it holds.
fn holds_what_is_planted(choice: SpecimenChoice, planted: &str, plain: &dyn Specimen) {
    let joint = true;
    let choice = SpecimenChoice { joint, ..choice };
    let specimen = choice.config().make().unwrap();
    let behaviours = specimen.behaviours().iter();
    let (planted, others): (Vec<_>, Vec<_>) = behaviours.partition(|b| b.name == planted);
    let there = candidates()
        .iter()
        .filter(|&&i| planted[0].pixels[i])
        .count();
    assert!((12..80).contains(&there), "{choice}: {there}");
    let names = |behaviours: &[&Behaviour]| -> Vec<String> {
        behaviours.iter().map(|b| b.name.clone()).collect()
    };
    assert_eq!(
        names(&others),
        names(&plain.behaviours().iter().collect::<Vec<_>>())
    );
}

/// Rare is what 100 random points of 2401 miss now and then.
fn has_rare_behaviours_among_its_candidates(name: &str, specimen: &dyn Specimen) {
    let candidates = candidates();
    let share = |behaviour: &Behaviour| {
        assert_eq!(behaviour.pixels.len(), specimen.image().values.len());
        let on_it = candidates.iter().filter(|&&i| behaviour.pixels[i]).count();
        on_it as f64 / candidates.len() as f64
    };
    let behaviours = specimen.behaviours().iter();
    let (rare, common): (Vec<_>, Vec<_>) = behaviours.partition(|behaviour| behaviour.rare);
    assert!(!rare.is_empty() && common.len() >= 3, "{name}");
    for behaviour in rare {
        // The rare particles are as large as they are.
        let range = match specimen.config().kind() {
            SpecimenKind::Nanoparticles => 0.005..0.065,
            _ => 0.005..0.03,
        };
        let share = share(behaviour);
        let behaviour = &behaviour.name;
        assert!(range.contains(&share), "{name}, {behaviour}: {share}");
    }
    let common: f64 = common.into_iter().map(share).sum();
    assert!(common > 0.2, "{name}: {common}");
}

/// A good part of the 100 bins of the target is occupied, no tenth of its range is empty, and
/// noise is small beside the range.
fn has_a_range_for_a_target(name: &str, experiment: &mut SpecimenExperiment) {
    let candidates = candidates();
    let truth = experiment.truth().unwrap().clone();
    let target: Vec<f64> = candidates.iter().map(|&i| truth.values[i]).collect();
    let bins = target_groups(&target, TARGET_BINS).unwrap();
    assert!(bins.occupied() > 60, "{name}: {} bins", bins.occupied());
    let low = target.iter().copied().fold(f64::INFINITY, f64::min);
    let range = target.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low;
    for tenth in 0..10 {
        let is_in = |value: &f64| ((value - low) / range * 10.0).min(9.0) as usize == tenth;
        assert!(target.iter().any(is_in), "{name}: tenth {tenth} is empty");
    }
    let measured: Vec<f64> = candidates
        .iter()
        .step_by(10)
        .map(|&i| {
            let (row, column) = (i / 64, i % 64);
            let point = Point {
                candidate: Candidate(0),
                pixel: Pixel { row, column },
            };
            experiment.measure(point).unwrap() - truth.values[i]
        })
        .collect();
    let squares: f64 = measured.iter().map(|error| error * error).sum();
    let noise = (squares / measured.len() as f64).sqrt();
    assert!(noise < 0.03 * range, "{name}: noise {noise} of {range}");
}

/// How well a number tells one set of candidates from the others: the chance that one of the set has more of it
/// than one of the others, ties by half (Mann and Whitney 1947). 0.5 is chance, 1 certainty.
fn separation(number: &[f64], is_meant: &[bool]) -> f64 {
    let of = |meant: bool| {
        let pairs = number.iter().zip(is_meant);
        let mut values: Vec<f64> = pairs
            .filter(|(_, is)| **is == meant)
            .map(|(value, _)| *value)
            .collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (meant, others) = (of(true), of(false));
    let wins = meant.iter().map(|value| {
        let less = others.partition_point(|other| other < value);
        let ties = others.partition_point(|other| other <= value) - less;
        less as f64 + 0.5 * ties as f64
    });
    wins.sum::<f64>() / (meant.len() * others.len()) as f64
}

/// Distance of each vector to the fifth nearest of the ordinary ones, itself not among them.
fn novelty(vectors: &[Vec<f64>], is_ordinary: &[bool]) -> Vec<f64> {
    const NEAREST: usize = 5;
    let ordinary: Vec<usize> = (0..vectors.len()).filter(|&n| is_ordinary[n]).collect();
    let distance = |a: &[f64], b: &[f64]| -> f64 {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
        squares.sum()
    };
    (0..vectors.len())
        .into_par_iter()
        .map(|n| {
            let others = ordinary.iter().filter(|&&other| other != n);
            let mut distances: Vec<f64> = others
                .map(|&other| distance(&vectors[n], &vectors[other]))
                .collect();
            let (_, fifth, _) = distances.select_nth_unstable_by(NEAREST - 1, f64::total_cmp);
            fifth.sqrt()
        })
        .collect()
}

/// Kinds with what is planted in them, single responses that are to find it ordinary, and two that together do
/// not.
const JOINT: [(SpecimenKind, &str, &[&str], [&str; 2]); 2] = [
    (
        SpecimenKind::Nanoparticles,
        "AuPd alloy sphere",
        &[
            "sum",
            "line:Au-La",
            "line:Au-Ma",
            "line:Pd-La",
            "line:Cu-Ka",
            "window:1..2",
            "window:2..3",
        ],
        ["line:Au-Ma", "line:Pd-La"],
    ),
    (
        SpecimenKind::Plasmonic,
        "lightly doped cluster",
        &[
            "sum",
            "window:0.26..0.38",
            "window:0.4..0.5",
            "window:0.5..0.55",
            "window:0.55..0.65",
            "window:0.6..0.7",
            "plasmon-energy:0.3..0.8",
            "plasmon-height:0.3..0.8",
        ],
        ["window:0.4..0.5", "window:0.55..0.65"],
    ),
];

/// Of n candidates that show what is planted, the share of them among the n most novel ones: by both responses
/// together more than twice what it is by any one of them.
#[test]
fn no_single_response_shows_what_two_together_do() {
    const SEEDS: u64 = 4;
    for (kind, name, singles, pair) in JOINT {
        let (mut by_pair, mut by_single) = (0.0, vec![0.0; singles.len()]);
        for seed in 0..SEEDS {
            let joint = true;
            let choice = SpecimenChoice { kind, seed, joint };
            let specimen = choice.config().make().unwrap();
            let all = specimen.behaviours();
            let planted = all.iter().find(|b| b.name == name).unwrap();
            assert!(
                planted.rare && all.iter().is_sorted_by_key(|b| !b.rare),
                "{choice}"
            );
            // What is rare by a single response is left to that one.
            let is_other = |i: usize| all.iter().any(|b| b.rare && b.name != name && b.pixels[i]);
            let candidates: Vec<usize> =
                candidates().into_iter().filter(|&i| !is_other(i)).collect();
            let is_planted: Vec<bool> = candidates.iter().map(|&i| planted.pixels[i]).collect();
            let is_ordinary: Vec<bool> = is_planted.iter().map(|planted| !planted).collect();
            let number = is_planted.iter().filter(|planted| **planted).count();
            let rarity = number as f64 / candidates.len() as f64;
            assert!((0.005..0.03).contains(&rarity), "{choice}: {rarity}");
            let response = |text: &str| -> Vec<f64> {
                let truth = specimen.truth(&text.parse().unwrap(), 1.0).unwrap();
                candidates.iter().map(|&i| truth.values[i]).collect()
            };
            let among_most_novel = |novelty: &[f64]| {
                let mut order: Vec<usize> = (0..novelty.len()).collect();
                order.sort_by(|&a, &b| novelty[b].total_cmp(&novelty[a]));
                let planted = order[..number].iter().filter(|&&n| is_planted[n]).count();
                planted as f64 / number as f64
            };
            let both = pair.map(response);
            let both = both.each_ref().map(Vec::as_slice);
            let white = Whitening::new(&both).unwrap().apply_all(&both).unwrap();
            let novelties = novelty(&white, &is_ordinary);
            by_pair += among_most_novel(&novelties) / SEEDS as f64;
            let told = separation(&novelties, &is_planted);
            assert!(told > 0.95, "{choice}: {told}");
            for (share, text) in by_single.iter_mut().zip(singles) {
                let response: Vec<Vec<f64>> = response(text).iter().map(|&v| vec![v]).collect();
                *share += among_most_novel(&novelty(&response, &is_ordinary)) / SEEDS as f64;
            }
        }
        for (share, text) in by_single.into_iter().zip(singles) {
            assert!(
                by_pair > 0.3 && by_pair > 2.0 * share,
                "{text}: {share} of {by_pair}"
            );
        }
    }
}

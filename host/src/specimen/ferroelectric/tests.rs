//! The film as a whole.

use super::*;
use crate::scalarizer::Scalarizer;

fn specimen(seed: u64) -> Ferroelectric {
    let config = FerroelectricConfig {
        seed,
        ..FerroelectricConfig::default()
    };
    Ferroelectric::new(config).unwrap()
}

fn height(specimen: &Ferroelectric, response: &[f64]) -> f64 {
    Scalarizer::LoopHeight
        .reduce(response, specimen.coordinates(), specimen.channels())
        .unwrap()
}

/// Oracle: the branches of the model at zero bias, 2 Rᵣ apart; the scalarizer takes medians over
/// a quarter of the sweep, where the branches bend.
#[test]
fn the_height_of_a_loop_is_twice_the_remanence_of_the_film() {
    let specimen = specimen(1);
    let mut pinched = 0;
    for (i, of) in specimen.film.loops.iter().enumerate() {
        let found = height(&specimen, &specimen.expected_spectrum(i / 64, i % 64));
        let expected = (of.response(0.0, true) - of.response(0.0, false)).abs();
        assert!(
            (found - expected).abs() < 3.0,
            "pixel {i}: {found} {expected}"
        );
        pinched += usize::from(found < 5.0);
    }
    assert!(pinched > 5);
}

#[test]
fn junctions_hold_both_ends_of_the_target() {
    for seed in 0..10 {
        let specimen = specimen(seed);
        let heights: Vec<f64> = (0..64 * 64)
            .map(|i| height(&specimen, &specimen.expected_spectrum(i / 64, i % 64)))
            .collect();
        let at = |name: &str, i: usize| {
            let behaviours = Specimen::behaviours(&specimen);
            behaviours.iter().find(|b| b.name == name).unwrap().pixels[i]
        };
        let mut order: Vec<usize> = (0..heights.len()).collect();
        order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
        let (low, high) = (&order[..10], &order[order.len() - 8..]);
        assert!(
            low.iter().all(|&i| at("crossing of needles", i)),
            "seed {seed}"
        );
        assert!(
            high.iter().all(|&i| at("needle through a 180° wall", i)),
            "seed {seed}"
        );
    }
}

/// Oracle: the sign of the relaxed polarisation.
#[test]
fn the_image_is_bright_in_one_kind_of_domain_and_dark_in_the_other() {
    let specimen = specimen(4);
    let config = FerroelectricConfig {
        seed: 4,
        ..FerroelectricConfig::default()
    };
    let domains = domains::Domains::new(&config);
    let mut counted = 0;
    for (i, (x, y)) in config.frame().centres().enumerate() {
        let of = &specimen.film;
        if of.wall_nm[i] > 80.0 && of.in_plane[i] < 0.02 {
            let ratio = specimen.image().values[i] / config.saturation_pm;
            assert!(
                (0.5..1.5).contains(&(ratio * domains.at(x, y).signum())),
                "{ratio}"
            );
            counted += 1;
        }
    }
    assert!(counted > 1000);
}

/// A finer scan shows the same film: without noise, each pixel of the coarse one is about the mean
/// of four.
#[test]
fn a_finer_scan_shows_the_same_film() {
    let scan = |size: usize| {
        let config = FerroelectricConfig {
            height: size,
            width: size,
            seed: 6,
            image_noise_pm: 0.0,
            ..FerroelectricConfig::default()
        };
        Ferroelectric::new(config).unwrap()
    };
    let (coarse, fine) = (scan(64), scan(128));
    let mut error = 0.0;
    for (row, column) in (0..64).flat_map(|r| (0..64).map(move |c| (r, c))) {
        let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let four = four.map(|(a, b)| fine.image().at(2 * row + a, 2 * column + b));
        error += (four.iter().sum::<f64>() / 4.0 - coarse.image().at(row, column)).abs() / 4096.0;
    }
    assert!(error < 1.0, "{error} pm of 40");
}

/// Oracle: mean and variance of n normal draws, with the standard errors σ/√n and σ²√(2/n).
#[test]
fn noise_is_normal_around_the_expected_spectrum() {
    let specimen = specimen(3);
    let expected = specimen.expected_spectrum(20, 30);
    let noisy = |repeat| specimen.noisy(expected.clone(), 1.0, (20, 30), repeat);
    let (mut sum, mut squares, mut n) = (0.0, 0.0, 0.0);
    for repeat in 0..200 {
        for (pm, mean) in noisy(repeat).iter().zip(&expected) {
            sum += pm - mean;
            squares += (pm - mean) * (pm - mean);
            n += 1.0;
        }
    }
    let sigma = FerroelectricConfig::default().loop_noise_pm;
    assert!((sum / n).abs() < 5.0 * sigma / f64::sqrt(n));
    let variance = sigma * sigma;
    assert!((squares / n - variance).abs() < 5.0 * variance * f64::sqrt(2.0 / n));
}

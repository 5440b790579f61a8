//! That the default sample poses the problem it was made for.

use super::*;

#[test]
fn brightness_alone_does_not_tell_species_apart() {
    let specimen = specimen(0);
    let brightest = |name: &str| {
        let behaviour = specimen.behaviours().iter().find(|b| b.name == name);
        let pixels = specimen
            .image()
            .values
            .iter()
            .zip(&behaviour.unwrap().pixels);
        let shown = pixels.filter(|(_, shown)| **shown).map(|(value, _)| *value);
        shown.fold(0.0, f64::max)
    };
    for (one, other) in [("Au@Pd core-shell", "Au sphere"), ("Pd rod", "Cu2O cube")] {
        let ratio = brightest(one) / brightest(other);
        assert!((0.6..1.7).contains(&ratio), "{one}, {other}: {ratio}");
    }
}

#[test]
fn every_species_shows_in_every_sample_and_the_rare_one_is_rare() {
    for seed in 0..20 {
        let specimen = specimen(seed);
        let mut support = 1.0;
        for species in specimen.behaviours() {
            let area = species.pixels.iter().filter(|shown| **shown).count() as f64 / 4096.0;
            let range = if species.rare {
                0.008..0.06
            } else {
                0.01..0.25
            };
            assert!(
                range.contains(&area),
                "seed {seed}: {} {area}",
                species.name
            );
            support -= area;
        }
        assert!((0.5..0.8).contains(&support), "seed {seed}: {support}");
    }
}

/// Most of the candidates of 16 x 16 windows have little Pd Lα, some a moderate amount, few much
/// and of the rare species; noise stays below 3 % of the range. Counts, current and time are free
/// to choose; the default is one that a laboratory has.
#[test]
fn the_default_target_is_skewed_and_its_high_tail_is_the_rare_species() {
    for seed in 0..8 {
        let specimen = specimen(seed);
        let candidates =
            || pixels(&specimen).filter(|(r, c)| (8..57).contains(r) && (8..57).contains(c));
        let mut targets: Vec<_> = candidates()
            .map(|(r, c)| {
                let expected = palladium(&specimen, &specimen.expected_spectrum(r, c));
                let noise = palladium(&specimen, &specimen.spectrum(r, c)) - expected;
                let species = species_at(&specimen.projection, 64 * r + c);
                let rare = species.is_some_and(|species| SPECIES[species].rare);
                (expected, noise, rare)
            })
            .collect();
        targets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (n, range) = (targets.len(), targets[targets.len() - 1].0 - targets[0].0);
        assert_eq!(n, 2401);
        let share = |low: f64, high: f64| {
            let inside = targets
                .iter()
                .filter(|t| (low..high).contains(&(t.0 / range)));
            inside.count() as f64 / n as f64
        };
        assert!(
            share(-0.1, 0.1) > 0.7,
            "seed {seed}: low {}",
            share(-0.1, 0.1)
        );
        assert!(
            share(0.1, 0.55) > 0.05,
            "seed {seed}: moderate {}",
            share(0.1, 0.55)
        );
        let high = share(0.65, 1.1);
        assert!((0.004..0.05).contains(&high), "seed {seed}: high {high}");
        assert!(targets[n - n / 100..].iter().all(|t| t.2), "seed {seed}");
        let top: Vec<f64> = targets
            .iter()
            .filter(|t| t.0 > 0.6 * range)
            .map(|t| t.1)
            .collect();
        let noise = (top.iter().map(|v| v * v).sum::<f64>() / top.len() as f64).sqrt();
        assert!(
            noise < 0.03 * range,
            "seed {seed}: noise {noise} of {range}"
        );
    }
}

#[test]
fn the_default_counts_need_a_detector_that_exists() {
    for seed in 0..10 {
        let sr = specimen(seed).solid_angle_sr();
        assert!((0.3..2.0).contains(&sr), "{sr} sr");
    }
}

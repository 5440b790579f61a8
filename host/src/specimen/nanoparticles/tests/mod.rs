//! The specimen as a whole.

mod demonstration;

use super::*;
use crate::lines::line;

fn specimen(seed: u64) -> Nanoparticles {
    let config = NanoparticlesConfig {
        seed,
        ..NanoparticlesConfig::default()
    };
    Nanoparticles::new(config).unwrap()
}

fn pixels(specimen: &Nanoparticles) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (height, width) = (specimen.image().height(), specimen.image().width());
    (0..height * width).map(move |i| (i / width, i % width))
}

/// Counts of Pd Lα in a window of 200 eV, less the line between two windows beside it.
fn palladium(specimen: &Nanoparticles, spectrum: &[f64]) -> f64 {
    let kev = line("Pd-La").unwrap().energy_kev;
    let channel = |kev: f64| (kev / specimen.channels().scale).round() as usize;
    let sum = |low: f64, high: f64| spectrum[channel(low)..channel(high)].iter().sum::<f64>();
    let beside = sum(kev - 0.35, kev - 0.25) + sum(kev + 0.7, kev + 0.8);
    sum(kev - 0.1, kev + 0.1) - beside
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - ma) * (b - mb);
        aa += (a - ma) * (a - ma);
        bb += (b - mb) * (b - mb);
    }
    ab / (aa * bb).sqrt()
}

#[test]
fn peaks_stand_at_the_energies_of_their_lines() {
    let specimen = specimen(1);
    for name in ["C-Ka", "O-Ka", "Ti-Ka", "Cu-Ka", "Pd-La", "Au-Ma", "Au-La"] {
        let line = line(name).unwrap();
        let map = specimen.element_map(line.element).unwrap();
        let most = |&(r, c): &(usize, usize), &(s, d): &(usize, usize)| {
            map.at(r, c).total_cmp(&map.at(s, d))
        };
        let (row, column) = pixels(&specimen).max_by(most).unwrap();
        let spectrum = specimen.expected_spectrum(row, column);
        let channel = (line.energy_kev / 0.01).round() as usize;
        let near = channel - 6..=channel + 6;
        let peak = near
            .max_by(|&a, &b| spectrum[a].total_cmp(&spectrum[b]))
            .unwrap();
        assert!(
            peak.abs_diff(channel) <= 1,
            "{name}: {peak} instead of {channel}"
        );
        assert!(spectrum[peak] > 3.0 * spectrum[peak - 20], "{name}");
    }
}

/// Oracle: atoms per area times Z^1.7, from the element maps; channelling of single particles
/// and noise leave a correlation short of one.
#[test]
fn the_image_follows_mass_thickness() {
    for seed in 0..5 {
        let specimen = specimen(seed);
        let mut scattering = vec![0.0; 64 * 64];
        for (symbol, z) in [
            ("C", 6.0),
            ("O", 8.0),
            ("Ti", 22.0),
            ("Cu", 29.0),
            ("Pd", 46.0),
            ("Au", 79.0),
        ] {
            let map = specimen.element_map(symbol).unwrap();
            for (sum, atoms) in scattering.iter_mut().zip(&map.values) {
                *sum += atoms * libm::pow(z, 1.7);
            }
        }
        let r = correlation(&scattering, &specimen.image().values);
        assert!(r > 0.97 && r < 0.9999, "seed {seed}: {r}");
    }
}

#[test]
fn tails_of_the_probe_carry_palladium_to_pixels_without_any() {
    let sharp = NanoparticlesConfig {
        tail_fraction: 0.0,
        ..NanoparticlesConfig::default()
    };
    let (sharp, tailed) = (Nanoparticles::new(sharp).unwrap(), specimen(0));
    let map = tailed.element_map("Pd").unwrap();
    let stray = |specimen: &Nanoparticles| {
        pixels(specimen)
            .filter(|&(r, c)| map.at(r, c) == 0.0)
            .map(|(r, c)| palladium(specimen, &specimen.expected_spectrum(r, c)))
            .sum::<f64>()
    };
    assert!(
        stray(&tailed) > 5.0 * stray(&sharp).abs(),
        "{} {}",
        stray(&tailed),
        stray(&sharp)
    );
}

#[test]
fn a_finer_scan_holds_as_many_atoms() {
    let fine = NanoparticlesConfig {
        height: 192,
        width: 192,
        ..NanoparticlesConfig::default()
    };
    let (coarse, fine) = (specimen(0), Nanoparticles::new(fine).unwrap());
    for symbol in ["C", "Ti", "Cu", "Pd", "Au"] {
        let atoms = |s: &Nanoparticles| {
            let map = s.element_map(symbol).unwrap();
            map.values.iter().sum::<f64>() * map.rows.scale * map.columns.scale
        };
        assert!(
            (atoms(&fine) / atoms(&coarse) - 1.0).abs() < 0.01,
            "{symbol}"
        );
    }
}

#[test]
fn the_support_is_carbon_and_particles_are_not() {
    let specimen = specimen(6);
    let maps = ["C", "O", "Ti", "Cu", "Pd", "Au"].map(|e| specimen.element_map(e).unwrap());
    for i in 0..64 * 64 {
        let atoms = maps.each_ref().map(|map| map.values[i]);
        assert!(atoms.iter().all(|atoms| *atoms > -1e-9), "{atoms:?}");
        let carbon = atoms[0] / atoms.iter().sum::<f64>();
        match species_at(&specimen.projection, i) {
            None => assert!(carbon > 0.85, "{carbon}"),
            Some(_) => assert!(carbon < 0.99, "{carbon}"),
        }
    }
    assert!(specimen.element_map("Fe").is_none());
}

#[test]
fn samples_of_any_allowed_shape_can_be_made() {
    for (height, width, field) in [
        (16, 16, 20.0),
        (16, 64, 92.0),
        (100, 37, 50.0),
        (512, 512, 300.0),
    ] {
        let config = NanoparticlesConfig {
            height,
            width,
            field_of_view_nm: field,
            ..NanoparticlesConfig::default()
        };
        let specimen = Nanoparticles::new(config).unwrap();
        assert_eq!(
            (specimen.image().height(), specimen.image().width()),
            (height, width)
        );
        let nm = field / width as f64;
        assert!((specimen.image().columns.value(1) - 1.5 * nm).abs() < 1e-12);
        assert!(specimen.spectrum(height - 1, width - 1).iter().sum::<f64>() > 0.0);
    }
}

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
    let channel = |kev: f64| (kev / specimen.energy_axis().scale).round() as usize;
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

/// The contract with everyone who keeps a seed: the same image on every machine. The hash is
/// FNV-1a over the bits of the image; whatever changes it is to be told to users.
#[test]
fn the_default_image_is_the_same_bits_everywhere() {
    let hash = specimen(0)
        .image()
        .values
        .iter()
        .flat_map(|value| value.to_bits().to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    assert_eq!(hash, 0xa614_e529_b0ce_0ccf, "the hash is {hash:#018x}");
}

#[test]
fn spectra_depend_on_seed_pixel_and_repeat_but_not_on_order() {
    let (a, b) = (specimen(4), specimen(4));
    assert_eq!(a.image(), b.image());
    let forward: Vec<_> = (0..20).map(|i| a.spectrum(i, 2 * i)).collect();
    let mut backward: Vec<_> = (0..20).rev().map(|i| b.spectrum(i, 2 * i)).collect();
    backward.reverse();
    assert_eq!(forward, backward);

    let exposure = a.config().exposure();
    assert_eq!(a.acquire(3, 6, exposure, 0), forward[3]);
    assert_ne!(a.acquire(3, 6, exposure, 1), forward[3]);
    assert_ne!(a.spectrum(6, 3), forward[3]);
    assert_ne!(specimen(5).image(), a.image());
    assert_ne!(specimen(5).spectrum(3, 6), forward[3]);
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

#[test]
fn counts_are_as_configured_and_scale_with_the_dose() {
    let specimen = specimen(2);
    let (mut expected, mut counted) = (0.0, 0.0);
    for (row, column) in pixels(&specimen) {
        expected += specimen.expected_spectrum(row, column).iter().sum::<f64>();
        counted += specimen.spectrum(row, column).iter().sum::<f64>();
    }
    let configured = 4096.0 * specimen.config().counts_per_pixel;
    assert!((expected / configured - 1.0).abs() < 1e-9);
    assert!((counted - configured).abs() < 5.0 * configured.sqrt());

    let exposure = Exposure {
        beam_current_na: 4.0,
        live_time_s: 5.0,
    };
    let more: f64 = specimen.acquire(30, 30, exposure, 0).iter().sum();
    let once: f64 = specimen.expected_spectrum(30, 30).iter().sum();
    assert!((more - 10.0 * once).abs() < 5.0 * (10.0 * once).sqrt());
}

/// Oracle: for Poisson counts n with means m, Σ (n - m)²/m over N channels has the mean N and
/// the variance 2N + Σ 1/m.
#[test]
fn noise_is_poisson_around_the_expected_spectrum() {
    let specimen = specimen(3);
    let exposure = specimen.config().exposure();
    let mean = specimen.expected_spectrum(25, 40);
    let (mut chi, mut channels, mut inverse) = (0.0, 0.0, 0.0);
    for repeat in 0..200 {
        let counts = specimen.acquire(25, 40, exposure, repeat);
        assert!(counts.iter().all(|n| *n >= 0.0 && n.fract() == 0.0));
        for (n, m) in counts.iter().zip(&mean).filter(|(_, m)| **m > 0.5) {
            chi += (n - m) * (n - m) / m;
            channels += 1.0;
            inverse += 1.0 / m;
        }
    }
    let error: f64 = 2.0 * channels + inverse;
    assert!(
        channels > 10_000.0 && (chi - channels).abs() < 5.0 * error.sqrt(),
        "{chi} {channels}"
    );
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

/// What makes a patch necessary: one brightness belongs to several species.
/// What the default demonstration needs of Pd Lα over the candidates of 16 x 16 windows: most
/// of them low, some moderate, few high and of the rare species, noise below 3 % of the range.
/// Counts, current and time are free to choose; the default is one that a laboratory has.
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
fn compositions_add_up_and_the_support_is_carbon() {
    let specimen = specimen(6);
    for (row, column) in pixels(&specimen) {
        let shares = specimen.composition(row, column);
        let total: f64 = shares.iter().map(|s| s.atomic_fraction).sum();
        assert!((total - 1.0).abs() < 1e-12);
        assert!(shares.iter().all(|s| s.atomic_fraction > -1e-12));
        let carbon = shares
            .iter()
            .find(|s| s.element == "C")
            .unwrap()
            .atomic_fraction;
        match specimen.species_at(row, column) {
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

#[test]
#[should_panic(expected = "pixel (64, 0) lies outside the image of 64 x 64")]
fn a_pixel_outside_is_named() {
    let _ = specimen(0).spectrum(64, 0);
}

#[test]
fn an_invalid_configuration_is_refused_by_name() {
    let config = NanoparticlesConfig {
        width: 4,
        ..NanoparticlesConfig::default()
    };
    let message = Nanoparticles::new(config).unwrap_err().to_string();
    assert_eq!(message, "width is 4, expected 16 to 512 columns");
}

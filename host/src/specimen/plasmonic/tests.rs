//! The assembly as a whole.

use super::*;

fn specimen(seed: u64) -> Plasmonic {
    let config = PlasmonicConfig {
        seed,
        ..PlasmonicConfig::default()
    };
    Plasmonic::new(config).unwrap()
}

/// Pixels (row, column) that show a behaviour.
fn showing(specimen: &Plasmonic, name: &str) -> Vec<(usize, usize)> {
    let behaviours = Specimen::behaviours(specimen);
    let behaviour = behaviours.iter().find(|b| b.name == name).unwrap();
    let width = specimen.image().width();
    let pixels = behaviour.pixels.iter().enumerate().filter(|(_, is)| **is);
    pixels.map(|(i, _)| (i / width, i % width)).collect()
}

/// Mean spectrum without noise over the pixels that show a behaviour.
fn mean_loss(specimen: &Plasmonic, name: &str) -> Vec<f64> {
    let pixels = showing(specimen, name);
    let mut mean = vec![0.0; specimen.energy_axis().size];
    for &(row, column) in &pixels {
        for (sum, counts) in mean.iter_mut().zip(specimen.expected_loss(row, column)) {
            *sum += counts / pixels.len() as f64;
        }
    }
    mean
}

/// Energy in eV of the highest channel.
fn peak_ev(specimen: &Plasmonic, loss: &[f64]) -> f64 {
    let highest = (0..loss.len()).max_by(|&a, &b| loss[a].total_cmp(&loss[b]));
    specimen.energy_axis().value(highest.unwrap())
}

#[test]
fn the_plasmon_moves_down_from_the_edge_to_the_inside_of_two_layers() {
    for seed in 0..5 {
        let specimen = specimen(seed);
        let peaks = ["edge", "one layer", "two layers"]
            .map(|name| peak_ev(&specimen, &mean_loss(&specimen, name)));
        assert!(peaks.is_sorted_by(|a, b| a >= b), "seed {seed}: {peaks:?}");
        assert!(peaks[0] > peaks[2] + 0.025, "seed {seed}: {peaks:?}");
        // Between a lone sphere and one in a full packing, as widths blur them.
        let range = specimen.resonance_ev(1.0, 0.52)..specimen.resonance_ev(1.0, 0.0) + 0.02;
        assert!(peaks.iter().all(|ev| range.contains(ev)), "{peaks:?}");
    }
}

#[test]
fn the_ends_of_rods_lose_most_where_rods_resonate() {
    for seed in 0..5 {
        let specimen = specimen(seed);
        let ends = mean_loss(&specimen, "end of a rod");
        let rest = mean_loss(&specimen, "one layer");
        let ratio: Vec<f64> = ends.iter().zip(&rest).map(|(a, b)| a / b).collect();
        let found = peak_ev(&specimen, &ratio);
        let crystals = Assembly::new(specimen.config()).crystals;
        let rod = crystals.iter().find(|c| c.is_rod()).unwrap();
        // Among few and among many neighbours; the losses of those pull the peak down a little.
        let [many, few] = [0.4, 0.1].map(|fill| specimen.resonance_ev(rod.aspect(), fill));
        let range = many - 0.03..few;
        assert!(range.contains(&found), "seed {seed}: {found} {range:?}");
    }
}

#[test]
fn rods_are_two_and_crystals_of_a_layer_never_overlap() {
    for seed in 0..10 {
        let config = PlasmonicConfig {
            seed,
            ..PlasmonicConfig::default()
        };
        let crystals = Assembly::new(&config).crystals;
        assert_eq!(crystals.iter().filter(|c| c.is_rod()).count(), 2);
        for (n, a) in crystals.iter().enumerate() {
            let others = crystals[..n]
                .iter()
                .filter(|b| b.layer == a.layer && !a.is_rod());
            for b in others {
                let gap = b.distance(a.ends[0].0, a.ends[0].1) - a.radius_nm - b.radius_nm;
                assert!(gap > 0.0, "seed {seed}: {gap} nm");
            }
        }
    }
}

#[test]
fn nothing_of_the_first_layer_lies_at_a_vacancy() {
    let config = PlasmonicConfig::default();
    let assembly = Assembly::new(&config);
    assert!(assembly.vacancies.len() > 3);
    for &(x, y) in &assembly.vacancies {
        let first = assembly.crystals.iter().filter(|c| c.layer == 0);
        assert!(first.map(|c| c.chord(x, y)).all(|nm| nm == 0.0));
    }
}

/// Oracle: the sum of all chords is the volume, which for spheres and capsules is known.
#[test]
fn thickness_adds_up_to_the_volume_of_the_crystals() {
    let config = PlasmonicConfig {
        height: 256,
        width: 256,
        ..PlasmonicConfig::default()
    };
    let assembly = Assembly::new(&config);
    let (area, size) = (config.pixel_nm().powi(2), config.field_of_view_nm);
    let whole = |c: &&assembly::Crystal| {
        let inside = |nm: f64| (20.0..size - 20.0).contains(&nm);
        c.ends.iter().all(|&(x, y)| inside(x) && inside(y))
    };
    for crystal in assembly.crystals.iter().filter(whole).step_by(17) {
        let chords = frame::each((256, 256), config.pixel_nm(), |x, y| crystal.chord(x, y));
        let ratio = area * chords.iter().sum::<f64>() / crystal.volume_nm3();
        assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
    }
}

#[test]
fn counts_are_as_configured() {
    let specimen = specimen(2);
    let image = specimen.image();
    let pixels = (0..image.values.len()).map(|i| (i / image.width(), i % image.width()));
    let (mut expected, mut counted) = (0.0, 0.0);
    for (row, column) in pixels {
        expected += specimen.expected_loss(row, column).iter().sum::<f64>();
        counted += specimen.loss(row, column).iter().sum::<f64>();
    }
    let configured = 4096.0 * specimen.config().counts_per_pixel;
    assert!((expected / configured - 1.0).abs() < 1e-9);
    assert!((counted - configured).abs() < 5.0 * configured.sqrt());
}

/// Oracle: for Poisson counts n with means m, Σ (n - m)²/m over N channels has the mean N and
/// the variance 2N + Σ 1/m.
#[test]
fn noise_is_poisson_around_the_expected_spectrum() {
    let specimen = specimen(3);
    let mean = specimen.expected_loss(25, 40);
    let (mut chi, mut channels, mut inverse) = (0.0, 0.0, 0.0);
    for repeat in 0..200 {
        let counts = specimen.acquire(25, 40, repeat);
        assert!(counts.iter().all(|n| *n >= 0.0 && n.fract() == 0.0));
        for (n, m) in counts.iter().zip(&mean) {
            chi += (n - m) * (n - m) / m;
            channels += 1.0;
            inverse += 1.0 / m;
        }
    }
    let error: f64 = 2.0 * channels + inverse;
    assert!(
        (chi - channels).abs() < 5.0 * error.sqrt(),
        "{chi} {channels}"
    );
}

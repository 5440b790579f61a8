//! The assembly as a whole.

use super::drude::{Drude, among_others, depolarisation};
use super::*;

fn config(seed: u64) -> PlasmonicConfig {
    PlasmonicConfig {
        seed,
        ..PlasmonicConfig::default()
    }
}

fn specimen(seed: u64) -> Plasmonic {
    Plasmonic::new(config(seed)).unwrap()
}

/// Energy in eV where a crystal of the default assembly resonates, without damping, that is
/// `aspect` times as long as wide, along its axis, among others that fill the share `fill` of space.
fn resonance_ev(aspect: f64, fill: f64) -> f64 {
    let config = config(0);
    let gas = Drude::new(config.electrons_per_nm3, config.damping_ev);
    gas.resonance_ev(among_others(depolarisation(aspect), fill))
}

/// Pixels (row, column) that show a behaviour.
fn showing(specimen: &Plasmonic, name: &str) -> Vec<(usize, usize)> {
    let behaviours = specimen.behaviours();
    let behaviour = behaviours.iter().find(|b| b.name == name).unwrap();
    let width = specimen.image().width();
    let pixels = behaviour.pixels.iter().enumerate().filter(|(_, is)| **is);
    pixels.map(|(i, _)| (i / width, i % width)).collect()
}

/// Mean spectrum without noise over the pixels that show a behaviour.
fn mean_loss(specimen: &Plasmonic, name: &str) -> Vec<f64> {
    let pixels = showing(specimen, name);
    let mut mean = vec![0.0; specimen.channels().size];
    for &(row, column) in &pixels {
        for (sum, counts) in mean.iter_mut().zip(specimen.expected_spectrum(row, column)) {
            *sum += counts / pixels.len() as f64;
        }
    }
    mean
}

/// Energy in eV of the highest channel.
fn peak_ev(specimen: &Plasmonic, loss: &[f64]) -> f64 {
    let highest = (0..loss.len()).max_by(|&a, &b| loss[a].total_cmp(&loss[b]));
    specimen.channels().value(highest.unwrap())
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
        let range = resonance_ev(1.0, 0.52)..resonance_ev(1.0, 0.0) + 0.02;
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
        let crystals = Assembly::new(&config(seed)).crystals;
        let rod = crystals.iter().find(|c| c.is_rod()).unwrap();
        // Among few and among many neighbours; the losses of those pull the peak down a little.
        let [many, few] = [0.4, 0.1].map(|fill| resonance_ev(rod.aspect(), fill));
        let range = many - 0.03..few;
        assert!(range.contains(&found), "seed {seed}: {found} {range:?}");
    }
}

#[test]
fn rods_are_two_and_crystals_of_a_layer_never_overlap() {
    for seed in 0..10 {
        let crystals = Assembly::new(&config(seed)).crystals;
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
fn a_lightly_doped_cluster_changes_electrons_and_nothing_else() {
    for seed in 0..10 {
        let plain = Assembly::new(&config(seed)).crystals;
        let joint = Assembly::new(&PlasmonicConfig {
            joint: true,
            ..config(seed)
        });
        assert!(plain.iter().all(|crystal| crystal.electrons == 1.0));
        assert_eq!(plain.len(), joint.crystals.len());
        for (a, b) in plain.iter().zip(&joint.crystals) {
            assert_eq!(
                (a.ends, a.radius_nm, a.layer),
                (b.ends, b.radius_nm, b.layer)
            );
            assert_eq!(a.fill, b.fill);
        }
        let light = joint.crystals.iter().filter(|c| c.is_lightly_doped());
        let light: Vec<_> = light.collect();
        assert!(
            (3..=7).contains(&light.len()),
            "seed {seed}: {}",
            light.len()
        );
        let (x, y) = joint.lightly_doped.unwrap();
        let spacing = PlasmonicConfig::default().spacing_nm();
        assert!(
            light
                .iter()
                .all(|c| !c.is_rod() && c.distance(x, y) < 1.1 * spacing)
        );
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
    let frame = config.frame();
    let (area, size) = (frame.pixel_nm.powi(2), config.field_of_view_nm);
    let whole = |c: &&assembly::Crystal| {
        let inside = |nm: f64| (20.0..size - 20.0).contains(&nm);
        c.ends.iter().all(|&(x, y)| inside(x) && inside(y))
    };
    for crystal in assembly.crystals.iter().filter(whole).step_by(17) {
        let chords = frame.each(|x, y| crystal.chord(x, y));
        let ratio = area * chords.iter().sum::<f64>() / crystal.volume_nm3();
        assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
    }
}

//! Scalarizers against what is known by other means: a specimen's true composition, loops
//! computed another way, and HyperSpy's line intensities.

use std::path::Path;

use beacon_host::dataset::{self, Dataset};
use beacon_host::map::Map;
use beacon_host::scalarizer::Scalarizer;
use beacon_host::specimen::{Nanoparticles, NanoparticlesConfig};
use beacon_host::spectra::Spectra;
use beacon_kernel::link::scalarizer as kernel;

fn parse(text: &str) -> Scalarizer {
    text.parse().unwrap()
}

/// Spectra of the shared data; `None`, said aloud, where they are absent.
fn shared(name: &str) -> Option<Spectra> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(name);
    if !file.is_file() {
        println!("skipped: the shared data are absent ({})", file.display());
        return None;
    }
    match dataset::read(&file.to_string_lossy()).unwrap() {
        Dataset::Spectra(spectra) => Some(spectra),
        Dataset::Map(_) => panic!("{name} holds spectra"),
    }
}

/// The rows of a golden table below its head, split at commas.
fn table(name: &str) -> Vec<Vec<String>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text.lines().skip(1);
    rows.map(|row| row.split(',').map(str::to_owned).collect())
        .collect()
}

/// Slope and offset of the straight line through points by least squares, and the correlation.
fn straight(points: &[(f64, f64)]) -> (f64, f64, f64) {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
    let xx = sum(&|p| (p.0 - x).powi(2));
    let yy = sum(&|p| (p.1 - y).powi(2));
    let xy = sum(&|p| (p.0 - x) * (p.1 - y));
    (xy / xx, y - x * xy / xx, xy / (xx * yy).sqrt())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn lines_count_the_atoms_that_the_specimen_holds() {
    // A probe as fine as it can be, so that the X-rays come from the pixel's own column.
    let specimen = Nanoparticles::new(NanoparticlesConfig {
        seed: 1,
        probe_fwhm_nm: 0.05,
        tail_fraction: 0.0,
        ..NanoparticlesConfig::default()
    })
    .unwrap();
    let (axis, image) = (specimen.energy_axis(), specimen.image());
    let coordinates: Vec<f64> = (0..axis.size).map(|i| axis.value(i)).collect();
    for (text, element) in [
        ("line:Pd-La", "Pd"),
        ("line:Pd-La+Pd-Lb1", "Pd"),
        ("lines:Pd", "Pd"),
        ("lines:Pd@linear", "Pd"),
        ("line:Pd-La@none", "Pd"),
        ("line:Au-La", "Au"),
        ("line:Au-Ma", "Au"),
        ("lines:Au", "Au"),
        ("line:Cu-Ka", "Cu"),
        ("line:O-Ka", "O"),
        ("line:C-Ka", "C"),
        ("line:Ti-Ka", "Ti"),
    ] {
        let Some(atoms) = specimen.element_map(element) else {
            println!("{element} none");
            continue;
        };
        let scalarizer = parse(text);
        let mut points = Vec::new();
        for row in 0..image.height() {
            for column in 0..image.width() {
                let spectrum = specimen.expected_spectrum(row, column);
                let Ok(counts) = scalarizer.reduce(&spectrum, &coordinates, axis) else {
                    continue;
                };
                points.push((atoms.at(row, column), counts));
            }
        }
        if points.is_empty() {
            println!("{text} off");
            continue;
        }
        let (slope, offset, correlation) = straight(&points);
        let most = points.iter().map(|p| p.1).fold(0.0, f64::max);
        let worst = points
            .iter()
            .map(|p| (p.1 - offset - slope * p.0).abs())
            .fold(0.0, f64::max);
        println!(
            "{text}: slope {slope:.4e} offset {:.4e} corr {correlation:.7} worst {:.4e} most {most}",
            offset / most,
            worst / most
        );
    }
}

#[test]
fn loops() {
    let Some(spectra) = shared("beps/BEPS_PTO_50x50.h5") else {
        return;
    };
    let map = |text: &str| parse(text).map(&spectra).unwrap();
    let [area, height, positive, negative] = [
        "loop-area",
        "loop-height",
        "nucleation-positive",
        "nucleation-negative",
    ]
    .map(map);
    for limit in [0.01, 0.02, 0.05, 0.1] {
        let (mut ps, mut ns) = (vec![], vec![]);
        for row in table("beps-loops.csv") {
            let number = |n: usize| row[n].parse::<f64>().unwrap();
            let at = |map: &Map| map.at(number(0) as usize, number(1) as usize);
            assert!(
                (at(&area) - number(2)).abs() < 1e-12 * number(2).max(1e-6),
                "{row:?} {}",
                at(&area)
            );
            assert!(
                (at(&height) - number(3)).abs() < 1e-12 * number(3).max(1e-6),
                "{row:?}"
            );
            if number(6) < limit {
                ps.push((number(4), at(&positive)));
                ns.push((number(5), at(&negative)));
            }
        }
        for points in [ps, ns] {
            let d: Vec<f64> = points.iter().map(|p| (p.0 - p.1).abs()).collect();
            let within = d.iter().filter(|d| **d < 0.53125).count();
            println!(
                "{limit} n {} median {:.3} within a step {within} corr {:.4}",
                d.len(),
                median(d.clone()),
                straight(&points).2
            );
        }
    }
}

#[test]
fn hyperspy() {
    let Some(spectra) = shared("eds/haadf_eds_64_spectra.hspy") else {
        return;
    };
    let rows = table("hyperspy-lines.csv");
    for row in rows.iter().filter(|row| row[7] == "all") {
        let line = &row[0];
        let plain = parse(&format!("line:{line}@none")).map(&spectra).unwrap();
        let net = parse(&format!("line:{line}")).map(&spectra).unwrap();
        println!(
            "{row:?} ours {} {}",
            plain.values.iter().sum::<f64>(),
            net.values.iter().sum::<f64>()
        );
        println!(
            "{:?}",
            parse(&format!("line:{line}")).on_controller(&spectra.coordinates, &spectra.channels)
        );
        let _ = kernel::Window { start: 0, end: 1 };
    }
}

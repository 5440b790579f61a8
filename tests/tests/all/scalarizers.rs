//! Scalarizers against what is known by other means: a specimen's true composition, loops
//! computed another way, and HyperSpy's line intensities.

use std::path::Path;

use beacon_host::data::files::{self, Dataset};
use beacon_host::data::{Map, Spectra};
use beacon_host::internal::specimen::{Nanoparticles, NanoparticlesConfig, Specimen as _};
use beacon_host::scalarizer::Scalarizer;
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
    match files::read(&file.to_string_lossy()).unwrap() {
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

/// The mean of many spectra at each pixel against the atoms per nm² in its column.
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
    let (axis, coordinates) = (specimen.channels(), specimen.coordinates());
    let image = specimen.image();
    // A thin sample absorbs nothing: net counts are proportional to the atoms, but for what other
    // elements leave in the windows: bremsstrahlung, which is not quite straight, and weak lines
    // near those of Cu and O. Without a background all of the bremsstrahlung stays. The largest
    // departure from a straight line is bounded at about three times what is found, as a share of
    // the strongest pixel.
    for (text, element, stays) in [
        ("line:Pd-La", "Pd", 5e-4),
        ("line:Pd-La+Pd-Lb1", "Pd", 1e-3),
        ("lines:Pd", "Pd", 3e-3),
        ("line:Au-La", "Au", 2e-5),
        ("line:Au-Ma", "Au", 2e-4),
        ("lines:Au", "Au", 2e-4),
        ("line:Ti-Ka", "Ti", 1e-4),
        ("line:Cu-Ka", "Cu", 7e-3),
        ("line:O-Ka", "O", 1e-2),
        ("line:Pd-La@none", "Pd", 8e-2),
    ] {
        let atoms = specimen.element_map(element).unwrap();
        let scalarizer = parse(text);
        let mut points = Vec::new();
        for row in 0..image.height() {
            for column in 0..image.width() {
                let spectrum = specimen.expected_spectrum(row, column);
                let counts = scalarizer.reduce(&spectrum, coordinates, axis).unwrap();
                points.push((atoms.at(row, column), counts));
            }
        }
        let (slope, offset, correlation) = straight(&points);
        let most = points.iter().map(|p| p.1).fold(0.0, f64::max);
        let left = points.iter().map(|p| (p.1 - offset - slope * p.0).abs());
        let worst = left.fold(0.0, f64::max) / most;
        println!("{text}: correlation {correlation:.7}, {worst:.1e} of {most:.0} counts stay");
        assert!(slope > 0.0 && correlation > 0.999, "{text}: {correlation}");
        assert!(worst < stays, "{text}: {worst}");
        assert!(offset.abs() < stays * most, "{text}: {offset}");
    }
}

/// As `tests/instruments/beps_loops.py` computes them. Area and height are defined the same and
/// agree to rounding. Nucleation biases come from another definition, a fitted error function:
/// they are compared where that describes the branch, its step narrower than two steps of the
/// sweep, and in the median, to a step of the sweep.
#[test]
fn measured_loops_have_the_parameters_that_were_found_another_way() {
    let Some(spectra) = shared("beps/BEPS_PTO_50x50.h5") else {
        return;
    };
    let map = |text: &str| parse(text).map(&spectra).unwrap();
    let step = spectra.coordinates[1] - spectra.coordinates[0];
    let rows = table("beps-loops.csv");
    let number = |row: &[String], n: usize| row[n].parse::<f64>().unwrap();
    let at = |map: &Map, row: &[String]| {
        let pixel = |n: usize| row[n].parse::<usize>().unwrap();
        map.at(pixel(0), pixel(1))
    };
    for (column, text) in [(2, "loop-area"), (3, "loop-height")] {
        let map = map(text);
        for row in &rows {
            let (found, expected) = (at(&map, row), number(row, column));
            assert!(
                (found - expected).abs() <= 1e-9 * expected,
                "{text}: {row:?}, {found}"
            );
        }
    }
    for (column, text) in [(4, "nucleation-positive"), (7, "nucleation-negative")] {
        let map = map(text);
        assert_eq!(map.units, "V");
        let describes = |row: &&Vec<String>| {
            number(row, column + 1) < 2.0 * step && number(row, column + 2) < 0.05
        };
        let pairs = rows.iter().filter(describes);
        let pairs: Vec<_> = pairs
            .map(|row| (number(row, column), at(&map, row)))
            .collect();
        let apart: Vec<f64> = pairs.iter().map(|pair| (pair.0 - pair.1).abs()).collect();
        let within = apart.iter().filter(|&&apart| apart <= step).count();
        let middle = median(apart);
        println!(
            "{text}: {} loops, {middle:.2} V apart, {within} within {step} V",
            pairs.len()
        );
        assert!(pairs.len() >= 20, "{text}: {} loops", pairs.len());
        assert!(middle < step, "{text}: {middle}");
        assert!(
            3 * within > 2 * pairs.len(),
            "{text}: {within} of {}",
            pairs.len()
        );
    }
}

/// HyperSpy's figures for one line at one place.
struct Figures {
    windows: kernel::Scalarizer,
    place: Option<(usize, usize)>,
    plain: f64,
    net: f64,
}

impl Figures {
    fn read(row: &[String]) -> Self {
        let window = |n: usize| kernel::Window {
            start: row[n].parse().unwrap(),
            end: row[n + 1].parse().unwrap(),
        };
        Self {
            windows: kernel::Scalarizer {
                signal: window(1),
                background: Some((window(3), window(5))),
            },
            place: row[7].parse().ok().zip(row[8].parse().ok()),
            plain: row[9].parse().unwrap(),
            net: row[10].parse().unwrap(),
        }
    }
}

fn sum(spectrum: &[f64], window: kernel::Window) -> f64 {
    let channels = usize::from(window.start)..usize::from(window.end);
    spectrum[channels].iter().sum()
}

/// As `tests/instruments/hyperspy_lines.py` has them from HyperSpy, whose windows are as wide.
/// Two things differ. HyperSpy rounds the ends of a window to channels and leaves the last one
/// out, where a window here holds every channel whose energy lies within: at most one channel at
/// either end. And its background is the mean of both side windows together, where here it is the
/// value, in the middle of the window, of the straight line through the mean of each. On
/// HyperSpy's own channels the sums must be equal, and the net counts but for that difference; on
/// the host's own the map's net counts must agree to a fraction of the counting noise.
#[test]
fn lines_have_the_intensities_that_hyperspy_gives_them() {
    let Some(spectra) = shared("eds/haadf_eds_64_spectra.hspy") else {
        return;
    };
    let mut whole = vec![0.0; spectra.coordinates.len()];
    for row in 0..spectra.height() {
        for column in 0..spectra.width() {
            for (sum, value) in whole.iter_mut().zip(spectra.at(row, column)) {
                *sum += value;
            }
        }
    }
    for row in table("hyperspy-lines.csv") {
        let theirs = Figures::read(&row);
        let spectrum = theirs
            .place
            .map_or_else(|| whole.clone(), |(row, column)| spectra.at(row, column));
        let counts: Vec<f32> = spectrum.iter().map(|&count| count as f32).collect();
        let kernel::Scalarizer { signal, background } = theirs.windows;
        let (below, above) = background.unwrap();
        assert_eq!(sum(&spectrum, signal), theirs.plain, "{row:?}");

        let width = |window: kernel::Window| f64::from(window.end - window.start);
        let middle = |window: kernel::Window| 0.5 * f64::from(window.start + window.end);
        let share = (middle(signal) - middle(below)) / (middle(above) - middle(below));
        let pooled = width(above) / (width(below) + width(above));
        let slope = sum(&spectrum, above) / width(above) - sum(&spectrum, below) / width(below);
        let explained = width(signal) * slope * (pooled - share);
        let ours = theirs.windows.response(&counts);
        assert!((ours - theirs.net - explained).abs() < 1e-9, "{row:?}");

        let reduce = |text: &str| {
            let reduced = parse(text).reduce(&spectrum, &spectra.coordinates, &spectra.channels);
            reduced.unwrap()
        };
        let line = parse(&format!("line:{}", row[0]));
        let form = line
            .on_controller(&spectra.coordinates, &spectra.channels)
            .unwrap();
        assert!(form.signal.start.abs_diff(signal.start) <= 1, "{row:?}");
        assert!(form.signal.end.abs_diff(signal.end) <= 1, "{row:?}");
        assert_eq!(reduce(&format!("{line}@none")), sum(&spectrum, form.signal));
        if theirs.place.is_none() {
            // Poisson: the variance of a sum is the sum, that of the background scaled twice.
            let sides = sum(&spectrum, below) + sum(&spectrum, above);
            let scale = width(signal) / (width(below) + width(above));
            let noise = (theirs.plain + scale.powi(2) * sides).sqrt();
            let net = reduce(&line.to_string());
            println!(
                "{line}: {net:.1} here, {:.1} in HyperSpy, noise {noise:.1}",
                theirs.net
            );
            assert!((net - theirs.net).abs() < 0.4 * noise, "{line}: {net}");
        }
    }
}

//! Registration on images of specimens that moved by known shifts.

use std::sync::Arc;

use super::*;
use crate::microscope::{Microscope as _, SimulatedBeam, SpecimenMicroscope};
use crate::specimen::{Specimen, SpecimenKind};

/// Two overviews of a specimen, with noise of their own, between which it drifts by `pixels`
/// towards `degrees`, and by how much along rows and columns.
fn moved(specimen: &Arc<dyn Specimen>, pixels: f64, degrees: f64) -> (Map, Map, (f64, f64)) {
    // A minute from one overview to the next, whose own time is left out.
    let config = SimulatedBeam {
        drift_px_per_min: pixels,
        drift_direction_degrees: degrees,
        overhead_ms: 60_000.0 - 4096.0 * 1e-3 * SimulatedBeam::OVERVIEW_DWELL_US,
        ..SimulatedBeam::default()
    };
    let specimen = Arc::clone(specimen);
    let mut microscope = SpecimenMicroscope::new(specimen, config, None, None).unwrap();
    let [first, second] = [(); 2].map(|()| microscope.overview().unwrap());
    let (sin, cos) = degrees.to_radians().sin_cos();
    (first, second, (pixels * sin, pixels * cos))
}

fn error(shift: Shift, (rows, columns): (f64, f64)) -> f64 {
    (shift.rows - rows).hypot(shift.columns - columns)
}

/// The part of an image whose left half the beam has faded to a share of its brightness.
fn faded(mut map: Map, share: f64) -> Map {
    let width = map.width();
    for line in map.values.chunks_exact_mut(width) {
        for value in &mut line[..width / 2] {
            *value *= share;
        }
    }
    map
}

/// Oracle: the drift that the simulated beam was given.
#[test]
fn shifts_of_every_specimen_are_told_to_a_tenth_of_a_pixel() {
    for kind in SpecimenKind::ALL {
        let (mut errors, mut damaged, mut n) = (0.0, 0.0, 0.0);
        for seed in 0..4 {
            let specimen = kind.config(seed).make().unwrap();
            for step in 0..6 {
                let pixels = 0.37 + 1.5 * f64::from(step);
                let degrees = 57.0 * f64::from(step) + 11.0 * seed as f64;
                let (first, second, truth) = moved(&specimen, pixels, degrees);
                let shift = register(&first, &second).unwrap();
                assert!(
                    shift.is_trusted(),
                    "{kind}:{seed} {pixels} {degrees}: {shift:?}"
                );
                errors += error(shift, truth);
                let shift = register(&first, &faded(second, 0.4)).unwrap();
                assert!(
                    shift.is_trusted(),
                    "{kind}:{seed} {pixels} {degrees}: {shift:?}"
                );
                damaged += error(shift, truth);
                n += 1.0;
            }
        }
        assert!(errors / n < 0.1, "{kind}: {}", errors / n);
        assert!(damaged / n < 0.15, "{kind}: {}", damaged / n);
    }
}

#[test]
fn an_image_has_not_moved_from_itself() {
    for kind in SpecimenKind::ALL {
        let image = kind.config(1).make().unwrap().image().clone();
        let shift = register(&image, &image).unwrap();
        assert!(
            shift.rows.abs() < 0.05 && shift.columns.abs() < 0.05,
            "{shift:?}"
        );
        assert!(
            shift.correlation > 1.0 - 1e-9 && shift.is_trusted(),
            "{shift:?}"
        );
    }
}

#[test]
fn images_of_other_samples_noise_and_lattices_are_not_trusted() {
    for kind in SpecimenKind::ALL {
        let images: Vec<Map> = (0..6)
            .map(|seed| kind.config(seed).make().unwrap().image().clone())
            .collect();
        for (i, reference) in images.iter().enumerate() {
            for fresh in images.iter().skip(i + 1) {
                let shift = register(reference, fresh).unwrap();
                assert!(!shift.is_trusted(), "{kind}: {shift:?}");
            }
        }
    }
    let map = |value: &dyn Fn(f64, f64) -> f64| {
        let values = (0..64 * 64).map(|i| value(f64::from(i / 64), f64::from(i % 64)));
        Map::uncalibrated(64, 64, values.collect(), "image")
    };
    let hash =
        |y: f64, x: f64, key: f64| (libm::sin(12.9898 * x + 78.233 * y + key) * 43758.5).fract();
    let (one, other) = (map(&|y, x| hash(y, x, 0.1)), map(&|y, x| hash(y, x, 0.7)));
    assert!(!register(&one, &other).unwrap().is_trusted());
    let lattice = |by: f64| map(&move |y, x| libm::cos(1.25 * (x - by)) + libm::cos(1.25 * y));
    assert!(!register(&lattice(0.0), &lattice(1.0)).unwrap().is_trusted());
}

/// A shift by more than half the frame looks like one the other way round where images wrap.
#[test]
fn a_sample_that_went_too_far_is_not_found_on_the_other_side() {
    for kind in SpecimenKind::ALL {
        let specimen = kind.config(2).make().unwrap();
        for pixels in [40.0, 52.0, 60.0] {
            let (first, second, _) = moved(&specimen, pixels, 0.0);
            let shift = register(&first, &second).unwrap();
            assert!(!shift.is_trusted(), "{kind} {pixels}: {shift:?}");
        }
    }
}

#[test]
fn images_that_tell_nothing_are_refused_by_name() {
    let map = |height, width, values| Map::uncalibrated(height, width, values, "image");
    let ramp: Vec<f64> = (0..400).map(f64::from).collect();
    let good = map(20, 20, ramp.clone());
    let refused =
        |reference: &Map, fresh: &Map| register(reference, fresh).unwrap_err().to_string();
    let error = refused(&good, &map(16, 25, ramp.clone()));
    assert!(
        error.contains("16 x 25") && error.contains("20 x 20"),
        "{error}"
    );
    let error = refused(&good, &map(20, 20, vec![7.5; 400]));
    assert!(
        error.starts_with("the fresh overview is 7.5 everywhere"),
        "{error}"
    );
    let mut spoilt = ramp.clone();
    spoilt[21] = f64::NAN;
    let error = refused(&map(20, 20, spoilt), &good);
    assert!(
        error.starts_with("the reference overview is NaN at row 1, column 1"),
        "{error}"
    );
    let narrow = map(40, 10, ramp);
    let error = refused(&narrow, &narrow);
    assert!(
        error.contains("40 x 10 pixels; expected at least 16 x 16"),
        "{error}"
    );
}

//! What a simulated beam does to a specimen, through the trait of every instrument.

use super::*;
use crate::specimen::SpecimenChoice;

fn specimen(name: &str) -> Arc<dyn Specimen> {
    let choice: SpecimenChoice = name.parse().unwrap();
    choice.config().make().unwrap()
}

fn microscope(name: &str, config: SimulatedBeam) -> SpecimenMicroscope {
    SpecimenMicroscope::new(specimen(name), config, None, None).unwrap()
}

fn pixel(row: f64, column: f64) -> Position {
    Position::of_pixel(row, column, 64, 64)
}

fn acquire_at(microscope: &mut SpecimenMicroscope, position: Position, key: usize) -> Acquired {
    microscope.move_to(position).unwrap();
    let dwell = microscope.dwell();
    microscope.acquire(dwell, &key.to_string()).unwrap()
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

#[test]
fn an_exposure_in_real_time_that_is_given_up_does_not_take_its_time() {
    let config = SimulatedBeam {
        real_time: true,
        ..SimulatedBeam::default()
    };
    let mut microscope = microscope("nanoparticles", config);
    let interrupt = Interrupt::default();
    microscope.set_interrupt(interrupt.clone());
    microscope.fast_forward(&[Past::Overview]);
    interrupt.ask();
    microscope.overview().unwrap();
    interrupt.ask();
    // Hours that nobody would wait for.
    let error = microscope.acquire(Duration::from_secs(10_000), "k");
    let error = error.unwrap_err();
    assert!(matches!(error, MicroscopeError::Aborted { .. }), "{error}");
    assert!(!error.is_passing());
}

#[test]
fn a_still_fresh_specimen_is_measured_as_it_is_bit_for_bit() {
    for kind in SpecimenKind::ALL {
        let mut microscope = microscope(kind.name(), SimulatedBeam::default());
        let specimen = specimen(kind.name());
        assert_eq!(microscope.overview().unwrap(), *specimen.image());
        for key in 0..20 {
            let (row, column) = (3 * key, 63 - 2 * key);
            let place = pixel(row as f64, column as f64);
            let acquired = acquire_at(&mut microscope, place, key);
            assert_eq!(acquired.spectrum, specimen.spectrum(row, column), "{kind}");
            assert_eq!(
                microscope.true_pixel(),
                Some((row as f64, column as f64)),
                "{kind}"
            );
        }
        let target = kind.target().parse().unwrap();
        let truth = microscope.truth(&target).unwrap();
        let expected = specimen.expected_spectrum(40, 21);
        let value = target.reduce(&expected, specimen.coordinates(), specimen.channels());
        assert_eq!(truth.at(40, 21), value.unwrap());
        assert_eq!(microscope.behaviours(), specimen.behaviours());
        assert_eq!(microscope.channels(), specimen.recorded());
        let off_the_axis = "window:1000..2000".parse().unwrap();
        assert!(microscope.truth(&off_the_axis).is_none(), "{kind}");
    }
}

/// Frames whose width is no power of two: fractions of them are rounded.
#[test]
fn rounded_fractions_of_the_frame_are_whole_pixels() {
    let config = crate::specimen::FerroelectricConfig {
        height: 48,
        width: 50,
        ..Default::default()
    };
    let film = crate::specimen::SpecimenConfig::Ferroelectric(config);
    let film = film.make().unwrap();
    let mut microscope =
        SpecimenMicroscope::new(film.clone(), SimulatedBeam::default(), None, None).unwrap();
    for key in 0..48 {
        let place = Position::of_pixel(key as f64, (key + 1) as f64, 48, 50);
        let acquired = acquire_at(&mut microscope, place, key);
        assert_eq!(acquired.spectrum, film.spectrum(key, key + 1));
    }
}

/// Oracle: mean and variance of a Poisson variable are its parameter, here that of `dose` times
/// the specimen's counts; their standard errors over n repeats are √(λ/n) and λ√(2/n).
#[test]
fn counts_are_poisson_and_grow_with_current_and_dwell() {
    for (current, dwell) in [(1000.0, 2.0), (250.0, 2.0), (1000.0, 4.0)] {
        let dose = current * dwell / 2000.0;
        let mut microscope = SpecimenMicroscope::new(
            specimen("nanoparticles"),
            SimulatedBeam::default(),
            Some(current),
            Some(Duration::from_secs_f64(dwell)),
        )
        .unwrap();
        assert_eq!(microscope.beam().current, Picoamperes::new(current).ok());
        // Between four pixels: a mix of them.
        let place = pixel(20.5, 31.5);
        let expected = dose
            * [(20, 31), (20, 32), (21, 31), (21, 32)]
                .map(|(row, column)| sum(&microscope.specimen().expected_spectrum(row, column)))
                .iter()
                .sum::<f64>()
            / 4.0;
        let n = 300;
        let counts: Vec<f64> = (0..n)
            .map(|key| sum(&acquire_at(&mut microscope, place, key).spectrum))
            .collect();
        let mean = sum(&counts) / n as f64;
        let squares = counts.iter().map(|count| (count - mean).powi(2));
        let variance = squares.sum::<f64>() / (n - 1) as f64;
        let error = (expected / n as f64).sqrt();
        assert!((mean - expected).abs() < 4.0 * error, "{mean} {expected}");
        let error = (2.0 / n as f64).sqrt();
        assert!(
            (variance / expected - 1.0).abs() < 4.0 * error,
            "{variance}"
        );
        let truth = microscope.truth(&Scalarizer::Sum).unwrap().at(20, 31);
        let own = sum(&microscope.specimen().expected_spectrum(20, 31));
        assert!((truth / (dose * own) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn detectors_add_up_to_the_spectrum_and_take_unequal_shares() {
    let mut microscope = microscope("nanoparticles", SimulatedBeam::default());
    let mut totals = [0.0; 4];
    for key in 0..50 {
        let acquired = acquire_at(&mut microscope, pixel(key as f64, 30.0), key);
        assert_eq!(sum(&acquired.detectors), sum(&acquired.spectrum));
        for (total, counts) in totals.iter_mut().zip(&acquired.detectors) {
            *total += counts;
        }
    }
    assert!(totals.windows(2).all(|pair| pair[0] > 1.05 * pair[1]));
    for single in ["plasmonic", "ferroelectric"] {
        let mut microscope = self::microscope(single, SimulatedBeam::default());
        let acquired = acquire_at(&mut microscope, pixel(5.0, 5.0), 0);
        assert!(acquired.detectors.is_empty(), "{single}");
    }
}

/// Oracle: n counts of the busiest detector in the live time L take L + n τ; no counts are lost,
/// since it is the live time that is asked for.
#[test]
fn dead_time_lengthens_the_exposure_and_changes_no_counts() {
    let mut exposures = [0.0, 50.0].map(|dead_time_us| {
        let config = SimulatedBeam {
            dead_time_us,
            ..SimulatedBeam::default()
        };
        let mut microscope = microscope("nanoparticles", config);
        acquire_at(&mut microscope, pixel(30.0, 30.0), 0)
    });
    let [live, dead] = &mut exposures;
    assert_eq!((live.live_time.get(), live.real_time.get()), (2.0, 2.0));
    let busiest = dead.detectors.iter().copied().fold(0.0, f64::max);
    assert!((dead.real_time.get() - (2.0 + 50e-6 * busiest)).abs() < 1e-12);
    assert!(dead.real_time.get() > 2.01);
    dead.real_time = live.real_time;
    assert_eq!(live, dead);
}

/// Oracle: the sum of what is waited for.
#[test]
fn time_passes_with_what_the_instrument_does() {
    let config = SimulatedBeam {
        settle_ms: 3.0,
        overhead_ms: 40.0,
        overview_dwell_us: 20.0,
        ..SimulatedBeam::default()
    };
    let mut microscope = microscope("plasmonic", config);
    microscope.overview().unwrap();
    let scanned = 0.040 + 4096.0 * 20e-6;
    assert!((microscope.elapsed_seconds() - scanned).abs() < 1e-12);
    let real = acquire_at(&mut microscope, pixel(30.0, 30.0), 0).real_time;
    let acquired = scanned + 0.043 + real.get();
    assert!((microscope.elapsed_seconds() - acquired).abs() < 1e-12);
    // The same key is the same acquisition, whose answer was lost.
    let again = acquire_at(&mut microscope, pixel(30.0, 30.0), 0);
    assert_eq!(again.real_time, real);
    assert!((microscope.elapsed_seconds() - acquired).abs() < 1e-12);
}

/// Oracle: the accelerated instrument; how long it took is not asserted, only that it took no
/// less than was counted.
#[test]
fn real_time_answers_as_accelerated_time_does() {
    let [counted, slept] = [false, true].map(|real_time| {
        let config = SimulatedBeam {
            real_time,
            ..drifting()
        };
        let mut microscope = microscope("plasmonic", config);
        let began = std::time::Instant::now();
        let image = microscope.overview().unwrap();
        let acquired = acquire_at(&mut microscope, pixel(30.0, 30.0), 0);
        if real_time {
            assert!(began.elapsed().as_secs_f64() >= microscope.elapsed_seconds());
        }
        (image, acquired, microscope.elapsed_seconds())
    });
    assert_eq!(counted, slept);
}

fn drifting() -> SimulatedBeam {
    SimulatedBeam {
        drift_px_per_min: 2.0,
        drift_walk_px: 1.5,
        damage_dose: Some(1e5),
        ..SimulatedBeam::default()
    }
}

/// Oracle: the beam is where it was told to go, less what the sample has moved.
#[test]
fn the_beam_lands_where_the_drift_leaves_it() {
    let config = SimulatedBeam {
        drift_px_per_min: 60.0,
        drift_direction_degrees: 90.0,
        settle_ms: 0.0,
        overhead_ms: 0.0,
        ..SimulatedBeam::default()
    };
    let mut microscope = microscope("nanoparticles", config);
    microscope.overview().unwrap();
    acquire_at(&mut microscope, pixel(30.0, 20.0), 0);
    let (row, column) = microscope.true_pixel().unwrap();
    // From the middle of the scan to the middle of the exposure of 2 s, at 1 pixel per second.
    let seconds = 0.5 * 4096.0 * 10e-6 + 1.0;
    assert!((row - (30.0 - seconds)).abs() < 1e-9, "{row}");
    assert!((column - 20.0).abs() < 1e-9, "{column}");
    let (rows, columns) = microscope.drift();
    assert!(rows > 2.0 && columns.abs() < 1e-9);
}

/// Oracle: the expected image itself, moved by hand by whole pixels.
#[test]
fn a_later_overview_shows_the_drift_with_noise_of_its_own() {
    for kind in SpecimenKind::ALL {
        let config = SimulatedBeam {
            drift_px_per_min: 60.0,
            drift_direction_degrees: 0.0,
            overhead_ms: 4000.0 - 4096.0 * 10e-3,
            ..SimulatedBeam::default()
        };
        let mut microscope = microscope(kind.name(), config);
        let first = microscope.overview().unwrap();
        let second = microscope.overview().unwrap();
        let (rows, columns) = microscope.drift();
        // To the end of the second scan.
        assert!(rows.abs() < 1e-9 && (columns - 4.0).abs() < 0.03);
        let rms = |shift: usize, map: &Map| {
            let columns = 60;
            let squares = (0..64 * columns).map(|i| {
                let (row, column) = (i / columns, i % columns);
                (second.at(row, column + shift) - map.at(row, column)).powi(2)
            });
            (squares.sum::<f64>() / (64 * columns) as f64).sqrt()
        };
        let expected = Map {
            values: microscope.specimen().expected_image().to_vec(),
            ..first.clone()
        };
        assert!(rms(4, &expected) < 0.5 * rms(0, &expected), "{kind}");
        // Noise of both: fresh, else there would be none.
        let ratio = rms(4, &first) / rms(4, &expected);
        assert!((ratio - 2f64.sqrt()).abs() < 0.05, "{kind}: {ratio}");
    }
}

#[test]
fn reliving_the_past_goes_on_as_if_nothing_had_happened() {
    for name in ["nanoparticles:4", "plasmonic:2"] {
        let mut lived = microscope(name, drifting());
        let mut past = Vec::new();
        for key in 0..12 {
            if key % 5 == 0 {
                lived.overview().unwrap();
                past.push(Past::Overview);
            }
            let place = pixel(20.0 + (key % 3) as f64, 30.25);
            acquire_at(&mut lived, place, key);
            past.push(Past::Acquisition(place, lived.dwell()));
        }
        let mut reborn = microscope(name, drifting());
        // Whatever it did before is forgotten.
        reborn.overview().unwrap();
        reborn.fast_forward(&past);
        assert_eq!(reborn.elapsed_seconds(), lived.elapsed_seconds());
        assert_eq!(reborn.true_pixel(), lived.true_pixel());
        assert_eq!(reborn.overview(), lived.overview());
        for key in 20..24 {
            let place = pixel(21.0, 30.0);
            let [a, b] = [&mut lived, &mut reborn].map(|m| acquire_at(m, place, key));
            assert_eq!(a, b);
        }
    }
}

/// Oracle: the law of the decay on the dose from current, time and area, e = 1.602176634e-19 C.
#[test]
fn the_signal_fades_with_the_dose_per_area_where_the_beam_was() {
    let characteristic = 2e5;
    let config = SimulatedBeam {
        damage_dose: Some(characteristic),
        damage_floor: 0.3,
        dead_time_us: 0.0,
        ..SimulatedBeam::default()
    };
    let mut microscope = microscope("plasmonic", config);
    let place = pixel(32.0, 32.0);
    let expected = sum(&microscope.specimen().expected_spectrum(32, 32));
    // 100 pA for 0.1 s on a pixel of 3.75 nm.
    let dose = 100e-12 * 0.1 / 1.602_176_634e-19 / (37.5 * 37.5);
    let law = |doses: f64| 0.3 + 0.7 * (-doses * dose / characteristic).exp();
    for n in 0..25 {
        let counts = sum(&acquire_at(&mut microscope, place, n).spectrum);
        // The middle of the exposure stands for its mean.
        let faded = expected * law(n as f64 + 0.5);
        let error = (counts - faded).abs() / faded.sqrt();
        assert!(error < 4.5, "{n}: {counts} {faded}");
    }
    assert!(law(25.0) < 0.4);
    // Elsewhere the sample is fresh.
    let counts = sum(&acquire_at(&mut microscope, pixel(32.0, 34.0), 99).spectrum);
    let expected = sum(&microscope.specimen().expected_spectrum(32, 34)) * law(0.5);
    assert!((counts - expected).abs() < 4.5 * expected.sqrt());
}

#[test]
fn overviews_damage_the_whole_frame_and_show_it() {
    let config = SimulatedBeam {
        damage_dose: Some(100.0),
        damage_floor: 0.5,
        ..SimulatedBeam::default()
    };
    let mut microscope = microscope("nanoparticles", config);
    // 302 e/Å² each: 1000 pA for 10 µs on a pixel of 1.4375 nm.
    let images: Vec<f64> = (0..4)
        .map(|_| sum(&microscope.overview().unwrap().values))
        .collect();
    let fresh = sum(microscope.specimen().expected_image());
    for (n, image) in images.iter().enumerate() {
        let (from, to) = (3.02 * n as f64, 3.02 * (n + 1) as f64);
        let law = 0.5 + 0.5 * ((-from).exp() - (-to).exp()) / 3.02;
        assert!((image / fresh - law).abs() < 0.01, "{n}: {}", image / fresh);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let new = |name, config, current, dwell| {
        let made = SpecimenMicroscope::new(specimen(name), config, current, dwell);
        made.map(|_| ()).unwrap_err().to_string()
    };
    let default = SimulatedBeam::default;
    let error = new("plasmonic", default(), Some(0.0), None);
    assert!(
        error.starts_with("the beam current is 0; expected 0.001 to"),
        "{error}"
    );
    let error = new("plasmonic", default(), None, Some(Duration::ZERO));
    assert!(
        error.starts_with("the dwell is 0; expected 0.000001 to"),
        "{error}"
    );
    let error = new("ferroelectric", default(), Some(50.0), None);
    assert!(
        error.starts_with("the beam current is 50 pA; expected none"),
        "{error}"
    );
    let damaged = SimulatedBeam {
        damage_dose: Some(1e4),
        ..default()
    };
    let error = new("ferroelectric", damaged, None, None);
    assert!(
        error.starts_with("--damage-dose is 10000 e/Å²; expected none"),
        "{error}"
    );

    let mut microscope = microscope("plasmonic", default());
    let outside = Position { x: 1.01, y: 0.5 };
    let error = microscope.move_to(outside).unwrap_err();
    assert!(matches!(error, MicroscopeError::Outside { .. }), "{error}");
    assert!(microscope.acquire(Duration::ZERO, "key").is_err());
    assert_eq!(microscope.elapsed_seconds(), 0.0);
}

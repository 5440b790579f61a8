//! Components against independent computations.

use nalgebra::DMatrix;

use super::*;
use crate::data::{Axis, Spectra};
use crate::specimen::{Purpose, SpecimenKind, Stream};

fn axis(channels: usize) -> Axis {
    Axis::pixels("channel", channels)
}

fn target(text: &str) -> ComponentsTarget {
    text.parse().unwrap()
}

/// The spectra over numbered channels.
fn measured(text: &str, spectra: &[Vec<f64>]) -> MeasuredSpectra {
    let axis = axis(spectra.first().map_or(0, Vec::len));
    let mut measured = MeasuredSpectra::new(target(text), axis.values(), axis).unwrap();
    for spectrum in spectra {
        measured.add(spectrum).unwrap();
    }
    measured
}

fn learnt(text: &str, spectra: &[Vec<f64>]) -> Basis {
    measured(text, spectra).learn().unwrap()
}

/// Counts of three phases in random amounts; every seventh channel counts nothing.
fn counts(spectra: usize, channels: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut stream = Stream::new(seed, Purpose::Spectrum, [0, 0]);
    (0..spectra)
        .map(|_| {
            let amounts = [0; 3].map(|_| stream.uniform());
            (0..channels)
                .map(|channel| {
                    let place = channel as f64 / channels as f64;
                    let peak = |centre: f64| (-((place - centre) * 12.0).powi(2)).exp();
                    let peaks = [peak(0.2), peak(0.5), peak(0.6)];
                    let of_phases = amounts.iter().zip(peaks).map(|(a, peak)| 60.0 * a * peak);
                    let mean = 2.0 + of_phases.sum::<f64>();
                    if channel % 7 == 3 {
                        0.0
                    } else {
                        stream.poisson(mean)
                    }
                })
                .collect()
        })
        .collect()
}

/// Singular values and weights by a singular value decomposition of the scaled matrix itself (Golub and
/// Kahan's bidiagonalisation, where the tested code takes the eigenvectors of its products), with the sign
/// and the scale of the definition.
fn by_definition(spectra: &[Vec<f64>], is_counted: bool) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (rows, columns) = (spectra.len(), spectra[0].len());
    let matrix = DMatrix::from_fn(rows, columns, |i, j| spectra[i][j]);
    let root = |mean: f64| if mean > 0.0 { 1.0 / mean.sqrt() } else { 0.0 };
    let of_rows: Vec<f64> = matrix
        .row_iter()
        .map(|row| if is_counted { root(row.mean()) } else { 1.0 })
        .collect();
    let of_columns: Vec<f64> = matrix
        .column_iter()
        .map(|column| if is_counted { root(column.mean()) } else { 1.0 })
        .collect();
    let scaled = DMatrix::from_fn(rows, columns, |i, j| {
        of_rows[i] * matrix[(i, j)] * of_columns[j]
    });
    let svd = scaled.svd(false, true);
    let right = svd.v_t.unwrap();
    let mut order: Vec<usize> = (0..svd.singular_values.len()).collect();
    order.sort_by(|&a, &b| svd.singular_values[b].total_cmp(&svd.singular_values[a]));
    let weights = order.iter().map(|&k| {
        let vector: Vec<f64> = right.row(k).iter().copied().collect();
        let largest = vector
            .iter()
            .copied()
            .max_by(|a, b| a.abs().total_cmp(&b.abs()))
            .unwrap();
        let pairs = vector.iter().zip(&of_columns);
        pairs
            .map(|(v, scale)| v * largest.signum() * scale)
            .collect()
    });
    let values = order.iter().map(|&k| svd.singular_values[k]).collect();
    (values, weights.collect())
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * scale, "{a} {b} of {scale}");
    }
}

#[test]
fn components_are_those_of_the_singular_value_decomposition() {
    for (rows, channels, seed) in [(4, 40, 1), (60, 90, 2), (90, 20, 3)] {
        let spectra = counts(rows, channels, seed);
        let basis = learnt("spectrum:3", &spectra);
        assert_eq!(basis.weighting(), Weighting::Counting);
        let (values, weights) = by_definition(&spectra, true);
        assert_close(basis.singular_values(), &values[..3], 1e-12);
        for (found, expected) in basis.weights().iter().zip(&weights) {
            assert_close(found, expected, 1e-9);
        }
        let scores = basis.evaluate(&spectra[1]).unwrap();
        let expected = weights[..3].iter().map(|weights| {
            let products = weights.iter().zip(&spectra[1]).map(|(w, d)| w * d);
            products.sum()
        });
        assert_close(&scores, &expected.collect::<Vec<f64>>(), 1e-9);
    }
}

/// Oracle: as above, unweighted; a loop has numbers below 0.
#[test]
fn numbers_below_zero_are_no_counts_and_not_weighted() {
    let mut spectra = counts(30, 50, 4);
    for value in spectra.iter_mut().flatten() {
        *value -= 20.0;
    }
    let basis = learnt("spectrum:4", &spectra);
    assert_eq!(basis.weighting(), Weighting::Equal);
    let (values, weights) = by_definition(&spectra, false);
    assert_close(basis.singular_values(), &values[..4], 1e-12);
    for (found, expected) in basis.weights().iter().zip(&weights) {
        assert_close(found, expected, 1e-9);
    }
}

/// Channel 0 counts 10 000 with its noise of 100, channels 1 to 4 count 20 or nothing, by turns. Unweighted,
/// the noise of channel 0 outweighs what differs; weighted, it does not.
#[test]
fn the_noise_of_a_strong_line_does_not_hide_what_a_weak_one_tells() {
    let mut stream = Stream::new(5, Purpose::Spectrum, [0, 0]);
    let mut spectrum = |n: usize| -> Vec<f64> {
        let weak = if n.is_multiple_of(2) { 20.0 } else { 0.0 };
        let means = [10_000.0, weak, weak, weak, weak, 500.0, 500.0, 500.0];
        means.map(|mean| stream.poisson(mean)).to_vec()
    };
    let spectra: Vec<Vec<f64>> = (0..80).map(&mut spectrum).collect();
    let basis = learnt("spectrum:2", &spectra);
    let second = |n: usize| basis.evaluate(&spectra[n]).unwrap()[1];
    let least = (0..80).step_by(2).map(second).fold(f64::INFINITY, f64::min);
    let most = (1..80)
        .step_by(2)
        .map(second)
        .fold(f64::NEG_INFINITY, f64::max);
    assert!(least > most, "{least} {most}");
    let (_, unweighted) = by_definition(&spectra, false);
    let largest = (0..8).max_by(|&a, &b| unweighted[1][a].abs().total_cmp(&unweighted[1][b].abs()));
    assert!(
        largest != Some(1) && unweighted[1][1].abs() < 0.3,
        "{unweighted:?}"
    );
}

/// Oracle: the variance of a sum of independent counts, by many draws of the mean spectrum.
#[test]
fn components_of_the_mean_spectrum_have_the_variance_1() {
    let spectra = counts(100, 60, 6);
    let basis = learnt("spectrum:3", &spectra);
    let mean: Vec<f64> = (0..60)
        .map(|channel| spectra.iter().map(|s| s[channel]).sum::<f64>() / 100.0)
        .collect();
    let mut stream = Stream::new(7, Purpose::Spectrum, [1, 0]);
    let draws = 4000;
    let (mut sums, mut squares) = ([0.0; 3], [0.0; 3]);
    for _ in 0..draws {
        let spectrum: Vec<f64> = mean.iter().map(|&mean| stream.poisson(mean)).collect();
        for (k, value) in basis.evaluate(&spectrum).unwrap().into_iter().enumerate() {
            sums[k] += value;
            squares[k] += value * value;
        }
    }
    for (sum, square) in sums.into_iter().zip(squares) {
        let n = f64::from(draws);
        let variance = square / n - (sum / n).powi(2);
        // Five standard errors of a variance.
        assert!(
            (variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
            "{variance}"
        );
    }
}

#[test]
fn sign_and_order_are_fixed_and_threads_change_no_bit() {
    let spectra = counts(40, 200, 8);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| learnt("spectrum:5", &spectra))
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one, three);
    assert_eq!(one.identity(), three.identity());
    assert!(one.singular_values().is_sorted_by(|a, b| a >= b));
    let mean = |channel: usize| spectra.iter().map(|s| s[channel]).sum::<f64>() / 40.0;
    let roots: Vec<f64> = (0..200).map(|channel| mean(channel).sqrt()).collect();
    for weights in one.weights() {
        let vector: Vec<f64> = weights
            .iter()
            .zip(&roots)
            .map(|(w, root)| w * root)
            .collect();
        let most = vector.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let highest = vector.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(highest, most);
    }
}

#[test]
fn a_basis_is_due_when_half_as_many_spectra_were_measured_since() {
    let spectra = counts(60, 30, 9);
    let axis = axis(30);
    let mut measured = MeasuredSpectra::new(target("spectrum:3"), axis.values(), axis).unwrap();
    assert!(measured.is_empty());
    let mut changes = Vec::new();
    for spectrum in &spectra {
        measured.add(spectrum).unwrap();
        if measured.is_due() {
            changes.push(measured.update().unwrap());
        }
    }
    let at: Vec<usize> = changes.iter().map(|change| change.spectra).collect();
    assert_eq!(at, [3, 5, 8, 12, 18, 27, 41]);
    for (number, change) in changes.iter().enumerate() {
        let alone = learnt("spectrum:3", &spectra[..change.spectra]);
        assert_eq!(change.number, number + 1);
        assert_eq!(change.identity, alone.identity());
        assert_eq!(change.learnt_from, change.spectra);
        let json = serde_json::to_string(change).unwrap();
        assert_eq!(serde_json::from_str::<BasisChange>(&json).unwrap(), *change);
        let others = changes[..number].iter();
        assert!(
            others
                .into_iter()
                .all(|other| other.identity != change.identity)
        );
    }
    // Spectra behind the last change are evaluated under it, and it is still the last.
    assert_eq!(measured.len(), 60);
    assert_eq!(
        measured.basis().unwrap().identity(),
        changes.last().unwrap().identity
    );
}

/// Oracle: the definition of what is kept, on single numbers that say which spectrum they are.
#[test]
fn of_many_spectra_some_spread_evenly_are_kept() {
    let number = |n: usize| vec![1.0 + n as f64, 1.0];
    let all = 2 * CAPACITY + 100;
    let spectra: Vec<Vec<f64>> = (0..all).map(number).collect();
    let mut measured = measured("spectrum:1", &spectra);
    let change = measured.update().unwrap();
    // After 512 every second is kept, after 1024 every fourth: 0, 4, … 1120.
    assert_eq!((change.spectra, change.learnt_from), (all, all.div_ceil(4)));
    let every_fourth: Vec<Vec<f64>> = (0..all).step_by(4).map(number).collect();
    let basis = learnt("spectrum:1", &every_fourth);
    assert_eq!(measured.basis().unwrap().weights(), basis.weights());
}

#[test]
fn equal_spectra_have_one_component_and_the_others_are_zero() {
    let spectrum = counts(1, 25, 10).remove(0);
    let spectra = vec![spectrum; 12];
    let basis = learnt("spectrum:3", &spectra);
    assert_eq!((basis.rank(), basis.count()), (1, 3));
    let components = basis.evaluate(&spectra[0]).unwrap();
    assert!(components[0] > 0.0);
    assert_eq!(components[1..], [0.0, 0.0]);
}

#[test]
fn a_spectrum_of_zeros_among_others_changes_no_component() {
    let mut spectra = counts(20, 30, 11);
    let before = learnt("spectrum:2", &spectra);
    spectra.push(vec![0.0; 30]);
    let after = learnt("spectrum:2", &spectra);
    // The mean spectrum falls by a factor for all channels alike, and the weights rise by its root.
    let rise = (21.0_f64 / 20.0).sqrt();
    for (before, after) in before.weights().iter().zip(after.weights()) {
        let expected: Vec<f64> = before.iter().map(|weight| weight * rise).collect();
        assert_close(after, &expected, 1e-9);
    }
}

#[test]
fn channels_without_counts_have_no_weight_until_they_count() {
    let mut spectra = counts(20, 30, 12);
    assert_eq!(learnt("spectrum:2", &spectra).weights()[0][3], 0.0);
    spectra[7][3] = 4.0;
    assert!(learnt("spectrum:2", &spectra).weights()[0][3] > 0.0);
}

#[test]
fn what_cannot_be_learnt_from_is_refused_by_name() {
    let spectra = counts(2, 30, 13);
    let error = measured("spectrum:3", &spectra).update().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`spectrum:3` needs at least 3 spectra, found 2; measure 1 more first, or ask for spectrum:1 to \
         spectrum:2"
    );
    let none = MeasuredSpectra::new(target("spectrum:3"), axis(30).values(), axis(30));
    let error = none.unwrap().update().unwrap_err().to_string();
    assert!(
        error.ends_with("measure 3 more first, or no components exist without any"),
        "{error}"
    );

    let error = MeasuredSpectra::new(target("spectrum:9"), axis(4).values(), axis(4));
    assert_eq!(
        error.unwrap_err().to_string(),
        "`spectrum:9` needs at least 9 channels; the axis has 4: ask for spectrum:1 to spectrum:4"
    );
    let error = measured("spectrum:1", &vec![vec![0.0; 6]; 5]).update();
    let message = "all 5 spectra are zero in the 6 channels that count; expected one that is not";
    assert_eq!(error.unwrap_err().to_string(), message);

    let mut measured = measured("spectrum:2", &spectra);
    for wrong in [f64::NAN, f64::INFINITY, -1e101] {
        let mut spectrum = spectra[0].clone();
        spectrum[5] = wrong;
        let error = measured.add(&spectrum).unwrap_err().to_string();
        assert!(
            error.starts_with("channel 5 of a spectrum holds"),
            "{error}"
        );
        assert_eq!(measured.len(), 2);
    }
    let error = measured.add(&[1.0; 29]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a spectrum of 29 values on an axis of 30 channels; both must agree"
    );
}

#[test]
fn spectra_over_another_axis_are_refused() {
    let energies = Axis {
        units: "keV".to_owned(),
        scale: 0.1,
        ..Axis::pixels("Energy", 3)
    };
    let mut measured =
        MeasuredSpectra::new(target("spectrum:1"), energies.values(), energies.clone()).unwrap();
    measured.add(&[1.0, 2.0, 3.0]).unwrap();
    measured.update().unwrap();
    let basis = measured.basis().unwrap();
    assert_eq!(basis.check_axis(&energies.values(), &energies), Ok(()));
    let finer = Axis {
        scale: 0.05,
        ..energies.clone()
    };
    let volts = Axis {
        units: "V".to_owned(),
        ..energies.clone()
    };
    for other in [
        finer,
        volts,
        Axis {
            size: 4,
            ..energies
        },
    ] {
        let error = basis.check_axis(&other.values(), &other).unwrap_err();
        assert_eq!(
            measured.check_axis(&other.values(), &other),
            Err(error.clone())
        );
        let error = error.to_string();
        assert!(
            error.contains("axis `Energy` of 3 channels, 0..0.2 keV"),
            "{error}"
        );
    }
    let scan = Axis::pixels("y", 1);
    let values = vec![1.0; 3];
    let spectra = Spectra::new(scan.clone(), scan, axis(3), axis(3).values(), values);
    assert!(matches!(
        basis.maps(&spectra),
        Err(ComponentsError::OtherAxis { .. })
    ));
}

/// Losses with a zero loss of 90 % of all counts that varies much, and a feature at 12 eV.
#[test]
fn the_zero_peak_is_left_out_where_it_is_most_of_the_spectra_and_stays_so() {
    let losses = Axis {
        units: "eV".to_owned(),
        offset: -5.0,
        scale: 0.5,
        ..Axis::pixels("Energy loss", 60)
    };
    let energies = losses.values();
    let spectrum = |zero: f64, feature: f64| -> Vec<f64> {
        let peak = |ev: f64, at: f64, width: f64| (-((ev - at) / width).powi(2)).exp();
        let values = energies.iter();
        values
            .map(|&ev| (zero * peak(ev, 0.0, 0.8) + feature * peak(ev, 12.0, 3.0)).round())
            .collect()
    };
    let learn = |text: &str| {
        let mut measured =
            MeasuredSpectra::new(target(text), energies.clone(), losses.clone()).unwrap();
        for n in 0..12 {
            let (zero, feature) = (5000.0 + 900.0 * f64::from(n % 5), 40.0 + f64::from(n));
            measured.add(&spectrum(zero, feature)).unwrap();
        }
        let change = measured.update().unwrap();
        (measured, change)
    };
    let (mut without, change) = learn("spectrum:2");
    assert!(change.without_zero_peak);
    let basis = without.basis().unwrap();
    assert_eq!(basis.left_out(), Some((-3.0, 3.0)));
    for (energy, weight) in energies.iter().zip(&basis.weights()[0]) {
        let is_left_out = (-3.0..=3.0).contains(energy);
        assert!(!is_left_out || *weight == 0.0, "{energy} {weight}");
    }
    assert!(basis.weights()[0].iter().any(|weight| *weight > 0.0));
    // A thick place, where the zero loss is little: what was left out stays so.
    for _ in 0..60 {
        without.add(&spectrum(10.0, 4000.0)).unwrap();
    }
    assert!(without.update().unwrap().without_zero_peak);
    assert_eq!(without.basis().unwrap().left_out(), Some((-3.0, 3.0)));

    let (with, change) = learn("spectrum:2@zero-peak");
    assert!(!change.without_zero_peak);
    let basis = with.basis().unwrap();
    assert_eq!(basis.left_out(), None);
    assert!(basis.weights()[0][10] > 0.0, "{:?}", basis.weights()[0]);
}

#[test]
fn maps_of_an_image_are_its_spectra_one_by_one() {
    let specimen = SpecimenKind::Nanoparticles.config(2).make().unwrap();
    let (height, width) = (12, 10);
    let mut values = Vec::new();
    for pixel in 0..height * width {
        let spectrum = specimen.spectrum(20 + pixel / width, 20 + pixel % width);
        values.extend(spectrum.iter().map(|&counts| counts as f32));
    }
    // An interrupted scan.
    values[3 * 2048 + 100] = f32::NAN;
    let mut spectra = Spectra::new(
        Axis::pixels("y", height),
        Axis::pixels("x", width),
        specimen.channels().clone(),
        specimen.coordinates().to_vec(),
        values,
    );
    spectra.units = "counts".to_owned();
    let basis = Basis::of_all(target("spectrum:3"), &spectra).unwrap();
    // The axis begins at 0 keV, and nothing is there.
    assert_eq!((basis.rank(), basis.left_out()), (3, None));
    let maps = basis.maps(&spectra).unwrap();
    assert_eq!(maps.len(), 3);
    assert_eq!(
        (maps[2].quantity.as_str(), maps[2].units.as_str()),
        ("component 3", "√counts")
    );
    for (row, column) in (0..height * width).map(|i| (i / width, i % width)) {
        let one = basis.evaluate(&spectra.at(row, column)).unwrap();
        for (map, value) in maps.iter().zip(one) {
            let found = map.at(row, column);
            assert_eq!(found.to_bits(), value.to_bits());
            assert_eq!(found.is_nan(), (row, column) == (0, 3));
        }
    }
}

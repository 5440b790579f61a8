//! Scalarizers against arithmetic by hand and against `NumPy` on measured data.

use std::path::PathBuf;

use super::*;
use crate::data::files::{self, Dataset};

pub(super) fn axis(
    name: &str,
    units: &str,
    (offset, scale): (f64, f64),
    size: usize,
) -> (Axis, Vec<f64>) {
    let axis = Axis {
        name: name.to_owned(),
        units: units.to_owned(),
        offset,
        scale,
        size,
    };
    let coordinates = (0..size).map(|i| axis.value(i)).collect();
    (axis, coordinates)
}

pub(super) fn parse(text: &str) -> Scalarizer {
    text.parse().unwrap()
}

pub(super) fn shared(name: &str) -> Option<Spectra> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let file = root.join(name);
    if !file.is_file() {
        println!("skipped: shared data absent");
        return None;
    }
    match files::read(&file.to_string_lossy()).unwrap() {
        Dataset::Spectra(spectra) => Some(spectra),
        Dataset::Map(_) => panic!("{name} holds spectra"),
    }
}

pub(super) fn close(found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= 1e-9 * expected.abs().max(1e-12),
        "{found} is not {expected}"
    );
}

#[test]
fn text_and_scalarizer_agree() {
    for text in [
        "sum",
        "window:-0.5..1.25",
        "window:2.7..3",
        "line:Pd-La",
        "line:Cu-Ka",
        "line:Pd-La+Pd-Lb1",
        "line:Pd-La@none",
        "line:Pd-La+Au-Ma@linear",
        "lines:Pd",
        "lines:Ti@none",
        "window:2.7..3@linear",
        "window:2.7..3@two-window",
        "eels:532..580",
        "eels:532..580,450..520.5",
        "plasmon-energy:10..20",
        "plasmon-height:0.4..1.2",
        "loop-height",
        "loop-area",
        "nucleation-positive",
        "nucleation-negative",
    ] {
        assert_eq!(parse(text).to_string(), text);
    }
    for (text, printed) in [
        ("window:2.7..3.0@none", "window:2.7..3"),
        ("line:pd_la+PD-LA @two-window", "line:Pd-La"),
        ("lines:pd@two-window", "lines:Pd"),
    ] {
        assert_eq!(parse(text).to_string(), printed);
        assert_eq!(parse(text), parse(printed));
    }
    assert_eq!(parse("line:pd_la"), parse("line:Pd-La"));
}

#[test]
fn mistakes_say_what_is_accepted() {
    let message = |text: &str| text.parse::<Scalarizer>().unwrap_err().to_string();
    for text in ["peak", "loop:area", "", "Sum"] {
        assert!(
            message(text).contains("accepted are sum, window:LO..HI"),
            "{text}"
        );
    }
    for text in [
        "window:",
        "window:1",
        "window:2..1",
        "window:1..1",
        "window:a..2",
        "window:1..inf",
    ] {
        assert!(message(text).contains("LO below HI"), "{text}");
    }
    for text in ["plasmon-energy:", "plasmon-height:3..2"] {
        assert!(message(text).contains("as in plasmon-"), "{text}");
    }
    for text in [
        "eels:",
        "eels:2..1",
        "eels:0..10",
        "eels:-5..10",
        "eels:500..550,450",
        "eels:500..550,450..510",
        "eels:500..550,0..490",
        "eels:500..550,450..490,1..2",
    ] {
        assert!(
            message(text).contains("as in eels:530..570,450..520"),
            "{text}"
        );
    }
    for text in [
        "line:Pd-La@",
        "line:Pd-La@two",
        "window:1..2@none@linear",
        "sum@none",
        "eels:500..550@linear",
        "loop-height@none",
    ] {
        let message = message(text);
        assert!(message.contains("@none, @linear"), "{message}");
        assert!(message.contains(&format!("`{text}`")), "{message}");
    }
    assert!(message("lines:Xx").contains("one of Be B C"));
    assert!(message("line:Pd-La+").contains("Be B C"));
    assert!(message("line:Pd-La+Pd-Ma").contains("Pd-Ka, Pd-Kb, Pd-La"));
    assert!(message("line:Pd-Ma").contains("Pd-Ka, Pd-Kb, Pd-La"));
    assert!(message("line:Xx-Ka").contains("Be B C"));
}

#[test]
fn a_window_holds_its_ends() {
    let (axis, coordinates) = axis("Energy", "eV", (0.0, 1.0), 10);
    let spectrum: Vec<f64> = (0..10).map(f64::from).collect();
    let reduce = |text: &str| parse(text).reduce(&spectrum, &coordinates, &axis);
    assert_eq!(reduce("window:2..4"), Ok(9.0));
    assert_eq!(reduce("window:-5..1.5"), Ok(1.0));
    assert_eq!(reduce("sum"), Ok(45.0));
    assert_eq!(
        reduce("window:12..13").unwrap_err().to_string(),
        "`window:12..13` needs 12..13 eV; axis `Energy` runs over 0..9 eV"
    );
    assert_eq!(
        reduce("window:2.2..2.8").unwrap_err().to_string(),
        "`window:2.2..2.8`: no channel lies within 2.2..2.8 eV; neighbouring channels are up to 1 eV \
         apart"
    );
    let error = parse("sum")
        .reduce(&spectrum[1..], &coordinates, &axis)
        .unwrap_err();
    assert_eq!(
        error,
        ScalarizerError::Length {
            found: 9,
            expected: 10
        }
    );
}

/// A Gaussian of the detector's width over a sloping background: erf(2 √(ln 2)) = 0.981 46 of
/// it lies within ±1 FWHM, and the straight background vanishes exactly.
#[test]
fn a_line_is_counted_without_its_background() {
    for (units, per_kev) in [("keV", 1.0), ("eV", 1e3)] {
        let (axis, coordinates) = axis("Energy", units, (0.0, 0.001 * per_kev), 6000);
        let (energy, fwhm) = (2.83861, line_set::fwhm_kev(2.83861));
        let sigma = fwhm / (8.0 * 2.0_f64.ln()).sqrt();
        let gauss = |e: f64| (-0.5 * ((e - energy) / sigma).powi(2)).exp();
        let whole: f64 = coordinates.iter().map(|e| gauss(e / per_kev)).sum();
        let spectrum: Vec<f64> = coordinates
            .iter()
            .map(|e| 1000.0 * gauss(e / per_kev) / whole + 50.0 - 7.0 * e / per_kev)
            .collect();
        let net = parse("line:Pd-La")
            .reduce(&spectrum, &coordinates, &axis)
            .unwrap();
        assert!((net - 981.46).abs() < 1.0, "{net} {units}");
    }
}

/// 130 eV at Mn Kα by definition; 95 eV at Pd Lα.
#[test]
fn the_detector_resolves_as_its_formula_says() {
    assert_eq!(line_set::fwhm_kev(5.898_75), 0.130);
    let expected = (16900.0_f64 - 2.5 * (5898.75 - 2838.61)).sqrt() / 1000.0;
    assert!((line_set::fwhm_kev(2.838_61) - expected).abs() < 1e-12);
}

#[test]
fn a_line_needs_an_energy_axis_that_covers_it() {
    let reduce = |units: &str, text: &str| {
        let (axis, coordinates) = axis("Energy", units, (0.0, 0.01), 1000);
        parse(text).reduce(&[0.0; 1000], &coordinates, &axis)
    };
    assert_eq!(reduce("keV", "line:Pd-La"), Ok(0.0));
    let message = reduce("keV", "line:Pd-Ka").unwrap_err().to_string();
    assert!(
        message.ends_with("axis `Energy` runs over 0..9.99 keV"),
        "{message}"
    );
    assert!(
        message.starts_with(
            "`line:Pd-Ka`: Pd-Ka at 21.1771 keV needs 20.5903..21.7639 keV; of Pd, Pd-La, Pd-Lb1, \
             Pd-Ll, Pd-Lb2, Pd-Lg1 can be counted there"
        ),
        "{message}"
    );
    let message = reduce("keV", "line:Pd-La+U-Ka").unwrap_err().to_string();
    assert!(message.contains("U-Ka at 98.439 keV"), "{message}");
    let message = reduce("eV", "lines:Al").unwrap_err().to_string();
    assert_eq!(
        message,
        "`lines:Al`: no line of Al lies on the axis with its background (Al-Ka at 1486.7 eV); axis \
         `Energy` runs over 0..9.99 eV"
    );
    let message = reduce("V", "line:Pd-La").unwrap_err().to_string();
    assert!(
        message.contains("needs an energy axis in keV or eV"),
        "{message}"
    );
}

/// A square loop: ±1 with switching at ±4 V, swept over ±8 V in a triangle from 0.
pub(super) fn square_loop() -> (Vec<f64>, Vec<f64>) {
    let mut bias: Vec<f64> = (0..=8).chain((-8..8).rev()).map(f64::from).collect();
    bias.extend((-7..0).map(f64::from));
    let mut state = -1.0;
    let response = bias
        .iter()
        .map(|&v| {
            if v.abs() > 4.0 {
                state = v.signum();
            }
            state
        })
        .collect();
    (bias, response)
}

#[test]
fn a_square_loop_has_the_height_and_area_drawn() {
    let (bias, response) = square_loop();
    let (axis, _) = axis("Voltage", "V", (0.0, 1.0), bias.len());
    assert_eq!(
        parse("loop-height").reduce(&response, &bias, &axis),
        Ok(2.0)
    );
    // The branches switch between 4 and 5 V, so the polygon is 2 high and 9 wide.
    assert_eq!(parse("loop-area").reduce(&response, &bias, &axis), Ok(18.0));
    let mut spoilt = response.clone();
    spoilt[0] = 1000.0;
    assert_eq!(parse("loop-height").reduce(&spoilt, &bias, &axis), Ok(2.0));
}

#[test]
fn a_spectrum_is_no_loop() {
    let (axis, coordinates) = axis("Energy", "keV", (-1.0, 0.1), 40);
    for text in ["loop-height", "loop-area"] {
        for n in [0, 1, 2, 40] {
            let error = parse(text)
                .reduce(&[1.0; 40][..n], &coordinates[..n], &axis)
                .unwrap_err();
            assert!(
                error.to_string().contains("rises and falls through zero"),
                "{error}"
            );
        }
    }
}

/// As `.npy` gives them: the channels have numbers and no units.
#[test]
fn channels_that_are_only_numbered_are_called_so() {
    let (axis, coordinates) = axis("channel", "", (0.0, 1.0), 8);
    let message = |text: &str| {
        let reduced = parse(text).reduce(&[1.0; 8], &coordinates, &axis);
        reduced.unwrap_err().to_string()
    };
    for text in ["loop-height", "loop-area"] {
        assert_eq!(
            message(text),
            format!(
                "`{text}` needs a bias axis; axis `channel` only numbers the channels from 0. \
                 Loops with their bias are read from NSID and USID files (.h5), as written by \
                 pyNSID and pyUSID; .npy and .npz hold no axes"
            )
        );
    }
    assert_eq!(
        message("window:9..10"),
        "`window:9..10` needs 9..10; axis `channel` runs over 0..7 (channel numbers: the file \
         gives no axis)"
    );
    assert_eq!(
        message("window:2.2..2.8"),
        "`window:2.2..2.8`: no channel lies within 2.2..2.8 (channel numbers: the file gives no \
         axis); neighbouring channels are up to 1 apart"
    );
    let cut = |text: &str| parse(text).cut(&coordinates, &axis);
    assert_eq!(
        cut("window:2.7..3").as_deref(),
        Some("`window:2.7..3`: the file gives no axis, so that 2.7..3 are channel numbers, from 0")
    );
    assert_eq!(cut("window:2..3"), None);
    for text in ["window:", "peak"] {
        let error = text.parse::<Scalarizer>().unwrap_err().to_string();
        assert!(error.contains("channel numbers from 0"), "{error}");
    }
}

/// Sums computed with h5py and `NumPy` from the formulas in the documentation.
#[test]
fn measured_spectra_give_the_counts_that_numpy_gives() {
    let Some(spectra) = shared("eds/haadf_eds_64_spectra.hspy") else {
        return;
    };
    for (text, sum) in [
        ("sum", 26005.0),
        ("window:4.4..4.6", 2672.0),
        ("line:Ti-Ka", 2733.0),
        ("line:O-Ka", 2_036.916_666_666_666_7),
        ("line:Pd-La", 29.109_090_909_090_91),
        ("line:Cu-Ka", 29.050_000_000_000_008),
    ] {
        let map = parse(text).map(&spectra).unwrap();
        assert_eq!((map.height(), map.width()), (64, 64));
        assert_eq!(
            (map.quantity.as_str(), map.units.as_str()),
            (text, "Counts")
        );
        assert_eq!(map.rows.units, "µm");
        close(map.values.iter().sum(), sum);
    }
    assert!(parse("loop-area").map(&spectra).is_err());
}

/// As above, over the 50x50 measured loops.
#[test]
fn measured_loops_give_the_figures_that_numpy_gives() {
    let Some(spectra) = shared("beps/BEPS_PTO_50x50.h5") else {
        return;
    };
    let area = parse("loop-area").map(&spectra).unwrap();
    close(area.values.iter().sum(), 11.438_573_542_781_409);
    close(area.at(10, 20), 0.002_388_641_280_526_681_3);
    assert_eq!(area.units, "V a.u.");
    let height = parse("loop-height").map(&spectra).unwrap();
    close(height.values.iter().sum(), 0.673_486_761_208_144_8);
    close(height.at(49, 0), 0.003_417_284_084_185_107);
    assert_eq!(height.units, "a.u.");
}

/// Counts of 4 in 3 channels: a window of two has variance 8.
#[test]
fn counting_gives_a_sum_the_variance_of_its_counts() {
    let [rows, columns] = [("y", 2), ("x", 2)].map(|(name, size)| Axis::pixels(name, size));
    let channels = Axis::pixels("channel", 3);
    let of = |values: Vec<f32>| {
        let coordinates = vec![0.0, 1.0, 2.0];
        Spectra::new(
            rows.clone(),
            columns.clone(),
            channels.clone(),
            coordinates,
            values,
        )
    };
    let counts = of(vec![4.0; 12]);
    assert_eq!(parse("sum").counting_variance(&counts), Some(12.0));
    assert_eq!(parse("window:0..1").counting_variance(&counts), Some(8.0));
    assert_eq!(
        parse("plasmon-height:0..2").counting_variance(&counts),
        None
    );
    assert_eq!(parse("sum").counting_variance(&of(vec![0.5; 12])), None);
    assert_eq!(parse("sum").counting_variance(&of(vec![1.0; 12])), None);
}

#[test]
fn a_sum_that_is_mostly_the_zero_peak_says_so() {
    let [rows, columns] = [("y", 1), ("x", 1)].map(|(name, size)| Axis::pixels(name, size));
    let mut channels = Axis::pixels("Energy loss", 101);
    (channels.units, channels.offset) = ("eV".to_owned(), -10.0);
    let mut values = vec![1.0; 101];
    values[10] = 1000.0;
    let spectra = Spectra::new(rows, columns, channels.clone(), channels.values(), values);
    let told = parse("sum").zero_peak(&spectra).unwrap();
    assert!(
        told.contains("91 % of `sum`") && told.contains("above 3 eV"),
        "{told}"
    );
    assert_eq!(parse("window:5..50").zero_peak(&spectra), None);
    assert!(parse("window:-5..50").zero_peak(&spectra).is_some());
}

/// Windows are those that the number comes from: a count in one of them changes it, one beside them not.
#[test]
fn windows_are_where_a_count_changes_the_number() {
    let (eds, energies) = axis("Energy", "keV", (0.0, 0.01), 2048);
    let (eels, losses) = axis("Energy loss", "eV", (300.0, 0.5), 1200);
    for (text, axis, coordinates) in [
        ("line:Pd-La", &eds, &energies),
        ("line:Pd-La+Pd-Lb1@linear", &eds, &energies),
        ("lines:Cu@none", &eds, &energies),
        ("window:2700eV..3keV@two-window", &eds, &energies),
        ("window:2.7..3@linear", &eds, &energies),
        ("eels:532..580", &eels, &losses),
        ("eels:532..580,480..520", &eels, &losses),
    ] {
        let scalarizer = parse(text);
        let windows = scalarizer.windows(coordinates, axis).unwrap();
        let within = |ranges: &[(f64, f64)], x: f64| {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&x))
        };
        // A power law, so that a count more has its weight.
        let flat: Vec<f64> = coordinates.iter().map(|x| 1e3 / (1.0 + x)).collect();
        let number = |spectrum: &[f64]| scalarizer.reduce(spectrum, coordinates, axis).unwrap();
        let before = number(&flat);
        for channel in (0..coordinates.len()).step_by(3) {
            let mut spectrum = flat.clone();
            spectrum[channel] += 1.0;
            let x = coordinates[channel];
            let seen = within(&windows.signal, x) || within(&windows.background, x);
            let changed = (number(&spectrum) - before).abs() > 1e-6;
            assert_eq!(changed, seen, "{text} at {x}");
        }
    }
    assert_eq!(Scalarizer::Sum.windows(&energies, &eds), None);
}

//! Signals, their axes, and what is wrong with some.

use super::testing::{signal, signal_of, signal_with};
use crate::data::files::read_map;
use crate::data::files::testing::{close, named, shared, spectra, total, written};

#[test]
fn hyperspy_files_keep_axes_and_quantity() {
    if let Some(file) = shared("eds/haadf_eds_64_image.hspy") {
        let map = read_map(&file).unwrap();
        assert_eq!(
            (map.quantity.as_str(), map.rows.name.as_str()),
            ("HAADF", "height")
        );
        assert_eq!(
            (map.columns.units.as_str(), map.columns.scale),
            ("µm", 0.000_771_004_754_204_027)
        );
        close(map.values.iter().sum(), 141_288_352.0);
    }
    if let Some(file) = shared("eds/haadf_eds_64_spectra.hspy") {
        let spectra = spectra(&file);
        assert_eq!(
            spectra.channels,
            crate::data::Axis {
                name: "Energy".to_owned(),
                units: "keV".to_owned(),
                offset: -0.475_447_54,
                scale: 0.010_001,
                size: 2048,
            }
        );
        assert_eq!(
            (spectra.quantity.as_str(), spectra.units.as_str()),
            ("X-rays", "Counts")
        );
        close(total(&spectra), 26005.0);
        close(spectra.at(10, 20).iter().sum(), 6.0);
        assert!(
            read_map(&file)
                .unwrap_err()
                .to_string()
                .contains("64x64x2048")
        );
    }
}

#[test]
fn listed_axes_whole_offsets_and_missing_units_are_understood() {
    let (_folder, file) = written("cl.hspy", &signal([1, 1, 0]));
    let spectra = spectra(&format!("{file}#Experiments/CL"));
    assert_eq!(spectra.coordinates, [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(named(&spectra.channels), ("Wavelength", "nm"));
    assert_eq!((spectra.rows.offset, spectra.rows.scale), (5.0, 0.5));
    assert_eq!(spectra.columns.units, "");
    assert_eq!(spectra.at(1, 2), [20.0, 21.0, 22.0, 23.0]);
}

/// Value i of the file lies at 12 y + 4 x + e of stored axes (2, 3, 4).
#[test]
fn the_flags_of_axes_say_which_is_the_signal_wherever_it_is_stored() {
    let (_folder, file) = written("first.hspy", &signal([0, 1, 1]));
    let first = spectra(&file);
    assert_eq!(
        (first.height(), first.width(), first.channels.size),
        (3, 4, 2)
    );
    assert_eq!(first.at(1, 2), [6.0, 18.0]);
    assert_eq!(named(&first.channels), ("y", "nm"));
    assert_eq!((first.channels.offset, first.channels.scale), (5.0, 0.5));
    assert_eq!(first.columns.name, "Wavelength");
    let (_folder, file) = written("middle.hspy", &signal([1, 0, 1]));
    let middle = spectra(&file);
    assert_eq!((middle.height(), middle.width()), (2, 4));
    assert_eq!(middle.at(1, 3), [15.0, 19.0, 23.0]);
}

#[test]
fn an_axis_that_follows_an_expression_has_its_values() {
    let (_folder, file) = written("cl.hspy", &signal_with([1, 1, 0], Some("12 / x + k")));
    let spectra = spectra(&file);
    assert_eq!(spectra.coordinates, [12.5, 6.5, 4.5, 3.5]);
    assert_eq!(named(&spectra.channels), ("Wavelength", "nm"));
    let (_folder, file) = written("cl.hspy", &signal_with([1, 1, 0], Some("12 / q")));
    let message = read_map(&file).unwrap_err().to_string();
    assert!(
        message.contains("axis `Wavelength` follows `12 / q`: nothing is called `q`")
            && message.contains("convert_to_non_uniform_axis"),
        "{message}"
    );
}

/// 2 x 3 x 4 values, y and x of the scan, with one attribute of an axis as it is given.
fn with(axis: usize, name: &str, value: &hdf5_pure::AttrValue) -> Vec<u8> {
    use hdf5_pure::AttrValue::{F64, I8, I64, String as Text};
    let mut file = hdf5_pure::FileBuilder::new();
    let mut experiments = file.create_group("Experiments");
    let mut signal = experiments.create_group("a");
    let data: Vec<i16> = (0..24).collect();
    let stored = signal.create_dataset("data");
    stored.with_i16_data(&data).with_shape(&[2, 3, 4]);
    for (place, (called, size)) in [("y", 2), ("x", 3), ("E", 4)].into_iter().enumerate() {
        let mut group = signal.create_group(&format!("axis-{place}"));
        let attributes = [
            ("name", Text(called.to_owned())),
            ("units", Text("nm".to_owned())),
            ("navigate", I8(i8::from(place < 2))),
            ("offset", F64(1.0)),
            ("scale", F64(0.5)),
            ("size", I64(size)),
        ];
        for (key, usual) in attributes {
            let own = (place == axis && key == name).then(|| value.clone());
            group.set_attr(key, own.unwrap_or(usual));
        }
        signal.add_group(group.finish());
    }
    experiments.add_group(signal.finish());
    file.add_group(experiments.finish());
    file.finish().unwrap()
}

#[test]
fn an_axis_that_tells_no_place_is_refused_for_channels_and_told_for_pixels() {
    use crate::data::files::{Wanted, open};
    use hdf5_pure::AttrValue::{F64, String as Text};
    for (key, value, told) in [
        ("scale", F64(0.0), "the scale 0,"),
        ("scale", F64(f64::NAN), "the scale NaN,"),
        ("scale", F64(f64::INFINITY), "the scale inf,"),
        ("offset", F64(f64::NAN), "the offset NaN,"),
        ("scale", Text("0,5".to_owned()), "0,5"),
    ] {
        let (_folder, file) = written("a.hspy", &with(2, key, &value));
        let message = open(&file, Wanted::Any).unwrap_err().to_string();
        assert!(
            message.contains("axis `E` has the") && message.contains(told),
            "{message}"
        );
        assert!(message.contains("axes_manager[\"E\"]"), "{message}");
        let (_folder, file) = written("a.hspy", &with(1, key, &value));
        let signal = open(&file, Wanted::Any).unwrap();
        let warnings = signal.warnings();
        assert!(
            warnings.len() == 1 && warnings[0].contains("axis `x`") && warnings[0].contains(told),
            "{warnings:?}"
        );
        assert_eq!(signal.axes()[1].units, "px");
        assert_eq!(signal.axes()[0].units, "nm");
    }
    let (_folder, file) = written("a.hspy", &with(2, "scale", &F64(0.25)));
    assert_eq!(spectra(&file).coordinates, [1.0, 1.25, 1.5, 1.75]);
}

#[test]
fn axes_of_absurd_magnitudes_and_of_another_size_are_refused() {
    use hdf5_pure::AttrValue::{F64, I64};
    for (axis, key, value, told) in [
        (2, "scale", F64(1e-320), "steps of 1e-320"),
        (2, "scale", F64(1e307), "reaches 3e307"),
        (0, "scale", F64(1e-320), "steps of 1e-320"),
        (2, "offset", F64(1e300), "reaches 1e300"),
        (2, "offset", F64(1e17), "has steps of 5e-1 from 1e17 on"),
        (
            2,
            "size",
            I64(5),
            "says that it has 5 values, and the data have 4",
        ),
        (
            0,
            "size",
            I64(3),
            "says that it has 3 values, and the data have 2",
        ),
    ] {
        let (_folder, file) = written("a.hspy", &with(axis, key, &value));
        let message = read_map(&file).unwrap_err().to_string();
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn a_long_expression_is_shortened() {
    let long = format!("12 / q{}", " + x".repeat(10_000));
    let (_folder, file) = written("cl.hspy", &signal_with([1, 1, 0], Some(&long)));
    let message = read_map(&file).unwrap_err().to_string();
    assert!(
        message.contains("follows `12 / q + x") && message.len() < 1000,
        "{}",
        message.len()
    );
}

#[test]
fn a_stack_of_images_does_not_pass_for_spectra() {
    let error = read_map(&written("cl.hspy", &signal([1, 0, 0])).1).unwrap_err();
    let said = "2x3x4 (a stack of images), which HyperSpy makes spectra of: hs.load(";
    assert!(error.to_string().contains(said), "{error}");
}

#[test]
fn an_expression_may_have_parameters_that_are_called_as_those_of_an_even_axis() {
    let (_folder, file) = written(
        "cl.hspy",
        &signal_with([1, 1, 0], Some("scale * x**2 + offset")),
    );
    assert_eq!(spectra(&file).coordinates, [4.0, 13.0, 28.0, 49.0]);
}

#[test]
fn an_axis_that_does_not_list_its_places_is_refused() {
    for (listed, told) in [
        (
            [1.0, 2.0].as_slice(),
            "has the shape 2, and the data have 4",
        ),
        (&[1.0, f64::NAN, 2.0, 3.0], "has 4 values that are not 4"),
    ] {
        let (_folder, file) = written("cl.hspy", &signal_of([1, 1, 0], None, listed));
        let message = crate::data::files::read(&file).unwrap_err().to_string();
        assert!(
            message.contains("`Wavelength`") && message.contains(told),
            "{message}"
        );
    }
}

#[test]
fn units_stand_in_the_brackets_at_the_end() {
    for (text, expected) in [
        ("X-rays (Counts)", ("X-rays ", "Counts")),
        ("Signal (a) (log(Counts))", ("Signal (a) ", "log(Counts)")),
        ("Loss (zero) peak", ("Loss (zero) peak", "")),
        ("Odd)", ("Odd)", "")),
    ] {
        assert_eq!(super::with_units(text), expected);
    }
}

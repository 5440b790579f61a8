//! `HyperSpy`'s `.hspy`: one group per signal below `Experiments`, axes as groups of attributes.

use std::collections::HashMap;

use hdf5_pure::{AttrValue, Group};

use super::array::{Array, Dimension, squeezed};
use super::error::DatasetError;

/// Whether `path` is the data of a `HyperSpy` signal.
pub(super) fn is_main(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("Experiments") && parts.nth(1) == Some("data") && parts.next().is_none()
}

/// Fills in axes, quantity and units from the group of the signal. Its axes are numbered in
/// the order of the array, those of the scan before those of the signal.
///
/// # Errors
/// When the signal is a stack of images: a third dimension that is not the only one of the
/// signal.
pub(super) fn describe(array: &mut Array, signal: &Group) -> Result<(), DatasetError> {
    let mut of_signal = 0;
    for place in 0..array.shape.len() {
        let Ok(axis) = signal.group(&format!("axis-{place}")) else {
            continue;
        };
        let attributes = axis.attrs().unwrap_or_default();
        let navigate = attributes.get("navigate").and_then(AttrValue::as_i64);
        of_signal += usize::from(navigate == Some(0) && array.shape[place] > 1);
        if let Some(dimension) = dimension(&axis, place, array.shape[place]) {
            array.set_dimension(place, dimension);
        }
    }
    if squeezed(&array.shape).len() > 2 && of_signal > 1 {
        return Err(array.is_stack());
    }
    if let Some(channels) = turning_back(signal, array.shape.len().saturating_sub(1)) {
        array.set_dimension(array.shape.len() - 1, channels);
    }
    if array.shape.len() == 2 && of_signal == 1 {
        array.insert_column();
    }
    let general = attributes(signal, "metadata/General");
    array.quantity = text(&general, "title");
    // `Signal.quantity` reads "X-rays (Counts)": what, and its units.
    let quantity = text(&attributes(signal, "metadata/Signal"), "quantity");
    let (what, units) = quantity.split_once('(').unwrap_or((&quantity, ""));
    units
        .trim_end_matches(')')
        .trim()
        .clone_into(&mut array.units);
    if !what.trim().is_empty() {
        what.trim().clone_into(&mut array.quantity);
    }
    Ok(())
}

fn dimension(axis: &Group, place: usize, size: usize) -> Option<Dimension> {
    let attributes = axis.attrs().ok()?;
    let (name, units) = (text(&attributes, "name"), text(&attributes, "units"));
    let number = |key| {
        let value = attributes.get(key)?;
        value.as_f64().or_else(|| value.as_i64().map(|v| v as f64))
    };
    if let (Some(offset), Some(scale)) = (number("offset"), number("scale")) {
        return Some(Dimension::uniform(
            place,
            size,
            (&name, &units),
            (offset, scale),
        ));
    }
    // A `DataAxis` lists its values instead.
    let coordinates = match attributes.get("axis") {
        Some(listed) => listed.to_f64s()?,
        None => axis.dataset("axis").ok()?.read_f64().ok()?,
    };
    Some(Dimension::listed(place, (&name, &units), coordinates))
}

/// The channels of a sweep that turns back, which no axis of `HyperSpy` can hold: results of this
/// program have them in `metadata/Channels`.
fn turning_back(signal: &Group, place: usize) -> Option<Dimension> {
    let attributes = attributes(signal, "metadata/Channels");
    let coordinates = attributes.get("coordinates")?.to_f64s()?;
    let (name, units) = (text(&attributes, "name"), text(&attributes, "units"));
    Some(Dimension::listed(place, (&name, &units), coordinates))
}

fn attributes(group: &Group, path: &str) -> HashMap<String, AttrValue> {
    let inner = group.group(path);
    inner.and_then(|inner| inner.attrs()).unwrap_or_default()
}

/// A text attribute; `HyperSpy`'s words for "none" become empty.
fn text(attributes: &HashMap<String, AttrValue>, name: &str) -> String {
    let text = attributes
        .get(name)
        .and_then(AttrValue::as_str)
        .unwrap_or_default();
    if matches!(text, "_None_" | "<undefined>" | "None") {
        String::new()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
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

    /// A signal of 2 x 3 x 4 values, its last axis listed; `navigate` for each axis.
    fn signal(navigate: [i8; 3]) -> Vec<u8> {
        use hdf5_pure::AttrValue::{F64, I8, I64, String as Text};
        let mut file = hdf5_pure::FileBuilder::new();
        let mut experiments = file.create_group("Experiments");
        let mut signal = experiments.create_group("CL");
        let data: Vec<i16> = (0..24).collect();
        signal
            .create_dataset("data")
            .with_i16_data(&data)
            .with_shape(&[2, 3, 4]);
        for (place, name) in ["y", "x", "Wavelength"].into_iter().enumerate() {
            let mut axis = signal.create_group(&format!("axis-{place}"));
            axis.set_attr("name", Text(name.to_owned()));
            axis.set_attr(
                "units",
                Text(if place == 1 { "_None_" } else { "nm" }.to_owned()),
            );
            axis.set_attr("navigate", I8(navigate[place]));
            if place < 2 {
                axis.set_attr("offset", I64(5));
                axis.set_attr("scale", F64(0.5));
            } else {
                axis.create_dataset("axis")
                    .with_f64_data(&[1.0, 2.0, 4.0, 8.0]);
            }
            signal.add_group(axis.finish());
        }
        experiments.add_group(signal.finish());
        file.add_group(experiments.finish());
        file.finish().unwrap()
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

    #[test]
    fn a_stack_of_images_does_not_pass_for_spectra() {
        let (_folder, file) = written("cl.hspy", &signal([1, 0, 0]));
        let message = read_map(&file).unwrap_err().to_string();
        assert!(message.contains("2x3x4 (a stack of images)"), "{message}");
    }
}

//! `HyperSpy`'s `.hspy` and `.zspy`: one group per signal below `Experiments`, axes as groups of
//! attributes.

use std::collections::HashMap;

use hdf5_pure::{AttrValue, Group};

use super::array::{Array, Dimension};
use super::conditions::Conditions;
use super::error::DatasetError;
use super::expression::{Expression, ExpressionError};
use super::number::plain_values;

/// Attributes of a group by name.
pub(super) type Attributes = HashMap<String, AttrValue>;

/// The group of a signal, in whatever it is stored. Paths are relative to it.
pub(super) trait Node {
    /// The attributes of a group; nothing where there is none of the name.
    fn attributes(&self, path: &str) -> Option<Attributes>;

    /// The values of a dataset of one dimension, where it has at most `most`.
    fn numbers(&self, path: &str, most: usize) -> Option<Vec<f64>>;
}

impl Node for Group {
    fn attributes(&self, path: &str) -> Option<Attributes> {
        self.group(path).and_then(|group| group.attrs()).ok()
    }

    fn numbers(&self, path: &str, most: usize) -> Option<Vec<f64>> {
        let dataset = self.dataset(path).ok()?;
        let [length] = dataset.shape().ok()?[..] else {
            return None;
        };
        (length <= most as u64).then(|| plain_values(&dataset))?
    }
}

/// Whether `path` is the data of a `HyperSpy` signal.
pub(super) fn is_main(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("Experiments") && parts.nth(1) == Some("data") && parts.next().is_none()
}

/// Fills in axes, quantity and units from the group of the signal, and puts the axes of the scan
/// before those of the signal, which the file may store in any order.
///
/// # Errors
/// When the signal is a stack of images, or the values of an axis cannot be told.
pub(super) fn describe(array: &mut Array, signal: &dyn Node) -> Result<(), DatasetError> {
    let order = order(array, signal)?;
    let is_line = order.as_ref().is_some_and(|(_, is_line)| *is_line);
    if let Some((order, _)) = order {
        let mut dimensions = Vec::new();
        for (place, &from) in order.iter().enumerate() {
            let size = array.shape[from];
            let axis = format!("axis-{from}");
            let told = (&*array.location, &mut array.warnings);
            dimensions.push(dimension(signal, &axis, (place, size), told)?);
        }
        array.permute(&order);
        array.names_axes = true;
        for (place, dimension) in dimensions.into_iter().enumerate() {
            let size = array.shape[place];
            let named = dimension
                .as_ref()
                .is_some_and(|dimension| dimension.axis.is_calibrated());
            array.names_axes &= place > 1 || named;
            array.dimensions[place] = Dimension::unknown(place, size);
            if let Some(dimension) = dimension {
                array.set_dimension(place, dimension);
            }
        }
    }
    if let Some(channels) = turning_back(signal, array.shape.len().saturating_sub(1)) {
        array.set_dimension(array.shape.len() - 1, channels);
    }
    if is_line {
        array.insert_column();
    }
    array.conditions = conditions(signal);
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

/// How the signal was recorded, where `HyperSpy` keeps it.
fn conditions(signal: &dyn Node) -> Conditions {
    let of = |microscope: &str, inside: &str, name: &str| {
        let path = format!("metadata/Acquisition_instrument/{microscope}{inside}");
        number(&signal.attributes(&path)?, name)
    };
    let either = |inside: &str, name: &str| {
        let mut microscopes = ["TEM", "SEM"].into_iter();
        microscopes.find_map(|microscope| of(microscope, inside, name))
    };
    Conditions {
        beam_energy: either("", "beam_energy"),
        // In nA there.
        beam_current: either("", "beam_current").map(|nanoamperes| nanoamperes * 1e3),
        dwell: either("/Detector/EELS", "dwell_time")
            .or_else(|| either("/Detector/EELS", "exposure"))
            .or_else(|| either("", "dwell_time")),
        live_time: either("/Detector/EDS", "live_time"),
    }
    .sensible()
}

/// Whether an axis is one of the scan; nothing where the file does not say.
fn navigates(signal: &dyn Node, place: usize) -> Option<bool> {
    let attributes = signal.attributes(&format!("axis-{place}"))?;
    Some(attributes.get("navigate")?.as_i64()? != 0)
}

/// The axes of the scan and those of the signal.
fn axes(array: &Array, signal: &dyn Node) -> Option<(Vec<usize>, Vec<usize>)> {
    let (mut scan, mut of_signal) = (Vec::new(), Vec::new());
    for place in 0..array.shape.len() {
        if navigates(signal, place)? {
            scan.push(place);
        } else {
            of_signal.push(place);
        }
    }
    // What has one place only says nothing, where there is more than a map or spectra hold.
    let thin = |places: &mut Vec<usize>, most: usize| {
        while places.len() > most {
            match places.iter().position(|&place| array.shape[place] == 1) {
                Some(found) => places.remove(found),
                None => break,
            };
        }
    };
    thin(&mut scan, 2);
    if of_signal.len() > 2 || !scan.is_empty() {
        let kept = if of_signal.len() > 1 && scan.iter().all(|&place| array.shape[place] == 1) {
            scan.clear();
            2
        } else {
            1
        };
        thin(&mut of_signal, kept);
    }
    Some((scan, of_signal))
}

/// The places of the file's axes in the order rows, columns, channels, and whether the scan is a line,
/// which has no columns; nothing where the file does not say which axes are of the scan.
fn order(array: &Array, signal: &dyn Node) -> Result<Option<(Vec<usize>, bool)>, DatasetError> {
    let Some((scan, of_signal)) = axes(array, signal) else {
        return Ok(None);
    };
    match (scan.len(), of_signal.len()) {
        (2, 0 | 1) | (1, 1) | (0, 2) => {
            let is_line = scan.len() == 1;
            Ok(Some(([scan, of_signal].concat(), is_line)))
        }
        (beside, 2..) => Err(array.is_signal_stack(beside)),
        _ => Err(DatasetError::shape(&array.location, &array.shape)),
    }
}

/// The dimension that the group `axis` describes, at its place and of its size.
fn dimension(
    signal: &dyn Node,
    axis: &str,
    (place, size): (usize, usize),
    (location, warnings): (&str, &mut Vec<String>),
) -> Result<Option<Dimension>, DatasetError> {
    let Some(attributes) = signal.attributes(axis) else {
        return Ok(None);
    };
    let (name, units) = (text(&attributes, "name"), text(&attributes, "units"));
    let names = (name.as_str(), units.as_str());
    let wrong = |reason: String, remedy: String| DatasetError::Axis {
        location: location.to_owned(),
        axis: if name.is_empty() { axis } else { &name }.to_owned(),
        reason,
        remedy,
    };
    if let Some(said) = number(&attributes, "size").filter(|&said| said != size as f64) {
        let reason = format!("says that it has {said} values, and the data have {size} along it");
        let (file, group) = (
            super::plain(super::split(location).0),
            super::split(location).1,
        );
        let group = super::plain(group.unwrap_or_default().trim_end_matches("/data"));
        let remedy = format!(
            "where its offset and scale are right, h5py corrects it: \
             h5py.File(\"{file}\", \"r+\")[\"{group}/{axis}\"].attrs[\"size\"] = {size}"
        );
        return Err(wrong(reason, remedy));
    }
    for (key, may_be_zero) in [("scale", false), ("offset", true)] {
        let Some(stored) = attributes.get(key).filter(|_| size > 1) else {
            continue;
        };
        let value = number(&attributes, key);
        if value.is_some_and(|value| value.is_finite() && (may_be_zero || value != 0.0)) {
            continue;
        }
        let found = value.map_or_else(
            || super::plain(&format!("{stored:?}")),
            |value| value.to_string(),
        );
        let reason = format!(
            "has the {key} {}, which tells no place",
            crate::data::npy::short(&found)
        );
        let is_of_scan = attributes.get("navigate").and_then(AttrValue::as_i64) != Some(0);
        if !is_of_scan {
            let remedy = format!(
                "HyperSpy sets it before it saves the file again, as in \
                 signal.axes_manager[\"{name}\"].{key} = 1"
            );
            return Err(wrong(reason, remedy));
        }
        // Pixels can be counted; a window over channels would mean others.
        warnings.push(format!(
            "{}: axis `{}` {reason}; its pixels are counted",
            super::plain(location),
            if name.is_empty() { axis } else { &name }
        ));
        return Ok(Some(Dimension::uniform(
            place,
            size,
            (&name, ""),
            (0.0, 0.0),
        )));
    }
    if let (Some(offset), Some(scale)) =
        (number(&attributes, "offset"), number(&attributes, "scale"))
    {
        return Ok(Some(Dimension::uniform(
            place,
            size,
            names,
            (offset, scale),
        )));
    }
    let unknown = |reason: String| DatasetError::Axis {
        location: location.to_owned(),
        axis: name.clone(),
        reason,
        remedy: "HyperSpy lists its values: signal.axes_manager[\"NAME\"]\
                 .convert_to_non_uniform_axis(), before it saves the file again"
            .to_owned(),
    };
    // A `DataAxis` lists its values; a `FunctionalDataAxis` has them from those of another axis.
    let coordinates = match attributes.get("expression").and_then(AttrValue::as_str) {
        Some(expression) => {
            functional(signal, axis, &attributes, (expression, size)).map_err(|error| {
                let expression = super::plain(&crate::data::npy::short(expression));
                unknown(format!("follows `{expression}`: {error}"))
            })?
        }
        None => match listed(signal, axis, &attributes) {
            Some(coordinates) => coordinates,
            None => return Ok(None),
        },
    };
    if coordinates.len() != size || !coordinates.iter().all(|value| value.is_finite()) {
        let found = coordinates.len();
        return Err(unknown(format!(
            "has {found} values that are not {size} numbers"
        )));
    }
    Ok(Some(Dimension::listed(place, names, coordinates)))
}

/// Values of an axis, more than any spectrum of the field has.
const MOST_CHANNELS: usize = 1 << 22;

/// The values that an axis lists.
fn listed(signal: &dyn Node, axis: &str, attributes: &Attributes) -> Option<Vec<f64>> {
    match attributes.get("axis") {
        Some(listed) => listed.to_f64s(),
        None => signal.numbers(&format!("{axis}/axis"), MOST_CHANNELS),
    }
}

/// The values of an axis that follow from those of another, in `x`, by an expression.
fn functional(
    signal: &dyn Node,
    axis: &str,
    attributes: &Attributes,
    (expression, size): (&str, usize),
) -> Result<Vec<f64>, ExpressionError> {
    let expression = Expression::parse(expression)?;
    if size > MOST_CHANNELS {
        return Err(ExpressionError::Long(size));
    }
    let inner = format!("{axis}/x");
    let own = signal.attributes(&inner).ok_or(ExpressionError::NoAxis)?;
    let xs = match (number(&own, "offset"), number(&own, "scale")) {
        (Some(offset), Some(scale)) => (0..size).map(|i| offset + i as f64 * scale).collect(),
        _ => listed(signal, &inner, &own).ok_or(ExpressionError::NoAxis)?,
    };
    let value = |name: &str, x: f64| match name {
        "x" => Some(x),
        _ => number(attributes, name),
    };
    xs.into_iter()
        .map(|x| expression.value(&|name| value(name, x)))
        .collect()
}

fn number(attributes: &Attributes, key: &str) -> Option<f64> {
    let value = attributes.get(key)?;
    value.as_f64().or_else(|| value.as_i64().map(|v| v as f64))
}

/// The channels of a sweep that turns back, which no axis of `HyperSpy` can hold: results of this
/// program have them in `metadata/Channels`.
fn turning_back(signal: &dyn Node, place: usize) -> Option<Dimension> {
    let attributes = attributes(signal, "metadata/Channels");
    let coordinates = attributes.get("coordinates")?.to_f64s()?;
    let (name, units) = (text(&attributes, "name"), text(&attributes, "units"));
    Some(Dimension::listed(place, (&name, &units), coordinates))
}

fn attributes(signal: &dyn Node, path: &str) -> Attributes {
    signal.attributes(path).unwrap_or_default()
}

/// A text attribute; `HyperSpy`'s words for "none" become empty.
fn text(attributes: &Attributes, name: &str) -> String {
    let text = attributes
        .get(name)
        .and_then(AttrValue::as_str)
        .unwrap_or_default();
    if matches!(text, "_None_" | "<undefined>" | "None") {
        String::new()
    } else {
        super::plain(text)
    }
}

#[cfg(test)]
pub(super) mod testing {
    /// A signal of 2 x 3 x 4 values, its last axis listed; `navigate` for each axis.
    pub(crate) fn signal(navigate: [i8; 3]) -> Vec<u8> {
        signal_with(navigate, None)
    }

    /// The same with the last axis as 12 / x + k, x from 1 in steps of 1, where an expression is given.
    pub(crate) fn signal_with(navigate: [i8; 3], expression: Option<&str>) -> Vec<u8> {
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
            if let (2, Some(expression)) = (place, expression) {
                axis.set_attr("expression", Text(expression.to_owned()));
                axis.set_attr("k", F64(0.5));
                let mut x = axis.create_group("x");
                x.set_attr("offset", F64(1.0));
                x.set_attr("scale", F64(1.0));
                axis.add_group(x.finish());
            } else if place < 2 {
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
}

#[cfg(test)]
mod tests {
    use super::testing::{signal, signal_with};
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
                warnings.len() == 1
                    && warnings[0].contains("axis `x`")
                    && warnings[0].contains(told),
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
}

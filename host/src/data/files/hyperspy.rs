//! `HyperSpy`'s `.hspy` and `.zspy`: one group per signal below `Experiments`, axes as groups of
//! attributes.

use std::collections::HashMap;

use hdf5_pure::{AttrValue, Group};

use super::array::{Array, Dimension};
use super::conditions::Conditions;
use super::error::DatasetError;
use super::expression::{Expression, ExpressionError};
use super::links::Linkless;
use super::number;

/// Attributes of a group by name.
pub(super) type Attributes = HashMap<String, AttrValue>;

/// The group of a signal, in whatever it is stored. Paths are relative to it.
pub(super) trait Node {
    /// The attributes of a group; nothing where there is none of the name.
    fn attributes(&self, path: &str) -> Option<Attributes>;

    /// The values of a dataset that lists so many; nothing where there is none of the name.
    ///
    /// # Errors
    /// Why it does not, for people.
    fn numbers(&self, path: &str, size: usize) -> Result<Option<Vec<f64>>, String>;
}

/// The group of a signal in an HDF5 file, and the file.
pub(super) struct Stored<'a>(pub(super) &'a Group, pub(super) &'a Linkless);

impl Node for Stored<'_> {
    fn attributes(&self, path: &str) -> Option<Attributes> {
        self.0.group(path).and_then(|group| group.attrs()).ok()
    }

    fn numbers(&self, path: &str, size: usize) -> Result<Option<Vec<f64>>, String> {
        let dataset = self.0.dataset(path).ok();
        let listed = dataset.map(|dataset| number::listed(&dataset, self.1, &[size]));
        listed.transpose()
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
    let (what, units) = with_units(&quantity);
    units.trim().clone_into(&mut array.units);
    if !what.trim().is_empty() {
        what.trim().clone_into(&mut array.quantity);
    }
    Ok(())
}

/// The error that a signal is a stack of images: `HyperSpy` makes spectra of it where it has one axis beside them.
fn stack(array: &Array, beside: usize) -> DatasetError {
    if beside != 1 {
        return array.is_stack();
    }
    let file = super::plain(super::split(&array.location).0);
    array.is_stack_with(&format!(
        ", which HyperSpy makes spectra of: hs.load(\"{file}\").transpose().save(\"new.hspy\")"
    ))
}

/// What stands before the brackets at the end of a text, and in them: units may have brackets as well.
fn with_units(text: &str) -> (&str, &str) {
    let Some(inside) = text.trim_end().strip_suffix(')') else {
        return (text, "");
    };
    let mut open = 1;
    for (at, letter) in inside.char_indices().rev() {
        match letter {
            ')' => open += 1,
            '(' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return (&text[..at], &inside[at + 1..]);
        }
    }
    (text, "")
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
        (beside, 2..) => Err(stack(array, beside)),
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
    // What an expression needs may have these names as well.
    let expression = attributes.get("expression").and_then(AttrValue::as_str);
    for (key, may_be_zero) in [("scale", false), ("offset", true)] {
        let said = attributes.get(key);
        let Some(stored) = said.filter(|_| size > 1 && expression.is_none()) else {
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
    let even = number(&attributes, "offset").zip(number(&attributes, "scale"));
    if let Some((offset, scale)) = even.filter(|_| expression.is_none()) {
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
    let coordinates = if let Some(expression) = expression {
        functional(signal, axis, &attributes, (expression, size)).map_err(|error| {
            let expression = super::plain(&crate::data::npy::short(expression));
            unknown(format!("follows `{expression}`: {error}"))
        })?
    } else {
        let called = if name.is_empty() { axis } else { &name };
        let told = |reason| DatasetError::unlisted(location, called, size, reason);
        match listed(signal, axis, &attributes, size).map_err(told)? {
            Some(coordinates) => coordinates,
            None => return Ok(None),
        }
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
fn listed(
    signal: &dyn Node,
    axis: &str,
    attributes: &Attributes,
    size: usize,
) -> Result<Option<Vec<f64>>, String> {
    match attributes.get("axis") {
        Some(listed) => {
            let listed = listed.to_f64s();
            listed
                .map(Some)
                .ok_or_else(|| "lists no numbers".to_owned())
        }
        None => match signal.numbers(&format!("{axis}/axis"), size)? {
            None if text(attributes, "_type") == "DataAxis" => Err("lists no values".to_owned()),
            listed => Ok(listed),
        },
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
    let even = number(&own, "offset").zip(number(&own, "scale"));
    let xs = if let Some((offset, scale)) = even {
        (0..size).map(|i| offset + i as f64 * scale).collect()
    } else {
        let listed = listed(signal, &inner, &own, size).ok().flatten();
        listed.ok_or(ExpressionError::NoAxis)?
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
pub(super) mod testing;
#[cfg(test)]
mod tests;

//! `HyperSpy`'s `.hspy`: one group per signal below `Experiments`, axes as groups of attributes.

use std::collections::HashMap;

use hdf5_pure::{AttrValue, Group};

use super::array::{Array, Dimension};
use super::hdf5::set_dimension;

/// Whether `path` is the data of a `HyperSpy` signal.
pub(super) fn is_main(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("Experiments") && parts.nth(1) == Some("data") && parts.next().is_none()
}

/// Fills in axes, quantity and units from the group of the signal. Its axes are numbered in
/// the order of the array.
pub(super) fn describe(array: &mut Array, signal: &Group) {
    for place in 0..array.shape.len() {
        let axis = signal.group(&format!("axis-{place}"));
        if let Some(dimension) = axis
            .ok()
            .and_then(|axis| dimension(&axis, place, array.shape[place]))
        {
            set_dimension(array, place, dimension);
        }
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
    let coordinates = axis.dataset("axis").ok()?.read_f64().ok()?;
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

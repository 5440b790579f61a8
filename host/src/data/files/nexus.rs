//! `NeXus`: groups of class `NXdata`, whose attributes name what is measured and its axes.

use hdf5_pure::{AttrValue, Dataset, Group};

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::hdf5::Opened;
use super::hyperspy::Attributes;
use super::members::Walked;
use super::nsid::text;
use super::number::plain_values;
use super::plain;

/// Whether a group, whose attributes are given, says what was measured or along which axes.
pub(super) fn is_data(group: &Attributes) -> bool {
    let class = group.get("NX_class").and_then(AttrValue::as_str);
    class == Some("NXdata") || group.contains_key("signal") || group.contains_key("axes")
}

/// What a group names as measured.
pub(super) fn signal(group: &Attributes) -> Option<&str> {
    group.get("signal").and_then(AttrValue::as_str)
}

/// Whether a dataset is what is measured in its group: named by it or marked itself.
pub(super) fn is_measured(name: &str, dataset: &Dataset, group: &Attributes) -> bool {
    is_main(name, group) || is_marked(dataset, group)
}

/// Whether a dataset is what is measured in its group, whose attributes are given: what `signal` names,
/// or `data` where the group names axes alone.
pub(super) fn is_main(name: &str, group: &Attributes) -> bool {
    let signal = match group.get("signal") {
        Some(signal) => signal.as_str(),
        None => group.get("axes").map(|_| "data"),
    };
    signal == Some(name) && !group.contains_key("emd_group_type")
}

/// Whether a dataset is marked as what is measured in a group of data, as files did before groups named it.
fn is_marked(dataset: &Dataset, group: &Attributes) -> bool {
    let class = group.get("NX_class").and_then(AttrValue::as_str);
    let marked = || {
        let attributes = dataset.attrs().unwrap_or_default();
        let mark = attributes.get("signal")?;
        Some(mark.as_i64() == Some(1) || mark.as_str() == Some("1"))
    };
    class == Some("NXdata") && !group.contains_key("signal") && marked().unwrap_or(false)
}

/// The path of what a file says that it is to be read for.
pub(super) fn default(file: &Opened<'_>, walked: &Walked) -> Option<String> {
    /// An entry and its data, and groups between, at most.
    const DEEPEST: usize = 8;
    let mut path = String::new();
    let mut group = file.open.root();
    for _ in 0..DEEPEST {
        let attributes = group.attrs().ok()?;
        if let Some(signal) = signal(&attributes) {
            return Some(format!("{path}{signal}"));
        }
        let next = attributes.get("default").and_then(AttrValue::as_str)?;
        let next = file.follow(&format!("{path}{next}"), walked).ok()??;
        group = file.open.group(&next).ok()?;
        path = format!("{next}/");
    }
    None
}

/// Fills in axes, quantity and units; `member` opens another dataset of the group.
///
/// # Errors
/// When the file calls the data images, and when an axis lies behind a link that cannot be followed: without
/// it, channels would be taken for rows.
pub(super) fn describe(
    array: &mut Array,
    dataset: &Dataset,
    group: &Group,
    member: impl Fn(&str) -> Result<Option<Dataset>, DatasetError>,
) -> Result<(), DatasetError> {
    let attributes = group.attrs().unwrap_or_default();
    for (place, name) in axes(&attributes, dataset).iter().enumerate() {
        let index = attributes.get(&format!("{name}_indices"));
        let index = index.and_then(|index| {
            let single = index.as_i64().and_then(|index| usize::try_from(index).ok());
            single.or_else(|| index.to_f64s()?.first().map(|&index| index as usize))
        });
        let place = index.unwrap_or(place);
        let axis = if name == "." { None } else { member(name)? };
        if let Some(dimension) = axis.and_then(|axis| dimension(&axis, name, place)) {
            array.names_axes |= place < 2;
            array.set_dimension(place, dimension);
        }
    }
    let called = [text(dataset, "long_name"), text(dataset, "title")];
    array.quantity = called
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    array.units = text(dataset, "units");
    let interpretation = text(dataset, "interpretation");
    let of_group = attributes.get("interpretation").and_then(AttrValue::as_str);
    let images = interpretation == "image" || of_group == Some("image");
    if images && array.squeezed().len() > 2 {
        return Err(array.is_stack());
    }
    if array.shape.len() == 3
        && interpretation != "spectrum"
        && let Some(place) = array.spectral()
    {
        let mut order: Vec<usize> = (0..3).filter(|&other| other != place).collect();
        order.push(place);
        array.permute(&order);
    }
    Ok(())
}

/// The names of the axes in the order of the dimensions: `.` where one has none.
fn axes(group: &Attributes, dataset: &Dataset) -> Vec<String> {
    let of_dataset = dataset.attrs().unwrap_or_default();
    let Some(said) = group.get("axes").or_else(|| of_dataset.get("axes")) else {
        return Vec::new();
    };
    // A single text is one of several strings as well.
    let Some(text) = said.as_str() else {
        return said.as_strings().unwrap_or_default().to_vec();
    };
    let names = text.trim_matches(['[', ']']).split([':', ',']);
    names.map(|name| name.trim().to_owned()).collect()
}

fn dimension(axis: &Dataset, name: &str, place: usize) -> Option<Dimension> {
    let [length] = axis.shape().ok()?[..] else {
        return None;
    };
    if length > 1 << 22 {
        return None;
    }
    let values = plain_values(axis)?;
    let units = text(axis, "units");
    Some(Dimension::listed(place, (&plain(name), &units), values))
}

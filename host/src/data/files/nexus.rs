//! `NeXus`: groups of class `NXdata`, whose attributes name what is measured and its axes.

use hdf5_pure::{AttrValue, Dataset, File, Group};

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::hyperspy::Attributes;
use super::nsid::text;
use super::plain;

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
pub(super) fn is_marked(dataset: &Dataset, group: &Attributes) -> bool {
    let class = group.get("NX_class").and_then(AttrValue::as_str);
    let marked = || {
        let attributes = dataset.attrs().unwrap_or_default();
        let mark = attributes.get("signal")?;
        Some(mark.as_i64() == Some(1) || mark.as_str() == Some("1"))
    };
    class == Some("NXdata") && !group.contains_key("signal") && marked().unwrap_or(false)
}

/// The path of what a file says that it is to be read for.
pub(super) fn default(file: &File) -> Option<String> {
    /// An entry and its data, and groups between, at most.
    const DEEPEST: usize = 8;
    let mut path = String::new();
    let mut group = file.root();
    for _ in 0..DEEPEST {
        let attributes = group.attrs().ok()?;
        let text = |name: &str| attributes.get(name).and_then(AttrValue::as_str);
        if let Some(signal) = text("signal") {
            return Some(format!("{path}{signal}"));
        }
        let next = text("default")?.to_owned();
        group = group.group(&next).ok()?;
        path = format!("{path}{next}/");
    }
    None
}

/// Fills in axes, quantity and units.
///
/// # Errors
/// When the file calls the data images.
pub(super) fn describe(
    array: &mut Array,
    dataset: &Dataset,
    group: &Group,
) -> Result<(), DatasetError> {
    let attributes = group.attrs().unwrap_or_default();
    for (place, name) in axes(&attributes, dataset).iter().enumerate() {
        let index = attributes.get(&format!("{name}_indices"));
        let index = index.and_then(|index| {
            let single = index.as_i64().and_then(|index| usize::try_from(index).ok());
            single.or_else(|| index.to_f64s()?.first().map(|&index| index as usize))
        });
        let place = index.unwrap_or(place);
        if let Some(dimension) = dimension(group, name, place) {
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

fn dimension(group: &Group, name: &str, place: usize) -> Option<Dimension> {
    let axis = group.dataset(name).ok()?;
    let [length] = axis.shape().ok()?[..] else {
        return None;
    };
    if length > 1 << 22 {
        return None;
    }
    let values = axis.read_f64().ok()?;
    let units = text(&axis, "units");
    Some(Dimension::listed(place, (&plain(name), &units), values))
}

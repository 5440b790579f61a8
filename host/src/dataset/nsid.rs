//! NSID, the layout of sidpy and `pyNSID`: axes are dimension scales beside the data.

use hdf5_pure::{AttrValue, Dataset, Group};

use super::array::{Array, Dimension};
use super::hdf5::{set_dimension, text};

/// Whether the dataset is the measured data of an NSID group.
pub(super) fn is_main(dataset: &Dataset) -> bool {
    let attributes = dataset.attrs().unwrap_or_default();
    attributes.contains_key("main_data_name") && attributes.contains_key("data_type")
}

/// Fills in axes, quantity and units as far as the file gives them. The scales are found by
/// the names in `DIMENSION_LABELS`, which `pyNSID` also gives to the datasets.
pub(super) fn describe(array: &mut Array, dataset: &Dataset, group: &Group) {
    array.quantity = text(dataset, "quantity");
    array.units = text(dataset, "units");
    let attributes = dataset.attrs().unwrap_or_default();
    let labels = attributes
        .get("DIMENSION_LABELS")
        .and_then(AttrValue::as_strings);
    for (place, label) in labels.unwrap_or_default().iter().enumerate() {
        if let Some(dimension) = scale(group, place, label) {
            set_dimension(array, place, dimension);
        }
    }
}

fn scale(group: &Group, place: usize, label: &str) -> Option<Dimension> {
    let dataset = group.dataset(label).ok()?;
    if dataset.shape().ok()?.len() != 1 {
        return None;
    }
    let coordinates = dataset.read_f64().ok()?;
    Some(Dimension::listed(
        place,
        (label, &text(&dataset, "units")),
        coordinates,
    ))
}

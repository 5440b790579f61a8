//! NSID, the layout of sidpy and `pyNSID`: axes are dimension scales beside the data.

use hdf5_pure::{AttrValue, Dataset, Group};

use super::array::{Array, Dimension, squeezed};
use super::error::DatasetError;
use super::hdf5::{set_dimension, text};

/// Whether the dataset is the measured data of an NSID group.
pub(super) fn is_main(dataset: &Dataset) -> bool {
    let attributes = dataset.attrs().unwrap_or_default();
    attributes.contains_key("main_data_name") && attributes.contains_key("data_type")
}

/// Fills in axes, quantity and units as far as the file gives them, and puts the spectral
/// dimension last. The scales are found by the names in `DIMENSION_LABELS`, which `pyNSID` also
/// gives to the datasets.
///
/// # Errors
/// When the file calls the data a stack of images.
pub(super) fn describe(
    array: &mut Array,
    dataset: &Dataset,
    group: &Group,
) -> Result<(), DatasetError> {
    array.quantity = text(dataset, "quantity");
    array.units = text(dataset, "units");
    if text(dataset, "data_type") == "IMAGE_STACK" && squeezed(&array.shape).len() > 2 {
        return Err(array.is_stack());
    }
    let attributes = dataset.attrs().unwrap_or_default();
    let labels = attributes
        .get("DIMENSION_LABELS")
        .and_then(AttrValue::as_strings);
    let mut spectral = Vec::new();
    for (place, label) in labels.unwrap_or_default().iter().enumerate() {
        let Ok(scale) = group.dataset(label) else {
            continue;
        };
        if let Some(dimension) = dimension(&scale, place, label) {
            set_dimension(array, place, dimension);
        }
        if text(&scale, "dimension_type") == "SPECTRAL" {
            spectral.push(place);
        }
    }
    if let [place] = spectral[..]
        && squeezed(&array.shape).len() > 2
    {
        array.move_last(place);
    }
    Ok(())
}

fn dimension(scale: &Dataset, place: usize, label: &str) -> Option<Dimension> {
    if scale.shape().ok()?.len() != 1 {
        return None;
    }
    let coordinates = scale.read_f64().ok()?;
    Some(Dimension::listed(
        place,
        (label, &text(scale, "units")),
        coordinates,
    ))
}

#[cfg(test)]
mod tests {
    use crate::dataset::testing::{close, shared, spectra, total};

    #[test]
    fn hysteresis_loops_keep_the_voltages_of_the_sweep() {
        if let Some(file) = shared("beps/BEPS_PTO_50x50.h5") {
            let by_path = spectra(&format!("{file}#Channel_000/generic/generic"));
            assert_eq!(by_path, spectra(&file));
            assert_eq!(by_path, spectra(&format!("{file}#/Channel_000/")));
            assert_eq!(
                (by_path.height(), by_path.width(), by_path.channels.size),
                (50, 50, 64)
            );
            assert_eq!(
                (
                    by_path.channels.name.as_str(),
                    by_path.channels.units.as_str()
                ),
                ("Voltage", "V")
            );
            assert_eq!(
                (by_path.quantity.as_str(), by_path.units.as_str()),
                ("Piezoresponse", "a.u.")
            );
            let volts = &by_path.coordinates;
            assert_eq!(
                (volts[0], volts[16], volts[48], volts[63]),
                (0.0, 8.5, -8.5, -0.53125)
            );
            assert_eq!(by_path.rows.units, "m");
            close(by_path.rows.scale, 4.081_632_653_061_224e-8);
            close(total(&by_path), -5.480_404_611_983_021);
            assert_eq!(by_path.at(49, 0)[63], -0.003_413_636_642_964_072);
        }
    }
}

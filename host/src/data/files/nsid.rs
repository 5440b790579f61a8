//! NSID, the layout of sidpy and `pyNSID`: axes are dimension scales beside the data.

use hdf5_pure::{AttrValue, Dataset, Group};

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::links::Linkless;
use super::number::listed;

/// Whether the dataset is the measured data of an NSID group.
pub(super) fn is_main(dataset: &Dataset) -> bool {
    let attributes = dataset.attrs().unwrap_or_default();
    attributes.contains_key("main_data_name") && attributes.contains_key("data_type")
}

/// What lies along a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Spatial,
    /// One value after another of what is swept, or of time.
    Spectral,
    /// Points in no order of a raster.
    Points,
    Unknown,
}

impl Kind {
    fn of(scale: &Dataset) -> Self {
        match text(scale, "dimension_type").to_uppercase().as_str() {
            "SPATIAL" => Self::Spatial,
            "SPECTRAL" | "TEMPORAL" | "TIME" | "CHANNEL" | "RECIPROCAL" => Self::Spectral,
            "POINT_CLOUD" => Self::Points,
            _ => Self::Unknown,
        }
    }
}

/// Data of two dimensions that are no image, whatever their dimensions say.
const LINES: [&str; 5] = [
    "SPECTRUM",
    "LINE_PLOT",
    "LINE_PLOT_FAMILY",
    "SPECTRAL_IMAGE",
    "POINT_CLOUD",
];

/// Fills in axes, quantity and units as far as the file gives them, and puts the spectral
/// dimension last. The scales are found by the names in `DIMENSION_LABELS`, which `pyNSID` also
/// gives to the datasets.
///
/// # Errors
/// When the file calls the data a stack of images, or a scale does not list the places of its dimension.
pub(super) fn describe(
    array: &mut Array,
    dataset: &Dataset,
    group: &Group,
    source: &Linkless,
) -> Result<(), DatasetError> {
    array.quantity = text(dataset, "quantity");
    array.units = text(dataset, "units");
    let attributes = dataset.attrs().unwrap_or_default();
    let labels = attributes
        .get("DIMENSION_LABELS")
        .and_then(AttrValue::as_strings);
    let mut kinds = vec![Kind::Unknown; array.shape.len()];
    for (place, label) in labels.unwrap_or_default().iter().enumerate() {
        let Ok(scale) = group.dataset(label) else {
            continue;
        };
        let Some(kind) = kinds.get_mut(place) else {
            continue;
        };
        *kind = Kind::of(&scale);
        match listed(&scale, source, &[array.shape[place]]) {
            Ok(coordinates) => {
                let names = (&*super::plain(label), &*text(&scale, "units"));
                array.set_dimension(place, Dimension::listed(place, names, coordinates));
                array.names_axes = true;
            }
            // In other files the label of a dimension may happen to be the name of a dataset.
            Err(_) if !is_main(dataset) && text(&scale, "CLASS") != "DIMENSION_SCALE" => {}
            Err(reason) => {
                let size = array.shape[place];
                return Err(DatasetError::unlisted(&array.location, label, size, reason));
            }
        }
    }
    drop_single(array, &mut kinds);
    let rank = array.squeezed().len();
    kinds.truncate(rank);
    let data_type = text(dataset, "data_type").to_uppercase();
    let of = |kind: Kind| {
        (0..rank)
            .filter(|&place| kinds[place] == kind)
            .collect::<Vec<_>>()
    };
    let (spectral, spatial) = (of(Kind::Spectral), of(Kind::Spatial));
    if rank == 2 {
        let line = match spectral[..] {
            [_] => true,
            _ => !of(Kind::Points).is_empty() || LINES.contains(&data_type.as_str()),
        };
        if line && data_type != "IMAGE" {
            put_last(array, spectral.first().copied().unwrap_or(1));
            array.insert_column();
        }
        return Ok(());
    }
    if rank > 2 && (data_type == "IMAGE_STACK" || spatial.len() > 2) {
        return Err(array.is_stack());
    }
    if rank == 3 && spectral.len() > 1 && spatial.len() < 2 {
        let shape = super::shape_text(&array.shape);
        return Err(DatasetError::Shape {
            location: array.location.clone(),
            shape: format!("{shape} ({} dimensions of spectra)", spectral.len()),
            accepted: DatasetError::SHAPES,
        });
    }
    if rank == 3 {
        match (spectral.as_slice(), spatial.as_slice()) {
            (&[place], _) => put_last(array, place),
            (_, &[a, b]) => put_last(array, 3 - a - b),
            _ => {}
        }
    }
    Ok(())
}

/// Drops what is swept but has one place alone, as the time of a single frame.
fn drop_single(array: &mut Array, kinds: &mut Vec<Kind>) {
    let is_kept = |place: usize| array.shape[place] != 1 || kinds[place] != Kind::Spectral;
    let kept: Vec<usize> = (0..array.shape.len())
        .filter(|&place| is_kept(place))
        .collect();
    if kept.len() > 1 && kept.len() < array.shape.len() {
        *kinds = kept.iter().map(|&place| kinds[place]).collect();
        array.permute(&kept);
    }
}

/// Makes a dimension the last, and drops those of size 1 that say nothing.
fn put_last(array: &mut Array, from: usize) {
    let rank = array.squeezed().len();
    let mut order: Vec<usize> = (0..rank).filter(|&place| place != from).collect();
    order.push(from);
    array.permute(&order);
}

/// A text attribute of a dataset; empty when it is absent.
pub(super) fn text(dataset: &Dataset, name: &str) -> String {
    let attributes = dataset.attrs().unwrap_or_default();
    attributes
        .get(name)
        .and_then(AttrValue::as_str)
        .map(super::plain)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::data::files::read;
    use crate::data::files::testing::{close, named, shared, spectra, total, written};

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
            assert_eq!(named(&by_path.channels), ("Voltage", "V"));
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

    /// 4 energies x 2 rows x 3 columns, value = 100 row + 10 column + energy.
    fn energy_first(data_type: &str) -> Vec<u8> {
        use hdf5_pure::AttrValue::{String as Text, StringArray};
        let mut file = hdf5_pure::FileBuilder::new();
        for (name, kind, values) in [
            ("Energy", "SPECTRAL", [1.0, 2.0, 4.0, 8.0].as_slice()),
            ("y", "SPATIAL", &[0.0, 1.0]),
            ("x", "SPATIAL", &[0.0, 2.0, 4.0]),
        ] {
            let scale = file.create_dataset(name);
            scale
                .with_f64_data(values)
                .set_attr("dimension_type", Text(kind.to_owned()));
        }
        let value = |i: u16| 100 * (i / 3 % 2) + 10 * (i % 3) + i / 6;
        let main = file.create_dataset("data");
        main.with_u16_data(&(0..24).map(value).collect::<Vec<_>>())
            .with_shape(&[4, 2, 3]);
        let labels = ["Energy", "y", "x"].map(str::to_owned).to_vec();
        main.set_attr("DIMENSION_LABELS", StringArray(labels));
        main.set_attr("main_data_name", Text("data".to_owned()));
        main.set_attr("data_type", Text(data_type.to_owned()));
        file.finish().unwrap()
    }

    #[test]
    fn the_spectral_dimension_is_put_last() {
        let (_folder, file) = written("a.nsid", &energy_first("SPECTRAL_IMAGE"));
        let spectra = spectra(&file);
        assert_eq!((spectra.height(), spectra.width()), (2, 3));
        assert_eq!(
            (spectra.channels.name.as_str(), spectra.columns.scale),
            ("Energy", 2.0)
        );
        assert_eq!(spectra.coordinates, [1.0, 2.0, 4.0, 8.0]);
        assert_eq!(spectra.at(1, 2), [120.0, 121.0, 122.0, 123.0]);
    }

    #[test]
    fn a_stack_of_images_does_not_pass_for_spectra() {
        let (_folder, file) = written("a.nsid", &energy_first("IMAGE_STACK"));
        let message = read(&file).unwrap_err().to_string();
        assert!(message.contains("4x2x3 (a stack of images)"), "{message}");
    }

    #[test]
    fn two_dimensions_of_spectra_are_no_map() {
        use hdf5_pure::AttrValue::{String as Text, StringArray};
        let mut file = hdf5_pure::FileBuilder::new();
        for (name, kind, size) in [
            ("y", "SPATIAL", 2_u8),
            ("V", "SPECTRAL", 3),
            ("E", "SPECTRAL", 4),
        ] {
            let values: Vec<f64> = (0..size).map(f64::from).collect();
            let scale = file.create_dataset(name);
            scale
                .with_f64_data(&values)
                .set_attr("dimension_type", Text(kind.to_owned()));
        }
        let main = file.create_dataset("data");
        main.with_u16_data(&(0..24).collect::<Vec<_>>())
            .with_shape(&[2, 3, 4]);
        let labels = ["y", "V", "E"].map(str::to_owned).to_vec();
        main.set_attr("DIMENSION_LABELS", StringArray(labels));
        main.set_attr("main_data_name", Text("data".to_owned()));
        main.set_attr("data_type", Text("SPECTRAL_IMAGE".to_owned()));
        let (_folder, file) = written("a.h5", &file.finish().unwrap());
        let message = read(&format!("{file}#data")).unwrap_err().to_string();
        assert!(
            message.contains("2x3x4 (2 dimensions of spectra)"),
            "{message}"
        );
    }

    /// 3 positions x 4 energies, value = 10 position + energy, in either order.
    fn line(energy_first: bool, kind: &str, data_type: &str) -> Vec<u8> {
        use hdf5_pure::AttrValue::{String as Text, StringArray};
        let mut file = hdf5_pure::FileBuilder::new();
        for (name, kind, size) in [("Energy", "SPECTRAL", 4_u8), ("x", kind, 3)] {
            let values: Vec<f64> = (0..size).map(f64::from).collect();
            let scale = file.create_dataset(name);
            scale
                .with_f64_data(&values)
                .set_attr("dimension_type", Text(kind.to_owned()));
        }
        let value = |i: u16| {
            if energy_first {
                10 * (i % 3) + i / 3
            } else {
                10 * (i / 4) + i % 4
            }
        };
        let main = file.create_dataset("data");
        let (shape, labels) = if energy_first {
            ([4, 3], ["Energy", "x"])
        } else {
            ([3, 4], ["x", "Energy"])
        };
        main.with_u16_data(&(0..12).map(value).collect::<Vec<_>>())
            .with_shape(&shape);
        main.set_attr(
            "DIMENSION_LABELS",
            StringArray(labels.map(str::to_owned).to_vec()),
        );
        main.set_attr("main_data_name", Text("data".to_owned()));
        main.set_attr("data_type", Text(data_type.to_owned()));
        file.finish().unwrap()
    }

    #[test]
    fn spectra_along_a_line_or_at_points_are_no_image() {
        for (energy_first, kind, data_type) in [
            (false, "SPATIAL", "SPECTRAL_IMAGE"),
            (true, "SPATIAL", "SPECTRAL_IMAGE"),
            (false, "POINT_CLOUD", "POINT_CLOUD"),
            (false, "UNKNOWN", "LINE_PLOT_FAMILY"),
        ] {
            let (_folder, file) = written("line.h5", &line(energy_first, kind, data_type));
            let found = spectra(&file);
            assert_eq!((found.height(), found.width()), (3, 1));
            assert_eq!(found.at(2, 0), [20.0, 21.0, 22.0, 23.0]);
            assert_eq!(found.channels.name, "Energy");
        }
    }

    #[test]
    fn a_scale_that_does_not_list_the_places_of_its_dimension_is_refused() {
        use hdf5_pure::AttrValue::{String as Text, StringArray};
        for (is_main, is_read) in [(true, false), (false, true)] {
            let mut file = hdf5_pure::FileBuilder::new();
            file.create_dataset("y").with_f64_data(&[0.0, 1.0, 2.0]);
            let main = file.create_dataset("data");
            main.with_u8_data(&[0; 6]).with_shape(&[2, 3]);
            let labels = ["y", "x"].map(str::to_owned).to_vec();
            main.set_attr("DIMENSION_LABELS", StringArray(labels));
            if is_main {
                main.set_attr("main_data_name", Text("data".to_owned()));
                main.set_attr("data_type", Text("IMAGE".to_owned()));
            }
            let (_folder, file) = written("a.h5", &file.finish().unwrap());
            let found = read(&file);
            assert_eq!(found.is_ok(), is_read, "{found:?}");
            if let Err(error) = found {
                assert!(
                    error.to_string().contains("axis `y` has the shape 3"),
                    "{error}"
                );
            }
        }
    }
}

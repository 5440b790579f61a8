//! Calibrations that DTMicroscope does not send.
//!
//! Its server gives the values along the spectral axis without their units, and of the image
//! nothing but the numbers. The file that it registers has the rest: where that file can also be
//! read here, and holds the very numbers that the server sent, its axes are theirs.

use crate::data::files::{Dataset, list_hdf5, read};
use crate::data::{Axis, Channels, Map};

/// What the file says of the image and of the spectra, as far as it says something.
#[derive(Default)]
pub(super) struct Calibration {
    pub(super) image: Option<Map>,
    pub(super) channels: Option<Channels>,
}

/// Looks for an image, and for spectra with these values of the channels, in a file; a file that
/// is not here, or is another one, says nothing.
pub(super) fn find(file: &str, image: &Map, coordinates: &[f64]) -> Calibration {
    let mut found = Calibration::default();
    for info in list_hdf5(file).unwrap_or_default() {
        let area = [image.height(), image.width()];
        let wanted = match info.shape[..] {
            [rows, columns] => found.image.is_none() && [rows, columns] == area,
            [rows, columns, channels] => {
                found.channels.is_none() && [rows, columns] == area && channels == coordinates.len()
            }
            _ => false,
        };
        if !wanted {
            continue;
        }
        match read(&format!("{file}#{}", info.path)) {
            Ok(Dataset::Map(map)) if map.values == image.values => found.image = Some(map),
            Ok(Dataset::Spectra(spectra)) if spectra.coordinates == coordinates => {
                found.channels = Some(spectra.along(&[]));
            }
            _ => {}
        }
    }
    found
}

/// Channels of which nothing is known but the value of each.
pub(super) fn bare(coordinates: Vec<f64>) -> Channels {
    let first = coordinates.first().copied().unwrap_or_default();
    let second = coordinates.get(1).copied().unwrap_or(first + 1.0);
    Channels {
        axis: Axis {
            name: "spectral axis".to_owned(),
            units: String::new(),
            offset: first,
            scale: second - first,
            size: coordinates.len(),
        },
        coordinates,
        quantity: "intensity".to_owned(),
        units: String::new(),
        elements: Vec::new(),
    }
}

/// Whether units say something: sidpy calls those of an axis that nobody calibrated `generic`.
pub(super) fn are_units(units: &str) -> bool {
    let unknown = ["", "generic", "none", "px", "pixel", "pixels", "channel"];
    !unknown.contains(&units.trim().to_lowercase().as_str())
}

#[cfg(all(test, feature = "hdf5"))]
mod tests {
    use hdf5_pure::AttrValue::{String as Text, StringArray};

    use super::*;

    const IMAGE: [f64; 6] = [0.5, 1.0, 2.0, 3.0, 4.0, 5.0];
    const ENERGIES: [f64; 4] = [1.0, 2.0, 3.0, 4.5];

    /// An image and spectra of 2 x 3 pixels as `pyNSID` writes them, scales beside the data.
    fn file() -> (tempfile::TempDir, String) {
        let mut file = hdf5_pure::FileBuilder::new();
        let spectra: Vec<f64> = (0..24).map(f64::from).collect();
        for (name, kind, quantity, labels, values) in [
            ("a", "IMAGE", "HAADF", &["y", "x"][..], &IMAGE[..]),
            ("b", "SPECTRAL_IMAGE", "EELS", &["y", "x", "E"], &spectra),
        ] {
            let mut group = file.create_group(name);
            for (name, units, values) in [
                ("y", "nm", &[0.0, 0.5][..]),
                ("x", "nm", &[0.0, 0.25, 0.5]),
                ("E", "eV", &ENERGIES),
            ] {
                let scale = group.create_dataset(name);
                scale
                    .with_f64_data(values)
                    .set_attr("units", Text(units.to_owned()));
            }
            let main = group.create_dataset("data");
            main.with_f64_data(values)
                .with_shape(&[2, 3, 4][..labels.len()]);
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            main.set_attr("DIMENSION_LABELS", StringArray(labels));
            for (attribute, value) in [
                ("quantity", quantity),
                ("units", "counts"),
                ("main_data_name", "data"),
                ("data_type", kind),
            ] {
                main.set_attr(attribute, Text(value.to_owned()));
            }
            file.add_group(group.finish());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("twin.h5");
        std::fs::write(&path, file.finish().unwrap()).unwrap();
        let path = path.to_string_lossy().into_owned();
        (folder, path)
    }

    fn sent(values: &[f64]) -> Map {
        Map::uncalibrated(2, 3, values.to_vec(), "overview")
    }

    #[test]
    fn a_file_with_the_numbers_that_were_sent_gives_their_axes() {
        let (_folder, file) = file();
        let found = find(&file, &sent(&IMAGE), &ENERGIES);
        let image = found.image.unwrap();
        assert_eq!((image.rows.scale, image.columns.scale), (0.5, 0.25));
        assert_eq!(
            (image.columns.units.as_str(), image.quantity.as_str()),
            ("nm", "HAADF")
        );
        let channels = found.channels.unwrap();
        assert_eq!(
            (channels.axis.units.as_str(), channels.quantity.as_str()),
            ("eV", "EELS")
        );
        assert_eq!(channels.coordinates, ENERGIES);
    }

    #[test]
    fn a_file_with_other_numbers_and_one_that_is_not_here_give_nothing() {
        let (_folder, file) = file();
        let found = find(&file, &sent(&[0.0; 6]), &[1.0, 2.0, 3.0, 4.0]);
        assert!(found.image.is_none() && found.channels.is_none());
        let found = find("absent.h5", &sent(&IMAGE), &ENERGIES);
        assert!(found.image.is_none() && found.channels.is_none());
    }

    #[test]
    fn what_sidpy_calls_an_axis_without_calibration_are_no_units() {
        assert!(["eV", "keV", "nm", "V"].into_iter().all(are_units));
        assert!(!["", " ", "generic", "px"].into_iter().any(are_units));
    }
}

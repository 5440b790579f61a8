//! Calibrations that DTMicroscope does not send.
//!
//! Its server gives the values along the spectral axis without their units, and of the image
//! nothing but the numbers. The file that it registers has the rest: where that file can also be
//! read here, and holds the very numbers that the server sent, its axes are theirs.

use crate::axis::Axis;
use crate::dataset::{Dataset, list_hdf5, read};
use crate::map::Map;
use crate::spectra::Channels;

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
        let wanted = match info.shape[..] {
            [rows, columns] => found.image.is_none() && [rows, columns] == size(image),
            [rows, columns, _] | [_, rows, columns] if found.channels.is_none() => {
                [rows, columns] == size(image) && info.shape.contains(&coordinates.len())
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

fn size(image: &Map) -> [usize; 2] {
    [image.height(), image.width()]
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

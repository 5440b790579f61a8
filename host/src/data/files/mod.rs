//! Reads images, maps and spectrum images from the files of the field, and writes files whole.
//!
//! A location is `FILE` or `FILE#path/inside`:
//!
//! | extension | what | path inside |
//! |---|---|---|
//! | `.npy` | `NumPy` array | none |
//! | `.npz` | `NumPy` archive | name of the array |
//! | `.tif`, `.tiff` | one grey image; Thermo/FEI or `ImageJ` metadata give the pixel size | none |
//! | `.h5`, `.hdf5`, `.nsid` | NSID (sidpy, `pyNSID`), USID and plain HDF5 | dataset, or a group that holds one |
//! | `.hspy` | `HyperSpy` | `Experiments/<title>` |
//!
//! Two dimensions are a map, three are spectra with the channel last; trailing dimensions of
//! size 1 do not count. `HyperSpy`'s spectra along a line, or of scattered points, are those of a
//! scan of a single column. The path inside may be left out where only one dataset can be meant.
//!
//! `.npy` and `.npz` hold no axes: their channels are numbered from 0, and those numbers are what
//! a scalarizer sees. In HDF5, soft and external links are passed over: give the path of the
//! dataset itself. HDF5 and `HyperSpy` need the feature `hdf5`; without it they are refused.

mod acquisitions;
mod array;
mod error;
mod finished;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(not(feature = "hdf5"))]
#[path = "without_hdf5.rs"]
mod hdf5;
#[cfg(feature = "hdf5")]
mod hyperspy;
#[cfg(feature = "hdf5")]
mod links;
mod listing;
#[cfg(feature = "hdf5")]
mod nsid;
mod numpy;
mod tiff;
#[cfg(feature = "hdf5")]
mod usid;
mod write;

use std::path::Path;

pub use acquisitions::{Acquisition, write_acquisitions};
pub use error::DatasetError;
pub use finished::Finished;
pub use hdf5::list_hdf5;
pub use listing::DatasetInfo;
pub use numpy::write_npy;
#[cfg(feature = "hdf5")]
pub(crate) use write::replace;
#[cfg(feature = "figures")]
pub(crate) use write::replace_with;
pub use write::{WriteError, remove_file, write_file};

use crate::data::{Map, Spectra};

/// What a location holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Dataset {
    /// One value per pixel.
    Map(Map),
    /// One spectrum per pixel.
    Spectra(Spectra),
}

/// Reads what `location` holds. Values are taken as they are, NaN included.
///
/// # Errors
/// When the file is missing or damaged, the path inside is unknown or ambiguous, or the array
/// is of a rank or type that fits neither a map nor spectra.
pub fn read(location: &str) -> Result<Dataset, DatasetError> {
    let (file, inside) = split(location);
    require_file(file)?;
    let array = match extension(file).as_str() {
        "npy" => numpy::read_npy(file, inside),
        "npz" => numpy::read_npz(file, inside),
        "tif" | "tiff" => tiff::read(file, inside),
        "h5" | "hdf5" | "nsid" | "hspy" => hdf5::read(file, inside),
        _ => Err(DatasetError::UnknownExtension {
            file: file.to_owned(),
            extension: extension(file),
        }),
    }?;
    array.into_dataset()
}

/// Reads a map from `location`.
///
/// # Errors
/// As [`read`], and when the location holds spectra.
pub fn read_map(location: &str) -> Result<Map, DatasetError> {
    match read(location)? {
        Dataset::Map(map) => Ok(map),
        Dataset::Spectra(spectra) => Err(DatasetError::Shape {
            location: location.to_owned(),
            shape: shape_text(&[spectra.height(), spectra.width(), spectra.channels.size]),
            accepted: "rows x columns, an image or a map",
        }),
    }
}

/// Checks that every value of a map is finite; `what` names the map in the message.
///
/// # Errors
/// When a value is NaN or infinite; names the first in row-major order.
pub fn require_finite(map: &Map, what: &str) -> Result<(), DatasetError> {
    match map.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(i) => Err(DatasetError::NotFinite {
            what: what.to_owned(),
            value: map.values[i],
            row: i / map.width(),
            column: i % map.width(),
        }),
    }
}

/// The file and the path inside; a `#` that belongs to the name of an existing file stays
/// with it.
fn split(location: &str) -> (&str, Option<&str>) {
    if Path::new(location).is_file() {
        return (location, None);
    }
    match location.rsplit_once('#') {
        Some((file, inside)) => (
            file,
            Some(inside.trim_matches('/')).filter(|s| !s.is_empty()),
        ),
        None => (location, None),
    }
}

/// Checks that `file` is there and is no folder.
fn require_file(file: &str) -> Result<(), DatasetError> {
    let (path, file) = (Path::new(file), file.to_owned());
    if path.is_file() {
        Ok(())
    } else if path.is_dir() {
        Err(DatasetError::Folder { file })
    } else {
        Err(DatasetError::Missing { file })
    }
}

fn extension(file: &str) -> String {
    let extension = Path::new(file).extension().unwrap_or_default();
    extension.to_string_lossy().to_lowercase()
}

/// The name of a file without folder and extension: the quantity of formats that name none.
fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// A shape as messages show it: `50x50x64`.
fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    if sizes.is_empty() {
        "scalar".to_owned()
    } else {
        sizes.join("x")
    }
}

/// For formats that hold a single array: a path inside is a mistake.
fn refuse_inside(file: &str, inside: Option<&str>) -> Result<(), DatasetError> {
    match inside {
        None => Ok(()),
        Some(inside) => Err(DatasetError::UnknownInside {
            file: file.to_owned(),
            inside: inside.to_owned(),
            available: "one array only: leave out the path".to_owned(),
        }),
    }
}

#[cfg(all(test, feature = "hdf5"))]
mod samples;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

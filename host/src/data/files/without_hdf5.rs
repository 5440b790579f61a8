//! Refuses HDF5 files where the feature `hdf5` is not compiled in.

use super::array::Array;
use super::{DatasetError, DatasetInfo, Wanted};

/// Refuses the file.
pub(super) fn read(
    file: &str,
    _inside: Option<&str>,
    _wanted: Wanted,
) -> Result<Array, DatasetError> {
    Err(refused(file))
}

/// Refuses the file.
pub(super) fn list_signals(file: &str) -> Result<Vec<String>, DatasetError> {
    Err(refused(file))
}

/// What is opened of a file, each with its path inside.
type Arrays = Vec<(String, Result<Array, DatasetError>)>;

/// Refuses the file.
pub(super) fn read_first(
    file: &str,
    _most: usize,
) -> Result<(Arrays, usize, Option<String>), DatasetError> {
    Err(refused(file))
}

/// Refuses the file.
///
/// # Errors
/// [`DatasetError::WithoutFeature`], always.
pub fn list_hdf5(file: &str) -> Result<Vec<DatasetInfo>, DatasetError> {
    super::require_file(file)?;
    Err(refused(file))
}

fn refused(file: &str) -> DatasetError {
    DatasetError::WithoutFeature {
        file: file.to_owned(),
        feature: "hdf5",
    }
}

//! What a file holds, for choosing from and for messages.

use std::fmt;

use super::plain;

/// A numeric dataset in an HDF5 file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Path from the root, without a leading slash.
    pub path: String,
    /// Number of values along each dimension.
    pub shape: Vec<usize>,
    /// Type of the values, such as `f64`.
    pub dtype: String,
    /// What the file says the values are; empty when it says nothing.
    pub quantity: String,
    /// Whether the file marks this as measured data, not as an axis or metadata.
    #[cfg(feature = "hdf5")]
    pub(super) main: bool,
}

impl fmt::Display for DatasetInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = super::shape_text(&self.shape);
        write!(f, "{} ({shape} {}", plain(&self.path), plain(&self.dtype))?;
        if !self.quantity.is_empty() {
            write!(f, " {}", plain(&self.quantity))?;
        }
        write!(f, ")")
    }
}

/// The datasets of a file for a message; a file of hundreds must not fill the screen.
#[cfg(feature = "hdf5")]
pub(super) fn listing(datasets: &[DatasetInfo]) -> String {
    const SHOWN: usize = 24;
    if datasets.is_empty() {
        return "no numeric dataset".to_owned();
    }
    let mut shown: Vec<String> = datasets
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    if datasets.len() > SHOWN {
        shown.push(format!("and {} more", datasets.len() - SHOWN));
    }
    shown.join(", ")
}

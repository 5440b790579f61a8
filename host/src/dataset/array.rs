//! From an array with axes to a map or spectra: the rules of rank that all formats share.

use super::Dataset;
use super::error::DatasetError;
use super::spectra::{Spectra, Values};
use crate::axis::Axis;
use crate::map::Map;

/// One dimension as the file describes it.
pub(super) struct Dimension {
    pub(super) axis: Axis,
    /// The value of every index, where the file lists them.
    pub(super) coordinates: Option<Vec<f64>>,
}

impl Dimension {
    /// A dimension of which nothing is known but its place and size.
    pub(super) fn unknown(place: usize, size: usize) -> Self {
        let name = ["y", "x", "channel"]
            .get(place)
            .copied()
            .unwrap_or("dimension");
        let mut axis = Axis::pixels(name, size);
        if place > 1 {
            axis.units.clear();
        }
        Self {
            axis,
            coordinates: None,
        }
    }

    /// An equidistant dimension; without a usable step it stays uncalibrated.
    pub(super) fn uniform(
        place: usize,
        size: usize,
        (name, units): (&str, &str),
        (offset, scale): (f64, f64),
    ) -> Self {
        let mut dimension = Self::unknown(place, size);
        if !name.is_empty() {
            name.clone_into(&mut dimension.axis.name);
        }
        if scale != 0.0 && scale.is_finite() && offset.is_finite() {
            units.clone_into(&mut dimension.axis.units);
            (dimension.axis.offset, dimension.axis.scale) = (offset, scale);
        }
        dimension
    }

    /// A dimension whose values are listed one by one.
    pub(super) fn listed(place: usize, names: (&str, &str), coordinates: Vec<f64>) -> Self {
        let n = coordinates.len();
        let first = coordinates.first().copied().unwrap_or(0.0);
        // The ends give an equidistant step to full precision; a sweep that returns to its
        // start has no such step, and its first one describes it best.
        let mean = (coordinates.last().copied().unwrap_or(0.0) - first) / (n.max(2) - 1) as f64;
        let equidistant = coordinates
            .iter()
            .enumerate()
            .all(|(i, &value)| (value - first - i as f64 * mean).abs() <= 1e-6 * mean.abs());
        let scale = match coordinates.get(1) {
            Some(second) if !equidistant => second - first,
            _ => mean,
        };
        let mut dimension = Self::uniform(place, n, names, (first, scale));
        dimension.coordinates = Some(coordinates);
        dimension
    }
}

/// An array with everything that the file says about it.
pub(super) struct Array {
    /// Where it came from, for messages.
    pub(super) location: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
    /// One per entry of `shape`.
    pub(super) dimensions: Vec<Dimension>,
    pub(super) quantity: String,
    pub(super) units: String,
}

/// `shape` without the trailing dimensions of size 1 beyond the second.
pub(super) fn squeezed(shape: &[usize]) -> &[usize] {
    let mut rank = shape.len();
    while rank > 2 && shape[rank - 1] == 1 {
        rank -= 1;
    }
    &shape[..rank]
}

impl Array {
    /// An array of which the file gives no axes.
    pub(super) fn bare(location: &str, shape: Vec<usize>, values: Values, quantity: &str) -> Self {
        let dimensions = shape
            .iter()
            .enumerate()
            .map(|(place, &size)| Dimension::unknown(place, size))
            .collect();
        Self {
            location: location.to_owned(),
            shape,
            values,
            dimensions,
            quantity: quantity.to_owned(),
            units: String::new(),
        }
    }

    /// The map or the spectra that this array is.
    ///
    /// # Errors
    /// When its rank is neither 2 nor 3 after squeezing, or a dimension is empty.
    pub(super) fn into_dataset(self) -> Result<Dataset, DatasetError> {
        let shape = squeezed(&self.shape);
        let length = shape
            .iter()
            .try_fold(1_usize, |n, &size| n.checked_mul(size));
        if shape.contains(&0) || length != Some(self.values.len()) {
            return Err(DatasetError::shape(&self.location, &self.shape));
        }
        let rank = shape.len();
        let mut dimensions = self.dimensions.into_iter().take(rank);
        match (
            dimensions.next(),
            dimensions.next(),
            dimensions.next(),
            rank,
        ) {
            (Some(rows), Some(columns), None, 2) => Ok(Dataset::Map(Map {
                values: self.values.into_f64(),
                rows: rows.axis,
                columns: columns.axis,
                quantity: self.quantity,
                units: self.units,
            })),
            (Some(rows), Some(columns), Some(channels), 3) => {
                let axis = channels.axis;
                let coordinates = channels
                    .coordinates
                    .unwrap_or_else(|| (0..axis.size).map(|i| axis.value(i)).collect());
                Ok(Dataset::Spectra(Spectra {
                    rows: rows.axis,
                    columns: columns.axis,
                    channels: axis,
                    coordinates,
                    quantity: self.quantity,
                    units: self.units,
                    values: self.values,
                }))
            }
            _ => Err(DatasetError::shape(&self.location, &self.shape)),
        }
    }
}

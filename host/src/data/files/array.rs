//! From an array with axes to a map or spectra: the rules of rank that all formats share.

use super::Dataset;
use super::error::DatasetError;
use crate::data::{Axis, Map, Spectra, Values};

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
    #[cfg(feature = "hdf5")]
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

/// Whether an array of this shape is a map or spectra.
pub(super) fn is_candidate(shape: &[usize]) -> bool {
    matches!(squeezed(shape).len(), 2 | 3)
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
                let coordinates = channels.coordinates.unwrap_or_else(|| axis.values());
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

/// What files need that describe their dimensions.
#[cfg(feature = "hdf5")]
impl Array {
    /// Replaces a dimension where the description fits the array; a file may be inconsistent.
    pub(super) fn set_dimension(&mut self, place: usize, dimension: Dimension) {
        if let Some(slot) = self.dimensions.get_mut(place)
            && slot.axis.size == dimension.axis.size
        {
            *slot = dimension;
        }
    }

    /// Makes spectra along a line, or at scattered points, those of a scan of a single column.
    pub(super) fn insert_column(&mut self) {
        self.shape.insert(1, 1);
        self.dimensions.insert(1, Dimension::unknown(1, 1));
    }

    /// Makes dimension `from` the last, for files that put the channel elsewhere.
    pub(super) fn move_last(&mut self, from: usize) {
        let rank = squeezed(&self.shape).len();
        if from >= rank {
            return;
        }
        self.shape.truncate(rank);
        self.dimensions.truncate(rank);
        let inner: usize = self.shape[from + 1..].iter().product();
        let channels = self.shape[from];
        // In every block of channels x inner values, the channel is made the fastest.
        let size = channels * inner;
        if size == 0 {
            return;
        }
        let places = (0..self.values.len() / size * size).map(|n| {
            let (block, i, channel) = (n / size, n / channels % inner, n % channels);
            (block * channels + channel) * inner + i
        });
        self.values = self.values.reordered(places);
        self.shape[from..].rotate_left(1);
        self.dimensions[from..].rotate_left(1);
    }

    /// The error that this array is a stack of images and not spectra.
    pub(super) fn is_stack(&self) -> DatasetError {
        DatasetError::Shape {
            location: self.location.clone(),
            shape: format!("{} (a stack of images)", super::shape_text(&self.shape)),
            accepted: DatasetError::SHAPES,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::files::testing::{npy, written};
    use crate::data::files::{Dataset, read};

    #[test]
    fn rank_decides_between_map_and_spectra() {
        let read_shape = |shape: &str, n: usize| {
            let data: Vec<u8> = (0..n).map(|i| i as u8).collect();
            let (_folder, file) = written("a.npy", &npy("|u1", false, shape, &data));
            read(&file)
        };
        assert!(matches!(read_shape("2, 3, 1, 1", 6), Ok(Dataset::Map(_))));
        assert!(matches!(read_shape("4, 1", 4), Ok(Dataset::Map(_))));
        match read_shape("1, 2, 3", 6) {
            Ok(Dataset::Spectra(spectra)) => {
                assert_eq!(spectra.at(0, 1), [3.0, 4.0, 5.0]);
                assert_eq!(spectra.coordinates, [0.0, 1.0, 2.0]);
            }
            other => panic!("{other:?}"),
        }
        for (shape, n, text) in [
            ("6,", 6, "shape 6;"),
            ("", 1, "shape scalar;"),
            ("1, 2, 3, 2", 12, "shape 1x2x3x2;"),
            ("0, 3", 0, "shape 0x3;"),
        ] {
            let message = read_shape(shape, n).unwrap_err().to_string();
            assert!(
                message.contains(text) && message.contains("rows x columns"),
                "{message}"
            );
        }
    }
}

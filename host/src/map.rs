//! A calibrated map: one value per pixel of the scanned area.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;

/// Values over the scanned area, row-major, with calibrated axes: an image, a response or
/// a surrogate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// Row-major values, `rows.size * columns.size` of them.
    pub values: Vec<f64>,
    /// The slow axis, from the top down.
    pub rows: Axis,
    /// The fast axis, from left to right.
    pub columns: Axis,
    /// What the values are, such as `HAADF` or `Pd Lα`; for titles and colour bars.
    pub quantity: String,
    /// Units of the values, such as `counts`; empty when unknown.
    pub units: String,
}

impl Map {
    /// A map without calibration.
    ///
    /// # Panics
    /// When `values` does not hold `height * width` values: a mistake of the caller.
    pub fn uncalibrated(height: usize, width: usize, values: Vec<f64>, quantity: &str) -> Self {
        assert_eq!(
            values.len(),
            height * width,
            "a map holds height x width values"
        );
        Self {
            values,
            rows: Axis::pixels("y", height),
            columns: Axis::pixels("x", width),
            quantity: quantity.to_owned(),
            units: String::new(),
        }
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.rows.size
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.columns.size
    }

    /// Value at a row and a column.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.width() + column]
    }
}

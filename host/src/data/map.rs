//! A calibrated map: one value per pixel of the scanned area.

use beacon_kernel::{Candidates, Pixel};
use serde::{Deserialize, Serialize};

use crate::data::Axis;

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

/// A copy of `map` with NaN wherever there is no candidate.
pub fn on_candidates(map: &Map, candidates: Candidates) -> Map {
    let width = map.width();
    let values = map.values.iter().enumerate().map(|(index, &value)| {
        let (row, column) = (index / width, index % width);
        match candidates.at(Pixel { row, column }) {
            Some(_) => value,
            None => f64::NAN,
        }
    });
    Map {
        values: values.collect(),
        ..map.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of 4 fit around rows 2 and 3 and columns 2 to 4 of an image of 5 × 6.
    #[test]
    fn only_candidates_keep_their_value() {
        let map = Map::uncalibrated(5, 6, (0..30).map(f64::from).collect(), "response");
        let masked = on_candidates(&map, Candidates::new(5, 6, 4).unwrap());
        let kept: Vec<_> = masked.values.into_iter().filter(|v| !v.is_nan()).collect();
        assert_eq!(kept, [14.0, 15.0, 16.0, 20.0, 21.0, 22.0]);
    }
}

//! A calibrated map: one value per pixel of the scanned area.

use std::borrow::Cow;

use beacon_kernel::{Candidates, Edges, Error, Pixel};
use beacon_train::Patches;
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

    /// Whether the value at a row and a column is a number.
    pub fn is_known(&self, row: usize, column: usize) -> bool {
        self.at(row, column).is_finite()
    }

    /// The map, an image, as the network sees it, with the patches of all windows of `window` pixels
    /// inside it.
    ///
    /// # Errors
    /// As [`Self::patches_with_edges`].
    pub fn patches(&self, window: usize) -> Result<Patches, Error> {
        self.patches_with_edges(window, Edges::Inside)
    }

    /// [`Self::patches`], with those of windows that reach beyond the image as `edges` says.
    ///
    /// Pixels without data take the mean of their neighbours, see [`Self::completed`]: the windows of
    /// candidates nearby show nothing remarkable there.
    ///
    /// # Errors
    /// [`Error::NoCandidates`] when no window fits, [`Error::NotFinite`] when no pixel has data.
    pub fn patches_with_edges(&self, window: usize, edges: Edges) -> Result<Patches, Error> {
        let candidates = Candidates::with_edges(self.height(), self.width(), window, edges)?;
        Patches::new(candidates, &self.completed().values)
    }

    /// The map without numbers where `other`, of the same shape, has none.
    #[must_use]
    pub fn where_known(mut self, other: &Self) -> Self {
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            if !other.is_finite() {
                *value = f64::NAN;
            }
        }
        self
    }

    /// The map with a number at every pixel: one that has none takes the mean of those of its up to
    /// eight neighbours that have one. Holes are filled from their rim inwards, so that a value
    /// depends on the numbers nearest to it. A map without any number stays as it is.
    pub fn completed(&self) -> Cow<'_, Self> {
        let (height, width) = (self.height(), self.width());
        let mut known: Vec<bool> = self.values.iter().map(|value| value.is_finite()).collect();
        let mut open: Vec<usize> = (0..known.len()).filter(|&index| !known[index]).collect();
        if open.is_empty() || open.len() == self.values.len() {
            return Cow::Borrowed(self);
        }
        let neighbours = |index: usize| {
            let (row, column) = (index / width, index % width);
            let rows = row.saturating_sub(1)..(row + 2).min(height);
            let columns = column.saturating_sub(1)..(column + 2).min(width);
            rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
                .filter(move |&neighbour| neighbour != index)
        };
        let mut values = self.values.clone();
        while !open.is_empty() {
            // The rim of what is open: only its neighbours can be next.
            let mut rim = Vec::new();
            for &index in &open {
                let around = neighbours(index).filter(|&neighbour| known[neighbour]);
                let (mut sum, mut count) = (0.0, 0);
                for neighbour in around {
                    sum += values[neighbour];
                    count += 1;
                }
                if count > 0 {
                    rim.push((index, sum / f64::from(count)));
                }
            }
            for &(index, value) in &rim {
                (values[index], known[index]) = (value, true);
            }
            open = rim
                .iter()
                .flat_map(|&(index, _)| neighbours(index))
                .filter(|&index| !known[index])
                .collect();
            open.sort_unstable();
            open.dedup();
        }
        Cow::Owned(Self {
            values,
            ..self.clone()
        })
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

    #[test]
    fn a_hole_is_filled_from_its_rim_inwards_and_numbers_stay() {
        let (height, width) = (7, 8);
        let hole = |row: usize, column: usize| (1..6).contains(&row) && column >= 4;
        let value = |i: usize| match (i / width, i % width) {
            (row, column) if hole(row, column) => f64::NAN,
            (row, column) => (10 * row + column) as f64,
        };
        let map = Map::uncalibrated(height, width, (0..56).map(value).collect(), "hole");
        let completed = map.completed();
        for row in 0..height {
            for column in 0..width {
                assert!(completed.is_known(row, column));
                if !hole(row, column) {
                    assert_eq!(completed.at(row, column), map.at(row, column));
                }
            }
        }
        // Beside the left rim: three numbers of it; in a corner of the hole: five.
        assert_eq!(completed.at(3, 4), 33.0);
        assert_eq!(completed.at(1, 4), (3.0 + 4.0 + 5.0 + 13.0 + 23.0) / 5.0);
        // Inside that: three of what the rim became.
        assert_eq!(completed.at(3, 5), (23.0 + 33.0 + 43.0) / 3.0);

        assert!(matches!(completed.completed(), Cow::Borrowed(_)));
        let nothing = Map::uncalibrated(2, 2, vec![f64::NAN; 4], "nothing");
        assert!(
            nothing
                .completed()
                .values
                .iter()
                .all(|value| value.is_nan())
        );
    }

    #[test]
    fn a_pixel_without_data_is_completed_and_changes_nothing_but_windows_that_hold_it() {
        for edges in Edges::ALL {
            // A plane, so that the mean of the neighbours is the value that is missing.
            let values = (0..81).map(|i| f64::from(3 * (i / 9) + i % 9));
            let whole = Map::uncalibrated(9, 9, values.collect(), "plane");
            let mut image = whole.clone();
            image.values[4 * 9 + 4] = f64::NAN;
            let found = image.patches_with_edges(4, edges).unwrap();
            let expected = whole.patches_with_edges(4, edges).unwrap();
            assert_eq!(found.pixels(), expected.pixels());

            // What it becomes depends on its neighbours alone: others keep their values.
            let mut whole = whole;
            (image.values[0], whole.values[0]) = (40.0, 40.0);
            let found = image.patches_with_edges(4, edges).unwrap();
            let expected = whole.patches_with_edges(4, edges).unwrap();
            assert_eq!(found.pixels(), expected.pixels());
        }
        let nothing = Map::uncalibrated(9, 9, vec![f64::NAN; 81], "nothing");
        assert_eq!(
            nothing.patches(4).err(),
            Some(Error::NotFinite {
                what: "pixel",
                index: 0
            })
        );
    }

    /// Windows of 4 fit around rows 2 and 3 and columns 2 to 4 of an image of 5 × 6.
    #[test]
    fn only_candidates_keep_their_value() {
        let map = Map::uncalibrated(5, 6, (0..30).map(f64::from).collect(), "response");
        let masked = on_candidates(&map, Candidates::new(5, 6, 4).unwrap());
        let kept: Vec<_> = masked.values.into_iter().filter(|v| !v.is_nan()).collect();
        assert_eq!(kept, [14.0, 15.0, 16.0, 20.0, 21.0, 22.0]);
    }
}

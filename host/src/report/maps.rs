//! Maps on disk, as numpy reads them, and maps that exist only at the candidates.

use super::error::ReportError;
use super::file::replace_with;
use crate::map::Map;
use crate::npy;
use beacon_kernel::{Candidates, Pixel};
use std::path::Path;

/// Writes a map as `.npy`: float64, two-dimensional (rows, columns), in C order.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left.
pub fn write_npy(path: &Path, map: &Map) -> Result<(), ReportError> {
    replace_with(path, |file| {
        let shape = [map.height(), map.width()];
        npy::write(file, &shape, map.values.iter().copied())
    })
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
    fn a_written_map_reads_back_with_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("surrogate_mean.npy");
        let map = Map::uncalibrated(2, 3, vec![0.0, 1.5, -2.0, 3.0, f64::INFINITY, 5.0], "mean");
        write_npy(&path, &map).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let npy = npy::Npy::new(&bytes[..]).unwrap();
        assert_eq!((npy.shape(), npy.column_major()), (&[2, 3][..], false));
        assert_eq!(npy.values(npy::Number::to_float).unwrap(), map.values);
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

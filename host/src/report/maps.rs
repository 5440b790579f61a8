//! Maps on disk, as numpy reads them, and maps that exist only at the candidates.

use super::error::ReportError;
use super::file::replace_with;
use crate::map::Map;
use npyz::WriterBuilder;
use std::path::Path;

/// Writes a map as `.npy`: float64, two-dimensional (rows, columns), in C order.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left.
pub fn write_npy(path: &Path, map: &Map) -> Result<(), ReportError> {
    replace_with(path, |file| {
        let shape = [map.height() as u64, map.width() as u64];
        let mut npy = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&shape)
            .writer(file)
            .begin_nd()?;
        npy.extend(&map.values)?;
        npy.finish()
    })
}

/// A copy of `map` with NaN everywhere but at `pixels`, given as `(row, column)`.
///
/// # Panics
/// When a pixel lies outside the map: a mistake of the caller.
pub fn only_at(map: &Map, pixels: &[(usize, usize)]) -> Map {
    let mut values = vec![f64::NAN; map.values.len()];
    for &(row, column) in pixels {
        assert!(column < map.width(), "column {column} lies outside the map");
        values[row * map.width() + column] = map.at(row, column);
    }
    Map {
        values,
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
        let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!((npy.shape(), npy.order()), (&[2, 3][..], npyz::Order::C));
        assert_eq!(npy.into_vec::<f64>().unwrap(), map.values);
    }

    #[test]
    fn only_candidates_keep_their_value() {
        let map = Map::uncalibrated(2, 2, vec![1.0, 2.0, 3.0, 4.0], "response");
        let masked = only_at(&map, &[(1, 0)]);
        assert_eq!(masked.at(1, 0), 3.0);
        assert_eq!(masked.values.iter().filter(|v| v.is_nan()).count(), 3);
    }
}

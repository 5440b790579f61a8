//! The frame of a scan: square pixels on calibrated axes.

use crate::data::{Axis, Map};

/// A map of `shape` (rows, columns) with axes in nm, at the centres of the pixels.
pub(super) fn map(
    (height, width): (usize, usize),
    pixel_nm: f64,
    values: Vec<f64>,
    quantity: &str,
    units: &str,
) -> Map {
    let axis = |name: &str, size| Axis {
        name: name.to_owned(),
        units: "nm".to_owned(),
        offset: 0.5 * pixel_nm,
        scale: pixel_nm,
        size,
    };
    Map {
        values,
        rows: axis("y", height),
        columns: axis("x", width),
        quantity: quantity.to_owned(),
        units: units.to_owned(),
    }
}

/// Centres (x, y) of the pixels in nm, row by row.
pub(super) fn centres(
    (height, width): (usize, usize),
    pixel_nm: f64,
) -> impl Iterator<Item = (f64, f64)> {
    let at = move |i: usize| (i as f64 + 0.5) * pixel_nm;
    (0..height * width).map(move |i| (at(i % width), at(i / width)))
}

/// A value for every pixel, row by row, from the position (x, y) of its centre in nm.
pub(super) fn each(
    shape: (usize, usize),
    pixel_nm: f64,
    value: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    centres(shape, pixel_nm).map(|(x, y)| value(x, y)).collect()
}

/// Index of a pixel, row by row.
///
/// # Panics
/// When the pixel lies outside the image: a mistake of the caller.
pub(super) fn index((height, width): (usize, usize), row: usize, column: usize) -> usize {
    assert!(
        row < height && column < width,
        "pixel ({row}, {column}) lies outside the image of {height} x {width}"
    );
    row * width + column
}

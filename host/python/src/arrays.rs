//! Numbers on their way between Python and the library.

use beacon_host::data::{Axis, Channels, Map, Spectra};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::failure::Failure;

/// An array as NumPy gives it: bytes of `float64` in native order, row by row, and its shape.
pub(crate) type Given = (PyBackedBytes, Vec<usize>);

/// The numbers of an array.
pub(crate) fn numbers(bytes: &[u8]) -> Vec<f64> {
    let (numbers, _) = bytes.as_chunks::<8>();
    numbers.iter().copied().map(f64::from_ne_bytes).collect()
}

/// Numbers as bytes, of which NumPy makes an array.
pub(crate) fn bytes<'py>(py: Python<'py>, numbers: &[f64]) -> Bound<'py, PyBytes> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
    PyBytes::new(py, &bytes)
}

/// An array of rows and columns as a map.
pub(crate) fn map((values, shape): &Given, what: &str) -> Result<Map, Failure> {
    let values = numbers(values);
    match shape[..] {
        [height, width] if height * width == values.len() => {
            Ok(Map::uncalibrated(height, width, values, what))
        }
        _ => Err(Failure::Value(format!(
            "the {what} has shape {shape:?}; expected rows and columns"
        ))),
    }
}

/// An array of rows, columns and channels as spectra, in single precision as files of spectra are read.
pub(crate) fn spectra((values, shape): &Given, channels: Channels) -> Result<Spectra, Failure> {
    let size = channels.coordinates.len();
    match shape[..] {
        [height, width, found] if found == size && size > 0 => Ok(Spectra::new(
            Axis::pixels("row", height),
            Axis::pixels("column", width),
            channels.axis,
            channels.coordinates,
            numbers(values)
                .into_iter()
                .map(|value| value as f32)
                .collect(),
        )),
        _ => Err(Failure::Value(format!(
            "the response has shape {shape:?} and its axis {size} values; expected rows, columns and as many \
             channels"
        ))),
    }
}

/// The numbers of spectra, channel last.
pub(crate) fn spectra_numbers(spectra: &Spectra) -> Vec<f64> {
    let pixels = (0..spectra.height()).flat_map(|row| (0..spectra.width()).map(move |c| (row, c)));
    pixels
        .flat_map(|(row, column)| spectra.at(row, column))
        .collect()
}

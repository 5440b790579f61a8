//! The spectra of the points, written one by one.

use std::path::Path;

use rust_hdf5::{H5File, H5Group, H5Type};

use super::conditions::{in_its_units, signal_type};
use super::error::ResultError;
use super::points::PointRow;
use super::signal::{Signal, SignalAxis, list};
use super::{PointSpectra, ResultFile};

/// Writes a spectrum a point, in single precision where that holds every value exactly. The group of the signal.
pub(super) fn write(
    file: &H5File,
    result: &ResultFile<'_>,
    spectra: &PointSpectra<'_>,
    path: &Path,
) -> Result<H5Group, ResultError> {
    let points = result.points;
    let mut single = true;
    each(points.len(), spectra, |_, spectrum| {
        single &= spectrum.iter().all(|&value| is_single(value));
        Ok(())
    })?;
    if single {
        stream(file, result, spectra, path, |value| value as f32)
    } else {
        stream(file, result, spectra, path, |value| value)
    }
}

fn is_single(value: f64) -> bool {
    value.is_nan() || f64::from(value as f32) == value
}

fn stream<T: H5Type>(
    file: &H5File,
    result: &ResultFile<'_>,
    spectra: &PointSpectra<'_>,
    path: &Path,
    narrow: impl Fn(f64) -> T,
) -> Result<H5Group, ResultError> {
    let points = result.points;
    let encoder = |e| ResultError::encoder(path, &e);
    let channels = &in_its_units(spectra.channels);
    let size = channels.axis.size;
    let signal = Signal {
        name: "spectra",
        quantity: &channels.quantity,
        units: &channels.units,
        hyperspy_type: signal_type(channels, &result.conditions),
        // sidpy's word for spectra at scattered places.
        sidpy_type: "POINT_CLOUD",
        axes: &[
            SignalAxis::count("point", points.len(), "POINT_CLOUD", true),
            SignalAxis::listed(&channels.axis, &channels.coordinates, "SPECTRAL"),
        ],
    };
    let (group, data) = signal.create::<T>(file).map_err(encoder)?;
    describe(&group, points, &channels.elements).map_err(encoder)?;
    let mut narrowed = Vec::with_capacity(size);
    each(points.len(), spectra, |point, spectrum| {
        narrowed.clear();
        narrowed.extend(spectrum.iter().map(|&value| narrow(value)));
        data.write_slice(&[point, 0], &[1, size], &narrowed)
            .map_err(encoder)
    })?;
    Ok(group)
}

/// Fetches the spectra in order, and checks that they fit their axis.
fn each(
    points: usize,
    spectra: &PointSpectra<'_>,
    mut take: impl FnMut(usize, &[f64]) -> Result<(), ResultError>,
) -> Result<(), ResultError> {
    let accepted = spectra.channels.axis.size;
    let mut spectrum = Vec::with_capacity(accepted);
    for point in 0..points {
        (spectra.fetch)(point, &mut spectrum)
            .map_err(|source| ResultError::Spectrum { point, source })?;
        if spectrum.len() != accepted {
            return Err(ResultError::Channels {
                point,
                found: spectrum.len(),
                accepted,
            });
        }
        take(point, &spectrum)?;
    }
    Ok(())
}

/// The elements for `HyperSpy`, and the places for sidpy: (row, column) of the pixel that was
/// meant, or of the beam where it is known.
fn describe(group: &H5Group, points: &[PointRow], elements: &[String]) -> rust_hdf5::Result<()> {
    if !elements.is_empty() {
        let sample = group.group("metadata")?.create_group("Sample")?;
        let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
        list(&sample, "elements", &elements)?;
    }
    let places = points.iter().flat_map(|point| {
        let meant = (f64::from(point.row), f64::from(point.column));
        let (row, column) = point.beam.unwrap_or(meant);
        [row, column]
    });
    let places: Vec<f64> = places.collect();
    let cloud = group.create_group("point_cloud")?;
    cloud.set_attr_array_numeric_nd("coordinates", &places, &[points.len(), 2])?;
    cloud.set_attr_string("quantity", "row, column")?;
    cloud.set_attr_string("units", "px")
}

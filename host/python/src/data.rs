//! Files and built-in specimens.

use beacon_host::campaign::{Experiment as _, Oracle as _, Point, SpecimenExperiment};
use beacon_host::data::files::{self, Dataset, Signal, Transpose, Wanted};
use beacon_host::data::{Axis, Map, Spectra};
use beacon_host::internal::specimen::SpecimenChoice;
use beacon_host::scalarizer::Scalarizer;
use beacon_kernel::{Candidate, Pixel};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Given, bytes, numbers, spectra_numbers};
use crate::failure::Failure;

/// Reads what a location holds: `wanted` is `any`, `map` or `spectra`.
#[pyfunction]
pub(crate) fn read<'py>(
    py: Python<'py>,
    location: &str,
    wanted: &str,
    transposed: bool,
    most_memory: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let wanted = match wanted {
        "map" => Wanted::Map,
        "spectra" => Wanted::Spectra,
        _ => Wanted::Any,
    };
    let read = || -> Result<_, Failure> {
        let mut signal: Signal = files::open(location, wanted)?;
        if transposed {
            signal = Transpose::turn(Some(Transpose::Both), Transpose::Response, signal);
        }
        let conditions = *signal.conditions();
        Ok((conditions, signal.read(most_memory)?))
    };
    let (conditions, dataset) = py.detach(read)?;
    let data = match dataset {
        Dataset::Map(map) => of_map(py, &map)?,
        Dataset::Spectra(spectra) => of_spectra(py, &spectra)?,
    };
    data.set_item("beam_energy", conditions.beam_energy)?;
    data.set_item("dwell", conditions.dwell)?;
    data.set_item("live_time", conditions.live_time)?;
    Ok(data)
}

/// The locations of everything in a file.
#[pyfunction]
pub(crate) fn locations(py: Python<'_>, location: &str) -> PyResult<Vec<String>> {
    Ok(py.detach(|| files::locations(location).map_err(Failure::from))?)
}

fn axis<'py>(py: Python<'py>, axis: &Axis, values: &[f64]) -> PyResult<Bound<'py, PyDict>> {
    let of = PyDict::new(py);
    of.set_item("name", &axis.name)?;
    of.set_item("units", &axis.units)?;
    of.set_item("values", bytes(py, values))?;
    Ok(of)
}

fn of_map<'py>(py: Python<'py>, map: &Map) -> PyResult<Bound<'py, PyDict>> {
    let data = PyDict::new(py);
    data.set_item("shape", vec![map.height(), map.width()])?;
    data.set_item("values", bytes(py, &map.values))?;
    let axes = [&map.rows, &map.columns].map(|of| axis(py, of, &of.values()));
    data.set_item("axes", axes.into_iter().collect::<PyResult<Vec<_>>>()?)?;
    data.set_item("quantity", &map.quantity)?;
    data.set_item("units", &map.units)?;
    Ok(data)
}

fn of_spectra<'py>(py: Python<'py>, spectra: &Spectra) -> PyResult<Bound<'py, PyDict>> {
    let data = PyDict::new(py);
    let channels = spectra.coordinates.len();
    data.set_item("shape", vec![spectra.height(), spectra.width(), channels])?;
    data.set_item("values", bytes(py, &spectra_numbers(spectra)))?;
    let axes = [
        axis(py, &spectra.rows, &spectra.rows.values())?,
        axis(py, &spectra.columns, &spectra.columns.values())?,
        axis(py, &spectra.channels, &spectra.coordinates)?,
    ];
    data.set_item("axes", axes.to_vec())?;
    data.set_item("quantity", &spectra.quantity)?;
    data.set_item("units", &spectra.units)?;
    Ok(data)
}

/// The number of each spectrum: an array without its last dimension.
#[pyfunction]
pub(crate) fn reduce<'py>(
    py: Python<'py>,
    spectra: Given,
    axis: crate::given::AxisGiven,
    scalarizer: &str,
) -> PyResult<Bound<'py, pyo3::types::PyBytes>> {
    let scalarizer: Scalarizer =
        scalarizer
            .parse()
            .map_err(|error: beacon_host::scalarizer::ScalarizerError| {
                Failure::Value(error.to_string())
            })?;
    let channels = crate::given::channels(axis);
    let size = channels.coordinates.len();
    if spectra.1.last() != Some(&size) || size == 0 {
        return Err(Failure::Value(format!(
            "the spectra have shape {:?} and their axis {size} values; expected as many channels",
            spectra.1
        ))
        .into());
    }
    let values = numbers(&spectra.0);
    let reduced = py.detach(|| {
        let reduce = |spectrum| scalarizer.reduce(spectrum, &channels.coordinates, &channels.axis);
        let reduced: Result<Vec<f64>, _> = values.chunks_exact(size).map(reduce).collect();
        reduced.map_err(|error| Failure::Value(error.to_string()))
    })?;
    Ok(bytes(py, &reduced))
}

/// A built-in specimen: its image, what is measured at every pixel, and what would be without noise.
#[pyfunction]
pub(crate) fn specimen<'py>(
    py: Python<'py>,
    name: &str,
) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyDict>, Bound<'py, PyDict>)> {
    let make = || -> Result<_, Failure> {
        let value = |error: &dyn std::fmt::Display| Failure::Value(error.to_string());
        let choice: SpecimenChoice = name.parse().map_err(|e| value(&e))?;
        let mut experiment = SpecimenExperiment::open(choice.config()).map_err(|e| value(&e))?;
        let image = experiment.image().clone();
        let truth = experiment.truth().cloned();
        let mut measured = Map {
            values: Vec::with_capacity(image.values.len()),
            ..truth.clone().unwrap_or_else(|| image.clone())
        };
        for n in 0..image.values.len() {
            let (row, column) = (n / image.width(), n % image.width());
            let point = Point {
                candidate: Candidate(n as u32),
                pixel: Pixel { row, column },
            };
            let response = experiment.measure(point).unwrap_or(f64::NAN);
            measured.values.push(response);
        }
        Ok((image, measured, truth))
    };
    let (image, measured, truth) = py.detach(make)?;
    let truth = truth.unwrap_or_else(|| measured.clone());
    Ok((
        of_map(py, &image)?,
        of_map(py, &measured)?,
        of_map(py, &truth)?,
    ))
}

//! What Python gives to begin a campaign or to score one, as the program takes it.

use beacon_host::campaign::{CampaignConfig, Targets, TargetsError};
use beacon_host::data::{Axis, Channels};
use beacon_host::scalarizer::{Scalarizer, ScalarizerError};
use beacon_kernel::{Candidate, Candidates, Pixel};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::arrays::numbers;
use crate::failure::Failure;

/// What the numbers of a point are: name, units and values of their axis.
pub(crate) type AxisGiven = (String, String, PyBackedBytes);

pub(crate) fn channels((name, units, values): AxisGiven) -> Channels {
    let coordinates = numbers(&values);
    let size = coordinates.len();
    let scale = match coordinates[..] {
        [first, .., last] => (last - first) / (size - 1) as f64,
        _ => 1.0,
    };
    let axis = Axis {
        name: name.clone(),
        units,
        offset: coordinates.first().copied().unwrap_or(0.0),
        scale: if scale == 0.0 { 1.0 } else { scale },
        size,
    };
    Channels {
        axis,
        coordinates,
        quantity: name,
        units: String::new(),
        elements: Vec::new(),
    }
}

pub(crate) fn scalarizer(text: &str) -> Result<Scalarizer, Failure> {
    text.parse()
        .map_err(|error: ScalarizerError| Failure::Value(error.to_string()))
}

/// What is sought; each text may stand for several, as `spectrum:3` does.
pub(crate) fn targets(texts: &[String]) -> Result<Targets, Failure> {
    let each = texts.iter().map(|text| text.parse::<Targets>());
    let all = each.collect::<Result<Vec<_>, _>>();
    let targets = all.and_then(|all| {
        let all = all.iter().flat_map(|targets| targets.iter().cloned());
        Targets::new(all.collect())
    });
    targets.map_err(|error: TargetsError| Failure::Value(error.to_string()))
}

/// Every number that is sought, as its scalarizer is written.
#[pyfunction]
pub(crate) fn sought(texts: Vec<String>) -> PyResult<Vec<String>> {
    let targets = targets(&texts)?;
    Ok(targets.iter().map(Scalarizer::to_string).collect())
}

/// The candidate at a pixel.
pub(crate) fn candidate(
    candidates: Candidates,
    (row, column): (i64, i64),
) -> Result<Candidate, Failure> {
    let (height, width) = (candidates.height(), candidates.width());
    let inside = |at: i64, size: usize| usize::try_from(at).ok().filter(|&at| at < size);
    let Some((row, column)) = inside(row, height).zip(inside(column, width)) else {
        return Err(Failure::Index(format!(
            "row {row}, column {column} lies outside an image of {height} x {width}, whose rows and \
             columns are numbered from 0"
        )));
    };
    candidates.at(Pixel { row, column }).ok_or_else(|| {
        let window = candidates.window();
        Failure::Value(format!(
            "no window of {window} pixels fits around row {row}, column {column} of an image of \
             {height} x {width}"
        ))
    })
}

pub(crate) fn settings(json: &str) -> Result<CampaignConfig, Failure> {
    serde_json::from_str(json).map_err(|error| {
        // Where in the JSON is nothing that a caller has seen.
        let text = error.to_string();
        let why = text.split(" at line ").next().unwrap_or_default();
        let why = why
            .replace("expected u64", "expected a whole number from 0")
            .replace("expected usize", "expected a whole number from 0");
        Failure::Value(match at_fault(json) {
            Some(name) => format!("{name}: {why}"),
            None => why,
        })
    })
}

/// The setting without which the others would be read.
fn at_fault(json: &str) -> Option<String> {
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    all.keys()
        .find(|name| {
            let mut others = all.clone();
            others.remove(*name);
            serde_json::from_value::<CampaignConfig>(others.into()).is_ok()
        })
        .cloned()
}

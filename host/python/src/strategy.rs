//! What a strategy in Python sees, and the points that it asks for.

use std::sync::{Arc, Mutex};

use beacon_host::{Asked, Sight};
use beacon_kernel::Candidate;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::bytes;
use crate::waiting::taken;

/// What a strategy in Python may see.
#[pyclass(frozen, module = "beacon._beacon")]
pub(crate) struct Seen(pub(crate) Sight);

#[pymethods]
impl Seen {
    /// The arrays by their names, one entry a candidate.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arrays = PyDict::new(py);
        arrays.set_item("mean", bytes(py, self.0.mean()))?;
        arrays.set_item("sigma", bytes(py, self.0.sigma()))?;
        arrays.set_item("sample", bytes(py, self.0.sample()))?;
        arrays.set_item("novelty", bytes(py, self.0.novelty()))?;
        arrays.set_item("distance", bytes(py, self.0.distance()))?;
        Ok(arrays)
    }

    /// Whether each candidate may be chosen.
    fn free(&self) -> Vec<bool> {
        self.0.free.clone()
    }
}

/// The points that a call of a strategy in Python asks for, as they become pending.
#[pyclass(frozen, module = "beacon._beacon")]
#[derive(Clone, Default)]
pub(crate) struct Asking(Arc<Mutex<Vec<Candidate>>>);

#[pymethods]
impl Asking {
    #[new]
    fn new() -> Self {
        Self::default()
    }
}

impl Asking {
    pub(crate) fn add(&self, asked: &[Asked]) {
        if let Ok(mut points) = self.0.lock() {
            points.extend(asked.iter().map(|asked| asked.candidate));
        }
    }

    /// The points, of which nothing is kept.
    pub(crate) fn taken(&self) -> Vec<Candidate> {
        taken(&self.0)
    }
}

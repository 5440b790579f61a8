//! How a live campaign is doing, for whoever asks while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// How a campaign is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it does, such as `measuring` or `paused`.
    pub state: String,
    /// Points measured so far.
    pub points: usize,
    /// Points to measure in all.
    pub budget: usize,
    /// Strategy that chooses them.
    pub strategy: String,
    /// What is sought, as a scalarizer is written.
    pub target: String,
    /// Row and column of the last point.
    pub last: Option<(usize, usize)>,
    /// Its response.
    pub response: Option<f64>,
    /// Electrons that the sample has taken.
    pub dose_electrons: f64,
    /// How far the sample has moved down and to the right, in pixels.
    pub drift: (f64, f64),
    /// How long it has been running, in seconds.
    pub elapsed_seconds: f64,
    /// Times that the instrument failed.
    pub failures: usize,
    /// What it said last.
    pub last_failure: Option<String>,
}

/// A status that one thread writes and others read.
#[derive(Clone, Debug, Default)]
pub(super) struct Board(Arc<Mutex<Status>>);

impl Board {
    /// The status as it is.
    pub(super) fn read(&self) -> Status {
        self.lock().clone()
    }

    /// Changes it.
    pub(super) fn write(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        // A status is whole after every assignment, whatever happened to who made it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

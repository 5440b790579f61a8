//! Time, as the simulated instrument counts it.

use std::thread;
use std::time::Duration;

/// Simulated seconds since the instrument was made. They pass with what the instrument does, and
/// never while it waits to be told.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    seconds: f64,
    sleeps: bool,
}

impl Clock {
    /// A clock at zero that sleeps through the time it counts, or only counts it.
    pub(super) fn new(sleeps: bool) -> Self {
        Self {
            seconds: 0.0,
            sleeps,
        }
    }

    /// The same time, and whether it sleeps from now on.
    pub(super) fn sleeping(self, sleeps: bool) -> Self {
        Self { sleeps, ..self }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Lets a finite time of zero or more pass.
    pub(super) fn pass(&mut self, seconds: f64) {
        self.seconds += seconds;
        if self.sleeps {
            thread::sleep(Duration::from_secs_f64(seconds));
        }
    }
}

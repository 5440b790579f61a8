//! Time, as the simulated instrument counts it.

use std::thread;
use std::time::{Duration, Instant};

use crate::microscope::Interrupt;

/// Longest sleep without a look at whether somebody wants it to end.
const SLICE: Duration = Duration::from_millis(50);

/// Simulated seconds since the instrument was made. They pass with what the instrument does, and
/// never while it waits to be told.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    seconds: f64,
    sleeps: bool,
    interrupt: Interrupt,
}

impl Clock {
    /// A clock at zero that sleeps through the time it counts, or only counts it.
    pub(super) fn new(sleeps: bool) -> Self {
        Self {
            seconds: 0.0,
            sleeps,
            interrupt: Interrupt::default(),
        }
    }

    /// The same time, and whether it sleeps from now on.
    pub(super) fn sleeping(self, sleeps: bool) -> Self {
        Self { sleeps, ..self }
    }

    /// What cuts its sleep short from now on.
    pub(super) fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Lets a finite time of zero or more pass.
    pub(super) fn pass(&mut self, seconds: f64) {
        self.seconds += seconds;
        if !self.sleeps {
            return;
        }
        let (begun, time) = (Instant::now(), Duration::from_secs_f64(seconds));
        while !self.interrupt.is_abort() {
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(SLICE));
        }
    }
}

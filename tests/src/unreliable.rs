//! An instrument that does to a campaign what instruments do.

use std::time::Duration;

use beacon_host::data::{Axis, Behaviour, Channels, Map};
use beacon_host::microscope::{
    Acquired, Beam, Interrupt, Microscope, MicroscopeError, Past, Position,
};
use beacon_host::scalarizer::Scalarizer;

/// What happens at an acquisition.
#[derive(Clone, Debug, PartialEq)]
pub enum Mishap {
    /// The error is returned instead, with nothing exposed.
    Before(MicroscopeError),
    /// The sample is exposed, and the answer is lost on its way.
    After(MicroscopeError),
    /// The spectrum is as long as this.
    Length(usize),
}

/// Another instrument, with mishaps at chosen acquisitions, and what somebody does meanwhile.
pub struct Unreliable<M, F> {
    /// The instrument.
    pub inner: M,
    /// Called at every acquisition with its number from 1; may let it go wrong.
    pub mishap: F,
    /// Acquisitions asked for.
    pub asked: usize,
    /// Whether the beam may be on.
    pub unblanked: bool,
    /// Times it was found again.
    pub reconnected: usize,
}

impl<M, F: FnMut(usize) -> Option<Mishap>> Unreliable<M, F> {
    /// An instrument with mishaps.
    pub fn new(inner: M, mishap: F) -> Self {
        Self {
            inner,
            mishap,
            asked: 0,
            unblanked: false,
            reconnected: 0,
        }
    }
}

impl<M: Microscope, F: FnMut(usize) -> Option<Mishap>> Microscope for Unreliable<M, F> {
    fn description(&self) -> String {
        self.inner.description()
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        self.inner.overview()
    }

    fn channels(&self) -> &Channels {
        self.inner.channels()
    }

    fn beam(&self) -> Beam {
        self.inner.beam()
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        assert!(!self.unblanked, "moved with the beam on");
        self.inner.move_to(position)
    }

    fn acquire(&mut self, dwell: Duration, key: &str) -> Result<Acquired, MicroscopeError> {
        self.asked += 1;
        match (self.mishap)(self.asked) {
            None => self.inner.acquire(dwell, key),
            Some(Mishap::Before(error)) => {
                self.unblanked = true;
                Err(error)
            }
            Some(Mishap::After(error)) => {
                self.unblanked = true;
                self.inner.acquire(dwell, key)?;
                Err(error)
            }
            Some(Mishap::Length(length)) => {
                let mut acquired = self.inner.acquire(dwell, key)?;
                acquired.spectrum.resize(length, 0.0);
                Ok(acquired)
            }
        }
    }

    fn blank(&mut self) -> Result<(), MicroscopeError> {
        self.unblanked = false;
        self.inner.blank()
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        self.reconnected += 1;
        assert!(!self.unblanked, "waited with the beam on");
        self.inner.reconnect()
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.inner.set_interrupt(interrupt);
    }

    fn truth(&self, target: &Scalarizer) -> Option<Map> {
        self.inner.truth(target)
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.inner.behaviours()
    }

    fn true_pixel(&self) -> Option<(f64, f64)> {
        self.inner.true_pixel()
    }

    fn fast_forward(&mut self, past: &[Past]) {
        self.inner.fast_forward(past);
    }

    fn frame(&self) -> Option<(Axis, Axis)> {
        self.inner.frame()
    }

    fn longest_real_to_live(&self) -> f64 {
        self.inner.longest_real_to_live()
    }
}

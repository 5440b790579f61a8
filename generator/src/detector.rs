//! What a detector sees.

use std::fmt;
use std::sync::Arc;

type Signal = dyn Fn(u16, u16) -> u16 + Send + Sync;

/// A detector, which sees the place that the beam is on. Without a signal it sees nothing: every
/// sample is 0.
#[derive(Clone, Default)]
pub struct Detector {
    signal: Option<Arc<Signal>>,
}

impl Detector {
    /// Largest sample: the converter has 14 bits.
    pub const LARGEST: u16 = (1 << 14) - 1;

    /// A detector that gives `signal` of the converter codes (x, y) while the beam is on; more than
    /// [`Self::LARGEST`] saturates the converter.
    pub fn new(signal: impl Fn(u16, u16) -> u16 + Send + Sync + 'static) -> Self {
        Self {
            signal: Some(Arc::new(signal)),
        }
    }

    /// The sample at a place.
    pub(crate) fn sample(&self, (x, y): (u16, u16), beam_on: bool) -> u16 {
        match &self.signal {
            Some(signal) if beam_on => signal(x, y).min(Self::LARGEST),
            _ => 0,
        }
    }
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sees = if self.signal.is_some() {
            "Detector"
        } else {
            "no detector"
        };
        f.write_str(sees)
    }
}

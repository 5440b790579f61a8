//! A calibrated axis: what an index along an array means in the world.

use serde::{Deserialize, Serialize};

/// One axis of an array: the value at index `i` is `offset + i * scale`, in `units`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// What is measured along the axis, such as `Energy` or `y`.
    pub name: String,
    /// Units of `offset` and `scale`, such as `keV`, `nm` or `V`; empty when uncalibrated.
    pub units: String,
    /// Value at index 0, in `units`.
    pub offset: f64,
    /// Step between neighbouring indices, in `units`; never zero, negative for a falling axis.
    pub scale: f64,
    /// Number of samples along the axis.
    pub size: usize,
}

impl Axis {
    /// An axis of `size` samples without calibration: the value is the index, in pixels.
    pub fn pixels(name: &str, size: usize) -> Self {
        Self {
            name: name.to_owned(),
            units: "px".to_owned(),
            offset: 0.0,
            scale: 1.0,
            size,
        }
    }

    /// Value at index `i`, in `units`.
    pub fn value(&self, i: usize) -> f64 {
        self.offset + i as f64 * self.scale
    }

    /// Value at every index, in `units`.
    pub fn values(&self) -> Vec<f64> {
        (0..self.size).map(|i| self.value(i)).collect()
    }

    /// Lowest and highest value on the axis, in `units`.
    pub fn range(&self) -> (f64, f64) {
        let (first, last) = (self.offset, self.value(self.size.saturating_sub(1)));
        (first.min(last), first.max(last))
    }

    /// Whether the axis carries a calibration in physical units.
    pub fn is_calibrated(&self) -> bool {
        !self.units.is_empty() && self.units != "px"
    }
}

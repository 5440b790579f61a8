//! What is known of a parameter before anything is measured.

/// A normal density.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prior {
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

impl Prior {
    /// Minus the logarithm of the density, less that at its mean.
    pub(super) fn penalty(self, x: f64) -> f64 {
        let z = (x - self.mean) / self.deviation;
        0.5 * z * z
    }

    /// The derivative of [`penalty`](Self::penalty).
    pub(super) fn slope(self, x: f64) -> f64 {
        (x - self.mean) / (self.deviation * self.deviation)
    }
}

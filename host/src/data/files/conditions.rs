//! How the values of a file were recorded.

/// Beam and times of a recording, as far as the file says them as positive numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Energy of the beam, in keV.
    pub beam_energy: Option<f64>,
    /// Time that the beam stays on a pixel, or that a frame is exposed, in seconds.
    pub dwell: Option<f64>,
    /// Time that the detector counted, in seconds, as the file gives it.
    pub live_time: Option<f64>,
}

impl Conditions {
    /// The same without what is no positive number.
    #[must_use]
    pub(super) fn sensible(self) -> Self {
        let positive = |value: &f64| value.is_finite() && *value > 0.0;
        Self {
            beam_energy: self.beam_energy.filter(positive),
            dwell: self.dwell.filter(positive),
            live_time: self.live_time.filter(positive),
        }
    }
}

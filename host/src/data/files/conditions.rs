//! How the values of a file were recorded.

use std::fmt;

/// Beam and times of a recording, as far as the file says them as positive numbers. Times are those of each
/// pixel, in all of its frames.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Energy of the beam, in keV.
    pub beam_energy: Option<f64>,
    /// Current of the beam, in pA.
    pub beam_current: Option<f64>,
    /// Time that the beam stays on a pixel, or that a frame is exposed, in seconds.
    pub dwell: Option<f64>,
    /// Time that the detector counts at a pixel, in seconds, no longer than the dwell. Where the file says no
    /// dwell it is as it is written, which some programs do of the whole scan.
    pub live_time: Option<f64>,
}

impl Conditions {
    /// The same without what is no positive number.
    #[must_use]
    pub(super) fn sensible(self) -> Self {
        let positive = |value: &f64| value.is_finite() && *value > 0.0;
        Self {
            beam_energy: self.beam_energy.filter(positive),
            beam_current: self.beam_current.filter(positive),
            dwell: self.dwell.filter(positive),
            live_time: self.live_time.filter(positive),
        }
    }

    /// The same of an area of so many pixels: programs write the live time of a pixel, as `HyperSpy`, or of
    /// the whole scan, which is longer than the dwell. One that can be neither is left out.
    #[must_use]
    pub(super) fn of_area(self, pixels: usize) -> Self {
        /// A clock may be off the other by so much.
        const SLACK: f64 = 1.0 + 1e-3;
        let Some((dwell, live)) = self.dwell.zip(self.live_time) else {
            return self;
        };
        let mut fitting = [live, live / pixels.max(1) as f64].into_iter();
        let live_time = fitting.find(|time| *time <= dwell * SLACK);
        Self {
            live_time: live_time.map(|time| time.min(dwell)),
            ..self
        }
    }

    /// Live time, and time with the beam on, that each pixel took, in seconds: both the dwell where the file
    /// says that alone.
    pub fn exposure(&self) -> Option<(f64, f64)> {
        let dwell = self.dwell?;
        Some((self.live_time.unwrap_or(dwell), dwell))
    }
}

impl fmt::Display for Conditions {
    /// What is known, as in `beam of 200 keV, dwell or exposure 0.02 s`; nothing where nothing is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = [
            ("beam of ", self.beam_energy, "keV"),
            ("current ", self.beam_current, "pA"),
            ("dwell or exposure ", self.dwell, "s"),
            ("live time ", self.live_time, "s"),
        ];
        let mut between = "";
        for (what, value, unit) in told {
            if let Some(value) = value {
                let rounded = format!("{value:.3e}").parse().unwrap_or(value);
                write!(f, "{between}{what}{rounded} {unit}")?;
                between = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_time_is_that_of_a_pixel_whichever_a_program_wrote() {
        let said = |dwell, live_time| {
            let conditions = Conditions {
                dwell,
                live_time,
                ..Conditions::default()
            };
            let of_area = conditions.of_area(100);
            (of_area.live_time, of_area.exposure())
        };
        for (dwell, live, expected, exposure) in [
            (Some(0.02), Some(0.015), Some(0.015), Some((0.015, 0.02))),
            (Some(0.02), Some(1.5), Some(0.015), Some((0.015, 0.02))),
            (Some(0.02), Some(30.0), None, Some((0.02, 0.02))),
            (Some(0.02), None, None, Some((0.02, 0.02))),
            (None, Some(2.5), Some(2.5), None),
            (None, None, None, None),
        ] {
            assert_eq!(
                said(dwell, live),
                (expected, exposure),
                "{dwell:?} {live:?}"
            );
        }
    }

    #[test]
    fn what_is_known_is_told_with_its_units() {
        assert_eq!(Conditions::default().to_string(), "");
        let conditions = Conditions {
            beam_energy: Some(200.0),
            beam_current: Some(500.000_000_001),
            dwell: Some(1e-5),
            live_time: None,
        };
        let told = "beam of 200 keV, current 500 pA, dwell or exposure 0.00001 s";
        assert_eq!(conditions.to_string(), told);
    }
}

//! Noise of instruments around the means of what they measure.

use super::random::Stream;

/// How the numbers of an instrument scatter around their means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Noise {
    /// Counts follow Poisson's distribution and grow with the dose.
    Counts {
        /// Standard deviation in counts of the Gaussian noise with which an image is read out.
        readout: f64,
    },
    /// Displacements have Gaussian noise and do not depend on the dose: a tip that stays longer
    /// sees the same displacement, with less noise.
    Displacements {
        /// Standard deviation in an image of one exposure, in pm.
        image: f64,
        /// Standard deviation in a spectrum of one exposure, in pm.
        spectrum: f64,
    },
}

impl Noise {
    /// Means over `dose` exposures, from those over one.
    pub(super) fn exposed(self, mut mean: Vec<f64>, dose: f64) -> Vec<f64> {
        if let Self::Counts { .. } = self {
            for value in &mut mean {
                *value *= dose;
            }
        }
        mean
    }

    /// A spectrum of `dose` exposures around its means over one.
    pub(super) fn spectrum(self, mean: Vec<f64>, dose: f64, mut stream: Stream) -> Vec<f64> {
        let mut values = self.exposed(mean, dose);
        for value in &mut values {
            match self {
                Self::Counts { .. } => *value = stream.poisson(*value),
                Self::Displacements { spectrum, .. } => {
                    *value += spectrum / dose.sqrt() * stream.normal();
                }
            }
        }
        values
    }

    /// An image of `dose` exposures around its means over one.
    pub(super) fn image(self, mean: Vec<f64>, dose: f64, mut stream: Stream) -> Vec<f64> {
        let mut values = self.exposed(mean, dose);
        for value in &mut values {
            match self {
                Self::Counts { readout } => {
                    *value = stream.poisson(*value) + readout * stream.normal();
                }
                Self::Displacements { image, .. } => {
                    *value += image / dose.sqrt() * stream.normal();
                }
            }
        }
        values
    }
}

//! The carbon film under the particles.

use super::config::NanoparticlesConfig;
use super::random::{Purpose, Stream};

/// Thickness of the film: its mean times one plus a sum of plane waves, long ones for the
/// uneven film and short ones for the speckle of amorphous carbon. Plane waves, unlike
/// noise per pixel, give the same film at every pixel size.
#[derive(Clone, Debug)]
pub(super) struct Support {
    mean_nm: f64,
    waves: Vec<Wave>,
}

#[derive(Clone, Debug)]
struct Wave {
    amplitude: f64,
    /// Wave vector in radians per nm.
    vector: (f64, f64),
    phase: f64,
}

impl Support {
    pub(super) fn new(config: &NanoparticlesConfig) -> Self {
        /// Number of waves, shortest and longest wavelength in nm, relative deviation.
        const SCALES: [(usize, f64, f64, f64); 2] = [(6, 60.0, 250.0, 0.12), (32, 2.5, 7.0, 0.05)];
        let mut stream = Stream::new(config.seed, Purpose::Support, [0, 0]);
        let mut waves = Vec::new();
        for (number, shortest, longest, deviation) in SCALES {
            // A wave of amplitude a has the variance a²/2.
            let amplitude = deviation * (2.0 / number as f64).sqrt();
            for _ in 0..number {
                let k = core::f64::consts::TAU / stream.between(shortest, longest);
                let (sin, cos) = libm::sincos(stream.between(0.0, core::f64::consts::TAU));
                let phase = stream.between(0.0, core::f64::consts::TAU);
                waves.push(Wave {
                    amplitude,
                    vector: (k * cos, k * sin),
                    phase,
                });
            }
        }
        Self {
            mean_nm: config.support_nm,
            waves,
        }
    }

    /// Thickness in nm at (x, y) in nm from the top left corner.
    pub(super) fn thickness(&self, x: f64, y: f64) -> f64 {
        let wave = |w: &Wave| w.amplitude * libm::cos(w.vector.0 * x + w.vector.1 * y + w.phase);
        let deviation: f64 = self.waves.iter().map(wave).sum();
        self.mean_nm * (1.0 + deviation).max(0.2)
    }
}

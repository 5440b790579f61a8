//! A ferroelectric film with domains, walls and rare junctions of walls, with hysteresis loops.
//!
//! Domains whose polarisation points up or down (c+ and c−) fill a tetragonal film; 180° walls
//! part them. Straight needles of in-plane polarisation (a domains) of two families, at right
//! angles, cut through. Where a needle crosses a wall the loops are enlarged, and where needles
//! cross one another they are pinched: the rare behaviours to discover. A [`Ferroelectric`] gives
//! the vertical piezoresponse image of it and, pixel by pixel, hysteresis loops as band-excitation
//! spectroscopy measures them. All of it follows from a [`FerroelectricConfig`].
//!
//! - Domains: a Landau–Ginzburg field relaxed from random waves, with its walls (`domains`).
//! - Needles and what they cross (`needles`).
//! - How the film switches under each pixel: from the distance to walls, the domains around, the
//!   share of needles and junctions under the tip (`film`). The trends are those of experiments:
//!   walls soften switching and lower the remanence, the surroundings imprint the loop; their
//!   sizes are chosen, not computed.
//! - Loops: tanh branches; pinched ones are split between two internal fields; Gaussian noise on
//!   every point (`hysteresis`). Clamping, electrostatic forces and drift are left out.
//!
//! ```
//! use beacon_host::internal::specimen::{Ferroelectric, FerroelectricConfig, Specimen as _};
//!
//! let film = Ferroelectric::new(FerroelectricConfig { seed: 3, ..Default::default() })?;
//! assert_eq!(film.image().units, "pm");
//! assert_eq!(film.spectrum(20, 31).len(), film.coordinates().len());
//! # Ok::<(), beacon_host::internal::specimen::SpecimenError>(())
//! ```

mod config;
mod domains;
mod film;
mod hysteresis;
mod needles;
#[cfg(test)]
mod tests;

pub use config::FerroelectricConfig;

use super::random::Purpose;
use super::{Common, Noise, Specimen, SpecimenConfig, SpecimenError, frame, random, range};
use crate::data::Channels;
use film::Film;
use frame::Frame;

/// Time in s of one loop, which its noise refers to: 64 points of about 8 ms.
const LIVE_SECONDS: f64 = 0.5;

/// A synthetic film under a synthetic piezoresponse force experiment. Its image is the vertical
/// piezoresponse in pm, positive in c+ domains.
#[derive(Clone, Debug)]
pub struct Ferroelectric {
    common: Common,
    frame: Frame,
    film: Film,
}

impl Ferroelectric {
    /// Makes the film of a configuration and takes its image.
    ///
    /// # Errors
    /// The first value of `config` out of its range.
    pub fn new(config: FerroelectricConfig) -> Result<Self, SpecimenError> {
        config.validate()?;
        let (frame, film) = (config.frame(), Film::new(&config));
        let loops = Channels {
            coordinates: hysteresis::sweep(config.sweep_v),
            ..Channels::along(hysteresis::bias_axis(config.sweep_v), "piezoresponse", "pm")
        };
        let noise = Noise::Displacements {
            image: config.image_noise_pm,
            spectrum: config.loop_noise_pm,
        };
        let common = Common::new(
            SpecimenConfig::Ferroelectric(config),
            frame.map(film.piezoresponse_pm.clone(), "piezoresponse", "pm"),
            loops,
            film.behaviours(),
            (None, LIVE_SECONDS),
            noise,
            Purpose::Loop,
        );
        Ok(Self {
            common,
            frame,
            film,
        })
    }
}

impl Specimen for Ferroelectric {
    fn common(&self) -> &Common {
        &self.common
    }

    /// Piezoresponse in pm at every bias of the sweep.
    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        let under = self.film.loops[self.frame.index(row, column)];
        let point = |(i, &bias)| under.response(bias, hysteresis::is_falling(i));
        self.coordinates().iter().enumerate().map(point).collect()
    }
}

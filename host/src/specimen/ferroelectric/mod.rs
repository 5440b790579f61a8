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
//! use beacon_host::specimen::{Ferroelectric, FerroelectricConfig};
//!
//! let film = Ferroelectric::new(FerroelectricConfig { seed: 3, ..Default::default() })?;
//! assert_eq!(film.image().units, "pm");
//! assert_eq!(film.hysteresis_loop(20, 31).len(), film.sweep().len());
//! # Ok::<(), beacon_host::specimen::SpecimenError>(())
//! ```

mod config;
mod domains;
mod film;
mod hysteresis;
mod needles;
#[cfg(test)]
mod tests;

pub use config::FerroelectricConfig;

use super::random::{Purpose, Stream};
use super::{Specimen, SpecimenConfig, SpecimenError, frame, random, range};
use crate::data::{Axis, Behaviour, Map};
use film::Film;

/// Time in s of one loop, which its noise refers to: 64 points of about 8 ms.
const LIVE_SECONDS: f64 = 0.5;

/// A synthetic film under a synthetic piezoresponse force experiment.
#[derive(Clone, Debug)]
pub struct Ferroelectric {
    config: FerroelectricConfig,
    film: Film,
    image: Map,
    bias_axis: Axis,
    sweep: Vec<f64>,
    behaviours: Vec<Behaviour>,
}

impl Ferroelectric {
    /// Makes the film of a configuration and takes its image.
    ///
    /// # Errors
    /// The first value of `config` out of its range.
    pub fn new(config: FerroelectricConfig) -> Result<Self, SpecimenError> {
        config.validate()?;
        let film = Film::new(&config);
        let stream = Stream::new(config.seed, Purpose::Image, [0, 0]);
        let values = noisy(film.piezoresponse_pm.clone(), config.image_noise_pm, stream);
        let shape = (config.height, config.width);
        let image = frame::map(shape, config.pixel_nm(), values, "piezoresponse", "pm");
        Ok(Self {
            bias_axis: hysteresis::bias_axis(config.sweep_v),
            sweep: hysteresis::sweep(config.sweep_v),
            behaviours: film.behaviours(),
            config,
            film,
            image,
        })
    }

    /// What the film was made from.
    pub fn config(&self) -> &FerroelectricConfig {
        &self.config
    }

    /// The vertical piezoresponse in pm, positive in c+ domains; axes in nm.
    pub fn image(&self) -> &Map {
        &self.image
    }

    /// The axis of all loops in V: 64 points. It is not equidistant: see [`Self::sweep`].
    pub fn bias_axis(&self) -> &Axis {
        &self.bias_axis
    }

    /// Bias of every point in V: from zero up, down and back to zero.
    pub fn sweep(&self) -> &[f64] {
        &self.sweep
    }

    /// Piezoresponse in pm at every bias of the sweep: the first repeat.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn hysteresis_loop(&self, row: usize, column: usize) -> Vec<f64> {
        self.acquire(row, column, 0)
    }

    /// Piezoresponse in pm at every bias of the sweep. Equal arguments give equal loops, whatever
    /// was measured before; another `repeat` gives other noise.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn acquire(&self, row: usize, column: usize, repeat: u64) -> Vec<f64> {
        self.noisy(self.expected_loop(row, column), 1.0, (row, column), repeat)
    }

    /// The mean of such loops over many repeats.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn expected_loop(&self, row: usize, column: usize) -> Vec<f64> {
        let index = frame::index((self.config.height, self.config.width), row, column);
        let under = self.film.loops[index];
        let point = |(i, &bias)| under.response(bias, hysteresis::is_falling(i));
        self.sweep.iter().enumerate().map(point).collect()
    }
}

/// Displacements in pm with Gaussian noise of the given standard deviation in pm.
fn noisy(mut mean: Vec<f64>, noise_pm: f64, mut stream: Stream) -> Vec<f64> {
    for value in &mut mean {
        *value += noise_pm * stream.normal();
    }
    mean
}

impl Specimen for Ferroelectric {
    fn config(&self) -> SpecimenConfig {
        SpecimenConfig::Ferroelectric(self.config.clone())
    }

    fn image(&self) -> &Map {
        &self.image
    }

    fn channels(&self) -> &Axis {
        &self.bias_axis
    }

    fn coordinates(&self) -> &[f64] {
        &self.sweep
    }

    fn response(&self) -> (&'static str, &'static str) {
        ("piezoresponse", "pm")
    }

    fn spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.hysteresis_loop(row, column)
    }

    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.expected_loop(row, column)
    }

    fn current_pa(&self) -> Option<f64> {
        None
    }

    fn live_seconds(&self) -> f64 {
        LIVE_SECONDS
    }

    fn expected_image(&self) -> &[f64] {
        &self.film.piezoresponse_pm
    }

    /// As it is: a tip that stays longer sees the same displacement, with less noise.
    fn exposed(&self, mean: Vec<f64>, _dose: f64) -> Vec<f64> {
        mean
    }

    fn noisy(&self, mean: Vec<f64>, dose: f64, pixel: (usize, usize), repeat: u64) -> Vec<f64> {
        let stream = Stream::at_pixel(self.config.seed, Purpose::Loop, pixel, repeat);
        noisy(mean, self.config.loop_noise_pm / dose.sqrt(), stream)
    }

    fn noisy_image(&self, mean: Vec<f64>, dose: f64, repeat: u64) -> Vec<f64> {
        let stream = Stream::new(self.config.seed, Purpose::Image, [repeat, 0]);
        noisy(mean, self.config.image_noise_pm / dose.sqrt(), stream)
    }

    fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }
}

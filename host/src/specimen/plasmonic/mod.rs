//! An assembly of plasmonic nanocrystals in one and two layers, with energy-loss spectra.
//!
//! Spheres of Sn:In2O3 lie in a hexagonal layer that thins out over a gradual edge; a second layer
//! rests on part of it. Here and there a crystal is missing, and in two places three have grown
//! together to a rod, whose ends are hot spots at an energy of their own: the rare behaviour to
//! discover. A [`Plasmonic`] gives the HAADF image of it and, pixel by pixel, energy-loss spectra
//! after the zero loss was taken off. All of it follows from a [`PlasmonicConfig`].
//!
//! - Places: lattice sites, occupied at random across two wavy edges (`lattice`), and what lies
//!   there (`assembly`).
//! - Resonances: a Drude gas in ellipsoids, shifted down by the neighbours of each as in Maxwell
//!   Garnett's mixture, so that energies fall from the edge to the inside of two layers (`drude`).
//! - Spectra: what a fast electron loses to each dipole or pair of poles, near and far, and in the
//!   volume; the resolution of the spectrometer and Poisson counts (`losses`, `electron`, `bessel`). Modes
//!   above the dipole, retardation and the noise of the subtracted zero loss are left out.
//! - Image: thickness, blurred by the probe, with shot and readout noise.
//!
//! ```
//! use beacon_host::specimen::{Plasmonic, PlasmonicConfig};
//!
//! let assembly = Plasmonic::new(PlasmonicConfig { seed: 3, ..Default::default() })?;
//! assert_eq!(assembly.energy_axis().units, "eV");
//! assert_eq!(assembly.loss(20, 31).len(), assembly.energy_axis().size);
//! # Ok::<(), beacon_host::specimen::SpecimenError>(())
//! ```

mod assembly;
mod bessel;
mod config;
mod drude;
mod electron;
mod lattice;
mod layers;
mod losses;
#[cfg(test)]
mod tests;

pub use config::PlasmonicConfig;

use super::{Specimen, SpecimenConfig, SpecimenError, frame, noise, random, range};
use crate::data::{Axis, Behaviour, Map};
use assembly::Assembly;
use drude::{Drude, among_others, depolarisation};
use layers::Layers;
use losses::Losses;

/// Current in pA that the counts of a spectrum refer to: that of a monochromated beam.
const CURRENT_PA: f64 = 100.0;

/// Live time in s that they refer to.
const LIVE_SECONDS: f64 = 0.1;

/// A synthetic assembly in a synthetic experiment.
#[derive(Clone, Debug)]
pub struct Plasmonic {
    config: PlasmonicConfig,
    expected_image: Vec<f64>,
    image: Map,
    losses: Losses,
    behaviours: Vec<Behaviour>,
}

impl Plasmonic {
    /// Makes the assembly of a configuration and takes its image.
    ///
    /// # Errors
    /// The first value of `config` out of its range.
    pub fn new(config: PlasmonicConfig) -> Result<Self, SpecimenError> {
        config.validate()?;
        let assembly = Assembly::new(&config);
        let layers = Layers::new(&config, &assembly);
        let losses = Losses::new(&config, &assembly, &layers.thickness());
        let expected_image = layers.expected_image(&config);
        let counts = layers::noisy_image(&config, expected_image.clone(), 0);
        let shape = (config.height, config.width);
        Ok(Self {
            expected_image,
            image: frame::map(shape, config.pixel_nm(), counts, "HAADF", "counts"),
            behaviours: layers.behaviours(&config, &assembly),
            losses,
            config,
        })
    }

    /// What the assembly was made from.
    pub fn config(&self) -> &PlasmonicConfig {
        &self.config
    }

    /// The HAADF image in counts, axes in nm.
    pub fn image(&self) -> &Map {
        &self.image
    }

    /// The energy axis of all spectra in eV: 140 channels of 10 meV from 0.2 eV.
    pub fn energy_axis(&self) -> &Axis {
        &self.losses.axis
    }

    /// Counts per channel at a pixel: the first repeat.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn loss(&self, row: usize, column: usize) -> Vec<f64> {
        self.acquire(row, column, 0)
    }

    /// Counts per channel at a pixel. Equal arguments give equal counts, whatever was measured
    /// before; another `repeat` gives other noise.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn acquire(&self, row: usize, column: usize, repeat: u64) -> Vec<f64> {
        self.losses.counts(row, column, repeat)
    }

    /// Mean counts per channel at a pixel over many repeats.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn expected_loss(&self, row: usize, column: usize) -> Vec<f64> {
        self.losses.expected(row, column)
    }

    /// Energy in eV where a crystal resonates, without damping, that is `aspect` times as long as
    /// wide, along its axis, among others that fill the share `fill` of space: 1 and 0 for a lone
    /// sphere. For the labels of figures.
    pub fn resonance_ev(&self, aspect: f64, fill: f64) -> f64 {
        let gas = Drude::new(self.config.electrons_per_nm3, self.config.damping_ev);
        gas.resonance_ev(among_others(depolarisation(aspect), fill))
    }
}

impl Specimen for Plasmonic {
    fn config(&self) -> SpecimenConfig {
        SpecimenConfig::Plasmonic(self.config.clone())
    }

    fn image(&self) -> &Map {
        &self.image
    }

    fn channels(&self) -> &Axis {
        &self.losses.axis
    }

    fn coordinates(&self) -> &[f64] {
        &self.losses.energies
    }

    fn response(&self) -> (&'static str, &'static str) {
        ("electrons", "counts")
    }

    fn spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.loss(row, column)
    }

    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.expected_loss(row, column)
    }

    fn current_pa(&self) -> Option<f64> {
        Some(CURRENT_PA)
    }

    fn live_seconds(&self) -> f64 {
        LIVE_SECONDS
    }

    fn expected_image(&self) -> &[f64] {
        &self.expected_image
    }

    fn noisy(&self, mean: Vec<f64>, dose: f64, pixel: (usize, usize), repeat: u64) -> Vec<f64> {
        self.losses.noisy(self.exposed(mean, dose), pixel, repeat)
    }

    fn noisy_image(&self, mean: Vec<f64>, dose: f64, repeat: u64) -> Vec<f64> {
        layers::noisy_image(&self.config, self.exposed(mean, dose), repeat)
    }

    fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }
}

//! An assembly of plasmonic nanocrystals in one and two layers, with energy-loss spectra.
//!
//! Spheres of Sn:In2O3 lie in a hexagonal layer that thins out over a gradual edge; a second layer
//! rests on part of it. Here and there a crystal is missing, and in two places three have grown
//! together to a rod, whose ends are hot spots at an energy of their own: the rare behaviour to
//! discover. With [`joint`](PlasmonicConfig::joint), a crystal of the first layer and its neighbours have fewer
//! electrons and resonate at lower energies, which two windows tell together and none alone. A [`Plasmonic`] gives the HAADF image of it and, pixel by pixel, energy-loss spectra
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
//! use beacon_host::internal::specimen::{Plasmonic, PlasmonicConfig, Specimen as _};
//!
//! let assembly = Plasmonic::new(PlasmonicConfig { seed: 3, ..Default::default() })?;
//! assert_eq!(assembly.channels().units, "eV");
//! assert_eq!(assembly.spectrum(20, 31).len(), assembly.channels().size);
//! # Ok::<(), beacon_host::internal::specimen::SpecimenError>(())
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

use super::random::Purpose;
use super::{Common, Noise, Specimen, SpecimenConfig, SpecimenError, frame, random, range};
use crate::data::Channels;
use assembly::Assembly;
use layers::Layers;
use losses::Losses;

/// Current in pA that the counts of a spectrum refer to: that of a monochromated beam.
const CURRENT_PA: f64 = 100.0;

/// Live time in s that they refer to.
const LIVE_SECONDS: f64 = 0.1;

/// A synthetic assembly in a synthetic experiment. Its image is the HAADF signal in counts.
#[derive(Clone, Debug)]
pub struct Plasmonic {
    common: Common,
    losses: Losses,
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
        let losses = Losses::new(&config, &assembly, &layers);
        let image = layers.expected_image(&config);
        let behaviours = layers.behaviours(&config, &assembly);
        let noise = Noise::Counts {
            readout: config.image_readout_counts,
        };
        let common = Common::new(
            SpecimenConfig::Plasmonic(config),
            image,
            Channels::along(losses::energy_axis(), "electrons", "counts"),
            behaviours,
            (Some(CURRENT_PA), LIVE_SECONDS),
            noise,
            Purpose::Loss,
        );
        Ok(Self { common, losses })
    }
}

impl Specimen for Plasmonic {
    fn common(&self) -> &Common {
        &self.common
    }

    /// Mean counts per channel.
    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.losses.expected(row, column)
    }
}

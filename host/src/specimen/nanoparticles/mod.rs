//! Nanoparticles of several species on a carbon film, with EDS spectra.
//!
//! A carbon film carries rods of Pd, spheres of Au, cubes of cuprous oxide, agglomerates of titania
//! with clusters of Pd and, on about two per cent of the area, Au@Pd core-shell particles: the rare
//! behaviour to discover. With [`joint`](NanoparticlesConfig::joint) there are spheres of a AuPd alloy as well,
//! which no single line tells from spheres of Au and rods of Pd. A [`Nanoparticles`] gives the HAADF image of it and, pixel by pixel, EDS
//! spectra. All of it follows from a [`NanoparticlesConfig`].
//!
//! - Thickness: exact chords through convex bodies, averaged over each pixel (`shape`,
//!   `projection`).
//! - Image: atoms per area times Z^1.7, blurred by the probe, with shot and readout noise.
//! - Spectra: Bethe cross-sections and fluorescence yields for the lines, Kramers' law for the
//!   bremsstrahlung (`emission`), a silicon detector (`detector`), a probe with tails and
//!   Poisson counts (`eds`). Absorption in the sample, fluorescence of one element by another,
//!   sum and escape peaks are left out: they stay below a few per cent in films this thin.
//! - A [`Nanoparticles`] never changes: what a beam does to a sample over time (drift, damage)
//!   belongs to whoever moves the beam, as a state beside it.
//!
//! ```
//! use beacon_host::internal::specimen::{Nanoparticles, NanoparticlesConfig, Specimen as _};
//!
//! let specimen = Nanoparticles::new(NanoparticlesConfig { seed: 3, ..Default::default() })?;
//! assert_eq!(specimen.image().values.len(), 64 * 64);
//! assert_eq!(specimen.spectrum(20, 31).len(), specimen.channels().size);
//! # Ok::<(), beacon_host::internal::specimen::SpecimenError>(())
//! ```

mod config;
mod detector;
mod eds;
mod emission;
mod material;
mod projection;
mod scene;
mod shape;
mod species;
mod support;
#[cfg(test)]
mod tests;

pub use config::{Exposure, NanoparticlesConfig};

use super::random::Purpose;
use super::{Common, Noise, Specimen, SpecimenConfig, SpecimenError, frame, random, range};
use crate::data::{Channels, Map};
use eds::Spectrometer;
use frame::{Frame, behaviours, haadf};
use material::ELEMENTS;
use projection::Projection;
use species::{SPECIES, of_sample};
use support::Support;

/// A synthetic sample in a synthetic experiment. Its image is the HAADF signal in counts; its
/// spectra have 2048 channels of 10 eV.
#[derive(Clone, Debug)]
pub struct Nanoparticles {
    common: Common,
    frame: Frame,
    projection: Projection,
    spectrometer: Spectrometer,
}

impl Nanoparticles {
    /// Makes the sample of a configuration and takes its image.
    ///
    /// # Errors
    /// The first value of `config` out of its range.
    pub fn new(config: NanoparticlesConfig) -> Result<Self, SpecimenError> {
        config.validate()?;
        let frame = config.frame();
        let support = Support::new(&config);
        let projection = Projection::new(&config, &support, &scene::place(&config));
        let spectrometer = Spectrometer::new(&config, &projection);
        let (probe, counts) = (config.probe_fwhm_nm, config.image_counts);
        let image = haadf(frame, &projection.scattering, probe, counts);
        let x_rays = Channels {
            elements: ELEMENTS.map(|element| element.symbol.to_owned()).to_vec(),
            ..Channels::along(detector::energy_axis(), "X-rays", "counts")
        };
        let pixels = 0..image.values.len();
        let shown: Vec<_> = pixels.map(|pixel| species_at(&projection, pixel)).collect();
        let exposure = (Some(1000.0 * config.beam_current_na), config.live_time_s);
        let noise = Noise::Counts {
            readout: config.image_readout_counts,
        };
        let species = of_sample(config.joint).iter();
        let mut behaviours =
            behaviours(species.map(|species| (species.name, species.rare)), &shown);
        // In the order of their species else.
        behaviours.sort_by_key(|behaviour| !behaviour.rare);
        let common = Common::new(
            SpecimenConfig::Nanoparticles(config),
            image,
            x_rays,
            behaviours,
            exposure,
            noise,
            Purpose::Spectrum,
        );
        Ok(Self {
            common,
            frame,
            projection,
            spectrometer,
        })
    }

    /// Solid angle of the X-ray detector in sr that the configured counts amount to; real
    /// detectors have 0.1 to 2.
    pub fn solid_angle_sr(&self) -> f64 {
        self.spectrometer.solid_angle_sr
    }

    /// Atoms of an element per nm² at each pixel, as they are, not as the tails of the probe blur
    /// them; `None` for an element that the sample does not hold.
    pub fn element_map(&self, symbol: &str) -> Option<Map> {
        let mut elements = ELEMENTS.iter();
        let element = elements.position(|e| e.symbol.eq_ignore_ascii_case(symbol))?;
        let atoms = eds::areal_densities(&self.projection)[element].clone();
        Some(self.frame.map(atoms, ELEMENTS[element].symbol, "atoms/nm²"))
    }
}

impl Specimen for Nanoparticles {
    fn common(&self) -> &Common {
        &self.common
    }

    /// Mean counts per channel with the configured exposure.
    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.spectrometer.expected(self.frame.index(row, column))
    }
}

/// Index of the thickest species at a pixel; `None` where less than 1 nm of particles lies on the
/// support.
fn species_at(projection: &Projection, pixel: usize) -> Option<usize> {
    let thickness = |species: usize| projection.species[species][pixel];
    let thickest = (0..SPECIES.len()).max_by(|&a, &b| thickness(a).total_cmp(&thickness(b)))?;
    (thickness(thickest) >= 1.0).then_some(thickest)
}

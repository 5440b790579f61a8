//! Nanoparticles of several species on a carbon film, with EDS spectra.
//!
//! A carbon film carries rods of Pd, spheres of Au, cubes of cuprous oxide, agglomerates of titania
//! with clusters of Pd and, on about two per cent of the area, Au@Pd core-shell particles: the rare
//! behaviour to discover. A [`Nanoparticles`] gives the HAADF image of it and, pixel by pixel, EDS
//! spectra. All of it follows from a [`NanoparticlesConfig`].
//!
//! - Thickness: exact chords through convex bodies, averaged over each pixel (`shape`,
//!   `projection`).
//! - Image: atoms per area times Z^1.7, blurred by the probe, with shot and readout noise
//!   (`haadf`).
//! - Spectra: Bethe cross-sections and fluorescence yields for the lines, Kramers' law for the
//!   bremsstrahlung (`emission`), a silicon detector (`detector`), a probe with tails and
//!   Poisson counts (`eds`). Absorption in the sample, fluorescence of one element by another,
//!   sum and escape peaks are left out: they stay below a few per cent in films this thin.
//! - A [`Nanoparticles`] never changes: what a beam does to a sample over time (drift, damage)
//!   belongs to whoever moves the beam, as a state beside it.
//!
//! ```
//! use beacon_host::specimen::{Nanoparticles, NanoparticlesConfig};
//!
//! let specimen = Nanoparticles::new(NanoparticlesConfig { seed: 3, ..NanoparticlesConfig::default() })?;
//! assert_eq!(specimen.image().values.len(), 64 * 64);
//! let spectrum = specimen.spectrum(20, 31);
//! assert_eq!(spectrum.len(), specimen.energy_axis().size);
//! # Ok::<(), beacon_host::specimen::SpecimenError>(())
//! ```

mod config;
mod detector;
mod eds;
mod emission;
mod haadf;
mod material;
mod projection;
mod scene;
mod shape;
mod species;
mod support;
#[cfg(test)]
mod tests;

pub use config::{Exposure, NanoparticlesConfig};
pub use species::Species;

use super::{Specimen, SpecimenConfig, SpecimenError, frame, noise, random, range};
use crate::data::{Axis, Behaviour, Map};
use eds::Spectrometer;
use material::ELEMENTS;
use projection::Projection;
use species::SPECIES;
use support::Support;

/// A synthetic sample in a synthetic experiment.
#[derive(Clone, Debug)]
pub struct Nanoparticles {
    config: NanoparticlesConfig,
    projection: Projection,
    expected_image: Vec<f64>,
    image: Map,
    spectrometer: Spectrometer,
    energies: Vec<f64>,
    behaviours: Vec<Behaviour>,
}

/// Share of an element among the atoms under a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Symbol of the element, such as `Pd`.
    pub element: &'static str,
    /// Atoms of the element among all atoms, 0 to 1.
    pub atomic_fraction: f64,
}

impl Nanoparticles {
    /// Makes the sample of a configuration and takes its image.
    ///
    /// # Errors
    /// The first value of `config` out of its range.
    pub fn new(config: NanoparticlesConfig) -> Result<Self, SpecimenError> {
        config.validate()?;
        let support = Support::new(&config);
        let projection = Projection::new(&config, &support, &scene::place(&config));
        let expected_image = haadf::expected(&config, &projection);
        let counts = haadf::noisy(&config, expected_image.clone(), 0);
        let image = haadf::map(&config, counts, "HAADF", "counts");
        let spectrometer = Spectrometer::new(&config, &projection);
        let axis = spectrometer.axis();
        let energies = (0..axis.size).map(|i| axis.value(i)).collect();
        let mut specimen = Self {
            config,
            projection,
            expected_image,
            image,
            spectrometer,
            energies,
            behaviours: Vec::new(),
        };
        specimen.behaviours = specimen.find_behaviours();
        Ok(specimen)
    }

    /// What the specimen was made from.
    pub fn config(&self) -> &NanoparticlesConfig {
        &self.config
    }

    /// The HAADF image in counts, axes in nm.
    pub fn image(&self) -> &Map {
        &self.image
    }

    /// The energy axis of all spectra in keV: 2048 channels of 10 eV, values at their centres.
    pub fn energy_axis(&self) -> &Axis {
        self.spectrometer.axis()
    }

    /// Counts per channel at a pixel with the configured exposure: the first repeat.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.acquire(row, column, self.config.exposure(), 0)
    }

    /// Counts per channel at a pixel. Equal arguments give equal counts, whatever was measured
    /// before; another `repeat` gives other noise.
    ///
    /// # Panics
    /// When the pixel lies outside the image, or `exposure` outside its ranges: see
    /// [`Exposure::validate`].
    pub fn acquire(&self, row: usize, column: usize, exposure: Exposure, repeat: u64) -> Vec<f64> {
        self.assert_inside(row, column);
        assert_exposure(exposure);
        self.spectrometer.counts(row, column, exposure, repeat)
    }

    /// Mean counts per channel at a pixel over many repeats with the configured exposure.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.assert_inside(row, column);
        self.spectrometer
            .expected(row, column, self.config.exposure())
    }

    /// Solid angle of the X-ray detector in sr that the configured counts amount to; real
    /// detectors have 0.1 to 2.
    pub fn solid_angle_sr(&self) -> f64 {
        self.spectrometer.solid_angle_sr()
    }

    /// Every species that the sample holds.
    pub fn species(&self) -> &'static [Species] {
        &SPECIES
    }

    /// Index into [`Self::species`] of the thickest species at a pixel; `None` where less
    /// than 1 nm of particles lies on the support.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn species_at(&self, row: usize, column: usize) -> Option<usize> {
        self.assert_inside(row, column);
        let index = row * self.config.width + column;
        let thickness = |species: usize| self.projection.species[species][index];
        let thickest = (0..SPECIES.len()).max_by(|&a, &b| thickness(a).total_cmp(&thickness(b)))?;
        (thickness(thickest) >= 1.0).then_some(thickest)
    }

    /// Composition of the column under a pixel, support included, by rising atomic number;
    /// as it is, not as the tails of the probe blur it. Shares add up to 1.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    pub fn composition(&self, row: usize, column: usize) -> Vec<Share> {
        self.assert_inside(row, column);
        let index = row * self.config.width + column;
        let mut atoms = [0.0; ELEMENTS.len()];
        for material in material::Material::ALL {
            let nm = self.projection.materials[material as usize][index];
            for (atoms, per_nm3) in atoms.iter_mut().zip(material.atoms_per_nm3()) {
                *atoms += nm * per_nm3;
            }
        }
        let total: f64 = atoms.iter().sum();
        let share = |(element, atoms): (&material::Element, f64)| Share {
            element: element.symbol,
            atomic_fraction: atoms / total,
        };
        ELEMENTS.iter().zip(atoms).map(share).collect()
    }

    /// Atoms of an element per nm² at each pixel, as they are; `None` for an element that the
    /// sample does not hold.
    pub fn element_map(&self, symbol: &str) -> Option<Map> {
        let element = ELEMENTS
            .iter()
            .position(|e| e.symbol.eq_ignore_ascii_case(symbol))?;
        let values = eds::areal_densities(&self.projection)[element].clone();
        Some(haadf::map(
            &self.config,
            values,
            ELEMENTS[element].symbol,
            "atoms/nm²",
        ))
    }

    /// A behaviour for each species: the pixels where it is the thickest.
    fn find_behaviours(&self) -> Vec<Behaviour> {
        let (height, width) = (self.config.height, self.config.width);
        let at: Vec<_> = (0..height * width)
            .map(|i| self.species_at(i / width, i % width))
            .collect();
        let species = SPECIES.iter().enumerate();
        species
            .map(|(number, species)| Behaviour {
                name: format!("{} {}", species.formula, species.name),
                rare: species.rare,
                pixels: at.iter().map(|&at| at == Some(number)).collect(),
            })
            .collect()
    }

    fn assert_inside(&self, row: usize, column: usize) {
        frame::index((self.config.height, self.config.width), row, column);
    }
}

impl Specimen for Nanoparticles {
    fn config(&self) -> SpecimenConfig {
        SpecimenConfig::Nanoparticles(self.config.clone())
    }

    fn image(&self) -> &Map {
        &self.image
    }

    fn channels(&self) -> &Axis {
        self.energy_axis()
    }

    fn coordinates(&self) -> &[f64] {
        &self.energies
    }

    fn response(&self) -> (&'static str, &'static str) {
        ("X-rays", "counts")
    }

    fn elements(&self) -> Vec<&'static str> {
        ELEMENTS.iter().map(|element| element.symbol).collect()
    }

    fn spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.spectrum(row, column)
    }

    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.expected_spectrum(row, column)
    }

    fn current_pa(&self) -> Option<f64> {
        Some(1000.0 * self.config.beam_current_na)
    }

    fn live_seconds(&self) -> f64 {
        self.config.live_time_s
    }

    fn expected_image(&self) -> &[f64] {
        &self.expected_image
    }

    fn noisy(&self, mean: Vec<f64>, dose: f64, pixel: (usize, usize), repeat: u64) -> Vec<f64> {
        let mean = self.exposed(mean, dose);
        self.spectrometer.noisy(mean, pixel, repeat)
    }

    fn noisy_image(&self, mean: Vec<f64>, dose: f64, repeat: u64) -> Vec<f64> {
        haadf::noisy(&self.config, self.exposed(mean, dose), repeat)
    }

    fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }
}

fn assert_exposure(exposure: Exposure) {
    if let Err(error) = exposure.validate() {
        panic!("{error}");
    }
}

//! Built-in synthetic specimens with physics, so that everything runs without data.
//!
//! Three of different character, each in a room of its own; what they share stands beside the
//! rooms:
//!
//! | name | image | measured at a pixel | target | rare |
//! |---|---|---|---|---|
//! | [`nanoparticles`] | HAADF | EDS spectrum | counts of Pd Lα | Au@Pd core-shell particles |
//! | [`ferroelectric`] | piezoresponse | hysteresis loop | height of the loop | crossings of needles, needles through a 180° wall |
//! | [`plasmonic`] | HAADF | energy-loss spectrum | loss in a window | hot spots at the ends of rods |
//!
//! All of a [`Specimen`] follows from a [`SpecimenConfig`], bit for bit, on every machine. It
//! knows which [`Behaviour`] is where, so that what a campaign discovered, and when, can be told.
//! It never changes: what a beam does to a sample over time (drift, damage) belongs to whoever
//! moves the beam, as a state beside it.
//!
//! ```
//! use beacon_host::internal::specimen::{SpecimenChoice, SpecimenKind};
//!
//! let choice: SpecimenChoice = "ferroelectric:3".parse().unwrap();
//! assert_eq!((choice.kind, choice.seed), (SpecimenKind::Ferroelectric, 3));
//! let specimen = choice.config().make()?;
//! assert_eq!(specimen.spectrum(20, 31).len(), specimen.coordinates().len());
//! assert!(specimen.behaviours().iter().any(|behaviour| behaviour.rare));
//! # Ok::<(), beacon_host::internal::specimen::SpecimenError>(())
//! ```

mod choice;
pub mod ferroelectric;
mod frame;
pub mod nanoparticles;
mod noise;
pub mod plasmonic;
mod random;
mod range;
#[cfg(test)]
mod tests;
mod weighted;

pub use choice::{SpecimenChoice, SpecimenConfig, SpecimenKind, UnknownSpecimen};
pub use ferroelectric::{Ferroelectric, FerroelectricConfig};
pub use nanoparticles::{Exposure, Nanoparticles, NanoparticlesConfig};
pub use plasmonic::{Plasmonic, PlasmonicConfig};
pub(crate) use random::{Purpose, Stream};
pub use range::SpecimenError;

use core::fmt::Debug;

use crate::data::{Axis, Behaviour, Channels, Map};
use crate::scalarizer::{Scalarizer, ScalarizerError};
use noise::Noise;

/// What specimens of every kind hold.
#[derive(Clone, Debug)]
pub struct Common {
    config: SpecimenConfig,
    image: Map,
    expected_image: Vec<f64>,
    recorded: Channels,
    behaviours: Vec<Behaviour>,
    current_pa: Option<f64>,
    live_seconds: f64,
    noise: Noise,
    /// What the random numbers of a spectrum are for.
    spectrum: Purpose,
}

impl Common {
    /// Takes the image of a specimen, which is `expected` without noise.
    fn new(
        config: SpecimenConfig,
        expected: Map,
        recorded: Channels,
        behaviours: Vec<Behaviour>,
        (current_pa, live_seconds): (Option<f64>, f64),
        noise: Noise,
        spectrum: Purpose,
    ) -> Self {
        let stream = Stream::new(config.seed(), Purpose::Image, [0, 0]);
        Self {
            image: Map {
                values: noise.image(expected.values.clone(), 1.0, stream),
                ..expected.clone()
            },
            expected_image: expected.values,
            config,
            recorded,
            behaviours,
            current_pa,
            live_seconds,
            noise,
            spectrum,
        }
    }
}

/// A synthetic sample in a synthetic microscope: an image that is known everywhere, and a
/// spectrum, or a loop, to measure at each pixel.
pub trait Specimen: Debug + Send + Sync {
    /// What it has in common with specimens of other kinds.
    fn common(&self) -> &Common;

    /// The mean of spectra at a pixel over many repeats.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64>;

    /// What the specimen was made from.
    fn config(&self) -> &SpecimenConfig {
        &self.common().config
    }

    /// The overview image, axes in nm.
    fn image(&self) -> &Map {
        &self.common().image
    }

    /// The mean of images as [`Self::image`] over many repeats, row by row.
    fn expected_image(&self) -> &[f64] {
        &self.common().expected_image
    }

    /// What a spectrum is, with the elements in the sample where it shows their X-ray lines.
    fn recorded(&self) -> &Channels {
        &self.common().recorded
    }

    /// The axis along each spectrum.
    fn channels(&self) -> &Axis {
        &self.recorded().axis
    }

    /// Value of every channel in the units of [`Self::channels`].
    fn coordinates(&self) -> &[f64] {
        &self.recorded().coordinates
    }

    /// What there is to discover, rare behaviours first.
    fn behaviours(&self) -> &[Behaviour] {
        &self.common().behaviours
    }

    /// Current of the beam in pA with which spectra are as [`Self::spectrum`] gives them; `None`
    /// where a tip scans the sample, and no beam.
    fn current_pa(&self) -> Option<f64> {
        self.common().current_pa
    }

    /// Live time in s in which they are: with the current, one exposure.
    fn live_seconds(&self) -> f64 {
        self.common().live_seconds
    }

    /// The spectrum at a pixel as an instrument measures it, with noise. Equal arguments give
    /// equal values, whatever was measured before.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    fn spectrum(&self, row: usize, column: usize) -> Vec<f64> {
        self.noisy(self.expected_spectrum(row, column), 1.0, (row, column), 0)
    }

    /// Scales means of one exposure, of a spectrum or an image, to `dose` of them: counts grow
    /// with the dose, displacements stay.
    fn exposed(&self, mean: Vec<f64>, dose: f64) -> Vec<f64> {
        self.common().noise.exposed(mean, dose)
    }

    /// A spectrum with the noise of `dose` exposures whose mean over one exposure is `mean`, from
    /// the random numbers of a pixel (row, column) and a repeat: at dose 1, with the expected
    /// spectrum of the pixel and repeat 0, that of [`Self::spectrum`].
    fn noisy(&self, mean: Vec<f64>, dose: f64, pixel: (usize, usize), repeat: u64) -> Vec<f64> {
        let common = self.common();
        let stream = Stream::at_pixel(common.config.seed(), common.spectrum, pixel, repeat);
        common.noise.spectrum(mean, dose, stream)
    }

    /// An image with the noise of `dose` exposures whose mean over one exposure is `mean`: at
    /// dose 1, with the expected image and repeat 0, that of [`Self::image`].
    fn noisy_image(&self, mean: Vec<f64>, dose: f64, repeat: u64) -> Vec<f64> {
        let stream = Stream::new(self.config().seed(), Purpose::Image, [repeat, 0]);
        self.common().noise.image(mean, dose, stream)
    }

    /// What spectra of `dose` exposures without noise reduce to at every pixel.
    ///
    /// # Errors
    /// When the scalarizer does not fit the channels.
    fn truth(&self, target: &Scalarizer, dose: f64) -> Result<Map, ScalarizerError> {
        let (image, recorded) = (self.image(), self.recorded());
        let pixels = (0..image.values.len()).map(|i| (i / image.width(), i % image.width()));
        let means =
            pixels.map(|(row, column)| self.exposed(self.expected_spectrum(row, column), dose));
        Ok(Map {
            values: target.reduce_each(means, &recorded.coordinates, &recorded.axis)?,
            quantity: target.to_string(),
            units: target.units(&recorded.axis.units, &recorded.units),
            ..image.clone()
        })
    }
}

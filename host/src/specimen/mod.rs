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
//! use beacon_host::specimen::{SpecimenChoice, SpecimenKind};
//!
//! let choice: SpecimenChoice = "ferroelectric:3".parse().unwrap();
//! assert_eq!((choice.kind, choice.seed), (SpecimenKind::Ferroelectric, 3));
//! let specimen = choice.config().make()?;
//! assert_eq!(specimen.spectrum(20, 31).len(), specimen.coordinates().len());
//! assert!(specimen.behaviours().iter().any(|behaviour| behaviour.rare));
//! # Ok::<(), beacon_host::specimen::SpecimenError>(())
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

pub use choice::{SpecimenChoice, SpecimenConfig, SpecimenKind, UnknownSpecimen};
pub use ferroelectric::{Ferroelectric, FerroelectricConfig};
pub use nanoparticles::{Exposure, Nanoparticles, NanoparticlesConfig, Share, Species};
pub use plasmonic::{Plasmonic, PlasmonicConfig};
pub(crate) use random::{Purpose, Stream};
pub use range::SpecimenError;

use core::fmt::Debug;

use crate::data::{Axis, Behaviour, Channels, Map};

/// A synthetic sample in a synthetic microscope: an image that is known everywhere, and a
/// spectrum, or a loop, to measure at each pixel.
pub trait Specimen: Debug + Send + Sync {
    /// What the specimen was made from.
    fn config(&self) -> SpecimenConfig;

    /// The overview image, axes in nm.
    fn image(&self) -> &Map;

    /// The axis along each spectrum: its name and units hold always, its offset and scale only
    /// when the channels are equidistant.
    fn channels(&self) -> &Axis;

    /// Value of every channel in the units of [`Self::channels`], in the order of acquisition:
    /// not monotonic for a loop.
    fn coordinates(&self) -> &[f64];

    /// What a spectrum holds, such as `X-rays`, and its units, such as `counts`.
    fn response(&self) -> (&'static str, &'static str);

    /// Symbols of the elements in the sample where a spectrum shows their X-ray lines.
    fn elements(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// All of this about its spectra together.
    fn recorded(&self) -> Channels {
        let (quantity, units) = self.response();
        Channels {
            axis: self.channels().clone(),
            coordinates: self.coordinates().to_vec(),
            quantity: quantity.to_owned(),
            units: units.to_owned(),
            elements: self.elements().into_iter().map(str::to_owned).collect(),
        }
    }

    /// The spectrum at a pixel as an instrument measures it, with noise. Equal arguments give
    /// equal values, whatever was measured before.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    fn spectrum(&self, row: usize, column: usize) -> Vec<f64>;

    /// The mean of such spectra over many repeats.
    ///
    /// # Panics
    /// When the pixel lies outside the image.
    fn expected_spectrum(&self, row: usize, column: usize) -> Vec<f64>;

    /// Current of the beam in pA with which spectra are as [`Self::spectrum`] gives them; `None`
    /// where a tip scans the sample, and no beam.
    fn current_pa(&self) -> Option<f64>;

    /// Live time in s in which they are: with the current, one exposure.
    fn live_seconds(&self) -> f64;

    /// The mean of images as [`Self::image`] over many repeats, row by row.
    fn expected_image(&self) -> &[f64];

    /// Scales means of one exposure, of a spectrum or an image, to `dose` of them: counts grow
    /// with the dose.
    fn exposed(&self, mut mean: Vec<f64>, dose: f64) -> Vec<f64> {
        for value in &mut mean {
            *value *= dose;
        }
        mean
    }

    /// A spectrum with the noise of `dose` exposures whose mean over one exposure is `mean`, from
    /// the random numbers of a pixel (row, column) and a repeat: at dose 1, with the expected
    /// spectrum of the pixel and repeat 0, that of [`Self::spectrum`].
    fn noisy(&self, mean: Vec<f64>, dose: f64, pixel: (usize, usize), repeat: u64) -> Vec<f64>;

    /// An image with the noise of `dose` exposures whose mean over one exposure is `mean`: at
    /// dose 1, with the expected image and repeat 0, that of [`Self::image`].
    fn noisy_image(&self, mean: Vec<f64>, dose: f64, repeat: u64) -> Vec<f64>;

    /// What there is to discover, rare behaviours first.
    fn behaviours(&self) -> &[Behaviour];
}

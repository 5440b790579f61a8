//! What a campaign is about: an image that is known everywhere, and a response that costs.
//!
//! Replayed data and specimens give the response at once; a live one, of an instrument, is in
//! [`crate::live`].

mod replay;
mod specimen;

use beacon_kernel::Pixel;

use crate::map::Map;
use crate::specimen::{Behaviour, SpecimenError};
use crate::spectra::Channels;

pub use replay::Replay;
pub use specimen::SpecimenExperiment;

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The replayed data hold no number there.
    #[error("the response at row {row}, column {column} is {value}; expected a finite number")]
    NoResponse {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
        /// What the data hold.
        value: f64,
    },
    /// A spectrum could not be reduced.
    #[error(transparent)]
    Scalarizer(#[from] crate::scalarizer::ScalarizerError),
    /// A specimen cannot be made.
    #[error(transparent)]
    Specimen(#[from] SpecimenError),
}

/// An image that is known everywhere, and a response that costs time and dose to know.
pub trait Experiment {
    /// The overview image.
    fn image(&self) -> &Map;

    /// Measures the response at one pixel of the image, in its own units.
    ///
    /// # Errors
    /// When the instrument or the data give no number.
    fn measure(&mut self, pixel: Pixel) -> Result<f64, ExperimentError>;

    /// The true response at every pixel, where it is known: for judging a campaign, never for
    /// steering one.
    fn truth(&self) -> Option<&Map>;

    /// What there is to discover, where it is known: for judging a campaign, never for steering
    /// one.
    fn behaviours(&self) -> &[Behaviour] {
        &[]
    }

    /// What is recorded at each pixel; `None` where nothing is kept but the response.
    fn channels(&self) -> Option<Channels> {
        None
    }

    /// What was recorded at a pixel that has been measured, a value for each of
    /// [`Self::channels`]: for showing, at no cost to the specimen.
    fn spectrum(&self, _measured: Pixel) -> Option<Vec<f64>> {
        None
    }
}

//! What is measured: replayed data or a specimen.

mod replay;
mod specimen;

use beacon_kernel::Pixel;

use crate::map::Map;
use crate::specimen::{Behaviour, SpecimenError};

pub use replay::Replay;
pub use specimen::SpecimenMicroscope;

/// Why a microscope did not measure.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MicroscopeError {
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
pub trait Microscope {
    /// The overview image.
    fn image(&self) -> &Map;

    /// Measures the response at one pixel of the image, in its own units.
    ///
    /// # Errors
    /// When the instrument or the data give no number.
    fn measure(&mut self, pixel: Pixel) -> Result<f64, MicroscopeError>;

    /// The true response at every pixel, where it is known: for judging a campaign, never for
    /// steering one.
    fn truth(&self) -> Option<&Map>;

    /// What there is to discover, where it is known: for judging a campaign, never for steering
    /// one.
    fn behaviours(&self) -> &[Behaviour] {
        &[]
    }
}

//! What is measured: replayed data or a specimen.

mod replay;
mod specimen;

use beacon_kernel::Pixel;

use crate::axis::Axis;
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

/// What a microscope records at a pixel before it is reduced to the response: a spectrum, or a
/// hysteresis loop.
#[derive(Clone, Debug)]
pub struct Channels<'a> {
    /// Name and units of the axis along a spectrum.
    pub axis: &'a Axis,
    /// Value of every channel on the axis, in the order of acquisition: not monotonic for a loop.
    pub coordinates: &'a [f64],
    /// What is recorded, such as `X-rays`.
    pub quantity: &'a str,
    /// Units of what is recorded; empty when unknown.
    pub units: &'a str,
    /// Symbols of the elements whose X-ray lines are worth naming; none where there are no lines.
    pub elements: Vec<&'static str>,
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

    /// What is recorded at each pixel; `None` where nothing is kept but the response.
    fn channels(&self) -> Option<Channels<'_>> {
        None
    }

    /// What was recorded at a pixel that has been measured, a value for each of
    /// [`Self::channels`]: for showing, at no cost to the specimen.
    fn spectrum(&self, _measured: Pixel) -> Option<Vec<f64>> {
        None
    }
}

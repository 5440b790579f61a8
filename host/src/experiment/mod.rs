//! What a campaign is about: an image that is known everywhere, and a response that costs.
//!
//! Replayed data and specimens give the response at once. That of an instrument, with its dose,
//! drift and failures, is in [`crate::live`].

mod order;
mod replay;
mod specimen;

use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::{Candidate, Pixel};

use crate::controller::{BeamPort, ControllerError};
use crate::data::{Behaviour, Channels, Map};
use crate::specimen::SpecimenError;

pub use order::{Ended, Order, Region};
pub use replay::Replay;
pub use specimen::SpecimenExperiment;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
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
    /// The controller's beam could not be moved.
    #[error(transparent)]
    Beam(#[from] ControllerError),
    /// Nothing more will be measured: the campaign ends with what it has.
    #[error("{0}")]
    Ended(Ended),
    /// This point cannot be measured, and will not be tried again; others can.
    #[error("row {row}, column {column} was left out: {reason}")]
    LeftOut {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
        /// Why.
        reason: String,
    },
    /// What was measured could not be kept.
    #[error("{0}")]
    NotKept(String),
}

/// A point that is to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
}

/// A spectrum on its way to a controller that reduces it.
#[derive(Clone, Copy, Debug)]
pub struct Unreduced<'a> {
    /// How.
    pub scalarizer: Scalarizer,
    /// A value a channel.
    pub spectrum: &'a [f32],
}

/// An image that is known everywhere, and a response that costs time and dose to know.
pub trait Experiment {
    /// The overview image.
    fn image(&self) -> &Map;

    /// Measures the response at one point, in its own units.
    ///
    /// # Errors
    /// When the instrument or the data give no number.
    fn measure(&mut self, point: Point, beam: &mut dyn BeamPort) -> Result<f64, ExperimentError>;

    /// Whether [`Self::measure`] moves the controller's beam itself, when everything is ready for
    /// it; otherwise the beam is moved as soon as the point is chosen.
    fn moves_beam(&self) -> bool {
        false
    }

    /// The spectrum of the point just measured, where the controller is to reduce it by itself to
    /// the response that [`Self::measure`] returned.
    fn unreduced(&self) -> Option<Unreduced<'_>> {
        None
    }

    /// What somebody wants otherwise; asked before every step until there is nothing more.
    ///
    /// # Errors
    /// When the campaign cannot go on.
    fn order(&mut self, _beam: &mut dyn BeamPort) -> Result<Option<Order>, ExperimentError> {
        Ok(None)
    }

    /// The true response at every pixel, where it is known: for judging a campaign, never for
    /// steering one.
    fn truth(&self) -> Option<&Map>;

    /// What the response is and its units, where the truth is not known to tell.
    fn target(&self) -> (String, String) {
        let map = self.truth();
        map.map_or_else(
            || ("response".to_owned(), String::new()),
            |map| (map.quantity.clone(), map.units.clone()),
        )
    }

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

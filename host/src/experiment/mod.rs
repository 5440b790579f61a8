//! What a campaign is about: an image that is known everywhere, and a response that costs.
//!
//! Replayed data and specimens are [oracles](Oracle): they give the response at once. That of an
//! instrument, with its dose, drift and failures, is in `crate::live`.

mod replay;
mod specimen;

use beacon_kernel::{Candidate, Pixel};

use crate::data::{Behaviour, Channels, Map};
use crate::scalarizer::Scalarizer;
use crate::specimen::SpecimenError;

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
    /// The replayed data hold no number of a response there.
    #[error("`{target}` at row {row}, column {column} is {value}; expected a finite number")]
    NoResponseOf {
        /// The response.
        target: String,
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
        /// What the data hold.
        value: f64,
    },
    /// No spectrum was recorded there.
    #[error("there is no spectrum at row {row}, column {column}")]
    NoSpectrum {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
    },
    /// Components could not be learnt.
    #[error(transparent)]
    Components(#[from] crate::components::ComponentsError),
    /// A spectrum could not be reduced.
    #[error(transparent)]
    Scalarizer(#[from] crate::scalarizer::ScalarizerError),
    /// A specimen cannot be made.
    #[error(transparent)]
    Specimen(#[from] SpecimenError),
}

/// A point that is to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
}

/// What a campaign is about and judged by.
pub trait Experiment {
    /// The overview image.
    fn image(&self) -> &Map;

    /// The true response at every pixel, where it is known: for judging a campaign, never for
    /// steering one.
    fn truth(&self) -> Option<&Map>;

    /// Responses that are sought together, from 1.
    fn responses(&self) -> usize {
        1
    }

    /// The true response of this number, from 0, at every pixel, where it is known: the first is
    /// [`Self::truth`].
    fn truth_of(&self, response: usize) -> Option<&Map> {
        self.truth().filter(|_| response == 0)
    }

    /// What each response is and its units, the first being [`Self::target`].
    fn targets(&self) -> Vec<(String, String)> {
        vec![self.target()]
    }

    /// What the response is and its units, where the truth is not known to tell.
    fn target(&self) -> (String, String) {
        let map = self.truth();
        map.map_or_else(
            || ("response".to_owned(), String::new()),
            |map| (map.quantity.clone(), map.units.clone()),
        )
    }

    /// Where its numbers come from: the instrument, or how the data that are replayed were recorded; `None`
    /// where nobody knows.
    fn origin(&self) -> Option<String> {
        None
    }

    /// How the campaign itself reduces what is recorded at each pixel to the responses, where components are
    /// among them: what they are depends on what was measured. [`Self::truth_of`] then has the components of
    /// all spectra there are. `None` where the experiment gives the responses.
    fn reduced_by_campaign(&self) -> Option<Vec<Scalarizer>> {
        None
    }

    /// What a scalarizer makes of every pixel, where that is known: for judging a campaign, never for
    /// steering one.
    fn reduced(&self, _scalarizer: &Scalarizer) -> Option<Map> {
        None
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

/// An experiment that answers at once: the oracle of active learning. Its response costs nothing but
/// the asking.
pub trait Oracle: Experiment {
    /// The response at one point, in its own units.
    ///
    /// # Errors
    /// When the data give no number.
    fn measure(&mut self, point: Point) -> Result<f64, ExperimentError>;

    /// All responses at one point, as many as are sought, each in its own units.
    ///
    /// # Errors
    /// When the data give no number of one.
    fn measure_all(&mut self, point: Point) -> Result<Vec<f64>, ExperimentError> {
        Ok(vec![self.measure(point)?])
    }

    /// The spectrum at one point, where the [campaign reduces](Experiment::reduced_by_campaign) it: a value
    /// for each of the [`Experiment::channels`].
    ///
    /// # Errors
    /// When the data give none.
    fn measure_spectrum(&mut self, point: Point) -> Result<Vec<f64>, ExperimentError> {
        let Pixel { row, column } = point.pixel;
        self.spectrum(point.pixel)
            .ok_or(ExperimentError::NoSpectrum { row, column })
    }
}

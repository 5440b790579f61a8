//! The kernel's errors in the form that travels.

use serde::{Deserialize, Serialize};

use super::super::kernel::Strategy;
use crate::{Candidate, Error};

/// [`Error`] on the wire: its texts travel as numbers into a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum KernelError {
    /// [`Error::Capacity`]
    Capacity {
        /// Number of the text.
        what: u8,
        /// Asked for.
        needed: u32,
        /// What fits.
        capacity: u32,
    },
    /// [`Error::Window`]
    Window {
        /// Asked for.
        window: u32,
        /// Smallest accepted.
        smallest: u32,
        /// Largest accepted.
        largest: u32,
    },
    /// [`Error::ImageShape`]
    ImageShape {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Pixels.
        pixels: u32,
    },
    /// [`Error::NoCandidates`]
    NoCandidates {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Window.
        window: u32,
    },
    /// [`Error::ModelWindow`]
    ModelWindow {
        /// Window of the model.
        found: u32,
        /// Window of the candidates.
        expected: u32,
    },
    /// [`Error::WeightCount`]
    WeightCount {
        /// Weights handed over.
        found: u32,
        /// Weights of the network.
        expected: u32,
    },
    /// [`Error::NotFinite`]
    NotFinite {
        /// Number of the text.
        what: u8,
        /// Its index.
        index: u32,
    },
    /// [`Error::Hyperparameter`]
    Hyperparameter {
        /// Number of the text.
        name: u8,
        /// Its value.
        value: f32,
    },
    /// [`Error::Setting`]
    Setting {
        /// Number of the name.
        name: u8,
        /// Its value.
        value: f32,
        /// Number of what is accepted.
        accepted: u8,
    },
    /// [`Error::NoSuchCandidate`]
    NoSuchCandidate {
        /// The candidate.
        candidate: u32,
        /// How many there are.
        candidates: u32,
    },
    /// [`Error::AlreadyMeasured`]
    AlreadyMeasured {
        /// The candidate.
        candidate: u32,
    },
    /// [`Error::ResponseNotFinite`]
    ResponseNotFinite {
        /// The candidate.
        candidate: u32,
    },
    /// [`Error::Outlier`]
    Outlier {
        /// The candidate.
        candidate: u32,
    },
    /// [`Error::NotPositiveDefinite`]
    NotPositiveDefinite {
        /// Row of the measurement.
        row: u32,
    },
    /// [`Error::NoImage`]
    NoImage,
    /// [`Error::NoModel`]
    NoModel,
    /// [`Error::NoMeasurement`]
    NoMeasurement,
    /// [`Error::Exhausted`]
    Exhausted,
    /// [`Error::ResponseNotFinite`] of a further response. Since version 2.
    FurtherNotFinite {
        /// The candidate.
        candidate: u32,
        /// Which response, from 1.
        response: u8,
    },
    /// [`Error::Outlier`] of a further response. Since version 2.
    FurtherOutlier {
        /// The candidate.
        candidate: u32,
        /// Which response, from 1.
        response: u8,
    },
    /// [`Error::ResponseCount`]. Since version 2.
    ResponseCount {
        /// Responses handed over.
        found: u32,
        /// Responses of the campaign.
        expected: u32,
    },
    /// [`Error::ModelResponses`]. Since version 2.
    ModelResponses {
        /// Responses of the model.
        found: u32,
        /// Responses of the campaign.
        expected: u32,
    },
    /// [`Error::OneResponse`]. Since version 2.
    OneResponse {
        /// The strategy.
        strategy: Strategy,
        /// Responses of the campaign.
        responses: u32,
    },
}

/// Every text in an [`Error`], in the order of its number. Append only.
const TEXTS: [&str; 27] = [
    "values",
    "pixels",
    "pixels in a row",
    "candidates",
    "pixels of a window's side",
    "measurements",
    "floats",
    "words",
    "floats of workspace",
    "pixel",
    "weight",
    "latent",
    "lengthscale",
    "outputscale",
    "noise",
    "mean",
    "target mean",
    "target scale",
    "k",
    "elite share",
    "beta",
    "1 or more neighbours",
    "above 0 and at most 1",
    "0 or more",
    "share of space",
    "inverse reach of space",
    "responses",
];

/// The number of a text; an unknown one reads "values".
fn number(text: &str) -> u8 {
    TEXTS.iter().position(|known| *known == text).unwrap_or(0) as u8
}

fn text(number: u8) -> &'static str {
    TEXTS.get(usize::from(number)).unwrap_or(&"values")
}

impl KernelError {
    /// The error as version 1 tells it, if it does: a further response is not told apart from the first.
    pub(super) fn in_first_version(self) -> Option<Self> {
        match self {
            Self::FurtherNotFinite { candidate, .. } => Some(Self::ResponseNotFinite { candidate }),
            Self::FurtherOutlier { candidate, .. } => Some(Self::Outlier { candidate }),
            Self::ResponseCount { .. } | Self::ModelResponses { .. } | Self::OneResponse { .. } => {
                None
            }
            error => Some(error),
        }
    }
}

impl From<Error> for KernelError {
    #[expect(clippy::too_many_lines, reason = "one line a field")]
    fn from(error: Error) -> Self {
        match error {
            Error::Capacity {
                what,
                needed,
                capacity,
            } => Self::Capacity {
                what: number(what),
                needed: needed as u32,
                capacity: capacity as u32,
            },
            Error::Window {
                window,
                smallest,
                largest,
            } => Self::Window {
                window: window as u32,
                smallest: smallest as u32,
                largest: largest as u32,
            },
            Error::ImageShape {
                height,
                width,
                pixels,
            } => Self::ImageShape {
                height: height as u32,
                width: width as u32,
                pixels: pixels as u32,
            },
            Error::NoCandidates {
                height,
                width,
                window,
            } => Self::NoCandidates {
                height: height as u32,
                width: width as u32,
                window: window as u32,
            },
            Error::ModelWindow { found, expected } => Self::ModelWindow {
                found: found as u32,
                expected: expected as u32,
            },
            Error::WeightCount { found, expected } => Self::WeightCount {
                found: found as u32,
                expected: expected as u32,
            },
            Error::NotFinite { what, index } => Self::NotFinite {
                what: number(what),
                index: index as u32,
            },
            Error::Hyperparameter { name, value } => Self::Hyperparameter {
                name: number(name),
                value,
            },
            Error::Setting {
                name,
                value,
                accepted,
            } => Self::Setting {
                name: number(name),
                value,
                accepted: number(accepted),
            },
            Error::NoSuchCandidate {
                candidate,
                candidates,
            } => Self::NoSuchCandidate {
                candidate: candidate.0,
                candidates: candidates as u32,
            },
            Error::AlreadyMeasured { candidate } => Self::AlreadyMeasured {
                candidate: candidate.0,
            },
            Error::ResponseNotFinite {
                candidate: Candidate(candidate),
                response,
            } => match response {
                0 => Self::ResponseNotFinite { candidate },
                _ => Self::FurtherNotFinite {
                    candidate,
                    response: response as u8,
                },
            },
            Error::Outlier {
                candidate: Candidate(candidate),
                response,
            } => match response {
                0 => Self::Outlier { candidate },
                _ => Self::FurtherOutlier {
                    candidate,
                    response: response as u8,
                },
            },
            Error::ResponseCount { found, expected } => Self::ResponseCount {
                found: found as u32,
                expected: expected as u32,
            },
            Error::ModelResponses { found, expected } => Self::ModelResponses {
                found: found as u32,
                expected: expected as u32,
            },
            Error::OneResponse {
                strategy,
                responses,
            } => Self::OneResponse {
                strategy: strategy.into(),
                responses: responses as u32,
            },
            Error::NotPositiveDefinite { row } => Self::NotPositiveDefinite { row: row as u32 },
            Error::NoImage => Self::NoImage,
            Error::NoModel => Self::NoModel,
            Error::NoMeasurement => Self::NoMeasurement,
            Error::Exhausted => Self::Exhausted,
        }
    }
}

impl From<KernelError> for Error {
    #[expect(clippy::too_many_lines, reason = "one line a field")]
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Capacity {
                what,
                needed,
                capacity,
            } => Self::Capacity {
                what: text(what),
                needed: needed as usize,
                capacity: capacity as usize,
            },
            KernelError::Window {
                window,
                smallest,
                largest,
            } => Self::Window {
                window: window as usize,
                smallest: smallest as usize,
                largest: largest as usize,
            },
            KernelError::ImageShape {
                height,
                width,
                pixels,
            } => Self::ImageShape {
                height: height as usize,
                width: width as usize,
                pixels: pixels as usize,
            },
            KernelError::NoCandidates {
                height,
                width,
                window,
            } => Self::NoCandidates {
                height: height as usize,
                width: width as usize,
                window: window as usize,
            },
            KernelError::ModelWindow { found, expected } => Self::ModelWindow {
                found: found as usize,
                expected: expected as usize,
            },
            KernelError::WeightCount { found, expected } => Self::WeightCount {
                found: found as usize,
                expected: expected as usize,
            },
            KernelError::NotFinite { what, index } => Self::NotFinite {
                what: text(what),
                index: index as usize,
            },
            KernelError::Hyperparameter { name, value } => Self::Hyperparameter {
                name: text(name),
                value,
            },
            KernelError::Setting {
                name,
                value,
                accepted,
            } => Self::Setting {
                name: text(name),
                value,
                accepted: text(accepted),
            },
            KernelError::NoSuchCandidate {
                candidate,
                candidates,
            } => Self::NoSuchCandidate {
                candidate: Candidate(candidate),
                candidates: candidates as usize,
            },
            KernelError::AlreadyMeasured { candidate } => Self::AlreadyMeasured {
                candidate: Candidate(candidate),
            },
            KernelError::ResponseNotFinite { candidate } => Self::ResponseNotFinite {
                candidate: Candidate(candidate),
                response: 0,
            },
            KernelError::Outlier { candidate } => Self::Outlier {
                candidate: Candidate(candidate),
                response: 0,
            },
            KernelError::FurtherNotFinite {
                candidate,
                response,
            } => Self::ResponseNotFinite {
                candidate: Candidate(candidate),
                response: response.into(),
            },
            KernelError::FurtherOutlier {
                candidate,
                response,
            } => Self::Outlier {
                candidate: Candidate(candidate),
                response: response.into(),
            },
            KernelError::ResponseCount { found, expected } => Self::ResponseCount {
                found: found as usize,
                expected: expected as usize,
            },
            KernelError::ModelResponses { found, expected } => Self::ModelResponses {
                found: found as usize,
                expected: expected as usize,
            },
            KernelError::OneResponse {
                strategy,
                responses,
            } => Self::OneResponse {
                strategy: strategy.into(),
                responses: responses as usize,
            },
            KernelError::NotPositiveDefinite { row } => {
                Self::NotPositiveDefinite { row: row as usize }
            }
            KernelError::NoImage => Self::NoImage,
            KernelError::NoModel => Self::NoModel,
            KernelError::NoMeasurement => Self::NoMeasurement,
            KernelError::Exhausted => Self::Exhausted,
        }
    }
}

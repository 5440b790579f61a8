//! The kernel's error: names the offending value and what would be accepted.

use core::fmt;

use crate::Strategy;
use crate::candidates::Candidate;

/// Why the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Something does not fit in the memory that was lent.
    Capacity {
        /// What does not fit.
        what: &'static str,
        /// How much of it was asked for.
        needed: usize,
        /// How much fits.
        capacity: usize,
    },
    /// A window no network takes, in pixels.
    Window {
        /// The window asked for.
        window: usize,
        /// The smallest accepted.
        smallest: usize,
        /// The largest accepted.
        largest: usize,
    },
    /// An image whose pixels do not number height × width.
    ImageShape {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Pixels handed over.
        pixels: usize,
    },
    /// An image in which no window fits, or a side of image or window above 65 535 pixels.
    NoCandidates {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Side of the window.
        window: usize,
    },
    /// A model for another window than the image's candidates.
    ModelWindow {
        /// Window of the model, in pixels.
        found: usize,
        /// Window of the candidates, in pixels.
        expected: usize,
    },
    /// Weights of the wrong number for their network.
    WeightCount {
        /// Weights handed over.
        found: usize,
        /// Weights the network has.
        expected: usize,
    },
    /// A value that is NaN, infinite or too large.
    NotFinite {
        /// What kind of value.
        what: &'static str,
        /// Its index in what was handed over.
        index: usize,
    },
    /// A hyperparameter outside its range.
    Hyperparameter {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f32,
    },
    /// A setting of the acquisition outside its range.
    Setting {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f32,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A candidate that does not exist.
    NoSuchCandidate {
        /// The candidate asked for.
        candidate: Candidate,
        /// How many there are.
        candidates: usize,
    },
    /// A candidate that was measured before.
    AlreadyMeasured {
        /// The candidate.
        candidate: Candidate,
    },
    /// A measured response that is NaN, infinite or too large.
    ResponseNotFinite {
        /// The candidate it came from.
        candidate: Candidate,
        /// Which of its responses, from 0.
        response: usize,
    },
    /// A measured response beyond 1e12 standard deviations of what the model was trained on.
    Outlier {
        /// The candidate it came from.
        candidate: Candidate,
        /// Which of its responses, from 0.
        response: usize,
    },
    /// Responses of another number than the campaign's.
    ResponseCount {
        /// Responses handed over.
        found: usize,
        /// Responses of the campaign.
        expected: usize,
    },
    /// A model of another number of responses than the campaign's.
    ModelResponses {
        /// Responses that the model standardises.
        found: usize,
        /// Responses of the campaign.
        expected: usize,
    },
    /// A strategy of one response, in a campaign of several.
    OneResponse {
        /// The strategy.
        strategy: Strategy,
        /// Responses of the campaign.
        responses: usize,
    },
    /// A covariance that is not positive definite at the named row.
    NotPositiveDefinite {
        /// Row of the measurement that broke the factorisation.
        row: usize,
    },
    /// No image was given yet.
    NoImage,
    /// No model was given yet, and the strategy needs one.
    NoModel,
    /// No response was measured yet, and the strategy needs some.
    NoMeasurement,
    /// Every candidate was measured.
    Exhausted,
}

impl fmt::Display for Error {
    #[expect(clippy::too_many_lines, reason = "a line or two for each error")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Capacity {
                what,
                needed,
                capacity,
            } => write!(
                f,
                "{needed} {what} do not fit: there is room for {capacity}"
            ),
            Self::Window {
                window,
                smallest,
                largest,
            } => write!(
                f,
                "a window of {window} pixels: the network takes {smallest} to {largest}"
            ),
            Self::ImageShape {
                height,
                width,
                pixels,
            } => write!(
                f,
                "an image of {height} x {width} with {pixels} pixels: expected height x width"
            ),
            Self::NoCandidates {
                height,
                width,
                window,
            } => write!(
                f,
                "windows of {window} pixels in an image of {height} x {width}: expected 1 to the \
                 smaller side, or to 65535 with reflected edges, and images of 1 to 65535 a side"
            ),
            Self::ModelWindow { found, expected } => write!(
                f,
                "a model for windows of {found} pixels: the candidates have {expected}"
            ),
            Self::WeightCount { found, expected } => {
                write!(f, "{found} weights: the network has {expected}")
            }
            Self::NotFinite { what, index } => {
                write!(
                    f,
                    "{what} {index} is not finite or too large: expected sensible values"
                )
            }
            Self::Hyperparameter { name, value } => write!(
                f,
                "{name} is {value:e}: expected lengthscales of 1e-12 to 1e12, an outputscale of \
                 1e-6 to 1e6, a noise of 1e-4 of the prior variance to 1e6, a mean of at most 1e6, a \
                 share of space of 0 to 1e4 and an inverse reach of 1e-4 to 4 per pixel"
            ),
            Self::Setting {
                name,
                value,
                accepted,
            } => write!(f, "{name} is {value}: expected {accepted}"),
            Self::NoSuchCandidate {
                candidate,
                candidates,
            } => write!(
                f,
                "candidate {}: there are {candidates}, numbered from 0",
                candidate.0
            ),
            Self::AlreadyMeasured { candidate } => {
                write!(f, "candidate {} was measured before", candidate.0)
            }
            Self::ResponseNotFinite {
                candidate,
                response,
            } => write!(
                f,
                "the {}response of candidate {} is not finite or beyond 1e30: expected a number of \
                 at most that magnitude",
                Ordinal(response),
                candidate.0
            ),
            Self::Outlier {
                candidate,
                response,
            } => write!(
                f,
                "the {}response of candidate {} is 1e12 times what the model was trained on: train \
                 it again",
                Ordinal(response),
                candidate.0
            ),
            Self::ResponseCount { found, expected } => write!(
                f,
                "{found} responses of a place: the campaign has {expected}"
            ),
            Self::ModelResponses { found, expected } => write!(
                f,
                "a model of {found} responses: the campaign has {expected}"
            ),
            Self::OneResponse {
                strategy,
                responses,
            } => write!(
                f,
                "`{}` takes one response and the campaign has {responses}: choose another strategy, \
                 as `beacon` or `beacon-structure`",
                strategy.name()
            ),
            Self::NotPositiveDefinite { row } => write!(
                f,
                "the covariance is not positive definite at measurement {row}: raise the noise"
            ),
            Self::NoImage => f.write_str("no image yet: load one first"),
            Self::NoModel => f.write_str("no model yet: load one first, or use `random`"),
            Self::NoMeasurement => f.write_str("no measurement yet: measure seeds first"),
            Self::Exhausted => f.write_str("every candidate has been measured"),
        }
    }
}

/// Which of several responses; nothing for the first, which may be the only one.
struct Ordinal(usize);

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str("second "),
            2 => f.write_str("third "),
            _ => f.write_str("fourth "),
        }
    }
}

impl core::error::Error for Error {}

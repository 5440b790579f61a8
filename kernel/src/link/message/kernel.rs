//! Wire forms of the kernel's own types.
//!
//! The kernel's types may grow; what travels may not, so it has a form of its own and every
//! conversion is written out.

use serde::{Deserialize, Serialize};

use crate::{Candidate, Network};

/// [`crate::Strategy`], numbered as in [`crate::Strategy::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Strategy {
    /// [`crate::Strategy::Beacon`]
    Beacon,
    /// [`crate::Strategy::BeaconElite`]
    BeaconElite,
    /// [`crate::Strategy::Ei`]
    Ei,
    /// [`crate::Strategy::Mu`]
    Mu,
    /// [`crate::Strategy::Ucb`]
    Ucb,
    /// [`crate::Strategy::Thompson`]
    Thompson,
    /// [`crate::Strategy::Random`]
    Random,
    /// [`crate::Strategy::BeaconStructure`]
    BeaconStructure,
    /// [`crate::Strategy::Farthest`]
    Farthest,
}

/// [`crate::References`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum References {
    /// [`crate::References::Denoised`]
    Denoised,
    /// [`crate::References::Raw`]
    Raw,
}

/// [`crate::Sampling`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampling {
    /// [`crate::Sampling::Joint`]
    Joint,
    /// [`crate::Sampling::Marginal`]
    Marginal,
}

/// [`crate::Acquisition`]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acquisition {
    /// The strategy.
    pub strategy: Strategy,
    /// Neighbours that novelty averages over.
    pub k: u16,
    /// What novelty is measured against.
    pub references: References,
    /// How the elite variant samples.
    pub sampling: Sampling,
    /// Share of the measured points that count as elite.
    pub elite_share: f32,
    /// β of the upper confidence bound.
    pub beta: f32,
}

/// [`crate::Architecture`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// [`crate::Architecture::Valid`]
    Valid,
    /// [`crate::Architecture::Same`]
    Same,
    /// [`crate::Architecture::Filters`]; since version 2.
    Filters,
}

/// [`crate::Edges`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edges {
    /// [`crate::Edges::Inside`]
    Inside,
    /// [`crate::Edges::Reflect`]
    Reflect,
}

/// [`crate::Hyperparameters`]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// Lengthscale along each latent axis.
    pub lengthscale: [f32; 2],
    /// Prior variance.
    pub outputscale: f32,
    /// Noise variance.
    pub noise: f32,
    /// Prior mean.
    pub mean: f32,
}

/// [`crate::Standardisation`]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// Subtracted from a raw response.
    pub mean: f32,
    /// Divides the difference.
    pub scale: f32,
}

/// [`crate::Prediction`]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Posterior mean, in the units of the response.
    pub mean: f32,
    /// Posterior standard deviation, in the units of the response.
    pub sigma: f32,
}

/// [`crate::Proposal`], with the pixel that its candidate stands for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Number of the candidate.
    pub candidate: u32,
    /// Row of its pixel.
    pub row: u16,
    /// Column of its pixel.
    pub column: u16,
    /// Points measured before it.
    pub step: u32,
    /// Score in the strategy's own terms.
    pub score: f32,
    /// What the model expects there.
    pub prediction: Option<Prediction>,
}

/// A measured candidate and its raw response.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Number of the candidate.
    pub candidate: u32,
    /// Response, in raw units.
    pub value: f32,
}

/// [`crate::Capacity`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Pixels of the image.
    pub image_pixels: u32,
    /// Pixels in a row of the image.
    pub image_width: u32,
    /// Candidates.
    pub candidates: u32,
    /// Measured points.
    pub measurements: u32,
    /// Side of the window, in pixels.
    pub window: u32,
}

/// Pairs two enums or structs of the same shape, in both directions.
macro_rules! mirror {
    (enum $name:ident { $($variant:ident),* $(,)? }) => {
        impl From<crate::$name> for $name {
            fn from(value: crate::$name) -> Self {
                match value { $(crate::$name::$variant => Self::$variant),* }
            }
        }
        impl From<$name> for crate::$name {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),* }
            }
        }
    };
    (struct $name:ident { $($field:ident),* $(,)? }) => {
        impl From<crate::$name> for $name {
            fn from(value: crate::$name) -> Self {
                let crate::$name { $($field),* } = value;
                Self { $($field: $field.into()),* }
            }
        }
        impl From<$name> for crate::$name {
            fn from(value: $name) -> Self {
                let $name { $($field),* } = value;
                Self { $($field: $field.into()),* }
            }
        }
    };
}

mirror!(
    enum Strategy {
        Beacon,
        BeaconElite,
        Ei,
        Mu,
        Ucb,
        Thompson,
        Random,
        BeaconStructure,
        Farthest,
    }
);
mirror!(
    enum References {
        Denoised,
        Raw,
    }
);
mirror!(
    enum Sampling {
        Joint,
        Marginal,
    }
);
mirror!(
    enum Architecture {
        Valid,
        Same,
        Filters,
    }
);
mirror!(
    enum Edges {
        Inside,
        Reflect,
    }
);
mirror!(struct Acquisition { strategy, k, references, sampling, elite_share, beta });
mirror!(struct Hyperparameters { lengthscale, outputscale, noise, mean });
mirror!(struct Standardisation { mean, scale });
mirror!(struct Prediction { mean, sigma });

impl From<Proposal> for crate::Proposal {
    fn from(proposal: Proposal) -> Self {
        Self {
            candidate: Candidate(proposal.candidate),
            step: proposal.step as usize,
            score: proposal.score,
            prediction: proposal.prediction.map(Into::into),
        }
    }
}

impl From<crate::Capacity> for Capacity {
    fn from(capacity: crate::Capacity) -> Self {
        Self {
            image_pixels: capacity.image_pixels as u32,
            image_width: capacity.image_width as u32,
            candidates: capacity.candidates as u32,
            measurements: capacity.measurements as u32,
            window: capacity.window as u32,
        }
    }
}

impl From<Capacity> for crate::Capacity {
    fn from(capacity: Capacity) -> Self {
        Self {
            image_pixels: capacity.image_pixels as usize,
            image_width: capacity.image_width as usize,
            candidates: capacity.candidates as usize,
            measurements: capacity.measurements as usize,
            window: capacity.window as usize,
            // What the identity does not tell: a board says so itself where it is asked.
            responses: 1,
        }
    }
}

/// Smallest window per architecture and the largest of both, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowLimits {
    /// Smallest window of the unpadded network.
    pub valid_from: u16,
    /// Smallest window of the padded network.
    pub same_from: u16,
    /// Largest window of either.
    pub largest: u16,
}

impl WindowLimits {
    /// What the networks take within a capacity.
    pub fn within(capacity: crate::Capacity) -> Self {
        Self {
            valid_from: Network::MIN_WINDOW_VALID as u16,
            same_from: Network::MIN_WINDOW_SAME as u16,
            largest: Network::MAX_WINDOW.min(capacity.window) as u16,
        }
    }
}

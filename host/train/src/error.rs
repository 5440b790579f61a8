//! What a caller of the trainer can get wrong.

use thiserror::Error;

/// A mistake of the caller; numerical trouble is reported in [`super::FitReport`] instead.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A configuration value outside its range.
    #[error("{name} is {value}; {accepted} is accepted")]
    Config {
        /// Name of the field.
        name: &'static str,
        /// The value found.
        value: f64,
        /// The range that would be accepted.
        accepted: &'static str,
    },
    /// An architecture whose weights back-propagation does not train.
    #[error("the architecture is {found:?}; this trainer takes Valid and Same")]
    Architecture {
        /// The architecture found.
        found: beacon_kernel::Architecture,
    },
    /// The kernel refuses the image or the window.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
    /// Somebody broke it off: see [`Pace`](super::Pace).
    #[error("it was broken off")]
    BrokenOff,
    /// Nothing to train on.
    #[error("0 responses to train on; at least 1 is needed")]
    NoPoints,
    /// The patches do not match the responses.
    #[error(
        "{found} patch values for {points} responses; {expected} are needed \
         ({window} × {window} each)"
    )]
    PatchCount {
        /// Values found.
        found: usize,
        /// Values needed.
        expected: usize,
        /// Number of responses.
        points: usize,
        /// Side of a patch in pixels.
        window: usize,
    },
    /// A patch value is NaN or infinite.
    #[error("patch value {index} is {value}; finite values are accepted")]
    PatchValue {
        /// Flat index of the first such value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A response is NaN, infinite, or too large for the kernel's f32.
    #[error("response {index} is {value}; values finite as f32 are accepted")]
    Response {
        /// Index of the first such response.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A state to go on from that is of another network.
    #[error("a trainer's state of {found} parameters; {expected} are needed, as the network has")]
    State {
        /// Parameters found.
        found: usize,
        /// Parameters of the network and its process.
        expected: usize,
    },
    /// Responses that do not match the points.
    #[error("{found} responses for {expected} points; one for each is needed")]
    PointCount {
        /// Responses found.
        found: usize,
        /// Points that were added.
        expected: usize,
    },
    /// Not one column of responses.
    #[error("0 columns of responses; at least 1 is needed")]
    NoResponses,
    /// Columns of responses of different lengths.
    #[error("column {column} has {found} responses; {expected} are needed, as column 0 has")]
    Columns {
        /// Which column, from 0.
        column: usize,
        /// Its responses.
        found: usize,
        /// Those of the first column.
        expected: usize,
    },
    /// No parameters at which the covariance can be factorised.
    #[error("the points' covariance cannot be factorised; measure elsewhere")]
    NoMap,
    /// A weight, or a parameter behind the weights, that no fit of the filters comes to.
    #[error("weight {index} is {value}; -12 to 12 is accepted")]
    Weight {
        /// Its index.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A state to go on from that is of another kind of surrogate.
    #[error("a trainer's state of another surrogate; one of the campaign's own is needed")]
    OtherSurrogate,
}

//! How well a campaign explored and predicted: coverage and errors.
//!
//! Everything here is arithmetic over plain slices, one value per candidate, so that a
//! live campaign, a replay and a published run are judged by the same code.

mod coverage;
mod error;
mod errors;
mod learnable;
mod published;
mod target;
#[cfg(test)]
mod testing;
mod vector;
mod whitening;

pub use coverage::{Coverage, Groups};
pub use error::MetricsError;
pub use errors::{SurrogateErrors, mae, mean, nlpd, rmse};
pub use learnable::Learnable;
pub use published::published_target_curve;
pub use target::{TARGET_BINS, target_groups};
pub use vector::{cells_per_axis, vector_errors, vector_groups};
pub use whitening::{LEAST_SHARE, Whitening};

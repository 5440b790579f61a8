//! What can be wrong with the numbers a metric is asked about.

use thiserror::Error;

/// Why a metric could not be computed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// There is nothing to average or to bin.
    #[error("a metric needs at least one candidate, found none")]
    Empty,
    /// Two slices that describe the same candidates differ in length.
    #[error("expected {expected} values of the {what}, one per candidate, found {found}")]
    Length {
        /// Which slice is too short or too long.
        what: &'static str,
        /// Number of candidates.
        expected: usize,
        /// Number of values given.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("the {what} of candidate {candidate} is {value}, expected a finite number")]
    NotFinite {
        /// Which quantity.
        what: &'static str,
        /// Index of the candidate.
        candidate: usize,
        /// The offending value.
        value: f64,
    },
    /// A variance is zero or negative, which no density has.
    #[error("the predictive variance of candidate {candidate} is {value}, expected more than zero")]
    Variance {
        /// Index of the candidate.
        candidate: usize,
        /// The offending value.
        value: f64,
    },
    /// All candidates respond alike, so the range has no width to divide into bins.
    #[error("all candidates respond with {0}: coverage of a constant response is undefined")]
    Constant(f64),
    /// Coverage over no bins.
    #[error("target coverage needs at least one bin, found none")]
    NoBins,
    /// A candidate that the metric does not know.
    #[error("candidate {candidate} does not exist: there are {candidates}")]
    Candidate {
        /// The index asked for.
        candidate: usize,
        /// Number of candidates.
        candidates: usize,
    },
}

/// Refuses an empty slice, one of the wrong length and one with a NaN or an infinity.
pub(super) fn check(
    what: &'static str,
    values: &[f64],
    expected: usize,
) -> Result<(), MetricsError> {
    if expected == 0 {
        return Err(MetricsError::Empty);
    }
    if values.len() != expected {
        return Err(MetricsError::Length {
            what,
            expected,
            found: values.len(),
        });
    }
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(candidate) => Err(MetricsError::NotFinite {
            what,
            candidate,
            value: values[candidate],
        }),
    }
}

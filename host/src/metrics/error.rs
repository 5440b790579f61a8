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
    /// All candidates respond alike in every one of several responses.
    #[error(
        "all candidates respond alike in each of {0} responses: coverage of constant responses is undefined"
    )]
    AllConstant(usize),
    /// Vectors of no response.
    #[error("a vector needs at least one response, found none")]
    NoResponses,
    /// More or fewer responses than there are.
    #[error("expected {expected} responses, found {found}")]
    Responses {
        /// Number of responses.
        expected: usize,
        /// Number given.
        found: usize,
    },
    /// What is wrong with one of several responses.
    #[error("response {number}: {error}")]
    OfResponse {
        /// Its number, from 1.
        number: usize,
        /// What is wrong.
        error: Box<Self>,
    },
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

impl MetricsError {
    /// The same, of a response by its index.
    pub(super) fn of_response(self, index: usize) -> Self {
        Self::OfResponse {
            number: index + 1,
            error: Box::new(self),
        }
    }
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

//! What somebody wants otherwise while a campaign runs.

use std::fmt;
use std::ops::Range;

use beacon_kernel::{Acquisition, Candidate};
use serde::{Deserialize, Serialize};

/// A change of a campaign under way, from its next step on.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Another strategy.
    Strategy(Acquisition),
    /// Another target: the responses of all points so far, in the order they were measured.
    /// NaN for a point that has none.
    Responses(Vec<f64>),
    /// Nothing is measured any more in these rows and columns of the image.
    Exclude(Region),
    /// This candidate is measured next, whatever the strategy would have chosen.
    Measure(Candidate),
    /// The campaign ends here.
    End(Ended),
}

/// A rectangle of pixels of the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its rows.
    pub rows: Range<usize>,
    /// Its columns.
    pub columns: Range<usize>,
}

impl Region {
    /// One pixel.
    pub fn pixel(row: usize, column: usize) -> Self {
        Self {
            rows: row..row + 1,
            columns: column..column + 1,
        }
    }
}

/// Why a campaign ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why", content = "how")]
pub enum Ended {
    /// As many points as were asked for are measured.
    #[default]
    Budget,
    /// The user interrupted the program.
    Interrupted,
    /// The user said so over the control socket.
    Stopped,
    /// The time is over.
    Time,
    /// A dose limit was reached.
    Dose(String),
    /// Coverage has stopped growing.
    Stalled(String),
    /// The sample has drifted out of the frame, or how far it drifted cannot be told.
    Drift(String),
    /// Nothing is left to measure.
    Exhausted,
    /// The instrument failed for good.
    Instrument(String),
    /// The controller failed for good.
    Controller(String),
}

impl Ended {
    /// Whether it ended before its time, by a failure.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Instrument(_) | Self::Controller(_))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget => f.write_str("as many points as were asked for are measured"),
            Self::Interrupted => f.write_str("it was interrupted"),
            Self::Stopped => f.write_str("it was told to stop"),
            Self::Time => f.write_str("the time limit was reached"),
            Self::Exhausted => f.write_str("nothing is left to measure"),
            Self::Dose(how) => write!(f, "a dose limit was reached: {how}"),
            Self::Stalled(how) => write!(f, "coverage has stopped growing: {how}"),
            Self::Drift(how) => write!(f, "the sample drifted: {how}"),
            Self::Instrument(how) => write!(f, "the instrument failed: {how}"),
            Self::Controller(how) => write!(f, "the controller failed: {how}"),
        }
    }
}

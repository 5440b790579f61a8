//! Why a campaign ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a campaign ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why", content = "how")]
#[non_exhaustive]
pub enum Ended {
    /// All points of the budget are measured.
    #[default]
    Budget,
    /// The user interrupted the program.
    Interrupted,
    /// A person gave the command `stop`.
    Stopped,
    /// The time is over.
    Time,
    /// A dose limit was reached.
    Dose(String),
    /// Coverage has stopped growing.
    Stalled(String),
    /// The drift of the sample is not known, or no controller can follow it.
    Drift(String),
    /// Nothing is left to measure.
    Exhausted,
    /// The instrument failed for good.
    Instrument(String),
    /// The controller failed for good.
    Controller(String),
    /// Too many points in a row could not be used.
    Unusable(String),
    /// An event could not be written to disk.
    Disk(String),
}

impl Ended {
    /// Whether it ended before its time, by a failure.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Instrument(_) | Self::Controller(_) | Self::Unusable(_) | Self::Disk(_)
        )
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
            Self::Unusable(how) => write!(f, "nothing usable was measured: {how}"),
            Self::Disk(how) => write!(f, "the journal could not be written: {how}"),
        }
    }
}

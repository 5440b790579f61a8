//! What can go wrong with an instrument.

use crate::data::files::DatasetError;
use crate::scalarizer::ScalarizerError;
use crate::specimen::SpecimenError;

/// Why an instrument did not do as told; each is one line. Some pass, others need somebody.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MicroscopeError {
    /// Nobody listens there.
    #[error("no instrument at {address}: {reason}; is its server running there?")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// It serves another program.
    #[error("the instrument at {address} is busy: {reason}")]
    Busy {
        /// Host and port.
        address: String,
        /// What it said.
        reason: String,
    },
    /// No answer came in time.
    #[error("{address} did not answer `{call}` within {seconds} s")]
    TimedOut {
        /// Host and port.
        address: String,
        /// What was asked.
        call: String,
        /// How long was waited.
        seconds: f64,
    },
    /// The connection broke.
    #[error("the connection to {address} broke during `{call}`: {reason}")]
    Lost {
        /// Host and port.
        address: String,
        /// What was asked.
        call: String,
        /// What the system said.
        reason: String,
    },
    /// The instrument refused or failed, by its own account.
    #[error("the instrument failed at `{call}`: {message}")]
    Failed {
        /// What was asked.
        call: String,
        /// What it said, on one line.
        message: String,
    },
    /// A scan controller refused, and would again.
    #[error("the controller refused `{call}`: {reason}")]
    Refused {
        /// What was asked.
        call: String,
        /// What it said, on one line.
        reason: String,
    },
    /// Somebody had the exposure given up.
    #[error("`{call}` was aborted: {beam}")]
    Aborted {
        /// What was under way.
        call: String,
        /// What became of the beam.
        beam: String,
    },
    /// Something else listens there.
    #[error("{address} speaks another protocol: {found}; expected {expected}")]
    Protocol {
        /// Host and port.
        address: String,
        /// What it said.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// An answer of the wrong kind or shape.
    #[error("`{call}` answered with {found}; expected {expected}")]
    Answer {
        /// What was asked.
        call: String,
        /// What came.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A calibration is missing.
    #[error("the instrument gives no {what}; expected {expected}")]
    Uncalibrated {
        /// What is missing.
        what: String,
        /// Where it would come from.
        expected: String,
    },
    /// A place outside the frame.
    #[error("x = {x}, y = {y} lies outside the frame; expected fractions of it, from 0 to 1")]
    Outside {
        /// Fraction of the width.
        x: f64,
        /// Fraction of the height.
        y: f64,
    },
    /// The replayed data hold no number there.
    #[error("the data at row {row}, column {column} hold no finite number to measure")]
    NoData {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
    },
    /// A setting outside its range.
    #[error("{name} is {value}; expected {accepted}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        accepted: String,
    },
    /// A scalarizer does not suit the channels.
    #[error(transparent)]
    Scalarizer(#[from] ScalarizerError),
    /// Data to replay cannot be read.
    #[error("{0}")]
    Data(String),
    /// A specimen cannot be made.
    #[error(transparent)]
    Specimen(#[from] SpecimenError),
}

impl From<DatasetError> for MicroscopeError {
    fn from(error: DatasetError) -> Self {
        Self::Data(error.to_string())
    }
}

impl MicroscopeError {
    /// A setting outside its range.
    pub(crate) fn setting(
        name: &'static str,
        value: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        Self::Setting {
            name,
            value: value.into(),
            accepted: accepted.into(),
        }
    }

    /// An answer of the wrong kind or shape.
    pub(crate) fn answer(
        call: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Answer {
            call: call.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// Whether trying again may help: the instrument is slow, gone, or failed by its own account.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Busy { .. }
                | Self::TimedOut { .. }
                | Self::Lost { .. }
                | Self::Failed { .. }
        )
    }
}

//! What can stand in the way of a campaign.

use beacon_kernel::LARGEST_RESPONSE;

use super::state::Contradiction;
use super::{Ended, SeedsError};
use crate::controller::ControllerError;
use crate::experiment::ExperimentError;
use crate::metrics::MetricsError;
use crate::train::TrainError;

/// Why a campaign cannot start or go on; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
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
    /// The window does not fit the image or the network.
    #[error("{0}")]
    Kernel(#[from] beacon_kernel::Error),
    /// The controller refused.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// The trainer refused.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The experiment did not measure.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The truth cannot judge a campaign.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The campaign ends.
    #[error("{0}")]
    Ended(Ended),
    /// The campaign was interrupted before all of its journal was read. Nothing has changed.
    #[error("it was interrupted while its journal was read, and nothing has changed")]
    Unread,
    /// An event does not fit the campaign.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// There is nothing to judge a campaign by.
    #[error("the experiment does not know the true response; expected data or a specimen that do")]
    NoTruth,
    /// A response that the kernel could not take.
    #[error(
        "the response at row {row}, column {column} is {value:e}; expected at most {:e} either way: \
         choose larger units", LARGEST_RESPONSE / 2.0
    )]
    Response {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// The response.
        value: f64,
    },
    /// The seeds cannot be used.
    #[error(transparent)]
    Seeds(#[from] SeedsError),
}

/// A setting of a live campaign outside its range, or one that needs another; each is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// A value that is not accepted.
    #[error("{name} is {value}; expected {accepted}")]
    Value {
        /// Which setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        accepted: String,
    },
    /// A scalarizer that does not suit the spectra.
    #[error("{0}")]
    Scalarizer(String),
    /// A setting of how points are chosen.
    #[error("{0}")]
    Campaign(String),
}

impl SettingError {
    pub(crate) fn new(name: &'static str, value: &dyn ToString, accepted: &str) -> Self {
        Self::Value {
            name,
            value: crate::units::shortened(&value.to_string()).into_owned(),
            accepted: accepted.to_owned(),
        }
    }
}

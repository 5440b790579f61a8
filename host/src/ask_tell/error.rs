//! What stands in the way of a campaign that is asked and told.

use std::path::PathBuf;

use beacon_kernel::Pixel;

use crate::campaign::{CampaignError, Contradiction, Ended, SettingError};
use crate::controller::ControllerError;
use crate::journal::{FolderError, JournalError};

/// Why a campaign cannot begin, or does not take what it is asked or told; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskTellError {
    /// The campaign cannot begin, or fails.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// A setting outside its range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The kernel refused.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
    /// The memory for it was refused.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// It takes more memory than there is.
    #[error("{0}")]
    Memory(String),
    /// The command, or the point, cannot be.
    #[error("{0}")]
    Refused(String),
    /// No point is left.
    #[error("{0}")]
    Over(Ended),
    /// A strategy of the caller's decides by one target.
    #[error(
        "{found} targets, `{targets}`, with a strategy of the caller's, which decides by one; expected one target, \
         or a strategy by its name"
    )]
    OwnStrategy {
        /// The number of targets.
        found: usize,
        /// The targets.
        targets: String,
    },
    /// As many points as were planned for are measured or pending.
    #[error(
        "{budget} points are measured or pending, {pending} of them pending: as many as the budget; \
         expected a larger budget"
    )]
    Full {
        /// Points in all.
        budget: usize,
        /// Those that are pending.
        pending: usize,
    },
    /// More points are told than the budget has left.
    #[error(
        "{told} points are told; expected at most {most} more, as the budget of {budget} leaves"
    )]
    OverBudget {
        /// Points that are told.
        told: usize,
        /// Points that it leaves.
        most: usize,
        /// Points in all.
        budget: usize,
    },
    /// A point is told twice at once.
    #[error("row {}, column {} is told twice; expected every pixel once", .0.row, .0.column)]
    Twice(Pixel),
    /// Too many numbers of a point, or too few.
    #[error(
        "row {}, column {} has {found} numbers; expected {expected}, one for each channel",
        pixel.row, pixel.column
    )]
    Length {
        /// The pixel.
        pixel: Pixel,
        /// Its numbers.
        found: usize,
        /// What would be accepted.
        expected: usize,
    },
    /// A point that is withdrawn is not pending.
    #[error(
        "row {}, column {} is not pending; expected a point that was asked for and is not told",
        .0.row, .0.column
    )]
    NotPending(Pixel),
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not fit together.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// Another campaign is in the folder.
    #[error("`{}`: another campaign is in it; expected a new folder, or that of this campaign", .0.display())]
    Another(PathBuf),
    /// The journal is not of a campaign that was asked and told.
    #[error(
        "`{}`: its campaign ran on {instrument}; expected one that was saved by an explorer",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What it ran on.
        instrument: String,
    },
    /// The journal cannot be understood.
    #[error("`{}`: {why}; expected a campaign that was saved by this version of an explorer", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

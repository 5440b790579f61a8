//! What keeps a live campaign from beginning, or from being taken up again.

use std::path::PathBuf;

use crate::campaign::{CampaignError, Contradiction, Ended, SeedsError, SettingError};
use crate::control::OpenError;
use crate::journal::{FolderError, JournalError};
use crate::microscope::MicroscopeError;

/// Why a live campaign cannot begin or go on; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The instrument refused or failed.
    #[error(transparent)]
    Microscope(#[from] MicroscopeError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The control socket cannot be opened.
    #[error(transparent)]
    Control(#[from] OpenError),
    /// A setting outside its range, or one that needs another.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The seeds cannot be used.
    #[error(transparent)]
    Seeds(#[from] SeedsError),
    /// The journal does not fit together.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// The campaign failed.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// The campaign ended before its first overview.
    #[error("{0}")]
    Ended(Ended),
    /// A person aborted the first overview.
    #[error("{0}")]
    Aborted(String),
    /// The window does not fit the overview.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
    /// The overview alone takes more than is allowed.
    #[error("the overview takes too much: {0}")]
    Overview(String),
    /// Not even one point can be measured.
    #[error(
        "no point could be measured: {0}; allow more, or expose less with --dwell or --current"
    )]
    FirstPoint(String),
    /// This machine has too little memory.
    #[error("{0}")]
    Memory(String),
    /// The settings in the journal cannot be read, or have no file form.
    #[error("the settings of the campaign: {0}")]
    Settings(String),
    /// A journal without a campaign.
    #[error(
        "`{}`: the campaign ended before its beginning was written; begin it again in another folder",
        .0.display()
    )]
    NothingBegun(PathBuf),
    /// The folder was moved or deleted meanwhile.
    #[error(
        "`{}`: the folder is not there any more; where it was moved, `beacon resume` goes on with it there",
        .0.display()
    )]
    Gone(PathBuf),
    /// A journal of a program that decides otherwise.
    #[error(
        "`{}`: begun by a program whose campaigns take other ways (revision {found} of what decides, this \
         program's is {}): go on with a program of revision {found}", path.display(),
        crate::campaign::ALGORITHM
    )]
    Algorithm {
        /// The journal.
        path: PathBuf,
        /// Its revision of what decides.
        found: u32,
    },
    /// Another instrument than the one the campaign began on.
    #[error(
        "the campaign began on {began} with {channels}; there is now {found} with {found_channels}"
    )]
    OtherInstrument {
        /// The instrument it began on.
        began: String,
        /// Its channels.
        channels: String,
        /// The instrument that is there.
        found: String,
        /// Its channels.
        found_channels: String,
    },
}

impl LiveError {
    /// What to say of a campaign that ends so before its first overview.
    pub(super) fn no_overview(why: Ended) -> Self {
        match why {
            Ended::Dose(why) => Self::Overview(why),
            why => Self::Ended(why),
        }
    }
}

//! What keeps a live campaign from beginning, or from being taken up again.

use std::path::PathBuf;

use super::commands::CommandsError;
use super::dose::DoseError;
use super::folder::FolderError;
use super::journal::JournalError;
use crate::microscope::MicroscopeError;
use crate::scalarizer::ScalarizerError;

/// Why a live campaign cannot begin or go on; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The instrument does not do as told.
    #[error(transparent)]
    Microscope(#[from] MicroscopeError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The commands cannot be kept.
    #[error(transparent)]
    Commands(#[from] CommandsError),
    /// A scalarizer does not suit the spectra.
    #[error(transparent)]
    Scalarizer(#[from] ScalarizerError),
    /// The window does not fit the overview.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
    /// A setting outside its range, or one that needs another.
    #[error("{name} is {value}; expected {accepted}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        accepted: String,
    },
    /// The overview alone takes more than is allowed.
    #[error("the overview takes too much: {0}")]
    Overview(DoseError),
    /// Not even one point can be measured.
    #[error(
        "no point could be measured: {0}; allow more, or expose less with --dwell or --current"
    )]
    FirstPoint(DoseError),
    /// The settings in the journal cannot be read, or have no file form.
    #[error("the settings of the campaign: {0}")]
    Settings(String),
    /// A journal without a campaign.
    #[error(
        "`{}`: the campaign ended before its beginning was written; begin it again in another folder",
        .0.display()
    )]
    NothingBegun(PathBuf),
    /// A journal of a program that decides otherwise.
    #[error(
        "`{}`: begun by version {version}, whose campaigns take other ways (revision {found} of what \
         decides, this program's is {}): go on with that version", path.display(),
        crate::campaign::ALGORITHM
    )]
    Algorithm {
        /// The journal.
        path: PathBuf,
        /// Version of the program that began it.
        version: String,
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
    /// The control socket cannot be opened.
    #[error("the control socket cannot be opened: {0}")]
    Control(#[source] std::io::Error),
}

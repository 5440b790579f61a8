//! The exceptions, with the program's own words.

use std::io::ErrorKind;

use beacon_host::campaign::{CampaignError, Ended};
use beacon_host::data::files::DatasetError;
use beacon_host::study::StudyError;
use beacon_host::{AskTellError, FolderError, JournalError};
use pyo3::exceptions::{
    PyFileExistsError, PyFileNotFoundError, PyIndexError, PyMemoryError, PyOSError, PyRuntimeError,
    PyValueError,
};
use pyo3::{PyErr, create_exception};

create_exception!(
    beacon,
    Over,
    PyRuntimeError,
    "No point is left: the budget is spent or pending, or every candidate is measured or excluded."
);

/// What went wrong, of the kind that Python has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A value that is not accepted.
    Value(String),
    /// A pixel that does not exist.
    Index(String),
    /// No such file or folder.
    Missing(String),
    /// A folder that holds something else already.
    Exists(String),
    /// The file system refused.
    System(String),
    /// There is not as much memory.
    Memory(String),
    /// No point is left.
    Over(String),
    /// What fails on the way.
    Running(String),
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Value(why) => PyValueError::new_err(why),
            Failure::Index(why) => PyIndexError::new_err(why),
            Failure::Missing(why) => PyFileNotFoundError::new_err(why),
            Failure::Exists(why) => PyFileExistsError::new_err(why),
            Failure::System(why) => PyOSError::new_err(why),
            Failure::Memory(why) => PyMemoryError::new_err(why),
            Failure::Over(why) => Over::new_err(why),
            Failure::Running(why) => PyRuntimeError::new_err(why),
        }
    }
}

impl Failure {
    fn of_system(kind: ErrorKind, why: String) -> Self {
        match kind {
            ErrorKind::NotFound => Self::Missing(why),
            ErrorKind::AlreadyExists => Self::Exists(why),
            _ => Self::System(why),
        }
    }

    /// A campaign that ran, and failed on the way.
    fn running(error: &CampaignError) -> Self {
        let why = error.to_string();
        match error {
            CampaignError::Ended(Ended::Disk(_)) => Self::System(why),
            CampaignError::Ended(_) => Self::Over(why),
            CampaignError::Controller(error) if error.is_exhausted() => Self::Over(why),
            CampaignError::Controller(_) => Self::Running(why),
            _ => Self::Value(why),
        }
    }
}

impl From<CampaignError> for Failure {
    fn from(error: CampaignError) -> Self {
        Self::running(&error)
    }
}

impl From<AskTellError> for Failure {
    fn from(error: AskTellError) -> Self {
        let why = error.to_string();
        match &error {
            AskTellError::Folder(FolderError::NotBegun { .. }) => {
                Self::Missing(why.replace("`beacon run` began", "`Explorer.save` wrote"))
            }
            AskTellError::Campaign(error) => Self::running(error),
            AskTellError::Memory(_) => Self::Memory(why),
            AskTellError::Over(_) | AskTellError::Full { .. } | AskTellError::OverBudget { .. } => {
                Self::Over(why)
            }
            AskTellError::Folder(FolderError::Begun { .. }) | AskTellError::Another(_) => {
                Self::Exists(why)
            }
            AskTellError::Folder(FolderError::System { source, .. })
            | AskTellError::Journal(JournalError::File { source, .. }) => {
                Self::of_system(source.kind(), why)
            }
            AskTellError::Folder(_) | AskTellError::Journal(_) => Self::System(why),
            _ => Self::Value(why),
        }
    }
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        let why = error.to_string();
        match error {
            DatasetError::Missing { .. } => Self::Missing(why),
            DatasetError::TooLarge { .. } => Self::Memory(why),
            _ => Self::Value(why),
        }
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        let why = error.to_string();
        let why = why.replace("--external-patience", "external_patience");
        match error {
            StudyError::Campaign { .. }
            | StudyError::External { .. }
            | StudyError::Silent { .. }
            | StudyError::Threads(_) => Self::Running(why),
            StudyError::Write(_) => Self::System(why),
            _ => Self::Value(why),
        }
    }
}

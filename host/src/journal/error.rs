//! Why a journal cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

use super::Place;
use super::file::{OLDEST, VERSION};

/// Why a journal cannot be read or written; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file system refused.
    #[error("`{}`: the journal cannot be {action}: {source}", path.display())]
    File {
        /// The journal.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full, or the system lets the file not grow any more.
    #[error("`{}`: the disk is full, or the file as large as it may be; make room", path.display())]
    Full {
        /// The journal.
        path: PathBuf,
    },
    /// No journal.
    #[error("`{}`: no journal; expected one that `beacon run` has begun", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// A journal of another version.
    #[error(
        "`{}`: a journal of version {found}; this program reads versions {OLDEST} and {VERSION}: go on \
         with the program that began it",
        path.display()
    )]
    Version {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: u8,
    },
    /// A record that is as it was written, by a program that knows more.
    #[error(
        "`{}`: record {record} is of a kind that this program does not know: go on with the program that wrote it",
        path.display()
    )]
    Unknown {
        /// The journal.
        path: PathBuf,
        /// Number of the record, from 0.
        record: usize,
    },
    /// A record in the middle that is not as it was written.
    #[error(
        "`{}`: record {record}, at byte {offset}, is not as it was written; the journal was altered \
         or the disk is failing. What comes before can be saved: cut a copy off at that byte",
        path.display()
    )]
    Altered {
        /// The journal.
        path: PathBuf,
        /// Number of the record, from 0.
        record: usize,
        /// Where it begins.
        offset: u64,
    },
}

pub(super) fn failed(path: &Path, action: &'static str, source: io::Error) -> JournalError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            JournalError::Full { path }
        }
        _ => JournalError::File {
            path,
            action,
            source,
        },
    }
}

pub(super) fn altered(path: &Path, place: Place) -> JournalError {
    JournalError::Altered {
        path: path.to_owned(),
        record: place.record,
        offset: place.offset,
    }
}

/// Of a record whose checksum fits and that cannot be read all the same.
pub(super) fn unknown(path: &Path, place: Place) -> JournalError {
    JournalError::Unknown {
        path: path.to_owned(),
        record: place.record,
    }
}

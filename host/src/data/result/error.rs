//! What can be wrong with a result, each in one line.

use std::io;
use std::path::{Path, PathBuf};

use rust_hdf5::Hdf5Error;

/// Why the result of a campaign was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultError {
    /// The disk is full.
    #[error("cannot write {}: the disk is full; make room and write it again", path.display())]
    Full {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The parts do not fit into HDF5.
    #[error("cannot write {}: {reason}", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// What the encoder said, on one line.
        reason: String,
    },
    /// The spectrum of a point could not be fetched.
    #[error("the spectrum of point {point} cannot be read: {source}")]
    Spectrum {
        /// Number of the point in the order of measurement, counted from 0.
        point: usize,
        /// Why.
        source: io::Error,
    },
    /// A spectrum has another length than its axis.
    #[error("the spectrum of point {point} has {found} channels; its axis has {accepted}")]
    Channels {
        /// Number of the point in the order of measurement, counted from 0.
        point: usize,
        /// Channels of the spectrum.
        found: usize,
        /// Channels of the axis.
        accepted: usize,
    },
    /// A point has more or fewer responses than there are scalarizers.
    #[error("point {point} has {found} responses; there are {accepted} scalarizers")]
    Responses {
        /// Number of the point in the order of measurement, counted from 0.
        point: usize,
        /// Responses of the point.
        found: usize,
        /// Scalarizers.
        accepted: usize,
    },
    /// The target is no response.
    #[error("the target is response {target}, expected one below {responses}")]
    Target {
        /// The target as given, counted from 0.
        target: usize,
        /// Number of responses.
        responses: usize,
    },
    /// A map has a name that is taken or cannot be one.
    #[error(
        "a map is called `{name}`; accepted are letters, digits, `-` and `_`, each name once, and \
         neither `image`, `points` nor `spectra`"
    )]
    MapName {
        /// The name as given.
        name: String,
    },
}

impl ResultError {
    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::StorageFull {
            Self::Full { path }
        } else {
            Self::Write { path, source }
        }
    }

    pub(super) fn encoder(path: &Path, error: &Hdf5Error) -> Self {
        let reason = error.to_string().replace('\n', " ");
        match system_error(&reason) {
            Some(source) => Self::write(path, source),
            None => Self::Encode {
                path: path.to_owned(),
                reason,
            },
        }
    }
}

/// The error of the system that a message ends with. The encoder keeps the error itself for its
/// own use, but the standard library ends the text of each with `(os error N)`.
fn system_error(message: &str) -> Option<io::Error> {
    let (_, number) = message.rsplit_once("(os error ")?;
    let number = number.strip_suffix(')')?.parse().ok()?;
    Some(io::Error::from_raw_os_error(number))
}

//! What can be wrong with a file, each in one line that says what would be accepted.

/// Why a location could not be read. Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// There is no such file.
    #[error("`{file}`: no such file")]
    Missing {
        /// The file as given.
        file: String,
    },
    /// There is a folder of this name.
    #[error("`{file}`: is a folder; give one of the files in it")]
    Folder {
        /// The file as given.
        file: String,
    },
    /// The file is there and cannot be decoded.
    #[error("`{file}`: cannot be read as {format}: {reason}")]
    Unreadable {
        /// The file as given.
        file: String,
        /// The format that its extension promises.
        format: &'static str,
        /// The decoder's own words, on one line.
        reason: String,
    },
    /// The extension belongs to no known format.
    #[error(
        "`{file}`: unknown extension `{extension}`; accepted are .npy, .npz, .tif, .tiff, .h5, \
         .hdf5, .nsid, .hspy; others, as .dm3, .dm4 and .emd, HyperSpy converts: \
         hs.load(\"{file}\").save(\"new.hspy\")"
    )]
    UnknownExtension {
        /// The file as given.
        file: String,
        /// What follows the last dot; empty without one.
        extension: String,
    },
    /// The program was built without the reader of this format.
    #[error("`{file}`: this build does not read such files; build it with the feature `{feature}`")]
    WithoutFeature {
        /// The file as given.
        file: String,
        /// The feature of this crate that brings the reader.
        feature: &'static str,
    },
    /// A path inside the file was asked for that it does not hold.
    #[error("`{file}`: nothing is called `{inside}` in it; there is {available}")]
    UnknownInside {
        /// The file as given.
        file: String,
        /// The path inside as given.
        inside: String,
        /// What the file holds.
        available: String,
    },
    /// No dataset of real numbers has the rank of a map or of spectra.
    #[error(
        "`{file}`: no dataset of real numbers is rows x columns or rows x columns x channels; \
         there is {available}"
    )]
    Nothing {
        /// The file as given.
        file: String,
        /// What the file holds.
        available: String,
    },
    /// Several datasets could be meant.
    #[error("`{file}`: say which is meant with `#path`; it holds {available}")]
    Ambiguous {
        /// The file and path as given.
        file: String,
        /// What the file holds.
        available: String,
    },
    /// The array has a shape that is neither map nor spectrum image.
    #[error("`{location}`: shape {shape}; accepted are {accepted}")]
    Shape {
        /// Where the array was found.
        location: String,
        /// The shape found, such as `3x4`.
        shape: String,
        /// The shapes that would do.
        accepted: &'static str,
    },
    /// The values are not numbers that fit.
    #[error("`{location}`: values of type {dtype}; accepted are real integers and floats")]
    Type {
        /// Where the array was found.
        location: String,
        /// The type found.
        dtype: String,
    },
    /// A map holds NaN or an infinity where numbers are needed.
    #[error("{what} is {value} at row {row}, column {column}; every value must be finite")]
    NotFinite {
        /// What was checked, in the caller's words.
        what: String,
        /// The offending value.
        value: f64,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
    },
}

impl DatasetError {
    pub(super) const SHAPES: &str =
        "rows x columns (a map) and rows x columns x channels (spectra)";

    pub(super) fn unreadable(
        file: &str,
        format: &'static str,
        reason: &dyn std::fmt::Display,
    ) -> Self {
        Self::Unreadable {
            file: file.to_owned(),
            format,
            reason: reason.to_string().replace('\n', " "),
        }
    }

    pub(super) fn shape(location: &str, shape: &[usize]) -> Self {
        Self::Shape {
            location: location.to_owned(),
            shape: super::shape_text(shape),
            accepted: Self::SHAPES,
        }
    }
}

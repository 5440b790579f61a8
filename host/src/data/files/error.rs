//! What can be wrong with a file, each in one line that says what would be accepted.

use super::plain;

/// Why a location could not be read. Every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// There is no such file.
    #[error("`{}`: no such file", plain(file))]
    Missing {
        /// The file as given.
        file: String,
    },
    /// There is a folder of this name.
    #[error("`{}`: is a folder; give one of the files in it", plain(file))]
    Folder {
        /// The file as given.
        file: String,
    },
    /// The file is there and cannot be decoded.
    #[error("`{}`: cannot be read as {format}: {reason}", plain(file))]
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
        "`{}`: unknown extension `{}`; accepted are .npy, .npz, .tif, .tiff, .dm3, .dm4, .emd, .sxm, \
         .3ds, .ibw, .rpl, .h5, .hdf5, .hf5, .nsid, .nxs, .h5oina, .hspy and .zspy; {remedy}",
        plain(file),
        plain(extension)
    )]
    UnknownExtension {
        /// The file as given.
        file: String,
        /// What follows the last dot; empty without one.
        extension: String,
        /// Which program converts it, and the line that does.
        remedy: String,
    },
    /// Its values take more memory than they may.
    #[error(
        "`{}`: its {shape} values do not fit into memory, of which they may take {most}; {remedy}",
        plain(location)
    )]
    TooLarge {
        /// Where the array was found.
        location: String,
        /// Its shape, such as `3x4`.
        shape: String,
        /// What it may take.
        most: String,
        /// What allows more.
        remedy: String,
    },
    /// Its values take absurdly more memory than the file.
    #[error(
        "`{}`: its {shape} values unpack to {unpacked} from a file of {packed}; if the file is meant so, {remedy}",
        plain(location)
    )]
    Bomb {
        /// Where the array was found.
        location: String,
        /// Its shape, such as `3x4`.
        shape: String,
        /// What it unpacks to.
        unpacked: String,
        /// What the file has.
        packed: String,
        /// What allows it.
        remedy: String,
    },
    /// The file was packed in a way that is not read.
    #[error(
        "`{}`: packed with {filter}, which is not read; {remedy}",
        plain(location)
    )]
    Filter {
        /// Where the array was found.
        location: String,
        /// The filter.
        filter: String,
        /// Who writes it plainly.
        remedy: String,
    },
    /// Values that are stored in a way that is not read, of which another program makes one that is.
    #[error("`{}`: {reason}; {remedy}", plain(location))]
    Stored {
        /// Where the array was found.
        location: String,
        /// How they are stored.
        reason: String,
        /// Who writes them so that they can be read.
        remedy: String,
    },
    /// A link that cannot be followed.
    #[error(
        "`{}`: {}; h5py writes all links out: with h5py.File(\"{}\") as f, h5py.File(\"new.h5\", \"w\") as g: \
         g.attrs.update(f.attrs); [f.copy(k, g, expand_soft=True, expand_external=True) for k in f]",
        plain(location),
        plain(reason),
        plain(file)
    )]
    Link {
        /// Where the link lies.
        location: String,
        /// The file as given.
        file: String,
        /// Where the link leads.
        reason: String,
    },
    /// An axis whose values cannot be told.
    #[error("`{}`: axis `{}` {reason}; {remedy}", plain(location), plain(axis))]
    Axis {
        /// Where the array was found.
        location: String,
        /// Name of the axis.
        axis: String,
        /// What is wrong with it.
        reason: String,
        /// Who writes it so that it can be told.
        remedy: String,
    },
    /// Several pages could be meant.
    #[error(
        "`{}`: say which page is meant, counted from 1, as in `{}#2`; it holds {available}",
        plain(file),
        plain(file)
    )]
    Pages {
        /// The file as given.
        file: String,
        /// Its pages.
        available: String,
    },
    /// The page of an image holds colours.
    #[error(
        "`{}`: page {page}; accepted are pages with one grey value a pixel: {remedy}",
        plain(file)
    )]
    Coloured {
        /// The file as given.
        file: String,
        /// The page.
        page: String,
        /// Who makes it grey.
        remedy: String,
    },
    /// The program was built without the reader of this format.
    #[error(
        "`{}`: this build does not read such files; build it with the feature `{feature}`",
        plain(file)
    )]
    WithoutFeature {
        /// The file as given.
        file: String,
        /// The feature of this crate that brings the reader.
        feature: &'static str,
    },
    /// A path inside the file was asked for that it does not hold.
    #[error(
        "`{}`: nothing is called `{}` in it; there is {available}",
        plain(file),
        plain(inside)
    )]
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
        "`{}`: no dataset of real numbers is rows x columns or rows x columns x channels; \
         there is {available}",
        plain(file)
    )]
    Nothing {
        /// The file as given.
        file: String,
        /// What the file holds.
        available: String,
    },
    /// Several datasets could be meant.
    #[error(
        "`{}`: say which is meant with `#path`; it holds {available}",
        plain(file)
    )]
    Ambiguous {
        /// The file and path as given.
        file: String,
        /// What the file holds.
        available: String,
    },
    /// The array has a shape that is neither map nor spectrum image.
    #[error("`{}`: shape {shape}; accepted are {accepted}", plain(location))]
    Shape {
        /// Where the array was found.
        location: String,
        /// The shape found, such as `3x4`.
        shape: String,
        /// The shapes that would do.
        accepted: &'static str,
    },
    /// The values are not numbers that fit.
    #[error(
        "`{}`: values of type {}; accepted are real integers and floats{}",
        plain(location),
        plain(dtype),
        if dtype.contains("complex") || dtype.contains("c8") || dtype.contains("c16") {
            ": NumPy makes some of them, numpy.abs(values) for the amplitude, numpy.angle(values) for the phase"
        } else {
            ""
        }
    )]
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
            reason: plain(&reason.to_string()),
        }
    }

    /// An axis whose values the file does not list as it should.
    #[cfg(feature = "hdf5")]
    pub(super) fn unlisted(location: &str, axis: &str, size: usize, reason: String) -> Self {
        Self::Axis {
            location: location.to_owned(),
            axis: axis.to_owned(),
            reason,
            remedy: format!(
                "expected {size} finite numbers, as h5py writes them with compression=\"gzip\" or without"
            ),
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

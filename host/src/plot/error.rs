//! What can go wrong between numbers and a figure.

use crate::data::files::WriteError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a figure was not drawn or written; each is one line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FigureError {
    /// The file system refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The drawing or encoding library refused.
    #[error("cannot draw {}: {reason}", path.display())]
    Draw {
        /// The file that was to be written.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },
    /// The file name says neither PNG nor SVG nor PDF.
    #[error("cannot draw {}: expected a name that ends in .png, .svg or .pdf", path.display())]
    Format {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// A trajectory leaves the image.
    #[error(
        "{what} {index} lies at row {row}, column {column}, outside the image of \
         {height} rows and {width} columns"
    )]
    Outside {
        /// `seed` or `step`.
        what: &'static str,
        /// Number of the seed or step, counted from 1.
        index: usize,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// Number of rows of the image.
        height: usize,
        /// Number of columns of the image.
        width: usize,
    },
    /// A campaign measures a candidate that does not exist.
    #[error("{what} {index} is candidate {candidate}, expected one below {candidates}")]
    Candidate {
        /// `seed` or `step`.
        what: &'static str,
        /// Number of the seed or step, counted from 1.
        index: usize,
        /// The candidate.
        candidate: usize,
        /// Number of candidates.
        candidates: usize,
    },
    /// Maps of one figure differ in shape.
    #[error(
        "the {what} has {} rows and {} columns, expected {} and {}",
        found.0, found.1, expected.0, expected.1
    )]
    Shape {
        /// Which map differs.
        what: &'static str,
        /// Rows and columns of its counterpart.
        expected: (usize, usize),
        /// Its own rows and columns.
        found: (usize, usize),
    },
    /// Two things that belong together differ in size.
    #[error("the {what} has {found} values, expected {expected}")]
    Size {
        /// What differs.
        what: String,
        /// The size of its counterpart.
        expected: usize,
        /// Its own size.
        found: usize,
    },
}

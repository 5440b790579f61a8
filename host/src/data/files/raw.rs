//! Numbers that lie in a file one after another, from a place on that a header names.

use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};

use super::array::Array;
use super::error::DatasetError;
use crate::data::npy;

/// Where numbers lie, and what they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Byte at which they begin.
    pub(super) offset: u64,
    /// Their type as `NumPy` writes it, such as `<f4`.
    pub(super) dtype: &'static str,
}

/// An array whose values lie in `file` at `place`, the last index fastest.
///
/// # Errors
/// When the file is too short for its shape, which is compared before anything is set aside.
pub(super) fn array(
    (file, location): (&str, &str),
    format: &'static str,
    shape: Vec<usize>,
    quantity: &str,
    place: Place,
) -> Result<Array, DatasetError> {
    let count = require(file, format, &shape, place)?;
    let (path, told) = (file.to_owned(), location.to_owned());
    Ok(Array::bare(location, shape, quantity, move || {
        open_at(&path, place.offset)
            .and_then(|reader| npy::read(reader, count, place.dtype))
            .map_err(|e| DatasetError::unreadable(&told, format, &e))
    }))
}

/// Bytes of a file behind the values of an array, where there are any.
pub(super) fn rest(file: &str, shape: &[usize], place: Place) -> Option<u64> {
    let length = std::fs::metadata(file).ok()?.len();
    let size = npy::real(place.dtype).map_or(1, |(_, size)| size);
    let count: usize = shape.iter().product();
    let end = place.offset + u64::try_from(count * size).ok()?;
    length.checked_sub(end).filter(|&rest| rest > 0)
}

/// Opens a file at a byte.
pub(super) fn open_at(path: &str, offset: u64) -> std::io::Result<BufReader<File>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// The number of values of an array that is wholly in the file.
///
/// # Errors
/// When the file ends before it.
pub(super) fn require(
    file: &str,
    format: &'static str,
    shape: &[usize],
    place: Place,
) -> Result<usize, DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, format, &e);
    let length = std::fs::metadata(file).map_err(unreadable)?.len();
    let size = npy::real(place.dtype).map_or(1, |(_, size)| size);
    let count = shape
        .iter()
        .try_fold(1_usize, |n, &size| n.checked_mul(size));
    let end = count
        .and_then(|count| u64::try_from(count.checked_mul(size)?).ok())
        .and_then(|bytes| bytes.checked_add(place.offset));
    match (count, end) {
        (Some(count), Some(end)) if end <= length => Ok(count),
        _ => {
            let reason = format!(
                "cut off after {length} bytes, which cannot hold {} values of {size} bytes from byte {} on; \
                 copy it again",
                super::shape_text(shape),
                place.offset
            );
            Err(DatasetError::unreadable(file, format, &reason))
        }
    }
}

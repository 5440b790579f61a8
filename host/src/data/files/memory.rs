//! What the values of a file may take in memory.

use std::fs::{self, Metadata};
use std::path::Path;

use super::error::DatasetError;

/// Most memory that the values of one array may take where nobody says otherwise, in bytes.
pub const MOST_MEMORY: u64 = 4 << 30;

/// Bytes of a value in memory, at most.
const VALUE: u64 = 8;

/// Values that take more bytes than [`PLAUSIBLE`] and so many times more than their whole file are a bomb, unless
/// the caller allows more than [`MOST_MEMORY`].
const MOST_UNPACKED: u64 = 200;
const PLAUSIBLE: u64 = 512 << 20;

/// Refuses so many values, each of `width` bytes once unpacked, that take more memory than they may or than
/// there is, or absurdly more than their file: what was never written takes no room in a file, and what was
/// packed little.
///
/// # Errors
/// [`DatasetError::TooLarge`] and [`DatasetError::Bomb`].
pub(super) fn check(
    location: &str,
    shape: &[usize],
    (count, width): (Option<usize>, usize),
    most: u64,
) -> Result<(), DatasetError> {
    let count = count.and_then(|count| u64::try_from(count).ok());
    let bytes = count.and_then(|count| count.checked_mul(VALUE));
    let shape = || super::shape_text(shape);
    let too_large = || DatasetError::TooLarge {
        location: location.to_owned(),
        shape: shape(),
        most: memory_text(most),
        remedy: allowing(bytes),
    };
    let bytes = bytes.filter(|&bytes| bytes <= most).ok_or_else(too_large)?;
    let unpacked = count.unwrap_or(0).saturating_mul(width as u64);
    let packed = if most <= MOST_MEMORY && unpacked > PLAUSIBLE {
        stored(Path::new(super::split(location).0))
    } else {
        u64::MAX
    };
    if unpacked / MOST_UNPACKED > packed {
        return Err(DatasetError::Bomb {
            location: location.to_owned(),
            shape: shape(),
            unpacked: memory_text(unpacked),
            packed: memory_text(packed),
            remedy: allowing(Some(bytes.max(MOST_MEMORY + 1))),
        });
    }
    let there = |bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
    match usize::try_from(bytes) {
        Ok(bytes) if there(bytes) => Ok(()),
        _ => Err(too_large()),
    }
}

/// Bytes of a file, or of the files below a folder, links left out; as many as can be where that is not known.
fn stored(path: &Path) -> u64 {
    let length = |about: &Metadata| about.is_file().then_some(about.len());
    if let Some(length) = fs::metadata(path).ok().as_ref().and_then(length) {
        return length;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return u64::MAX;
    };
    let each = entries.flatten().map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => stored(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    });
    each.fold(0, u64::saturating_add)
}

/// The option that allows so many bytes, where any machine has them.
fn allowing(bytes: Option<u64>) -> String {
    match bytes.filter(|&bytes| bytes < 1 << 43) {
        Some(bytes) => format!("`--most-memory {}G` allows them", bytes.div_ceil(1 << 30)),
        None => "no `--most-memory` of this machine would do: give a part of it".to_owned(),
    }
}

/// An amount of memory as it is written on the command line.
pub(super) fn memory_text(bytes: u64) -> String {
    const UNITS: [(u32, &str); 3] = [(30, "G"), (20, "M"), (10, "K")];
    let whole = |(shift, _): &&(u32, &str)| bytes >= 1 << shift && bytes.trailing_zeros() >= *shift;
    UNITS.iter().find(whole).map_or_else(
        || format!("{bytes} bytes"),
        |(shift, unit)| format!("{}{unit}", bytes >> shift),
    )
}

/// A number of bytes, with K, M or G for powers of 1024.
///
/// # Errors
/// When it is none, is 0, or does not fit.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    let told =
        || format!("`{text}` is no memory; expected a number of bytes from 1, as in 512M or 16G");
    let text_upper = text.trim().to_uppercase();
    let bare = text_upper.trim_end_matches("IB").trim_end_matches('B');
    let (digits, shift) = match bare.chars().next_back() {
        Some('K') => (&bare[..bare.len() - 1], 10),
        Some('M') => (&bare[..bare.len() - 1], 20),
        Some('G') => (&bare[..bare.len() - 1], 30),
        _ => (bare, 0),
    };
    let number: u64 = digits.trim().parse().map_err(|_| told())?;
    let bytes = number.checked_mul(1 << shift);
    bytes.filter(|&bytes| bytes > 0).ok_or_else(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_people_write_it() {
        for (text, bytes) in [
            ("1", 1),
            ("2K", 2048),
            ("512M", 512 << 20),
            ("16g", 16 << 30),
            ("4 GiB", 4 << 30),
        ] {
            assert_eq!(parse_memory(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "G",
            "0",
            "-1",
            "1.5G",
            "99999999999999999999",
            "1e3",
            "18446744073709551615G",
        ] {
            assert!(parse_memory(text).unwrap_err().contains("16G"), "{text}");
        }
    }

    #[test]
    fn what_unpacks_to_absurdly_more_than_its_file_is_refused_until_it_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bomb.npz");
        std::fs::write(&file, vec![0; 1 << 20]).unwrap();
        let location = format!("{}#a", file.to_string_lossy());
        let judged = |side: usize, width, most| {
            check(&location, &[side, side], (Some(side * side), width), most)
        };
        // 512 MB of a byte each; as many values of 8 bytes.
        assert!(judged(8192, 1, MOST_MEMORY).is_ok());
        let told = judged(9000, 8, MOST_MEMORY).unwrap_err().to_string();
        assert!(
            told.contains("648000000 bytes from a file of 1M") && told.contains("--most-memory 5G"),
            "{told}"
        );
        assert!(judged(9000, 8, MOST_MEMORY + 1).is_ok());
        // Of a file large enough it is no more than it looks.
        std::fs::write(&file, vec![0; 4 << 20]).unwrap();
        assert!(judged(9000, 8, MOST_MEMORY).is_ok());
        // What the message says is enough.
        let told = judged(30_000, 8, MOST_MEMORY).unwrap_err().to_string();
        assert!(told.contains("--most-memory 7G"), "{told}");
    }
}

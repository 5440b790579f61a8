//! The points measured before the strategy has a say.

use std::path::{Path, PathBuf};

use beacon_kernel::Candidate;

use crate::data::npy::{Npy, Number};

/// Where the first points come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// As many random ones, chosen by the kernel.
    Random(usize),
    /// These, in this order.
    Given(Vec<Candidate>),
}

impl Seeds {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Random(count) => *count,
            Self::Given(candidates) => candidates.len(),
        }
    }
}

/// Why seeds cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedsError {
    /// The file cannot be read.
    #[error("`{}`: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file as given.
        file: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// Something in the file is not a candidate number.
    #[error(
        "`{}`: `{found}` is not a candidate number; expected whole numbers from 0, as .npy or \
         as text separated by commas or white space",
        file.display()
    )]
    NotANumber {
        /// The file as given.
        file: PathBuf,
        /// What stands there.
        found: String,
    },
    /// The file holds none.
    #[error("`{}`: no seeds in it; expected at least one candidate number", file.display())]
    Empty {
        /// The file as given.
        file: PathBuf,
    },
    /// A seed is no candidate.
    #[error("seed {seed} is no candidate; there are {candidates}, numbered from 0")]
    OutOfRange {
        /// The seed.
        seed: u32,
        /// Number of candidates.
        candidates: usize,
    },
    /// A seed is there twice.
    #[error("seed {seed} is listed twice; every seed is measured once")]
    Repeated {
        /// The seed.
        seed: u32,
    },
}

/// Reads candidate numbers from a `.npy` file of integers or a text file.
///
/// # Errors
/// When the file is missing, is neither, or holds nothing.
pub fn read_seeds(file: &Path) -> Result<Vec<Candidate>, SeedsError> {
    let unreadable = |reason: &dyn std::fmt::Display| SeedsError::Unreadable {
        file: file.to_owned(),
        reason: reason.to_string().replace('\n', " "),
    };
    let not_a_number = |found: String| SeedsError::NotANumber {
        file: file.to_owned(),
        found,
    };
    let bytes = std::fs::read(file).map_err(|e| unreadable(&e))?;
    let numbers: Vec<i128> = if bytes.starts_with(b"\x93NUMPY") {
        integers(&bytes).map_err(|e| unreadable(&e))?
    } else {
        let text = String::from_utf8(bytes).map_err(|_| unreadable(&"it is not text"))?;
        text.split(|c: char| c.is_whitespace() || c == ',' || c == ';')
            .filter(|word| !word.is_empty())
            .map(|word| word.parse().map_err(|_| not_a_number(word.to_owned())))
            .collect::<Result<_, _>>()?
    };
    if numbers.is_empty() {
        return Err(SeedsError::Empty {
            file: file.to_owned(),
        });
    }
    let candidate = |n: i128| u32::try_from(n).map_err(|_| not_a_number(n.to_string()));
    numbers
        .into_iter()
        .map(|n| candidate(n).map(Candidate))
        .collect()
}

/// The integers of a `.npy` file, whatever their width.
fn integers(bytes: &[u8]) -> Result<Vec<i128>, String> {
    let npy = Npy::new(bytes).map_err(|e| e.to_string())?;
    let shape = npy.shape();
    if shape.iter().filter(|&&size| size != 1).count() > 1 {
        return Err(format!(
            "an array of shape {shape:?}; expected one candidate number per seed, not coordinates"
        ));
    }
    if !matches!(npy.real(), Some(('i' | 'u', _))) {
        let found = npy.dtype();
        return Err(format!("values of type {found}; expected integers"));
    }
    let values = npy.values(Number::to_integer).map_err(|e| e.to_string())?;
    Ok(values.into_iter().flatten().collect())
}

/// Checks that each seed is a candidate and listed once.
///
/// # Errors
/// Names the first that is not.
pub fn check_seeds(seeds: &[Candidate], candidates: usize) -> Result<(), SeedsError> {
    let mut seen = std::collections::HashSet::new();
    for &seed in seeds {
        if seed.index() >= candidates {
            return Err(SeedsError::OutOfRange {
                seed: seed.0,
                candidates,
            });
        }
        if !seen.insert(seed) {
            return Err(SeedsError::Repeated { seed: seed.0 });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::files::testing::npy;

    fn read(name: &str, content: &[u8]) -> Result<Vec<u32>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let seeds = read_seeds(&file).map_err(|e| e.to_string())?;
        Ok(seeds.into_iter().map(|c| c.0).collect())
    }

    #[test]
    fn seeds_are_read_from_text_with_any_separator() {
        assert_eq!(
            read("seeds.txt", b"3, 14\n15;9 2\n"),
            Ok(vec![3, 14, 15, 9, 2])
        );
        assert!(
            read("seeds.txt", b"3 pears")
                .unwrap_err()
                .contains("`pears`")
        );
        assert!(read("seeds.txt", b"3 -1").unwrap_err().contains("`-1`"));
        assert!(read("seeds.txt", b"\n").unwrap_err().contains("no seeds"));
    }

    #[test]
    fn seeds_are_read_from_integer_arrays_of_any_width() {
        for (descr, bytes) in [
            ("<i8", [5_i64, 7, 1224].map(i64::to_le_bytes).concat()),
            (">u2", [5_u16, 7, 1224].map(u16::to_be_bytes).concat()),
        ] {
            let file = npy(descr, false, "3,", &bytes);
            assert_eq!(read("seeds.npy", &file), Ok(vec![5, 7, 1224]));
        }
        let floats = npy("<f4", false, "1,", &5.0_f32.to_le_bytes());
        let told = read("seeds.npy", &floats).unwrap_err();
        assert!(told.contains("<f4; expected integers"), "{told}");
        let pairs = npy("|u1", false, "2, 2", &[1, 2, 3, 4]);
        let told = read("seeds.npy", &pairs).unwrap_err();
        assert!(told.contains("[2, 2]; expected one"), "{told}");
    }

    #[test]
    fn seeds_out_of_range_or_twice_are_named() {
        let seeds = [4, 9].map(Candidate);
        assert!(check_seeds(&seeds, 10).is_ok());
        assert!(
            check_seeds(&seeds, 9)
                .unwrap_err()
                .to_string()
                .starts_with("seed 9")
        );
        let twice = [4, 4].map(Candidate);
        assert!(
            check_seeds(&twice, 9)
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
    }
}

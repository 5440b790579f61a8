//! The points measured before the strategy has a say.

use std::path::{Path, PathBuf};

use beacon_kernel::{Candidate, Candidates, Edges, Pixel};

use crate::data::Region;
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

/// Seeds as a file names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeedList {
    /// By candidate numbers.
    Numbers(Vec<Candidate>),
    /// By row and column of their pixels.
    Pixels(Vec<Pixel>),
}

impl SeedList {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Pixels(pixels) => pixels.len(),
        }
    }

    /// The candidates; those of numbers are not checked: see [`check_seeds`].
    ///
    /// # Errors
    /// [`SeedsError::NoCandidate`] for a pixel that is none.
    pub fn among(&self, candidates: Candidates) -> Result<Vec<Candidate>, SeedsError> {
        let pixels = match self {
            Self::Numbers(numbers) => return Ok(numbers.clone()),
            Self::Pixels(pixels) => pixels.iter(),
        };
        pixels
            .map(|&pixel| {
                candidates.at(pixel).ok_or(SeedsError::NoCandidate {
                    row: pixel.row,
                    column: pixel.column,
                    height: candidates.height(),
                    width: candidates.width(),
                    whose: match candidates.edges() {
                        Edges::Inside => {
                            format!(" whose window of {} pixels fits", candidates.window())
                        }
                        Edges::Reflect => String::new(),
                    },
                })
            })
            .collect()
    }
}

/// Why seeds cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedsError {
    /// The file cannot be read.
    #[error("`{}`: {}", file.display(), unread(file, reason))]
    Unreadable {
        /// The file as given.
        file: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// Something in the file is not a candidate number.
    #[error(
        "`{}`: `{found}` is no whole number from 0; expected rows and columns of pixels under a header \
         `row,column` or as .npy of shape (n, 2), or candidate numbers",
        file.display()
    )]
    NotANumber {
        /// The file as given.
        file: PathBuf,
        /// What stands there.
        found: String,
    },
    /// The file holds none.
    #[error("`{}`: no seeds in it; expected at least one", file.display())]
    Empty {
        /// The file as given.
        file: PathBuf,
    },
    /// Two numbers a line may be pixels or candidates.
    #[error(
        "`{}`: two numbers on every line, which may be a pixel or two candidates; expected a first \
         line `row,column` above pixels, or one candidate number a line",
        file.display()
    )]
    Ambiguous {
        /// The file as given.
        file: PathBuf,
    },
    /// A pixel is no candidate.
    #[error(
        "seed at row {row}, column {column} is no candidate; expected a pixel of the image of {height} \
         x {width}{whose}, rows and columns numbered from 0"
    )]
    NoCandidate {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
        /// What else it needs, for a person.
        whose: String,
    },
    /// A seed is no candidate.
    #[error("seed {seed} is no candidate; there are {candidates}, numbered from 0")]
    OutOfRange {
        /// The seed.
        seed: u32,
        /// Number of candidates.
        candidates: usize,
    },
    /// Seeds can not be measured.
    #[error(
        "{} of {of} seeds {}: {}, where image or response have no number, or the mask leaves it out; expected \
         seeds that can be measured",
        pixels.len(), if pixels.len() == 1 { "is no candidate" } else { "are no candidates" }, places(pixels)
    )]
    Absent {
        /// Where they lie.
        pixels: Vec<Pixel>,
        /// Seeds in all.
        of: usize,
    },
    /// A seed is there twice.
    #[error("seed {seed} is listed twice; every seed is measured once")]
    Repeated {
        /// The seed.
        seed: u32,
    },
}

/// Places that a message names; of the others how many there are.
const NAMED: usize = 8;

/// Where pixels lie, in words.
pub(super) fn places(pixels: &[Pixel]) -> String {
    let named = pixels.iter().take(NAMED);
    let named = named.map(|Pixel { row, column }| format!("row {row}, column {column}"));
    let named = named.collect::<Vec<_>>().join("; ");
    match pixels.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

/// Checks that no seed lies where there is nothing to measure.
///
/// # Errors
/// [`SeedsError::Absent`].
pub(crate) fn check_present(
    seeds: &[Candidate],
    candidates: Candidates,
    absent: &[Region],
) -> Result<(), SeedsError> {
    let pixels = seeds.iter().filter_map(|&seed| candidates.pixel(seed).ok());
    let lies = |pixel: &Pixel| absent.iter().any(|region| region.holds(*pixel));
    match pixels.filter(lies).collect::<Vec<_>>() {
        pixels if pixels.is_empty() => Ok(()),
        pixels => Err(SeedsError::Absent {
            pixels,
            of: seeds.len(),
        }),
    }
}

/// Reads seeds from a file:
///
/// | file | seeds |
/// |---|---|
/// | text with a first line that names columns `row` and `column`, separated by commas | pixels; other columns are ignored |
/// | `.npy` of integers of shape (n, 2) | pixels: row, column |
/// | other `.npy` of integers, of one axis | candidate numbers |
/// | numbers separated by white space, commas or semicolons | candidate numbers |
///
/// # Errors
/// When the file is missing, is none of these, or holds nothing; and for two numbers on every line
/// without a header.
pub fn read_seeds(file: &Path) -> Result<SeedList, SeedsError> {
    let unreadable = |reason: &dyn std::fmt::Display| SeedsError::Unreadable {
        file: file.to_owned(),
        reason: reason.to_string().replace('\n', " "),
    };
    let not_a_number = |found: String| SeedsError::NotANumber {
        file: file.to_owned(),
        found,
    };
    let bytes = std::fs::read(file).map_err(|e| unreadable(&e))?;
    let (numbers, are_pixels) = if bytes.starts_with(b"\x93NUMPY") {
        integers(&bytes).map_err(|e| unreadable(&e))?
    } else {
        let text = String::from_utf8(bytes).map_err(|_| unreadable(&"it is not text"))?;
        // Spreadsheets begin a file with it.
        let text = text.trim_start_matches('\u{feff}');
        let (words, are_pixels) = words(text).map_err(&not_a_number)?;
        let numbers = words.into_iter();
        let numbers = numbers.map(|word| word.parse().map_err(|_| not_a_number(word.to_owned())));
        let numbers: Vec<i128> = numbers.collect::<Result<_, _>>()?;
        let lines: Vec<_> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let in_pairs = lines.iter().all(|line| split(line).count() == 2);
        if !are_pixels && in_pairs && (lines.len() > 1 || numbers.len() == 2 && text.contains(','))
        {
            return Err(SeedsError::Ambiguous {
                file: file.to_owned(),
            });
        }
        (numbers, are_pixels)
    };
    if numbers.is_empty() {
        return Err(SeedsError::Empty {
            file: file.to_owned(),
        });
    }
    let number = |n: i128| u32::try_from(n).map_err(|_| not_a_number(n.to_string()));
    let numbers = numbers.into_iter().map(number);
    let numbers: Vec<u32> = numbers.collect::<Result<_, _>>()?;
    Ok(if are_pixels {
        let pixels = numbers.chunks_exact(2).map(|pair| Pixel {
            row: pair[0] as usize,
            column: pair[1] as usize,
        });
        SeedList::Pixels(pixels.collect())
    } else {
        SeedList::Numbers(numbers.into_iter().map(Candidate).collect())
    })
}

fn split(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    words.filter(|word| !word.is_empty())
}

/// The numbers of a text, and whether they are rows and columns in turn.
///
/// # Errors
/// The line that has no row or no column.
fn words(text: &str) -> Result<(Vec<&str>, bool), String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let header = lines.next().unwrap_or_default();
    let place = |name: &str| header.split(',').position(|word| word.trim() == name);
    let (Some(row), Some(column)) = (place("row"), place("column")) else {
        return Ok((split(text).collect(), false));
    };
    let mut words = Vec::new();
    for line in lines {
        let cells: Vec<_> = line.split(',').map(str::trim).collect();
        let (Some(&row), Some(&column)) = (cells.get(row), cells.get(column)) else {
            return Err(line.to_owned());
        };
        words.extend([row, column]);
    }
    Ok((words, true))
}

/// The integers of a `.npy` file, whatever their width, and whether they are rows and columns in turn.
fn integers(bytes: &[u8]) -> Result<(Vec<i128>, bool), String> {
    let npy = Npy::new(bytes).map_err(|e| e.to_string())?;
    let shape = npy.shape();
    let are_pixels = matches!(shape, [_, 2]);
    if !are_pixels && shape.iter().filter(|&&size| size != 1).count() > 1 {
        return Err(format!(
            "an array of shape {shape:?}; expected (n, 2), a row and a column of each seed, or one \
             candidate number of each"
        ));
    }
    if !matches!(npy.real(), Some(('i' | 'u', _))) {
        let found = npy.dtype();
        return Err(format!("values of type {found}; expected integers"));
    }
    let by_column = are_pixels && npy.column_major();
    let values = npy.values(Number::to_integer).map_err(|e| e.to_string())?;
    let mut values: Vec<i128> = values.into_iter().flatten().collect();
    if by_column {
        // As `numpy.argwhere` writes them: all rows, then all columns.
        let (rows, columns) = values.split_at(values.len() / 2);
        let pairs = rows.iter().zip(columns);
        values = pairs.flat_map(|(&row, &column)| [row, column]).collect();
    }
    Ok((values, are_pixels))
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

/// Why a file is not read, in the words for any file that is missing.
pub(super) fn unread(file: &Path, reason: &str) -> String {
    if file.exists() {
        format!("cannot be read: {reason}")
    } else {
        "no such file".to_owned()
    }
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
        let candidates = Candidates::new(20, 30, 6).unwrap();
        let seeds = seeds.among(candidates).map_err(|e| e.to_string())?;
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
        let cube = npy("|u1", false, "2, 3", &[1, 2, 3, 4, 5, 6]);
        let told = read("seeds.npy", &cube).unwrap_err();
        assert!(told.contains("[2, 3]; expected (n, 2)"), "{told}");
    }

    #[test]
    fn seeds_are_read_as_rows_and_columns() {
        // Pixels (10, 4) and (3, 3) of 20 x 30, with windows of 6.
        let expected = Ok(vec![7 * 25 + 1, 0]);
        for text in [
            "row,column\n10,4\n3,3\n",
            "step, row, column\n\n0, 10, 4\n0, 3, 3\n",
            "\u{feff}row,column\r\n10,4\r\n3,3\r\n",
        ] {
            assert_eq!(read("seeds.csv", text.as_bytes()), expected, "{text}");
        }
        for (order, bytes) in [(false, [10, 4, 3, 3]), (true, [10, 3, 4, 3])] {
            let pairs = npy("|u1", order, "2, 2", &bytes);
            assert_eq!(read("seeds.npy", &pairs), expected, "{order}");
        }
        for (wrong, said) in [
            ("10,4\n3,3\n", "expected a first line `row,column`"),
            ("10 4\n3 3\n", "expected a first line `row,column`"),
            ("10,4", "expected a first line `row,column`"),
            (
                "row,column\n2,3\n",
                "seed at row 2, column 3 is no candidate",
            ),
            (
                "row,column\n20,3\n",
                "the image of 20 x 30 whose window of 6",
            ),
            ("row,column\n7\n", "`7`"),
            ("row,column\n7,x\n", "`x`"),
            ("row,column\n", "no seeds"),
        ] {
            let told = read("seeds.csv", wrong.as_bytes()).unwrap_err();
            assert!(told.contains(said), "{wrong}: {told}");
        }
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

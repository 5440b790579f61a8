//! The order in which points were measured before, read from a table.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use beacon_kernel::{Candidate, Candidates, Pixel};
use csv::StringRecord;

use super::seeds::unread;

/// What was measured, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The points before the strategy had a say: those of step 0, where the table has steps.
    pub seeds: Vec<Candidate>,
    /// The points after them.
    pub steps: Vec<Candidate>,
    /// Whether the table names points by candidate numbers alone, which mean other pixels with other
    /// edges.
    pub by_number: bool,
    /// The figures of published tables, where the caller asked for them; one entry a step.
    pub published: Option<PublishedFigures>,
}

/// The columns of the published tables, as they are.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct PublishedFigures {
    /// Root mean squared error, which the authors call MAE.
    pub rmse_reported_as_mae: Vec<f64>,
    /// Mean of the surrogate.
    pub surrogate_mean: Vec<f64>,
    /// Mean variance of the surrogate.
    pub surrogate_variance: Vec<f64>,
}

/// Why an order cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// The file cannot be read as a table.
    #[error("`{}`: {}", file.display(), unread(file, reason))]
    Unreadable {
        /// The file as given.
        file: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// There is no column that names points.
    #[error(
        "`{}`: no column `patch_index`, found {found}; expected candidate numbers in a column of \
         that name, or pixels in columns `row` and `column`",
        file.display()
    )]
    Column {
        /// The file as given.
        file: PathBuf,
        /// The columns it has.
        found: String,
    },
    /// A cell is not a number of the kind it should be.
    #[error("`{}`, line {line}: `{found}` in column `{column}`; expected {accepted}", file.display())]
    Cell {
        /// The file as given.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        found: String,
        /// What would be accepted.
        accepted: &'static str,
    },
    /// A point is no candidate.
    #[error(
        "`{}`, line {line}: candidate {candidate} does not exist; there are {candidates}, numbered \
         from 0",
        file.display()
    )]
    OutOfRange {
        /// The file as given.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The number.
        candidate: u32,
        /// Number of candidates.
        candidates: usize,
    },
    /// A pixel does not exist.
    #[error(
        "`{}`, line {line}: row {row}, column {column} lies outside an image of {height} x {width}, \
         whose rows and columns are numbered from 0",
        file.display()
    )]
    Outside {
        /// The file as given.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
    },
    /// A pixel is no candidate.
    #[error(
        "`{}`, line {line}: no window of {window} pixels fits around row {row}, column {column} of \
         an image of {height} x {width}",
        file.display()
    )]
    Border {
        /// The file as given.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
        /// Side of the window.
        window: usize,
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
    },
    /// A point is there twice.
    #[error(
        "`{}`, line {line}: candidate {candidate} is measured twice; it {earlier}",
        file.display()
    )]
    Repeated {
        /// The file as given.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The candidate.
        candidate: u32,
        /// Where it was before.
        earlier: String,
    },
    /// There is no step.
    #[error("`{}`: no steps in it; expected at least one measured point", file.display())]
    Empty {
        /// The file as given.
        file: PathBuf,
    },
}

/// Reads a table with a header: candidate numbers in a column `patch_index`, or pixels in
/// columns `row` and `column`; where there is a column `step`, the points of step 0 are seeds.
/// Other columns are ignored.
///
/// `seeds` are points that were measured before, elsewhere.
///
/// # Errors
/// Names the line and the value that cannot be used.
pub fn read_order(
    file: &Path,
    candidates: Candidates,
    seeds: &[Candidate],
) -> Result<Order, OrderError> {
    read(file, candidates, seeds, false)
}

/// As [`read_order`], with the columns of [`PublishedFigures`] where all three are there.
///
/// # Errors
/// As [`read_order`], and for a figure that is not a finite number.
pub fn read_published_order(
    file: &Path,
    candidates: Candidates,
    seeds: &[Candidate],
) -> Result<Order, OrderError> {
    read(file, candidates, seeds, true)
}

fn read(
    file: &Path,
    candidates: Candidates,
    seeds: &[Candidate],
    with_figures: bool,
) -> Result<Order, OrderError> {
    let unreadable = |error: &dyn std::fmt::Display| OrderError::Unreadable {
        file: file.to_owned(),
        reason: error.to_string().replace('\n', " "),
    };
    let content = std::fs::read(file).map_err(|e| unreadable(&e))?;
    let text = std::str::from_utf8(&content).ok();
    if text.is_none_or(|text| text.trim().is_empty()) {
        let found = if text.is_some() {
            "nothing in it"
        } else {
            "not text"
        };
        return Err(unreadable(&format_args!(
            "{found}; expected CSV with a column `patch_index`"
        )));
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(&content[..]);
    let headers = reader.headers().map_err(|e| unreadable(&e))?.clone();
    let table = Table::new(file, &headers, candidates)?;
    let figures = table.figures.filter(|_| with_figures);
    let mut earlier: HashMap<Candidate, String> = seeds
        .iter()
        .map(|&seed| (seed, "is a seed".to_owned()))
        .collect();
    let mut order = Order {
        seeds: Vec::new(),
        steps: Vec::new(),
        by_number: table.by_number,
        published: figures.map(|_| PublishedFigures::default()),
    };
    for row in reader.into_records() {
        let row = row.map_err(|e| unreadable(&e))?;
        let line = row.position().map_or(0, csv::Position::line);
        let candidate = table.candidate(&row, line)?;
        let here = format!("is on line {line} as well");
        if let Some(earlier) = earlier.insert(candidate, here) {
            return Err(OrderError::Repeated {
                file: file.to_owned(),
                line,
                candidate: candidate.0,
                earlier,
            });
        }
        if table.is_seed(&row, line)? {
            order.seeds.push(candidate);
            continue;
        }
        order.steps.push(candidate);
        if let (Some(published), Some(columns)) = (&mut order.published, figures) {
            let [rmse, mean, variance] = columns;
            let figure = |column| table.figure(&row, column, line);
            published.rmse_reported_as_mae.push(figure(rmse)?);
            published.surrogate_mean.push(figure(mean)?);
            published.surrogate_variance.push(figure(variance)?);
        }
    }
    if order.steps.is_empty() {
        return Err(OrderError::Empty {
            file: file.to_owned(),
        });
    }
    Ok(order)
}

/// A column by its place and name.
type Column = (usize, &'static str);

/// How the points of a table are named.
#[derive(Clone, Copy)]
enum Points {
    Numbers(Column),
    Pixels([Column; 2]),
}

/// Where a table has what.
struct Table<'a> {
    file: &'a Path,
    candidates: Candidates,
    points: Points,
    by_number: bool,
    step: Option<Column>,
    figures: Option<[Column; 3]>,
}

impl<'a> Table<'a> {
    fn new(
        file: &'a Path,
        headers: &StringRecord,
        candidates: Candidates,
    ) -> Result<Self, OrderError> {
        let column = |name| Some((headers.iter().position(|header| header == name)?, name));
        let points = match (column("patch_index"), column("row"), column("column")) {
            (Some(number), ..) => Points::Numbers(number),
            (None, Some(row), Some(column)) => Points::Pixels([row, column]),
            _ => {
                let found: Vec<_> = headers.iter().map(|name| format!("`{name}`")).collect();
                return Err(OrderError::Column {
                    file: file.to_owned(),
                    found: found.join(", "),
                });
            }
        };
        let figures = [
            column("rmse_reported_as_mae"),
            column("surrogate_mean"),
            column("surrogate_variance"),
        ];
        let figures = match figures {
            [Some(rmse), Some(mean), Some(variance)] => Some([rmse, mean, variance]),
            _ => None,
        };
        Ok(Self {
            file,
            candidates,
            points,
            by_number: column("row").is_none() || column("column").is_none(),
            step: column("step"),
            figures,
        })
    }

    fn candidate(&self, row: &StringRecord, line: u64) -> Result<Candidate, OrderError> {
        let file = || self.file.to_owned();
        match self.points {
            Points::Numbers(column) => {
                let number = self.cell(row, column, line, "a candidate number from 0")?;
                let candidates = self.candidates.count();
                if number as usize >= candidates {
                    return Err(OrderError::OutOfRange {
                        file: file(),
                        line,
                        candidate: number,
                        candidates,
                    });
                }
                Ok(Candidate(number))
            }
            Points::Pixels(columns) => {
                let pixel = columns.map(|column| -> Result<u32, OrderError> {
                    self.cell(row, column, line, "a whole number of pixels from 0")
                });
                let [row, column] = pixel;
                let (row, column) = (row? as usize, column? as usize);
                let (height, width) = (self.candidates.height(), self.candidates.width());
                if row >= height || column >= width {
                    return Err(OrderError::Outside {
                        file: file(),
                        line,
                        row,
                        column,
                        height,
                        width,
                    });
                }
                let candidate = self.candidates.at(Pixel { row, column });
                candidate.ok_or_else(|| OrderError::Border {
                    file: file(),
                    line,
                    row,
                    column,
                    window: self.candidates.window(),
                    height,
                    width,
                })
            }
        }
    }

    fn is_seed(&self, row: &StringRecord, line: u64) -> Result<bool, OrderError> {
        match self.step {
            None => Ok(false),
            Some(column) => {
                let step: u32 = self.cell(row, column, line, "the number of a step")?;
                Ok(step == 0)
            }
        }
    }

    fn figure(&self, row: &StringRecord, column: Column, line: u64) -> Result<f64, OrderError> {
        const ACCEPTED: &str = "a finite number";
        let figure: f64 = self.cell(row, column, line, ACCEPTED)?;
        if figure.is_finite() {
            return Ok(figure);
        }
        Err(self.refused(row, column, line, ACCEPTED))
    }

    fn cell<T: std::str::FromStr>(
        &self,
        row: &StringRecord,
        column: Column,
        line: u64,
        accepted: &'static str,
    ) -> Result<T, OrderError> {
        let found = row.get(column.0).unwrap_or_default();
        let parsed = found.parse();
        parsed.map_err(|_| self.refused(row, column, line, accepted))
    }

    fn refused(
        &self,
        row: &StringRecord,
        (place, column): Column,
        line: u64,
        accepted: &'static str,
    ) -> OrderError {
        OrderError::Cell {
            file: self.file.to_owned(),
            line,
            column,
            found: row.get(place).unwrap_or_default().to_owned(),
            accepted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str) -> Result<Order, String> {
        read_with(table, read_order)
    }

    /// Of a table for 3 × 3 candidates with windows of 4 in an image of 6 × 6.
    fn read_with(
        table: &str,
        read: fn(&Path, Candidates, &[Candidate]) -> Result<Order, OrderError>,
    ) -> Result<Order, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("order.csv");
        std::fs::write(&file, table).unwrap();
        let candidates = Candidates::new(6, 6, 4).unwrap();
        read(&file, candidates, &[Candidate(8)]).map_err(|e| e.to_string())
    }

    fn numbers(candidates: &[Candidate]) -> Vec<u32> {
        candidates.iter().map(|c| c.0).collect()
    }

    #[test]
    fn candidate_numbers_are_read_and_other_columns_ignored() {
        let order = read("note,patch_index\nfirst, 3\nsecond,0\n").unwrap();
        assert_eq!(numbers(&order.steps), [3, 0]);
        assert!(order.seeds.is_empty() && order.published.is_none());
        let order = read("\u{feff}patch_index\r\n3\r\n0\r\n").unwrap();
        assert_eq!(numbers(&order.steps), [3, 0]);
    }

    #[test]
    fn pixels_are_read_and_those_of_step_0_are_seeds() {
        let order = read("step,row,column,value\n0,2,2,1.5\n0,4,2,2\n1,3,4,0\n").unwrap();
        assert_eq!(numbers(&order.seeds), [0, 6]);
        assert_eq!(numbers(&order.steps), [5]);
    }

    #[test]
    fn published_figures_come_along_when_asked_for_and_all_are_there() {
        let table = "step,patch_index,rmse_reported_as_mae,surrogate_mean,surrogate_variance\n\
                     1,4,0.5,0.25,1e-3\n";
        let published = read_with(table, read_published_order).unwrap().published;
        let published = published.unwrap();
        assert_eq!(published.rmse_reported_as_mae, [0.5]);
        assert_eq!(published.surrogate_mean, [0.25]);
        assert_eq!(published.surrogate_variance, [1e-3]);
        assert_eq!(read(table).unwrap().published, None);
        let table = "patch_index,surrogate_mean\n4,0.5\n";
        let order = read_with(table, read_published_order).unwrap();
        assert_eq!(order.published, None);
    }

    #[test]
    fn a_figure_that_is_no_number_matters_only_where_figures_are_asked_for() {
        for cell in ["", "n/a", "NaN", "inf"] {
            let table = format!(
                "patch_index,rmse_reported_as_mae,surrogate_mean,surrogate_variance\n4,1,{cell},1\n"
            );
            assert_eq!(numbers(&read(&table).unwrap().steps), [4]);
            let message = read_with(&table, read_published_order).unwrap_err();
            for word in ["line 2", "`surrogate_mean`", "a finite number", cell] {
                assert!(message.contains(word), "no `{word}` in: {message}");
            }
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_line() {
        for (table, said) in [
            (
                "",
                &["nothing in it", "CSV with a column `patch_index`"][..],
            ),
            (
                "patch,y\n1,2\n",
                &["no column `patch_index`", "`patch`, `y`"],
            ),
            ("patch_index\n", &["no steps"]),
            ("step,row,column\n0,2,2\n", &["no steps"]),
            (
                "patch_index\n1\nx7\n",
                &["line 3", "`x7`", "candidate number"],
            ),
            ("patch_index\n1\n-2\n", &["line 3", "`-2`"]),
            ("patch_index\n1\n2.5\n", &["line 3", "`2.5`"]),
            (
                "patch_index\n4\n9\n",
                &["line 3", "candidate 9", "there are 9"],
            ),
            (
                "patch_index\n4\n5\n4\n",
                &["line 4", "candidate 4", "line 2"],
            ),
            (
                "patch_index\n4\n8\n",
                &["line 3", "candidate 8", "is a seed"],
            ),
            ("row,column\n2,1\n", &["line 2", "row 2, column 1", "6 x 6"]),
            ("step,patch_index\none,1\n", &["line 2", "`one`", "`step`"]),
            ("patch_index,b\n4,1\n5\n", &["cannot be read", "line: 3"]),
        ] {
            let message = read(table).unwrap_err();
            assert_eq!(message.lines().count(), 1, "{message}");
            for word in said {
                assert!(
                    message.contains(word),
                    "{table:?}: no `{word}` in: {message}"
                );
            }
        }
        let absent = read_order(
            Path::new("absent.csv"),
            Candidates::new(6, 6, 4).unwrap(),
            &[],
        );
        assert!(absent.unwrap_err().to_string().contains("`absent.csv`"));
    }
}

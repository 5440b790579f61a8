//! `acquisition.csv`: every measurement with what led to it.

use super::write::{WriteError, replace_with};
use std::path::Path;

/// One measurement, one row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acquisition {
    /// Number of the decision, counted from 1; 0 for a seed.
    pub step: usize,
    /// Row of the measured pixel.
    pub row: usize,
    /// Column of the measured pixel.
    pub column: usize,
    /// Measured response, in its own units.
    pub value: f64,
    /// Acquisition value of the pixel when it was chosen; `None` for a seed or where the
    /// strategy has none.
    pub score: Option<f64>,
    /// Predicted mean of the response when it was chosen.
    pub mean: Option<f64>,
    /// Predicted standard deviation of the response when it was chosen.
    pub std: Option<f64>,
}

/// A response beside the first, at every measurement of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct FurtherColumns {
    /// What it is.
    pub name: String,
    /// Measured values, in its own units.
    pub values: Vec<f64>,
    /// Predicted mean and standard deviation when the pixel was chosen.
    pub expected: Vec<Option<(f64, f64)>>,
}

/// Writes the columns `step,row,column,value,score,mean,std`, and behind them `value:NAME`, `mean:NAME` and
/// `std:NAME` of each further response; what is unknown is empty, and numbers read back to the same bits.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left.
pub fn write_acquisitions(
    path: &Path,
    acquisitions: &[Acquisition],
    further: &[FurtherColumns],
) -> Result<(), WriteError> {
    replace_with(path, |writer| {
        let mut table = csv::Writer::from_writer(writer);
        let names = ["step", "row", "column", "value", "score", "mean", "std"];
        let own = names.map(str::to_owned).into_iter();
        let more = further.iter().flat_map(|of| {
            let columns = ["value", "mean", "std"];
            columns.map(|column| format!("{column}:{}", of.name))
        });
        table.write_record(own.chain(more))?;
        for (n, a) in acquisitions.iter().enumerate() {
            let own = [
                a.step.to_string(),
                a.row.to_string(),
                a.column.to_string(),
                optional(Some(a.value)),
                optional(a.score),
                optional(a.mean),
                optional(a.std),
            ];
            let more = further.iter().flat_map(|of| {
                let expected = of.expected.get(n).copied().flatten();
                [
                    optional(of.values.get(n).copied()),
                    optional(expected.map(|(mean, _)| mean)),
                    optional(expected.map(|(_, std)| std)),
                ]
            });
            table.write_record(own.into_iter().chain(more))?;
        }
        table.flush()
    })
}

fn optional(value: Option<f64>) -> String {
    let known = value.filter(|value| !value.is_nan());
    known.map_or_else(String::new, |v| v.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_leave_the_decision_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acquisition.csv");
        let seed = Acquisition {
            step: 0,
            row: 8,
            column: 9,
            value: 0.25,
            score: None,
            mean: None,
            std: None,
        };
        let step = Acquisition {
            step: 1,
            row: 3,
            column: 40,
            value: 0.1,
            score: Some(1e-9),
            mean: Some(-0.5),
            std: Some(2.0),
        };
        write_acquisitions(&path, &[seed, step], &[]).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "step,row,column,value,score,mean,std\n0,8,9,0.25,,,\n1,3,40,0.1,0.000000001,-0.5,2\n"
        );
    }
}

//! A comparison as tables for one's own analysis, in long form: one value a row.

use std::path::Path;

use super::analysis::Analysis;
use super::statistics::PairedTest;
use super::{Comparison, StudyError};
use crate::data::files::replace_with;

/// Writes every figure with its spread and tests:
/// `strategy,metric,step,n,mean,sd`, then `difference,p,wilcoxon_p` against `random` and against
/// the first strategy. Areas and discoveries have no step; what is unknown is empty.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left.
pub fn write_table(path: &Path, analysis: &Analysis) -> Result<(), StudyError> {
    let mut rows = vec![
        [
            "strategy",
            "metric",
            "step",
            "n",
            "mean",
            "sd",
            "difference_random",
            "p_random",
            "wilcoxon_p_random",
            "difference_first",
            "p_first",
            "wilcoxon_p_first",
        ]
        .map(str::to_owned),
    ];
    for strategy in &analysis.strategies {
        for figure in strategy.all() {
            let spread = figure.spread;
            let [random, first] = [figure.against_random, figure.against_first].map(test);
            let [difference_random, p_random, wilcoxon_random] = random;
            let [difference_first, p_first, wilcoxon_first] = first;
            rows.push([
                strategy.strategy.clone(),
                figure.name.clone(),
                figure
                    .step
                    .map_or_else(String::new, |step| step.to_string()),
                spread.map_or(0, |spread| spread.n).to_string(),
                number(spread.map(|spread| spread.mean)),
                number(spread.and_then(|spread| spread.sd)),
                difference_random,
                p_random,
                wilcoxon_random,
                difference_first,
                p_first,
                wilcoxon_first,
            ]);
        }
    }
    write(path, rows)
}

/// Writes every campaign step by step: `strategy,seed,step,candidate,response`, then a column
/// for each metric that some campaign computed. Numbers read back to the same bits; what could
/// not be computed is empty.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left.
pub fn write_series(path: &Path, comparison: &Comparison) -> Result<(), StudyError> {
    let runs = || comparison.strategies.iter().flat_map(|s| &s.runs);
    let metrics = comparison.metrics();
    let metrics: Vec<_> = metrics
        .iter()
        .filter(|metric| runs().any(|run| metric.curve(&run.campaign).is_some()))
        .collect();
    let header = ["strategy", "seed", "step", "candidate", "response"];
    let header = header.into_iter().chain(metrics.iter().map(|m| &*m.name));
    let header = header.map(str::to_owned).collect::<Vec<_>>();
    let rows = runs().flat_map(|run| {
        let campaign = &run.campaign;
        let points = campaign.order.iter().zip(&campaign.responses);
        let metrics = &metrics;
        (1..)
            .zip(points)
            .map(move |(step, (candidate, response))| -> Vec<String> {
                let point = [
                    campaign.strategy.clone(),
                    campaign.seed.to_string(),
                    step.to_string(),
                    candidate.to_string(),
                    number(Some(*response)),
                ];
                let values = metrics.iter().map(|metric| metric.at(campaign, step));
                let values = values.map(|value| number(Some(value)));
                point.into_iter().chain(values).collect()
            })
    });
    write(path, std::iter::once(header).chain(rows))
}

fn test(test: Option<PairedTest>) -> [String; 3] {
    [
        number(test.map(|test| test.difference)),
        number(test.and_then(|test| test.p)),
        number(test.and_then(|test| test.wilcoxon_p)),
    ]
}

/// A number that reads back to the same bits; empty for none.
fn number(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(String::new, |value| value.to_string())
}

/// Writes rows as they come: those of a large study would not fit in memory together.
fn write<R: AsRef<[String]>>(
    path: &Path,
    rows: impl IntoIterator<Item = R>,
) -> Result<(), StudyError> {
    let written = replace_with(path, |file| {
        let mut table = csv::Writer::from_writer(file);
        for row in rows {
            table.write_record(row.as_ref())?;
        }
        table.flush()
    });
    Ok(written?)
}

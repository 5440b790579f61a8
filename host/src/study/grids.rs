//! The tables of a comparison, for a terminal and for a page alike.

use super::analysis::{Analysis, MetricSummary, StrategyFigures};
use super::statistics::{LEAST_PAIRS, PairedTest, Spread};
use super::{Comparison, Metric};

/// A table: the first column names the rows.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// What it shows.
    pub(super) title: String,
    /// Names of the columns.
    pub(super) head: Vec<String>,
    /// A cell a column; empty where there is nothing.
    pub(super) rows: Vec<Vec<String>>,
}

/// One area under a curve with its tests; without rows when no strategy has it.
pub(super) fn areas(comparison: &Comparison, analysis: &Analysis, name: &str) -> Grid {
    let plan = &comparison.plan;
    let mut head = ["strategy", "mean±sd"].map(str::to_owned).to_vec();
    let baselines = baselines(analysis, &plan.strategies[0]);
    for (baseline, _) in &baselines {
        head.push(format!("minus {baseline}"));
        head.push("p".to_owned());
    }
    let mut rows = Vec::new();
    for strategy in &analysis.strategies {
        if let Some(area) = strategy.areas.iter().find(|area| area.name == name) {
            let mut row = vec![strategy.strategy.clone(), spread(area.spread, true)];
            for (_, test) in &baselines {
                let test = test(area);
                row.push(test.map_or_else(String::new, |t| format!("{:+.3}", t.difference)));
                row.push(probability(test));
            }
            rows.push(row);
        }
    }
    Grid {
        title: format!("{name}, mean over steps 1 to {}", plan.campaign.steps),
        head,
        rows,
    }
}

/// One metric at steps, with the tests at the last of them; without rows when no strategy has
/// it.
pub(super) fn at_steps(
    comparison: &Comparison,
    analysis: &Analysis,
    metric: &Metric,
    shown: &[usize],
) -> Grid {
    let share = metric.area.is_some();
    let title = match metric.units(&comparison.plan.dataset.units) {
        "" => metric.name.to_string(),
        _ if share => metric.name.to_string(),
        units => format!("{}, {units}", metric.name),
    };
    let baselines = baselines(analysis, &comparison.plan.strategies[0]);
    let mut head = vec!["strategy".to_owned()];
    head.extend(shown.iter().map(|step| format!("step {step}")));
    head.extend(baselines.iter().map(|(name, _)| format!("p, {name}")));
    let mut rows = Vec::new();
    for strategy in &analysis.strategies {
        let at = |step: &usize| {
            let mut figures = strategy.at.iter();
            figures.find(|f| f.name == metric.name && f.step == Some(*step))
        };
        let Some(last) = shown.last().and_then(at) else {
            continue;
        };
        let mut row = vec![strategy.strategy.clone()];
        let cells = shown
            .iter()
            .map(|step| spread(at(step)?.spread, share).into());
        row.extend(cells.map(Option::unwrap_or_default));
        row.extend(baselines.iter().map(|(_, test)| probability(test(last))));
        rows.push(row);
    }
    Grid { title, head, rows }
}

/// When each planted behaviour was met; without rows where nothing is planted.
pub(super) fn discoveries(comparison: &Comparison, analysis: &Analysis) -> Grid {
    let steps = comparison.plan.campaign.steps;
    let mut rows = Vec::new();
    for strategy in &analysis.strategies {
        for found in &strategy.discoveries {
            let rare = if found.rare { ", rare" } else { "" };
            rows.push(vec![
                format!("{}{rare}", found.behaviour),
                strategy.strategy.clone(),
                format!("{} of {}", found.found, strategy.seeds.len()),
                match found.median_first_step {
                    Some(step) => step.to_string(),
                    None => format!("beyond {steps}"),
                },
            ]);
        }
    }
    // By behaviour, so that strategies stand below one another.
    rows.sort_by_key(|row| {
        let mut first = analysis.strategies.iter().flat_map(|s| &s.discoveries);
        first.position(|found| row[0].starts_with(&found.behaviour))
    });
    Grid {
        title: "planted behaviours, steps to the first measurement on each".to_owned(),
        head: ["behaviour", "strategy", "found", "median first step"]
            .map(String::from)
            .to_vec(),
        rows,
    }
}

/// A strategy that others are tested against, and where a figure keeps that test.
type Baseline<'a> = (&'a str, fn(&MetricSummary) -> Option<PairedTest>);

/// What the strategies are tested against, each once.
fn baselines<'a>(analysis: &Analysis, first: &'a str) -> Vec<Baseline<'a>> {
    let random: Baseline<'_> = ("random", |figure| figure.against_random);
    let first: Baseline<'_> = (first, |figure| figure.against_first);
    let mut baselines = vec![random];
    if first.0 != random.0 {
        baselines.push(first);
    }
    let all = || analysis.strategies.iter().flat_map(StrategyFigures::all);
    baselines.retain(|(_, test)| all().any(|figure| test(figure).is_some()));
    baselines
}

/// A mean and its spread: three decimals for a share, three digits for anything else.
fn spread(spread: Option<Spread>, share: bool) -> String {
    let Some(Spread { mean, sd, .. }) = spread else {
        return String::new();
    };
    let size = mean.abs().max(sd.unwrap_or(0.0));
    let magnitude = size.log10().floor();
    let plain = share || size == 0.0 || (-3.0..5.0).contains(&magnitude);
    let decimals = if share || size == 0.0 {
        3
    } else {
        (2.0 - magnitude).clamp(0.0, 5.0) as usize
    };
    let number = |value: f64| {
        if plain {
            format!("{value:.decimals$}")
        } else {
            format!("{value:.2e}")
        }
    };
    match sd {
        Some(sd) => format!("{}±{}", number(mean), number(sd)),
        None => number(mean),
    }
}

/// The p of a paired t-test, with a dash where there is none.
fn probability(test: Option<PairedTest>) -> String {
    if test.is_some_and(|test| test.n < LEAST_PAIRS) {
        return "too few seeds".to_owned();
    }
    match test.map(|test| test.p) {
        None => String::new(),
        Some(None) => "-".to_owned(),
        Some(Some(p)) if p < 1e-3 => format!("{p:.0e}"),
        Some(Some(p)) => format!("{p:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mean: f64, sd: f64, share: bool) -> String {
        let spread = Spread {
            mean,
            sd: Some(sd),
            n: 3,
        };
        super::spread(Some(spread), share)
    }

    #[test]
    fn a_spread_is_readable_whatever_the_magnitude() {
        assert_eq!(shown(0.981_4, 0.012_3, true), "0.981±0.012");
        assert_eq!(shown(0.041_23, 0.001_2, false), "0.0412±0.0012");
        assert_eq!(shown(153.27, 4.0, false), "153±4");
        assert_eq!(shown(1.5e-12, 2e-13, false), "1.50e-12±2.00e-13");
        assert_eq!(shown(0.0, 0.0, false), "0.000±0.000");
    }

    #[test]
    fn small_probabilities_keep_their_magnitude() {
        let p = |p| {
            probability(Some(PairedTest {
                difference: 0.1,
                n: 10,
                p,
                wilcoxon_p: None,
            }))
        };
        assert_eq!(p(Some(0.0412)), "0.041");
        assert_eq!(p(Some(2.1e-6)), "2e-6");
        assert_eq!(p(None), "-");
        assert_eq!(probability(None), "");
    }
}

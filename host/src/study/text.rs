//! The headline figures of a comparison as text, for a terminal of 100 columns.

use super::analysis::{Analysis, Figure, StrategyFigures};
use super::statistics::{PairedTest, Spread};
use super::{Comparison, METRICS, Metric};

/// Columns of the terminal.
const WIDTH: usize = 100;
/// Between two columns of a table.
const GAP: &str = "  ";

/// Describes a comparison: areas under the coverage curves with their tests, headline metrics
/// at the chosen steps, discoveries, notes.
pub fn describe(comparison: &Comparison, analysis: &Analysis) -> String {
    let plan = &comparison.plan;
    let steps = plan.campaign.steps;
    let mut text = format!(
        "{}: {} strategies x {} seeds, {steps} steps; mean±standard deviation over seeds\n",
        plan.dataset.name,
        plan.strategies.len(),
        plan.seeds,
    );
    for area in METRICS.iter().filter_map(|metric| metric.area) {
        let title = format!("{area}, mean over steps 1 to {steps}");
        text += &areas(analysis, &title, area, &plan.strategies[0]);
    }
    for metric in METRICS.iter().filter(|metric| metric.headline) {
        text += &at_steps(analysis, metric, &plan.dataset.units, &plan.strategies[0]);
    }
    text += &discoveries(analysis, steps);
    if !analysis.notes.is_empty() {
        text.push('\n');
    }
    for note in &analysis.notes {
        text += &wrapped(note);
    }
    text
}

/// One area under a curve with its tests; empty when no strategy has it.
fn areas(analysis: &Analysis, title: &str, name: &str, first: &str) -> String {
    let mut grid = Grid::new(["strategy", "mean±sd"].map(str::to_owned));
    let baselines = baselines(analysis, first);
    for (baseline, _) in &baselines {
        grid.head.push(format!("less {baseline}"));
        grid.head.push("p".to_owned());
    }
    for strategy in &analysis.strategies {
        if let Some(area) = strategy.areas.iter().find(|area| area.name == name) {
            let mut row = vec![strategy.strategy.clone(), spread(area.spread, true)];
            for (_, test) in &baselines {
                let test = test(area);
                row.push(test.map_or_else(String::new, |t| format!("{:+.3}", t.difference)));
                row.push(probability(test));
            }
            grid.rows.push(row);
        }
    }
    grid.text(title)
}

/// One metric at as many of the last chosen steps as fit, with the tests at the last.
fn at_steps(analysis: &Analysis, metric: &Metric, units: &str, first: &str) -> String {
    let share = metric.area.is_some();
    let title = match units {
        "" => metric.name.to_owned(),
        _ if share => metric.name.to_owned(),
        units => format!("{}, {units}", metric.name),
    };
    let baselines = baselines(analysis, first);
    let table = |shown: &[usize]| {
        let mut grid = Grid::new(["strategy".to_owned()]);
        let heads = shown.iter().map(|step| format!("step {step}"));
        grid.head.extend(heads);
        let tests = baselines.iter().map(|(name, _)| format!("p, {name}"));
        grid.head.extend(tests);
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
            grid.rows.push(row);
        }
        grid.text(&title)
    };
    let mut shown = &analysis.at[..];
    while shown.len() > 1 && !fits(&table(shown)) {
        shown = &shown[1..];
    }
    table(shown)
}

/// When each planted behaviour was met; empty where nothing is planted.
fn discoveries(analysis: &Analysis, steps: usize) -> String {
    let mut grid =
        Grid::new(["behaviour", "strategy", "found", "median first step"].map(String::from));
    for strategy in &analysis.strategies {
        for found in &strategy.discoveries {
            let rare = if found.rare { ", rare" } else { "" };
            grid.rows.push(vec![
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
    grid.rows.sort_by_key(|row| {
        let mut first = analysis.strategies.iter().flat_map(|s| &s.discoveries);
        first.position(|found| row[0].starts_with(&found.behaviour))
    });
    grid.text("planted behaviours, steps to the first measurement on each")
}

/// A strategy that others are tested against, and where a figure keeps that test.
type Baseline<'a> = (&'a str, fn(&Figure) -> Option<PairedTest>);

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
    match test.map(|test| test.p) {
        None => String::new(),
        Some(None) => "-".to_owned(),
        Some(Some(p)) if p < 1e-3 => format!("{p:.0e}"),
        Some(Some(p)) => format!("{p:.3}"),
    }
}

/// A table: the first column to the left, the others to the right.
struct Grid {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    fn new(head: impl Into<Vec<String>>) -> Self {
        Self {
            head: head.into(),
            rows: Vec::new(),
        }
    }

    /// The table below its title and an empty line; empty without rows.
    fn text(&self, title: &str) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            let cells = lines().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.head.len()).map(width).collect();
        let mut text = format!("\n{title}\n");
        for line in lines() {
            let cells = line.iter().zip(&widths).enumerate();
            let padded = cells.map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            let row = padded.collect::<Vec<_>>().join(GAP);
            text += "  ";
            text += row.trim_end();
            text.push('\n');
        }
        text
    }
}

fn fits(text: &str) -> bool {
    text.lines().all(|line| line.chars().count() <= WIDTH)
}

/// A note over as many lines as it needs, the later ones indented.
fn wrapped(note: &str) -> String {
    let mut lines = vec!["note:".to_owned()];
    for word in note.split_whitespace() {
        let last = lines.last_mut();
        match last.filter(|line| line.chars().count() + 1 + word.chars().count() <= WIDTH) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(format!("     {word}")),
        }
    }
    lines.join("\n") + "\n"
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

    #[test]
    fn notes_are_broken_between_words() {
        let note = "word ".repeat(40);
        let text = wrapped(&note);
        assert!(fits(&text) && text.lines().count() == 3, "{text}");
        assert_eq!(text.matches("word").count(), 40);
    }
}

//! The headline figures of a comparison as text, for a terminal of 100 columns.

use super::analysis::Analysis;
use super::grids::{Grid, areas, at_steps, discoveries};
use super::{Comparison, Metric};

/// Columns of the terminal.
const WIDTH: usize = 100;
/// Between two columns of a table.
const GAP: &str = "  ";

/// Describes a comparison: areas under the coverage curves with their tests, headline metrics
/// at the chosen steps, discoveries, notes.
pub fn describe(comparison: &Comparison, analysis: &Analysis) -> String {
    let plan = &comparison.plan;
    let mut text = format!(
        "{}: {} strategies x {} seeds, {} steps; mean±standard deviation over seeds\n",
        plan.dataset.name,
        plan.strategies.len(),
        plan.seeds,
        plan.campaign.steps,
    );
    let metrics = comparison.metrics();
    for area in metrics.iter().filter_map(|metric| metric.area) {
        text += &areas(comparison, analysis, area).text();
    }
    for metric in metrics.iter().filter(|metric| metric.headline) {
        text += &fitting(comparison, analysis, metric);
    }
    text += &discoveries(comparison, analysis).text();
    if !analysis.notes.is_empty() {
        text.push('\n');
    }
    for note in &analysis.notes {
        text += &wrapped(note);
    }
    text
}

/// One metric at as many of the last chosen steps as fit.
fn fitting(comparison: &Comparison, analysis: &Analysis, metric: &Metric) -> String {
    let table = |shown: &[usize]| at_steps(comparison, analysis, metric, shown).text();
    let mut shown = &analysis.at[..];
    while shown.len() > 1 && !fits(&table(shown)) {
        shown = &shown[1..];
    }
    table(shown)
}

impl Grid {
    /// The table below its title and an empty line, the first column to the left and the others
    /// to the right; empty without rows.
    fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            let cells = lines().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.head.len()).map(width).collect();
        let mut text = format!("\n{}\n", self.title);
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

    #[test]
    fn notes_are_broken_between_words() {
        let note = "word ".repeat(40);
        let text = wrapped(&note);
        assert!(fits(&text) && text.lines().count() == 3, "{text}");
        assert_eq!(text.matches("word").count(), 40);
    }
}

//! The report of a campaign or of a comparison: all that is known of it, and that in one page.

use super::html::{Html, Table};
use crate::data::Map;
use crate::data::files::write_file;
use crate::figures::{
    Arrangement, LatentFigure, MOST_BANDS, Metrics, OverviewFigure, PairsFigure, PanelsFigure,
    Progress, SpectraFigure, StepMark, StepTimes, StrategyResult, SurrogateFigure, TargetChanges,
    TimesFigure, TrajectoriesFigure, Trajectory,
};
use crate::plot::number::with_deviation;
use crate::plot::{FigureError, FigureStyle};
use std::path::Path;

/// Everything a reader needs to judge one campaign, or several strategies beside each other.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What stands on top.
    pub title: &'a str,
    /// What was done, in a sentence or two; empty for nothing.
    pub lead: &'a str,
    /// What the decisions were made on.
    pub image: &'a Map,
    /// The true response where it is known; NaN where there is no candidate.
    pub target: Option<&'a Map>,
    /// One a strategy.
    pub results: &'a [StrategyResult<'a>],
    /// What the surrogate of a single campaign came to.
    pub surrogate: Option<SurrogateFigure<'a>>,
    /// The map that a single campaign publishes.
    pub map: Option<SurrogateFigure<'a>>,
    /// Every pair of responses of the first campaign, where it sought several.
    pub pairs: Option<PairsFigure<'a>>,
    /// A campaign in the latent plane.
    pub latent: Option<LatentFigure<'a>>,
    /// Spectra at chosen points.
    pub spectra: Option<SpectraFigure<'a>>,
    /// What each channel counts in the components that the first campaign sought.
    pub components: Option<SpectraFigure<'a>>,
    /// What happened, in tables: commands, interruptions, failures; empty where nothing is known of it.
    pub story: &'a [Table],
    /// Steps that are marked on every curve.
    pub marks: &'a [StepMark<'a>],
    /// Where another target was sought, where one was.
    pub changes: Option<&'a TargetChanges>,
    /// Whether the panels of figures have letters.
    pub letters: bool,
    /// Further tables, such as paired tests.
    pub tables: &'a [Table],
    /// What a reader has to know to judge the tables, each a sentence or two.
    pub notes: &'a [String],
    /// What was asked for, as TOML.
    pub settings: &'a str,
    /// What went wrong without ending anything.
    pub warnings: &'a [String],
    /// Where the results come from, such as `("data", "scan.hspy")`; the version of the program
    /// is added.
    pub provenance: &'a [(&'a str, String)],
}

/// Writes the report as one file of HTML that needs no other: it works offline, without scripts,
/// and prints.
///
/// # Errors
/// When parts of a figure contradict each other or the file cannot be written; nothing
/// half-written is left.
pub fn write_report(path: &Path, report: &Report<'_>) -> Result<(), FigureError> {
    Ok(write_file(path, page(report)?.as_bytes())?)
}

impl<'a> Report<'a> {
    pub(super) fn overview(&self) -> OverviewFigure<'a> {
        OverviewFigure {
            image: self.image,
            target: self.target,
        }
    }

    pub(super) fn campaigns(&self) -> Vec<Trajectory<'a>> {
        self.results
            .iter()
            .map(|result| result.trajectory)
            .collect()
    }

    pub(super) fn learning(&self) -> PanelsFigure<'a> {
        let units = self.changes.map_or(self.units(), |changes| &changes.units);
        let figure = PanelsFigure::learning(self.results, units);
        figure.marked(self.marks).broken(self.breaks())
    }

    pub(super) fn coverages(&self) -> PanelsFigure<'a> {
        let figure = PanelsFigure::coverage(self.results);
        figure.marked(self.marks).broken(self.breaks())
    }

    /// Steps behind which curves of the target are broken.
    pub(super) fn breaks(&self) -> &'a [usize] {
        self.changes.map_or(&[], |changes| &changes.after)
    }

    pub(super) fn errors(&self) -> PanelsFigure<'a> {
        let figure = PanelsFigure::errors(self.results);
        figure.marked(self.marks).broken(self.breaks())
    }

    /// Units of the response; empty when unknown.
    fn units(&self) -> &'a str {
        self.target.map_or("", |target| &target.units)
    }

    pub(super) fn times(&self) -> Vec<(&'a str, StepTimes<'a>)> {
        let known = self.results.iter().filter(|result| {
            let StepTimes {
                measuring,
                training,
                deciding,
            } = result.times;
            !(measuring.is_empty() && training.is_empty() && deciding.is_empty())
        });
        known
            .map(|result| (result.trajectory.strategy, result.times))
            .collect()
    }

    pub(super) fn style(&self) -> FigureStyle {
        FigureStyle {
            letters: self.letters,
        }
    }

    fn has_bands(&self) -> bool {
        let mut results = self.results.iter();
        results.any(|result| result.metrics.target_coverage.sd.is_some())
    }
}

/// Name and units of a metric, and how it is read.
type Row<'a> = (&'a str, &'a str, fn(&Metrics<'_>) -> (bool, String));

/// Strategies that stand side by side in a table; more stand below one another.
const MOST_COLUMNS: usize = 4;

/// Figures after the last step: a row a metric and a column a strategy, or turned where there are
/// many strategies.
fn headline(report: &Report<'_>) -> Table {
    let units = match report.units() {
        "" => String::new(),
        units => format!(", {units}"),
    };
    let metrics: [Row<'_>; 8] = [
        ("target coverage", "", |m| last(&m.target_coverage)),
        ("response-cluster coverage", "", |m| {
            last(&m.response_cluster_coverage)
        }),
        ("range covered so far", "", |m| last(&m.range_coverage)),
        ("patch coverage", "", |m| last(&m.patch_coverage)),
        ("latent coverage", "", |m| last(&m.latent_coverage)),
        ("MAE", &units, |m| last(&m.mae)),
        ("surrogate mean", &units, |m| last(&m.surrogate_mean)),
        ("surrogate uncertainty", &units, |m| {
            last(&m.surrogate_sigma)
        }),
    ];
    let trajectories = || report.results.iter().map(|result| result.trajectory);
    let mut header = vec!["after the last step".to_owned()];
    header.extend(trajectories().map(|trajectory| trajectory.strategy.to_owned()));
    let row = |name: &str, cells: Vec<String>| {
        let mut row = vec![name.to_owned()];
        row.extend(cells);
        row
    };
    let counts =
        |count: fn(Trajectory<'_>) -> usize| trajectories().map(|t| count(t).to_string()).collect();
    let mut rows = vec![
        row("seed points", counts(|t| t.seeds.len())),
        row("steps", counts(|t| t.steps.len())),
    ];
    for (name, units, pick) in metrics {
        let cells: Vec<(bool, String)> = report.results.iter().map(|r| pick(&r.metrics)).collect();
        if cells.iter().any(|(known, _)| *known) {
            let texts = cells.into_iter().map(|(_, text)| text).collect();
            rows.push(row(&format!("{name}{units}"), texts));
        }
    }
    let table = Table {
        caption: if report.has_bands() {
            "Mean and standard deviation over the seeds.".to_owned()
        } else {
            String::new()
        },
        header,
        rows,
    };
    if report.results.len() > MOST_COLUMNS {
        turned(table)
    } else {
        table
    }
}

/// Rows as columns.
fn turned(table: Table) -> Table {
    let lines: Vec<_> = std::iter::once(table.header).chain(table.rows).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let column = |n: usize| lines.iter().map(|line| line[n].clone()).collect();
    Table {
        caption: table.caption,
        header: column(0),
        rows: (1..columns).map(column).collect(),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(characters).collect()
}

/// Whether the quantity is known, and its last value.
fn last(progress: &Progress<'_>) -> (bool, String) {
    match progress.last() {
        Some((mean, sd)) => (true, with_deviation(mean, sd)),
        None => (false, "unknown".to_owned()),
    }
}

fn page(report: &Report<'_>) -> Result<String, FigureError> {
    let mut page = Html::new(report.title, report.style());
    if !report.lead.is_empty() {
        page.paragraph(report.lead);
    }
    page.table(&headline(report));
    if !report.warnings.is_empty() {
        page.heading("Warnings");
        page.warnings(report.warnings);
    }
    page.heading("What was explored");
    let what = match report.target {
        Some(target) => format!(
            "The image ({}) and the response that was sought ({}), where there are candidates.",
            report.image.quantity, target.quantity
        ),
        None => format!("The image ({}).", report.image.quantity),
    };
    page.figure(&report.overview(), &what)?;
    add_trajectories(&mut page, report)?;
    if !report.story.is_empty() {
        page.heading("What happened");
    }
    for table in report.story {
        page.table(table);
    }
    add_curves(&mut page, report)?;
    if !report.tables.is_empty() {
        page.heading("In numbers");
    }
    for note in report.notes {
        page.paragraph(note);
    }
    for table in report.tables {
        page.table(table);
    }
    page.heading("Settings and provenance");
    if !report.settings.is_empty() {
        page.preformatted(report.settings);
    }
    let rows = report.provenance.iter();
    let rows = rows.map(|(name, value)| vec![(*name).to_owned(), value.clone()]);
    let version = format!("beacon {}", env!("CARGO_PKG_VERSION"));
    page.table(&Table {
        rows: rows.chain([vec!["program".to_owned(), version]]).collect(),
        ..Table::default()
    });
    Ok(page.end())
}

fn add_trajectories(page: &mut Html, report: &Report<'_>) -> Result<(), FigureError> {
    let campaigns = report.campaigns();
    if campaigns.is_empty() {
        return Ok(());
    }
    page.heading("Where it was measured");
    let which = if report.has_bands() {
        " of the first campaign of each strategy"
    } else {
        ""
    };
    let names: Vec<&str> = campaigns.iter().map(|campaign| campaign.strategy).collect();
    let names = names.join(", ");
    let has_rim = campaigns.iter().any(|c| c.marked.candidates.is_some());
    let rim = if has_rim {
        " Beyond the dashed border no pixel is a candidate: windows around these would reach beyond the image. \
         Maps are light grey there."
    } else {
        ""
    };
    page.figure(
        &TrajectoriesFigure::over(report.image, &campaigns),
        &format!(
            "Measured points{which} over the image: {names}. Seeds white, steps coloured in order.{rim}"
        ),
    )?;
    if let Some(target) = report.target {
        page.figure(
            &TrajectoriesFigure::over(target, &campaigns),
            &format!("The same points over the true response: {names}."),
        )?;
    }
    if let Some(pairs) = &report.pairs {
        page.figure(
            pairs,
            &format!(
                "The responses that {} sought together, each pair of them: seeds white, steps coloured in \
                 order{}.",
                pairs.strategy,
                if pairs.responses.iter().all(|of| of.candidates.is_empty()) {
                    ""
                } else {
                    ", over the density of all candidates in grey"
                }
            ),
        )?;
    }
    if let Some(latent) = &report.latent {
        page.figure(
            latent,
            &format!(
                "The latent plane of the autoencoder: density of the candidates in grey, points \
                 that {} measured coloured in order, and the patches that the plane decodes to.",
                latent.strategy
            ),
        )?;
    }
    if let Some(spectra) = &report.spectra {
        page.figure(spectra, &spectra_caption(report, spectra))?;
    }
    if let Some(components) = &report.components {
        page.figure(
            components,
            "What the components are, as they were learnt last: their loadings. A spectrum is about the sum of \
             these, each times the component that was measured; components.csv has the weight of each channel.",
        )?;
    }
    Ok(())
}

fn spectra_caption(report: &Report<'_>, spectra: &SpectraFigure<'_>) -> String {
    let what = match spectra.arrangement {
        Arrangement::Loops => "Loops",
        Arrangement::Stacked | Arrangement::Overlaid => "Spectra",
    };
    let first = report.results.first();
    let whose = first.map_or("", |result| result.trajectory.strategy);
    let direction = match spectra.arrangement {
        Arrangement::Loops => " Arrows: direction of the sweep, which begins at the white dot.",
        Arrangement::Stacked | Arrangement::Overlaid => "",
    };
    let shaded = |background: bool| {
        spectra
            .shades
            .iter()
            .any(|shade| shade.background == background)
    };
    let shades = match (shaded(false), shaded(true)) {
        (true, true) => {
            " Shaded: the windows of what was sought, yellow, and those of its background, grey."
        }
        (true, false) => " Shaded: the windows of what was sought.",
        _ => "",
    };
    format!("{what} as measured at chosen points of {whose}.{direction}{shades}")
}

fn add_curves(page: &mut Html, report: &Report<'_>) -> Result<(), FigureError> {
    let bands = if report.has_bands() && report.results.len() > MOST_BANDS {
        " Bars: one standard deviation over the seeds on either side of the mean, each curve's at steps of \
         its own."
    } else if report.has_bands() {
        " Bands: one standard deviation over the seeds on either side of the mean."
    } else {
        ""
    };
    let marks = if report.marks.is_empty() {
        ""
    } else {
        " Upright lines: steps at which commands took effect, with their numbers in the table above."
    };
    let changes = report.changes.map_or_else(String::new, |changes| {
        format!(
            " Curves are broken where another target was sought: {}.",
            changes.words
        )
    });
    let bands = &format!("{bands}{marks}{changes}");
    page.heading("How well it went");
    page.figure(
        &report.learning(),
        &format!(
            "Mean absolute error, mean and uncertainty of the surrogate over all candidates, and \
             coverage of the target space, against step.{bands}"
        ),
    )?;
    let coverage = report.coverages();
    // A lone panel repeats what the figure above shows.
    if coverage.panels.len() > 1 {
        let panels = coverage.panels.iter();
        let names: Vec<_> = panels.map(|panel| &*panel.quantity).collect();
        let caption = format!("{} against step.{bands}", capitalised(&names.join(", ")));
        page.figure(&coverage, &caption)?;
    }
    let errors = report.errors();
    if !errors.panels.is_empty() {
        let caption = format!(
            "Mean absolute error and mean negative log predictive density of the surrogate of each response that \
             was sought, over all candidates, against step.{bands}"
        );
        page.figure(&errors, &caption)?;
    }
    if let Some(map) = &report.map {
        page.figure(
            map,
            "The map to publish: mean and standard deviation that all points give, and its absolute \
             error where the truth is known. It took no part in choosing points.",
        )?;
    }
    if let Some(surrogate) = &report.surrogate {
        page.figure(
            surrogate,
            "Mean and standard deviation of the surrogate that decided, after the last step, and its absolute \
             error where the truth is known.",
        )?;
    }
    let times = report.times();
    if !times.is_empty() {
        page.figure(
            &TimesFigure {
                campaigns: &times,
                marks: report.marks,
                narrow: false,
            },
            &format!(
                "Time per step{}: waiting for the experiment, training the surrogate, and \
                 choosing the next point.",
                if report.has_bands() {
                    ", mean over the seeds"
                } else {
                    ""
                }
            ),
        )?;
    }
    Ok(())
}

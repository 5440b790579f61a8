//! A comparison as figures and as one page: means with bands over the seeds, the campaigns of the
//! first seed where single points are shown.

use std::path::Path;

use beacon_kernel::{Candidate, Candidates};

use super::grids::{Grid, areas, at_steps};
use super::{Analysis, Comparison, Maps, MeanCurve, Metric, StrategyRuns, StudyError};
use crate::campaign::{CampaignError, Series};
use crate::data::files::Finished;
use crate::data::{Map, on_candidates};
use crate::figures::{
    LatentPlane, Metrics, Progress, ResponseErrors, StepTimes, StrategyResult, Trajectory,
};
use crate::page::{self, Report, Table};
use crate::plot::FigureError;
use crate::spaces::Spaces;

const TABLES: &str = "Tables: mean ± standard deviation over the seeds; “minus” stands before the \
                      strategy to which the mean of the differences is given, seed by seed; p is that of a paired \
                      t-test, at the last step shown.";

/// Writes the figures of [`page::write_figures`] and `report.html` into a folder, for the data
/// of the comparison. The first strategy is shown in latent space, where that is among `spaces`.
///
/// # Errors
/// When campaigns measured candidates that the data do not have, or a file cannot be written.
pub fn write_report(
    folder: &Path,
    comparison: &Comparison,
    analysis: &Analysis,
    maps: &Maps,
    spaces: Option<&Spaces>,
    letters: bool,
) -> Result<(), StudyError> {
    let plan = &comparison.plan;
    let Maps { image, target } = maps;
    let candidates = (plan.campaign.candidates(image.height(), image.width()))
        .map_err(|e| StudyError::Start(Box::new(CampaignError::from(e))))?;
    let target = target.as_ref();
    let target = target.map(|target| on_candidates(target, candidates));

    let metrics = comparison.metrics();
    let shown: Vec<_> = (comparison.strategies.iter())
        .map(|runs| Shown::new(runs, &metrics, candidates))
        .collect::<Result<_, _>>()?;
    let (name, units) = (&plan.dataset.quantity, &plan.dataset.units);
    let errors: Vec<_> = shown.iter().map(|of| of.errors(name, units)).collect();
    let results = shown.iter().zip(&errors);
    let results: Vec<_> = results
        .map(|(shown, errors)| shown.result(errors))
        .collect();
    let plane = spaces.and_then(Spaces::latent).map(LatentPlane::new);
    let latent = plane.as_ref().zip(shown.first());
    let notes: Vec<_> = (std::iter::once(TABLES.to_owned()))
        .chain(
            analysis
                .notes
                .iter()
                .filter(|note| !comparison.notes.contains(note))
                .cloned(),
        )
        .collect();
    let settings = toml::to_string(plan).map_err(|e| StudyError::Unwritable {
        path: folder.join("report.html"),
        reason: e.to_string(),
    })?;
    let page = Report {
        title: &title(comparison),
        lead: &lead(comparison, candidates.count(), target.as_ref()),
        image,
        target: target.as_ref(),
        results: &results,
        surrogate: None,
        map: None,
        pairs: None,
        latent: latent
            .map(|(plane, shown)| plane.figure(shown.strategy, &shown.seeds, &shown.order)),
        spectra: None,
        components: None,
        story: &[],
        marks: &[],
        changes: None,
        letters,
        tables: &tables(comparison, analysis),
        notes: &notes,
        settings: &settings,
        warnings: &comparison.notes,
        provenance: &[("data", plan.dataset.name.clone())],
    };
    page::write_figures(folder, &page, &Finished::nothing())?;
    Ok(page::write_report(&folder.join("report.html"), &page)?)
}

/// What was compared, with files by their names alone.
fn title(comparison: &Comparison) -> String {
    let name = &comparison.plan.dataset.name;
    let parts = name
        .split(", ")
        .map(|part| part.rsplit('/').next().unwrap_or(part));
    let parts: Vec<_> = parts.collect();
    let strategies = match comparison.strategies.len() {
        1 => "1 strategy".to_owned(),
        count => format!("{count} strategies"),
    };
    format!("{strategies} on {}", parts.join(", "))
}

/// What was done, in two sentences.
fn lead(comparison: &Comparison, candidates: usize, target: Option<&Map>) -> String {
    let plan = &comparison.plan;
    let sought = target.map_or("a response", |target| &target.quantity);
    let start = match (plan.start.len(), plan.campaign.initial) {
        (0, initial) => format!("{initial} random points"),
        (given, _) => format!("{given} given points"),
    };
    let campaigns = match plan.seeds {
        1 => "one campaign".to_owned(),
        seeds => format!("{seeds} campaigns"),
    };
    let shown = if plan.seeds > 1 {
        " Curves and figures are means over the campaigns, single points those of the first."
    } else {
        ""
    };
    format!(
        "Each strategy chose {} of {candidates} candidates for measuring {sought}, with windows of \
         {} pixels, in {campaigns} that began with {start}, the same for all strategies.{shown}",
        plan.campaign.steps, plan.campaign.window
    )
}

/// The areas, the headline metrics at the chosen steps, and the discoveries.
fn tables(comparison: &Comparison, analysis: &Analysis) -> Vec<Table> {
    let metrics = comparison.metrics();
    let areas = metrics.iter().filter_map(|metric| metric.area);
    let areas = areas.map(|area| areas_of(comparison, analysis, area));
    let headline = metrics.iter().filter(|metric| metric.headline);
    let at = headline.map(|metric| at_steps(comparison, analysis, metric, &analysis.at));
    let grids = areas.chain(at).filter(|grid| !grid.rows.is_empty());
    let tables = grids.map(Table::from);
    tables.chain(discoveries(comparison, analysis)).collect()
}

/// When each planted behaviour was met, a row a behaviour; `None` where nothing is planted.
fn discoveries(comparison: &Comparison, analysis: &Analysis) -> Option<Table> {
    let planted = &analysis.strategies.first()?.discoveries;
    let steps = comparison.plan.campaign.steps;
    let rows = planted.iter().map(|planted| {
        let rare = if planted.rare { ", rare" } else { "" };
        let cells = analysis.strategies.iter().map(|strategy| {
            let mut all = strategy.discoveries.iter();
            let Some(found) = all.find(|found| found.behaviour == planted.behaviour) else {
                return String::new();
            };
            let median = match found.median_first_step {
                Some(step) => step.to_string(),
                None => format!("beyond {steps}"),
            };
            format!("{median} ({} of {})", found.found, strategy.seeds.len())
        });
        let name = format!("{}{rare}", planted.behaviour);
        std::iter::once(name).chain(cells).collect()
    });
    let strategies = analysis.strategies.iter().map(|s| s.strategy.clone());
    let header = std::iter::once("behaviour".to_owned()).chain(strategies);
    (!planted.is_empty()).then(|| Table {
        caption: "Planted behaviours: median over the seeds of the step of the first measurement \
                  on each, 0 for a seed, and with how many seeds it was found."
            .to_owned(),
        header: header.collect(),
        rows: rows.collect(),
    })
}

fn areas_of(comparison: &Comparison, analysis: &Analysis, area: &str) -> Grid {
    let grid = areas(comparison, analysis, area);
    Grid {
        title: format!("{} (area under the curve)", grid.title),
        ..grid
    }
}

impl From<Grid> for Table {
    fn from(grid: Grid) -> Self {
        // Numbers as they are set: a line is never broken behind a minus sign.
        let set = |cell: &String| {
            if cell.contains('±') || cell.parse::<f64>().is_ok() {
                cell.replace('-', "\u{2212}").replace('±', " ± ")
            } else {
                cell.clone()
            }
        };
        let rows = grid.rows.iter();
        Self {
            caption: grid.title,
            header: grid.head.iter().map(set).collect(),
            rows: rows.map(|row| row.iter().map(set).collect()).collect(),
        }
    }
}

/// Pixels of candidates as `(row, column)`.
fn pixels(
    what: &'static str,
    numbers: &[usize],
    candidates: Candidates,
) -> Result<Vec<(usize, usize)>, FigureError> {
    let pixel = |(index, &candidate): (usize, &usize)| {
        let number = u32::try_from(candidate).unwrap_or(u32::MAX);
        let pixel = candidates.pixel(Candidate(number));
        let pixel = pixel.map_err(|_| FigureError::Candidate {
            what,
            index: index + 1,
            candidate,
            candidates: candidates.count(),
        })?;
        Ok((pixel.row, pixel.column))
    };
    numbers.iter().enumerate().map(pixel).collect()
}

/// What is drawn of one strategy.
struct Shown<'a> {
    strategy: &'a str,
    /// Candidate numbers and pixels of the first campaign.
    seeds: Vec<usize>,
    order: Vec<usize>,
    seed_pixels: Vec<(usize, usize)>,
    step_pixels: Vec<(usize, usize)>,
    /// Whether curves have bands.
    several: bool,
    curves: Vec<(&'a str, MeanCurve)>,
    /// Responses that were sought beside the first, with their units.
    further: Vec<(&'a str, &'a str)>,
    /// Mean seconds of each step on measuring, training and deciding.
    times: [Vec<f64>; 3],
}

impl<'a> Shown<'a> {
    fn new(
        runs: &'a StrategyRuns,
        metrics: &'a [Metric],
        candidates: Candidates,
    ) -> Result<Self, StudyError> {
        let numbers = |all: &[u32]| all.iter().map(|&n| n as usize).collect::<Vec<_>>();
        let first = runs.runs.first().map(|run| &run.campaign);
        let seeds = first.map_or_else(Vec::new, |campaign| numbers(&campaign.seeds));
        let order = first.map_or_else(Vec::new, |campaign| numbers(&campaign.order));
        let further = runs.runs.first().map(|run| &run.campaign.series.further);
        let further = further.into_iter().flatten();
        let curves = metrics.iter().filter_map(|metric| {
            let curve = runs.curve(metric)?;
            let known = curve.mean.iter().any(|value| value.is_finite());
            known.then_some((&*metric.name, curve))
        });
        Ok(Self {
            strategy: &runs.strategy,
            seed_pixels: pixels("seed", &seeds, candidates)?,
            step_pixels: pixels("step", &order, candidates)?,
            seeds,
            order,
            several: runs.runs.len() > 1,
            curves: curves.collect(),
            further: further.map(|of| (&*of.target, &*of.units)).collect(),
            times: [
                mean(runs, |series| &series.measuring_seconds),
                mean(runs, |series| &series.training_seconds),
                mean(runs, |series| &series.deciding_seconds),
            ],
        })
    }

    fn progress(&self, metric: &str) -> Progress<'_> {
        let curve = self.curves.iter().find(|(name, _)| *name == metric);
        curve.map_or_else(Progress::default, |(_, curve)| Progress {
            mean: &curve.mean,
            sd: self.several.then_some(&curve.sd),
        })
    }

    /// The errors of each response, where several were sought; nothing where one was.
    fn errors<'r>(&'r self, name: &'r str, units: &'r str) -> Vec<ResponseErrors<'r>> {
        if self.further.is_empty() {
            return Vec::new();
        }
        let first = ResponseErrors {
            response: name,
            units,
            mae: self.progress("mae"),
            nlpd: self.progress("nlpd"),
        };
        let further = self
            .further
            .iter()
            .map(|&(response, units)| ResponseErrors {
                response,
                units,
                mae: self.progress(&format!("mae:{response}")),
                nlpd: self.progress(&format!("nlpd:{response}")),
            });
        std::iter::once(first).chain(further).collect()
    }

    /// The strategy as figures take it.
    fn result<'r>(&'r self, errors: &'r [ResponseErrors<'r>]) -> StrategyResult<'r> {
        let [measuring, training, deciding] = &self.times;
        StrategyResult {
            trajectory: Trajectory {
                strategy: self.strategy,
                seeds: &self.seed_pixels,
                steps: &self.step_pixels,
                ..Trajectory::default()
            },
            metrics: Metrics {
                mae: self.progress("mae"),
                surrogate_mean: self.progress("surrogate_mean"),
                surrogate_sigma: self.progress("surrogate_sigma"),
                target_coverage: self.progress("target_coverage"),
                patch_coverage: self.progress("patch_coverage"),
                range_coverage: Progress::default(),
                latent_coverage: self.progress("latent_coverage"),
                response_cluster_coverage: self.progress("response_cluster_coverage"),
                errors,
            },
            times: StepTimes {
                measuring,
                training,
                deciding,
            },
        }
    }
}

/// Mean over the campaigns, step by step, of times that all of them know.
fn mean(runs: &StrategyRuns, times: fn(&Series) -> &[f64]) -> Vec<f64> {
    let all: Vec<_> = runs
        .runs
        .iter()
        .map(|run| times(&run.campaign.series))
        .collect();
    let steps = all.iter().map(|times| times.len()).min().unwrap_or(0);
    let mean = |step| all.iter().map(|times| times[step]).sum::<f64>() / all.len() as f64;
    (0..steps).map(mean).collect()
}

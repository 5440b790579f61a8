//! The run folder: everything about one campaign, in files that other programs open.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Measurement, Outcome, Summary};
use crate::map::Map;
use crate::microscope::Microscope;
use crate::report::{
    self, Acquisition, CoverageFigure, Curve, Metrics, OverviewFigure, PanelsFigure, Progress,
    Report, ReportError, StepTimes, StrategyResult, SurrogateFigure, TargetFigure, TimesFigure,
    Trajectory, TrajectoryFigure, save_both,
};

/// Why a run folder could not be written; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The file system refused.
    #[error("`{}`: cannot be written: {source}", path.display())]
    Write {
        /// File or folder.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// A table or figure could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The configuration or summary has no file form.
    #[error("`{}`: {reason}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// Pixels of measurements as `(row, column)`.
fn pixels(points: &[Measurement]) -> Vec<(usize, usize)> {
    points
        .iter()
        .map(|m| (m.pixel.row, m.pixel.column))
        .collect()
}

/// Writes one campaign into `folder`, which is made if it does not exist.
///
/// | file | what |
/// |---|---|
/// | `report.html` | all of the campaign in one page: figures, table, settings, warnings |
/// | `config.toml` | `provenance`: what the campaign was asked to do |
/// | `acquisitions.csv` | step, row, column, value, score, predicted mean and standard deviation |
/// | `surrogate_mean.npy`, `surrogate_sigma.npy` | final maps, float64, NaN off the candidates |
/// | `summary.json` | [`Summary`] |
/// | `trajectory`, `target`, `coverage`, `surrogate` | figures, each as `.png` and `.svg` |
/// | `overview`, `learning`, `times` | likewise: image and response, metrics and time by step |
///
/// # Errors
/// When the folder or a file cannot be written; no file is ever left half-written.
pub fn write_run(
    folder: &Path,
    outcome: &Outcome,
    microscope: &dyn Microscope,
    provenance: &impl Serialize,
) -> Result<(), FolderError> {
    make(folder)?;
    let image = microscope.image();
    let config = folder.join("config.toml");
    let settings = toml::to_string(provenance).map_err(|e| FolderError::Form {
        path: config.clone(),
        reason: e.to_string(),
    })?;
    report::write_file(&config, settings.as_bytes())?;
    report::write_acquisitions(&folder.join("acquisitions.csv"), &acquisitions(outcome))?;
    let summary = folder.join("summary.json");
    let text =
        serde_json::to_vec_pretty(&Summary::new(outcome)).map_err(|e| FolderError::Form {
            path: summary.clone(),
            reason: e.to_string(),
        })?;
    report::write_file(&summary, &text)?;

    let points = Points::new(outcome);
    let results = [points.result(outcome)];
    let trajectory = results[0].trajectory;
    let target = microscope
        .truth()
        .map(|truth| on_candidates(truth, outcome));
    let target = target.as_ref();
    let surrogate = match (&outcome.mean, &outcome.sigma) {
        (Some(mean), Some(sigma)) => Some(SurrogateFigure {
            mean,
            sigma,
            truth: target,
        }),
        _ => None,
    };
    save_both(
        folder,
        "trajectory",
        &TrajectoryFigure { image, trajectory },
    )?;
    save_both(folder, "overview", &OverviewFigure { image, target })?;
    if let Some(target) = target {
        let campaigns = &[trajectory];
        save_both(folder, "target", &TargetFigure { target, campaigns })?;
    }
    let units = target.map_or("", |target| &target.units);
    save_both(folder, "learning", &PanelsFigure::learning(&results, units))?;
    write_coverage(folder, &results)?;
    let times = [(trajectory.strategy, results[0].times)];
    save_both(folder, "times", &TimesFigure { campaigns: &times })?;
    if let Some(surrogate) = &surrogate {
        report::write_npy(&folder.join("surrogate_mean.npy"), surrogate.mean)?;
        report::write_npy(&folder.join("surrogate_sigma.npy"), surrogate.sigma)?;
        save_both(folder, "surrogate", surrogate)?;
    } else {
        for stale in [
            "surrogate_mean.npy",
            "surrogate_sigma.npy",
            "surrogate.png",
            "surrogate.svg",
        ] {
            // Of an earlier run in this folder; there is none as a rule.
            let _ = std::fs::remove_file(folder.join(stale));
        }
    }
    let page = Report {
        title: &format!("{} on {}", outcome.config.strategy, image.quantity),
        lead: &lead(&[outcome], target),
        image,
        target,
        results: &results,
        surrogate,
        latent: None,
        spectra: None,
        tables: &[],
        settings: &settings,
        warnings: &outcome.warnings,
        provenance: &[("seed", outcome.config.seed.to_string())],
    };
    Ok(report::write_report(&folder.join("report.html"), &page)?)
}

/// Writes what shows campaigns on the same data side by side: the trajectory of the first,
/// target maps with the points each visited, coverage against step, the figures of
/// [`report::write_figures`], and all of it in `report.html`.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write_side_by_side(
    folder: &Path,
    outcomes: &[&Outcome],
    microscope: &dyn Microscope,
    provenance: &impl Serialize,
) -> Result<(), FolderError> {
    make(folder)?;
    let image = microscope.image();
    let Some(first) = outcomes.first() else {
        return Ok(());
    };
    let settings = toml::to_string(provenance).map_err(|e| FolderError::Form {
        path: folder.join("report.html"),
        reason: e.to_string(),
    })?;
    let points: Vec<_> = outcomes
        .iter()
        .map(|outcome| Points::new(outcome))
        .collect();
    let results: Vec<_> = points
        .iter()
        .zip(outcomes)
        .map(|(points, outcome)| points.result(outcome))
        .collect();
    let campaigns: Vec<_> = results.iter().map(|result| result.trajectory).collect();
    let trajectory = campaigns[0];
    let target = microscope.truth().map(|truth| on_candidates(truth, first));
    let target = target.as_ref();
    save_both(
        folder,
        "trajectory",
        &TrajectoryFigure { image, trajectory },
    )?;
    if let Some(target) = target {
        let campaigns = &campaigns;
        save_both(folder, "target", &TargetFigure { target, campaigns })?;
    }
    write_coverage(folder, &results)?;
    let names: Vec<_> = campaigns.iter().map(|c| c.strategy).collect();
    let warnings = outcomes.iter().flat_map(|outcome| {
        let strategy = &outcome.config.strategy;
        let warnings = outcome.warnings.iter();
        warnings.map(move |warning| format!("{strategy}: {warning}"))
    });
    let page = Report {
        title: &format!("{} on {}", names.join(" and "), image.quantity),
        lead: &lead(outcomes, target),
        image,
        target,
        results: &results,
        surrogate: None,
        latent: None,
        spectra: None,
        tables: &[],
        settings: &settings,
        warnings: &warnings.collect::<Vec<_>>(),
        provenance: &[("seed", first.config.seed.to_string())],
    };
    report::write_figures(folder, &page)?;
    Ok(report::write_report(&folder.join("report.html"), &page)?)
}

/// Where a campaign measured, for the figures.
struct Points {
    seeds: Vec<(usize, usize)>,
    steps: Vec<(usize, usize)>,
}

impl Points {
    fn new(outcome: &Outcome) -> Self {
        Self {
            seeds: pixels(&outcome.seeds),
            steps: pixels(&outcome.steps),
        }
    }

    /// The campaign as figures take it.
    fn result<'a>(&'a self, outcome: &'a Outcome) -> StrategyResult<'a> {
        let series = &outcome.series;
        StrategyResult {
            trajectory: Trajectory {
                strategy: &outcome.config.strategy,
                seeds: &self.seeds,
                steps: &self.steps,
            },
            metrics: Metrics {
                mae: Progress::of_one(&series.mae),
                surrogate_mean: Progress::of_one(&series.surrogate_mean),
                surrogate_sigma: Progress::of_one(&series.surrogate_sigma),
                target_coverage: Progress::of_one(&series.target_coverage),
                ..Metrics::default()
            },
            times: StepTimes {
                measuring: &series.measuring_seconds,
                training: &series.training_seconds,
                deciding: &series.deciding_seconds,
            },
        }
    }
}

/// What was done, in a sentence.
fn lead(outcomes: &[&Outcome], target: Option<&Map>) -> String {
    let Some(first) = outcomes.first() else {
        return String::new();
    };
    let sought = target.map_or("a response", |target| &target.quantity);
    let who = if outcomes.len() > 1 {
        "Each strategy"
    } else {
        &first.config.strategy
    };
    let most = outcomes.iter().map(|outcome| outcome.steps.len()).max();
    let all = outcomes.iter().all(|o| Some(o.steps.len()) == most);
    format!(
        "{who} chose {}{} of {} candidates for measuring {sought}, after {} seeds, with windows \
         of {} pixels.",
        if all { "" } else { "up to " },
        most.unwrap_or(0),
        first.candidates,
        first.seeds.len(),
        first.config.window
    )
}

fn write_coverage(folder: &Path, results: &[StrategyResult<'_>]) -> Result<(), ReportError> {
    let curves: Vec<_> = results
        .iter()
        .map(|result| {
            let values = result.metrics.target_coverage.mean;
            Curve::of(result.trajectory.strategy, values, None)
        })
        .collect();
    let figure = CoverageFigure {
        quantity: "target coverage",
        curves: &curves,
    };
    save_both(folder, "coverage", &figure)
}

/// The response where there are candidates, NaN elsewhere.
fn on_candidates(truth: &Map, outcome: &Outcome) -> Map {
    let mut target = truth.clone();
    if let Some(mean) = &outcome.mean {
        for (value, known) in target.values.iter_mut().zip(&mean.values) {
            if known.is_nan() {
                *value = f64::NAN;
            }
        }
    }
    target
}

fn acquisitions(outcome: &Outcome) -> Vec<Acquisition> {
    let row = |step: usize, point: &Measurement| {
        let proposal = point.proposal.filter(|_| step > 0);
        let expected = point.expected.filter(|_| step > 0);
        Acquisition {
            step,
            row: point.pixel.row,
            column: point.pixel.column,
            value: point.response,
            score: proposal.map(|p| f64::from(p.score)),
            mean: expected.map(|e| e.mean),
            std: expected.map(|e| e.sigma),
        }
    };
    let seeds = outcome.seeds.iter().map(|point| row(0, point));
    let steps = (1..)
        .zip(&outcome.steps)
        .map(|(step, point)| row(step, point));
    seeds.chain(steps).collect()
}

fn make(folder: &Path) -> Result<(), FolderError> {
    std::fs::create_dir_all(folder).map_err(|source| FolderError::Write {
        path: folder.to_owned(),
        source,
    })
}

//! The run folder: everything about one campaign, in files that other programs open.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Measurement, Outcome, Summary};
use crate::map::Map;
use crate::microscope::Microscope;
use crate::report::{
    self, Acquisition, CoverageFigure, Curve, ReportError, Stroke, SurrogateFigure, TargetFigure,
    Trajectory, TrajectoryFigure,
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
/// | `config.toml` | `provenance`: what the campaign was asked to do |
/// | `acquisitions.csv` | step, row, column, value, score, predicted mean and standard deviation |
/// | `surrogate_mean.npy`, `surrogate_sigma.npy` | final maps, float64, NaN off the candidates |
/// | `summary.json` | [`Summary`] |
/// | `trajectory.png`, `target.png`, `coverage.png`, `surrogate.png` | figures |
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
    let text = toml::to_string(provenance).map_err(|e| FolderError::Form {
        path: config.clone(),
        reason: e.to_string(),
    })?;
    report::write_file(&config, text.as_bytes())?;
    report::write_acquisitions(&folder.join("acquisitions.csv"), &acquisitions(outcome))?;
    let summary = folder.join("summary.json");
    let text =
        serde_json::to_vec_pretty(&Summary::new(outcome)).map_err(|e| FolderError::Form {
            path: summary.clone(),
            reason: e.to_string(),
        })?;
    report::write_file(&summary, &text)?;

    let seeds = pixels(&outcome.seeds);
    let steps = pixels(&outcome.steps);
    let trajectory = Trajectory {
        strategy: &outcome.config.strategy,
        seeds: &seeds,
        steps: &steps,
    };
    report::save(
        &TrajectoryFigure { image, trajectory },
        &folder.join("trajectory.png"),
    )?;
    let target = microscope
        .truth()
        .map(|truth| on_candidates(truth, outcome));
    if let Some(target) = &target {
        let campaigns = &[trajectory];
        report::save(
            &TargetFigure { target, campaigns },
            &folder.join("target.png"),
        )?;
    }
    write_coverage(&folder.join("coverage.png"), &[outcome])?;
    if let (Some(mean), Some(sigma)) = (&outcome.mean, &outcome.sigma) {
        report::write_npy(&folder.join("surrogate_mean.npy"), mean)?;
        report::write_npy(&folder.join("surrogate_sigma.npy"), sigma)?;
        let figure = SurrogateFigure {
            mean,
            sigma,
            truth: target.as_ref(),
        };
        report::save(&figure, &folder.join("surrogate.png"))?;
    } else {
        for stale in ["surrogate_mean.npy", "surrogate_sigma.npy", "surrogate.png"] {
            // Of an earlier run in this folder; there is none as a rule.
            let _ = std::fs::remove_file(folder.join(stale));
        }
    }
    Ok(())
}

/// Writes the figures that show campaigns on the same data side by side: the trajectory of the
/// first, target maps with the points each visited, and coverage against step.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write_side_by_side(
    folder: &Path,
    outcomes: &[&Outcome],
    microscope: &dyn Microscope,
) -> Result<(), FolderError> {
    make(folder)?;
    let image = microscope.image();
    let points: Vec<_> = outcomes
        .iter()
        .map(|outcome| (pixels(&outcome.seeds), pixels(&outcome.steps)))
        .collect();
    let campaigns: Vec<_> = outcomes
        .iter()
        .zip(&points)
        .map(|(outcome, (seeds, steps))| Trajectory {
            strategy: &outcome.config.strategy,
            seeds,
            steps,
        })
        .collect();
    if let (Some(first), Some(&trajectory)) = (outcomes.first(), campaigns.first()) {
        let figure = TrajectoryFigure { image, trajectory };
        report::save(&figure, &folder.join("trajectory.png"))?;
        if let Some(truth) = microscope.truth() {
            let target = on_candidates(truth, first);
            let figure = TargetFigure {
                target: &target,
                campaigns: &campaigns,
            };
            report::save(&figure, &folder.join("target.png"))?;
        }
    }
    write_coverage(&folder.join("coverage.png"), outcomes)
}

fn write_coverage(path: &Path, outcomes: &[&Outcome]) -> Result<(), FolderError> {
    let curves: Vec<_> = outcomes
        .iter()
        .map(|outcome| Curve {
            label: &outcome.config.strategy,
            strategy: &outcome.config.strategy,
            values: &outcome.series.target_coverage,
            spread: None,
            stroke: Stroke::Solid,
        })
        .collect();
    let figure = CoverageFigure {
        quantity: "target coverage",
        curves: &curves,
    };
    Ok(report::save(&figure, path)?)
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

//! The run folder: everything about one campaign, in files that other programs open.

use std::path::{Path, PathBuf};

use beacon_kernel::MOST_RESPONSES;
use serde::Serialize;

use super::component_weights::ComponentWeights;
use super::page::{ReportExtras, with_report};
use super::{History, Measurement, Outcome};
use crate::data::files::{self, Acquisition, Finished, FurtherColumns, WriteError};
use crate::experiment::Experiment;
use crate::page;
use crate::plot::FigureError;
use crate::spaces::Spaces;

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
    /// A table or map could not be written.
    #[error(transparent)]
    File(#[from] WriteError),
    /// A figure could not be drawn or written.
    #[error(transparent)]
    Report(#[from] FigureError),
    /// The configuration or summary has no file form.
    #[error("`{}`: {reason}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// A campaign whose folder is written.
#[derive(Clone, Copy)]
pub struct RunFiles<'a> {
    /// What it came to.
    pub outcome: &'a Outcome,
    /// What it measured.
    pub experiment: &'a dyn Experiment,
    /// The spaces that it was judged in.
    pub spaces: Option<&'a Spaces>,
    /// What happened beside the measurements, of a campaign that has a journal.
    pub history: Option<&'a History>,
    /// Whether the panels of figures have letters.
    pub letters: bool,
}

impl<'a> RunFiles<'a> {
    /// A campaign without a journal, and figures without letters.
    pub fn new(
        outcome: &'a Outcome,
        experiment: &'a dyn Experiment,
        spaces: Option<&'a Spaces>,
    ) -> Self {
        Self {
            outcome,
            experiment,
            spaces,
            history: None,
            letters: false,
        }
    }
}

/// Writes one campaign into `folder`, which is made if it does not exist: those of its files that are
/// not `finished`. What an earlier campaign left there is replaced, and removed where this one has
/// no such file.
///
/// | file | what |
/// |---|---|
/// | `report.html` | all of the campaign in one page: figures, tables, settings, warnings |
/// | `config.toml` | `provenance`: the settings of the campaign |
/// | `acquisitions.csv` | step, row, column, value, score, predicted mean and standard deviation; value, mean and standard deviation of each further response |
/// | `map_mean.npy`, `map_sigma.npy` | the map to publish, float64, NaN off the candidates |
/// | `surrogate_mean.npy`, `surrogate_sigma.npy` | final maps of the surrogate that decided, likewise |
/// | `surrogate_mean_2.npy`, `surrogate_sigma_2.npy` … | the same of the second response, and of further ones |
/// | `summary.json` | `summary`: a [`Summary`](super::Summary), or one with more in it |
/// | `components.csv` | of components of spectra the weight of each channel, a column a component |
/// | figures | those of [`page::write_figures`], each as `.png`, `.svg` and `.pdf` |
///
/// The latent plane is drawn where it is among `spaces`, spectra where the experiment keeps them.
///
/// # Errors
/// When the folder or a file cannot be written; no file is ever left half-written.
pub fn write_run(
    folder: &Path,
    run: &RunFiles<'_>,
    provenance: &impl Serialize,
    summary: &impl Serialize,
    finished: &Finished,
) -> Result<(), FolderError> {
    make(folder)?;
    let outcome = run.outcome;
    let config = folder.join("config.toml");
    let settings = settings(&config, provenance)?;
    finished.once("config.toml", || {
        files::write_file(&config, settings.as_bytes())
    })?;
    finished.once("acquisitions.csv", || {
        let further = further_columns(outcome);
        let table = folder.join("acquisitions.csv");
        files::write_acquisitions(&table, &acquisitions(outcome), &further)
    })?;
    let file = folder.join("summary.json");
    let text = serde_json::to_vec_pretty(summary).map_err(|e| no_form(&file, &e))?;
    finished.once("summary.json", || files::write_file(&file, &text))?;
    let published = outcome.map.as_ref();
    for (name, map) in [
        ("map_mean.npy", published.map(|map| &map.mean)),
        ("map_sigma.npy", published.map(|map| &map.sigma)),
        ("surrogate_mean.npy", outcome.mean.as_ref()),
        ("surrogate_sigma.npy", outcome.sigma.as_ref()),
    ] {
        let file = folder.join(name);
        match map {
            Some(map) => finished.once(name, || files::write_npy(&file, map))?,
            None => files::remove_file(&file)?,
        }
    }
    for number in 2..=MOST_RESPONSES {
        let further = outcome.further.get(number - 2);
        let surrogate = further.and_then(|of| of.surrogate.as_ref());
        for (what, map) in [
            ("mean", surrogate.map(|(mean, _)| mean)),
            ("sigma", surrogate.map(|(_, sigma)| sigma)),
        ] {
            let name = format!("surrogate_{what}_{number}.npy");
            let file = folder.join(&name);
            match map {
                Some(map) => finished.once(&name, || files::write_npy(&file, map))?,
                None => files::remove_file(&file)?,
            }
        }
    }
    let table = folder.join("components.csv");
    match ComponentWeights::new(outcome, run.experiment) {
        Some(weights) => finished.once("components.csv", || {
            files::write_file(&table, &weights.table())
        })?,
        None => files::remove_file(&table)?,
    }
    let told = ReportExtras {
        settings: &settings,
        history: run.history,
        letters: run.letters,
    };
    with_report(&[outcome], run.experiment, run.spaces, &told, |page| {
        page::write_figures(folder, page, finished)?;
        finished.once("report.html", || {
            page::write_report(&folder.join("report.html"), page)
        })
    })?;
    Ok(())
}

/// Writes what shows campaigns on the same data side by side: the figures of
/// [`page::write_figures`], and all of them with the tables in `report.html`. The first
/// campaign is the one that is shown where there is room for one.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write_side_by_side(
    folder: &Path,
    outcomes: &[&Outcome],
    experiment: &dyn Experiment,
    spaces: Option<&Spaces>,
    provenance: &impl Serialize,
    letters: bool,
) -> Result<(), FolderError> {
    make(folder)?;
    if outcomes.is_empty() {
        return Ok(());
    }
    let file = folder.join("report.html");
    let settings = settings(&file, provenance)?;
    let told = ReportExtras {
        settings: &settings,
        history: None,
        letters,
    };
    with_report(outcomes, experiment, spaces, &told, |page| {
        page::write_figures(folder, page, &Finished::nothing())?;
        page::write_report(&file, page)
    })?;
    Ok(())
}

/// Settings as TOML for a file.
fn settings(file: &Path, provenance: &impl Serialize) -> Result<String, FolderError> {
    toml::to_string(provenance).map_err(|e| no_form(file, &e))
}

fn no_form(file: &Path, reason: &dyn std::fmt::Display) -> FolderError {
    FolderError::Form {
        path: file.to_owned(),
        reason: reason.to_string(),
    }
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

fn further_columns(outcome: &Outcome) -> Vec<FurtherColumns> {
    let further = outcome.further.iter().map(|of| FurtherColumns {
        name: of.target.clone(),
        values: of.values.clone(),
        expected: (of.expected.iter().enumerate())
            .map(|(n, expected)| {
                let expected = expected.filter(|_| n >= outcome.seeds.len())?;
                Some((expected.mean, expected.sigma))
            })
            .collect(),
    });
    further.collect()
}

fn make(folder: &Path) -> Result<(), FolderError> {
    std::fs::create_dir_all(folder).map_err(|source| FolderError::Write {
        path: folder.to_owned(),
        source,
    })
}

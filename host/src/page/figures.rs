//! The figures of a report as files.

use std::path::Path;

use super::report::Report;
use crate::data::files::{Finished, remove_file};
use crate::figures::{
    CoverageFigure, Curve, TargetFigure, TimesFigure, TrajectoriesFigure, TrajectoryFigure,
};
use crate::plot::{FORMS, Figure, FigureError, FigureStyle, save_all};

/// Every figure that [`write_figures`] may write.
pub const FIGURES: [&str; 16] = [
    "overview",
    "trajectory",
    "target",
    "trajectories",
    "trajectories_target",
    "learning",
    "coverage",
    "coverages",
    "errors",
    "map",
    "surrogate",
    "times",
    "pairs",
    "latent",
    "spectra",
    "components",
];

/// As many panels as a row of target maps has room for.
const MOST_TARGETS: usize = 3;

/// Writes the figures of the report into `folder` that are not `finished`, each as PNG, SVG and PDF, and
/// removes those of
/// [`FIGURES`] that an earlier report left there and this one does not have:
///
/// | name | what |
/// |---|---|
/// | `overview` | image and true response: [`crate::figures::OverviewFigure`] |
/// | `trajectory` | the first campaign over the image: [`TrajectoryFigure`] |
/// | `target` | up to three campaigns over the true response: [`TargetFigure`] |
/// | `trajectories` | several campaigns over the image: [`TrajectoriesFigure`] |
/// | `trajectories_target` | several campaigns over the true response |
/// | `learning` | the four curves of Figure 3 of the paper: [`crate::figures::PanelsFigure::learning`] |
/// | `coverage` | coverage of the target space: [`CoverageFigure`] |
/// | `coverages` | [`crate::figures::PanelsFigure::coverage`], where more than one coverage is known |
/// | `errors` | errors of the surrogate of each of several responses: [`crate::figures::PanelsFigure::errors`] |
/// | `map` | the map that a single campaign publishes, as the one that follows |
/// | `surrogate` | what the model of a single campaign came to: [`crate::figures::SurrogateFigure`] |
/// | `times` | time per step: [`TimesFigure`] |
/// | `pairs` | every pair of several responses: [`crate::figures::PairsFigure`] |
/// | `latent`, `spectra` | [`crate::figures::LatentFigure`] and [`crate::figures::SpectraFigure`] |
/// | `components` | what each channel counts in the components that were sought, as a [`crate::figures::SpectraFigure`] |
///
/// # Errors
/// When parts of a figure contradict each other or a file cannot be written.
pub fn write_figures(
    folder: &Path,
    report: &Report<'_>,
    finished: &Finished,
) -> Result<(), FigureError> {
    let mut written = Written {
        folder,
        finished,
        style: report.style(),
        names: Vec::new(),
    };
    let image = report.image;
    let campaigns = report.campaigns();
    written.add("overview", &report.overview())?;
    if let Some(&trajectory) = campaigns.first() {
        written.add("trajectory", &TrajectoryFigure { image, trajectory })?;
    }
    if let Some(target) = report.target.filter(|_| campaigns.len() <= MOST_TARGETS) {
        let campaigns = &campaigns;
        written.add("target", &TargetFigure { target, campaigns })?;
    }
    if campaigns.len() > 1 {
        written.add("trajectories", &TrajectoriesFigure::over(image, &campaigns))?;
        if let Some(target) = report.target {
            let over_target = TrajectoriesFigure::over(target, &campaigns);
            written.add("trajectories_target", &over_target)?;
        }
    }
    written.add("learning", &report.learning())?;
    let curves: Vec<_> = (report.results.iter())
        .map(|result| (result.trajectory.strategy, result.metrics.target_coverage))
        .filter(|(_, coverage)| !coverage.mean.is_empty())
        .map(|(strategy, coverage)| Curve::of(strategy, coverage.mean, coverage.sd))
        .collect();
    if !curves.is_empty() {
        let quantity = "target coverage";
        let curves = &curves;
        let marks = report.marks;
        let figure = CoverageFigure {
            quantity,
            curves,
            marks,
            breaks: report.breaks(),
        };
        written.add("coverage", &figure)?;
    }
    let coverages = report.coverages();
    if coverages.panels.len() > 1 {
        written.add("coverages", &coverages)?;
    }
    let errors = report.errors();
    if !errors.panels.is_empty() {
        written.add("errors", &errors)?;
    }
    if let Some(map) = &report.map {
        written.add("map", map)?;
    }
    if let Some(surrogate) = &report.surrogate {
        written.add("surrogate", surrogate)?;
    }
    let times = report.times();
    if !times.is_empty() {
        let figure = TimesFigure {
            campaigns: &times,
            marks: report.marks,
            narrow: false,
        };
        written.add("times", &figure)?;
    }
    if let Some(pairs) = &report.pairs {
        written.add("pairs", pairs)?;
    }
    if let Some(latent) = &report.latent {
        written.add("latent", latent)?;
    }
    if let Some(spectra) = &report.spectra {
        written.add("spectra", spectra)?;
    }
    if let Some(components) = &report.components {
        written.add("components", components)?;
    }
    written.remove_others()
}

/// The figures of this report so far.
struct Written<'a> {
    folder: &'a Path,
    finished: &'a Finished,
    style: FigureStyle,
    names: Vec<&'static str>,
}

impl Written<'_> {
    fn add(&mut self, name: &'static str, figure: &dyn Figure) -> Result<(), FigureError> {
        self.names.push(name);
        self.finished.once(&format!("{name}.svg"), || {
            save_all(self.folder, name, figure, self.style)
        })
    }

    fn remove_others(self) -> Result<(), FigureError> {
        let others = FIGURES.iter().filter(|name| !self.names.contains(name));
        for name in others {
            for form in FORMS {
                remove_file(&self.folder.join(name).with_extension(form))?;
            }
        }
        Ok(())
    }
}

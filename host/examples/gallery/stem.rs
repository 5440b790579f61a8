//! The published STEM-EDX runs.

use crate::read::{at, column, coords, indices, order};
use crate::{Outcome, Pixels};
use beacon_host::data::files::Finished;
use beacon_host::data::{Axis, Map};
use beacon_host::internal::figures::{
    Metrics, Progress, StepTimes, StrategyResult, TargetFigure, Trajectory, TrajectoryFigure,
};
use beacon_host::internal::page::{Report, write_figures, write_report};
use beacon_host::internal::plot::{FigureStyle, save_all};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub(crate) fn draw(folder: &Path, out: &Path) -> Outcome {
    let file = BufReader::new(File::open(folder.join("haadf.tiff"))?);
    let image = tiff::decoder::Decoder::new(file)?.read_image()?;
    let tiff::decoder::DecodingResult::U16(counts) = image else {
        return Err("expected an image of 16-bit counts".into());
    };
    // 64 pixels over the field of view in the file's own metadata.
    let axis = |name: &str| Axis {
        units: "nm".into(),
        scale: 92.76 / 64.0,
        ..Axis::pixels(name, 64)
    };
    let haadf = Map {
        values: counts.into_iter().map(f64::from).collect(),
        rows: axis("y"),
        columns: axis("x"),
        quantity: "HAADF".into(),
        units: "counts".into(),
    };
    let candidates = coords(&folder.join("coords.npy"))?;
    let seeds = at(&candidates, &indices(&folder.join("seeds.npy"))?);
    let names = ["EI", "MU", "BEACON"];
    let runs = names
        .iter()
        .map(|name| Run::read(&folder.join(format!("published_{}.csv", name.to_lowercase()))))
        .collect::<Outcome<Vec<_>>>()?;
    let steps: Vec<Pixels> = runs.iter().map(|run| at(&candidates, &run.order)).collect();
    let results: Vec<StrategyResult<'_>> = names
        .iter()
        .zip(&runs)
        .zip(&steps)
        .map(|((strategy, run), steps)| StrategyResult {
            trajectory: Trajectory {
                strategy,
                seeds: &seeds,
                steps,
                ..Trajectory::default()
            },
            metrics: Metrics {
                surrogate_mean: Progress::of_one(&run.mean),
                ..Metrics::default()
            },
            times: StepTimes {
                measuring: &run.measuring,
                training: &run.training,
                deciding: &run.deciding,
            },
        })
        .collect();
    let trajectory = results[2].trajectory;
    let figure = TrajectoryFigure {
        image: &haadf,
        trajectory,
    };
    save_all(out, "stem_trajectory", &figure, FigureStyle::default())?;
    let figure = TargetFigure {
        target: &haadf,
        campaigns: &[trajectory, trajectory],
    };
    save_all(out, "stem_target", &figure, FigureStyle::default())?;
    let report = Report {
        title: "The published STEM-EDX runs",
        lead: "",
        image: &haadf,
        target: None,
        results: &results,
        surrogate: None,
        map: None,
        pairs: None,
        components: None,
        changes: None,
        latent: None,
        spectra: None,
        story: &[],
        marks: &[],
        letters: false,
        tables: &[],
        notes: &[],
        settings: "",
        warnings: &[],
        provenance: &[],
    };
    let folder = out.join("stem");
    std::fs::create_dir_all(&folder)?;
    write_figures(&folder, &report, &Finished::nothing())?;
    write_report(&folder.join("report.html"), &report)?;
    Ok(())
}

/// What was published of a run.
struct Run {
    order: Vec<usize>,
    measuring: Vec<f64>,
    training: Vec<f64>,
    deciding: Vec<f64>,
    mean: Vec<f64>,
}

impl Run {
    fn read(file: &Path) -> Outcome<Self> {
        Ok(Self {
            order: order(file)?,
            measuring: column(file, "hardware_s")?,
            training: column(file, "train_s")?,
            deciding: column(file, "acquire_s")?,
            mean: column(file, "surrogate_mean")?,
        })
    }
}

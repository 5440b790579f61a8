//! What is hard to lay out: images that are not square, constant or huge values, many
//! strategies, one step, no seeds, long names.

use crate::{Outcome, Pixels};
use beacon_host::data::files::Finished;
use beacon_host::data::{Axis, Map};
use beacon_host::internal::figures::{
    Metrics, Progress, StepTimes, StrategyResult, TargetFigure, Trajectory, TrajectoryFigure,
};
use beacon_host::internal::page::{Report, Table, write_figures, write_report};
use beacon_host::internal::plot::save;
use std::path::Path;

/// Draws all of it.
pub(crate) fn draw(out: &Path) -> Outcome {
    large(out)?;
    let wave = |i: usize| 1e6 + (i as f64 / 7.0).sin();
    case(&out.join("wide"), (24, 160), wave, 40, 8)?;
    case(
        &out.join("tall"),
        (120, 30),
        |i| 1e-12 * (i % 37) as f64,
        25,
        2,
    )?;
    case(&out.join("constant"), (64, 64), |_| 3.5e-12, 1, 1)?;
    case(
        &out.join("many"),
        (64, 64),
        |i| (i % 64 * (i / 64)) as f64,
        150,
        8,
    )?;
    case(
        &out.join("four"),
        (64, 64),
        |i| (i % 64 + i / 64) as f64,
        60,
        4,
    )?;
    case(&out.join("six"), (40, 56), |i| (i % 56) as f64 * 1e6, 60, 6)
}

const NAMES: [&str; 8] = [
    "beacon",
    "beacon-elite",
    "beacon-structure",
    "ei",
    "mu",
    "random",
    "farthest",
    "a strategy whose name is much longer than any panel is wide",
];

/// Report and figures of made-up campaigns.
#[expect(clippy::too_many_lines, reason = "one figure after the other")]
fn case(
    out: &Path,
    (height, width): (usize, usize),
    value: impl Fn(usize) -> f64,
    steps: usize,
    strategies: usize,
) -> Outcome {
    let axis = |name: &str, size: usize| Axis {
        units: "um".into(),
        scale: 0.031,
        ..Axis::pixels(name, size)
    };
    let image = Map {
        values: (0..height * width).map(value).collect(),
        rows: axis("y", height),
        columns: axis("x", width),
        quantity: "secondary electron yield after background subtraction and drift".into(),
        units: "counts per second".into(),
    };
    let points: Vec<Pixels> = (0..strategies)
        .map(|strategy| {
            let at = |i: usize| (i * (31 + strategy) % height, i * (17 + strategy) % width);
            (1..=steps).map(at).collect()
        })
        .collect();
    let curve = |strategy: usize, slow: f64| -> Vec<f64> {
        let rate = 0.02 * (strategy + 1) as f64 / slow;
        (1..=steps)
            .map(|i| 1.0 - (-rate * i as f64).exp())
            .collect()
    };
    let coverage: Vec<Vec<f64>> = (0..strategies).map(|s| curve(s, 1.0)).collect();
    let patches: Vec<Vec<f64>> = (0..strategies).map(|s| curve(s, 3.0)).collect();
    let errors: Vec<Vec<f64>> = coverage
        .iter()
        .map(|coverage| coverage.iter().map(|c| 1e-12 * (1.2 - c)).collect())
        .collect();
    let means: Vec<Vec<f64>> = coverage
        .iter()
        .map(|coverage| coverage.iter().map(|c| 1e6 + c).collect())
        .collect();
    let sd: Vec<Vec<f64>> = coverage
        .iter()
        .map(|coverage| coverage.iter().map(|c| 0.1 * (1.0 - c)).collect())
        .collect();
    // Trained every tenth step only.
    let training: Vec<f64> = (0..steps)
        .map(|i| if i % 10 == 0 { 2.0 } else { 0.0 })
        .collect();
    let (measuring, deciding) = (vec![1e-7; steps], vec![3e-3; steps]);
    let results: Vec<StrategyResult<'_>> = (0..strategies)
        .map(|s| {
            let with_sd = |mean| Progress {
                mean,
                sd: Some(&sd[s][..]),
            };
            StrategyResult {
                trajectory: Trajectory {
                    strategy: NAMES[s],
                    seeds: &[],
                    steps: &points[s],
                    ..Trajectory::default()
                },
                metrics: Metrics {
                    mae: Progress::of_one(&errors[s]),
                    surrogate_mean: Progress::of_one(&means[s]),
                    surrogate_sigma: Progress::of_one(&errors[s]),
                    target_coverage: with_sd(&coverage[s]),
                    patch_coverage: with_sd(&patches[s]),
                    range_coverage: Progress::default(),
                    latent_coverage: Progress::default(),
                    ..Metrics::default()
                },
                times: StepTimes {
                    measuring: &measuring,
                    training: &training,
                    deciding: &deciding,
                },
            }
        })
        .collect();
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let tests = Table {
        caption: "Paired tests against random.".into(),
        header: row(["strategy", "difference", "p"]),
        rows: vec![row(["beacon", "0.21 ± 0.02", "1e-6"])],
    };
    let report = Report {
        title: "Made-up <campaigns> & \"names\"",
        lead: "Nothing here was measured.",
        image: &image,
        target: Some(&image),
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
        tables: &[tests],
        notes: &[],
        settings: "steps = 1\nname = \"<b>\"\n",
        warnings: &["after 3 points: <i>trouble</i>".to_owned()],
        provenance: &[],
    };
    std::fs::create_dir_all(out)?;
    write_figures(out, &report, &Finished::nothing())?;
    write_report(&out.join("report.html"), &report)?;
    Ok(())
}

/// Finer than the page, not square, and with values that need an exponent.
fn large(out: &Path) -> Outcome {
    const WIDTH: usize = 2400;
    let value = |i: usize| {
        let (row, column) = ((i / WIDTH) as f64, (i % WIDTH) as f64);
        1e7 * ((column / 150.0).sin() + (row / 90.0).cos())
    };
    let values = (0..1200 * WIDTH).map(value).collect();
    let image = Map::uncalibrated(1200, WIDTH, values, "synthetic");
    let steps: Pixels = (0..25)
        .map(|i| (40 + i * 45, (i * i * 37) % WIDTH))
        .collect();
    let trajectory = Trajectory {
        strategy: "thompson",
        seeds: &[(10, 10)],
        steps: &steps,
        ..Trajectory::default()
    };
    save(
        &TrajectoryFigure {
            image: &image,
            trajectory,
        },
        &out.join("large_trajectory.png"),
    )?;
    let figure = TargetFigure {
        target: &image,
        campaigns: &[trajectory],
    };
    save(&figure, &out.join("large_target.png"))?;
    save(&figure, &out.join("large_target.svg"))?;
    Ok(())
}

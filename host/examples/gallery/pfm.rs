//! The published runs on the PFM data.

use crate::read::{at, column, coords, indices, npy, order};
use crate::{Outcome, Pixels};
use beacon_host::data::files::Finished;
use beacon_host::data::{Map, on_candidates};
use beacon_host::internal::figures::{
    CoverageFigure, Curve, Metrics, Progress, StepTimes, StrategyResult, SurrogateFigure,
    TargetFigure, Trajectory, TrajectoryFigure,
};
use beacon_host::internal::page::{Report, write_figures, write_report};
use beacon_host::internal::plot::{FigureStyle, save, save_all};
use beacon_host::metrics::{TARGET_BINS, target_groups};
use beacon_kernel::Candidates;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;
use std::path::Path;

#[expect(clippy::too_many_lines, reason = "one figure after the other")]
pub(crate) fn draw(folder: &Path, out: &Path) -> Outcome {
    let image = Map::uncalibrated(50, 50, npy(&folder.join("image.npy"))?, "PFM amplitude");
    let response = Map::uncalibrated(50, 50, npy(&folder.join("scalarizer.npy"))?, "loop height");
    let candidates = coords(&folder.join("coords.npy"))?;
    let all = Candidates::new(50, 50, 16)?;
    let target = on_candidates(&response, all);
    let seeds = at(&candidates, &indices(&folder.join("seeds.npy"))?);
    let names = ["EI", "MU", "BEACON"];
    let orders = names
        .iter()
        .map(|name| order(&folder.join(format!("published_{}.csv", name.to_lowercase()))))
        .collect::<Outcome<Vec<_>>>()?;
    let steps: Vec<Pixels> = orders.iter().map(|order| at(&candidates, order)).collect();

    for (name, steps) in names.iter().zip(&steps) {
        for count in [25, 300] {
            let trajectory = Trajectory {
                strategy: name,
                seeds: &seeds,
                steps: &steps[..count],
                ..Trajectory::default()
            };
            let figure = TrajectoryFigure {
                image: &image,
                trajectory,
            };
            save(&figure, &out.join(format!("trajectory_{name}_{count}.png")))?;
            save(&figure, &out.join(format!("trajectory_{name}_{count}.svg")))?;
        }
    }
    let campaigns: Vec<Trajectory<'_>> = names
        .iter()
        .zip(&steps)
        .map(|(name, steps)| Trajectory {
            strategy: name,
            seeds: &seeds,
            steps: &steps[..100],
            ..Trajectory::default()
        })
        .collect();
    for count in 0..=3 {
        let figure = TargetFigure {
            target: &target,
            campaigns: &campaigns[..count],
        };
        save(&figure, &out.join(format!("target_{count}.png")))?;
    }

    let (mean, sigma) = final_maps(folder, all)?;
    let figure = SurrogateFigure {
        title: "surrogate that decided",
        mean: &mean,
        sigma: &sigma,
        truth: Some(&target),
    };
    save(&figure, &out.join("surrogate.png"))?;

    let truth: Vec<f64> = candidates.iter().map(|&(r, c)| response.at(r, c)).collect();
    let curves = published(folder, &truth, &names, &orders)?;
    draw_coverage(&curves, out)?;
    let results: Vec<StrategyResult<'_>> = campaigns
        .iter()
        .zip(&steps)
        .zip(&curves)
        .map(|((campaign, steps), curves)| StrategyResult {
            trajectory: Trajectory { steps, ..*campaign },
            metrics: curves.metrics(),
            times: StepTimes::default(),
        })
        .collect();
    let random = StrategyResult {
        trajectory: Trajectory {
            strategy: "random",
            seeds: &seeds,
            steps: &[],
            ..Trajectory::default()
        },
        metrics: curves[3].metrics(),
        times: StepTimes::default(),
    };
    let all: Vec<_> = results.into_iter().chain([random]).collect();
    let report = Report {
        title: "EI, MU and BEACON as published, on PFM amplitude",
        pairs: None,
        components: None,
        changes: None,
        lead: "Published runs; the patch and latent coverage are stand-ins for the layout.",
        image: &image,
        target: Some(&target),
        results: &all,
        surrogate: Some(figure),
        map: None,
        latent: None,
        spectra: None,
        story: &[],
        marks: &[],
        letters: false,
        tables: &[],
        notes: &[],
        settings: "steps = 300\nwindow = 16\n",
        warnings: &["after 12 points: 3 epochs of training were skipped".to_owned()],
        provenance: &[("data", "published runs".to_owned())],
    };
    let folder = out.join("pfm");
    std::fs::create_dir_all(&folder)?;
    write_figures(&folder, &report, &Finished::nothing())?;
    write_report(&folder.join("report.html"), &report)?;
    Ok(())
}

/// The curves of one strategy; random has only coverage, with a band.
struct Curves {
    strategy: String,
    coverage: Vec<f64>,
    sd: Option<Vec<f64>>,
    mae: Vec<f64>,
    mean: Vec<f64>,
    sigma: Vec<f64>,
}

impl Curves {
    fn metrics(&self) -> Metrics<'_> {
        let coverage = Progress {
            mean: &self.coverage,
            sd: self.sd.as_deref(),
        };
        Metrics {
            mae: Progress::of_one(&self.mae),
            surrogate_mean: Progress::of_one(&self.mean),
            surrogate_sigma: Progress::of_one(&self.sigma),
            target_coverage: coverage,
            patch_coverage: coverage,
            range_coverage: Progress::default(),
            latent_coverage: coverage,
            ..Metrics::default()
        }
    }
}

/// Mean and deviation at the end of the authors' run with EI.
fn final_maps(folder: &Path, all: Candidates) -> Outcome<(Map, Map)> {
    let map = |kind: &str| -> Outcome<Vec<f64>> {
        npy(&folder.join(format!("published_ei_step300_{kind}.npy")))
    };
    let mean = Map::uncalibrated(50, 50, map("mean")?, "loop height");
    let sigma = map("var")?.into_iter().map(f64::sqrt).collect();
    let sigma = Map::uncalibrated(50, 50, sigma, "loop height");
    Ok((on_candidates(&mean, all), on_candidates(&sigma, all)))
}

fn published(
    folder: &Path,
    truth: &[f64],
    names: &[&str],
    orders: &[Vec<usize>],
) -> Outcome<Vec<Curves>> {
    const RUNS: usize = 100;
    const STEPS: usize = 300;
    let groups = target_groups(truth, TARGET_BINS)?;
    let cover = |order: &[usize]| groups.curve(order);
    let mut curves = Vec::new();
    for (name, order) in names.iter().zip(orders) {
        let file = folder.join(format!("published_{}.csv", name.to_lowercase()));
        let variance: Vec<f64> = column(&file, "surrogate_variance")?;
        curves.push(Curves {
            strategy: (*name).to_owned(),
            coverage: cover(order)?,
            sd: None,
            mae: column(&file, "rmse_reported_as_mae")?,
            mean: column(&file, "surrogate_mean")?,
            sigma: variance.into_iter().map(f64::sqrt).collect(),
        });
    }
    let mut generator = Xoshiro128PlusPlus::seed_from_u64(1);
    let mut sums = vec![(0.0, 0.0); STEPS];
    for _ in 0..RUNS {
        let mut order: Vec<usize> = (0..truth.len()).collect();
        for i in 0..STEPS {
            let other = i + generator.next_u32() as usize % (truth.len() - i);
            order.swap(i, other);
        }
        for ((sum, squares), value) in sums.iter_mut().zip(cover(&order[..STEPS])?) {
            *sum += value / RUNS as f64;
            *squares += value * value / RUNS as f64;
        }
    }
    let (mean, sd): (Vec<f64>, Vec<f64>) = sums
        .into_iter()
        .map(|(mean, square)| (mean, (square - mean * mean).sqrt()))
        .unzip();
    curves.push(Curves {
        strategy: "random".to_owned(),
        coverage: mean,
        sd: Some(sd),
        mae: Vec::new(),
        mean: Vec::new(),
        sigma: Vec::new(),
    });
    Ok(curves)
}

fn draw_coverage(curves: &[Curves], out: &Path) -> Outcome {
    let curves: Vec<Curve<'_>> = curves
        .iter()
        .map(|curves| Curve::of(&curves.strategy, &curves.coverage, curves.sd.as_deref()))
        .collect();
    let figure = CoverageFigure {
        quantity: "target coverage",
        curves: &curves,
        marks: &[],
        breaks: &[],
    };
    save_all(out, "coverage", &figure, FigureStyle::default())?;
    Ok(())
}

//! `beacon score`: the metrics of any order in which somebody measured.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;

use beacon_kernel::{Candidate, Candidates, Edges};
use clap::Args;
use serde::Serialize;

use super::data::DataArgs;
use super::progress::Display;
use super::{Failure, OrFail as _, input, kernel, print, print_json, spaces};
use crate::campaign::{
    Campaign, CampaignConfig, DEFAULT_EDGES, Order, Outcome, PublishedFigures, Retraining, Series,
    Summary, Targets, check_window, components_of, edges_parser, read_order, read_published_order,
};
use crate::controller::ControllerChoice;
use crate::experiment::{Experiment as _, Replay};
use crate::metrics::published_target_curve;
use crate::plot::number::significant;
use crate::scalarizer::Scalarizer;
use crate::spaces::LatentConfig;
use crate::train::TrainerConfig;

/// Arguments of `beacon score`.
#[derive(Debug, Args)]
pub(super) struct ScoreArgs {
    /// Image that is known everywhere, as a program or an instrument wrote it; `FILE#path/inside`
    /// for one of several.
    #[arg(long, value_name = "FILE")]
    image: String,
    /// Response over the same pixels, or spectra together with --scalarizer or --target; several times for
    /// maps that are judged together.
    #[arg(long, value_name = "FILE", required = true)]
    response: Vec<String>,
    /// What was measured, in order: CSV with candidate numbers in a column `patch_index`, or
    /// pixels in `row` and `column` as in acquisitions.csv, where step 0 marks seeds.
    #[arg(long, value_name = "FILE")]
    order: PathBuf,
    /// How a spectrum becomes a number: sum, window:LO..HI, line:Pd-La (or Pd-La+Pd-Lb1), lines:Pd,
    /// eels:LO..HI, plasmon-energy:LO..HI, plasmon-height:LO..HI, loop-height, loop-area,
    /// nucleation-positive, nucleation-negative; behind windows and lines @none, @linear or
    /// @two-window chooses the background.
    #[arg(long, value_name = "HOW", value_parser = super::replay::parse_scalarizer)]
    scalarizer: Vec<Scalarizer>,
    #[command(flatten)]
    target: Targets,
    #[command(flatten)]
    data: DataArgs,
    /// Points measured before the order: rows and columns, as text with a first line `row,column` or
    /// as .npy of shape (n, 2); or candidate numbers, as text or .npy. The model knows them, and
    /// coverage with seeds counts them.
    #[arg(long, value_name = "FILE")]
    seeds_from: Option<PathBuf>,
    /// Side of the square window around each candidate, in pixels.
    #[arg(long, default_value_t = 16, value_name = "PIXELS")]
    window: usize,
    /// Windows that reach beyond the image: `inside` leaves their pixels out, `reflect` completes
    /// them by reflection. Decides what candidate numbers mean. Reflect by default, inside with
    /// --published.
    #[arg(long, value_parser = edges_parser(), value_name = "HOW")]
    edges: Option<Edges>,
    /// Score the first N points only.
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Repeat the arithmetic of the published notebook, mistakes included: target coverage of
    /// the pixels that candidate numbers would be, RMSE under the name of MAE, mean variance as
    /// the uncertainty. Its candidates are those of --edges inside.
    #[arg(long)]
    published: bool,
    /// Encode patches for the latent space without their orientation.
    #[arg(long)]
    rotation_invariant: bool,
    /// Print the figures of every step as JSON on standard output and nothing else.
    #[arg(long)]
    json: bool,
    /// Fixes the initial weights of the model.
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = "Training")]
    seed: u64,
    /// Points to measure between one training and the next. `auto` trains after each up to 500 points,
    /// then when there are a twentieth more, on 500 of them that are spread over their order.
    #[arg(long, default_value_t, value_name = "N", help_heading = "Training")]
    retrain_every: Retraining,
    /// How the deep kernel is trained.
    #[command(flatten)]
    training: TrainerConfig,
}

/// What `--json` prints: a [`Summary`] with whose arithmetic it is.
#[derive(Serialize)]
struct Score<'a> {
    /// `corrected`, or `published` with the authors' figures under the names of ours.
    arithmetic: &'static str,
    #[serde(flatten)]
    summary: &'a Summary,
    /// The authors' own columns of the order file, beside figures in their arithmetic.
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<&'a PublishedFigures>,
}

impl ScoreArgs {
    /// The edges asked for, or those of the files that are scored.
    fn edges(&self) -> Result<Edges, Failure> {
        match self.edges {
            Some(edges) if self.published && edges != Edges::Inside => {
                Err(Failure::Input(format!(
                    "--edges is {} with --published; expected inside, as published files number their \
                     candidates",
                    edges.name()
                )))
            }
            None if self.published => Ok(Edges::Inside),
            said => Ok(said.unwrap_or(DEFAULT_EDGES)),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &ScoreArgs) -> Result<(), Failure> {
    let edges = args.edges()?;
    let mut replay = input::read_replay_of(
        &args.image,
        &args.response,
        (&args.scalarizer, &args.target),
        &args.data,
    )?;
    if args.published && replay.responses() > 1 {
        return Err(Failure::Input(format!(
            "--published with {} responses; expected one, as the published arithmetic knows",
            replay.responses()
        )));
    }
    let (seeds, order) = read(args, edges, &replay)?;
    let mut published = order.published;
    if let Some(published) = &mut published {
        published.truncate(order.steps.len());
    }
    let config = CampaignConfig {
        seed: args.seed,
        window: args.window,
        edges,
        retrain_every: args.retrain_every,
        training: args.training.clone(),
        ..CampaignConfig::default()
    };
    check_components(args, &seeds)?;
    let numbers: Vec<usize> = order.steps.iter().map(|c| c.index()).collect();
    let campaign = Campaign::following(config, seeds, order.steps, &replay).or_input()?;
    let candidates = campaign.candidates();

    let display = Display::new(true)?;
    let latent = LatentConfig {
        rotation_invariant: args.rotation_invariant,
    };
    let spaces = spaces::of(campaign.patches(), Some(latent))?;
    let campaign = campaign.with_spaces(&spaces).or_running()?;
    let mut progress = display.campaign(Campaign::FOLLOWED, numbers.len());
    let here = ControllerChoice::InProcess;
    let outcome = kernel::run(
        campaign,
        &here,
        kernel::BeamArgs::default(),
        &mut replay,
        &mut progress,
    )?;

    let mut summary = Summary::new(&outcome);
    if args.published {
        let seeds: Vec<usize> = summary.seeds.iter().map(|&n| n as usize).collect();
        as_published(&mut summary.series, &seeds, &numbers, candidates, &replay)?;
    }
    if args.json {
        let score = Score {
            arithmetic: if args.published {
                "published"
            } else {
                "corrected"
            },
            summary: &summary,
            published: published.as_ref(),
        };
        print_json(&score)?;
    } else {
        let theirs = published.as_ref();
        print(&describe(args, &outcome, &summary.series, theirs))?;
    }
    if display.interrupted() {
        return Err(Failure::Interrupted);
    }
    Ok(())
}

/// Components of spectra are learnt from the points before the order.
fn check_components(args: &ScoreArgs, seeds: &[Candidate]) -> Result<(), Failure> {
    let components = args.target.iter().chain(&args.scalarizer);
    match components
        .filter_map(components_of)
        .find(|of| seeds.len() < of.count())
    {
        Some(of) => Err(Failure::Input(format!(
            "{} points before the order; expected at least the {} spectra that `{of}` is learnt from, as \
             --seeds-from or as rows of `{}` with step 0",
            seeds.len(),
            of.count(),
            args.order.display()
        ))),
        None => Ok(()),
    }
}

/// Seeds and order, which is cut to the steps asked for.
fn read(
    args: &ScoreArgs,
    edges: Edges,
    replay: &Replay,
) -> Result<(Vec<Candidate>, Order), Failure> {
    let image = replay.image();
    let (height, width) = (image.height(), image.width());
    check_window(image, args.window, edges).or_input()?;
    let candidates = Candidates::with_edges(height, width, args.window, edges).or_input()?;
    let mut seeds = match &args.seeds_from {
        Some(file) => {
            let config = CampaignConfig {
                window: args.window,
                edges,
                ..CampaignConfig::default()
            };
            input::read_seeds(file, &config, image, args.edges.is_some())?
        }
        None => Vec::new(),
    };
    let read = if args.published {
        read_published_order
    } else {
        read_order
    };
    let mut order = read(&args.order, candidates, &seeds).or_input()?;
    if order.by_number && args.edges.is_none() {
        let numbers = [&order.seeds[..], &order.steps].concat();
        input::tell_numbering(&args.order, &numbers, candidates);
    }
    if seeds.is_empty() {
        seeds.clone_from(&order.seeds);
    } else if !order.seeds.is_empty() {
        return Err(Failure::Input(format!(
            "`{}` has {} seeds of its own (step 0); leave out --seeds-from",
            args.order.display(),
            order.seeds.len()
        )));
    }
    if let Some(steps) = args.steps {
        let there = order.steps.len();
        if !(1..=there).contains(&steps) {
            return Err(Failure::Input(format!(
                "steps is {steps}; expected 1 to {there}, the points in `{}`",
                args.order.display()
            )));
        }
        order.steps.truncate(steps);
    }
    Ok((seeds, order))
}

/// Puts the authors' figures under the names of ours.
fn as_published(
    series: &mut Series,
    seeds: &[usize],
    order: &[usize],
    candidates: Candidates,
    replay: &Replay,
) -> Result<(), Failure> {
    let response = replay.truth().map_or(&[][..], |map| &map.values);
    let truth: Vec<f64> = (0..candidates.count() as u32)
        .filter_map(|n| candidates.pixel(Candidate(n)).ok())
        .map(|pixel| response[pixel.row * candidates.width() + pixel.column])
        .collect();
    let seeded: Vec<usize> = seeds.iter().chain(order).copied().collect();
    // A campaign that was interrupted has fewer steps than the order.
    let steps = series.mae.len();
    let curve = |order: &[usize], from: usize| {
        let curve = published_target_curve(&truth, response, order).or_running()?;
        Ok(curve[from..from + steps].to_vec())
    };
    series.target_coverage = curve(order, 0)?;
    series.target_coverage_with_seeds = curve(&seeded, seeds.len())?;
    series.mae.clone_from(&series.rmse);
    series
        .surrogate_sigma
        .clone_from(&series.surrogate_variance);
    Ok(())
}

impl PublishedFigures {
    fn truncate(&mut self, steps: usize) {
        self.rmse_reported_as_mae.truncate(steps);
        self.surrogate_mean.truncate(steps);
        self.surrogate_variance.truncate(steps);
    }
}

/// Columns of the table for the names of figures, at least.
const NAMES: usize = 34;

/// Steps that the table shows, beside the last.
const SHOWN: [usize; 4] = [50, 100, 200, 300];

fn describe(
    args: &ScoreArgs,
    outcome: &Outcome,
    series: &Series,
    theirs: Option<&PublishedFigures>,
) -> String {
    let last = outcome.steps.len();
    let mut steps: Vec<usize> = SHOWN.into_iter().filter(|&step| step < last).collect();
    steps.push(last);
    let mut text = format!(
        "{}: {last} steps after {} seeds among {} candidates{}\n",
        args.order.display(),
        outcome.seeds.len(),
        outcome.candidates,
        if args.published {
            ", by the published arithmetic"
        } else {
            ""
        }
    );
    let rows = rows(args, outcome, series, theirs);
    let longest = rows.iter().map(|(name, ..)| name.chars().count()).max();
    let width = longest.map_or(NAMES, |longest| NAMES.max(longest));
    let mut row = |name: &str, cells: Vec<String>| {
        let cells = cells.iter().map(|cell| format!("{cell:>11}"));
        // A string takes any text.
        let _ = writeln!(text, "{name:<width$}{}", cells.collect::<String>());
    };
    row("step", steps.iter().map(usize::to_string).collect());
    for (name, values, form) in rows {
        let value = |step: &usize| values.get(step - 1).copied().unwrap_or(f64::NAN);
        row(&name, steps.iter().map(|step| form(value(step))).collect());
    }
    if outcome.seeds.is_empty() {
        text += "no seeds: give those of the run with --seeds-from, if it had any\n";
    }
    for warning in &outcome.warnings {
        // A string takes any text.
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

/// Name of a figure, its value after each step, and how it is written.
type Row<'a> = (Cow<'static, str>, &'a [f64], fn(f64) -> String);

/// The figures that the table shows.
fn rows<'a>(
    args: &ScoreArgs,
    outcome: &Outcome,
    series: &'a Series,
    theirs: Option<&'a PublishedFigures>,
) -> Vec<Row<'a>> {
    let share: fn(f64) -> String = |value| format!("{value:.3}");
    let figure: fn(f64) -> String = significant;
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut row = |name: &'static str, values: &'a [f64], form| {
        rows.push((name.into(), values, form));
    };
    row("target coverage", &series.target_coverage, share);
    // Of one response there are no clusters.
    if !series.response_cluster_coverage.is_empty() {
        let clusters = &series.response_cluster_coverage;
        row("response-cluster coverage", clusters, share);
    }
    row("patch coverage", &series.patch_coverage, share);
    row("latent coverage", &series.latent_coverage, share);
    if !outcome.seeds.is_empty() {
        let [target, clusters, patch, latent] = [
            &series.target_coverage_with_seeds,
            &series.response_cluster_coverage_with_seeds,
            &series.patch_coverage_with_seeds,
            &series.latent_coverage_with_seeds,
        ];
        row("target coverage with seeds", target, share);
        if !clusters.is_empty() {
            row("response-cluster coverage with seeds", clusters, share);
        }
        row("patch coverage with seeds", patch, share);
        row("latent coverage with seeds", latent, share);
    }
    let uncertainty = if args.published {
        row("RMSE, called MAE", &series.mae, figure);
        "surrogate uncertainty, variance"
    } else {
        row("MAE", &series.mae, figure);
        row("RMSE", &series.rmse, figure);
        "surrogate uncertainty, sigma"
    };
    row("NLPD", &series.nlpd, share);
    row("surrogate mean", &series.surrogate_mean, figure);
    row(uncertainty, &series.surrogate_sigma, figure);
    if let Some(theirs) = theirs {
        let (mean, variance) = (&theirs.surrogate_mean, &theirs.surrogate_variance);
        let mae = &theirs.rmse_reported_as_mae;
        row("in the file: RMSE, called MAE", mae, figure);
        row("in the file: surrogate mean", mean, figure);
        row("in the file: surrogate variance", variance, figure);
    }
    for of in &series.further {
        let name = &of.target;
        rows.push((format!("MAE, {name}").into(), &of.mae[..], figure));
        rows.push((format!("RMSE, {name}").into(), &of.rmse[..], figure));
        rows.push((format!("NLPD, {name}").into(), &of.nlpd[..], share));
    }
    rows
}

//! `beacon replay`: a campaign on data acquired before.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::progress::Display;
use super::{Failure, in_process, input};
use crate::campaign::{Campaign, CampaignConfig, Outcome, Seeds, Summary, read_seeds, write_run};
use crate::microscope::Microscope as _;
use crate::scalarizer::Scalarizer;

/// Arguments of `beacon replay`.
#[derive(Debug, Args, Serialize)]
pub(super) struct ReplayArgs {
    /// Image that is known everywhere: .npy, .npz, .tif, .h5 (NSID) or .hspy; `FILE#path/inside`
    /// for one of several.
    #[arg(long, value_name = "FILE")]
    image: String,
    /// Response over the same pixels, or spectra together with --scalarizer.
    #[arg(long, value_name = "FILE")]
    response: String,
    /// How a spectrum becomes a number: sum, window:LO..HI, line:Pd-La, loop-height, loop-area.
    #[arg(long, value_name = "HOW", value_parser = parse_scalarizer)]
    #[serde(skip_serializing_if = "Option::is_none")]
    scalarizer: Option<Scalarizer>,
    /// Candidate numbers to measure first, as .npy or text, instead of random ones.
    #[arg(long, value_name = "FILE", conflicts_with = "initial")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seeds_from: Option<PathBuf>,
    /// Folder for the results; files of an earlier run in it are replaced. Without it the next
    /// free runs/replay-N, or none with --json.
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    out: Option<PathBuf>,
    /// Print the summary as JSON on standard output and nothing else.
    #[arg(long)]
    #[serde(skip)]
    json: bool,
    #[command(flatten)]
    campaign: CampaignConfig,
}

fn parse_scalarizer(text: &str) -> Result<Scalarizer, crate::scalarizer::ScalarizerError> {
    text.parse()
}

/// Runs the command.
pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let seeds = match &args.seeds_from {
        Some(file) => Seeds::Given(read_seeds(file).map_err(|e| Failure::input(&e))?),
        None => Seeds::Random(args.campaign.initial),
    };
    let mut replay = input::read_replay(&args.image, &args.response, args.scalarizer.as_ref())?;
    let truth = replay
        .truth()
        .cloned()
        .unwrap_or_else(|| replay.image().clone());
    let image = replay.image().clone();
    let campaign = Campaign::new(args.campaign.clone(), seeds, &image, &truth)
        .map_err(|e| Failure::input(&e))?;

    let folder = (args.out.is_some() || !args.json)
        .then(|| input::folder_for(args.out.as_deref(), "replay"));
    if let Some(folder) = &folder {
        input::prepare_folder(folder)?;
    }

    let display = Display::new(args.json);
    let progress = display.campaign(&args.campaign.strategy, args.campaign.steps);
    let outcome = in_process::run(campaign, &mut replay, progress)?;

    if let Some(folder) = &folder {
        write_run(folder, &outcome, &image, &truth, args).map_err(|e| Failure::running(&e))?;
    }
    if args.json {
        let summary = serde_json::to_string(&Summary::new(&outcome));
        println!("{}", summary.map_err(|e| Failure::running(&e))?);
        return Ok(());
    }
    print_outcome(&outcome);
    if let Some(folder) = folder {
        println!("results in {}", folder.display());
    }
    Ok(())
}

fn print_outcome(outcome: &Outcome) {
    let last = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
    let series = &outcome.series;
    let steps = outcome.steps.len();
    println!(
        "{}: {steps} steps after {} seeds among {} candidates",
        outcome.config.strategy,
        outcome.seeds.len(),
        outcome.candidates
    );
    let coverage = last(&series.target_coverage);
    let bins = outcome.occupied_bins;
    println!(
        "  target coverage {coverage:.3} ({:.0} of {bins} bins)",
        coverage * bins as f64
    );
    println!(
        "  MAE {:.4}, RMSE {:.4}, NLPD {:.3}",
        last(&series.mae),
        last(&series.rmse),
        last(&series.nlpd)
    );
    let each = |time: std::time::Duration| 1e3 * time.as_secs_f64() / steps as f64;
    println!(
        "  per step: {:.1} ms training, {:.1} ms deciding, {:.1} ms monitoring",
        each(outcome.times.training),
        each(outcome.times.deciding),
        each(outcome.times.monitoring)
    );
    for warning in &outcome.warnings {
        println!("  warning: {warning}");
    }
}

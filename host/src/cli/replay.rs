//! `beacon replay`: a campaign on data acquired before.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use beacon_kernel::Strategy;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::data::DataArgs;
use super::kernel::BeamArgs;
use super::page::{OwnPageArgs, ShownFolder};
use super::progress::Display;
use super::{Failure, OrFail as _, input, kernel, log, print, print_json, spaces};
use crate::campaign::{
    Campaign, CampaignConfig, MapFigures, Outcome, RunFiles, Seeds, Summary, Targets,
    default_strategy, one_or_several, write_run,
};
use crate::controller::{ControllerChoice, LinkReport};
use crate::data::files::Finished;
use crate::experiment::Experiment as _;
use crate::journal::Shown;
use crate::metrics::Learnable;
use crate::plot::number::significant;
use crate::scalarizer::Scalarizer;
use crate::spaces::LatentConfig;

/// Arguments of `beacon replay`.
#[derive(Clone, Debug, Args, Serialize)]
pub(super) struct ReplayArgs {
    /// Image that is known everywhere, as a program or an instrument wrote it; `FILE#path/inside`
    /// or `FILE.tif#2` for one of several.
    #[arg(long, value_name = "FILE")]
    image: String,
    /// Response over the same pixels, or spectra together with --scalarizer or --target; several times for
    /// maps that are sought together.
    #[arg(long, value_name = "FILE", required = true)]
    #[serde(serialize_with = "one_or_several")]
    response: Vec<String>,
    /// How a spectrum becomes a number: sum, window:LO..HI, line:Pd-La (or Pd-La+Pd-Lb1), lines:Pd,
    /// eels:LO..HI, plasmon-energy:LO..HI, plasmon-height:LO..HI, loop-height, loop-area,
    /// nucleation-positive, nucleation-negative; behind windows and lines @none, @linear or
    /// @two-window chooses the background.
    #[arg(long, value_name = "HOW", value_parser = parse_scalarizer)]
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "one_or_several"
    )]
    scalarizer: Vec<Scalarizer>,
    #[command(flatten)]
    #[serde(skip_serializing_if = "has_none")]
    target: Targets,
    #[command(flatten)]
    #[serde(flatten)]
    data: DataArgs,
    /// Points to measure first instead of random ones: rows and columns, as text with a first line
    /// `row,column` or as .npy of shape (n, 2); or candidate numbers, as text or .npy.
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
    #[serde(skip)]
    page: OwnPageArgs,
    /// Put letters on the panels of figures: a, b, c …
    #[arg(long)]
    #[serde(skip)]
    letters: bool,
    /// Judge exploration in the latent space of an autoencoder as well, which takes seconds to
    /// learn from an image that is new.
    #[arg(long)]
    latent_coverage: bool,
    /// Where the kernel runs: in-process, emulated, or serial:PORT[@BAUD].
    #[arg(long, value_name = "WHERE", default_value_t)]
    controller: ControllerChoice,
    #[command(flatten)]
    beam: BeamArgs,
    /// Acquisition function that picks the next point.
    #[arg(
        long,
        default_value = default_strategy(),
        value_parser = PossibleValuesParser::new(Strategy::ALL.map(Strategy::name)),
        help_heading = "Campaign"
    )]
    #[serde(skip)]
    strategy: String,
    /// Fixes every random number of the campaign.
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = "Campaign")]
    #[serde(skip)]
    seed: u64,
    #[command(flatten)]
    campaign: CampaignConfig,
}

/// Whether no target is named.
fn has_none(targets: &Targets) -> bool {
    targets.is_empty()
}

pub(super) fn parse_scalarizer(
    text: &str,
) -> Result<Scalarizer, crate::scalarizer::ScalarizerError> {
    text.parse()
}

/// Runs the command; `edges_said` tells whether the user chose the edges.
pub(super) fn run(args: &ReplayArgs, edges_said: bool) -> Result<(), Failure> {
    let mut args = args.clone();
    args.campaign.strategy.clone_from(&args.strategy);
    args.campaign.seed = args.seed;
    let args = &args;
    let mut replay = input::read_replay_of(
        &args.image,
        &args.response,
        (&args.scalarizer, &args.target),
        &args.data,
    )?;
    for told in input::filled_edges(&replay, &args.campaign) {
        log(&format!("warning: {told}"));
    }
    let seeds = match &args.seeds_from {
        Some(file) => {
            let image = replay.image();
            Seeds::Given(input::read_seeds(file, &args.campaign, image, edges_said)?)
        }
        None => Seeds::Random(args.campaign.initial),
    };
    let mut campaign = Campaign::new(args.campaign.clone(), seeds, &replay).or_input()?;

    let folder = (args.out.is_some() || !args.json)
        .then(|| input::folder_for(args.out.as_deref(), "replay"));
    let shown = args.page.is_wanted().then(ShownFolder::new).transpose()?;
    let name = folder.as_ref().and_then(|folder| folder.file_name());
    let name = name.unwrap_or("replay".as_ref());
    let shown_in = shown.as_ref().map(|shown| shown.path().join(name));
    if let Some(shown) = &shown_in {
        campaign = campaign.witnessed_by(Box::new(Shown::new(shown).or_input()?));
    }
    let page = args.page.open(shown_in.as_slice(), true)?;
    let _empty = match &folder {
        Some(folder) => Some(input::prepare_folder(folder)?),
        None => None,
    };
    if let Some(page) = &page {
        page.say();
    }

    let display = Display::new(args.json)?;
    let latent = args.latent_coverage.then(LatentConfig::default);
    let spaces = spaces::of(campaign.patches(), latent)?;
    let campaign = campaign.with_spaces(&spaces).or_running()?;
    let mut progress = display.campaign(&args.campaign.strategy, args.campaign.steps);
    let beam = args.beam;
    let outcome = kernel::run(campaign, &args.controller, beam, &mut replay, &mut progress);
    let mut outcome = outcome?;
    let targets = replay.targets();
    for (response, (name, _)) in targets.iter().enumerate() {
        let reduced = args.target.get(response).or(args.scalarizer.first());
        let learnable = replay.learnable_of(response, reduced);
        let Some(noise) = learnable.filter(Learnable::is_mostly_noise) else {
            continue;
        };
        outcome.warnings.push(match targets.len() {
            1 => noise.to_string(),
            _ => format!("`{name}`: {noise}"),
        });
    }

    if let Some(folder) = &folder {
        write_run(
            folder,
            &RunFiles {
                letters: args.letters,
                ..RunFiles::new(&outcome, &replay, Some(&spaces))
            },
            args,
            &Summary::new(&outcome),
            &Finished::nothing(),
        )
        .or_running()?;
    }
    if args.json {
        print_json(&Summary::new(&outcome))?;
    } else {
        let results = folder.map(|folder| format!("results in {}\n", folder.display()));
        print(&(describe(&outcome) + &results.unwrap_or_default()))?;
    }
    if display.interrupted() {
        return Err(Failure::Interrupted);
    }
    if let Some(page) = page {
        page.stay(&display);
    }
    Ok(())
}

/// A campaign in a few lines.
pub(super) fn describe(outcome: &Outcome) -> String {
    let last = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
    let series = &outcome.series;
    let steps = outcome.steps.len();
    let asked = outcome.config.steps;
    let of = if steps < asked {
        format!(" of {asked}")
    } else {
        String::new()
    };
    let coverage = last(&series.target_coverage);
    let bins = outcome.occupied_bins;
    let units = outcome.mean.as_ref().map_or("", |map| &map.units);
    let each = |time: Duration| 1e3 * time.as_secs_f64() / steps.max(1) as f64;
    let share = |space: &str, values: &[f64]| {
        let share = values.last();
        share.map_or_else(String::new, |share| format!(", {space} {share:.3}"))
    };
    let clusters = share("response cluster", &series.response_cluster_coverage);
    let patches = share("patch", &series.patch_coverage);
    let latents = share("latent", &series.latent_coverage);
    let judged = if series.mae.is_empty() {
        let observed = last(&series.observed_coverage);
        let covered = if observed.is_nan() {
            "too few points to say what they cover".to_owned()
        } else {
            format!("{observed:.3} of the range of responses covered")
        };
        format!("{covered}{patches}{latents}")
    } else {
        format!(
            "target coverage {coverage:.3} ({:.0} of {bins} bins){clusters}{patches}{latents}\n  \
             MAE {} {units}, RMSE {} {units}, NLPD {:.3}",
            coverage * bins as f64,
            significant(last(&series.mae)),
            significant(last(&series.rmse)),
            last(&series.nlpd)
        )
    };
    let judged = series.further.iter().fold(judged, |judged, of| {
        let (units, name) = (&of.units, &of.target);
        if last(&of.mae).is_nan() {
            return judged;
        }
        let [mae, rmse] = [last(&of.mae), last(&of.rmse)].map(significant);
        let nlpd = last(&of.nlpd);
        format!("{judged}\n  {name}: MAE {mae} {units}, RMSE {rmse} {units}, NLPD {nlpd:.3}")
    });
    let judged = match outcome.maps.last() {
        Some(map) => format!("{judged}\n  {}", describe_map(map, units)),
        None => judged,
    };
    let with_data = match outcome.absent {
        0 => String::new(),
        absent => format!(", {absent} of them masked or without data"),
    };
    let mut text = format!(
        "{}: {steps}{of} steps after {} seeds among {} candidates{with_data}\n  {judged}\n  \
         per step: {:.1} ms training, {:.1} ms deciding, {:.1} ms monitoring\n  \
         the campaign took {:.1} s{}\n",
        outcome.config.strategy,
        outcome.seeds.len(),
        outcome.candidates,
        each(outcome.times.training),
        each(outcome.times.deciding),
        each(outcome.times.monitoring),
        outcome.times.whole.as_secs_f64(),
        outcome.peak_memory.map_or_else(String::new, |bytes| {
            format!(" and at most {:.0} MB of memory", bytes as f64 / 1e6)
        })
    )
    .replace(" ,", ",");
    if let Some(link) = &outcome.link {
        // A string takes any text.
        let _ = writeln!(text, "  {}", describe_link(link));
    }
    for warning in &outcome.warnings {
        // A string takes any text.
        let _ = writeln!(text, "  warning: {warning}");
    }
    text
}

/// How good the map to publish is, in a line.
fn describe_map(map: &MapFigures, units: &str) -> String {
    let against_truth = match (map.mae, map.nlpd, map.within) {
        (Some(mae), Some(nlpd), Some(within)) => format!(
            "MAE {} {units}, NLPD {nlpd:.3}, {:.0} % within 2 sigma; ",
            significant(mae),
            100.0 * within
        ),
        _ => String::new(),
    };
    let left_out = significant(map.left_out_mae);
    format!(
        "map to publish: {against_truth}points left out: MAE {left_out} {units}, NLPD {:.3}, {:.0} % within 2 sigma",
        map.left_out_nlpd,
        100.0 * map.left_out_within
    )
}

/// The board and what its link has been through, in a line.
pub(super) fn describe_link(link: &LinkReport) -> String {
    format!(
        "on {} ({}): {} frames, {} retries, {} damaged, {} losses{}",
        link.board,
        link.build,
        link.frames,
        link.retries,
        link.damaged,
        link.losses,
        match link.resumed {
            0 => String::new(),
            points => format!("; {points} points were measured before"),
        }
    )
}

//! `beacon` without a command: BEACON beside random sampling on a built-in specimen.

use std::path::{Path, PathBuf};

use beacon_kernel::Strategy;
use clap::Args;
use serde::Serialize;

use super::kernel::BeamArgs;
use super::listing::listing;
use super::progress::Display;
use super::replay::describe_link;
use super::{Failure, OrFail as _, input, kernel, print, spaces};
use crate::campaign::{
    Campaign, CampaignConfig, Outcome, RunFiles, Seeds, Summary, Targets, default_strategy,
    write_run, write_side_by_side,
};
use crate::controller::ControllerChoice;
use crate::data::files::Finished;
use crate::experiment::{Experiment as _, SpecimenExperiment};
use crate::plot::number::significant;
use crate::spaces::Spaces;
use crate::specimen::{SpecimenChoice, SpecimenConfig, SpecimenKind};

/// Arguments of `beacon` without a command.
#[derive(Clone, Debug, Args, Serialize)]
pub(super) struct SpecimenArgs {
    /// What is explored: nanoparticles, ferroelectric or plasmonic.
    #[arg(long, default_value_t, value_name = "NAME")]
    specimen: SpecimenKind,
    /// Points to measure after the 10 random ones.
    #[arg(long, default_value_t = 100, value_name = "N")]
    steps: usize,
    /// Chooses the specimen and fixes every random number.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Where the kernel runs: in-process, emulated, or serial:PORT[@BAUD].
    #[arg(long, value_name = "WHERE", default_value_t)]
    controller: ControllerChoice,
    #[command(flatten)]
    beam: BeamArgs,
    /// Folder for the results; files of an earlier run in it are replaced. Without it the next
    /// free runs/specimen-N.
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    out: Option<PathBuf>,
    /// Put letters on the panels of figures: a, b, c …
    #[arg(long)]
    #[serde(skip)]
    letters: bool,
}

/// What the run folders record.
#[derive(Serialize)]
struct Provenance<'a> {
    target: &'a str,
    specimen: &'a SpecimenConfig,
    campaign: &'a CampaignConfig,
}

/// What the report on both campaigns records.
#[derive(Serialize)]
struct SideBySide<'a> {
    target: &'a str,
    specimen: &'a SpecimenConfig,
    campaigns: Vec<&'a CampaignConfig>,
}

/// Runs the command.
pub(super) fn run(args: &SpecimenArgs) -> Result<(), Failure> {
    let config = args.specimen.config(args.seed);
    let experiment = SpecimenExperiment::open(config.clone()).or_input()?;

    let strategies = [default_strategy(), Strategy::Random.name()];
    let beacon = prepare(&experiment, strategies[0], args)?;
    let random = prepare(&experiment, strategies[1], args)?;
    let folder = input::folder_for(args.out.as_deref(), "specimen");
    let _kept = input::prepare_folder(&folder)?;

    let display = Display::new(false)?;
    let spaces = spaces::of(beacon.patches(), None)?;
    let judged = |campaign: Campaign| campaign.with_spaces(&spaces).or_running();
    let (beacon, random) = (judged(beacon)?, judged(random)?);
    let explore = |campaign, strategy| {
        let mut progress = display.campaign(strategy, args.steps);
        kernel::run(
            campaign,
            &args.controller,
            args.beam,
            &mut experiment.clone(),
            &mut progress,
        )
    };
    // There is one board, but as many kernels in this process as one likes.
    let (beacon, random) = if args.controller == ControllerChoice::InProcess {
        rayon::join(
            || explore(beacon, strategies[0]),
            || explore(random, strategies[1]),
        )
    } else {
        let beacon = explore(beacon, strategies[0]);
        (beacon, explore(random, strategies[1]))
    };
    let (beacon, random) = (beacon?, random?);
    let outcomes = [&beacon, &random];
    write_results(
        &folder,
        &experiment,
        &spaces,
        &config,
        &outcomes,
        args.letters,
    )?;
    let discoveries = discoveries(args.specimen, &experiment, &beacon, &random);
    let campaign = "tables, maps and report of this campaign";
    let campaigns = outcomes.map(|outcome| (outcome.config.strategy.as_str(), campaign));
    print(&format!(
        "{discoveries}one seed proves nothing: beacon compare --specimen {} --seeds 10\n\n{}",
        args.specimen,
        listing(&folder, true, &campaigns)
    ))?;
    if display.interrupted() {
        return Err(Failure::Interrupted);
    }
    Ok(())
}

/// The specimen of a name with or without a seed, after the target of its kind.
pub(super) fn by_name(name: &str) -> Result<SpecimenExperiment, Failure> {
    let choice: SpecimenChoice = name.parse().or_input()?;
    SpecimenExperiment::open(choice.config()).or_input()
}

/// The same after these targets; without any after that of its kind.
pub(super) fn by_name_for(name: &str, targets: &Targets) -> Result<SpecimenExperiment, Failure> {
    let Some((first, further)) = targets.split_first() else {
        return by_name(name);
    };
    let choice: SpecimenChoice = name.parse().or_input()?;
    let specimen = choice.config().make().or_input()?;
    let further = further.iter().cloned();
    SpecimenExperiment::of_several(specimen, first.clone(), further).or_input()
}

fn prepare(
    experiment: &SpecimenExperiment,
    strategy: &str,
    args: &SpecimenArgs,
) -> Result<Campaign, Failure> {
    let config = CampaignConfig {
        strategy: strategy.to_owned(),
        steps: args.steps,
        seed: args.seed,
        ..CampaignConfig::default()
    };
    let seeds = Seeds::Random(config.initial);
    Campaign::new(config, seeds, experiment).or_input()
}

fn write_results(
    folder: &Path,
    experiment: &SpecimenExperiment,
    spaces: &Spaces,
    config: &SpecimenConfig,
    outcomes: &[&Outcome],
    letters: bool,
) -> Result<(), Failure> {
    for outcome in outcomes {
        let provenance = Provenance {
            target: config.kind().target(),
            specimen: config,
            campaign: &outcome.config,
        };
        let folder = folder.join(&outcome.config.strategy);
        write_run(
            &folder,
            &RunFiles {
                letters,
                ..RunFiles::new(outcome, experiment, Some(spaces))
            },
            &provenance,
            &Summary::new(outcome),
            &Finished::nothing(),
        )
        .or_running()?;
    }
    let provenance = SideBySide {
        target: config.kind().target(),
        specimen: config,
        campaigns: outcomes.iter().map(|outcome| &outcome.config).collect(),
    };
    write_side_by_side(
        folder,
        outcomes,
        experiment,
        Some(spaces),
        &provenance,
        letters,
    )
    .or_running()
}

/// What each campaign found, behaviour by behaviour.
fn discoveries(
    specimen: SpecimenKind,
    experiment: &SpecimenExperiment,
    beacon: &Outcome,
    random: &Outcome,
) -> String {
    let line = |name: &str, [one, other]: [String; 2]| format!("{name:<34}{one:>16}{other:>16}\n");
    let row =
        |name: &str, figure: &dyn Fn(&Outcome) -> String| line(name, [beacon, random].map(figure));
    let mut text = row("", &|outcome| outcome.config.strategy.clone());
    text += &row("target space covered", &|outcome| {
        let coverage = outcome.series.target_coverage.last();
        format!("{:.3}", coverage.copied().unwrap_or(f64::NAN))
    });
    text += &row("patch space covered", &|outcome| {
        let coverage = outcome.series.patch_coverage.last();
        format!("{:.3}", coverage.copied().unwrap_or(f64::NAN))
    });
    let target = match specimen {
        SpecimenKind::Nanoparticles => "strongest Pd Lα measured",
        SpecimenKind::Ferroelectric => "highest loop measured",
        SpecimenKind::Plasmonic => "strongest loss measured",
    };
    let units = experiment.truth().map_or("", |truth| &truth.units);
    text += &row(&format!("{target}, {units}"), &|outcome| {
        let responses = outcome.steps.iter().map(|point| point.response);
        format!("{:.0}", responses.fold(f64::NEG_INFINITY, f64::max))
    });
    // The surrogate is trained to decide, and errs more than the map that is made from all points.
    text += &row(&format!("mean error of the map, {units}"), &|outcome| {
        let mae = outcome.maps.last().and_then(|map| map.mae);
        mae.map_or_else(|| "unknown".to_owned(), significant)
    });
    for (found, other) in beacon.discoveries.iter().zip(&random.discoveries) {
        let rare = if found.rare { ", rare" } else { "" };
        let figures = [found, other].map(|discovery| match discovery.first_step {
            Some(0) => format!("{} from a seed", discovery.points),
            Some(first) => format!("{} from {first}", discovery.points),
            None => "none".to_owned(),
        });
        text += &line(&format!("{}{rare}", found.behaviour), figures);
    }
    text += "(behaviours: points measured on each, from the step of the first)\n";
    for link in [&beacon.link, &random.link].into_iter().flatten() {
        text += &(describe_link(link) + "\n");
    }
    text
}

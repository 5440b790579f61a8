//! `beacon` without a command: BEACON beside random sampling on the built-in specimen.

use std::path::{Path, PathBuf};

use beacon_kernel::Strategy;
use clap::Args;
use serde::Serialize;

use super::kernel::BeamArgs;
use super::progress::Display;
use super::replay::describe_link;
use super::{Failure, input, kernel, print};
use crate::campaign::{Campaign, CampaignConfig, Outcome, Seeds, write_run, write_side_by_side};
use crate::controller::ControllerChoice;
use crate::microscope::SpecimenMicroscope;
use crate::scalarizer::Scalarizer;
use crate::specimen::{Specimen, SpecimenConfig};

/// The response that is sought: the rare species is rich in palladium.
const TARGET: &str = "line:Pd-La";

/// Arguments of `beacon` without a command.
#[derive(Clone, Debug, Args, Serialize)]
pub(super) struct SpecimenArgs {
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
    campaigns: [&'a CampaignConfig; 2],
}

/// Runs the command.
pub(super) fn run(args: &SpecimenArgs) -> Result<(), Failure> {
    let config = SpecimenConfig {
        seed: args.seed,
        ..SpecimenConfig::default()
    };
    let specimen = Specimen::new(config).map_err(|e| Failure::input(&e))?;
    let scalarizer: Scalarizer = TARGET.parse().map_err(|e| Failure::input(&e))?;
    let microscope =
        SpecimenMicroscope::new(specimen, scalarizer).map_err(|e| Failure::input(&e))?;

    let beacon = prepare(&microscope, Strategy::Beacon, args)?;
    let random = prepare(&microscope, Strategy::Random, args)?;
    let folder = input::folder_for(args.out.as_deref(), "specimen");
    input::prepare_folder(&folder)?;

    let display = Display::new(false)?;
    let explore = |campaign, strategy: Strategy| {
        let progress = display.campaign(strategy.name(), args.steps);
        kernel::run(
            campaign,
            &args.controller,
            args.beam,
            &mut microscope.clone(),
            progress,
        )
    };
    // There is one board, but as many kernels in this process as one likes.
    let (beacon, random) = if args.controller == ControllerChoice::InProcess {
        rayon::join(
            || explore(beacon, Strategy::Beacon),
            || explore(random, Strategy::Random),
        )
    } else {
        let beacon = explore(beacon, Strategy::Beacon);
        (beacon, explore(random, Strategy::Random))
    };
    let (beacon, random) = (beacon?, random?);
    write_results(&folder, &microscope, &beacon, &random)?;
    let discoveries = discoveries(&microscope, &beacon, &random);
    let place = folder.display();
    print(&format!(
        "{discoveries}\nresults in {place}:\n  \
         report.html     everything below in one page\n  \
         trajectory.png  the image, with what beacon measured, in order\n  \
         target.png      the true response, with what both measured\n  \
         coverage.png    share of the target space seen, step by step\n  \
         beacon, random  tables, maps and summary of each campaign\n"
    ))?;
    if display.interrupted() {
        return Err(Failure::Interrupted);
    }
    Ok(())
}

fn prepare(
    microscope: &SpecimenMicroscope,
    strategy: Strategy,
    args: &SpecimenArgs,
) -> Result<Campaign, Failure> {
    let config = CampaignConfig {
        strategy: strategy.name().to_owned(),
        steps: args.steps,
        seed: args.seed,
        ..CampaignConfig::default()
    };
    let seeds = Seeds::Random(config.initial);
    Campaign::new(config, seeds, microscope).map_err(|e| Failure::input(&e))
}

fn write_results(
    folder: &Path,
    microscope: &SpecimenMicroscope,
    beacon: &Outcome,
    random: &Outcome,
) -> Result<(), Failure> {
    for outcome in [beacon, random] {
        let provenance = Provenance {
            target: TARGET,
            specimen: microscope.specimen().config(),
            campaign: &outcome.config,
        };
        let folder = folder.join(&outcome.config.strategy);
        write_run(&folder, outcome, microscope, &provenance).map_err(|e| Failure::running(&e))?;
    }
    let provenance = SideBySide {
        target: TARGET,
        specimen: microscope.specimen().config(),
        campaigns: [&beacon.config, &random.config],
    };
    write_side_by_side(folder, &[beacon, random], microscope, &provenance)
        .map_err(|e| Failure::running(&e))
}

/// What each campaign found, species by species.
fn discoveries(microscope: &SpecimenMicroscope, beacon: &Outcome, random: &Outcome) -> String {
    let specimen = microscope.specimen();
    let row = |name: &str, figure: &dyn Fn(&Outcome) -> String| {
        format!("{name:<34}{:>16}{:>16}\n", figure(beacon), figure(random))
    };
    let mut text = row("", &|outcome| outcome.config.strategy.clone());
    text += &row("target space covered", &|outcome| {
        let coverage = outcome.series.target_coverage.last();
        format!("{:.3}", coverage.copied().unwrap_or(f64::NAN))
    });
    text += &row("strongest Pd Lα measured, counts", &|outcome| {
        let responses = outcome.steps.iter().map(|point| point.response);
        format!("{:.0}", responses.fold(f64::NEG_INFINITY, f64::max))
    });
    for (number, species) in specimen.species().iter().enumerate() {
        let rare = if species.rare { ", rare" } else { "" };
        let name = format!("{} {}{rare}", species.formula, species.name);
        text += &row(&name, &|outcome| {
            let on_it = (1..).zip(&outcome.steps).filter(|(_, point)| {
                specimen.species_at(point.pixel.row, point.pixel.column) == Some(number)
            });
            let steps: Vec<usize> = on_it.map(|(step, _)| step).collect();
            match steps.first() {
                Some(first) => format!("{} from {first}", steps.len()),
                None => "none".to_owned(),
            }
        });
    }
    text += "(species: points measured on it, from the step of the first)\n";
    for link in [&beacon.link, &random.link].into_iter().flatten() {
        text += &(describe_link(link) + "\n");
    }
    text
}

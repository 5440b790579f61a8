//! `beacon run`, `beacon resume` and `beacon ctl`: campaigns on an instrument.

use std::path::{Path, PathBuf};

use beacon_kernel::Strategy;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::progress::Display;
use super::replay::describe;
use super::{Failure, input, kernel, print, spaces};
use crate::campaign::{Campaign, Seeds, default_strategy, read_seeds, write_run};
use crate::controller::ControllerChoice;
use crate::experiment::Ended;
use crate::live::{
    LiveConfig, LiveError, LiveSummary, RunFolder, Session, Stall, TakenUp, WORDS, tell,
    write_results,
};
use crate::microscope::{Microscope, MicroscopeChoice};

/// Arguments of `beacon run`.
#[derive(Clone, Debug, Args)]
// A budget counts the dose of every point, whoever chose it.
#[command(mut_arg("steps", |steps| steps.hide(true).conflicts_with("budget")))]
pub(super) struct RunArgs {
    #[command(flatten)]
    live: LiveConfig,
    /// Acquisition function that picks the next point.
    #[arg(
        long,
        default_value = default_strategy(),
        value_parser = PossibleValuesParser::new(Strategy::ALL.map(Strategy::name)),
        help_heading = "Campaign"
    )]
    strategy: String,
    /// Fixes every random number of the campaign.
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = "Campaign")]
    seed: u64,
    /// Folder for journal and results, without a campaign in it; without this the next free
    /// runs/run-N.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the summary as JSON on standard output and nothing else.
    #[arg(long)]
    json: bool,
}

/// Arguments of `beacon resume`.
#[derive(Clone, Debug, Args)]
pub(super) struct ResumeArgs {
    /// Folder of the campaign.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Another number of points to measure in all.
    #[arg(long, value_name = "N")]
    budget: Option<usize>,
    /// Another limit of the dose, in electrons.
    #[arg(long, value_name = "ELECTRONS")]
    dose_limit: Option<f64>,
    /// Another limit of the time, in seconds, counted from the beginning of the campaign.
    #[arg(long, value_name = "S")]
    time_limit: Option<f64>,
    /// The same instrument at another place.
    #[arg(long, value_name = "WHICH")]
    microscope: Option<MicroscopeChoice>,
    /// Another controller.
    #[arg(long, value_name = "WHERE")]
    controller: Option<ControllerChoice>,
    /// Print the summary as JSON on standard output and nothing else.
    #[arg(long)]
    json: bool,
}

/// Arguments of `beacon ctl`.
#[derive(Clone, Debug, Args)]
pub(super) struct CtlArgs {
    /// Folder of the campaign that runs.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What to tell it.
    #[arg(value_name = "WHAT", required = true, help = format!("What to tell it: {WORDS}"))]
    words: Vec<String>,
}

/// Runs `beacon run`.
pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let mut config = args.live.clone();
    config.campaign.strategy.clone_from(&args.strategy);
    config.campaign.seed = args.seed;
    let mut microscope = open(&mut config).map_err(|e| Failure::input(&e))?;
    let path = input::folder_for(args.out.as_deref(), "run");
    let folder = RunFolder::begin(&path).map_err(|e| Failure::input(&e))?;
    let display = Display::new(args.json)?;
    let begun = Session::begin(&mut *microscope, config, &folder, display.interrupt());
    let done = begun
        .map_err(|e| Failure::input(&e))
        .and_then(|session| go(session, &folder, &display, args.json));
    if let Err(Failure::Input(_)) = done {
        // Nothing was measured, so that there is nothing to go on with.
        folder.abandon();
    }
    done
}

/// Runs `beacon resume`.
pub(super) fn resume(args: &ResumeArgs) -> Result<(), Failure> {
    let folder = RunFolder::resume(&args.folder).map_err(|e| Failure::input(&e))?;
    let mut taken_up = TakenUp::read(&folder).map_err(|e| Failure::input(&e))?;
    let config = &mut taken_up.config;
    config.budget = args.budget.unwrap_or(config.budget);
    config.dose_limit = args.dose_limit.or(config.dose_limit);
    config.time_limit = args.time_limit.or(config.time_limit);
    if let Some(microscope) = &args.microscope {
        config.microscope = microscope.clone();
    }
    if let Some(controller) = &args.controller {
        config.controller = controller.clone();
    }
    let mut microscope = open(config).map_err(|e| Failure::input(&e))?;
    let display = Display::new(args.json)?;
    let session = Session::resume(&mut *microscope, taken_up, &folder, display.interrupt());
    let session = session.map_err(|e| Failure::input(&e))?;
    if let (Some((points, torn)), false) = (session.found(), args.json) {
        let torn = match torn {
            0 => String::new(),
            bytes => {
                format!("; its last record was torn, and its {bytes} bytes moved to journal.torn")
            }
        };
        eprintln!("{points} points found in the journal{torn}");
    }
    go(session, &folder, &display, args.json)
}

/// Runs `beacon ctl`.
pub(super) fn ctl(args: &CtlArgs) -> Result<(), Failure> {
    let said = tell(&args.folder, &args.words).map_err(|e| Failure::input(&e))?;
    match said.as_str() {
        Some(text) => print(&format!("{text}\n")),
        None => {
            let text = serde_json::to_string_pretty(&said);
            print(&(text.map_err(|e| Failure::running(&e))? + "\n"))
        }
    }
}

/// Opens the instrument of a campaign, and takes over what it is used to.
fn open(config: &mut LiveConfig) -> Result<Box<dyn Microscope>, LiveError> {
    let (microscope, own_dwell) = config.microscope.open(
        &config.instrument,
        config.current,
        config.dwell.map(|_| config.dwell()),
    )?;
    config.dwell = config.dwell.or(own_dwell.map(|dwell| dwell.as_secs_f64()));
    Ok(microscope)
}

/// Runs a session to its end, and writes what there is.
fn go(
    mut session: Session<'_>,
    folder: &RunFolder,
    display: &Display,
    json: bool,
) -> Result<(), Failure> {
    let seeds = match &session.config().seeds_from {
        Some(file) => Seeds::Given(read_seeds(file).map_err(|e| Failure::input(&e))?),
        None => Seeds::Random(session.config().campaign.initial),
    };
    let mut config = session.config().campaign.clone();
    let budget = session.config().budget;
    config.steps = budget.saturating_sub(seeds.count());
    if config.steps == 0 {
        return Err(Failure::Input(format!(
            "budget is {budget}; expected more than the {} points measured first, which count",
            seeds.count()
        )));
    }
    let strategy = config.strategy.clone();
    let steps = config.steps;
    let campaign = Campaign::new(config, seeds, &session).map_err(|e| Failure::input(&e))?;
    let spaces = spaces::of(campaign.patches(), None)?;
    let campaign = campaign
        .with_spaces(&spaces)
        .map_err(|e| Failure::running(&e))?;
    let mut progress = display.campaign(&strategy, steps);
    session.set_voice(progress.voice());
    let mut observer = Stall::new(&mut progress, session.config().stall_after);
    let controller = session.config().controller.clone();
    let outcome = kernel::run(campaign, &controller, None, &mut session, &mut observer);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(failure) => {
            let why = match &failure {
                Failure::Input(why) | Failure::Running(why) => why.clone(),
                _ => "it failed".to_owned(),
            };
            // What failed comes first; that the journal cannot be finished follows from it.
            let _ = session.end(&Ended::Controller(why));
            return Err(match failure {
                Failure::Running(why) => {
                    Failure::Running(format!("{why}; {}", hint(folder.path())))
                }
                other => other,
            });
        }
    };
    session
        .end(&outcome.ended)
        .map_err(|e| Failure::running(&e))?;

    let summary = LiveSummary::new(&outcome, &session).map_err(|e| Failure::running(&e))?;
    let written = write_run(
        folder.path(),
        &outcome,
        &session,
        Some(&spaces),
        session.config(),
        &summary,
    );
    written.map_err(|e| Failure::running(&e))?;
    write_results(&folder.results(), &outcome, &session, &summary)
        .map_err(|e| Failure::running(&e))?;
    if json {
        let text = serde_json::to_string(&summary);
        print(&(text.map_err(|e| Failure::running(&e))? + "\n"))?;
    } else {
        print(&report(&outcome, &summary, &session, folder.path()))?;
    }
    match &outcome.ended {
        Ended::Interrupted | Ended::Stopped => Err(Failure::Suspended(hint(folder.path()))),
        ended if ended.is_failure() => Err(Failure::Running(format!(
            "{ended}; {}",
            hint(folder.path())
        ))),
        _ => Ok(()),
    }
}

fn report(
    outcome: &crate::campaign::Outcome,
    summary: &LiveSummary,
    session: &Session<'_>,
    folder: &Path,
) -> String {
    let mut text = describe(outcome);
    let dose = summary.dose_electrons;
    let area = crate::live::pixel_area(&session.begun().image);
    let pixels = session.begun().image.values.len() as f64;
    if dose > 0.0 {
        let density = area.map(|area| {
            let most = session.points().iter();
            let most = most.filter_map(|point| session.ledger().on_pixel(point.candidate));
            let most = most.fold(0.0, f64::max);
            let mean = dose / (area * pixels);
            format!(", {mean:.3e} e/Å² on average and {most:.3e} on the pixel that took most")
        });
        text += &format!(
            "  dose {dose:.4e} electrons{}\n",
            density.unwrap_or_default()
        );
    }
    let (down, right) = summary.drift;
    if (down, right) != (0.0, 0.0) {
        text += &format!("  the sample drifted {down:.2} px down and {right:.2} px to the right\n");
    }
    if outcome.ended != Ended::Budget {
        text += &format!("  ended: {}\n", outcome.ended);
    }
    text + &format!("results in {}\n", folder.display())
}

fn hint(folder: &Path) -> String {
    format!(
        "the beam is blanked and the journal complete: go on with `beacon resume {}`",
        folder.display()
    )
}

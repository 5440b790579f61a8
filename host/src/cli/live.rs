//! `beacon run`, `beacon resume` and `beacon ctl`: campaigns on an instrument.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use beacon_kernel::{Candidate, Strategy};
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::progress::Display;
use super::replay::describe;
use super::{Failure, input, kernel, print, spaces};
use crate::campaign::{Campaign, Seeds, default_strategy, read_seeds, write_run};
use crate::controller::ControllerChoice;
use crate::experiment::Ended;
use crate::live::{
    LiveConfig, LiveError, LiveSummary, RunFolder, Session, Stall, TakenUp, WORDS, parse_time,
    tell, write_results,
};
use crate::microscope::{Interrupt, Microscope, MicroscopeChoice, MicroscopeError};

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
    /// Another limit of the time that the campaign has been running, as in 90m or 8h.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    time_limit: Option<f64>,
    /// End after this many points without growth of coverage.
    #[arg(long, value_name = "POINTS")]
    stall_after: Option<usize>,
    /// Points between one overview for drift correction and the next.
    #[arg(long, value_name = "POINTS")]
    drift_every: Option<usize>,
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
    let seeds = match &config.seeds_from {
        Some(file) => {
            let seeds = read_seeds(file).map_err(|e| Failure::input(&e))?;
            Some(seeds.into_iter().map(|seed| seed.0).collect::<Vec<_>>())
        }
        None => None,
    };
    let first = seeds.as_ref().map_or(config.campaign.initial, Vec::len);
    if config.budget <= first {
        return Err(Failure::Input(format!(
            "budget is {}; expected more than the {first} points measured first, which count",
            config.budget
        )));
    }
    config.campaign.steps = config.budget - first;
    let mut microscope = open(&mut config).map_err(|e| Failure::input(&e))?;
    let path = input::folder_for(args.out.as_deref(), "run");
    let folder = RunFolder::begin(&path).map_err(|e| Failure::input(&e))?;
    let display = watched(&mut *microscope, &config, args.json)?;
    let begun = Session::begin(
        &mut *microscope,
        config,
        seeds,
        &folder,
        display.interrupt(),
    );
    if let Err(LiveError::Microscope(error @ MicroscopeError::Aborted { .. })) = begun {
        folder.abandon();
        return Err(Failure::Suspended(format!("nothing was measured: {error}")));
    }
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
    config.stall_after = args.stall_after.or(config.stall_after);
    config.drift_every = args.drift_every.or(config.drift_every);
    if let Some(microscope) = &args.microscope {
        config.microscope = microscope.clone();
    }
    if let Some(controller) = &args.controller {
        config.controller = controller.clone();
    }
    let mut microscope = open(config).map_err(|e| Failure::input(&e))?;
    let display = watched(&mut *microscope, config, args.json)?;
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
    if let Some(text) = said.as_str() {
        return print(&format!("{text}\n"));
    }
    let text = serde_json::to_string_pretty(&said);
    print(&(text.map_err(|e| Failure::running(&e))? + "\n"))
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

/// A display whose interrupts the instrument knows of.
fn watched(
    microscope: &mut dyn Microscope,
    config: &LiveConfig,
    quiet: bool,
) -> Result<Display, Failure> {
    let interrupt = Interrupt::default();
    microscope.set_interrupt(interrupt.clone());
    Display::live(quiet, config.dwell(), &interrupt)
}

/// Runs a session to its end, and writes what there is.
fn go(
    mut session: Session<'_>,
    folder: &RunFolder,
    display: &Display,
    json: bool,
) -> Result<(), Failure> {
    let seeds = match session.seeds() {
        Some(seeds) => Seeds::Given(seeds.iter().copied().map(Candidate).collect()),
        None => Seeds::Random(session.config().campaign.initial),
    };
    let mut config = session.config().campaign.clone();
    let budget = session.config().budget;
    config.steps = budget.saturating_sub(seeds.count());
    let candidates = session.candidates().count();
    if budget > candidates {
        return Err(Failure::Input(format!(
            "budget is {budget}; expected at most {candidates}: so many windows of {} pixels fit \
             into the overview",
            config.window
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
    let after = session.config().stall_after;
    let mut observer = Stall::new(&mut progress, after, session.retargets());
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
                    Failure::Running(format!("{why}; {}", hint(&session, folder.path())))
                }
                other => other,
            });
        }
    };
    session
        .end(&outcome.ended)
        .map_err(|e| Failure::running(&e))?;
    if !session.is_live() {
        // Results of the journal's first part would replace those of all of it.
        return Err(Failure::Suspended(format!(
            "the journal was not yet lived through, and nothing in {} has changed: go on with \
             `beacon resume {}`",
            folder.path().display(),
            folder.path().display()
        )));
    }

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
        Ended::Interrupted | Ended::Stopped => {
            Err(Failure::Suspended(hint(&session, folder.path())))
        }
        ended if ended.is_failure() => Err(Failure::Running(format!(
            "{ended}; {}",
            hint(&session, folder.path())
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
        let density = density.unwrap_or_default();
        // A string takes any text.
        let _ = writeln!(text, "  dose {dose:.4e} electrons{density}");
    }
    let (down, right) = summary.drift;
    if (down, right) != (0.0, 0.0) {
        let _ = writeln!(
            text,
            "  the sample drifted {down:.2} px down and {right:.2} px to the right"
        );
    }
    text + &format!("results in {}\n", folder.display())
}

fn hint(session: &Session<'_>, folder: &Path) -> String {
    let beam = if session.is_blanked() {
        "the beam is blanked"
    } else {
        "the beam COULD NOT BE BLANKED: look after it"
    };
    format!(
        "{beam} and the journal complete: go on with `beacon resume {}`",
        folder.display()
    )
}

//! `beacon resume`.

use std::path::PathBuf;

use clap::Args;

use super::needs::{Needs, check_lines, with_kernel};
use super::to_its_end::go;
use super::{ShownArgs, not_begun, open, stay, watched};
use crate::campaign::parse_time;
use crate::cli::page::OwnPage;
use crate::cli::progress::Display;
use crate::cli::{Failure, OrFail as _, ctl, log, scanner};
use crate::control;
use crate::controller::{Controller, ControllerChoice};
use crate::journal::RunFolder;
use crate::live::{Session, TakenUp};
use crate::microscope::{Microscope, MicroscopeChoice};
use crate::units::read::{electrons, electrons_per_area, seconds};

/// Arguments of `beacon resume`.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct ResumeArgs {
    /// Folder of the campaign.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Another number of points to measure in all, of any size.
    #[arg(long, value_name = "N")]
    budget: Option<usize>,
    /// Another live time of each spectrum from here on, in seconds or as in 500ms, also of a point that was
    /// broken off: as `beacon ctl DIR dwell`, and on record as that.
    #[arg(long, value_name = "TIME", value_parser = typed(seconds))]
    dwell: Option<Typed<f64>>,
    /// Another limit of the dose, in electrons or as in 16nC; none lifts it.
    #[arg(long, value_name = "ELECTRONS", value_parser = typed(limit(electrons)))]
    dose_limit: Option<Typed<Limit>>,
    /// Another limit of the dose on one pixel, in electrons per Å² or as in 1e6e/nm2; none lifts it.
    #[arg(long, value_name = "E_PER_A2", value_parser = typed(limit(electrons_per_area)))]
    pixel_dose_limit: Option<Typed<Limit>>,
    /// Another limit of the time that the campaign has been running, as in 90m, 8h or 2h30m; none lifts it.
    #[arg(long, value_name = "TIME", value_parser = typed(limit(parse_time)))]
    time_limit: Option<Typed<Limit>>,
    /// End after this many points without growth of coverage.
    #[arg(long, value_name = "POINTS")]
    stall_after: Option<usize>,
    /// Points in a row that may be unusable before the campaign ends.
    #[arg(long, value_name = "POINTS")]
    most_failures: Option<usize>,
    /// Points between one overview for drift correction and the next.
    #[arg(long, value_name = "POINTS")]
    drift_every: Option<usize>,
    /// The same instrument at another place.
    #[arg(long, value_name = "WHICH")]
    microscope: Option<MicroscopeChoice>,
    /// Another controller.
    #[arg(long, value_name = "WHERE")]
    controller: Option<ControllerChoice>,
    #[command(flatten)]
    shown: ShownArgs,
}

/// A value, also as it was typed: people's commands are words.
#[derive(Clone, Debug)]
struct Typed<T> {
    value: T,
    text: String,
}

/// Reads a value that is kept as it was typed as well.
fn typed<T>(
    read: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<Typed<T>, String> + Clone {
    move |text| {
        let value = read(text)?;
        let text = text.to_owned();
        Ok(Typed { value, text })
    }
}

/// A limit that `beacon resume` is given; `None` where it is lifted.
#[derive(Clone, Copy, Debug)]
struct Limit(Option<f64>);

/// Reads a limit, or `none`.
fn limit(read: fn(&str) -> Result<f64, String>) -> impl Fn(&str) -> Result<Limit, String> + Clone {
    move |text| match text {
        "none" => Ok(Limit(None)),
        _ => match read(text) {
            Ok(limit) => Ok(Limit(Some(limit))),
            Err(why) => Err(format!("{why}, or `none`")),
        },
    }
}

impl ResumeArgs {
    /// What may be spent, in the words of `beacon ctl`.
    fn limits(&self) -> impl Iterator<Item = (&'static str, String)> {
        let text = |limit: &Option<Typed<Limit>>| limit.as_ref().map(|limit| limit.text.clone());
        let limits = [
            ("budget", self.budget.map(|budget| budget.to_string())),
            ("dose-limit", text(&self.dose_limit)),
            ("pixel-dose-limit", text(&self.pixel_dose_limit)),
            ("time-limit", text(&self.time_limit)),
        ];
        let given = limits.into_iter();
        given.filter_map(|(word, text)| Some((word, text?)))
    }
}

/// Runs `beacon resume`.
pub(in crate::cli) fn resume(args: &ResumeArgs) -> Result<(), Failure> {
    let folder = RunFolder::resume(&args.folder).or_input()?;
    let mut taken_up = TakenUp::read(&folder).or_input()?;
    let page = args
        .shown
        .page
        .open(std::slice::from_ref(&args.folder), false)?;
    let config = &mut taken_up.config;
    config.budget = args.budget.unwrap_or(config.budget);
    for (limit, given) in [
        (&mut config.dose_limit, &args.dose_limit),
        (&mut config.pixel_dose_limit, &args.pixel_dose_limit),
        (&mut config.time_limit, &args.time_limit),
    ] {
        if let Some(given) = given {
            Limit(*limit) = given.value;
        }
    }
    config.stall_after = args.stall_after.or(config.stall_after);
    config.drift_every = args.drift_every.or(config.drift_every);
    config.most_failures = args.most_failures.unwrap_or(config.most_failures);
    if let Some(microscope) = &args.microscope {
        config.microscope = microscope.clone();
        if matches!(config.microscope, MicroscopeChoice::Controller(_)) {
            // It is the controller as well.
            config.controller = ControllerChoice::InProcess;
        }
    }
    if let Some(controller) = &args.controller {
        config.controller = controller.clone();
    }
    scanner::settle(config)?;
    check_lines(config)?;
    let mut memory = None;
    let scanner = scanner::connect(config, &mut memory)?;
    let mut microscope = open(config, scanner.as_ref()).or_input()?;
    let display = watched(&mut *microscope, config, args.shown.json)?;
    let dwell = args.dwell.as_ref().map(|dwell| dwell.value);
    Session::check_resumed(&*microscope, &taken_up, dwell).or_input()?;
    let needs = Needs::of(&taken_up.config, taken_up.size());
    let start = || {
        resumed(
            args,
            &mut *microscope,
            taken_up,
            &folder,
            page.as_ref(),
            &display,
        )
    };
    let go = |session: Session<'_>, kernel: &mut dyn Controller| {
        go(session, kernel, &folder, &display, &args.shown)
    };
    let done = match &scanner {
        // The board that is the instrument is the controller as well.
        Some(scanner) => start().and_then(|session| go(session, &mut scanner.board.clone())),
        None => with_kernel(&needs, start, go),
    };
    if args.shown.page_stay {
        drop(folder);
        return stay(page, done, &display);
    }
    done
}

/// Resumes a campaign that was checked, and says what its journal holds.
fn resumed<'a>(
    args: &ResumeArgs,
    microscope: &'a mut dyn Microscope,
    taken_up: TakenUp,
    folder: &RunFolder,
    page: Option<&OwnPage>,
    display: &Display,
) -> Result<Session<'a>, Failure> {
    let session = Session::resume(microscope, taken_up, folder, display.interrupt());
    let session = session.map_err(|error| not_begun(&error, folder))?;
    if let Some(page) = page {
        page.say();
    }
    let tell = |word: &str, text: &str| -> Result<(), Failure> {
        let words = [word.to_owned(), text.to_owned()];
        let said = control::tell(folder.path(), &words, &ctl::user()).or_input()?;
        log(&format!("--{word}: {}", said.as_str().unwrap_or_default()));
        Ok(())
    };
    if session.commands_wait() {
        // They were given before, and may say otherwise.
        for (word, text) in args.limits() {
            tell(word, &text)?;
        }
    }
    if let Some(dwell) = &args.dwell {
        tell("dwell", &dwell.text)?;
        // A point that was broken off under another dwell has this one too.
        session.take_commands_first();
    }
    if let (Some((points, torn)), false) = (session.found(), args.shown.json) {
        let torn = match torn {
            0 => String::new(),
            bytes => {
                format!("; its last record was torn, and its {bytes} bytes moved to journal.torn")
            }
        };
        log(&format!("{points} points found in the journal{torn}"));
        let budget = session.config().budget;
        if points >= budget {
            log(&format!(
                "nothing is left to measure: go on with a --budget above {budget}"
            ));
        }
    }
    Ok(session)
}

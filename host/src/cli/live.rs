//! `beacon run` and `beacon resume`: campaigns on an instrument.

mod told;

use std::path::PathBuf;

use beacon_kernel::{Candidates, Strategy};
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::page::{OwnPage, OwnPageArgs};
use super::progress::Display;
use super::{Failure, OrFail as _, ctl, input, kernel, log, print, print_json, scanner, spaces};
use crate::campaign::{
    CampaignError, Ended, Event, LiveConfig, RunFiles, SeedList, Settings, default_strategy,
    parse_time, read_seeds, write_run,
};
use crate::control;
use crate::controller::{Controller, ControllerChoice};
use crate::data::Channels;
use crate::data::files::Finished;
use crate::journal::{Follower, RunFolder};
use crate::live::{LiveError, LiveSummary, Session, TakenUp, write_points, write_results};
use crate::microscope::{Interrupt, Microscope, MicroscopeChoice};
use crate::spaces::LatentConfig;
use crate::units::read::{electrons, electrons_per_area, seconds};
use told::{hint, report};

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
    /// Put letters on the panels of figures: a, b, c …
    #[arg(long)]
    letters: bool,
    #[command(flatten)]
    page: OwnPageArgs,
    /// Keep the page open when the campaign has ended, until this program is interrupted.
    #[arg(long, requires = "page", help_heading = "Page")]
    page_stay: bool,
}

/// Arguments of `beacon resume`.
#[derive(Clone, Debug, Args)]
pub(super) struct ResumeArgs {
    /// Folder of the campaign.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Another number of points to measure in all, of any size.
    #[arg(long, value_name = "N")]
    budget: Option<usize>,
    /// Another live time of each spectrum from here on, in seconds or as in 500ms, also of a point that was
    /// broken off: as `beacon ctl DIR dwell`, and on record as that.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    dwell: Option<f64>,
    /// Another limit of the dose, in electrons or as in 16nC; none lifts it.
    #[arg(long, value_name = "ELECTRONS", value_parser = limit(electrons))]
    dose_limit: Option<Limit>,
    /// Another limit of the dose on one pixel, in electrons per Å² or as in 1e6e/nm2; none lifts it.
    #[arg(long, value_name = "E_PER_A2", value_parser = limit(electrons_per_area))]
    pixel_dose_limit: Option<Limit>,
    /// Another limit of the time that the campaign has been running, as in 90m, 8h or 2h30m; none lifts it.
    #[arg(long, value_name = "TIME", value_parser = limit(parse_time))]
    time_limit: Option<Limit>,
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
    /// Print the summary as JSON on standard output and nothing else.
    #[arg(long)]
    json: bool,
    /// Put letters on the panels of figures: a, b, c …
    #[arg(long)]
    letters: bool,
    #[command(flatten)]
    page: OwnPageArgs,
    /// Keep the page open when the campaign has ended, until this program is interrupted.
    #[arg(long, requires = "page", help_heading = "Page")]
    page_stay: bool,
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

/// Runs `beacon run`; `edges_said` tells whether the user chose the edges.
pub(super) fn run(args: &RunArgs, edges_said: bool) -> Result<(), Failure> {
    let mut config = args.live.clone();
    config.campaign.strategy.clone_from(&args.strategy);
    config.campaign.seed = args.seed;
    let seeds = config.seeds_from.as_deref().map(read_seeds);
    let seeds = seeds.transpose().or_input()?;
    let first = seeds
        .as_ref()
        .map_or(config.campaign.initial, SeedList::count);
    if config.budget <= first {
        return Err(Failure::Input(format!(
            "budget is {}; expected more than the {first} points measured first, which count",
            config.budget
        )));
    }
    config.campaign.steps = config.budget - first;
    scanner::settle(&mut config)?;
    let mut memory = None;
    let scanner = scanner::connect(&config, &mut memory)?;
    let mut microscope = open(&mut config, scanner.as_ref()).or_input()?;
    let seeds = seeds.map(|seeds| numbers(&seeds, &config, &*microscope, edges_said));
    let seeds = seeds.transpose()?;
    let path = input::folder_for(args.out.as_deref(), "run");
    input::refuse_study(&path)?;
    let folder = RunFolder::begin(&path).or_input()?;
    let page = match args.page.open(&[path], false) {
        Ok(page) => page,
        Err(failure) => {
            folder.abandon();
            return Err(failure);
        }
    };
    let display = match watched(&mut *microscope, &config, args.json) {
        Ok(display) => display,
        Err(failure) => {
            folder.abandon();
            return Err(failure);
        }
    };
    let mut board = scanner.as_ref().map(|scanner| scanner.board.clone());
    let board = board.as_mut().map(|board| board as &mut dyn Controller);
    let done = begin(
        (&mut *microscope, board),
        config,
        seeds,
        (&folder, page.as_ref()),
        &display,
        (args.json, args.letters),
    );
    if done.is_err() && is_untouched(&folder) {
        // Nothing was exposed, so that there is nothing to go on with.
        folder.abandon();
    } else if args.page_stay {
        // Whoever likes may go on with the campaign meanwhile.
        drop(folder);
        return stay(page, done, &display);
    }
    done
}

/// Whether nothing was exposed for the campaign in a folder: its journal has the beginning at most.
fn is_untouched(folder: &RunFolder) -> bool {
    let journal = folder.journal();
    if !journal.exists() {
        return true;
    }
    let found = Follower::new(&journal).poll();
    found.is_ok_and(|news| {
        let mut records = news.records.iter();
        news.rest == 0 && records.all(|(_, record)| matches!(record.event, Event::Begun(_)))
    })
}

/// Keeps a page open after a campaign, which ended like this.
fn stay(
    page: Option<OwnPage>,
    done: Result<(), Failure>,
    display: &Display,
) -> Result<(), Failure> {
    if let Some(page) = page {
        if let Err(Failure::Running(said) | Failure::Early(said)) = &done {
            log(said);
        }
        page.stay(display);
    }
    done
}

/// The candidate numbers of seeds, which the journal holds.
fn numbers(
    seeds: &SeedList,
    config: &LiveConfig,
    microscope: &dyn Microscope,
    edges_said: bool,
) -> Result<Vec<u32>, Failure> {
    let seeds = match (seeds, microscope.frame()) {
        (SeedList::Numbers(numbers), frame) => {
            let size = frame.map(|(rows, columns)| (rows.size, columns.size));
            let candidates =
                size.and_then(|(height, width)| config.campaign.candidates(height, width).ok());
            if let (Some(candidates), Some(file), false) =
                (candidates, &config.seeds_from, edges_said)
            {
                input::tell_numbering(file, numbers, candidates);
            }
            numbers.clone()
        }
        (SeedList::Pixels(_), Some((rows, columns))) => {
            let candidates = config.campaign.candidates(rows.size, columns.size);
            seeds.among(candidates.or_input()?).or_input()?
        }
        (SeedList::Pixels(_), None) => {
            return Err(Failure::Input(
                "--seeds-from names rows and columns, and the instrument does not tell the size of its \
                 image before the first overview; expected candidate numbers"
                    .to_owned(),
            ));
        }
    };
    Ok(seeds.into_iter().map(|seed| seed.0).collect())
}

/// Begins a campaign, once the kernel is known to have room for it, and runs it; on the board that is
/// the instrument as well, if there is one.
fn begin(
    (microscope, board): (&mut dyn Microscope, Option<&mut dyn Controller>),
    config: LiveConfig,
    seeds: Option<Vec<u32>>,
    shown: (&RunFolder, Option<&OwnPage>),
    display: &Display,
    (json, letters): (bool, bool),
) -> Result<(), Failure> {
    let (folder, _) = shown;
    check_lines(&config)?;
    if let Some(board) = board {
        let session = start(microscope, config, seeds, shown, display, json)?;
        return go(session, board, folder, display, (json, letters));
    }
    // Settings are looked at first: they say more than a lack of memory.
    Settings::live(&config, microscope.channels()).or_input()?;
    let size = microscope
        .frame()
        .map(|(rows, columns)| (rows.size, columns.size));
    let needs = Needs::of(&config, size);
    with_kernel(
        &needs,
        || start(microscope, config, seeds, shown, display, json),
        |session, kernel| go(session, kernel, folder, display, (json, letters)),
    )
}

/// Refuses lines to a detector that a kernel in this process has not.
fn check_lines(config: &LiveConfig) -> Result<(), Failure> {
    if config.controller == ControllerChoice::InProcess
        && (config.ready_timeout.is_some() || config.gate)
    {
        return Err(Failure::Input(
            "the kernel in this process has no lines to a detector; expected --ready-timeout and \
             --gate beside --controller serial:PORT"
                .to_owned(),
        ));
    }
    Ok(())
}

/// What a campaign needs of its kernel.
struct Needs {
    controller: ControllerChoice,
    budget: usize,
    /// Where the size of the image is known before the first overview.
    candidates: Option<Candidates>,
    /// How many responses are sought together.
    targets: usize,
}

impl Needs {
    fn of(config: &LiveConfig, size: Option<(usize, usize)>) -> Self {
        let budget = config.budget;
        let candidates =
            size.and_then(|(height, width)| config.campaign.candidates(height, width).ok());
        Self {
            controller: config.controller.clone(),
            budget,
            targets: config.target.len().max(1),
            // A budget that is too large is refused with the settings, in better words.
            candidates: candidates.filter(|candidates| budget <= candidates.count()),
        }
    }
}

/// Begins or resumes a session and runs it, with the kernel in this process or at the end of a line. Line
/// and memory come first where the size of the image is known: without them nothing is exposed.
fn with_kernel<'a>(
    needs: &Needs,
    start: impl FnOnce() -> Result<Session<'a>, Failure>,
    go: impl FnOnce(Session<'a>, &mut dyn Controller) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let line = kernel::ControllerLine::open(&needs.controller)?;
    let Some(candidates) = needs.candidates else {
        let session = start()?;
        let candidates = session.candidates().or_input()?;
        let (mut memory, needed) =
            kernel::roomy_memory_for(candidates, needs.budget, needs.targets)?;
        let mut kernel = kernel::Kernel::new(line, &mut memory, needed)?;
        return go(session, kernel.controller());
    };
    let (mut memory, needed) = kernel::roomy_memory_for(candidates, needs.budget, needs.targets)?;
    let mut kernel = kernel::Kernel::new(line, &mut memory, needed)?;
    go(start()?, kernel.controller())
}

/// Checks what can be checked, says where the campaign is to be found, and takes the first overview.
fn start<'a>(
    microscope: &'a mut dyn Microscope,
    config: LiveConfig,
    seeds: Option<Vec<u32>>,
    (folder, page): (&RunFolder, Option<&OwnPage>),
    display: &Display,
    json: bool,
) -> Result<Session<'a>, Failure> {
    Session::check(microscope, &config, seeds.clone()).or_input()?;
    if let Some(page) = page {
        page.say();
    }
    if !json {
        let path = folder.path().display();
        log(&format!("journal and results in {path}"));
    }
    tell_scalarizer(&config, microscope.channels());
    let session = Session::begin(microscope, config, seeds, folder, display.interrupt());
    session.map_err(|error| not_begun(&error, folder))
}

/// What keeps a campaign from coming as far as its first point.
fn not_begun(error: &LiveError, folder: &RunFolder) -> Failure {
    match error {
        LiveError::Aborted(why) => Failure::Suspended(format!(
            "nothing was measured: {why}; go on with `beacon resume {}`",
            folder.path().display()
        )),
        error => Failure::Input(error.to_string()),
    }
}

/// Says what is sought where nobody chose it, and which windows the axis cuts.
fn tell_scalarizer(config: &LiveConfig, channels: &Channels) {
    let (scalarizers, targets) = config.scalarizers();
    let chosen = !config.scalarizers.is_empty() || !config.target.is_empty();
    let is_specimen = matches!(config.microscope, MicroscopeChoice::Specimen(_));
    let count = channels.coordinates.len();
    if !chosen && !is_specimen && count > 1 {
        log(&format!(
            "note: without --scalarizer `{}` is sought, over all {count} channels",
            scalarizers[targets[0]]
        ));
    }
    for scalarizer in &scalarizers {
        if let Some(cut) = scalarizer.cut(&channels.coordinates, &channels.axis) {
            log(&format!("note: {cut}"));
        }
    }
}

/// Runs `beacon resume`.
pub(super) fn resume(args: &ResumeArgs) -> Result<(), Failure> {
    let folder = RunFolder::resume(&args.folder).or_input()?;
    let mut taken_up = TakenUp::read(&folder).or_input()?;
    let page = args.page.open(std::slice::from_ref(&args.folder), false)?;
    let config = &mut taken_up.config;
    config.budget = args.budget.unwrap_or(config.budget);
    for (limit, given) in [
        (&mut config.dose_limit, args.dose_limit),
        (&mut config.pixel_dose_limit, args.pixel_dose_limit),
        (&mut config.time_limit, args.time_limit),
    ] {
        if let Some(Limit(given)) = given {
            *limit = given;
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
    let display = watched(&mut *microscope, config, args.json)?;
    Session::check_resumed(&*microscope, &taken_up, args.dwell).or_input()?;
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
        go(
            session,
            kernel,
            &folder,
            &display,
            (args.json, args.letters),
        )
    };
    let done = match &scanner {
        // The board that is the instrument is the controller as well.
        Some(scanner) => start().and_then(|session| go(session, &mut scanner.board.clone())),
        None => with_kernel(&needs, start, go),
    };
    if args.page_stay {
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
    if let Some(dwell) = args.dwell {
        let words = ["dwell".to_owned(), format!("{dwell}s")];
        let said = control::tell(folder.path(), &words, &ctl::user()).or_input()?;
        log(&format!("--dwell: {}", said.as_str().unwrap_or_default()));
        // A point that was broken off under another dwell has this one too.
        session.take_commands_first();
    }
    if let (Some((points, torn)), false) = (session.found(), args.json) {
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

/// Opens the instrument of a campaign, and takes over what it is used to.
fn open<'m>(
    config: &mut LiveConfig,
    scanner: Option<&scanner::Scanner<'m>>,
) -> Result<Box<dyn Microscope + 'm>, LiveError> {
    if let Some(scanner) = scanner {
        return Ok(Box::new(scanner.microscope(config)));
    }
    let (microscope, own_dwell) =
        config
            .microscope
            .open(&config.instrument, config.current, config.own_dwell()?)?;
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

/// Runs a session to its end, and writes what there is, the summary on standard output as well or
/// figures with letters where that is asked for.
fn go(
    mut session: Session<'_>,
    controller: &mut dyn Controller,
    folder: &RunFolder,
    display: &Display,
    (json, letters): (bool, bool),
) -> Result<(), Failure> {
    let patches = session.patches().or_input()?;
    let latent = session.config().latent_coverage;
    let spaces = spaces::of(&patches, latent.then(LatentConfig::default))?;
    let config = session.config();
    let mut progress = display.points(&config.campaign.strategy, config.budget);
    session.set_log(progress.log());
    session.set_watch(progress.watch());
    session.set_interrupt(display.asked());
    let block = display.block(folder.path());
    let outcome = session.run(Some(&spaces), controller, &mut progress);
    drop(block);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(CampaignError::Unread) => {
            let folder = folder.path().display();
            return Err(Failure::Suspended(format!(
                "the journal was not read to its end, and nothing in {folder} has changed: go on \
                 with `beacon resume {folder}`"
            )));
        }
        Err(error) => {
            let hint = hint(&session, None, folder.path());
            return Err(Failure::Running(format!("{error}; {hint}")));
        }
    };

    let summary = LiveSummary::new(&outcome, &session).or_running()?;
    // Results belong to the events and to the program that made something of them.
    let version = env!("CARGO_PKG_VERSION");
    let mut key = format!("{} {version}", summary.journal_sha256);
    if outcome.map.is_none() {
        // One that was broken off is made by the next program.
        key.push_str(" without a map");
    }
    let finished = Finished::of(folder.path(), &key);
    finished
        .once("acquisitions.csv", || {
            write_points(folder.path(), session.state(), &summary.history)
        })
        .or_running()?;
    let files = RunFiles {
        history: Some(&summary.history),
        letters,
        ..RunFiles::new(&outcome, &session, Some(&spaces))
    };
    write_run(folder.path(), &files, session.config(), &summary, &finished).or_running()?;
    finished
        .once("campaign.hspy", || {
            write_results(&folder.results(), &outcome, &session, &summary)
        })
        .or_running()?;
    if json {
        print_json(&summary)?;
    } else {
        print(&report(&outcome, &summary, &session, folder.path()))?;
    }
    // The journal says why it ended first; one that would end again does so by the settings of now.
    let ended = session.ended_again().unwrap_or(&outcome.ended);
    let hint = hint(&session, Some(ended), folder.path());
    match ended {
        Ended::Interrupted => Err(Failure::Suspended(hint)),
        Ended::Budget => Ok(()),
        Ended::Stopped => {
            log(&format!("stopped; {hint}"));
            Ok(())
        }
        ended if ended.is_failure() => Err(Failure::Running(format!("{ended}; {hint}"))),
        ended => Err(Failure::Early(format!("{ended}; {hint}"))),
    }
}

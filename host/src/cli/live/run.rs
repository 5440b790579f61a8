//! `beacon run`.

use std::path::PathBuf;

use beacon_kernel::Strategy;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::needs::{Needs, check_lines, with_kernel};
use super::to_its_end::go;
use super::{ShownArgs, is_untouched, not_begun, open, stay, watched};
use crate::campaign::{LiveConfig, SeedList, Settings, default_strategy, read_seeds};
use crate::cli::page::OwnPage;
use crate::cli::progress::Display;
use crate::cli::{Failure, OrFail as _, input, log, scanner};
use crate::controller::Controller;
use crate::data::Channels;
use crate::journal::RunFolder;
use crate::live::Session;
use crate::microscope::{Microscope, MicroscopeChoice};

/// Arguments of `beacon run`.
#[derive(Clone, Debug, Args)]
// A budget counts the dose of every point, whoever chose it.
#[command(mut_arg("steps", |steps| steps.hide(true).conflicts_with("budget")))]
pub(in crate::cli) struct RunArgs {
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
    #[command(flatten)]
    shown: ShownArgs,
}

/// Runs `beacon run`; `edges_said` tells whether the user chose the edges.
pub(in crate::cli) fn run(args: &RunArgs, edges_said: bool) -> Result<(), Failure> {
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
            "budget is {}; expected at least {}: the {first} points that are measured before the strategy \
             decides are part of it",
            config.budget,
            first + 1
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
    let page = match args.shown.page.open(&[path], false) {
        Ok(page) => page,
        Err(failure) => {
            folder.abandon();
            return Err(failure);
        }
    };
    let display = match watched(&mut *microscope, &config, args.shown.json) {
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
        &args.shown,
    );
    if done.is_err() && is_untouched(&folder) {
        // Nothing was exposed, so that there is nothing to go on with.
        folder.abandon();
    } else if args.shown.page_stay {
        // Whoever likes may go on with the campaign meanwhile.
        drop(folder);
        return stay(page, done, &display);
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
    args: &ShownArgs,
) -> Result<(), Failure> {
    let (folder, _) = shown;
    check_lines(&config)?;
    if let Some(board) = board {
        let session = start(microscope, config, seeds, shown, display, args.json)?;
        return go(session, board, folder, display, args);
    }
    // Settings are looked at first: they say more than a lack of memory.
    Settings::live(&config, microscope.channels()).or_input()?;
    let size = microscope
        .frame()
        .map(|(rows, columns)| (rows.size, columns.size));
    let needs = Needs::of(&config, size);
    with_kernel(
        &needs,
        || start(microscope, config, seeds, shown, display, args.json),
        |session, kernel| go(session, kernel, folder, display, args),
    )
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

//! `beacon compare`: strategies against one another, seed by seed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use beacon_kernel::Strategy;
use clap::{ArgGroup, Args, Command, Id};

use super::cluster::{self, ClusterArgs};
use super::data::DataArgs;
use super::listing::listing;
use super::others::{self, parse_named, patience};
use super::page::{OwnPageArgs, ShownFolder};
use super::progress::Display;
use super::replay::parse_scalarizer;
use super::{Failure, OrFail as _, input, log, print, spaces, specimen};
use crate::campaign::{CampaignConfig, Targets, check_window, default_strategy};
use crate::data::files::write_file;
use crate::experiment::{Experiment, Oracle};
use crate::scalarizer::Scalarizer;
use crate::spaces::{LatentConfig, Spaces};
use crate::study::{
    Analysis, Cell, CellName, Comparison, DataIdentity, Ending, Maps, Plan, Stored, Study,
    StudyError, StudyFolder, Workers, chosen_steps, cores, describe, run_cells, to_json,
    write_report, write_series, write_table,
};

/// Arguments of `beacon compare`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["image", "specimen", "collect", "missing"])))]
pub(super) struct CompareArgs {
    /// Image that is known everywhere, as a program or an instrument wrote it; `FILE#path/inside`
    /// for one of several.
    #[arg(long, value_name = "FILE", requires = "response")]
    image: Option<String>,
    /// Response over the same pixels, or spectra together with --scalarizer or --target; several times for
    /// maps that are sought together.
    #[arg(long, value_name = "FILE", requires = "image")]
    response: Vec<String>,
    /// How a spectrum becomes a number: sum, window:LO..HI, line:Pd-La (or Pd-La+Pd-Lb1), lines:Pd,
    /// eels:LO..HI, plasmon-energy:LO..HI, plasmon-height:LO..HI, loop-height, loop-area,
    /// nucleation-positive, nucleation-negative; behind windows and lines @none, @linear or
    /// @two-window chooses the background.
    #[arg(long, value_name = "HOW", value_parser = parse_scalarizer, requires = "response")]
    scalarizer: Vec<Scalarizer>,
    #[command(flatten)]
    target: Targets,
    #[command(flatten)]
    data: DataArgs,
    /// A built-in specimen instead of data: its name, a number that chooses one of its kind, and :joint behind
    /// that of nanoparticles and plasmonic for a rare behaviour that no single response shows.
    #[arg(long, value_name = "NAME[:SEED[:joint]]")]
    specimen: Option<String>,
    /// Strategies to compare, separated by commas; the others are tested against the first and
    /// against `random`.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_values_t = all_strategies()
    )]
    strategies: Vec<String>,
    /// An order of somebody else's that takes part under this name: CSV with candidate numbers in a column
    /// `patch_index`, or pixels in `row` and `column`. Once for each seed, the first of seed 1; a file with
    /// `{seed}` in its name stands for all.
    #[arg(long = "order", value_name = "NAME=FILE", value_parser = parse_named)]
    orders: Vec<(String, String)>,
    /// A program of somebody else's that takes part, under its own name or NAME: it is asked for points
    /// and told what was measured, one JSON object a line.
    #[arg(long = "external", value_name = "[NAME=]COMMAND")]
    externals: Vec<String>,
    /// How long such a program may take for an answer, in seconds or as in 30m; then the study ends.
    #[arg(long, value_name = "TIME", value_parser = patience, default_value = "10m")]
    external_patience: Duration,
    /// Seeds for each strategy: 1 to N.
    #[arg(long, value_name = "N", default_value_t = 10)]
    seeds: u64,
    /// Points that every campaign measures first instead of random ones: rows and columns, as text
    /// with a first line `row,column` or as .npy of shape (n, 2); or candidate numbers.
    #[arg(long, value_name = "FILE", conflicts_with = "initial")]
    seeds_from: Option<PathBuf>,
    /// Steps to tabulate, separated by commas; the last is always among them.
    #[arg(long, value_name = "STEPS", value_delimiter = ',', default_values_t = crate::study::STEPS)]
    at: Vec<usize>,
    /// Folder of the study. Finished campaigns in it are not run again. Without it the first
    /// runs/compare-N that holds this study, or the next free one.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run one campaign alone, the I-th of N, into the folder of the study.
    #[arg(long, value_name = "I/N", requires = "out")]
    cell: Option<CellName>,
    /// Assemble what the folder of a study holds, and run nothing: only --at and --json say more.
    #[arg(long, value_name = "DIR", conflicts_with_all = settled())]
    collect: Option<PathBuf>,
    /// Campaigns to run at a time; as many as there are cores by default, one with --shard.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Print the comparison as JSON on standard output and nothing else; with --cell, the
    /// campaign.
    #[arg(long)]
    json: bool,
    /// Put letters on the panels of figures: a, b, c …
    #[arg(long)]
    letters: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    page: OwnPageArgs,
    #[command(flatten)]
    campaign: CampaignConfig,
}

/// Every strategy, the default first.
fn all_strategies() -> Vec<String> {
    let default = default_strategy();
    let others = Strategy::ALL.map(Strategy::name).into_iter();
    let others = others.filter(|name| *name != default);
    let all = std::iter::once(default).chain(others);
    all.map(str::to_owned).collect()
}

/// The arguments that a study which is there has settled already, by their names.
pub(super) fn settled() -> Vec<Id> {
    let own = [
        "scalarizer",
        "target",
        "mask",
        "transpose",
        "strategies",
        "orders",
        "externals",
        "external_patience",
        "seeds",
        "seeds_from",
        "out",
        "cell",
        "shard",
        "prepare",
        "slurm",
        "jobs",
        "page",
    ];
    // A group would not do: clap leaves it empty where a structure is flattened into it.
    let campaign = CampaignConfig::augment_args(Command::new("campaign"));
    let campaign = campaign
        .get_arguments()
        .map(|argument| argument.get_id().clone());
    own.into_iter().map(Id::from).chain(campaign).collect()
}

/// Runs the command; `edges_said` tells whether the user chose the edges.
pub(super) fn run(args: &CompareArgs, edges_said: bool) -> Result<(), Failure> {
    if let Some(folder) = &args.collect {
        let folder = StudyFolder::open(folder).or_input()?;
        tell_beyond(&args.at, folder.plan().campaign.steps);
        return assemble(args, &folder, None);
    }
    if let Some(folder) = &args.cluster.missing {
        return cluster::print_missing(folder, &args.cluster);
    }
    if args.jobs == Some(0) {
        return Err(Failure::Input("jobs is 0; expected 1 or more".to_owned()));
    }
    chosen_steps(&args.at, args.campaign.steps).or_input()?;
    if let Some(name) = &args.specimen {
        let experiment = specimen::by_name_for(name, &args.target)?;
        let sought = match &args.target[..] {
            [] => name.clone(),
            _ => format!("{name} ({})", args.target),
        };
        return explore(args, &sought, experiment, edges_said);
    }
    // The arguments require both where there is neither a specimen nor a folder to collect.
    let image = args.image.clone().unwrap_or_default();
    let how = (args.scalarizer.as_slice(), &args.target);
    let replay = input::read_replay_of(&image, &args.response, how, &args.data)?;
    let sought = match (&args.target[..], args.scalarizer.first()) {
        ([], None) => String::new(),
        ([], Some(how)) => format!(" ({how})"),
        _ => format!(" ({})", args.target),
    };
    let name = format!("{image}, {}{sought}", args.response.join(", "));
    explore(args, &name, replay, edges_said)
}

/// The strategies that are compared: of those that nobody has named, the ones that are defined for as many
/// targets as there are.
fn strategies(args: &CompareArgs, responses: usize) -> Vec<String> {
    let names = args.strategies.iter().map(|name| name.trim().to_owned());
    let named: Vec<String> = names.collect();
    if responses == 1 || named != all_strategies() {
        return named;
    }
    let elite = Strategy::BeaconElite.name();
    log(&format!(
        "note: `{elite}` is defined by one response and left out of a comparison by {responses}"
    ));
    named.into_iter().filter(|name| name != elite).collect()
}

/// Says which of the steps asked for are beyond the last, unless they are the usual ones.
fn tell_beyond(at: &[usize], steps: usize) {
    let beyond = at.iter().filter(|&&step| step > steps);
    let beyond: Vec<_> = beyond.map(usize::to_string).collect();
    if !beyond.is_empty() && *at != crate::study::STEPS {
        let beyond = beyond.join(", ");
        log(&format!(
            "note: no step {beyond} in campaigns of {steps} steps; the last is shown instead"
        ));
    }
}

/// The cells whose campaigns are not finished in a folder.
fn due(folder: &StudyFolder, asked: &[Cell]) -> Vec<Cell> {
    let mut due = Vec::new();
    for cell in asked {
        match folder.read(cell) {
            Stored::Finished(_) => continue,
            Stored::Absent => {}
            Stored::Damaged(reason) => {
                let file = folder.file(cell);
                log(&format!(
                    "`{}` is damaged and run again: {reason}",
                    file.display()
                ));
            }
            Stored::Outdated(differences) => {
                let file = folder.file(cell);
                log(&format!(
                    "`{}` is of other arguments and run again: {differences}",
                    file.display()
                ));
            }
        }
        due.push(cell.clone());
    }
    due
}

/// The study that is asked for, together with what its folder has besides.
fn planned(
    args: &CompareArgs,
    name: &str,
    experiment: &dyn Experiment,
    edges_said: bool,
) -> Result<Plan, Failure> {
    let start = match &args.seeds_from {
        Some(file) => input::read_seeds(file, &args.campaign, experiment.image(), edges_said)?,
        None => Vec::new(),
    };
    let dataset = DataIdentity::new(name, experiment);
    let strategies = strategies(args, experiment.responses());
    let campaign = args.campaign.clone();
    let image = experiment.image();
    check_window(image, campaign.window, campaign.edges).or_input()?;
    let candidates = campaign.candidates(image.height(), image.width());
    let others = others::of(
        &args.orders,
        &args.externals,
        args.seeds,
        candidates.or_input()?,
    )?;
    let plan = Plan::with_others(dataset, strategies, others, args.seeds, start, campaign);
    let plan = match &args.out {
        Some(out) => plan.and_then(|plan| plan.joined_with(out)),
        None => plan,
    };
    plan.or_input()
}

/// Runs the cells of a study on a experiment, all or one.
fn explore<M: Oracle + Clone + Sync>(
    args: &CompareArgs,
    name: &str,
    experiment: M,
    edges_said: bool,
) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        input::refuse_campaign(out)?;
    }
    let maps = Maps::new(&experiment);
    let plan = planned(args, name, &experiment, edges_said)?;
    let asked: Vec<Cell> = match (args.cell, args.cluster.shard) {
        (Some(name), _) => vec![plan.cell(name).or_input()?],
        (_, Some(name)) => plan.shard(name).or_input()?,
        _ => plan.cells().collect(),
    };
    let study = Study::new(plan, experiment).or_input()?;
    let study = study.with_patience(args.external_patience);
    let path = match &args.out {
        Some(out) => out.clone(),
        None => own_folder(study.plan()),
    };
    if args.cluster.slurm {
        return cluster::print_script(&path, study.plan(), &args.cluster);
    }
    let folder = StudyFolder::create(&path, study.plan()).or_input()?;
    folder.keep(&maps).or_input()?;
    if args.cluster.prepare {
        let patches = study.patches().or_running()?;
        spaces::of(&patches, Some(LatentConfig::default()))?;
        return print(&format!("prepared: {}\n", path.display()));
    }
    tell_beyond(&args.at, args.campaign.steps);

    let due = due(&folder, &asked);
    let (study, spaces) = if due.is_empty() {
        (study, None)
    } else {
        let patches = study.patches().or_running()?;
        let spaces = spaces::of(&patches, Some(LatentConfig::default()))?;
        (study.with_spaces(spaces.clone()), Some(spaces))
    };
    let shown = args.page.is_wanted().then(ShownFolder::new).transpose()?;
    let shown_in = |shown: &ShownFolder| -> Vec<PathBuf> {
        let below = |cell: &Cell| shown.path().join(cell.to_string());
        due.iter().map(below).collect()
    };
    let shown_in = shown.as_ref().map(shown_in).unwrap_or_default();
    let page = args.page.open(&shown_in, true)?;
    let study = match &shown {
        Some(shown) => study.shown_below(shown.path()),
        None => study,
    };
    match &page {
        Some(_) if due.is_empty() => log("note: every campaign is finished; the page shows none"),
        Some(page) => page.say(),
        None => {}
    }
    // Only now: until the first step nothing would look whether the user asked to stop.
    let display = Display::new(args.json)?;
    let progress = display.study(due.len(), study.plan().campaign.steps);
    let workers = match args.cluster.shard {
        // Other tasks have the other cores of the machine.
        Some(_) => Workers {
            campaigns: args.jobs.unwrap_or(1),
            threads: 1,
        },
        None => Workers::sharing_cores(args.jobs.unwrap_or_else(cores).min(due.len())),
    };
    let ending = run_cells(&study, &folder, &due, workers, &progress);
    progress.end();
    match ending.or_running()? {
        Ending::Interrupted => {
            return Err(Failure::Suspended(finished(&folder, args.cell.is_some())));
        }
        Ending::Complete if args.cell.is_some() => report_cell(args, &folder, &asked[0])?,
        Ending::Complete if args.cluster.shard.is_some() => {
            let (asked, ran, path) = (asked.len(), due.len(), folder.path());
            print(&format!(
                "{asked} campaigns of the shard are finished in {}; {ran} of them ran now\n",
                path.display()
            ))?;
        }
        Ending::Complete => assemble(args, &folder, spaces)?,
    }
    if let Some(page) = page.filter(|_| !due.is_empty()) {
        page.stay(&display);
    }
    Ok(())
}

/// The first of the folders `runs/compare-N` that holds this study or is free.
fn own_folder(plan: &Plan) -> PathBuf {
    let ours = |folder: &Path| {
        let same = |found: StudyFolder| Some(found.plan().differences(plan).ok()?.is_empty());
        StudyFolder::open(folder).ok().and_then(same) == Some(true)
    };
    (1..=u32::MAX)
        .map(|n| Path::new("runs").join(format!("compare-{n}")))
        .find(|folder| !folder.exists() || ours(folder))
        .unwrap_or_else(|| Path::new("runs").join("compare"))
}

/// What an interrupted study keeps, and how it goes on.
fn finished(folder: &StudyFolder, alone: bool) -> String {
    if alone {
        return "the campaign is lost, other cells are kept; the same command runs it again"
            .to_owned();
    }
    let plan = folder.plan();
    let stored = plan.cells().map(|cell| folder.read(&cell));
    let finished = stored.filter(|stored| matches!(stored, Stored::Finished(_)));
    format!(
        "{} of {} campaigns are finished in {}; the same command goes on from there",
        finished.count(),
        plan.cell_count(),
        folder.path().display()
    )
}

/// Says what became of a cell that was run alone.
fn report_cell(args: &CompareArgs, folder: &StudyFolder, cell: &Cell) -> Result<(), Failure> {
    let file = folder.file(cell);
    if args.json {
        let text = std::fs::read_to_string(&file).or_running()?;
        return print(&(text + "\n"));
    }
    let (number, cells) = (cell.number, folder.plan().cell_count());
    print(&format!(
        "cell {number}/{cells}, {cell}: {}\n",
        file.display()
    ))
}

/// Compares the finished cells, writes tables and report, and prints.
fn assemble(
    args: &CompareArgs,
    folder: &StudyFolder,
    spaces: Option<Spaces>,
) -> Result<(), Failure> {
    let comparison = Comparison::collect(folder).map_err(|e| match e {
        StudyError::NothingYet { .. } | StudyError::AnotherRevision { .. } => {
            Failure::Input(e.to_string())
        }
        _ => Failure::Running(e.to_string()),
    })?;
    let analysis = Analysis::new(&comparison, &args.at).or_input()?;
    let json = to_json(&comparison, &analysis).or_running()?;
    let path = folder.path();
    let write = || -> Result<(), StudyError> {
        write_file(&path.join("comparison.json"), json.as_bytes())?;
        write_table(&path.join("table.csv"), &analysis)?;
        write_series(&path.join("series.csv"), &comparison)
    };
    write().or_running()?;
    let drawn = draw(folder, &comparison, &analysis, spaces, args.letters)?;
    if args.json {
        return print(&json);
    }
    let described = describe(&comparison, &analysis);
    print(&format!("{described}\n{}", listing(path, drawn, &[])))
}

/// Writes figures and report; `false` where the folder does not hold the data they show, which
/// is told on standard error.
fn draw(
    folder: &StudyFolder,
    comparison: &Comparison,
    analysis: &Analysis,
    spaces: Option<Spaces>,
    letters: bool,
) -> Result<bool, Failure> {
    let maps = match folder.maps() {
        Ok(maps) => maps,
        Err(error) => {
            log(&format!("note: no figures and no report: {error}"));
            return Ok(false);
        }
    };
    let spaces = match spaces {
        None if comparison.knows("latent_coverage") => {
            let CampaignConfig { window, edges, .. } = comparison.plan.campaign;
            let patches = maps.image.patches_with_edges(window, edges).or_running()?;
            Some(spaces::of(&patches, Some(LatentConfig::default()))?)
        }
        spaces => spaces,
    };
    write_report(
        folder.path(),
        comparison,
        analysis,
        &maps,
        spaces.as_ref(),
        letters,
    )
    .or_running()?;
    Ok(true)
}

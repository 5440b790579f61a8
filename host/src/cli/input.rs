//! Images and responses from files, and folders for results.

use std::path::{Path, PathBuf};

use beacon_kernel::{Candidate, Candidates, Edges, MOST_RESPONSES};

use crate::campaign::filled_edges as filled;
use crate::campaign::{self, CampaignConfig, SeedList, Targets, check_window};
use crate::data::files::{Dataset, Wanted};
use crate::data::{Map, Spectra};
use crate::experiment::{Experiment as _, Replay};
use crate::scalarizer::Scalarizer;

use super::data::DataArgs;
use super::{Failure, OrFail as _, log};

/// Reads an image and the responses of the same area that are sought: maps, or what the targets make of
/// spectra.
pub(super) fn read_replay_of(
    image: &str,
    responses: &[String],
    (scalarizers, targets): (&[Scalarizer], &Targets),
    how: &DataArgs,
) -> Result<Replay, Failure> {
    let sought = sought(scalarizers, targets)?;
    let (Some(first), further) = (responses.first(), responses.get(1..).unwrap_or_default()) else {
        return Err(Failure::Input(
            "no response; expected --response FILE".to_owned(),
        ));
    };
    let Some(scalarizer) = sought.first() else {
        return read_maps(image, first, further, how);
    };
    let typed = typed(scalarizers, targets);
    if let Some(other) = further.first() {
        return Err(Failure::Input(format!(
            "`{other}` is a response beside `{first}`, and `{scalarizer}` a target of one: targets of different \
             files cannot be sought together; expected one --response of spectra for all targets, or a map for \
             each and no --scalarizer or --target"
        )));
    }
    if sought
        .iter()
        .any(|target| matches!(target, Scalarizer::Component(_)))
    {
        return read_spectra(image, first, (&sought, &typed), how);
    }
    let replay = read_replay(image, first, Some((&sought, &typed)), how)?;
    let Some(spectra) = replay.spectra() else {
        return Ok(replay);
    };
    let maps: Result<Vec<_>, Failure> = (sought[1..].iter())
        .map(|scalarizer| reduced(scalarizer, spectra))
        .collect();
    let add = |replay: Replay, map| replay.and(map).or_input();
    maps?.into_iter().try_fold(replay, add)
}

/// An image and spectra that the campaign itself reduces, components of those measured so far being among
/// the targets.
fn read_spectra(
    image: &str,
    response: &str,
    (sought, typed): (&[Scalarizer], &str),
    how: &DataArgs,
) -> Result<Replay, Failure> {
    let (image, signal) = (how.image(image)?, how.response(response, Wanted::Spectra)?);
    let conditions = *signal.conditions();
    match how.read(image, signal)? {
        (image, Dataset::Spectra(spectra)) => {
            let replay = Replay::of_spectra(image, spectra, sought).or_input()?;
            Ok(replay.with_conditions(conditions))
        }
        (_, Dataset::Map(map)) => Err(Failure::Input(format!(
            "`{response}` is a map of {} x {}, which has no components; leave out {typed}",
            map.height(),
            map.width()
        ))),
    }
}

/// How spectra were to become numbers, as options that would be left out.
fn typed(scalarizers: &[Scalarizer], targets: &Targets) -> String {
    let mut typed: Vec<String> = (scalarizers.iter())
        .map(|scalarizer| format!("`--scalarizer {scalarizer}`"))
        .collect();
    if !targets.is_empty() {
        typed.push(format!("`--target {targets}`"));
    }
    typed.join(" and ")
}

/// What is sought of spectra: the targets, or without any the first scalarizer. One that is not sought would
/// be read for nothing.
fn sought(scalarizers: &[Scalarizer], targets: &Targets) -> Result<Vec<Scalarizer>, Failure> {
    let sought = match &targets[..] {
        [] => scalarizers.get(..1).unwrap_or_default(),
        targets => targets,
    };
    match scalarizers.iter().find(|of| !sought.contains(of)) {
        Some(unsought) => Err(Failure::Input(format!(
            "`{unsought}` is a scalarizer and no target; expected `--target {unsought}` as well, and --target \
             for each other one that is sought, or no `--scalarizer {unsought}`"
        ))),
        None => Ok(sought.to_vec()),
    }
}

/// An image and maps of responses over it, all of which are sought.
fn read_maps(
    image: &str,
    first: &str,
    further: &[String],
    how: &DataArgs,
) -> Result<Replay, Failure> {
    let found = 1 + further.len();
    if found > MOST_RESPONSES {
        return Err(Failure::Input(format!(
            "{found} responses; expected at most {MOST_RESPONSES} that are sought together"
        )));
    }
    let mut replay = read_replay(image, first, None, how)?;
    let mut read = vec![first];
    for file in further {
        if read.contains(&file.as_str()) {
            return Err(Failure::Input(format!(
                "`{file}` is a response twice; expected each response once"
            )));
        }
        read.push(file);
        let (image, signal) = (how.image(image)?, how.response(file, Wanted::Map)?);
        let mut map = match how.read(image, signal)?.1 {
            Dataset::Map(map) => map,
            Dataset::Spectra(_) => {
                return Err(Failure::Input(format!(
                    "`{file}` holds spectra beside the map `{first}`; expected maps of the same pixels, or one \
                     --response of spectra with --target for each that is sought"
                )));
            }
        };
        let named = replay.targets();
        if named.iter().any(|(name, _)| *name == map.quantity) {
            map.quantity.clone_from(file);
        }
        replay = replay.and(map).or_input()?;
    }
    Ok(replay)
}

/// A map of what a scalarizer makes of spectra, and what is to be said of it.
fn reduced(scalarizer: &Scalarizer, spectra: &Spectra) -> Result<Map, Failure> {
    let map = scalarizer.map(spectra).or_input()?;
    if let Some(cut) = scalarizer.cut(&spectra.coordinates, &spectra.channels) {
        log(&format!("note: {cut}"));
    }
    if let Some(dominated) = scalarizer.zero_peak(spectra) {
        log(&format!("warning: {dominated}"));
    }
    Ok(map)
}

/// Reads an image and a response of the same area, spectra with what is sought of them and the options that
/// gave it: the response is what the first makes of them.
pub(super) fn read_replay(
    image: &str,
    response: &str,
    sought: Option<(&[Scalarizer], &str)>,
    how: &DataArgs,
) -> Result<Replay, Failure> {
    let wanted = if sought.is_some() {
        Wanted::Spectra
    } else {
        Wanted::Map
    };
    let (image, signal) = (how.image(image)?, how.response(response, wanted)?);
    let conditions = *signal.conditions();
    let (image, data) = how.read(image, signal)?;
    let replay = |map| {
        let replay = Replay::new(image, map).or_input()?;
        Ok::<_, Failure>(replay.with_conditions(conditions))
    };
    let first = sought.and_then(|(sought, typed)| Some((sought.first()?, sought, typed)));
    match (data, first) {
        (Dataset::Map(map), None) => replay(map),
        (Dataset::Spectra(spectra), Some((scalarizer, sought, _))) => {
            let map = reduced(scalarizer, &spectra)?;
            Ok(replay(map)?.with_spectra(spectra, sought))
        }
        (Dataset::Map(map), Some((.., typed))) => Err(Failure::Input(format!(
            "`{response}` is a map of {} x {}, which needs no scalarizer; leave out {typed}",
            map.height(),
            map.width()
        ))),
        (Dataset::Spectra(spectra), None) => Err(Failure::Input(format!(
            "`{response}` holds {} x {} spectra of {} channels; say how each becomes a number \
             with --scalarizer: sum, window:LO..HI, line:Pd-La, lines:Pd, eels:LO..HI, \
             plasmon-energy:LO..HI, plasmon-height:LO..HI, loop-height, loop-area, \
             nucleation-positive or nucleation-negative",
            spectra.height(),
            spectra.width(),
            spectra.coordinates.len()
        ))),
    }
}

/// What to say of edges of the image or of the response that software filled in, as far as there are
/// candidates.
pub(super) fn filled_edges(replay: &Replay, config: &CampaignConfig) -> Vec<String> {
    let Some(response) = replay.truth() else {
        return Vec::new();
    };
    let image = replay.image().clone().where_known(response);
    let maps = [(&image, "image"), (response, "response")];
    let told = maps.map(|(map, what)| match config.edges {
        Edges::Inside => filled(&within(map, config.window / 2), what),
        Edges::Reflect => filled(map, what),
    });
    told.into_iter().flatten().collect()
}

/// A map without so many pixels at every edge.
fn within(map: &Map, edge: usize) -> Map {
    let rows = edge..map.height().saturating_sub(edge).max(edge);
    let columns = edge..map.width().saturating_sub(edge).max(edge);
    let row = |row| columns.clone().map(move |column| map.at(row, column));
    let values = rows.clone().flat_map(row).collect();
    Map::uncalibrated(rows.len(), columns.len(), values, "")
}

/// Reads the seeds of a campaign on an image; `edges_said` tells whether the user chose the edges.
pub(super) fn read_seeds(
    file: &Path,
    config: &CampaignConfig,
    image: &Map,
    edges_said: bool,
) -> Result<Vec<Candidate>, Failure> {
    check_window(image, config.window, config.edges).or_input()?;
    let candidates = config.candidates(image.height(), image.width());
    let (candidates, seeds) = (
        candidates.or_input()?,
        campaign::read_seeds(file).or_input()?,
    );
    if let (SeedList::Numbers(numbers), false) = (&seeds, edges_said) {
        tell_numbering(file, numbers, candidates);
    }
    seeds.among(candidates).or_input()
}

/// Warns of candidate numbers that may be those of windows inside the image, as published files and
/// earlier programs count them. Nothing else tells: as numbers of every pixel they are valid too.
pub(super) fn tell_numbering(file: &Path, numbers: &[Candidate], candidates: Candidates) {
    let (height, width) = (candidates.height(), candidates.width());
    let inside = Candidates::with_edges(height, width, candidates.window(), Edges::Inside);
    let Ok(inside) = inside.map(Candidates::count) else {
        return;
    };
    let (edges, all) = (candidates.edges(), candidates.count());
    if edges != Edges::Inside && numbers.iter().all(|number| number.index() < inside) {
        let edges = edges.name();
        log(&format!(
            "warning: `{}`: its numbers are read as those of the {all} candidates of --edges {edges}, \
             and all of them are below the {inside} of --edges inside, which published files number: \
             say which with --edges inside or --edges {edges}",
            file.display()
        ));
    }
}

/// The folder for results: the one asked for, or the first free one below `runs`.
pub(super) fn folder_for(out: Option<&Path>, name: &str) -> PathBuf {
    if let Some(out) = out {
        return out.to_owned();
    }
    (1..=u32::MAX)
        .map(|n| Path::new("runs").join(format!("{name}-{n}")))
        .find(|folder| !folder.exists())
        .unwrap_or_else(|| Path::new("runs").join(name))
}

/// Files of a campaign on an instrument, which only `beacon resume` may add to.
const LIVE: [&str; 2] = ["journal", "lock"];

/// Refuses the folder of a campaign as that of a study, which is in order where it is one
/// already.
pub(super) fn refuse_campaign(folder: &Path) -> Result<(), Failure> {
    refuse_live(folder)?;
    if folder.join("study.toml").exists() {
        return Ok(());
    }
    let campaigns = ["summary.json", "report.html"];
    let accepted = "a new or empty folder, or that of the same study";
    refuse(folder, &campaigns, "a campaign", accepted)
}

/// Refuses the folder of a study as that of a campaign.
pub(super) fn refuse_study(folder: &Path) -> Result<(), Failure> {
    refuse(folder, &["study.toml"], "a study", "a new or empty folder")
}

/// Refuses a file, and the folder of a campaign on an instrument.
fn refuse_live(folder: &Path) -> Result<(), Failure> {
    if folder.is_file() {
        return Err(Failure::Input(format!(
            "`{}`: is a file; expected a new or empty folder for the results",
            folder.display()
        )));
    }
    refuse(folder, &LIVE, "`beacon run`", "a new or empty folder")
}

/// Refuses a folder that holds one of these files.
fn refuse(folder: &Path, files: &[&str], whose: &str, accepted: &str) -> Result<(), Failure> {
    match files.iter().find(|file| folder.join(file).exists()) {
        None => Ok(()),
        Some(file) => Err(Failure::Input(format!(
            "`{}`: the results of {whose} are in it (there is a {file}); expected {accepted}",
            folder.display()
        ))),
    }
}

/// A folder for results; one in which nothing came to be goes with this.
pub(super) struct ResultsFolder(PathBuf);

impl Drop for ResultsFolder {
    fn drop(&mut self) {
        // One that is not empty stays: the system refuses.
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Makes the folder and checks that files can be written in it, before anything is measured
/// for it. That of a study or of a campaign on an instrument is refused.
pub(super) fn prepare_folder(folder: &Path) -> Result<ResultsFolder, Failure> {
    refuse_study(folder)?;
    refuse_live(folder)?;
    let probe = folder.join(".writable");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe))
        .map(|()| ResultsFolder(folder.to_owned()))
        .map_err(|error| {
            Failure::Input(format!(
                "`{}`: no folder for the results: {error}; expected one that can be written to",
                folder.display()
            ))
        })
}

//! Campaigns on instruments, run as the program runs them, with the kernel in this process.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use beacon_host::campaign::{
    Cache, CampaignError, Experiment as _, LiveConfig, Outcome, Series, Spaces,
};
use beacon_host::controller::{Controller, InProcess, Memory};
use beacon_host::data::Map;
use beacon_host::internal::journal::RunFolder;
use beacon_host::microscope::Microscope;
use beacon_host::{LiveError, LiveSummary, Log, Session, TakenUp};
use beacon_kernel::{Candidates, Capacity, MOST_RESPONSES};
use clap::{Args as _, Command, FromArgMatches as _};

/// Settings from arguments as `beacon run` takes them; trained at every tenth point, which is
/// enough for every decision to depend on all before it.
///
/// # Panics
/// When the arguments cannot be read.
pub fn settings(arguments: &str) -> LiveConfig {
    let command = LiveConfig::augment_args(Command::new("run").no_binary_name(true));
    let own = arguments.contains("--retrain-every");
    let seldom = ["--retrain-every", "10"].into_iter().filter(|_| !own);
    let words = arguments.split_whitespace().chain(seldom);
    let matches = command.get_matches_from(words);
    LiveConfig::from_arg_matches(&matches).expect("the arguments are those of a campaign")
}

/// What a campaign came to.
#[derive(Debug)]
pub struct Ran {
    /// All of it.
    pub outcome: Outcome,
    /// What `--json` prints.
    pub summary: LiveSummary,
    /// What it said while it ran.
    pub said: Vec<String>,
}

impl Ran {
    /// Candidates and responses, bit by bit, in the order they were measured.
    pub fn trajectory(&self) -> Vec<(u32, u64)> {
        trajectory(&self.outcome)
    }

    /// Candidates in the order they were measured.
    pub fn order(&self) -> Vec<u32> {
        let points = self.outcome.seeds.iter().chain(&self.outcome.steps);
        points.map(|point| point.candidate.0).collect()
    }

    /// The figures of every step.
    pub fn series(&self) -> &Series {
        &self.summary.campaign.series
    }
}

/// Candidates and responses, bit by bit, in the order they were measured.
pub fn trajectory(outcome: &Outcome) -> Vec<(u32, u64)> {
    let points = outcome.seeds.iter().chain(&outcome.steps);
    points
        .map(|point| (point.candidate.0, point.response.to_bits()))
        .collect()
}

/// Begins a campaign in a folder and runs it to its end.
///
/// # Errors
/// What keeps it from beginning.
///
/// # Panics
/// When the campaign fails in another way than it should.
pub fn begin(
    microscope: &mut dyn Microscope,
    config: LiveConfig,
    folder: &Path,
) -> Result<Ran, LiveError> {
    let folder = RunFolder::begin(folder)?;
    let session = Session::begin(microscope, config, None, &folder, never())?;
    Ok(go(session, None).expect("a campaign comes to its end"))
}

/// Takes a campaign up where its journal ends and runs it to its end.
///
/// # Errors
/// What keeps it from being taken up.
///
/// # Panics
/// When the campaign fails in another way than it should.
pub fn resume(microscope: &mut dyn Microscope, folder: &Path) -> Result<Ran, LiveError> {
    let folder = RunFolder::resume(folder)?;
    let taken_up = TakenUp::read(&folder)?;
    let session = Session::resume(microscope, taken_up, &folder, never())?;
    Ok(go(session, None).expect("a campaign comes to its end"))
}

/// Runs a session to its end: with a controller, or with the kernel in this process.
///
/// # Errors
/// What ends it other than in order.
///
/// # Panics
/// When the journal cannot be written.
pub fn go(
    mut session: Session<'_>,
    controller: Option<&mut dyn Controller>,
) -> Result<Ran, CampaignError> {
    let spaces = spaces(&session)?;
    let (said, log) = recorder();
    session.set_log(log);
    let outcome = if let Some(controller) = controller {
        session.run(Some(&spaces), controller, &mut ())
    } else {
        let candidates = session.candidates()?;
        let capacity = Capacity::for_candidates(candidates, 2 * session.config().budget)
            .with_responses(MOST_RESPONSES);
        let mut memory = Memory::new(capacity);
        let mut kernel = InProcess::new(&mut memory)?;
        session.run(Some(&spaces), &mut kernel, &mut ())
    }?;
    let summary = LiveSummary::new(&outcome, &session).expect("the journal can be read");
    drop(session);
    let said = said.lock().expect("nobody panicked with it").clone();
    Ok(Ran {
        outcome,
        summary,
        said,
    })
}

/// The patch space of a session's image, which most campaigns of a test have in common: it takes longer
/// to work out than a short campaign to run.
fn spaces(session: &Session<'_>) -> Result<Spaces, CampaignError> {
    static KEPT: Mutex<Option<(Map, Candidates, Spaces)>> = Mutex::new(None);
    let (image, candidates) = (session.image(), session.candidates()?);
    let mut kept = KEPT.lock().expect("nobody panicked with it");
    match &*kept {
        Some((of, all, spaces)) if of == image && *all == candidates => Ok(spaces.clone()),
        _ => {
            let patches = session.patches()?;
            let spaces = Spaces::new(&patches, None, &Cache::none()).expect("patches");
            *kept = Some((image.clone(), candidates, spaces.clone()));
            Ok(spaces)
        }
    }
}

type Said = Arc<Mutex<Vec<String>>>;

fn recorder() -> (Said, Log) {
    let said = Said::default();
    let kept = Arc::clone(&said);
    let log = move |what: &str| kept.lock().expect("nobody panicked").push(what.to_owned());
    (said, Box::new(log))
}

fn never() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

//! Orders that are scored, strategies that are compared.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beacon_host::campaign::{
    Cache, Campaign, Ended, Experiment as _, LatentConfig, Observer, Replay, Series, Spaces,
    Summary,
};
use beacon_host::controller::{InProcess, Memory};
use beacon_host::study::{
    Analysis, Cell, CellResult, Comparison, DataIdentity, Ending, Maps, Other, Plan, Stored, Study,
    StudyFolder, Watch, Workers, chosen_steps, cores, run_cells, to_json,
};
use beacon_kernel::Candidate;
use pyo3::prelude::*;

use crate::arrays::{self, Given};
use crate::failure::Failure;
use crate::given::{AxisGiven, candidate, channels, settings, targets};
use crate::waiting::wait;

/// How long an interrupt waits for work that ends.
const PARTING: Duration = Duration::from_millis(800);

/// Said by whoever waits when nobody waits any more.
#[derive(Clone, Default)]
struct Enough(Arc<AtomicBool>);

impl Enough {
    fn is_said(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Observer for Enough {
    fn step(&mut self, _: usize, _: usize, _: &Series) -> ControlFlow<Ended> {
        if self.is_said() {
            return ControlFlow::Break(Ended::Interrupted);
        }
        ControlFlow::Continue(())
    }
}

impl Watch for Enough {
    fn step(&self, _: &Cell, _: usize) -> ControlFlow<()> {
        if self.is_said() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn finished(&self, _: &Cell, _: &CellResult) {}
}

/// Does something on a thread of its own, which ends soon after an interrupt.
fn beside<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce(&Enough) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let enough = Enough::default();
    let (answer, answered) = channel();
    let heard = enough.clone();
    std::thread::spawn(move || {
        let _ = answer.send(work(&heard));
    });
    let answered = Mutex::new(answered);
    let result = wait(py, &answered);
    if result.is_err() {
        enough.0.store(true, Ordering::Relaxed);
        // The interpreter may be left right away, and programs of others with it.
        py.detach(|| {
            if let Ok(answered) = answered.lock() {
                let _ = answered.recv_timeout(PARTING);
            }
        });
    }
    result
}

fn value(error: &dyn std::fmt::Display) -> Failure {
    Failure::Value(error.to_string())
}

/// Maps of responses that are sought together, by their names.
type Responses = Vec<(String, Given)>;
/// The axis of spectra, and what a campaign reduces them to by itself.
type Reduced = (AxisGiven, Vec<String>);

/// An image and its responses: maps, or spectra where `reduced` says what is sought of them.
fn replay(
    image: &Given,
    responses: &[(String, Given)],
    reduced: Option<Reduced>,
) -> Result<Replay, Failure> {
    let image = arrays::map(image, "image")?;
    let Some(((name, first), further)) = responses.split_first() else {
        return Err(value(&"there is no response; expected one or more"));
    };
    if let Some((axis, sought)) = reduced {
        let (spectra, sought) = (arrays::spectra(first, channels(axis))?, targets(&sought)?);
        return Replay::of_spectra(image, spectra, &sought).map_err(|error| value(&error));
    }
    let replay = Replay::new(image, arrays::map(first, name)?).map_err(|error| value(&error))?;
    further.iter().try_fold(replay, |replay, (name, map)| {
        let replay = replay.and(arrays::map(map, name)?);
        replay.map_err(|error| value(&error))
    })
}

/// The figures of an order, as JSON.
#[pyfunction]
pub(crate) fn score(
    py: Python<'_>,
    image: Given,
    responses: Responses,
    reduced: Option<Reduced>,
    config: &str,
    seeds: Vec<(i64, i64)>,
    order: Vec<(i64, i64)>,
    latent: bool,
) -> PyResult<String> {
    let (config, mut replay) = (settings(config)?, replay(&image, &responses, reduced)?);
    let size = (replay.image().height(), replay.image().width());
    let candidates = config.candidates(size.0, size.1).map_err(|e| value(&e))?;
    let among = |points: Vec<(i64, i64)>| -> Result<Vec<Candidate>, Failure> {
        points
            .into_iter()
            .map(|point| candidate(candidates, point))
            .collect()
    };
    let (seeds, order) = (among(seeds)?, among(order)?);
    beside(py, move |enough| {
        let campaign = Campaign::following(config, seeds, order, &replay)?;
        let latent = latent.then(LatentConfig::default);
        let spaces = Spaces::new(campaign.patches(), latent, &Cache::from_environment());
        let campaign = campaign.with_spaces(&spaces.map_err(|e| value(&e))?)?;
        let (points, responses) = (campaign.measurements(), campaign.responses());
        let memory = Memory::fitting_vectors(candidates, points, responses);
        let mut memory = memory.map_err(Failure::Memory)?;
        let mut kernel = InProcess::new(&mut memory).map_err(|e| value(&e))?;
        let outcome = campaign.run(&mut replay, &mut kernel, &mut enough.clone())?;
        serde_json::to_string(&Summary::new(&outcome)).map_err(|error| value(&error))
    })
}

/// A comparison, as JSON.
#[pyfunction]
pub(crate) fn compare(
    py: Python<'_>,
    image: Given,
    responses: Responses,
    reduced: Option<Reduced>,
    name: String,
    config: &str,
    strategies: Vec<String>,
    seeds: u64,
    start: Vec<(i64, i64)>,
    orders: BTreeMap<String, Vec<Vec<(i64, i64)>>>,
    externals: BTreeMap<String, String>,
    at: Vec<usize>,
    folder: PathBuf,
    jobs: Option<usize>,
    latent: bool,
    patience: f64,
) -> PyResult<String> {
    let waits = Duration::try_from_secs_f64(patience).ok();
    let waits = waits.filter(|time| !time.is_zero()).ok_or_else(|| {
        let why = format!("external_patience is {patience}; expected seconds above 0");
        Failure::Value(why)
    })?;
    let (config, replay) = (settings(config)?, replay(&image, &responses, reduced)?);
    let size = (replay.image().height(), replay.image().width());
    let candidates = config.candidates(size.0, size.1).map_err(|e| value(&e))?;
    let number = |point| candidate(candidates, point);
    let start: Vec<Candidate> = start.into_iter().map(number).collect::<Result<_, _>>()?;
    let mut others = BTreeMap::new();
    for (name, orders) in orders {
        let numbers = |order: Vec<(i64, i64)>| -> Result<Vec<u32>, Failure> {
            order
                .into_iter()
                .map(|point| Ok(number(point)?.0))
                .collect()
        };
        let orders = orders.into_iter().map(numbers).collect::<Result<_, _>>()?;
        others.insert(name, Other::Orders(orders));
    }
    for (name, command) in externals {
        if others.contains_key(&name) {
            let why = format!("`{name}` is an order and a program; expected another name for one");
            return Err(value(&why).into());
        }
        others.insert(name, Other::External(command));
    }
    chosen_steps(&at, config.steps).map_err(Failure::from)?;
    beside(py, move |enough| {
        let dataset = DataIdentity::new(&name, &replay);
        let maps = Maps::new(&replay);
        let plan = Plan::with_others(dataset, strategies, others, seeds, start, config)?;
        let plan = plan.joined_with(&folder)?;
        let cells: Vec<Cell> = plan.cells().collect();
        let study = Study::new(plan, replay)?.with_patience(waits);
        let folder = StudyFolder::create(&folder, study.plan())?;
        folder.keep(&maps)?;
        let due = cells
            .iter()
            .filter(|cell| !matches!(folder.read(cell), Stored::Finished(_)));
        let due: Vec<Cell> = due.cloned().collect();
        let study = if due.is_empty() {
            study
        } else {
            let latent = latent.then(LatentConfig::default);
            let patches = study.patches()?;
            let spaces = Spaces::new(&patches, latent, &Cache::from_environment());
            study.with_spaces(spaces.map_err(|e| value(&e))?)
        };
        let workers = Workers::sharing_cores(jobs.unwrap_or_else(cores).min(due.len()));
        if run_cells(&study, &folder, &due, workers, enough)? == Ending::Interrupted {
            return Err(Failure::Running("it was interrupted".to_owned()));
        }
        let comparison = Comparison::collect(&folder)?;
        let analysis = Analysis::new(&comparison, &at)?;
        to_json(&comparison, &analysis).map_err(|error| value(&error))
    })
}

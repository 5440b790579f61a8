//! The campaign: seeds, measure, retrain, propose, again.
//!
//! The host never decides. It carries responses from the microscope to the kernel and the
//! kernel's proposals back, trains the deep kernel in between, and writes down what happened.

mod config;
mod discovery;
mod folder;
mod monitor;
mod order;
mod seeds;
mod summary;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use beacon_kernel::{
    Acquisition, Candidate, Candidates, LARGEST_RESPONSE, Network, Pixel, Proposal, Strategy,
};

use crate::controller::{Controller, ControllerError, LinkReport, Setup};
use crate::map::Map;
use crate::metrics::MetricsError;
use crate::microscope::{Microscope, MicroscopeError};
use crate::spaces::Spaces;
use crate::train::{FitReport, TrainError, Trainer};

pub use crate::patches::Patches;
pub use config::CampaignConfig;
pub use discovery::Discovery;
pub use folder::{FolderError, write_run, write_side_by_side};
pub use monitor::{Monitor, Posterior, Series};
pub use order::{Order, OrderError, PublishedFigures, read_order};
pub use seeds::{Seeds, SeedsError, check_seeds, read_seeds};
pub use summary::Summary;

/// Why a campaign cannot start or go on; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
    /// A setting outside its range.
    #[error("{name} is {value}; expected {accepted}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        accepted: String,
    },
    /// The window does not fit the image or the network.
    #[error("{0}")]
    Kernel(#[from] beacon_kernel::Error),
    /// The controller refused.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// The trainer refused.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The microscope did not measure.
    #[error(transparent)]
    Microscope(#[from] MicroscopeError),
    /// The truth cannot judge a campaign.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// There is nothing to judge a campaign by.
    #[error("the microscope does not know the true response; expected data or a specimen that do")]
    NoTruth,
    /// A response that the kernel could not take.
    #[error(
        "the response at row {row}, column {column} is {value:e}; expected finite numbers of at \
         most {:e}: choose larger units", LARGEST_RESPONSE / 2.0
    )]
    Response {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// The response.
        value: f64,
    },
    /// The seeds cannot be used.
    #[error(transparent)]
    Seeds(#[from] SeedsError),
}

/// What the model expected of a point, in the units of the response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// Posterior mean.
    pub mean: f64,
    /// Posterior standard deviation of the response itself, without measurement noise.
    pub sigma: f64,
}

/// One measured point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
    /// The response, in its own units.
    pub response: f64,
    /// What the kernel said when it proposed the point, its prediction relative to the
    /// campaign's first response; `None` for a seed that was given.
    pub proposal: Option<Proposal>,
    /// That prediction in the units of the response.
    pub expected: Option<Expectation>,
}

/// Where the time of the steps went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Waiting for proposals.
    pub deciding: Duration,
    /// Waiting for the microscope.
    pub measuring: Duration,
    /// Training, and handing the model to the controller.
    pub training: Duration,
    /// Surrogate maps and metrics.
    pub monitoring: Duration,
}

/// A campaign's result.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was asked for.
    pub config: CampaignConfig,
    /// Number of candidates.
    pub candidates: usize,
    /// Occupied bins of the target space.
    pub occupied_bins: usize,
    /// The seeds, in order.
    pub seeds: Vec<Measurement>,
    /// The steps, in order.
    pub steps: Vec<Measurement>,
    /// One entry per step and figure.
    pub series: Series,
    /// What was found of each behaviour that the microscope knows.
    pub discoveries: Vec<Discovery>,
    /// Final surrogate mean over the candidates' pixels, NaN elsewhere.
    pub mean: Option<Map>,
    /// Final surrogate standard deviation likewise.
    pub sigma: Option<Map>,
    /// Where the time went.
    pub times: Times,
    /// What the link to the controller has been through, where there is one.
    pub link: Option<LinkReport>,
    /// What went wrong without ending the campaign.
    pub warnings: Vec<String>,
}

/// What a campaign tells while it runs.
pub trait Observer {
    /// A step is complete: number (from 1), total, the figures so far. A break ends the campaign
    /// there, with what it has.
    fn step(&mut self, step: usize, of: usize, series: &Series) -> ControlFlow<()>;
}

/// An observer that looks away.
impl Observer for () {
    fn step(&mut self, _: usize, _: usize, _: &Series) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Who says what to measure next.
#[derive(Clone, Debug)]
enum Plan {
    /// The kernel, by a strategy.
    Explore(Acquisition),
    /// Somebody has, before: these, in this order.
    Follow(Vec<Candidate>),
}

/// A campaign that has been checked and can start.
pub struct Campaign {
    config: CampaignConfig,
    plan: Plan,
    network: Network,
    patches: Patches,
    seeds: Seeds,
    monitor: Monitor,
}

impl Campaign {
    /// Checks everything that can be checked before anything is measured or written.
    ///
    /// # Errors
    /// The first setting, seed, or property of the data that does not fit.
    pub fn new(
        config: CampaignConfig,
        seeds: Seeds,
        microscope: &dyn Microscope,
    ) -> Result<Self, CampaignError> {
        let Some(acquisition) = config.acquisition() else {
            let names = Strategy::ALL.map(Strategy::name).join(", ");
            return Err(CampaignError::Setting {
                name: "strategy",
                value: config.strategy,
                accepted: format!("one of {names}"),
            });
        };
        acquisition.validate()?;
        Self::checked(config, Plan::Explore(acquisition), seeds, microscope)
    }

    /// A campaign that measures `order` after `seeds`, without asking the kernel what it would
    /// have measured, and is judged step by step as any other. Its strategy is called
    /// [`Self::FOLLOWED`].
    ///
    /// Without seeds the model starts from the first points of the order: until there are as
    /// many as a campaign has seeds, it is trained from scratch after each.
    ///
    /// # Errors
    /// As [`Self::new`], and when a candidate is measured twice or does not exist.
    pub fn following(
        config: CampaignConfig,
        seeds: Vec<Candidate>,
        order: Vec<Candidate>,
        microscope: &dyn Microscope,
    ) -> Result<Self, CampaignError> {
        let config = CampaignConfig {
            strategy: Self::FOLLOWED.to_owned(),
            steps: order.len(),
            ..config
        };
        let mut measured = HashSet::new();
        let points = seeds.iter().chain(&order);
        if let Some(&candidate) = points.into_iter().find(|&&point| !measured.insert(point)) {
            return Err(beacon_kernel::Error::AlreadyMeasured { candidate }.into());
        }
        let last = order.iter().max().copied();
        let campaign = Self::checked(config, Plan::Follow(order), Seeds::Given(seeds), microscope)?;
        if let Some(last) = last {
            campaign.candidates().pixel(last)?;
        }
        Ok(campaign)
    }

    /// What stands for a strategy where an order was followed.
    pub const FOLLOWED: &str = "order";

    fn checked(
        config: CampaignConfig,
        plan: Plan,
        seeds: Seeds,
        microscope: &dyn Microscope,
    ) -> Result<Self, CampaignError> {
        let setting = |name, value: &dyn ToString, accepted: String| CampaignError::Setting {
            name,
            value: value.to_string(),
            accepted,
        };
        let image = microscope.image();
        let side = image.height().min(image.width());
        let windows = Network::MIN_WINDOW_SAME..=Network::MAX_WINDOW.min(side);
        if !windows.contains(&config.window) {
            let (from, to) = (windows.start(), windows.end());
            let accepted = format!(
                "{from} to {to} pixels for an image of {} x {}",
                image.height(),
                image.width()
            );
            return Err(setting("window", &config.window, accepted));
        }
        let network = Network::for_window(config.window)?;
        let patches = Patches::new(image, config.window)?;
        let candidates = patches.candidates().count();
        let needs_seeds = matches!(plan, Plan::Explore(_));
        for (name, value) in [
            ("steps", config.steps),
            ("retrain_every", config.retrain_every),
            ("initial", seeds.count()),
        ] {
            if value == 0 && (name != "initial" || needs_seeds) {
                return Err(setting(name, &value, "1 or more".to_owned()));
            }
        }
        if let Seeds::Given(seeds) = &seeds {
            check_seeds(seeds, candidates)?;
        }
        if seeds.count() >= candidates {
            let accepted = format!("fewer than the {candidates} candidates");
            return Err(setting("initial", &seeds.count(), accepted));
        }
        let most = candidates - seeds.count();
        if config.steps > most {
            let accepted = format!(
                "at most {most}: of {candidates} candidates for windows of {} pixels, the seeds \
                 take {}",
                config.window,
                seeds.count()
            );
            return Err(setting("steps", &config.steps, accepted));
        }
        let truth = microscope.truth().ok_or(CampaignError::NoTruth)?;
        check_responses(truth, patches.candidates())?;
        let monitor = Monitor::new(truth, patches.candidates())?;
        config.training.validate()?;
        Ok(Self {
            config,
            plan,
            network,
            patches,
            seeds,
            monitor,
        })
    }

    /// Judges exploration in these spaces as well, which belong to [`Self::patches`]. One clone
    /// serves each of many campaigns on the same data.
    ///
    /// # Errors
    /// When the spaces are of other data.
    pub fn with_spaces(mut self, spaces: &Spaces) -> Result<Self, CampaignError> {
        self.monitor.judge_in(spaces)?;
        Ok(self)
    }

    /// The image as the network sees it.
    pub fn patches(&self) -> &Patches {
        &self.patches
    }

    /// The geometry of the image and its candidates.
    pub fn candidates(&self) -> Candidates {
        self.patches.candidates()
    }

    /// Number of points the campaign will measure, seeds included.
    pub fn measurements(&self) -> usize {
        self.config.steps + self.seeds.count()
    }

    /// Runs the campaign to its end.
    ///
    /// # Errors
    /// When the microscope fails or the controller refuses a measurement. Numerical trouble in
    /// training is retried, then reported as a warning; it never ends a campaign.
    pub fn run(
        self,
        microscope: &mut dyn Microscope,
        controller: &mut dyn Controller,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, CampaignError> {
        let candidates = self.patches.candidates();
        controller.begin(&Setup {
            height: candidates.height(),
            width: candidates.width(),
            window: candidates.window(),
            pixels: self.patches.pixels(),
            seed: self.config.seed,
        })?;
        let mut training = self.config.training.clone();
        training.seed = self.config.seed;
        let occupied_bins = self.monitor.target().occupied();
        let trainer = Trainer::new(self.network, training.clone())?;
        let (acquisition, order) = match self.plan {
            Plan::Explore(acquisition) => (acquisition, Vec::new()),
            Plan::Follow(order) => (Acquisition::default(), order),
        };
        let mut run = Run {
            microscope,
            controller,
            trainer,
            acquisition,
            patches: &self.patches,
            patch_values: Vec::new(),
            responses: Vec::new(),
            origin: None,
            times: Times::default(),
            warnings: Warnings::default(),
        };

        let seeds = run.measure_seeds(&self.seeds)?;
        run.controller.choose(acquisition)?;
        if !seeds.is_empty() {
            run.retrain()?;
        }

        let mut monitor = self.monitor;
        for seed in &seeds {
            monitor.seed(seed.candidate)?;
        }
        let mut series = Series::default();
        let mut steps = Vec::new();
        for step in 1..=self.config.steps {
            let (started, before) = (Instant::now(), run.times);
            let due = step.is_multiple_of(self.config.retrain_every);
            let beside = self.config.train_beside && order.is_empty();
            let next = match order.get(step - 1) {
                Some(&candidate) => run.expose(candidate).map(|()| (candidate, None)),
                None if due && beside => run.propose_beside_training().map(chosen),
                None => run.propose().map(chosen),
            };
            let (candidate, proposal) = match next {
                Err(CampaignError::Controller(error)) if error.is_dose_limit() => {
                    run.warnings.note(&format!("the campaign ended: {error}"));
                    break;
                }
                next => next?,
            };
            let measurement = run.measure(candidate, proposal)?;
            steps.push(measurement);
            if seeds.is_empty() && step <= self.config.initial {
                run.trainer = Trainer::new(self.network, training.clone())?;
            }
            if due && !beside {
                run.retrain()?;
            }
            let monitoring = Instant::now();
            let seconds = monitoring.duration_since(started).as_secs_f64();
            let origin = run.origin.unwrap_or(0.0);
            let surrogate = run.controller.surrogate().ok();
            let posterior = surrogate.map(|s| Posterior::new(&s, origin));
            let recorded = monitor.record(
                measurement.candidate,
                posterior.as_ref(),
                seconds,
                &mut series,
            );
            series.record_times(&before, &run.times);
            if let Err(error) = recorded {
                run.warnings
                    .note(&format!("the surrogate could not be judged: {error}"));
            }
            run.times.monitoring += monitoring.elapsed();
            if observer.step(step, self.config.steps, &series).is_break() {
                break;
            }
        }
        let (mean, sigma) = run.surrogate_maps();
        run.controller.end()?;
        let link = run.controller.link();
        let behaviours = run.microscope.behaviours().iter();
        let discoveries = behaviours
            .map(|behaviour| Discovery::new(behaviour, candidates.width(), &seeds, &steps))
            .collect();
        Ok(Outcome {
            config: self.config,
            candidates: candidates.count(),
            occupied_bins,
            seeds,
            steps,
            series,
            discoveries,
            mean,
            sigma,
            times: run.times,
            link,
            warnings: run.warnings.notes,
        })
    }
}

/// Smallest range of responses that the kernel's f32 can resolve.
const SMALLEST_RANGE: f64 = 1e-25;

/// Checks that the kernel can take the response of every candidate.
fn check_responses(truth: &Map, candidates: Candidates) -> Result<(), CampaignError> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for n in 0..candidates.count() as u32 {
        let Pixel { row, column } = candidates.pixel(Candidate(n))?;
        let value = truth.at(row, column);
        if !value.is_finite() || value.abs() > f64::from(LARGEST_RESPONSE) / 2.0 {
            return Err(CampaignError::Response { row, column, value });
        }
        (low, high) = (low.min(value), high.max(value));
    }
    let range = high - low;
    if range > 0.0 && range < SMALLEST_RANGE {
        return Err(CampaignError::Setting {
            name: "the range of the responses",
            value: format!("{range:e}"),
            accepted: format!("at least {SMALLEST_RANGE:e}: choose smaller units"),
        });
    }
    Ok(())
}

/// A proposal, with the candidate in front.
fn chosen(proposal: Proposal) -> (Candidate, Option<Proposal>) {
    (proposal.candidate, Some(proposal))
}

/// The kernel's proposal; when its model failed, one by chance rather than none.
fn ask(
    controller: &mut dyn Controller,
    acquisition: Acquisition,
    warnings: &mut Warnings,
) -> Result<Proposal, CampaignError> {
    match controller.propose() {
        Err(ControllerError::Kernel(
            error @ (beacon_kernel::Error::NoModel
            | beacon_kernel::Error::NotPositiveDefinite { .. }),
        )) => {
            warnings.note(&format!("{error}; chose at random instead"));
            controller.choose(Acquisition::new(Strategy::Random))?;
            let proposal = controller.propose();
            controller.choose(acquisition)?;
            Ok(proposal?)
        }
        proposal => Ok(proposal?),
    }
}

/// A campaign under way.
struct Run<'a> {
    microscope: &'a mut dyn Microscope,
    controller: &'a mut dyn Controller,
    trainer: Trainer,
    acquisition: Acquisition,
    patches: &'a Patches,
    patch_values: Vec<f32>,
    /// Relative to the origin.
    responses: Vec<f64>,
    /// The first response. The kernel's f32 could not tell small differences on a large offset
    /// apart, so it never sees the offset.
    origin: Option<f64>,
    times: Times,
    warnings: Warnings,
}

/// What went wrong without ending the campaign.
#[derive(Default)]
struct Warnings {
    /// Measured when it happened.
    points: usize,
    notes: Vec<String>,
}

impl Warnings {
    /// Notes what went wrong, once: what goes wrong at every step shall not fill the summary.
    fn note(&mut self, what: &str) {
        if !self.notes.iter().any(|note| note.ends_with(what)) {
            self.notes
                .push(format!("after {} points: {what}", self.points));
        }
    }
}

impl Run<'_> {
    /// The points before the strategy has a say: those given, or the kernel's at random.
    fn measure_seeds(&mut self, seeds: &Seeds) -> Result<Vec<Measurement>, CampaignError> {
        let mut measured = Vec::new();
        match seeds {
            Seeds::Given(given) => {
                for &candidate in given {
                    self.controller.expose(candidate)?;
                    measured.push(self.measure(candidate, None)?);
                }
            }
            Seeds::Random(count) => {
                let random = Acquisition::new(Strategy::Random);
                self.controller.choose(random)?;
                for _ in 0..*count {
                    let proposal = self.controller.propose()?;
                    measured.push(self.measure(proposal.candidate, Some(proposal))?);
                }
            }
        }
        Ok(measured)
    }

    /// Moves to a candidate that the kernel did not propose.
    fn expose(&mut self, candidate: Candidate) -> Result<(), CampaignError> {
        let started = Instant::now();
        let exposed = self.controller.expose(candidate);
        self.times.deciding += started.elapsed();
        Ok(exposed?)
    }

    /// Moves, measures, and tells the kernel.
    fn measure(
        &mut self,
        candidate: Candidate,
        proposal: Option<Proposal>,
    ) -> Result<Measurement, CampaignError> {
        let pixel = self.patches.candidates().pixel(candidate)?;
        let started = Instant::now();
        let response = self.microscope.measure(pixel)?;
        self.times.measuring += started.elapsed();
        let expected = proposal.and_then(|p| p.prediction).map(|p| Expectation {
            mean: f64::from(p.mean) + self.origin.unwrap_or(0.0),
            sigma: f64::from(p.sigma),
        });
        let relative = response - *self.origin.get_or_insert(response);
        self.patches.append(candidate, &mut self.patch_values)?;
        self.responses.push(relative);
        self.warnings.points += 1;
        match self.controller.measure(candidate, relative as f32) {
            // The response is kept and counts again with the next model.
            Err(ControllerError::Kernel(
                error @ (beacon_kernel::Error::NotPositiveDefinite { .. }
                | beacon_kernel::Error::Outlier { .. }),
            )) => self.warnings.note(&error.to_string()),
            other => other?,
        }
        Ok(Measurement {
            candidate,
            pixel,
            response,
            proposal,
            expected,
        })
    }

    /// The kernel's proposal.
    fn propose(&mut self) -> Result<Proposal, CampaignError> {
        let started = Instant::now();
        let proposal = ask(self.controller, self.acquisition, &mut self.warnings);
        self.times.deciding += started.elapsed();
        proposal
    }

    /// The kernel's proposal from the model it has, while the next one is trained on everything
    /// measured so far. That one is handed over behind the proposal, while the beam is already
    /// where it was proposed.
    fn propose_beside_training(&mut self) -> Result<Proposal, CampaignError> {
        let started = Instant::now();
        let (trainer, patches, responses) =
            (&mut self.trainer, &self.patch_values, &self.responses);
        let (controller, warnings) = (&mut *self.controller, &mut self.warnings);
        let (proposal, deciding, report) = std::thread::scope(|scope| {
            let training = scope.spawn(|| trainer.fit(patches, responses));
            let proposal = ask(controller, self.acquisition, warnings);
            let deciding = started.elapsed();
            let report = training.join();
            (proposal, deciding, report)
        });
        self.times.deciding += deciding;
        let report = report.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let proposal = proposal?;
        self.hand_over(&report)?;
        self.times.training += started.elapsed().saturating_sub(deciding);
        Ok(proposal)
    }

    /// Trains on everything measured and hands the model over.
    fn retrain(&mut self) -> Result<(), CampaignError> {
        let started = Instant::now();
        let report = self.trainer.fit(&self.patch_values, &self.responses)?;
        self.hand_over(&report)?;
        self.times.training += started.elapsed();
        Ok(())
    }

    /// Hands the trained model over, with more and more noise when its covariance cannot be
    /// factorised in f32.
    fn hand_over(&mut self, report: &FitReport) -> Result<(), CampaignError> {
        if report.skipped > 0 {
            self.warnings.note(&format!(
                "{} epochs of training were skipped",
                report.skipped
            ));
        }
        let mut model = self.trainer.model();
        let mut outcome = self.controller.load_model(&model);
        for _ in 0..3 {
            match outcome {
                Err(ControllerError::Kernel(beacon_kernel::Error::NotPositiveDefinite {
                    ..
                })) => {
                    model.hyperparameters.noise *= 10.0;
                    outcome = self.controller.load_model(&model);
                }
                _ => break,
            }
        }
        if let Err(ControllerError::Kernel(error)) = outcome {
            self.warnings
                .note(&format!("the trained model was refused: {error}"));
        } else {
            outcome?;
        }
        Ok(())
    }

    /// Mean and standard deviation as maps of the image, NaN where there is no candidate.
    fn surrogate_maps(&mut self) -> (Option<Map>, Option<Map>) {
        let Ok(surrogate) = self.controller.surrogate() else {
            return (None, None);
        };
        let posterior = Posterior::new(&surrogate, self.origin.unwrap_or(0.0));
        let truth = self.microscope.truth();
        let candidates = self.patches.candidates();
        let image = self.microscope.image();
        let map = |values: &[f64]| {
            let mut map = Map {
                values: vec![f64::NAN; image.values.len()],
                quantity: truth.map_or("response", |map| &map.quantity).to_owned(),
                units: truth.map_or("", |map| &map.units).to_owned(),
                ..image.clone()
            };
            for (n, &value) in values.iter().enumerate() {
                if let Ok(pixel) = candidates.pixel(Candidate(n as u32)) {
                    map.values[pixel.row * image.width() + pixel.column] = value;
                }
            }
            map
        };
        let sigma: Vec<f64> = posterior.variance.iter().map(|v| v.sqrt()).collect();
        (Some(map(&posterior.mean)), Some(map(&sigma)))
    }
}

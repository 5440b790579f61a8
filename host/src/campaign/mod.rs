//! The campaign: seeds, measure, retrain, propose, again.
//!
//! The host never decides. It carries responses from the microscope to the kernel and the
//! kernel's proposals back, trains the deep kernel in between, and writes down what happened.

mod config;
mod folder;
mod monitor;
mod patches;
mod seeds;
mod summary;

use std::time::{Duration, Instant};

use beacon_kernel::{Acquisition, Candidate, Candidates, Network, Pixel, Proposal, Strategy};

use crate::controller::{Controller, ControllerError, Setup};
use crate::map::Map;
use crate::metrics::MetricsError;
use crate::microscope::{Microscope, MicroscopeError};
use crate::train::{TrainError, Trainer};

pub use config::CampaignConfig;
pub use folder::{FolderError, write_run, write_side_by_side};
pub use monitor::{Monitor, Series};
pub use patches::Patches;
pub use seeds::{Seeds, SeedsError, check_seeds, read_seeds};
pub use summary::Summary;

use monitor::Posterior;

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
    /// The seeds cannot be used.
    #[error(transparent)]
    Seeds(#[from] SeedsError),
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
    /// What the kernel said when it proposed the point; `None` for a seed that was given.
    pub proposal: Option<Proposal>,
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
    /// Final surrogate mean over the candidates' pixels, NaN elsewhere.
    pub mean: Option<Map>,
    /// Final surrogate standard deviation likewise.
    pub sigma: Option<Map>,
    /// Where the time went.
    pub times: Times,
    /// What went wrong without ending the campaign.
    pub warnings: Vec<String>,
}

/// What a campaign tells while it runs.
pub trait Observer {
    /// A step is complete: number (from 1), total, the figures so far.
    fn step(&mut self, step: usize, of: usize, series: &Series);
}

/// An observer that looks away.
impl Observer for () {
    fn step(&mut self, _: usize, _: usize, _: &Series) {}
}

/// A campaign that has been checked and can start.
pub struct Campaign {
    config: CampaignConfig,
    acquisition: Acquisition,
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
        image: &Map,
        truth: &Map,
    ) -> Result<Self, CampaignError> {
        let setting = |name, value: &dyn ToString, accepted: String| CampaignError::Setting {
            name,
            value: value.to_string(),
            accepted,
        };
        let Some(acquisition) = config.acquisition() else {
            let names = Strategy::ALL.map(Strategy::name).join(", ");
            return Err(setting(
                "strategy",
                &config.strategy,
                format!("one of {names}"),
            ));
        };
        acquisition.validate()?;
        let network = Network::for_window(config.window)?;
        let patches = Patches::new(image, config.window)?;
        let candidates = patches.candidates().count();
        for (name, value) in [
            ("steps", config.steps),
            ("retrain_every", config.retrain_every),
            ("initial", seeds.count()),
        ] {
            if value == 0 {
                return Err(setting(name, &value, "1 or more".to_owned()));
            }
        }
        if let Seeds::Given(seeds) = &seeds {
            check_seeds(seeds, candidates)?;
        }
        let most = candidates.saturating_sub(seeds.count());
        if config.steps > most {
            let accepted = format!(
                "at most {most}: the image has {candidates} candidates for windows of {} pixels, \
                 and {} are seeds",
                config.window,
                seeds.count()
            );
            return Err(setting("steps", &config.steps, accepted));
        }
        let monitor = Monitor::new(truth, patches.candidates())?;
        config.training.validate()?;
        Ok(Self {
            config,
            acquisition,
            network,
            patches,
            seeds,
            monitor,
        })
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
        let occupied_bins = self.monitor.coverage().occupied();
        let trainer = Trainer::new(self.network, training)?;
        let mut run = Run {
            microscope,
            controller,
            trainer,
            acquisition: self.acquisition,
            patches: &self.patches,
            patch_values: Vec::new(),
            responses: Vec::new(),
            times: Times::default(),
            warnings: Vec::new(),
        };

        let mut seeds = Vec::new();
        match &self.seeds {
            Seeds::Given(given) => {
                for &candidate in given {
                    seeds.push(run.measure(candidate, None)?);
                }
            }
            Seeds::Random(count) => {
                let random = Acquisition::new(Strategy::Random);
                run.controller.choose(random)?;
                for _ in 0..*count {
                    let proposal = run.controller.propose()?;
                    seeds.push(run.measure(proposal.candidate, Some(proposal))?);
                }
            }
        }
        run.controller.choose(self.acquisition)?;
        run.retrain()?;

        let mut monitor = self.monitor;
        let mut series = Series::default();
        let mut steps = Vec::new();
        for step in 1..=self.config.steps {
            let started = Instant::now();
            let proposal = run.propose()?;
            let measurement = run.measure(proposal.candidate, Some(proposal))?;
            steps.push(measurement);
            if step.is_multiple_of(self.config.retrain_every) {
                run.retrain()?;
            }
            let monitoring = Instant::now();
            let seconds = monitoring.duration_since(started).as_secs_f64();
            let surrogate = run.controller.surrogate().ok();
            monitor.record(
                measurement.candidate,
                surrogate.as_ref(),
                seconds,
                &mut series,
            )?;
            run.times.monitoring += monitoring.elapsed();
            observer.step(step, self.config.steps, &series);
        }
        let (mean, sigma) = run.surrogate_maps();
        Ok(Outcome {
            config: self.config,
            candidates: candidates.count(),
            occupied_bins,
            seeds,
            steps,
            series,
            mean,
            sigma,
            times: run.times,
            warnings: run.warnings,
        })
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
    responses: Vec<f64>,
    times: Times,
    warnings: Vec<String>,
}

impl Run<'_> {
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
        self.patches.append(candidate, &mut self.patch_values)?;
        self.responses.push(response);
        match self.controller.measure(candidate, response as f32) {
            // The response is kept and counts again with the next model.
            Err(ControllerError::Kernel(beacon_kernel::Error::NotPositiveDefinite { .. })) => {
                self.warn("a measurement made the covariance singular");
            }
            other => other?,
        }
        Ok(Measurement {
            candidate,
            pixel,
            response,
            proposal,
        })
    }

    /// The kernel's proposal; when its model failed, one by chance rather than none.
    fn propose(&mut self) -> Result<Proposal, CampaignError> {
        let started = Instant::now();
        let proposal = match self.controller.propose() {
            Ok(proposal) => Ok(proposal),
            Err(ControllerError::Kernel(
                error @ (beacon_kernel::Error::NoModel
                | beacon_kernel::Error::NotPositiveDefinite { .. }),
            )) => {
                self.warn(&format!("{error}; chose at random instead"));
                self.controller.choose(Acquisition::new(Strategy::Random))?;
                let proposal = self.controller.propose();
                self.controller.choose(self.acquisition)?;
                proposal
            }
            Err(error) => Err(error),
        };
        self.times.deciding += started.elapsed();
        Ok(proposal?)
    }

    /// Trains on everything measured and hands the model over, with more and more noise when
    /// its covariance cannot be factorised in f32.
    fn retrain(&mut self) -> Result<(), CampaignError> {
        let started = Instant::now();
        let report = self.trainer.fit(&self.patch_values, &self.responses)?;
        if report.skipped > 0 {
            self.warn(&format!(
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
            self.warn(&format!("the trained model was refused: {error}"));
        } else {
            outcome?;
        }
        self.times.training += started.elapsed();
        Ok(())
    }

    fn warn(&mut self, what: &str) {
        let points = self.responses.len();
        self.warnings.push(format!("after {points} points: {what}"));
    }

    /// Mean and standard deviation as maps of the image, NaN where there is no candidate.
    fn surrogate_maps(&mut self) -> (Option<Map>, Option<Map>) {
        let Ok(surrogate) = self.controller.surrogate() else {
            return (None, None);
        };
        let posterior = Posterior::new(&surrogate);
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

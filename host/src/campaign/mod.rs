//! The campaign: seeds, measure, retrain, propose, again.
//!
//! The host never decides. It carries responses from the experiment to the kernel and the
//! kernel's proposals back, trains the deep kernel in between, and writes down what happened.

mod config;
mod discovery;
mod error;
mod folder;
mod memory;
mod monitor;
mod order;
mod outcome;
mod page;
mod responses;
mod run;
mod seeds;
mod spectra;
mod steps;
mod summary;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Instant;

use beacon_kernel::{Acquisition, Candidate, Candidates, Network, Strategy};

use crate::controller::Controller;
use crate::data::Map;
use crate::experiment::{Ended, Experiment};
use crate::spaces::Spaces;
use crate::train::Trainer;

pub use crate::data::Patches;
pub use config::{CampaignConfig, default_strategy};
pub use discovery::Discovery;
pub use error::CampaignError;
pub use folder::{FolderError, write_run, write_side_by_side};
pub use monitor::{Monitor, Posterior, Series};
pub use order::{Order, OrderError, PublishedFigures, read_order, read_published_order};
pub use outcome::{Expectation, Measurement, Outcome, Times};
pub use seeds::{Seeds, SeedsError, check_seeds, read_seeds};
pub use summary::Summary;

use responses::check_responses;
use run::{Run, Warnings};
use steps::Steps;

/// Revision of all that decides where a campaign measures: kernel, training, seeds. To be raised
/// whenever a campaign may take another way than before, so that its results are not mixed with
/// earlier ones.
pub const ALGORITHM: u32 = 2;

/// What a campaign tells while it runs.
pub trait Observer {
    /// A step is complete: number (from 1), total, the figures so far. A break ends the campaign
    /// there, with what it has, and says why.
    fn step(&mut self, step: usize, of: usize, series: &Series) -> ControlFlow<Ended>;
}

/// An observer that looks away.
impl Observer for () {
    fn step(&mut self, _: usize, _: usize, _: &Series) -> ControlFlow<Ended> {
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
        experiment: &dyn Experiment,
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
        Self::checked(config, Plan::Explore(acquisition), seeds, experiment)
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
        experiment: &dyn Experiment,
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
        let campaign = Self::checked(config, Plan::Follow(order), Seeds::Given(seeds), experiment)?;
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
        experiment: &dyn Experiment,
    ) -> Result<Self, CampaignError> {
        let setting = |name, value: &dyn ToString, accepted: String| CampaignError::Setting {
            name,
            value: value.to_string(),
            accepted,
        };
        let image = experiment.image();
        check_window(image, config.window)?;
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
        let truth = experiment.truth();
        if let Some(truth) = truth {
            check_responses(truth, patches.candidates())?;
        }
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
    /// When the experiment fails or the controller refuses a measurement before anything is
    /// measured; later the campaign ends with what it has, and says why. Numerical trouble in
    /// training is retried, then reported as a warning; it never ends a campaign.
    pub fn run(
        self,
        experiment: &mut dyn Experiment,
        controller: &mut dyn Controller,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, CampaignError> {
        let begun = Instant::now();
        let mut training = self.config.training.clone();
        training.seed = self.config.seed;
        let (acquisition, order) = match self.plan {
            Plan::Explore(acquisition) => (acquisition, Vec::new()),
            Plan::Follow(order) => (Acquisition::default(), order),
        };
        let run = Run {
            experiment,
            controller,
            trainer: Trainer::new(self.network, training.clone())?,
            acquisition,
            seed: self.config.seed,
            revision: 0,
            excluded: Vec::new(),
            patches: &self.patches,
            patch_values: Vec::new(),
            responses: Vec::new(),
            origin: None,
            reducing: None,
            reduces_not: false,
            times: Times::default(),
            warnings: Warnings::of(&self.patches),
        };
        let mut steps = Steps {
            run,
            config: &self.config,
            network: self.network,
            training,
            order,
            monitor: self.monitor,
            seeding: None,
            seeds: Vec::new(),
            taken: Vec::new(),
            series: Series::default(),
        };
        let ended = match steps.take(&self.seeds, observer) {
            Ok(ended) => ended,
            Err(error) => {
                // What failed may be the controller itself, which then blanks after its time-out.
                let _ = steps.run.controller.blank();
                return Err(error);
            }
        };
        steps.outcome(ended, begun)
    }
}

/// Refuses a window that does not fit the image or the network.
pub(crate) fn check_window(image: &Map, window: usize) -> Result<(), CampaignError> {
    let side = image.height().min(image.width());
    let (from, to) = (Network::MIN_WINDOW_SAME, Network::MAX_WINDOW.min(side));
    if (from..=to).contains(&window) {
        return Ok(());
    }
    Err(CampaignError::Setting {
        name: "window",
        value: window.to_string(),
        accepted: format!(
            "{from} to {to} pixels for an image of {} x {}",
            image.height(),
            image.width()
        ),
    })
}

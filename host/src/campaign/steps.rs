//! The steps of a campaign: what is measured, in what order, until when.

use std::time::Instant;

use beacon_kernel::{Acquisition, Candidate, Network, Strategy};

use super::run::Run;
use super::{
    CampaignConfig, CampaignError, Discovery, Measurement, Monitor, Observer, Outcome, Seeds,
    Series, memory,
};
use crate::experiment::{Ended, ExperimentError, Order};
use crate::metrics::Groups;
use crate::train::{Trainer, TrainerConfig};

/// A campaign under way, with what it has come to.
pub(super) struct Steps<'a> {
    pub(super) run: Run<'a>,
    pub(super) config: &'a CampaignConfig,
    pub(super) network: Network,
    pub(super) training: TrainerConfig,
    /// What is measured, where somebody has said; else empty.
    pub(super) order: Vec<Candidate>,
    pub(super) monitor: Monitor,
    /// How seeds are chosen, while they are.
    pub(super) seeding: Option<Acquisition>,
    pub(super) seeds: Vec<Measurement>,
    pub(super) taken: Vec<Measurement>,
    pub(super) series: Series,
}

impl Steps<'_> {
    /// Seeds, then steps, until something ends them.
    ///
    /// # Errors
    /// What keeps the campaign from beginning, and what must not be passed over.
    pub(super) fn take(
        &mut self,
        seeds: &Seeds,
        observer: &mut dyn Observer,
    ) -> Result<Ended, CampaignError> {
        let taken = self.take_all(seeds, observer);
        match taken {
            Ok(ended) => Ok(ended),
            // What has been measured is worth more than the error.
            Err(error) => match ended(&error, !self.seeds.is_empty()) {
                Some(ended) => Ok(ended),
                None => Err(error),
            },
        }
    }

    fn take_all(
        &mut self,
        seeds: &Seeds,
        observer: &mut dyn Observer,
    ) -> Result<Ended, CampaignError> {
        self.run.begin()?;
        if let Some(ended) = self.measure_seeds(seeds)? {
            return Ok(ended);
        }
        self.seeding = None;
        self.run.controller.choose(self.run.acquisition)?;
        if !self.run.responses.is_empty() {
            self.run.retrain()?;
        }
        for seed in &self.seeds {
            self.monitor.seed(seed.candidate, seed.response)?;
        }
        for step in 1..=self.config.steps {
            if let Some(ended) = self.step(step)? {
                return Ok(ended);
            }
            let watched = observer.step(step, self.config.steps, &self.series);
            if let Some(ended) = watched.break_value() {
                return Ok(ended);
            }
        }
        Ok(Ended::Budget)
    }

    /// The points before the strategy has a say: those given, or the kernel's at random. One that
    /// is left out is replaced by another random one; a given one is not.
    fn measure_seeds(&mut self, seeds: &Seeds) -> Result<Option<Ended>, CampaignError> {
        let mut given = match seeds {
            Seeds::Given(given) => Some(given.iter()),
            Seeds::Random(_) => None,
        };
        let random = Acquisition::new(Strategy::Random);
        if given.is_none() {
            self.seeding = Some(random);
            self.run.controller.choose(random)?;
        }
        while self.seeds.len() < seeds.count() {
            let wanted = match self.next_order()? {
                Wanted::End(ended) => return Ok(Some(ended)),
                Wanted::Point(candidate) => Some(candidate),
                Wanted::Nothing => match &mut given {
                    None => None,
                    Some(given) => match given.next() {
                        Some(seed) => Some(*seed),
                        None => break,
                    },
                },
            };
            let next = self.run.next(wanted.as_ref(), false)?;
            match self.run.measure(&next) {
                Err(CampaignError::Experiment(ExperimentError::LeftOut { .. })) => {}
                point => self.seeds.push(point?),
            }
        }
        Ok(None)
    }

    /// Does what somebody wants otherwise, up to a point to measure or an end.
    fn next_order(&mut self) -> Result<Wanted, CampaignError> {
        loop {
            let run = &mut self.run;
            match run.experiment.order(&mut *run.controller)? {
                None => return Ok(Wanted::Nothing),
                Some(Order::Measure(candidate)) => return Ok(Wanted::Point(candidate)),
                Some(Order::End(ended)) => return Ok(Wanted::End(ended)),
                Some(order) => self.obey(order)?,
            }
        }
    }

    /// One step, or why there is none any more.
    fn step(&mut self, step: usize) -> Result<Option<Ended>, CampaignError> {
        let (started, before) = (Instant::now(), self.run.times);
        let due = step.is_multiple_of(self.config.retrain_every);
        let beside = self.config.train_beside && self.order.is_empty();
        let measurement = loop {
            let wanted = match self.next_order()? {
                Wanted::End(ended) => return Ok(Some(ended)),
                Wanted::Point(candidate) => Some(candidate),
                Wanted::Nothing => self.order.get(step - 1).copied(),
            };
            let next = self.run.next(wanted.as_ref(), due && beside)?;
            match self.run.measure(&next) {
                Err(CampaignError::Experiment(ExperimentError::LeftOut { .. })) => {}
                measurement => break measurement?,
            }
        };
        self.taken.push(measurement);
        if self.seeds.is_empty() && step <= self.config.initial {
            self.run.trainer = Trainer::new(self.network, self.training.clone())?;
        }
        if due && !beside {
            self.run.retrain()?;
        }
        let monitoring = Instant::now();
        let seconds = monitoring.duration_since(started).as_secs_f64();
        let posterior = self.run.posterior();
        let point = (measurement.candidate, measurement.response);
        let recorded = self
            .monitor
            .record(point, posterior.as_ref(), seconds, &mut self.series);
        self.series.record_times(&before, &self.run.times);
        if let Err(error) = recorded {
            self.run
                .warnings
                .note(&format!("the surrogate could not be judged: {error}"));
        }
        self.run.times.monitoring += monitoring.elapsed();
        Ok(None)
    }

    /// Does what somebody wants otherwise.
    fn obey(&mut self, order: Order) -> Result<(), CampaignError> {
        match order {
            Order::Strategy(acquisition) => {
                self.run.acquisition = acquisition;
                // It has its say after the seeds.
                if self.seeding.is_none() {
                    self.run.controller.choose(acquisition)?;
                }
            }
            Order::Exclude(region) => self.run.leave_out(&region)?,
            Order::Responses(responses) => {
                let points = self.seeds.iter_mut().chain(&mut self.taken);
                for (point, &response) in points.zip(&responses) {
                    point.response = response;
                    // It was of the target before.
                    point.expected = None;
                }
                let points = self.seeds.iter().chain(&self.taken);
                let points: Vec<_> = points.map(|point| point.candidate).collect();
                let trainer = Trainer::new(self.network, self.training.clone())?;
                self.run.retarget(&points, &responses, trainer)?;
                if let Some(random) = self.seeding {
                    self.run.controller.choose(random)?;
                }
                let judged = self
                    .monitor
                    .retarget(self.run.experiment.truth(), &responses);
                if let Err(error) = judged {
                    let note = format!("the new target cannot be judged: {error}");
                    self.run.warnings.note(&note);
                }
            }
            // Both are the step's own to do.
            Order::Measure(_) | Order::End(_) => {}
        }
        Ok(())
    }

    /// What the campaign has come to, with the beam blanked.
    ///
    /// # Errors
    /// When a controller that did not fail before cannot be told that the campaign is over.
    pub(super) fn outcome(
        mut self,
        ended: Ended,
        begun: Instant,
    ) -> Result<Outcome, CampaignError> {
        let (mean, sigma) = self.run.surrogate_maps();
        if !matches!(ended, Ended::Controller(_)) {
            self.run.controller.end()?;
        }
        let width = self.run.patches.candidates().width();
        let behaviours = self.run.experiment.behaviours().iter();
        let discoveries = behaviours
            .map(|behaviour| Discovery::new(behaviour, width, &self.seeds, &self.taken))
            .collect();
        if !matches!(ended, Ended::Budget | Ended::Interrupted | Ended::Stopped) {
            self.run
                .warnings
                .note(&format!("the campaign ended: {ended}"));
        }
        self.run.times.whole = begun.elapsed();
        Ok(Outcome {
            config: self.config.clone(),
            candidates: self.run.patches.candidates().count(),
            occupied_bins: self.monitor.target().map_or(0, Groups::occupied),
            seeds: self.seeds,
            steps: self.taken,
            series: self.series,
            discoveries,
            mean,
            sigma,
            times: self.run.times,
            peak_memory: memory::peak_bytes(),
            link: self.run.controller.link(),
            warnings: self.run.warnings.notes,
            ended,
        })
    }
}

/// What somebody wants at a point of a campaign.
enum Wanted {
    Nothing,
    Point(Candidate),
    End(Ended),
}

/// How an error ends a campaign in order; `None` for one that has to be told as it is.
/// `measured` says whether there is anything to lose.
fn ended(error: &CampaignError, measured: bool) -> Option<Ended> {
    let controller = match error {
        CampaignError::Experiment(ExperimentError::Ended(ended)) => return Some(ended.clone()),
        CampaignError::Experiment(ExperimentError::Beam(error))
        | CampaignError::Controller(error) => error,
        _ => return None,
    };
    if controller.is_dose_limit() {
        return Some(Ended::Dose(controller.to_string()));
    }
    if controller.is_exhausted() {
        return Some(Ended::Exhausted);
    }
    (measured && controller.is_link()).then(|| Ended::Controller(controller.to_string()))
}

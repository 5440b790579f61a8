//! What the campaign has learned: the kernel, wherever it runs, and the trainer, kept in step with
//! the campaign's state.
//!
//! After every event the learner tells the kernel what follows from it. Campaigns that run and
//! campaigns that are taken up again from their journal take this one way.

mod beliefs;
mod hand_over;
mod looks;
mod telling;
mod watched;

use std::time::Instant;

use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::{Acquisition, Candidate, Prediction, Proposal, Strategy};

use self::hand_over::HandedOver;
pub(crate) use self::hand_over::Learned;
use super::event::{Foreseen, Proposed, Trained};
use super::warnings::Warnings;
use super::{CampaignError, Retraining, State, Times};
use crate::controller::{Controller, ControllerError, Setup};
use crate::data::Patches;
use crate::train::{Pace, SurrogateKind, SurrogateTrainer, TrainError};
pub(crate) use watched::watched;

/// Kernel and trainer.
pub(super) struct Learner<'a> {
    controller: &'a mut dyn Controller,
    trainer: SurrogateTrainer,
    how_often: (Retraining, SurrogateKind),
    seed: u64,
    patches: Patches,
    /// A column of each response that is sought, relative to its origin.
    responses: Vec<Vec<f64>>,
    /// The first usable value of each response; none before. The kernel's f32 could not tell small
    /// differences on a large offset apart, so it never sees the offset.
    origins: Vec<f64>,
    /// What the kernel was told last: the epoch of the campaign, and the strategy.
    epoch: u32,
    acquisition: Option<Acquisition>,
    /// What spectra are to be reduced with on the controller, where they are.
    reduces: bool,
    reducing: Vec<Scalarizer>,
    /// Whether its firmware was built before controllers reduced spectra.
    reduces_not: bool,
    /// Whether the kernel moves the beam as soon as it proposes.
    exposes: bool,
    version: u32,
    model: Option<HandedOver>,
    /// Version of the model that the kernel could not take in, or a point with it.
    outgrown: Option<u32>,
    /// Candidates that the kernel takes for measured and that are not.
    believed: Vec<Candidate>,
    pub(super) times: Times,
    pub(super) warnings: Warnings,
}

/// How a campaign's kernel is used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use {
    /// The controller reduces the spectra, where it can.
    pub(crate) reduces: bool,
    /// The controller moves its beam as soon as a point is chosen.
    pub(crate) exposes: bool,
}

impl<'a> Learner<'a> {
    /// Begins the kernel's campaign on an image.
    ///
    /// # Errors
    /// When the window has no network, or the kernel refuses the image.
    pub(super) fn begin(
        controller: &'a mut dyn Controller,
        patches: Patches,
        state: &State,
        how: Use,
    ) -> Result<Self, CampaignError> {
        let config = &state.settings().campaign;
        let mut training = config.training.clone();
        training.seed = config.seed;
        training.most_points = config.retrain_every.most();
        let mut warnings = Warnings::default();
        // Standardised, a constant image is zero.
        if patches.pixels().iter().all(|&pixel| pixel == 0.0) {
            warnings.note_first("the image is constant: no structure to learn from");
        }
        let trainer = SurrogateTrainer::new(config.surrogate, &patches, training)?;
        controller.admit(trainer.model().network)?;
        let mut learner = Self {
            controller,
            trainer,
            how_often: (config.retrain_every, config.surrogate),
            seed: config.seed,
            patches,
            responses: Vec::new(),
            origins: Vec::new(),
            epoch: 0,
            acquisition: None,
            reduces: how.reduces,
            reducing: Vec::new(),
            reduces_not: false,
            exposes: how.exposes,
            version: 0,
            model: None,
            outgrown: None,
            believed: Vec::new(),
            times: Times::default(),
            warnings,
        };
        learner.start(state)?;
        Ok(learner)
    }

    pub(super) fn patches(&self) -> &Patches {
        &self.patches
    }

    /// Makes something of the patches that takes long; whoever watches the controller may break it off.
    pub(super) fn watched<R: Send>(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&Patches, &Pace) -> R + Send,
    ) -> R {
        let patches = &self.patches;
        let work = |pace: &Pace| work(patches, pace);
        watched(&mut *self.controller, what, |_| (), work).1
    }

    pub(super) fn controller(&mut self) -> &mut dyn Controller {
        self.controller
    }

    /// Hands the kernel the image and what it must not propose.
    fn start(&mut self, state: &State) -> Result<(), CampaignError> {
        let candidates = self.patches.candidates();
        self.epoch = state.epoch();
        let responses = state.settings().targets.len();
        let setup = Setup {
            candidates,
            pixels: self.patches.pixels(),
            seed: self.seed,
            revision: self.epoch,
        };
        self.controller.begin_with(&setup, responses)?;
        self.trainer.clear();
        self.responses = vec![Vec::new(); responses];
        self.origins.clear();
        self.acquisition = None;
        self.reducing.clear();
        self.version = 0;
        self.model = None;
        self.outgrown = None;
        self.believed.clear();
        if let Some(overview) = state.overview() {
            for region in &overview.absent {
                self.exclude(region)?;
            }
        }
        Ok(())
    }

    /// The kernel's proposal, and with `train` a training on everything measured so far beside it,
    /// which is handed over behind the proposal.
    ///
    /// # Errors
    /// When the kernel refuses, or has nothing left to propose.
    pub(super) fn propose(
        &mut self,
        acquisition: Acquisition,
        train: bool,
    ) -> Result<(Chosen, Option<Trained>), CampaignError> {
        let started = Instant::now();
        if self.acquisition != Some(acquisition) {
            self.controller.choose(acquisition)?;
            self.acquisition = Some(acquisition);
        }
        let exposes = self.exposes;
        if !train {
            let controller = &mut *self.controller;
            let proposal = ask(controller, acquisition, exposes, &mut self.warnings)?;
            let foreseen = foresee(controller, &proposal, &self.origins)?;
            let seconds = started.elapsed();
            self.times.deciding += seconds;
            let proposed = proposed(&proposal, self.origin(), seconds.as_secs_f64());
            return Ok((Chosen { proposed, foreseen }, None));
        }
        let fits = self.fits();
        let trainer = &mut self.trainer;
        let responses = &columns(&self.responses);
        let origins = &self.origins;
        let (controller, warnings) = (&mut *self.controller, &mut self.warnings);
        let ((proposal, deciding), report) = watched(
            controller,
            TRAINING,
            |controller| {
                let proposal = ask(controller, acquisition, exposes, warnings);
                let proposal = proposal
                    .and_then(|proposal| Ok((proposal, foresee(controller, &proposal, origins)?)));
                (proposal, started.elapsed())
            },
            |pace| {
                let fit = fits.then(|| trainer.fit_at(pace, responses));
                fit.unwrap_or(Ok(None))
            },
        );
        self.times.deciding += deciding;
        let report = report.map_err(fit_error)?;
        let (proposal, foreseen) = proposal?;
        let handing_over = self.hand_over(report.as_ref())?;
        let seconds = started.elapsed().saturating_sub(deciding);
        self.times.training += seconds;
        let trained = self.trained(seconds.as_secs_f64(), handing_over);
        let proposed = proposed(&proposal, self.origin(), deciding.as_secs_f64());
        Ok((Chosen { proposed, foreseen }, Some(trained)))
    }

    /// Moves the controller's beam to a point that the kernel did not propose.
    ///
    /// # Errors
    /// When the controller refuses.
    pub(super) fn expose(&mut self, candidate: Candidate) -> Result<(), CampaignError> {
        let started = Instant::now();
        let exposed = self.controller.expose(candidate);
        self.times.deciding += started.elapsed();
        Ok(exposed?)
    }

    /// Trains on everything measured and hands the model over.
    ///
    /// # Errors
    /// When the controller refuses other than for numerical trouble.
    pub(super) fn train(&mut self, afresh: bool) -> Result<Trained, CampaignError> {
        let started = Instant::now();
        if afresh {
            self.trainer.forget()?;
        }
        let mut report = None;
        if self.fits() {
            let trainer = &mut self.trainer;
            let responses = &columns(&self.responses);
            let controller = &mut *self.controller;
            let fit = |pace: &Pace| trainer.fit_at(pace, responses);
            let ((), fitted) = watched(controller, TRAINING, |_| (), fit);
            report = fitted.map_err(fit_error)?;
        }
        let handing_over = self.hand_over(report.as_ref())?;
        let seconds = started.elapsed();
        self.times.training += seconds;
        Ok(self.trained(seconds.as_secs_f64(), handing_over))
    }

    /// Whether the trainer has to fit to the points that there are now.
    fn fits(&self) -> bool {
        let (how, surrogate) = self.how_often;
        let fitted = self.model.as_ref().filter(|_| self.outgrown.is_none());
        fitted.is_none_or(|model| how.fits(surrogate, model.at, self.points()))
    }

    /// Points that kernel and trainer were told.
    fn points(&self) -> usize {
        self.responses.first().map_or(0, Vec::len)
    }

    /// What a prediction relative to the first usable response is relative to.
    pub(super) fn origin(&self) -> f64 {
        self.origin_of(0)
    }

    /// The same of a response, from 0.
    pub(super) fn origin_of(&self, response: usize) -> f64 {
        self.origins.get(response).copied().unwrap_or(0.0)
    }
}

/// What the kernel chose, and what it expects of further responses there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) proposed: Proposed,
    pub(crate) foreseen: Vec<Foreseen>,
}

/// The columns as the trainer takes them.
fn columns(responses: &[Vec<f64>]) -> Vec<&[f64]> {
    responses.iter().map(Vec::as_slice).collect()
}

/// What the model that a point was chosen by expects of each further response there; nothing where one is
/// sought, and where there was no model.
fn foresee(
    controller: &mut dyn Controller,
    proposal: &Proposal,
    origins: &[f64],
) -> Result<Vec<Foreseen>, CampaignError> {
    if proposal.prediction.is_none() {
        return Ok(Vec::new());
    }
    let further = origins.iter().enumerate().skip(1);
    let foreseen = further.map(|(response, &origin)| {
        let Prediction { mean, sigma } = controller.predict_of(proposal.candidate, response)?;
        Ok(Foreseen {
            prediction: (mean, sigma),
            origin,
        })
    });
    foreseen.collect()
}

/// What a watched fit is called.
const TRAINING: &str = "training";

/// What the error of a fit means for a campaign: one that was broken off is no mistake.
fn fit_error(error: TrainError) -> CampaignError {
    match error {
        TrainError::BrokenOff => ControllerError::BrokenOff.into(),
        error => error.into(),
    }
}

fn proposed(proposal: &Proposal, origin: f64, seconds: f64) -> Proposed {
    Proposed {
        candidate: proposal.candidate.0,
        step: proposal.step as u32,
        score: proposal.score,
        prediction: proposal.prediction.map(|p| (p.mean, p.sigma)),
        origin,
        seconds,
    }
}

/// Whether an error is numerical trouble that a better model ends.
fn is_numeric(error: &ControllerError) -> bool {
    matches!(
        error,
        ControllerError::Kernel(
            beacon_kernel::Error::NotPositiveDefinite { .. } | beacon_kernel::Error::Outlier { .. }
        )
    )
}

/// The kernel's proposal; when its model failed, one by chance rather than none.
fn ask(
    controller: &mut dyn Controller,
    acquisition: Acquisition,
    expose: bool,
    warnings: &mut Warnings,
) -> Result<Proposal, CampaignError> {
    match controller.propose(expose) {
        Err(ControllerError::Kernel(
            error @ (beacon_kernel::Error::NoModel
            | beacon_kernel::Error::NotPositiveDefinite { .. }),
        )) => {
            warnings.note(&format!("{error}; chose at random instead"));
            controller.choose(Acquisition::new(Strategy::Random))?;
            let proposal = controller.propose(expose);
            controller.choose(acquisition)?;
            Ok(proposal?)
        }
        proposal => Ok(proposal?),
    }
}

//! What the campaign has learned: the kernel, wherever it runs, and the trainer, kept in step with
//! the campaign's state.
//!
//! After every event the learner tells the kernel what follows from it. Campaigns that run and
//! campaigns that are taken up again from their journal take this one way.

mod beliefs;
mod looks;

use std::time::Instant;

use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::{Acquisition, Candidate, Hyperparameters, Model, Proposal, Strategy};
use serde::{Deserialize, Serialize};

use super::event::{Event, Proposed, Trained};
use super::state::DRIFTED;
use super::warnings::Warnings;
use super::{CampaignError, Command, Region, Retraining, State, Times};
use crate::controller::{Controller, ControllerError, Setup};
use crate::data::Patches;
use crate::train::{FitReport, SurrogateKind, SurrogateState, SurrogateTrainer};

/// Checks that a controller made the same of a spectrum as this host.
fn same_response(candidate: Candidate, there: f32, here: f32) -> Result<(), ControllerError> {
    if there.to_bits() == here.to_bits() {
        return Ok(());
    }
    Err(ControllerError::State(format!(
        "it reduced the spectrum of candidate {} to {there} and this host to {here}",
        candidate.0
    )))
}

/// The model that the kernel was given last.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct HandedOver {
    /// Usable points that the kernel knew then.
    at: usize,
    /// Counts the models of the kernel's campaign, from 1.
    version: u32,
    /// Its noise, which is more than the trained one where that could not be factorised. In bits,
    /// so that it survives any form.
    hyperparameters: [u32; 5],
}

fn to_bits(of: Hyperparameters) -> [u32; 5] {
    let [a, b] = of.lengthscale;
    [a, b, of.outputscale, of.noise, of.mean].map(f32::to_bits)
}

fn from_bits(bits: [u32; 5]) -> Hyperparameters {
    let [a, b, outputscale, noise, mean] = bits.map(f32::from_bits);
    Hyperparameters {
        lengthscale: [a, b],
        outputscale,
        noise,
        mean,
    }
}

/// What was learned, to go on from without training anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Learned {
    trainer: SurrogateState,
    model: Option<HandedOver>,
    warnings: Warnings,
}

/// Kernel and trainer.
pub(super) struct Learner<'a> {
    controller: &'a mut dyn Controller,
    trainer: SurrogateTrainer,
    how_often: (Retraining, SurrogateKind),
    seed: u64,
    patches: Patches,
    /// Relative to the origin.
    responses: Vec<f64>,
    /// The first usable response. The kernel's f32 could not tell small differences on a large
    /// offset apart, so it never sees the offset.
    origin: Option<f64>,
    /// What the kernel was told last: the epoch of the campaign, and the strategy.
    epoch: u32,
    acquisition: Option<Acquisition>,
    /// What spectra are to be reduced with on the controller, where they are.
    reduces: bool,
    reducing: Option<Scalarizer>,
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
            origin: None,
            epoch: 0,
            acquisition: None,
            reduces: how.reduces,
            reducing: None,
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

    pub(super) fn controller(&mut self) -> &mut dyn Controller {
        self.controller
    }

    /// Hands the kernel the image and what it must not propose.
    fn start(&mut self, state: &State) -> Result<(), CampaignError> {
        let candidates = self.patches.candidates();
        self.epoch = state.epoch();
        self.controller.begin(&Setup {
            candidates,
            pixels: self.patches.pixels(),
            seed: self.seed,
            revision: self.epoch,
        })?;
        self.trainer.clear();
        self.responses.clear();
        self.origin = None;
        self.acquisition = None;
        self.reducing = None;
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

    /// Tells the kernel what follows from an event, which the state has taken already.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn follow(&mut self, event: &Event, state: &State) -> Result<(), CampaignError> {
        if state.epoch() != self.epoch {
            let forgets = matches!(event, Event::Commanded(given)
            if matches!(
                given.command,
                Command::Target(_) | Command::Discard(_) | Command::Restore(_)
            ));
            return self.start_over(state, !forgets);
        }
        match event {
            Event::Measured(measured) => {
                self.warnings.set_points(state.points().len());
                let candidate = Candidate(measured.candidate);
                let told = self.responses.len();
                let newest = state.usable().nth(told);
                match newest.map(|(point, response)| (point.candidate, response)) {
                    Some((newest, response)) if newest == candidate => {
                        let on_controller = self.reduces.then(|| {
                            let channels = &state.begun().channels;
                            let target = state.settings().target();
                            target.on_controller(&channels.coordinates, &channels.axis)
                        });
                        let spectrum = single(&measured.acquired.spectrum);
                        let reduction = on_controller.flatten().zip(spectrum);
                        self.tell(candidate, response, reduction)?;
                    }
                    _ => {
                        if let Some((_, why)) = state.left_out().last() {
                            self.note_left_out(state, candidate, &why.clone());
                        }
                        self.exclude_candidate(candidate)?;
                    }
                }
            }
            Event::LeftOut { candidate, why } => {
                self.note_left_out(state, Candidate(*candidate), why);
                self.exclude_candidate(Candidate(*candidate))?;
            }
            Event::Commanded(given) => match &given.command {
                command if !command.excluded().is_empty() => {
                    for region in command.excluded() {
                        self.exclude(region)?;
                    }
                }
                Command::Reject => {
                    // The state has excluded what waited.
                    for region in state.mask() {
                        self.exclude(&region)?;
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn note_left_out(&mut self, state: &State, candidate: Candidate, why: &str) {
        let pixel = state.candidates().and_then(|all| all.pixel(candidate).ok());
        if why.starts_with(DRIFTED) {
            // There may be a border full of them.
            self.warnings
                .note("points that have drifted out of the frame are left out");
        } else if let Some(pixel) = pixel {
            let (row, column) = (pixel.row, pixel.column);
            self.warnings
                .note(&format!("row {row}, column {column} was left out: {why}"));
        }
    }

    /// Starts the kernel over with the points that count now. Where other points count or another
    /// target is sought, the model is forgotten with the trainer that made it.
    fn start_over(&mut self, state: &State, keeps_model: bool) -> Result<(), CampaignError> {
        self.controller.end()?;
        let model = self.model.take().filter(|_| keeps_model);
        if !keeps_model {
            self.trainer.forget()?;
        }
        self.start(state)?;
        self.tell_all(state, model.as_ref())
    }

    /// Tells the kernel, which was just begun, of all usable points, of a model when it met as many
    /// of them as it had met, and of what it must not propose.
    fn tell_all(&mut self, state: &State, model: Option<&HandedOver>) -> Result<(), CampaignError> {
        let points: Vec<_> = state
            .usable()
            .map(|(point, response)| (point.candidate, response))
            .collect();
        let at = model.map_or(usize::MAX, |model| model.at);
        for (n, &(candidate, response)) in points.iter().enumerate() {
            if n == at {
                self.hand_over_again(model)?;
            }
            self.tell(candidate, response, None)?;
        }
        if points.len() == at {
            self.hand_over_again(model)?;
        }
        for region in state.mask() {
            self.exclude(&region)?;
        }
        Ok(())
    }

    /// Hands the kernel the model that it had before.
    fn hand_over_again(&mut self, model: Option<&HandedOver>) -> Result<(), CampaignError> {
        let Some(handed) = model else { return Ok(()) };
        let mut again = self.trainer.model();
        again.hyperparameters = from_bits(handed.hyperparameters);
        match self.controller.load_model(&again, handed.version) {
            Err(error) if is_numeric(&error) => {
                self.outgrown = Some(self.version);
                self.warnings.note(&error.to_string());
            }
            other => other?,
        }
        self.version = handed.version;
        self.model = Some(HandedOver {
            at: self.responses.len(),
            ..handed.clone()
        });
        Ok(())
    }

    /// Tells trainer and kernel a response.
    fn tell(
        &mut self,
        candidate: Candidate,
        response: f64,
        unreduced: Option<(Scalarizer, Vec<f32>)>,
    ) -> Result<(), CampaignError> {
        let origin = *self.origin.get_or_insert(response);
        let relative = response - origin;
        self.trainer.add(candidate, &self.patches)?;
        self.responses.push(relative);
        let told = match unreduced {
            Some((scalarizer, spectrum)) if !self.reduces_not => {
                let controller = &mut *self.controller;
                let told = if self.reducing == Some(scalarizer) {
                    Ok(())
                } else {
                    controller.reduce_with(Some(scalarizer), origin)
                };
                match told {
                    Err(ControllerError::NoReduction) => {
                        self.reduces_not = true;
                        let why = ControllerError::NoReduction.to_string();
                        self.warnings.note(&why);
                        controller.measure(candidate, relative as f32)
                    }
                    told => {
                        told?;
                        self.reducing = Some(scalarizer);
                        let reduced = controller.measure_spectrum(candidate, &spectrum);
                        reduced.and_then(|value| same_response(candidate, value, relative as f32))
                    }
                }
            }
            _ => self.controller.measure(candidate, relative as f32),
        };
        match told {
            // The response is kept and counts again with the next model.
            Err(error) if is_numeric(&error) => {
                self.outgrown = Some(self.version);
                self.warnings.note(&error.to_string());
            }
            other => other?,
        }
        Ok(())
    }

    fn exclude_candidate(&mut self, candidate: Candidate) -> Result<(), CampaignError> {
        let pixel = self.patches.candidates().pixel(candidate)?;
        self.exclude(&Region::pixel(pixel.row, pixel.column))
    }

    fn exclude(&mut self, region: &Region) -> Result<(), CampaignError> {
        let Region { rows, columns } = region.clone();
        Ok(self.controller.exclude(rows, columns)?)
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
    ) -> Result<(Proposed, Option<Trained>), CampaignError> {
        let started = Instant::now();
        if self.acquisition != Some(acquisition) {
            self.controller.choose(acquisition)?;
            self.acquisition = Some(acquisition);
        }
        let exposes = self.exposes;
        if !train {
            let controller = &mut *self.controller;
            let proposal = ask(controller, acquisition, exposes, &mut self.warnings)?;
            let seconds = started.elapsed();
            self.times.deciding += seconds;
            return Ok((
                proposed(&proposal, self.origin(), seconds.as_secs_f64()),
                None,
            ));
        }
        let fits = self.fits();
        let (trainer, responses) = (&mut self.trainer, &self.responses);
        let (controller, warnings) = (&mut *self.controller, &mut self.warnings);
        let (proposal, deciding, report) = std::thread::scope(|scope| {
            let training = scope.spawn(|| {
                if fits {
                    trainer.fit(responses)
                } else {
                    Ok(None)
                }
            });
            let proposal = ask(controller, acquisition, exposes, warnings);
            let deciding = started.elapsed();
            (proposal, deciding, training.join())
        });
        self.times.deciding += deciding;
        let report = report.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let proposal = proposal?;
        let handing_over = self.hand_over(report.as_ref())?;
        let seconds = started.elapsed().saturating_sub(deciding);
        self.times.training += seconds;
        let trained = self.trained(seconds.as_secs_f64(), handing_over);
        Ok((
            proposed(&proposal, self.origin(), deciding.as_secs_f64()),
            Some(trained),
        ))
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
        let report = if self.fits() {
            self.trainer.fit(&self.responses)?
        } else {
            None
        };
        let handing_over = self.hand_over(report.as_ref())?;
        let seconds = started.elapsed();
        self.times.training += seconds;
        Ok(self.trained(seconds.as_secs_f64(), handing_over))
    }

    /// Whether the trainer has to fit to the points that there are now.
    fn fits(&self) -> bool {
        let (how, surrogate) = self.how_often;
        let fitted = self.model.as_ref().filter(|_| self.outgrown.is_none());
        fitted.is_none_or(|model| how.fits(surrogate, model.at, self.responses.len()))
    }

    fn trained(&self, seconds: f64, handing_over_seconds: f64) -> Trained {
        Trained {
            points: self.responses.len() as u32,
            checksum: self.checksum(),
            seconds,
            handing_over_seconds,
        }
    }

    /// CRC-32 of the trained weights.
    fn checksum(&self) -> u32 {
        const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let mut digest = CRC.digest();
        for weight in self.trainer.model().weights {
            digest.update(&weight.to_le_bytes());
        }
        digest.finalize()
    }

    /// Hands the trained model over, with more and more noise when its covariance cannot be
    /// factorised in f32; how long it took, in seconds. Where no fit was due the kernel has it.
    fn hand_over(&mut self, report: Option<&FitReport>) -> Result<f64, CampaignError> {
        let Some(report) = report else { return Ok(0.0) };
        let started = Instant::now();
        if report.skipped > 0 {
            self.warnings.note(&format!(
                "{} epochs of training were skipped",
                report.skipped
            ));
        }
        let mut model: Model<'_> = self.trainer.model();
        self.version += 1;
        let mut outcome = self.controller.load_model(&model, self.version);
        for _ in 0..3 {
            match outcome {
                Err(ControllerError::Kernel(beacon_kernel::Error::NotPositiveDefinite {
                    ..
                })) => {
                    model.hyperparameters.noise *= 10.0;
                    self.version += 1;
                    outcome = self.controller.load_model(&model, self.version);
                }
                _ => break,
            }
        }
        self.outgrown = None;
        if model.validate().is_ok() {
            self.model = Some(HandedOver {
                at: self.responses.len(),
                version: self.version,
                hyperparameters: to_bits(model.hyperparameters),
            });
        }
        if let Err(ControllerError::Kernel(error)) = outcome {
            self.outgrown = Some(self.version);
            self.warnings
                .note(&format!("the trained model was refused: {error}"));
        } else {
            outcome?;
        }
        let spent = started.elapsed();
        self.times.handing_over += spent;
        Ok(spent.as_secs_f64())
    }

    /// What was learned so far.
    pub(super) fn learned(&self) -> Learned {
        Learned {
            trainer: self.trainer.state(),
            model: self.model.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// Goes on from what was learned by the time that the campaign had come to this state.
    ///
    /// # Errors
    /// When the kernel refuses, or the weights are not of this network.
    pub(super) fn restore(&mut self, state: &State, learned: Learned) -> Result<(), CampaignError> {
        self.trainer.restore(learned.trainer)?;
        self.warnings = learned.warnings;
        self.start(state)?;
        self.tell_all(state, learned.model.as_ref())
    }

    /// What a prediction relative to the first usable response is relative to.
    pub(super) fn origin(&self) -> f64 {
        self.origin.unwrap_or(0.0)
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

/// The spectrum in single precision; `None` where that would change it, as it never does to
/// counts: the host then reduces it.
fn single(spectrum: &[f64]) -> Option<Vec<f32>> {
    let exact = |&value: &f64| {
        let single = value as f32;
        (f64::from(single) == value).then_some(single)
    };
    spectrum.iter().map(exact).collect()
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

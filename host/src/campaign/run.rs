//! A campaign under way: what passes between experiment, kernel and trainer at each point.

use std::time::Instant;

use beacon_kernel::{Acquisition, Candidate, Proposal, Strategy};

use super::{CampaignError, Expectation, Measurement, Posterior, Seeds, Times};
use crate::controller::{Controller, ControllerError};
use crate::experiment::Experiment;
use crate::map::Map;
use crate::patches::Patches;
use crate::train::{FitReport, Trainer};

/// A campaign under way.
pub(super) struct Run<'a> {
    pub(super) experiment: &'a mut dyn Experiment,
    pub(super) controller: &'a mut dyn Controller,
    pub(super) trainer: Trainer,
    pub(super) acquisition: Acquisition,
    pub(super) patches: &'a Patches,
    pub(super) patch_values: Vec<f32>,
    /// Relative to the origin.
    pub(super) responses: Vec<f64>,
    /// The first response. The kernel's f32 could not tell small differences on a large offset
    /// apart, so it never sees the offset.
    pub(super) origin: Option<f64>,
    pub(super) times: Times,
    pub(super) warnings: Warnings,
}

/// What went wrong without ending the campaign.
#[derive(Default)]
pub(super) struct Warnings {
    /// Measured when it happened.
    points: usize,
    pub(super) notes: Vec<String>,
}

impl Warnings {
    /// What is to be said of an image before anything is measured.
    pub(super) fn of(patches: &Patches) -> Self {
        let mut warnings = Self::default();
        // Standardised, a constant image is zero.
        if patches.pixels().iter().all(|&pixel| pixel == 0.0) {
            let constant = "the image is constant: no structure to learn from";
            warnings.notes.push(constant.to_owned());
        }
        warnings
    }

    /// Notes what went wrong, once: what goes wrong at every step shall not fill the summary.
    pub(super) fn note(&mut self, what: &str) {
        if !self.notes.iter().any(|note| note.ends_with(what)) {
            self.notes
                .push(format!("after {} points: {what}", self.points));
        }
    }
}

impl Run<'_> {
    /// The points before the strategy has a say: those given, or the kernel's at random.
    pub(super) fn measure_seeds(
        &mut self,
        seeds: &Seeds,
    ) -> Result<Vec<Measurement>, CampaignError> {
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
    pub(super) fn measure(
        &mut self,
        candidate: Candidate,
        proposal: Option<Proposal>,
    ) -> Result<Measurement, CampaignError> {
        let pixel = self.patches.candidates().pixel(candidate)?;
        let started = Instant::now();
        let response = self.experiment.measure(pixel)?;
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

    /// What is measured next: the point of an order, or the kernel's proposal.
    pub(super) fn next(
        &mut self,
        followed: Option<&Candidate>,
        beside_training: bool,
    ) -> Result<(Candidate, Option<Proposal>), CampaignError> {
        let proposal = match followed {
            Some(&candidate) => return self.expose(candidate).map(|()| (candidate, None)),
            None if beside_training => self.propose_beside_training()?,
            None => self.propose()?,
        };
        Ok((proposal.candidate, Some(proposal)))
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
    pub(super) fn retrain(&mut self) -> Result<(), CampaignError> {
        let started = Instant::now();
        let report = self.trainer.fit(&self.patch_values, &self.responses)?;
        self.hand_over(&report)?;
        self.times.training += started.elapsed();
        Ok(())
    }

    /// Hands the trained model over, with more and more noise when its covariance cannot be
    /// factorised in f32.
    fn hand_over(&mut self, report: &FitReport) -> Result<(), CampaignError> {
        let started = Instant::now();
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
        self.times.handing_over += started.elapsed();
        Ok(())
    }

    /// The surrogate in the units of the response; `None` where there is no model.
    pub(super) fn posterior(&mut self) -> Option<Posterior> {
        let surrogate = self.controller.surrogate().ok()?;
        Some(Posterior::new(&surrogate, self.origin.unwrap_or(0.0)))
    }

    /// Mean and standard deviation as maps of the image, NaN where there is no candidate.
    pub(super) fn surrogate_maps(&mut self) -> (Option<Map>, Option<Map>) {
        let Some(posterior) = self.posterior() else {
            return (None, None);
        };
        let truth = self.experiment.truth();
        let candidates = self.patches.candidates();
        let image = self.experiment.image();
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

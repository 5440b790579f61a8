//! A campaign under way: what passes between experiment, kernel and trainer at each point.

use std::time::Instant;

use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::{Acquisition, Candidate, LARGEST_RESPONSE, Pixel, Proposal, Strategy};

use super::{CampaignError, Expectation, Measurement, Posterior, Times};
use crate::controller::{BeamPort, Controller, ControllerError, Setup};
use crate::data::{Map, Patches};
use crate::experiment::{Experiment, ExperimentError, Point, Region};
use crate::train::{FitReport, Trainer};

/// A point that was chosen, and what the kernel said when it proposed it.
pub(super) struct NextPoint {
    candidate: Candidate,
    proposal: Option<Proposal>,
}

/// Whether the kernel can take a response.
fn is_response(response: f64) -> bool {
    response.is_finite() && response.abs() <= f64::from(LARGEST_RESPONSE) / 2.0
}

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

/// A campaign under way.
pub(super) struct Run<'a> {
    pub(super) experiment: &'a mut dyn Experiment,
    pub(super) controller: &'a mut dyn Controller,
    pub(super) trainer: Trainer,
    pub(super) acquisition: Acquisition,
    pub(super) seed: u64,
    /// Targets sought before this one.
    pub(super) revision: u32,
    /// Where nothing is proposed any more.
    pub(super) excluded: Vec<Region>,
    pub(super) patches: &'a Patches,
    pub(super) patch_values: Vec<f32>,
    /// Relative to the origin.
    pub(super) responses: Vec<f64>,
    /// The first response. The kernel's f32 could not tell small differences on a large offset
    /// apart, so it never sees the offset.
    pub(super) origin: Option<f64>,
    /// What the controller was told to reduce spectra with.
    pub(super) reducing: Option<Scalarizer>,
    /// Whether its firmware was built before controllers reduced spectra.
    pub(super) reduces_not: bool,
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

    /// Notes an error that the campaign goes on after.
    fn note_passing(&mut self, error: &ExperimentError) {
        if let ExperimentError::LeftOut { .. } = error {
            self.note(&error.to_string());
        }
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
    /// Moves to a candidate that the kernel did not propose.
    fn expose(&mut self, candidate: Candidate) -> Result<(), CampaignError> {
        if self.experiment.moves_beam() {
            return Ok(());
        }
        let started = Instant::now();
        let exposed = self.controller.expose(candidate);
        self.times.deciding += started.elapsed();
        Ok(exposed?)
    }

    /// Measures, and tells the kernel.
    ///
    /// # Errors
    /// A point that had to be left out is excluded from then on; others can be measured.
    pub(super) fn measure(&mut self, next: &NextPoint) -> Result<Measurement, CampaignError> {
        let &NextPoint {
            candidate,
            proposal,
        } = next;
        let pixel = self.patches.candidates().pixel(candidate)?;
        let started = Instant::now();
        let beam: &mut dyn BeamPort = &mut *self.controller;
        let response = self.experiment.measure(Point { candidate, pixel }, beam);
        self.times.measuring += started.elapsed();
        if let Err(ExperimentError::LeftOut { .. }) = &response {
            self.leave_out(&Region::pixel(pixel.row, pixel.column))?;
        }
        let response = response.inspect_err(|error| self.warnings.note_passing(error))?;
        let expected = proposal.and_then(|p| p.prediction).map(|p| Expectation {
            mean: f64::from(p.mean) + self.origin.unwrap_or(0.0),
            sigma: f64::from(p.sigma),
        });
        let measurement = Measurement {
            candidate,
            pixel,
            response,
            proposal,
            expected,
        };
        self.warnings.points += 1;
        if is_response(response) {
            self.tell(candidate, response, true)?;
        } else {
            self.warnings.note(&format!(
                "the response at row {}, column {} is {response}: it is kept and teaches nothing",
                pixel.row, pixel.column
            ));
            self.leave_out(&Region::pixel(pixel.row, pixel.column))?;
        }
        Ok(measurement)
    }

    /// Tells trainer and kernel a response, that of the point just measured where it is `fresh`.
    fn tell(
        &mut self,
        candidate: Candidate,
        response: f64,
        fresh: bool,
    ) -> Result<(), CampaignError> {
        let origin = *self.origin.get_or_insert(response);
        let relative = response - origin;
        self.patches.append(candidate, &mut self.patch_values)?;
        self.responses.push(relative);
        let told = match self.experiment.unreduced() {
            Some(unreduced) if fresh && !self.reduces_not => {
                let controller = &mut *self.controller;
                let told = if self.reducing == Some(unreduced.scalarizer) {
                    Ok(())
                } else {
                    controller.reduce_with(Some(unreduced.scalarizer), origin)
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
                        self.reducing = Some(unreduced.scalarizer);
                        let reduced = controller.measure_spectrum(candidate, unreduced.spectrum);
                        reduced.and_then(|value| same_response(candidate, value, relative as f32))
                    }
                }
            }
            _ => self.controller.measure(candidate, relative as f32),
        };
        match told {
            // The response is kept and counts again with the next model.
            Err(ControllerError::Kernel(
                error @ (beacon_kernel::Error::NotPositiveDefinite { .. }
                | beacon_kernel::Error::Outlier { .. }),
            )) => self.warnings.note(&error.to_string()),
            other => other?,
        }
        Ok(())
    }

    /// Takes a region from the candidates.
    pub(super) fn leave_out(&mut self, region: &Region) -> Result<(), CampaignError> {
        self.excluded.push(region.clone());
        let Region { rows, columns } = region.clone();
        Ok(self.controller.exclude(rows, columns)?)
    }

    /// Starts over with other responses at the same points: another target. What the kernel and
    /// the trainer learned of the one before is forgotten.
    pub(super) fn retarget(
        &mut self,
        points: &[Candidate],
        responses: &[f64],
        trainer: Trainer,
    ) -> Result<(), CampaignError> {
        self.controller.end()?;
        self.revision += 1;
        let excluded = std::mem::take(&mut self.excluded);
        self.begin()?;
        self.trainer = trainer;
        self.patch_values.clear();
        self.responses.clear();
        self.origin = None;
        self.reducing = None;
        for (&candidate, &response) in points.iter().zip(responses) {
            if is_response(response) {
                self.tell(candidate, response, false)?;
            } else {
                let Pixel { row, column } = self.patches.candidates().pixel(candidate)?;
                self.leave_out(&Region::pixel(row, column))?;
            }
        }
        for region in excluded {
            self.leave_out(&region)?;
        }
        self.controller.choose(self.acquisition)?;
        if self.responses.is_empty() {
            return Ok(());
        }
        self.retrain()
    }

    /// Hands the controller the image.
    pub(super) fn begin(&mut self) -> Result<(), CampaignError> {
        let candidates = self.patches.candidates();
        Ok(self.controller.begin(&Setup {
            height: candidates.height(),
            width: candidates.width(),
            window: candidates.window(),
            pixels: self.patches.pixels(),
            seed: self.seed,
            revision: self.revision,
        })?)
    }

    /// What is measured next: the point that somebody wants, or the kernel's proposal.
    pub(super) fn next(
        &mut self,
        wanted: Option<&Candidate>,
        beside_training: bool,
    ) -> Result<NextPoint, CampaignError> {
        let proposal = match wanted {
            Some(&candidate) => {
                self.expose(candidate)?;
                return Ok(NextPoint {
                    candidate,
                    proposal: None,
                });
            }
            None if beside_training => self.propose_beside_training()?,
            None => self.propose()?,
        };
        Ok(NextPoint {
            candidate: proposal.candidate,
            proposal: Some(proposal),
        })
    }

    /// The kernel's proposal.
    fn propose(&mut self) -> Result<Proposal, CampaignError> {
        let started = Instant::now();
        let expose = !self.experiment.moves_beam();
        let acquisition = self.acquisition;
        let proposal = ask(self.controller, acquisition, expose, &mut self.warnings);
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
        let (acquisition, expose) = (self.acquisition, !self.experiment.moves_beam());
        let (proposal, deciding, report) = std::thread::scope(|scope| {
            let training = scope.spawn(|| trainer.fit(patches, responses));
            let proposal = ask(controller, acquisition, expose, warnings);
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
        let (quantity, units) = self.experiment.target();
        let candidates = self.patches.candidates();
        let image = self.experiment.image();
        let map = |values: &[f64]| {
            let mut map = Map {
                values: vec![f64::NAN; image.values.len()],
                quantity: quantity.clone(),
                units: units.clone(),
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

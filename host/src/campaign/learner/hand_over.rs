//! The model on its way to the kernel, and what is kept of it to go on from.

use std::time::Instant;

use beacon_kernel::{Hyperparameters, Model};
use beacon_train::SurrogateState;
use serde::{Deserialize, Serialize};

use super::{Learner, is_numeric};
use crate::campaign::event::Trained;
use crate::campaign::warnings::Warnings;
use crate::campaign::{CampaignError, State};
use crate::controller::ControllerError;
use crate::train::FitReport;

/// The model that the kernel was given last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct HandedOver {
    /// Usable points that the kernel knew then.
    pub(super) at: usize,
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
    /// The structural distances of all candidates, and how many points, the first ones, they include.
    structure: Option<(usize, Vec<f32>)>,
}

impl Learner<'_> {
    /// Hands the trained model over, with more and more noise when its covariance cannot be
    /// factorised in f32; how long it took, in seconds. Where no fit was due the kernel has it.
    pub(super) fn hand_over(&mut self, report: Option<&FitReport>) -> Result<f64, CampaignError> {
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
                at: self.points(),
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

    /// Hands the kernel the model that it had before.
    pub(super) fn hand_over_again(
        &mut self,
        model: Option<&HandedOver>,
    ) -> Result<(), CampaignError> {
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
            at: self.points(),
            ..handed.clone()
        });
        Ok(())
    }

    pub(super) fn trained(&self, seconds: f64, handing_over_seconds: f64) -> Trained {
        Trained {
            points: self.points() as u32,
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

    /// What was learned so far.
    pub(in crate::campaign) fn learned(&self) -> Learned {
        Learned {
            trainer: self.trainer.state(),
            model: self.model.clone(),
            warnings: self.warnings.clone(),
            structure: self.controller.structure(),
        }
    }

    /// Goes on from what was learned by the time that the campaign had come to this state.
    ///
    /// # Errors
    /// When the kernel refuses, or the weights are not of this network.
    pub(in crate::campaign) fn restore(
        &mut self,
        state: &State,
        learned: Learned,
    ) -> Result<(), CampaignError> {
        self.trainer.restore(learned.trainer)?;
        self.warnings = learned.warnings;
        self.start(state)?;
        self.tell_all(state, learned.model.as_ref())?;
        if let Some((known, distances)) = learned.structure {
            self.controller.recall_structure(known, &distances);
        }
        Ok(())
    }
}

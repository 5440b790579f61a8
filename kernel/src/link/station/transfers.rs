//! What arrives in chunks: the image, weights, spectra.

use super::super::board::Board;
use super::super::message::{self, ModelHeader, Next, Phase, Refusal, Reply, Several, Which};
use super::super::scalarizer::{self, Scalarizer};
use super::super::transfer::{Descriptor, Kind, Payload, Receiver};
use super::{Station, candidates};
use crate::{Candidate, Error, MOST_RESPONSES, Model, Network, Standardisation};

/// What makes a model besides its weights.
#[derive(Clone, Copy)]
pub(in super::super) struct Staged {
    pub(in super::super) header: ModelHeader,
    /// Statistics of the further responses.
    pub(in super::super) others: Option<Several<message::Standardisation>>,
}

impl From<ModelHeader> for Staged {
    fn from(header: ModelHeader) -> Self {
        Self {
            header,
            others: None,
        }
    }
}

/// Room for the statistics of further responses.
type Others = [Standardisation; MOST_RESPONSES];
const NONE: Others = [Standardisation::IDENTITY; MOST_RESPONSES];

impl Station<'_> {
    pub(super) fn receiver(&self, kind: Kind) -> Result<&Receiver, Refusal> {
        let receiver = match kind {
            Kind::Image | Kind::Weights => self.bulk.as_ref(),
            Kind::Spectrum => self.spectrum.as_ref().map(|(receiver, _)| receiver),
        };
        receiver
            .filter(|receiver| receiver.descriptor().payload.kind() == kind)
            .ok_or(Refusal::NoTransfer)
    }

    pub(super) fn forget(&mut self, kind: Kind) {
        match kind {
            Kind::Image | Kind::Weights => self.bulk = None,
            Kind::Spectrum => self.spectrum = None,
        }
    }

    pub(super) fn begin_transfer(&mut self, descriptor: Descriptor) -> Result<Reply, Refusal> {
        let kind = descriptor.payload.kind();
        if let Ok(receiver) = self.receiver(kind)
            && receiver.descriptor() == descriptor
        {
            let received = receiver.progress().received;
            return Ok(Reply::Progress { received });
        }
        match descriptor.payload {
            Payload::Image { height, width } => {
                let campaign = self.campaign.ok_or(Refusal::NoCampaign)?;
                match self.phase {
                    Phase::AwaitingImage => {}
                    Phase::Running => return Err(Refusal::CampaignRunning { id: campaign.id }),
                    Phase::Idle | Phase::Ended => return Err(Refusal::CampaignEnded),
                }
                if (height, width) != (campaign.height, campaign.width) {
                    return Err(Refusal::ImageMismatch);
                }
                self.stage(descriptor)?;
            }
            Payload::Weights { window, .. } => {
                let campaign = self.running()?;
                if window != campaign.window {
                    let (found, expected) = (window.into(), campaign.window.into());
                    return Err(Error::ModelWindow { found, expected }.into());
                }
                self.stage(descriptor)?;
            }
            Payload::Spectrum {
                candidate,
                channels,
            } => {
                self.running()?;
                self.free(Candidate(candidate))?;
                let needed = self.scalarizers.iter().map(Scalarizer::channels).max();
                let needed = needed.ok_or(Refusal::NoScalarizer)?;
                if self.scalarizers.len() != self.responses {
                    return Err(Error::ResponseCount {
                        found: self.scalarizers.len(),
                        expected: self.responses,
                    }
                    .into());
                }
                if channels < needed {
                    return Err(Refusal::Setting {
                        which: Which::Scalarizer,
                        limit: channels.into(),
                    });
                }
                // The station keeps sums alone, so any number of channels fits.
                let receiver = Receiver::new(descriptor, usize::MAX)?;
                self.spectrum = Some((receiver, Default::default()));
            }
        }
        Ok(Reply::Progress { received: 0 })
    }

    /// Gives the staging memory to a transfer, in place of an overview that is over.
    fn stage(&mut self, descriptor: Descriptor) -> Result<(), Refusal> {
        if self.takes_overview() {
            let needed = descriptor.payload.values()?;
            return Err(Refusal::TooLarge {
                needed,
                capacity: 0,
            });
        }
        self.bulk = Some(Receiver::new(descriptor, self.staging.len())?);
        self.overview = None;
        self.explorer.forget_evaluation();
        Ok(())
    }

    pub(super) fn chunk(&mut self, kind: Kind, offset: u32, raw: &[u8]) -> Result<Reply, Refusal> {
        self.receiver(kind)?;
        let received = match (kind, &mut self.bulk, &mut self.spectrum) {
            (Kind::Image | Kind::Weights, Some(receiver), _) => {
                let staging = &mut *self.staging;
                receiver.chunk(offset, raw, |index, value| {
                    if let Some(slot) = staging.get_mut(index) {
                        *slot = value;
                    }
                })?
            }
            (Kind::Spectrum, _, Some((receiver, sums))) => {
                let scalarizers = &self.scalarizers;
                receiver.chunk(offset, raw, |_, value| {
                    for (sums, scalarizer) in sums.iter_mut().zip(scalarizers) {
                        sums.add(scalarizer, value);
                    }
                })?
            }
            _ => return Err(Refusal::NoTransfer),
        };
        Ok(Reply::Progress { received })
    }

    /// Takes a complete transfer out of its place; one that is not stays where it is.
    fn complete(&mut self, kind: Kind) -> Result<Descriptor, Refusal> {
        self.receiver(kind)?;
        match (kind, &mut self.bulk, &mut self.spectrum) {
            (Kind::Image | Kind::Weights, Some(receiver), _) => {
                receiver.check().map(|()| receiver.descriptor())
            }
            (Kind::Spectrum, _, Some((receiver, sums))) => {
                let checked = receiver.check().map(|()| receiver.descriptor());
                if checked == Err(Refusal::Checksum) {
                    *sums = Default::default();
                }
                checked
            }
            _ => Err(Refusal::NoTransfer),
        }
    }

    pub(super) fn commit_image(&mut self) -> Result<Reply, Refusal> {
        let campaign = self.campaign.ok_or(Refusal::NoCampaign)?;
        let descriptor = self.complete(Kind::Image)?;
        self.bulk = None;
        let candidates = candidates(campaign, self.edges)?;
        // The transfer was bounded by the staging memory.
        let count = candidates.height() * candidates.width();
        let pixels = self.staging.get(..count).unwrap_or_default();
        self.explorer
            .load_image_with(candidates, self.responses, pixels)?;
        self.explorer.set_seed(campaign.seed);
        self.loaded.image_crc = Some(descriptor.crc);
        self.phase = Phase::Running;
        Ok(Reply::Done)
    }

    /// Whether a commit of a model can be answered without a slice of [`Self::evaluate`] before, if only by a
    /// refusal.
    pub(in super::super) fn has_evaluated(&self, model: &Staged) -> bool {
        let staged = staged(self.bulk.as_ref(), self.staging, model, &mut { NONE }).is_ok();
        let due = self.running().is_ok() && staged;
        !due || self.explorer.is_evaluated()
    }

    /// Does a slice of the evaluation of staged weights.
    pub(in super::super) fn evaluate(&mut self, model: &Staged) {
        let mut others = NONE;
        if let Ok(model) = staged(self.bulk.as_ref(), self.staging, model, &mut others) {
            // The commit returns the error.
            self.explorer.evaluate(&model);
        }
    }

    pub(super) fn commit_model(&mut self, model: &Staged) -> Result<Reply, Refusal> {
        let version = model.header.version;
        let descriptor = self.complete(Kind::Weights)?;
        self.running()?;
        let mut others = NONE;
        let model = staged(self.bulk.as_ref(), self.staging, model, &mut others)?;
        // A model with an impossible number must not cost the one that serves.
        let admitted = self.explorer.admit(&model);
        let adopted = admitted.map(|_| self.explorer.adopt(&model));
        self.bulk = None;
        let adopted = adopted?;
        let active = match adopted {
            Ok(()) | Err(Error::NotPositiveDefinite { .. }) => true,
            Err(_) => self.explorer.latents().is_some(),
        };
        self.loaded.model = active.then_some(version);
        self.loaded.weights_crc = active.then_some(descriptor.crc);
        adopted?;
        Ok(Reply::Done)
    }

    /// Takes a whole transfer of weights that came in one frame, unless it is here already.
    pub(in super::super) fn stage_whole(
        &mut self,
        weights: Descriptor,
        raw: &[u8],
    ) -> Result<(), Refusal> {
        self.running()?;
        if weights.payload.kind() != Kind::Weights {
            return Err(Refusal::NoTransfer);
        }
        let staged = self.bulk.as_ref().filter(|staged| staged.is_intact());
        if staged.is_some_and(|staged| staged.descriptor() == weights) {
            return Ok(());
        }
        self.bulk = None;
        self.begin_transfer(weights)?;
        self.chunk(Kind::Weights, 0, raw).map(|_| ())
    }

    /// A whole transfer of weights in one request.
    pub(super) fn load(
        &mut self,
        weights: Descriptor,
        model: &Staged,
        raw: &[u8],
    ) -> Result<Reply, Refusal> {
        self.stage_whole(weights, raw)?;
        self.commit_model(model)
    }

    pub(super) fn commit_spectrum(
        &mut self,
        next: Next,
        board: &mut impl Board,
    ) -> Result<Reply, Refusal> {
        let descriptor = self.complete(Kind::Spectrum)?;
        let (Payload::Spectrum { candidate, .. }, Some((_, sums))) =
            (descriptor.payload, self.spectrum.take())
        else {
            return Err(Refusal::NoTransfer);
        };
        let mut responses = [0.0; MOST_RESPONSES];
        let reductions = self.scalarizers.iter().zip(&sums).zip(self.origins);
        for (response, ((scalarizer, sums), origin)) in responses.iter_mut().zip(reductions) {
            *response = scalarizer::relative(sums.response(scalarizer), origin);
        }
        let responses = responses.get(..self.scalarizers.len());
        self.measure(candidate, responses.unwrap_or_default(), next, board)
    }
}

/// The model of weights that have arrived in the staging memory.
fn staged<'s>(
    bulk: Option<&Receiver>,
    staging: &'s [f32],
    Staged { header, others }: &Staged,
    room: &'s mut Others,
) -> Result<Model<'s>, Refusal> {
    let intact = bulk.filter(|receiver| receiver.is_intact());
    let payload = intact.map(|receiver| receiver.descriptor().payload);
    let Some(Payload::Weights {
        architecture,
        window,
    }) = payload
    else {
        return Err(Refusal::NoTransfer);
    };
    let network = Network::new(architecture.into(), usize::from(window))?;
    let others = others.as_ref().map_or(&[][..], Several::as_slice);
    for (own, given) in room.iter_mut().zip(others) {
        *own = (*given).into();
    }
    Ok(Model {
        network,
        weights: staging.get(..network.weight_count()).unwrap_or_default(),
        hyperparameters: header.hyperparameters.into(),
        standardisation: header.standardisation.into(),
        others: room.get(..others.len()).unwrap_or_default(),
    })
}

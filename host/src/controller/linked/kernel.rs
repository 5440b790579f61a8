//! The kernel of a board, beside its mirror.

use std::ops::{ControlFlow, Range};

use beacon_kernel::link::Failure;
use beacon_kernel::link::message::{Campaign, Exposed, Measurement, ModelHeader, Next, Refusal};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::{Acquisition, Candidate, Model, Network, Proposal, Surrogate};

use super::super::watch::{HandOver, OnHandOver};
use super::super::{Controller, ControllerError, Setup};
use super::brief::Brief;
use super::transfers::{Loaded, campaign_id};
use super::{LinkReport, Linked};

impl Linked<'_> {
    /// The posterior at every candidate, as the mirror has it.
    ///
    /// # Errors
    /// When there is no model.
    pub fn surrogate(&mut self) -> Result<Surrogate<'_>, ControllerError> {
        self.mirror.surrogate()
    }
}

impl Controller for Linked<'_> {
    fn set_watch(&mut self, watch: OnHandOver) {
        self.mirror.watch = watch;
    }

    fn attend(&mut self, handover: &HandOver) -> ControlFlow<()> {
        (self.mirror.watch)(handover)
    }

    fn room(&self) -> usize {
        self.mirror.room()
    }

    fn admit(&self, network: Network) -> Result<(), ControllerError> {
        self.check_network(network)
    }

    fn set_silent(&mut self, silent: bool) -> Result<(), ControllerError> {
        self.silent = silent;
        self.journalled |= silent;
        self.call(|_| Ok(()))
    }

    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.check_edges(setup.candidates.edges())?;
        self.mirror.begin(setup)?;
        let capacity: beacon_kernel::Capacity = self.identity.capacity.into();
        let candidates = setup.candidates;
        capacity.admit(candidates)?;
        self.brief = Brief {
            campaign: Some(Campaign {
                id: campaign_id(setup),
                seed: setup.seed,
                height: candidates.height() as u16,
                width: candidates.width() as u16,
                window: candidates.window() as u16,
            }),
            edges: candidates.edges(),
            image: setup.pixels.to_vec(),
            acquisition: self.brief.acquisition,
            settings: self.brief.settings,
            ..Brief::default()
        };
        (self.held, self.found) = (None, None);
        self.call(|_| Ok(()))
    }

    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError> {
        self.mirror.choose(acquisition)?;
        self.brief.acquisition = acquisition;
        self.call(|_| Ok(()))
    }

    fn load_model(&mut self, model: &Model<'_>, version: u32) -> Result<(), ControllerError> {
        self.check_network(model.network)?;
        let said = self.mirror.load_model(model, version);
        // A model that no kernel takes leaves the one before in force, there as here.
        if model.validate().is_err()
            || matches!(
                said,
                Err(ControllerError::BrokenOff
                    | ControllerError::Kernel(
                        beacon_kernel::Error::NoImage | beacon_kernel::Error::ModelWindow { .. }
                    ))
            )
        {
            return said;
        }
        self.brief.model = Some(Loaded {
            network: model.network,
            weights: model.weights.to_vec(),
            header: ModelHeader {
                version,
                hyperparameters: model.hyperparameters.into(),
                standardisation: model.standardisation.into(),
            },
            at: self.brief.measurements.len(),
        });
        self.call(|_| Ok(()))?;
        said
    }

    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError> {
        let measurement = Measurement {
            candidate: candidate.0,
            value: response,
        };
        let said = self.mirror.measure(candidate, response);
        self.catch_up(measurement)?;
        self.remember(measurement);
        self.call(|_| Ok(()))?;
        said
    }

    fn reduce_with(
        &mut self,
        scalarizer: Option<Scalarizer>,
        origin: f64,
    ) -> Result<(), ControllerError> {
        self.mirror.reduce_with(scalarizer, origin)?;
        self.brief.reduction = scalarizer.map(|scalarizer| (scalarizer, origin));
        match self.call(|_| Ok(())) {
            Err(ControllerError::Link(Failure::Refused(Refusal::Undecodable))) => {
                // What the firmware does not know is not told again.
                self.brief.reduction = None;
                Err(ControllerError::NoReduction)
            }
            sent => sent,
        }
    }

    fn measure_spectrum(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<f32, ControllerError> {
        let value = self.mirror.reduce(spectrum)?;
        let measurement = Measurement {
            candidate: candidate.0,
            value,
        };
        let payload = Payload::Spectrum {
            candidate: candidate.0,
            // The mirror refuses longer ones.
            channels: spectrum.len() as u16,
        };
        let sender = Sender::new(payload, Encoding::F32, spectrum)?;
        let said = self.mirror.measure(candidate, value);
        self.catch_up(measurement)?;
        let known = self.brief.measurements.len();
        if !self.is_behind() {
            let taken = self.call(|linked| {
                // The answer to an earlier attempt may be what was lost.
                if linked
                    .held
                    .as_ref()
                    .is_some_and(|held| held.measured > known)
                {
                    return Ok(linked.client.status()?.last.map(|last| last.value));
                }
                let sent = linked.client.measure_spectrum(&sender, Next::Nothing);
                let value = match sent {
                    // The mirror said the same, and the campaign knows what to do about it.
                    Err(failure) if failure.kernel().is_some() => None,
                    sent => Some(sent?.value),
                };
                if let Some(held) = &mut linked.held {
                    held.measured = known + 1;
                }
                Ok(value)
            })?;
            if let Some(taken) = taken
                && taken.to_bits() != value.to_bits()
            {
                return Err(ControllerError::State(format!(
                    "it took {taken} for candidate {} where this host has {value}",
                    measurement.candidate
                )));
            }
        }
        self.remember(measurement);
        said.map(|()| value)
    }

    fn exclude(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<(), ControllerError> {
        self.mirror.exclude(rows.clone(), columns.clone())?;
        self.brief.excluded.push((rows, columns));
        self.call(|_| Ok(()))
    }

    fn propose(&mut self, expose: bool) -> Result<Proposal, ControllerError> {
        let expected = self.mirror.propose(expose)?;
        if self.is_behind() {
            return Ok(expected);
        }
        let proposed = if expose {
            self.expose_once(|client| {
                let proposed = client.propose(true)?;
                let exposed = matches!(proposed.exposure, Exposed::Yes);
                Ok((proposed, exposed))
            })?
        } else {
            self.call(|linked| Ok(Some(linked.client.propose(false)?)))?
        };
        // Where the answer was lost, the board has exposed what it proposed.
        let Some(proposed) = proposed else {
            return Ok(expected);
        };
        if let Exposed::Refused(refusal) = proposed.exposure {
            return Err(Failure::Refused(refusal).into());
        }
        let proposal = Proposal::from(proposed.proposal);
        if !same_bits(&proposal, &expected) {
            return Err(ControllerError::State(format!(
                "it proposes {proposal:?} and this host's kernel {expected:?}; flash the firmware \
                 that came with this host, or go on with the command that began the campaign"
            )));
        }
        Ok(proposal)
    }

    fn look_at_surrogate(
        &mut self,
        look: &mut dyn FnMut(&Surrogate<'_>),
    ) -> Result<(), ControllerError> {
        self.mirror.look_at_surrogate(look)
    }

    fn keep_scores(&mut self, keep: bool) {
        self.mirror.keep_scores(keep);
    }

    fn take_scores(&mut self) -> Option<Vec<f32>> {
        self.mirror.take_scores()
    }

    fn structure(&self) -> Option<(usize, Vec<f32>)> {
        self.mirror.structure()
    }

    fn recall_structure(&mut self, known: usize, distances: &[f32]) {
        self.mirror.recall_structure(known, distances);
    }

    fn end(&mut self) -> Result<(), ControllerError> {
        let Some(campaign) = self.brief.campaign else {
            return Ok(());
        };
        // What was broken off is taken up where it is: the campaign is not over.
        if self.silent || self.broken_off {
            return Ok(());
        }
        self.call(|linked| Ok(linked.client.end(campaign.id)?))?;
        self.brief.campaign = None;
        Ok(())
    }

    fn link(&mut self) -> Option<LinkReport> {
        let statistics = self.client.statistics();
        Some(LinkReport {
            board: self.identity.board.as_str().to_owned(),
            build: self.identity.build.as_str().to_owned(),
            frames: statistics.sent,
            retries: statistics.retries,
            damaged: statistics.damaged,
            losses: self.losses,
            resumed: self.found().len() as u32,
            held: self.mirror.held() as u32,
        })
    }
}

/// Whether two proposals agree in every bit, NaN included.
fn same_bits(a: &Proposal, b: &Proposal) -> bool {
    let bits = |proposal: &Proposal| {
        let prediction = proposal.prediction;
        let prediction = prediction.map(|p| [p.mean.to_bits(), p.sigma.to_bits()]);
        let score = proposal.score.to_bits();
        (proposal.candidate, proposal.step, score, prediction)
    };
    bits(a) == bits(b)
}

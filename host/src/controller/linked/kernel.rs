//! The kernel of a board, beside its mirror.

use std::ops::{ControlFlow, Range};

use beacon_kernel::link::Failure;
use beacon_kernel::link::message::{Campaign, Exposed, ModelHeader, Next, Refusal};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::{
    Acquisition, Candidate, Model, Network, Prediction, Proposal, Responses, Surrogate,
};

use super::super::watch::{HandOver, OnHandOver};
use super::super::{Controller, ControllerError, Setup, no_room_for};
use super::brief::{self, Brief, Point};
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

    /// Has the board reduce spectra so.
    fn tell_reductions(&mut self, reductions: &[(Scalarizer, f64)]) -> Result<(), ControllerError> {
        self.brief.reductions = reductions.to_vec();
        match self.call(|_| Ok(())) {
            Err(ControllerError::Link(Failure::Refused(Refusal::Undecodable))) => {
                // What the firmware does not know is not told again.
                self.brief.reductions.clear();
                Err(ControllerError::NoReduction)
            }
            sent => sent,
        }
    }

    /// The responses that the board measured last.
    fn last_of_board(&mut self) -> Result<Option<Responses>, ControllerError> {
        if self.brief.responses == 1 {
            let last = self.client.status()?.last;
            return Ok(last.map(|last| Responses::one(last.value)));
        }
        let last = self.client.vectors()?.last;
        let responses = last.map(|last| Responses::new(last.as_slice()));
        Ok(responses.transpose()?)
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

    fn room_for_responses(&self) -> usize {
        self.most_responses.min(self.mirror.most_responses())
    }

    fn predict_of(
        &mut self,
        candidate: Candidate,
        response: usize,
    ) -> Result<Prediction, ControllerError> {
        self.mirror.predict_of(candidate, response)
    }

    fn set_silent(&mut self, silent: bool) -> Result<(), ControllerError> {
        self.silent = silent;
        self.journalled |= silent;
        self.call(|_| Ok(()))
    }

    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.begin_with(setup, 1)
    }

    fn begin_with(&mut self, setup: &Setup<'_>, responses: usize) -> Result<(), ControllerError> {
        let candidates = setup.candidates;
        self.check_edges(candidates.edges())?;
        if responses > self.mirror.most_responses() {
            return Err(no_room_for(responses, self.mirror.most_responses()));
        }
        self.check_responses(responses)?;
        let capacity: beacon_kernel::Capacity = self.identity.capacity.into();
        capacity.admit(candidates)?;
        // What the board refuses leaves the campaign before as it was, here as there.
        self.mirror.begin_with(setup, responses)?;
        self.brief = Brief {
            campaign: Some(Campaign {
                id: campaign_id(setup, responses),
                seed: setup.seed,
                height: candidates.height() as u16,
                width: candidates.width() as u16,
                window: candidates.window() as u16,
            }),
            edges: candidates.edges(),
            responses,
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
                        beacon_kernel::Error::NoImage
                            | beacon_kernel::Error::ModelWindow { .. }
                            | beacon_kernel::Error::ModelResponses { .. }
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
            others: model.others.iter().map(|&other| other.into()).collect(),
            at: self.brief.measurements.len(),
        });
        self.call(|_| Ok(()))?;
        said
    }

    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError> {
        self.measure_all(candidate, &[response])
    }

    fn measure_all(
        &mut self,
        candidate: Candidate,
        responses: &[f32],
    ) -> Result<(), ControllerError> {
        // What is no vector of the campaign is none for the board.
        if responses.len() != self.brief.responses {
            return self.mirror.measure_all(candidate, responses);
        }
        let measurement = Point {
            candidate: candidate.0,
            responses: Responses::new(responses)?,
        };
        let said = self.mirror.measure_all(candidate, responses);
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
        let reduction = scalarizer.map(|scalarizer| (scalarizer, origin));
        self.tell_reductions(reduction.as_slice())
    }

    fn reduce_with_all(&mut self, reductions: &[(Scalarizer, f64)]) -> Result<(), ControllerError> {
        self.mirror.reduce_with_all(reductions)?;
        self.tell_reductions(reductions)
    }

    fn measure_spectrum_all(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<Responses, ControllerError> {
        let responses = self.mirror.reduce(spectrum)?;
        let measurement = Point {
            candidate: candidate.0,
            responses,
        };
        let payload = Payload::Spectrum {
            candidate: candidate.0,
            // The mirror refuses longer ones.
            channels: spectrum.len() as u16,
        };
        let sender = Sender::new(payload, Encoding::F32, spectrum)?;
        let said = self.mirror.measure_all(candidate, &responses);
        self.catch_up(measurement)?;
        let known = self.brief.measurements.len();
        if !self.is_behind() {
            let taken = self.call(|linked| {
                // The answer to an earlier attempt may be what was lost.
                let held = linked.held.as_ref();
                if held.is_some_and(|held| held.measured > known) {
                    return linked.last_of_board();
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
                match value {
                    Some(_) if responses.len() > 1 => linked.last_of_board(),
                    value => Ok(value.map(Responses::one)),
                }
            })?;
            let bits = |responses: Responses| -> Vec<u32> {
                responses.iter().map(|x| x.to_bits()).collect()
            };
            if let Some(taken) = taken
                && bits(taken) != bits(responses)
            {
                return Err(ControllerError::State(format!(
                    "it took {} for candidate {} where this host has {}",
                    brief::said(&taken),
                    measurement.candidate,
                    brief::said(&responses)
                )));
            }
        }
        self.remember(measurement);
        said.map(|()| responses)
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

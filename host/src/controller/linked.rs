//! A kernel on a board, at the other end of a serial line.
//!
//! Beside the board runs a mirror: the same kernel in this process, told the same. It computes
//! the surrogate for monitoring, so that maps need not cross the line; it checks every
//! proposal, which must be equal bit for bit; and it takes the place of the board while a new
//! host catches up with a campaign that an earlier one left behind.

use std::ops::Range;
use std::time::{Duration, Instant};

use beacon_kernel::link::message::{
    self, Beam, BeamFault, BlankReason, Campaign, Exposed, Identity, Measured, Measurement,
    ModelHeader, Next, Phase, Refusal, Settings, Status,
};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{Client, Failure};
use beacon_kernel::{Acquisition, Candidate, Model, Proposal, Surrogate};
use serde::{Deserialize, Serialize};

use super::handover::{LinkFailure, Loaded, campaign_id, send_image, send_model, send_reduction};
use super::serial::Port;
use super::{BeamPort, Controller, ControllerError, InProcess, Setup};

/// How long a lost link is sought before it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// In all.
    pub patience: Duration,
    /// Between one attempt and the next.
    pub pause: Duration,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(60),
            pause: Duration::from_millis(200),
        }
    }
}

/// What the link has been through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// Name of the board.
    pub board: String,
    /// Version and build of its firmware.
    pub build: String,
    /// Frames sent.
    pub frames: u32,
    /// Frames sent again because no answer came.
    pub retries: u32,
    /// Frames received that were damaged.
    pub damaged: u32,
    /// Times the link was lost and found again.
    pub losses: u32,
    /// Measurements that an earlier host had already handed over.
    pub resumed: u32,
}

/// A kernel on a board.
pub struct Linked<'m> {
    client: Client<Port>,
    identity: Identity,
    recovery: Recovery,
    mirror: InProcess<'m>,
    campaign: Option<Campaign>,
    image: Vec<f32>,
    acquisition: Acquisition,
    settings: Option<Settings>,
    /// How the board reduces spectra, and what their responses are relative to.
    reduction: Option<(Scalarizer, f64)>,
    measured: Vec<Measurement>,
    /// What the board held when this host found it, in order.
    found: Vec<Measurement>,
    model: Option<Loaded>,
    /// Rows and columns where nothing is proposed any more.
    excluded: Vec<(Range<usize>, Range<usize>)>,
    losses: u32,
    /// Times that the board was told everything again.
    resets: u32,
    intrusions: u32,
}

/// Another host that was heard within this time may be alive.
const LATELY: Duration = Duration::from_millis(2500);
/// How often another host may interfere before this one gives way.
const INTRUSIONS: u32 = 10;

/// Longest wait for the end of an exposure after the instrument's own, and how often it is looked
/// for. A board's scan generator pauses between the pixels of a long dwell, and ends later.
const ENDING: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(2);

/// Whether another host spoke with the controller just before this one.
fn heard_lately(identity: &Identity) -> bool {
    let silent = identity
        .other
        .map(|other| Duration::from_millis(other.silent_ms.into()));
    silent.is_some_and(|silent| silent < LATELY)
}

fn contended(identity: &Identity) -> ControllerError {
    let (host, silent_ms) = identity
        .other
        .map_or((0, 0), |other| (other.host, other.silent_ms));
    ControllerError::State(format!(
        "another host ({host:08x}) spoke with it {silent_ms} ms ago; one host at a time: stop the \
         other"
    ))
}

impl<'m> Linked<'m> {
    /// Says hello to a board; `mirror` has the memory for the same campaign.
    ///
    /// # Errors
    /// When nothing answers, or something that is no controller of this protocol version.
    pub fn connect(
        client: Client<Port>,
        recovery: Recovery,
        mirror: InProcess<'m>,
    ) -> Result<Self, ControllerError> {
        let mut client = client;
        let mut identity = client.connect()?;
        if heard_lately(&identity) {
            // A host that is alive will have spoken again; one that died just now will not.
            std::thread::sleep(LATELY);
            identity = client.connect()?;
            if heard_lately(&identity) {
                return Err(contended(&identity));
            }
        }
        Ok(Self {
            client,
            identity,
            recovery,
            mirror,
            campaign: None,
            image: Vec::new(),
            acquisition: Acquisition::default(),
            settings: None,
            reduction: None,
            measured: Vec::new(),
            found: Vec::new(),
            model: None,
            excluded: Vec::new(),
            losses: 0,
            resets: 0,
            intrusions: 0,
        })
    }

    /// What the board said it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The board's state.
    ///
    /// # Errors
    /// When the link is lost for good.
    pub fn status(&mut self) -> Result<Status, ControllerError> {
        self.call(Client::status)
    }

    /// The message of the last panic that the board survived; empty when there was none.
    ///
    /// # Errors
    /// When the link is lost for good.
    pub fn last_panic(&mut self) -> Result<String, ControllerError> {
        let mut message = vec![0; usize::from(self.identity.last_panic)];
        let length = self.call(|client| client.last_panic(&mut message))?;
        message.truncate(length);
        Ok(String::from_utf8_lossy(&message).into_owned())
    }

    /// The board's own posterior, mean and variance of every candidate, standardised.
    ///
    /// # Errors
    /// When the link is lost for good, or the board has no model.
    pub fn surrogate_of_board(&mut self) -> Result<(Vec<f32>, Vec<f32>), ControllerError> {
        let candidates = self.identity.capacity.candidates as usize;
        let (mut mean, mut variance) = (vec![0.0; candidates], vec![0.0; candidates]);
        let (count, ..) = self.call(|client| client.surrogate(&mut mean, &mut variance))?;
        mean.truncate(count);
        variance.truncate(count);
        Ok((mean, variance))
    }

    /// Whether the board still has to be caught up with.
    fn is_behind(&self) -> bool {
        self.measured.len() < self.found.len()
    }

    /// Asks the board, and finds it again when the link is lost.
    fn call<R>(
        &mut self,
        mut ask: impl FnMut(&mut Client<Port>) -> Result<R, LinkFailure>,
    ) -> Result<R, ControllerError> {
        let mut lost_since: Option<Instant> = None;
        loop {
            let failure = match ask(&mut self.client) {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let found_again = matches!(
                failure,
                Failure::NoReply { .. }
                    | Failure::NotConnected
                    | Failure::StillBusy
                    | Failure::Refused(Refusal::NotConnected | Refusal::OutOfSequence { .. })
            );
            let since = *lost_since.get_or_insert_with(Instant::now);
            if !found_again || since.elapsed() > self.recovery.patience {
                return Err(failure.into());
            }
            self.losses += 1;
            let identity = loop {
                let failure = match self.client.connect() {
                    Ok(identity) => break identity,
                    Err(failure) => failure,
                };
                let hopeless = !matches!(failure, Failure::NoReply { .. } | Failure::StillBusy);
                if hopeless || since.elapsed() > self.recovery.patience {
                    return Err(failure.into());
                }
                std::thread::sleep(self.recovery.pause);
            };
            // One that came by and was sent away is no reason to stop; one that stays is.
            if heard_lately(&identity) {
                self.intrusions += 1;
                if self.intrusions > INTRUSIONS {
                    return Err(contended(&identity));
                }
            }
            self.restore_if_reset()?;
        }
    }

    /// Tells a board that was reset everything again, in the order it was told before.
    fn restore_if_reset(&mut self) -> Result<(), ControllerError> {
        let Some(campaign) = self.campaign else {
            return Ok(());
        };
        let status = self.client.status()?;
        if status.campaign == Some(campaign) && status.phase == Phase::Running {
            return Ok(());
        }
        self.resets += 1;
        if let Some(settings) = self.settings {
            self.client.configure(settings)?;
        }
        send_image(&mut self.client, campaign, &self.image)?;
        for n in 0..=self.measured.len() {
            if let Some(model) = self.model.as_ref().filter(|model| model.at == n) {
                send_model(&mut self.client, model)?;
            }
            if let Some(&measurement) = self.measured.get(n) {
                self.client.measure(measurement, Next::Nothing)?;
            }
        }
        for (rows, columns) in &self.excluded {
            exclude(&mut self.client, rows, columns)?;
        }
        self.client.choose(self.acquisition.into())?;
        if let Some(reduction) = self.reduction {
            send_reduction(&mut self.client, reduction)?;
        }
        Ok(())
    }

    /// Tells the board how to reduce spectra.
    fn hand_over_reduction(&mut self) -> Result<(), ControllerError> {
        let Some(reduction) = self.reduction else {
            return Ok(());
        };
        match self.call(|client| send_reduction(client, reduction)) {
            Err(ControllerError::Link(Failure::Refused(Refusal::Undecodable))) => {
                Err(ControllerError::NoReduction)
            }
            sent => sent,
        }
    }

    /// Tells the board of a measurement that the mirror knows, in whatever way `send` does it,
    /// or compares it with what the board already has.
    fn tell(
        &mut self,
        measurement: Measurement,
        mut send: impl FnMut(&mut Client<Port>) -> Result<Measured, LinkFailure>,
    ) -> Result<(), ControllerError> {
        if self.is_behind() {
            let found = self.found[self.measured.len()];
            self.measured.push(measurement);
            if found != measurement {
                return Err(ControllerError::State(format!(
                    "it measured candidate {} as {} where this host has candidate {} as {}",
                    found.candidate, found.value, measurement.candidate, measurement.value
                )));
            }
            if !self.is_behind() {
                // From here on the board decides again: with this host's strategy and model.
                let acquisition = self.acquisition;
                self.call(|client| client.choose(acquisition.into()))?;
                for (rows, columns) in self.excluded.clone() {
                    self.call(|client| exclude(client, &rows, &columns))?;
                }
                if !self.board_has_model()? {
                    self.hand_over_model()?;
                }
                self.hand_over_reduction()?;
            }
            return Ok(());
        }
        let known = self.measured.len() as u32;
        let mut asked_before = false;
        let taken = self.call(|client| {
            // The answer to an earlier attempt may be what was lost.
            if std::mem::replace(&mut asked_before, true) {
                let status = client.status()?;
                if status.measured > known {
                    return Ok(status.last.map(|last| last.value));
                }
            }
            match send(client) {
                // The mirror said the same, and the campaign knows what to do about it.
                Err(failure) if failure.kernel().is_some() => Ok(None),
                reply => reply.map(|measured| Some(measured.value)),
            }
        })?;
        self.measured.push(measurement);
        match taken {
            Some(value) if value.to_bits() != measurement.value.to_bits() => {
                Err(ControllerError::State(format!(
                    "it took {value} for candidate {} where this host has {}",
                    measurement.candidate, measurement.value
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether an earlier host handed over the model that the mirror has. It must not be handed
    /// over again: how a surrogate is rounded depends on how many points its model met.
    fn board_has_model(&mut self) -> Result<bool, ControllerError> {
        let status = self.status()?;
        let Some(model) = &self.model else {
            return Ok(false);
        };
        let sender = model.sender().map_err(Failure::Refused)?;
        // Hosts of one campaign number its models alike.
        Ok(status.model == Some(model.header.version)
            && status.weights_crc == Some(sender.descriptor().crc))
    }

    /// Hands the board the model that the mirror already has.
    fn hand_over_model(&mut self) -> Result<(), ControllerError> {
        let Some(model) = self.model.take() else {
            return Ok(());
        };
        let sent = self.call(|client| send_model(client, &model));
        self.model = Some(model);
        match sent {
            // The mirror said the same, and the campaign knows what to do about it.
            Err(ControllerError::Link(failure)) if failure.kernel().is_some() => Ok(()),
            sent => sent,
        }
    }
}

fn exclude(
    client: &mut Client<Port>,
    rows: &Range<usize>,
    columns: &Range<usize>,
) -> Result<(), LinkFailure> {
    // No image has more rows or columns than these.
    let edge = |index: usize| index.min(usize::from(u16::MAX)) as u16;
    client.exclude(message::Region {
        top: edge(rows.start),
        bottom: edge(rows.end),
        left: edge(columns.start),
        right: edge(columns.end),
    })
}

impl BeamPort for Linked<'_> {
    fn expose(&mut self, candidate: Candidate) -> Result<(), ControllerError> {
        if self.is_behind() {
            return Ok(());
        }
        self.call(|client| client.expose(candidate.0)).map(|_| ())
    }

    fn finish(&mut self) -> Result<(), ControllerError> {
        let begun = Instant::now();
        loop {
            match self.status()?.beam {
                Beam::Blanked(BlankReason::Fault(fault)) => {
                    return Err(Failure::Refused(Refusal::Beam(fault)).into());
                }
                // The board ends it by itself; one that does not has a fault of its own.
                Beam::On { .. } if begun.elapsed() < ENDING => std::thread::sleep(LOOK),
                _ => return Ok(()),
            }
        }
    }

    fn blank(&mut self) -> Result<(), ControllerError> {
        self.call(Client::blank)
    }

    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError> {
        self.call(|client| client.configure(settings))?;
        self.settings = Some(settings);
        Ok(())
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.settings.unwrap_or_default())
    }

    fn resets(&self) -> u32 {
        self.resets
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        Ok(self.status()?.dose_us)
    }
}

impl Controller for Linked<'_> {
    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.mirror.begin(setup)?;
        let capacity: beacon_kernel::Capacity = self.identity.capacity.into();
        capacity.admit(beacon_kernel::Candidates::new(
            setup.height,
            setup.width,
            setup.window,
        )?)?;
        let campaign = Campaign {
            id: campaign_id(setup),
            seed: setup.seed,
            height: setup.height as u16,
            width: setup.width as u16,
            window: setup.window as u16,
        };
        let status = self.status()?;
        let running = matches!(status.phase, Phase::Running | Phase::AwaitingImage);
        self.found.clear();
        if running && status.campaign == Some(campaign) && status.phase == Phase::Running {
            let mut found = Vec::new();
            self.call(|client| {
                found.clear();
                client.measurements(0, |measurement| found.push(measurement))
            })?;
            self.found = found;
        } else {
            if let (true, Some(other)) = (running, status.campaign) {
                self.call(|client| client.end(other.id))?;
            }
            self.call(|client| send_image(client, campaign, setup.pixels))?;
        }
        self.campaign = Some(campaign);
        self.image = setup.pixels.to_vec();
        self.measured.clear();
        self.excluded.clear();
        self.model = None;
        self.reduction = None;
        Ok(())
    }

    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError> {
        self.mirror.choose(acquisition)?;
        self.acquisition = acquisition;
        if self.is_behind() {
            return Ok(());
        }
        self.call(|client| client.choose(acquisition.into()))
    }

    fn load_model(&mut self, model: &Model<'_>) -> Result<(), ControllerError> {
        let said = self.mirror.load_model(model);
        let version = self.model.as_ref().map_or(0, |model| model.header.version) + 1;
        self.model = Some(Loaded {
            network: model.network,
            weights: model.weights.to_vec(),
            header: ModelHeader {
                version,
                hyperparameters: model.hyperparameters.into(),
                standardisation: model.standardisation.into(),
            },
            at: self.measured.len(),
        });
        if !self.is_behind() {
            self.hand_over_model()?;
        }
        said
    }

    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError> {
        let measurement = Measurement {
            candidate: candidate.0,
            value: response,
        };
        let said = self.mirror.measure(candidate, response);
        self.tell(measurement, |client| {
            client.measure(measurement, Next::Nothing)
        })?;
        said
    }

    fn reduce_with(
        &mut self,
        scalarizer: Option<Scalarizer>,
        origin: f64,
    ) -> Result<(), ControllerError> {
        self.mirror.reduce_with(scalarizer, origin)?;
        self.reduction = scalarizer.map(|scalarizer| (scalarizer, origin));
        if self.is_behind() {
            return Ok(());
        }
        self.hand_over_reduction()
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
        self.tell(measurement, |client| {
            client.measure_spectrum(&sender, Next::Nothing)
        })?;
        said.map(|()| value)
    }

    fn exclude(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<(), ControllerError> {
        self.mirror.exclude(rows.clone(), columns.clone())?;
        self.excluded.push((rows.clone(), columns.clone()));
        if self.is_behind() {
            return Ok(());
        }
        self.call(|client| exclude(client, &rows, &columns))
    }

    fn propose(&mut self, expose: bool) -> Result<Proposal, ControllerError> {
        let expected = self.mirror.propose(expose)?;
        if self.is_behind() {
            return Ok(expected);
        }
        let proposed = self.call(|client| client.propose(expose))?;
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

    fn surrogate(&mut self) -> Result<Surrogate<'_>, ControllerError> {
        self.mirror.surrogate()
    }

    fn end(&mut self) -> Result<(), ControllerError> {
        let Some(campaign) = self.campaign else {
            return Ok(());
        };
        self.call(|client| client.end(campaign.id))
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
            resumed: self.found.len() as u32,
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

/// Why the beam is blanked, in words.
pub fn blank_reason(reason: BlankReason) -> &'static str {
    match reason {
        BlankReason::Reset => "nothing was exposed since reset",
        BlankReason::Between => "between exposures",
        BlankReason::Request => "the host said so",
        BlankReason::LinkLost => "the link was lost",
        BlankReason::DoseLimit => "a dose limit was reached",
        BlankReason::CampaignEnd => "the campaign ended",
        BlankReason::Fault(BeamFault::Silent) => "the scan generator did not answer",
        BlankReason::Fault(BeamFault::Strange) => "the scan generator answered something else",
    }
}

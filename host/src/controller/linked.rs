//! A kernel on a board, at the other end of a serial line.
//!
//! Beside the board runs a mirror: the same kernel in this process, told the same. It computes
//! the surrogate for monitoring, so that maps need not cross the line; it checks every
//! proposal, which must be equal bit for bit; and it takes the place of the board while a new
//! host catches up with a campaign that an earlier one left behind.
//!
//! What the board is to hold is written down in one place, its brief. What it has to be told is the
//! difference between the brief and what the board says of itself, after a reset, a cut at any
//! byte, or in the ordinary course of a campaign.

use std::ops::Range;
use std::time::{Duration, Instant};

use beacon_kernel::link::message::{
    self, Beam, BeamFault, BlankReason, Campaign, Exposed, Identity, Measurement, ModelHeader,
    Next, Phase, Refusal, Settings, Status, Which,
};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{Client, Failure};
use beacon_kernel::{Acquisition, Architecture, Candidate, Model, Network, Proposal, Surrogate};
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

/// What a board is to hold, whatever becomes of it and of the line.
struct Brief {
    campaign: Option<Campaign>,
    image: Vec<f32>,
    measurements: Vec<Measurement>,
    model: Option<Loaded>,
    /// Rows and columns where nothing is proposed any more.
    excluded: Vec<(Range<usize>, Range<usize>)>,
    acquisition: Acquisition,
    /// How it reduces spectra, and what their responses are relative to.
    reduction: Option<(Scalarizer, f64)>,
    settings: Option<Settings>,
}

/// What the board is known to hold of its [`Brief`]. Whatever is not known is told again.
#[derive(Default)]
struct Held {
    measured: usize,
    /// Version of its model; 0 without one.
    model: u32,
    excluded: usize,
    acquisition: Option<Acquisition>,
    reduction: Option<(Scalarizer, f64)>,
    settings: Option<Settings>,
    /// Exposures of the campaign by its own account.
    exposures: u32,
}

/// A kernel on a board.
pub struct Linked<'m> {
    client: Client<Port>,
    identity: Identity,
    recovery: Recovery,
    mirror: InProcess<'m>,
    brief: Brief,
    /// Nothing until the board was asked.
    held: Option<Held>,
    /// Whether the board is not told anything yet: the mirror alone catches up with a journal.
    silent: bool,
    /// What the board held when this host found it, in order.
    found: Vec<Measurement>,
    /// Whether the board was asked since the campaign was begun here.
    asked: bool,
    /// Whether a journal says all that the board was ever told: a board that holds more is of another
    /// campaign on the same image.
    journalled: bool,
    losses: u32,
    /// Times that the board was told everything again.
    resets: u32,
    /// How often that had been when it exposed last.
    resets_at_exposure: u32,
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
            brief: Brief {
                campaign: None,
                image: Vec::new(),
                measurements: Vec::new(),
                model: None,
                excluded: Vec::new(),
                acquisition: Acquisition::default(),
                reduction: None,
                settings: None,
            },
            held: None,
            silent: false,
            found: Vec::new(),
            asked: false,
            journalled: false,
            losses: 0,
            resets: 0,
            resets_at_exposure: 0,
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
        self.call(|linked| Ok(linked.client.status()?))
    }

    /// The message of the last panic that the board survived; empty when there was none.
    ///
    /// # Errors
    /// When the link is lost for good.
    pub fn last_panic(&mut self) -> Result<String, ControllerError> {
        let mut message = vec![0; usize::from(self.identity.last_panic)];
        let length = self.call(|linked| Ok(linked.client.last_panic(&mut message)?))?;
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
        let (count, ..) =
            self.call(|linked| Ok(linked.client.surrogate(&mut mean, &mut variance)?))?;
        mean.truncate(count);
        variance.truncate(count);
        Ok((mean, variance))
    }

    /// Whether the board still has to be caught up with.
    fn is_behind(&self) -> bool {
        self.silent || self.brief.measurements.len() < self.found.len()
    }

    /// Tells the board what it lacks, asks it something, and finds it again when the link is lost.
    /// A board that was reset, or a link that was lost while it was told, is no other case: what
    /// the board lacks follows from what it says of itself.
    fn call<R>(
        &mut self,
        mut ask: impl FnMut(&mut Self) -> Result<R, ControllerError>,
    ) -> Result<R, ControllerError> {
        let mut lost_since: Option<Instant> = None;
        loop {
            let error = match self.bring_up_to_date().and_then(|()| ask(self)) {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let since = *lost_since.get_or_insert_with(Instant::now);
            if !is_lost(&error) || since.elapsed() > self.recovery.patience {
                return Err(error);
            }
            self.losses += 1;
            self.held = None;
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
        }
    }

    /// Tells the board what it lacks.
    fn bring_up_to_date(&mut self) -> Result<(), ControllerError> {
        let Some(campaign) = self.brief.campaign else {
            return Ok(());
        };
        if self.silent {
            return Ok(());
        }
        if self.held.is_none() {
            let held = self.examine(campaign)?;
            self.held = Some(held);
        }
        if self.is_behind() {
            return Ok(());
        }
        let Self {
            client,
            brief,
            held: Some(held),
            ..
        } = self
        else {
            return Ok(());
        };
        if held.settings != brief.settings
            && let Some(settings) = brief.settings
        {
            client.configure(settings)?;
            held.settings = Some(settings);
        }
        let model = brief.model.as_ref();
        loop {
            let due = model
                .filter(|model| model.header.version != held.model && model.at == held.measured);
            if let Some(model) = due {
                told(send_model(client, model))?;
                held.model = model.header.version;
            }
            let Some(&measurement) = brief.measurements.get(held.measured) else {
                break;
            };
            told(client.measure(measurement, Next::Nothing).map(|_| ()))?;
            held.measured += 1;
        }
        for (rows, columns) in brief.excluded.iter().skip(held.excluded) {
            exclude(client, rows, columns)?;
            held.excluded += 1;
        }
        if held.acquisition != Some(brief.acquisition) {
            client.choose(brief.acquisition.into())?;
            held.acquisition = Some(brief.acquisition);
        }
        if held.reduction != brief.reduction
            && let Some(reduction) = brief.reduction
        {
            send_reduction(client, reduction)?;
            held.reduction = Some(reduction);
        }
        Ok(())
    }

    /// Asks the board what it holds of the campaign, and begins the campaign on it where it holds
    /// another one or none.
    fn examine(&mut self, campaign: Campaign) -> Result<Held, ControllerError> {
        let first = !std::mem::replace(&mut self.asked, true);
        let status = self.client.status()?;
        let running = matches!(status.phase, Phase::Running | Phase::AwaitingImage);
        let known = self.brief.measurements.len();
        let ahead = first && self.journalled && status.measured as usize > known;
        let ours = status.campaign == Some(campaign) && status.phase == Phase::Running && !ahead;
        let half_begun = status.campaign == Some(campaign) && status.phase == Phase::AwaitingImage;
        if ours {
            let measured = status.measured as usize;
            if first {
                let mut found = Vec::new();
                self.client
                    .measurements(0, |measurement| found.push(measurement))?;
                self.found = found;
                for (found, known) in self.found.iter().zip(&self.brief.measurements) {
                    same_measurement(*found, *known)?;
                }
            }
            let model = self.brief.model.as_ref();
            let model = match model {
                Some(model) if has_model(&status, model)? => model.header.version,
                _ => 0,
            };
            let at = self
                .brief
                .model
                .as_ref()
                .map_or(usize::MAX, |model| model.at);
            // How a surrogate is rounded depends on how many points its model met: a board that has
            // met more without it starts over.
            if model != 0 || measured <= at || measured > self.brief.measurements.len() {
                return Ok(Held {
                    measured,
                    model,
                    exposures: status.exposures,
                    ..Held::default()
                });
            }
        }
        if !first {
            self.resets += 1;
        }
        // An image that is half there goes on where it was cut.
        if let (true, false, Some(other)) = (running, half_begun, status.campaign) {
            self.client.end(other.id)?;
        }
        self.found.clear();
        send_image(&mut self.client, campaign, &self.brief.image)?;
        Ok(Held::default())
    }

    /// Compares a measurement with the one that the board already had at its place, while it is
    /// caught up with.
    fn catch_up(&self, measurement: Measurement) -> Result<(), ControllerError> {
        match self.found.get(self.brief.measurements.len()) {
            Some(found) => same_measurement(*found, measurement),
            None => Ok(()),
        }
    }

    /// Adds a measurement to the brief. A board that is caught up with is asked anew what it holds.
    fn remember(&mut self, measurement: Measurement) {
        self.brief.measurements.push(measurement);
        if self.brief.measurements.len() == self.found.len() {
            self.held = None;
        }
    }

    /// Exposures by the board's account; `None` before it was asked.
    fn exposures(&self) -> Option<u32> {
        self.held.as_ref().map(|held| held.exposures)
    }

    /// Has the board expose something, once: when its answer was lost, the board is asked whether
    /// it was done. `ask` says with the answer whether anything was exposed.
    fn expose_once<R>(
        &mut self,
        mut ask: impl FnMut(&mut Client<Port>) -> Result<(R, bool), LinkFailure>,
    ) -> Result<Option<R>, ControllerError> {
        self.call(|_| Ok(()))?;
        let (before, resets) = (self.exposures(), self.resets);
        self.resets_at_exposure = resets;
        self.call(|linked| {
            if linked.resets != resets {
                return Err(ControllerError::ExposureUnknown);
            }
            if linked.exposures() != before {
                return Ok(None);
            }
            let (reply, exposed) = ask(&mut linked.client)?;
            if let Some(held) = &mut linked.held {
                held.exposures += u32::from(exposed);
            }
            Ok(Some(reply))
        })
    }
}

/// Whether a ceiling is that of a dose.
fn is_dose((which, _): (Which, u64)) -> bool {
    matches!(which, Which::PixelDose | Which::TotalDose)
}

/// Whether the link was lost, so that the board is to be found again.
fn is_lost(error: &ControllerError) -> bool {
    matches!(
        error,
        ControllerError::Link(
            Failure::NoReply { .. }
                | Failure::NotConnected
                | Failure::StillBusy
                | Failure::Refused(Refusal::NotConnected | Refusal::OutOfSequence { .. })
        )
    )
}

/// What a board answered that was told something which the mirror knows: where the kernel refused,
/// the mirror said the same, and the campaign knows what to do about it.
fn told(answer: Result<(), LinkFailure>) -> Result<(), ControllerError> {
    match answer {
        Err(failure) if failure.kernel().is_some() => Ok(()),
        answer => Ok(answer?),
    }
}

/// Whether a board has a model. Hosts of one campaign number its models alike.
fn has_model(status: &Status, model: &Loaded) -> Result<bool, ControllerError> {
    let sender = model.sender().map_err(Failure::Refused)?;
    Ok(status.model == Some(model.header.version)
        && status.weights_crc == Some(sender.descriptor().crc))
}

fn same_measurement(there: Measurement, here: Measurement) -> Result<(), ControllerError> {
    if there == here {
        return Ok(());
    }
    Err(ControllerError::State(format!(
        "it measured candidate {} as {} where this host has candidate {} as {}",
        there.candidate, there.value, here.candidate, here.value
    )))
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
        self.expose_once(|client| Ok((client.expose(candidate.0)?, true)))
            .map(|_| ())
    }

    fn finish(&mut self) -> Result<(), ControllerError> {
        let begun = Instant::now();
        loop {
            let beam = self.status()?.beam;
            if self.resets != self.resets_at_exposure {
                return Err(ControllerError::ExposureUnknown);
            }
            match beam {
                Beam::Blanked(BlankReason::Fault(fault)) => {
                    return Err(Failure::Refused(Refusal::Beam(fault)).into());
                }
                // The board ends it by itself; one that does not has a fault of its own.
                Beam::On { .. } if begun.elapsed() < ENDING => std::thread::sleep(LOOK),
                _ => return Ok(()),
            }
        }
    }

    /// The beam comes first, whatever else the board lacks.
    fn blank(&mut self) -> Result<(), ControllerError> {
        if self.silent {
            return Ok(());
        }
        match self.client.blank().map_err(ControllerError::from) {
            Err(error) if is_lost(&error) => self.call(|linked| Ok(linked.client.blank()?)),
            blanked => blanked,
        }
    }

    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError> {
        let before = self.brief.settings.replace(settings);
        if let Some(held) = &mut self.held {
            held.settings = None;
        }
        let told = self.call(|linked| {
            // Where there is a campaign, the board has been told just now.
            match &linked.held {
                Some(held) if held.settings == Some(settings) => Ok(()),
                _ => Ok(linked.client.configure(settings)?),
            }
        });
        match told {
            // A campaign that has ended holds limits down; a new one is told them once it began.
            Err(error) if self.brief.campaign.is_none() && error.ceiling().is_some_and(is_dose) => {
                Ok(())
            }
            Err(error) if !is_lost(&error) => {
                self.brief.settings = before;
                Err(error)
            }
            told => told,
        }
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.brief.settings.unwrap_or_default())
    }

    fn resets(&self) -> u32 {
        self.resets
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        Ok(self.status()?.dose_us)
    }
}

impl Controller for Linked<'_> {
    fn room(&self) -> usize {
        let board: beacon_kernel::Capacity = self.identity.capacity.into();
        self.mirror.room().min(board.measurements)
    }

    fn set_silent(&mut self, silent: bool) -> Result<(), ControllerError> {
        self.silent = silent;
        self.journalled |= silent;
        self.call(|_| Ok(()))
    }

    fn admit(&self, network: Network) -> Result<(), ControllerError> {
        if network.architecture() == Architecture::Filters {
            return Err(ControllerError::NoFilters);
        }
        Ok(())
    }

    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.mirror.begin(setup)?;
        let capacity: beacon_kernel::Capacity = self.identity.capacity.into();
        capacity.admit(beacon_kernel::Candidates::new(
            setup.height,
            setup.width,
            setup.window,
        )?)?;
        self.brief = Brief {
            campaign: Some(Campaign {
                id: campaign_id(setup),
                seed: setup.seed,
                height: setup.height as u16,
                width: setup.width as u16,
                window: setup.window as u16,
            }),
            image: setup.pixels.to_vec(),
            measurements: Vec::new(),
            model: None,
            excluded: Vec::new(),
            acquisition: self.brief.acquisition,
            reduction: None,
            settings: self.brief.settings,
        };
        (self.held, self.asked) = (None, false);
        self.found.clear();
        self.call(|_| Ok(()))
    }

    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError> {
        self.mirror.choose(acquisition)?;
        self.brief.acquisition = acquisition;
        self.call(|_| Ok(()))
    }

    fn load_model(&mut self, model: &Model<'_>, version: u32) -> Result<(), ControllerError> {
        let said = self.mirror.load_model(model, version);
        // A model that no kernel takes leaves the one before in force, there as here.
        if model.validate().is_err()
            || matches!(
                said,
                Err(ControllerError::Kernel(
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

    fn surrogate(&mut self) -> Result<Surrogate<'_>, ControllerError> {
        self.mirror.surrogate()
    }

    fn end(&mut self) -> Result<(), ControllerError> {
        let Some(campaign) = self.brief.campaign else {
            return Ok(());
        };
        if self.silent {
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

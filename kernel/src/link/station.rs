//! Carries requests out: owns the explorer, the beam and the transfers of one campaign.

mod overview;
mod transfers;

use heapless::Vec;

use super::beam::BeamGuard;
use super::board::Board;
use super::message::{
    Acquisition, Activation, BlankReason, Campaign, Configuration, Exposed, Followed,
    LinkStatistics, Measured, Measurement, Next, Phase, Proposal, Proposed, Reduction, Refusal,
    Region, Reply, Request, Settings, Several, Signals, Status, Vectors, Which,
};
use super::scalarizer::{Scalarizer, Sums};
use super::transfer::Receiver;
use crate::{Candidate, Candidates, Edges, Error, Explorer, MOST_RESPONSES, Network};
use overview::Overview;
pub(super) use transfers::Staged;

/// Raw bytes of a reply. A quarter of what a frame takes, because it lies on the stack.
pub(super) type Page = Vec<u8, PAGE>;
const PAGE: usize = 256;

/// What identifies the image of the running campaign and its model to a host.
#[derive(Clone, Copy, Default)]
struct Loaded {
    image_crc: Option<u32>,
    model: Option<u32>,
    weights_crc: Option<u32>,
}

/// Explorer, beam and transfers.
pub(super) struct Station<'a> {
    explorer: Explorer<'a>,
    staging: &'a mut [f32],
    beam: BeamGuard<'a>,
    acquisition: Acquisition,
    /// How a spectrum becomes each response.
    scalarizers: Vec<Scalarizer, MOST_RESPONSES>,
    /// The station subtracts it from each response of every spectrum.
    origins: [f64; MOST_RESPONSES],
    campaign: Option<Campaign>,
    edges: Edges,
    /// Responses of a place.
    responses: usize,
    phase: Phase,
    loaded: Loaded,
    /// An image or weights on their way into the staging memory.
    bulk: Option<Receiver>,
    /// A spectrum on its way, of which only the sums are kept.
    spectrum: Option<(Receiver, [Sums; MOST_RESPONSES])>,
    /// The staging memory holds its values.
    overview: Option<Overview>,
    pending: Option<Proposal>,
    exposed: Option<u32>,
}

impl<'a> Station<'a> {
    pub(super) fn new(explorer: Explorer<'a>, staging: &'a mut [f32], beam: BeamGuard<'a>) -> Self {
        Self {
            acquisition: explorer.acquisition().into(),
            explorer,
            staging,
            beam,
            scalarizers: Vec::new(),
            origins: [0.0; MOST_RESPONSES],
            campaign: None,
            edges: Edges::Inside,
            responses: 1,
            phase: Phase::Idle,
            loaded: Loaded::default(),
            bulk: None,
            spectrum: None,
            overview: None,
            pending: None,
            exposed: None,
        }
    }

    pub(super) fn explorer(&self) -> &Explorer<'a> {
        &self.explorer
    }

    #[cfg(feature = "parts")]
    pub(super) fn explorer_mut(&mut self) -> &mut Explorer<'a> {
        &mut self.explorer
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.beam.settings
    }

    pub(super) fn blank(&mut self, board: &mut impl Board, reason: BlankReason) {
        self.beam.blank(board, reason);
    }

    /// Does a slice of the work that the next proposal needs, on the assumption that the exposed or
    /// else the proposed candidate is measured next. Returns whether more is left.
    pub(super) fn prepare(&mut self) -> bool {
        let pending = self.pending.map(|proposal| proposal.candidate);
        let expected = self.exposed.or(pending).map(Candidate);
        self.phase == Phase::Running && self.explorer.prepare(expected)
    }

    /// Does a slice of the surrogate.
    pub(super) fn refresh(&mut self) {
        // The request for the surrogate returns the error.
        let _ = self.explorer.refresh();
    }

    /// Whether a request for the surrogate can be answered at once, if only by refusing it.
    pub(super) fn has_surrogate(&self) -> bool {
        self.running().is_err() || self.explorer.is_refreshed()
    }

    /// The state of campaign, beam and board; the caller fills in the counters of the link.
    pub(super) fn status(&self, now_ms: u64, board: &mut impl Board) -> Status {
        let measured = self.measurements(0);
        Status {
            uptime_ms: now_ms,
            phase: self.phase,
            campaign: self.campaign,
            image_crc: self.loaded.image_crc,
            model: self.loaded.model,
            weights_crc: self.loaded.weights_crc,
            measured: measured.len() as u32,
            last: measured.last(),
            pending: self.pending,
            exposed: self.exposed,
            beam: self.beam.state,
            exposures: self.beam.exposures,
            dose_us: self.beam.dose_us,
            transfer: self.bulk.as_ref().map(Receiver::progress),
            link: LinkStatistics::default(),
            health: board.health(),
        }
    }

    /// Carries a request out.
    #[expect(clippy::too_many_lines, reason = "a line or two for each request")]
    pub(super) fn answer(
        &mut self,
        request: &Request,
        raw: &[u8],
        page: &mut Page,
        board: &mut impl Board,
    ) -> Result<Reply, Refusal> {
        match *request {
            // The controller answers these itself.
            Request::Status | Request::ResetCounters => Ok(Reply::Done),
            Request::Configuration => Ok(Reply::Configuration(Configuration {
                acquisition: self.acquisition,
                settings: self.beam.settings,
                scalarizer: self.scalarizers.first().copied(),
            })),
            Request::Measurements { from } => Ok(self.list_measurements(0, from, page)),
            Request::MeasurementsOf { response, from } => {
                let response = self.response(response)?;
                Ok(self.list_measurements(response, from, page))
            }
            Request::Surrogate { from } => self.list_surrogate(0, from, page),
            Request::SurrogateOf { response, from } => {
                self.list_surrogate(self.response(response)?, from, page)
            }
            Request::Vectors => Ok(Reply::Vectors(self.vectors())),
            Request::LastPanic { from } => {
                let message = board.last_panic();
                let rest = message.get(from as usize..).unwrap_or_default();
                append(page, rest.get(..PAGE).unwrap_or(rest));
                let total = message.len() as u32;
                Ok(Reply::LastPanic { from, total })
            }
            Request::ClearPanic => {
                board.clear_panic();
                Ok(Reply::Done)
            }
            Request::Begin(campaign) => self.begin(campaign, (Edges::Inside, 1), board),
            Request::BeginWith { campaign, edges } => {
                self.begin(campaign, (edges.into(), 1), board)
            }
            Request::BeginVectors {
                campaign,
                edges,
                responses,
            } => self.begin(campaign, (edges.into(), responses.into()), board),
            Request::Choose(acquisition) => {
                self.explorer.set_acquisition(acquisition.into())?;
                self.acquisition = acquisition;
                Ok(Reply::Done)
            }
            Request::Configure(settings) => {
                let shortest_us = board.shortest_dwell_us();
                self.beam
                    .configure(settings, shortest_us)
                    .map(|()| Reply::Done)
            }
            Request::Scalarize(scalarizer) => self.scalarize(&[scalarizer]),
            Request::Reduce(reductions) => self.reduce_with(reductions.as_slice()),
            Request::Transfer(descriptor) => self.begin_transfer(descriptor),
            Request::Chunk { kind, offset } => self.chunk(kind, offset, raw),
            Request::Query { kind } => {
                let received = self.receiver(kind)?.progress().received;
                Ok(Reply::Progress { received })
            }
            Request::Load { weights, header } => self.load(weights, &header.into(), raw),
            Request::LoadVectors {
                weights,
                header,
                others,
            } => {
                let others = Some(others);
                self.load(weights, &Staged { header, others }, raw)
            }
            Request::Commit(Activation::Image) => self.commit_image(),
            Request::Commit(Activation::Model(header)) => self.commit_model(&header.into()),
            Request::Commit(Activation::ModelOfVectors { header, others }) => {
                let others = Some(others);
                self.commit_model(&Staged { header, others })
            }
            Request::Commit(Activation::Spectrum { next }) => self.commit_spectrum(next, board),
            Request::Abort { kind } => {
                self.receiver(kind)?;
                self.forget(kind);
                Ok(Reply::Done)
            }
            Request::Measure { measurement, next } => {
                let Measurement { candidate, value } = measurement;
                self.measure(candidate, &[value], next, board)
            }
            Request::MeasureVector {
                candidate,
                responses,
                next,
            } => self.measure(candidate, responses.as_slice(), next, board),
            Request::Propose { expose } => {
                self.running()?;
                self.propose(expose, board).map(Reply::Proposed)
            }
            Request::Expose { candidate } => {
                let pixel_dose_us = self.expose(candidate, board)?;
                Ok(Reply::Exposed {
                    pixel_dose_us,
                    total_dose_us: self.beam.dose_us,
                })
            }
            Request::Blank => {
                self.beam.blank(board, BlankReason::Request);
                Ok(Reply::Done)
            }
            Request::End { campaign } => self.end(campaign, board),
            Request::Origin { value } => self.set_origin(value),
            Request::Exclude(region) => self.exclude(region),
            Request::Point(spot) => {
                self.between_campaigns()?;
                self.beam.point(spot, board).map(|()| Reply::Done)
            }
            Request::Pulse(pulse) => {
                self.between_campaigns()?;
                let pixel_dose_us = self.beam.pulse(pulse, board)?;
                Ok(Reply::Exposed {
                    pixel_dose_us,
                    total_dose_us: self.beam.dose_us,
                })
            }
            // The controller changes the rate when the reply has left.
            Request::Baud { baud } => match board.check_baud(baud) {
                Ok(()) => Ok(Reply::Done),
                Err(nearest) => Err(setting(Which::Baud, nearest)),
            },
            Request::Signals(signals) => set_signals(signals, board),
            Request::Overview(raster) => self.begin_overview(raster, board),
            Request::Pixels { from } => Ok(self.list_pixels(from, page)),
            Request::Reading => self.last_reading(board),
        }
    }

    /// Refuses what would disturb a campaign.
    fn between_campaigns(&self) -> Result<(), Refusal> {
        match (self.phase, self.campaign) {
            (Phase::Running | Phase::AwaitingImage, Some(Campaign { id, .. })) => {
                Err(Refusal::CampaignRunning { id })
            }
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        campaign: Campaign,
        (edges, responses): (Edges, usize),
        board: &mut impl Board,
    ) -> Result<Reply, Refusal> {
        let same =
            self.campaign == Some(campaign) && (self.edges, self.responses) == (edges, responses);
        match (self.phase, self.campaign) {
            (Phase::Running | Phase::AwaitingImage, _) if same => return Ok(Reply::Done),
            (Phase::Running, Some(Campaign { id, .. })) => {
                return Err(Refusal::CampaignRunning { id });
            }
            _ => {}
        }
        let candidates = candidates(campaign, edges)?;
        Network::for_window(candidates.window())?;
        self.explorer.capacity().admit(candidates)?;
        self.explorer.capacity().admit_responses(responses)?;
        self.beam.blank(board, BlankReason::CampaignEnd);
        self.beam.clear();
        // Those of another campaign. Every board takes none.
        let _ = board.set_signals(Signals::default());
        self.campaign = Some(campaign);
        (self.edges, self.responses) = (edges, responses);
        self.phase = Phase::AwaitingImage;
        self.origins = [0.0; MOST_RESPONSES];
        self.loaded = Loaded::default();
        self.bulk = None;
        self.spectrum = None;
        self.pending = None;
        self.exposed = None;
        Ok(Reply::Done)
    }

    fn end(&mut self, id: u32, board: &mut impl Board) -> Result<Reply, Refusal> {
        if self.campaign.is_none_or(|campaign| campaign.id != id) {
            return Err(Refusal::NoCampaign);
        }
        self.beam.blank(board, BlankReason::CampaignEnd);
        if self.phase != Phase::Ended {
            self.beam.leave_campaign();
        }
        self.phase = Phase::Ended;
        self.bulk = None;
        self.spectrum = None;
        Ok(Reply::Done)
    }

    fn exclude(&mut self, region: Region) -> Result<Reply, Refusal> {
        self.running()?;
        let rows = usize::from(region.top)..usize::from(region.bottom);
        let columns = usize::from(region.left)..usize::from(region.right);
        self.explorer.exclude(rows, columns)?;
        let lost = |candidate: u32| self.explorer.is_measured(Candidate(candidate));
        // A proposal made there before must not be exposed any more.
        self.pending = self.pending.filter(|proposal| !lost(proposal.candidate));
        Ok(Reply::Done)
    }

    fn running(&self) -> Result<Campaign, Refusal> {
        let campaign = self.campaign.ok_or(Refusal::NoCampaign)?;
        match self.phase {
            Phase::Idle => Err(Refusal::NoCampaign),
            Phase::AwaitingImage => Err(Error::NoImage.into()),
            Phase::Running => Ok(campaign),
            Phase::Ended => Err(Refusal::CampaignEnded),
        }
    }

    /// The response of a number, if the campaign has it.
    fn response(&self, response: u8) -> Result<usize, Refusal> {
        let response = usize::from(response);
        if response < self.responses {
            return Ok(response);
        }
        Err(Error::ResponseCount {
            found: response + 1,
            expected: self.responses,
        }
        .into())
    }

    /// Whether the explorer's measurements are those of this campaign: before its image arrives the explorer
    /// still holds those of the one before.
    fn has_measured(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Ended) && self.loaded.image_crc.is_some()
    }

    /// The measurements of this campaign, with one of the responses.
    fn measurements(&self, response: usize) -> impl ExactSizeIterator<Item = Measurement> {
        let known = if self.has_measured() { usize::MAX } else { 0 };
        let measured = self.explorer.measurements_of(response).take(known);
        measured.map(|(candidate, value)| Measurement {
            candidate: candidate.0,
            value,
        })
    }

    fn vectors(&self) -> Vectors {
        let last = self.explorer.measured_vectors().last();
        let last = last.filter(|_| self.has_measured());
        Vectors {
            most: self.explorer.capacity().responses as u8,
            responses: self.responses as u8,
            last: last.and_then(|(_, responses)| Several::new(&responses)),
        }
    }

    fn list_measurements(&self, response: usize, from: u32, page: &mut Page) -> Reply {
        let measured = self.measurements(response);
        let total = measured.len() as u32;
        for Measurement { candidate, value } in measured.skip(from as usize).take(PAGE / 8) {
            append(page, &candidate.to_le_bytes());
            append(page, &value.to_le_bytes());
        }
        Reply::Measurements { from, total }
    }

    fn list_surrogate(
        &mut self,
        response: usize,
        from: u32,
        page: &mut Page,
    ) -> Result<Reply, Refusal> {
        self.running()?;
        let surrogate = self.explorer.surrogate()?;
        let values = surrogate.iter_of(response).skip(from as usize);
        for (mean, variance) in values.take(PAGE / 8) {
            append(page, &mean.to_le_bytes());
            append(page, &variance.to_le_bytes());
        }
        Ok(Reply::Surrogate {
            from,
            total: surrogate.len() as u32,
            noise: surrogate.noise,
            standardisation: surrogate
                .standardisation_of(response)
                .unwrap_or(surrogate.standardisation)
                .into(),
        })
    }

    fn scalarize(&mut self, scalarizers: &[Scalarizer]) -> Result<Reply, Refusal> {
        let own = Vec::from_slice(scalarizers);
        let Ok(own) = own.map_err(|_| ()).and_then(|own| {
            let valid = scalarizers.iter().all(Scalarizer::is_valid);
            valid.then_some(own).ok_or(())
        }) else {
            return Err(Refusal::Setting {
                which: Which::Scalarizer,
                limit: u64::from(u16::MAX),
            });
        };
        self.scalarizers = own;
        // The sums so far belong to other windows.
        self.spectrum = None;
        Ok(Reply::Done)
    }

    fn set_origin(&mut self, value: f64) -> Result<Reply, Refusal> {
        check_origin(value)?;
        self.origins[0] = value;
        Ok(Reply::Done)
    }

    /// Takes a scalarizer and an origin for each response; nothing where one of them is refused.
    fn reduce_with(&mut self, reductions: &[Reduction]) -> Result<Reply, Refusal> {
        if reductions.len() != self.responses {
            return Err(Error::ResponseCount {
                found: reductions.len(),
                expected: self.responses,
            }
            .into());
        }
        let mut scalarizers: Vec<Scalarizer, MOST_RESPONSES> = Vec::new();
        let mut origins = [0.0; MOST_RESPONSES];
        for (reduction, origin) in reductions.iter().zip(&mut origins) {
            check_origin(reduction.origin)?;
            *origin = reduction.origin;
            // As many as there are origins.
            scalarizers.push(reduction.scalarizer).unwrap_or_default();
        }
        let scalarized = self.scalarize(&scalarizers)?;
        self.origins = origins;
        Ok(scalarized)
    }

    fn measure(
        &mut self,
        candidate: u32,
        responses: &[f32],
        next: Next,
        board: &mut impl Board,
    ) -> Result<Reply, Refusal> {
        self.running()?;
        let before = self.explorer.measurements().len();
        let accepted = self.explorer.measure_all(Candidate(candidate), responses);
        let now = self.explorer.measurements().len();
        if now == before {
            accepted?;
        }
        self.pending = None;
        if self.exposed == Some(candidate) {
            self.exposed = None;
        }
        let followed = match next {
            Next::Nothing => accepted.map(|()| Followed::Nothing).map_err(Refusal::from),
            Next::Propose => self.propose(false, board).map(Followed::Proposed),
            Next::Expose => self.propose(true, board).map(Followed::Proposed),
        };
        Ok(Reply::Measured(Measured {
            count: now as u32,
            value: responses.first().copied().unwrap_or(f32::NAN),
            next: followed.unwrap_or_else(Followed::Refused),
        }))
    }

    fn propose(&mut self, expose: bool, board: &mut impl Board) -> Result<Proposed, Refusal> {
        let proposal = self.explorer.propose()?;
        let candidates = self.explorer.candidates().ok_or(Error::NoImage)?;
        let pixel = candidates.pixel(proposal.candidate)?;
        let proposal = Proposal {
            candidate: proposal.candidate.0,
            row: pixel.row as u16,
            column: pixel.column as u16,
            step: proposal.step as u32,
            score: proposal.score,
            prediction: proposal.prediction.map(Into::into),
        };
        self.pending = Some(proposal);
        let exposure = if expose {
            match self.expose(proposal.candidate, board) {
                Ok(_) => Exposed::Yes,
                Err(refusal) => Exposed::Refused(refusal),
            }
        } else {
            Exposed::No
        };
        Ok(Proposed { proposal, exposure })
    }

    /// Exposes a candidate that can still be measured; returns its pixel's dose.
    fn expose(&mut self, candidate: u32, board: &mut impl Board) -> Result<u32, Refusal> {
        self.running()?;
        let candidates = self.free(Candidate(candidate))?;
        let dose = self.beam.expose(Candidate(candidate), candidates, board)?;
        self.exposed = Some(candidate);
        Ok(dose)
    }

    /// The geometry, if the candidate exists in it and was not measured.
    fn free(&self, candidate: Candidate) -> Result<Candidates, Refusal> {
        let candidates = self.explorer.candidates().ok_or(Error::NoImage)?;
        candidates.corner(candidate)?;
        if self.explorer.is_measured(candidate) {
            return Err(Error::AlreadyMeasured { candidate }.into());
        }
        Ok(candidates)
    }
}

fn check_origin(value: f64) -> Result<(), Refusal> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Refusal::Setting {
        which: Which::Origin,
        limit: u64::MAX,
    })
}

fn setting(which: Which, limit: u32) -> Refusal {
    Refusal::Setting {
        which,
        limit: limit.into(),
    }
}

fn set_signals(signals: Signals, board: &mut impl Board) -> Result<Reply, Refusal> {
    let waits = Signals::WAITS_MS;
    match signals.ready_ms {
        Some(ms) if ms < *waits.start() => return Err(setting(Which::Ready, *waits.start())),
        Some(ms) if ms > *waits.end() => return Err(setting(Which::Ready, *waits.end())),
        _ => {}
    }
    match board.set_signals(signals) {
        Ok(()) => Ok(Reply::Done),
        Err(lacking) => Err(setting(lacking, 0)),
    }
}

/// The candidates of a campaign.
fn candidates(campaign: Campaign, edges: Edges) -> Result<Candidates, Error> {
    let [height, width, window] =
        [campaign.height, campaign.width, campaign.window].map(usize::from);
    Candidates::with_edges(height, width, window, edges)
}

/// `Vec::extend` panics when it is full; a page is cut to fit before it is filled.
fn append(page: &mut Page, bytes: &[u8]) {
    page.extend_from_slice(bytes).unwrap_or_default();
}

//! The controller's whole logic, independent of the board: bytes in, bytes out.

use super::beam::BeamGuard;
use super::board::Board;
use super::frame::{self, Decoder, FrameKind, Header, count};
use super::message::{
    Activation, BlankReason, DoseLimits, Hello, Identity, LinkStatistics, Refusal, Reply, Request,
    WindowLimits,
};
use super::peer::{Peer, Verdict};
use super::station::{Page, Staged, Station};
use super::{BAUD_TRIAL_MS, PROTOCOL_CURRENT, PROTOCOL_MIN};
use crate::{Capacity, Error, Explorer};

/// The controller's memory, besides the explorer's.
pub struct Memory<'a> {
    /// Receives a frame; [`frame::MAX_BODY`] bytes.
    pub receive: &'a mut [u8],
    /// Holds the last reply until it is acknowledged; [`frame::MAX_FRAME`] bytes.
    pub reply: &'a mut [u8],
    /// Receives an image or weights, and holds an overview; [`Memory::staging`] floats.
    pub staging: &'a mut [f32],
    /// Counts the dose of every pixel; [`Memory::doses`] words.
    pub doses: &'a mut [u32],
}

impl Memory<'_> {
    /// Length of the staging memory.
    pub const fn staging(capacity: Capacity) -> usize {
        if capacity.image_pixels > capacity.weights() {
            capacity.image_pixels
        } else {
            capacity.weights()
        }
    }

    /// Length of the memory for doses.
    pub const fn doses(capacity: Capacity) -> usize {
        capacity.candidates
    }

    /// Bytes of all four.
    pub const fn bytes(capacity: Capacity) -> usize {
        frame::MAX_BODY + frame::MAX_FRAME + 4 * (Self::staging(capacity) + Self::doses(capacity))
    }
}

// An STM32H743 holds the large buffers in its AXI SRAM of 512 KiB; workspace, frames and 8 KiB for
// everything else that is static in the 95 KiB that its DTCM leaves beside the stack.
const _: () = {
    let workspace = 4 * Capacity::DEFAULT.workspace();
    let frames = frame::MAX_BODY + frame::MAX_FRAME;
    let all = Capacity::DEFAULT.bytes() + Memory::bytes(Capacity::DEFAULT);
    assert!(all - workspace - frames <= 512 * 1024);
    assert!(workspace + frames + 8 * 1024 <= 95 * 1024);
};

/// Limits that no host may exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Dose limits that a host may lower but not raise.
    pub dose: DoseLimits,
    /// How long the longest piece of work takes, in ms: the controller tells a host to wait so long.
    pub work_ms: u32,
}

/// Bytes of a reply that the controller does not keep for a repetition.
const PASSING: usize = 192;

/// What the line runs at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rate {
    /// What it has from reset.
    First,
    /// What a host asked for just now: a frame has to come until then.
    Tried { until_ms: u64 },
    /// What a host asked for, and a frame came.
    Agreed,
}

/// An explorer at the end of a serial line.
pub struct Controller<'a> {
    decoder: Decoder<&'a mut [u8]>,
    /// The last reply as it was sent, to be sent again.
    reply: &'a mut [u8],
    /// Its length; 0 while the controller works on its request.
    replied: usize,
    peer: Peer,
    station: Station<'a>,
    limits: Limits,
    /// Whether the decoder holds a frame.
    waiting: bool,
    /// A request that waits for the exposure before it to end, for a surrogate, or for new weights to be
    /// evaluated.
    deferred: Option<(Header, Request)>,
    /// When the last intact frame of the host arrived.
    heard_ms: u64,
    /// Whether the controller has already blanked the beam because of the silence since then.
    lost: bool,
    rate: Rate,
    /// Whether the controller worked since the last poll: that time is not the host's silence.
    worked: bool,
    statistics: LinkStatistics,
}

impl<'a> Controller<'a> {
    /// A controller in borrowed memory.
    ///
    /// # Errors
    /// [`Error::Capacity`] when a slice is too short.
    pub fn new(explorer: Explorer<'a>, memory: Memory<'a>, limits: Limits) -> Result<Self, Error> {
        let capacity = explorer.capacity();
        let Memory {
            receive,
            reply,
            staging,
            doses,
        } = memory;
        for (what, needed, found) in [
            ("bytes to receive", frame::MAX_BODY, receive.len()),
            ("bytes to reply", frame::MAX_FRAME, reply.len()),
            ("staged values", Memory::staging(capacity), staging.len()),
            ("doses", Memory::doses(capacity), doses.len()),
        ] {
            if found < needed {
                return Err(Error::Capacity {
                    what,
                    needed,
                    capacity: found,
                });
            }
        }
        Ok(Self {
            decoder: Decoder::new(receive),
            reply,
            replied: 0,
            peer: Peer::default(),
            station: Station::new(explorer, staging, BeamGuard::new(doses, limits.dose)),
            limits,
            waiting: false,
            deferred: None,
            heard_ms: 0,
            lost: false,
            rate: Rate::First,
            worked: false,
            statistics: LinkStatistics::default(),
        })
    }

    /// The explorer.
    pub fn explorer(&self) -> &Explorer<'a> {
        self.station.explorer()
    }

    /// The explorer, for benchmarks that skip parts of a campaign.
    #[cfg(feature = "parts")]
    pub fn explorer_mut(&mut self) -> &mut Explorer<'a> {
        self.station.explorer_mut()
    }

    /// Takes one byte from the line. Returns whether a frame is complete: then call
    /// [`Self::poll`] before the next byte, which would overwrite it.
    pub fn receive(&mut self, byte: u8) -> bool {
        self.waiting = self.decoder.push(byte);
        self.waiting
    }

    /// Answers a complete frame, notes the end of exposures and watches the link. Call it in every
    /// turn of the main loop; `now_ms` counts from reset and never falls.
    pub fn poll(&mut self, now_ms: u64, board: &mut impl Board) {
        if core::mem::take(&mut self.worked) {
            self.heard_ms = now_ms;
        }
        self.station.watch(board);
        if core::mem::take(&mut self.waiting) {
            self.take_frame(now_ms, board);
        }
        if let Some((header, request)) = self.deferred
            && !self.must_wait(&request, board)
        {
            self.deferred = None;
            self.carry_out(header, &request, now_ms, board);
        }
        let silence = now_ms.saturating_sub(self.heard_ms);
        let patience = u64::from(self.station.settings().link_timeout_ms);
        if self.peer.is_connected() && !self.lost && silence > patience {
            self.lost = true;
            count(&mut self.statistics.losses);
            // A request that waits for the beam must not move it while the link is lost.
            self.deferred = None;
            self.station.blank(board, BlankReason::LinkLost);
            self.return_to_first_rate(board);
        }
        if matches!(self.rate, Rate::Tried { until_ms } if now_ms >= until_ms) {
            self.return_to_first_rate(board);
        }
    }

    /// Runs the line as from reset, where a host that knows nothing looks for it.
    fn return_to_first_rate(&mut self, board: &mut impl Board) {
        if self.rate != Rate::First {
            self.rate = Rate::First;
            board.set_baud(None);
        }
    }

    /// Does a slice of work that can wait: for the next proposal, or for a surrogate or a model that the host
    /// has asked for. The controller answers that request once enough slices are done. Returns
    /// whether more is left. Call it when no byte waits; no answer's content depends on it.
    ///
    /// On a Cortex-M7 a slice is under a million instructions, on a Cortex-M33 1.2, or some two million where it
    /// corrects a surrogate by one more measurement, and with an image wider than 64 pixels in proportion where it
    /// evaluates a network. Those of the default strategy are counted as `slice…`
    /// by `tests/run counts`.
    pub fn idle(&mut self) -> bool {
        let waits = self.deferred.map(|(_, request)| request);
        if let Some(staged) = waits.as_ref().and_then(model_of) {
            self.station.evaluate(&staged);
            return true;
        }
        match self.deferred {
            Some((_, Request::Surrogate { .. } | Request::SurrogateOf { .. })) => {
                // The turn after the last slice answers.
                self.station.refresh();
                true
            }
            // The next pixel follows with the next turn.
            _ if self.station.takes_overview() => true,
            _ => self.station.prepare(),
        }
    }

    /// Whether a request has to wait. The controller works on a surrogate and on new weights in slices, so
    /// that a host can give them up for a more urgent request.
    fn must_wait(&self, request: &Request, board: &mut impl Board) -> bool {
        if let Some(staged) = model_of(request) {
            return !self.station.has_evaluated(&staged);
        }
        match request {
            Request::Surrogate { .. } | Request::SurrogateOf { .. } => {
                !self.station.has_surrogate()
            }
            _ => request.needs_beam() && self.station.is_exposing(board),
        }
    }

    fn take_frame(&mut self, now_ms: u64, board: &mut impl Board) {
        let Some(frame) = self.decoder.frame() else {
            return;
        };
        let header = frame.header;
        match header.kind {
            FrameKind::Hello => self.greet(now_ms, board),
            FrameKind::Request if !(PROTOCOL_MIN..=PROTOCOL_CURRENT).contains(&header.version) => {
                count(&mut self.statistics.version_errors);
                let identity = identity(&self.station, board, now_ms);
                pass(header, FrameKind::Identity, &identity, board);
            }
            FrameKind::Request => match frame.message::<Request>() {
                Ok((request, raw))
                    if request.since() <= header.version
                        && (raw.is_empty() || request.carries_raw()) =>
                {
                    self.take_request(&request, now_ms, board);
                }
                _ => self.misunderstand(header, board),
            },
            // A reply can only be an echo.
            FrameKind::Identity | FrameKind::Reply => count(&mut self.statistics.decode_errors),
        }
    }

    fn misunderstand(&mut self, header: Header, board: &mut impl Board) {
        count(&mut self.statistics.decode_errors);
        let reply = Reply::Refused(Refusal::Undecodable);
        pass(header, FrameKind::Reply, &reply, board);
    }

    fn greet(&mut self, now_ms: u64, board: &mut impl Board) {
        let Some(frame) = self.decoder.frame() else {
            return;
        };
        let header = frame.header;
        let Ok((hello, _)) = frame.message::<Hello>() else {
            self.misunderstand(header, board);
            return;
        };
        if self.peer.is_repetition(&frame) && self.replied > 0 {
            self.heard(now_ms);
            self.send(board);
            return;
        }
        let silence = now_ms.saturating_sub(self.heard_ms);
        let mut identity = identity(&self.station, board, now_ms);
        identity.other = self.peer.greet(hello, &frame, silence);
        self.heard(now_ms);
        self.deferred = None;
        let header = header_of_answer(header, FrameKind::Identity);
        self.replied = frame::encode(header, &identity, &[], self.reply).unwrap_or(0);
        self.send(board);
    }

    fn take_request(&mut self, request: &Request, now_ms: u64, board: &mut impl Board) {
        let Some(frame) = self.decoder.frame() else {
            return;
        };
        let header = frame.header;
        let verdict = self.peer.judge(&frame);
        if let Some(refusal) = verdict.refusal() {
            count(&mut self.statistics.out_of_sequence);
            // Blanking is safe, whoever asks for it.
            let reply = if *request == Request::Blank {
                self.deferred = None;
                self.station.blank(board, BlankReason::Request);
                Reply::Done
            } else {
                Reply::Refused(refusal)
            };
            pass(header, FrameKind::Reply, &reply, board);
            return;
        }
        if verdict == Verdict::Repeated && self.replied > 0 {
            self.heard(now_ms);
            count(&mut self.statistics.duplicates);
            self.send(board);
            return;
        }
        if let Request::Load { weights, .. } | Request::LoadVectors { weights, .. } = request {
            // A request that waits loses its raw part. Carrying it out returns the error.
            let raw = frame.message::<Request>().map_or(&[][..], |(_, raw)| raw);
            let _ = self.station.stage_whole(*weights, raw);
        }
        let waits = self.must_wait(request, board);
        if verdict == Verdict::New {
            self.peer.take(&frame);
            self.replied = 0;
            self.deferred = None;
        }
        self.heard(now_ms);
        if waits || request.takes_long() {
            let settings = self.station.settings();
            let exposing = waits && request.needs_beam();
            let exposure_ms = if exposing {
                settings.dwell_us / 1000
            } else {
                0
            };
            let work_ms = self.limits.work_ms.saturating_add(exposure_ms);
            // The wait must end before the link time-out, or the controller would take a host that
            // waits as told for lost.
            let milliseconds = work_ms.min(settings.link_timeout_ms / 2);
            pass(
                header,
                FrameKind::Reply,
                &Reply::Busy { milliseconds },
                board,
            );
        }
        // The repetition of a request that waits takes its place: it is carried out once.
        self.deferred = waits.then_some((header, *request));
        if !waits {
            self.carry_out(header, request, now_ms, board);
        }
    }

    /// Carries a request out and sends its reply. The decoder still holds the raw part; a deferred
    /// request has none.
    fn carry_out(
        &mut self,
        header: Header,
        request: &Request,
        now_ms: u64,
        board: &mut impl Board,
    ) {
        let mut page = Page::default();
        let reply = match *request {
            Request::Status => {
                let mut status = self.station.status(now_ms, board);
                status.link = self.link();
                Reply::Status(status)
            }
            Request::ResetCounters => {
                self.statistics = LinkStatistics::default();
                self.decoder.reset_counters();
                Reply::Done
            }
            _ => {
                let frame = self.decoder.frame().filter(|_| request.carries_raw());
                let raw = match frame.map(|frame| frame.message::<Request>()) {
                    Some(Ok((_, raw))) => raw,
                    _ => &[],
                };
                let answer = self.station.answer(request, raw, &mut page, board);
                answer.unwrap_or_else(Reply::Refused)
            }
        };
        let header = header_of_answer(header, FrameKind::Reply);
        let reply = reply.within(header.version);
        self.replied = frame::encode(header, &reply, &page, self.reply).unwrap_or(0);
        self.worked = true;
        self.send(board);
        if let (Request::Baud { baud }, Reply::Done) = (request, &reply) {
            board.set_baud(Some(*baud));
            let until_ms = now_ms.saturating_add(BAUD_TRIAL_MS);
            self.rate = Rate::Tried { until_ms };
        }
    }

    fn heard(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
        self.lost = false;
        if matches!(self.rate, Rate::Tried { .. }) {
            self.rate = Rate::Agreed;
        }
    }

    fn send(&self, board: &mut impl Board) {
        let frame = self.reply.get(..self.replied).unwrap_or_default();
        if !frame.is_empty() {
            board.send(frame);
        }
    }

    /// The link's counters, those of the decoder among them.
    fn link(&self) -> LinkStatistics {
        let counters = self.decoder.counters();
        LinkStatistics {
            frames: counters.frames,
            overflows: counters.overflows,
            cobs_errors: counters.cobs_errors,
            runts: counters.runts,
            crc_errors: counters.crc_errors,
            decode_errors: self
                .statistics
                .decode_errors
                .saturating_add(counters.kind_errors),
            ..self.statistics
        }
    }
}

/// The model that a request hands over, without its weights.
fn model_of(request: &Request) -> Option<Staged> {
    match *request {
        Request::Commit(Activation::Model(header)) | Request::Load { header, .. } => {
            Some(header.into())
        }
        Request::Commit(Activation::ModelOfVectors { header, others })
        | Request::LoadVectors { header, others, .. } => Some(Staged {
            header,
            others: Some(others),
        }),
        _ => None,
    }
}

fn identity(station: &Station<'_>, board: &impl Board, now_ms: u64) -> Identity {
    let capacity = station.explorer().capacity();
    Identity {
        protocol_min: PROTOCOL_MIN,
        protocol_current: PROTOCOL_CURRENT,
        board: text(board.name()),
        build: text(board.build()),
        clock_hz: board.clock_hz(),
        capacity: capacity.into(),
        windows: WindowLimits::within(capacity),
        max_raw: frame::MAX_RAW as u16,
        uptime_ms: now_ms,
        last_panic: u16::try_from(board.last_panic().len()).unwrap_or(u16::MAX),
        other: None,
    }
}

/// As much of a text as fits.
fn text<const N: usize>(text: &str) -> heapless::String<N> {
    let mut short = heapless::String::new();
    for character in text.chars() {
        if short.push(character).is_err() {
            break;
        }
    }
    short
}

/// The header of an answer: in the version of the question, or in the nearest that is spoken here.
fn header_of_answer(question: Header, kind: FrameKind) -> Header {
    Header {
        version: question.version.clamp(PROTOCOL_MIN, PROTOCOL_CURRENT),
        kind,
        sequence: question.sequence,
    }
}

/// Sends a reply without keeping it for a repetition.
fn pass(header: Header, kind: FrameKind, reply: &impl serde::Serialize, board: &mut impl Board) {
    let mut buffer = [0; PASSING];
    let header = header_of_answer(header, kind);
    let length = frame::encode(header, reply, &[], &mut buffer).unwrap_or(0);
    if let Some(frame) = buffer.get(..length).filter(|frame| !frame.is_empty()) {
        board.send(frame);
    }
}

//! The host's end: requests with time-outs, retries and back-off, over any transport.

use core::fmt;

use serde::Serialize;

use super::frame::{self, Decoder, FrameKind, Header, MAX_BODY, MAX_FRAME, MAX_RAW, count};
use super::message::{
    Acquisition, Activation, Campaign, Configuration, Edges, Hello, Identity, Measured,
    Measurement, Next, Proposed, Refusal, Region, Reply, Request, Settings, Standardisation,
    Status,
};
use super::scalarizer::Scalarizer;
use super::transfer::{Kind, Sender};
use super::{PROTOCOL_CURRENT, PROTOCOL_MIN};
use crate::Error;

/// A serial port, or whatever stands in for one.
pub trait Transport {
    /// Why bytes could not be sent or received.
    type Error;

    /// Sends all bytes.
    ///
    /// # Errors
    /// When the port is gone.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Waits for bytes, at most this long; returns how many there are, 0 when none came.
    ///
    /// # Errors
    /// When the port is gone.
    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> Result<usize, Self::Error>;

    /// A clock that never falls.
    fn now_ms(&mut self) -> u64;
}

/// How long a client waits, and how often it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long the first attempt waits for its reply, in ms; each later one twice as long.
    pub reply_ms: u32,
    /// The longest that an attempt waits, in ms.
    pub longest_ms: u32,
    /// How often a request is sent before it is given up.
    pub attempts: u32,
    /// How long a busy controller is waited for in all, in ms.
    pub patience_ms: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            reply_ms: 150,
            longest_ms: 2_000,
            attempts: 8,
            patience_ms: 60_000,
        }
    }
}

/// A client's counts of requests, replies and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStatistics {
    /// Requests begun.
    pub requests: u32,
    /// Frames sent, repetitions included.
    pub sent: u32,
    /// Repetitions.
    pub retries: u32,
    /// Requests given up after the last attempt.
    pub given_up: u32,
    /// Busy replies.
    pub busy: u32,
    /// Replies to an earlier request, or of the wrong kind.
    pub stale: u32,
    /// Intact frames received.
    pub received: u32,
    /// Frames received that were damaged in any way.
    pub damaged: u32,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The transport failed.
    Transport(E),
    /// No reply to any attempt; the client has to connect again.
    NoReply {
        /// How often it was sent.
        attempts: u32,
        /// Bytes that came meanwhile and were no reply.
        rubbish: u32,
    },
    /// The controller answered that it was busy for longer than the client's patience.
    StillBusy,
    /// Nobody said hello yet, or the connection was lost.
    NotConnected,
    /// The two ends have no protocol version in common.
    Version {
        /// Oldest version of the controller.
        min: u8,
        /// Newest version of the controller.
        current: u8,
    },
    /// The controller's protocol version is older than the request.
    Missing {
        /// The version that both ends speak.
        version: u8,
        /// The first version that has the request.
        since: u8,
    },
    /// The controller refused.
    Refused(Refusal),
    /// A reply that does not belong to the request.
    Unexpected,
    /// The request does not fit in a frame.
    TooLong,
}

impl<E> Failure<E> {
    /// The error of the controller's kernel, if the kernel refused.
    pub fn kernel(&self) -> Option<Error> {
        match self {
            Self::Refused(Refusal::Kernel(error)) => Some((*error).into()),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::NoReply {
                attempts,
                rubbish: 0,
            } => write!(
                f,
                "no answer to {attempts} attempts: is the controller powered, and is it this port?"
            ),
            Self::NoReply { attempts, rubbish } => write!(
                f,
                "no answer to {attempts} attempts but {rubbish} bytes that are no frame: another \
                 device, or another baud rate?"
            ),
            Self::StillBusy => f.write_str("the controller is still busy: try again later"),
            Self::NotConnected => f.write_str("not connected to a controller: connect first"),
            Self::Version { min, current } => write!(
                f,
                "the controller speaks protocol {min} to {current}, this host {PROTOCOL_MIN} to \
                 {PROTOCOL_CURRENT}: flash the firmware that came with this host"
            ),
            Self::Missing { version, since } => write!(
                f,
                "the controller speaks protocol {version}, and the request needs {since}: flash the \
                 firmware that came with this host"
            ),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unexpected => {
                f.write_str("the controller answered something else than what was asked")
            }
            Self::TooLong => write!(f, "a request of more than {MAX_RAW} raw bytes"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Failure<E> {}

/// A transfer under way. A client advances it between other requests.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'v> {
    sender: Sender<'v>,
    offset: u32,
}

impl Upload<'_> {
    /// Bytes that the controller has, and bytes in all.
    pub fn progress(&self) -> (u32, u32) {
        (self.offset, self.sender.length())
    }

    /// Whether everything arrived, so that it can be committed.
    pub fn is_complete(&self) -> bool {
        self.offset == self.sender.length()
    }
}

/// One reply: a message, or the identity that answers hello.
enum Answer {
    Identity(Identity),
    Reply(Reply),
}

/// A host's end of the link.
pub struct Client<T> {
    transport: T,
    timing: Timing,
    host: u32,
    sequence: u16,
    connected: bool,
    /// The newest protocol version that both ends speak.
    version: u8,
    max_raw: usize,
    decoder: Decoder<[u8; MAX_BODY]>,
    out: [u8; MAX_FRAME],
    inbox: heapless::Deque<u8, 512>,
    statistics: ClientStatistics,
}

impl<T: Transport> Client<T> {
    /// A client that calls itself `host`, which should differ from process to process.
    pub fn new(transport: T, timing: Timing, host: u32) -> Self {
        Self {
            transport,
            timing,
            host,
            // Two hosts on one port shall not continue each other's numbers by chance.
            sequence: (host ^ (host >> 16)) as u16,
            connected: false,
            version: PROTOCOL_CURRENT,
            max_raw: MAX_RAW,
            decoder: Decoder::new([0; MAX_BODY]),
            out: [0; MAX_FRAME],
            inbox: heapless::Deque::new(),
            statistics: ClientStatistics::default(),
        }
    }

    /// Counts of requests, replies and errors.
    pub fn statistics(&self) -> ClientStatistics {
        let counters = self.decoder.counters();
        ClientStatistics {
            received: counters.frames,
            damaged: counters
                .overflows
                .saturating_add(counters.cobs_errors)
                .saturating_add(counters.runts)
                .saturating_add(counters.crc_errors)
                .saturating_add(counters.kind_errors),
            ..self.statistics
        }
    }

    /// The transport.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Gives the transport back.
    pub fn into_transport(self) -> T {
        self.transport
    }

    /// Says hello, for the first time or after [`Failure::NoReply`]. The controller may or may not
    /// have carried out the last request: [`Self::status`] tells.
    ///
    /// # Errors
    /// [`Failure::Version`], [`Failure::NoReply`], [`Failure::Transport`].
    pub fn connect(&mut self) -> Result<Identity, Failure<T::Error>> {
        let hello = Hello {
            protocol_min: PROTOCOL_MIN,
            protocol_current: PROTOCOL_CURRENT,
            host: self.host,
        };
        match self.exchange(FrameKind::Hello, &hello, &[])? {
            Answer::Identity(identity) => {
                let Identity {
                    protocol_min: min,
                    protocol_current: current,
                    ..
                } = identity;
                if current < PROTOCOL_MIN || min > PROTOCOL_CURRENT {
                    return Err(Failure::Version { min, current });
                }
                self.version = current.min(PROTOCOL_CURRENT);
                self.max_raw = usize::from(identity.max_raw).min(MAX_RAW) & !7;
                self.connected = true;
                Ok(identity)
            }
            Answer::Reply(_) => Err(Failure::Unexpected),
        }
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn request(&mut self, request: &Request, raw: &[u8]) -> Result<Reply, Failure<T::Error>> {
        if !self.connected {
            return Err(Failure::NotConnected);
        }
        let (version, since) = (self.version, request.since());
        if since > version {
            return Err(Failure::Missing { version, since });
        }
        match self.exchange(FrameKind::Request, request, raw)? {
            Answer::Reply(Reply::Refused(refusal)) => {
                if matches!(
                    refusal,
                    Refusal::NotConnected | Refusal::OutOfSequence { .. }
                ) {
                    self.connected = false;
                }
                Err(Failure::Refused(refusal))
            }
            Answer::Reply(reply) => Ok(reply),
            Answer::Identity(identity) => Err(Failure::Version {
                min: identity.protocol_min,
                current: identity.protocol_current,
            }),
        }
    }

    /// Raw part of the last reply.
    pub fn raw(&self) -> &[u8] {
        let frame = self.decoder.frame();
        match frame.map(|frame| frame.message::<Reply>()) {
            Some(Ok((_, raw))) => raw,
            _ => &[],
        }
    }

    fn done(&mut self, request: &Request) -> Result<(), Failure<T::Error>> {
        match self.request(request, &[])? {
            Reply::Done => Ok(()),
            _ => Err(Failure::Unexpected),
        }
    }

    /// The controller's state.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn status(&mut self) -> Result<Status, Failure<T::Error>> {
        match self.request(&Request::Status, &[])? {
            Reply::Status(status) => Ok(status),
            _ => Err(Failure::Unexpected),
        }
    }

    /// The settings in force on the controller.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn configuration(&mut self) -> Result<Configuration, Failure<T::Error>> {
        match self.request(&Request::Configuration, &[])? {
            Reply::Configuration(configuration) => Ok(configuration),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Every measurement from an index on, in order.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn measurements(
        &mut self,
        from: u32,
        mut each: impl FnMut(Measurement),
    ) -> Result<(), Failure<T::Error>> {
        let mut from = from;
        loop {
            let reply = self.request(&Request::Measurements { from }, &[])?;
            let Reply::Measurements { total, .. } = reply else {
                return Err(Failure::Unexpected);
            };
            let mut page = 0;
            for &[a, b, c, d, e, f, g, h] in self.raw().as_chunks().0 {
                each(Measurement {
                    candidate: u32::from_le_bytes([a, b, c, d]),
                    value: f32::from_le_bytes([e, f, g, h]),
                });
                page += 1;
            }
            from = from.saturating_add(page);
            if page == 0 || from >= total {
                return Ok(());
            }
        }
    }

    /// The posterior at every candidate, standardised: means and variances into the slices;
    /// returns how many there are, the variance of the noise and the standardisation.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn surrogate(
        &mut self,
        mean: &mut [f32],
        variance: &mut [f32],
    ) -> Result<(usize, f32, Standardisation), Failure<T::Error>> {
        let mut from = 0_usize;
        loop {
            let request = Request::Surrogate { from: from as u32 };
            let Reply::Surrogate {
                total,
                noise,
                standardisation,
                ..
            } = self.request(&request, &[])?
            else {
                return Err(Failure::Unexpected);
            };
            let means = mean.iter_mut().skip(from);
            let slots = means.zip(variance.iter_mut().skip(from));
            let page = self.raw().as_chunks().0;
            for ((mean, variance), &[a, b, c, d, e, f, g, h]) in slots.zip(page) {
                *mean = f32::from_le_bytes([a, b, c, d]);
                *variance = f32::from_le_bytes([e, f, g, h]);
            }
            from = from.saturating_add(page.len());
            if page.is_empty() || from >= total as usize {
                return Ok((from, noise, standardisation));
            }
        }
    }

    /// The message of the last panic, as much as fits; returns its length.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn last_panic(&mut self, message: &mut [u8]) -> Result<usize, Failure<T::Error>> {
        let mut from = 0_usize;
        loop {
            let request = Request::LastPanic { from: from as u32 };
            let Reply::LastPanic { total, .. } = self.request(&request, &[])? else {
                return Err(Failure::Unexpected);
            };
            let page = self.raw();
            for (own, byte) in message.iter_mut().skip(from).zip(page) {
                *own = *byte;
            }
            from = from.saturating_add(page.len());
            if page.is_empty() || from >= total as usize {
                return Ok(from.min(message.len()));
            }
        }
    }

    /// Forgets the last panic.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn clear_panic(&mut self) -> Result<(), Failure<T::Error>> {
        self.done(&Request::ClearPanic)
    }

    /// Sets the controller's counters to zero.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn reset_counters(&mut self) -> Result<(), Failure<T::Error>> {
        self.done(&Request::ResetCounters)
    }

    /// Begins a campaign, whose windows lie inside the image, and sends its image.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn begin(
        &mut self,
        campaign: Campaign,
        image: &Sender<'_>,
    ) -> Result<(), Failure<T::Error>> {
        self.begin_with(campaign, Edges::Inside, image)
    }

    /// Begins a campaign and sends its image.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::Missing`] when the controller knows no edges but
    /// [`Edges::Inside`].
    pub fn begin_with(
        &mut self,
        campaign: Campaign,
        edges: Edges,
        image: &Sender<'_>,
    ) -> Result<(), Failure<T::Error>> {
        self.done(&match edges {
            Edges::Inside => Request::Begin(campaign),
            Edges::Reflect => Request::BeginWith { campaign, edges },
        })?;
        match self.deliver(image, Activation::Image)? {
            Reply::Done => Ok(()),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Changes the strategy from the next proposal on.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn choose(&mut self, acquisition: Acquisition) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Choose(acquisition))
    }

    /// Sets beam, dose limits and link time-out.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn configure(&mut self, settings: Settings) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Configure(settings))
    }

    /// Sets how a spectrum becomes a response.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn scalarize(&mut self, scalarizer: Scalarizer) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Scalarize(scalarizer))
    }

    /// Sets the origin that the controller subtracts from the responses of spectra.
    ///
    /// # Errors
    /// [`Failure`]; [`Refusal::Undecodable`] from a controller of the first release, which has no
    /// origins.
    pub fn set_origin(&mut self, value: f64) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Origin { value })
    }

    /// Announces a transfer, or goes on with the same one where it stopped.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn upload<'v>(&mut self, sender: Sender<'v>) -> Result<Upload<'v>, Failure<T::Error>> {
        let offset = self.progress(&Request::Transfer(sender.descriptor()), &[])?;
        Ok(Upload { sender, offset })
    }

    /// Sends the next chunk; whether everything has arrived.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn advance(&mut self, upload: &mut Upload<'_>) -> Result<bool, Failure<T::Error>> {
        if !upload.is_complete() {
            let mut chunk = [0; MAX_RAW];
            let room = chunk.get_mut(..self.max_raw).unwrap_or_default();
            let length = upload.sender.chunk(upload.offset, room);
            let request = Request::Chunk {
                kind: upload.sender.descriptor().payload.kind(),
                offset: upload.offset,
            };
            upload.offset = self.progress(&request, chunk.get(..length).unwrap_or_default())?;
        }
        Ok(upload.is_complete())
    }

    /// Makes a complete transfer take effect.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn commit(&mut self, activation: Activation) -> Result<Reply, Failure<T::Error>> {
        self.request(&Request::Commit(activation), &[])
    }

    /// Sends a whole transfer and makes it take effect; a model whose weights fit in one frame, in
    /// one request.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn deliver(
        &mut self,
        sender: &Sender<'_>,
        activation: Activation,
    ) -> Result<Reply, Failure<T::Error>> {
        let mut chunk = [0; MAX_RAW];
        let room = chunk.get_mut(..self.max_raw).unwrap_or_default();
        if let Activation::Model(header) = activation
            && self.version >= 2
            && sender.length() as usize <= room.len()
        {
            let length = sender.chunk(0, room);
            let weights = sender.descriptor();
            let raw = chunk.get(..length).unwrap_or_default();
            return self.request(&Request::Load { weights, header }, raw);
        }
        let mut tries = 0;
        loop {
            let mut upload = self.upload(*sender)?;
            while !self.advance(&mut upload)? {}
            match self.commit(activation) {
                Err(Failure::Refused(Refusal::Checksum)) if tries < 2 => tries += 1,
                result => return result,
            }
        }
    }

    /// Forgets a transfer.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn abort(&mut self, kind: Kind) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Abort { kind })
    }

    /// Hands over a measured response.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn measure(
        &mut self,
        measurement: Measurement,
        next: Next,
    ) -> Result<Measured, Failure<T::Error>> {
        match self.request(&Request::Measure { measurement, next }, &[])? {
            Reply::Measured(measured) => Ok(measured),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Sends a spectrum, which the controller reduces to the response that it takes.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn measure_spectrum(
        &mut self,
        spectrum: &Sender<'_>,
        next: Next,
    ) -> Result<Measured, Failure<T::Error>> {
        match self.deliver(spectrum, Activation::Spectrum { next })? {
            Reply::Measured(measured) => Ok(measured),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Asks for the candidate to measure next.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn propose(&mut self, expose: bool) -> Result<Proposed, Failure<T::Error>> {
        match self.request(&Request::Propose { expose }, &[])? {
            Reply::Proposed(proposed) => Ok(proposed),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Exposes a candidate's pixel; returns the dose of the pixel and of the campaign, in µs.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn expose(&mut self, candidate: u32) -> Result<(u32, u64), Failure<T::Error>> {
        match self.request(&Request::Expose { candidate }, &[])? {
            Reply::Exposed {
                pixel_dose_us,
                total_dose_us,
            } => Ok((pixel_dose_us, total_dose_us)),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Blanks the beam.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn blank(&mut self) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Blank)
    }

    /// Excludes a region of the image from all further proposals.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn exclude(&mut self, region: Region) -> Result<(), Failure<T::Error>> {
        self.done(&Request::Exclude(region))
    }

    /// Ends a campaign.
    ///
    /// # Errors
    /// [`Failure`]
    pub fn end(&mut self, campaign: u32) -> Result<(), Failure<T::Error>> {
        self.done(&Request::End { campaign })
    }

    fn progress(&mut self, request: &Request, raw: &[u8]) -> Result<u32, Failure<T::Error>> {
        match self.request(request, raw)? {
            Reply::Progress { received } => Ok(received),
            _ => Err(Failure::Unexpected),
        }
    }

    /// Sends until a reply comes or the attempts are used up.
    fn exchange(
        &mut self,
        kind: FrameKind,
        message: &impl Serialize,
        raw: &[u8],
    ) -> Result<Answer, Failure<T::Error>> {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            version: self.version,
            kind,
            sequence: self.sequence,
        };
        let length = frame::encode(header, message, raw, &mut self.out)
            .map_err(|frame::TooLong| Failure::TooLong)?;
        count(&mut self.statistics.requests);
        let (mut timeout_ms, mut rubbish, mut waited_ms) = (self.timing.reply_ms, 0, 0);
        let (mut attempt, mut repeated) = (0, 0);
        while attempt < self.timing.attempts {
            attempt += 1;
            let frame = self.out.get(..length).unwrap_or_default();
            self.transport.send(frame).map_err(Failure::Transport)?;
            count(&mut self.statistics.sent);
            self.statistics.retries = self.statistics.retries.saturating_add(repeated);
            repeated = 1;
            let mut patience = timeout_ms;
            while let Some(answer) = self.await_frame(patience, &mut rubbish)? {
                let Answer::Reply(Reply::Busy { milliseconds }) = answer else {
                    return Ok(answer);
                };
                count(&mut self.statistics.busy);
                // The controller has the request: the client waits and counts no attempt.
                attempt = 0;
                patience = milliseconds.max(1);
                waited_ms = patience.saturating_add(waited_ms);
                if waited_ms > self.timing.patience_ms {
                    self.connected = false;
                    return Err(Failure::StillBusy);
                }
            }
            if attempt > 0 {
                timeout_ms = timeout_ms.saturating_mul(2).min(self.timing.longest_ms);
            }
        }
        count(&mut self.statistics.given_up);
        self.connected = false;
        Err(Failure::NoReply {
            attempts: self.timing.attempts,
            rubbish,
        })
    }

    /// Waits for a reply to the present request.
    fn await_frame(
        &mut self,
        patience_ms: u32,
        rubbish: &mut u32,
    ) -> Result<Option<Answer>, Failure<T::Error>> {
        let deadline = self
            .transport
            .now_ms()
            .saturating_add(u64::from(patience_ms));
        loop {
            while let Some(byte) = self.inbox.pop_front() {
                count(rubbish);
                if self.decoder.push(byte)
                    && let Some(answer) = self.read_frame()
                {
                    return Ok(Some(answer));
                }
            }
            let now = self.transport.now_ms();
            if now >= deadline {
                return Ok(None);
            }
            let mut bytes = [0; 256];
            let left = u32::try_from(deadline - now).unwrap_or(u32::MAX);
            let length = self
                .transport
                .receive(&mut bytes, left)
                .map_err(Failure::Transport)?;
            for &byte in bytes.get(..length).unwrap_or_default() {
                // The queue is empty here and holds more than one read.
                self.inbox.push_back(byte).unwrap_or_default();
            }
        }
    }

    fn read_frame(&mut self) -> Option<Answer> {
        let frame = self.decoder.frame()?;
        let answer = match frame.header.kind {
            _ if frame.header.sequence != self.sequence => None,
            FrameKind::Identity => frame
                .message()
                .ok()
                .map(|(identity, _)| Answer::Identity(identity)),
            FrameKind::Reply if frame.header.version == self.version => {
                let reply = frame.message::<Reply>().ok();
                let fitting = reply.filter(|(reply, raw)| raw.is_empty() || reply.carries_raw());
                fitting.map(|(reply, _)| Answer::Reply(reply))
            }
            _ => None,
        };
        if answer.is_none() {
            count(&mut self.statistics.stale);
        }
        answer
    }
}

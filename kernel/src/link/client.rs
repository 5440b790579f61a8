//! The host's end: requests with time-outs, retries and back-off, over any transport.

mod failure;
mod requests;
mod transfers;

use serde::Serialize;

use super::frame::{self, Decoder, FrameKind, Header, MAX_BODY, MAX_FRAME, MAX_RAW, count};
use super::message::{Hello, Identity, Refusal, Reply, Request};
use super::{PROTOCOL_CURRENT, PROTOCOL_MIN};

pub use failure::Failure;
pub use transfers::Upload;

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

    /// How long the client waits and how often it tries, from the next request on.
    pub fn timing_mut(&mut self) -> &mut Timing {
        &mut self.timing
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

//! Which requests are new: the controller's side of stop-and-wait.
//!
//! A host says hello with any sequence number; every request after it counts one up. A request with
//! the number and the CRC of the last one is a repetition: its reply was lost, and the controller
//! sends that reply again without carrying the request out a second time. The controller refuses
//! any other number as out of sequence, so that two hosts on one port notice each other.

use super::frame::Frame;
use super::message::{Hello, OtherHost, Refusal};

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Carry it out.
    New,
    /// Send the last reply again.
    Repeated,
    /// Nobody said hello.
    NotConnected,
    /// Not the one that follows.
    OutOfSequence { expected: u16 },
}

impl Verdict {
    pub(super) fn refusal(self) -> Option<Refusal> {
        match self {
            Self::New | Self::Repeated => None,
            Self::NotConnected => Some(Refusal::NotConnected),
            Self::OutOfSequence { expected } => Some(Refusal::OutOfSequence { expected }),
        }
    }
}

/// The last request that the controller took.
#[derive(Clone, Copy)]
struct Taken {
    host: u32,
    sequence: u16,
    crc: u32,
}

/// The host that is connected and the number of its last request.
#[derive(Clone, Copy, Default)]
pub(super) struct Peer {
    last: Option<Taken>,
}

impl Peer {
    /// Whether anybody said hello.
    pub(super) fn is_connected(&self) -> bool {
        self.last.is_some()
    }

    /// Whether a frame is the last one again.
    pub(super) fn is_repetition(&self, frame: &Frame<'_>) -> bool {
        self.last
            .is_some_and(|last| last.sequence == frame.header.sequence && last.crc == frame.crc)
    }

    /// What to do with a request.
    pub(super) fn judge(&self, frame: &Frame<'_>) -> Verdict {
        let Some(last) = self.last else {
            return Verdict::NotConnected;
        };
        let expected = last.sequence.wrapping_add(1);
        if self.is_repetition(frame) {
            Verdict::Repeated
        } else if frame.header.sequence == expected {
            Verdict::New
        } else {
            Verdict::OutOfSequence { expected }
        }
    }

    /// Remembers a request that is carried out.
    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        if let Some(last) = &mut self.last {
            last.sequence = frame.header.sequence;
            last.crc = frame.crc;
        }
    }

    /// Takes a hello; returns the host that spoke before, if it was another one.
    pub(super) fn greet(
        &mut self,
        hello: Hello,
        frame: &Frame<'_>,
        silent_ms: u64,
    ) -> Option<OtherHost> {
        let before = self.last.replace(Taken {
            host: hello.host,
            sequence: frame.header.sequence,
            crc: frame.crc,
        });
        let host = before?.host;
        (host != hello.host).then(|| OtherHost {
            host,
            silent_ms: u32::try_from(silent_ms).unwrap_or(u32::MAX),
        })
    }
}

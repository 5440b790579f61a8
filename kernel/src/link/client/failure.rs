//! Why a request failed, and what to do about it.

use core::fmt;

use super::super::frame::MAX_RAW;
use super::super::message::Refusal;
use super::super::{PROTOCOL_CURRENT, PROTOCOL_MIN};
use crate::Error;

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

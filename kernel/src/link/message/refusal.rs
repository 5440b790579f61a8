//! The reasons for which a controller refuses a request, in the form that travels.

mod kernel_error;

pub use kernel_error::KernelError;

use core::fmt;

use serde::{Deserialize, Serialize};

use super::beam::Settings;
use super::status::BeamFault;
use crate::Error;

const MICROSECONDS_A_SECOND: u64 = 1_000_000;

/// Why the controller refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// The kernel refused.
    Kernel(KernelError),
    /// No host has said hello since the controller was reset.
    NotConnected,
    /// The sequence number neither repeats nor follows the last one: another host speaks, or
    /// this one skipped.
    OutOfSequence {
        /// What would have followed.
        expected: u16,
    },
    /// The frame was intact, but its message is unknown in this protocol version.
    Undecodable,
    /// A campaign is running: end it first.
    CampaignRunning {
        /// Its id.
        id: u32,
    },
    /// No campaign with this id, or none at all.
    NoCampaign,
    /// The campaign has ended.
    CampaignEnded,
    /// A setting out of range.
    Setting {
        /// Which one.
        which: Which,
        /// What would be accepted at most, or at least.
        limit: u64,
    },
    /// The image in the transfer is not the one the campaign was begun with.
    ImageMismatch,
    /// No transfer of this kind was begun.
    NoTransfer,
    /// More than there is room for.
    TooLarge {
        /// Elements offered.
        needed: u32,
        /// Elements that fit.
        capacity: u32,
    },
    /// A chunk past the end, or one that splits an element.
    Chunk,
    /// A transfer that is not complete.
    Incomplete {
        /// Bytes received so far.
        received: u32,
        /// Bytes announced.
        length: u32,
    },
    /// The whole of a transfer does not have its CRC; it starts again at 0.
    Checksum,
    /// A spectrum came, and no scalarizer was configured.
    NoScalarizer,
    /// The exposure would exceed what one pixel may get.
    PixelDose {
        /// What it has had, in µs.
        used_us: u32,
        /// What it may get, in µs.
        limit_us: u32,
    },
    /// The exposure would exceed what the campaign may use.
    TotalDose {
        /// What was used, in µs.
        used_us: u64,
        /// What may be used, in µs.
        limit_us: u64,
    },
    /// What drives the beam is not ready; the beam is blanked as far as it can be. Since version 2.
    Beam(BeamFault),
}

impl Refusal {
    /// The refusal as a host of this protocol version can read it. To one of version 1 a fault of
    /// what drives the beam, and what is wrong with the number of responses, is [`Self::Undecodable`]: its
    /// version has no word for it, and the advice to update both ends is right.
    #[must_use]
    pub fn within(self, version: u8) -> Self {
        match self {
            Self::Beam(_) if version < 2 => Self::Undecodable,
            Self::Kernel(error) if version < 2 => error
                .in_first_version()
                .map_or(Self::Undecodable, Self::Kernel),
            refusal => refusal,
        }
    }
}

/// A setting that was out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Which {
    /// Dwell, in µs.
    Dwell,
    /// Settling time, in µs.
    Settle,
    /// Dose limit per pixel, in µs; it may only fall once a campaign has used some.
    PixelDose,
    /// Dose limit of the campaign, in µs; it may only fall once a campaign has used some.
    TotalDose,
    /// Link time-out, in ms.
    LinkTimeout,
    /// The field of the image.
    Field,
    /// A scalarizer's window.
    Scalarizer,
    /// The origin of responses: a finite number.
    Origin,
    /// Rate of the line, in bits a second; the limit is the nearest that the board has, 0 where it
    /// has one rate only. Since version 2.
    Baud,
    /// Longest wait for the detector, in ms; the limit is 0 where the board has no such input.
    /// Since version 2.
    Ready,
    /// The line that tells the detector that the beam is on, which the board has not. Since version
    /// 2.
    Gate,
    /// A detector, which the board has not. Since version 2.
    Detector,
    /// Rows, columns or frames of an overview. Since version 2.
    Raster,
}

impl Which {
    const fn name(self) -> &'static str {
        match self {
            Self::Dwell => "dwell in µs",
            Self::Settle => "settling time in µs",
            Self::PixelDose => "dose limit per pixel in µs",
            Self::TotalDose => "total dose limit in µs",
            Self::LinkTimeout => "link time-out in ms",
            Self::Field => "field of the image",
            Self::Scalarizer => "window of the scalarizer",
            Self::Origin => "origin of responses",
            Self::Baud => "baud rate",
            Self::Ready => "wait for the detector in ms",
            Self::Gate => "gate output",
            Self::Detector => "detector",
            Self::Raster => "rows, columns or frames of an overview",
        }
    }
}

/// Says that a time has to be so many seconds at least, or at most.
fn out_of_range(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    is_least: bool,
    seconds: f64,
) -> fmt::Result {
    let bound = if is_least { "least" } else { "most" };
    write!(f, "{name} is out of range: expected at {bound} {seconds} s")
}

/// Says which setting is refused, and what would be accepted.
fn setting(f: &mut fmt::Formatter<'_>, which: Which, limit: u64) -> fmt::Result {
    match which {
        Which::Origin => f.write_str("the origin of responses is no finite number"),
        Which::Ready if limit == 0 => f.write_str("the board has no ready input: leave it out"),
        Which::Gate => f.write_str("the board has no gate output: leave it out"),
        Which::Detector => f.write_str("the board has no detector: acquire with an instrument"),
        Which::Baud if limit == 0 => {
            f.write_str("the board's line has one rate only: leave the other one out")
        }
        Which::Baud => write!(
            f,
            "the board cannot run its line at that rate: the nearest that it has is {limit} baud"
        ),
        // Those that have a least value too say which one it is.
        Which::Dwell => {
            let is_least = limit < Settings::LONGEST_US.into();
            out_of_range(f, "dwell", is_least, limit as f64 / 1e6)
        }
        Which::LinkTimeout => {
            let is_least = limit < (*Settings::TIMEOUTS_MS.end()).into();
            out_of_range(f, "link time-out", is_least, limit as f64 / 1e3)
        }
        _ => {
            write!(f, "{} is out of range: the limit is {limit}", which.name())?;
            match limit / MICROSECONDS_A_SECOND {
                0 => Ok(()),
                seconds if which.name().ends_with("µs") => write!(f, " ({seconds} s)"),
                _ => Ok(()),
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Kernel(error) => Error::from(error).fmt(f),
            Self::NotConnected => f.write_str(
                "the controller knows no host: it was reset; connect again and look at its status",
            ),
            Self::OutOfSequence { expected } => write!(
                f,
                "the controller expected request {expected}: another host may be on the same \
                 port; close it, then connect again"
            ),
            Self::Undecodable => f.write_str(
                "the controller could not read an intact frame: host and firmware disagree about \
                 the protocol; update both",
            ),
            Self::CampaignRunning { id } => {
                write!(
                    f,
                    "campaign {id:#010x} is running: resume it or end it first"
                )
            }
            Self::NoCampaign => f.write_str("no such campaign on the controller: begin one first"),
            Self::CampaignEnded => f.write_str("the campaign has ended: begin another"),
            Self::Setting { which, limit } => setting(f, which, limit),
            Self::ImageMismatch => {
                f.write_str("the image is not of the shape that the campaign was begun with")
            }
            Self::NoTransfer => f.write_str("no such transfer was begun: begin it first"),
            Self::TooLarge { needed, capacity } => {
                write!(
                    f,
                    "{needed} values do not fit: there is room for {capacity}"
                )
            }
            Self::Chunk => {
                f.write_str("a chunk past the end of its transfer, or one that splits a value")
            }
            Self::Incomplete { received, length } => {
                write!(
                    f,
                    "only {received} of {length} bytes have arrived: send the rest first"
                )
            }
            Self::Checksum => f.write_str("the transfer does not have its checksum: send it again"),
            Self::NoScalarizer => {
                f.write_str("a spectrum without a scalarizer: configure one first")
            }
            Self::PixelDose { used_us, limit_us } => write!(
                f,
                "the pixel has had {used_us} of {limit_us} µs: another dwell would exceed it"
            ),
            Self::TotalDose { used_us, limit_us } => write!(
                f,
                "{used_us} of {limit_us} µs of beam are used up: another dwell would exceed it"
            ),
            Self::Beam(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for Refusal {}

impl fmt::Display for BeamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => {
                "the scan generator does not answer: it is absent, stalled or was restarted; look \
                 at its power and at both directions of its line"
            }
            Self::Strange => {
                "the scan generator answers something else than it was asked: it speaks another \
                 protocol, or its line is disturbed"
            }
            Self::NotReady => {
                "the detector did not say in time that it is ready: the beam was not on; look at \
                 its state and at the ready line"
            }
        })
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Kernel(error.into())
    }
}

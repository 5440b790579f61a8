//! The controller's state: a host goes on from it where another host stopped.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Campaign, Measurement, Progress, Proposal, Spot};

/// The state of campaign, beam, link and board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Milliseconds since reset.
    pub uptime_ms: u64,
    /// Where the campaign stands.
    pub phase: Phase,
    /// The campaign.
    pub campaign: Option<Campaign>,
    /// CRC-32 of the loaded image as it was sent.
    pub image_crc: Option<u32>,
    /// Version of the active model.
    pub model: Option<u32>,
    /// CRC-32 of the active model's weights as they were sent.
    pub weights_crc: Option<u32>,
    /// Measurements accepted.
    pub measured: u32,
    /// The last of them.
    pub last: Option<Measurement>,
    /// Proposed and not measured yet.
    pub pending: Option<Proposal>,
    /// Exposed and not measured yet.
    pub exposed: Option<u32>,
    /// What the beam does.
    pub beam: Beam,
    /// Exposures of the campaign.
    pub exposures: u32,
    /// Dose of the campaign, in µs of beam.
    pub dose_us: u64,
    /// The image or weights on their way.
    pub transfer: Option<Progress>,
    /// The link.
    pub link: LinkStatistics,
    /// The board.
    pub health: Health,
}

/// Where the campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// None was begun.
    Idle,
    /// Begun, its image not committed yet.
    AwaitingImage,
    /// In progress.
    Running,
    /// Ended by the host; the measurements can still be read.
    Ended,
}

/// What the beam does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Beam {
    /// On a candidate's pixel.
    On {
        /// The candidate.
        candidate: u32,
    },
    /// Blanked.
    Blanked(BlankReason),
    /// On a place outside of any campaign. Since version 2.
    OnBench(Spot),
    /// On its way through an overview. Since version 2.
    Overview {
        /// Exposures begun, all frames included.
        exposures: u32,
    },
}

impl Beam {
    /// The beam as a host of this protocol version can read it. To one of version 1 the bench and
    /// an overview are a candidate that no campaign has.
    #[must_use]
    pub fn within(self, version: u8) -> Self {
        match self {
            Self::OnBench(_) | Self::Overview { .. } if version < 2 => Self::On {
                candidate: u32::MAX,
            },
            Self::Blanked(reason) => Self::Blanked(reason.within(version)),
            beam => beam,
        }
    }
}

/// Why the beam is blanked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlankReason {
    /// Nothing was exposed since reset.
    Reset,
    /// The last exposure is over.
    Between,
    /// The host said so.
    Request,
    /// Nothing was heard for longer than the link time-out.
    LinkLost,
    /// A dose limit was reached.
    DoseLimit,
    /// The campaign ended, or another one began.
    CampaignEnd,
    /// What drives the beam failed in the last exposure. Since version 2.
    Fault(BeamFault),
}

impl BlankReason {
    /// The reason as a host of this protocol version can read it. To one of version 1 a fault is a
    /// lost link: that too cuts an exposure short, and another may follow.
    #[must_use]
    pub fn within(self, version: u8) -> Self {
        match self {
            Self::Fault(_) if version < 2 => Self::LinkLost,
            reason => reason,
        }
    }
}

impl fmt::Display for BlankReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "nothing was exposed since reset",
            Self::Between => "between exposures",
            Self::Request => "the host said so",
            Self::LinkLost => "the link was lost",
            Self::DoseLimit => "a dose limit was reached",
            Self::CampaignEnd => "the campaign ended",
            Self::Fault(BeamFault::Silent) => "the scan generator did not answer",
            Self::Fault(BeamFault::Strange) => "the scan generator answered something else",
            Self::Fault(BeamFault::NotReady) => "the detector was not ready in time",
        })
    }
}

/// What is wrong with what drives the beam, a board's scan generator, or with what the beam waits
/// for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BeamFault {
    /// It does not answer: it is absent, stalled or was restarted.
    Silent,
    /// It answers something else than it was asked.
    Strange,
    /// The detector's line did not say in time that it is ready: the beam was never on.
    NotReady,
}

/// What the link has seen since reset or since the counters were reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatistics {
    /// Frames that passed every check.
    pub frames: u32,
    /// Frames that were longer than the buffer.
    pub overflows: u32,
    /// Frames whose byte stuffing was broken.
    pub cobs_errors: u32,
    /// Frames too short to be any.
    pub runts: u32,
    /// Frames whose CRC was wrong.
    pub crc_errors: u32,
    /// Frames of another protocol version.
    pub version_errors: u32,
    /// Frames with a right CRC and an unknown message.
    pub decode_errors: u32,
    /// Repeated requests, which the controller answered with the reply it had kept.
    pub duplicates: u32,
    /// Requests out of sequence.
    pub out_of_sequence: u32,
    /// Times the link was silent for longer than the time-out.
    pub losses: u32,
}

/// Stack, memory, lost bytes and resets of the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Most bytes of stack that were ever in use.
    pub stack_high_water: u32,
    /// Bytes reserved for the stack.
    pub stack_size: u32,
    /// Bytes of static memory.
    pub static_ram: u32,
    /// Bytes that the receive queue had no room for.
    pub lost_bytes: u32,
    /// Resets by the watchdog since power-on.
    pub watchdog_resets: u32,
}

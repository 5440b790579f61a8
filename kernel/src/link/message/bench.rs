//! What a board does outside of any campaign, on the bench, and its signals to a detector.

use serde::{Deserialize, Serialize};

/// A place in the deflection range, in 1/65536 of it, origin top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// To the right.
    pub x: u16,
    /// Downwards.
    pub y: u16,
}

impl Spot {
    /// The middle of the range.
    pub const MIDDLE: Self = Self {
        x: 1 << 15,
        y: 1 << 15,
    };
}

/// An exposure that belongs to no campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Where; `None` is where the bench had the beam last, or [`Spot::MIDDLE`].
    pub at: Option<Spot>,
    /// How long the beam stays on, in µs.
    pub dwell_us: u32,
}

/// Lines between the board and a detector, both unused until a host asks for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// Every exposure waits, blanked, until the detector's line says that it is ready, for so many
    /// ms at most; `None` does not look at the line.
    pub ready_ms: Option<u32>,
    /// Whether a line tells the detector that the beam is on, for exactly the dwell.
    pub gate: bool,
}

impl Signals {
    /// Accepted waits for the detector, in ms: up to a minute.
    pub const WAITS_MS: core::ops::RangeInclusive<u32> = 1..=60_000;
}

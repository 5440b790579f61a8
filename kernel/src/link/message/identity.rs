//! The handshake. Its two messages keep their layout through all protocol versions: later ones
//! may only append, and what follows the known fields is ignored.

use heapless::String;
use serde::{Deserialize, Serialize};

use super::{Capacity, WindowLimits};

/// The host's greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Oldest protocol version the host speaks.
    pub protocol_min: u8,
    /// Newest.
    pub protocol_current: u8,
    /// Chosen at random by every host process, to tell two of them apart.
    pub host: u32,
}

/// The controller's board, firmware, protocol versions and capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Oldest protocol version the controller speaks.
    pub protocol_min: u8,
    /// Newest.
    pub protocol_current: u8,
    /// Name of the board.
    pub board: String<24>,
    /// Version and build of the firmware.
    pub build: String<48>,
    /// Core clock in Hz; 0 when it has none.
    pub clock_hz: u32,
    /// How large a campaign may be.
    pub capacity: Capacity,
    /// Windows that its networks take.
    pub windows: WindowLimits,
    /// Most raw bytes in a frame.
    pub max_raw: u16,
    /// Milliseconds since reset.
    pub uptime_ms: u64,
    /// Length of the last panic's message; 0 when there was none.
    pub last_panic: u16,
    /// The host that spoke before, if it was another one.
    pub other: Option<OtherHost>,
}

/// A host that spoke on this link before the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherHost {
    /// What it called itself.
    pub host: u32,
    /// How long ago it was last heard, in ms. A short time says that it is alive.
    pub silent_ms: u32,
}

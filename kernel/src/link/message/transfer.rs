//! What a transfer is described by: its kind, its shape and how its values travel.

use serde::{Deserialize, Serialize};

use super::{Architecture, Refusal};
use crate::Network;

/// What kind of data a transfer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The image of the campaign.
    Image,
    /// Weights of the network.
    Weights,
    /// A spectrum of one candidate.
    Spectrum,
}

/// What a transfer carries, with its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// Pixels, row-major.
    Image {
        /// Rows.
        height: u16,
        /// Columns.
        width: u16,
    },
    /// Flat weights in the order of [`crate::network::Layout`].
    Weights {
        /// Architecture of their network.
        architecture: Architecture,
        /// Its window, in pixels.
        window: u16,
    },
    /// Channels in order.
    Spectrum {
        /// The candidate it was measured at.
        candidate: u32,
        /// Number of channels.
        channels: u16,
    },
}

/// How each value travels, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// IEEE single precision.
    F32,
    /// IEEE half precision: half the time, three digits.
    F16,
}

impl Encoding {
    /// Bytes of a value.
    pub const fn size(self) -> u32 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// How the weights of a network travel: in half precision, of which a hand-over takes half the time; those
    /// of [`Architecture::Filters`](crate::Architecture::Filters) fit in one frame as they are.
    pub const fn of_weights(architecture: crate::Architecture) -> Self {
        match architecture {
            crate::Architecture::Valid | crate::Architecture::Same => Self::F16,
            crate::Architecture::Filters => Self::F32,
        }
    }

    /// What the other end makes of a value.
    pub fn round(self, value: f32) -> f32 {
        match self {
            Self::F32 => value,
            Self::F16 => half::f16::from_f32_const(value).to_f32_const(),
        }
    }
}

// A weight that a model may have does not overflow on its way.
const _: () = assert!(crate::LARGEST_WEIGHT <= half::f16::MAX.to_f32_const());

/// What a transfer is going to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// What it carries.
    pub payload: Payload,
    /// How each value travels.
    pub encoding: Encoding,
    /// CRC-32 of all its bytes.
    pub crc: u32,
}

impl Payload {
    /// The protocol version that it belongs to.
    pub const fn since(self) -> u8 {
        match self {
            Self::Weights {
                architecture: Architecture::Filters,
                ..
            } => 2,
            _ => 1,
        }
    }

    /// Its kind.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Image { .. } => Kind::Image,
            Self::Weights { .. } => Kind::Weights,
            Self::Spectrum { .. } => Kind::Spectrum,
        }
    }

    /// Number of values.
    ///
    /// # Errors
    /// [`Refusal::Kernel`] for weights of a network that does not exist.
    pub fn values(self) -> Result<u32, Refusal> {
        match self {
            Self::Image { height, width } => Ok(u32::from(height) * u32::from(width)),
            Self::Weights {
                architecture,
                window,
            } => {
                let network = Network::new(architecture.into(), usize::from(window))?;
                Ok(network.weight_count() as u32)
            }
            Self::Spectrum { channels, .. } => Ok(u32::from(channels)),
        }
    }
}

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What it is going to be.
    pub descriptor: Descriptor,
    /// Bytes received in order.
    pub received: u32,
}

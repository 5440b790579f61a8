//! What a line of the bridge's protocol holds; `host/bridge/README.md` documents it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Name of the protocol, said by both sides.
pub(super) const PROTOCOL: &str = "beacon-bridge";
/// Version that this host speaks.
pub(super) const VERSION: u32 = 1;

/// A call with its number; calls are numbered from 1 on each connection.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) call: Call<'a>,
}

/// What the instrument is asked.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "call", rename_all = "lowercase")]
pub(super) enum Call<'a> {
    Hello {
        protocol: &'static str,
        versions: [u32; 1],
    },
    Overview,
    Move {
        x: f64,
        y: f64,
    },
    Acquire {
        key: &'a str,
        x: f64,
        y: f64,
        /// In seconds of live time.
        dwell: f64,
    },
    Blank,
    /// Comes first and alone, on a connection of its own.
    Abort,
}

impl Call<'_> {
    pub(super) const HELLO: Self = Self::Hello {
        protocol: PROTOCOL,
        versions: [VERSION],
    };

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Overview => "overview",
            Self::Move { .. } => "move",
            Self::Acquire { .. } => "acquire",
            Self::Blank => "blank",
            Self::Abort => "abort",
        }
    }

    /// Whether the beam is on while it is carried out.
    pub(super) fn exposes(&self) -> bool {
        matches!(self, Self::Overview | Self::Acquire { .. })
    }
}

/// The answer to a call, or why there is none.
#[derive(Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
pub(super) struct Reply<R> {
    pub(super) id: Option<u64>,
    pub(super) ok: Option<R>,
    pub(super) error: Option<Refusal>,
}

/// Why a call was not carried out.
#[derive(Deserialize)]
pub(super) struct Refusal {
    pub(super) kind: String,
    pub(super) message: String,
}

/// What answers `hello`, once protocol and version have been found to be ours.
#[derive(Deserialize)]
pub(super) struct Hello {
    pub(super) instrument: Instrument,
    pub(super) channels: ChannelAxis,
    /// How long the beam is on for an overview.
    pub(super) overview_seconds: f64,
    pub(super) beam: BeamState,
}

/// Which instrument it is; equal for the same one only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Instrument {
    pub(super) name: String,
    pub(super) identity: String,
}

/// The axis along a spectrum; `None` is what the instrument does not tell.
#[derive(Deserialize)]
pub(super) struct ChannelAxis {
    pub(super) size: usize,
    pub(super) offset: Option<f64>,
    pub(super) scale: Option<f64>,
    pub(super) name: String,
    pub(super) units: String,
    /// What is recorded.
    pub(super) quantity: String,
    /// Units of what is recorded.
    pub(super) values: String,
}

#[derive(Deserialize)]
pub(super) struct BeamState {
    pub(super) current_pa: Option<f64>,
    pub(super) overview_dwell_seconds: Option<f64>,
}

/// What answers `overview`.
#[derive(Deserialize)]
pub(super) struct Overview {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Row-major.
    pub(super) values: Vec<f64>,
    pub(super) pixel: Option<Pixel>,
    pub(super) quantity: String,
    pub(super) units: String,
    pub(super) beam: BeamState,
}

/// Size of a pixel.
#[derive(Deserialize)]
pub(super) struct Pixel {
    pub(super) height: f64,
    pub(super) width: f64,
    pub(super) units: String,
}

/// What answers `acquire`.
#[derive(Deserialize)]
pub(super) struct Spectrum {
    pub(super) key: String,
    pub(super) detectors: usize,
    /// The spectra of the detectors, one after the other.
    pub(super) values: Vec<f64>,
    pub(super) live_seconds: f64,
    pub(super) real_seconds: f64,
    /// Exposures begun under this key that left no spectrum.
    pub(super) interrupted: u32,
}

/// What answers a call that has nothing to tell.
#[derive(Deserialize)]
pub(super) struct Done {}

/// What answers `hello`, before it is known whether it is the protocol.
pub(super) type Unknown = Value;

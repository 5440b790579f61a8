//! One or more of every message of the protocol, with values that use every field.

mod refusals;
mod replies;
mod requests;

pub use refusals::{kernel_errors, refusals};
pub use replies::{replies, reply_variant};
pub use requests::{request_variant, requests};

use beacon_kernel::link::message::{
    Architecture, Campaign, Capacity, DoseLimits, Exposed, Field, Hello, Identity, Measurement,
    OtherHost, Prediction, Proposal, Proposed, Settings, Standardisation, WindowLimits,
};
use beacon_kernel::link::scalarizer::{Scalarizer, Window};
use beacon_kernel::link::transfer::{Descriptor, Encoding, Payload};

const CAMPAIGN: Campaign = Campaign {
    id: 0xDEAD_BEEF,
    seed: 0x0123_4567_89AB_CDEF,
    height: 64,
    width: 300,
    window: 16,
};

const STANDARDISATION: Standardisation = Standardisation {
    mean: -1.5,
    scale: 0.25,
};

const SETTINGS: Settings = Settings {
    dwell_us: 1_000,
    settle_us: 10,
    dose: DoseLimits {
        pixel_us: 1_000_000,
        total_us: 3_600_000_000,
    },
    link_timeout_ms: 5_000,
    field: Field {
        left: 100,
        top: 200,
        right: 65_536,
        bottom: 60_000,
    },
};

const SCALARIZER: Scalarizer = Scalarizer {
    signal: Window {
        start: 10,
        end: 300,
    },
    background: Some((
        Window { start: 2, end: 6 },
        Window {
            start: 301,
            end: 2048,
        },
    )),
};

const MEASUREMENT: Measurement = Measurement {
    candidate: 3599,
    value: 1.5,
};

const PROPOSAL: Proposal = Proposal {
    candidate: 3599,
    row: 8,
    column: 500,
    step: 319,
    score: -0.75,
    prediction: Some(Prediction {
        mean: 2.0,
        sigma: 0.125,
    }),
};

const PROPOSED: Proposed = Proposed {
    proposal: PROPOSAL,
    exposure: Exposed::Yes,
};

const IMAGE: Descriptor = Descriptor {
    payload: Payload::Image {
        height: 64,
        width: 300,
    },
    encoding: Encoding::F32,
    crc: 0xCBF4_3926,
};

const WEIGHTS: Descriptor = Descriptor {
    payload: Payload::Weights {
        architecture: Architecture::Valid,
        window: 16,
    },
    encoding: Encoding::F16,
    crc: 0xCBF4_3926,
};

const SPECTRUM: Descriptor = Descriptor {
    payload: Payload::Spectrum {
        candidate: 3599,
        channels: 2048,
    },
    encoding: Encoding::F32,
    crc: 0xCBF4_3926,
};

/// The greeting.
pub const HELLO: Hello = Hello {
    protocol_min: 1,
    protocol_current: 1,
    host: 0xDEAD_BEEF,
};

/// What answers it, with and without another host.
///
/// # Panics
/// Never: the names fit.
pub fn identities() -> [Identity; 2] {
    let identity = Identity {
        protocol_min: 1,
        protocol_current: 1,
        board: "nucleo-h743zi".try_into().unwrap(),
        build: "0.1.0 release".try_into().unwrap(),
        clock_hz: 480_000_000,
        // That of the first release.
        capacity: Capacity {
            image_pixels: 4096,
            image_width: 64,
            candidates: 3600,
            measurements: 320,
            window: 16,
        },
        windows: WindowLimits {
            valid_from: 10,
            same_from: 4,
            largest: 16,
        },
        max_raw: 1024,
        uptime_ms: 86_400_000,
        last_panic: 40,
        other: None,
    };
    let met = Identity {
        other: Some(OtherHost {
            host: 7,
            silent_ms: 1500,
        }),
        ..identity.clone()
    };
    [identity, met]
}

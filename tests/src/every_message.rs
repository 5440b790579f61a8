//! One or more of every message of the protocol, with values that use every field.

use beacon_kernel::Error;
use beacon_kernel::link::message::{
    Acquisition, Activation, Architecture, Beam, BeamFault, BlankReason, Campaign, Capacity,
    Configuration, DoseLimits, Exposed, Field, Followed, Health, Hello, Hyperparameters, Identity,
    KernelError, LinkStatistics, Measured, Measurement, ModelHeader, Next, OtherHost, Phase,
    Prediction, Proposal, Proposed, References, Refusal, Region, Reply, Request, Sampling,
    Settings, Standardisation, Status, Strategy, Which, WindowLimits,
};
use beacon_kernel::link::scalarizer::{Scalarizer, Window};
use beacon_kernel::link::transfer::{Descriptor, Encoding, Kind, Payload, Progress};
use beacon_kernel::{self as kernel, Candidate};

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

fn acquisition(strategy: Strategy, references: References, sampling: Sampling) -> Acquisition {
    Acquisition {
        strategy,
        k: 10,
        references,
        sampling,
        elite_share: 0.2,
        beta: 4.0,
    }
}

/// Every request, with raw bytes where it carries some.
pub fn requests() -> Vec<(Request, Vec<u8>)> {
    let model = ModelHeader {
        version: 300,
        hyperparameters: Hyperparameters {
            lengthscale: [0.5, 2.0],
            outputscale: 1.5,
            noise: 0.01,
            mean: -0.5,
        },
        standardisation: STANDARDISATION,
    };
    let mut all = vec![
        Request::Status,
        Request::Configuration,
        Request::Measurements { from: 300 },
        Request::Surrogate { from: 300 },
        Request::LastPanic { from: 300 },
        Request::ClearPanic,
        Request::ResetCounters,
        Request::Begin(CAMPAIGN),
        Request::Configure(SETTINGS),
        Request::Scalarize(SCALARIZER),
        Request::Scalarize(Scalarizer {
            background: None,
            ..SCALARIZER
        }),
        Request::Transfer(IMAGE),
        Request::Transfer(WEIGHTS),
        Request::Transfer(SPECTRUM),
        Request::Query { kind: Kind::Image },
        Request::Query {
            kind: Kind::Weights,
        },
        Request::Query {
            kind: Kind::Spectrum,
        },
        Request::Commit(Activation::Image),
        Request::Commit(Activation::Model(model)),
        Request::Commit(Activation::Spectrum { next: Next::Expose }),
        Request::Abort {
            kind: Kind::Weights,
        },
        Request::Propose { expose: false },
        Request::Propose { expose: true },
        Request::Expose { candidate: 3599 },
        Request::Blank,
        Request::End {
            campaign: CAMPAIGN.id,
        },
    ];
    let (first, later) = kernel::Strategy::ALL.split_at(7);
    for &strategy in first {
        let strategy = Strategy::from(strategy);
        all.push(Request::Choose(acquisition(
            strategy,
            References::Denoised,
            Sampling::Marginal,
        )));
    }
    all.push(Request::Choose(acquisition(
        Strategy::Beacon,
        References::Raw,
        Sampling::Joint,
    )));
    for next in [Next::Nothing, Next::Propose, Next::Expose] {
        all.push(Request::Measure {
            measurement: MEASUREMENT,
            next,
        });
    }
    all.push(Request::Transfer(Descriptor {
        payload: Payload::Weights {
            architecture: Architecture::Same,
            window: 5,
        },
        ..WEIGHTS
    }));
    let mut all: Vec<_> = all
        .into_iter()
        .map(|request| (request, Vec::new()))
        .collect();
    all.push((
        Request::Chunk {
            kind: Kind::Weights,
            offset: 1024,
        },
        vec![0, 1, 2, 3, 0, 0, 0x80, 0x3F],
    ));
    // What the version gained comes last, so that nothing before it moves.
    for &strategy in later {
        let acquisition = acquisition(strategy.into(), References::Denoised, Sampling::Marginal);
        all.push((Request::Choose(acquisition), Vec::new()));
    }
    all.push((Request::Origin { value: 26_005.25 }, Vec::new()));
    let region = Region {
        top: 3,
        bottom: 20,
        left: 0,
        right: 300,
    };
    all.push((Request::Exclude(region), Vec::new()));
    all
}

/// Every kind of kernel error.
pub fn kernel_errors() -> Vec<Error> {
    let candidate = Candidate(3599);
    vec![
        Error::Capacity {
            what: "pixels in a row",
            needed: 300,
            capacity: 64,
        },
        Error::Window {
            window: 3,
            smallest: 4,
            largest: 64,
        },
        Error::ImageShape {
            height: 8,
            width: 300,
            pixels: 2401,
        },
        Error::NoCandidates {
            height: 8,
            width: 300,
            window: 16,
        },
        Error::ModelWindow {
            found: 5,
            expected: 16,
        },
        Error::WeightCount {
            found: 5826,
            expected: 5058,
        },
        Error::NotFinite {
            what: "weight",
            index: 4000,
        },
        Error::Hyperparameter {
            name: "noise",
            value: 1e-9,
        },
        Error::Setting {
            name: "elite share",
            value: 1.5,
            accepted: "above 0 and at most 1",
        },
        Error::NoSuchCandidate {
            candidate,
            candidates: 2401,
        },
        Error::AlreadyMeasured { candidate },
        Error::ResponseNotFinite {
            candidate,
            response: 0,
        },
        Error::Outlier {
            candidate,
            response: 0,
        },
        Error::NotPositiveDefinite { row: 12 },
        Error::NoImage,
        Error::NoModel,
        Error::NoMeasurement,
        Error::Exhausted,
    ]
}

/// Every refusal.
pub fn refusals() -> Vec<Refusal> {
    let mut all: Vec<_> = kernel_errors()
        .into_iter()
        .map(|error| Refusal::Kernel(KernelError::from(error)))
        .collect();
    all.extend([
        Refusal::NotConnected,
        Refusal::OutOfSequence { expected: 4711 },
        Refusal::Undecodable,
        Refusal::CampaignRunning { id: CAMPAIGN.id },
        Refusal::NoCampaign,
        Refusal::CampaignEnded,
        Refusal::ImageMismatch,
        Refusal::NoTransfer,
        Refusal::TooLarge {
            needed: 19_200,
            capacity: 5826,
        },
        Refusal::Chunk,
        Refusal::Incomplete {
            received: 1024,
            length: 16_384,
        },
        Refusal::Checksum,
        Refusal::NoScalarizer,
        Refusal::PixelDose {
            used_us: 1_000_000,
            limit_us: 1_000_500,
        },
        Refusal::TotalDose {
            used_us: 3_600_000_000,
            limit_us: 3_600_000_500,
        },
    ]);
    for which in [
        Which::Dwell,
        Which::Settle,
        Which::PixelDose,
        Which::TotalDose,
        Which::LinkTimeout,
        Which::Field,
        Which::Scalarizer,
    ] {
        all.push(Refusal::Setting {
            which,
            limit: 60_000_000,
        });
    }
    all
}

fn statuses() -> Vec<Status> {
    let idle = Status {
        uptime_ms: 300,
        phase: Phase::Idle,
        campaign: None,
        image_crc: None,
        model: None,
        weights_crc: None,
        measured: 0,
        last: None,
        pending: None,
        exposed: None,
        beam: Beam::Blanked(BlankReason::Reset),
        exposures: 0,
        dose_us: 0,
        transfer: None,
        link: LinkStatistics::default(),
        health: Health::default(),
    };
    let running = Status {
        uptime_ms: 86_400_000,
        phase: Phase::Running,
        campaign: Some(CAMPAIGN),
        image_crc: Some(1),
        model: Some(300),
        weights_crc: Some(0xCBF4_3926),
        measured: 320,
        last: Some(MEASUREMENT),
        pending: Some(PROPOSAL),
        exposed: Some(3599),
        beam: Beam::On { candidate: 3599 },
        exposures: 321,
        dose_us: 321_000,
        transfer: Some(Progress {
            descriptor: WEIGHTS,
            received: 2048,
        }),
        link: LinkStatistics {
            frames: 1000,
            overflows: 1,
            cobs_errors: 2,
            runts: 3,
            crc_errors: 4,
            version_errors: 5,
            decode_errors: 6,
            duplicates: 7,
            out_of_sequence: 8,
            losses: 9,
        },
        health: Health {
            stack_high_water: 5_000,
            stack_size: 16_384,
            static_ram: 408_236,
            lost_bytes: 10,
            watchdog_resets: 11,
        },
    };
    let mut all = vec![idle.clone(), running];
    for reason in [
        BlankReason::Between,
        BlankReason::Request,
        BlankReason::LinkLost,
        BlankReason::DoseLimit,
        BlankReason::CampaignEnd,
    ] {
        all.push(Status {
            beam: Beam::Blanked(reason),
            ..idle.clone()
        });
    }
    for phase in [Phase::AwaitingImage, Phase::Ended] {
        all.push(Status {
            phase,
            ..idle.clone()
        });
    }
    all
}

/// Every reply, with raw bytes where it carries some.
pub fn replies() -> Vec<(Reply, Vec<u8>)> {
    let measured = |next| {
        Reply::Measured(Measured {
            count: 320,
            value: 1.5,
            next,
        })
    };
    let exhausted = Refusal::from(Error::Exhausted);
    let mut all = vec![
        Reply::Done,
        Reply::Busy { milliseconds: 1500 },
        Reply::Configuration(Configuration {
            acquisition: kernel::Acquisition::new(kernel::Strategy::Beacon).into(),
            settings: SETTINGS,
            scalarizer: Some(SCALARIZER),
        }),
        Reply::Configuration(Configuration {
            acquisition: kernel::Acquisition::new(kernel::Strategy::Beacon).into(),
            settings: SETTINGS,
            scalarizer: None,
        }),
        Reply::Progress { received: 5000 },
        measured(Followed::Nothing),
        measured(Followed::Proposed(PROPOSED)),
        measured(Followed::Refused(exhausted)),
        Reply::Proposed(PROPOSED),
        Reply::Proposed(Proposed {
            proposal: Proposal {
                prediction: None,
                ..PROPOSAL
            },
            exposure: Exposed::No,
        }),
        Reply::Proposed(Proposed {
            proposal: PROPOSAL,
            exposure: Exposed::Refused(Refusal::TotalDose {
                used_us: 1,
                limit_us: 2,
            }),
        }),
        Reply::Exposed {
            pixel_dose_us: 1000,
            total_dose_us: 321_000,
        },
    ];
    all.extend(statuses().into_iter().map(Reply::Status));
    all.extend(refusals().into_iter().map(Reply::Refused));
    let mut all: Vec<_> = all.into_iter().map(|reply| (reply, Vec::new())).collect();
    all.extend([
        (
            Reply::Measurements { from: 2, total: 3 },
            vec![15, 14, 0, 0, 0, 0, 0xC0, 0x3F],
        ),
        (
            Reply::Surrogate {
                from: 0,
                total: 3600,
                noise: 0.01,
                standardisation: STANDARDISATION,
            },
            vec![0, 0, 0x80, 0x3F, 0, 0, 0, 0x3F],
        ),
        (Reply::LastPanic { from: 0, total: 5 }, b"index".to_vec()),
    ]);
    // What the version gained comes last, so that nothing before it moves.
    let origin = Refusal::Setting {
        which: Which::Origin,
        limit: u64::MAX,
    };
    all.push((Reply::Refused(origin), Vec::new()));
    for fault in [BeamFault::Silent, BeamFault::Strange] {
        all.push((Reply::Refused(Refusal::Beam(fault)), Vec::new()));
        let status = Status {
            beam: Beam::Blanked(BlankReason::Fault(fault)),
            ..statuses().remove(0)
        };
        all.push((Reply::Status(status), Vec::new()));
    }
    all
}

/// Number of a request's variant: a new variant does not compile until it is listed above.
pub fn request_variant(request: &Request) -> usize {
    match request {
        Request::Status => 0,
        Request::Configuration => 1,
        Request::Measurements { .. } => 2,
        Request::Surrogate { .. } => 3,
        Request::LastPanic { .. } => 4,
        Request::ClearPanic => 5,
        Request::ResetCounters => 6,
        Request::Begin(_) => 7,
        Request::Choose(_) => 8,
        Request::Configure(_) => 9,
        Request::Scalarize(_) => 10,
        Request::Transfer(_) => 11,
        Request::Chunk { .. } => 12,
        Request::Query { .. } => 13,
        Request::Commit(_) => 14,
        Request::Abort { .. } => 15,
        Request::Measure { .. } => 16,
        Request::Propose { .. } => 17,
        Request::Expose { .. } => 18,
        Request::Blank => 19,
        Request::End { .. } => 20,
        Request::Origin { .. } => 21,
        Request::Exclude(_) => 22,
        Request::BeginWith { .. } => 23,
        Request::Load { .. } => 24,
        Request::Point(_) => 25,
        Request::Pulse(_) => 26,
        Request::Baud { .. } => 27,
        Request::Signals(_) => 28,
        Request::Overview(_) => 29,
        Request::Pixels { .. } => 30,
        Request::Reading => 31,
        Request::Vectors => 32,
        Request::BeginVectors { .. } => 33,
        Request::MeasureVector { .. } => 34,
        Request::LoadVectors { .. } => 35,
        Request::Reduce(_) => 36,
        Request::MeasurementsOf { .. } => 37,
        Request::SurrogateOf { .. } => 38,
    }
}

/// Number of a reply's variant.
pub fn reply_variant(reply: &Reply) -> usize {
    match reply {
        Reply::Done => 0,
        Reply::Busy { .. } => 1,
        Reply::Refused(_) => 2,
        Reply::Status(_) => 3,
        Reply::Configuration(_) => 4,
        Reply::Measurements { .. } => 5,
        Reply::Surrogate { .. } => 6,
        Reply::LastPanic { .. } => 7,
        Reply::Progress { .. } => 8,
        Reply::Measured(_) => 9,
        Reply::Proposed(_) => 10,
        Reply::Exposed { .. } => 11,
        Reply::Pixels { .. } => 12,
        Reply::Reading { .. } => 13,
        Reply::Vectors(_) => 14,
    }
}

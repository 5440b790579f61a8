//! Every reply.

use beacon_kernel as kernel;
use beacon_kernel::Error;
use beacon_kernel::link::message::{
    Beam, BeamFault, BlankReason, Configuration, Exposed, Followed, Health, LinkStatistics,
    Measured, Phase, Proposal, Proposed, Refusal, Reply, Status, Which,
};
use beacon_kernel::link::transfer::Progress;

use super::refusals::refusals;
use super::{
    CAMPAIGN, MEASUREMENT, PROPOSAL, PROPOSED, SCALARIZER, SETTINGS, STANDARDISATION, WEIGHTS,
};

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

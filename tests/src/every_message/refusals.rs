//! Every refusal.

use beacon_kernel::link::message::{KernelError, Refusal, Which};
use beacon_kernel::{Candidate, Error};

use super::CAMPAIGN;

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

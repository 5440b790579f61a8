//! Every request.

use beacon_kernel as kernel;
use beacon_kernel::link::message::{
    Acquisition, Activation, Architecture, Hyperparameters, ModelHeader, Next, References, Region,
    Request, Sampling, Strategy,
};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::transfer::{Descriptor, Kind, Payload};

use super::{
    CAMPAIGN, IMAGE, MEASUREMENT, SCALARIZER, SETTINGS, SPECTRUM, STANDARDISATION, WEIGHTS,
};

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

//! Several responses of a place, through the public interface.

mod common;

use beacon_kernel::{
    Acquisition, Architecture, Candidate, Capacity, Error, Explorer, MOST_RESPONSES, Model,
    Responses, Standardisation, Storage, Strategy,
};
use common::{Fixture, SIDE, WINDOW, response_at, spread};

const COUNT: usize = (SIDE - WINDOW + 1) * (SIDE - WINDOW + 1);

/// Memory of an explorer of several responses.
struct Memory {
    capacity: Capacity,
    floats: Vec<f32>,
    words: Vec<u32>,
}

impl Memory {
    fn new(measurements: usize, responses: usize) -> Self {
        let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, measurements);
        let capacity = capacity.with_responses(responses);
        Self {
            capacity,
            floats: vec![f32::NAN; capacity.floats()],
            words: vec![u32::MAX; capacity.words()],
        }
    }

    /// An explorer that has the fixture's image.
    fn with_image(&mut self, strategy: Strategy, fixture: &Fixture) -> Explorer<'_> {
        let capacity = self.capacity;
        let storage = Storage::new(capacity, &mut self.floats, &mut self.words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::new(strategy), 3).unwrap();
        let candidates = beacon_kernel::Candidates::new(SIDE, SIDE, WINDOW).unwrap();
        explorer
            .load_image_with(candidates, capacity.responses, &fixture.image)
            .unwrap();
        explorer
    }
}

/// Standardisations of further responses.
const OTHERS: [Standardisation; 3] = [
    Standardisation {
        mean: -3.0,
        scale: 0.5,
    },
    Standardisation::IDENTITY,
    Standardisation {
        mean: 100.0,
        scale: 30.0,
    },
];

fn model<'f>(fixture: &'f Fixture, others: &'f [Standardisation]) -> Model<'f> {
    Model {
        others,
        ..fixture.model()
    }
}

/// Responses that have little to do with each other.
fn unlike(first: f32, n: usize) -> [f32; MOST_RESPONSES] {
    let n = n as f32;
    [
        first,
        -3.0 + 0.5 * (0.7 * n).sin(),
        (0.3 * n * n).cos(),
        100.0 + 30.0 * (1.3 * n).cos(),
    ]
}

/// Network and covariance are common to all responses, and so their means are those of explorers that know
/// one response each.
#[test]
fn each_response_is_expected_as_it_would_be_alone() {
    for architecture in [Architecture::Valid, Architecture::Filters] {
        for responses in 2..=MOST_RESPONSES {
            let fixture = Fixture::new(architecture, 1e-2);
            let mut memory = Memory::new(60, responses);
            let mut all = memory.with_image(Strategy::BeaconStructure, &fixture);
            let mut memories: Vec<Memory> = (0..responses).map(|_| Memory::new(60, 1)).collect();
            let mut alone: Vec<Explorer<'_>> = memories
                .iter_mut()
                .map(|memory| memory.with_image(Strategy::BeaconStructure, &fixture))
                .collect();
            for n in 0..50 {
                if n == 20 {
                    all.load_model(&model(&fixture, &OTHERS[..responses - 1]))
                        .unwrap();
                    for (r, explorer) in alone.iter_mut().enumerate() {
                        let mut own = fixture.model();
                        if r > 0 {
                            own.standardisation = OTHERS[r - 1];
                        }
                        explorer.load_model(&own).unwrap();
                    }
                }
                if n > 20 && n % 7 == 0 {
                    all.propose().unwrap();
                    while all.prepare(Some(spread(n, COUNT))) {}
                    all.surrogate().unwrap();
                    for explorer in &mut alone {
                        explorer.surrogate().unwrap();
                    }
                }
                let candidate = spread(n, COUNT);
                let values = unlike(0.1 * (n as f32).sin(), n);
                all.measure_all(candidate, &values[..responses]).unwrap();
                for (explorer, value) in alone.iter_mut().zip(values) {
                    explorer.measure(candidate, value).unwrap();
                }
            }
            for (r, explorer) in alone.iter_mut().enumerate() {
                for n in 0..40 {
                    let candidate = spread(7 * n + 3, COUNT);
                    let expected = explorer.predict(candidate).unwrap();
                    assert_eq!(all.predict_of(candidate, r), Ok(expected));
                }
                let expected: Vec<_> = explorer.surrogate().unwrap().iter().collect();
                let surrogate = all.surrogate().unwrap();
                assert_eq!(surrogate.responses(), responses);
                assert_eq!(surrogate.iter_of(r).collect::<Vec<_>>(), expected);
                let measured: Vec<_> = explorer.measurements().collect();
                assert_eq!(all.measurements_of(r).collect::<Vec<_>>(), measured);
            }
            assert!(all.predict_of(Candidate(0), responses).is_err());
            assert_eq!(all.surrogate().unwrap().iter_of(responses).len(), 0);
        }
    }
}

#[test]
fn what_is_no_measurement_of_the_campaign_is_named_and_changes_nothing() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut memory = Memory::new(5, 3);
    let mut explorer = memory.with_image(Strategy::BeaconStructure, &fixture);
    explorer.load_model(&model(&fixture, &OTHERS[..2])).unwrap();
    let candidate = Candidate(4);
    for found in [0, 1, 2, 4, 5] {
        assert_eq!(
            explorer.measure_all(candidate, &[1.0; 5][..found]),
            Err(Error::ResponseCount { found, expected: 3 })
        );
    }
    assert_eq!(
        explorer.measure(candidate, 1.0),
        Err(Error::ResponseCount {
            found: 1,
            expected: 3
        })
    );
    for (response, broken) in [f32::NAN, f32::INFINITY, 2e30].into_iter().enumerate() {
        let mut values = [1.0; 3];
        values[response] = broken;
        assert_eq!(
            explorer.measure_all(candidate, &values),
            Err(Error::ResponseNotFinite {
                candidate,
                response
            })
        );
    }
    assert_eq!(explorer.measurements().len(), 0);
    let values = [1.0, -2.0, 0.5];
    explorer.measure_all(candidate, &values).unwrap();
    explorer.measure_all(Candidate(9), &values).unwrap();
    let measured: Vec<_> = explorer.measured_vectors().collect();
    let responses = Responses::new(&values).unwrap();
    assert_eq!(
        measured,
        [(candidate, responses), (Candidate(9), responses)]
    );
    assert!(explorer.propose().is_ok());
    // An outlier is kept, and said to be one.
    let outlier = explorer.measure_all(Candidate(17), &[1.0, 1e29, 0.5]);
    assert_eq!(
        outlier,
        Err(Error::Outlier {
            candidate: Candidate(17),
            response: 1
        })
    );
    assert_eq!(explorer.measurements().len(), 3);
    assert!(explorer.propose().is_err());
    let wide = [
        Standardisation {
            mean: 0.0,
            scale: 1e29,
        },
        OTHERS[1],
    ];
    explorer.load_model(&model(&fixture, &wide)).unwrap();
    assert!(explorer.propose().is_ok());
}

#[test]
fn models_and_campaigns_of_another_number_of_responses_are_refused() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let mut memory = Memory::new(5, 2);
    let mut explorer = memory.with_image(Strategy::BeaconStructure, &fixture);
    explorer.load_model(&model(&fixture, &OTHERS[..1])).unwrap();
    for (others, found) in [(0, 1), (2, 3), (3, 4)] {
        let refused = explorer.load_model(&model(&fixture, &OTHERS[..others]));
        assert_eq!(refused, Err(Error::ModelResponses { found, expected: 2 }));
    }
    let broken = [Standardisation {
        mean: 0.0,
        scale: 0.0,
    }];
    assert!(matches!(
        explorer.load_model(&model(&fixture, &broken)),
        Err(Error::Hyperparameter {
            name: "target scale",
            ..
        })
    ));
    // The model before is in force, and so is the campaign.
    let candidates = explorer.candidates().unwrap();
    assert_eq!(
        explorer.load_image_with(candidates, 3, &fixture.image),
        Err(Error::Capacity {
            what: "responses",
            needed: 3,
            capacity: 2
        })
    );
    assert_eq!(
        explorer.load_image_with(candidates, 0, &fixture.image),
        Err(Error::ResponseCount {
            found: 0,
            expected: 1
        })
    );
    explorer.measure_all(Candidate(3), &[1.0, 2.0]).unwrap();
    explorer.propose().unwrap();
    let elite = Acquisition::new(Strategy::BeaconElite);
    explorer.set_acquisition(elite).unwrap();
    assert_eq!(
        explorer.propose(),
        Err(Error::OneResponse {
            strategy: Strategy::BeaconElite,
            responses: 2
        })
    );
    // The next campaign may have fewer.
    explorer
        .load_image(SIDE, SIDE, WINDOW, &fixture.image)
        .unwrap();
    assert_eq!(explorer.responses(), 1);
    explorer.load_model(&fixture.model()).unwrap();
    explorer.measure(Candidate(3), 1.0).unwrap();
    explorer.propose().unwrap();
}

/// What an explorer with room for more responses than the campaign has proposes in it, and one with just enough.
#[test]
fn room_for_more_responses_changes_no_bit() {
    let fixture = Fixture::new(Architecture::Valid, 1e-2);
    let run = |room: usize, responses: usize| {
        let mut memory = Memory::new(30, room);
        let mut explorer = memory.with_image(Strategy::BeaconStructure, &fixture);
        let candidates = explorer.candidates().unwrap();
        explorer
            .load_image_with(candidates, responses, &fixture.image)
            .unwrap();
        explorer
            .load_model(&model(&fixture, &OTHERS[..responses - 1]))
            .unwrap();
        let mut candidate = Candidate(0);
        let mut proposals = Vec::new();
        for n in 0..25 {
            let first = response_at(&explorer, candidate);
            explorer
                .measure_all(candidate, &unlike(first, n)[..responses])
                .unwrap();
            let proposal = explorer.propose().unwrap();
            candidate = proposal.candidate;
            proposals.push((candidate, proposal.score.to_bits(), proposal.prediction));
        }
        proposals
    };
    for responses in 1..=3 {
        let enough = run(responses, responses);
        assert_eq!(run(MOST_RESPONSES, responses), enough);
        // Further responses have a say in what is novel.
        assert!(responses == 1 || enough != run(responses - 1, responses - 1));
    }
}

/// Further responses by the first.
type Further = dyn Fn(f32) -> Vec<f32>;

/// Equal, collinear and constant responses tell nothing new: what is proposed spreads over the one response
/// there is about as well as with that response alone.
#[test]
fn responses_that_tell_the_same_leave_a_search_for_novelty_what_it_was() {
    let fixture = Fixture::new(Architecture::Valid, 1e-3);
    let same = [fixture.standardisation; 3];
    let twice = [Standardisation {
        mean: 4.0,
        scale: 6.0,
    }];
    let constant = [Standardisation {
        mean: 5.0,
        scale: 1.0,
    }];
    let covered = |others: &[Standardisation], of: &Further| {
        let responses = 1 + others.len();
        let mut memory = Memory::new(120, responses);
        let mut explorer = memory.with_image(Strategy::Beacon, &fixture);
        explorer.load_model(&model(&fixture, others)).unwrap();
        let all: Vec<f32> = (0..COUNT)
            .map(|n| response_at(&explorer, Candidate(n as u32)))
            .collect();
        let low = all.iter().copied().fold(f32::INFINITY, f32::min);
        let high = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let cell = |y: f32| (((y - low) / (high - low) * 40.0) as usize).min(39);
        let mut seen = [false; 40];
        let mut reachable = [false; 40];
        for &y in &all {
            reachable[cell(y)] = true;
        }
        let mut candidate = Candidate(0);
        for _ in 0..100 {
            let first = all[candidate.index()];
            seen[cell(first)] = true;
            let mut vector = vec![first];
            vector.extend(of(first));
            explorer.measure_all(candidate, &vector).unwrap();
            let proposal = explorer.propose().unwrap();
            assert!(proposal.score.is_finite() && proposal.score >= 0.0);
            candidate = proposal.candidate;
        }
        let share = |cells: [bool; 40]| cells.iter().filter(|&&cell| cell).count() as f32;
        share(seen) / share(reachable)
    };
    let alone = covered(&[], &|_| Vec::new());
    let cases: [(&[Standardisation], &Further); 4] = [
        (&same[..1], &|y| vec![y]),
        (&same, &|y| vec![y; 3]),
        (&twice, &|y| vec![2.0 * y]),
        (&constant, &|_| vec![5.0]),
    ];
    for (n, (others, of)) in cases.into_iter().enumerate() {
        let share = covered(others, of);
        // Each has a sample of its own, whose deviations stand beside those of the first.
        assert!(share > alone - 0.2, "case {n}: {share} of {alone}");
    }
}

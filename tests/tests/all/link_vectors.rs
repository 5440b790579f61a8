//! Several responses of a place over the link: bytes, campaigns, spectra, and who has room for fewer.
//!
//! Do not change a frame of this file: a controller or a host that was built before could not read it.

use beacon_host::controller::{
    Controller as _, ControllerError, InProcess, Linked, Memory, Recovery, Setup,
};
use beacon_kernel::link::frame::{Decoder, FrameKind, MAX_BODY};
use beacon_kernel::link::message::{
    Activation, Edges, KernelError, Measurement, ModelHeader, Next, Reduction, Refusal, Reply,
    Request, Several, Standardisation, Strategy, Vectors,
};
use beacon_kernel::link::scalarizer::{Scalarizer, Window, relative};
use beacon_kernel::link::{Client, Failure, Timing};
use beacon_kernel::{Candidate, Candidates, Capacity, Error, Model, Proposal, Responses};
use beacon_tests::{Bench, ControllerMemory, ExplorerMemory, Rig};

use crate::link_versions::{CAMPAIGN, HEADER, WEIGHTS, frame};
use crate::pty_board::Board;

fn several<T: Copy>(values: &[T]) -> Several<T> {
    Several::new(values).unwrap()
}

/// Every request and variant of several responses, with its raw part.
fn requests() -> [(Request, Vec<u8>); 8] {
    let (weights, header) = (WEIGHTS, HEADER);
    let standardisation = |mean, scale| Standardisation { mean, scale };
    let others = several(&[standardisation(-20.0, 3.0), standardisation(0.0, 1.0)]);
    let window = |start, end| Window { start, end };
    let reductions = [
        Reduction {
            scalarizer: Scalarizer {
                signal: window(10, 14),
                background: Some((window(2, 6), window(20, 300))),
            },
            origin: 1.5,
        },
        Reduction {
            scalarizer: Scalarizer {
                signal: window(300, 302),
                background: None,
            },
            origin: -0.25,
        },
    ];
    let values = [1.0_f32, -2.5].map(f32::to_le_bytes).concat();
    let begin = Request::BeginVectors {
        campaign: CAMPAIGN,
        edges: Edges::Reflect,
        responses: 3,
    };
    let measure = Request::MeasureVector {
        candidate: 300,
        responses: several(&[1.0, -2.5, 0.25]),
        next: Next::Expose,
    };
    let load = Request::LoadVectors {
        weights,
        header,
        others,
    };
    let (response, from) = (2, 300);
    let commit = Activation::ModelOfVectors { header, others };
    [
        (Request::Vectors, Vec::new()),
        (begin, Vec::new()),
        (measure, Vec::new()),
        (load, values),
        (Request::Reduce(several(&reductions)), Vec::new()),
        (Request::MeasurementsOf { response, from }, Vec::new()),
        (Request::SurrogateOf { response, from }, Vec::new()),
        (Request::Commit(commit), Vec::new()),
    ]
}

/// Request 0x1234, made by a script of its own from the description in `kernel/src/link/mod.rs`.
const REQUESTS: [&str; 8] = [
    "000a0203341220c416afce00",
    "0013020334122105ac0240ac02100103651c6d6000",
    "00090203341222ac02030103803f010320c00103803e0108803f02b6a6bb4600",
    "0009020334122301021007a6f2d0df0c070101023f010102400103c03f0103803e010102be010340400104204102010\
     3a0c101034040010101010103803f0103a0c1010340400103a0c1010340400103803f010720c0286423a600",
    "000f0203341224020a0e01020614ac02010101010107f83fac02ae020101010101010bd0bf0a0e01020614ac0201010\
     101010bf83f0a0e01020614ac02010101010107f83f889ebe8e00",
    "000d020334122502ac027b5af0eb00",
    "000d020334122602ac0295f545f900",
    "0008020334120e03070101023f010102400103c03f0103803e010102be0103404001042041020103a0c101034040010\
     101010103803f0103a0c1010340400103a0c101074040d75fdb9a00",
];

/// Replies of several responses.
fn replies() -> [Reply; 8] {
    let refused = |error| Reply::Refused(Refusal::Kernel(error));
    let candidate = 300;
    let (found, expected) = (1, 3);
    [
        Reply::Vectors(Vectors {
            most: 4,
            responses: 3,
            last: Some(several(&[1.0, -2.5, 0.25])),
        }),
        Reply::Vectors(Vectors {
            most: 1,
            responses: 1,
            last: None,
        }),
        refused(KernelError::FurtherNotFinite {
            candidate,
            response: 2,
        }),
        refused(KernelError::FurtherOutlier {
            candidate,
            response: 1,
        }),
        refused(KernelError::ResponseCount { found, expected }),
        refused(KernelError::ModelResponses {
            found: 4,
            expected: 2,
        }),
        refused(KernelError::OneResponse {
            strategy: Strategy::BeaconElite,
            responses: 3,
        }),
        refused(KernelError::from(Error::Capacity {
            what: "responses",
            needed: 4,
            capacity: 3,
        })),
    ]
}

/// Replies to request 0x1234, made as the requests above.
const REPLIES: [&str; 8] = [
    "000a020434120e040301030103803f010320c00103803e0107803f07e2dbcf00",
    "0008020434120e0101051b5185ae00",
    "000602043412020912ac020292a0d7f000",
    "000602043412020913ac02014d9662d100",
    "000602043412020814010334287abf00",
    "0006020434120208150402d086c8b400",
    "00060204341202081601035afcfebc00",
    "0006020434120201081a0403342a49ea00",
];

fn digits(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

#[test]
fn the_messages_of_several_responses() {
    for ((request, values), golden) in requests().iter().zip(REQUESTS) {
        let bytes = frame(2, FrameKind::Request, request, values);
        assert_eq!(digits(&bytes), golden, "{request:?}");
        let mut decoder = Decoder::new([0; MAX_BODY]);
        assert!(decoder.push_all(&bytes).1);
        let (read, raw) = decoder.frame().unwrap().message::<Request>().unwrap();
        assert_eq!((&read, raw), (request, values.as_slice()));
        assert!(raw.is_empty() || read.carries_raw());
        assert_eq!(read.since(), 2);
    }
    for (reply, golden) in replies().iter().zip(REPLIES) {
        let bytes = frame(2, FrameKind::Reply, reply, &[]);
        assert_eq!(digits(&bytes), golden, "{reply:?}");
        let mut decoder = Decoder::new([0; MAX_BODY]);
        assert!(decoder.push_all(&bytes).1);
        let (read, _) = decoder.frame().unwrap().message::<Reply>().unwrap();
        assert_eq!(&read, reply);
    }
}

/// Version 1 has a word for a response that is no number, and none for how many there are.
#[test]
fn a_host_of_version_1_is_told_what_comes_nearest() {
    let candidate = Candidate(7);
    for (error, nearest) in [
        (
            Error::ResponseNotFinite {
                candidate,
                response: 2,
            },
            Refusal::Kernel(KernelError::ResponseNotFinite { candidate: 7 }),
        ),
        (
            Error::Outlier {
                candidate,
                response: 1,
            },
            Refusal::Kernel(KernelError::Outlier { candidate: 7 }),
        ),
        (
            Error::ResponseCount {
                found: 1,
                expected: 3,
            },
            Refusal::Undecodable,
        ),
        (
            Error::OneResponse {
                strategy: beacon_kernel::Strategy::BeaconElite,
                responses: 3,
            },
            Refusal::Undecodable,
        ),
        (
            Error::ModelResponses {
                found: 1,
                expected: 3,
            },
            Refusal::Undecodable,
        ),
        (Error::NoModel, Refusal::Kernel(KernelError::NoModel)),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!(refusal.within(2), refusal);
        assert_eq!(refusal.within(1), nearest);
        let Refusal::Kernel(travelled) = refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(Error::from(travelled), error);
    }
}

/// A campaign of three responses on a controller, byte by byte, and in process.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one campaign from its beginning to its end"
)]
fn a_campaign_of_several_responses_is_the_same_over_the_link() {
    let bench = Bench::new(3);
    let capacity = bench.capacity().with_responses(3);
    let mut memory = ExplorerMemory::new(capacity);
    let mut mirror = memory.explorer(bench.campaign().seed);
    let candidates = Candidates::new(bench.side, bench.side, bench.network.window()).unwrap();
    mirror.load_image_with(candidates, 3, &bench.image).unwrap();
    let model = Model {
        others: &Bench::OTHERS[..2],
        ..bench.model(0)
    };

    let mut memory = ControllerMemory::new(capacity);
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.connect().unwrap();
    let begin = |client: &mut Client<_>, responses| {
        client.announce_vectors(bench.campaign(), Edges::Inside, responses)
    };
    let room = Error::Capacity {
        what: "responses",
        needed: 4,
        capacity: 3,
    };
    assert_eq!(begin(&mut client, 4).unwrap_err().kernel(), Some(room));
    begin(&mut client, 3).unwrap();
    client
        .deliver(&bench.image_sender(), Activation::Image)
        .unwrap();
    // A repetition changes nothing, another number of responses is another campaign.
    begin(&mut client, 3).unwrap();
    assert!(matches!(
        begin(&mut client, 1),
        Err(Failure::Refused(Refusal::CampaignRunning { .. }))
    ));
    let header = bench.header(0);
    let sender = bench.weights_sender(0);
    let alone = client.deliver(&sender, Activation::Model(header));
    assert_eq!(
        alone.unwrap_err().kernel(),
        Some(Error::ModelResponses {
            found: 1,
            expected: 3
        })
    );
    bench.hand_over_several(&mut client, 0, 3);
    mirror.load_model(&model).unwrap();
    let later = ModelHeader {
        version: 8,
        ..header
    };
    let fewer = several(&Bench::OTHERS.map(Into::into)[..1]);
    for activation in [
        Activation::Model(later),
        Activation::ModelOfVectors {
            header: later,
            others: fewer,
        },
    ] {
        assert!(client.deliver(&sender, activation).is_err());
        // The model before is in force.
        assert_eq!(client.status().unwrap().model, Some(header.version));
    }
    let one = Measurement {
        candidate: 3,
        value: 0.5,
    };
    assert_eq!(
        client.measure(one, Next::Nothing).unwrap_err().kernel(),
        Some(Error::ResponseCount {
            found: 1,
            expected: 3
        })
    );
    let broken = client.measure_all(3, &[0.0, f32::NAN, 0.0], Next::Nothing);
    assert_eq!(
        broken.unwrap_err().kernel(),
        Some(Error::ResponseNotFinite {
            candidate: Candidate(3),
            response: 1
        })
    );
    let mut next = 0;
    for step in 0..30 {
        let responses = bench.vector(next, 3);
        mirror.measure_all(Candidate(next), &responses).unwrap();
        let measured = client.measure_all(next, &responses, Next::Propose).unwrap();
        assert_eq!((measured.count, measured.value), (step + 1, responses[0]));
        let proposed = client.propose(true).unwrap();
        let found: Proposal = proposed.proposal.into();
        assert_eq!(found, mirror.propose().unwrap(), "step {step}");
        next = found.candidate.0;
    }
    let vectors = client.vectors().unwrap();
    assert_eq!((vectors.most, vectors.responses), (3, 3));
    let surrogate = mirror.surrogate().unwrap();
    let last = client.status().unwrap().last.unwrap();
    assert_eq!(
        vectors.last,
        Some(several(&bench.vector(last.candidate, 3)))
    );
    for response in 0..3 {
        let mut listed = Vec::new();
        client
            .measurements_of(response, 0, |measurement| listed.push(measurement))
            .unwrap();
        assert_eq!(listed.len(), 30);
        for Measurement { candidate, value } in listed {
            assert_eq!(value, bench.vector(candidate, 3)[usize::from(response)]);
        }
        let count = candidates.count();
        let (mut mean, mut variance) = (vec![0.0; count], vec![0.0; count]);
        let (found, _, standardisation) = client
            .surrogate_of(response, &mut mean, &mut variance)
            .unwrap();
        assert_eq!(found, count);
        let own = surrogate.standardisation_of(usize::from(response)).unwrap();
        assert_eq!(standardisation, own.into());
        let expected: Vec<_> = surrogate.iter_of(usize::from(response)).collect();
        let found: Vec<_> = mean.into_iter().zip(variance).collect();
        assert_eq!(found, expected);
    }
    for request in [
        Request::MeasurementsOf {
            response: 3,
            from: 0,
        },
        Request::SurrogateOf {
            response: 3,
            from: 0,
        },
    ] {
        assert_eq!(
            client.request(&request, &[]).unwrap_err().kernel(),
            Some(Error::ResponseCount {
                found: 4,
                expected: 3
            })
        );
    }
}

const SIDE: usize = 16;
const WINDOW: usize = 8;

fn small(responses: usize) -> Capacity {
    Capacity::for_campaign(SIDE, SIDE, WINDOW, 20).with_responses(responses)
}

const REDUCTIONS: [(Scalarizer, f64); 2] = [
    (
        Scalarizer {
            signal: Window { start: 40, end: 70 },
            background: Some((Window { start: 10, end: 25 }, Window { start: 80, end: 97 })),
        },
        1234.567,
    ),
    (
        Scalarizer {
            signal: Window {
                start: 100,
                end: 120,
            },
            background: None,
        },
        -3.25,
    ),
];

fn spectrum(candidate: u32) -> Vec<f32> {
    let channel = |n: u32| ((candidate * 31 + n * 7919) % 263) as f32 * 0.37;
    (0..300).map(channel).collect()
}

fn reduced(candidate: u32) -> [f32; 2] {
    REDUCTIONS.map(|(own, origin)| relative(own.response(&spectrum(candidate)), origin))
}

fn pixels() -> Vec<f32> {
    (0..SIDE * SIDE).map(|n| (n % 13) as f32).collect()
}

fn setup(pixels: &[f32]) -> Setup<'_> {
    Setup {
        candidates: Candidates::new(SIDE, SIDE, WINDOW).unwrap(),
        pixels,
        seed: 5,
        revision: 0,
    }
}

/// A host that hands over spectra of some candidates, of a board that is reset on the way; returns how many it
/// found there.
fn host(board: &Board, number: u32, candidates: u32, resets: bool) -> u32 {
    let pixels = pixels();
    let mut memory = Memory::new(small(2));
    let mirror = InProcess::new(&mut memory).unwrap();
    let client = board.client(number);
    let mut linked = Linked::connect(client, Recovery::default(), mirror).unwrap();
    linked.begin_with(&setup(&pixels), 2).unwrap();
    linked.reduce_with_all(&REDUCTIONS).unwrap();
    for candidate in 0..candidates {
        if resets && candidate % 5 == 3 {
            board.restart();
        }
        let number = Candidate(candidate);
        let taken = if candidate % 2 == 0 {
            linked
                .measure_spectrum_all(number, &spectrum(candidate))
                .unwrap()
        } else {
            linked.measure_all(number, &reduced(candidate)).unwrap();
            Responses::new(&reduced(candidate)).unwrap()
        };
        assert_eq!(taken[..], reduced(candidate));
    }
    linked.link().unwrap().resumed
}

#[test]
fn spectra_become_several_responses_on_a_board_that_is_reset_and_found_again() {
    let board = Board::start(small(2));
    assert_eq!(host(&board, 1, 9, true), 0);
    // The first host is gone without a farewell; the second knows the same spectra.
    assert_eq!(host(&board, 2, 12, false), 9);
    for response in 0..2 {
        let own = |n| (n, reduced(n)[usize::from(response)].to_bits());
        let expected: Vec<_> = (0..12).map(own).collect();
        assert_eq!(board.measurements(response), expected);
    }
}

/// Room on the board, room on this host, and a firmware of another time.
#[test]
fn who_has_room_for_fewer_responses_says_so_before_anything_is_measured() {
    let pixels = pixels();
    let begin = |board: &Board, number, here: usize, responses: usize| {
        let mut memory = Memory::new(small(here));
        let mirror = InProcess::new(&mut memory).unwrap();
        let client = board.client(number);
        let mut linked = Linked::connect(client, Recovery::default(), mirror).unwrap();
        let begun = linked.begin_with(&setup(&pixels), responses);
        let losses = linked.link().unwrap().losses;
        begun.map(|()| (linked.room_for_responses(), losses))
    };
    let room = |needed, capacity| {
        ControllerError::Kernel(Error::Capacity {
            what: "responses",
            needed,
            capacity,
        })
    };
    let board = Board::start(small(2));
    assert_eq!(begin(&board, 1, 4, 3), Err(room(3, 2)));
    assert_eq!(begin(&board, 1, 2, 3), Err(room(3, 2)));
    assert_eq!(begin(&board, 1, 2, 2), Ok((2, 0)));
    // Whatever the campaign was begun with.
    assert_eq!(begin(&board, 1, 4, 1), Ok((2, 0)));
    assert_eq!(begin(&board, 1, 1, 1), Ok((1, 0)));
    let unasked = Board::without_vectors(small(2));
    assert_eq!(begin(&unasked, 1, 4, 2), Err(room(2, 1)));
    assert_eq!(begin(&unasked, 1, 4, 1), Ok((1, 0)));
    let old = Board::of(1, small(1));
    let refused = begin(&old, 2, 3, 3).unwrap_err();
    assert!(matches!(
        refused,
        ControllerError::TooOld {
            version: 1,
            since: 2,
            ..
        }
    ));
    assert_eq!(begin(&old, 2, 3, 1), Ok((1, 0)));
    // A kernel that takes one response says so where it is handed more.
    let mut memory = Memory::new(small(1));
    let mut one = InProcess::new(&mut memory).unwrap();
    assert_eq!(one.begin_with(&setup(&pixels), 2), Err(room(2, 1)));
    one.begin(&setup(&pixels)).unwrap();
    let count = |found| {
        Err(ControllerError::Kernel(Error::ResponseCount {
            found,
            expected: 1,
        }))
    };
    assert_eq!(one.measure_all(Candidate(0), &[1.0, 2.0]), count(2));
    assert_eq!(one.reduce_with_all(&REDUCTIONS), count(2));
}

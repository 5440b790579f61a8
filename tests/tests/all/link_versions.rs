//! Protocol version 2, byte by byte, and hosts and controllers of different versions.
//!
//! Do not change a frame of this file: a controller or a host that was built before could not read
//! it. What is added later goes into a version of its own.

use std::convert::Infallible;

use beacon_kernel::link::frame::{Decoder, FrameKind, Header, MAX_BODY, MAX_FRAME, encode};
use beacon_kernel::link::message::{
    Activation, Architecture, Campaign, Edges, Field, Hello, Hyperparameters, Identity,
    ModelHeader, Next, Phase, Pulse, Raster, Reading, Refusal, Reply, Request, Signals, Spot,
    Standardisation, Which,
};
use beacon_kernel::link::transfer::{Descriptor, Encoding, Payload, Sender};
use beacon_kernel::link::{Client, Failure, PROTOCOL_CURRENT, PROTOCOL_MIN, Timing, Transport};
use beacon_kernel::{Candidate, Candidates, Capacity, Model, Network};
use beacon_tests::{Bench, ControllerMemory, ExplorerMemory, Rig};
use serde::Serialize;

pub(crate) const CAMPAIGN: Campaign = Campaign {
    id: 5,
    seed: 300,
    height: 64,
    width: 300,
    window: 16,
};
pub(crate) const WEIGHTS: Descriptor = Descriptor {
    payload: Payload::Weights {
        architecture: Architecture::Filters,
        window: 16,
    },
    encoding: Encoding::F32,
    crc: 0xCBF4_3926,
};
pub(crate) const HEADER: ModelHeader = ModelHeader {
    version: 7,
    hyperparameters: Hyperparameters {
        lengthscale: [0.5, 2.0],
        outputscale: 1.5,
        noise: 0.25,
        mean: -0.125,
    },
    standardisation: Standardisation {
        mean: 3.0,
        scale: 10.0,
    },
};

/// Every request and variant that version 2 added, with its raw part.
fn requests() -> [(Request, Vec<u8>); 13] {
    let begin = |edges| Request::BeginWith {
        campaign: CAMPAIGN,
        edges,
    };
    let (weights, header) = (WEIGHTS, HEADER);
    let spot = Spot { x: 0x1234, y: 300 };
    let pulse = |at, dwell_us| Request::Pulse(Pulse { at, dwell_us });
    let signals = Signals {
        ready_ms: Some(1500),
        gate: true,
    };
    let raster = Raster {
        rows: 48,
        columns: 300,
        frames: 2,
        dwell_us: 1000,
        settle_us: 10,
        field: Field {
            left: 100,
            top: 200,
            right: 65_536,
            bottom: 60_000,
        },
    };
    let values = [1.0_f32, -2.5].map(f32::to_le_bytes).concat();
    [
        (begin(Edges::Inside), Vec::new()),
        (begin(Edges::Reflect), Vec::new()),
        (Request::Transfer(weights), Vec::new()),
        (Request::Load { weights, header }, values),
        (Request::Point(spot), Vec::new()),
        (pulse(Some(spot), 1000), Vec::new()),
        (pulse(None, 60_000_000), Vec::new()),
        (Request::Baud { baud: 921_600 }, Vec::new()),
        (Request::Signals(signals), Vec::new()),
        (Request::Signals(Signals::default()), Vec::new()),
        (Request::Overview(raster), Vec::new()),
        (Request::Pixels { from: 300 }, Vec::new()),
        (Request::Reading, Vec::new()),
    ]
}

/// Request 0x1234, made by a script of its own from the description in `kernel/src/link/mod.rs`.
const REQUESTS: [&str; 13] = [
    "000d020334121705ac0240ac0210057449d4f800",
    "0012020334121705ac0240ac021001e279d38f00",
    "0009020334120b0102100aa6f2d0df0c03c15df700",
    "0009020334121801021007a6f2d0df0c070101023f010102400103c03f0103803e010102be01034040010320410103\
     803f010720c031ea36ba00",
    "000e0203341219b424ac02d1495a7800",
    "0011020334121a01b424ac02e8072016ce1f00",
    "0006020334121a09808ece1c2d53f3ca00",
    "000d020334121b80a038b98c0c7300",
    "000e020334121c01dc0b01f5218e5900",
    "0006020334121c0105bf67ea3700",
    "001a020334121d30ac0202e8070a64c801808004e0d4032e52728000",
    "000c020334121eac021821d2d800",
    "000a020334121ff93bc97800",
];

/// Replies that version 2 added, with their raw part.
fn replies() -> [(Reply, Vec<u8>); 6] {
    let refused = |which, limit| Reply::Refused(Refusal::Setting { which, limit });
    let reading = Reading {
        value: 1.5,
        saturated: false,
        overflowed: true,
    };
    [
        (
            Reply::Pixels {
                from: 300,
                taken: 302,
                total: 14_400,
                crc: Some(0xCBF4_3926),
            },
            [1.0_f32, -2.5].map(f32::to_le_bytes).concat(),
        ),
        (
            Reply::Pixels {
                from: 0,
                taken: 0,
                total: 0,
                crc: None,
            },
            Vec::new(),
        ),
        (
            Reply::Reading {
                exposures: 321,
                reading: Some(reading),
            },
            Vec::new(),
        ),
        (
            Reply::Reading {
                exposures: 0,
                reading: None,
            },
            Vec::new(),
        ),
        (refused(Which::Detector, 0), Vec::new()),
        (refused(Which::Raster, 1), Vec::new()),
    ]
}

/// Replies to request 0x1234, made as the requests above.
const REPLIES: [&str; 6] = [
    "0012020434120cac02ae02c07001a6f2d0df0c0103803f010720c09217bccd00",
    "0006020434120c0101010502fd779b00",
    "0009020434120dc102010103c03f0601c24bb48100",
    "0006020434120d0105409e0b3700",
    "00080204341202070b059b7a311a00",
    "000d0204341202070c01cadc772200",
];

pub(crate) fn frame(version: u8, kind: FrameKind, message: &impl Serialize, raw: &[u8]) -> Vec<u8> {
    let header = Header {
        version,
        kind,
        sequence: 0x1234,
    };
    let mut out = vec![0; MAX_FRAME];
    let length = encode(header, message, raw, &mut out).unwrap();
    out.truncate(length);
    out
}

#[test]
fn the_requests_of_version_2() {
    assert!((PROTOCOL_MIN..=PROTOCOL_CURRENT).contains(&2));
    for ((request, values), golden) in requests().iter().zip(REQUESTS) {
        let bytes = frame(2, FrameKind::Request, request, values);
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits.concat(), golden, "{request:?}");
        let mut decoder = Decoder::new([0; MAX_BODY]);
        assert!(decoder.push_all(&bytes).1);
        let (read, raw) = decoder.frame().unwrap().message::<Request>().unwrap();
        assert_eq!((&read, raw), (request, values.as_slice()));
        assert!(raw.is_empty() || read.carries_raw());
        assert_eq!(read.since(), 2);
    }
}

#[test]
fn the_replies_of_version_2() {
    for ((reply, values), golden) in replies().iter().zip(REPLIES) {
        let bytes = frame(2, FrameKind::Reply, reply, values);
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits.concat(), golden, "{reply:?}");
        let mut decoder = Decoder::new([0; MAX_BODY]);
        assert!(decoder.push_all(&bytes).1);
        let (read, raw) = decoder.frame().unwrap().message::<Reply>().unwrap();
        assert_eq!((&read, raw), (reply, values.as_slice()));
        assert!(raw.is_empty() || read.carries_raw());
    }
}

/// Everything the controller sends, frame by frame.
fn answers(rig: &mut Rig<'_>) -> Vec<(Header, Vec<u8>)> {
    let mut decoder = Decoder::new([0; MAX_BODY]);
    let mut answers = Vec::new();
    for byte in rig.board.sent.drain(..) {
        if decoder.push(byte) {
            let frame = decoder.frame().unwrap();
            answers.push((frame.header, frame.content.to_vec()));
        }
    }
    answers
}

/// A host of version 1 must be able to read every answer, and a request that its version lacks is
/// none.
#[test]
fn a_controller_answers_in_the_version_of_the_request() {
    let bench = Bench::new(1);
    for version in [1, 2] {
        let mut memory = ControllerMemory::new(Capacity::DEFAULT);
        let mut rig = Rig::new(memory.controller());
        let hello = Hello {
            protocol_min: 1,
            protocol_current: version,
            host: 9,
        };
        let mut header = Header {
            version,
            kind: FrameKind::Hello,
            sequence: 1,
        };
        let mut bytes = [0; MAX_FRAME];
        let length = encode(header, &hello, &[], &mut bytes).unwrap();
        rig.send(&bytes[..length]).unwrap();
        let (answer, content) = answers(&mut rig).remove(0);
        assert_eq!(
            (answer.version, answer.kind),
            (version, FrameKind::Identity)
        );
        let identity: Identity = postcard::from_bytes(&content).unwrap();
        let spoken = (identity.protocol_min, identity.protocol_current);
        assert_eq!(spoken, (PROTOCOL_MIN, PROTOCOL_CURRENT));
        let campaign = Campaign {
            height: bench.side as u16,
            width: bench.side as u16,
            window: 10,
            ..CAMPAIGN
        };
        let begin = Request::BeginWith {
            campaign,
            edges: Edges::Reflect,
        };
        for request in [begin, Request::Status] {
            header = Header {
                version,
                kind: FrameKind::Request,
                sequence: header.sequence + 1,
            };
            let length = encode(header, &request, &[], &mut bytes).unwrap();
            rig.send(&bytes[..length]).unwrap();
            let (answer, content) = answers(&mut rig).remove(0);
            assert_eq!((answer.version, answer.kind), (version, FrameKind::Reply));
            let reply: Reply = postcard::from_bytes(&content).unwrap();
            match (version, reply) {
                (1, reply) if request == begin => {
                    assert_eq!(reply, Reply::Refused(Refusal::Undecodable));
                    // The controller does not count it.
                    header.sequence -= 1;
                }
                (2, reply) if request == begin => assert_eq!(reply, Reply::Done),
                (_, Reply::Status(status)) => {
                    let expected = [Phase::Idle, Phase::AwaitingImage][usize::from(version) - 1];
                    assert_eq!(status.phase, expected);
                }
                (_, other) => panic!("{other:?}"),
            }
        }
    }
}

/// What an older host cannot read is left out of what it is told.
#[test]
fn a_status_of_version_1_names_no_transfer_of_version_2() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.connect().unwrap();
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    let sender = Sender::new(
        Payload::Weights {
            architecture: Architecture::Filters,
            window: 10,
        },
        Encoding::F32,
        &[0.5; 20],
    );
    client.upload(sender.unwrap()).unwrap();
    let status = client.status().unwrap();
    assert!(status.transfer.is_some());
    assert_eq!(
        Reply::Status(status.clone()).within(2),
        Reply::Status(status.clone())
    );
    let Reply::Status(older) = Reply::Status(status).within(1) else {
        panic!("another reply");
    };
    assert_eq!(older.transfer, None);
}

/// A controller of version 1: it says so, and takes nothing of another.
pub(crate) struct Older<'a>(pub(crate) Rig<'a>);

impl Transport for Older<'_> {
    type Error = Infallible;

    fn send(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        let mut decoder = Decoder::new([0; MAX_BODY]);
        assert!(decoder.push_all(bytes).1);
        let header = decoder.frame().unwrap().header;
        assert!(header.version == 1 || header.kind == FrameKind::Hello);
        self.0.send(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> Result<usize, Infallible> {
        let mut length = self.0.receive(buffer, timeout_ms)?;
        let mut decoder = Decoder::new([0; MAX_BODY]);
        if decoder.push_all(&buffer[..length]).1 {
            let frame = decoder.frame().unwrap();
            if frame.header.kind == FrameKind::Identity {
                let identity: Identity = frame.message().unwrap().0;
                let older = Identity {
                    protocol_current: 1,
                    ..identity
                };
                length = encode(frame.header, &older, &[], buffer).unwrap();
            }
        }
        Ok(length)
    }

    fn now_ms(&mut self) -> u64 {
        self.0.now_ms()
    }
}

#[test]
fn a_host_speaks_to_an_older_controller_and_says_what_it_lacks() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = Client::new(Older(Rig::new(memory.controller())), Timing::default(), 7);
    client.connect().unwrap();
    let reflected = client.begin_with(bench.campaign(), Edges::Reflect, &bench.image_sender());
    let missing = reflected.unwrap_err();
    assert_eq!(
        missing,
        Failure::Missing {
            version: 1,
            since: 2
        }
    );
    assert!(missing.to_string().contains("flash the firmware"));
    client
        .begin_with(bench.campaign(), Edges::Inside, &bench.image_sender())
        .unwrap();
    assert_eq!(client.status().unwrap().phase, Phase::Running);
}

/// A campaign over every pixel with the model of the fixed filters, over the link and in process.
#[test]
fn a_campaign_with_reflected_edges_and_filters_is_the_same_over_the_link() {
    let bench = Bench::new(3);
    let (side, window) = (bench.side, bench.network.window());
    let edges = beacon_kernel::Edges::Reflect;
    let candidates = Candidates::with_edges(side, side, window, edges).unwrap();
    let capacity = Capacity::for_candidates(candidates, 60);
    let network = Network::new(beacon_kernel::Architecture::Filters, window).unwrap();
    let weights = (0..18).map(|i| (i as f32 * 0.7).sin());
    let weights: Vec<f32> = weights.chain(Bench::SPACE).collect();
    let model = Model {
        network,
        weights: &weights,
        hyperparameters: Bench::HYPERPARAMETERS,
        standardisation: Bench::STANDARDISATION,
        others: &[],
    };
    let response = |candidate: u32| (candidate as f32 * 0.37).sin();

    let mut memory = ExplorerMemory::new(capacity);
    let mut explorer = memory.explorer(bench.campaign().seed);
    explorer.load_image_for(candidates, &bench.image).unwrap();

    let mut memory = ControllerMemory::new(capacity);
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.connect().unwrap();
    client
        .begin_with(bench.campaign(), Edges::Reflect, &bench.image_sender())
        .unwrap();
    // A repetition changes nothing, other edges are another campaign.
    let again = client.begin_with(bench.campaign(), Edges::Inside, &bench.image_sender());
    assert!(matches!(
        again,
        Err(Failure::Refused(Refusal::CampaignRunning { .. }))
    ));
    let sender = Sender::new(
        Payload::Weights {
            architecture: Architecture::Filters,
            window: window as u16,
        },
        Encoding::F32,
        &weights,
    );
    let header = ModelHeader {
        version: 1,
        hyperparameters: model.hyperparameters.into(),
        standardisation: model.standardisation.into(),
    };
    let (sender, sent) = (sender.unwrap(), client.statistics().requests);
    client.deliver(&sender, Activation::Model(header)).unwrap();
    assert_eq!(client.statistics().requests, sent + 1, "one frame");
    let status = client.status().unwrap();
    assert_eq!(status.model, Some(1));
    assert_eq!(status.weights_crc, Some(sender.descriptor().crc));
    explorer.load_model(&model).unwrap();
    let load = Request::Load {
        weights: sender.descriptor(),
        header,
    };
    let short = client.request(&load, &[0; 76]).unwrap_err();
    let (received, length) = (76, 80);
    let incomplete = Refusal::Incomplete { received, length };
    assert_eq!(short, Failure::Refused(incomplete));
    let wrong = client.request(&load, &[1; 80]).unwrap_err();
    assert_eq!(wrong, Failure::Refused(Refusal::Checksum));
    // What was refused leaves the model as it was.
    assert_eq!(client.status().unwrap().model, Some(1));
    let mut next = 0;
    for step in 0..40 {
        let value = response(next);
        explorer.measure(Candidate(next), value).unwrap();
        let measurement = beacon_kernel::link::message::Measurement {
            candidate: next,
            value,
        };
        client.measure(measurement, Next::Nothing).unwrap();
        let proposed = client.propose(true).unwrap();
        let found: beacon_kernel::Proposal = proposed.proposal.into();
        assert_eq!(found, explorer.propose().unwrap(), "step {step}");
        let pixel = candidates.pixel(found.candidate).unwrap();
        let place = (proposed.proposal.row, proposed.proposal.column);
        assert_eq!(place, (pixel.row as u16, pixel.column as u16));
        next = found.candidate.0;
    }
    let border = explorer.measurements().filter(|(candidate, _)| {
        let pixel = candidates.pixel(*candidate).unwrap();
        let inside = window / 2..side - window / 2;
        !inside.contains(&pixel.row) || !inside.contains(&pixel.column)
    });
    assert!(border.count() > 5, "the campaign measures at the border");
}

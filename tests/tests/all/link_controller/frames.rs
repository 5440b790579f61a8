//! Single frames as no client of ours would send them.

use std::collections::{HashMap, HashSet};

use beacon_kernel::link::frame::{Decoder, FrameKind, Header, MAX_FRAME, encode};
use beacon_kernel::link::message::{
    Activation, DoseLimits, Field, Hello, Identity, Measurement, Next, Refusal, Reply, Request,
    Settings,
};
use beacon_kernel::link::{Client, PROTOCOL_CURRENT, PROTOCOL_MIN, Timing, Transport};
use beacon_tests::every_message::requests;
use beacon_tests::{Bench, Rig};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;
use serde::Serialize;

use super::client;

/// The bytes of one frame.
fn frame(
    version: u8,
    kind: FrameKind,
    sequence: u16,
    message: &impl Serialize,
    raw: &[u8],
) -> Vec<u8> {
    let header = Header {
        version,
        kind,
        sequence,
    };
    let mut out = [0; MAX_FRAME];
    let length = encode(header, message, raw, &mut out).unwrap();
    out[..length].to_vec()
}

/// Host 7 says hello; the identity is not read.
fn greet(rig: &mut Rig<'_>, sequence: u16) {
    let hello = Hello {
        protocol_min: 1,
        protocol_current: 1,
        host: 7,
    };
    let hello = frame(1, FrameKind::Hello, sequence, &hello, &[]);
    rig.send(&hello).unwrap();
    rig.board.sent.clear();
}

/// One request to the controller, and the reply if there is one.
fn ask(rig: &mut Rig<'_>, sequence: u16, request: &impl Serialize) -> Option<Reply> {
    let request = frame(1, FrameKind::Request, sequence, request, &[]);
    rig.send(&request).unwrap();
    answer(rig, |kind, content| {
        assert_eq!(kind, FrameKind::Reply);
        postcard::take_from_bytes(content)
            .ok()
            .map(|(reply, _)| reply)
    })
}

fn answer<R>(rig: &mut Rig<'_>, read: impl Fn(FrameKind, &[u8]) -> Option<R>) -> Option<R> {
    let mut decoder = Decoder::new([0; 2048]);
    let sent: Vec<u8> = rig.board.sent.drain(..).collect();
    let (_, complete) = decoder.push_all(&sent);
    let frame = decoder.frame().filter(|_| complete)?;
    read(frame.header.kind, frame.content)
}

#[test]
fn two_hosts_on_one_port_notice_each_other() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut first = client(&mut memory);
    first.status().unwrap();
    // The second host takes the port over; the first goes on with its own numbers.
    let mut second = Client::new(first.into_transport(), Timing::default(), 0xABCD_0001);
    let identity = second.connect().unwrap();
    assert_eq!(identity.other.map(|other| other.host), Some(7));
    second.status().unwrap();
    let mut first = Client::new(second.into_transport(), Timing::default(), 7);
    first.connect().unwrap();
    first.blank().unwrap();
    let mut rig = first.into_transport();
    let reply = ask(&mut rig, 60_000, &Request::Status);
    assert!(matches!(
        reply,
        Some(Reply::Refused(Refusal::OutOfSequence { .. }))
    ));
    let reply = ask(&mut rig, 60_000, &Request::Blank);
    assert_eq!(reply, Some(Reply::Done));
}

#[test]
fn another_protocol_version_is_told_which_one_is_spoken() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut rig = Rig::new(memory.controller());
    let hello = Hello {
        protocol_min: 9,
        protocol_current: 9,
        host: 1,
    };
    for (kind, newer) in [(FrameKind::Hello, true), (FrameKind::Request, false)] {
        // A later version may say more in its greeting.
        let bytes = if newer {
            frame(9, kind, 5, &(hello, 77_u32), &[])
        } else {
            frame(9, kind, 5, &[250_u8, 250, 250], &[])
        };
        rig.send(&bytes).unwrap();
        let identity: Identity = answer(&mut rig, |kind, content| {
            assert_eq!(kind, FrameKind::Identity);
            postcard::from_bytes(content).ok()
        })
        .unwrap();
        let spoken = (identity.protocol_min, identity.protocol_current);
        assert_eq!(spoken, (PROTOCOL_MIN, PROTOCOL_CURRENT));
    }
}

/// The exposure before it ends and the host's repetition comes while the main loop is held up: the
/// next turn finds both.
#[test]
fn a_request_that_waited_for_the_beam_is_carried_out_once() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    let settings = Settings {
        dwell_us: 20_000,
        ..Settings::DEFAULT
    };
    client.configure(settings).unwrap();
    bench.begin(&mut client);
    let mut rig = client.into_transport();
    greet(&mut rig, 100);
    let expose =
        |rig: &mut Rig<'_>, sequence, candidate| ask(rig, sequence, &Request::Expose { candidate });
    expose(&mut rig, 101, 3);
    let busy = expose(&mut rig, 102, 4);
    assert!(matches!(busy, Some(Reply::Busy { .. })), "{busy:?}");
    rig.stall(30);
    expose(&mut rig, 102, 4);
    rig.pass(100);
    assert_eq!(rig.exposures().count(), 2);
}

#[test]
fn a_reset_controller_says_so() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut rig = Rig::new(memory.controller());
    let reply = ask(&mut rig, 1, &Request::Status);
    assert_eq!(reply, Some(Reply::Refused(Refusal::NotConnected)));
}

/// A request that this version does not know stands for one that an older firmware does not.
#[test]
fn a_request_of_a_later_build_is_refused_and_the_session_found_again() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut rig = client(&mut memory).into_transport();
    // The hello was number 8.
    let unknown = ask(&mut rig, 9, &126_u8);
    assert_eq!(unknown, Some(Reply::Refused(Refusal::Undecodable)));
    let next = ask(&mut rig, 10, &Request::Status);
    assert_eq!(
        next,
        Some(Reply::Refused(Refusal::OutOfSequence { expected: 9 }))
    );
    let mut client = Client::new(rig, Timing::default(), 7);
    client.connect().unwrap();
    client.status().unwrap();
}

fn wild_request(bench: &Bench, pick: u32, random: &mut Xoshiro128PlusPlus) -> (Request, Vec<u8>) {
    let all = requests();
    let candidate = random.next_u32() % 230;
    let value = f32::from_bits(random.next_u32());
    match pick % 8 {
        0 => (Request::Expose { candidate }, vec![]),
        1 => (Request::Propose { expose: true }, vec![]),
        2 | 3 => {
            let measurement = Measurement { candidate, value };
            (
                Request::Measure {
                    measurement,
                    next: Next::Expose,
                },
                vec![],
            )
        }
        4 => {
            let (request, raw) = &all[random.next_u32() as usize % all.len()];
            (*request, raw.clone())
        }
        5 => {
            let sender = bench.weights_sender(0);
            (Request::Transfer(sender.descriptor()), vec![])
        }
        6 => {
            let kind = bench.weights_sender(0).descriptor().payload.kind();
            let offset = random.next_u32() % 40_000;
            let length = random.next_u32() as usize % 1024;
            (
                Request::Chunk { kind, offset },
                vec![random.next_u32() as u8; length],
            )
        }
        _ => (Request::Commit(Activation::Model(bench.header(0))), vec![]),
    }
}

/// Valid requests with wild values, damaged frames and plain noise: no panic, no pixel outside
/// the field, no dose above a limit, no candidate measured twice.
#[test]
fn whatever_arrives_the_limits_hold() {
    let bench = Bench::new(2);
    let field = Field {
        left: 1000,
        top: 2000,
        right: 30_000,
        bottom: 50_000,
    };
    let (mut exposed, mut measured) = (0, 0);
    for seed in 0..40 {
        let mut random = Xoshiro128PlusPlus::seed_from_u64(seed);
        let mut memory = bench.memory();
        let mut first = client(&mut memory);
        let settings = Settings {
            dwell_us: 500,
            dose: DoseLimits {
                pixel_us: 1200,
                total_us: 40_000,
            },
            field,
            ..Settings::DEFAULT
        };
        first.configure(settings).unwrap();
        bench.begin(&mut first);
        first.expose(0).unwrap();
        let mut rig = first.into_transport();
        let mut sequence = 100_u16;
        greet(&mut rig, sequence);
        for _ in 0..1500 {
            let pick = random.next_u32();
            let (request, raw) = wild_request(&bench, pick, &mut random);
            // Another field or a new campaign are the host's right; the rest of this is about
            // what is never anybody's.
            if matches!(
                request,
                Request::Configure(_) | Request::End { .. } | Request::Begin(_)
            ) {
                continue;
            }
            let number = if pick & 0x700 == 0 {
                random.next_u32() as u16
            } else {
                sequence.wrapping_add(1)
            };
            let mut bytes = frame(1, FrameKind::Request, number, &request, &raw);
            match (pick >> 12) % 6 {
                0 => {
                    let at = random.next_u32() as usize % bytes.len();
                    bytes[at] = random.next_u32() as u8;
                }
                1 => bytes = (0..pick % 300).map(|_| random.next_u32() as u8).collect(),
                _ => {
                    if number == sequence.wrapping_add(1) {
                        sequence = number;
                    }
                }
            }
            rig.send(&bytes).unwrap();
            rig.pass(random.next_u32() % 3);
            rig.board.sent.clear();
        }
        let mut doses = HashMap::new();
        for exposure in rig.exposures() {
            let (x, y) = (u32::from(exposure.x), u32::from(exposure.y));
            assert!(
                (field.left..field.right).contains(&x) && (field.top..field.bottom).contains(&y)
            );
            assert_eq!(exposure.dwell_us, 500);
            *doses.entry((x, y)).or_insert(0) += exposure.dwell_us;
        }
        assert!(doses.values().all(|&dose| dose <= 1200));
        assert!(doses.values().sum::<u32>() <= 40_000);
        exposed += rig.exposures().count();
        let candidates: Vec<_> = rig.controller.explorer().measurements().collect();
        let distinct: HashSet<_> = candidates
            .iter()
            .map(|(candidate, _)| candidate.0)
            .collect();
        assert_eq!(distinct.len(), candidates.len());
        // A memory that is full has forgotten the responses of the points that it dropped.
        let known = candidates.iter().filter(|(_, value)| value.is_finite());
        assert_eq!(known.count(), rig.controller.explorer().held());
        measured += candidates.len();
    }
    println!("{exposed} exposures and {measured} measurements under fire");
    assert!(exposed > 500 && measured > 500);
}

/// What a request is answered, but for Busy, once the controller has worked for so long, in ms.
fn ask_and_wait(rig: &mut Rig<'_>, sequence: u16, request: &Request, ms: u32) -> Option<Reply> {
    let request = frame(1, FrameKind::Request, sequence, request, &[]);
    rig.send(&request).unwrap();
    rig.pass(ms);
    let mut decoder = Decoder::new([0; 2048]);
    let mut answered = None;
    for byte in rig.board.sent.drain(..) {
        if decoder.push(byte)
            && let Some(frame) = decoder.frame()
            && let Ok((reply, _)) = postcard::take_from_bytes(frame.content)
            && !matches!(reply, Reply::Busy { .. })
        {
            answered = Some(reply);
        }
    }
    answered
}

/// A request that comes while new weights are evaluated is answered with the model before, and the same
/// commit then takes the weights that have arrived. Oracle: decisions of each model without any link.
#[test]
fn new_weights_give_way_to_another_request_and_are_taken_by_the_next_commit() {
    const LONG_MS: u32 = 100;
    let mut bench = Bench::new(1);
    // Both with the ten seeds.
    (bench.swap_at, bench.end) = (bench.end, bench.seeds + 1);
    let old = bench.direct()[0];
    bench.swap_at = bench.seeds;
    let new = bench.direct()[0];
    assert_ne!(old, new);
    let commit = Request::Commit(Activation::Model(bench.header(1)));
    let propose = Request::Propose { expose: false };
    let proposed = |reply| match reply {
        Some(Reply::Proposed(proposed)) => beacon_tests::campaign::bits(&proposed.proposal.into()),
        other => panic!("{other:?}"),
    };
    for slices in [0, 1, 4] {
        let mut memory = bench.memory();
        let mut client = client(&mut memory);
        bench.begin(&mut client);
        for candidate in bench.seed_candidates() {
            let measured = client.measure(bench.measurement(candidate), Next::Nothing);
            measured.unwrap();
        }
        bench.hand_over(&mut client, 0);
        let mut upload = client.upload(bench.weights_sender(1)).unwrap();
        while !client.advance(&mut upload).unwrap() {}
        let mut rig = client.into_transport();
        greet(&mut rig, 100);
        let reply = ask_and_wait(&mut rig, 101, &commit, slices);
        assert_eq!(reply, None, "after {slices} ms");
        // It is obeyed between two slices.
        assert_eq!(ask(&mut rig, 7, &Request::Blank), Some(Reply::Done));
        rig.pass(LONG_MS);
        assert!(rig.board.sent.is_empty(), "the commit was given up");
        let reply = ask_and_wait(&mut rig, 102, &propose, LONG_MS);
        assert_eq!(proposed(reply), old);
        let reply = ask_and_wait(&mut rig, 103, &commit, LONG_MS);
        assert_eq!(reply, Some(Reply::Done));
        let reply = ask_and_wait(&mut rig, 104, &propose, LONG_MS);
        assert_eq!(proposed(reply), new);
        let reply = ask_and_wait(&mut rig, 105, &commit, LONG_MS);
        assert_eq!(reply, Some(Reply::Refused(Refusal::NoTransfer)));
    }
}

/// The repetition of a commit that waits does not begin it anew.
#[test]
fn a_commit_that_is_repeated_while_weights_are_evaluated_is_carried_out_once() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
    let mut upload = client.upload(bench.weights_sender(0)).unwrap();
    while !client.advance(&mut upload).unwrap() {}
    let mut rig = client.into_transport();
    greet(&mut rig, 100);
    let commit = Request::Commit(Activation::Model(bench.header(0)));
    let mut busy = 0;
    let reply = loop {
        match ask(&mut rig, 101, &commit) {
            Some(Reply::Busy { .. }) => busy += 1,
            reply => break reply,
        }
        assert!(busy < 100, "it begins anew each time");
    };
    assert_eq!(reply, Some(Reply::Done));
    assert!(busy > 3, "{busy}");
    // The reply is kept.
    assert_eq!(ask(&mut rig, 101, &commit), Some(Reply::Done));
}

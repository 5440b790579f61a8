//! The controller against hosts that are mistaken, malicious or mad.

use std::collections::HashSet;

use beacon_kernel::link::frame::{FrameKind, Header, MAX_FRAME, encode};
use beacon_kernel::link::message::{
    Activation, DoseLimits, Field, Followed, Hello, Identity, Measurement, Next, Refusal, Reply,
    Request, Settings, Which,
};
use beacon_kernel::link::scalarizer::{Scalarizer, Window};
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{Client, Failure, PROTOCOL_CURRENT, PROTOCOL_MIN, Timing, Transport};
use beacon_kernel::{Candidate, Error};
use beacon_tests::every_message::requests;
use beacon_tests::rig::LIMITS;
use beacon_tests::{Bench, ControllerMemory, Rig};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

fn client(memory: &mut ControllerMemory) -> Client<Rig<'_>> {
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.connect().unwrap();
    client
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it reads better at every call"
)]
fn refusal<T>(result: Result<T, Failure<std::convert::Infallible>>) -> Refusal {
    match result {
        Err(Failure::Refused(refusal)) => refusal,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn no_dose_limit_is_exceeded_or_raised_while_it_matters() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    let settings = Settings {
        dwell_us: 1000,
        dose: DoseLimits {
            pixel_us: 2500,
            total_us: 6000,
        },
        ..Settings::DEFAULT
    };
    client.configure(settings).unwrap();
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    assert_eq!(client.expose(5).unwrap(), (1000, 1000));
    assert_eq!(client.expose(5).unwrap(), (2000, 2000));
    assert_eq!(
        refusal(client.expose(5)),
        Refusal::PixelDose {
            used_us: 2000,
            limit_us: 2500
        }
    );
    for candidate in 6..10 {
        client.expose(candidate).unwrap();
    }
    assert_eq!(
        refusal(client.expose(10)),
        Refusal::TotalDose {
            used_us: 6000,
            limit_us: 6000
        }
    );
    let raised = Settings {
        dose: DoseLimits {
            pixel_us: 2500,
            total_us: 6001,
        },
        ..settings
    };
    assert_eq!(
        refusal(client.configure(raised)),
        Refusal::Setting {
            which: Which::TotalDose,
            limit: 6000
        }
    );
    assert_eq!(client.transport_mut().exposures().count(), 6);
}

#[test]
fn the_boards_own_ceiling_and_nonsense_are_refused() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    let good = Settings {
        dose: LIMITS.dose,
        ..Settings::DEFAULT
    };
    client.configure(good).unwrap();
    let over = LIMITS.dose.pixel_us + 1;
    for (wrong, which) in [
        (
            Settings {
                dwell_us: 0,
                ..good
            },
            Which::Dwell,
        ),
        (
            Settings {
                settle_us: u32::MAX,
                ..good
            },
            Which::Settle,
        ),
        (
            Settings {
                dose: DoseLimits {
                    pixel_us: over,
                    ..good.dose
                },
                ..good
            },
            Which::PixelDose,
        ),
        (
            Settings {
                link_timeout_ms: 1,
                ..good
            },
            Which::LinkTimeout,
        ),
        (
            Settings {
                field: Field {
                    left: 9,
                    right: 9,
                    ..Field::FULL
                },
                ..good
            },
            Which::Field,
        ),
        (
            Settings {
                field: Field {
                    right: 65_537,
                    ..Field::FULL
                },
                ..good
            },
            Which::Field,
        ),
    ] {
        assert!(
            matches!(refusal(client.configure(wrong)), Refusal::Setting { which: w, .. } if w == which)
        );
    }
    assert_eq!(client.configuration().unwrap().settings, good);
    let mut large = bench.campaign();
    large.height = 65;
    assert_eq!(
        client
            .request(&Request::Begin(large), &[])
            .unwrap_err()
            .kernel(),
        Some(Error::Capacity {
            what: "pixels",
            needed: 65 * 24,
            capacity: 24 * 24
        })
    );
    assert_eq!(refusal(client.propose(true)), Refusal::NoCampaign);
}

#[test]
fn nothing_is_measured_or_exposed_twice_and_a_campaign_is_not_lost_by_mistake() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    let measurement = Measurement {
        candidate: 4,
        value: 1.0,
    };
    client.measure(measurement, Next::Nothing).unwrap();
    let already = Some(Error::AlreadyMeasured {
        candidate: Candidate(4),
    });
    assert_eq!(
        client
            .measure(measurement, Next::Nothing)
            .unwrap_err()
            .kernel(),
        already
    );
    assert_eq!(client.expose(4).unwrap_err().kernel(), already);
    let outside = client.expose(225).unwrap_err().kernel();
    assert!(matches!(
        outside,
        Some(Error::NoSuchCandidate {
            candidates: 225,
            ..
        })
    ));
    // A proposal that fails does not take the measurement with it.
    let next = Measurement {
        candidate: 5,
        value: 1.0,
    };
    let measured = client.measure(next, Next::Propose).unwrap();
    assert_eq!(
        (measured.count, measured.next),
        (2, Followed::Refused(Error::NoModel.into()))
    );
    let mut other = bench.campaign();
    other.id += 1;
    assert_eq!(
        refusal(client.request(&Request::Begin(other), &[])),
        Refusal::CampaignRunning {
            id: bench.campaign().id
        }
    );
    client
        .request(&Request::Begin(bench.campaign()), &[])
        .unwrap();
    assert_eq!(client.status().unwrap().measured, 2);
    assert_eq!(refusal(client.end(1)), Refusal::NoCampaign);
    client.end(bench.campaign().id).unwrap();
    assert_eq!(refusal(client.expose(9)), Refusal::CampaignEnded);
    client.request(&Request::Begin(other), &[]).unwrap();
    assert_eq!(client.status().unwrap().measured, 0);
}

#[test]
fn two_hosts_on_one_port_notice_each_other() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
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
    let reply = ask(&mut rig, 1, FrameKind::Request, 60_000, &Request::Status);
    assert!(matches!(
        reply,
        Some(Reply::Refused(Refusal::OutOfSequence { .. }))
    ));
    let reply = ask(&mut rig, 1, FrameKind::Request, 60_000, &Request::Blank);
    assert_eq!(reply, Some(Reply::Done));
}

/// One frame to the controller, and the reply if there is one.
fn ask(
    rig: &mut Rig<'_>,
    version: u8,
    kind: FrameKind,
    sequence: u16,
    message: &impl serde::Serialize,
) -> Option<Reply> {
    let header = Header {
        version,
        kind,
        sequence,
    };
    let mut out = [0; MAX_FRAME];
    let length = encode(header, message, &[], &mut out).unwrap();
    rig.send(&out[..length]).unwrap();
    answer(rig, |kind, content| {
        assert_eq!(kind, FrameKind::Reply);
        postcard::take_from_bytes(content)
            .ok()
            .map(|(reply, _)| reply)
    })
}

fn answer<R>(rig: &mut Rig<'_>, read: impl Fn(FrameKind, &[u8]) -> Option<R>) -> Option<R> {
    let mut decoder = beacon_kernel::link::frame::Decoder::new([0; 2048]);
    let sent: Vec<u8> = rig.board.sent.drain(..).collect();
    let (_, complete) = decoder.push_all(&sent);
    let frame = decoder.frame().filter(|_| complete)?;
    read(frame.header.kind, frame.content)
}

#[test]
fn another_protocol_version_is_told_which_one_is_spoken() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut rig = Rig::new(memory.controller());
    let hello = Hello {
        protocol_min: 9,
        protocol_current: 9,
        host: 1,
    };
    for (kind, newer) in [(FrameKind::Hello, true), (FrameKind::Request, false)] {
        let header = Header {
            version: 9,
            kind,
            sequence: 5,
        };
        let mut out = [0; MAX_FRAME];
        // A later version may say more in its greeting.
        let length = if newer {
            encode(header, &(hello, 77_u32), &[], &mut out).unwrap()
        } else {
            encode(header, &[250_u8, 250, 250], &[], &mut out).unwrap()
        };
        rig.send(&out[..length]).unwrap();
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
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    let settings = Settings {
        dwell_us: 20_000,
        ..Settings::DEFAULT
    };
    client.configure(settings).unwrap();
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    let mut rig = client.into_transport();
    let hello = Hello {
        protocol_min: 1,
        protocol_current: 1,
        host: 7,
    };
    let header = Header {
        version: 1,
        kind: FrameKind::Hello,
        sequence: 100,
    };
    let mut out = [0; MAX_FRAME];
    let length = encode(header, &hello, &[], &mut out).unwrap();
    rig.send(&out[..length]).unwrap();
    rig.board.sent.clear();
    let expose = |rig: &mut Rig<'_>, sequence, candidate| {
        ask(
            rig,
            1,
            FrameKind::Request,
            sequence,
            &Request::Expose { candidate },
        )
    };
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
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut rig = Rig::new(memory.controller());
    let reply = ask(&mut rig, 1, FrameKind::Request, 1, &Request::Status);
    assert_eq!(reply, Some(Reply::Refused(Refusal::NotConnected)));
}

#[test]
fn a_spectrum_becomes_the_response_that_the_scalarizer_gives() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    let spectrum: Vec<f32> = (0..2048_u32).map(|n| (n * 37 % 101) as f32).collect();
    let payload = Payload::Spectrum {
        candidate: 11,
        channels: 2048,
    };
    let sender = Sender::new(payload, Encoding::F32, &spectrum).unwrap();
    let commit = Activation::Spectrum {
        next: Next::Nothing,
    };
    assert_eq!(
        refusal(client.deliver(&sender, commit)),
        Refusal::NoScalarizer
    );
    let scalarizer = Scalarizer {
        signal: Window {
            start: 500,
            end: 560,
        },
        background: Some((
            Window {
                start: 460,
                end: 490,
            },
            Window {
                start: 570,
                end: 600,
            },
        )),
    };
    client.scalarize(scalarizer).unwrap();
    // Weights on their way are not disturbed.
    let mut upload = client.upload(bench.weights_sender(0)).unwrap();
    client.advance(&mut upload).unwrap();
    let Reply::Measured(measured) = client.deliver(&sender, commit).unwrap() else {
        panic!("not measured");
    };
    assert_eq!(
        measured.value.to_bits(),
        (scalarizer.response(&spectrum) as f32).to_bits()
    );
    assert_eq!(
        client.status().unwrap().last,
        Some(Measurement {
            candidate: 11,
            value: measured.value
        })
    );
    while !client.advance(&mut upload).unwrap() {}
    client.commit(Activation::Model(bench.header(0))).unwrap();
}

/// The kernel's own arithmetic on the same values, and what f32 makes of a difference on a large
/// offset.
#[test]
fn responses_of_spectra_are_relative_to_the_origin_that_the_host_sets() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    let scalarizer = Scalarizer {
        signal: Window { start: 0, end: 3 },
        background: None,
    };
    client.scalarize(scalarizer).unwrap();
    let spectrum = [3.0e9, 0.25, 0.5];
    let measure = |client: &mut Client<Rig<'_>>, candidate| {
        let payload = Payload::Spectrum {
            candidate,
            channels: 3,
        };
        let sender = Sender::new(payload, Encoding::F32, &spectrum).unwrap();
        client
            .measure_spectrum(&sender, Next::Nothing)
            .unwrap()
            .value
    };
    assert_eq!(measure(&mut client, 0), 3.0e9);
    client.set_origin(3.0e9).unwrap();
    assert_eq!(measure(&mut client, 1), 0.75);
    for value in [f64::NAN, f64::INFINITY] {
        let refused = refusal(client.set_origin(value));
        assert_eq!(
            refused.to_string(),
            "the origin of responses is no finite number"
        );
    }
    assert_eq!(measure(&mut client, 2), 0.75);
    // Beginning the running campaign once more changes nothing; another begins at zero.
    client
        .request(&Request::Begin(bench.campaign()), &[])
        .unwrap();
    assert_eq!(measure(&mut client, 3), 0.75);
    client.end(bench.campaign().id).unwrap();
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    assert_eq!(measure(&mut client, 0), 3.0e9);
}

/// A request that this version does not know stands for one that an older firmware does not.
#[test]
fn a_request_of_a_later_build_is_refused_and_the_session_found_again() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut rig = client(&mut memory).into_transport();
    // The hello was number 8.
    let unknown = ask(&mut rig, 1, FrameKind::Request, 9, &126_u8);
    assert_eq!(unknown, Some(Reply::Refused(Refusal::Undecodable)));
    let next = ask(&mut rig, 1, FrameKind::Request, 10, &Request::Status);
    assert_eq!(
        next,
        Some(Reply::Refused(Refusal::OutOfSequence { expected: 9 }))
    );
    let mut client = Client::new(rig, Timing::default(), 7);
    client.connect().unwrap();
    client.status().unwrap();
}

#[test]
fn half_precision_weights_act_like_the_rounded_ones() {
    let mut bench = Bench::new(6);
    bench.swap_at = bench.end + 1;
    let run = |bench: &Bench, encoding| {
        let mut memory = ControllerMemory::new(bench.capacity());
        let mut client = client(&mut memory);
        client
            .begin(bench.campaign(), &bench.image_sender())
            .unwrap();
        for candidate in bench.seed_candidates() {
            let value = bench.responses[candidate as usize];
            client
                .measure(Measurement { candidate, value }, Next::Nothing)
                .unwrap();
        }
        let payload = bench.weights_sender(0).descriptor().payload;
        let sender = Sender::new(payload, encoding, &bench.weights[0]).unwrap();
        client
            .deliver(&sender, Activation::Model(bench.header(0)))
            .unwrap();
        beacon_tests::campaign::bits(&client.propose(false).unwrap().proposal.into())
    };
    let halved = run(&bench, Encoding::F16);
    for weight in &mut bench.weights[0] {
        *weight = Encoding::F16.round(*weight);
    }
    assert_eq!(halved, run(&bench, Encoding::F32));
    assert_eq!(halved, bench.direct()[0]);
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
        let mut memory = ControllerMemory::new(bench.capacity());
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
        first
            .begin(bench.campaign(), &bench.image_sender())
            .unwrap();
        first.expose(0).unwrap();
        let mut rig = first.into_transport();
        let mut sequence = 100_u16;
        let hello = Hello {
            protocol_min: 1,
            protocol_current: 1,
            host: 7,
        };
        let mut out = [0; MAX_FRAME];
        let header = |kind, sequence| Header {
            version: 1,
            kind,
            sequence,
        };
        let length = encode(header(FrameKind::Hello, sequence), &hello, &[], &mut out).unwrap();
        rig.send(&out[..length]).unwrap();
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
            let length =
                encode(header(FrameKind::Request, number), &request, &raw, &mut out).unwrap();
            let mut bytes = out[..length].to_vec();
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
        let mut doses = std::collections::HashMap::new();
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
        assert!(candidates.iter().all(|(_, value)| value.is_finite()));
        measured += candidates.len();
    }
    println!("{exposed} exposures and {measured} measurements under fire");
    assert!(exposed > 500 && measured > 500);
}

#[test]
fn an_exposure_longer_than_the_time_out_is_waited_for_without_losing_the_link() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    client
        .configure(Settings {
            dwell_us: 900_000,
            link_timeout_ms: 100,
            ..Settings::DEFAULT
        })
        .unwrap();
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    client.expose(1).unwrap();
    client.expose(2).unwrap();
    client.expose(3).unwrap();
    let status = client.status().unwrap();
    assert_eq!((status.exposures, status.link.losses), (3, 0));
    assert!(client.statistics().busy > 10);
    assert_eq!(client.statistics().given_up, 0);
}

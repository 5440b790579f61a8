//! Whole campaigns over the link: whatever happens to the line or to the host, the controller
//! decides what the kernel decides when it is asked directly.

use beacon_kernel::link::message::{
    Activation, Beam, BlankReason, Exposed, Followed, Next, Phase, Request, Settings, Status,
};
use beacon_kernel::link::transfer::Sender;
use beacon_kernel::link::{Board, Client, Failure, Timing, Transport};
use beacon_tests::campaign::{bits, without_line};
use beacon_tests::{BeamEvent, Bench, Faults, FaultyTransport, Rig, Step};

/// Seeds, models and steps through a client; weights travel while the old ones go on deciding.
fn run<T: Transport<Error: std::fmt::Debug>>(client: &mut Client<T>, bench: &Bench) -> Vec<Step> {
    client.connect().unwrap();
    bench.begin(client);
    for candidate in bench.seed_candidates() {
        client.expose(candidate).unwrap();
        client
            .measure(bench.measurement(candidate), Next::Nothing)
            .unwrap();
    }
    bench.hand_over(client, 0);
    let mut steps = Vec::new();
    let mut next = Some(client.propose(true).unwrap());
    let mut upload = None;
    for n in bench.seeds..bench.end {
        // Some chunks of the next model between one decision and the next.
        if n >= bench.swap_at - 8 && n < bench.swap_at {
            let mut under_way = match upload.take() {
                None => client.upload(bench.weights_sender(1)).unwrap(),
                Some(upload) => upload,
            };
            for _ in 0..3 {
                client.advance(&mut under_way).unwrap();
            }
            upload = Some(under_way);
        }
        if n == bench.swap_at {
            client.commit(Activation::Model(bench.header(1))).unwrap();
            next = None;
        }
        let proposed = match next {
            Some(proposed) => proposed,
            None => client.propose(true).unwrap(),
        };
        assert_eq!(proposed.exposure, Exposed::Yes);
        steps.push(bits(&proposed.proposal.into()));
        // The step before a new model is not to decide with the old one.
        let then = if n + 1 == bench.swap_at || n + 1 == bench.end {
            Next::Nothing
        } else {
            Next::Expose
        };
        let candidate = proposed.proposal.candidate;
        let measured = client.measure(bench.measurement(candidate), then).unwrap();
        assert_eq!(measured.count as usize, n + 1);
        next = match measured.next {
            Followed::Nothing => None,
            Followed::Proposed(proposed) => Some(proposed),
            Followed::Refused(refusal) => panic!("{refusal}"),
        };
    }
    client.end(bench.campaign().id).unwrap();
    steps
}

#[test]
fn a_campaign_over_a_good_line_is_the_kernels_own_bit_for_bit() {
    let bench = Bench::new(3);
    let mut memory = bench.memory();
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    let steps = run(&mut client, &bench);
    assert_eq!(steps, bench.direct());
    let statistics = client.statistics();
    assert_eq!((statistics.retries, statistics.damaged), (0, 0));
    println!("good line: {statistics:?}");

    // Seeds and proposals, in order, each once, at the centre of its pixel.
    let rig = client.into_transport();
    let (side, half) = (bench.side as u32, bench.network.window() as u32 / 2);
    let columns = side - 2 * half + 1;
    let proposed = steps.iter().map(|step| step.0);
    let expected: Vec<_> = bench
        .seed_candidates()
        .chain(proposed)
        .map(|candidate| {
            let centre = |index: u32| ((2 * index + 1) * 65_536 / (2 * side)) as u16;
            (
                centre(candidate % columns + half),
                centre(candidate / columns + half),
            )
        })
        .collect();
    let exposed: Vec<_> = rig.exposures().map(|e| (e.x, e.y)).collect();
    assert_eq!(exposed, expected);
}

#[test]
fn one_per_cent_of_every_damage_changes_nothing() {
    let mut all = [0; 6];
    for seed in 0..12 {
        let bench = Bench::new(seed);
        let mut memory = bench.memory();
        let line = FaultyTransport::new(Rig::new(memory.controller()), Faults::all(0.01), seed);
        let mut client = Client::new(line, Timing::default(), seed as u32 * 77);
        assert_eq!(run(&mut client, &bench), bench.direct(), "seed {seed}");
        let link = client.status().unwrap().link;
        let statistics = client.statistics();
        let line = client.into_transport();
        let damage = line.damage();
        println!("seed {seed}: {damage:?}\n  host {statistics:?}\n  controller {link:?}");
        for (sum, kind) in all.iter_mut().zip(damage.kinds) {
            *sum += kind;
        }
        assert_eq!(
            line.inner.exposures().count(),
            bench.end,
            "seed {seed}: each pixel once"
        );
    }
    assert!(
        all.iter().all(|&count| count > 0),
        "every kind occurred: {all:?}"
    );
}

#[test]
fn ten_per_cent_of_every_damage_changes_nothing_either() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let line = FaultyTransport::new(Rig::new(memory.controller()), Faults::all(0.1), 5);
    let timing = Timing {
        attempts: 30,
        ..Timing::default()
    };
    let mut client = Client::new(line, timing, 9);
    assert_eq!(run(&mut client, &bench), bench.direct());
    println!("{:?}", client.statistics());
}

/// What a host does that knows nothing but the campaign itself: it looks at the controller,
/// and does the next thing that is missing.
fn next_message<T: Transport<Error: std::fmt::Debug>>(
    client: &mut Client<T>,
    bench: &Bench,
) -> Result<bool, Failure<T::Error>> {
    let status = client.status()?;
    let measured = status.measured as usize;
    let begun = status.campaign == Some(bench.campaign());
    let wanted_model = match measured {
        n if n < bench.seeds => None,
        n if n < bench.swap_at => Some(0),
        _ => Some(1),
    };
    match status.phase {
        Phase::Ended if begun => return Ok(false),
        Phase::Idle | Phase::Ended => {
            client.request(&Request::Begin(bench.campaign()), &[])?;
        }
        Phase::AwaitingImage => advance(client, bench.image_sender(), Activation::Image, &status)?,
        Phase::Running if measured == bench.end => client.end(bench.campaign().id)?,
        Phase::Running if status.model.map(|version| version as usize) != wanted_model => {
            let version = wanted_model.unwrap_or_default();
            let activation = Activation::Model(bench.header(version));
            advance(client, bench.weights_sender(version), activation, &status)?;
        }
        Phase::Running => {
            let seed = bench.seed_candidates().nth(measured);
            match (seed, status.exposed) {
                (_, Some(candidate)) => {
                    let measurement = bench.measurement(candidate);
                    client.measure(measurement, Next::Nothing)?;
                }
                (Some(candidate), None) => {
                    client.expose(candidate)?;
                }
                (None, None) => {
                    client.propose(true)?;
                }
            }
        }
    }
    Ok(true)
}

/// One message of a transfer, from wherever it is.
fn advance<T: Transport<Error: std::fmt::Debug>>(
    client: &mut Client<T>,
    sender: Sender<'_>,
    activation: Activation,
    status: &Status,
) -> Result<(), Failure<T::Error>> {
    let under_way = status
        .transfer
        .filter(|progress| progress.descriptor == sender.descriptor());
    match under_way {
        Some(progress) if progress.received == sender.length() => {
            client.commit(activation)?;
        }
        Some(_) => {
            let mut upload = client.upload(sender)?;
            client.advance(&mut upload)?;
        }
        None => {
            client.upload(sender)?;
        }
    }
    Ok(())
}

/// The candidates that a controller measured.
fn measured(rig: &Rig<'_>) -> Vec<u32> {
    let measurements = rig.controller.explorer().measurements();
    measurements.map(|(candidate, _)| candidate.0).collect()
}

/// The candidates that the kernel measures when it is asked without any link.
fn measured_directly(bench: &Bench) -> Vec<u32> {
    let steps = bench.direct().into_iter().map(|step| step.0);
    bench.seed_candidates().chain(steps).collect()
}

#[test]
fn a_host_may_die_between_any_two_messages() {
    let bench = Bench::new(8);
    let mut memory = bench.memory();
    let mut rig = Rig::new(memory.controller());
    let mut hosts = 0_u32;
    loop {
        hosts += 1;
        assert!(hosts < 1000, "no host comes to the end");
        let mut client = Client::new(rig, Timing::default(), hosts.wrapping_mul(0x9E37_79B9));
        let identity = client.connect().unwrap();
        assert_eq!(identity.other.is_some(), hosts > 1);
        let going_on = next_message(&mut client, &bench).unwrap();
        if !going_on {
            let mut measured = Vec::new();
            client.measurements(0, |m| measured.push(m)).unwrap();
            let expected = measured_directly(&bench).into_iter();
            let expected = expected.map(|candidate| bench.measurement(candidate));
            assert_eq!(measured, expected.collect::<Vec<_>>());
            rig = client.into_transport();
            break;
        }
        rig = client.into_transport();
    }
    println!("{hosts} hosts, one message each");
    assert!(hosts > 130);
    assert_eq!(
        rig.exposures().count(),
        bench.end,
        "nothing was exposed twice"
    );
}

/// A request whose reply no host ever saw, then a new host.
#[test]
fn a_host_may_die_between_a_request_and_its_reply() {
    let bench = Bench::new(8);
    let mut memory = bench.memory();
    let mut rig = Rig::new(memory.controller());
    let (mut hosts, mut deaf) = (0_u32, 0);
    loop {
        hosts += 1;
        assert!(hosts < 10_000, "no host comes to the end");
        let mut line = FaultyTransport::new(rig, Faults::default(), 0);
        // Every reply after the first few is lost together with its host.
        line.deaf_after = Some(3 + hosts % 3);
        let timing = Timing {
            attempts: 2,
            reply_ms: 5,
            ..Timing::default()
        };
        let mut client = Client::new(line, timing, hosts.wrapping_mul(0x9E37_79B9));
        client.connect().unwrap();
        let last = client.status().unwrap();
        if last.phase == Phase::Ended {
            rig = client.into_transport().inner;
            break;
        }
        // It may or may not have learnt what became of its request.
        if let Err(failure) = next_message(&mut client, &bench) {
            assert!(matches!(failure, Failure::NoReply { .. }), "{failure:?}");
            deaf += 1;
        }
        rig = client.into_transport().inner;
        rig.pass(20);
        rig.board.sent.clear();
    }
    println!("{hosts} hosts, {deaf} died deaf");
    assert_eq!(measured(&rig), measured_directly(&bench));
    assert_eq!(
        rig.exposures().count(),
        bench.end,
        "nothing was exposed twice"
    );
}

#[test]
fn a_cut_longer_than_the_time_out_blanks_the_beam_and_keeps_the_state() {
    let bench = Bench::new(4);
    let mut memory = bench.memory();
    let line = FaultyTransport::new(Rig::new(memory.controller()), Faults::default(), 0);
    let mut client = Client::new(line, Timing::default(), 7);
    client.connect().unwrap();
    client
        .configure(Settings {
            dwell_us: 900_000,
            link_timeout_ms: 1000,
            ..Settings::DEFAULT
        })
        .unwrap();
    let mut cuts = 0;
    let mut steps = 0;
    loop {
        let before = client.status().unwrap();
        if steps % 7 == 3 {
            let line = client.transport_mut();
            let blanked = line.inner.board.beam.len();
            line.cut = true;
            line.inner.pass(1500);
            assert_eq!(line.inner.board.beam.len(), blanked + 1);
            assert_eq!(line.inner.board.beam.last(), Some(&BeamEvent::Blanked));
            let failure = client.status().unwrap_err();
            assert!(
                matches!(failure, Failure::NoReply { rubbish: 0, .. }),
                "{failure:?}"
            );
            assert!(matches!(client.status(), Err(Failure::NotConnected)));
            client.transport_mut().cut = false;
            client.connect().unwrap();
            let after = client.status().unwrap();
            cuts += 1;
            assert_eq!(after.beam, Beam::Blanked(BlankReason::LinkLost));
            assert_eq!(after.link.losses, cuts);
            assert_eq!(without_line(&after), without_line(&before));
        }
        steps += 1;
        if !next_message(&mut client, &bench).unwrap() {
            break;
        }
    }
    println!("{cuts} cuts");
    let rig = client.into_transport().inner;
    assert_eq!(measured(&rig), measured_directly(&bench));
}

#[test]
fn an_exposure_under_way_ends_when_the_link_is_lost() {
    let bench = Bench::new(4);
    let mut memory = bench.memory();
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.connect().unwrap();
    client
        .configure(Settings {
            dwell_us: 900_000,
            link_timeout_ms: 200,
            ..Settings::DEFAULT
        })
        .unwrap();
    bench.begin(&mut client);
    client.expose(3).unwrap();
    let mut rig = client.into_transport();
    assert!(rig.board.exposing());
    rig.pass(199);
    assert!(rig.board.exposing());
    rig.pass(2);
    assert!(!rig.board.exposing());
    assert_eq!(rig.board.beam.last(), Some(&BeamEvent::Blanked));
}

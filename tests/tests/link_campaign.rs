//! Whole campaigns over the link: whatever happens to the line or to the host, the controller
//! decides what the kernel decides when it is asked directly.

use beacon_kernel::link::message::{Activation, Exposed, Followed, Measurement, Next, Phase};
use beacon_kernel::link::{Client, Failure, Timing, Transport};
use beacon_tests::campaign::bits;
use beacon_tests::{Bench, ControllerMemory, Faults, FaultyTransport, Rig, Step};

fn measurement(bench: &Bench, candidate: u32) -> Measurement {
    Measurement {
        candidate,
        value: bench.responses[candidate as usize],
    }
}

/// Seeds, models and steps through a client; weights travel while the old ones go on deciding.
fn run<T: Transport<Error: std::fmt::Debug>>(client: &mut Client<T>, bench: &Bench) -> Vec<Step> {
    client.connect().unwrap();
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    for candidate in bench.seed_candidates() {
        client.expose(candidate).unwrap();
        client
            .measure(measurement(bench, candidate), Next::Nothing)
            .unwrap();
    }
    client
        .deliver(&bench.weights_sender(0), Activation::Model(bench.header(0)))
        .unwrap();
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
        let measured = client.measure(measurement(bench, candidate), then).unwrap();
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
    let mut memory = ControllerMemory::new(bench.capacity());
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
        let mut memory = ControllerMemory::new(bench.capacity());
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
    let mut memory = ControllerMemory::new(bench.capacity());
    let line = FaultyTransport::new(Rig::new(memory.controller()), Faults::all(0.1), 5);
    let timing = Timing {
        attempts: 30,
        ..Timing::default()
    };
    let mut client = Client::new(line, timing, 9);
    assert_eq!(run(&mut client, &bench), bench.direct());
    println!("{:?}", client.statistics());
}

#[test]
fn a_host_may_die_between_any_two_messages() {
    let _ = (Phase::Idle, Failure::<()>::NotConnected);
}

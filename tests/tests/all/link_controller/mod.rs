//! The controller against hosts that are mistaken, malicious or mad.

mod frames;
mod spectra;

use beacon_kernel::link::message::{
    Activation, DoseLimits, Followed, Measurement, Next, Refusal, Request, Settings, Which,
};
use beacon_kernel::link::transfer::{Encoding, Sender};
use beacon_kernel::link::{Client, Failure, Timing};
use beacon_kernel::{Candidate, Error};
use beacon_tests::{Bench, ControllerMemory, LIMITS, Rig};

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
    let mut memory = bench.memory();
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
    bench.begin(&mut client);
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
    type Wrong = (Which, fn(&mut Settings));

    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    let good = Settings {
        dose: LIMITS.dose,
        ..Settings::DEFAULT
    };
    client.configure(good).unwrap();
    let wrongs: [Wrong; 6] = [
        (Which::Dwell, |wrong| wrong.dwell_us = 0),
        (Which::Settle, |wrong| wrong.settle_us = u32::MAX),
        (Which::PixelDose, |wrong| wrong.dose.pixel_us += 1),
        (Which::LinkTimeout, |wrong| wrong.link_timeout_ms = 1),
        (Which::Field, |wrong| {
            (wrong.field.left, wrong.field.right) = (9, 9);
        }),
        (Which::Field, |wrong| wrong.field.right = 65_537),
    ];
    for (setting, change) in wrongs {
        let mut wrong = good;
        change(&mut wrong);
        let refused = refusal(client.configure(wrong));
        assert!(
            matches!(refused, Refusal::Setting { which, .. } if which == setting),
            "{setting:?}: {refused:?}"
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
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
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
fn half_precision_weights_act_like_the_rounded_ones() {
    let mut bench = Bench::new(6);
    bench.swap_at = bench.end + 1;
    let run = |bench: &Bench, encoding| {
        let mut memory = bench.memory();
        let mut client = client(&mut memory);
        bench.begin(&mut client);
        for candidate in bench.seed_candidates() {
            let measured = client.measure(bench.measurement(candidate), Next::Nothing);
            measured.unwrap();
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

/// Half precision makes an infinity of it, and the model before stays.
#[test]
fn a_weight_beyond_half_precision_is_refused_by_the_board() {
    let mut bench = Bench::new(6);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
    for candidate in bench.seed_candidates() {
        let measured = client.measure(bench.measurement(candidate), Next::Nothing);
        measured.unwrap();
    }
    bench.hand_over(&mut client, 0);
    let before = client.propose(false).unwrap();
    for beyond in [65_520.0, -1e30, f32::NAN] {
        bench.weights[1][77] = beyond;
        let payload = bench.weights_sender(1).descriptor().payload;
        let sender = Sender::new(payload, Encoding::F16, &bench.weights[1]).unwrap();
        let commit = Activation::Model(bench.header(1));
        let error = client.deliver(&sender, commit).unwrap_err().kernel();
        let (what, index) = ("weight", 77);
        assert_eq!(error, Some(Error::NotFinite { what, index }), "{beyond}");
        assert_eq!(client.status().unwrap().model, Some(0));
        assert_eq!(client.propose(false).unwrap(), before);
    }
}

#[test]
fn an_exposure_longer_than_the_time_out_is_waited_for_without_losing_the_link() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    client
        .configure(Settings {
            dwell_us: 900_000,
            link_timeout_ms: 100,
            ..Settings::DEFAULT
        })
        .unwrap();
    bench.begin(&mut client);
    client.expose(1).unwrap();
    client.expose(2).unwrap();
    client.expose(3).unwrap();
    let status = client.status().unwrap();
    assert_eq!((status.exposures, status.link.losses), (3, 0));
    assert!(client.statistics().busy > 10);
    assert_eq!(client.statistics().given_up, 0);
}

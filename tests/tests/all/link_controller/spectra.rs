//! Spectra that a controller reduces to responses by itself.

use beacon_kernel::link::Client;
use beacon_kernel::link::message::{Activation, Measurement, Next, Refusal, Reply, Request};
use beacon_kernel::link::scalarizer::{Scalarizer, Window};
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_tests::{Bench, Rig};

use super::{client, refusal};

/// A candidate's spectrum on its way.
fn sender(candidate: u32, spectrum: &[f32]) -> Sender<'_> {
    let payload = Payload::Spectrum {
        candidate,
        channels: spectrum.len() as u16,
    };
    Sender::new(payload, Encoding::F32, spectrum).unwrap()
}

#[test]
fn a_spectrum_becomes_the_response_that_the_scalarizer_gives() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
    let spectrum: Vec<f32> = (0..2048_u32).map(|n| (n * 37 % 101) as f32).collect();
    let sender = sender(11, &spectrum);
    let commit = Activation::Spectrum {
        next: Next::Nothing,
    };
    assert_eq!(
        refusal(client.deliver(&sender, commit)),
        Refusal::NoScalarizer
    );
    let window = |start, end| Window { start, end };
    let scalarizer = Scalarizer {
        signal: window(500, 560),
        background: Some((window(460, 490), window(570, 600))),
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
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
    let scalarizer = Scalarizer {
        signal: Window { start: 0, end: 3 },
        background: None,
    };
    client.scalarize(scalarizer).unwrap();
    let spectrum = [3.0e9, 0.25, 0.5];
    let measure = |client: &mut Client<Rig<'_>>, candidate| {
        let sender = sender(candidate, &spectrum);
        let measured = client.measure_spectrum(&sender, Next::Nothing);
        measured.unwrap().value
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
    bench.begin(&mut client);
    assert_eq!(measure(&mut client, 0), 3.0e9);
}

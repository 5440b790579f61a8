//! How much longer than its bytes alone a transfer takes on the line, in virtual time.
//!
//! Oracle: the time on the wire of the values themselves, 10 bits a byte. Frames, COBS, CRCs,
//! requests and replies all count against the link, and so does the time that passes between a
//! request's last byte and its reply's first and between a reply and the next request, which is
//! assumed.

use beacon_kernel::link::message::Activation;
use beacon_kernel::link::transfer::Sender;
use beacon_kernel::link::{Client, Timing};
use beacon_tests::{Bench, ControllerMemory, Wire};

const BAUD: u64 = 2_000_000;

/// What the two ends may spend on each exchange of a request and its reply. One frame of a
/// transfer, decoded byte by byte as it arrives, leaves its values to be copied.
const TURNAROUND_US: u64 = 500;

/// Time of an image and of weights on the line, over that of their values.
fn ratios(turnaround_us: u64) -> [f64; 2] {
    let bench = Bench::of_size(1, 64, 16);
    let mut memory = ControllerMemory::new(bench.capacity());
    let wire = Wire::new(memory.controller(), BAUD, turnaround_us);
    let mut client = Client::new(wire, Timing::default(), 7);
    client.connect().unwrap();
    let ratio = |client: &mut Client<Wire<'_>>, sender: &Sender<'_>, began: u64| {
        let wire = client.transport_mut();
        let ideal = wire.wire_ns(sender.length() as usize);
        (wire.now_ns() - began) as f64 / ideal as f64
    };

    let began = client.transport_mut().now_ns();
    let image = bench.image_sender();
    client.begin(bench.campaign(), &image).unwrap();
    let of_image = ratio(&mut client, &image, began);

    let began = client.transport_mut().now_ns();
    let weights = bench.weights_sender(0);
    let model = Activation::Model(bench.header(0));
    client.deliver(&weights, model).unwrap();
    let of_weights = ratio(&mut client, &weights, began);
    assert_eq!(client.statistics().retries, 0);
    [of_image, of_weights]
}

#[test]
fn image_and_weights_take_at_most_a_fifth_longer_than_their_bytes() {
    for (what, ratio) in ["image", "weights"].into_iter().zip(ratios(TURNAROUND_US)) {
        println!("{what}: {ratio:.3} times the wire time");
        assert!(ratio <= 1.2, "{what}: {ratio}");
    }
}

/// Ends that spend nothing pay for the frames: some 20 bytes around each kilobyte, and a reply.
#[test]
fn frames_alone_cost_less_than_a_twentieth() {
    for (what, ratio) in ["image", "weights"].into_iter().zip(ratios(0)) {
        println!("{what}: {ratio:.4} times the wire time");
        assert!(ratio <= 1.05, "{what}: {ratio}");
    }
}

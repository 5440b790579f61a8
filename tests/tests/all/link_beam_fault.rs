//! What a host is told of a scan generator that fails, in the words of its protocol version.

use beacon_kernel::link::message::{
    Beam, BeamFault, BlankReason, Exposed, Followed, Measurement, Next, Refusal,
};
use beacon_kernel::link::{Client, Failure, Timing, Transport};
use beacon_tests::{Bench, ControllerMemory, Rig, TestBoard};

use super::link_versions::Older;

/// Has a host meet a fault in every message that can name one; returns the refusals and the reason
/// of the blanked beam.
fn told<T: Transport<Error: std::fmt::Debug>>(
    line: T,
    board: impl Fn(&mut T) -> &mut TestBoard,
    fault: BeamFault,
) -> (Vec<Refusal>, Beam) {
    let bench = Bench::new(1);
    let mut client = Client::new(line, Timing::default(), 7);
    client.connect().unwrap();
    client
        .begin(bench.campaign(), &bench.image_sender())
        .unwrap();
    client
        .choose(beacon_kernel::Acquisition::new(beacon_kernel::Strategy::Random).into())
        .unwrap();
    client.expose(3).unwrap();
    let set = |client: &mut Client<T>, fault| board(client.transport_mut()).fault = fault;
    set(&mut client, Some(fault));
    // Nothing comes; meanwhile the exposure is over.
    assert_eq!(client.transport_mut().receive(&mut [0], 5).unwrap(), 0);
    let beam = client.status().unwrap().beam;
    let mut refusals = Vec::new();
    match client.expose(4) {
        Err(Failure::Refused(refusal)) => refusals.push(refusal),
        other => panic!("{other:?}"),
    }
    match client.propose(true).unwrap().exposure {
        Exposed::Refused(refusal) => refusals.push(refusal),
        other => panic!("{other:?}"),
    }
    let measurement = Measurement {
        candidate: 3,
        value: 1.0,
    };
    match client.measure(measurement, Next::Expose).unwrap().next {
        Followed::Proposed(proposed) => match proposed.exposure {
            Exposed::Refused(refusal) => refusals.push(refusal),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
    // The fault passes, and the beam is moved again.
    set(&mut client, None);
    client.expose(4).unwrap();
    (refusals, beam)
}

#[test]
fn a_host_of_version_2_is_told_of_the_fault() {
    for fault in [BeamFault::Silent, BeamFault::Strange] {
        let mut memory = ControllerMemory::new(Bench::new(1).capacity());
        let (refusals, beam) = told(Rig::new(memory.controller()), |rig| &mut rig.board, fault);
        assert_eq!(refusals, [Refusal::Beam(fault); 3]);
        assert_eq!(beam, Beam::Blanked(BlankReason::Fault(fault)));
    }
}

#[test]
fn a_host_of_version_1_is_told_by_the_nearest_word_it_has() {
    for fault in [BeamFault::Silent, BeamFault::Strange] {
        let mut memory = ControllerMemory::new(Bench::new(1).capacity());
        let older = Older(Rig::new(memory.controller()));
        let (refusals, beam) = told(older, |older| &mut older.0.board, fault);
        assert_eq!(refusals, [Refusal::Undecodable; 3]);
        assert_eq!(beam, Beam::Blanked(BlankReason::LinkLost));
    }
}

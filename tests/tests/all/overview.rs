//! Overviews that a controller takes by itself, and what its detector gives in an exposure.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use beacon_host::controller::{Controller as _, InProcess, Linked, Memory, Recovery};
use beacon_kernel::Capacity;
use beacon_kernel::link::frame::Checksum;
use beacon_kernel::link::message::{
    Beam, BeamFault, BlankReason, Field, Raster, Reading, Refusal, Reply, Which,
};
use beacon_kernel::link::{Client, Exposure, Failure, Timing};
use beacon_tests::{Bench, ControllerMemory, LIMITS, Rig};

use crate::pty_board::{Board, Line};

const RASTER: Raster = Raster {
    rows: 12,
    columns: 20,
    frames: 1,
    dwell_us: 50,
    settle_us: 5,
    field: Field {
        left: 10_000,
        top: 20_000,
        right: 60_000,
        bottom: 65_536,
    },
};

/// What a detector gives that sees nothing but where the beam is.
fn at(exposure: Exposure) -> f32 {
    f32::from(exposure.x) + f32::from(exposure.y) / 3.0
}

fn plain(exposure: Exposure) -> Reading {
    Reading {
        value: at(exposure),
        saturated: false,
        overflowed: false,
    }
}

/// Columns from x = 40000 on are too bright for the converter, those from 50000 on for the counter.
fn bright(exposure: Exposure) -> Reading {
    Reading {
        value: at(exposure),
        saturated: (40_000..50_000).contains(&exposure.x),
        overflowed: exposure.x >= 50_000,
    }
}

fn client(memory: &mut ControllerMemory) -> Client<Rig<'_>> {
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.transport_mut().board.detector = Some(plain);
    client.connect().unwrap();
    client
}

/// The values of an overview as a host fetches them, with the CRC once it is complete.
fn fetch(client: &mut Client<Rig<'_>>) -> (Vec<f32>, Option<u32>) {
    let mut values = Vec::new();
    loop {
        let from = values.len() as u32;
        let (taken, total, crc) = client.pixels(from, |value| values.push(value)).unwrap();
        let all = values.len() as u32;
        assert!(all <= taken && taken <= total);
        let is_over = !matches!(client.status().unwrap().beam, Beam::Overview { .. });
        if all == total || (is_over && all == taken) {
            return (values, crc);
        }
        client.transport_mut().pass(1);
    }
}

fn expected(raster: Raster) -> Vec<f32> {
    let spots = (0..raster.pixels()).map(|pixel| raster.spot(pixel).unwrap());
    let values = spots.map(|spot| f32::from(spot.x) + f32::from(spot.y) / 3.0);
    values.collect()
}

#[test]
fn an_overview_exposes_every_pixel_once_and_tells_what_the_detector_gave() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    let (_, total_us) = client.overview(RASTER).unwrap();
    assert_eq!(total_us, 240 * 50);
    let (values, crc) = fetch(&mut client);
    assert_eq!(values, expected(RASTER));
    let mut checksum = Checksum::new();
    for value in &values {
        checksum.update(&value.to_le_bytes());
    }
    assert_eq!(crc, Some(checksum.value()));
    let status = client.status().unwrap();
    assert_eq!(status.beam, Beam::Blanked(BlankReason::Between));
    assert_eq!((status.dose_us, status.exposures), (total_us, 0));
    let exposures: Vec<_> = client.transport_mut().exposures().collect();
    assert_eq!(exposures.len(), 240);
    for (pixel, exposure) in exposures.into_iter().enumerate() {
        let spot = RASTER.spot(pixel as u32).unwrap();
        assert_eq!((exposure.x, exposure.y), (spot.x, spot.y));
        assert_eq!((exposure.settle_us, exposure.dwell_us), (5, 50));
        assert!((10_000..60_000).contains(&spot.x) && spot.y >= 20_000);
    }
}

#[test]
fn frames_are_averaged_and_what_the_detector_could_not_tell_is_no_number() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    client.transport_mut().board.detector = Some(bright);
    let raster = Raster {
        frames: 3,
        ..RASTER
    };
    assert_eq!(client.overview(raster).unwrap().1, 3 * 240 * 50);
    let (values, _) = fetch(&mut client);
    assert_eq!(client.transport_mut().exposures().count(), 3 * 240);
    let numbers = expected(raster);
    for (pixel, (found, number)) in values.iter().zip(numbers).enumerate() {
        let lit = raster.spot(pixel as u32).unwrap().x < 40_000;
        if lit {
            // The mean of three equal numbers, rounded twice at most.
            assert!((found - number).abs() <= number * f32::EPSILON, "{found}");
        } else {
            assert!(found.is_nan());
        }
    }
}

#[test]
fn values_that_are_final_can_be_fetched_meanwhile_and_from_anywhere() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    client.overview(RASTER).unwrap();
    client.transport_mut().pass(100);
    let mut first = Vec::new();
    let (taken, total, crc) = client.pixels(0, |value| first.push(value)).unwrap();
    assert!(taken > 50 && taken < 240, "{taken}");
    assert_eq!((total, crc), (240, None));
    assert_eq!(first, expected(RASTER)[..first.len()]);
    client.transport_mut().pass(300);
    let mut last = Vec::new();
    let (taken, _, crc) = client.pixels(230, |value| last.push(value)).unwrap();
    assert!(taken == 240 && crc.is_some());
    assert_eq!(last, expected(RASTER)[230..]);
    assert_eq!(client.pixels(240, |_| panic!("no more")).unwrap().0, 240);
}

/// How often the impatient host of [`fetch_over_a_bad_line`] asks before the link is lost.
const ATTEMPTS: usize = 3;

/// The line does something to the next answers when a part of the values has arrived; how often the
/// link was lost.
fn fetch_over_a_bad_line(mishap: impl Fn(&Line)) -> u32 {
    let board = Board::with_detector(Capacity::for_campaign(16, 16, 8, 20), plain);
    let mut client = board.client(1);
    *client.timing_mut() = Timing {
        reply_ms: 300,
        longest_ms: 300,
        attempts: ATTEMPTS as u32,
        ..Timing::default()
    };
    let mut memory = Memory::new(Capacity::DEFAULT);
    let mirror = InProcess::new(&mut memory).unwrap();
    let mut linked = Linked::connect(client, Recovery::default(), mirror).unwrap();
    let mut began = None;
    let values = linked.overview(RASTER, |from, of| {
        if began.is_none() && from > 0 && from < of {
            mishap(&board.line);
            began = Some(from);
        }
        ControlFlow::Continue(())
    });
    assert_eq!(values.unwrap(), expected(RASTER));
    assert!(began.is_some(), "nothing happened to the line");
    let left = (&board.line.lost, &board.line.damaged);
    assert_eq!(
        left.0.load(Ordering::SeqCst) + left.1.load(Ordering::SeqCst),
        0
    );
    // Every pixel once, and its dose once.
    assert_eq!(board.line.exposed.load(Ordering::SeqCst), 240);
    assert_eq!(linked.status().unwrap().dose_us, RASTER.total_us());
    linked.link().expect("a board is linked").losses
}

#[test]
fn values_that_are_damaged_or_lost_on_their_way_are_fetched_again_and_nothing_is_exposed_again() {
    for (mishap, losses) in [
        (
            (|line| line.damaged.store(1, Ordering::SeqCst)) as fn(&Line),
            0,
        ),
        (|line| line.damaged.store(ATTEMPTS - 1, Ordering::SeqCst), 0),
        (|line| line.lost.store(1, Ordering::SeqCst), 0),
        // The line is cut for so long that the host takes the board for lost, and finds it again.
        (|line| line.lost.store(ATTEMPTS, Ordering::SeqCst), 1),
        (|line| line.damaged.store(ATTEMPTS, Ordering::SeqCst), 1),
    ] {
        assert_eq!(fetch_over_a_bad_line(mishap), losses);
    }
}

#[test]
fn limits_hold_before_an_overview_begins_and_a_refused_one_costs_nothing() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    // A fine raster: several pixels in each of the 64 x 64 places of the range.
    let fine = Raster {
        rows: 40,
        columns: 40,
        field: Field {
            left: 0,
            top: 0,
            right: 8192,
            bottom: 8192,
        },
        ..RASTER
    };
    // A place of 1024 codes holds 25 pixels of 205.
    let each = LIMITS.dose.pixel_us / 25;
    for dwell_us in [each + 1, each] {
        let raster = Raster { dwell_us, ..fine };
        let before = client.status().unwrap().dose_us;
        match client.overview(raster) {
            Ok((most, _)) => {
                assert_eq!((dwell_us, most), (each, LIMITS.dose.pixel_us));
            }
            Err(Failure::Refused(Refusal::PixelDose { limit_us, .. })) => {
                assert_eq!((dwell_us, limit_us), (each + 1, LIMITS.dose.pixel_us));
                assert_eq!(client.status().unwrap().dose_us, before);
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    client.blank().unwrap();
    let exposed = client.transport_mut().exposures().count();
    let refused = client.overview(Raster {
        frames: u16::MAX,
        dwell_us: 60_000_000,
        ..RASTER
    });
    assert!(
        matches!(
            refused,
            Err(Failure::Refused(Refusal::TotalDose { limit_us, .. }))
                if limit_us == LIMITS.dose.total_us
        ),
        "{refused:?}"
    );
    assert_eq!(client.transport_mut().exposures().count(), exposed);
    let beam = client.status().unwrap().beam;
    assert_eq!(beam, Beam::Blanked(BlankReason::DoseLimit));
}

#[test]
fn in_a_campaign_an_overview_counts_on_every_candidate() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
    client.expose(5).unwrap();
    client.transport_mut().pass(2);
    let side = bench.side as u16;
    let raster = Raster {
        rows: side,
        columns: side,
        ..RASTER
    };
    let (most, total_us) = client.overview(raster).unwrap();
    let dwell = u64::from(side) * u64::from(side) * 50;
    assert_eq!((most, total_us), (1050, 1000 + dwell));
    // An exposure waits until the overview is over.
    assert_eq!(client.expose(6).unwrap(), (1050, 2000 + dwell));
    let exposed = client.transport_mut().exposures().count();
    assert_eq!(exposed, 2 + usize::from(side) * usize::from(side));
    let status = client.status().unwrap();
    assert_eq!(status.exposures, 2);
    assert_eq!(fetch(&mut client).0.len(), usize::from(side * side));
}

#[test]
fn whatever_blanks_the_beam_ends_an_overview_and_what_is_there_stays() {
    type Event = fn(&mut Client<Rig<'_>>);
    let events: [(Event, BlankReason); 3] = [
        (|client| client.blank().unwrap(), BlankReason::Request),
        (
            |client| {
                client.transport_mut().board.fault = Some(BeamFault::Silent);
                client.transport_mut().pass(2);
            },
            BlankReason::Fault(BeamFault::Silent),
        ),
        (
            // Nothing is heard for longer than the link time-out.
            |client| client.transport_mut().pass(6000),
            BlankReason::LinkLost,
        ),
    ];
    for (event, reason) in events {
        for after in [0, 1, 2, 7, 100] {
            let mut memory = ControllerMemory::new(Capacity::DEFAULT);
            let mut client = client(&mut memory);
            // Long enough for the link time-out.
            let slow = Raster {
                dwell_us: 40_000,
                ..RASTER
            };
            client.overview(slow).unwrap();
            client.transport_mut().pass(after);
            event(&mut client);
            let exposed = client.transport_mut().exposures().count();
            client.transport_mut().pass(200);
            let rig = client.transport_mut();
            assert_eq!(rig.exposures().count(), exposed, "{reason:?} after {after}");
            let status = client.status().unwrap();
            assert_eq!(status.beam, Beam::Blanked(reason));
            // All of it stays counted.
            assert_eq!(status.dose_us, slow.total_us());
            let (values, crc) = fetch(&mut client);
            assert_eq!(crc, None);
            assert_eq!(values, expected(slow)[..values.len()]);
            // Another one begins where it should.
            client.transport_mut().board.fault = None;
            client.overview(RASTER).unwrap();
            assert_eq!(fetch(&mut client).0, expected(RASTER));
        }
    }
}

#[test]
fn transfers_have_no_room_during_an_overview_and_take_its_place_afterwards() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
    client.overview(RASTER).unwrap();
    client.transport_mut().pass(10);
    let weights = bench.weights_sender(0);
    let refused = client.upload(weights).unwrap_err();
    assert!(
        matches!(
            refused,
            Failure::Refused(Refusal::TooLarge { capacity: 0, .. })
        ),
        "{refused}"
    );
    assert_eq!(fetch(&mut client).0, expected(RASTER));
    client.upload(weights).unwrap();
    assert_eq!(fetch(&mut client), (Vec::new(), None));
    // A campaign that ends blanks the beam, and an overview with it.
    client.overview(RASTER).unwrap();
    client.transport_mut().pass(10);
    client.end(bench.campaign().id).unwrap();
    let (values, crc) = fetch(&mut client);
    assert!(!values.is_empty() && values.len() < 240 && crc.is_none());
}

#[test]
fn a_board_tells_what_its_detector_gave_in_the_last_exposure() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    bench.begin(&mut client);
    assert_eq!(client.reading().unwrap(), (0, None));
    client.expose(5).unwrap();
    assert_eq!(client.reading().unwrap(), (1, None), "still under way");
    client.transport_mut().pass(2);
    let last = client.transport_mut().exposures().last().unwrap();
    assert_eq!(client.reading().unwrap(), (1, Some(plain(last))));
    client.expose(6).unwrap();
    client.blank().unwrap();
    assert_eq!(client.reading().unwrap(), (2, None), "cut short");
}

#[test]
fn a_dwell_that_the_detector_cannot_read_is_refused_by_name_and_exposes_all_the_same() {
    let bench = Bench::new(1);
    let mut memory = bench.memory();
    let mut client = client(&mut memory);
    client.transport_mut().board.shortest_reading_us = 1001;
    bench.begin(&mut client);
    let (which, limit) = (Which::Dwell, 1001);
    let refused = Failure::Refused(Refusal::Setting { which, limit });
    let raster = Raster {
        dwell_us: 1000,
        ..RASTER
    };
    assert_eq!(client.overview(raster).unwrap_err(), refused);
    assert_eq!(client.transport_mut().exposures().count(), 0);
    client.expose(5).unwrap();
    client.transport_mut().pass(2);
    assert_eq!(client.transport_mut().exposures().count(), 1);
    assert_eq!(client.reading().unwrap_err(), refused);
    client.transport_mut().board.shortest_reading_us = 1000;
    assert!(client.reading().unwrap().1.is_some());
}

#[test]
fn what_a_board_cannot_do_is_refused_by_name() {
    type Wrong = (Which, u64, fn(&mut Raster));

    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    let wrongs: [Wrong; 6] = [
        (Which::Raster, 1, |raster| raster.rows = 0),
        (Which::Raster, 1, |raster| raster.frames = 0),
        (Which::Dwell, 1, |raster| raster.dwell_us = 0),
        (Which::Settle, 60_000_000, |raster| {
            raster.settle_us = u32::MAX;
        }),
        (Which::Field, 65_536, |raster| raster.field.right = 65_537),
        (Which::Field, 65_536, |raster| {
            (raster.field.top, raster.field.bottom) = (9, 9);
        }),
    ];
    for (which, limit, change) in wrongs {
        let mut raster = RASTER;
        change(&mut raster);
        let refused = client.overview(raster).unwrap_err();
        let expected = Refusal::Setting { which, limit };
        assert_eq!(refused, Failure::Refused(expected), "{raster:?}");
    }
    let refused = client.overview(Raster {
        rows: 1000,
        columns: 1000,
        ..RASTER
    });
    assert!(
        matches!(
            refused,
            Err(Failure::Refused(Refusal::TooLarge {
                needed: 1_000_000,
                ..
            }))
        ),
        "{refused:?}"
    );
    client.transport_mut().board.fault = Some(BeamFault::Silent);
    let refused = client.overview(RASTER).unwrap_err();
    let expected = Refusal::Beam(BeamFault::Silent);
    assert_eq!(refused, Failure::Refused(expected));
    client.transport_mut().board.fault = None;
    client.transport_mut().board.detector = None;
    let (which, limit) = (Which::Detector, 0);
    let expected = Failure::Refused(Refusal::Setting { which, limit });
    assert_eq!(client.overview(RASTER).unwrap_err(), expected);
    assert_eq!(client.reading().unwrap_err(), expected);
    assert!(expected.to_string().contains("no detector"), "{expected}");
    assert_eq!(client.transport_mut().exposures().count(), 0);
    // A host of version 1 reads a candidate that it does not know.
    client.transport_mut().board.detector = Some(plain);
    client.overview(RASTER).unwrap();
    let status = client.status().unwrap();
    assert!(matches!(status.beam, Beam::Overview { .. }));
    let older = Reply::Status(status).within(1);
    assert!(
        matches!(older, Reply::Status(status) if status.beam == Beam::On { candidate: u32::MAX })
    );
}

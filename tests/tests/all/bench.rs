//! A board on the bench: its beam without a campaign, and the rate of its line.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use beacon_generator::{CLOCK_HZ, CYCLES_PER_COUNT, Stay};
use beacon_kernel::Capacity;
use beacon_kernel::link::message::{
    Beam, BlankReason, Pulse, Refusal, Reply, Signals, Spot, Which,
};
use beacon_kernel::link::{BAUD_TRIAL_MS, Client, Exposure, Failure, Timing};
use beacon_tests::emulated::stays;
use beacon_tests::{Bench, ControllerMemory, EmulatedBoard, LIMITS, Rig, TestBoard};

const SPOT: Spot = Spot { x: 1000, y: 60_000 };

fn pulse(at: Option<Spot>, dwell_us: u32) -> Pulse {
    Pulse { at, dwell_us }
}

fn client(memory: &mut ControllerMemory) -> Client<Rig<'_>> {
    let mut client = Client::new(Rig::new(memory.controller()), Timing::default(), 7);
    client.connect().unwrap();
    client
}

#[test]
fn the_beam_moves_blanked_and_pulses_where_it_was_moved() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    client.pulse(pulse(None, 500)).unwrap();
    client.transport_mut().pass(1);
    client.point(SPOT).unwrap();
    let beam = client.status().unwrap().beam;
    assert!(matches!(beam, Beam::Blanked(_)), "{beam:?}");
    assert_eq!(client.pulse(pulse(None, 2000)).unwrap(), (2000, 2500));
    let status = client.status().unwrap();
    assert_eq!(status.beam, Beam::OnBench(SPOT));
    // A host of version 1 reads a candidate that it does not know.
    let older = Reply::Status(status).within(1);
    assert!(
        matches!(older, Reply::Status(status) if status.beam == Beam::On { candidate: u32::MAX })
    );
    client.transport_mut().pass(3);
    let beam = client.status().unwrap().beam;
    assert_eq!(beam, Beam::Blanked(BlankReason::Between));
    let exposure = |Spot { x, y }, dwell_us| Exposure {
        x,
        y,
        settle_us: 10,
        dwell_us,
    };
    let expected = [
        exposure(Spot::MIDDLE, 500),
        exposure(SPOT, 0),
        exposure(SPOT, 2000),
    ];
    assert!(client.transport_mut().exposures().eq(expected));
}

#[test]
fn the_boards_ceiling_holds_for_every_place_and_in_all() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    let limit_us = LIMITS.dose.pixel_us;
    let near = Spot {
        x: SPOT.x + 1,
        ..SPOT
    };
    let far = Spot {
        y: SPOT.y - 1024,
        ..SPOT
    };
    client.pulse(pulse(Some(SPOT), limit_us - 10)).unwrap();
    // The place is as large as a pixel of the largest campaign, and is left in between.
    client.pulse(pulse(Some(far), limit_us)).unwrap();
    client.pulse(pulse(Some(near), 10)).unwrap();
    let refused = client.pulse(pulse(None, 1)).unwrap_err();
    let used_us = limit_us;
    let expected = Refusal::PixelDose { used_us, limit_us };
    assert_eq!(refused, Failure::Refused(expected));

    // All other places in turn: the total ends it.
    let total = LIMITS.dose.total_us;
    let mut places = (0..64).flat_map(|row| (0..64).map(move |column| (row, column)));
    let refused = loop {
        let (row, column) = places.next().expect("the total is reached before");
        let at = Spot {
            x: column << 10,
            y: row << 10,
        };
        match client.pulse(pulse(Some(at), limit_us)) {
            Ok(_) | Err(Failure::Refused(Refusal::PixelDose { .. })) => {}
            Err(failure) => break failure,
        }
    };
    let expected = Refusal::TotalDose {
        used_us: total,
        limit_us: total,
    };
    assert_eq!(refused, Failure::Refused(expected));
    let status = client.status().unwrap();
    assert_eq!(status.dose_us, total);
    assert_eq!(status.beam, Beam::Blanked(BlankReason::DoseLimit));
}

#[test]
fn a_dwell_out_of_range_is_refused_with_what_would_be_accepted() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    for (dwell_us, limit) in [(0, 1), (60_000_001, 60_000_000)] {
        let refused = client.pulse(pulse(None, dwell_us)).unwrap_err();
        let which = Which::Dwell;
        let expected = Refusal::Setting { which, limit };
        assert_eq!(refused, Failure::Refused(expected));
        let accepted = if limit == 1 {
            "at least 0.000001 s"
        } else {
            "at most 60 s"
        };
        let said = format!("dwell is out of range: expected {accepted}");
        assert_eq!(expected.to_string(), said);
    }
    assert_eq!(client.transport_mut().exposures().count(), 0);
}

#[test]
fn a_campaign_is_not_disturbed_and_what_was_exposed_before_it_or_after_counts() {
    let bench = Bench::new(1);
    let mut memory = ControllerMemory::new(bench.capacity());
    let mut client = client(&mut memory);
    client.pulse(pulse(None, 1000)).unwrap();
    bench.begin(&mut client);
    assert_eq!(client.status().unwrap().dose_us, 0, "its own account");
    let id = bench.campaign().id;
    let running = Failure::Refused(Refusal::CampaignRunning { id });
    assert_eq!(client.point(SPOT).unwrap_err(), running);
    assert_eq!(client.pulse(pulse(None, 1000)).unwrap_err(), running);
    client.expose(3).unwrap();
    client.transport_mut().pass(2);
    client.end(id).unwrap();
    assert_eq!(client.pulse(pulse(None, 1000)).unwrap(), (1000, 2000));
    client.transport_mut().pass(2);
    // To end it once more forgets nothing.
    client.end(id).unwrap();
    assert_eq!(client.pulse(pulse(None, 1000)).unwrap(), (2000, 3000));
}

#[test]
fn an_older_controller_is_told_nothing_that_it_does_not_know() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let older = super::link_versions::Older(Rig::new(memory.controller()));
    let mut client = Client::new(older, Timing::default(), 7);
    client.connect().unwrap();
    let missing = Failure::Missing {
        version: 1,
        since: 2,
    };
    assert_eq!(client.point(SPOT).unwrap_err(), missing);
    assert_eq!(client.pulse(pulse(None, 1)).unwrap_err(), missing);
    assert_eq!(client.set_baud(115_200).unwrap_err(), missing);
    assert_eq!(client.set_signals(Signals::default()).unwrap_err(), missing);
}

#[test]
fn the_line_changes_its_rate_and_returns_when_nothing_arrives() {
    let mut memory = ControllerMemory::new(Capacity::DEFAULT);
    let mut client = client(&mut memory);
    let refused = client.set_baud(1200).unwrap_err();
    let expected = Refusal::Setting {
        which: Which::Baud,
        limit: u64::from(*TestBoard::BAUDS.start()),
    };
    assert_eq!(refused, Failure::Refused(expected));

    client.set_baud(921_600).unwrap();
    let rig = client.transport_mut();
    rig.baud = Some(921_600);
    client.status().unwrap();
    // Long after a frame has come it stays.
    client.transport_mut().pass(2 * BAUD_TRIAL_MS as u32);
    assert_eq!(client.transport_mut().board.baud, Some(921_600));
    client.status().unwrap();
    // A lost link brings it back, where the next host looks for it.
    client.transport_mut().pass(5001);
    assert_eq!(client.transport_mut().board.baud, None);
    client.transport_mut().baud = None;
    client.status().unwrap();

    // A host that does not follow is not heard, until the trial is over.
    client.set_baud(921_600).unwrap();
    let before = client.transport_mut().board.baud;
    assert_eq!(before, Some(921_600));
    let status = client.status().unwrap();
    assert_eq!(client.transport_mut().board.baud, None);
    assert!(status.link.losses == 1, "{status:?}");
    assert!(client.statistics().retries >= 1);
}

/// Runs `beacon controller WORDS --controller serial:PORT`; returns what it prints.
pub(crate) fn controller(port: &str, words: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
        .arg("controller")
        .args(words)
        .arg("--controller")
        .arg(format!("serial:{port}"))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(said)
    }
}

#[test]
fn a_board_is_asked_for_another_rate_and_says_which_it_has() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let at = |baud: u32| {
        let port = format!("{}@{baud}", board.port());
        let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
            .args(["controller", "selftest", "--steps", "2", "--controller"])
            .arg(format!("serial:{port}"))
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    // A sixteenth of 25 MHz at most.
    let (done, said) = at(3_000_000);
    assert!(
        !done && said.contains("the nearest that it has is 1562500 baud"),
        "{said}"
    );
    // The line of the emulator carries every rate: nobody is told that it stays as it is.
    let (done, said) = at(921_600);
    assert!(done && !said.contains("stays at"), "{said}");
    // The host is gone; the next one begins as the first did.
    let (done, said) = at(460_800);
    assert!(done && !said.contains("stays at"), "{said}");
}

/// Where the modelled pins exposed, and how often for a dwell of so many µs.
fn exposed(stays: &[Stay], dwell_us: u64) -> Vec<(u16, u16, u64)> {
    let dwell = dwell_us * CLOCK_HZ / 1_000_000;
    let times = |stay: &Stay| {
        let times = (stay.on + dwell / 2) / dwell;
        assert!(
            stay.on.abs_diff(times * dwell) <= times * CYCLES_PER_COUNT,
            "{stay:?}"
        );
        times
    };
    stays.iter().map(|s| (s.x, s.y, times(s))).collect()
}

#[test]
fn the_pins_of_the_emulated_board_do_what_the_program_says() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let run = |words: &[&str]| controller(board.port(), words);
    let stays = || stays(board.generator(), Duration::from_secs(10));
    run(&["point", "0.25,1"]).unwrap();
    // The program has its answer before the generator has the pixel.
    let comes_to = |place: (u16, u16)| {
        let until = Instant::now() + Duration::from_secs(10);
        while board.generator().position() != place {
            let found = board.generator().position();
            assert!(Instant::now() < until, "{found:?} instead of {place:?}");
            thread::sleep(Duration::from_millis(1));
        }
    };
    comes_to((4096, 16383));
    let scan = ["scan", "--side", "2", "--frames", "3"];
    let said = run(&scan).unwrap();
    assert!(
        said.contains("12 points, 3 times the 4 of the square, with the beam blanked"),
        "{said}"
    );
    comes_to((16383, 16383));
    assert_eq!(stays(), []);

    let said = run(&["pulse", "--dwell", "0.003", "--count", "4"]).unwrap();
    assert!(said.contains("the place has had 0.012 s of beam"), "{said}");
    assert_eq!(exposed(&stays(), 3000), [(16383, 16383, 4)]);
    let said = run(&["pulse", "--dwell", "0.003", "--at", "0.5,0"]).unwrap();
    assert!(said.contains("all places 0.015 s"), "{said}");
    assert_eq!(exposed(&stays()[1..], 3000), [(8192, 0, 1)]);

    let mut scan = Vec::from(scan);
    scan.extend(["--dwell", "0.001", "--frame", "0,0,0.5,0.5"]);
    run(&scan).unwrap();
    let frame = [(0, 0), (8192, 0), (0, 8192), (8192, 8192)];
    let frames = [frame, frame, frame].concat();
    let expected: Vec<_> = frames.into_iter().map(|(x, y)| (x, y, 1)).collect();
    assert_eq!(exposed(&stays()[2..], 1000), expected);

    let said = run(&["pulse", "--dwell", "0.000001"]).unwrap_err();
    assert!(
        said.contains("dwell is out of range: expected at least 0.000008 s"),
        "{said}"
    );
}

#[test]
fn the_emulated_board_passes_its_first_session() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let said = controller(board.port(), &["check", "--yes", "--json"]).unwrap();
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["passed"], true, "{said}");
    let steps = report["steps"].as_array().unwrap();
    let verdicts: Vec<_> = steps.iter().map(|step| step["verdict"].as_str()).collect();
    assert_eq!(steps.len(), 14, "{said}");
    assert_eq!(
        (verdicts[0], verdicts[12]),
        (Some("passed"), Some("passed"))
    );
    assert_eq!(verdicts[13], Some("left-out"));
    assert!(
        verdicts[1..12].iter().all(|v| *v == Some("not-looked-at")),
        "{said}"
    );
    // Ten pulses of 1 ms, one of 1 s, and what the two that were cut had by then.
    let all = stays(board.generator(), Duration::from_secs(10));
    let middle = all.iter().filter(|s| (s.x, s.y) == (8192, 8192));
    let on = middle.map(|s| s.on).sum::<u64>();
    assert!(on > CLOCK_HZ * 101 / 100, "{all:?}");
    assert!(on < CLOCK_HZ * 4, "{all:?}");
}

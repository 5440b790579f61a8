//! The unmodified release image of the Nucleo, executed instruction by instruction on a chip whose
//! registers are those of the vendor's description. Whatever it does that the description does not
//! allow ends the emulator, and with it the test.
//!
//! Virtual time: `pass` lets it pass, the host's own clock never does.

mod detector;

use beacon_host::campaign::{CampaignConfig, Oracle, Outcome, Seeds};
use beacon_host::controller::{ControllerChoice, ControllerError, LinkReport, Linked, Port};
use beacon_kernel::Pixel;
use beacon_kernel::link::message::{
    Beam, BeamFault, BlankReason, DoseLimits, Field, Next, Refusal, Settings, Signals, Which,
};
use beacon_kernel::link::{Client, Failure, Transport as _};
use beacon_tests::campaign::{further, trajectory};
use beacon_tests::emulated::{
    PROVOCATIONS, check_points, check_posterior, check_posterior_of, last_panic, points_of_board,
};
use beacon_tests::{Bench, NucleoBoard, Pulse, run, specimen, specimen_of};

/// A minute, the longest that a dwell may be.
const MINUTE_US: u32 = 60_000_000;

/// Begins the small campaign, with settings.
fn begin(client: &mut Client<Port>, bench: &Bench, settings: Settings) {
    bench.begin(client);
    client.configure(settings).expect("configure");
}

/// The small campaign, begun by the first host of a board.
fn begun(board: &NucleoBoard, settings: Settings) -> (Bench, Client<Port>) {
    let (bench, mut client) = (Bench::new(1), board.client(1));
    begin(&mut client, &bench, settings);
    (bench, client)
}

/// One exposure of a pixel at most for each of so many dwells.
fn dwelling(dwell_us: u32, link_timeout_ms: u32) -> Settings {
    Settings {
        dwell_us,
        dose: DoseLimits {
            pixel_us: dwell_us,
            ..Settings::DEFAULT.dose
        },
        link_timeout_ms,
        ..Settings::DEFAULT
    }
}

/// Converter codes of a pixel.
fn codes(pixel: Pixel, side: usize) -> (u16, u16) {
    let (x, y) = Field::FULL
        .position(pixel, side, side)
        .expect("it lies in the image");
    // The converters have 12 of the 16 bits.
    (x >> 4, y >> 4)
}

/// The pixel of one of the first candidates of the small campaign, whose windows have 10 pixels.
fn pixel(candidate: usize) -> Pixel {
    Pixel {
        row: 5,
        column: 5 + candidate,
    }
}

/// Runs the program's `controller` command; returns what it prints.
fn controller(board: &NucleoBoard, command: &str) -> String {
    controller_at(board.port(), &[command])
}

/// Runs the program's `controller` command with the board at a port; returns what it prints.
fn controller_at(port: &str, words: &[&str]) -> String {
    crate::bench::controller(port, words).expect("the program succeeds")
}

/// From the last byte of an order to the start of the timer, in µs: what an interrupt, a frame and the
/// main loop take.
const PROMPT_US: f64 = 200.0;
/// The same where the board chooses the point first.
const CHOSEN_US: f64 = 250_000.0;

/// No exposure that an order started was late.
fn check_prompt(pulses: &[Pulse], within_us: f64) {
    let late = pulses.iter().map(Pulse::late_us).fold(0.0, f64::max);
    println!("{late} us from an order to its exposure at most");
    assert!(late <= within_us, "{late} us");
}

/// Every exposure was where it was proposed, not before it was ordered, and exactly as long as it was
/// told to be.
fn check(
    pulses: &[Pulse],
    expected: impl ExactSizeIterator<Item = (u16, u16)>,
    settings: Settings,
) {
    assert_eq!(pulses.len(), expected.len());
    for (pulse, (x, y)) in pulses.iter().zip(expected) {
        assert!(pulse.late_us() >= 0.0, "{pulse:?}");
        let told = Pulse {
            ordered_us: pulse.ordered_us,
            start_us: pulse.start_us,
            // One count of the timer at least, 125 ns.
            settle_us: Some(f64::from(settings.settle_us).max(0.125)),
            length_us: f64::from(settings.dwell_us),
            x,
            y,
            cut: false,
        };
        assert_eq!(*pulse, told);
    }
    let on_and_off = pulses
        .iter()
        .flat_map(|p| [p.start_us, p.start_us + p.length_us]);
    assert!(on_and_off.is_sorted(), "one exposure after the other");
}

#[test]
fn the_program_finds_the_board_however_it_was_flashed_and_clocked() {
    for options in [&[][..], &["--no-hse"], &["--bin"]] {
        let Some(mut board) = NucleoBoard::start("", options) else {
            return;
        };
        let said = controller(&board, "info");
        assert!(said.contains("nucleo-h743zi, 400 MHz"), "{said}");
        assert!(
            said.contains("blanked: nothing was exposed since reset"),
            "{said}"
        );
        assert!(
            said.contains("0 damaged, 0 bytes lost, silent 0 times"),
            "{said}"
        );
        let state = board.state();
        assert_eq!((state.resets, state.level, state.pulses), (0, 0, vec![]));
    }
}

#[test]
fn the_programs_selftest_ends_well_with_a_millisecond_of_beam_for_every_point() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let said = controller(&board, "selftest");
    assert!(said.contains("30 proposals, each equal"), "{said}");
    assert!(said.contains("0 damaged, 0 losses"), "{said}");
    let pulses = board.state().pulses;
    let own = pulses.iter().map(|pulse| (pulse.x, pulse.y));
    let own: Vec<_> = own.collect();
    assert_eq!(own.len(), 30);
    check(&pulses, own.into_iter(), Settings::DEFAULT);
}

/// Runs a campaign on the board and in this process; points, proposals, predictions and pulses are the same.
fn compare<F>(
    board: &mut NucleoBoard,
    (steps, retrain_every): (usize, usize),
    (experiment, seeds): (&mut dyn Oracle, usize),
    before: F,
) -> (Outcome, LinkReport)
where
    F: FnMut(usize, &mut Linked<'_>, &mut NucleoBoard) -> Result<(), ControllerError>,
{
    let config = CampaignConfig {
        steps,
        retrain_every: retrain_every.into(),
        ..CampaignConfig::default()
    };
    let campaign = (&config, Seeds::Random(seeds));
    let (outcome, link) = board.run(1, campaign, experiment, before);
    let outcome = outcome.expect("the campaign runs to its end");
    let in_process = run(&config, Seeds::Random(seeds), experiment);
    assert_eq!(trajectory(&outcome), trajectory(&in_process));
    assert_eq!(further(&outcome), further(&in_process));
    let points: Vec<_> = outcome.seeds.iter().chain(&outcome.steps).collect();
    let proposed = points.iter().map(|point| codes(point.pixel, 64));
    let pulses = board.state().pulses;
    check(&pulses, proposed, Settings::DEFAULT);
    check_prompt(&pulses, CHOSEN_US);
    (outcome, link)
}

#[test]
fn a_campaign_equals_the_one_in_this_process_and_every_pulse_is_as_proposed() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let mut compared = 0;
    let campaign: (&mut dyn Oracle, _) = (&mut specimen(1), 10);
    let (_, link) = compare(&mut board, (40, 8), campaign, |call, linked, _| {
        if call == 60 {
            check_posterior(linked)?;
            compared += 1;
        }
        Ok(())
    });
    assert_eq!((compared, link.losses, link.resumed), (1, 0, 0));
}

#[test]
fn a_campaign_of_three_responses_equals_the_one_in_this_process() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let mut experiment = specimen_of(1, &["line:Pd-La", "line:Au-Ma", "sum"]);
    let campaign: (&mut dyn Oracle, _) = (&mut experiment, 6);
    let mut held = Vec::new();
    let (outcome, link) = compare(&mut board, (6, 3), campaign, |call, linked, _| {
        if call == 20 {
            // The last of three, behind the offsets of the others. `on_target` asks a board for all, and the
            // campaign of one response this board for the first.
            check_posterior_of(linked, 2)?;
            held = points_of_board(linked)?;
        }
        Ok(())
    });
    assert_eq!(
        (outcome.further.len(), link.losses, link.resumed),
        (2, 0, 0)
    );
    check_points(&held, &outcome);
}

/// The points before the reset, which the host tells the board again, are not exposed again.
#[test]
fn a_campaign_outlives_a_watchdog_reset_as_if_nothing_had_been() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let campaign: (&mut dyn Oracle, _) = (&mut specimen(2), 10);
    compare(&mut board, (8, 4), campaign, |call, _, board| {
        // With the fourth step measured, and its model next.
        if call == 31 {
            board.hang();
            assert_eq!(board.pass(31_000).resets, 1);
        }
        Ok(())
    });
}

#[test]
fn pulses_are_exact_from_a_microsecond_to_a_minute() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let cases = [
        (0, 1),
        (1, 3),
        (10, 1000),
        (30_000, 500),
        (0, 8192),
        (MINUTE_US, 20),
        (7, MINUTE_US),
    ];
    let (bench, mut client) = begun(&board, dwelling(MINUTE_US, 600_000));
    for (n, (settle_us, dwell_us)) in cases.into_iter().enumerate() {
        let settings = Settings {
            settle_us,
            dwell_us,
            ..dwelling(MINUTE_US, 600_000)
        };
        client.configure(settings).expect("configure");
        client.expose(n as u32).expect("expose");
        board.pass((settle_us + dwell_us) / 1000 + 2);
        let pulses = board.state().pulses;
        assert_eq!(pulses.len(), n + 1);
        let told = [codes(pixel(n), bench.side)];
        check(&pulses[n..], told.into_iter(), settings);
        check_prompt(&pulses[n..], PROMPT_US);
    }
}

#[test]
fn dose_limits_hold_and_what_is_refused_never_turns_the_beam_on() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let settings = Settings {
        dose: DoseLimits {
            pixel_us: 2500,
            total_us: 5500,
        },
        ..Settings::DEFAULT
    };
    let (bench, mut client) = begun(&board, settings);
    for candidate in [3, 3, 4, 5, 6] {
        client.expose(candidate).expect("within the limits");
    }
    let refused = client.expose(7).expect_err("a sixth millisecond");
    let total = Refusal::TotalDose {
        used_us: 5000,
        limit_us: 5500,
    };
    assert_eq!(refused, Failure::Refused(total));
    let beam = client.status().expect("status").beam;
    assert_eq!(beam, Beam::Blanked(BlankReason::DoseLimit));

    let raised = Settings {
        dose: DoseLimits {
            total_us: 6500,
            ..settings.dose
        },
        ..settings
    };
    assert!(client.configure(raised).is_err(), "a limit may not rise");
    client.end(bench.campaign().id).expect("end");
    begin(&mut client, &bench, settings);
    for _ in 0..2 {
        client.expose(3).expect("within the limits");
    }
    let refused = client
        .expose(3)
        .expect_err("a third millisecond on a pixel");
    assert!(
        matches!(refused, Failure::Refused(Refusal::PixelDose { .. })),
        "{refused:?}"
    );
    // No host may have a dwell above a minute.
    let long = Settings {
        dwell_us: MINUTE_US + 1,
        ..settings
    };
    assert!(client.configure(long).is_err());
    let pulses = board.pass(100).pulses;
    let exposed = [3, 3, 4, 5, 6, 3, 3].map(|candidate| codes(pixel(candidate), bench.side));
    check(&pulses, exposed.into_iter(), settings);
}

#[test]
fn a_lost_link_blanks_within_a_millisecond_of_its_time_out_and_keeps_the_campaign() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let (bench, mut client) = begun(&board, dwelling(20_000_000, 1000));
    for candidate in bench.seed_candidates() {
        let measured = client.measure(bench.measurement(candidate), Next::Nothing);
        measured.expect("measure");
    }
    bench.hand_over(&mut client, 0);
    let proposed = client.propose(true).expect("a proposal").proposal;
    let before = board.state();
    assert!(before.pulses.is_empty(), "{before:?}");
    let after = board.pass(1500);
    let [pulse] = after.pulses[..] else {
        panic!("{after:?}");
    };
    let proposed = Pixel {
        row: proposed.row.into(),
        column: proposed.column.into(),
    };
    assert_eq!((pulse.x, pulse.y), codes(proposed, bench.side));
    assert!(pulse.cut && after.level == 0);
    let milliseconds = pulse.length_us / 1000.0;
    assert!(
        (1000.0..1002.0).contains(&milliseconds),
        "{milliseconds} ms"
    );

    client.connect().expect("hello again");
    let status = client.status().expect("status");
    assert_eq!(status.beam, Beam::Blanked(BlankReason::LinkLost));
    assert_eq!(status.campaign, Some(bench.campaign()));
    assert_eq!(
        (status.link.losses, status.measured),
        (1, bench.seeds as u32)
    );
}

#[test]
fn a_hung_main_loop_lengthens_no_exposure_and_the_watchdog_starts_over() {
    for (dwell_us, longest_us, cut) in [(20_000_000, 20e6, false), (MINUTE_US, 30.1e6, true)] {
        let Some(mut board) = NucleoBoard::start("", &[]) else {
            return;
        };
        let (_, mut client) = begun(&board, dwelling(dwell_us, 600_000));
        client.expose(7).expect("expose");
        // The chip's time goes on until it is told.
        let hung_us = board.hang().time_us;
        let state = board.pass(31_000);
        let [pulse] = state.pulses[..] else {
            panic!("{state:?}");
        };
        assert_eq!((pulse.cut, state.resets, state.level), (cut, 1, 0));
        if cut {
            assert!(
                pulse.start_us + pulse.length_us - hung_us <= longest_us,
                "after {hung_us} us: {pulse:?}"
            );
        } else {
            assert_eq!(pulse.length_us, longest_us);
        }

        client.connect().expect("hello after the reset");
        let status = client.status().expect("status");
        assert_eq!(status.health.watchdog_resets, 1);
        assert_eq!(status.beam, Beam::Blanked(BlankReason::Reset));
        assert_eq!(status.campaign, None);
        assert_eq!(
            last_panic(&mut client),
            "watchdog: the main loop did not come round"
        );
    }
}

#[test]
fn a_fault_of_the_release_image_blanks_resets_and_is_reported() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let (_, mut client) = begun(&board, dwelling(MINUTE_US, 600_000));
    client.expose(7).expect("expose");
    board.pass(100);
    let fault_us = board.fault().time_us;
    let state = board.pass(50);
    let [pulse] = state.pulses[..] else {
        panic!("{state:?}");
    };
    let blanked_us = pulse.start_us + pulse.length_us - fault_us;
    assert!(
        pulse.cut && (0.0..=80.0).contains(&blanked_us),
        "after {blanked_us} us: {pulse:?}"
    );
    assert_eq!((state.resets, state.level), (1, 0));
    assert!(last_panic(&mut client).starts_with("hard fault at 60000000, CFSR "));
}

#[test]
fn a_panic_a_fault_and_an_overflow_are_reported_by_the_image_that_can_panic() {
    let Some(mut board) = NucleoBoard::start("-panic-test", &[]) else {
        return;
    };
    let bench = Bench::new(1);
    for (n, (provocation, reported)) in PROVOCATIONS.into_iter().enumerate() {
        let mut client = board.client(n as u32);
        begin(&mut client, &bench, dwelling(MINUTE_US, 600_000));
        client.expose(5).expect("expose");
        let line = client.transport_mut();
        line.send(provocation.as_bytes()).expect("the line");
        // The emulator takes them from its terminal between two of these.
        let mut passes = (0..200).map(|_| board.pass(50));
        let state = passes.find(|state| state.resets as usize > n);
        let state = state.expect("a reset within ten seconds of the chip");
        assert_eq!((state.resets as usize, state.pulses.len()), (n + 1, n + 1));
        assert!(state.pulses[n].cut && state.level == 0, "{provocation}");
        let message = last_panic(&mut client);
        assert!(message.contains(reported), "{message}");
    }
}

#[test]
fn the_bench_moves_the_converters_and_pulses_where_they_are() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let port = board.port().to_owned();
    let run = |words: &[&str]| controller_at(&port, words);
    // From reset to the main loop it takes 11 ms.
    assert_eq!(board.pass(20).codes, (Some(2048), Some(2048)));
    run(&["point", "0.25,1"]);
    assert_eq!(board.state().codes, (Some(1024), Some(4095)));
    run(&[
        "scan",
        "--side",
        "2",
        "--frames",
        "1",
        "--frame",
        "0,0,0.5,0.5",
    ]);
    let state = board.state();
    assert_eq!(state.codes, (Some(2048), Some(2048)));
    assert_eq!((state.level, state.pulses.len()), (0, 0));

    let said = run(&[
        "pulse", "--dwell", "0.002", "--at", "0.75,0", "--count", "3",
    ]);
    assert!(said.contains("the place has had 0.006 s of beam"), "{said}");
    let settings = dwelling(2000, 5000);
    let pulses = board.state().pulses;
    check(&pulses, [(3072, 0); 3].into_iter(), settings);
    assert!(board.state().gates.is_empty());
    run(&["pulse", "--dwell", "0.002", "--gate"]);
    let state = board.state();
    check(&state.pulses[3..], [(3072, 0)].into_iter(), settings);
    assert_eq!(state.gates, state.pulses[3..]);
}

/// Rate of the link, to 1 %.
fn is_at(found: f64, baud: u32) -> bool {
    (found / f64::from(baud) - 1.0).abs() < 0.01
}

#[test]
fn the_line_runs_at_the_rate_that_both_ends_agree_on_and_falls_back() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let at = |baud: u32| format!("{}@{baud}", board.port());
    let (slow, fast) = (at(115_200), at(921_600));
    for (port, baud) in [(fast, 921_600), (slow, 115_200)] {
        let said = controller_at(&port, &["info"]);
        assert!(said.contains("0 bytes lost"), "{said}");
        let state = board.state();
        assert!(is_at(state.baud, baud), "{state:?}");
        // The host is gone. The next finds the board after the link time-out, or where it was left.
        if baud == 921_600 {
            let state = board.pass(6000);
            assert!(is_at(state.baud, ControllerChoice::BAUD), "{state:?}");
        }
    }
    // An earlier host left the board at the rate that this one wants: it is looked for there too.
    let said = controller_at(&format!("{}@115200", board.port()), &["info"]);
    assert!(said.contains("nucleo-h743zi"), "{said}");
    assert!(is_at(board.pass(6000).baud, ControllerChoice::BAUD));

    // A host that does not follow is heard again half a second later.
    let mut client = board.client(9);
    let refused = client
        .set_baud(10_000_000)
        .expect_err("a tenth of the clock");
    let limit = 100_000_000 / 16;
    let which = Which::Baud;
    assert_eq!(refused, Failure::Refused(Refusal::Setting { which, limit }));
    client.set_baud(230_400).expect("a rate that it has");
    assert!(is_at(board.pass(100).baud, 230_400));
    assert!(is_at(board.pass(450).baud, ControllerChoice::BAUD));
    client.status().expect("an answer at the first rate");
}

#[test]
fn an_exposure_waits_for_its_detector_and_the_gate_is_as_long_as_the_beam() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let settings = dwelling(2000, 600_000);
    let (bench, mut client) = begun(&board, settings);
    let signals = Signals {
        ready_ms: Some(50),
        gate: true,
    };
    client.set_signals(signals).expect("the board has both");
    client.expose(3).expect("expose");
    let before = board.pass(20);
    assert_eq!((before.level, before.pulses.len()), (0, 0));
    let ready_us = board.ready(true).time_us;
    let state = board.pass(5);
    let place = |candidate| codes(pixel(candidate), bench.side);
    check(&state.pulses, [place(3)].into_iter(), settings);
    assert_eq!(state.gates, state.pulses);
    let late_us = state.pulses[0].start_us - ready_us;
    assert!((0.0..1060.0).contains(&late_us), "{late_us} us");
    assert_eq!(
        client.status().expect("status").beam,
        Beam::Blanked(BlankReason::Between)
    );

    // A detector that is ready already is waited for no longer than that.
    client.expose(4).expect("expose");
    let state = board.pass(4);
    check(&state.pulses[1..], [place(4)].into_iter(), settings);

    // One that does not get ready: the beam is never on, not even when it is too late.
    board.ready(false);
    client.expose(5).expect("expose");
    board.pass(60);
    let fault = BlankReason::Fault(BeamFault::NotReady);
    let beam = client.status().expect("status").beam;
    assert_eq!(beam, Beam::Blanked(fault));
    board.ready(true);
    assert_eq!(board.pass(100).pulses.len(), 2);

    // Blanked while it waits.
    board.ready(false);
    client.expose(6).expect("expose");
    client.blank().expect("blank");
    board.ready(true);
    assert_eq!(board.pass(100).pulses.len(), 2);

    // A main loop that hangs keeps no exposure from ending, nor from waiting in vain.
    board.ready(false);
    client.expose(7).expect("expose");
    board.hang();
    assert_eq!(board.pass(100).pulses.len(), 2);
    board.ready(true);
    assert_eq!(board.pass(31_000).resets, 1);
    let state = board.state();
    assert_eq!((state.level, state.pulses.len()), (0, 2));

    // After the reset nobody waits, and the gate is not driven.
    drop(client);
    let mut client = board.client(2);
    begin(&mut client, &bench, settings);
    board.ready(false);
    client.expose(3).expect("expose");
    let state = board.pass(4);
    check(&state.pulses[2..], [place(3)].into_iter(), settings);
    assert_eq!(state.gates.len(), 2);
    let long = Signals {
        ready_ms: Some(60_001),
        gate: false,
    };
    let refused = client.set_signals(long).expect_err("more than a minute");
    let (which, limit) = (Which::Ready, 60_000);
    assert_eq!(refused, Failure::Refused(Refusal::Setting { which, limit }));
}

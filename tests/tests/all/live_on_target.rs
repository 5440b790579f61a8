//! A live campaign with the controller on the emulated board, on a sample that drifts and suffers.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use beacon_generator::{Attached, CLOCK_HZ, Reader};
use beacon_host::Session;
use beacon_host::campaign::{DeflectionFrame, Ended, LiveConfig};
use beacon_host::controller::{BeamPort as _, Controller};
use beacon_host::data::{Picoamperes, Seconds};
use beacon_host::internal::journal::RunFolder;
use beacon_host::internal::specimen::SpecimenKind;
use beacon_host::microscope::{SimulatedBeam, SpecimenMicroscope};
use beacon_kernel::{Capacity, MOST_RESPONSES};
use beacon_tests::EmulatedBoard;
use beacon_tests::campaign::{further, trajectory as proposals};
use beacon_tests::live::{Ran, go, settings};
use beacon_tests::unreliable::Unreliable;
use tempfile::TempDir;

use crate::live::say;

/// 20 ms on a point and 50 ms from one to the next: four pixels of drift over a campaign.
const DRIFTING: &str = "--microscope specimen --budget 50 --dwell 0.02 --current 2000 --drift 60 \
                        --drift-walk 0.3 --damage-dose 1e7";

/// Runs a campaign, on a board or with the kernel in this process. `meanwhile` is called with its folder when it
/// is about to measure its nth point.
fn ran(
    config: LiveConfig,
    controller: Option<&mut dyn Controller>,
    meanwhile: impl Fn(&Path, usize),
) -> Ran {
    let folder = TempDir::new().unwrap();
    let folder = RunFolder::begin(&folder.path().join("run")).unwrap();
    let specimen = SpecimenKind::Nanoparticles.config(1).make().unwrap();
    let beam: SimulatedBeam = config.instrument.beam.clone();
    let dwell = Some(config.dwell());
    let microscope = SpecimenMicroscope::new(specimen, beam, config.current, dwell).unwrap();
    let mut microscope = Unreliable::new(microscope, |nth| {
        meanwhile(folder.path(), nth);
        None
    });
    let session = Session::begin(&mut microscope, config, None, &folder, Arc::default()).unwrap();
    go(session, controller).expect("the campaign runs to its end")
}

/// What a campaign needs on a board, with room for as many targets as there may be.
fn capacity(config: &LiveConfig) -> Capacity {
    let candidates = config.campaign.candidates(64, 64).unwrap();
    Capacity::for_candidates(candidates, config.budget).with_responses(MOST_RESPONSES)
}

/// Runs a campaign on a board; returns what it came to, and the exposure in µs by the board's
/// own account.
fn on_board(board: &EmulatedBoard, host: u32, config: LiveConfig) -> (Ran, u64) {
    board.linked(host, capacity(&config), |linked| {
        let ran = ran(config, Some(&mut *linked), |_, _| ());
        let dose_us = linked.dose_us().expect("the board answers");
        (ran, dose_us)
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_campaign_that_corrects_drift_measures_where_it_meant_to() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let config = settings(&format!("{DRIFTING} --drift-every 4"));
    let (corrected, _) = on_board(&board, 1, config);
    let errors = corrected.summary.position_errors.clone().unwrap();
    // Where the beam goes without correction does not depend on who chooses.
    let mut config = settings(DRIFTING);
    config.campaign.strategy = "random".to_owned();
    let (uncorrected, _) = on_board(&board, 2, config);
    let without = uncorrected.summary.position_errors.clone().unwrap();
    println!(
        "position error in pixels: {:.3} on average and {:.3} at most; without correction {:.3} \
         and {:.3}",
        mean(&errors),
        errors.iter().copied().fold(0.0, f64::max),
        mean(&without),
        without.iter().copied().fold(0.0, f64::max)
    );
    assert!(mean(&errors) < 0.5, "{errors:?}");
    assert!(mean(&without) > 1.5, "{without:?}");
    assert_eq!(corrected.outcome.ended, Ended::Budget);

    // The beam went where the summary says it was told to go.
    let code = |frame: DeflectionFrame, &(row, column): &(f64, f64)| {
        let x = frame.left + (column + 0.5) / 64.0 * (frame.right - frame.left);
        let y = frame.top + (row + 0.5) / 64.0 * (frame.bottom - frame.top);
        // The converters have 14 bits.
        (x * 16_384.0, y * 16_384.0)
    };
    let corrected = corrected.summary.positions.iter();
    let corrected = corrected.map(|position| code(DeflectionFrame::WITH_ROOM, position));
    let uncorrected = uncorrected.summary.positions.iter();
    let uncorrected = uncorrected.map(|position| code(DeflectionFrame::FULL, position));
    let told: Vec<_> = corrected.chain(uncorrected).collect();
    let went = board.exposures(20_000, 0);
    assert_eq!(went.len(), told.len());
    for (&(x, y), (to_x, to_y)) in went.iter().zip(told) {
        let off = (f64::from(x) - to_x).abs().max((f64::from(y) - to_y).abs());
        assert!(off <= 1.5, "({x}, {y}) for ({to_x:.1}, {to_y:.1})");
    }
}

#[test]
fn neither_host_nor_controller_breaks_the_dose_limit() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let current = Picoamperes::new(2000.0).unwrap();
    let electrons = |seconds| (current * Seconds::new(seconds).unwrap()).get();
    // The overview, and 17 and a half exposures of a point.
    let overview = electrons(64.0 * 64.0 * SimulatedBeam::OVERVIEW_DWELL_US * 1e-6);
    let limit = overview + electrons(17.5 * 0.02);
    let config = settings(&format!("{DRIFTING} --dead-time 0 --dose-limit {limit}"));
    let (ran, dose_us) = on_board(&board, 1, config);
    assert!(
        matches!(ran.outcome.ended, Ended::Dose(_)),
        "{:?}",
        ran.outcome.ended
    );
    let points = ran.summary.positions.len();
    assert!((15..=17).contains(&points), "{points}");
    assert!(ran.summary.dose_electrons <= limit);
    assert_eq!(dose_us, 20_000 * points as u64);
    assert!(electrons(dose_us as f64 * 1e-6) <= limit);
    assert_eq!(board.exposures(20_000, 0).len(), points);
}

/// One target at first, two and then three on the way: the board begins anew with room for them, and reduces each
/// spectrum to all of them.
#[test]
fn a_board_that_is_told_to_seek_more_does_what_this_process_does() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let config = settings(
        "--microscope specimen --budget 18 --initial 6 --dwell 0.002 --current 2000 \
         --retrain-every 3 --reduce controller",
    );
    let asked = |folder: &Path, nth| match nth {
        9 => drop(say(folder, "target line:Pd-La,line:Au-Ma").unwrap()),
        13 => drop(say(folder, "target line:Au-Ma,line:Pd-La,sum").unwrap()),
        _ => {}
    };
    let (on_board, resets, losses) = board.linked(1, capacity(&config), |linked| {
        let ran = ran(config.clone(), Some(&mut *linked), asked);
        let link = linked.link().expect("a board is linked");
        (ran, linked.resets(), link.losses)
    });
    let in_process = ran(config, None, asked);
    assert_eq!((resets, losses), (0, 0));
    assert_eq!(on_board.outcome.ended, Ended::Budget);
    assert_eq!(on_board.summary.commands.len(), 2);
    let whole = |ran: &Ran| (proposals(&ran.outcome), further(&ran.outcome));
    assert_eq!(whole(&on_board), whole(&in_process));
    // The host reduces nothing unless it says so.
    assert_eq!(on_board.outcome.warnings, in_process.outcome.warnings);
    let further = &on_board.outcome.further;
    let targets: Vec<_> = further.iter().map(|of| of.target.as_str()).collect();
    assert_eq!(targets, ["line:Pd-La", "sum"]);
    assert!(
        further
            .iter()
            .all(|of| of.expected.last().unwrap().is_some())
    );
}

/// Waits until the generator exposes again after so many stays.
fn await_exposure(generator: &Attached, stays: usize) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while generator.stays().len() <= stays || !generator.beam_on() {
        assert!(Instant::now() < deadline, "nothing is exposed any more");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_scan_generator_that_fails_is_waited_for_and_the_campaign_goes_on() {
    const DWELL_US: u64 = 100_000;
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let generator = board.generator().clone();
    let disturbing = thread::spawn(move || {
        let pause = Duration::from_secs(1);
        await_exposure(&generator, 2);
        generator.set_deaf(true);
        thread::sleep(pause);
        generator.set_deaf(false);
        await_exposure(&generator, 5);
        generator.set_mute(true);
        thread::sleep(pause);
        generator.set_mute(false);
        await_exposure(&generator, 8);
        generator.set_reader(Reader::StopsAfter(0));
        thread::sleep(pause);
        generator.set_reader(Reader::Uart);
        await_exposure(&generator, 11);
        generator.set_powered(false);
        thread::sleep(pause);
        generator.set_powered(true);
    });
    let config = settings("--microscope specimen --budget 20 --dwell 0.1 --current 2000");
    let (ran, dose_us) = on_board(&board, 1, config);
    disturbing.join().expect("all of it happened");
    assert_eq!(ran.outcome.ended, Ended::Budget);
    let failures: Vec<_> = ran
        .said
        .iter()
        .filter(|said| said.contains("the scan generator does not answer"))
        .collect();
    assert!(failures.len() >= 4, "{:?}", ran.said);
    // Every point had its dwell, and nothing was exposed that is not in the account.
    let stays = board.stays();
    let on: u64 = stays.iter().map(|stay| stay.on).sum();
    let on_us = on * 1_000_000 / CLOCK_HZ;
    println!("{on_us} µs on by the pins, {dose_us} µs by the board's account");
    assert!(on_us <= dose_us, "{on_us} {dose_us}");
    assert!(on_us >= 20 * DWELL_US);
    let whole = stays
        .iter()
        .filter(|stay| stay.on * 1_000_000 / CLOCK_HZ >= DWELL_US);
    assert_eq!(whole.count(), 20);
}

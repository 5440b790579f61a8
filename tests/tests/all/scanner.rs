//! Campaigns on an emulated board alone, which takes its own overviews and reads its own detector.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use beacon_generator::{CYCLES_PER_COUNT, Detector};
use beacon_host::campaign::LiveConfig;
use beacon_host::controller::{
    ControllerChoice, InProcess, Linked, Memory, Port, Recovery, SharedBoard,
};
use beacon_host::data::Map;
use beacon_host::internal::journal::RunFolder;
use beacon_host::microscope::{ReplayMicroscope, ScannerMicroscope};
use beacon_host::{Session, TakenUp};
use beacon_kernel::link::Client;
use beacon_kernel::{Candidate, Capacity};
use beacon_tests::EmulatedBoard;
use beacon_tests::emulated::PATIENT;
use beacon_tests::live::{Ran, begin, go, settings};
use tempfile::TempDir;

/// Rows and columns of the overviews.
pub(crate) const SIDE: usize = 24;
/// Settings of a campaign on a board alone.
pub(crate) const ALONE: &str = "--microscope controller:emulated --controller emulated --scan-rows 24 \
                     --scan-columns 24 --scan-dwell-us 20 --dwell 0.001 --window 10";

/// A signal of a few waves and a bright spot, from converter codes.
fn image(x: u16, y: u16) -> u16 {
    let (x, y) = (f64::from(x) / 16_384.0, f64::from(y) / 16_384.0);
    let long = (9.0 * x + 4.0 * y).sin() + (5.0 * x - 13.0 * y + 1.0).sin();
    let short = (17.0 * x + 11.0 * y + 2.0).sin() + (7.0 * x - 19.0 * y).sin();
    let waves = long + 0.7 * short;
    let spot = (-200.0 * ((x - 0.7).powi(2) + (y - 0.4).powi(2))).exp();
    (6000.0 + 1300.0 * waves + 5000.0 * spot) as u16
}

/// What a longer dwell finds in the same places.
fn response(x: u16, y: u16) -> u16 {
    let seen = f64::from(image(x, y));
    (2000.0 + 0.05 * (seen - 6000.0).powi(2).sqrt() * (1.0 + f64::from(x) / 4096.0)) as u16
}

/// A signal as a map over the whole range, as the raster's pixels lie in it.
fn map(signal: fn(u16, u16) -> u16) -> Map {
    let code = |index: usize| (16_384 * (2 * index + 1) / (2 * SIDE)) as u16;
    let places = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column)));
    let values = places.map(|(row, column)| f64::from(signal(code(column), code(row))));
    Map::uncalibrated(SIDE, SIDE, values.collect(), "detector")
}

/// A board for a campaign of so many points.
fn connect<'m>(port: &str, host: u32, memory: &'m mut Memory) -> SharedBoard<'m> {
    let port = Port::open(port, ControllerChoice::BAUD).expect("a port");
    let client = Client::new(port, PATIENT, host);
    let mirror = InProcess::new(memory).expect("memory of the right size");
    let linked = Linked::connect(client, Recovery::default(), mirror);
    SharedBoard::new(linked.expect("a controller"))
}

fn memory(config: &LiveConfig) -> Memory {
    let candidates = config.campaign.candidates(SIDE, SIDE).unwrap();
    Memory::new(Capacity::for_candidates(candidates, config.budget))
}

/// Columns and rows of the points of a campaign, in order.
pub(crate) fn points(config: &LiveConfig, ran: &Ran) -> Vec<(usize, usize)> {
    let candidates = config.campaign.candidates(SIDE, SIDE).unwrap();
    let pixels = ran.order().into_iter().map(|candidate| {
        let pixel = candidates.pixel(Candidate(candidate)).unwrap();
        (pixel.column, pixel.row)
    });
    pixels.collect()
}

/// Runs a campaign on the board at a port alone. `after` is done when the first overview is taken.
pub(crate) fn run(
    port: &str,
    config: LiveConfig,
    folder: &Path,
    after: impl FnOnce(&Session<'_>),
) -> Ran {
    let mut memory = memory(&config);
    let mut shared = connect(port, 1, &mut memory);
    let mut microscope = ScannerMicroscope::new(
        shared.clone(),
        config.raster(),
        config.instrument.scan.field_width,
    );
    let folder = RunFolder::begin(folder).unwrap();
    let session = Session::begin(&mut microscope, config, None, &folder, Arc::default()).unwrap();
    after(&session);
    go(session, Some(&mut shared)).expect("a campaign comes to its end")
}

/// The figure of merit: every bit of image, order and responses, and every pulse of the pins.
#[test]
fn a_campaign_of_image_and_points_from_the_board_alone_equals_a_replay_of_its_data() {
    compare_with_replay("mps2-an500", 60);
}

/// The same on the second family's core.
#[test]
fn a_campaign_of_image_and_points_from_the_cortex_m33_alone_equals_a_replay_of_its_data() {
    compare_with_replay("mps2-an505", 60);
}

/// What the board must come to: a replay of the data that its detector sees.
fn replayed(response: fn(u16, u16) -> u16, budget: usize, folder: &Path) -> Ran {
    let mut replay = ReplayMicroscope::of_response(map(image), map(response)).unwrap();
    let own = "--microscope own:replay --dwell 0.001 --window 10";
    begin(
        &mut replay,
        settings(&format!("{own} --budget {budget}")),
        folder,
    )
    .unwrap()
}

fn compare_with_replay(board: &str, budget: usize) {
    let Some(board) = EmulatedBoard::start_as(board) else {
        return;
    };
    board.generator().set_detector(Detector::new(image));
    let folder = TempDir::new().unwrap();
    let config = settings(&format!("{ALONE} --budget {budget}"));
    let ran = run(
        board.port(),
        config.clone(),
        &folder.path().join("board"),
        |session| {
            assert_eq!(session.state().image().unwrap().values, map(image).values);
            board.generator().set_detector(Detector::new(response));
        },
    );
    assert_eq!(ran.order().len(), budget);

    let replayed = replayed(response, budget, &folder.path().join("replay"));
    assert_eq!(ran.trajectory(), replayed.trajectory());

    // The pins: the overview row by row, then the points in order, each for its dwell.
    let stays = board.stays();
    let code = |index: usize| (16_384 * (2 * index + 1) / (2 * SIDE)) as u16;
    let raster = (0..SIDE * SIDE).map(|n| (n % SIDE, n / SIDE, 20));
    let points = points(&config, &ran).into_iter();
    let points = points.map(|(column, row)| (column, row, 1000));
    let expected: Vec<_> = raster.chain(points).collect();
    assert_eq!(stays.len(), expected.len());
    let mut late = 0;
    for (stay, (column, row, dwell_us)) in stays.iter().zip(expected) {
        assert_eq!((stay.x, stay.y), (code(column), code(row)));
        let dwell = dwell_us * 48;
        // On a busy machine the emulator sends the byte that blanks late now and then, by what it takes to
        // send ten bytes at most.
        assert!(
            (dwell - CYCLES_PER_COUNT..dwell + 10 * 10 * 48).contains(&stay.on),
            "{stay:?}"
        );
        late += usize::from(stay.on > dwell + CYCLES_PER_COUNT);
    }
    println!("{late} of {} pulses late", stays.len());
    assert!(late < stays.len() / 10, "{late} late");
}

/// A board that is killed with its host is found as it is, and goes on: the overview is that of the
/// journal, and no point is measured twice.
#[test]
fn a_campaign_goes_on_where_its_journal_ends() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    board.generator().set_detector(Detector::new(image));
    let folder = TempDir::new().unwrap();
    let expected = replayed(image, 30, &folder.path().join("whole"));

    let path = folder.path().join("parts");
    let part = settings(&format!("{ALONE} --budget 18"));
    let first = run(board.port(), part, &path, |_| ());
    assert_eq!(first.order()[..], expected.order()[..18]);
    let exposed = board.stays().len();

    let run_folder = RunFolder::resume(&path).unwrap();
    let mut taken_up = TakenUp::read(&run_folder).unwrap();
    taken_up.config.budget = 30;
    let mut memory = memory(&taken_up.config);
    let mut shared = connect(board.port(), 2, &mut memory);
    let mut microscope = ScannerMicroscope::new(shared.clone(), taken_up.config.raster(), None);
    let session = Session::resume(&mut microscope, taken_up, &run_folder, Arc::default());
    let second = go(session.unwrap(), Some(&mut shared)).unwrap();
    assert_eq!(second.trajectory(), expected.trajectory());
    assert_eq!(board.stays().len(), exposed + 12);
}

#[test]
fn a_sample_that_moves_is_followed_by_overviews_of_the_boards_own() {
    // Three quarters of the range are the frame where drift is corrected: 512 codes a pixel.
    const DOWN: u16 = 2 * 512;
    const RIGHT: u16 = 512;

    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let moved = |x: u16, y: u16| image(x.wrapping_sub(RIGHT), y.wrapping_sub(DOWN));
    board.generator().set_detector(Detector::new(image));
    let folder = TempDir::new().unwrap();
    let config = settings(&format!("{ALONE} --budget 24 --drift-every 8"));
    let ran = run(board.port(), config, &folder.path().join("run"), |_| {
        board.generator().set_detector(Detector::new(moved));
    });
    let (down, right) = ran.summary.drift;
    assert!(
        (down - 2.0).abs() < 0.3 && (right - 1.0).abs() < 0.3,
        "{down} {right}"
    );
    let surveys = 1 + ran.order().len() / 8;
    assert!(board.stays().len() >= 24 + (surveys - 1) * SIDE * SIDE);
}

#[test]
fn what_the_detector_cannot_tell_is_left_out_by_name_and_the_campaign_goes_on() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    // A corner saturates the converter in overviews already, a stripe at points alone.
    let corner = |x: u16, y: u16| x < 6000 && y < 6000;
    board.generator().set_detector(Detector::new(move |x, y| {
        if corner(x, y) { u16::MAX } else { image(x, y) }
    }));
    let folder = TempDir::new().unwrap();
    let config = settings(&format!("{ALONE} --budget 30 --most-failures 30"));
    let ran = run(
        board.port(),
        config.clone(),
        &folder.path().join("run"),
        |session| {
            let overview = session.state().image().unwrap();
            let unknown = overview
                .values
                .iter()
                .filter(|value| value.is_nan())
                .count();
            // Nine columns and rows have their centres below code 6000.
            assert_eq!(unknown, 81);
            board.generator().set_detector(Detector::new(|x, y| {
                if (9000..11_000).contains(&x) {
                    u16::MAX
                } else {
                    image(x, y)
                }
            }));
        },
    );
    assert_eq!(ran.order().len(), 30);
    for (column, row) in points(&config, &ran) {
        let code = |index: usize| 16_384 * (2 * index + 1) / (2 * SIDE);
        assert!(!(code(column) < 6000 && code(row) < 6000));
        assert!(!(9000..11_000).contains(&code(column)), "column {column}");
    }
    let warnings = ran.summary.campaign.warnings.join("\n");
    assert!(warnings.contains("end of its range"), "{warnings}");
    assert!(
        warnings.contains("81 pixels are masked or without data"),
        "{warnings}"
    );
}

#[test]
fn a_scan_generator_that_is_gone_for_a_while_is_waited_for_and_nothing_is_lost() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    board.generator().set_detector(Detector::new(image));
    let folder = TempDir::new().unwrap();
    let config = settings(&format!("{ALONE} --budget 20"));
    let generator = board.generator().clone();
    let mut disturbing = None;
    let ran = run(board.port(), config, &folder.path().join("run"), |_| {
        disturbing = Some(thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            generator.set_powered(false);
            thread::sleep(Duration::from_millis(1500));
            generator.set_powered(true);
        }));
    });
    disturbing.unwrap().join().unwrap();
    assert_eq!(ran.order().len(), 20);
    let mut order = ran.order();
    order.sort_unstable();
    order.dedup();
    assert_eq!(order.len(), 20);
}

/// The program by itself, which puts a specimen under the emulated board.
#[test]
fn the_program_runs_a_campaign_on_the_emulated_board_alone() {
    if EmulatedBoard::start().is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
        .args(["run", "--microscope", "controller:emulated"])
        .args([
            "--budget",
            "14",
            "--scan-rows",
            "20",
            "--scan-columns",
            "22",
        ])
        .args(["--dwell", "0.001", "--window", "10", "--json", "--out"])
        .arg(folder.path().join("run"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["link"]["board"], "mps2-an500", "{summary}");

    let refused = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
        .args([
            "run",
            "--microscope",
            "controller:emulated",
            "--budget",
            "14",
        ])
        .args(["--controller", "serial:/dev/nothing"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("expected none beside"), "{said}");
}

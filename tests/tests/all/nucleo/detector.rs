//! The Nucleo as the whole instrument: overviews and points from its own detector, sampled or
//! counted, with a signal that the test puts where the beam is.

use std::path::Path;
use std::process::Command;

use beacon_host::data::Map;
use beacon_host::data::files::read_map;
use beacon_host::microscope::ReplayMicroscope;
use beacon_kernel::link::message::{
    Beam, BlankReason, Field, Raster, Reading, Refusal, Settings, Which,
};
use beacon_kernel::link::{Client, Failure};
use beacon_tests::NucleoBoard;
use beacon_tests::live::{begin, settings};
use tempfile::TempDir;

use super::{Port, Pulse, check, controller, controller_at, dwelling};
use crate::scanner::{ALONE, SIDE, points, run};

const RASTER: Raster = Raster {
    rows: SIDE as u16,
    columns: SIDE as u16,
    frames: 1,
    dwell_us: 20,
    settle_us: 10,
    field: Field::FULL,
};
/// How far the samples of a voltage lie apart where the dwell is short, in µs.
const SAMPLE_US: u32 = 4;

/// A signal of a few waves and a bright spot, from 0 to 1.
fn image(column: usize, row: usize) -> f64 {
    let (x, y) = (
        4.0 * column as f64 / SIDE as f64,
        4.0 * row as f64 / SIDE as f64,
    );
    let long = (9.0 * x + 4.0 * y).sin() + (5.0 * x - 13.0 * y + 1.0).sin();
    let short = (17.0 * x + 11.0 * y + 2.0).sin() + (7.0 * x - 19.0 * y).sin();
    let spot = (-4.0 * ((x - 2.8).powi(2) + (y - 1.6).powi(2))).exp();
    (0.5 + 0.1 * (long + 0.7 * short) + 0.15 * spot).clamp(0.0, 1.0)
}

/// What a longer dwell finds in the same places, from 0 to 1.
fn response(column: usize, row: usize) -> f64 {
    (image(column, row) - 0.5).abs() * (1.0 + column as f64 / SIDE as f64)
}

/// Numbers row by row.
fn values(signal: fn(usize, usize) -> f64, number: impl Fn(f64) -> f32) -> Vec<f32> {
    let places = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (column, row)));
    places
        .map(|(column, row)| number(signal(column, row)))
        .collect()
}

/// What the converter makes of a voltage whose samples go up and down by a ripple: their mean over a
/// dwell.
fn mean(code: f32, ripple: f32, dwell_us: u32) -> f32 {
    let samples = dwell_us / dwell_us.div_ceil(1024).max(SAMPLE_US);
    let step = |sample: u32| f64::from(ripple) * (f64::from(sample % 3) - 1.0);
    let sum: f64 = (0..samples).map(|n| f64::from(code) + step(n)).sum();
    (sum / f64::from(samples)) as f32
}

fn map(values: &[f32]) -> Map {
    let values = values.iter().copied().map(f64::from).collect();
    Map::uncalibrated(SIDE, SIDE, values, "detector")
}

/// Converter codes of a pixel.
fn codes(column: usize, row: usize) -> (u16, u16) {
    let code = |index: usize| (65_536 * (2 * index + 1) / (2 * SIDE)) as u16 >> 4;
    (code(column), code(row))
}

/// The pulses of an overview, and those of points behind it.
fn check_pulses(pulses: &[Pulse], points: &[(usize, usize)]) {
    let (overview, rest) = pulses.split_at(SIDE * SIDE);
    let raster: Vec<_> = (0..SIDE * SIDE)
        .map(|n| codes(n % SIDE, n / SIDE))
        .collect();
    check(overview, raster.into_iter(), dwelling(20, 5000));
    let points: Vec<_> = points
        .iter()
        .map(|&(column, row)| codes(column, row))
        .collect();
    check(rest, points.into_iter(), dwelling(1000, 5000));
    super::check_prompt(rest, super::CHOSEN_US);
}

/// A campaign of image and points from the board alone, and a replay of what its detector was given:
/// `signals` are that of the overview and that of the points, with the ripple of both, and what is
/// read of them.
fn compare(
    board: &mut NucleoBoard,
    budget: usize,
    signals: [&[f32]; 2],
    ripple: f32,
    read: [&[f32]; 2],
) {
    let folder = TempDir::new().unwrap();
    let config = settings(&format!("{ALONE} --budget {budget}"));
    board.signal(SIDE, signals[0], ripple);
    let port = board.port().to_owned();
    let ran = run(
        &port,
        config.clone(),
        &folder.path().join("board"),
        |session| {
            assert_eq!(session.state().image().unwrap().values, map(read[0]).values);
            board.signal(SIDE, signals[1], ripple);
        },
    );
    assert_eq!(ran.order().len(), budget);
    let mut replay = ReplayMicroscope::of_response(map(read[0]), map(read[1])).unwrap();
    let own = format!("--microscope own:replay --dwell 0.001 --window 10 --budget {budget}");
    let replayed = begin(&mut replay, settings(&own), &folder.path().join("replay")).unwrap();
    assert_eq!(ran.trajectory(), replayed.trajectory());
    check_pulses(&board.state().pulses, &points(&config, &ran));
}

#[test]
fn a_campaign_from_the_converter_alone_equals_a_replay_of_its_data() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let ripple = 300.0;
    let [seen, found] = [image, response]
        .map(|signal| values(signal, |part| (1000.0 + 60_000.0 * part).round() as f32));
    let read = |codes: &[f32], dwell_us| -> Vec<f32> {
        codes
            .iter()
            .map(|&code| mean(code, ripple, dwell_us))
            .collect()
    };
    let (overview, points) = (read(&seen, 20), read(&found, 1000));
    // The mean of five samples and that of 250.
    assert_eq!(seen[0] - overview[0], 60.0);
    assert!((found[0] - points[0] - 1.2).abs() < 0.01);
    compare(
        &mut board,
        60,
        [&seen, &found],
        ripple,
        [&overview, &points],
    );
}

#[test]
fn a_campaign_from_the_counter_alone_equals_a_replay_of_its_data() {
    let Some(mut board) = NucleoBoard::start("", &["--counting"]) else {
        return;
    };
    let said = controller(&board, "info");
    assert!(said.contains("nucleo-h743zi counting"), "{said}");
    // Up to 300 pulses in 20 µs, and more than the lower counter holds in a millisecond.
    let counts = values(image, |part| (300.0 * part).round() as f32);
    let more = values(response, |part| (30_000.0 * part).round() as f32);
    let rates: Vec<_> = counts.iter().map(|count| count * 50_000.0).collect();
    let higher: Vec<_> = more.iter().map(|count| count * 1000.0).collect();
    compare(&mut board, 60, [&rates, &higher], 0.0, [&counts, &more]);
}

/// The values of an overview, once it is over.
fn overview(client: &mut Client<Port>, raster: Raster) -> Vec<f32> {
    client.overview(raster).expect("overview");
    loop {
        let mut values = Vec::new();
        let (_, _, crc) = client
            .pixels(0, |value| values.push(value))
            .expect("pixels");
        if crc.is_none() {
            continue;
        }
        let pixels = raster.pixels() as usize;
        while values.len() < pixels {
            let from = values.len() as u32;
            client
                .pixels(from, |value| values.push(value))
                .expect("pixels");
        }
        return values;
    }
}

/// One exposure of any dwell.
fn dwell_of(dwell_us: u32) -> Settings {
    Settings {
        dwell_us,
        ..dwelling(super::MINUTE_US, 600_000)
    }
}

/// Exposes a candidate of the small campaign for a dwell, and reads the detector.
fn expose(
    board: &mut NucleoBoard,
    client: &mut Client<Port>,
    candidate: u32,
    dwell_us: u32,
) -> Option<Reading> {
    client.configure(dwell_of(dwell_us)).expect("configure");
    client.expose(candidate).expect("expose");
    board.pass(dwell_us / 1000 + 2);
    client.reading().expect("an answer").1
}

#[test]
fn a_voltage_above_the_range_has_no_number_and_its_points_are_left_out() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    // Only every third sample of the upper left quarter is at the end of the range.
    let bright = |n: usize| n % SIDE < SIDE / 2 && n / SIDE < SIDE / 2;
    let codes = values(image, |part| (1000.0 + 60_000.0 * part).round() as f32);
    let codes = codes.into_iter().enumerate();
    let codes: Vec<_> = codes
        .map(|(n, code)| if bright(n) { 65_300.0 } else { code })
        .collect();
    board.signal(SIDE, &codes, 300.0);
    let mut client = board.client(1);
    let found = overview(&mut client, RASTER);
    for (n, value) in found.iter().enumerate() {
        assert_eq!(value.is_nan(), bright(n), "pixel {n}: {value}");
    }
    drop(client);

    // In a campaign the same stripe saturates at points alone.
    let dark: Vec<_> = codes
        .iter()
        .map(|code| 0.5 * code)
        .map(f32::round)
        .collect();
    board.signal(SIDE, &dark, 0.0);
    let port = board.port().to_owned();
    let folder = TempDir::new().unwrap();
    let config = settings(&format!("{ALONE} --budget 14 --most-failures 30"));
    let ran = run(&port, config.clone(), &folder.path().join("run"), |_| {
        board.signal(SIDE, &codes, 300.0);
    });
    // A point without a number costs its exposure.
    assert!((10..14).contains(&ran.order().len()), "{:?}", ran.order());
    for (column, row) in points(&config, &ran) {
        assert!(!bright(row * SIDE + column), "{column} {row}");
    }
    let warnings = ran.summary.campaign.warnings.join("\n");
    assert!(warnings.contains("end of its range"), "{warnings}");
}

#[test]
fn a_counter_tells_every_pulse_up_to_its_capacity_and_says_when_there_were_more() {
    const SECOND: u32 = 1_000_000;
    const CAPACITY: f32 = 16_777_216.0;

    let Some(mut board) = NucleoBoard::start("", &["--counting"]) else {
        return;
    };
    let (bench, mut client) = super::begun(&board, dwell_of(1000));
    for (candidate, (rate, dwell_us, value, overflowed)) in [
        (0.0, 1000, 0.0, false),
        (1e6, 1, 1.0, false),
        (50e6, 1000, 50_000.0, false),
        (CAPACITY - 1.0, SECOND, CAPACITY - 1.0, false),
        (CAPACITY, SECOND, 0.0, true),
        (20e6, SECOND, 20e6 - CAPACITY, true),
        (3e6, 1000, 3000.0, false),
    ]
    .into_iter()
    .enumerate()
    {
        board.signal(1, &[rate], 0.0);
        let found = expose(&mut board, &mut client, candidate as u32, dwell_us);
        let told = Reading {
            value,
            saturated: false,
            overflowed,
        };
        assert_eq!(found, Some(told), "{rate} Hz for {dwell_us} us");
        assert_eq!(told.usable().is_none(), overflowed);
    }
    client.end(bench.campaign().id).expect("end");

    // A pixel of an overview with more has no number.
    board.signal(1, &[50e6], 0.0);
    client.configure(dwell_of(1000)).expect("configure");
    for (dwell_us, told) in [(350_000, None), (3000, Some(150_000.0))] {
        let raster = Raster {
            rows: 1,
            columns: 1,
            dwell_us,
            ..RASTER
        };
        let values = overview(&mut client, raster);
        assert_eq!(values[0].is_finite().then_some(values[0]), told);
    }
}

#[test]
fn a_voltage_is_averaged_over_dwells_of_any_length_and_nothing_else_is_read() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let (bench, mut client) = super::begun(&board, dwell_of(1000));
    for (candidate, dwell_us) in [4, 7, 8, 4096, 4097, 1_000_000, 60_000_000]
        .into_iter()
        .enumerate()
    {
        board.signal(1, &[30_000.0], 500.0);
        let found = expose(&mut board, &mut client, candidate as u32, dwell_us);
        let told = Reading {
            value: mean(30_000.0, 500.0, dwell_us),
            saturated: false,
            overflowed: false,
        };
        assert_eq!(found, Some(told), "{dwell_us} us");
    }
    // Cut short, it has no number. The chip's time goes on while a busy machine lets this process wait.
    client.configure(dwell_of(60_000_000)).expect("configure");
    client.expose(20).expect("expose");
    board.pass(500);
    client.blank().expect("blank");
    assert_eq!(client.reading().expect("an answer").1, None);
    let found = expose(&mut board, &mut client, 21, 100);
    assert_eq!(found.unwrap().value, mean(30_000.0, 500.0, 100));

    // A dwell in which no sample has room is refused by name.
    client.configure(dwell_of(3)).expect("configure");
    client.expose(22).expect("expose");
    let (which, limit) = (Which::Dwell, SAMPLE_US.into());
    let refused = Failure::Refused(Refusal::Setting { which, limit });
    assert_eq!(client.reading().unwrap_err(), refused);
    client.end(bench.campaign().id).expect("end");
    let short = Raster {
        dwell_us: 3,
        ..RASTER
    };
    assert_eq!(client.overview(short).unwrap_err(), refused);
}

#[test]
fn a_pulse_on_the_bench_tells_what_the_detector_gave() {
    for (options, signal, told) in [
        (&[][..], 20_000.0, "the detector gave 20000 in the last one"),
        (
            &[],
            70_000.0,
            "gave 65535, with its converter at the end of its range,",
        ),
        (
            &["--counting"],
            1e6,
            "the detector gave 2000 in the last one",
        ),
    ] {
        let Some(mut board) = NucleoBoard::start("", options) else {
            return;
        };
        board.signal(1, &[signal], 0.0);
        let said = controller_at(board.port(), &["pulse", "--dwell", "0.002"]);
        assert!(said.contains(told), "{said}");
    }
}

/// Runs the program's campaign on the board alone; its exit code and what it says.
fn program(board: &NucleoBoard, folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let microscope = format!("controller:serial:{}", board.port());
    let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
        .args(["run", "--microscope", &microscope, "--budget", "12"])
        .args([
            "--scan-rows",
            "20",
            "--scan-columns",
            "22",
            "--window",
            "10",
        ])
        .args(["--dwell", "0.001", "--out"])
        .arg(folder)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn a_converter_that_never_becomes_ready_is_no_detector_and_everything_else_works() {
    let Some(mut board) = NucleoBoard::start("", &["--no-converter"]) else {
        return;
    };
    let mut client = board.client(1);
    let (which, limit) = (Which::Detector, 0);
    let refused = Failure::Refused(Refusal::Setting { which, limit });
    assert_eq!(client.overview(RASTER).unwrap_err(), refused);
    assert_eq!(client.reading().unwrap_err(), refused);
    drop(client);
    let folder = TempDir::new().unwrap();
    let (code, said) = program(&board, &folder.path().join("run"), &[]);
    assert!(code.is_some_and(|code| code != 0), "{said}");
    assert!(said.contains("no detector"), "{said}");
    assert!(board.state().pulses.is_empty());
    let (_, mut client) = super::begun(&board, Settings::DEFAULT);
    client.expose(3).expect("expose");
    assert_eq!(board.pass(5).pulses.len(), 1);
}

#[test]
fn points_whose_detector_is_not_ready_are_left_out_and_the_beam_is_never_on() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    board.signal(
        SIDE,
        &values(image, |part| (60_000.0 * part).round() as f32),
        0.0,
    );
    let folder = TempDir::new().unwrap();
    let more = ["--ready-timeout", "0.05", "--most-failures", "3"];
    let (code, said) = program(&board, &folder.path().join("run"), &more);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("did not say in time that it is ready"),
        "{said}"
    );
    // The overview alone, which comes before the board is told of the line.
    let state = board.pass(200);
    assert_eq!((state.level, state.pulses.len()), (0, 20 * 22));
}

#[test]
fn a_dose_by_area_needs_the_width_of_the_field_which_figures_and_files_then_have() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    let codes = values(image, |part| (60_000.0 * part).round() as f32);
    board.signal(SIDE, &codes, 0.0);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    // A millisecond of 10 pA and an overview of 50 µs, on 100 by 90.9 nm: 0.07209 e/Å².
    let limit = |limit| ["--pixel-dose-limit", limit, "--current", "10"];
    let width = ["--field-width", "2um"];
    for (more, reason) in [
        (limit("0.0722").to_vec(), "--field-width 2um"),
        ([&limit("0.0720")[..], &width].concat(), "e/Å²"),
    ] {
        let (code, said) = program(&board, &path, &more);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(reason), "{said}");
        assert!(board.state().pulses.is_empty() && !path.exists());
    }
    let more = [&limit("0.0722")[..], &width].concat();
    let (code, said) = program(&board, &path, &more);
    assert_eq!(code, Some(0), "{said}");
    let file = path.join("campaign.hspy");
    let image = format!("{}#Experiments/image/data", file.display());
    let image = read_map(&image).unwrap();
    assert_eq!((image.height(), image.width()), (20, 22));
    for (axis, pixels) in [(&image.rows, 20.0), (&image.columns, 22.0)] {
        assert_eq!(axis.units, "nm");
        assert!((axis.scale - 2000.0 / pixels).abs() < 1e-9, "{axis:?}");
    }
}

#[test]
fn a_link_lost_in_an_overview_blanks_within_a_millisecond_of_its_time_out() {
    let Some(mut board) = NucleoBoard::start("", &[]) else {
        return;
    };
    board.signal(1, &[30_000.0], 0.0);
    let mut client = board.client(1);
    client.configure(dwelling(1000, 200)).expect("configure");
    // The time-out is over within the fourth pixel.
    let slow = Raster {
        dwell_us: 60_000,
        ..RASTER
    };
    client.overview(slow).expect("overview");
    let state = board.pass(400);
    let last = state.pulses.last().expect("pixels");
    let blanked_ms = (last.start_us + last.length_us - state.pulses[0].start_us) / 1000.0;
    assert!(last.cut && state.level == 0, "{last:?}");
    assert!((199.0..202.0).contains(&blanked_ms), "{blanked_ms} ms");
    assert_eq!(state.pulses.len(), 4);
    client.connect().expect("hello again");
    let status = client.status().expect("status");
    assert_eq!(status.beam, Beam::Blanked(BlankReason::LinkLost));
    assert_eq!(status.dose_us, slow.total_us());
    // What was read stays, and the next overview is a whole one.
    let mut values = Vec::new();
    let (taken, _, crc) = client
        .pixels(0, |value| values.push(value))
        .expect("pixels");
    assert_eq!((taken, crc, values), (3, None, vec![30_000.0; 3]));
    let quick = Raster {
        rows: 3,
        columns: 4,
        ..RASTER
    };
    assert_eq!(overview(&mut client, quick), [30_000.0; 12]);
}

//! The host's end of the bridge against its server on the stand-in.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use beacon_host::data::Picoamperes;
use beacon_host::data::files::read_map;
use beacon_host::microscope::{
    BridgeMicroscope, BridgeOptions, Interrupt, Microscope, MicroscopeError, Position,
};
use beacon_tests::bridge_standin::{BridgeStandin, StandinData, StandinEvent};
use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;

const HEIGHT: usize = 6;
const WIDTH: usize = 9;
const CHANNELS: usize = 32;
const DWELL: Duration = Duration::from_millis(250);
/// What is waited for comes within a second; on a crowded machine, within this.
const PATIENCE: Duration = Duration::from_secs(120);

/// Values that differ at every pixel and in every channel, and are no whole numbers: a sum over
/// detectors that rounds anywhere shows.
fn data() -> StandinData {
    let value = |n: usize| (n as f64).sqrt() / 7.0;
    StandinData {
        height: HEIGHT,
        width: WIDTH,
        image: (0..HEIGHT * WIDTH).map(value).collect(),
        spectra: (0..HEIGHT * WIDTH * CHANNELS).map(value).collect(),
        dispersion_ev: Some(10.0),
        offset_ev: Some(-200.0),
        pixel_nm: Some(1.5),
        current_pa: Some(50.0),
    }
}

fn spectrum(data: &StandinData, row: usize, column: usize) -> &[f64] {
    let start = (row * WIDTH + column) * CHANNELS;
    &data.spectra[start..start + CHANNELS]
}

fn pixel(row: usize, column: usize) -> Position {
    Position::of_pixel(row as f64, column as f64, HEIGHT, WIDTH)
}

fn connect(bridge: &BridgeStandin) -> BridgeMicroscope {
    BridgeMicroscope::connect(&bridge.address(), BridgeOptions::default()).expect("it serves")
}

/// Waits until the beam is off, which is not at the same instant as the host's error.
fn wait_for_blank(bridge: &BridgeStandin) {
    let since = Instant::now();
    while !bridge.is_blanked() {
        assert!(since.elapsed() < PATIENCE, "the beam is on");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until an exposure of a pixel is under way.
fn wait_for_exposure(bridge: &BridgeStandin, row: usize, column: usize) {
    let begun = StandinEvent::Began { row, column };
    let since = Instant::now();
    while bridge.events().last() != Some(&begun) {
        assert!(since.elapsed() < PATIENCE, "no exposure began");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn image_axes_and_every_spectrum_are_those_of_the_data() {
    let data = data();
    let Some(bridge) = BridgeStandin::start(&data, &[]) else {
        return;
    };
    let mut microscope = connect(&bridge);
    let axis = &microscope.channels().axis;
    assert_eq!((axis.offset, axis.scale, axis.size), (-0.2, 0.01, CHANNELS));
    assert_eq!((axis.name.as_str(), axis.units.as_str()), ("Energy", "keV"));
    assert_eq!(microscope.beam().current, Picoamperes::new(50.0).ok());

    let image = microscope.overview().unwrap();
    assert_eq!((image.height(), image.width()), (HEIGHT, WIDTH));
    assert_eq!(image.values, data.image);
    assert_eq!(image.rows.units, "nm");
    assert!((image.rows.scale - 1.5).abs() < 1e-12);
    assert!(bridge.is_blanked());

    for row in 0..HEIGHT {
        for column in 0..WIDTH {
            microscope.move_to(pixel(row, column)).unwrap();
            let key = format!("{row} {column}");
            let acquired = microscope.acquire(DWELL, &key).unwrap();
            assert_eq!(acquired.spectrum, spectrum(&data, row, column));
            assert_eq!(acquired.detectors.len(), 4);
            assert_eq!(
                (acquired.live_time.get(), acquired.real_time.get()),
                (0.25, 0.25)
            );
            assert!(bridge.is_blanked());
        }
    }
    let raster: Vec<_> = (0..HEIGHT * WIDTH)
        .map(|n| (n / WIDTH, n % WIDTH))
        .collect();
    assert_eq!(bridge.completed(), raster);
}

#[test]
fn an_acquisition_is_made_once_however_often_it_is_asked_for() {
    let Some(mut bridge) = BridgeStandin::start(&data(), &[]) else {
        return;
    };
    let mut microscope = connect(&bridge);
    microscope.move_to(pixel(2, 3)).unwrap();
    let first = microscope.acquire(DWELL, "k").unwrap();
    assert_eq!(microscope.acquire(DWELL, "k").unwrap(), first);
    bridge.kill();
    let error = microscope.acquire(DWELL, "k").unwrap_err();
    assert!(matches!(error, MicroscopeError::Lost { .. }), "{error}");
    let error = microscope.reconnect().unwrap_err();
    assert!(
        matches!(error, MicroscopeError::Unreachable { .. }),
        "{error}"
    );
    bridge.restart();
    microscope.reconnect().unwrap();
    assert_eq!(microscope.acquire(DWELL, "k").unwrap(), first);
    assert_eq!(bridge.completed(), [(2, 3)]);
    // Another place under the same key would be another measurement.
    microscope.move_to(pixel(2, 4)).unwrap();
    let error = microscope.acquire(DWELL, "k").unwrap_err();
    assert!(!error.is_passing(), "{error}");
}

#[test]
fn an_exception_at_the_instrument_leaves_the_beam_blanked_and_passes() {
    let Some(bridge) = BridgeStandin::start(&data(), &["--standin-fail-every", "2"]) else {
        return;
    };
    let mut microscope = connect(&bridge);
    microscope.move_to(pixel(0, 0)).unwrap();
    microscope.acquire(DWELL, "a").unwrap();
    microscope.move_to(pixel(0, 1)).unwrap();
    let error = microscope.acquire(DWELL, "b").unwrap_err();
    assert!(matches!(error, MicroscopeError::Failed { .. }) && error.is_passing());
    assert!(bridge.is_blanked());
    // No new connection is needed, and the dose of the failed attempt is told.
    let acquired = microscope.acquire(DWELL, "b").unwrap();
    assert_eq!(acquired.real_time.get(), 0.5);
}

#[test]
fn a_server_killed_in_an_exposure_is_found_again_and_exposes_where_it_was_to() {
    let data = data();
    let Some(mut bridge) = BridgeStandin::start(&data, &["--standin-delay", "2"]) else {
        return;
    };
    let mut microscope = connect(&bridge);
    microscope.move_to(pixel(4, 7)).unwrap();
    let asked = thread::spawn(move || {
        let error = microscope.acquire(DWELL, "k").unwrap_err();
        (microscope, error)
    });
    wait_for_exposure(&bridge, 4, 7);
    bridge.kill();
    let (mut microscope, error) = asked.join().expect("it ends with an error");
    assert!(matches!(error, MicroscopeError::Lost { .. }) && error.is_passing());
    bridge.restart();
    // The first thing that a server does.
    assert!(bridge.is_blanked());
    microscope.reconnect().unwrap();
    let acquired = microscope.acquire(DWELL, "k").unwrap();
    assert_eq!(acquired.spectrum, spectrum(&data, 4, 7));
    assert_eq!(acquired.real_time.get(), 0.5);
    assert_eq!(bridge.completed(), [(4, 7)]);
}

#[test]
fn an_exposure_that_is_given_up_ends_with_the_beam_blanked() {
    // Ten minutes, which this test would take if nothing ended it.
    let Some(bridge) = BridgeStandin::start(&data(), &["--standin-delay", "600"]) else {
        return;
    };
    let mut microscope = connect(&bridge);
    let interrupt = Interrupt::default();
    microscope.set_interrupt(interrupt.clone());
    microscope.move_to(pixel(4, 7)).unwrap();
    let asked = thread::spawn(move || {
        let error = microscope.acquire(Duration::from_secs(600), "k");
        (microscope, error.unwrap_err())
    });
    wait_for_exposure(&bridge, 4, 7);
    interrupt.ask();
    interrupt.ask();
    let (mut microscope, error) = asked.join().expect("it ends with an error");
    assert!(matches!(error, MicroscopeError::Aborted { .. }), "{error}");
    assert!(bridge.is_blanked());
    assert_eq!(bridge.completed(), []);
    // And the instrument is there for whoever goes on.
    microscope.reconnect().unwrap();
    microscope.blank().unwrap();
}

/// Whatever the instant of a kill, a spectrum that the server had is not measured again, and no
/// exposure of the log is missing from the beam-on times that the host is told.
#[test]
fn kills_at_random_instants_lose_no_spectrum_and_no_dose() {
    const KILLS: usize = 20;
    let data = data();
    let Some(bridge) = BridgeStandin::start(&data, &["--standin-delay", "0.02"]) else {
        return;
    };
    let mut microscope = connect(&bridge);
    let killer = thread::spawn({
        let mut bridge = bridge;
        move || {
            let mut random = Xoshiro128PlusPlus::seed_from_u64(7);
            for _ in 0..KILLS {
                thread::sleep(Duration::from_millis(u64::from(random.next_u32() % 120)));
                bridge.restart();
            }
            bridge
        }
    });
    // Round after round over all pixels, until the last kill is over.
    let mut told = [0; HEIGHT * WIDTH];
    let mut rounds = 0;
    while !killer.is_finished() {
        for (n, told) in told.iter_mut().enumerate() {
            let (row, column) = (n / WIDTH, n % WIDTH);
            let key = format!("{rounds} {n}");
            let since = Instant::now();
            let acquired = loop {
                let acquired = microscope
                    .move_to(pixel(row, column))
                    .and_then(|()| microscope.acquire(DWELL, &key));
                match acquired {
                    Ok(acquired) => break acquired,
                    Err(error) => assert!(error.is_passing(), "{error}"),
                }
                // The server takes a moment to start.
                while let Err(error) = microscope.reconnect() {
                    assert!(error.is_passing(), "{error}");
                    assert!(since.elapsed() < PATIENCE, "it stays away: {error}");
                    thread::sleep(Duration::from_millis(10));
                }
            };
            assert_eq!(acquired.spectrum, spectrum(&data, row, column));
            *told += (acquired.real_time.get() / DWELL.as_secs_f64()).round() as usize;
        }
        rounds += 1;
    }
    let bridge = killer.join().expect("every restart succeeds");
    let mut begun = [0; HEIGHT * WIDTH];
    for event in bridge.events() {
        if let StandinEvent::Began { row, column } = event {
            begun[row * WIDTH + column] += 1;
        }
    }
    for (n, (&told, &begun)) in told.iter().zip(&begun).enumerate() {
        assert!(
            told >= begun,
            "pixel {n}: {told} exposures told, {begun} made"
        );
    }
    let (told, begun): (usize, usize) = (told.iter().sum(), begun.iter().sum());
    let answered = rounds * HEIGHT * WIDTH;
    // Exposures that are no answer are at most one a kill.
    assert!(
        told <= answered + KILLS,
        "{told} exposures told for {answered}"
    );
    assert!(bridge.completed().len() >= answered);
    assert!(begun >= answered);
    assert!(bridge.is_blanked());
}

#[test]
fn a_late_answer_is_a_time_out_and_is_not_measured_again() {
    let data = data();
    let Some(bridge) = BridgeStandin::start(&data, &["--standin-delay", "2"]) else {
        return;
    };
    let options = BridgeOptions {
        timeout: Duration::from_secs(1),
        margin: 1.0,
    };
    let mut microscope = BridgeMicroscope::connect(&bridge.address(), options).unwrap();
    microscope.move_to(pixel(1, 1)).unwrap();
    let error = microscope
        .acquire(Duration::from_millis(1), "k")
        .unwrap_err();
    assert!(matches!(error, MicroscopeError::TimedOut { .. }), "{error}");
    // The exposure ends by itself, blanked.
    wait_for_blank(&bridge);
    let since = Instant::now();
    let acquired = loop {
        let found = microscope
            .reconnect()
            .and_then(|()| microscope.acquire(Duration::from_millis(1), "k"));
        match found {
            Ok(acquired) => break acquired,
            Err(error) => assert!(error.is_passing(), "{error}"),
        }
        assert!(since.elapsed() < PATIENCE, "it stays away");
    };
    assert_eq!(acquired.spectrum, spectrum(&data, 1, 1));
    assert_eq!(bridge.completed(), [(1, 1)]);
}

#[test]
fn one_host_at_a_time_is_served() {
    let Some(bridge) = BridgeStandin::start(&data(), &[]) else {
        return;
    };
    let first = connect(&bridge);
    let second = BridgeMicroscope::connect(&bridge.address(), BridgeOptions::default());
    let error = second.err().expect("the first is served");
    assert!(error.is_passing());
    assert!(error.to_string().contains("another host"), "{error}");
    drop(first);
    connect(&bridge).blank().unwrap();
}

#[test]
fn an_instrument_without_calibration_is_refused() {
    let uncalibrated = StandinData {
        offset_ev: None,
        ..data()
    };
    let Some(bridge) = BridgeStandin::start(&uncalibrated, &[]) else {
        return;
    };
    let found = BridgeMicroscope::connect(&bridge.address(), BridgeOptions::default());
    let error = found.err().expect("it has no offset");
    assert!(
        matches!(error, MicroscopeError::Uncalibrated { .. }),
        "{error}"
    );
}

#[test]
fn another_instrument_at_the_same_place_is_not_gone_on_with() {
    let Some(mut bridge) = BridgeStandin::start(&data(), &[]) else {
        return;
    };
    let mut microscope = connect(&bridge);
    let mut other = data();
    other.image[0] += 1.0;
    bridge.replace(&other);
    let error = microscope.blank().unwrap_err();
    assert!(matches!(error, MicroscopeError::Lost { .. }), "{error}");
    let error = microscope.reconnect().unwrap_err();
    assert!(!error.is_passing());
    assert!(error.to_string().contains("as before"), "{error}");
}

#[test]
fn the_servers_own_tests_pass() {
    let Some(python) = beacon_tests::bridge_standin::python_with_numpy() else {
        return;
    };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let run = std::process::Command::new(python)
        .current_dir(root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "unittest", "discover", "host/bridge/tests"])
        .output()
        .expect("a Python that ran before runs again");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}

/// What a person types, before a campaign and in an emergency. Oracle: the log of the stand-in's beam.
#[test]
fn an_instrument_is_tried_out_by_hand_and_blanked_while_another_host_exposes() {
    let data = data();
    let Some(bridge) = BridgeStandin::start(&data, &["--standin-delay", "60"]) else {
        return;
    };
    let place = format!("bridge:{}", bridge.address());
    let beacon = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
            .arg("instrument")
            .args(words)
            .args(["--microscope", &place])
            .output();
        let output = output.expect("the program can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout) + &text(&output.stderr),
        )
    };
    let says = |words: &[&str], code: i32, parts: &[&str]| {
        let (found, said) = beacon(words);
        assert_eq!(found, Some(code), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
    };
    let exposures = || {
        let events = bridge.events();
        let begun = |event: &&StandinEvent| matches!(event, StandinEvent::Began { .. });
        events.iter().filter(begun).count()
    };
    let channels = [
        "32 channels",
        "Energy from -0.2 to",
        "keV",
        "50 pA",
        "beam        blanked",
    ];
    says(&["check"], 0, &channels);
    says(&["point", "0.5,0.25"], 0, &["at 0.5, 0.25"]);
    says(&["point", "0.5,1.25"], 2, &["0.5,1.25", "from 0 to 1"]);
    says(
        &["acquire", "0.5,0.5", "--dwell", "0"],
        2,
        &["dwell is 0 s"],
    );
    assert_eq!(exposures(), 0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.npy");
    let file = file.to_str().unwrap();
    says(
        &["overview", "--out", file],
        0,
        &["6 x 9 pixels", "image.npy"],
    );
    assert_eq!(read_map(file).unwrap().values, data.image);

    // Somebody's spectrum takes a minute; another person sees what is wrong with it.
    thread::scope(|scope| {
        let exposing = scope.spawn(|| beacon(&["acquire", "0.5,0.5"]));
        wait_for_exposure(&bridge, 3, 4);
        says(&["check"], 2, &["another host is served"]);
        says(&["abort"], 0, &["the beam is blanked"]);
        assert!(bridge.is_blanked());
        let (code, said) = exposing.join().unwrap();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("aborted"), "{said}");
    });
    assert_eq!(exposures(), 1);
}

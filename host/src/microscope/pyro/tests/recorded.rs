//! Recordings of Pyro5's own client and DTMicroscope's own server, which
//! `tests/instruments/record.py` makes.

use std::time::Duration;

use crate::microscope::pyro::client::Client;
use crate::microscope::pyro::testing::{options, play};
use crate::microscope::pyro::twin::Twin;
use crate::microscope::pyro::{Microscope as _, MicroscopeError, Position, PyroMicroscope};

const SESSION: &[u8] = include_bytes!("../recorded/session.bin");
const REFUSALS: &[u8] = include_bytes!("../recorded/refusals.bin");

/// A place in the middle of a pixel of the recorded 12 x 10.
fn centre(row: usize, column: usize) -> Position {
    Position::of_pixel(row as f64, column as f64, 12, 10)
}

/// Oracle: the formulas of `tests/instruments/make_nsid.py`, for its image and its whole counts.
fn made(row: usize, column: usize) -> (f64, Vec<f64>) {
    let (down, right) = (row as f64 / 12.0, column as f64 / 10.0);
    let particle = |y: f64, x: f64, area: f64| {
        let square = (down - y).powi(2) + (right - x).powi(2);
        (-square / area).exp()
    };
    let particles = particle(0.3, 0.6, 0.02) + 0.6 * particle(0.7, 0.25, 0.01);
    let (centre, height) = (
        20.0 - 4.0 * particles + 2.0 * down,
        400.0 + 900.0 * particles + 50.0 * right,
    );
    let counts = |channel: u32| {
        let energy = 5.0 + 2.0 * f64::from(channel);
        let peak = height * (-((energy - centre) / 2.5).powi(2)).exp();
        (peak + (1.0 + down + 0.3 * right) * 2000.0 / energy).round()
    };
    let image = 100.0 + 40.0 * right + 7.0 * down + 300.0 * particles;
    (image, (0..16).map(counts).collect())
}

#[test]
fn a_recorded_session_is_repeated_to_the_byte() {
    let (address, played) = play(SESSION);
    let mut microscope = PyroMicroscope::connect(&address, options("twin.h5")).unwrap();
    let channels = microscope.channels().clone();
    assert_eq!((channels.axis.offset, channels.axis.scale), (5.0, 2.0));
    assert_eq!(
        (channels.axis.units.as_str(), channels.axis.size),
        ("eV", 16)
    );
    assert_eq!(channels.coordinates[15], 35.0);

    let dwell = Duration::from_millis(20);
    for (row, column) in [(0, 0), (3, 7), (8, 2)] {
        microscope.move_to(centre(row, column)).unwrap();
        let acquired = microscope.acquire(dwell, "key").unwrap();
        assert_eq!(
            (acquired.live_time.get(), acquired.real_time.get()),
            (0.02, 0.02)
        );
        assert!(acquired.detectors.is_empty());
        assert_eq!(acquired.spectrum, made(row, column).1);
    }

    let image = microscope.overview().unwrap();
    assert_eq!((image.height(), image.width()), (12, 10));
    for (row, column) in [(0, 1), (3, 7), (11, 0)] {
        let expected = made(row, column).0;
        assert!((image.at(row, column) - expected).abs() < 1e-9);
    }
    drop(microscope);
    played.join().unwrap();
}

#[test]
fn recorded_refusals_are_told_in_the_servers_words() {
    let (address, played) = play(REFUSALS);
    let mut client = Client::new(&address, Duration::from_secs(20));
    client.connect().unwrap();
    let mut twin = Twin {
        client,
        data: Some("absent.h5".to_owned()),
        spectra: "Channel_001".to_owned(),
    };
    let told = |error: MicroscopeError| {
        assert!(error.is_passing());
        error.to_string()
    };
    assert_eq!(
        told(twin.axis().unwrap_err()),
        "the instrument failed at `get_spectrum_image_e_axis(\"Channel_001\")`: AttributeError: \
         'MicroscopeServer' object has no attribute 'microscope'"
    );
    let absent = told(twin.register().unwrap_err());
    assert!(absent.ends_with("FileNotFoundError: absent.h5 does not exist"));
    twin.client
        .invoke("register_data", &[serde_json::json!("twin.h5")])
        .unwrap();
    twin.spectra = "Channel_000".to_owned();
    assert!(told(twin.axis().unwrap_err()).contains("no attribute 'dim_2'"));
    twin.spectra = "Channel_009".to_owned();
    let unknown = told(twin.spectrum((0, 0), 16).unwrap_err());
    assert!(unknown.ends_with("KeyError: Channel_009"), "{unknown}");
    twin.spectra = "Channel_001".to_owned();
    let outside = told(twin.spectrum((12, 0), 16).unwrap_err());
    assert!(outside.contains("IndexError: Index 12"), "{outside}");
    drop(twin);
    played.join().unwrap();
}

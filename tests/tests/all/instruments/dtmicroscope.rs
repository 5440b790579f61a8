//! The native client against DTMicroscope's own server, where a Python has it.
//!
//! Oracle: the file that the server registers, read by the host's own reader of NSID.

use std::time::Duration;

use beacon_host::data::Spectra;
use beacon_host::data::files::{self, Dataset};
use beacon_host::microscope::pyro::{PyroMicroscope, PyroOptions};
use beacon_host::microscope::{Microscope as _, MicroscopeError, Position};
use beacon_tests::DtServer;

const DWELL: Duration = Duration::from_millis(10);

fn spectra(file: &str) -> Spectra {
    match files::read(&format!("{file}#Channel_001")).unwrap() {
        Dataset::Spectra(spectra) => spectra,
        Dataset::Map(_) => panic!("{file} holds spectra"),
    }
}

#[test]
fn the_twin_answers_with_what_its_file_holds() {
    let Some(server) = DtServer::start() else {
        return;
    };
    let expected = spectra(&server.data());
    let mut microscope = server.connect().unwrap();
    assert_eq!(microscope.channels(), &expected.along(&[]));
    assert_eq!(microscope.channels().axis.units, "eV");
    assert_eq!(microscope.channels().coordinates[1], 5.5);

    let image = microscope.overview().unwrap();
    let from_file = files::read_map(&format!("{}#Channel_000", server.data())).unwrap();
    assert_eq!(image, from_file);
    assert_eq!((image.height(), image.width()), (48, 40));
    assert_eq!((image.rows.scale, image.columns.scale), (0.5, 0.25));

    // Every ninth pixel comes by all rows and columns.
    for pixel in (0..48 * 40).step_by(9) {
        let (row, column) = (pixel / 40, pixel % 40);
        let place = Position::of_pixel(row as f64, column as f64, 48, 40);
        microscope.move_to(place).unwrap();
        let acquired = microscope.acquire(DWELL, "key").unwrap();
        let truth = expected.at(row, column);
        assert_eq!(acquired.spectrum, truth, "row {row}, column {column}");
    }
}

#[test]
fn a_killed_server_is_found_again_with_its_data() {
    let Some(mut server) = DtServer::start() else {
        return;
    };
    let mut microscope = server.connect().unwrap();
    let place = Position::of_pixel(20.0, 7.0, 48, 40);
    microscope.move_to(place).unwrap();
    let before = microscope.acquire(DWELL, "before").unwrap();

    server.kill();
    let lost = microscope.acquire(DWELL, "during").unwrap_err();
    assert!(matches!(lost, MicroscopeError::Lost { .. }), "{lost}");
    let absent = microscope.reconnect().unwrap_err();
    assert!(matches!(absent, MicroscopeError::Unreachable { .. }));

    server.restart();
    microscope.reconnect().unwrap();
    assert_eq!(microscope.acquire(DWELL, "during").unwrap(), before);
    // A second connection to the same server begins anew as well.
    microscope.reconnect().unwrap();
    assert_eq!(microscope.acquire(DWELL, "after").unwrap(), before);
}

#[test]
fn a_file_that_is_absent_or_without_calibration_is_named() {
    let Some(server) = DtServer::start() else {
        return;
    };
    let connect = |data: &str, units: Option<&str>| {
        let options = PyroOptions {
            data: Some(data.to_owned()),
            units: units.map(str::to_owned),
            ..PyroOptions::default()
        };
        PyroMicroscope::connect(server.address(), options)
    };
    let absent = connect("absent.h5", None).err().unwrap();
    let said = "FileNotFoundError: absent.h5 does not exist";
    assert!(absent.to_string().ends_with(said), "{absent}");

    let numbered = server.make("numbered.h5", &["--numbered"]);
    let uncalibrated = connect(&numbered, None).err().unwrap();
    assert!(matches!(uncalibrated, MicroscopeError::Uncalibrated { .. }));
    let named = connect(&numbered, Some("channels")).unwrap();
    assert_eq!(named.channels().axis.units, "channels");
}

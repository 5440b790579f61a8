//! The client against recordings of Pyro5's own client and DTMicroscope's own server
//! (`tests/instruments/record.py` made them), and against servers that do not behave.

use std::io::Write as _;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::testing::{Reply, StandIn, options, play, serve};
use super::wire::{self, Kind};
use super::*;

const SESSION: &[u8] = include_bytes!("recorded/session.bin");
const REFUSALS: &[u8] = include_bytes!("recorded/refusals.bin");

fn short() -> PyroOptions {
    PyroOptions {
        timeout: Duration::from_millis(100),
        ..options("twin.h5")
    }
}

fn refusal(address: &str) -> MicroscopeError {
    let connected = PyroMicroscope::connect(address, options("twin.h5"));
    connected.err().expect("an error")
}

fn message(standin: &StandIn) -> String {
    let error = standin.connect().err().expect("an error");
    assert!(!error.is_passing(), "{error}");
    error.to_string()
}

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
        assert_eq!((acquired.live_seconds, acquired.real_seconds), (0.02, 0.02));
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

#[test]
fn the_nearest_pixel_is_measured_and_its_row_is_the_servers_x() {
    let standin = StandIn::new(|_, _| None);
    let mut microscope = standin.connect().unwrap();
    standin.asked();
    for (x, y, asked) in [
        (0.0, 0.0, "0,0"),
        (0.99, 0.49, "0,2"),
        (1.0, 1.0, "1,2"),
        (0.34, 0.51, "1,1"),
    ] {
        microscope.move_to(Position { x, y }).unwrap();
        microscope.acquire(Duration::ZERO, "").unwrap();
        let expected = format!("get_point_data[\"Channel_001\",{asked}]");
        assert_eq!(standin.asked(), [expected]);
    }
    let outside = microscope.move_to(Position { x: 1.01, y: 0.0 });
    assert_eq!(outside, Err(MicroscopeError::Outside { x: 1.01, y: 0.0 }));
    microscope.blank().unwrap();
    assert!(standin.asked().is_empty(), "there is no beam to blank");
}

#[test]
fn an_absent_server_and_an_address_that_is_none_are_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let address = free.unwrap().to_string();
    let error = refusal(&address);
    assert!(matches!(error, MicroscopeError::Unreachable { .. }) && error.is_passing());
    assert!(error.to_string().contains(&address), "{error}");
    for none in ["localhost", "localhost:ninety", "localhost:99999", ""] {
        let error = refusal(none);
        assert!(matches!(error, MicroscopeError::Setting { .. }), "{error}");
        assert!(error.to_string().contains("HOST:PORT"), "{error}");
    }
}

#[test]
fn a_silent_server_and_one_that_drips_time_out() {
    let (silent, _) = serve(|line| {
        thread::sleep(Duration::from_secs(5));
        drop(line);
    });
    let (dripping, _) = serve(|mut line| {
        // Each byte comes in time, and all of them do not.
        for byte in wire::message(Kind::ConnectOk, 0, &[b' '; 200]) {
            if line.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    for address in [silent, dripping] {
        let error = PyroMicroscope::connect(&address, short()).err().unwrap();
        let expected = format!("{address} did not answer `connect` within 0.1 s");
        assert_eq!(error.to_string(), expected);
        assert!(error.is_passing());
    }
}

#[test]
fn another_protocol_is_quoted() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"220 mail\r\n",
        b"\x00",
    ] {
        let (address, _) = serve(move |mut line| {
            line.write_all(answer).unwrap();
            // It waits for more, as such servers do.
            thread::sleep(Duration::from_secs(5));
        });
        let error = refusal(&address);
        let quoted = format!("`{}`", answer.escape_ascii());
        assert!(matches!(error, MicroscopeError::Protocol { .. }), "{error}");
        assert!(error.to_string().contains(&quoted), "{error}");
    }
}

#[test]
fn a_length_that_is_absurd_is_refused_before_it_is_believed() {
    let mut header = wire::message(Kind::Result, 1, b"");
    header[12..16].fill(0xff);
    let standin = StandIn::new(move |method, _| {
        (method == "initialize_microscope").then(|| Reply::Sends(header.clone()))
    });
    let message = message(&standin);
    assert!(message.contains("a message of 4294967295 bytes; expected at most 1073741824"));
}

#[test]
fn the_answer_to_another_request_is_none_to_this_one() {
    let standin = StandIn::new(|method, _| {
        let late = wire::message(Kind::Result, 0, b"null");
        (method == "initialize_microscope").then_some(Reply::Sends(late))
    });
    assert!(message(&standin).contains("the answer to request 0; expected that to request 1"));
}

#[test]
fn annotations_are_passed_over_and_a_refused_connection_gives_its_reason() {
    let standin = StandIn::new(|_, _| {
        let data = br#""no free workers""#;
        let mut answer = wire::message(Kind::ConnectFail, 0, b"");
        answer[15] = data.len() as u8;
        answer[18..20].copy_from_slice(&300_u16.to_be_bytes());
        answer.extend([7; 300]);
        answer.extend(data);
        Some(Reply::Sends(answer))
    });
    let error = standin.connect().err().unwrap();
    assert_eq!(
        error.to_string(),
        "the instrument failed at `connect`: no free workers"
    );
    assert!(error.is_passing());
}

#[test]
fn a_connection_cut_within_a_message_is_lost_until_it_is_made_again() {
    let mut overviews = 0;
    let standin = StandIn::new(move |method, _| {
        overviews += usize::from(method == "get_overview_image");
        let whole = wire::message(Kind::Result, 6, b"[[[1, 2, 3]], [1, 3], \"float64\"]");
        // The second is the first after connecting.
        let cut = method == "get_overview_image" && overviews == 2;
        cut.then(|| Reply::Sends(whole[..60].to_vec()))
    });
    let mut microscope = standin.connect().unwrap();
    for reason in ["closed from there", "not connected"] {
        let error = microscope.overview().unwrap_err();
        assert!(matches!(error, MicroscopeError::Lost { .. }) && error.is_passing());
        assert!(error.to_string().contains(reason), "{error}");
    }
    microscope.reconnect().unwrap();
    assert_eq!(microscope.overview().unwrap().at(1, 2), 5.0);
}

#[test]
fn connecting_again_registers_the_data_only_where_they_are_forgotten() {
    const ASK: &str = "get_spectrum_image_e_axis[\"Channel_001\"]";
    let mut registered = false;
    let standin = StandIn::new(move |method, connection| {
        registered |= method == "register_data";
        if method == "connect" && connection == 2 {
            registered = false;
        }
        (method == "get_spectrum_image_e_axis" && !registered).then_some(Reply::Raises("no data"))
    });
    let mut microscope = standin.connect().unwrap();
    standin.asked();
    microscope.reconnect().unwrap();
    assert_eq!(standin.asked(), [ASK]);
    microscope.reconnect().unwrap();
    let register = [
        "initialize_microscope[\"STEM\"]",
        "register_data[\"absent.h5\"]",
    ];
    assert_eq!(standin.asked(), [ASK, register[0], register[1], ASK]);
}

#[test]
fn another_axis_after_connecting_again_is_another_instrument() {
    let standin = StandIn::new(|method, connection| {
        (method == "get_spectrum_image_e_axis" && connection == 1)
            .then_some(Reply::Returns("[[1, 2], [2], \"float64\"]"))
    });
    let mut microscope = standin.connect().unwrap();
    let error = microscope.reconnect().unwrap_err();
    assert!(error.to_string().contains("another axis than before"));
    assert!(!error.is_passing());
}

#[test]
fn answers_that_do_not_fit_are_named_before_a_campaign_begins() {
    for (method, reply, found) in [
        ("get_overview_image", "null", "something else"),
        (
            "get_overview_image",
            "[[1, 2], [2], \"float64\"]",
            "an array of 2; expected an image",
        ),
        (
            "get_overview_image",
            "[[[1, NaN]], [1, 2], \"float64\"]",
            "row 0, column 1 hold no finite",
        ),
        (
            "get_spectrum_image_e_axis",
            "[[[1, 2]], [1, 2], \"float64\"]",
            "an array of 1 x 2; expected one finite number a channel",
        ),
        (
            "get_spectrum_image_e_axis",
            "[[1, NaN], [2], \"float64\"]",
            "an array of 2, some not finite",
        ),
        (
            "get_point_data",
            "[[1, 2, 3], [3], \"float64\"]",
            "an array of 3; expected the 4 channels",
        ),
        (
            "get_point_data",
            "[[1, 2, 3, Infinity], [4], \"float64\"]",
            "row 1, column 2 hold no finite",
        ),
    ] {
        let standin =
            StandIn::new(move |asked, _| (asked == method).then_some(Reply::Returns(reply)));
        let message = message(&standin);
        assert!(message.contains(found), "{method}, {reply}: {message}");
    }
}

#[test]
fn spectra_that_do_not_cover_the_image_are_named() {
    let standin = StandIn::new(|method, _| {
        (method == "get_point_data").then_some(Reply::Raises("Index 1 is out of bounds"))
    });
    assert_eq!(
        message(&standin),
        "`get_point_data(\"Channel_001\", 1, 2)` answered with Error: Index 1 is out of bounds; \
         expected spectra at all of the 2 x 3 pixels of the image"
    );
}

#[test]
fn an_image_of_another_size_is_no_overview_of_this_sample() {
    let mut overviews = 0;
    let standin = StandIn::new(move |method, _| {
        overviews += usize::from(method == "get_overview_image");
        (overviews == 2).then_some(Reply::Returns("[[[1], [2]], [2, 1], \"int64\"]"))
    });
    let mut microscope = standin.connect().unwrap();
    let message = microscope.overview().unwrap_err().to_string();
    assert!(message.contains("2 x 1; expected 2 x 3"), "{message}");
}

#[test]
fn units_that_nothing_tells_are_asked_for() {
    let standin = StandIn::new(|_, _| None);
    for units in [None, Some("generic"), Some(" ")] {
        let options = PyroOptions {
            units: units.map(str::to_owned),
            ..options("absent.h5")
        };
        let error = PyroMicroscope::connect(&standin.address, options).err();
        let error = error.expect("an error");
        assert!(matches!(error, MicroscopeError::Uncalibrated { .. }));
        assert!(error.to_string().contains("such as eV"), "{error}");
    }
}

#[test]
fn a_server_without_data_asks_for_a_file() {
    let standin = StandIn::new(|method, _| {
        (method == "get_spectrum_image_e_axis").then_some(Reply::Raises("no 'microscope'"))
    });
    let options = PyroOptions {
        data: None,
        ..options("")
    };
    let error = PyroMicroscope::connect(&standin.address, options).err();
    let message = error.expect("an error").to_string();
    assert!(message.contains("the path of an NSID file"), "{message}");
    assert_eq!(standin.asked().len(), 1, "nothing is registered unasked");
}

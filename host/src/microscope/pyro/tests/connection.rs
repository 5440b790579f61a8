//! Servers that are absent, slow, something else, or gone.

use std::io::Write as _;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::microscope::Interrupt;
use crate::microscope::pyro::testing::{Reply, StandIn, message, options, serve};
use crate::microscope::pyro::wire::{self, Kind};
use crate::microscope::pyro::{Microscope as _, MicroscopeError, PyroMicroscope, PyroOptions};

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
fn an_answer_that_is_given_up_is_not_waited_for() {
    let standin = StandIn::new(|_, _| None);
    let mut microscope = standin.connect().unwrap();
    let interrupt = Interrupt::default();
    microscope.set_interrupt(interrupt.clone());
    let second = Duration::from_secs(1);
    interrupt.ask();
    microscope.acquire(second, "k").unwrap();
    interrupt.ask();
    let error = microscope.acquire(second, "l").unwrap_err();
    assert!(matches!(error, MicroscopeError::Aborted { .. }), "{error}");
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

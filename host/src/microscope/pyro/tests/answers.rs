//! What is asked for, and answers that do not fit.

use std::time::Duration;

use crate::microscope::pyro::testing::{Reply, StandIn, message, options};
use crate::microscope::pyro::{
    Microscope as _, MicroscopeError, Position, PyroMicroscope, PyroOptions,
};

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

//! The maps of a page are those that the campaign leaves behind.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use beacon_host::campaign::Event;

use super::{PATIENCE, Program, numbers, records};

/// The numbers of a map, once there is one.
fn map(program: &Program, name: &str) -> Vec<f32> {
    numbers_of(program, &format!("maps/{name}"))
}

/// What the server has at an address, once it is there.
fn numbers_of(program: &Program, name: &str) -> Vec<f32> {
    let begun = Instant::now();
    loop {
        let mut stream = program.connect();
        let request = format!(
            "GET /api/campaigns/0/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\n\r\n",
            program.watch
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
        if answer.starts_with(b"HTTP/1.1 200") {
            let body = &answer[head.unwrap() + 4..];
            let number = |four: &[u8]| f32::from_le_bytes(four.try_into().unwrap());
            return body.chunks_exact(4).map(number).collect();
        }
        assert!(begun.elapsed() < PATIENCE, "no map {name}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The numbers of a file of NumPy, without those that are none.
fn known(file: &Path) -> Vec<f32> {
    let bytes = fs::read(file).unwrap();
    let head = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let number = |eight: &[u8]| f64::from_le_bytes(eight.try_into().unwrap());
    let numbers = bytes[10 + head..].chunks_exact(8).map(number);
    numbers
        .filter(|number| !number.is_nan())
        .map(|number| number as f32)
        .collect()
}

#[test]
fn maps_of_the_page_are_those_that_the_campaign_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = "run --microscope specimen --budget 16 --seed 4 --edges inside --page --out";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.push(run.to_str().unwrap());
    let mut live = Program::start(&arguments);
    assert!(live.child.wait().unwrap().success());

    let page = Program::start_page(&run);
    // The map to publish is made while somebody watches.
    let mut watcher = page.events(None);
    numbers(&mut watcher, 5);
    for (name, file) in [
        ("map_mean", "map_mean.npy"),
        ("map_sigma", "map_sigma.npy"),
        ("mean", "surrogate_mean.npy"),
        ("sigma", "surrogate_sigma.npy"),
    ] {
        let (shown, left) = (map(&page, name), known(&run.join(file)));
        assert!(!left.is_empty() && shown.len() == left.len(), "{name}");
        assert_eq!(shown, left, "{name}");
    }
    let count = map(&page, "mean").len();
    for name in ["score", "plane_x", "plane_y"] {
        assert_eq!(map(&page, name).len(), count, "{name}");
    }
    maps_of_the_past_are_those_of_a_campaign_that_ended_then(&page, &run, folder.path());
}

/// The same campaign with fewer points leaves what this one showed when it had as many.
fn maps_of_the_past_are_those_of_a_campaign_that_ended_then(
    page: &Program,
    long: &Path,
    folder: &Path,
) {
    let run = folder.join("short");
    let arguments = "run --microscope specimen --budget 13 --seed 4 --edges inside --page --out";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.push(run.to_str().unwrap());
    assert!(Program::start(&arguments).child.wait().unwrap().success());
    // The last record before the next exposure.
    let (mut measured, mut moment) = (0, None);
    for (number, record) in records(long).iter().enumerate() {
        measured += usize::from(matches!(record.event, Event::Measured(_)));
        if measured == 13 && matches!(record.event, Event::Exposing(_)) {
            moment = Some(number - 1);
        }
    }
    let moment = moment.unwrap();
    for (name, file) in [
        ("map_mean", "map_mean.npy"),
        ("map_sigma", "map_sigma.npy"),
        ("mean", "surrogate_mean.npy"),
        ("sigma", "surrogate_sigma.npy"),
    ] {
        let shown = numbers_of(page, &format!("past/{moment}/{name}"));
        assert_eq!(shown, known(&run.join(file)), "{name}");
    }
    let (status, told) = page.get(&format!("/api/campaigns/0/past/{moment}"), &page.watch);
    assert!(status == 200 && told.contains("\"points\":13"), "{told}");
}

//! The model does what recordings of the gateware's simulation show: every change of the pins,
//! codes exact and times within two counts of 125 ns.
//!
//! Recordings are data of others and lie outside this repository. The folder is the one that
//! `BEACON_OBI_RECORDINGS` names, else `shared/cases/obi` beside a parent of the repository:
//! `NAME.in`, `NAME.csv` and `index.json`, as its README says.

use std::path::{Path, PathBuf};
use std::{env, fs};

use beacon_generator::{CYCLES_PER_COUNT, Front, Generator, Pins, Reader};

/// Two counts.
const TOLERANCE: u64 = 2 * CYCLES_PER_COUNT;
/// A stimulus that is not taken for so long is given up.
const PATIENCE: u64 = 2_000_001;
/// After the last byte: longer than any dwell.
const AFTERWARDS: u64 = 1_000_000;

fn folder() -> Option<PathBuf> {
    if let Some(named) = env::var_os("BEACON_OBI_RECORDINGS") {
        return Some(PathBuf::from(named));
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .map(|parent| parent.join("shared/cases/obi"))
        .find(|folder| folder.is_dir())
}

/// The recordings' stimuli begin so many cycles after power-up, and their cycles count from some
/// before it.
const START: u64 = 50;
const OFFSET: u64 = 3;

/// Every change of the pins, from power-up: the cycle and what they are then.
fn play(stimulus: &str, front: Front, reader: Reader) -> Vec<(u64, Pins)> {
    let mut generator = Generator::new(front, reader);
    let mut changes = vec![(0, generator.pins())];
    let run = |generator: &mut Generator, until: u64, changes: &mut Vec<(u64, Pins)>| {
        while generator.run_until(until) {
            if changes
                .last()
                .is_some_and(|(_, pins)| *pins == generator.pins())
            {
                continue;
            }
            changes.push((generator.now() + OFFSET, generator.pins()));
        }
    };
    run(&mut generator, START, &mut changes);
    for line in stimulus.lines() {
        let (idle, bytes) = line.split_once(' ').expect("idle cycles, bytes");
        let idle: u64 = idle.parse().expect("cycles");
        let start = generator.now().max(generator.line_free()) + idle;
        run(&mut generator, start, &mut changes);
        for pair in bytes.as_bytes().chunks_exact(2) {
            let digits = std::str::from_utf8(pair).expect("hexadecimal digits");
            generator.send(u8::from_str_radix(digits, 16).expect("a byte"));
        }
        if front == Front::Direct {
            let given_up = generator.now() + PATIENCE;
            while !generator.took_everything() && generator.now() < given_up {
                let next = generator.now() + 1;
                run(&mut generator, next, &mut changes);
            }
            if !generator.took_everything() {
                return changes;
            }
        }
    }
    let end = generator.now().max(generator.line_free()) + AFTERWARDS;
    run(&mut generator, end, &mut changes);
    changes
}

fn expected(csv: &str) -> Vec<(u64, Pins)> {
    let rows = csv.lines().skip(1).map(|row| {
        let fields: Vec<u64> = row
            .split(',')
            .map(|field| field.parse().expect("a number"))
            .collect();
        let [cycle, x, y, electron_blank, ion_blank, blank_enable] = fields[..] else {
            panic!("six columns: {row}");
        };
        let pins = Pins {
            x: x as u16,
            y: y as u16,
            electron_blank: electron_blank == 1,
            ion_blank: ion_blank == 1,
            blank_enable: blank_enable == 1,
        };
        (cycle, pins)
    });
    rows.collect()
}

/// What differs, if anything does.
fn difference(found: &[(u64, Pins)], expected: &[(u64, Pins)]) -> Option<String> {
    for (n, (cycle, pins)) in expected.iter().enumerate() {
        match found.get(n) {
            Some((at, are)) if are == pins && at.abs_diff(*cycle) <= TOLERANCE => {}
            other => return Some(format!("change {n}: {other:?} for {:?}", (cycle, pins))),
        }
    }
    let more = found.get(expected.len());
    more.map(|more| format!("one change more: {more:?}"))
}

/// What takes the output. A folder of others says in the name of a recording when the reader stops;
/// else `bytes_read` tells, where 1 says that every byte is taken.
fn reader(name: &str, bytes_read: Option<u64>) -> Result<Reader, String> {
    if let Some((_, count)) = name.rsplit_once("_stops_after_") {
        let bytes = count.parse().map(Reader::StopsAfter);
        return bytes.map_err(|_| format!("stops after \"{count}\", which is no number of bytes"));
    }
    match bytes_read {
        Some(1) => Ok(Reader::Direct),
        Some(count) => Ok(Reader::StopsAfter(count)),
        None => Err("neither its name nor bytes_read says how many bytes are read".into()),
    }
}

/// Plays a recording of the index.
///
/// # Errors
/// What differs, or what of the recording cannot be understood.
fn compare(folder: &Path, recording: &serde_json::Value) -> Result<(), String> {
    let text = |key: &str| {
        let text = recording[key].as_str();
        text.ok_or_else(|| format!("the index has no text \"{key}\" for it"))
    };
    let name = text("name")?;
    let front = match text("front")? {
        "uart" => Front::Uart,
        "direct" => Front::Direct,
        other => {
            return Err(format!(
                "front \"{other}\", which is neither uart nor direct"
            ));
        }
    };
    let reader = reader(name, recording["bytes_read"].as_u64())?;
    let file = |extension: &str| {
        let path = folder.join(format!("{name}.{extension}"));
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let found = play(&file("in")?, front, reader);
    difference(&found, &expected(&file("csv")?)).map_or(Ok(()), Err)
}

#[test]
fn a_reader_stops_where_the_name_says_else_where_the_index_says() {
    let told = [
        (
            "output_reader_stops_after_6",
            None,
            Ok(Reader::StopsAfter(6)),
        ),
        (
            "output_reader_stops_after_0",
            Some(1),
            Ok(Reader::StopsAfter(0)),
        ),
        (
            "output_reader_stops_after_1",
            Some(1),
            Ok(Reader::StopsAfter(1)),
        ),
        ("inline_uart", Some(1), Ok(Reader::Direct)),
        ("unread", Some(0), Ok(Reader::StopsAfter(0))),
    ];
    for (name, bytes_read, expected) in told {
        assert_eq!(reader(name, bytes_read), expected, "{name}");
    }
    for (name, bytes_read) in [("inline_uart", None), ("reader_stops_after_x", Some(1))] {
        assert!(reader(name, bytes_read).is_err(), "{name}");
    }
}

#[test]
fn what_a_recording_does_not_say_rightly_is_named() {
    let strange = serde_json::json!({"name": "one", "front": "usb", "bytes_read": 1});
    let reason = compare(Path::new("."), &strange).unwrap_err();
    assert!(reason.contains("\"usb\""), "{reason}");
}

#[test]
fn the_model_reproduces_every_recording() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no recordings; name their folder in BEACON_OBI_RECORDINGS");
        return;
    };
    let index = fs::read_to_string(folder.join("index.json")).expect("the folder has an index");
    let index: serde_json::Value = serde_json::from_str(&index).expect("the index is JSON");
    let recordings = index.as_array().expect("a list of recordings");
    let mut differ = Vec::new();
    for recording in recordings {
        let outcome = compare(&folder, recording);
        let name = recording["name"]
            .as_str()
            .unwrap_or("a recording without a name");
        differ.extend(outcome.err().map(|reason| format!("{name}: {reason}")));
    }
    assert!(!recordings.is_empty(), "an empty index");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    println!("{} recordings reproduced", recordings.len());
}

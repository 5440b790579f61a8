//! What a campaign leaves behind tells what happened in it, and the documentation says what every field is.

use std::collections::BTreeSet;
use std::fs;

use beacon_host::controller::LinkReport;

use super::*;
use crate::common::documented::{documented, stands, undocumented};

/// A campaign with commands, a refusal, drift, an interruption and a second leg.
fn eventful() -> (TempDir, PathBuf) {
    let (kept, path) = folder();
    let name = path.to_str().unwrap();
    let slow = ["--budget", "80", "--dwell", "30ms", "--current", "60nA"];
    let quick = ["--real-time", "--overview-dwell", "1us", "--overhead", "0"];
    let drift = ["--drift", "1", "--drift-every", "10"];
    let running = on_specimen(&path, &[&slow[..], &quick, &drift].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&path, 13);
    for told in [
        &["strategy", "ei"][..],
        &["exclude", "0..12,0..20"],
        &["measure", "40,41"],
        &["target", "window:2.7keV..3keV"],
    ] {
        let told = [&["ctl", name][..], told, &["--name", "Ada"]].concat();
        assert_succeeded(&run(&told));
    }
    let (error, _) = refused(&["ctl", name, "dwell", "1nA"]);
    assert!(
        error.contains("dwell is `1nA`; expected a time in seconds"),
        "{error}"
    );
    wait_until(&path, |status| status["strategy"] == "ei");
    wait_for(&path, 20);
    assert_succeeded(&run(&["ctl", name, "discard", "40,41"]));
    assert_succeeded(&run(&["ctl", name, "stop"]));
    let ended = output_of(running);
    assert_succeeded(&ended);
    // Lines have the name of the folder: the strategy changed on the way.
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let line = format!("{}: strategy ei (Ada)", path.file_name().unwrap().display());
    assert!(
        said.contains(&line) && !said.contains("beacon-structure: "),
        "{said}"
    );
    assert_succeeded(&run(&["resume", name, "--budget", "50", "--json"]));
    (kept, path)
}

#[test]
fn what_is_left_tells_the_whole_story_and_every_field_is_documented() {
    let (_kept, path) = eventful();
    let read = |file: &str| fs::read_to_string(path.join(file)).unwrap();
    let summary: Value = serde_json::from_str(&read("summary.json")).unwrap();
    let history = &summary["history"];

    let legs = history["legs"].as_array().unwrap();
    assert_eq!(legs.len(), 2, "{legs:?}");
    assert_eq!(legs[0]["ended"], "it was told to stop");
    assert_eq!(legs[1]["to_point"], 50);
    let seconds: f64 = legs
        .iter()
        .map(|leg| leg["seconds"].as_f64().unwrap())
        .sum();
    assert!(seconds > 50.0 * 0.03, "{seconds}");
    let commands = history["commands"].as_array().unwrap();
    let words: Vec<_> = commands
        .iter()
        .map(|c| c["command"].as_str().unwrap())
        .collect();
    assert_eq!(
        words,
        [
            "strategy ei",
            "exclude 0..12,0..20",
            "measure 40,41",
            "target window:2700eV..3000eV",
            "discard 40,41",
            "stop"
        ]
    );
    assert!(commands[..4].iter().all(|command| command["by"] == "Ada"));
    let phases = history["phases"].as_array().unwrap();
    let last = phases.last().unwrap();
    assert_eq!(
        (&last["strategy"], &last["to_point"]),
        (&"ei".into(), &50.into())
    );
    assert!(phases.len() >= 2, "{phases:?}");
    assert_eq!(history["discarded"], serde_json::json!([[40, 41]]));
    assert_eq!(history["by_people"], serde_json::json!([[40, 41]]));

    let report = read("report.html");
    for said in [
        "What happened",
        "exclude 0..12,0..20",
        "it was told to stop",
        "in all",
        "hatched: excluded",
        "crossed: discarded",
        "numbers in the table above",
    ] {
        assert!(report.contains(said), "{said}");
    }
    for form in figure_files() {
        assert!(path.join(&form).is_file(), "{form}");
    }

    let columns = documented("acquisitions.csv");
    let table = read("acquisitions.csv");
    for name in table.lines().next().unwrap().split(',') {
        assert!(
            stands(&columns, name),
            "the column {name} is not documented"
        );
    }
    let fields = documented("summary.json");
    assert!(stands(&fields, "commands"));
    let mut told = summary.clone();
    // Each has the command as the file `commands` has it, by its own name.
    told["commands"] = Value::Null;
    told["link"] = serde_json::to_value(LinkReport::default()).unwrap();
    assert_eq!(
        undocumented(&fields, &told, &[]),
        BTreeSet::new(),
        "not documented"
    );
}

/// A figure in each of its forms.
fn figure_files() -> [String; 3] {
    ["png", "svg", "pdf"].map(|form| format!("trajectory.{form}"))
}

#[test]
fn quantities_without_a_unit_that_they_need_or_with_a_wrong_one_are_refused() {
    let (_kept, path) = folder();
    let out = path.to_str().unwrap();
    for (option, value, accepted) in [
        (
            "--time-limit",
            "8",
            "a number with its unit, as in 500ms, 90s, 45m, 8h or 2h30m",
        ),
        (
            "--dwell",
            "1nA",
            "a time in seconds, or with its unit, as in 0.5, 500ms or 2m",
        ),
        (
            "--current",
            "5s",
            "a current in pA, or with its unit, as in 50, 50pA or 1nA",
        ),
        (
            "--dose-limit",
            "1e4e/A2",
            "a number of electrons above 0, or a charge",
        ),
        ("--settle-us", "0.5us", "a time in µs, or with its unit"),
    ] {
        let arguments = [
            "run",
            "--microscope",
            "specimen",
            "--budget",
            "20",
            "--out",
            out,
        ];
        let (error, status) = refused(&[&arguments[..], &[option, value]].concat());
        let named = error.contains(&format!("'{value}'")) && error.contains(option);
        assert!(named && error.contains(accepted), "{error}");
        assert_eq!(status, Some(2));
        assert!(!path.exists());
    }
}

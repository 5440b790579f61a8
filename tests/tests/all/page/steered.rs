//! A campaign steered in a browser is that of the same commands by `beacon ctl`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use beacon_host::campaign::Event;
use beacon_host::internal::control::{Status, tell};
use serde_json::Value;

use super::{Program, commands, records, seeds, trajectory, until};

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where scripts leave pictures.
pub(super) fn pictures() -> PathBuf {
    root().join("target/page/pictures")
}

/// Runs a script of `tests/page` that drives a browser, and returns what it says of the page; `None`, said
/// aloud, where there is no browser.
pub(super) fn drive(script: &str, arguments: &[&Path]) -> Option<Value> {
    let python = root().join("target/page/bin/python");
    if !python.exists() || !Path::new("/usr/bin/chromium").exists() {
        // Not `println!`, which is only shown for tests that fail.
        let said = writeln!(
            std::io::stderr(),
            "skipped: no browser to drive; `tests/page/install` brings one"
        );
        said.expect("standard error takes text");
        return None;
    }
    let output = Command::new(python)
        .current_dir(root())
        .arg(Path::new("tests/page").join(script))
        .arg(env!("CARGO_BIN_EXE_beacon-under-test"))
        .args(arguments)
        .output()
        .expect("Python can be started");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    Some(serde_json::from_slice(&output.stdout).expect("it says JSON"))
}

/// What the browser saw: nothing from elsewhere, no mistake, and nothing that keeps anybody out.
fn check(said: &Value) {
    assert_eq!(said["foreign"], Value::Array(Vec::new()));
    assert_eq!(said["errors"], Value::Array(Vec::new()));
    assert_eq!(said["same_link"], true);
    assert!(
        said["watcher"]
            .as_str()
            .unwrap()
            .contains("this link watches"),
        "{said}"
    );
    // It was asked to.
    assert_eq!(said["status"], 0);
    assert!(
        said["state"].as_str().unwrap().starts_with("ended: "),
        "{said}"
    );
    // Nobody takes a command of a campaign back that has ended.
    assert_eq!(said["undo"], 0);
    let curves = said["curves"].as_str().unwrap();
    assert!(curves.contains("Coverage: of responses (blue)"), "{curves}");
    assert!(!curves.contains("latent"), "{curves}");
    harmless(&said["axe"]);
    // The maps of the past are those that were shown then, by another run of the program.
    assert!(
        said["then"]["mean"]
            .as_str()
            .unwrap()
            .contains("after 12 points"),
        "{said}"
    );
    assert_eq!(said["again"], said["then"], "{said}");
    assert_eq!(said["pressed"], serde_json::json!(["Au-Ma"]));
    let holds = |key: &str, what: &str| {
        let text = said[key].as_str().unwrap();
        assert!(text.contains(what), "{key}: {text}");
    };
    assert_ne!(said["rejected"][0], said["rejected"][1]);
    holds("unmeasurable", "it was measured: point 13");
    holds("time_left", "a point, answers included");
    assert_eq!(said["shapes"], "dwell: ● 2 s, ■ 4 s");
    assert_eq!(said["overlaps"], Value::Array(Vec::new()));
}

/// What axe-core found keeps nobody out.
pub(super) fn harmless(found: &Value) {
    let serious = |found: &&Value| ["serious", "critical"].contains(&found[0].as_str().unwrap());
    let serious: Vec<_> = found.as_array().unwrap().iter().filter(serious).collect();
    assert!(serious.is_empty(), "{serious:?}");
}

#[test]
fn what_a_browser_does_is_what_the_same_commands_do() {
    let parent = tempfile::tempdir().unwrap();
    let seeds = seeds(parent.path());
    let steered = parent.path().join("steered");
    let arguments = [&steered, Path::new(&seeds), &pictures()];
    let Some(said) = drive("steer.py", &arguments) else {
        return;
    };
    fs::write(root().join("target/page/said.json"), said.to_string()).unwrap();
    check(&said);

    let records_of_steered = records(&steered);
    // The page has every record of the journal, and none came to it twice, the kill notwithstanding.
    let all = (0..records_of_steered.len()).collect::<Value>();
    assert_eq!((&said["arrived"], &said["kept"]), (&all, &all));
    let given = commands(&records_of_steered);
    let words: Vec<&str> = given
        .iter()
        .map(|(command, _)| command.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        words,
        [
            "pause", "resume", "accept", "exclude", "exclude", "include", "exclude", "suggest",
            "target", "accept", "discard", "restore", "discard", "reject", "pause", "suggest",
            "withdraw", "resume", "dwell", "accept", "stop"
        ],
        "{given:?}"
    );
    // Whoever pauses before they say who they are has the link, at any rate.
    assert_eq!(given[0], ("pause".to_owned(), "control link".to_owned()));
    assert!(given[1..].iter().all(|(_, by)| by == "Ada"), "{given:?}");

    // The same commands, each once the one before has come to something.
    let told = parent.path().join("told");
    let mut arguments = vec![
        "run",
        "--microscope",
        "specimen",
        "--budget",
        "18",
        "--approve",
    ];
    arguments.extend([
        "--drift",
        "1",
        "--drift-every",
        "10",
        "--seed",
        "8",
        "--retrain-every",
        "1",
    ]);
    arguments.extend([
        "--page",
        "--seeds-from",
        &seeds,
        "--out",
        told.to_str().unwrap(),
    ]);
    let mut program = Program::start(&arguments);
    let mut points = 10;
    let all = words_of(&records_of_steered);
    let next = all.iter().skip(1).map(|next| next[0].as_str());
    let next = next.chain(["stop"]);
    for ((command, next), (_, by)) in all.iter().zip(next).zip(&given) {
        let waits = |status: &Status| {
            let ready = match command[0].as_str() {
                "resume" | "withdraw" => status.state == "paused",
                _ => status.proposal.is_some(),
            };
            // One that still waits may take the proposal back.
            status.points == points && ready && status.commands.is_empty()
        };
        until(&told, waits);
        tell(&told, command, by).unwrap();
        let measures = ["accept", "suggest"].contains(&command[0].as_str());
        points += usize::from(measures && next != "withdraw");
    }
    program.child.wait().unwrap();
    let records_of_told = records(&told);
    assert_eq!(commands(&records_of_told), given);
    assert_eq!(
        trajectory(&records_of_told),
        trajectory(&records_of_steered)
    );
    assert_eq!(trajectory(&records_of_told).len(), 14);
}

/// The commands of a journal as `beacon ctl` takes them.
fn words_of(records: &[beacon_host::campaign::Record]) -> Vec<Vec<String>> {
    let overview = records.iter().find_map(|record| match &record.event {
        Event::Overview(overview) => Some(overview),
        _ => None,
    });
    let image = &overview.expect("an overview was taken").image;
    let config = beacon_host::campaign::CampaignConfig::default();
    let candidates = config.candidates(image.height(), image.width()).unwrap();
    let given = records.iter().filter_map(|record| match &record.event {
        Event::Commanded(given) => Some(given.command.to_string()),
        _ => None,
    });
    let words = given.map(|command| {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            [word, "candidate", number] => {
                let number = number.parse().unwrap();
                let pixel = candidates.pixel(beacon_kernel::Candidate(number)).unwrap();
                vec![word.to_owned(), format!("{},{}", pixel.row, pixel.column)]
            }
            _ => words.into_iter().map(str::to_owned).collect(),
        }
    });
    words.collect()
}

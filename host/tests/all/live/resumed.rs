//! What `beacon resume` takes up, and what it leaves as it is.

use std::fs;
use std::process::Output;

use beacon_host::campaign::{ALGORITHM, Event};
use beacon_host::internal::journal::Journal;
use serde_json::Value;

use super::{folder, on_specimen, refused, run, summary};
use crate::common::{assert_succeeded, json};

/// Journals of earlier programs are still read, but their campaigns would take another way from here.
#[test]
fn a_journal_of_an_earlier_algorithm_is_refused_with_its_revision_and_left_as_it_is() {
    let (_kept, path) = folder();
    assert_succeeded(&on_specimen(&path, &["--budget", "12"]).output().unwrap());
    let (name, file) = (path.to_str().unwrap(), path.join("journal"));
    let records = Journal::open(&file).unwrap().records;
    for earlier in [3, 4, 5] {
        let mut first = records[0].1.clone();
        let Event::Begun(begun) = &mut first.event else {
            panic!("the journal begins with {first:?}");
        };
        begun.algorithm = earlier;
        fs::remove_file(&file).unwrap();
        let mut journal = Journal::begin(&file, &first).unwrap();
        for (_, record) in &records[1..] {
            journal.append(record).unwrap();
        }
        drop(journal);
        let written = fs::read(&file).unwrap();
        let (error, status) = refused(&["resume", name, "--budget", "14"]);
        assert_eq!(status, Some(2), "{error}");
        let found = format!("revision {earlier} of what decides, this program's is {ALGORITHM}");
        assert!(error.contains(&found), "{error}");
        let next = format!("go on with a program of revision {earlier}");
        assert!(error.contains(&next), "{error}");
        assert_eq!(fs::read(&file).unwrap(), written);
    }
}

#[test]
fn journals_that_are_no_journals_are_named_and_left_alone() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    summary(&on_specimen(&path, &["--budget", "20"]).output().unwrap());
    let journal = fs::read(path.join("journal")).unwrap();
    let half = journal.len() / 2;
    let changed = |at: usize, byte: u8| {
        let mut changed = journal.clone();
        changed[at] = byte;
        changed
    };
    for (content, said) in [
        (changed(15, 9), "a journal of version 9"),
        (changed(half, !journal[half]), "is not as it was written"),
        (b"my notes".to_vec(), "no journal"),
    ] {
        fs::write(path.join("journal"), &content).unwrap();
        let (error, status) = refused(&["resume", name]);
        assert!(error.contains(said), "{error}");
        assert_eq!(status, Some(2));
        assert!(fs::read(path.join("journal")).unwrap() == content);
    }
    let (_kept, nothing) = folder();
    let (error, _) = refused(&["resume", nothing.to_str().unwrap()]);
    assert!(error.contains("no campaign in it"), "{error}");
}

#[test]
fn a_campaign_is_not_resumed_below_what_is_spent_nor_on_another_specimen() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    summary(&on_specimen(&path, &["--budget", "20"]).output().unwrap());
    let journal = fs::read(path.join("journal")).unwrap();
    for (changed, said) in [
        (
            ["--time-limit", "0.001s"],
            "time-limit is 0.001; expected more than the",
        ),
        (
            ["--dose-limit", "1e6"],
            "dose-limit is 1000000; expected at least",
        ),
        (
            ["--dose-limit", "-1"],
            "expected a number of electrons above 0",
        ),
        (
            ["--budget", "19"],
            "budget is 19; expected at least the 20 points",
        ),
        (
            ["--stall-after", "0"],
            "stall-after is 0; expected 1 or more points",
        ),
        (
            ["--drift-every", "0"],
            "drift-every is 0; expected 1 or more points",
        ),
        (
            ["--microscope", "specimen:nanoparticles:2"],
            "began on specimen nanoparticles:1",
        ),
    ] {
        let (error, status) = refused(&[&["resume", name], &changed[..]].concat());
        assert!(error.contains(said), "{changed:?}: {error}");
        assert_eq!(status, Some(2));
        assert!(fs::read(path.join("journal")).unwrap() == journal);
    }
}

/// A campaign that a limit ended says with which option it goes on, and with that it comes to its end; one
/// that is still too low is named, and changes nothing.
#[test]
fn the_option_that_is_named_is_enough() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let mut limited = on_specimen(&path, &["--budget", "14", "--dose-limit", "1.4e11"]);
    let said = |output: &Output| {
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        String::from_utf8(output.stderr.clone()).unwrap()
    };
    let first = said(&limited.output().unwrap());
    let (_, option) = first
        .rsplit_once(&format!("`beacon resume {name} "))
        .unwrap();
    let option: Vec<&str> = option.split('`').next().unwrap().split(' ').collect();
    assert_eq!(option[0], "--dose-limit", "{first}");
    let status = run(&["ctl", name, "status", "--json"]);
    let status: Value = json(&status.stdout);
    assert_eq!(status["running"], false);
    let go_on = status["go_on"].as_str().unwrap();
    assert!(go_on.ends_with(&option.join(" ")), "{go_on}");

    let journal = fs::read(path.join("journal")).unwrap();
    let again = said(&run(&["resume", name, "--dose-limit", "1.41e11"]));
    assert!(again.contains("electrons of 1.41e11 are used"), "{again}");
    assert!(fs::read(path.join("journal")).unwrap() == journal);

    // With another dwell, as `beacon ctl` would set it.
    let more = ["resume", name, "--json", "--dwell", "1.5s"];
    let whole = summary(&run(&[&more[..], &option].concat()));
    assert_eq!(whole["positions"].as_array().unwrap().len(), 14);
    let commands = whole["commands"].to_string();
    assert_eq!(commands, r#"[[11,{"Dwell":1.5}]]"#);
}

/// A simulated instrument makes up for every exposure with the dwell that it had, whether the model is trained
/// anew on the way or read from what was learned.
#[test]
fn a_sample_has_drifted_as_long_as_each_exposure_took() {
    let (kept, path) = folder();
    let name = path.to_str().unwrap();
    let drifting = [
        "--budget",
        "14",
        "--dwell",
        "1",
        "--drift",
        "20",
        "--drift-every",
        "4",
    ];
    summary(&on_specimen(&path, &drifting).output().unwrap());
    summary(&run(&[
        "resume", name, "--json", "--dwell", "0.05", "--budget", "18",
    ]));
    let other = kept.path().join("trained-anew");
    fs::create_dir(&other).unwrap();
    fs::copy(path.join("journal"), other.join("journal")).unwrap();
    let [read, anew] = [&path, &other].map(|path| {
        assert_eq!(path.join("learned").exists(), *path != other);
        let name = path.to_str().unwrap();
        let whole = summary(&run(&["resume", name, "--json", "--budget", "24"]));
        (whole["positions"].clone(), whole["drift"].clone())
    });
    assert_eq!(read, anew);
}

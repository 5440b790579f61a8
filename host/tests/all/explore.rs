//! `beacon` without a command: the built-in specimens.

use crate::common::{
    assert_every_file_is_explained, assert_says, beacon, beacon_ok, json, names, read, refused,
    text,
};

#[test]
fn the_main_job_discovers_the_rare_species_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = beacon_ok(&["--steps", "30", "--out", "here"], folder.path());
    let said = text(&output.stdout);
    let hint = "one seed proves nothing: beacon compare --specimen nanoparticles --seeds 10\n";
    assert_says(&said, &["target space covered", "rare", hint]);
    let here = folder.path().join("here");
    for picture in [
        "trajectory.png",
        "target.png",
        "coverage.png",
        "overview.png",
        "learning.png",
        "trajectories.png",
        "trajectories_target.png",
        "coverages.png",
        "spectra.png",
        "times.png",
    ] {
        let bytes = std::fs::read(here.join(picture)).unwrap();
        assert!(
            bytes.starts_with(b"\x89PNG") && bytes.len() > 10_000,
            "{picture}"
        );
    }
    assert_every_file_is_explained(&here, &said);
    let report = read(&here.join("report.html"));
    assert!(report.len() < 5_000_000, "{} bytes", report.len());
    let title = "<h1>beacon-structure and random on ";
    let rare = ["Au@Pd core-shell, rare", "Pd Lα", "seed 1: row "];
    assert_says(&report, &[title, "X-rays (counts)"]);
    assert_says(&report, &rare);
    let learning = read(&here.join("learning.svg"));
    let words = ["beacon-structure", "random", "MAE (counts)"];
    assert_says(&learning, &words);
    assert!(names(&here.join("random")).contains(&"report.html".to_owned()));
    let summary = json(read(&here.join("random/summary.json")).as_bytes());
    for part in ["measuring_seconds", "training_seconds", "deciding_seconds"] {
        assert_eq!(summary[part].as_array().map(Vec::len), Some(30), "{part}");
    }
}

#[test]
fn every_specimen_can_be_explored_and_tells_what_was_discovered() {
    let folder = tempfile::tempdir().unwrap();
    for (name, rare) in [
        ("ferroelectric", "crossing of needles"),
        ("plasmonic", "end of a rod"),
    ] {
        let arguments = ["--specimen", name, "--steps", "3", "--out", name];
        let output = beacon_ok(&arguments, folder.path());
        assert_says(&text(&output.stdout), &[&format!("{rare}, rare")]);
        let summary = folder.path().join(name);
        let summary = summary.join("beacon-structure/summary.json");
        let summary = json(read(&summary).as_bytes());
        let found = summary["discoveries"].as_array().unwrap();
        let points = found.iter().map(|of| of["points"].as_u64().unwrap());
        // Every pixel of these shows one behaviour.
        assert_eq!(points.sum::<u64>(), 13, "{found:?}");
        assert!(
            found.iter().any(|of| of["behaviour"] == rare),
            "no {rare} in {found:?}"
        );
    }
    let gold = beacon(&["--specimen", "gold"], folder.path());
    refused(&gold, &["`gold`", "plasmonic"]);
}

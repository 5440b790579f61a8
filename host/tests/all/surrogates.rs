//! Campaigns that decide by another surrogate than the default.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{beacon, text, write_npy};

fn summary(arguments: &[&str], folder: &Path) -> Value {
    let output = beacon(arguments, folder);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn run<'a>(budget: &'a str, folder: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    let arguments = ["run", "--microscope", "specimen", "--json", "--out", folder];
    let arguments = [&arguments[..], &["--budget", budget], further];
    arguments.concat()
}

/// Whether what was learned is at hand or has to be learned again.
#[test]
fn a_campaign_with_filters_that_is_resumed_decides_as_if_it_had_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let filters = ["--surrogate", "filters"];
    let whole = summary(&run("36", "whole", &filters), at);
    assert_eq!(whole["warnings"], serde_json::json!([]));
    for learned in [true, false] {
        let name = format!("learned-{learned}");
        let begun = summary(&run("27", &name, &filters), at);
        assert_eq!(begun["order"].as_array().unwrap().len(), 17);
        if !learned {
            fs::remove_file(at.join(&name).join("learned")).unwrap();
        }
        let resumed = ["resume", &name, "--budget", "36", "--json"];
        let resumed = summary(&resumed, at);
        assert_eq!(resumed["order"], whole["order"], "learned: {learned}");
        // A map depends on its points alone.
        assert_eq!(resumed["maps"], whole["maps"], "learned: {learned}");
    }
    let config = fs::read_to_string(at.join("whole/config.toml")).unwrap();
    assert!(config.contains("surrogate = \"filters\""), "{config}");
    let network = ["--surrogate", "cnn"];
    let other = summary(&run("36", "network", &network), at);
    assert_ne!(other["order"], whole["order"]);
}

#[test]
fn a_surrogate_that_does_not_exist_is_refused_with_those_that_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = beacon(
        &run("36", "none", &["--surrogate", "forest"]),
        folder.path(),
    );
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("cnn") && said.contains("filters"), "{said}");
}

/// What has no structure, what has one bright spot and nothing else, and a response that does not
/// follow the image.
#[test]
fn images_without_structure_and_outliers_are_explored_with_filters() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let wave = |i: u32| f64::from(i).sin() + 1e6 * f64::from(u8::from(i == 210));
    write_npy(&at("flat.npy"), &[20, 24], (0..480).map(|_| 3.0));
    let spike = |i: u32| f64::from(u16::from(i == 210)) * 60000.0;
    write_npy(&at("spike.npy"), &[20, 24], (0..480).map(spike));
    let saturated = |i: u32| f64::from(i % 24).min(5.0);
    write_npy(&at("saturated.npy"), &[20, 24], (0..480).map(saturated));
    write_npy(&at("response.npy"), &[20, 24], (0..480).map(wave));
    for (image, edges, warned) in [
        ("flat.npy", "inside", true),
        ("spike.npy", "reflect", false),
        ("saturated.npy", "inside", false),
    ] {
        let data = ["replay", "--image", image, "--response", "response.npy"];
        let how = [
            "--window",
            "8",
            "--steps",
            "40",
            "--edges",
            edges,
            "--surrogate",
            "filters",
            "--json",
        ];
        let summary = summary(&[&data[..], &how].concat(), folder.path());
        assert_eq!(summary["order"].as_array().unwrap().len(), 40, "{image}");
        let warnings = summary["warnings"].to_string();
        assert_eq!(
            warnings.contains("the image is constant"),
            warned,
            "{warnings}"
        );
        assert!(!warnings.contains("no map"), "{image}: {warnings}");
        assert!(!warnings.contains("refused"), "{image}: {warnings}");
        assert!(summary["maps"][2]["nlpd"].is_f64(), "{image}");
    }
}

/// Particles without the element that is counted look like those with it: the first points of these
/// campaigns have met no more than background, whose spread is up to 600 times too small.
#[test]
fn a_map_of_background_alone_is_no_more_certain_than_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut warned = 0;
    for (specimen, seed) in [("1", "1"), ("3", "7"), ("3", "1")] {
        let microscope = format!("specimen:nanoparticles:{specimen}");
        let campaign = |budget: &str| {
            let run = ["run", "--microscope", &microscope, "--seed", seed, "--json"];
            let name = format!("{specimen}-{seed}-{budget}");
            let where_to = ["--budget", budget, "--out", &name];
            summary(&[&run[..], &where_to].concat(), folder.path())
        };
        let first = campaign("11");
        let said = first["warnings"].to_string();
        let expected = "responses hardly differ yet: the map's deviation is a guess";
        // Any point more may tell enough.
        let guessed = first["maps"][1]["guessed"] == true;
        assert_eq!(said.contains(expected), guessed, "{said}");
        warned += usize::from(guessed);
        let maps = campaign("20")["maps"].clone();
        assert_eq!(maps[0], first["maps"][0]);
        assert_eq!(maps[0]["guessed"], true);
        for of in [&maps[0], &maps[1]] {
            let nlpd = of["nlpd"].as_f64().unwrap();
            assert!(nlpd < 20.0, "{specimen}, {seed}: {of}");
            assert!(of["within"].as_f64().unwrap() > 0.8, "{of}");
        }
    }
    assert!(warned > 0);
}

/// These read variances, which each surrogate has in its own way.
#[test]
fn strategies_that_read_variances_have_finite_scores_with_every_surrogate() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pixel = |i: u32| f64::from(i % 18).sin() + f64::from(i / 18).cos();
    write_npy(&at("image.npy"), &[16, 18], (0..288).map(pixel));
    let response = |i: u32| 3.0 * pixel(i) + f64::from(i % 18);
    write_npy(&at("response.npy"), &[16, 18], (0..288).map(response));
    for strategy in ["ei", "mu", "ucb"] {
        for surrogate in ["filters", "cnn", "taught"] {
            let name = format!("{strategy}-{surrogate}");
            let data = [
                "replay",
                "--image",
                "image.npy",
                "--response",
                "response.npy",
            ];
            let how = ["--window", "8", "--initial", "5", "--steps", "8", "--json"];
            let with = [
                "--strategy",
                strategy,
                "--surrogate",
                surrogate,
                "--out",
                &name,
            ];
            let summary = summary(&[&data[..], &how, &with].concat(), folder.path());
            assert_eq!(summary["warnings"], serde_json::json!([]), "{name}");
            let table = fs::read_to_string(at(&name).join("acquisitions.csv")).unwrap();
            let mut lines = table.lines().map(|line| line.split(','));
            let header = lines.next().unwrap();
            let score = header
                .into_iter()
                .position(|column| column == "score")
                .unwrap();
            let scores = lines.skip(5).map(|mut line| line.nth(score).unwrap());
            let scores: Vec<f64> = scores.map(|score| score.parse().unwrap()).collect();
            assert_eq!(scores.len(), 8, "{name}");
            assert!(
                scores.iter().all(|score| score.is_finite()),
                "{name}: {scores:?}"
            );
        }
    }
}

//! The program as a user meets it: what it prints, writes and refuses.

use std::path::Path;
use std::process::Command;

use beacon_host::data::npy::Npy;

use crate::common::{beacon, text, write_npy};

/// A folder with an image of 20 × 24 pixels and a response that follows its structure.
fn data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let wave = |i: u32| {
        let (y, x) = (f64::from(i / 24), f64::from(i % 24));
        (0.7 * y).sin() + (0.4 * x).cos() + 0.3 * (x * y * 0.05).sin()
    };
    let at = |name: &str| folder.path().join(name);
    write_npy(&at("image.npy"), &[20, 24], (0..480).map(wave));
    write_npy(
        &at("response.npy"),
        &[20, 24],
        (0..480).map(|i| wave(i).powi(2)),
    );
    let holed = (0..480).map(|i| if i == 250 { f64::NAN } else { wave(i) });
    write_npy(&at("holed.npy"), &[20, 24], holed);
    let vast = (0..480).map(|i| if i == 250 { 1e39 } else { wave(i) });
    write_npy(&at("vast.npy"), &[20, 24], vast);
    write_npy(&at("flat.npy"), &[20, 24], (0..480).map(|_| 3.0));
    write_npy(&at("small.npy"), &[20, 20], (0..400).map(wave));
    write_npy(&at("spectra.npy"), &[20, 24, 3], (0..1440).map(wave));
    std::fs::write(at("notes.doc"), "not data").unwrap();
    std::fs::write(at("broken.npy"), "not an array").unwrap();
    std::fs::write(at("seeds.txt"), "3 5 8\n").unwrap();
    std::fs::write(at("far.txt"), "3 500\n").unwrap();
    folder
}

const REPLAY: [&str; 9] = [
    "replay",
    "--image",
    "image.npy",
    "--response",
    "response.npy",
    "--window",
    "12",
    "--steps",
    "6",
];

fn replay_with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    REPLAY.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn json_is_all_that_standard_output_holds_and_has_every_field() {
    let folder = data();
    let output = beacon(&replay_with(&["--json", "--seed", "7"]), folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["strategy"], "beacon-structure");
    assert_eq!(summary["seed"], 7);
    assert_eq!(summary["seeds"].as_array().unwrap().len(), 10);
    assert_eq!(summary["order"].as_array().unwrap().len(), 6);
    for figure in [
        "target_coverage",
        "mae",
        "rmse",
        "nlpd",
        "surrogate_mean",
        "surrogate_sigma",
        "seconds",
    ] {
        let values = summary[figure].as_array().unwrap();
        assert_eq!(values.len(), 6, "{figure}");
        assert!(values.iter().all(serde_json::Value::is_f64), "{figure}");
    }
    assert!(
        !folder.path().join("runs").exists(),
        "--json alone writes nothing"
    );
}

#[test]
fn a_run_folder_holds_configuration_tables_maps_summary_and_pictures() {
    let folder = data();
    let seeds = ["--seeds-from", "seeds.txt", "--out", "results/here"];
    let output = beacon(&replay_with(&seeds), folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("results in results/here"));
    let run = folder.path().join("results/here");
    let mut names: Vec<_> = std::fs::read_dir(&run)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "acquisitions.csv",
            "config.toml",
            "coverage.png",
            "coverage.svg",
            "coverages.png",
            "coverages.svg",
            "learning.png",
            "learning.svg",
            "overview.png",
            "overview.svg",
            "report.html",
            "summary.json",
            "surrogate.png",
            "surrogate.svg",
            "surrogate_mean.npy",
            "surrogate_sigma.npy",
            "target.png",
            "target.svg",
            "times.png",
            "times.svg",
            "trajectory.png",
            "trajectory.svg"
        ]
    );
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    let table = read("acquisitions.csv");
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines[0], "step,row,column,value,score,mean,std");
    assert_eq!(lines.len(), 1 + 3 + 6);
    // Candidate 3 of 9 x 13 with windows of 12 is pixel (6, 9).
    assert!(lines[1].starts_with("0,6,9,"), "{}", lines[1]);
    assert!(
        lines[1].ends_with(",,,"),
        "a seed has no prediction: {}",
        lines[1]
    );
    assert!(lines[4].starts_with("1,") && !lines[4].ends_with(','));
    let config: toml::Table = toml::from_str(&read("config.toml")).unwrap();
    assert_eq!(config["image"].as_str(), Some("image.npy"));
    assert_eq!(config["campaign"]["window"].as_integer(), Some(12));
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(summary["seeds"], serde_json::json!([3, 5, 8]));
    let map = std::fs::read(run.join("surrogate_mean.npy")).unwrap();
    assert_eq!(Npy::new(&map[..]).unwrap().shape(), [20, 24]);
}

#[test]
fn runs_without_a_folder_of_their_own_never_replace_one_another() {
    let folder = data();
    for n in 1..=2 {
        let output = beacon(&REPLAY, folder.path());
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains(&format!("runs/replay-{n}")));
    }
}

#[test]
fn results_of_another_kind_are_refused_and_left_as_they_are() {
    let folder = data();
    let kept = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
    let refused = |arguments: &[&str], said: [&str; 3]| {
        let output = beacon(arguments, folder.path());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{arguments:?}: {message}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        for word in said {
            assert!(message.contains(word), "{arguments:?}: {message}");
        }
    };
    let replay = replay_with(&["--out", "campaign"]);
    assert!(beacon(&replay, folder.path()).status.success());
    let compare = |out| {
        let compare = std::iter::once("compare").chain(REPLAY.into_iter().skip(1));
        let small = ["--strategies", "random,ei", "--seeds", "1", "--out", out];
        compare.chain(small).collect::<Vec<_>>()
    };
    assert!(beacon(&compare("study"), folder.path()).status.success());

    let (summary, report) = (kept("campaign/summary.json"), kept("study/report.html"));
    let study = ["`study`", "study.toml", "new or empty"];
    refused(&replay_with(&["--out", "study"]), study);
    refused(&["--steps", "3", "--out", "study"], study);
    let campaign = ["`campaign`", "summary.json", "the same study"];
    refused(&compare("campaign"), campaign);
    assert_eq!(kept("campaign/summary.json"), summary);
    assert_eq!(kept("study/report.html"), report);
    assert!(!folder.path().join("study/summary.json").exists());
    assert!(!folder.path().join("campaign/study.toml").exists());

    // One of the same kind is replaced, or gone on with.
    assert!(beacon(&replay, folder.path()).status.success());
    assert!(beacon(&compare("study"), folder.path()).status.success());
}

#[test]
fn a_constant_image_is_warned_of_once() {
    let folder = data();
    let mut replay = replay_with(&["--json", "--steps", "3"]);
    replay[2] = "flat.npy";
    replay.drain(7..9);
    let output = beacon(&replay, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert_eq!(said.matches("the image is constant").count(), 1, "{said}");
    let output = beacon(&replay_with(&["--json"]), folder.path());
    assert!(!text(&output.stdout).contains("the image is constant"));
}

#[test]
fn spectra_are_reduced_by_a_scalarizer() {
    let folder = data();
    let spectra = [
        "replay",
        "--image",
        "image.npy",
        "--response",
        "spectra.npy",
        "--scalarizer",
        "sum",
        "--window",
        "12",
        "--steps",
        "3",
        "--latent-coverage",
        "--out",
        "results",
    ];
    let output = beacon(&spectra, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let figure = |name: &str| folder.path().join("results").join(name);
    let read = |name: &str| std::fs::read_to_string(figure(name)).unwrap();
    let drawn = read("spectra.svg");
    assert!(
        drawn.contains("seed 1: row ") && drawn.contains("step 3: row "),
        "{drawn}"
    );
    assert!(read("latent.svg").contains("decoded patches"));
    assert!(read("report.html").contains("latent coverage"));
    // Of a map there is no spectrum, and without latent space no plane: nothing stale stays.
    let map = replay_with(&["--out", "results"]);
    let output = beacon(&map, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    for stale in ["spectra.svg", "spectra.png", "latent.svg", "latent.png"] {
        assert!(!figure(stale).exists(), "{stale}");
    }
}

/// Every mistake: what is changed, and what the one line must say.
const MISTAKES: [(&[&str], &[&str]); 20] = [
    (
        &["--image", "absent.npy"],
        &["`absent.npy`", "no such file"],
    ),
    (
        &["--image", "broken.npy"],
        &["`broken.npy`", "cannot be read"],
    ),
    (&["--image", "notes.doc"], &["`doc`", ".npy, .npz, .tif"]),
    (&["--edges", "wrap"], &["'wrap'", "inside, reflect"]),
    (&["--image", "spectra.npy"], &["20x24x3", "rows x columns"]),
    (&["--response", "flat.npy"], &["3", "constant"]),
    (&["--response", "small.npy"], &["20 x 24", "20 x 20"]),
    (&["--response", "spectra.npy"], &["--scalarizer"]),
    (&["--scalarizer", "sum"], &["needs no scalarizer"]),
    (&["--scalarizer", "line:Pd-Lz"], &["`Pd-Lz`", "Pd-La"]),
    (&["--window", "21"], &["window is 21", "4 to 20", "20 x 24"]),
    (&["--window", "3"], &["window is 3", "4 to 20"]),
    (&["--steps", "108"], &["108", "at most 107"]),
    (&["--steps", "some"], &["'some'", "--steps"]),
    (
        &["--strategy", "best"],
        &["'best'", "beacon-elite", "random"],
    ),
    (&["--seeds-from", "far.txt"], &["seed 500", "117"]),
    (&["--out", "notes.doc"], &["`notes.doc`", "folder"]),
    (&["--k", "0"], &["k is 0", "1 or more"]),
    (&["--initial", "200"], &["initial is 200", "117"]),
    (
        &["--response", "vast.npy"],
        &["row 10, column 10", "1e39", "5e29"],
    ),
];

#[test]
fn mistakes_are_named_in_one_line_and_nothing_is_written() {
    let folder = data();
    let listing = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = listing();
    for (change, said) in MISTAKES {
        // The last of two equal options counts for none: leave the valid one out.
        let replaced = |flag: &str| change.first() == Some(&flag);
        let valid = REPLAY[1..].chunks(2).filter(|pair| !replaced(pair[0]));
        let mut arguments = vec!["replay"];
        arguments.extend(valid.flatten().copied());
        arguments.extend(change);
        if !replaced("--out") {
            arguments.extend(["--out", "results"]);
        }
        let output = beacon(&arguments, folder.path());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{change:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{change:?}: {message}");
        assert_eq!(text(&output.stdout), "", "{change:?}");
        for word in said {
            assert!(
                message.contains(word),
                "{change:?}: no `{word}` in: {message}"
            );
        }
        assert_eq!(listing(), before, "{change:?} left something behind");
    }
}

#[test]
fn a_pixel_without_a_response_is_no_candidate() {
    let folder = data();
    let valid = REPLAY[1..].chunks(2).filter(|pair| pair[0] != "--response");
    let mut arguments = vec!["replay"];
    arguments.extend(valid.flatten().copied());
    arguments.extend(["--response", "holed.npy", "--json"]);
    let output = beacon(&arguments, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warnings = summary["warnings"].to_string();
    assert!(
        warnings.contains("no data at 1 pixels in all"),
        "{warnings}"
    );
    assert!(
        summary["mae"]
            .as_array()
            .unwrap()
            .iter()
            .all(|mae| mae.as_f64() > Some(0.0))
    );
}

#[test]
fn a_pixel_without_data_in_the_image_is_no_candidate() {
    let folder = data();
    let valid = REPLAY[1..]
        .chunks(2)
        .filter(|pair| !["--image", "--steps"].contains(&pair[0]));
    let mut arguments = vec!["replay"];
    arguments.extend(valid.flatten().copied());
    // All others are measured: 9 rows of 13.
    arguments.extend(["--image", "holed.npy", "--steps", "106"]);
    arguments.extend(["--strategy", "random", "--retrain-every", "50", "--json"]);
    let output = beacon(&arguments, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warnings = summary["warnings"].to_string();
    assert!(
        warnings.contains("no data at 1 pixels in all"),
        "{warnings}"
    );
    // Row 10, column 10: row 4 and column 4 of the candidates.
    let measured = |key: &str| summary[key].as_array().unwrap().clone();
    let points = [measured("seeds"), measured("order")].concat();
    assert_eq!(points.len(), 116);
    assert!(!points.contains(&serde_json::json!(4 * 13 + 4)));
}

#[test]
fn with_reflection_every_pixel_is_a_candidate_from_the_replay_to_its_score_and_figures() {
    let folder = data();
    let reflect = ["--edges", "reflect", "--strategy", "farthest"];
    let more = [&reflect[..], &["--out", "results", "--latent-coverage"]].concat();
    let output = beacon(&replay_with(&more), folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(folder.path().join("results").join(name));
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json").unwrap()).unwrap();
    assert_eq!(summary["edges"], "reflect");
    assert_eq!(summary["candidates"], 480);
    assert!(read("config.toml").unwrap().contains("edges = \"reflect\""));
    assert!(read("report.html").unwrap().contains("of 480 candidates"));

    // The order in pixels and in candidate numbers is one and the same with these edges.
    let order = "results/acquisitions.csv";
    let score = |more: &[&str]| {
        let valid = SCORE[1..].chunks(2).filter(|pair| pair[0] != "--order");
        let mut arguments = vec!["score", "--order", order, "--json"];
        arguments.extend(valid.flatten().copied());
        arguments.extend(more);
        beacon(&arguments, folder.path())
    };
    let scored = score(&["--edges", "reflect"]);
    assert!(scored.status.success(), "{}", text(&scored.stderr));
    let scored: serde_json::Value = serde_json::from_slice(&scored.stdout).unwrap();
    for key in [
        "order",
        "seeds",
        "target_coverage",
        "patch_coverage",
        "latent_coverage",
    ] {
        assert_eq!(scored[key], summary[key], "{key}");
    }
    // It has been at the border, where without reflection no window fits.
    let refused = score(&["--edges", "inside"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(
        said.contains("no window of 12 pixels fits around row"),
        "{said}"
    );
}

#[test]
fn the_main_job_discovers_the_rare_species_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = beacon(&["--steps", "30", "--out", "here"], folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(
        said.contains("target space covered") && said.contains("rare"),
        "{said}"
    );
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
        let bytes = std::fs::read(folder.path().join("here").join(picture)).unwrap();
        assert!(
            bytes.starts_with(b"\x89PNG") && bytes.len() > 10_000,
            "{picture}"
        );
    }
    for entry in std::fs::read_dir(folder.path().join("here")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let told = name.strip_suffix(".svg").is_some() || said.contains(&format!("\n  {name} "));
        assert!(told, "{name} is not explained in: {said}");
    }
    let hint = "one seed proves nothing: beacon compare --specimen nanoparticles --seeds 10\n";
    assert!(said.contains(hint), "{said}");
    let report = std::fs::read_to_string(folder.path().join("here/report.html")).unwrap();
    assert!(report.contains("<h1>beacon-structure and random on "));
    assert!(report.len() < 5_000_000, "{} bytes", report.len());
    for word in [
        "Au@Pd core-shell, rare",
        "Pd Lα",
        "seed 1: row ",
        "X-rays (counts)",
    ] {
        assert!(report.contains(word), "no `{word}` in the report");
    }
    let learning = std::fs::read_to_string(folder.path().join("here/learning.svg")).unwrap();
    for word in ["beacon-structure", "random", "MAE (counts)"] {
        assert!(
            learning.contains(word),
            "no `{word}` in the learning curves"
        );
    }
    assert!(folder.path().join("here/random/report.html").exists());
    let summary = std::fs::read(folder.path().join("here/random/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
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
        let output = beacon(&arguments, folder.path());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(said.contains(&format!("{rare}, rare")), "{said}");
        let summary = folder
            .path()
            .join(name)
            .join("beacon-structure/summary.json");
        let summary = std::fs::read_to_string(summary).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        let found = summary["discoveries"].as_array().unwrap();
        let points = |of: &serde_json::Value| of["points"].as_u64().unwrap();
        // Every pixel of these shows one behaviour.
        assert_eq!(found.iter().map(points).sum::<u64>(), 13, "{found:?}");
        let names: Vec<_> = found.iter().map(|of| &of["behaviour"]).collect();
        assert!(names.iter().any(|name| *name == rare), "{names:?}");
    }
    let output = beacon(&["--specimen", "gold"], folder.path());
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("`gold`") && message.contains("plasmonic"),
        "{message}"
    );
}

#[test]
fn real_eds_data_replay_from_hyperspy_files() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/eds");
    if !data.is_dir() {
        println!("skipped: the EDS data are absent ({})", data.display());
        return;
    }
    let image = data.join("haadf_eds_64_image.hspy");
    let response = data.join("haadf_eds_64_spectra.hspy");
    let output = beacon(
        &[
            "replay",
            "--image",
            &image.to_string_lossy(),
            "--response",
            &response.to_string_lossy(),
            "--scalarizer",
            "line:Ti-Ka",
            "--steps",
            "12",
            "--json",
        ],
        &data,
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
}

const SCORE: [&str; 9] = [
    "score",
    "--image",
    "image.npy",
    "--response",
    "response.npy",
    "--window",
    "12",
    "--order",
    "order.csv",
];

fn score_with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SCORE.into_iter().chain(more.iter().copied()).collect()
}

/// [`data`] with orders: of 9 x 13 candidates, right and wrong.
fn orders() -> tempfile::TempDir {
    let folder = data();
    for (name, table) in [
        ("order.csv", "step,patch_index\n1,3\n2,116\n3,40\n4,0\n"),
        ("twice.csv", "patch_index\n3\n40\n3\n"),
        ("far.csv", "patch_index\n3\n117\n"),
        ("empty.csv", "patch_index\n"),
        ("blank.csv", "\n"),
        ("column.csv", "step,patch\n1,3\n"),
        ("word.csv", "patch_index\n3\nforty\n"),
        ("own.csv", "step,row,column\n0,6,6\n1,7,7\n"),
    ] {
        std::fs::write(folder.path().join(name), table).unwrap();
    }
    folder
}

#[test]
fn a_score_has_every_figure_of_a_replay_and_the_coverage_of_all_spaces() {
    let folder = orders();
    let output = beacon(
        &score_with(&["--json", "--seeds-from", "seeds.txt"]),
        folder.path(),
    );
    // Candidate 3 of the order is a seed as well.
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("line 2: candidate 3"));

    let output = beacon(&score_with(&["--json"]), folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let score: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(score["order"], serde_json::json!([3, 116, 40, 0]));
    for figure in [
        "target_coverage",
        "patch_coverage",
        "latent_coverage",
        "target_coverage_with_seeds",
        "patch_coverage_with_seeds",
        "latent_coverage_with_seeds",
        "mae",
        "rmse",
        "nlpd",
        "surrogate_mean",
        "surrogate_sigma",
        "surrogate_variance",
        "noise_sigma",
        "seconds",
    ] {
        let values = score[figure].as_array().unwrap();
        assert_eq!(values.len(), 4, "{figure}");
        assert!(values.iter().all(serde_json::Value::is_f64), "{figure}");
    }
    let output = beacon(&score_with(&["--steps", "2"]), folder.path());
    let said = text(&output.stdout);
    assert!(
        said.contains("2 steps after 0 seeds among 117 candidates"),
        "{said}"
    );
    assert!(said.contains("latent coverage"), "{said}");
    assert!(said.contains("no seeds: give those"), "{said}");
}

/// Every mistake in an order: what is changed, and what the one line must say.
#[test]
fn mistakes_in_an_order_are_named_in_one_line() {
    let folder = orders();
    for (change, said) in [
        (
            &["--order", "twice.csv"][..],
            &["line 4", "candidate 3", "line 2"][..],
        ),
        (
            &["--order", "far.csv"],
            &["line 3", "candidate 117", "there are 117"],
        ),
        (&["--order", "empty.csv"], &["`empty.csv`", "no steps"]),
        (
            &["--order", "column.csv"],
            &["`patch_index`", "`step`, `patch`"],
        ),
        (&["--order", "word.csv"], &["line 3", "`forty`"]),
        (
            &["--order", "absent.csv"],
            &["`absent.csv`", "cannot be read"],
        ),
        (
            &["--order", "own.csv", "--seeds-from", "seeds.txt"],
            &["seeds of its own", "--seeds-from"],
        ),
        (&["--steps", "5"], &["steps is 5", "1 to 4"]),
        (&["--steps", "0"], &["steps is 0", "1 to 4"]),
        (&["--response", "flat.npy"], &["3", "constant"]),
        (
            &["--order", "blank.csv"],
            &["`blank.csv`", "nothing in it", "CSV", "`patch_index`"],
        ),
        (
            &["--order", "image.npy"],
            &["`image.npy`", "not text", "CSV", "`patch_index`"],
        ),
        (&["--window", "21"], &["window is 21", "4 to 20", "20 x 24"]),
        (&["--retrain-every", "0"], &["retrain_every is 0"]),
    ] {
        let replaced = |flag: &str| change.first() == Some(&flag);
        let valid = SCORE[1..].chunks(2).filter(|pair| !replaced(pair[0]));
        let mut arguments = vec!["score"];
        arguments.extend(valid.flatten().copied());
        arguments.extend(change);
        let output = beacon(&arguments, folder.path());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{change:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{change:?}: {message}");
        assert_eq!(text(&output.stdout), "", "{change:?}");
        for word in said {
            assert!(
                message.contains(word),
                "{change:?}: no `{word}` in: {message}"
            );
        }
    }
}

/// What the program prints for the published orders: Figure 3e of the paper, and the corrected
/// figures (numpy, the same 100 bins with the largest value included).
#[test]
fn the_published_figures_are_printed_exactly() {
    let pfm = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/pfm");
    if !pfm.is_dir() {
        println!("skipped: the PFM data are absent ({})", pfm.display());
        return;
    }
    for (run, as_published, corrected) in [
        ("ei", "0.413", "0.967"),
        ("mu", "0.402", "0.978"),
        ("beacon", "0.435", "0.674"),
    ] {
        for (flag, coverage) in [(Some("--published"), as_published), (None, corrected)] {
            let order = format!("published_{run}.csv");
            let mut arguments = vec!["score", "--image", "image.npy", "--response"];
            arguments.extend([
                "scalarizer.npy",
                "--order",
                &order,
                "--retrain-every",
                "100",
            ]);
            arguments.extend(flag);
            let output = beacon(&arguments, &pfm);
            let said = text(&output.stdout);
            let row = said
                .lines()
                .find(|line| line.starts_with("target coverage"));
            assert!(row.unwrap().ends_with(coverage), "{said}");
            let theirs = said.contains("in the file: RMSE");
            assert_eq!(theirs, flag.is_some(), "{said}");
        }
    }
}

#[test]
fn latent_coverage_is_in_a_replay_when_asked_for_and_spoilt_caches_are_no_trouble() {
    let folder = data();
    let json = |more: &[&str], cache: &str| -> serde_json::Value {
        let output = Command::new(env!("CARGO_BIN_EXE_beacon"))
            .args(replay_with(&["--json"]))
            .args(more)
            .current_dir(folder.path())
            .env("BEACON_CACHE", cache)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(
            text(&output.stderr).contains("not kept"),
            cache == "notes.doc"
        );
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let plain = json(&[], "cache");
    assert_eq!(plain["latent_coverage"], serde_json::json!([]));
    assert_eq!(plain["patch_coverage"].as_array().unwrap().len(), 6);
    let latent = json(&["--latent-coverage"], "cache");
    assert_eq!(latent["latent_coverage"].as_array().unwrap().len(), 6);
    for entry in folder.path().join("cache").read_dir().unwrap() {
        std::fs::write(entry.unwrap().path(), b"spoilt").unwrap();
    }
    for cache in ["cache", "notes.doc"] {
        let again = json(&["--latent-coverage"], cache);
        assert_eq!(again["latent_coverage"], latent["latent_coverage"]);
        assert_eq!(again["patch_coverage"], latent["patch_coverage"]);
    }
}

#[test]
fn spaces_are_the_same_for_any_number_of_threads() {
    let folder = orders();
    let covered = |threads: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_beacon"))
            .args(score_with(&["--json"]))
            .current_dir(folder.path())
            .env("BEACON_CACHE", format!("cache-{threads}"))
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let cache = folder.path().join(format!("cache-{threads}"));
        let mut files: Vec<_> = cache
            .read_dir()
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                (
                    path.file_name().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    let one = covered("1");
    assert_eq!(one.len(), 2);
    assert!(
        one == covered("3"),
        "labels, latents and decoder, bit by bit"
    );
}

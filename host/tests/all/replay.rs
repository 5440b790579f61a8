//! `beacon replay`: what it prints, writes and refuses.

mod several;

use std::path::Path;

use beacon_host::data::npy::Npy;
use tempfile::TempDir;

use crate::common::{
    Mistake, assert_figures, assert_says, assert_succeeded, beacon, beacon_ok, changed, json,
    mistakes_are_refused, names, program, read, refused, text, wave, write_npy,
};

/// Images and responses of 20 × 24 pixels, good and bad.
fn data() -> TempDir {
    let folder = crate::common::data(20);
    let wave = wave(24);
    let at = |name: &str| folder.path().join(name);
    let with = |value: f64| (0..480).map(move |i| if i == 250 { value } else { wave(i) });
    write_npy(&at("holed.npy"), &[20, 24], with(f64::NAN));
    write_npy(&at("vast.npy"), &[20, 24], with(1e39));
    write_npy(&at("small.npy"), &[20, 20], (0..400).map(wave));
    write_npy(&at("spectra.npy"), &[20, 24, 3], (0..1440).map(wave));
    std::fs::write(at("broken.npy"), "not an array").unwrap();
    std::fs::write(at("seeds.txt"), "3 5 8\n").unwrap();
    std::fs::write(at("pixels.txt"), "6,9\n6,11\n").unwrap();
    std::fs::write(at("seeds.csv"), "row,column\n6,9\n6,11\n6,14\n").unwrap();
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

#[test]
fn json_is_all_that_standard_output_holds_and_has_every_field() {
    let folder = data();
    let seeded = changed(&REPLAY, &["--json", "--seed", "7"]);
    let output = beacon_ok(&seeded, folder.path());
    assert_eq!(text(&output.stderr), "");
    let summary = json(&output.stdout);
    assert_eq!(summary["strategy"], "beacon-structure");
    assert_eq!(summary["seed"], 7);
    assert_eq!(summary["seeds"].as_array().unwrap().len(), 10);
    assert_eq!(summary["order"].as_array().unwrap().len(), 6);
    let figures = [
        "target_coverage",
        "mae",
        "rmse",
        "nlpd",
        "surrogate_mean",
        "surrogate_sigma",
        "seconds",
    ];
    assert_figures(&summary, 6, &figures);
    assert!(
        !folder.path().join("runs").exists(),
        "--json alone writes nothing"
    );
}

#[test]
fn a_run_folder_holds_configuration_tables_maps_summary_and_pictures() {
    let folder = data();
    // Candidates 153, 155 and 158 of 20 x 24.
    let seeds = ["--seeds-from", "seeds.csv", "--out", "results/here"];
    let output = beacon_ok(&changed(&REPLAY, &seeds), folder.path());
    assert_says(&text(&output.stdout), &["results in results/here"]);
    let run = folder.path().join("results/here");
    assert_eq!(
        names(&run),
        [
            "acquisitions.csv",
            "config.toml",
            "coverage.pdf",
            "coverage.png",
            "coverage.svg",
            "coverages.pdf",
            "coverages.png",
            "coverages.svg",
            "learning.pdf",
            "learning.png",
            "learning.svg",
            "map.pdf",
            "map.png",
            "map.svg",
            "map_mean.npy",
            "map_sigma.npy",
            "overview.pdf",
            "overview.png",
            "overview.svg",
            "report.html",
            "summary.json",
            "surrogate.pdf",
            "surrogate.png",
            "surrogate.svg",
            "surrogate_mean.npy",
            "surrogate_sigma.npy",
            "target.pdf",
            "target.png",
            "target.svg",
            "times.pdf",
            "times.png",
            "times.svg",
            "trajectory.pdf",
            "trajectory.png",
            "trajectory.svg"
        ]
    );
    let table = read(&run.join("acquisitions.csv"));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines[0], "step,row,column,value,score,mean,std");
    assert_eq!(lines.len(), 1 + 3 + 6);
    // Candidate 153 of 20 x 24 is pixel (6, 9).
    assert!(lines[1].starts_with("0,6,9,"), "{}", lines[1]);
    assert!(
        lines[1].ends_with(",,,"),
        "a seed has no prediction: {}",
        lines[1]
    );
    assert!(lines[4].starts_with("1,") && !lines[4].ends_with(','));
    let config: toml::Table = toml::from_str(&read(&run.join("config.toml"))).unwrap();
    assert_eq!(config["image"].as_str(), Some("image.npy"));
    assert_eq!(config["campaign"]["window"].as_integer(), Some(12));
    let summary = json(read(&run.join("summary.json")).as_bytes());
    assert_eq!(summary["seeds"], serde_json::json!([153, 155, 158]));
    for map in ["surrogate_mean.npy", "map_mean.npy", "map_sigma.npy"] {
        let map = std::fs::read(run.join(map)).unwrap();
        assert_eq!(Npy::new(&map[..]).unwrap().shape(), [20, 24]);
    }
    let maps = summary["maps"].as_array().unwrap();
    let points: Vec<_> = maps.iter().map(|map| map["points"].as_u64()).collect();
    assert_eq!(points, [Some(3), Some(9)]);
    for figure in [
        "left_out_mae",
        "left_out_nlpd",
        "left_out_within",
        "mae",
        "rmse",
        "nlpd",
        "within",
    ] {
        assert!(maps[1][figure].is_f64(), "{figure}");
    }
}

#[test]
fn runs_without_a_folder_of_their_own_never_replace_one_another() {
    let folder = data();
    for n in 1..=2 {
        let output = beacon_ok(&REPLAY, folder.path());
        assert_says(&text(&output.stdout), &[&format!("runs/replay-{n}")]);
    }
}

#[test]
fn results_of_another_kind_are_refused_and_left_as_they_are() {
    let folder = data();
    let kept = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
    let replay = changed(&REPLAY, &["--out", "campaign"]);
    let compare = |out| {
        let compare = [&["compare"], &REPLAY[1..]].concat();
        let small = ["--strategies", "random,ei", "--seeds", "1", "--out", out];
        changed(&compare, &small)
    };
    beacon_ok(&replay, folder.path());
    beacon_ok(&compare("study"), folder.path());

    let (summary, report) = (kept("campaign/summary.json"), kept("study/report.html"));
    let study = ["`study`", "study.toml", "new or empty"];
    for arguments in [
        changed(&REPLAY, &["--out", "study"]),
        vec!["--steps", "3", "--out", "study"],
    ] {
        refused(&beacon(&arguments, folder.path()), &study);
    }
    let campaign = ["`campaign`", "summary.json", "the same study"];
    refused(&beacon(&compare("campaign"), folder.path()), &campaign);
    assert_eq!(kept("campaign/summary.json"), summary);
    assert_eq!(kept("study/report.html"), report);
    assert!(!folder.path().join("study/summary.json").exists());
    assert!(!folder.path().join("campaign/study.toml").exists());

    // A campaign on an instrument may be running in its folder.
    let microscope = ["run", "--microscope", "specimen", "--budget", "12"];
    let run = |out| [&microscope[..], &["--out", out]].concat();
    refused(&beacon(&run("study"), folder.path()), &study);
    beacon_ok(&run("live"), folder.path());
    let files = || -> Vec<_> {
        // The views of the past have a folder of their own.
        let of = |place: &str| {
            let names = names(&folder.path().join(place)).into_iter();
            let files = names.map(|name| format!("{place}/{name}"));
            let files = files.filter(|file| folder.path().join(file).is_file());
            files.collect::<Vec<_>>()
        };
        let files = ["live", "live/views"].into_iter().flat_map(of);
        files.map(|file| (kept(&file), file)).collect()
    };
    let before = files();
    for arguments in [
        changed(&REPLAY, &["--out", "live"]),
        vec!["--steps", "3", "--out", "live"],
        compare("live"),
    ] {
        let said = ["`live`", "`beacon run`", "journal", "new or empty"];
        refused(&beacon(&arguments, folder.path()), &said);
    }
    assert!(before == files());
    // What another program puts there is replaced.
    std::fs::write(folder.path().join("live/acquisitions.csv"), "other").unwrap();
    beacon_ok(&["resume", "live"], folder.path());
    assert!(kept("live/acquisitions.csv").starts_with(b"step,row,column"));

    // One of the same kind is replaced, or gone on with.
    beacon_ok(&replay, folder.path());
    beacon_ok(&compare("study"), folder.path());
}

#[test]
fn a_constant_image_is_warned_of_once() {
    let folder = data();
    for (image, warnings) in [("flat.npy", 1), ("image.npy", 0)] {
        let replay = changed(&REPLAY, &["--image", image, "--steps", "3", "--json"]);
        let said = text(&beacon_ok(&replay, folder.path()).stdout);
        let found = said.matches("the image is constant").count();
        assert_eq!(found, warnings, "{said}");
    }
}

#[test]
fn spectra_are_reduced_by_a_scalarizer() {
    let folder = data();
    let spectra = ["--response", "spectra.npy", "--scalarizer", "sum"];
    let latent = ["--steps", "3", "--latent-coverage", "--out", "results"];
    let spectra = [spectra.as_slice(), &latent].concat();
    beacon_ok(&changed(&REPLAY, &spectra), folder.path());
    let figure = |name: &str| folder.path().join("results").join(name);
    let drawn = read(&figure("spectra.svg"));
    assert_says(&drawn, &["seed 1: row ", "step 3: row "]);
    assert_says(&read(&figure("latent.svg")), &["decoded patches"]);
    assert_says(&read(&figure("report.html")), &["latent coverage"]);
    // Of a map there is no spectrum, and without latent space no plane: nothing stale stays.
    beacon_ok(&changed(&REPLAY, &["--out", "results"]), folder.path());
    for stale in ["spectra.svg", "spectra.png", "latent.svg", "latent.png"] {
        assert!(!figure(stale).exists(), "{stale}");
    }
}

#[test]
fn mistakes_are_named_in_one_line_and_nothing_is_written() {
    let mistakes: [Mistake<'_>; 24] = [
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
        (
            &["--edges", "inside", "--window", "21"],
            &["window is 21", "4 to 20", "20 x 24"],
        ),
        (&["--window", "65"], &["window is 65", "4 to 64"]),
        (&["--window", "3"], &["window is 3", "4 to 64"]),
        (&["--steps", "471"], &["471", "at most 470"]),
        (&["--steps", "some"], &["'some'", "--steps"]),
        (
            &["--strategy", "best"],
            &["'best'", "beacon-elite", "random"],
        ),
        (&["--seeds-from", "far.txt"], &["seed 600", "480"]),
        (
            &["--seeds-from", "pixels.txt"],
            &["a first line `row,column`"],
        ),
        (&["--steps", "1e3"], &["--steps", "a whole number from 0"]),
        (&["--budget", "30"], &["has no --budget", "--steps"]),
        (&["--out", "notes.doc"], &["`notes.doc`", "folder"]),
        (&["--k", "0"], &["k is 0", "1 or more"]),
        (&["--initial", "500"], &["initial is 500", "480"]),
        (
            &["--response", "vast.npy"],
            &["row 10, column 10", "1e39", "5e29"],
        ),
    ];
    let valid = changed(&REPLAY, &["--out", "results"]);
    mistakes_are_refused(&valid, &mistakes, data().path());
}

#[test]
fn a_pixel_without_a_response_is_no_candidate() {
    let folder = data();
    let holed = changed(&REPLAY, &["--response", "holed.npy", "--json"]);
    let summary = json(&beacon_ok(&holed, folder.path()).stdout);
    let warnings = summary["warnings"].to_string();
    assert_says(&warnings, &["1 pixel is masked or without data"]);
    let mut maes = summary["mae"].as_array().unwrap().iter();
    assert!(maes.all(|mae| mae.as_f64() > Some(0.0)));
}

#[test]
fn a_pixel_without_data_in_the_image_is_no_candidate() {
    let folder = data();
    // All others are measured: 20 rows of 24.
    let holed = ["--image", "holed.npy", "--steps", "469"];
    let random = ["--strategy", "random", "--retrain-every", "50", "--json"];
    let holed = changed(&REPLAY, &[&holed[..], &random].concat());
    let summary = json(&beacon_ok(&holed, folder.path()).stdout);
    let warnings = summary["warnings"].to_string();
    assert_says(&warnings, &["1 pixel is masked or without data"]);
    let measured = |key: &str| summary[key].as_array().unwrap().clone();
    let points = [measured("seeds"), measured("order")].concat();
    assert_eq!(points.len(), 479);
    assert!(!points.contains(&serde_json::json!(10 * 24 + 10)));
}

#[test]
fn with_reflection_every_pixel_is_a_candidate_from_the_replay_to_its_score_and_figures() {
    let folder = data();
    let reflect = ["--edges", "reflect", "--strategy", "farthest"];
    let more = [&reflect[..], &["--out", "results", "--latent-coverage"]].concat();
    beacon_ok(&changed(&REPLAY, &more), folder.path());
    let results = |name: &str| read(&folder.path().join("results").join(name));
    let summary = json(results("summary.json").as_bytes());
    assert_eq!(summary["edges"], "reflect");
    assert_eq!(summary["candidates"], 480);
    assert_says(&results("config.toml"), &["edges = \"reflect\""]);
    assert_says(&results("report.html"), &["of 480 candidates"]);

    // The order in pixels and in candidate numbers is one and the same with these edges.
    let score = |edges: &str| {
        let order = ["--order", "results/acquisitions.csv", "--edges", edges];
        let score = [&["score"], &REPLAY[1..7], &order, &["--json"]].concat();
        beacon(&score, folder.path())
    };
    let scored = score("reflect");
    assert_succeeded(&scored);
    let scored = json(&scored.stdout);
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
    refused(
        &score("inside"),
        &["no window of 12 pixels fits around row"],
    );
}

#[test]
fn real_eds_data_replay_from_hyperspy_files() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/eds");
    if !data.is_dir() {
        println!("skipped: the EDS data are absent ({})", data.display());
        return;
    }
    let mut arguments = vec!["replay", "--image", "haadf_eds_64_image.hspy"];
    arguments.extend(["--response", "haadf_eds_64_spectra.hspy"]);
    arguments.extend(["--scalarizer", "line:Ti-Ka", "--steps", "12", "--json"]);
    beacon_ok(&arguments, &data);
}

#[test]
fn latent_coverage_is_in_a_replay_when_asked_for_and_spoilt_caches_are_no_trouble() {
    let folder = data();
    let replay = |more: &[&str], cache: &str| -> serde_json::Value {
        let output = program(&changed(&REPLAY, more))
            .current_dir(folder.path())
            .env("BEACON_CACHE", cache)
            .output();
        let output = output.unwrap();
        assert_succeeded(&output);
        let not_kept = text(&output.stderr).contains("not kept");
        assert_eq!(not_kept, cache == "notes.doc");
        json(&output.stdout)
    };
    let plain = replay(&["--json"], "cache");
    assert_eq!(plain["latent_coverage"], serde_json::json!([]));
    assert_eq!(plain["patch_coverage"].as_array().unwrap().len(), 6);
    let latent = replay(&["--latent-coverage", "--json"], "cache");
    assert_eq!(latent["latent_coverage"].as_array().unwrap().len(), 6);
    for entry in folder.path().join("cache").read_dir().unwrap() {
        std::fs::write(entry.unwrap().path(), b"spoilt").unwrap();
    }
    for cache in ["cache", "notes.doc"] {
        let again = replay(&["--latent-coverage", "--json"], cache);
        assert_eq!(again["latent_coverage"], latent["latent_coverage"]);
        assert_eq!(again["patch_coverage"], latent["patch_coverage"]);
    }
}

/// The pixels and numbers of a table, without the first line.
fn rows(run: &Path) -> Vec<String> {
    let table = read(&run.join("acquisitions.csv"));
    table.lines().skip(1).map(str::to_owned).collect()
}

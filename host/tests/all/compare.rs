//! `beacon compare` as a user and a batch scheduler meet it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::common::{beacon, text, write_npy};

/// A folder with an image of 24 × 24 pixels and a response that follows its structure.
fn data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let wave = |i: u32| {
        let (y, x) = (f64::from(i / 24), f64::from(i % 24));
        (0.7 * y).sin() + (0.4 * x).cos() + 0.3 * (x * y * 0.05).sin()
    };
    let at = |name: &str| folder.path().join(name);
    write_npy(&at("image.npy"), &[24, 24], (0..576).map(wave));
    write_npy(
        &at("response.npy"),
        &[24, 24],
        (0..576).map(|i| wave(i).powi(2)),
    );
    write_npy(&at("flat.npy"), &[24, 24], (0..576).map(|_| 3.0));
    std::fs::write(at("notes.doc"), "not a folder").unwrap();
    std::fs::write(at("far.txt"), "3 500\n").unwrap();
    folder
}

/// Two strategies and `random`, two seeds: six cells.
const COMPARE: [&str; 15] = [
    "compare",
    "--image",
    "image.npy",
    "--response",
    "response.npy",
    "--window",
    "12",
    "--steps",
    "5",
    "--seeds",
    "2",
    "--strategies",
    "beacon,mu,random",
    "--at",
    "3",
];

/// The arguments with some added or replaced.
fn changed<'a>(change: &[&'a str]) -> Vec<&'a str> {
    let valid = COMPARE[1..].chunks(2);
    let valid = valid.filter(|pair| !change.contains(&pair[0])).flatten();
    let arguments = ["compare"].into_iter().chain(valid.copied());
    arguments.chain(change.iter().copied()).collect()
}

fn compare(change: &[&str], folder: &Path) -> Output {
    let output = beacon(&changed(change), folder);
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

/// A comparison but for the time it took.
fn timeless(json: &[u8]) -> Value {
    let mut comparison: Value = serde_json::from_slice(json).expect("JSON and nothing else");
    for (_, strategy) in comparison["strategies"].as_object_mut().unwrap() {
        assert!(strategy["seconds"].as_f64().unwrap() > 0.0);
        strategy["seconds"] = Value::Null;
    }
    comparison
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn a_comparison_holds_means_spreads_and_paired_tests() {
    let folder = data();
    let output = compare(&["--json", "--out", "study"], folder.path());
    assert_eq!(text(&output.stderr), "");
    let comparison = timeless(&output.stdout);
    assert_eq!(comparison["seeds"], serde_json::json!([1, 2]));
    assert_eq!(comparison["at"], serde_json::json!([3, 5]));
    let strategies = &comparison["strategies"];
    assert_eq!(strategies.as_object().unwrap().len(), 3);
    let number = |value: &Value| value.as_f64().unwrap();
    let by_seed = |strategy: &str| {
        let values = strategies[strategy]["auc_target_by_seed"].as_array();
        let values: Vec<f64> = values.unwrap().iter().map(number).collect();
        <[f64; 2]>::try_from(values).unwrap()
    };
    // Oracle: mean, standard deviation and difference of two numbers, and the area as the mean
    // of the curve in series.csv.
    let [a, b] = by_seed("beacon");
    let beacon = &strategies["beacon"];
    assert!((number(&beacon["auc_target"]) - f64::midpoint(a, b)).abs() < 1e-15);
    assert!((number(&beacon["auc_target_sd"]) - (a - b).abs() / 2_f64.sqrt()).abs() < 1e-15);
    let [c, d] = by_seed("random");
    let difference = number(&beacon["against_random"]["auc_target"]["difference"]);
    assert!((difference - f64::midpoint(a - c, b - d)).abs() < 1e-15);
    let series = read(&folder.path().join("study/series.csv"));
    let coverage = series.lines().filter(|line| line.starts_with("beacon,1,"));
    let coverage: Vec<f64> = coverage
        .map(|line| line.split(',').nth(5).unwrap().parse().unwrap())
        .collect();
    assert_eq!(coverage.len(), 5);
    assert!((coverage.iter().sum::<f64>() / 5.0 - a).abs() < 1e-15);
    for metric in [
        "target_coverage",
        "mae",
        "rmse",
        "nlpd",
        "surrogate_mean",
        "surrogate_sigma",
    ] {
        for step in ["3", "5"] {
            let figure = &strategies["mu"]["at"][step][metric];
            assert_eq!(figure["n"], 2, "{metric} at {step}");
            for against in ["against_random", "against_first"] {
                assert!(figure[against]["difference"].is_f64(), "{metric}: {figure}");
            }
        }
    }
    let none = serde_json::json!({});
    assert_eq!(strategies["random"]["against_random"], none);
    assert_eq!(strategies["beacon"]["against_first"], none);
}

#[test]
fn tables_fit_a_terminal_and_open_in_other_programs() {
    let folder = data();
    let output = compare(&["--out", "study"], folder.path());
    let said = text(&output.stdout);
    for word in [
        "auc_target",
        "p, random",
        "p, beacon",
        "step 3",
        "not corrected",
    ] {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    let widest = said.lines().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 100, "{said}");
    assert_eq!(
        text(&output.stderr).lines().count(),
        6,
        "a line for each campaign"
    );
    let study = folder.path().join("study");
    let table = read(&study.join("table.csv"));
    let head = "strategy,metric,step,n,mean,sd,difference_random,p_random,wilcoxon_p_random,\
                difference_first,p_first,wilcoxon_p_first";
    assert_eq!(table.lines().next(), Some(head));
    assert!(table.contains("\nmu,target_coverage,5,2,"));
    assert!(!table.contains("NaN"));
    let series = read(&study.join("series.csv"));
    assert!(
        series.starts_with("strategy,seed,step,candidate,response,target_coverage,patch_coverage,")
    );
    assert_eq!(series.lines().count(), 1 + 3 * 2 * 5);
}

/// A report without its pictures, whose base64 holds any word sooner or later.
fn without_pictures(report: &str) -> String {
    let mut parts = report.split("data:image/png;base64,");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('"').map_or("", |(_, rest)| rest)
    })
}

/// Everything that a comparison draws for three strategies with target, patch and latent
/// coverage.
const DRAWN: [&str; 10] = [
    "overview",
    "trajectory",
    "target",
    "trajectories",
    "trajectories_target",
    "learning",
    "coverage",
    "coverages",
    "times",
    "latent",
];

#[test]
fn a_comparison_is_drawn_and_reported_in_one_page() {
    let folder = data();
    compare(&["--out", "study"], folder.path());
    let study = folder.path().join("study");
    for name in DRAWN {
        let picture = std::fs::read(study.join(name).with_extension("png")).unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "{name}");
        let drawing = read(&study.join(name).with_extension("svg"));
        assert!(
            drawing.contains("</svg>") && !drawing.contains("NaN"),
            "{name}"
        );
        let all = ["trajectories", "learning", "coverage", "coverages", "times"];
        for strategy in ["beacon", "mu", "random"] {
            let named = drawing.contains(strategy);
            assert!(named || !all.contains(&name), "no {strategy} in {name}");
        }
    }
    let drawing = |name: &str| read(&study.join(name));
    assert!(drawing("coverages.svg").contains("latent coverage"));
    assert!(drawing("times.svg").contains("time per step (s)"));
    assert!(drawing("latent.svg").contains("decoded patches"));
    let report = drawing("report.html");
    for said in [
        "<h1>3 strategies on image.npy, response.npy</h1>",
        "chose 5 of 169 candidates for measuring response",
        "in 2 campaigns",
        "auc_patch, mean over steps 1 to 5",
        "minus random",
        "p, beacon",
        "step 3",
        "not corrected",
        "latent plane",
        "[campaign.training]",
    ] {
        assert!(report.contains(said), "no `{said}` in the report");
    }
    assert_eq!(report.matches("<figure>").count(), 7);
    let report = without_pictures(&report);
    for foreign in ["NaN", "<script", "http-equiv", "src=\"/", "href="] {
        assert!(!report.contains(foreign), "`{foreign}` in the report");
    }
}

#[test]
fn a_report_on_a_specimen_has_units_and_behaviours() {
    let folder = data();
    let arguments = "compare --specimen ferroelectric --strategies random,ei --seeds 1 --steps 3";
    let arguments: Vec<_> = arguments.split(' ').chain(["--out", "study"]).collect();
    let output = beacon(&arguments, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let study = folder.path().join("study");
    assert!(read(&study.join("overview.svg")).contains("loop-height (pm)"));
    assert!(read(&study.join("learning.svg")).contains("MAE (pm)"));
    let report = read(&study.join("report.html"));
    for said in ["mae, pm", "crossing of needles, rare", "(1 of 1)", "200"] {
        assert!(report.contains(said), "no `{said}` in the report");
    }
    assert!(!without_pictures(&report).contains("NaN"));
    assert!(!read(&study.join("comparison.json")).contains("NaN"));
}

#[test]
fn a_study_that_was_moved_away_from_its_data_gives_the_same_report() {
    let folder = data();
    compare(&["--out", "study"], folder.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    std::fs::create_dir_all(moved.join("cells")).unwrap();
    let study = folder.path().join("study");
    for part in ["", "cells"] {
        for entry in std::fs::read_dir(study.join(part)).unwrap() {
            let file = entry.unwrap();
            let name = file.file_name().into_string().unwrap();
            if ["toml", "npy", "json"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                std::fs::copy(file.path(), moved.join(part).join(name)).unwrap();
            }
        }
    }
    let collect = ["compare", "--collect", "moved", "--at", "3"];
    let output = beacon(&collect, elsewhere.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("report.html"));
    for name in DRAWN
        .map(|name| format!("{name}.svg"))
        .iter()
        .map(String::as_str)
        .chain(["report.html"])
    {
        assert!(
            read(&moved.join(name)) == read(&study.join(name)),
            "{name} differs"
        );
    }
    // Without its maps a study still has its tables, and says what is missing.
    std::fs::remove_file(moved.join("image.npy")).unwrap();
    let output = beacon(&collect, elsewhere.path());
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(
        said.contains("no report") && said.contains("image.npy"),
        "{said}"
    );
    assert!(!text(&output.stdout).contains("report.html"));
    // Maps of something else are not drawn.
    std::fs::copy(folder.path().join("response.npy"), moved.join("image.npy")).unwrap();
    let output = beacon(&collect, elsewhere.path());
    let said = text(&output.stderr);
    assert!(
        output.status.success() && said.contains("not those of study.toml"),
        "{said}"
    );
}

#[test]
fn every_strategy_starts_from_the_same_points_with_one_seed() {
    let folder = data();
    compare(&["--out", "study"], folder.path());
    let start = |cell: &str| {
        let file = folder.path().join("study/cells").join(cell);
        let cell: Value = serde_json::from_str(&read(&file)).unwrap();
        cell["campaign"]["seeds"].clone()
    };
    assert_eq!(start("beacon-1.json"), start("random-1.json"));
    assert_eq!(start("beacon-1.json"), start("mu-1.json"));
    assert_ne!(start("beacon-1.json"), start("beacon-2.json"));
}

#[test]
fn a_comparison_that_lost_cells_is_completed_and_does_not_depend_on_threads() {
    let folder = data();
    let whole = compare(&["--json", "--out", "study", "--jobs", "2"], folder.path());
    let cells = folder.path().join("study/cells");
    let kept = std::fs::metadata(cells.join("mu-2.json")).unwrap();
    let kept = kept.modified().unwrap();
    std::fs::remove_file(cells.join("beacon-1.json")).unwrap();
    let damaged = &read(&cells.join("random-2.json"))[..300];
    std::fs::write(cells.join("random-2.json"), damaged).unwrap();
    let again = compare(&["--json", "--out", "study", "--jobs", "1"], folder.path());
    assert_eq!(timeless(&again.stdout), timeless(&whole.stdout));
    let said = text(&again.stderr);
    assert!(
        said.contains("random-2.json") && said.contains("damaged and run again"),
        "{said}"
    );
    let untouched = std::fs::metadata(cells.join("mu-2.json")).unwrap();
    assert_eq!(
        untouched.modified().unwrap(),
        kept,
        "a finished cell ran again"
    );
    let written = std::fs::read(folder.path().join("study/comparison.json")).unwrap();
    assert_eq!(timeless(&written), timeless(&whole.stdout));
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_keeps_finished_cells_and_goes_on() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let folder = data();
    let change = ["--steps", "120", "--jobs", "1", "--json", "--out", "study"];
    let mut running = Command::new(env!("CARGO_BIN_EXE_beacon"))
        .env("BEACON_CACHE", env!("CARGO_TARGET_TMPDIR"))
        .args(changed(&change).iter().filter(|word| **word != "--json"))
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("1/6 campaigns: "), "{line}");
    let pid = running.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{rest}");
    assert!(
        rest.contains("of 6 campaigns are finished in study"),
        "{rest}"
    );
    assert!(rest.contains("the same command goes on"), "{rest}");
    let cells = || {
        std::fs::read_dir(folder.path().join("study/cells"))
            .unwrap()
            .count()
    };
    assert!((1..6).contains(&cells()), "{} cells", cells());
    let resumed = compare(&change, folder.path());
    assert_eq!(cells(), 6);
    let whole = ["--steps", "120", "--json", "--out", "whole"];
    let whole = compare(&whole, folder.path());
    assert_eq!(timeless(&resumed.stdout), timeless(&whole.stdout));
}

#[test]
fn cells_run_one_by_one_and_collected_are_the_comparison_run_at_once() {
    let folder = data();
    let whole = compare(&["--json", "--out", "study"], folder.path());
    for cell in ["4/6", "1/6", "6/6", "2/6", "3/6"] {
        let output = compare(&["--cell", cell, "--out", "spread"], folder.path());
        assert!(text(&output.stdout).starts_with(&format!("cell {cell}, ")));
    }
    let collect = ["compare", "--collect", "spread", "--json", "--at", "3"];
    let partial = beacon(&collect, folder.path());
    assert!(partial.status.success(), "{}", text(&partial.stderr));
    let comparison: Value = serde_json::from_slice(&partial.stdout).unwrap();
    let notes = comparison["notes"].to_string();
    assert!(
        notes.contains("1 of 6 cells are not finished: mu with seed 2"),
        "{notes}"
    );
    assert!(notes.contains("fewer than two seeds"), "{notes}");
    let mu = &comparison["strategies"]["mu"];
    assert_eq!(mu["auc_target_sd"], Value::Null);
    assert_eq!(mu["against_random"]["auc_target"]["p"], Value::Null);

    let last = compare(
        &["--cell", "5/6", "--out", "spread", "--json"],
        folder.path(),
    );
    let cell: Value = serde_json::from_slice(&last.stdout).unwrap();
    assert_eq!(cell["campaign"]["order"].as_array().unwrap().len(), 5);
    let collected = beacon(&collect, folder.path());
    assert_eq!(timeless(&collected.stdout), timeless(&whole.stdout));

    // A cell of a program that learnt another latent space.
    let file = folder.path().join("spread/cells/mu-1.json");
    let mut cell: Value = serde_json::from_str(&read(&file)).unwrap();
    assert!(cell["spaces"]["latent"].is_string());
    cell["spaces"]["latent"] = "another".into();
    std::fs::write(&file, cell.to_string()).unwrap();
    let mixed = beacon(&collect, folder.path());
    let mixed: Value = serde_json::from_slice(&mixed.stdout).unwrap();
    let notes = mixed["notes"].to_string();
    assert!(notes.contains("2 different latent spaces"), "{notes}");
    let random = &mixed["strategies"]["random"];
    assert!(random["auc_latent"].is_null() && random["auc_patch"].is_number());
}

/// Oracle: a comparison that was asked for all of it at once.
#[test]
fn a_study_is_extended_in_its_folder_and_runs_the_new_cells_alone() {
    let folder = data();
    compare(
        &["--strategies", "mu,random", "--out", "study"],
        folder.path(),
    );
    let place = folder.path().join("study");
    let cells = ["mu-1", "mu-2", "random-1", "random-2"];
    let kept = || {
        cells.map(|cell| {
            let file = place.join("cells").join(format!("{cell}.json"));
            std::fs::metadata(file).unwrap().modified().unwrap()
        })
    };
    let before = kept();
    let more = ["--seeds", "3", "--json", "--out"];
    let more = |place| more.into_iter().chain([place]).collect::<Vec<_>>();
    let extended = compare(&more("study"), folder.path());
    assert_eq!(kept(), before, "a finished cell ran again");
    assert_eq!(std::fs::read_dir(place.join("cells")).unwrap().count(), 9);
    let whole = compare(&more("whole"), folder.path());
    assert_eq!(timeless(&extended.stdout), timeless(&whole.stdout));
    let plan = read(&place.join("study.toml"));
    assert_eq!(plan, read(&folder.path().join("whole/study.toml")));
    // Less than what is there is another study, as other settings are.
    let less = beacon(&changed(&["--out", "study"]), folder.path());
    refused(&less, &["`study`", "seeds is 3 there and 2 here"]);
    assert_eq!(read(&place.join("study.toml")), plan);
}

#[test]
fn a_comparison_without_a_folder_of_its_own_finds_the_one_it_made() {
    let folder = data();
    for _ in 0..2 {
        let output = compare(&["--strategies", "mu,random"], folder.path());
        assert!(text(&output.stdout).contains("runs/compare-1"));
    }
    let output = compare(&["--strategies", "random,mu"], folder.path());
    assert!(text(&output.stdout).contains("runs/compare-2"));
}

#[test]
fn one_seed_is_compared_without_tests() {
    let folder = data();
    let output = compare(&["--seeds", "1", "--json", "--out", "study"], folder.path());
    let said = text(&output.stdout);
    assert!(
        said.contains("fewer than two seeds") && !said.contains("NaN"),
        "{said}"
    );
}

#[test]
fn steps_beyond_the_last_are_told_where_they_were_asked_for() {
    let folder = data();
    let arguments = [
        "--strategies",
        "ei, random",
        "--at",
        "2,40",
        "--out",
        "short",
    ];
    let output = beacon(&changed(&arguments), folder.path());
    let told = "note: no step 40 in campaigns of ";
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains(told),
        "{}",
        text(&output.stderr)
    );
    let collect = |more: &[&str]| {
        let arguments = ["compare", "--collect", "short"].iter().chain(more);
        let output = beacon(&arguments.copied().collect::<Vec<_>>(), folder.path());
        text(&output.stderr)
    };
    assert!(collect(&["--at", "40"]).contains(told));
    assert_eq!(collect(&[]), "");
}

#[test]
fn every_file_of_a_study_is_explained() {
    let folder = data();
    let said = text(&compare(&["--out", "study"], folder.path()).stdout);
    for entry in std::fs::read_dir(folder.path().join("study")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let told = name.strip_suffix(".svg").is_some() || said.contains(&format!("\n  {name} "));
        assert!(told, "{name} is not explained in: {said}");
    }
}

#[test]
fn strategies_are_compared_on_a_specimen() {
    let folder = data();
    let arguments = [
        "compare",
        "--specimen",
        "nanoparticles:2",
        "--strategies",
        "mu,random",
        "--seeds",
        "1",
        "--steps",
        "2",
        "--json",
    ];
    let output = beacon(&arguments, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let comparison = timeless(&output.stdout);
    assert_eq!(comparison["dataset"]["name"], "nanoparticles:2");
}

/// Every mistake: what is changed, and what the one line must say.
const MISTAKES: [(&[&str], &[&str]); 19] = [
    (
        &["--strategies", "best,mu,worst"],
        &["`best`, `worst`", "beacon-elite", "random"],
    ),
    (&["--strategies", "mu,ei,mu"], &["`mu`", "twice"]),
    (&["--seeds", "0"], &["seeds is 0", "1 to"]),
    (&["--seeds", "-1"], &["-1"]),
    (&["--steps", "0"], &["steps is 0", "1 or more"]),
    (&["--steps", "160"], &["160", "at most 159"]),
    (&["--response", "flat.npy"], &["3", "constant"]),
    (&["--window", "25"], &["window is 25", "4 to 24", "24 x 24"]),
    (&["--at", "0,3"], &["at is 0", "1 to 5"]),
    (&["--at", "soon"], &["'soon'", "--at"]),
    (&["--jobs", "0"], &["jobs is 0", "1 or more"]),
    (
        &["--cell", "7/6"],
        &["cell 7/6", "3 strategies x 2 seeds", "1/6 to 6/6"],
    ),
    (&["--cell", "0/6"], &["cell 0/6", "1/6 to 6/6"]),
    (&["--cell", "1/10"], &["cell 1/10", "= 6 cells"]),
    (&["--cell", "first"], &["`first`", "I/N"]),
    (
        &["--out", "notes.doc"],
        &["`notes.doc`", "cannot be written"],
    ),
    (&["--seeds-from", "far.txt"], &["seed 500", "169"]),
    (&["--k", "0"], &["k is 0", "1 or more"]),
    (
        &["--image", "absent.npy"],
        &["`absent.npy`", "no such file"],
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
        let mut arguments = changed(change);
        if !change.contains(&"--out") {
            arguments.extend(["--out", "results"]);
        }
        refused(&beacon(&arguments, folder.path()), said);
        assert_eq!(listing(), before, "{change:?} left something behind");
    }
}

fn refused(output: &Output, said: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{said:?}: {message}");
    assert_eq!(text(&output.stdout), "", "{said:?}");
    for word in said {
        assert!(message.contains(word), "no `{word}` in: {message}");
    }
}

#[test]
fn folders_of_something_else_are_refused_and_left_as_they_are() {
    let folder = data();
    compare(&["--strategies", "random", "--out", "study"], folder.path());
    let cell = folder.path().join("study/cells/random-1.json");
    let before = read(&cell);
    let other = ["--strategies", "random", "--k", "3", "--epochs", "2"];
    let other: Vec<_> = other.into_iter().chain(["--out", "study"]).collect();
    refused(
        &beacon(&changed(&other), folder.path()),
        &[
            "`study`",
            "campaign.k is 10 there and 3 here",
            "campaign.training.epochs is 1 there and 2 here",
        ],
    );
    assert_eq!(read(&cell), before);
    refused(
        &beacon(&["compare", "--specimen", "copper"], folder.path()),
        &["`copper`", "nanoparticles"],
    );

    refused(
        &beacon(&["compare", "--steps", "5"], folder.path()),
        &["--image", "--specimen", "--collect"],
    );
    for (argument, value) in [
        ("--image", "image.npy"),
        ("--specimen", "plasmonic"),
        ("--scalarizer", "sum"),
        ("--strategies", "random"),
        ("--seeds", "3"),
        ("--seeds-from", "far.txt"),
        ("--out", "study"),
        ("--cell", "1/2"),
        ("--jobs", "1"),
        ("--steps", "5"),
        ("--train-beside", ""),
        ("--epochs", "2"),
    ] {
        let words = ["compare", "--collect", "study", argument, value];
        let words = words.iter().copied().filter(|word| !word.is_empty());
        refused(
            &beacon(&words.collect::<Vec<_>>(), folder.path()),
            &["--collect <DIR>", argument],
        );
    }
    let collect = |place| beacon(&["compare", "--collect", place], folder.path());
    refused(&collect("."), &["`.`", "study.toml"]);
    refused(&collect("absent"), &["`absent`", "no study"]);
    std::fs::remove_dir_all(folder.path().join("study/cells")).unwrap();
    refused(&collect("study"), &["`study`", "none of its 2 cells"]);
    std::fs::write(folder.path().join("study/study.toml"), "seeds = 1").unwrap();
    refused(&collect("study"), &["study.toml", "cannot be read"]);
}

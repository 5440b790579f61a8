//! `beacon compare` as a user and a batch scheduler meet it.

mod folder;
mod others;
mod report;

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{
    Mistake, assert_says, beacon, beacon_ok, changed, json, mistakes_are_refused, read, text,
};

/// Data of 24 × 24 pixels.
fn data() -> TempDir {
    crate::common::data(24)
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

/// Runs [`COMPARE`] with some options added or replaced.
fn compare(change: &[&str], folder: &Path) -> Output {
    beacon_ok(&changed(&COMPARE, change), folder)
}

/// A comparison but for the time it took.
fn timeless(output: &[u8]) -> Value {
    let mut comparison = json(output);
    for (_, strategy) in comparison["strategies"].as_object_mut().unwrap() {
        assert!(strategy["seconds"].as_f64().unwrap() > 0.0);
        strategy["seconds"] = Value::Null;
    }
    comparison
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
fn one_seed_is_compared_without_tests() {
    let folder = data();
    let output = compare(&["--seeds", "1", "--json", "--out", "study"], folder.path());
    let said = text(&output.stdout);
    assert_says(&said, &["too few seeds"]);
    assert!(!said.contains("NaN"), "{said}");
}

#[test]
fn steps_beyond_the_last_are_told_where_they_were_asked_for() {
    let folder = data();
    let told = "note: no step 40 in campaigns of ";
    let change = ["--strategies", "ei, random", "--at", "2,40"];
    let output = compare(&[&change[..], &["--out", "short"]].concat(), folder.path());
    assert_says(&text(&output.stderr), &[told]);
    let collect = |more: &[&str]| {
        let collect = ["compare", "--collect", "short"];
        text(&beacon(&changed(&collect, more), folder.path()).stderr)
    };
    assert!(collect(&["--at", "40"]).contains(told));
    assert_eq!(collect(&[]), "");
}

/// One comparison after the other, in one test: what a comparison takes longest for is to learn the latent space of
/// a specimen's patches, which the first leaves to the others.
#[test]
fn strategies_are_compared_on_a_specimen_whose_comparison_is_documented_and_reported() {
    const SPECIMEN: &str = "ferroelectric:3";
    folder::every_field_of_a_comparison_is_documented(SPECIMEN);
    report::a_report_on_a_specimen_has_units_and_behaviours(SPECIMEN);
    strategies_are_compared_on_a_specimen(SPECIMEN);
}

fn strategies_are_compared_on_a_specimen(specimen: &str) {
    let folder = data();
    let arguments = ["compare", "--specimen", specimen];
    let small = ["--strategies", "mu,random", "--seeds", "1", "--steps", "2"];
    let arguments = [&arguments[..], &small, &["--json"]].concat();
    let output = beacon_ok(&arguments, folder.path());
    let comparison = timeless(&output.stdout);
    assert_eq!(comparison["dataset"]["name"], specimen);
}

#[test]
fn mistakes_are_named_in_one_line_and_nothing_is_written() {
    let mistakes: [Mistake<'_>; 22] = [
        (
            &["--strategies", "best,mu,worst"],
            &["`best`, `worst`", "beacon-elite", "random"],
        ),
        (&["--strategies", "mu,ei,mu"], &["`mu`", "twice"]),
        (&["--seeds", "0"], &["seeds is 0", "1 to"]),
        (&["--seeds", "-1"], &["-1"]),
        (&["--steps", "0"], &["steps is 0", "1 or more"]),
        (&["--steps", "567"], &["567", "at most 566"]),
        (&["--response", "flat.npy"], &["3", "constant"]),
        (
            &["--edges", "inside", "--window", "25"],
            &["window is 25", "4 to 24", "24 x 24"],
        ),
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
        (&["--shard", "7/7"], &["shard 7/7", "6 cells"]),
        (&["--shard", "0/3"], &["shard 0/3", "K from 1"]),
        (&["--slurm", "--tasks", "7"], &["tasks is 7", "1 to 6"]),
        (&["--out", "notes.doc"], &["`notes.doc`", "is a file"]),
        (&["--seeds-from", "far.txt"], &["seed 600", "576"]),
        (&["--k", "0"], &["k is 0", "1 or more"]),
        (
            &["--image", "absent.npy"],
            &["`absent.npy`", "no such file"],
        ),
    ];
    let valid = changed(&COMPARE, &["--out", "results"]);
    mistakes_are_refused(&valid, &mistakes, data().path());
}

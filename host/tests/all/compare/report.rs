//! What a comparison prints, draws and reports.

use super::{COMPARE, compare, data};
use crate::common::documented::{documented, stands};
use crate::common::{
    assert_every_file_is_explained, assert_says, beacon_ok, changed, json, names, read, text,
    write_npy,
};

#[test]
fn tables_fit_a_terminal_and_open_in_other_programs() {
    let folder = data();
    let output = compare(&["--out", "study"], folder.path());
    let said = text(&output.stdout);
    let compared = ["auc_target", "p, random", "p, beacon"];
    assert_says(&said, &compared);
    assert_says(&said, &["step 3", "too few seeds"]);
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
    assert_says(&drawing("coverages.svg"), &["latent coverage"]);
    assert_says(&drawing("times.svg"), &["time per step (s)"]);
    assert_says(&drawing("latent.svg"), &["decoded patches"]);
    let report = drawing("report.html");
    let said = [
        "<h1>3 strategies on image.npy, response.npy</h1>",
        "chose 5 of 576 candidates for measuring response",
        "in 2 campaigns",
        "auc_patch, mean over steps 1 to 5",
        "minus random",
        "p, beacon",
        "step 3",
        "too few seeds",
        "latent plane",
        "[campaign.training]",
    ];
    assert_says(&report, &said);
    assert_eq!(report.matches("<figure>").count(), 7);
    let report = without_pictures(&report);
    for foreign in ["NaN", "<script", "http-equiv", "src=\"/", "href="] {
        assert!(!report.contains(foreign), "`{foreign}` in the report");
    }
}

/// Oracle: the area as the mean of the curve in series.csv, as of every coverage.
#[test]
fn of_several_responses_every_one_is_in_tables_figures_and_report() {
    let folder = data();
    let other = (0..576).map(|n| f64::from(n * n % 97));
    write_npy(&folder.path().join("other.npy"), &[24, 24], other);
    let several = ["--response", "other.npy", "--strategies", "mu,random"];
    let arguments = [&changed(&COMPARE, &several[2..])[..], &several[..2]].concat();
    let arguments = [&arguments[..], &["--out", "study"]].concat();
    let said = text(&beacon_ok(&arguments, folder.path()).stdout);
    assert_says(&said, &["auc_response_cluster", "\nmae:other\n"]);

    let study = folder.path().join("study");
    let series = read(&study.join("series.csv"));
    let columns: Vec<&str> = series.lines().next().unwrap().split(',').collect();
    let documented = documented("series.csv");
    for name in &columns {
        assert!(stands(&documented, name), "the column {name}");
    }
    let at = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let curve = |name: &str| -> Vec<f64> {
        let rows = series.lines().filter(|row| row.starts_with("mu,1,"));
        rows.map(|row| row.split(',').nth(at(name)).unwrap().parse().unwrap())
            .collect()
    };
    for name in ["mae:other", "rmse:other", "nlpd:other"] {
        assert_eq!(curve(name).len(), 5, "{name}");
    }
    let coverage = curve("response_cluster_coverage");
    assert!(coverage.is_sorted() && coverage[0] > 0.0);
    let comparison = json(read(&study.join("comparison.json")).as_bytes());
    let mu = &comparison["strategies"]["mu"];
    let area = mu["auc_response_cluster_by_seed"][0].as_f64().unwrap();
    assert!((coverage.iter().sum::<f64>() / 5.0 - area).abs() < 1e-15);
    assert_eq!(mu["at"]["5"]["nlpd:other"]["n"], 2);
    let cell = json(read(&study.join("cells/mu-1.json")).as_bytes());
    assert!(cell["spaces"]["response"].is_string());

    let errors = read(&study.join("errors.svg"));
    assert_says(&errors, &["NLPD of other (nats)", "random"]);
    let report = read(&study.join("report.html"));
    assert_says(&report, &["response-cluster coverage", "mae:other"]);
}

pub(super) fn a_report_on_a_specimen_has_units_and_behaviours(specimen: &str) {
    let folder = data();
    let specimen = ["compare", "--specimen", specimen, "--out", "study"];
    let small = ["--strategies", "random,ei", "--seeds", "1", "--steps", "3"];
    beacon_ok(&[&specimen[..], &small].concat(), folder.path());
    let study = folder.path().join("study");
    assert_says(&read(&study.join("overview.svg")), &["loop-height (pm)"]);
    assert_says(&read(&study.join("learning.svg")), &["MAE (pm)"]);
    let report = read(&study.join("report.html"));
    let said = ["mae, pm", "crossing of needles, rare", "(1 of 1)", "200"];
    assert_says(&report, &said);
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
        let (from, to) = (study.join(part), moved.join(part));
        for name in names(&from) {
            let ends = ["toml", "npy", "json"];
            if ends.iter().any(|end| name.ends_with(end)) {
                std::fs::copy(from.join(&name), to.join(&name)).unwrap();
            }
        }
    }
    let collect = ["compare", "--collect", "moved", "--at", "3"];
    let output = beacon_ok(&collect, elsewhere.path());
    assert_says(&text(&output.stdout), &["report.html"]);
    let drawings = DRAWN.map(|name| format!("{name}.svg"));
    for name in drawings.into_iter().chain(["report.html".to_owned()]) {
        let same = read(&moved.join(&name)) == read(&study.join(&name));
        assert!(same, "{name} differs");
    }
    // Without its maps a study still has its tables, and says what is missing.
    std::fs::remove_file(moved.join("image.npy")).unwrap();
    let output = beacon_ok(&collect, elsewhere.path());
    assert_says(&text(&output.stderr), &["no report", "image.npy"]);
    assert!(!text(&output.stdout).contains("report.html"));
    // Maps of something else are not drawn.
    std::fs::copy(folder.path().join("response.npy"), moved.join("image.npy")).unwrap();
    let output = beacon_ok(&collect, elsewhere.path());
    assert_says(&text(&output.stderr), &["not those of study.toml"]);
}

#[test]
fn every_file_of_a_study_is_explained() {
    let folder = data();
    let said = text(&compare(&["--out", "study"], folder.path()).stdout);
    assert_every_file_is_explained(&folder.path().join("study"), &said);
}

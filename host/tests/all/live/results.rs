//! What a campaign leaves in its folder.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{folder, on_specimen, refused, run, summary};
use crate::common::write_npy;

#[test]
fn a_table_has_all_that_is_known_of_each_point_and_an_early_end_its_own_status() {
    let (_kept, path) = folder();
    let limited = [
        "--budget",
        "2000",
        "--dwell",
        "0.03",
        "--current",
        "60000",
        "--time-limit",
        "12s",
    ];
    let quick = ["--real-time", "--overview-dwell", "1", "--overhead", "0"];
    let output = on_specimen(&path, &[&limited[..], &quick].concat())
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(
        error.contains("ended early: the time limit was reached"),
        "{error}"
    );

    let text = fs::read_to_string(path.join("acquisitions.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let rows: Vec<_> = lines.collect();
    let column = |name: &str| {
        let at = names.iter().position(|found| *found == name);
        let at = at.unwrap_or_else(|| panic!("{name} is not among {names:?}"));
        rows.iter().map(move |row| row[at]).collect::<Vec<_>>()
    };
    let numbers = |name: &str| {
        let column = column(name).into_iter();
        column
            .map(|number| number.parse::<f64>().unwrap())
            .collect::<Vec<_>>()
    };
    let summary: Value =
        serde_json::from_slice(&fs::read(path.join("summary.json")).unwrap()).unwrap();
    assert_eq!(rows.len(), summary["positions"].as_array().unwrap().len());
    let authors = column("author");
    assert!(
        authors[..10].iter().all(|by| *by == "chance"),
        "{authors:?}"
    );
    assert!(
        authors[10..].iter().all(|by| *by == "strategy"),
        "{authors:?}"
    );
    assert!(numbers("seconds").is_sorted() && numbers("seconds")[0] > 0.0);
    assert!(numbers("dwell").iter().all(|dwell| *dwell == 0.03));
    let spent: f64 = numbers("electrons").iter().sum();
    assert!(spent > 0.0 && spent <= summary["dose_electrons"].as_f64().unwrap());
    assert_eq!(column("value"), column("value:line:Pd-La"));
    let target = summary["target"].as_str().unwrap();
    assert!(column("target").iter().all(|held| *held == target));
    // A pixel is as wide everywhere.
    let (x, columns) = (numbers("x"), numbers("column"));
    let steps: Vec<f64> = x
        .iter()
        .zip(&columns)
        .map(|(x, column)| x / (column + 0.5))
        .collect();
    assert!(
        steps.iter().all(|step| (step - steps[0]).abs() < 1e-9),
        "{steps:?}"
    );
    assert!(column("length_units").iter().all(|units| *units == "nm"));
}

#[test]
fn a_summary_has_what_a_replay_has_and_dose_and_positions() {
    let (_kept, path) = folder();
    let output = on_specimen(&path, &["--budget", "30"]).output().unwrap();
    let summary = summary(&output);
    assert_eq!(summary["order"].as_array().unwrap().len(), 20);
    assert_eq!(summary["positions"].as_array().unwrap().len(), 30);
    assert!(summary["dose_electrons"].as_f64().unwrap() > 1e9);
    assert_eq!(summary["ended"]["why"], "budget");
    for file in ["journal", "campaign.hspy", "report.html", "summary.json"] {
        assert!(path.join(file).is_file(), "{file}");
    }
    for gone in ["control", "reserve", "journal.new"] {
        assert!(!path.join(gone).exists(), "{gone}");
    }
}

#[test]
fn a_truth_that_cannot_judge_keeps_nobody_from_measuring() {
    let (_kept, path) = folder();
    let at = path.parent().unwrap();
    let [image, constant, nothing] =
        ["image", "constant", "nothing"].map(|name| at.join(format!("{name}.npy")));
    write_npy(&image, &[20, 20], (0..400).map(|n| f64::from(n * n % 97)));
    write_npy(&constant, &[20, 20], (0..400).map(|_| 5.0));
    write_npy(&nothing, &[20, 20], (0..400).map(|_| f64::NAN));
    let on = |response: &Path| format!("replay:{},{}", image.display(), response.display());
    let (constant, nothing) = (on(&constant), on(&nothing));
    let out = path.to_str().unwrap();
    let further = ["--initial", "3", "--budget", "6", "--json", "--out", out];
    let arguments = [&["run", "--microscope", &constant], &further[..]].concat();
    let measured = summary(&run(&arguments));
    assert_eq!(measured["positions"].as_array().unwrap().len(), 6);
    let warnings = measured["warnings"].to_string();
    assert!(
        warnings.contains("the target cannot be judged"),
        "{warnings}"
    );
    let again = summary(&run(&["resume", out, "--budget", "8", "--json"]));
    assert_eq!(again["positions"].as_array().unwrap().len(), 8);
    // Data of another size have come to its files.
    for file in ["image.npy", "constant.npy"] {
        write_npy(&at.join(file), &[16, 16], (0..256).map(f64::from));
    }
    let (error, status) = refused(&["resume", out, "--budget", "9"]);
    let said = "the overview is 16 x 16 pixels; expected 20 x 20";
    assert!(error.contains(said) && status == Some(2), "{error}");
    // Without any number there is nothing to measure.
    write_npy(&image, &[20, 20], (0..400).map(f64::from));
    let (_kept, path) = folder();
    let out = path.to_str().unwrap();
    let further = ["--initial", "3", "--budget", "6", "--out", out];
    let (error, status) = refused(&[&["run", "--microscope", &nothing], &further[..]].concat());
    let said = "the number of candidates with data is 0; expected";
    assert!(error.contains(said) && status == Some(2), "{error}");
}

//! `beacon instrument` on a built-in specimen; on a bridge, see the tests across all parts.

use crate::common::{beacon_ok, json, text};

#[test]
fn a_specimen_is_tried_out_call_by_call() {
    let folder = tempfile::tempdir().unwrap();
    let call = |words: &[&str]| {
        let arguments = [
            &["instrument"],
            words,
            &["--microscope", "specimen", "--json"],
        ]
        .concat();
        json(&beacon_ok(&arguments, folder.path()).stdout)
    };
    let checked = call(&["check"]);
    assert!(checked["instrument"].as_str().unwrap().contains("specimen"));
    assert!(checked["overview_seconds"].as_f64().unwrap() > 0.0);
    let seen = call(&["overview", "--out", "image.npy"]);
    let size = [seen["rows"].clone(), seen["columns"].clone()];
    assert_eq!(checked["frame"], serde_json::json!(size));
    let image = beacon_ok(&["look", "image.npy"], folder.path());
    assert!(text(&image.stdout).contains(&format!("{} x {}", size[0], size[1])));
    let acquired = call(&[
        "acquire",
        "0.5,0.5",
        "--dwell",
        "100ms",
        "--out",
        "point.csv",
    ]);
    let spectrum = acquired["spectrum"].as_array().unwrap();
    let table = std::fs::read_to_string(folder.path().join("point.csv")).unwrap();
    assert!(table.starts_with("Energy (keV),"), "{table}");
    let values: Vec<f64> = table
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    let expected: Vec<f64> = spectrum
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect();
    assert_eq!(values, expected);
    assert_eq!(acquired["live_time"], 0.1);
    assert_eq!(call(&["abort"])["blanked"], true);
}

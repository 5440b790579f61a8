//! What a file says of its beam and times, on the way through a campaign that replays it.

use std::fs;
use std::path::Path;

use beacon_host::data::files::{self, Conditions, Wanted};
use hdf5_pure::AttrValue::{F64, I8, String as Text};

use crate::common::{assert_says, beacon, beacon_ok, changed, json, read, text, wave};

const SIDE: usize = 24;

/// Spectra of 24 x 24 pixels and 4 channels as HyperSpy writes them, most of whose counts are at zero energy:
/// 200 keV, 0.5 nA, 20 ms a pixel, of which the detector counts for 15 ms.
fn spectra() -> Vec<u8> {
    let mut file = hdf5_pure::FileBuilder::new();
    let mut experiments = file.create_group("Experiments");
    let mut signal = experiments.create_group("EDS");
    let response = wave(SIDE as u32);
    let counts = (0..SIDE * SIDE).flat_map(|pixel| {
        let peak = 1000.0 + (100.0 * response(pixel as u32)).round();
        [0.0, peak, 3.0, 2.0].map(|count| count as i16)
    });
    signal
        .create_dataset("data")
        .with_i16_data(&counts.collect::<Vec<i16>>())
        .with_shape(&[SIDE as u64, SIDE as u64, 4]);
    for (place, name) in ["y", "x", "Energy"].into_iter().enumerate() {
        let is_energy = place == 2;
        let mut axis = signal.create_group(&format!("axis-{place}"));
        axis.set_attr("name", Text(name.to_owned()));
        axis.set_attr(
            "units",
            Text(if is_energy { "keV" } else { "nm" }.to_owned()),
        );
        axis.set_attr("navigate", I8(i8::from(!is_energy)));
        axis.set_attr("offset", F64(if is_energy { -0.1 } else { 0.0 }));
        axis.set_attr("scale", F64(0.1));
        signal.add_group(axis.finish());
    }
    let mut metadata = signal.create_group("metadata");
    let mut instrument = metadata.create_group("Acquisition_instrument");
    let mut column = instrument.create_group("TEM");
    column.set_attr("beam_energy", F64(200.0));
    column.set_attr("beam_current", F64(0.5));
    column.set_attr("dwell_time", F64(0.02));
    let mut detector = column.create_group("Detector");
    let mut eds = detector.create_group("EDS");
    eds.set_attr("live_time", F64(0.015));
    detector.add_group(eds.finish());
    column.add_group(detector.finish());
    instrument.add_group(column.finish());
    metadata.add_group(instrument.finish());
    signal.add_group(metadata.finish());
    experiments.add_group(signal.finish());
    file.add_group(experiments.finish());
    file.finish().unwrap()
}

const RUN: [&str; 11] = [
    "run",
    "--microscope",
    "replay:image.npy,spectra.hspy",
    "--scalarizer",
    "sum",
    "--window",
    "8",
    "--budget",
    "14",
    "--out",
    "run",
];

fn columns(folder: &Path, name: &str) -> Vec<String> {
    let table = read(&folder.join("acquisitions.csv"));
    let mut lines = table.lines();
    let place = lines
        .next()
        .unwrap()
        .split(',')
        .position(|column| column == name);
    let column = |line: &str| line.split(',').nth(place.unwrap()).unwrap().to_owned();
    lines.map(column).collect()
}

#[test]
fn beam_and_times_of_a_file_reach_dose_results_and_report() {
    let folder = crate::common::data(SIDE as u32);
    fs::write(folder.path().join("spectra.hspy"), spectra()).unwrap();
    let looked = beacon_ok(&["look", "spectra.hspy"], folder.path());
    let told = "beam of 200 keV, current 500 pA, dwell or exposure 0.02 s, live time 0.015 s";
    assert_says(&text(&looked.stdout), &["recorded with", told]);

    let arguments = changed(&RUN, &["--json"]);
    let summary = json(&beacon_ok(&arguments, folder.path()).stdout);
    // 500 pA for 20 ms at 14 points; an electron has 1.602176634e-19 C.
    let expected = 14.0 * 500e-12 * 0.02 / 1.602_176_634e-19;
    let dose = summary["dose_electrons"].as_f64().unwrap();
    assert!(
        (dose / expected - 1.0).abs() < 1e-9,
        "{dose}, not {expected}"
    );
    assert_says(summary["instrument"].as_str().unwrap(), &[told]);
    let run = folder.path().join("run");
    for (column, expected) in [
        ("dwell", 0.015),
        ("live_seconds", 0.015),
        ("real_seconds", 0.02),
    ] {
        let near = |value: &String| (value.parse::<f64>().unwrap() - expected).abs() < 1e-12;
        let found = columns(&run, column);
        assert!(
            found.len() == 14 && found.iter().all(near),
            "{column}: {found:?}"
        );
    }
    let kept = format!(
        "{}#Experiments/spectra",
        run.join("campaign.hspy").display()
    );
    let kept = *files::open(&kept, Wanted::Any).unwrap().conditions();
    let near = |found: Option<f64>, expected: f64| (found.unwrap() / expected - 1.0).abs() < 1e-9;
    let Conditions {
        beam_energy,
        beam_current,
        dwell,
        live_time,
    } = kept;
    assert!(
        near(beam_energy, 200.0) && near(beam_current, 500.0),
        "{kept:?}"
    );
    assert!(near(dwell, 0.02) && near(live_time, 0.015), "{kept:?}");
    assert_says(&read(&run.join("report.html")), &[told]);

    // What is asked for goes before what the file says; the proportion of both times stays.
    let asked = changed(
        &arguments,
        &["--dwell", "30ms", "--current", "1nA", "--out", "other"],
    );
    let summary = json(&beacon_ok(&asked, folder.path()).stdout);
    let dose = summary["dose_electrons"].as_f64().unwrap();
    assert!((dose / (4.0 * expected) - 1.0).abs() < 1e-9, "{dose}");
    // The dose is limited from the first point on.
    let limited = changed(&arguments, &["--dose-limit", "1e6", "--out", "limited"]);
    let output = beacon(&limited, folder.path());
    assert_says(&text(&output.stderr), &["no point could be measured"]);
    let replayed = [
        "replay",
        "--image",
        "image.npy",
        "--response",
        "spectra.hspy",
        "--scalarizer",
        "sum",
        "--window",
        "8",
        "--steps",
        "4",
        "--out",
        "replayed",
    ];
    beacon_ok(&replayed, folder.path());
    assert_says(&read(&folder.path().join("replayed/report.html")), &[told]);
}

#[test]
fn a_campaign_on_the_zero_peak_says_so_once() {
    let folder = crate::common::data(SIDE as u32);
    fs::write(folder.path().join("spectra.hspy"), spectra()).unwrap();
    let said = "of `sum` is the peak at zero energy";
    let output = beacon_ok(&RUN, folder.path());
    assert_eq!(text(&output.stderr).matches(said).count(), 1);
    let summary = json(&fs::read(folder.path().join("run/summary.json")).unwrap());
    let warnings = summary["warnings"].as_array().unwrap();
    let told = warnings
        .iter()
        .filter(|note| note.as_str().unwrap().contains(said));
    assert_eq!(told.count(), 1, "{warnings:?}");
    let beside = changed(
        &RUN,
        &["--scalarizer", "window:0.05..0.3", "--out", "beside"],
    );
    let output = beacon_ok(&beside, folder.path());
    assert!(!text(&output.stderr).contains("zero energy"));
}

#[test]
fn a_run_on_files_names_the_elements_of_all_its_targets() {
    let folder = crate::common::data(SIDE as u32);
    let head = format!(
        "key\tvalue\nwidth\t{SIDE}\nheight\t{SIDE}\ndepth\t32\noffset\t0\ndata-length\t1\n\
         data-type\tunsigned\nbyte-order\tdont-care\nrecord-by\tvector\nev-per-chan\t20\n"
    );
    fs::write(folder.path().join("spectra.rpl"), head).unwrap();
    let response = wave(SIDE as u32);
    let counts = (0..SIDE * SIDE * 32).map(|n| (n % 7) as f64 + 9.0 * response(n as u32 / 32));
    let counts: Vec<u8> = counts.map(|count| count as u8).collect();
    fs::write(folder.path().join("spectra.raw"), counts).unwrap();
    let mut arguments = RUN.map(str::to_owned).to_vec();
    arguments[2] = "replay:image.npy,spectra.rpl".to_owned();
    arguments.splice(
        3..5,
        ["--targets", "line:C-Ka@none,line:O-Ka@none"].map(str::to_owned),
    );
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    beacon_ok(&arguments, folder.path());
    let kept = fs::read(folder.path().join("run/campaign.hspy")).unwrap();
    let holds = |name: &str| kept.windows(name.len()).any(|part| part == name.as_bytes());
    assert!(holds("_list_2_elements") && holds("EDS_TEM"));
}

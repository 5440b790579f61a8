//! How the program reads files: `beacon look`, `--mask`, `--transpose`, and what it refuses before it
//! reads anything.

use std::fs;
use std::path::Path;

use beacon_host::data::npy;
use tempfile::TempDir;

use crate::common::{
    assert_says, beacon, beacon_ok, changed, read, refused, text, wave, write_npy,
};

/// A square image of 24 pixels a side with a response, a mask of its left half and noise.
fn data() -> TempDir {
    let folder = crate::common::data(24);
    let at = |name: &str| folder.path().join(name);
    let left = (0..576).map(|i| f64::from(u8::from(i % 24 < 12)));
    write_npy(&at("mask.npy"), &[24, 24], left);
    write_npy(&at("empty.npy"), &[24, 24], (0..576).map(|_| 0.0));
    write_npy(&at("small mask.npy"), &[4, 4], (0..16).map(|_| 1.0));
    let mut state = 1_u64;
    let noise = std::iter::from_fn(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Some((state >> 40) as f64)
    });
    write_npy(&at("noise.npy"), &[24, 24], noise.take(576));
    write_npy(&at("wide.npy"), &[12, 24], (0..288).map(wave(24)));
    write_npy(&at("high.npy"), &[24, 12], (0..288).map(wave(12)));
    write_npy(&at("line.npy"), &[24, 1, 5], (0..120).map(wave(24)));
    let holed = (0..576).map(|i| if i / 24 < 12 { wave(24)(i) } else { f64::NAN });
    write_npy(&at("interrupted.npy"), &[24, 24], holed);
    folder
}

const REPLAY: [&str; 9] = [
    "replay",
    "--image",
    "image.npy",
    "--response",
    "response.npy",
    "--window",
    "8",
    "--steps",
    "6",
];

/// Rows and columns of all points that were measured.
fn measured(folder: &Path) -> Vec<(usize, usize)> {
    let rows = fs::read_to_string(folder.join("acquisitions.csv")).unwrap();
    let number = |field: Option<&str>| field.unwrap().parse().unwrap();
    let rows = rows.lines().skip(1).map(|row| {
        let mut fields = row.split(',').skip(1);
        (number(fields.next()), number(fields.next()))
    });
    rows.collect()
}

#[test]
fn a_mask_keeps_the_campaign_to_its_pixels() {
    let folder = data();
    let arguments = changed(&REPLAY, &["--mask", "mask.npy", "--out", "masked"]);
    let output = beacon_ok(&arguments, folder.path());
    assert_says(&text(&output.stderr), &["mask: it marks 288 of 576 pixels"]);
    let points = measured(&folder.path().join("masked"));
    assert_eq!(points.len(), 16);
    assert!(points.iter().all(|&(_, column)| column < 12), "{points:?}");
    let refuse = |change: &[&str], said: &[&str]| {
        let output = beacon(&changed(&REPLAY, change), folder.path());
        assert_eq!(output.status.code(), Some(2));
        assert_says(&text(&output.stderr), said);
    };
    refuse(&["--mask", "empty.npy"], &["marks no pixel"]);
    // The mask is of the left half.
    fs::write(folder.path().join("seeds.csv"), "row,column\n3,4\n5,20\n").unwrap();
    refuse(
        &["--mask", "mask.npy", "--seeds-from", "seeds.csv"],
        &["1 of 2 seeds is no candidate: row 5, column 20", "the mask"],
    );
    // An instrument's overview has been paid for.
    let run = "run --microscope replay:image.npy,response.npy --mask mask.npy --seeds-from seeds.csv \
               --window 12 --budget 12 --out live";
    let output = beacon_ok(&run.split(' ').collect::<Vec<_>>(), folder.path());
    let lost = "1 of 2 seeds is not measured, excluded or without data: row 5, column 20";
    assert_says(&text(&output.stderr), &["warning: ", lost]);
    assert!(read(&folder.path().join("live/summary.json")).contains(lost));
    refuse(&["--mask", "small mask.npy"], &["24 x 24", "4 x 4"]);
}

#[test]
fn an_interrupted_scan_is_explored_where_it_has_data() {
    let folder = data();
    let arguments = changed(&REPLAY, &["--response", "interrupted.npy", "--out", "half"]);
    beacon_ok(&arguments, folder.path());
    let points = measured(&folder.path().join("half"));
    assert!(points.iter().all(|&(row, _)| row < 12), "{points:?}");
}

#[test]
fn rows_and_columns_are_exchanged_where_the_user_says_so() {
    let folder = data();
    let wide = changed(&REPLAY, &["--image", "wide.npy", "--response", "high.npy"]);
    refused(
        &beacon(&wide, folder.path()),
        &[
            "12 x 24 pixels",
            "24 x 12",
            "--transpose exchanges rows and columns",
        ],
    );
    let turned = [&wide[..], &["--out", "turned", "--transpose"]].concat();
    beacon_ok(&turned, folder.path());
    // The value at a row and a column is that of the file at the column and the row.
    let rows = fs::read_to_string(folder.path().join("turned/acquisitions.csv")).unwrap();
    for row in rows.lines().skip(1) {
        let fields: Vec<f64> = row
            .split(',')
            .skip(1)
            .take(3)
            .map(|field| field.parse().unwrap())
            .collect();
        let place = (fields[1] * 12.0 + fields[0]) as u32;
        assert_eq!(fields[2], wave(12)(place), "{row}");
    }
}

#[test]
fn what_cannot_fit_is_refused_before_it_is_read() {
    let folder = data();
    let mut bytes = Vec::new();
    npy::write(&mut bytes, &[24, 24], (0..576).map(f64::from)).unwrap();
    fs::write(folder.path().join("short.npy"), &bytes[..1000]).unwrap();
    for (response, said) in [
        ("short.npy", &["cut off after 1000 bytes"][..]),
        (
            "line.npy",
            &["24 x 24 pixels", "a line, or scattered points, of 24"],
        ),
    ] {
        let change = ["--response", response, "--scalarizer", "sum"];
        refused(&beacon(&changed(&REPLAY, &change), folder.path()), said);
    }
    let little = changed(&REPLAY, &["--most-memory", "1K"]);
    refused(
        &beacon(&little, folder.path()),
        &["24x24", "1K", "--most-memory"],
    );
    let none = changed(&REPLAY, &["--most-memory", "much"]);
    refused(&beacon(&none, folder.path()), &["`much`", "16G"]);
}

#[test]
fn look_tells_what_files_hold_and_whether_anything_can_be_learned() {
    let folder = data();
    let look = |files: &[&str]| {
        let arguments: Vec<&str> = ["look"].iter().chain(files).copied().collect();
        text(&beacon_ok(&arguments, folder.path()).stdout)
    };
    let told = look(&["image.npy"]);
    assert_says(
        &told,
        &["a map, rows x columns 24 x 24", "y: 24 from 0 to 23", "░"],
    );
    let told = look(&["image.npy", "response.npy"]);
    assert_says(
        &told,
        &[
            "candidates: 576 of 24 x 24",
            "reflection",
            "there is structure to learn",
        ],
    );
    let told = look(&["image.npy", "noise.npy"]);
    assert_says(&told, &["mostly noise; more dwell, or a wider window"]);
    let told = look(&["interrupted.npy"]);
    assert_says(&told, &["288 of 576 pixels without a number", "?"]);
    let told = look(&["image.npy", "small mask.npy"]);
    assert_says(
        &told,
        &["no campaign: the image has 24 x 24 pixels and the response 4 x 4"],
    );
    let output = beacon(&["look", "nowhere.npy", "image.npy"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert_says(&text(&output.stdout), &["a map"]);
    assert_says(&text(&output.stderr), &["`nowhere.npy`: no such file"]);
}

#[test]
fn a_replay_of_noise_says_so_at_its_end() {
    let folder = data();
    let said = |response: &str| {
        let arguments = changed(&REPLAY, &["--response", response]);
        text(&beacon_ok(&arguments, folder.path()).stdout)
    };
    assert_says(&said("noise.npy"), &["mostly noise; more dwell"]);
    assert!(!said("response.npy").contains("mostly noise"));
}

#[test]
fn names_of_files_command_no_terminal() {
    let folder = data();
    let output = beacon(&["look", "\u{1b}[2Jgone.npy"], folder.path());
    let told = text(&output.stderr);
    assert!(!told.contains('\u{1b}'), "{told:?}");
    assert_says(&told, &["gone.npy"]);
}

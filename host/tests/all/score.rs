//! `beacon score`: orders in which somebody measured.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::common::{
    Mistake, assert_figures, assert_says, assert_succeeded, beacon, beacon_ok, changed, data, json,
    mistakes_are_refused, names, program, refused, text, wave, write_npy,
};

const SCORE: [&str; 11] = [
    "score",
    "--image",
    "image.npy",
    "--response",
    "response.npy",
    "--window",
    "12",
    "--edges",
    "inside",
    "--order",
    "order.csv",
];

/// [`data`] with orders: of 9 x 13 candidates, right and wrong.
fn orders() -> TempDir {
    let folder = data(20);
    for (name, table) in [
        ("order.csv", "step,patch_index\n1,3\n2,116\n3,40\n4,0\n"),
        ("twice.csv", "patch_index\n3\n40\n3\n"),
        ("far.csv", "patch_index\n3\n117\n"),
        ("empty.csv", "patch_index\n"),
        ("blank.csv", "\n"),
        ("column.csv", "step,patch\n1,3\n"),
        ("word.csv", "patch_index\n3\nforty\n"),
        ("own.csv", "step,row,column\n0,6,6\n1,7,7\n"),
        ("seeds.txt", "3 5 8\n"),
    ] {
        fs::write(folder.path().join(name), table).unwrap();
    }
    folder
}

#[test]
fn components_need_points_before_the_order_which_the_options_of_a_score_give() {
    let folder = orders();
    let spectra = (0..20 * 24 * 3).map(wave(24));
    write_npy(&folder.path().join("spectra.npy"), &[20, 24, 3], spectra);
    let refused = |change: &[&str]| {
        let components = ["--response", "spectra.npy", "--target", "spectrum:2"];
        let change = [&components[..], change].concat();
        let output = beacon(&changed(&SCORE, &change), folder.path());
        refused(
            &output,
            &[
                "expected at least the 2 spectra that `spectrum:2` is learnt from",
                "--seeds-from or as rows of",
                "with step 0",
            ],
        );
        let told = text(&output.stderr);
        assert!(!told.contains("initial"), "{told}");
        told
    };
    assert!(refused(&[]).contains("0 points before the order"));
    let own = refused(&["--order", "own.csv"]);
    assert!(own.contains("1 points before"), "{own}");
}

#[test]
fn a_score_has_every_figure_of_a_replay_and_the_coverage_of_all_spaces() {
    let folder = orders();
    let seeded = changed(&SCORE, &["--json", "--seeds-from", "seeds.txt"]);
    // Candidate 3 of the order is a seed as well.
    let refusal = beacon(&seeded, folder.path());
    refused(&refusal, &["line 2: candidate 3"]);

    let output = beacon_ok(&changed(&SCORE, &["--json"]), folder.path());
    assert_eq!(text(&output.stderr), "");
    let score = json(&output.stdout);
    assert_eq!(score["order"], serde_json::json!([3, 116, 40, 0]));
    let figures = [
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
    ];
    assert_figures(&score, 4, &figures);
    let output = beacon_ok(&changed(&SCORE, &["--steps", "2"]), folder.path());
    let said = text(&output.stdout);
    let counts = "2 steps after 0 seeds among 117 candidates";
    assert_says(&said, &[counts, "latent coverage", "no seeds: give those"]);
}

#[test]
fn mistakes_in_an_order_are_named_in_one_line() {
    let mistakes: [Mistake<'_>; 15] = [
        (
            &["--order", "twice.csv"],
            &["line 4", "candidate 3", "line 2"],
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
            &["`absent.csv`", "no such file"],
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
        (
            &["--published", "--edges", "reflect"],
            &["--edges is reflect", "--published", "inside"],
        ),
    ];
    mistakes_are_refused(&SCORE, &mistakes, orders().path());
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
            arguments.extend(["scalarizer.npy", "--order", &order]);
            arguments.extend(["--retrain-every", "100"]);
            // The published arithmetic implies the edges of its candidates.
            arguments.extend(flag.map_or(&["--edges", "inside"][..], |_| &["--published"]));
            let said = text(&beacon(&arguments, &pfm).stdout);
            let mut lines = said.lines();
            let row = lines.find(|line| line.starts_with("target coverage"));
            assert!(row.unwrap().ends_with(coverage), "{said}");
            let theirs = said.contains("in the file: RMSE");
            assert_eq!(theirs, flag.is_some(), "{said}");
        }
    }
}

#[test]
fn numbers_that_may_be_those_of_other_edges_are_warned_of_and_no_others_are() {
    let folder = orders();
    // 117 windows of 12 pixels lie inside the image, which has 480 pixels.
    fs::write(folder.path().join("beyond.csv"), "patch_index\n117\n").unwrap();
    let base = [&SCORE[..7], &SCORE[9..]].concat();
    let said = |more: &[&str]| {
        let output = beacon_ok(&changed(&base, more), folder.path());
        text(&output.stderr)
    };
    let counts = ["480 candidates of --edges reflect", "117 of --edges inside"];
    let warned = said(&["--json"]);
    assert_says(&warned, &["`order.csv`", counts[0], counts[1]]);
    let seeded = ["--seeds-from", "seeds.txt", "--order", "beyond.csv"];
    assert_says(&said(&seeded), &["`seeds.txt`", counts[0], counts[1]]);
    let silent: [&[&str]; 4] = [
        &["--order", "beyond.csv"],
        &["--order", "own.csv"],
        &["--edges", "reflect"],
        &["--published"],
    ];
    for more in silent {
        let warned = said(more);
        assert!(!warned.contains("--edges inside"), "{more:?}: {warned}");
    }
}

#[test]
fn spaces_are_the_same_for_any_number_of_threads() {
    let folder = orders();
    let covered = |threads: &str| {
        let cache = folder.path().join(format!("cache-{threads}"));
        let output = program(&changed(&SCORE, &["--json"]))
            .current_dir(folder.path())
            .env("BEACON_CACHE", &cache)
            .env("RAYON_NUM_THREADS", threads)
            .output();
        assert_succeeded(&output.unwrap());
        let files = names(&cache).into_iter();
        let files = files.map(|name| (fs::read(cache.join(&name)).unwrap(), name));
        files.collect::<Vec<_>>()
    };
    let one = covered("1");
    assert_eq!(one.len(), 2);
    assert!(
        one == covered("3"),
        "labels, latents and decoder, bit by bit"
    );
}

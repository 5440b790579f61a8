//! The folder of a study: its cells run apart, interrupted, lost, extended and refused.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{COMPARE, compare, data, timeless};
use crate::common::documented::{documented, stands, undocumented};
use crate::common::{assert_says, beacon, beacon_ok, changed, json, names, read, refused, text};

#[test]
fn every_strategy_starts_from_the_same_points_with_one_seed() {
    let folder = data();
    compare(&["--out", "study"], folder.path());
    let start = |cell: &str| {
        let file = folder.path().join("study/cells").join(cell);
        let cell = json(read(&file).as_bytes());
        cell["campaign"]["seeds"].clone()
    };
    assert_eq!(start("beacon-1.json"), start("random-1.json"));
    assert_eq!(start("beacon-1.json"), start("mu-1.json"));
    assert_ne!(start("beacon-1.json"), start("beacon-2.json"));
}

pub(super) fn every_field_of_a_comparison_is_documented(specimen: &str) {
    let folder = data();
    let specimen = ["compare", "--specimen", specimen, "--steps", "5"];
    let further = [
        "--strategies",
        "beacon,random",
        "--seeds",
        "3",
        "--out",
        "study",
    ];
    beacon_ok(&[&specimen[..], &further].concat(), folder.path());
    let study = folder.path().join("study");
    for file in ["series.csv", "table.csv"] {
        let (columns, table) = (documented(file), read(&study.join(file)));
        for name in table.lines().next().unwrap().split(',') {
            assert!(stands(&columns, name), "{file}: the column {name}");
        }
    }
    // The metrics at a step have the names of fields, and stand by step.
    let mut comparison = json(read(&study.join("comparison.json")).as_bytes());
    let strategies = comparison["strategies"].as_object_mut().unwrap();
    for strategy in strategies.values_mut() {
        let steps = strategy["at"].as_object().unwrap().values();
        strategy["at"] = steps
            .flat_map(|step| step.as_object().unwrap().values().cloned())
            .collect();
    }
    let fields = documented("comparison.json");
    let by_name = ["strategies", "discoveries"];
    assert_eq!(
        undocumented(&fields, &comparison, &by_name),
        BTreeSet::new()
    );

    let cell = json(read(&study.join("cells/beacon-1.json")).as_bytes());
    let mut fields = documented("cells");
    fields.extend(documented("summary.json"));
    assert_eq!(undocumented(&fields, &cell, &["settings"]), BTreeSet::new());
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
    let damaged = ["random-2.json", "damaged and run again"];
    assert_says(&text(&again.stderr), &damaged);
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
    use std::process::{Command, Stdio};
    let folder = data();
    let change = ["--steps", "120", "--jobs", "1", "--out", "study"];
    let mut running = crate::common::program(&changed(&COMPARE, &change))
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("1/6 campaigns: "), "{line}");
    let pid = running.id().to_string();
    let interrupted = Command::new("kill").args(["-INT", &pid]).status();
    assert!(interrupted.unwrap().success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{rest}");
    let finished = "of 6 campaigns are finished in study";
    assert_says(&rest, &[finished, "the same command goes on"]);
    let cells = || names(&folder.path().join("study/cells")).len();
    assert!((1..6).contains(&cells()), "{} cells", cells());
    let resumed = compare(&[&change[..], &["--json"]].concat(), folder.path());
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
    let comparison = json(&beacon_ok(&collect, folder.path()).stdout);
    let notes = comparison["notes"].to_string();
    let missing = "1 of 6 cells are not finished: mu with seed 2";
    assert_says(&notes, &[missing, "too few seeds"]);
    let mu = &comparison["strategies"]["mu"];
    assert_eq!(mu["auc_target_sd"], Value::Null);
    assert_eq!(mu["against_random"]["auc_target"]["p"], Value::Null);

    let last = ["--cell", "5/6", "--out", "spread", "--json"];
    let cell = json(&compare(&last, folder.path()).stdout);
    assert_eq!(cell["campaign"]["order"].as_array().unwrap().len(), 5);
    let collected = beacon_ok(&collect, folder.path());
    assert_eq!(timeless(&collected.stdout), timeless(&whole.stdout));

    // A cell of a program that learnt another latent space.
    let file = folder.path().join("spread/cells/mu-1.json");
    let mut cell = json(read(&file).as_bytes());
    assert!(cell["spaces"]["latent"].is_string());
    cell["spaces"]["latent"] = "another".into();
    std::fs::write(&file, cell.to_string()).unwrap();
    let mixed = json(&beacon_ok(&collect, folder.path()).stdout);
    assert_says(&mixed["notes"].to_string(), &["2 different latent spaces"]);
    let random = &mixed["strategies"]["random"];
    assert!(random["auc_latent"].is_null() && random["auc_patch"].is_number());
}

/// Oracle: the comparison run at once.
#[test]
fn shards_are_the_comparison_run_at_once_and_what_is_missing_is_told() {
    let folder = data();
    let missing = || {
        let asked = ["compare", "--missing", "study", "--tasks", "3"];
        text(&beacon_ok(&asked, folder.path()).stdout)
    };
    compare(&["--out", "study", "--slurm"], folder.path());
    assert!(
        !folder.path().join("study").exists(),
        "a script alone writes nothing"
    );
    compare(&["--out", "study", "--prepare"], folder.path());
    assert_eq!(missing(), "1-3\n");
    let shard = |name| {
        let ran = compare(&["--out", "study", "--shard", name], folder.path());
        text(&ran.stdout)
    };
    assert_says(
        &shard("2/3"),
        &["2 campaigns of the shard", "2 of them ran now"],
    );
    assert_eq!(missing(), "1,3\n");
    assert_says(&shard("2/3"), &["0 of them ran now"]);
    // Six campaigns in four shares: one, two, one, two.
    for name in ["1/4", "2/4", "3/4", "4/4"] {
        shard(name);
    }
    assert_eq!(missing(), "");
    let collected = beacon_ok(
        &["compare", "--collect", "study", "--json", "--at", "3"],
        folder.path(),
    );
    let whole = compare(&["--json", "--out", "whole"], folder.path());
    assert_eq!(timeless(&collected.stdout), timeless(&whole.stdout));

    // A campaign with other settings that somebody put there.
    compare(&["--k", "3", "--out", "other"], folder.path());
    let cell = "cells/mu-1.json";
    std::fs::copy(
        folder.path().join("other").join(cell),
        folder.path().join("study").join(cell),
    )
    .unwrap();
    let collected = beacon_ok(&["compare", "--collect", "study"], folder.path());
    let said = [
        "mu-1.json",
        "of other arguments and left out: campaign.k is 3 there",
    ];
    assert_says(&text(&collected.stdout), &said);
    assert_eq!(missing(), "1\n");
}

/// Oracle: a comparison that was asked for all of it at once.
#[test]
fn a_study_is_extended_in_its_folder_and_runs_the_new_cells_alone() {
    let folder = data();
    let less = ["--strategies", "mu,random", "--out", "study"];
    compare(&less, folder.path());
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
    assert_eq!(names(&place.join("cells")).len(), 9);
    let whole = compare(&more("whole"), folder.path());
    assert_eq!(timeless(&extended.stdout), timeless(&whole.stdout));
    let plan = read(&place.join("study.toml"));
    assert_eq!(plan, read(&folder.path().join("whole/study.toml")));
    // Less than what is there is another study, as other settings are.
    let less = changed(&COMPARE, &["--out", "study"]);
    let less = beacon(&less, folder.path());
    refused(&less, &["`study`", "seeds is 3 there and 2 here"]);
    assert_eq!(read(&place.join("study.toml")), plan);
}

#[test]
fn a_comparison_without_a_folder_of_its_own_finds_the_one_it_made() {
    let folder = data();
    for _ in 0..2 {
        let output = compare(&["--strategies", "mu,random"], folder.path());
        assert_says(&text(&output.stdout), &["runs/compare-1"]);
    }
    let output = compare(&["--strategies", "random,mu"], folder.path());
    assert_says(&text(&output.stdout), &["runs/compare-2"]);
}

#[test]
fn folders_of_something_else_are_refused_and_left_as_they_are() {
    let folder = data();
    compare(&["--strategies", "random", "--out", "study"], folder.path());
    let cell = folder.path().join("study/cells/random-1.json");
    let before = read(&cell);
    let refuse = |arguments: &[&str], said: &[&str]| {
        refused(&beacon(arguments, folder.path()), said);
    };
    let other = [
        "--strategies",
        "beacon",
        "--k",
        "3",
        "--noise-floor",
        "0.05",
    ];
    let other = [&other[..], &["--out", "study"]].concat();
    let k = "campaign.k is 10 there and 3 here";
    let floor = "campaign.training.noise_floor is 0.01 there and 0.05 here";
    refuse(&changed(&COMPARE, &other), &["`study`", k, floor]);
    assert_eq!(read(&cell), before);
    let copper = ["compare", "--specimen", "copper"];
    refuse(&copper, &["`copper`", "nanoparticles"]);
    let nothing = ["compare", "--steps", "5"];
    refuse(&nothing, &["--image", "--specimen", "--collect"]);

    for (argument, value) in [
        ("--image", "image.npy"),
        ("--specimen", "plasmonic"),
        ("--scalarizer", "sum"),
        ("--strategies", "random"),
        ("--seeds", "3"),
        ("--seeds-from", "far.txt"),
        ("--out", "study"),
        ("--cell", "1/2"),
        ("--shard", "1/2"),
        ("--prepare", ""),
        ("--slurm", ""),
        ("--jobs", "1"),
        ("--steps", "5"),
        ("--train-beside", ""),
        ("--epochs", "2"),
    ] {
        let words = ["compare", "--collect", "study", argument, value];
        let words = words.into_iter().filter(|word| !word.is_empty());
        let words: Vec<_> = words.collect();
        refuse(&words, &["--collect <DIR>", argument]);
    }
    let refuse = |place, said: &[&str]| refuse(&["compare", "--collect", place], said);
    refuse(".", &["`.`", "study.toml"]);
    refuse("absent", &["`absent`", "no study"]);
    let file = folder.path().join("study/study.toml");
    let plan = read(&file);
    let older = plan.lines().map(|line| match line.split_once(" = ") {
        Some(("algorithm", _)) => "algorithm = 2",
        _ => line,
    });
    std::fs::write(&file, older.collect::<Vec<_>>().join("\n")).unwrap();
    refuse(
        "study",
        &[
            "`study`",
            "made by revision 2",
            "collect it with the program that made it",
        ],
    );
    std::fs::write(&file, plan).unwrap();
    std::fs::remove_dir_all(folder.path().join("study/cells")).unwrap();
    refuse("study", &["`study`", "none of its 2 cells"]);
    std::fs::write(folder.path().join("study/study.toml"), "seeds = 1").unwrap();
    refuse("study", &["study.toml", "cannot be read"]);
}

#[test]
fn a_plan_of_more_seeds_than_a_study_may_have_is_refused_at_once() {
    let folder = data();
    compare(&["--out", "study"], folder.path());
    let plan = folder.path().join("study/study.toml");
    let text = read(&plan);
    for seeds in ["4000000000", "10001", "0"] {
        let changed = text.replacen("seeds = 2", &format!("seeds = {seeds}"), 1);
        assert_ne!(changed, text);
        std::fs::write(&plan, changed).unwrap();
        for what in ["--collect", "--missing"] {
            let output = beacon(&["compare", what, "study"], folder.path());
            refused(&output, &["study.toml", seeds, "1 to 10000"]);
        }
    }
}

#[test]
fn what_is_missing_is_counted_from_what_is_there() {
    let folder = data();
    compare(&["--out", "study"], folder.path());
    let study = folder.path().join("study");
    let plan = read(&study.join("study.toml")).replacen("seeds = 2", "seeds = 10000", 1);
    std::fs::write(study.join("study.toml"), plan).unwrap();
    // Names that no cell has.
    for name in [
        "beacon-007.json",
        "beacon-0.json",
        "nobody-1.json",
        "beacon-1.tmp",
    ] {
        std::fs::write(study.join("cells").join(name), "of nobody").unwrap();
    }
    let collected = beacon_ok(&["compare", "--collect", "study"], folder.path());
    let said = ["29994 of 30000 cells are not finished", " and 29986 more"];
    // Lines break where they are full.
    let words = text(&collected.stdout)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_says(&words, &said);
    let asked = ["compare", "--missing", "study", "--tasks", "10000"];
    let missing = beacon_ok(&asked, folder.path());
    assert_eq!(text(&missing.stdout), "3-10000\n");
}

//! Orders and programs of others in a study that is there already.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use super::{COMPARE, compare, data, timeless};
use crate::common::{assert_says, beacon, changed, json, names, read, text};

/// When each cell was written.
fn written(folder: &Path) -> BTreeMap<String, SystemTime> {
    let cells = folder.join("study/cells");
    let at = |name: &String| std::fs::metadata(cells.join(name)).unwrap().modified();
    let cells = names(&cells).into_iter();
    cells
        .map(|name| (name.clone(), at(&name).unwrap()))
        .collect()
}

/// Writes the order of a cell as somebody's.
fn order_of(cell: &str, file: &str, folder: &Path) {
    let cell = json(read(&folder.join("study/cells").join(cell)).as_bytes());
    let order = cell["campaign"]["order"].as_array().unwrap();
    let rows: Vec<String> = order.iter().map(ToString::to_string).collect();
    let order = format!("patch_index\n{}\n", rows.join("\n"));
    std::fs::write(folder.join(file), order).unwrap();
}

/// Oracle: what was asked for one by one is what is asked for at once.
#[test]
fn what_is_added_to_a_finished_study_runs_alone_and_the_tables_hold_all() {
    let folder = data();
    let here = folder.path();
    let begun = ["--strategies", "mu,random", "--out", "study"];
    compare(&begun, here);
    let first = written(here);
    order_of("random-1.json", "order1.csv", here);
    order_of("random-2.json", "order2.csv", here);
    let mine = ["--order", "mine=order{seed}.csv"];
    compare(&[&begun[..], &mine].concat(), here);
    let second = written(here);
    assert_eq!(second.len(), 6);
    assert!(first.iter().all(|(cell, at)| second[cell] == *at));

    // A strategy alone: those that are there stay, and so does the order.
    let added = ["--strategies", "beacon", "--json", "--out", "study"];
    let all = compare(&added, here);
    let third = written(here);
    assert_eq!(third.len(), 8);
    assert!(second.iter().all(|(cell, at)| third[cell] == *at));
    let whole = [
        "--strategies",
        "beacon,mu,random",
        "--json",
        "--out",
        "whole",
    ];
    let whole = compare(&[&whole[..], &mine].concat(), here);
    assert_eq!(timeless(&all.stdout), timeless(&whole.stdout));

    // Another order of that name runs again, with the seed that it is of.
    order_of("mu-2.json", "order2.csv", here);
    let again = compare(&[&begun[..], &mine].concat(), here);
    assert_says(
        &text(&again.stderr),
        &["mine-2.json", "of other arguments and run again: order is"],
    );
    let fourth = written(here);
    let ran = fourth.iter().filter(|(cell, at)| third[*cell] != **at);
    assert_eq!(
        ran.map(|(cell, _)| cell).collect::<Vec<_>>(),
        ["mine-2.json"]
    );

    // More seeds need more orders.
    let more = ["--strategies", "mu", "--seeds", "3", "--out", "study"];
    let more = beacon(&changed(&COMPARE, &more), here);
    crate::common::refused(&more, &["2 orders of `mine` with 3 seeds"]);
    assert_eq!(written(here), fourth);
}

/// A script that is made for more than the folder holds must send all of it, also where that is finished.
#[test]
fn a_script_sends_what_its_study_has_besides_that_of_the_folder() {
    let folder = data();
    let here = folder.path();
    let one = ["--strategies", "mu", "--out", "study", "--tasks", "2"];
    let script =
        |more: &[&str]| text(&compare(&[&one[..], more, &["--slurm"]].concat(), here).stdout);
    let missing = |script: &str| {
        let (_, words) = script.split_once("$study\" --tasks 2 --plan ").unwrap();
        let plan = words.split(')').next().unwrap();
        let asked = [
            "compare",
            "--missing",
            "study",
            "--tasks",
            "2",
            "--plan",
            plan,
        ];
        text(&crate::common::beacon_ok(&asked, here).stdout)
    };
    compare(&one[..4], here);
    assert_eq!(missing(&script(&[])), "");
    let more = ["--seeds", "3"];
    assert_eq!(missing(&script(&more)), "1-2\n");
    compare(&[&one[..4], &more, &["--prepare"]].concat(), here);
    assert_eq!(missing(&script(&more)), "2\n");
}

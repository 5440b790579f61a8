//! Campaigns that were killed before their first overview: `resume` checks what `run` checks, before
//! anything is exposed or recorded.

use std::fs;
use std::path::{Path, PathBuf};

use beacon_host::campaign::Event;
use beacon_host::internal::journal::Journal;
use tempfile::TempDir;

use super::{folder, on_specimen, refused, run, summary};
use crate::common::names;

/// Where the journal in a folder has its second record.
fn end_of_beginning(folder: &Path) -> usize {
    let records = Journal::open(&folder.join("journal")).unwrap().records;
    assert!(matches!(records[1].1.event, Event::Surveying { .. }));
    records[1].0.offset as usize
}

/// A campaign whose journal ends behind its first record.
fn killed(further: &[&str]) -> (TempDir, PathBuf) {
    let (_kept, whole) = folder();
    let output = on_specimen(&whole, further).output().unwrap();
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| [0, 3].contains(&code)),
        "{output:?}"
    );
    let end = end_of_beginning(&whole);
    let journal = fs::read(whole.join("journal")).unwrap();
    let (kept, path) = folder();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("journal"), &journal[..end]).unwrap();
    (kept, path)
}

#[test]
fn nothing_is_exposed_or_recorded_where_a_setting_does_not_fit() {
    let (_kept, path) = killed(&["--budget", "20"]);
    let name = path.to_str().unwrap();
    let journal = fs::read(path.join("journal")).unwrap();
    for (changed, said) in [
        (
            &["--controller", "serial:/dev/nonexistent"][..],
            "/dev/nonexistent",
        ),
        (
            &["--budget", "5000"],
            "budget is 5000; expected at most 4096",
        ),
        (
            &["--budget", "3"],
            "budget is 3; expected at least 11: the 10 points",
        ),
        (&["--budget", "0"], "budget is 0; expected 1 or more"),
        (
            &["--dwell", "0"],
            "dwell is 0; expected a microsecond to an hour",
        ),
        (
            &["--dwell", "1h", "--dose-limit", "1e12"],
            "no point could be measured",
        ),
        (&["--dose-limit", "2.7e8"], "no point could be measured"),
        (
            &["--dose-limit", "1e6"],
            "the overview takes too much: up to",
        ),
        (
            &["--dose-limit", "nan"],
            "expected a number of electrons above 0",
        ),
        (
            &["--stall-after", "0"],
            "stall-after is 0; expected 1 or more points",
        ),
        (
            &["--drift-every", "0"],
            "drift-every is 0; expected 1 or more points",
        ),
        (
            &["--most-failures", "0"],
            "most-failures is 0; expected 1 or more points",
        ),
    ] {
        let (error, status) = refused(&[&["resume", name], changed].concat());
        assert!(error.contains(said), "{changed:?}: {error}");
        assert_eq!(status, Some(2), "{changed:?}");
        assert!(
            fs::read(path.join("journal")).unwrap() == journal,
            "{changed:?}"
        );
        // Whoever has the folder, or had it last, is no record.
        let mut left = names(&path);
        left.retain(|name| !["lock", "owner"].contains(&name.as_str()));
        assert_eq!(left, ["journal"], "{changed:?}");
    }
    let whole = summary(&run(&["resume", name, "--json"]));
    assert_eq!(whole["positions"].as_array().unwrap().len(), 20);
}

/// A limit below what is spent is named with what would be accepted, in as few digits as by `beacon ctl`.
#[test]
fn the_electrons_that_are_spent_are_named_in_three_digits() {
    let (_kept, path) = folder();
    summary(&on_specimen(&path, &["--budget", "12"]).output().unwrap());
    let name = path.to_str().unwrap();
    let (error, _) = refused(&["resume", name, "--dose-limit", "1e6"]);
    let (_, named) = error.split_once("expected at least the ").unwrap();
    let (named, _) = named.split_once(" electrons that are spent").unwrap();
    assert!(named.len() <= "1.23e10".len(), "{error}");
    let output = run(&["resume", name, "--json", "--dose-limit", named]);
    summary(&output);
}

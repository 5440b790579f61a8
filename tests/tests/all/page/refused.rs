//! Pages that cannot be, and journals that cannot be read to their end.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Program, numbers};

/// What the program says to arguments that it refuses, which end it at once.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// A campaign that is over.
fn over(folder: &Path) {
    let name = folder.to_str().unwrap();
    let arguments = [
        "run",
        "--microscope",
        "specimen",
        "--budget",
        "12",
        "--out",
        name,
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
        .args(arguments)
        .output();
    assert!(output.unwrap().status.success());
}

#[test]
fn what_cannot_be_is_said_before_anything_else() {
    let parent = tempfile::tempdir().unwrap();
    let run = parent.path().join("run");
    over(&run);
    let name = run.to_str().unwrap();
    let other = parent.path().join("other");
    fs::create_dir(&other).unwrap();
    let mut journal = fs::read(run.join("journal")).unwrap();
    journal[15] = 9;
    fs::write(other.join("journal"), journal).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let fresh = parent.path().join("fresh");
    let begin = [
        "run",
        "--microscope",
        "specimen",
        "--budget",
        "12",
        "--out",
        fresh.to_str().unwrap(),
    ];
    let with = |further: &[&'static str]| [&begin[..], further].concat();
    for (arguments, said) in [
        (
            vec!["page", parent.path().to_str().unwrap()],
            "no campaign in it",
        ),
        (
            vec!["page", other.to_str().unwrap()],
            "a journal of version 9",
        ),
        (
            vec!["page", name, "--listen", &taken],
            "expected a free port",
        ),
        (
            vec!["page", name, "--listen", "0.0.0.0:0"],
            "--page-anywhere",
        ),
        (
            vec!["page", name, "--listen", "here"],
            "expected an address and a port",
        ),
        (with(&["--page", "0.0.0.0:0"]), "--page-anywhere"),
        (with(&["--open"]), "expected --page"),
        (
            with(&["--page", "--dwell", "-1"]),
            "invalid value '-1' for '--dwell",
        ),
        (with(&["--page", "--scalarizer", "line:Xx-La"]), "Xx"),
        (
            with(&["--page", "--gate"]),
            "expected --ready-timeout and --gate",
        ),
    ] {
        let (status, answer) = refused(&arguments);
        assert!(
            status == Some(2) && answer.contains(said),
            "{arguments:?}: {answer}"
        );
        assert!(!answer.contains("http://"), "{arguments:?}: {answer}");
    }
    // Nothing was begun.
    assert!(!fresh.exists());
}

#[test]
fn an_altered_journal_is_shown_as_far_as_it_goes() {
    let parent = tempfile::tempdir().unwrap();
    let run = parent.path().join("run");
    over(&run);
    let mut journal = fs::read(run.join("journal")).unwrap();
    let last = journal.len() - 40;
    journal[last] ^= 1;
    fs::write(run.join("journal"), journal).unwrap();
    let program = Program::start_page(&run);
    let mut events = program.events(None);
    // What comes before is there.
    let shown = numbers(&mut events, 20);
    assert_eq!(shown, (0..20).collect::<Vec<_>>());
    let mut said = String::new();
    while !said.contains("is not as it was written") {
        said.clear();
        let read = std::io::BufRead::read_line(&mut events, &mut said).unwrap();
        assert!(read > 0, "the stream ends");
    }
    drop(events);
    // Half of a last record.
    let torn = parent.path().join("torn");
    fs::create_dir(&torn).unwrap();
    let whole = fs::read(run.join("journal")).unwrap();
    fs::write(torn.join("journal"), &whole[..last]).unwrap();
    let half = Program::start_page(&torn);
    let mut events = half.events(None);
    said.clear();
    while !said.contains("the last record was torn") {
        said.clear();
        let read = std::io::BufRead::read_line(&mut events, &mut said).unwrap();
        assert!(read > 0, "the stream ends");
    }
    let (number, answer) = program.post(&["pause"], &program.control);
    assert!(
        number == 503 && answer.contains("no campaign is running in it"),
        "{answer}"
    );
}

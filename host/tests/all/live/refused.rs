//! What is refused before anything is exposed, with what would be accepted.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;

use super::{SPECIMEN, folder, in_real_time, refused, run, wait_for};

#[test]
fn servers_that_are_absent_or_speak_otherwise_are_named() {
    let absent = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (_kept, path) = folder();
    let out = path.to_str().unwrap();
    for (kind, port, said) in [
        ("pyro", absent, "is its server running there?"),
        ("bridge", absent, "is its server running there?"),
        ("pyro", other, "speaks another protocol"),
        ("bridge", other, "speaks another protocol"),
    ] {
        let microscope = format!("{kind}:127.0.0.1:{port}");
        let arguments = [
            "run",
            "--microscope",
            &microscope,
            "--budget",
            "20",
            "--out",
            out,
        ];
        let (error, status) = refused(&[&arguments[..], &["--timeout", "2"]].concat());
        assert_eq!(status, Some(2), "{error}");
        assert!(
            error.contains(said) && error.contains(&port.to_string()),
            "{error}"
        );
        assert!(!path.exists(), "nothing is left behind");
    }
}

#[test]
fn mistakes_are_named_with_what_would_be_accepted() {
    let (_kept, path) = folder();
    let out = path.to_str().unwrap();
    for (further, said) in [
        (
            &["--budget", "10"][..],
            "budget is 10; expected at least 11: the 10 points",
        ),
        (
            &["--budget", "5000"],
            "budget is 5000; expected at most 4096",
        ),
        (
            &["--budget", "40", "--dose-limit", "1e3"],
            "the overview takes too much",
        ),
        (
            &["--budget", "40", "--pixel-dose-limit", "5e6"],
            "no point could be measured",
        ),
        (
            &["--budget", "40", "--scalarizer", "line:U-Ka"],
            "axis `Energy` runs over",
        ),
        (
            &["--budget", "40", "--time-limit", "8"],
            "as in 500ms, 90s, 45m, 8h or 2h30m",
        ),
        (
            &["--budget", "40", "--steps", "30"],
            "beacon run has no --steps; expected --budget",
        ),
        (&["--budget", "-5"], "'-5' for '--budget <N>': expected"),
        (&["--budget", "40", "--dwell", "2x"], "a time in seconds"),
        (
            &["--budget", "40", "--beta", "-1"],
            "beta is -1: expected 0 or more",
        ),
        (
            &["--budget", "40", "--dose-limit", "-5"],
            "expected a number of electrons above 0",
        ),
        (
            &["--budget", "40", "--pixel-dose-limit", "-3"],
            "expected electrons per Å²",
        ),
        (
            &["--budget", "40", "--dwell", "nan"],
            "expected a time in seconds",
        ),
        (
            &["--budget", "40", "--k", "0"],
            "k is 0: expected 1 or more",
        ),
        (
            &["--budget", "40", "--window", "3"],
            "window is 3; expected 4 to 64",
        ),
        (
            &["--budget", "40", "--seeds-from", "absent.txt"],
            "`absent.txt`: no such file",
        ),
    ] {
        let arguments = [&SPECIMEN[..5], further, &["--out", out]].concat();
        let (error, status) = refused(&arguments);
        assert_eq!(status, Some(2), "{error}");
        assert!(error.contains(said), "{further:?}: {error}");
        assert!(!path.exists(), "{further:?} leaves nothing behind");
    }
}

#[test]
fn a_folder_belongs_to_one_campaign_and_one_process() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let mut running = in_real_time(&path, "300");
    wait_for(&path, 3);
    let again = [&SPECIMEN[..5], &["--budget", "40", "--out", name]].concat();
    let (error, status) = refused(&again);
    assert!(
        error.contains(&format!("process {}", running.id())),
        "{error}"
    );
    assert_eq!(status, Some(2));
    let (error, _) = refused(&["resume", name]);
    assert!(error.contains("runs a campaign in it"), "{error}");
    running.kill().unwrap();
    running.wait().unwrap();
    let (error, _) = refused(&again);
    assert!(error.contains("beacon resume"), "{error}");
    let (error, _) = refused(&["ctl", name, "pause"]);
    assert!(error.contains("no campaign is running in it"), "{error}");
    // Its journal says where it was, and nothing in the folder is touched.
    let journal = fs::read(path.join("journal")).unwrap();
    let told = run(&["ctl", name, "status"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("no program runs it: it was broken off"),
        "{told}"
    );
    assert!(
        told.contains(&format!("to go on   beacon resume {name}\n")),
        "{told}"
    );
    assert_eq!(fs::read(path.join("journal")).unwrap(), journal);
}

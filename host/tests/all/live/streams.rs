//! Campaigns whose standard error is gone, whose terminal hangs up, and arguments that are no text.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{SPECIMEN, folder, in_real_time, on_specimen, output_of, summary, wait_for};
use crate::common::{json, program};

/// The program with the arguments of a campaign, begun by a shell that first does something.
fn after(prelude: &str, folder: &Path, further: &[&str]) -> Command {
    let mut command = Command::new("bash");
    let script = format!("{prelude} exec \"$@\"");
    command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_beacon")]);
    command
        .args(SPECIMEN)
        .args(further)
        .arg("--out")
        .arg(folder);
    command.env("BEACON_CACHE", env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

#[test]
fn a_standard_error_that_is_closed_full_or_read_by_nobody_loses_no_campaign() {
    let budget = ["--budget", "14"];
    let (_kept, path) = folder();
    let expected = summary(&on_specimen(&path, &budget).output().unwrap());

    let (_kept, closed) = folder();
    let closed = after("exec 2>&-;", &closed, &budget).output().unwrap();
    let (_kept, path) = folder();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let full = on_specimen(&path, &budget).stderr(full).output().unwrap();
    // As `2>&1 | head -0`.
    let (_kept, path) = folder();
    let mut unread = on_specimen(&path, &budget)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(unread.stderr.take());
    let unread = output_of(unread);
    for output in [closed, full, unread] {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(json(&output.stdout)["positions"], expected["positions"]);
    }
}

fn hang_up(running: &Child) {
    let process = running.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &process]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_terminal_that_hangs_up_ends_a_campaign_in_order_unless_that_is_ignored() {
    let (_kept, path) = folder();
    let running = in_real_time(&path, "300");
    wait_for(&path, 3);
    hang_up(&running);
    let output = output_of(running);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("beacon resume"), "{said}");
    assert_eq!(json(&output.stdout)["ended"]["why"], "interrupted");

    // As under `nohup`.
    let (_kept, path) = folder();
    let slow = ["--budget", "60", "--dwell", "0.03", "--current", "60000"];
    let quick = ["--real-time", "--overview-dwell", "1", "--overhead", "0"];
    let mut ignoring = after("trap '' HUP;", &path, &[&slow[..], &quick].concat());
    let running = ignoring.stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&path, 3);
    hang_up(&running);
    assert_eq!(summary(&output_of(running))["ended"]["why"], "budget");
}

#[test]
fn an_argument_that_is_no_text_is_a_mistake_of_the_user() {
    for before in [&[][..], &["run", "--microscope"], &["resume"]] {
        let output = program(before)
            .arg(OsStr::from_bytes(b"\xff"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{before:?}: {said}");
        assert!(
            said.contains("error: ") && !said.contains("panicked"),
            "{before:?}: {said}"
        );
    }
}

//! `beacon run`, `resume` and `ctl`, from the outside, with the mistakes that users make.

mod before_overview;
mod commands;
mod instrument;
mod refused;
mod resources;
mod results;
mod resumed;
mod story;
#[cfg(target_os = "linux")]
mod streams;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{assert_succeeded, json, program};

/// What is waited for comes within seconds; on a crowded machine, within this.
const PATIENCE: Duration = Duration::from_secs(300);

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().expect("the program runs")
}

/// A line on standard error that begins with `error:`, and the exit status.
fn refused(arguments: &[&str]) -> (String, Option<i32>) {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    let error = said.lines().rfind(|line| line.contains("error: "));
    let error = error.unwrap_or_else(|| panic!("no error in: {said}"));
    (error.to_owned(), output.status.code())
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    (folder, path)
}

const SPECIMEN: [&str; 6] = [
    "run",
    "--microscope",
    "specimen",
    "--retrain-every",
    "20",
    "--json",
];

/// A campaign on the specimen with further arguments, in a folder.
fn on_specimen(folder: &Path, further: &[&str]) -> Command {
    let mut command = program(&SPECIMEN);
    command.args(further).arg("--out").arg(folder);
    command
}

fn summary(output: &Output) -> Value {
    assert_succeeded(output);
    json(&output.stdout)
}

/// Waits until the campaign in a folder has measured so many points.
fn wait_for(folder: &Path, points: u64) {
    wait_until(folder, |status| status["points"].as_u64() >= Some(points));
}

/// What a program says until it ends; it is killed where it does not.
fn output_of(running: Child) -> Output {
    let process = running.id().to_string();
    let (over, is_over) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let killed = Command::new("kill").args(["-KILL", &process]).status();
            killed.expect("`kill` can be started");
        }
    });
    let output = running.wait_with_output().expect("it can be waited for");
    drop(over);
    watch.join().expect("nothing panics there");
    output
}

/// Waits until the status of the campaign in a folder is as it should be.
fn wait_until(folder: &Path, is_so: impl Fn(&Value) -> bool) {
    let begun = Instant::now();
    let name = folder.to_str().unwrap();
    loop {
        let output = run(&["ctl", name, "status", "--json"]);
        if serde_json::from_slice::<Value>(&output.stdout).is_ok_and(|status| is_so(&status)) {
            return;
        }
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(begun.elapsed() < PATIENCE, "the status stays {said}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A campaign in real time: 30 ms a point.
fn in_real_time(folder: &Path, budget: &str) -> Child {
    let slow = ["--budget", budget, "--dwell", "0.03", "--current", "60000"];
    let quick = ["--real-time", "--overview-dwell", "1", "--overhead", "0"];
    on_specimen(folder, &slow)
        .args(quick)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

//! Disk and memory.

use std::process::{Command, Stdio};

use beacon_kernel::Capacity;
use serde_json::Value;

use super::{SPECIMEN, folder, on_specimen, output_of, summary, wait_until};
use crate::common::program;

/// A file that may not grow stands for a disk that is full; it is let grow after a while.
#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_the_campaign_waits_and_loses_nothing() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: no prlimit");
        return;
    }
    let (_kept, path) = folder();
    let whole = summary(&on_specimen(&path, &["--budget", "40"]).output().unwrap());
    let (_kept, path) = folder();
    let program = env!("CARGO_BIN_EXE_beacon");
    let mut running = Command::new("bash")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -S -f 300; exec \"$@\"")
        .args(["bash", program])
        .args(SPECIMEN)
        .args(["--budget", "40", "--out"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(&path, |status| status["state"] == "waiting for the disk");
    assert!(running.try_wait().unwrap().is_none(), "it waits for room");
    let process = running.id().to_string();
    let more = Command::new("prlimit")
        .args(["--pid", &process, "--fsize=unlimited:"])
        .status();
    assert!(more.unwrap().success());
    let output = output_of(running);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("the beam is blanked") && said.contains("trying again"),
        "{said}"
    );
    let ran = summary(&output);
    assert_eq!(ran["order"], whole["order"]);
    assert_eq!(ran["dose_electrons"], whole["dose_electrons"]);
}

/// The system ends a program whose file grows too large, unless the program sees to that.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_stays_full_ends_the_campaign_with_the_reason_and_how_to_go_on() {
    let (_kept, path) = folder();
    let output = Command::new("bash")
        .args(["-c", "ulimit -S -f 180; exec \"$@\"", "bash"])
        .arg(env!("CARGO_BIN_EXE_beacon"))
        .args(SPECIMEN)
        .args(["--budget", "40", "--patience", "0", "--out"])
        .arg(&path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let last = said.lines().last().unwrap();
    for part in [
        "the file as large as it may be",
        "the beam is blanked",
        "go on with `beacon resume ",
    ] {
        assert!(last.contains(part), "{said}");
    }
    assert!(!path.join("control").exists() && !path.join("reserve").exists());
}

/// What grows with the points is the kernel's covariance, the patches, and two matrices of the map
/// to publish, as the sizes say that they are; no spectrum stays in memory.
#[test]
fn two_thousand_points_take_no_more_memory_than_kernel_and_map_need_for_them() {
    let peak = |budget: usize| {
        let (_kept, path) = folder();
        let budget = budget.to_string();
        let further = [
            "--budget",
            &budget,
            "--strategy",
            "random",
            "--retrain-every",
            "5000",
        ];
        let mut command = program(&SPECIMEN[..3]);
        let output = command
            .args(further)
            .args(["--json", "--out"])
            .arg(&path)
            .output();
        let summary = summary(&output.unwrap());
        let times = summary["measuring_seconds"].as_array().unwrap();
        let mean = |times: &[Value]| {
            let sum: f64 = times.iter().filter_map(Value::as_f64).sum();
            1e3 * sum / times.len() as f64
        };
        let quarter = times.len() / 4;
        println!(
            "{budget} points: {:.2} ms to measure, journal and record one at first, {:.2} ms at last",
            mean(&times[..quarter]),
            mean(&times[times.len() - quarter..])
        );
        summary["peak_memory"].as_u64().map(|bytes| bytes as f64)
    };
    let (Some(few), Some(many)) = (peak(500), peak(2000)) else {
        return;
    };
    let kernel = |points| 4.0 * Capacity::for_campaign(64, 64, 16, points).floats() as f64;
    let patches = 1500.0 * 256.0 * 4.0;
    let map = |points: f64| 2.0 * 8.0 * points * points;
    let expected = kernel(2000) - kernel(500) + patches + map(2000.0) - map(500.0);
    let grown = many - few;
    println!("{grown} bytes more, of which {expected} are the kernel's, patches and the map's");
    // Beside them stands a copy of the state, for whoever asks how the campaign is, and the report's figures
    // draw every point.
    assert!(grown < expected + 9e6, "{grown} {expected}");
}

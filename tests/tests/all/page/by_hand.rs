//! A campaign steered by touch, and by keys alone.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::steered::python;
use super::{commands, records, seeds};

#[test]
fn fingers_and_keys_steer_as_a_mouse_does() {
    let Some(python) = python() else { return };
    let parent = tempfile::tempdir().unwrap();
    let run = parent.path().join("run");
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = Command::new(python)
        .current_dir(root)
        .args([
            "tests/page/hands.py",
            env!("CARGO_BIN_EXE_beacon-under-test"),
        ])
        .arg(&run)
        .arg(seeds(parent.path()))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["touch_errors"], json!([]));
    assert_eq!(said["keys_errors"], json!([]));
    // Nothing comes before it.
    assert_eq!(said["tabs_to_stop"], 1, "{said}");
    assert_eq!(said["tool"], "measure");
    assert_eq!(said["moved"], json!([-7, 6]));
    // It was asked to.
    assert_eq!(said["status"], 0);

    let given = commands(&records(&run));
    let given = given.iter().map(|(command, by)| {
        let word = command.split(' ').next().unwrap_or_default();
        (word, by.as_str())
    });
    let by = |name| move |word| (word, name);
    let touched = ["suggest", "accept", "exclude"].map(by("Touch"));
    let typed = ["suggest", "pause", "resume", "accept", "reject", "stop"].map(by("Keys"));
    assert_eq!(given.collect::<Vec<_>>(), [&touched[..], &typed].concat());
}

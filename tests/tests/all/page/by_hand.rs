//! A campaign steered by touch, and by keys alone.

use std::path::Path;

use serde_json::json;

use super::steered::drive;
use super::{commands, records, seeds};

#[test]
fn fingers_and_keys_steer_as_a_mouse_does() {
    let parent = tempfile::tempdir().unwrap();
    let (seeds, run) = (seeds(parent.path()), parent.path().join("run"));
    let Some(said) = drive("hands.py", &[&run, Path::new(&seeds)]) else {
        return;
    };
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

//! Campaigns looked at in a browser: one that waits for a while only, two on one page, a replay, and a
//! comparison.

use serde_json::json;

use super::steered::{drive, harmless, pictures};
use super::{commands, records};

#[test]
fn what_ends_or_is_played_or_waits_for_nobody_is_seen_to() {
    let folder = tempfile::tempdir().unwrap();
    let Some(said) = drive("look.py", &[folder.path(), &pictures()]) else {
        return;
    };
    for errors in ["timed", "both", "replay", "compare"] {
        assert_eq!(said[format!("{errors}_errors")], json!([]), "{said}");
    }
    let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();

    // Nobody answered: the commands that followed are on record as anybody's are.
    let given = commands(&records(&folder.path().join("timed")));
    let by = |name: &str| -> Vec<&str> {
        let given = given.iter().filter(|(_, by)| by == name);
        given.map(|(command, _)| command.as_str()).collect()
    };
    let ada = [
        "dose-limit 1e13",
        "dose-limit none",
        "pixel-dose-limit 1e9",
        "pixel-dose-limit none",
        "time-limit 9000s",
        "time-limit none",
        "approve on after 50s pause",
        "resume",
        "pause",
        "approve on after 0.3s go",
        "resume",
    ];
    assert_eq!(by("Ada"), ada);
    let alone = by("time-out");
    assert_eq!(alone[0], "pause");
    assert!(
        alone[1..].iter().all(|command| *command == "accept"),
        "{given:?}"
    );
    // The first four proposals are by chance, and wait as well.
    assert_eq!(alone.len(), 1 + 14, "{given:?}");
    assert!(text("paused_by").starts_with("time-out: pause"), "{said}");
    assert_eq!(text("take_back"), "approve on after 50s pause");
    assert_eq!(text("limit_back"), "dose-limit 10000000000000");
    assert!(text("over").contains("beacon page"), "{said}");
    assert_eq!(said["timed_status"], 0);

    assert_eq!(said["alone"], 1);
    assert!(text("gone").contains("it was moved or removed"), "{said}");

    // Of two targets the page shows either, and the map to publish of the first alone.
    let targets = ["window:0.4..0.5", "window:0.55..0.65"];
    assert_eq!(said["targets"], json!(targets));
    let second = said["second_maps"].as_array().unwrap();
    assert!(second.contains(&json!("mean")) && second.contains(&json!("truth")));
    assert!(!second.contains(&json!("map_mean")), "{said}");
    let curves = said["second_curves"].as_array().unwrap().iter();
    let curves: Vec<&str> = curves.filter_map(serde_json::Value::as_str).collect();
    let told = |words: &[&str]| curves.iter().any(|of| words.iter().all(|w| of.contains(w)));
    assert!(told(&["Coverage", "clusters of responses"]), "{said}");
    for target in targets {
        assert!(told(&["Mean absolute error", target]), "{said}");
        assert!(told(&["NLPD", target]), "{said}");
    }

    // Maps that are replayed together are called by what they are.
    assert_eq!(said["replay_targets"], json!(["response", "other"]));
    let shown = json!(["the target", "response", "other", "their order"]);
    assert_eq!(said["replay_shown"], shown);
    let maps = said["replay_maps"].as_array().unwrap();
    for name in [
        "mean", "sigma", "truth", "map_mean", "plane", "score", "distance",
    ] {
        assert!(maps.contains(&json!(name)), "{name}: {said}");
    }
    harmless(&said["replay_axe"]);
    assert!(
        text("replay_steered").contains("nothing to steer"),
        "{said}"
    );
    assert_eq!(said["replay_written"], true);
    assert_eq!(said["replay_status"], 0);
    assert_eq!(
        said["cells"],
        json!(["beacon with seed 1", "random with seed 1"])
    );
    let kinds = said["kinds"].as_array().unwrap();
    assert!(
        kinds[0].as_str().unwrap().starts_with("beacon: 0."),
        "{said}"
    );
    assert!(
        kinds[1].as_str().unwrap().starts_with("random: 0."),
        "{said}"
    );
    harmless(&said["compare_axe"]);
    assert_eq!(said["compare_status"], 0);
}

//! A program that is told to pause, to stop, or is interrupted.

use std::fs;

use super::*;

#[test]
fn a_campaign_is_told_to_pause_to_go_on_and_to_stop_and_goes_on_later() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let running = in_real_time(&path, "150");
    wait_for(&path, 3);
    assert!(run(&["ctl", name, "pause"]).status.success());
    let state = || {
        let output = run(&["ctl", name, "status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        (
            status["state"].as_str().unwrap().to_owned(),
            status["points"].as_u64(),
        )
    };
    let begun = Instant::now();
    while state().0 != "paused" {
        assert!(begun.elapsed() < PATIENCE, "{:?}", state());
        thread::sleep(Duration::from_millis(20));
    }
    let paused = state().1;
    thread::sleep(Duration::from_millis(300));
    assert_eq!(state().1, paused);
    assert!(run(&["ctl", name, "resume"]).status.success());
    wait_for(&path, paused.unwrap() + 2);
    // Random points at the beginning have no prediction.
    wait_for(&path, 11);
    assert!(run(&["ctl", name, "approve", "on"]).status.success());
    wait_until(&path, |status| {
        let known = status["predicted"].is_array() && status["proposal"].is_array();
        known && status["approval"] == true && status["excluded"] == serde_json::json!([])
    });
    assert!(run(&["ctl", name, "accept"]).status.success());
    assert!(run(&["ctl", name, "approve", "off"]).status.success());
    let (error, status) = refused(&["ctl", name, "measure", "64,3"]);
    assert!(
        error.contains("no candidate") && status == Some(2),
        "{error}"
    );
    assert!(run(&["ctl", name, "stop"]).status.success());
    let output = output_of(running);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("stopped; the beam is blanked"), "{said}");
    let answer = format!("`beacon ctl {name} accept`, `reject` or `suggest ROW,COLUMN`");
    assert!(
        said.contains("the proposal of row ")
            && said.contains(", predicted ")
            && said.contains(&answer),
        "{said}"
    );
    let rest = run(&["resume", name, "--json"]);
    assert_eq!(summary(&rest)["positions"].as_array().unwrap().len(), 150);
}

#[test]
fn stop_now_gives_up_an_exposure_that_would_take_long() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let running = in_real_time(&path, "60");
    wait_for(&path, 3);
    assert!(run(&["ctl", name, "dwell", "600s"]).status.success());
    wait_until(&path, |status| {
        status["dwell_seconds"] == 600.0 && status["state"] == "measuring"
    });
    let stopped = run(&["ctl", name, "stop", "now"]);
    let said = String::from_utf8_lossy(&stopped.stdout);
    assert!(said.contains("blanked at once"), "{stopped:?}");
    let begun = Instant::now();
    let output = output_of(running);
    assert!(begun.elapsed() < Duration::from_secs(120));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.contains("stopped; the beam is blanked"), "{error}");
    // What a person gives up is no failure of the instrument.
    let status = run(&["ctl", name, "status", "--json"]).stdout;
    let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
    assert_eq!(status["failures"], 0, "{status}");
    // Nor is it measured with the dwell that was a slip, where another is given.
    let points = status["points"].as_u64().unwrap() + 2;
    let budget = points.to_string();
    let rest = run(&[
        "resume", name, "--dwell", "30ms", "--budget", &budget, "--json",
    ]);
    assert_eq!(
        summary(&rest)["positions"].as_array().unwrap().len() as u64,
        points
    );
    let table = fs::read_to_string(path.join("acquisitions.csv")).unwrap();
    let mut rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let column = rows
        .next()
        .unwrap()
        .iter()
        .position(|name| *name == "dwell");
    let dwells: Vec<_> = rows.map(|row| row[column.unwrap()].to_owned()).collect();
    assert!(dwells.iter().all(|dwell| dwell == "0.03"), "{dwells:?}");
}

#[test]
fn limits_are_set_and_lifted_by_people_and_hold_after_a_kill() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let mut running = in_real_time(&path, "120");
    wait_for(&path, 11);
    // So that it is not over before all is said.
    assert_succeeded(&run(&["ctl", name, "pause", "--name", "Ada"]));
    for told in [
        ["dose-limit", "1e15"],
        ["pixel-dose-limit", "1e12e/nm2"],
        ["time-limit", "2h30m"],
    ] {
        let told = [&["ctl", name][..], &told, &["--name", "Ada"]].concat();
        assert_succeeded(&run(&told));
    }
    for (told, why) in [
        (
            ["time-limit", "1ms"],
            "time-limit is 0.001 s; expected more than the",
        ),
        (["time-limit", "8"], "expected a number with its unit"),
        (
            ["pixel-dose-limit", "1e-9"],
            "e/Å² on the pixel that took most",
        ),
    ] {
        let (error, status) = refused(&[&["ctl", name][..], &told].concat());
        assert!(error.contains(why) && status == Some(2), "{error}");
    }
    let limits = |status: &Value| {
        let names = [
            "dose_limit_electrons",
            "pixel_limit_e_per_a2",
            "time_limit_seconds",
        ];
        names.map(|name| status[name].as_f64())
    };
    let set = [Some(1e15), Some(1e10), Some(9000.0)];
    wait_until(&path, |status| limits(status) == set);
    wait_until(&path, |status| {
        status["left_seconds"]
            .as_f64()
            .is_some_and(|left| left < 9000.0)
            && status["coverage"].is_number()
            && status["seeds"] == 10
    });
    running.kill().unwrap();
    running.wait().unwrap();
    let status = || json(&run(&["ctl", name, "status", "--json"]).stdout);
    assert_eq!(limits(&status()), set);
    let ends = ["resume", name, "--budget", "120", "--json"];
    assert_succeeded(&run(&[&ends[..], &["--dose-limit", "none"]].concat()));
    assert_eq!(limits(&status()), [None, set[1], set[2]]);
    let ends = ["resume", name, "--budget", "122", "--json"];
    let lifted = ["--pixel-dose-limit", "none", "--time-limit", "none"];
    let whole = summary(&run(&[&ends[..], &lifted].concat()));
    assert_eq!(limits(&status()), [None; 3]);
    let authors = whole["command_authors"].as_array().unwrap();
    assert_eq!(authors.len(), 4);
    assert!(
        authors.iter().all(|author| author[0] == "Ada"),
        "{authors:?}"
    );
}

#[test]
fn limits_that_were_accepted_hold_for_a_point_that_is_broken_off_and_yield_to_those_of_resume() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let mut running = in_real_time(&path, "20");
    wait_for(&path, 3);
    assert_succeeded(&run(&["ctl", name, "dwell", "20s"]));
    wait_until(&path, |status| {
        status["dwell_seconds"] == 20.0 && status["state"] == "measuring"
    });
    let status = || json(&run(&["ctl", name, "status", "--json"]).stdout);
    let under_way = status();
    // The point under the beam counts with all that it may take.
    let dose = under_way["dose_electrons"].as_f64().unwrap();
    let limit = format!("{:e}", 1.001 * dose);
    assert_succeeded(&run(&["ctl", name, "dose-limit", &limit]));
    assert_succeeded(&run(&["ctl", name, "time-limit", "2h"]));
    running.kill().unwrap();
    running.wait().unwrap();
    let resumed = run(&["resume", name, "--time-limit", "none"]);
    assert_eq!(resumed.status.code(), Some(3), "{resumed:?}");
    let ended = status();
    assert_eq!(ended["points"], under_way["points"]);
    assert_eq!(ended["dose_electrons"], under_way["dose_electrons"]);
    assert_eq!(ended["time_limit_seconds"], Value::Null);
    let unsure = refused(&["resume", name, "--dwell", "500"]).0;
    assert!(unsure.contains("expected it with its unit"), "{unsure}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_the_journal_and_says_how_to_go_on() {
    let (_kept, path) = folder();
    let running = in_real_time(&path, "120");
    wait_for(&path, 12);
    let process = running.id().to_string();
    let interrupted = Command::new("kill").args(["-INT", &process]).status();
    assert!(interrupted.unwrap().success());
    let output = output_of(running);
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    let resume = format!(
        "the beam is blanked and the journal complete: go on with `beacon resume {}`",
        path.display()
    );
    assert!(said.contains(&resume), "{said}");
    let rest = run(&["resume", path.to_str().unwrap(), "--json"]);
    let rest = summary(&rest);
    // As if it had never been interrupted.
    let (_kept, path) = folder();
    let whole = output_of(in_real_time(&path, "120"));
    assert_eq!(summary(&whole)["order"], rest["order"]);
    assert_eq!(summary(&whole)["responses"], rest["responses"]);
}

/// `spectrum:3` is replaced before its components can be learnt, and never in force; `spectrum:2` is sought in a
/// pause, and then for some points.
#[test]
fn figures_have_an_entry_a_step_however_the_target_changes_and_the_campaign_ends() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let mut running = program(&["run", "--microscope", "specimen", "--json", "--real-time"]);
    running.args(["--scalarizer", "line:Pd-La", "--scalarizer", "line:Au-Ma"]);
    running.args(["--budget", "80", "--dwell", "0.1", "--current", "60000"]);
    running.args(["--overview-dwell", "1", "--overhead", "0", "--out", name]);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = running.spawn().unwrap();
    let say = |words: &[&str]| assert_succeeded(&run(&[&["ctl", name], words].concat()));
    wait_for(&path, 2);
    say(&["target", "spectrum:3"]);
    say(&["target", "line:Pd-La"]);
    wait_for(&path, 13);
    say(&["pause"]);
    wait_until(&path, |status| status["state"] == "paused");
    say(&["target", "spectrum:2"]);
    say(&["target", "line:Au-Ma"]);
    say(&["resume"]);
    wait_for(&path, 17);
    say(&["target", "spectrum:2"]);
    wait_for(&path, 22);
    say(&["stop"]);
    assert_succeeded(&output_of(running));
    let read = |file: &str| fs::read_to_string(path.join(file)).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    let steps = summary["order"].as_array().unwrap().len();
    for figure in [
        "mae",
        "rmse",
        "nlpd",
        "target_coverage",
        "target_coverage_with_seeds",
        "observed_coverage",
        "surrogate_mean",
        "noise_sigma",
        "seconds",
        "training_seconds",
    ] {
        let figures = summary[figure].as_array().unwrap();
        assert_eq!(figures.len(), steps, "{figure}");
        assert!(figures[steps - 1].is_f64(), "{figure}");
    }
    let further = summary["further"].as_array().unwrap();
    assert_eq!(further.len(), 1, "{further:?}");
    assert_eq!(further[0]["target"], "component:2/2");
    assert_eq!(further[0]["units"], "√counts");
    assert_eq!(further[0]["mae"].as_array().unwrap().len(), steps);

    let table = read("acquisitions.csv");
    assert!(!table.contains("NaN"), "{table}");
    let header = table.lines().next().unwrap();
    assert!(
        !header.contains("/3") && header.contains("value:component:2/2,mean:"),
        "{header}"
    );

    let weights = read("components.csv");
    let header = weights.lines().next().unwrap();
    assert_eq!(header, "Energy (keV),component:1/2,component:2/2");
    assert!(path.join("components.svg").is_file());
    let report = read("report.html");
    for said in [
        "Curves are broken where another target was sought: line:Pd-La in counts up to step",
        "component:1/2, component:2/2 in √counts.",
        "MAE (counts, then √counts)",
    ] {
        assert!(report.contains(said), "{said}");
    }
}

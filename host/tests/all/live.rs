//! `beacon run`, `resume` and `ctl`, from the outside, with the mistakes that users make.

mod before_overview;
mod commands;
mod instrument;
mod story;
#[cfg(target_os = "linux")]
mod streams;

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use beacon_host::campaign::{ALGORITHM, Event};
use beacon_host::internal::journal::Journal;
use beacon_kernel::Capacity;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{assert_succeeded, json, program, write_npy};

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

#[test]
fn a_table_has_all_that_is_known_of_each_point_and_an_early_end_its_own_status() {
    let (_kept, path) = folder();
    let limited = [
        "--budget",
        "2000",
        "--dwell",
        "0.03",
        "--current",
        "60000",
        "--time-limit",
        "12s",
    ];
    let quick = ["--real-time", "--overview-dwell", "1", "--overhead", "0"];
    let output = on_specimen(&path, &[&limited[..], &quick].concat())
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(
        error.contains("ended early: the time limit was reached"),
        "{error}"
    );

    let text = fs::read_to_string(path.join("acquisitions.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let rows: Vec<_> = lines.collect();
    let column = |name: &str| {
        let at = names.iter().position(|found| *found == name);
        let at = at.unwrap_or_else(|| panic!("{name} is not among {names:?}"));
        rows.iter().map(move |row| row[at]).collect::<Vec<_>>()
    };
    let numbers = |name: &str| {
        let column = column(name).into_iter();
        column
            .map(|number| number.parse::<f64>().unwrap())
            .collect::<Vec<_>>()
    };
    let summary: Value =
        serde_json::from_slice(&fs::read(path.join("summary.json")).unwrap()).unwrap();
    assert_eq!(rows.len(), summary["positions"].as_array().unwrap().len());
    let authors = column("author");
    assert!(
        authors[..10].iter().all(|by| *by == "chance"),
        "{authors:?}"
    );
    assert!(
        authors[10..].iter().all(|by| *by == "strategy"),
        "{authors:?}"
    );
    assert!(numbers("seconds").is_sorted() && numbers("seconds")[0] > 0.0);
    assert!(numbers("dwell").iter().all(|dwell| *dwell == 0.03));
    let spent: f64 = numbers("electrons").iter().sum();
    assert!(spent > 0.0 && spent <= summary["dose_electrons"].as_f64().unwrap());
    assert_eq!(column("value"), column("value:line:Pd-La"));
    let target = summary["target"].as_str().unwrap();
    assert!(column("target").iter().all(|held| *held == target));
    // A pixel is as wide everywhere.
    let (x, columns) = (numbers("x"), numbers("column"));
    let steps: Vec<f64> = x
        .iter()
        .zip(&columns)
        .map(|(x, column)| x / (column + 0.5))
        .collect();
    assert!(
        steps.iter().all(|step| (step - steps[0]).abs() < 1e-9),
        "{steps:?}"
    );
    assert!(column("length_units").iter().all(|units| *units == "nm"));
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

#[test]
fn a_summary_has_what_a_replay_has_and_dose_and_positions() {
    let (_kept, path) = folder();
    let output = on_specimen(&path, &["--budget", "30"]).output().unwrap();
    let summary = summary(&output);
    assert_eq!(summary["order"].as_array().unwrap().len(), 20);
    assert_eq!(summary["positions"].as_array().unwrap().len(), 30);
    assert!(summary["dose_electrons"].as_f64().unwrap() > 1e9);
    assert_eq!(summary["ended"]["why"], "budget");
    for file in ["journal", "campaign.hspy", "report.html", "summary.json"] {
        assert!(path.join(file).is_file(), "{file}");
    }
    for gone in ["control", "reserve", "journal.new"] {
        assert!(!path.join(gone).exists(), "{gone}");
    }
}

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
            "budget is 10; expected more than the 10",
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
            "`absent.txt`: cannot be read",
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

/// Journals of earlier programs are still read, but their campaigns would take another way from here.
#[test]
fn a_journal_of_an_earlier_algorithm_is_refused_with_its_revision_and_left_as_it_is() {
    let (_kept, path) = folder();
    assert_succeeded(&on_specimen(&path, &["--budget", "12"]).output().unwrap());
    let (name, file) = (path.to_str().unwrap(), path.join("journal"));
    let records = Journal::open(&file).unwrap().records;
    for earlier in [3, 4, 5] {
        let mut first = records[0].1.clone();
        let Event::Begun(begun) = &mut first.event else {
            panic!("the journal begins with {first:?}");
        };
        begun.algorithm = earlier;
        fs::remove_file(&file).unwrap();
        let mut journal = Journal::begin(&file, &first).unwrap();
        for (_, record) in &records[1..] {
            journal.append(record).unwrap();
        }
        drop(journal);
        let written = fs::read(&file).unwrap();
        let (error, status) = refused(&["resume", name, "--budget", "14"]);
        assert_eq!(status, Some(2), "{error}");
        let found = format!("revision {earlier} of what decides, this program's is {ALGORITHM}");
        assert!(error.contains(&found), "{error}");
        let next = format!("go on with a program of revision {earlier}");
        assert!(error.contains(&next), "{error}");
        assert_eq!(fs::read(&file).unwrap(), written);
    }
}

#[test]
fn a_campaign_is_not_resumed_below_what_is_spent_nor_on_another_specimen() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    summary(&on_specimen(&path, &["--budget", "20"]).output().unwrap());
    let journal = fs::read(path.join("journal")).unwrap();
    for (changed, said) in [
        (
            ["--time-limit", "0.001s"],
            "time-limit is 0.001; expected more than the",
        ),
        (
            ["--dose-limit", "1e6"],
            "dose-limit is 1000000; expected at least",
        ),
        (
            ["--dose-limit", "-1"],
            "expected a number of electrons above 0",
        ),
        (
            ["--budget", "19"],
            "budget is 19; expected at least the 20 points",
        ),
        (
            ["--stall-after", "0"],
            "stall-after is 0; expected 1 or more points",
        ),
        (
            ["--drift-every", "0"],
            "drift-every is 0; expected 1 or more points",
        ),
        (
            ["--microscope", "specimen:nanoparticles:2"],
            "began on specimen nanoparticles:1",
        ),
    ] {
        let (error, status) = refused(&[&["resume", name], &changed[..]].concat());
        assert!(error.contains(said), "{changed:?}: {error}");
        assert_eq!(status, Some(2));
        assert!(fs::read(path.join("journal")).unwrap() == journal);
    }
}

/// A campaign that a limit ended says with which option it goes on, and with that it comes to its end; one
/// that is still too low is named, and changes nothing.
#[test]
fn the_option_that_is_named_is_enough() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    let mut limited = on_specimen(&path, &["--budget", "14", "--dose-limit", "1.4e11"]);
    let said = |output: &Output| {
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        String::from_utf8(output.stderr.clone()).unwrap()
    };
    let first = said(&limited.output().unwrap());
    let (_, option) = first
        .rsplit_once(&format!("`beacon resume {name} "))
        .unwrap();
    let option: Vec<&str> = option.split('`').next().unwrap().split(' ').collect();
    assert_eq!(option[0], "--dose-limit", "{first}");
    let status = run(&["ctl", name, "status", "--json"]);
    let status: Value = json(&status.stdout);
    assert_eq!(status["running"], false);
    let go_on = status["go_on"].as_str().unwrap();
    assert!(go_on.ends_with(&option.join(" ")), "{go_on}");

    let journal = fs::read(path.join("journal")).unwrap();
    let again = said(&run(&["resume", name, "--dose-limit", "1.41e11"]));
    assert!(again.contains("electrons of 1.4100e11 are used"), "{again}");
    assert!(fs::read(path.join("journal")).unwrap() == journal);

    // With another dwell, as `beacon ctl` would set it.
    let more = ["resume", name, "--json", "--dwell", "1.5s"];
    let whole = summary(&run(&[&more[..], &option].concat()));
    assert_eq!(whole["positions"].as_array().unwrap().len(), 14);
    let commands = whole["commands"].to_string();
    assert_eq!(commands, r#"[[11,{"Dwell":1.5}]]"#);
}

#[test]
fn a_truth_that_cannot_judge_keeps_nobody_from_measuring() {
    let (_kept, path) = folder();
    let at = path.parent().unwrap();
    let [image, constant, nothing] =
        ["image", "constant", "nothing"].map(|name| at.join(format!("{name}.npy")));
    write_npy(&image, &[20, 20], (0..400).map(|n| f64::from(n * n % 97)));
    write_npy(&constant, &[20, 20], (0..400).map(|_| 5.0));
    write_npy(&nothing, &[20, 20], (0..400).map(|_| f64::NAN));
    let on = |response: &Path| format!("replay:{},{}", image.display(), response.display());
    let (constant, nothing) = (on(&constant), on(&nothing));
    let out = path.to_str().unwrap();
    let further = ["--initial", "3", "--budget", "6", "--json", "--out", out];
    let arguments = [&["run", "--microscope", &constant], &further[..]].concat();
    let measured = summary(&run(&arguments));
    assert_eq!(measured["positions"].as_array().unwrap().len(), 6);
    let warnings = measured["warnings"].to_string();
    assert!(
        warnings.contains("the target cannot be judged"),
        "{warnings}"
    );
    let again = summary(&run(&["resume", out, "--budget", "8", "--json"]));
    assert_eq!(again["positions"].as_array().unwrap().len(), 8);
    // Data of another size have come to its files.
    for file in ["image.npy", "constant.npy"] {
        write_npy(&at.join(file), &[16, 16], (0..256).map(f64::from));
    }
    let (error, status) = refused(&["resume", out, "--budget", "9"]);
    let said = "the overview is 16 x 16 pixels; expected 20 x 20";
    assert!(error.contains(said) && status == Some(2), "{error}");
    // Without any number there is nothing to measure.
    write_npy(&image, &[20, 20], (0..400).map(f64::from));
    let (_kept, path) = folder();
    let out = path.to_str().unwrap();
    let further = ["--initial", "3", "--budget", "6", "--out", out];
    let (error, status) = refused(&[&["run", "--microscope", &nothing], &further[..]].concat());
    let said = "the number of candidates with data is 0; expected";
    assert!(error.contains(said) && status == Some(2), "{error}");
}

#[test]
fn journals_that_are_no_journals_are_named_and_left_alone() {
    let (_kept, path) = folder();
    let name = path.to_str().unwrap();
    summary(&on_specimen(&path, &["--budget", "20"]).output().unwrap());
    let journal = fs::read(path.join("journal")).unwrap();
    let half = journal.len() / 2;
    let changed = |at: usize, byte: u8| {
        let mut changed = journal.clone();
        changed[at] = byte;
        changed
    };
    for (content, said) in [
        (changed(15, 9), "a journal of version 9"),
        (changed(half, !journal[half]), "is not as it was written"),
        (b"my notes".to_vec(), "no journal"),
    ] {
        fs::write(path.join("journal"), &content).unwrap();
        let (error, status) = refused(&["resume", name]);
        assert!(error.contains(said), "{error}");
        assert_eq!(status, Some(2));
        assert!(fs::read(path.join("journal")).unwrap() == content);
    }
    let (_kept, nothing) = folder();
    let (error, _) = refused(&["resume", nothing.to_str().unwrap()]);
    assert!(error.contains("no campaign in it"), "{error}");
}

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

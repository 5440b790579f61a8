//! The program on the page about the control room, as it stands there.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use beacon_host::internal::control::status;

use super::{begin_asking, commands, records, until};

/// The first block of Python on the page.
fn block() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/docs/control-room.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once("```python\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.to_owned()
}

#[test]
fn ten_lines_of_python_pause_a_campaign_at_a_point_that_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("watchdog.py");
    let block = block();
    assert_eq!(block.lines().count(), 10);
    fs::write(&script, block).unwrap();
    let (program, out) = begin_asking(folder.path(), "--budget 40");
    let link = format!(
        "http://127.0.0.1:{}/#control={}",
        program.port, program.control
    );
    // Every point there is, and every one that comes, is above this.
    let watchdog = Command::new("python3")
        .arg(&script)
        .args([&link, "-1e30"])
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut watchdog) = watchdog else {
        let said = writeln!(std::io::stderr(), "skipped: no python3");
        return said.expect("standard error takes text");
    };
    // Nobody is told when it has begun to listen: points are measured until it has.
    let mut accepted = 0;
    while accepted < 25 && !status(&out).unwrap().state.contains("paus") {
        until(&out, |status| {
            status.commands.is_empty() && (status.proposal.is_some() || status.state == "paused")
        });
        // It may have paused just now, and then the proposal waits on.
        accepted += usize::from(program.post(&["accept"], &program.control).0 == 200);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(2)
            && !status(&out).unwrap().state.contains("paus")
        {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let alive = watchdog.try_wait().unwrap().is_none();
    watchdog.kill().unwrap();
    watchdog.wait().unwrap();
    assert!(alive, "it ended by itself");
    until(&out, |status| status.commands.is_empty());
    let given = commands(&records(&out));
    let pauses = given
        .iter()
        .filter(|(command, _)| command == "pause")
        .count();
    // Ten points were there before it came.
    assert!((1..=accepted).contains(&pauses), "{given:?}");
    let by = |word: &str, name: &str| {
        let mut of_word = given.iter().filter(|(command, _)| command == word);
        of_word.all(|(_, by)| by == name)
    };
    assert!(by("pause", "watchdog") && by("accept", "Ada"), "{given:?}");
}

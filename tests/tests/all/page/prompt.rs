//! How soon a page hears of a point.

use std::io::{BufRead as _, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::begin;

/// How late a page may hear of half of the points.
const LATE_MS: u64 = 200;

#[test]
fn a_page_hears_of_a_point_within_a_fifth_of_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let further = "--real-time --dwell 100ms --budget 30 --seed 3 --page-stay";
    let (program, _) = begin(folder.path(), further);
    let mut events = program.events(None);
    let (mut late, mut bytes) = (Vec::new(), 0);
    // When each point was recorded, and how late the map of so many points was offered.
    let (mut recorded, mut maps) = (Vec::new(), Vec::new());
    let (mut line, mut kind) = (String::new(), String::new());
    loop {
        line.clear();
        bytes += events.read_line(&mut line).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        if let Some(name) = line.strip_prefix("event: ") {
            name.trim().clone_into(&mut kind);
        }
        if line == "\n" {
            kind.clear();
        }
        let Some(told) = line.strip_prefix("data: ") else {
            continue;
        };
        let told: Value = serde_json::from_str(told).unwrap();
        let now = now.as_millis() as u64;
        let points = told["mean"]["points"].as_u64().unwrap_or_default() as usize;
        if kind == "maps" && (maps.len() + 1..=recorded.len()).contains(&points) {
            maps.resize(points - 1, None);
            maps.push(Some(now.saturating_sub(recorded[points - 1])));
        }
        if !kind.is_empty() {
            continue;
        }
        if told["event"] == "Ended" {
            break;
        }
        if told["event"] == "Measured" {
            let at = told["at_ms"].as_u64().unwrap();
            late.push(now.saturating_sub(at));
            recorded.push(at);
        }
    }
    assert_eq!(late.len(), 30);
    late.sort_unstable();
    let (median, most) = (late[15], late[29]);
    let mut maps: Vec<u64> = maps.into_iter().flatten().collect();
    maps.sort_unstable();
    // Not `println!`, which is only shown for tests that fail.
    let said = writeln!(
        std::io::stderr(),
        "a point is on the page after {median} ms, at most {most} ms, its map of the mean after {:?} ms; \
         {} bytes of events a point",
        maps.get(maps.len() / 2),
        bytes / 30
    );
    said.expect("standard error takes text");
    assert!(median < LATE_MS, "{late:?}");
}

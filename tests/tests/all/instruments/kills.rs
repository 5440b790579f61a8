//! Two hundred kills at random instants, of the program and of the instrument's server: nothing is
//! lost, nothing is measured twice, and the campaign takes the way it would have taken.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use beacon_host::live::{Event, Journal};
use beacon_host::microscope::ReplayMicroscope;
use beacon_kernel::{Candidate, Candidates};
use beacon_tests::bridge_standin::BridgeStandin;
use beacon_tests::live::{begin, settings};
use beacon_tests::standin_data::{SIDE, particles, spectra_of};
use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;
use tempfile::TempDir;

/// Side by side, so that waiting for one is not waiting for all.
const TEAMS: u64 = 6;
const KILLS: usize = 34;
const BUDGET: usize = 60;

fn program(arguments: &[&str], cache: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
        .args(arguments)
        .env("BEACON_CACHE", cache)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started")
}

/// Candidates that the journal in a folder holds as measured, in order, with their responses in
/// bits.
fn measured(folder: &Path) -> Vec<(u32, Vec<u64>)> {
    let found = Journal::open(&folder.join("journal")).expect("a journal that was never altered");
    let spectra = found.records.into_iter();
    spectra
        .filter_map(|(_, record)| match record.event {
            Event::Measured(measured) => {
                let bits = measured.acquired.spectrum.iter().map(|v| v.to_bits());
                Some((measured.candidate, bits.collect()))
            }
            _ => None,
        })
        .collect()
}

/// What an undisturbed campaign on the same data measures.
fn undisturbed(arguments: &[&str]) -> Vec<(u32, Vec<u64>)> {
    let (image, spectra) = spectra_of(&particles());
    let mut microscope = ReplayMicroscope::of_spectra(image, spectra, &[]).unwrap();
    let folder = TempDir::new().unwrap();
    let config = settings(&arguments[1..].join(" "));
    begin(&mut microscope, config, &folder.path().join("run")).unwrap();
    measured(&folder.path().join("run"))
}

/// Rows and columns of candidates.
fn pixels(measured: &[(u32, Vec<u64>)]) -> Vec<(usize, usize)> {
    let candidates = Candidates::new(SIDE, SIDE, 16).unwrap();
    let pixels = measured.iter();
    let pixels = pixels.map(|(candidate, _)| candidates.pixel(Candidate(*candidate)).unwrap());
    pixels.map(|pixel| (pixel.row, pixel.column)).collect()
}

fn below(random: &mut Xoshiro128PlusPlus, most: Duration) -> Duration {
    most.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX))
}

/// Runs the same in teams, each with random numbers of its own.
fn in_teams(team: impl Fn(&mut Xoshiro128PlusPlus) + Sync) {
    thread::scope(|scope| {
        for seed in 0..TEAMS {
            let team = &team;
            scope.spawn(move || team(&mut Xoshiro128PlusPlus::seed_from_u64(seed)));
        }
    });
}

#[test]
fn the_program_may_be_killed_at_any_instant() {
    in_teams(kill_the_program);
}

fn kill_the_program(random: &mut Xoshiro128PlusPlus) {
    let Some(standin) = BridgeStandin::start(&particles(), &[]) else {
        return;
    };
    let cache = TempDir::new().unwrap();
    let (mut kills, mut campaigns) = (0, 0);
    while kills < KILLS {
        campaigns += 1;
        let microscope = format!("bridge:{}", standin.address());
        // Windows of different sizes make the campaigns different.
        let lines = ["line:Pd-La", "line:Au-Ma", "sum", "window:1.5..1.6"];
        let budget = BUDGET.to_string();
        let run = [
            "run",
            "--microscope",
            &microscope,
            "--budget",
            &budget,
            "--scalarizer",
            lines[campaigns % lines.len()],
            "--dwell",
            "0.001",
            "--timeout",
            "5",
        ];
        let expected = undisturbed(&run);
        let already = standin.completed().len();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("run");
        let name = path.to_str().unwrap();
        loop {
            let fresh = !path.join("journal").exists();
            let arguments = if fresh {
                [&run[..], &["--out", name, "--retrain-every", "10"]].concat()
            } else {
                vec!["resume", name]
            };
            let mut program = program(&arguments, cache.path());
            let life = below(random, Duration::from_millis(500));
            let begun = Instant::now();
            let ended = loop {
                if let Some(status) = program.try_wait().unwrap() {
                    break Some(status);
                }
                if begun.elapsed() >= life {
                    program.kill().unwrap();
                    program.wait().unwrap();
                    break None;
                }
                thread::sleep(Duration::from_millis(2));
            };
            match ended {
                None => kills += 1,
                Some(status) if status.success() => break,
                Some(status) => panic!("{arguments:?}: {status}"),
            }
        }
        let found = measured(&path);
        assert!(found == expected, "campaign {campaigns} took another way");
        // The sample was exposed in full once for every point, whoever got the answer.
        let mut exposed = standin.completed()[already..].to_vec();
        let mut points = pixels(&found);
        exposed.sort_unstable();
        points.sort_unstable();
        assert_eq!(exposed, points, "campaign {campaigns}");
        assert!(standin.is_blanked());
    }
    println!("{kills} kills in {campaigns} campaigns");
}

#[test]
fn the_server_of_the_instrument_may_be_killed_at_any_instant() {
    in_teams(kill_the_server);
}

fn kill_the_server(random: &mut Xoshiro128PlusPlus) {
    let Some(mut standin) = BridgeStandin::start(&particles(), &["--standin-delay", "0.01"]) else {
        return;
    };
    let cache = TempDir::new().unwrap();
    let (mut kills, mut campaigns) = (0, 0);
    while kills < KILLS {
        campaigns += 1;
        let microscope = format!("bridge:{}", standin.address());
        let budget = (2 * BUDGET).to_string();
        let run = [
            "run",
            "--microscope",
            &microscope,
            "--budget",
            &budget,
            "--scalarizer",
            if campaigns % 2 == 0 {
                "sum"
            } else {
                "line:Pd-La"
            },
            "--dwell",
            "0.001",
            "--timeout",
            "5",
        ];
        let expected = undisturbed(&run);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("run");
        let name = path.to_str().unwrap();
        let arguments = [&run[..], &["--out", name, "--retrain-every", "10"]].concat();
        let mut program = program(&arguments, cache.path());
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let status = program.wait().unwrap();
                done.store(true, Ordering::Relaxed);
                assert!(status.success(), "{status}");
            });
            // Before the first points there is no campaign to lose; after a kill, the next waits
            // until the program has gone on.
            let mut seen = 20_000;
            while !done.load(Ordering::Relaxed) {
                let size = std::fs::metadata(path.join("journal")).map_or(0, |file| file.len());
                if size <= seen || kills >= KILLS {
                    thread::sleep(Duration::from_millis(2));
                    continue;
                }
                thread::sleep(below(random, Duration::from_millis(150)));
                standin.kill();
                kills += 1;
                // A failure that was written down is not yet a point that was measured.
                seen = size + 3_000;
                thread::sleep(below(random, Duration::from_millis(50)));
                standin.restart();
            }
        });
        let found = measured(&path);
        assert!(found == expected, "campaign {campaigns} took another way");
        assert!(standin.is_blanked());
    }
    println!("{kills} kills in {campaigns} campaigns");
}

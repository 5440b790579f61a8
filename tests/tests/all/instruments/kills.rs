//! Two hundred kills at random points of progress, of the program and of the instrument's server:
//! nothing is lost, nothing is measured twice, and the campaign takes the way it would have taken.
//!
//! A kill comes when the journal has grown by so many bytes or when so many files of results have
//! been written, and a moment later. No clock says when, so that a slow machine gets as far.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use beacon_host::campaign::{CampaignConfig, Event};
use beacon_host::data::{Axis, Map, Spectra};
use beacon_host::internal::journal::Journal;
use beacon_host::microscope::ReplayMicroscope;
use beacon_kernel::Candidate;
use beacon_tests::bridge_standin::BridgeStandin;
use beacon_tests::live::{begin, resume, settings};
use beacon_tests::standin_data::{SIDE, particles, spectra_of};
use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro128PlusPlus;
use tempfile::{NamedTempFile, TempDir};

/// Side by side, so that waiting for one is not waiting for all.
const WORKERS: u64 = 6;
const KILLS: usize = 34;
const BUDGET: usize = 60;
/// Half a spectrum in the journal: a failure that was written down is shorter.
const HALF_POINT: u64 = 1_600;
/// Points that a life may get further, at most.
const POINTS: u32 = 12;
/// Files of results that a life may get further than the life before, at most.
const FILES: u32 = 12;
/// What a campaign that neither grows its journal nor writes a file is given up after.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);
pub(super) const POLL: Duration = Duration::from_millis(2);

/// The program, killed where this is dropped while it runs; what it says last is kept.
pub(super) struct Life {
    program: Child,
    said: NamedTempFile,
}

impl Life {
    pub(super) fn begin(arguments: &[&str], cache: &Path) -> Self {
        let said = NamedTempFile::new().expect("a file for what the program says");
        let program = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
            .args(arguments)
            .env("BEACON_CACHE", cache)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said.reopen().expect("the file can be opened"))
            .spawn();
        let program = program.expect("the program can be started");
        Self { program, said }
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.program.try_wait().expect("the program can be asked")
    }

    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }

    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.said.path()).expect("the program says text")
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Files of results in a folder by name, with what changes when one is replaced.
fn results(folder: &Path) -> HashMap<String, (u64, i64, i64)> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            // What the campaign itself works with has no extension, or is hidden.
            if !name.contains('.') || name.starts_with('.') || name.starts_with("journal") {
                return None;
            }
            // One that is being replaced may be gone.
            let data = file.metadata().ok()?;
            Some((name, (data.ino(), data.mtime(), data.mtime_nsec())))
        })
        .collect()
}

/// How far a campaign has got since this was made.
struct Watch<'a> {
    folder: &'a Path,
    before: HashMap<String, (u64, i64, i64)>,
    length: u64,
    seen: (u64, usize),
    since: Instant,
}

impl<'a> Watch<'a> {
    fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            before: results(folder),
            length: Self::length(folder),
            seen: (0, 0),
            since: Instant::now(),
        }
    }

    fn length(folder: &Path) -> u64 {
        fs::metadata(folder.join("journal")).map_or(0, |journal| journal.len())
    }

    /// Bytes that the journal has grown by, and files of results that were written.
    ///
    /// # Panics
    /// When neither became more for longer than patience lasts.
    fn progress(&mut self) -> (u64, usize) {
        let grown = Self::length(self.folder).saturating_sub(self.length);
        let files = results(self.folder);
        let written = files
            .iter()
            .filter(|(name, file)| self.before.get(*name) != Some(*file));
        let now = (grown, written.count());
        if now != self.seen {
            self.seen = now;
            self.since = Instant::now();
        }
        assert!(
            self.since.elapsed() < PATIENCE,
            "no progress within {PATIENCE:?} after {} bytes of the journal and {} files of results",
            now.0,
            now.1
        );
        now
    }
}

/// Candidates that the journal in a folder holds as measured, in order, with their responses in
/// bits.
pub(super) fn measured(folder: &Path) -> Vec<(u32, Vec<u64>)> {
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

/// What makes the campaigns of a test different: windows of different sizes.
pub(super) const LINES: [&str; 4] = ["line:Pd-La", "line:Au-Ma", "sum", "window:1.5..1.6"];

/// What undisturbed campaigns of each line measure, worked out once for all workers.
type Undisturbed = [OnceLock<Vec<(u32, Vec<u64>)>>; LINES.len()];

pub(super) fn arguments<'a>(microscope: &'a str, budget: &'a str, line: &'a str) -> [&'a str; 11] {
    [
        "run",
        "--microscope",
        microscope,
        "--budget",
        budget,
        "--scalarizer",
        line,
        "--dwell",
        "0.001",
        // An instrument that is killed hangs up; one on a busy machine may be slow.
        "--timeout",
        "60",
    ]
}

/// Rows and columns of candidates.
pub(super) fn pixels(measured: &[(u32, Vec<u64>)]) -> Vec<(usize, usize)> {
    let candidates = CampaignConfig::default().candidates(SIDE, SIDE).unwrap();
    let pixels = measured.iter();
    let pixels = pixels.map(|(candidate, _)| candidates.pixel(Candidate(*candidate)).unwrap());
    pixels.map(|pixel| (pixel.row, pixel.column)).collect()
}

/// A moment: shorter than a point, so that a kill comes anywhere between two.
pub(super) fn moment(random: &mut Xoshiro128PlusPlus) -> Duration {
    Duration::from_millis(30).mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX))
}

/// Runs the same in several workers, each with random numbers of its own.
pub(super) fn in_workers(worker: impl Fn(&mut Xoshiro128PlusPlus) + Sync) {
    thread::scope(|scope| {
        for seed in 0..WORKERS {
            let worker = &worker;
            scope.spawn(move || worker(&mut Xoshiro128PlusPlus::seed_from_u64(seed)));
        }
    });
}

#[test]
fn the_program_may_be_killed_at_any_instant() {
    let expected = Undisturbed::default();
    in_workers(|random| kill_the_program(random, &expected));
}

fn kill_the_program(random: &mut Xoshiro128PlusPlus, expected: &Undisturbed) {
    let Some(standin) = BridgeStandin::start(&particles(), &[]) else {
        return;
    };
    let cache = TempDir::new().unwrap();
    let (mut kills, mut at_results, mut campaigns) = (0, 0, 0);
    while kills < KILLS {
        campaigns += 1;
        let (microscope, budget) = (format!("bridge:{}", standin.address()), BUDGET.to_string());
        let run = arguments(&microscope, &budget, LINES[campaigns % LINES.len()]);
        let expected = expected[campaigns % LINES.len()].get_or_init(|| undisturbed(&run));
        let already = standin.completed().len();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("run");
        let name = path.to_str().unwrap();
        let mut files = 0;
        let mut refused = None;
        loop {
            let fresh = !path.join("journal").exists();
            let arguments = if fresh {
                [&run[..], &["--out", name, "--retrain-every", "10"]].concat()
            } else {
                vec!["resume", name]
            };
            // Each life writes more files than the one before, so that one is the last.
            files += 1 + (random.next_u32() % FILES) as usize;
            let bytes = u64::from(random.next_u32() % (2 * POINTS)) * HALF_POINT;
            let mut watch = Watch::new(&path);
            let mut life = Life::begin(&arguments, cache.path());
            let ended = loop {
                if let Some(status) = life.ended() {
                    break Some(status);
                }
                let (grown, written) = watch.progress();
                if kills < KILLS && (grown >= bytes || written >= files) {
                    thread::sleep(moment(random));
                    at_results += usize::from(written > 0);
                    break None;
                }
                thread::sleep(POLL);
            };
            if watch.seen.1 == 0 {
                files = 0;
            }
            match ended {
                // It may have ended in the last moment.
                None => {
                    kills += 1;
                    refused = None;
                }
                Some(status) if status.success() => break,
                // The server has not yet noticed that the life before is over.
                Some(_) if life.said().contains("another host is served") => {
                    let since = *refused.get_or_insert_with(Instant::now);
                    assert!(since.elapsed() < PATIENCE, "{}", life.said());
                }
                Some(status) => panic!("{arguments:?}: {status}: {}", life.said()),
            }
        }
        let found = measured(&path);
        assert!(found == *expected, "campaign {campaigns} took another way");
        // The sample was exposed in full once for every point, whoever got the answer.
        let mut exposed = standin.completed()[already..].to_vec();
        let mut points = pixels(&found);
        exposed.sort_unstable();
        points.sort_unstable();
        assert_eq!(exposed, points, "campaign {campaigns}");
        assert!(standin.is_blanked());
    }
    println!("{kills} kills in {campaigns} campaigns, {at_results} while results were written");
    assert!(at_results > 0, "no kill while results were written");
}

#[test]
fn the_server_of_the_instrument_may_be_killed_at_any_instant() {
    let expected = Undisturbed::default();
    in_workers(|random| kill_the_server(random, &expected));
}

fn kill_the_server(random: &mut Xoshiro128PlusPlus, expected: &Undisturbed) {
    let Some(mut standin) = BridgeStandin::start(&particles(), &["--standin-delay", "0.01"]) else {
        return;
    };
    let cache = TempDir::new().unwrap();
    let (mut kills, mut campaigns) = (0, 0);
    while kills < KILLS {
        campaigns += 1;
        assert!(campaigns <= KILLS, "{kills} kills in {KILLS} campaigns");
        let microscope = format!("bridge:{}", standin.address());
        let budget = (2 * BUDGET).to_string();
        let run = arguments(&microscope, &budget, LINES[campaigns % LINES.len()]);
        let expected = expected[campaigns % LINES.len()].get_or_init(|| undisturbed(&run));
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("run");
        let name = path.to_str().unwrap();
        let arguments = [&run[..], &["--out", name, "--retrain-every", "10"]].concat();
        let mut watch = Watch::new(&path);
        let mut life = Life::begin(&arguments, cache.path());
        // Before the first points there is no campaign to lose; after a kill, the next waits until
        // the program has gone on: a failure that was written down is not yet a point.
        let mut next = 12 * HALF_POINT;
        let status = loop {
            if let Some(status) = life.ended() {
                break status;
            }
            let (grown, _) = watch.progress();
            if grown < next || kills >= KILLS {
                thread::sleep(POLL);
                continue;
            }
            thread::sleep(moment(random));
            standin.kill();
            kills += 1;
            next = grown + u64::from(2 + random.next_u32() % 8) * HALF_POINT;
            thread::sleep(moment(random));
            standin.restart();
        };
        assert!(status.success(), "{status}: {}", life.said());
        let found = measured(&path);
        assert!(found == *expected, "campaign {campaigns} took another way");
        assert!(standin.is_blanked());
    }
    println!("{kills} kills in {campaigns} campaigns");
}

/// Several campaigns side by side: a resume waits for threads of its own more than it works.
#[test]
fn campaigns_that_have_ended_are_resumed_five_thousand_times_and_their_journals_stay() {
    const RESUMES: usize = 5000;
    in_workers(|_| resume_again_and_again(RESUMES.div_ceil(WORKERS as usize)));
}

fn resume_again_and_again(resumes: usize) {
    // Small, so that thousands take seconds.
    const SIDE: usize = 14;
    const CHANNELS: usize = 4;
    let value = |n: usize| (n as f64 * 0.37).sin() + (n as f64).sqrt();
    let values = (0..SIDE * SIDE).map(value).collect();
    let image = Map::uncalibrated(SIDE, SIDE, values, "HAADF");
    let [rows, columns, channels] = [("y", SIDE), ("x", SIDE), ("channel", CHANNELS)]
        .map(|(name, size)| Axis::pixels(name, size));
    let coordinates = (0..CHANNELS).map(|n| channels.value(n)).collect();
    let values = (0..SIDE * SIDE * CHANNELS).map(|n| value(n) as f32 + 2.0);
    let spectra = Spectra::new(rows, columns, channels, coordinates, values.collect());
    // In memory where there is such a place: every resume waits for the disk.
    let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
    let folder = folder.unwrap();
    let path = folder.path().join("run");
    let mut microscope = ReplayMicroscope::of_spectra(image, spectra, &[]).unwrap();
    let config = settings(
        "--microscope bridge:nowhere:1 --budget 4 --initial 3 --initial-epochs 1 --window 4 \
         --scalarizer sum",
    );
    let ended = begin(&mut microscope, config, &path).unwrap();
    resume(&mut microscope, &path).unwrap();
    let journal = fs::read(path.join("journal")).unwrap();
    for n in 2..=resumes {
        let again = resume(&mut microscope, &path);
        let again = again.unwrap_or_else(|error| panic!("resume {n}: {error}"));
        assert_eq!(again.trajectory(), ended.trajectory(), "resume {n}");
        let length = fs::metadata(path.join("journal")).unwrap().len();
        assert_eq!(length, journal.len() as u64, "resume {n}");
    }
    assert!(fs::read(path.join("journal")).unwrap() == journal);
}

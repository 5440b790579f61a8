//! Kills in the middle of commands: the program dies between the line that keeps a command, the record
//! that takes it, and what follows from it. Every state after a resume equals that of a campaign that
//! was never killed.
//!
//! Every proposal waits for `accept`, so that each command comes at a known point of the campaign
//! however slow the machine. A kill comes at a point of progress: when the command is kept, or when
//! the journal has grown so many times since.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Instant;

use beacon_host::campaign::{Action, Event, Now, Settings, State, Wait};
use beacon_host::internal::control::tell;
use beacon_host::internal::journal::Journal;
use beacon_tests::bridge_standin::BridgeStandin;
use beacon_tests::live::settings;
use beacon_tests::standin_data::particles;
use rand_core::Rng as _;
use rand_xoshiro::Xoshiro128PlusPlus;
use tempfile::TempDir;

use super::kills::{LINES, Life, PATIENCE, POLL, arguments, in_workers, measured, moment, pixels};

/// Points at the end, and before `budget` raised them.
const BUDGET: usize = 18;
const BEFORE: &str = "16";
/// Lives that one command costs, at most.
const LIVES: usize = 3;
/// Times that the journal may grow before a kill, where more than `Commanded` follows from a command:
/// `Trained`, `Proposed`, and points. Other commands are killed when the journal has nothing of them.
const GROWTHS: u32 = 3;
/// Campaigns of a worker.
const CAMPAIGNS: usize = 2;

/// What of a state has to be the same: where every candidate stands, the points with their
/// responses bit by bit, settings, model, dose, and the commands.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    standings: String,
    points: Vec<(u32, Vec<u64>, bool, u32)>,
    settings: Settings,
    next: Option<u32>,
    model: (u32, u32, usize),
    electrons: u64,
    commands: Vec<(usize, String)>,
}

impl Known {
    fn of(state: &State) -> Self {
        let point = |point: &beacon_host::campaign::MeasuredPoint| {
            let bits = point.responses.iter().map(|r| r.to_bits()).collect();
            (point.candidate.0, bits, point.discarded, point.revision)
        };
        let commands = state.commands().iter();
        Self {
            standings: format!("{:?}", state.standings()),
            points: state.points().iter().map(point).collect(),
            settings: state.settings().clone(),
            next: state.next_point().map(|next| next.candidate.0),
            model: (state.epoch(), state.revision(), state.seeds()),
            electrons: state.ledger().total().get().to_bits(),
            commands: commands
                .map(|(points, given)| (*points, given.command.to_string()))
                .collect(),
        }
    }
}

/// How far a command had come when the program was killed.
type Killed = BTreeMap<(String, &'static str), usize>;

/// A campaign in a folder, whose program may be killed and is started again.
struct Campaign<'a> {
    run: &'a [&'a str],
    path: &'a Path,
    cache: &'a Path,
    life: Life,
    /// Times that it was resumed, and commands that were kept.
    resumes: usize,
    kept: usize,
    /// The state after each command.
    known: Vec<Known>,
}

impl<'a> Campaign<'a> {
    fn begin(run: &'a [&'a str], path: &'a Path, cache: &'a Path) -> Self {
        let name = path.to_str().expect("a path of letters");
        Self {
            run,
            path,
            cache,
            life: Life::begin(&[run, &["--out", name]].concat(), cache),
            resumes: 0,
            kept: 0,
            known: Vec::new(),
        }
    }

    /// The state by the journal as it is now, and how often the campaign was resumed; `None` where
    /// there is none yet.
    fn look(&self) -> Option<(State, usize)> {
        // A program that runs owns its journal: opening that would take a record that is being
        // written for a torn one.
        let folder = TempDir::new().expect("a folder for a copy");
        let copy = folder.path().join("journal");
        fs::copy(self.path.join("journal"), &copy).ok()?;
        let mut records = Journal::open(&copy).ok()?.records.into_iter();
        let Some(Event::Begun(begun)) = records.next().map(|(_, record)| record.event) else {
            return None;
        };
        let config = settings(&self.run[1..].join(" "));
        let settings = Settings::live(&config, &begun.channels).expect("they are in range");
        let mut state = State::new(*begun, settings);
        let mut resumes = 0;
        for (_, record) in records {
            resumes += usize::from(matches!(record.event, Event::Resumed(_)));
            state
                .apply(&record.event)
                .expect("a journal that fits together");
        }
        Some((state, resumes))
    }

    /// The state, once all that follows from every command that was kept is in the journal.
    fn settled(&self) -> Option<State> {
        let (state, resumes) = self.look()?;
        let waits = matches!(
            state.next(&Now::default()),
            Action::Wait(Wait::Approval(_) | Wait::Paused)
        );
        let taken = state.commands_taken() == self.kept && resumes == self.resumes;
        (waits && taken).then_some(state)
    }

    fn settle(&mut self) -> State {
        let since = Instant::now();
        loop {
            if let Some(state) = self.settled() {
                return state;
            }
            if let Some(status) = self.life.ended() {
                panic!("{status}: {}", self.life.said());
            }
            assert!(since.elapsed() < PATIENCE, "{:?}", self.look());
            thread::sleep(POLL);
        }
    }

    /// Starts the program again, and waits until it has taken the campaign up, or found it at its end.
    fn resume(&mut self) {
        let since = Instant::now();
        let name = self.path.to_str().expect("a path of letters");
        self.life = Life::begin(&["resume", name], self.cache);
        while self
            .look()
            .is_none_or(|(_, resumes)| resumes == self.resumes)
        {
            match self.life.ended() {
                Some(status) if status.success() => return,
                // The server has not yet noticed that the life before is over.
                Some(_) if self.life.said().contains("another host is served") => {
                    self.life = Life::begin(&["resume", name], self.cache);
                }
                Some(status) => panic!("{status}: {}", self.life.said()),
                None => {}
            }
            assert!(since.elapsed() < PATIENCE, "{}", self.life.said());
            thread::sleep(POLL);
        }
        self.resumes += 1;
    }

    /// Gives a command without a kill.
    fn give(&mut self, words: &str) {
        keep(self.path, self.kept, words, &AtomicBool::new(false));
        self.kept += 1;
    }

    /// Waits for what follows from a command, and notes the state.
    fn note(&mut self) {
        let state = self.settle();
        self.known.push(Known::of(&state));
    }

    /// Gives a command and kills the program in the middle of it, and then the lives after that.
    fn give_and_kill(
        &mut self,
        words: &str,
        random: &mut Xoshiro128PlusPlus,
        killed: &Mutex<Killed>,
    ) {
        let (path, kept) = (self.path, self.kept);
        let over = AtomicBool::new(false);
        let mut in_the_middle = false;
        thread::scope(|scope| {
            let over = &over;
            scope.spawn(move || keep(path, kept, words, over));
            while lines(path) == kept {
                thread::sleep(POLL);
            }
            self.kept += 1;
            in_the_middle = self.kill_in(words, random, killed);
            over.store(true, Ordering::Relaxed);
        });
        self.resume();
        for _ in 1..LIVES {
            if in_the_middle {
                in_the_middle = self.kill_in(words, random, killed);
                self.resume();
            }
        }
    }

    /// Kills the program once the journal has grown so many times, or nothing more follows. Whether that
    /// was in the middle of the command.
    fn kill_in(
        &mut self,
        words: &str,
        random: &mut Xoshiro128PlusPlus,
        killed: &Mutex<Killed>,
    ) -> bool {
        let journal = || fs::metadata(self.path.join("journal")).map_or(0, |file| file.len());
        let follows = words.starts_with("discard") || words == "approve off";
        let growths = random.next_u32() % if follows { GROWTHS } else { 1 };
        let (mut length, mut grown) = (journal(), 0);
        while grown < growths && self.settled().is_none() && self.life.ended().is_none() {
            let now = journal();
            grown += u32::from(now != length);
            length = now;
            thread::sleep(POLL);
        }
        thread::sleep(moment(random).mul_f64(0.1));
        self.life.kill();
        let (state, _) = self.look().expect("a campaign that was begun");
        let came = match self.settled() {
            _ if state.commands_taken() < self.kept => "kept",
            None if state.ended().is_none() => "taken",
            _ => "done",
        };
        let command = words.split(' ').next().unwrap_or_default().to_owned();
        let mut killed = killed.lock().expect("nobody panicked with it");
        *killed.entry((command, came)).or_default() += 1;
        came != "done"
    }

    /// Waits until the program ends, as often as that takes.
    fn finish(&mut self) {
        let since = Instant::now();
        loop {
            match self.life.ended() {
                Some(status) if status.success() => return,
                Some(status) => panic!("{status}: {}", self.life.said()),
                None => thread::sleep(POLL),
            }
            assert!(since.elapsed() < PATIENCE, "{}", self.life.said());
        }
    }

    /// Gives all commands, and kills the program where there are random numbers for it.
    fn go(&mut self, mut kills: Option<(&mut Xoshiro128PlusPlus, &Mutex<Killed>)>) {
        self.settle();
        for step in SCRIPT {
            let (words, may_kill) = match *step {
                Step::Accept(count) => {
                    for _ in 0..count {
                        self.give("accept");
                        self.note();
                    }
                    continue;
                }
                Step::DiscardFirst => {
                    let state = self.settle();
                    let pixel = state.points()[0].pixel;
                    (format!("discard {},{}", pixel.row, pixel.column), true)
                }
                Step::Quiet(words) => (words.to_owned(), false),
                Step::Kill(words) => (words.to_owned(), true),
            };
            let over = words == "approve off" && may_kill;
            match &mut kills {
                Some((random, killed)) if may_kill => {
                    self.give_and_kill(&words, random, killed);
                }
                _ => self.give(&words),
            }
            if !over {
                self.note();
            }
        }
        self.finish();
    }
}

/// What a campaign is told, in order.
enum Step {
    /// So many proposals are accepted, one after the other.
    Accept(usize),
    /// The first point is discarded, and the program killed.
    DiscardFirst,
    /// A command without a kill.
    Quiet(&'static str),
    /// A command in the middle of which the program is killed.
    Kill(&'static str),
}

const SCRIPT: &[Step] = &[
    Step::Accept(6),
    Step::Quiet("exclude 8..16,8..24"),
    Step::Accept(2),
    Step::DiscardFirst,
    Step::Accept(2),
    Step::Kill("include 8..16,8..24"),
    Step::Accept(2),
    Step::Kill("budget 18"),
    // A pause ends with the program that it was given to: what comes next is kept before the kill,
    // and holds before anything is measured.
    Step::Quiet("pause"),
    Step::Quiet("approve off"),
    Step::Kill("approve on"),
    Step::Quiet("resume"),
    Step::Accept(1),
    Step::Kill("approve off"),
];

/// Gives a command until it is kept, or the program is over.
fn keep(path: &Path, kept: usize, words: &str, over: &AtomicBool) {
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let since = Instant::now();
    let mut answer = None;
    while lines(path) == kept && !over.load(Ordering::Relaxed) {
        assert!(since.elapsed() < PATIENCE, "{words:?}: {answer:?}");
        answer = tell(path, &words, "Ada").err();
        thread::sleep(POLL);
    }
}

/// Commands that are kept in a folder.
fn lines(path: &Path) -> usize {
    let kept = fs::read_to_string(path.join("commands")).unwrap_or_default();
    kept.matches('\n').count()
}

/// States and measurements of a campaign.
type Whole = (Vec<Known>, Vec<(u32, Vec<u64>)>);

/// Runs a campaign on a stand-in of its own: `None` where no Python has numpy.
fn run(line: &str, kills: Option<(&mut Xoshiro128PlusPlus, &Mutex<Killed>)>) -> Option<Whole> {
    let standin = BridgeStandin::start(&particles(), &[])?;
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = folder.path().join("run");
    let microscope = format!("bridge:{}", standin.address());
    let run = arguments(&microscope, BEFORE, line);
    let own = ["--approve", "--initial", "4", "--retrain-every", "3"];
    let run = [&run[..], &own].concat();
    let mut campaign = Campaign::begin(&run, &path, cache.path());
    campaign.go(kills);
    let mut known = std::mem::take(&mut campaign.known);
    let (state, _) = campaign.look().unwrap();
    // A kill of a point under the beam counts its dose twice.
    known.push(Known {
        electrons: 0,
        ..Known::of(&state)
    });
    let found = measured(&path);
    assert_eq!(found.len(), BUDGET);
    // The sample was exposed in full once for every point, whoever got the answer.
    let (mut exposed, mut points) = (standin.completed(), pixels(&found));
    exposed.sort_unstable();
    points.sort_unstable();
    assert_eq!(exposed, points);
    assert!(standin.is_blanked());
    Some((known, found))
}

#[test]
fn the_program_may_be_killed_in_the_middle_of_a_command() {
    let undisturbed: [OnceLock<Option<Whole>>; LINES.len()] = Default::default();
    let killed = Mutex::new(Killed::new());
    in_workers(|random| {
        for _ in 0..CAMPAIGNS {
            let which = random.next_u32() as usize % LINES.len();
            let expected = undisturbed[which].get_or_init(|| run(LINES[which], None));
            let found = run(LINES[which], Some((random, &killed)));
            let (Some((expected, all)), Some((known, measured))) = (expected, found) else {
                return;
            };
            assert_eq!(known.len(), expected.len());
            for (n, (known, expected)) in known.iter().zip(expected).enumerate() {
                assert_eq!(known, expected, "after command {n}");
            }
            assert!(measured == *all, "the campaign took another way");
        }
    });
    let killed = killed.into_inner().unwrap();
    println!("kills by command and how far it had come: {killed:?}");
    for came in ["kept", "taken"] {
        let some = killed.keys().any(|(_, found)| *found == came);
        assert!(
            some || killed.is_empty(),
            "no kill of a command that was {came}"
        );
    }
}

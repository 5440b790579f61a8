//! The machine driven by arbitrary events: nothing is exposed twice without a reason on record, no
//! limit is passed, and folding what is on record and going on equals never having stopped.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::campaign::{
    ALGORITHM, CampaignConfig, Command, DoseError, Exposing, Limits, Resumed, Trained,
};
use crate::data::{Axis, Channels};
use crate::microscope::{Acquired, Beam};
use crate::units::ElectronsPerSquareAngstrom;

/// Rows and columns of the image, and the window: 25 candidates.
const SIDE: usize = 8;
const WINDOW: usize = 4;
const ELECTRONS_A_PICOAMPERE_SECOND: f64 = 1e-12 / 1.602_176_634e-19;

fn electrons(number: f64) -> Electrons {
    Electrons::new(number).unwrap()
}

fn nanometres(name: &str) -> Axis {
    Axis {
        units: "nm".to_owned(),
        scale: 0.1,
        ..Axis::pixels(name, SIDE)
    }
}

fn beam() -> Beam {
    Beam {
        current: Picoamperes::new(10.0).ok(),
        overview_dwell: None,
    }
}

fn begun(seeds: Option<Vec<u32>>) -> Begun {
    Begun {
        version: "test".to_owned(),
        algorithm: ALGORITHM,
        id: 7,
        settings: String::new(),
        instrument: "none".to_owned(),
        channels: Channels {
            axis: Axis::pixels("energy", 3),
            coordinates: vec![0.0, 1.0, 2.0],
            quantity: "X-rays".to_owned(),
            units: "counts".to_owned(),
            elements: Vec::new(),
        },
        beam: beam(),
        frame: Some((nanometres("y"), nanometres("x"))),
        overview_time: Seconds::new(0.2).ok(),
        real_to_live: 1.5,
        seeds,
    }
}

fn settings(budget: usize, limits: Limits) -> Settings {
    let campaign = CampaignConfig {
        window: WINDOW,
        initial: 3,
        ..CampaignConfig::default()
    };
    Settings {
        limits,
        budget,
        drift_every: Some(4),
        most_failures: 4,
        ..Settings::offline(campaign, 0, Vec::new())
    }
}

fn overview() -> Event {
    let image = Map {
        values: vec![0.0; SIDE * SIDE],
        rows: nanometres("y"),
        columns: nanometres("x"),
        quantity: "HAADF".to_owned(),
        units: String::new(),
    };
    Event::Overview(Box::new(Overview {
        image,
        beam: beam(),
        absent: vec![Region::pixel(2, 2)],
    }))
}

fn given(command: Command) -> Given {
    Given {
        command,
        by: "somebody".to_owned(),
        at_ms: 0,
    }
}

/// A command out of a number, often one that cannot hold.
fn command(n: u32) -> Command {
    let candidate = n / 32 % 27;
    let region = Region {
        rows: (n / 32 % 8) as usize..(n / 256 % 9) as usize,
        columns: (n / 2048 % 8) as usize..(n / 16_384 % 9) as usize,
    };
    match n % 18 {
        0 => Command::Strategy(["ei", "best", "random"][n as usize / 32 % 3].to_owned()),
        1 => Command::Target(["sum", "window:0..1.5", "loop-area"][n as usize / 32 % 3].to_owned()),
        2 => Command::Exclude(region),
        3 => Command::Include(region),
        4 | 5 => Command::Measure(candidate),
        6 | 7 => Command::Discard(candidate),
        8 => Command::Restore(candidate),
        9 => Command::Budget((n / 32 % 30) as usize),
        10 => Command::DoseLimit([f64::NAN, -1.0, 1e9, 3e9, 1e12][n as usize / 32 % 5]),
        11 => Command::Dwell([0.0, 1.0, 2.0, f64::INFINITY][n as usize / 32 % 4]),
        12 => Command::Approve((n / 32).is_multiple_of(2)),
        13 => Command::Accept,
        14 => Command::Reject,
        15 => Command::Suggest(candidate),
        16 => Command::Pause,
        _ => Command::Resume,
    }
}

fn spectrum(n: u32) -> Vec<f64> {
    match n % 11 {
        0 => vec![f64::NAN; 3],
        1 => vec![1.0],
        2 => vec![f64::INFINITY, 0.0, 0.0],
        3 => vec![1e300; 3],
        n => vec![f64::from(n), 2.0, 3.0],
    }
}

/// What happened, by an account of its own.
#[derive(Clone, Default)]
struct Account {
    exposed: HashMap<u32, usize>,
    /// Exposures of a candidate that a record gives a reason to repeat.
    excused: HashMap<u32, usize>,
    dose: f64,
    on_pixels: HashMap<u32, f64>,
    overviews: f64,
    exposing: Option<(u32, f64)>,
}

impl Account {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Surveying { electrons } => {
                self.dose += electrons.get();
                self.overviews += electrons.get();
            }
            Event::Exposing(e) => {
                *self.exposed.entry(e.candidate).or_default() += 1;
                let announced = e.electrons.get();
                self.dose += announced;
                *self.on_pixels.entry(e.candidate).or_default() += announced;
                self.exposing = Some((e.candidate, announced));
            }
            Event::Measured(m) => {
                if let Some((candidate, announced)) = self.exposing.take() {
                    let change = m.electrons.get() - announced;
                    self.dose += change;
                    *self.on_pixels.entry(candidate).or_default() += change;
                }
            }
            Event::NotExposed { .. } => {
                if let Some((candidate, announced)) = self.exposing.take() {
                    self.dose -= announced;
                    *self.on_pixels.entry(candidate).or_default() -= announced;
                    *self.excused.entry(candidate).or_default() += 1;
                }
            }
            Event::Failed { .. } | Event::Resumed(_) | Event::Ended(_) => {
                if let Some((candidate, _)) = self.exposing.take() {
                    *self.excused.entry(candidate).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}

/// Checks what must hold of a state at any time.
fn check(state: &State, account: &Account) {
    let standings = state.standings();
    let count = |standing| standings.iter().filter(|s| **s == standing).count();
    assert_eq!(count(Standing::Free), state.free);
    assert_eq!(count(Standing::Next), usize::from(state.next.is_some()));
    assert_eq!(
        count(Standing::Exposing),
        usize::from(state.exposing.is_some())
    );
    let discarded = state.points().iter().filter(|p| p.discarded).count();
    assert_eq!(count(Standing::Discarded), discarded);
    assert_eq!(count(Standing::Measured), state.points().len() - discarded);
    let distinct: HashSet<_> = state.points().iter().map(|p| p.candidate).collect();
    assert_eq!(distinct.len(), state.points().len());
    for (candidate, times) in &account.exposed {
        let excused = account.excused.get(candidate).copied().unwrap_or(0);
        assert!(
            *times <= excused + 1,
            "candidate {candidate}: {times} exposures"
        );
    }
    let total = state.ledger().total().get();
    assert!((total - account.dose).abs() <= 1e-6 * account.dose.max(1.0));
    let settings = state.settings();
    if let Some(limit) = settings.limits.total {
        assert!(
            account.dose <= limit.get() * (1.0 + 1e-9),
            "{} of {limit}",
            account.dose
        );
    }
    if let Some(limit) = settings.limits.pixel {
        let most = account.on_pixels.values().copied().fold(0.0, f64::max);
        let most = most + account.overviews / (SIDE * SIDE) as f64;
        // A pixel is 1 Å².
        assert!(most <= limit.get() * (1.0 + 1e-9), "{most} of {limit}");
    }
    assert!(state.points().len() <= settings.budget.max(1) || settings.budget < 3);
}

/// Carries out an action, as numbers say that it goes.
fn carry_out(action: &Action, n: u32, state: &State) -> Vec<Event> {
    let failed = || Event::Failed {
        why: "it failed".to_owned(),
    };
    match action {
        Action::End(why) => vec![Event::Ended(why.clone())],
        Action::Wait(_) => Vec::new(),
        Action::Survey { electrons } => {
            let electrons = *electrons;
            let then = match n % 4 {
                0 => failed(),
                _ if state.overview().is_none() => overview(),
                1 => Event::Surveyed(Surveyed {
                    shift: None,
                    confidence: 0.0,
                }),
                _ => Event::Surveyed(Surveyed {
                    shift: Some((0.3, -0.2)),
                    confidence: 0.9,
                }),
            };
            vec![Event::Surveying { electrons }, then]
        }
        Action::Propose { train, .. } => {
            let free: Vec<u32> = (0..state.standings().len() as u32)
                .filter(|&c| state.standing(Candidate(c)) == Standing::Free)
                .collect();
            let proposed = Event::Proposed(Proposed {
                candidate: free[n as usize % free.len()],
                step: 0,
                score: 0.0,
                prediction: None,
                origin: 0.0,
                seconds: 0.0,
            });
            let mut events = vec![proposed];
            if *train {
                events.push(trained());
            }
            events
        }
        Action::LeaveOut { candidate, why } => vec![Event::LeftOut {
            candidate: candidate.0,
            why: why.clone(),
        }],
        Action::Train { .. } => vec![trained()],
        Action::Expose(expose) => {
            let candidate = expose.candidate.0;
            let exposing = Event::Exposing(Exposing {
                candidate,
                position: expose.position,
                electrons: expose.electrons,
            });
            let why = || "refused".to_owned();
            let mut events = vec![exposing];
            match n % 9 {
                0 => events.push(failed()),
                1 => {
                    events.push(Event::NotExposed { why: why() });
                    events.push(Event::LeftOut {
                        candidate,
                        why: why(),
                    });
                }
                2 => events.push(Event::LeftOut {
                    candidate,
                    why: why(),
                }),
                _ => events.push(Event::Measured(Box::new(Measured {
                    candidate,
                    position: expose.position,
                    acquired: Acquired {
                        spectrum: spectrum(n / 9),
                        detectors: Vec::new(),
                        live_time: expose.dwell,
                        real_time: expose.dwell * 1.1,
                    },
                    electrons: electrons(0.8 * expose.electrons.get()),
                    true_pixel: None,
                }))),
            }
            events
        }
    }
}

fn trained() -> Event {
    Event::Trained(Trained {
        points: 0,
        checksum: 0,
        seconds: 0.0,
        handing_over_seconds: 0.0,
    })
}

fn resumed() -> Event {
    Event::Resumed(Resumed {
        version: "test".to_owned(),
        settings: String::new(),
        real_to_live: 1.5,
    })
}

/// One campaign, as numbers say that it goes; how many events it took.
fn run(numbers: &[u32], start: u32) -> usize {
    // Enough for some of the points, or for all of them.
    let limits = Limits {
        total: [None, Some(2e9), Some(4e8), Some(1e7)][start as usize % 4].map(electrons),
        pixel: [None, Some(1.2e8), Some(4e8)][start as usize / 4 % 3]
            .and_then(|limit| ElectronsPerSquareAngstrom::new(limit).ok()),
    };
    let seeds = [None, Some(vec![3, 9, 20])][start as usize / 12 % 2].clone();
    let budget = 4 + start as usize / 24 % 20;
    let fresh = || State::new(begun(seeds.clone()), settings(budget, limits));
    let mut state = fresh();
    let mut account = Account::default();
    let mut journal: Vec<Event> = Vec::new();
    let now = Now::default();
    for &n in numbers {
        let kind = n % 8;
        let mut events = if kind == 0 {
            let command = command(n / 8);
            match state.objection(&command) {
                None => vec![Event::Commanded(given(command))],
                Some(why) => vec![Event::Refused {
                    given: given(command),
                    why,
                }],
            }
        } else {
            carry_out(&state.next(&now), n / 8, &state)
        };
        // A kill: what was not kept never happened, and the campaign is resumed.
        let killed = kind == 1;
        if killed {
            events.truncate((n / 64) as usize % (events.len() + 1));
            events.push(resumed());
        }
        for event in events {
            state
                .apply(&event)
                .expect("an event that follows from the state");
            account.count(&event);
            journal.push(event);
            check(&state, &account);
        }
        if killed {
            let mut folded = fresh();
            for event in &journal {
                folded.apply(event).expect("it was applied before");
            }
            assert_eq!(folded.standings(), state.standings());
            // NaN equals nothing, not even itself.
            assert_eq!(
                format!("{:?}", folded.points()),
                format!("{:?}", state.points())
            );
            assert_eq!(folded.settings(), state.settings());
            assert_eq!(folded.ledger().total(), state.ledger().total());
            assert_eq!(
                format!("{:?}", folded.next(&now)),
                format!("{:?}", state.next(&now))
            );
        }
    }
    journal.len()
}

/// How many sequences are tried: `BEACON_SEQUENCES`, else enough for every run of the tests.
fn sequences() -> u32 {
    let asked = std::env::var("BEACON_SEQUENCES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(5_000)
}

#[test]
fn nothing_is_exposed_twice_and_no_limit_is_passed_whatever_happens() {
    let config = Config {
        cases: sequences(),
        failure_persistence: None,
        ..Config::default()
    };
    let seed = [42; 32];
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, random);
    let mut events = 0;
    let numbers = (prop::collection::vec(any::<u32>(), 1..120), any::<u32>());
    let counted = std::cell::Cell::new(0_u64);
    runner
        .run(&numbers, |(numbers, start)| {
            counted.set(counted.get() + run(&numbers, start) as u64);
            Ok(())
        })
        .unwrap();
    events += counted.get();
    println!("{} sequences, {events} events, seed {seed:?}", sequences());
}

/// Events that do not follow from the state: each is taken or refused, and a refused one changes
/// nothing.
#[test]
fn events_that_do_not_fit_are_refused_and_change_nothing() {
    let config = Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let numbers = prop::collection::vec(any::<u32>(), 1..80);
    runner
        .run(&numbers, |numbers| {
            let mut state = State::new(begun(None), settings(10, Limits::default()));
            for n in numbers {
                let candidate = n / 16 % 27;
                let event = match n % 8 {
                    0 => overview(),
                    1 => Event::Proposed(Proposed {
                        candidate,
                        step: 0,
                        score: 0.0,
                        prediction: None,
                        origin: 0.0,
                        seconds: 0.0,
                    }),
                    2 | 3 => Event::Exposing(Exposing {
                        candidate,
                        position: Position { x: 0.5, y: 0.5 },
                        electrons: electrons(1.0),
                    }),
                    4 => Event::Measured(Box::new(Measured {
                        candidate,
                        position: Position { x: 0.5, y: 0.5 },
                        acquired: Acquired {
                            spectrum: spectrum(n / 16),
                            detectors: Vec::new(),
                            live_time: Seconds::ONE,
                            real_time: Seconds::ONE,
                        },
                        electrons: electrons(1.0),
                        true_pixel: None,
                    })),
                    5 => Event::LeftOut {
                        candidate,
                        why: "so".to_owned(),
                    },
                    6 => Event::Commanded(given(command(n / 8))),
                    _ => resumed(),
                };
                let before = format!("{state:?}");
                if state.apply(&event).is_err() {
                    assert_eq!(format!("{state:?}"), before);
                }
            }
            Ok(())
        })
        .unwrap();
}

/// A campaign that has come as far as its first free choice.
fn surveyed(limits: Limits) -> State {
    let mut state = State::new(begun(None), settings(10, limits));
    let electrons = state.overview_electrons();
    for event in [Event::Surveying { electrons }, overview()] {
        state.apply(&event).unwrap();
    }
    state
}

#[test]
fn an_overview_that_would_pass_a_limit_is_not_taken() {
    let overview = 2.0 * ELECTRONS_A_PICOAMPERE_SECOND;
    for (total, survives) in [(1.01 * overview, true), (0.99 * overview, false)] {
        let limits = Limits {
            total: Some(electrons(total)),
            pixel: None,
        };
        let state = State::new(begun(None), settings(10, limits));
        match state.next(&Now::default()) {
            Action::Survey { electrons } => {
                assert!(survives && (electrons.get() / overview - 1.0).abs() < 1e-9);
            }
            Action::End(Ended::Dose(_)) => assert!(!survives),
            other => panic!("{other:?}"),
        }
    }
    // The overview is allowed, and a point after it is not.
    let limits = Limits {
        total: Some(electrons(1.01 * overview)),
        pixel: None,
    };
    let state = State::new(begun(None), settings(10, limits));
    assert!(matches!(
        state.admit_first_point(),
        Err(DoseError::Total { .. })
    ));
}

#[test]
fn a_seed_that_a_person_had_measured_is_not_measured_again() {
    let mut state = State::new(begun(Some(vec![3, 9])), settings(10, Limits::default()));
    state.apply(&overview()).unwrap();
    state
        .apply(&Event::Commanded(given(Command::Measure(9))))
        .unwrap();
    let mut measured = Vec::new();
    while measured.len() < 3 {
        let Action::Expose(expose) = state.next(&Now::default()) else {
            break;
        };
        measured.push(expose.candidate.0);
        for event in carry_out(&Action::Expose(expose), 9 * 5 + 3, &state) {
            state.apply(&event).unwrap();
        }
    }
    assert_eq!(measured, [9, 3]);
    assert!(!state.is_seeding());
}

#[test]
fn a_pause_before_the_first_seed_holds_and_is_lifted() {
    let mut state = surveyed(Limits::default());
    let now = Now::default();
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    say(&mut state, Command::Pause);
    assert_eq!(state.next(&now), Action::Wait(Wait::Paused));
    say(&mut state, Command::Resume);
    assert!(matches!(state.next(&now), Action::Propose { .. }));
}

#[test]
fn proposals_wait_for_a_word_where_that_was_asked_for() {
    let mut state = surveyed(Limits::default());
    let now = Now::default();
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    let propose = |state: &mut State| {
        for event in carry_out(&state.next(&now), 5, state) {
            state.apply(&event).unwrap();
        }
        state.next_point().unwrap().candidate
    };
    assert!(state.objection(&Command::Accept).is_some());
    say(&mut state, Command::Approve(true));
    let first = propose(&mut state);
    assert_eq!(state.next(&now), Action::Wait(Wait::Approval(first)));
    say(&mut state, Command::Reject);
    assert_eq!(state.standing(first), Standing::Excluded);
    let second = propose(&mut state);
    assert_ne!(first, second);
    say(&mut state, Command::Suggest(20));
    let Action::Expose(expose) = state.next(&now) else {
        panic!("{:?}", state.next(&now));
    };
    assert_eq!(expose.candidate, Candidate(20));
    assert_eq!(state.standing(second), Standing::Free);
}

#[test]
fn what_is_discarded_counts_no_more_until_it_is_restored() {
    let mut state = surveyed(Limits::default());
    let now = Now::default();
    for _ in 0..12 {
        for event in carry_out(&state.next(&now), 9 * 5 + 3, &state) {
            state.apply(&event).unwrap();
        }
    }
    let points = state.points().len();
    let bad = state.points()[1].candidate.0;
    let (epoch, usable) = (state.epoch(), state.usable().count());
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    say(&mut state, Command::Discard(bad));
    assert_eq!(
        (state.points().len(), state.usable().count()),
        (points, usable - 1)
    );
    assert!(state.epoch() > epoch && state.is_training_due());
    let refused = state.objection(&Command::Measure(bad)).unwrap();
    assert!(refused.contains("discarded"), "{refused}");
    say(&mut state, Command::Restore(bad));
    assert_eq!(state.usable().count(), usable);
    let refused = state.objection(&Command::Restore(bad)).unwrap();
    assert!(refused.contains("is not discarded"), "{refused}");
}

#[test]
fn commands_that_cannot_hold_are_refused_with_what_would_be_accepted() {
    let state = surveyed(Limits::default());
    let spent = state.ledger().total().get();
    for (command, said) in [
        (Command::Budget(0), "expected 1 to 25"),
        (Command::Budget(26), "expected 1 to 25"),
        (
            Command::DoseLimit(f64::NAN),
            "dose-limit is NaN; expected a number",
        ),
        (Command::DoseLimit(0.5 * spent), "expected at least the"),
        (Command::Dwell(0.0), "dwell is 0; expected a microsecond"),
        (Command::Include(Region::pixel(4, 4)), "nothing is excluded"),
        (Command::Discard(4), "was not measured"),
        (Command::Target("loop-area".to_owned()), "bias"),
        (Command::Measure(0), "no data"),
    ] {
        let why = state.objection(&command).unwrap();
        assert!(why.contains(said), "{command}: {why}");
    }
    assert_eq!(state.objection(&Command::DoseLimit(2.0 * spent)), None);
}

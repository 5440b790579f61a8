//! Arbitrary sequences of events: nothing is exposed twice without a reason on record, no limit is
//! passed, no beam begins where none may, and folding what is on record and going on equals never
//! having stopped.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::campaign::{Otherwise, TimeOut};
use crate::units::ElectronsPerSquareAngstrom;

/// A command out of a number, often one that cannot hold.
fn command(n: u32) -> Command {
    let candidate = n / 32 % 27;
    let region = Region {
        rows: (n / 32 % 8) as usize..(n / 256 % 9) as usize,
        columns: (n / 2048 % 8) as usize..(n / 16_384 % 9) as usize,
    };
    match n % 25 {
        0 => Command::Strategy(["ei", "best", "random"][n as usize / 32 % 3].to_owned()),
        1 if n / 32 % 5 > 2 => {
            let sought = ["window:0..1.5", ["sum", "window:0..1"][n as usize / 32 % 2]];
            Command::Targets(sought.map(str::to_owned).to_vec())
        }
        1 => Command::Target(["sum", "window:0..1.5", "loop-area"][n as usize / 32 % 3].to_owned()),
        2 => Command::Exclude(region),
        3 => Command::Include(region),
        4 | 5 => Command::Measure(candidate),
        6 | 7 => Command::Discard(candidate),
        8 => Command::Restore(candidate),
        9 => Command::Budget((n / 32 % 30) as usize),
        10 if n / 32 % 6 == 5 => Command::NoDoseLimit,
        10 => Command::DoseLimit([f64::NAN, -1.0, 1e9, 3e9, 1e12][n as usize / 32 % 5]),
        11 => Command::Dwell([0.0, 1.0, 2.0, f64::INFINITY][n as usize / 32 % 4]),
        12 => Command::Approve((n / 32).is_multiple_of(2)),
        13 => Command::Accept,
        14 => Command::Reject,
        15 => Command::Suggest(candidate),
        16 => Command::Pause,
        17 => Command::Withdraw(candidate),
        18 => Command::ExcludeAll(vec![region, Region::pixel(3, 4)]),
        19 => Command::IncludeAll(vec![region, Region::pixel(3, 4)]),
        20 => Command::ApproveAfter(TimeOut {
            seconds: [0.0, 5.0, f64::NAN][n as usize / 32 % 3],
            then: Otherwise::Go,
        }),
        21 => Command::PixelDoseLimit(
            [None, Some(f64::NAN), Some(1e7), Some(1.2e8), Some(4e8)][n as usize / 32 % 5],
        ),
        22 => Command::TimeLimit([None, Some(0.0), Some(1e9)][n as usize / 32 % 3]),
        23 => Command::Resume,
        _ => Command::Stop,
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
            Event::Failed { .. } | Event::GivenUp { .. } | Event::Resumed(_) | Event::Ended(_) => {
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
    assert!(state.points().len() <= settings.budget);
}

/// Whether a `Resumed` has nothing to set back: then a campaign goes on after a kill as one that was never
/// stopped.
fn is_undisturbed(state: &State) -> bool {
    let held = state.paused || state.stopped || state.ended.is_some();
    let counting = state.drift.uncertain > 0 || state.drift.overdue || state.unusable_in_row > 0;
    !held && !counting && state.exposing.is_none()
}

/// Checks that two campaigns are the same, and do the same next.
fn assert_same(one: &State, other: &State) {
    let now = Now::default();
    // As text: NaN equals nothing, not even itself.
    let told = |state: &State| {
        let doses: Vec<_> = (0..state.standings.len())
            .map(|n| state.ledger.on_pixel(Candidate(n as u32)))
            .collect();
        let counted = (&state.points, &state.unusable, &state.commands, doses);
        let planned = (&state.seeding, state.seeds, &state.order, &state.wishes);
        let model = (state.train_due, state.revision, state.epoch, state.drift);
        let under_way = (state.next, state.exposing, state.next(&now));
        format!("{counted:?} {planned:?} {model:?} {under_way:?}")
    };
    assert_eq!(one.standings(), other.standings());
    assert_eq!(one.settings(), other.settings());
    assert_eq!(one.ledger().total(), other.ledger().total());
    assert_eq!(told(one), told(other));
}

/// Checks that a record of a beam contradicts a state in which none may begin.
fn check_that_no_beam_begins(state: &State) {
    let candidate = state.next.map_or(0, |next| next.candidate.0);
    let (point, overview) = (state.exposure_electrons(), state.overview_electrons());
    let exposing = Event::Exposing(Exposing {
        candidate,
        position: Position { x: 0.5, y: 0.5 },
        electrons: point,
    });
    let overview_event = Event::Surveying {
        electrons: overview,
    };
    let held = state.ended.is_some()
        || state.stopped
        || state.paused
        || state.exposing.is_some()
        || state.next.is_some_and(|next| next.waits);
    let limit = state.settings.limits.total;
    let passes = |more: Electrons| limit.is_some_and(|limit| state.ledger.total() + more > limit);
    for (event, refused) in [
        (exposing, held || passes(point)),
        (overview_event, held || passes(overview)),
    ] {
        if refused {
            let taken = state.clone().apply(&event);
            assert!(taken.is_err(), "{event:?} after {state:?}");
        }
    }
}

/// One campaign, as numbers say that it goes; how many events it took, and how many kills it went on from
/// as if there had been none.
fn run(numbers: &[u32], start: u32) -> (usize, usize) {
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
    // The same campaign, which never stopped since a kill had a reason to change something.
    let mut twin = fresh();
    let mut account = Account::default();
    let mut journal: Vec<Event> = Vec::new();
    let (now, mut unnoticed) = (Now::default(), 0);
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
        // A kill: what was not kept never happened.
        let killed = kind == 1;
        if killed {
            events.truncate((n / 64) as usize % (events.len() + 1));
        }
        for event in events {
            state
                .apply(&event)
                .expect("an event that follows from the state");
            twin.apply(&event).expect("one that its twin takes");
            account.count(&event);
            journal.push(event);
            check(&state, &account);
            check_that_no_beam_begins(&state);
        }
        // The campaign goes on from its journal.
        if killed {
            let undisturbed = is_undisturbed(&state);
            journal.push(resumed());
            account.count(&resumed());
            state = fresh();
            for event in &journal {
                state.apply(event).expect("it was applied before");
            }
            check(&state, &account);
            if undisturbed {
                unnoticed += 1;
                assert_same(&state, &twin);
            } else {
                twin = state.clone();
            }
        }
    }
    assert_same(&state, &twin);
    (journal.len(), unnoticed)
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
    let numbers = (prop::collection::vec(any::<u32>(), 1..120), any::<u32>());
    let counted = std::cell::Cell::new((0, 0));
    runner
        .run(&numbers, |(numbers, start)| {
            let (events, kills) = run(&numbers, start);
            let (all_events, all_kills) = counted.get();
            counted.set((all_events + events, all_kills + kills));
            Ok(())
        })
        .unwrap();
    let (events, kills) = counted.get();
    assert!(kills > 0, "no kill that nothing shows of");
    println!(
        "{} sequences, {events} events, {kills} kills that nothing shows of, seed {seed:?}",
        sequences()
    );
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
                let event = match n % 10 {
                    8 => Event::Surveying {
                        electrons: electrons(1.0),
                    },
                    9 => Event::Ended(Ended::Budget),
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
                check_that_no_beam_begins(&state);
                let before = format!("{state:?}");
                if state.apply(&event).is_err() {
                    assert_eq!(format!("{state:?}"), before);
                }
            }
            Ok(())
        })
        .unwrap();
}

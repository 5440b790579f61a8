//! The machine, event by event. Beside the tests of single cases stand those of arbitrary sequences
//! of events.

mod arbitrary;
mod commands;
mod components;
mod history;

use std::time::Duration;

use beacon_kernel::Edges;

use super::*;
use crate::campaign::{
    ALGORITHM, CampaignConfig, Command, DoseError, Event, Exposing, Foreseen, Limits, Measured,
    Proposed, Resumed, Surveyed, Trained,
};
use crate::data::{Axis, Channels};
use crate::microscope::{Acquired, Beam, Position};
use crate::units::{ElectronsPerSquareAngstrom, Seconds};

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
        edges: Edges::Inside,
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

fn spectrum(n: u32) -> Vec<f64> {
    match n % 11 {
        0 => vec![f64::NAN; 3],
        1 => vec![1.0],
        2 => vec![f64::INFINITY, 0.0, 0.0],
        3 => vec![1e300; 3],
        n => vec![f64::from(n), 2.0, 3.0],
    }
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

/// A campaign that measured these pixels of an image of 8 × 8, every pixel of which is a candidate with a
/// window of 4, with these responses.
pub(in crate::campaign) fn measured(points: &[((usize, usize), f64)]) -> State {
    let number = |&((row, column), _): &((usize, usize), f64)| (row * SIDE + column) as u32;
    let seeds = points.iter().map(number).collect();
    let mut settings = settings(SIDE * SIDE, Limits::default());
    settings.campaign.edges = Edges::Reflect;
    settings.drift_every = None;
    let mut state = State::new(begun(Some(seeds)), settings);
    let Event::Overview(mut overview) = overview() else {
        unreachable!("an overview is one");
    };
    overview.absent.clear();
    state.apply(&Event::Overview(overview)).unwrap();
    for &(_, response) in points {
        let action = state.next(&Now::default());
        let Action::Expose(expose) = &action else {
            panic!("{action:?}");
        };
        // Where all goes well.
        for mut event in carry_out(&action, 9 * 5 + 3, &state) {
            if let Event::Measured(measured) = &mut event {
                assert_eq!(measured.candidate, expose.candidate.0);
                measured.acquired.spectrum = vec![response, 0.0, 0.0];
            }
            state.apply(&event).unwrap();
        }
    }
    state
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
        state.admit_first_point(state.settings().dwell),
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
fn a_point_that_has_drifted_out_of_the_frame_is_left_out_and_others_are_measured() {
    let mut state = surveyed(Limits::default());
    let electrons = state.overview_electrons();
    let surveyed = Surveyed {
        shift: Some((3.0, 0.0)),
        confidence: 0.9,
    };
    for event in [Event::Surveying { electrons }, Event::Surveyed(surveyed)] {
        state.apply(&event).unwrap();
    }
    // More of them than may be unusable in a row: the whole last row.
    let now = Now::default();
    for candidate in 20..25 {
        let measure = given(Command::Measure(candidate));
        state.apply(&Event::Commanded(measure)).unwrap();
        let action = state.next(&now);
        assert!(
            matches!(&action, Action::LeaveOut { candidate: left_out, why }
                if left_out.0 == candidate && why.contains("by 3.0 pixels down")),
            "{action:?}"
        );
        for event in carry_out(&action, 0, &state) {
            state.apply(&event).unwrap();
        }
        assert_eq!(state.standing(Candidate(candidate)), Standing::LeftOut);
    }
    assert!(!matches!(state.next(&now), Action::End(_)));
}

/// Measures a spectrum at the next free candidate.
fn measure(state: &mut State, spectrum: [f64; 3], foreseen: Option<Vec<Foreseen>>) -> Candidate {
    let free = (0..25)
        .map(Candidate)
        .find(|&of| state.standing(of) == Standing::Free);
    let candidate = free.unwrap();
    let proposed = Proposed {
        candidate: candidate.0,
        step: 0,
        score: 0.0,
        prediction: foreseen.as_ref().map(|_| (1.0, 0.5)),
        origin: 0.0,
        seconds: 0.0,
    };
    let position = Position { x: 0.5, y: 0.5 };
    let mut events = vec![Event::Proposed(proposed)];
    events.extend(foreseen.map(Event::Foreseen));
    events.push(Event::Exposing(Exposing {
        candidate: candidate.0,
        position,
        electrons: Electrons::ZERO,
    }));
    events.push(Event::Measured(Box::new(Measured {
        candidate: candidate.0,
        position,
        acquired: Acquired {
            spectrum: spectrum.to_vec(),
            detectors: Vec::new(),
            live_time: Seconds::ONE,
            real_time: Seconds::ONE,
        },
        electrons: Electrons::ZERO,
        true_pixel: None,
    })));
    for event in events {
        state.apply(&event).unwrap();
    }
    candidate
}

#[test]
fn a_point_counts_where_all_that_is_sought_is_usable() {
    let mut state = surveyed(Limits::default());
    let two = ["window:-0.5..0.5", "window:0.5..1.5"]
        .map(str::to_owned)
        .to_vec();
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    say(&mut state, Command::Targets(two.clone()));
    let foreseen = Foreseen {
        prediction: (0.25, 0.125),
        origin: 4.0,
    };
    let good = measure(&mut state, [1.0, 2.0, 3.0], Some(vec![foreseen]));
    let bad = measure(&mut state, [1.0, f64::INFINITY, 3.0], None);
    // What is not sought may be anything.
    let last = measure(&mut state, [4.0, 5.0, f64::INFINITY], None);
    let vectors = |state: &State| -> Vec<(Candidate, Vec<f64>)> {
        let vectors = state.usable_vectors();
        vectors
            .map(|(point, of)| (point.candidate, of.collect()))
            .collect()
    };
    assert_eq!(
        vectors(&state),
        [(good, vec![1.0, 2.0]), (last, vec![4.0, 5.0])]
    );
    let usable: Vec<_> = state
        .usable()
        .map(|(point, of)| (point.candidate, of))
        .collect();
    assert_eq!(usable, [(good, 1.0), (last, 4.0)]);
    assert_eq!(state.points()[0].foreseen, [foreseen]);
    assert!(state.points()[1].foreseen.is_empty());
    let (left_out, why) = state.left_out().last().unwrap();
    assert_eq!((*left_out, state.standing(bad)), (bad, Standing::LeftOut));
    assert!(
        why.starts_with("`window:0.5..1.5`: its response is inf"),
        "{why}"
    );
    // The third channel of the last point is none: with it the point does not count.
    let (epoch, revision) = (state.epoch(), state.revision());
    let three = ["window:-0.5..0.5", "window:1.5..2.5"]
        .map(str::to_owned)
        .to_vec();
    let responses = state.points().iter().map(|_| f64::NAN);
    let responses: Vec<f64> = responses
        .enumerate()
        .map(|(n, none)| if n == 0 { 3.0 } else { none })
        .collect();
    let reduced = Event::Reduced {
        scalarizer: "window:1.5..2.5".to_owned(),
        responses,
    };
    state.apply(&reduced).unwrap();
    say(&mut state, Command::Targets(three));
    assert_eq!(vectors(&state), [(good, vec![1.0, 3.0])]);
    assert!(state.epoch() > epoch && state.revision() > revision);
    assert_eq!(
        state.settings().targets_in_words(),
        "window:-0.5..0.5,window:1.5..2.5"
    );
    say(&mut state, Command::Target("window:0.5..1.5".to_owned()));
    assert_eq!(vectors(&state), [(good, vec![2.0]), (last, vec![5.0])]);
}

#[test]
fn targets_that_cannot_be_sought_together_are_refused_with_what_would_be_accepted() {
    let mut state = surveyed(Limits::default());
    let windows = ["0..1", "0..2", "1..2", "0.5..1", "0.5..2"].map(|of| format!("window:{of}"));
    let targets = |of: &[&str]| Command::Targets(of.iter().map(|&of| of.to_owned()).collect());
    for (command, told) in [
        (
            targets(&["sum", "sum"]),
            "`sum` is a target twice; expected each target once",
        ),
        (
            targets(&["sum", "best"]),
            "unknown scalarizer `best`; accepted are sum",
        ),
        (targets(&["sum", "loop-area"]), "bias"),
        (
            Command::Targets(windows.to_vec()),
            "5 targets, `window:0..1,window:0..2,window:1..2,window:0.5..1,window:0.5..2`; expected at most 4",
        ),
    ] {
        let why = state.objection(&command).unwrap();
        assert!(why.contains(told), "{command}: {why}");
    }
    let two = targets(&["sum", "window:0.5..1.5"]);
    assert_eq!(state.objection(&two), None);
    state.set_most_targets(1);
    let why = state.objection(&two).unwrap();
    assert!(
        why.contains("expected at most 1 with this controller"),
        "{why}"
    );
    state.set_most_targets(2);
    state.apply(&Event::Commanded(given(two.clone()))).unwrap();
    let elite = Command::Strategy("beacon-elite".to_owned());
    let why = state.objection(&elite).unwrap();
    assert!(
        why.contains("beacon-elite with 2 targets; expected one of beacon"),
        "{why}"
    );
    let one = Command::Target("sum".to_owned());
    state.apply(&Event::Commanded(given(one))).unwrap();
    assert_eq!(state.objection(&elite), None);
    state.apply(&Event::Commanded(given(elite))).unwrap();
    assert!(state.objection(&two).unwrap().contains("or one target"));
}

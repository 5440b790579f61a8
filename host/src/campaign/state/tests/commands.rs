//! What a person says on the way.

use super::*;

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
fn a_wish_is_withdrawn_until_the_beam_is_on_its_way() {
    let mut state = surveyed(Limits::default());
    let now = Now::default();
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    let why = state.objection(&Command::Withdraw(20)).unwrap();
    assert!(why.contains("nobody waits for"), "{why}");
    say(&mut state, Command::Measure(20));
    say(&mut state, Command::Measure(9));
    // One is next, the other after it.
    say(&mut state, Command::Withdraw(9));
    assert_eq!(state.wishes().count(), 0);
    assert_eq!(state.next_point().unwrap().candidate, Candidate(20));
    say(&mut state, Command::Withdraw(20));
    assert_eq!(state.standing(Candidate(20)), Standing::Free);
    assert!(matches!(state.next(&now), Action::Propose { .. }));
    say(&mut state, Command::Measure(20));
    let exposing = Event::Exposing(Exposing {
        candidate: 20,
        position: Position { x: 0.5, y: 0.5 },
        electrons: electrons(1.0),
    });
    state.apply(&exposing).unwrap();
    assert!(state.objection(&Command::Withdraw(20)).is_some());
}

#[test]
fn several_regions_are_one_command() {
    let mut state = surveyed(Limits::default());
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    let regions = vec![Region::pixel(3, 3), Region::pixel(4, 5)];
    say(&mut state, Command::ExcludeAll(regions.clone()));
    let excluded = |state: &State| {
        let standings = state.standings().iter();
        standings.filter(|s| **s == Standing::Excluded).count()
    };
    assert_eq!(excluded(&state), 2);
    let before = state.epoch();
    say(&mut state, Command::IncludeAll(regions.clone()));
    assert_eq!((excluded(&state), state.epoch()), (0, before + 1));
    let why = state.objection(&Command::IncludeAll(regions)).unwrap();
    assert!(
        why.contains("nothing is excluded in 3..4,3..4 4..5,5..6"),
        "{why}"
    );
    // All of it, in two halves.
    let halves = [0..4, 4..SIDE].map(|rows| Region {
        rows,
        columns: 0..SIDE,
    });
    let why = state.objection(&Command::ExcludeAll(halves.to_vec()));
    assert!(why.unwrap().contains("nothing would be left"));
}

#[test]
fn a_point_whose_exposure_was_begun_waits_for_no_further_word() {
    let mut state = surveyed(Limits::default());
    let now = Now::default();
    let events = carry_out(&state.next(&now), 5, &state);
    let exposing = |state: &State| {
        let Action::Expose(expose) = state.next(&now) else {
            panic!("{:?}", state.next(&now));
        };
        Event::Exposing(Exposing {
            candidate: expose.candidate.0,
            position: expose.position,
            electrons: expose.electrons,
        })
    };
    for event in events {
        state.apply(&event).unwrap();
    }
    let all = |rows: std::ops::Range<usize>| {
        Command::Exclude(Region {
            rows,
            columns: 0..SIDE,
        })
    };
    let refused = |state: &State| {
        let why = state.objection(&all(0..SIDE)).unwrap_or_default();
        assert!(why.contains("nothing would be left"), "{why}");
        // The candidates are rows 2 to 6.
        assert_eq!(state.objection(&all(0..6)), None);
    };
    refused(&state);
    let event = exposing(&state);
    state.apply(&event).unwrap();
    refused(&state);
    // Journals hold it where it was taken once.
    let taken = Event::Commanded(given(all(0..SIDE)));
    state.clone().apply(&taken).unwrap();
    let why = "it failed".to_owned();
    state.apply(&Event::Failed { why }).unwrap();
    // It was approved, or nobody had asked to be asked: a suggestion could not replace it.
    let approve = Event::Commanded(given(Command::Approve(true)));
    state.apply(&approve).unwrap();
    assert!(state.objection(&Command::Suggest(20)).is_some());
    assert_eq!(exposing(&state), event);
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
    let ended_by = |budget| state.ended_by(&Command::Budget(budget));
    assert_eq!(
        (ended_by(points), ended_by(points + 2)),
        (Some(Ended::Budget), None)
    );
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
        (
            Command::PixelDoseLimit(Some(1e-9)),
            "e/Å² on the pixel that took most",
        ),
        (
            Command::PixelDoseLimit(Some(-1.0)),
            "pixel-dose-limit is -1; expected a number above 0",
        ),
        (
            Command::TimeLimit(Some(0.0)),
            "time-limit is 0; expected a number above 0",
        ),
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
    // What it leaves is less than the next exposure may take: whoever asks for it is told.
    let ended_by = |limit: f64| state.ended_by(&Command::DoseLimit(limit));
    assert!(matches!(ended_by(1.000_001 * spent), Some(Ended::Dose(_))));
    assert_eq!(ended_by(1e6 * spent), None);
    // Without the limit nothing is left of it, and a controller, which lets nobody raise one, starts over.
    let mut limited = state.clone();
    for (command, limit, epoch) in [
        (Command::DoseLimit(2.0 * spent), Some(2.0 * spent), 0),
        (Command::NoDoseLimit, None, 1),
        (Command::NoDoseLimit, None, 1),
    ] {
        limited.apply(&Event::Commanded(given(command))).unwrap();
        let total = limited.settings().limits.total;
        assert_eq!(total.map(Electrons::get), limit);
        assert_eq!(limited.epoch() - state.epoch(), epoch);
    }
    // The same on one pixel, whose limit says no word of what is spent in all.
    let mut limited = state.clone();
    let worst = state.ledger().on_worst_pixel().unwrap().get();
    for (limit, epoch) in [
        (Some(2.0 * worst), 0),
        (Some(1.5 * worst), 0),
        (Some(3.0 * worst), 1),
        (None, 2),
        (None, 2),
    ] {
        let command = Command::PixelDoseLimit(limit);
        assert_eq!(limited.objection(&command), None);
        limited.apply(&Event::Commanded(given(command))).unwrap();
        let pixel = limited.settings().limits.pixel;
        assert_eq!(pixel.map(ElectronsPerSquareAngstrom::get), limit);
        assert_eq!(limited.epoch() - state.epoch(), epoch);
    }
    // And of time: the next thing that happens after it is the end.
    let limit = Command::TimeLimit(Some(10.0));
    limited.apply(&Event::Commanded(given(limit))).unwrap();
    let after = |seconds| Now {
        elapsed: Duration::from_secs(seconds),
        ..Now::default()
    };
    assert_eq!(limited.next(&after(10)), Action::End(Ended::Time));
    assert_ne!(limited.next(&after(9)), Action::End(Ended::Time));
    limited
        .apply(&Event::Commanded(given(Command::TimeLimit(None))))
        .unwrap();
    assert_ne!(limited.next(&after(10)), Action::End(Ended::Time));
    let why = state.objection(&Command::DoseLimit(1.0)).unwrap();
    let named = why.split_once("least the ").unwrap().1;
    let named = named.split_once(" electrons").unwrap().0;
    assert!(named.len() <= "1.23e10".len(), "{why}");
    let named = Command::DoseLimit(named.parse().unwrap());
    assert_eq!(state.objection(&named), None, "{why}");
}

/// Electrons of a point, as the state announces them.
fn exposing(state: &State, candidate: u32) -> Event {
    Event::Exposing(Exposing {
        candidate,
        position: Position { x: 0.5, y: 0.5 },
        electrons: state.exposure_electrons(),
    })
}

#[test]
fn a_limit_that_a_point_has_overtaken_is_the_least_that_holds() {
    let mut state = surveyed(Limits::default());
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    for _ in 0..2 {
        measure(&mut state, [1.0, 2.0, 3.0], None);
    }
    say(&mut state, Command::Measure(20));
    let spent = state.ledger().total().get();
    state.apply(&exposing(&state, 20)).unwrap();
    // The point under the beam is part of both.
    let why = state.objection(&Command::Budget(2)).unwrap();
    assert!(
        why.contains("expected 3, the points measured and the one under the beam"),
        "{why}"
    );
    assert_eq!(state.objection(&Command::Budget(3)), None);
    assert!(state.objection(&Command::DoseLimit(spent)).is_some());
    let other_pixels = Command::PixelDoseLimit(Some(1e-3));
    for (accepted, least) in [
        (other_pixels, Some(Command::Stop)),
        (Command::Budget(1), Some(Command::Budget(2))),
        (Command::Budget(2), None),
        (Command::Budget(0), None),
        (
            Command::DoseLimit(spent),
            Some(Command::DoseLimit(state.ledger().total().get())),
        ),
        (Command::DoseLimit(-1.0), None),
        (Command::DoseLimit(f64::NAN), None),
        (Command::PixelDoseLimit(None), None),
        (Command::Pause, None),
    ] {
        let overtaken = state.overtaken(&accepted);
        assert_eq!(overtaken, least, "{accepted:?}");
        if let Some(least) = overtaken {
            let mut after = state.clone();
            after.exposing = None;
            assert_eq!(after.objection(&least), None);
        }
    }
}

/// A campaign whose first proposal waits for a person.
fn waiting_for_approval() -> State {
    let mut state = surveyed(Limits::default());
    let approve = Event::Commanded(given(Command::Approve(true)));
    state.apply(&approve).unwrap();
    for event in carry_out(&state.next(&Now::default()), 5, &state) {
        state.apply(&event).unwrap();
    }
    state
}

#[test]
fn nobody_is_asked_for_a_point_that_a_limit_forbids() {
    let mut state = waiting_for_approval();
    let now = Now::default();
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    assert!(matches!(state.next(&now), Action::Wait(Wait::Approval(_))));
    let spent = state.ledger().total().get();
    say(&mut state, Command::DoseLimit(spent));
    assert!(matches!(state.next(&now), Action::End(Ended::Dose(_))));
}

#[test]
fn the_last_candidate_is_not_rejected() {
    let mut state = waiting_for_approval();
    let say = |state: &mut State, command| state.apply(&Event::Commanded(given(command))).unwrap();
    assert_eq!(state.objection(&Command::Reject), None);
    let proposed = state.next_point().unwrap().candidate;
    let candidates = state.candidates().unwrap();
    let others = (0..candidates.count() as u32)
        .map(Candidate)
        .filter(|&c| c != proposed);
    let others = others
        .map(|c| state.pixel(c))
        .map(|pixel| Region::pixel(pixel.row, pixel.column))
        .collect();
    say(&mut state, Command::ExcludeAll(others));
    let why = state.objection(&Command::Reject).unwrap();
    assert!(why.contains("expected `accept`, or `stop`"), "{why}");
}

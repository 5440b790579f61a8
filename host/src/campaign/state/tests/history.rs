//! What a journal tells: commands, strategies and targets with the steps that they held for.

use super::*;
use crate::campaign::{FailureKind, History, Record};

/// A campaign whose events are recorded a second apart.
struct Recorded {
    state: State,
    history: History,
    elapsed_ms: u64,
    /// What the clock on the wall is ahead by.
    ahead_ms: u64,
}

impl Recorded {
    fn begin() -> Self {
        let begun = begun(None);
        let mut told = Self {
            state: State::new(begun.clone(), settings(20, Limits::default())),
            history: History::default(),
            elapsed_ms: 0,
            ahead_ms: 1_000_000,
        };
        told.happens(Event::Begun(Box::new(begun)));
        let electrons = told.state.overview_electrons();
        told.happens(Event::Surveying { electrons });
        told.happens(overview());
        told
    }

    fn happens(&mut self, event: Event) {
        let record = Record {
            at_ms: self.ahead_ms + self.elapsed_ms,
            elapsed_ms: self.elapsed_ms,
            event,
        };
        self.history.take(&mut self.state, &record).unwrap();
        self.elapsed_ms += 1000;
    }

    fn says(&mut self, command: Command) {
        self.happens(Event::Commanded(given(command)));
    }

    /// Goes on until so many points are measured; `n` says how exposures go, 5 well.
    fn until(&mut self, points: usize) {
        while self.state.points().len() < points {
            let action = self.state.next(&Now::default());
            let n = match &action {
                Action::Expose(_) => 9 * 5 + 3,
                _ => 5,
            };
            for event in carry_out(&action, n, &self.state) {
                self.happens(event);
            }
        }
    }

    fn told(mut self) -> History {
        self.history.finish(&self.state);
        self.history
    }
}

#[test]
fn commands_strategies_and_targets_have_the_steps_that_they_held_for() {
    let mut told = Recorded::begin();
    told.until(5);
    told.says(Command::Strategy("ei".to_owned()));
    let region = Region {
        rows: 3..5,
        columns: 2..4,
    };
    told.says(Command::Exclude(region.clone()));
    told.until(7);
    let spared = told.state.points()[1].candidate.0;
    told.says(Command::Discard(spared));
    told.happens(Event::Refused {
        given: given(Command::Accept),
        why: "no proposal waits".to_owned(),
    });
    told.until(9);
    told.says(Command::Strategy("random".to_owned()));
    told.says(Command::Include(region.clone()));
    told.until(11);
    let history = told.told();

    // Three initial points: the fifth is step 2.
    let phases = history.phases.iter();
    let phases: Vec<_> = phases
        .map(|phase| {
            let points = (phase.from_point, phase.to_point);
            (
                phase.strategy.as_str(),
                points,
                (phase.from_step, phase.to_step),
            )
        })
        .collect();
    let first = crate::campaign::default_strategy();
    assert_eq!(
        phases,
        [
            (first, (1, 5), (0, 2)),
            ("ei", (6, 9), (3, 6)),
            ("random", (10, 11), (7, 8))
        ]
    );
    let commands = history.commands.iter();
    let commands: Vec<_> = commands
        .map(|taken| {
            let refused = taken.refused.is_some();
            (
                taken.after_point,
                taken.after_step,
                taken.until_step,
                refused,
            )
        })
        .collect();
    assert_eq!(
        commands,
        [
            (5, 2, Some(6), false),
            (5, 2, Some(6), false),
            (7, 4, None, false),
            (7, 4, None, true),
            (9, 6, None, false),
            (9, 6, Some(6), false),
        ]
    );
    let words: Vec<_> = history
        .commands
        .iter()
        .map(|c| c.command.as_str())
        .collect();
    assert_eq!(words[1], "exclude 3..5,2..4");
    assert!(
        words[2].starts_with("discard ") && words[2].contains(','),
        "{words:?}"
    );
    assert_eq!(history.discarded.len(), 1);
    assert!(history.excluded.is_empty());
    let marks = [(2, "1\u{2013}2"), (4, "3"), (6, "5\u{2013}6")];
    assert_eq!(
        history.marks(),
        marks.map(|(step, label)| (step, label.to_owned()))
    );
}

#[test]
fn legs_are_the_times_between_a_beginning_and_what_broke_it_off() {
    let mut told = Recorded::begin();
    told.until(4);
    let first = told.elapsed_ms - 1000;
    // Killed, and taken up an hour later.
    told.ahead_ms += 3_600_000;
    told.elapsed_ms = first;
    told.happens(resumed());
    told.until(6);
    told.happens(Event::Failed {
        why: "no vacuum".to_owned(),
    });
    told.happens(Event::Ended(Ended::Stopped));
    let last = told.elapsed_ms - 1000;
    let history = told.told();
    let legs: Vec<_> = history
        .legs
        .iter()
        .map(|leg| ((leg.from_point, leg.to_point), leg.ended.as_deref()))
        .collect();
    let stopped = Ended::Stopped.to_string();
    assert_eq!(legs, [((0, 4), None), ((4, 6), Some(stopped.as_str()))]);
    let second = &history.legs[1];
    assert!((history.legs[0].seconds - 1e-3 * first as f64).abs() < 1e-9);
    assert!((history.seconds() - 1e-3 * last as f64).abs() < 1e-9);
    assert_eq!(second.began_ms - history.legs[0].ended_ms, 3_600_000);
    let failed = history
        .failures
        .iter()
        .find(|failure| failure.why == "no vacuum");
    let failed = failed.unwrap();
    assert_eq!(
        (failed.kind, failed.after_point),
        (FailureKind::Instrument, 6)
    );
}

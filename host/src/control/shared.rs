//! What the campaign and the thread of the socket share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use beacon_kernel::Candidate;

use crate::campaign::{Command, Event, Given, Otherwise, State, TimeOut};
use crate::journal::now_ms;
use crate::microscope::Interrupt;
use crate::units::Seconds;

/// Points whose pace tells how long the rest takes.
const PACE: usize = 20;

/// The campaign as the thread of the socket sees it, and what it has for the campaign.
#[derive(Debug)]
pub(super) struct Shared {
    /// The campaign's state, folded from the same events.
    pub(super) state: State,
    /// Commands that were answered and are not on record yet.
    pub(super) waiting: VecDeque<Given>,
    /// How many of them come before a point that was broken off.
    pub(super) first: usize,
    pub(super) activity: String,
    /// Whether the beam was blanked when it was last asked to be, and since when; `None` while a point
    /// is exposed.
    pub(super) beam: Option<(bool, u64)>,
    /// When the last event was recorded.
    pub(super) last_event_ms: Option<u64>,
    /// How much of the responses' range has been seen.
    pub(super) coverage: Option<f64>,
    /// How long the campaign had been running when each of the last points was measured.
    measured: VecDeque<Duration>,
    /// The proposal that waits for a person, for how long, and since when.
    unanswered: Option<(Candidate, TimeOut, Instant)>,
    /// What gives an exposure under way up.
    pub(super) interrupt: Option<Interrupt>,
    /// When the campaign was taken up, and how long it had been running by then.
    clock: (Instant, Duration),
}

impl Shared {
    /// Of a campaign that has come to this state after running for so long, with commands that wait.
    pub(super) fn new(state: State, waiting: Vec<Given>, elapsed: Duration) -> Self {
        let mut shared = Self {
            state,
            waiting: waiting.into(),
            first: 0,
            activity: "beginning".to_owned(),
            beam: None,
            last_event_ms: None,
            coverage: None,
            measured: VecDeque::new(),
            unanswered: None,
            interrupt: None,
            clock: (Instant::now(), elapsed),
        };
        shared.note_unanswered();
        shared
    }

    /// Applies an event. A command that it takes or refuses waits no longer.
    pub(super) fn apply(&mut self, event: &Event) {
        // Where it does not fit, the campaign itself reports it.
        let _ = self.state.apply(event);
        if matches!(event, Event::Commanded(_) | Event::Refused { .. }) {
            self.waiting.pop_front();
            self.first = self.first.saturating_sub(1);
        }
        self.last_event_ms = Some(now_ms());
        if matches!(event, Event::Measured(_)) {
            self.note_measured();
        }
        self.note_unanswered();
    }

    /// Whether a command waits that concerns a point that was broken off: one that keeps it from being
    /// exposed again, or a limit that it may not pass.
    pub(super) fn is_urgent(&self) -> bool {
        let urgent = |given: &Given| {
            let command = &given.command;
            !command.excluded().is_empty()
                || command.is_limit()
                || matches!(command, Command::Pause | Command::Stop)
        };
        self.first > 0 || self.waiting.iter().any(urgent)
    }

    /// Whether the campaign is to end.
    pub(super) fn is_stopped(&self) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|given| given.command == Command::Stop)
    }

    /// Notes since when a proposal waits that may not wait for ever. Its time begins anew when the
    /// campaign was paused, and when the time is set.
    fn note_unanswered(&mut self) {
        let waits = self.state.next_point().filter(|next| next.waits);
        let waits = waits.filter(|_| !self.state.is_paused());
        let waits = waits.map(|next| next.candidate);
        let waits = waits.zip(self.state.settings().time_out);
        if self
            .unanswered
            .map(|(candidate, time, _)| (candidate, time))
            != waits
        {
            self.unanswered = waits.map(|(candidate, time)| (candidate, time, Instant::now()));
        }
    }

    /// The proposal that nobody has answered in time, and what then.
    pub(super) fn overdue(&self) -> Option<(Candidate, Otherwise)> {
        let (candidate, time_out, since) = self.unanswered?;
        let due = since.elapsed().as_secs_f64() >= time_out.seconds && self.waiting.is_empty();
        due.then_some((candidate, time_out.then))
    }

    /// Notes that a point was measured now.
    fn note_measured(&mut self) {
        if self.measured.len() > PACE {
            self.measured.pop_front();
        }
        self.measured.push_back(self.running());
    }

    /// How long the rest of the budget takes at the pace of the last points, as far as a limit of time lets it;
    /// `None` where neither is known.
    pub(super) fn left(&self) -> Option<Duration> {
        let settings = self.state.settings();
        let times = self.measured.iter();
        let mut each: Vec<Duration> = times
            .clone()
            .skip(1)
            .zip(times)
            .map(|(until, from)| until.saturating_sub(*from))
            .collect();
        // The median: a pause is no pace.
        each.sort_unstable();
        let points = settings.budget.saturating_sub(self.state.points().len());
        let each = each.get(each.len() / 2);
        let left = each.map(|each| each.saturating_mul(points.try_into().unwrap_or(u32::MAX)));
        let limit = settings.time_limit.map(Seconds::duration);
        let until = limit.map(|limit| limit.saturating_sub(self.running()));
        left.into_iter().chain(until).min()
    }

    /// How long the campaign has been running.
    pub(super) fn running(&self) -> Duration {
        let (since, before) = self.clock;
        since.elapsed() + before
    }

    /// The state as it will be when the waiting commands are taken.
    pub(super) fn after_waiting(&self) -> State {
        let mut state = self.state.clone();
        for given in &self.waiting {
            // A command that is refused changes nothing.
            let _ = state.apply(&Event::Commanded(given.clone()));
        }
        state
    }
}

pub(super) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // `apply` changes a state as a whole or not at all: a poisoned lock still holds a valid one.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

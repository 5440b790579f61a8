//! Dead time: from the end of an exposure to the start of the next, and what it went into.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Times;
use crate::controller::BoardClock;

/// Time between exposures since a program took the campaign up, in seconds of the host's clock. The parts add
/// up to the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeadTime {
    /// Times from the end of an exposure to the start of the next.
    pub gaps: usize,
    /// All of them.
    pub whole: f64,
    /// The longest.
    pub longest: f64,
    /// The instrument begins an exposure, ends it and hands the spectrum over: what its answer takes longer
    /// than the exposure by its own account.
    pub instrument: f64,
    /// Events go to the disk.
    pub recording: f64,
    /// The kernel is told the response.
    pub telling: f64,
    /// A model is fitted, or a fit beside the proposal is waited for.
    pub training: f64,
    /// The model is handed to the kernel.
    pub handing_over: f64,
    /// The kernel decides.
    pub deciding: f64,
    /// The surrogate is judged.
    pub monitoring: f64,
    /// The blanked beam is moved, and the controller is told dwell and limits.
    pub moving: f64,
    /// The controller is told to expose, and to blank.
    pub commanding: f64,
    /// Overviews are taken.
    pub overviews: f64,
    /// A person is waited for, or an instrument that failed.
    pub waiting: f64,
    /// Whatever else.
    pub rest: f64,
    /// The same by the clock of the board that exposes; absent without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub board: Option<BoardDeadTime>,
}

impl DeadTime {
    /// The parts by their names, the longest first.
    fn parts(&self) -> Vec<(&'static str, f64)> {
        let mut parts = vec![
            ("instrument", self.instrument),
            ("recording", self.recording),
            ("telling the kernel", self.telling),
            ("training", self.training),
            ("handing over", self.handing_over),
            ("deciding", self.deciding),
            ("monitoring", self.monitoring),
            ("moving", self.moving),
            ("commanding", self.commanding),
            ("overviews", self.overviews),
            ("waiting", self.waiting),
            ("the rest", self.rest),
        ];
        parts.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        parts
    }

    /// A line for people: how long it is on average, and its three longest parts; `None` where there were
    /// fewer than two exposures.
    pub fn line(&self) -> Option<String> {
        let each = |seconds: f64| format!("{:.1} ms", 1e3 * seconds / self.gaps as f64);
        let parts = self.parts().into_iter().take(3);
        let parts: Vec<_> = parts
            .map(|(name, seconds)| format!("{} {name}", each(seconds)))
            .collect();
        (self.gaps > 0).then(|| {
            let whole = each(self.whole);
            format!("between exposures: {whole}, of these {}", parts.join(", "))
        })
    }
}

/// Time without a beam by the clock of a board, which counts from one exposure's end to the next one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BoardDeadTime {
    /// Times from the end of an exposure to the end of the next, those in which it was reset left out.
    pub gaps: usize,
    /// What of them its account of the dose does not count, in seconds.
    pub whole: f64,
}

/// An exposure on the host's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exposure {
    /// When the instrument was asked.
    pub(crate) asked: Instant,
    /// When it had answered.
    pub(crate) answered: Instant,
    /// How long the beam was on, by the instrument.
    pub(crate) lasted: Duration,
}

impl Exposure {
    /// One that took no time.
    pub(crate) fn at_once() -> Self {
        let now = Instant::now();
        Self {
            asked: now,
            answered: now,
            lasted: Duration::ZERO,
        }
    }

    /// What the answer took longer than the exposure. A simulated instrument that runs ahead of the clock
    /// answers sooner.
    pub(crate) fn longer(&self) -> Duration {
        (self.answered - self.asked).saturating_sub(self.lasted)
    }
}

/// Where a gap begins: when, where the time had gone by then, and the board's clock.
#[derive(Clone, Copy, Debug)]
struct End {
    at: Instant,
    times: Times,
    clock: Option<BoardClock>,
}

/// Dead time as it is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gaps {
    pub(super) sum: DeadTime,
    end: Option<End>,
}

impl Gaps {
    /// Takes an exposure into account, with where the time had gone by its end.
    pub(super) fn exposed(&mut self, exposure: &Exposure, times: Times, clock: Option<BoardClock>) {
        let end = End {
            at: exposure.answered,
            times,
            clock,
        };
        if let Some(before) = self.end.replace(end) {
            self.add(&before, &end, exposure);
        }
    }

    fn add(&mut self, before: &End, end: &End, exposure: &Exposure) {
        let sum = &mut self.sum;
        let beam = (exposure.answered - exposure.asked).saturating_sub(exposure.longer());
        let whole = (end.at - before.at).saturating_sub(beam).as_secs_f64();
        sum.gaps += 1;
        sum.whole += whole;
        sum.longest = sum.longest.max(whole);
        let spent = |of: fn(&Times) -> Duration| {
            of(&end.times)
                .saturating_sub(of(&before.times))
                .as_secs_f64()
        };
        let handing_over = spent(|times| times.handing_over);
        let parts = [
            (&mut sum.instrument, spent(|times| times.instrument)),
            (&mut sum.recording, spent(|times| times.recording)),
            (&mut sum.telling, spent(|times| times.telling)),
            (
                &mut sum.training,
                spent(|times| times.training) - handing_over,
            ),
            (&mut sum.handing_over, handing_over),
            (&mut sum.deciding, spent(|times| times.deciding)),
            (&mut sum.monitoring, spent(|times| times.monitoring)),
            (&mut sum.moving, spent(|times| times.moving)),
            (&mut sum.commanding, spent(|times| times.commanding)),
            (&mut sum.overviews, spent(|times| times.overviews)),
            (&mut sum.waiting, spent(|times| times.waiting)),
        ];
        let mut rest = whole;
        for (part, seconds) in parts {
            *part += seconds;
            rest -= seconds;
        }
        sum.rest += rest;
        if let (Some(from), Some(to)) = (before.clock, end.clock) {
            let board = sum.board.get_or_insert_default();
            if let Some(blanked) = from.blanked_until(&to) {
                board.gaps += 1;
                board.whole += blanked.as_secs_f64();
            }
        }
    }
}

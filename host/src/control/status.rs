//! How a live campaign is doing, for whoever asks while it runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::campaign::State;
use crate::units::Electrons;

/// How a campaign is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it does, such as `measuring` or `paused`.
    pub state: String,
    /// Points measured so far.
    pub points: usize,
    /// Points to measure in all.
    pub budget: usize,
    /// Strategy that chooses them.
    pub strategy: String,
    /// What is sought, as a scalarizer is written.
    pub target: String,
    /// Row and column of the last point.
    pub last: Option<(usize, usize)>,
    /// Its response.
    pub response: Option<f64>,
    /// Row and column of the proposal that waits for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<(usize, usize)>,
    /// Electrons that the sample has taken.
    pub dose_electrons: f64,
    /// Electrons that it may take, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose_limit_electrons: Option<f64>,
    /// How far the sample has moved down and to the right, in pixels.
    pub drift: (f64, f64),
    /// How long it has been running, in seconds.
    pub elapsed_seconds: f64,
    /// Times that the instrument failed.
    pub failures: usize,
    /// Its last message of failure.
    pub last_failure: Option<String>,
}

impl Status {
    /// The status by a state.
    pub(super) fn new(state: &State, activity: &str, elapsed: Duration) -> Self {
        let settings = state.settings();
        let last = state.points().last();
        let waiting = state.next_point().filter(|next| next.waits);
        let proposal = waiting.and_then(|next| {
            let pixel = state.candidates()?.pixel(next.candidate).ok()?;
            Some((pixel.row, pixel.column))
        });
        Self {
            state: activity.to_owned(),
            points: state.points().len(),
            budget: settings.budget,
            strategy: settings.campaign.strategy.clone(),
            target: settings.target().to_string(),
            last: last.map(|point| (point.pixel.row, point.pixel.column)),
            response: last.and_then(|point| point.responses.get(settings.target).copied()),
            proposal,
            dose_electrons: state.ledger().total().get(),
            dose_limit_electrons: settings.limits.total.map(Electrons::get),
            drift: state.drift(),
            elapsed_seconds: elapsed.as_secs_f64(),
            failures: state.failures().len(),
            last_failure: state.failures().last().cloned(),
        }
    }
}

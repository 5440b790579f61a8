//! How a live campaign is doing, for whoever asks while it runs.

use std::time::Duration;

use beacon_kernel::Pixel;
use serde::{Deserialize, Serialize};

use crate::campaign::{Author, Proposed, Region, Standing, State, TimeOut};
use crate::units::{Electrons, ElectronsPerSquareAngstrom, Seconds};

/// A proposal that waits for a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    pixel: Pixel,
    /// Predicted response and its standard deviation; `None` without a model.
    predicted: Option<(f64, f64)>,
}

impl Proposal {
    /// That of a campaign; `None` while none waits.
    pub(crate) fn waiting(state: &State) -> Option<Self> {
        let next = state.next_point().filter(|next| next.waits)?;
        let predicted = next.proposed.and_then(predicted);
        Some(Self {
            pixel: state.candidates()?.pixel(next.candidate).ok()?,
            predicted,
        })
    }

    /// Row, column and prediction, for a person.
    pub(crate) fn described(&self, units: &str) -> String {
        let Pixel { row, column } = self.pixel;
        let predicted = self.predicted.map_or_else(String::new, |(mean, sigma)| {
            let predicted = format!("{mean:.4} ± {sigma:.4} {units}");
            format!(", predicted {}", predicted.trim_end())
        });
        format!("row {row}, column {column}{predicted}")
    }
}

/// Mean and standard deviation that were predicted for a proposal, in the units of the response.
fn predicted(proposed: Proposed) -> Option<(f64, f64)> {
    let (mean, sigma) = proposed.prediction?;
    Some((f64::from(mean) + proposed.origin, f64::from(sigma)))
}

/// Regions in which people let nothing be measured, as they were asked for: what was measured there before
/// tears no holes into them.
fn excluded(state: &State) -> Vec<String> {
    let Some(candidates) = state.candidates() else {
        return Vec::new();
    };
    let (height, width) = (candidates.height(), candidates.width());
    let mut asked = vec![false; height * width];
    for (_, given) in state.commands() {
        for (regions, holds) in [
            (given.command.excluded(), true),
            (given.command.included(), false),
        ] {
            for region in regions {
                for row in region.rows.start.min(height)..region.rows.end.min(height) {
                    let columns = region.columns.start.min(width)..region.columns.end.min(width);
                    asked[row * width..][columns].fill(holds);
                }
            }
        }
    }
    let is_excluded = |row: usize, column: usize| {
        let candidate = candidates.at(Pixel { row, column });
        // A rejected proposal excludes its pixel alone.
        let stands = candidate.map(|candidate| state.standing(candidate));
        asked[row * width + column] || stands == Some(Standing::Excluded)
    };
    let regions = Region::covering(height, width, is_excluded);
    regions.iter().take(500).map(Region::to_string).collect()
}

/// How a campaign is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it does, such as `measuring` or `paused`, or how it ended.
    pub state: String,
    /// Whether a program runs it; where none does, the rest is what its journal says.
    #[serde(default)]
    pub running: bool,
    /// Why it ended, where it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// How it goes on, where no program runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_on: Option<String>,
    /// Points measured so far.
    pub points: usize,
    /// Points to measure in all.
    pub budget: usize,
    /// Those of the points that it starts from: given, or by chance.
    #[serde(default)]
    pub seeds: usize,
    /// Share of the responses' range that was seen; absent before the first decision, and where no program
    /// runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// Strategy that chooses them.
    pub strategy: String,
    /// What is sought, as a scalarizer is written; of several the first.
    pub target: String,
    /// All that is sought, as `ctl DIR target` takes it; absent where that is the target alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<String>,
    /// What is sought beside it, each with its value at the last point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<(String, Option<f64>)>,
    /// Row and column of the last point.
    pub last: Option<(usize, usize)>,
    /// Its response.
    pub response: Option<f64>,
    /// What was predicted there before, and its standard deviation, in the units of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<(f64, f64)>,
    /// Row and column of the proposal that waits for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<(usize, usize)>,
    /// Predicted response there and its standard deviation, in the units of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<(f64, f64)>,
    /// Whether proposals wait for a person.
    #[serde(default)]
    pub approval: bool,
    /// How long, where not until somebody answers, and what then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_out: Option<TimeOut>,
    /// Commands that were answered and that the campaign has yet to take, in this order, each with who
    /// gave it; at most the first 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// Live time of the next spectrum, in seconds.
    #[serde(default)]
    pub dwell_seconds: f64,
    /// Rows and columns of the points that people want measured, in this order.
    #[serde(default)]
    pub waiting: Vec<(usize, usize)>,
    /// Regions in which nothing is measured, as `include` takes them; at most the first 500.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// Rows and columns of the measured points that do not count.
    #[serde(default)]
    pub discarded: Vec<(usize, usize)>,
    /// Electrons that the sample has taken.
    pub dose_electrons: f64,
    /// Electrons that it may take, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose_limit_electrons: Option<f64>,
    /// Electrons per Å² on the pixel that has taken most, where the size of a pixel is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_pixel_e_per_a2: Option<f64>,
    /// Electrons per Å² that a pixel may take, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_limit_e_per_a2: Option<f64>,
    /// How far the sample has moved down and to the right, in pixels.
    pub drift: (f64, f64),
    /// How long it has been running, in seconds.
    pub elapsed_seconds: f64,
    /// How long it may have been running in all, in seconds, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_seconds: Option<f64>,
    /// How long the rest takes at the pace of the last points, or until the limit of the time, in seconds;
    /// absent where neither is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_seconds: Option<f64>,
    /// Whether the beam was blanked when it was last asked to be; absent while a point is exposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blanked: Option<bool>,
    /// Since when, in milliseconds since the beginning of 1970, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blanked_since_ms: Option<u64>,
    /// When the last event was recorded, in milliseconds since the beginning of 1970, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_ms: Option<u64>,
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
        let place = |pixel: Pixel| (pixel.row, pixel.column);
        let of = |candidate| Some(place(state.candidates()?.pixel(candidate).ok()?));
        // Of a campaign that is over nothing waits any more.
        let proposal = Proposal::waiting(state).filter(|_| state.ended().is_none());
        let planned = state.next_point();
        let planned = planned.filter(|next| next.author == Author::Person);
        let planned = planned.map(|next| next.candidate).into_iter();
        let discarded = state.points().iter().filter(|point| point.discarded);
        Self {
            state: activity.to_owned(),
            running: true,
            ended: None,
            go_on: None,
            points: state.points().len(),
            budget: settings.budget,
            seeds: state.seeds(),
            coverage: None,
            strategy: settings.campaign.strategy.clone(),
            target: settings.target().to_string(),
            targets: Some(settings.targets_in_words())
                .filter(|all| *all != settings.target().to_string()),
            further: (settings.sought().zip(&settings.targets).skip(1))
                .map(|(target, &index)| {
                    let response = last.and_then(|point| point.responses.get(index).copied());
                    (
                        target.to_string(),
                        response.filter(|value| value.is_finite()),
                    )
                })
                .collect(),
            last: last.map(|point| (point.pixel.row, point.pixel.column)),
            response: last.and_then(|point| point.responses.get(settings.target_index()).copied()),
            expected: last
                .filter(|point| point.revision == state.revision())
                .and_then(|point| predicted(point.proposed?)),
            proposal: proposal.map(|waits| place(waits.pixel)),
            predicted: proposal.and_then(|waits| waits.predicted),
            approval: settings.approval,
            time_out: settings.time_out,
            commands: Vec::new(),
            dwell_seconds: settings.dwell.get(),
            waiting: planned.chain(state.wishes()).filter_map(of).collect(),
            excluded: excluded(state),
            discarded: discarded.map(|point| place(point.pixel)).collect(),
            dose_electrons: state.ledger().total().get(),
            dose_limit_electrons: settings.limits.total.map(Electrons::get),
            worst_pixel_e_per_a2: (state.ledger().on_worst_pixel())
                .map(ElectronsPerSquareAngstrom::get),
            pixel_limit_e_per_a2: settings.limits.pixel.map(ElectronsPerSquareAngstrom::get),
            drift: state.drift(),
            elapsed_seconds: elapsed.as_secs_f64(),
            time_limit_seconds: settings.time_limit.map(Seconds::get),
            left_seconds: None,
            blanked: None,
            blanked_since_ms: None,
            last_event_ms: None,
            failures: state.failures().len(),
            last_failure: state.failures().last().cloned(),
        }
    }
}

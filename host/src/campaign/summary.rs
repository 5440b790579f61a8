//! A campaign in one object: what `--json` prints and `summary.json` holds.

use beacon_kernel::Edges;
use serde::{Deserialize, Serialize};

use super::config::edges_by_name;
use super::{Discovery, Ended, MapFigures, Measurement, Outcome, Series, Times};
use crate::controller::LinkReport;

/// Summary of a campaign. Fields are added by later versions, never renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the program.
    pub version: String,
    /// Name of the strategy.
    pub strategy: String,
    /// Seed of the campaign.
    pub seed: u64,
    /// Side of the window, in pixels.
    pub window: usize,
    /// What became of windows that reach beyond the image; absent in earlier versions, which left
    /// them out.
    #[serde(default, with = "edges_by_name")]
    pub edges: Edges,
    /// Number of candidates.
    pub candidates: usize,
    /// Bins of the target space that some candidate falls into.
    pub occupied_bins: usize,
    /// Candidate numbers of the seeds, in the order they were measured.
    pub seeds: Vec<u32>,
    /// Candidate numbers of the steps, in the order they were measured.
    pub order: Vec<u32>,
    /// Measured responses of the steps.
    pub responses: Vec<f64>,
    /// What was sought beside the first response, and its values at the steps; absent where one was sought.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub further_responses: Vec<(String, Vec<f64>)>,
    /// The figures, one entry per step.
    #[serde(flatten)]
    pub series: Series,
    /// What was found of each behaviour that the experiment knows; absent where it knows none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub discoveries: Vec<Discovery>,
    /// How good the map to publish is, and maps of fewer points were; absent in earlier versions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub maps: Vec<MapFigures>,
    /// Total time in seconds by what it was spent on.
    pub time: TimeSummary,
    /// The most memory that the program had at once until the campaign ended, in bytes; absent
    /// where the system does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak_memory: Option<u64>,
    /// What the link to the controller has been through; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<LinkReport>,
    /// Why the campaign ended.
    #[serde(default)]
    pub ended: Ended,
    /// What went wrong without ending the campaign.
    pub warnings: Vec<String>,
}

/// Seconds spent over a whole campaign.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeSummary {
    /// Waiting for proposals.
    pub deciding: f64,
    /// Waiting for the experiment.
    pub measuring: f64,
    /// Training, and handing the model to the controller.
    pub training: f64,
    /// Handing the model to the controller, which is part of `training`.
    #[serde(default)]
    pub handing_over: f64,
    /// Surrogate maps and metrics.
    pub monitoring: f64,
    /// Making the map to publish, once the campaign is over.
    #[serde(default)]
    pub mapping: f64,
    /// From the beginning of the campaign to its end, whatever it was spent on.
    #[serde(default)]
    pub whole: f64,
}

impl From<Times> for TimeSummary {
    fn from(times: Times) -> Self {
        Self {
            deciding: times.deciding.as_secs_f64(),
            measuring: times.measuring.as_secs_f64(),
            training: times.training.as_secs_f64(),
            handing_over: times.handing_over.as_secs_f64(),
            monitoring: times.monitoring.as_secs_f64(),
            mapping: times.mapping.as_secs_f64(),
            whole: times.whole.as_secs_f64(),
        }
    }
}

impl Summary {
    /// The summary of an outcome.
    pub fn new(outcome: &Outcome) -> Self {
        let numbers = |points: &[Measurement]| points.iter().map(|m| m.candidate.0).collect();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            strategy: outcome.config.strategy.clone(),
            seed: outcome.config.seed,
            window: outcome.config.window,
            edges: outcome.config.edges,
            candidates: outcome.candidates,
            occupied_bins: outcome.occupied_bins,
            seeds: numbers(&outcome.seeds),
            order: numbers(&outcome.steps),
            responses: outcome.steps.iter().map(|m| m.response).collect(),
            further_responses: (outcome.further.iter())
                .map(|of| {
                    let steps = of.values.get(outcome.seeds.len()..).unwrap_or_default();
                    (of.target.clone(), steps.to_vec())
                })
                .collect(),
            series: outcome.series.clone(),
            discoveries: outcome.discoveries.clone(),
            maps: outcome.maps.clone(),
            time: outcome.times.into(),
            peak_memory: outcome.peak_memory,
            link: outcome.link.clone(),
            ended: outcome.ended.clone(),
            warnings: outcome.warnings.clone(),
        }
    }
}

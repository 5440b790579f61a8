//! The summary of a live campaign.

use serde::{Deserialize, Serialize};

use super::session::Session;
use super::{LiveError, read_history};
use crate::campaign::{Command, DeadTime, History, Outcome, Summary};
use crate::experiment::Experiment as _;
use crate::units::Electrons;

/// Summary of a live campaign: that of a replay, with dose, drift and commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveSummary {
    /// As of any campaign.
    #[serde(flatten)]
    pub campaign: Summary,
    /// What the instrument says it is.
    pub instrument: String,
    /// What was sought, as a scalarizer is written; of several the first.
    pub target: String,
    /// What was sought beside it; absent where one was.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub further_targets: Vec<String>,
    /// Electrons that the sample has taken, overviews included; 0 where the current is not known.
    pub dose_electrons: f64,
    /// The dose limit, in electrons, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dose_limit_electrons: Option<f64>,
    /// Drift-corrected position of every point, seeds first: row and column of the overview.
    pub positions: Vec<(f64, f64)>,
    /// How far from its pixel on the sample each point was really measured, in pixels; known of
    /// simulated samples alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position_errors: Option<Vec<f64>>,
    /// The commands that held, each with the points measured by then.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub commands: Vec<(usize, Command)>,
    /// Who gave each of them, by the name they gave, and when, in milliseconds since the beginning of
    /// 1970, UTC.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub command_authors: Vec<(String, u64)>,
    /// Points whose measurement was discarded, by their place among all points.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub discarded: Vec<usize>,
    /// How far the sample had moved down and to the right by the last overview, in pixels.
    pub drift: (f64, f64),
    /// What happened beside the measurements: commands, strategies and targets with the steps that they
    /// held for, failures, interruptions; empty in earlier versions.
    #[serde(default)]
    pub history: History,
    /// Where the time between exposures went; all zeros in earlier versions.
    #[serde(default)]
    pub dead_time: DeadTime,
    /// SHA-256 of the journal, in hexadecimal.
    pub journal_sha256: String,
}

impl LiveSummary {
    /// The summary of a campaign and the session that it ran in.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn new(outcome: &Outcome, session: &Session<'_>) -> Result<Self, LiveError> {
        let image = session.image();
        let (height, width) = (image.height(), image.width());
        let points = session.points();
        let positions = points.iter();
        let positions = positions.map(|point| point.position.pixel(height, width));
        let errors: Option<Vec<f64>> = points
            .iter()
            .map(|point| {
                let (row, column) = point.true_pixel?;
                let down = row - point.pixel.row as f64;
                Some(down.hypot(column - point.pixel.column as f64))
            })
            .collect();
        Ok(Self {
            campaign: Summary::new(outcome),
            instrument: session.begun().instrument.clone(),
            target: session.state().settings().target().to_string(),
            further_targets: session.state().settings().further_targets(),
            dose_electrons: session.state().ledger().total().get(),
            dose_limit_electrons: session.state().settings().limits.total.map(Electrons::get),
            positions: positions.collect(),
            position_errors: errors,
            commands: session
                .commands()
                .iter()
                .map(|(points, given)| (*points, given.command.clone()))
                .collect(),
            command_authors: session
                .commands()
                .iter()
                .map(|(_, given)| (given.by.clone(), given.at_ms))
                .collect(),
            discarded: (0..)
                .zip(points)
                .filter_map(|(n, point)| point.discarded.then_some(n))
                .collect(),
            drift: session.state().drift(),
            history: read_history(&session.journal_path())?,
            dead_time: outcome.dead_time,
            journal_sha256: session.journal_hash()?,
        })
    }
}

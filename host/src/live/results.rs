//! What a live campaign leaves in its folder: the summary, and one HDF5 file with everything.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::campaign::{Command, MeasuredPoint, Measurement, Outcome, Summary, pixel_area};
use crate::data::result::{PointRow, PointSpectra, Response, ResultError, ResultFile};
use crate::experiment::Experiment as _;
use crate::journal::JournalError;

/// Summary of a live campaign: that of a replay, and what the sample took for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveSummary {
    /// As of any campaign.
    #[serde(flatten)]
    pub campaign: Summary,
    /// What the instrument says it is.
    pub instrument: String,
    /// What was sought, as a scalarizer is written.
    pub target: String,
    /// Electrons that the sample has taken, overviews included; 0 where the current is not known.
    pub dose_electrons: f64,
    /// The same limit as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dose_limit_electrons: Option<f64>,
    /// Where the beam was told to go for every point, seeds first: row and column of the overview,
    /// drift included.
    pub positions: Vec<(f64, f64)>,
    /// How far from its pixel on the sample each point was really measured, in pixels; known of
    /// simulated samples alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position_errors: Option<Vec<f64>>,
    /// The commands that held, each with the points measured by then.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub commands: Vec<(usize, Command)>,
    /// Who gave each of them, by their own word, and when, in milliseconds since the beginning of
    /// 1970, UTC.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub command_authors: Vec<(String, u64)>,
    /// Points whose measurement was discarded, by their place among all points.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub discarded: Vec<usize>,
    /// How far the sample had moved down and to the right by the last overview, in pixels.
    pub drift: (f64, f64),
    /// SHA-256 of the journal, in hexadecimal.
    pub journal_sha256: String,
}

impl LiveSummary {
    /// The summary of a campaign and the session that it ran in.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn new(outcome: &Outcome, session: &Session<'_>) -> Result<Self, JournalError> {
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
            dose_electrons: session.state().ledger().total(),
            dose_limit_electrons: session.state().settings().limits.total,
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
            journal_sha256: session.journal_hash()?,
        })
    }
}

/// Writes image, points, spectra, predictions and provenance into one HDF5 file that HyperSpy and
/// sidpy open.
///
/// # Errors
/// When a spectrum cannot be read from the journal, or the file cannot be written.
pub fn write_results(
    path: &Path,
    outcome: &Outcome,
    session: &Session<'_>,
    summary: &LiveSummary,
) -> Result<(), ResultError> {
    let channels = &session.begun().channels;
    let names: Vec<(String, String)> = session
        .scalarizers()
        .iter()
        .map(|scalarizer| {
            let units = scalarizer.units(&channels.axis.units, &channels.units);
            (scalarizer.to_string(), units)
        })
        .collect();
    let responses: Vec<_> = names
        .iter()
        .map(|(name, units)| Response { name, units })
        .collect();
    let target = session.state().settings().target;
    let fetch = |point: usize, spectrum: &mut Vec<f64>| {
        let read = session.spectrum_of(&session.points()[point]);
        *spectrum = read.map_err(io::Error::other)?;
        Ok(())
    };
    let maps = [("mean", &outcome.mean), ("sigma", &outcome.sigma)];
    let maps: Vec<_> = maps
        .iter()
        .filter_map(|(name, map)| Some((*name, map.as_ref()?)))
        .collect();
    let provenance = provenance(outcome, session, summary);
    let provenance: Vec<_> = provenance
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    ResultFile {
        image: session.image(),
        points: &rows(outcome, session),
        responses: &responses,
        target,
        spectra: (!session.points().is_empty()).then_some(PointSpectra {
            channels,
            fetch: &fetch,
        }),
        maps: &maps,
        provenance: &provenance,
    }
    .write(path)
}

fn rows(outcome: &Outcome, session: &Session<'_>) -> Vec<PointRow> {
    let image = session.image();
    let (height, width) = (image.height(), image.width());
    let area = pixel_area(&image.rows, &image.columns);
    let seeds = outcome.seeds.iter().map(|seed| (0, seed));
    let measurements = seeds.chain((1..).zip(&outcome.steps));
    let row = |((step, measurement), point): ((u32, &Measurement), &MeasuredPoint)| PointRow {
        candidate: point.candidate.0,
        step,
        row: point.pixel.row as u32,
        column: point.pixel.column as u32,
        beam: Some(point.position.pixel(height, width)),
        responses: point.responses.clone(),
        live_seconds: Some(point.live_seconds),
        real_seconds: Some(point.real_seconds),
        dose_electrons: Some(point.electrons).filter(|&dose| dose > 0.0),
        dose_density: area
            .map(|area| point.electrons / area)
            .filter(|&dose| dose > 0.0),
        expected: measurement.expected.map(|e| (e.mean, e.sigma)),
        score: measurement.proposal.map(|p| f64::from(p.score)),
    };
    measurements.zip(session.points()).map(row).collect()
}

fn provenance(
    outcome: &Outcome,
    session: &Session<'_>,
    summary: &LiveSummary,
) -> Vec<(&'static str, String)> {
    let begun = session.begun();
    let controller = match &outcome.link {
        Some(link) => format!("{}, {}", link.board, link.build),
        None => format!("in-process, {}", env!("CARGO_PKG_VERSION")),
    };
    vec![
        ("program", format!("beacon {}", env!("CARGO_PKG_VERSION"))),
        ("begun by", format!("beacon {}", begun.version)),
        ("algorithm", begun.algorithm.to_string()),
        ("seed", outcome.config.seed.to_string()),
        ("strategy", outcome.config.strategy.clone()),
        ("target", summary.target.clone()),
        ("instrument", begun.instrument.clone()),
        ("controller", controller),
        ("dose_electrons", summary.dose_electrons.to_string()),
        ("commands", commands(session)),
        ("ended", outcome.ended.to_string()),
        ("warnings", outcome.warnings.join("\n")),
        ("journal_sha256", summary.journal_sha256.clone()),
        (
            "configuration",
            toml::to_string(session.config()).unwrap_or_else(|_| begun.settings.clone()),
        ),
    ]
}

/// The commands that held, a line each.
fn commands(session: &Session<'_>) -> String {
    let lines = session.commands().iter();
    let lines = lines.map(|(points, given)| {
        let by = if given.by.is_empty() {
            String::new()
        } else {
            format!(", by {}", given.by)
        };
        format!("after {points} points: {}{by}", given.command)
    });
    lines.collect::<Vec<_>>().join("\n")
}

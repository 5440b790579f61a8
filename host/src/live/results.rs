//! What a live campaign leaves in its folder: one HDF5 file with everything.

use std::io;
use std::path::Path;

use super::LiveSummary;
use super::session::Session;
use crate::campaign::{Held, History, MeasuredPoint, Measurement, Outcome, pixel_area};
use crate::data::files::Conditions;
use crate::data::result::{PointRow, PointSpectra, Response, ResultError, ResultFile};
use crate::experiment::Experiment as _;
use crate::scalarizer::Scalarizer;
use crate::units::Picoamperes;

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
    let sought = session.scalarizers().iter().flat_map(Scalarizer::elements);
    let channels = &session.begun().channels.clone().naming(sought);
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
    let target = session.state().settings().target_index();
    let fetch = |point: usize, spectrum: &mut Vec<f64>| {
        let read = session.spectrum_of(&session.points()[point]);
        *spectrum = read.map_err(io::Error::other)?;
        Ok(())
    };
    let published = outcome.map.as_ref();
    let maps = [
        ("map_mean", published.map(|map| &map.mean)),
        ("map_sigma", published.map(|map| &map.sigma)),
        ("mean", outcome.mean.as_ref()),
        ("sigma", outcome.sigma.as_ref()),
    ];
    let maps = maps
        .into_iter()
        .filter_map(|(name, map)| Some((name, map?)));
    let maps: Vec<_> = maps.collect();
    let provenance = provenance(outcome, session, summary);
    let provenance: Vec<_> = provenance
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let points = rows(outcome, session, &summary.history);
    let conditions = Conditions {
        beam_energy: session.beam_energy(),
        beam_current: session.state().current().map(Picoamperes::get),
        dwell: common(&points, |point| point.real_seconds),
        live_time: common(&points, |point| point.live_seconds),
    };
    ResultFile {
        image: session.image(),
        conditions,
        points: &points,
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

/// A time that all points share; `None` where they differ.
fn common(points: &[PointRow], time: impl Fn(&PointRow) -> Option<f64>) -> Option<f64> {
    let first = time(points.first()?)?;
    let near = |other: f64| (other - first).abs() <= 1e-6 * first;
    let all = points.iter().all(|point| time(point).is_some_and(near));
    (all && first > 0.0).then_some(first)
}

type Row<'a> = (
    ((u32, &'a Measurement), &'a MeasuredPoint),
    Option<&'a Held>,
);

fn rows(outcome: &Outcome, session: &Session<'_>, history: &History) -> Vec<PointRow> {
    let image = session.image();
    let (height, width) = (image.height(), image.width());
    let area = pixel_area(&image.rows, &image.columns);
    let seeds = outcome.seeds.iter().map(|seed| (0, seed));
    let measurements = seeds.chain((1..).zip(&outcome.steps));
    let row = |(((step, measurement), point), held): Row<'_>| PointRow {
        candidate: point.candidate.0,
        step,
        row: point.pixel.row as u32,
        column: point.pixel.column as u32,
        beam: Some(point.position.pixel(height, width)),
        responses: point.responses.clone(),
        live_seconds: Some(point.live_time.get()),
        real_seconds: Some(point.real_time.get()),
        dose_electrons: Some(point.electrons.get()).filter(|&dose| dose > 0.0),
        dose_density: area
            .map(|area| (point.electrons / area).get())
            .filter(|&dose| dose > 0.0),
        expected: measurement.expected.map(|e| (e.mean, e.sigma)),
        score: measurement.proposal.map(|p| f64::from(p.score)),
        seconds: held.map(|held| held.seconds),
        discarded: point.discarded,
    };
    let held = history.held.iter().map(Some);
    let held = held.chain(std::iter::repeat(None));
    let points = measurements.zip(session.points()).zip(held);
    points.map(row).collect()
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
        ("target", {
            let further = summary.further_targets.iter().map(String::as_str);
            let all: Vec<_> = std::iter::once(summary.target.as_str())
                .chain(further)
                .collect();
            all.join(", ")
        }),
        ("instrument", begun.instrument.clone()),
        ("controller", controller),
        ("dose_electrons", summary.dose_electrons.to_string()),
        ("commands", commands(&summary.history)),
        ("phases", phases(&summary.history)),
        ("legs", legs(&summary.history)),
        ("failures", failures(&summary.history)),
        ("ended", outcome.ended.to_string()),
        ("warnings", outcome.warnings.join("\n")),
        ("journal_sha256", summary.journal_sha256.clone()),
        (
            "configuration",
            toml::to_string(session.config()).unwrap_or_else(|_| begun.settings.clone()),
        ),
    ]
}

/// The commands, a line each.
fn commands(history: &History) -> String {
    lines(&history.commands, |taken| {
        let by = if taken.by.is_empty() {
            "somebody"
        } else {
            &taken.by
        };
        let until = match taken.until_step {
            Some(until) if until != taken.after_step => format!(", until step {until}"),
            _ => String::new(),
        };
        let refused = taken.refused.as_ref();
        let refused = refused.map_or_else(String::new, |why| format!(", refused: {why}"));
        format!(
            "after {} points, step {}: {}{until}, by {by}, at {} ms{refused}",
            taken.after_point, taken.after_step, taken.command, taken.at_ms
        )
    })
}

/// Strategies and targets with the points that they held for, a line each.
fn phases(history: &History) -> String {
    lines(&history.phases, |phase| {
        format!(
            "points {} to {}, steps {} to {}: strategy {}, target {}, dwell {} s",
            phase.from_point,
            phase.to_point,
            phase.from_step,
            phase.to_step,
            phase.strategy,
            phase.targets(),
            phase.dwell_seconds
        )
    })
}

/// The times that a program ran the campaign, a line each.
fn legs(history: &History) -> String {
    lines(&history.legs, |leg| {
        format!(
            "from {} to {} ms, {} s, by {} points measured: {}, beacon {}",
            leg.began_ms,
            leg.ended_ms,
            leg.seconds,
            leg.to_point,
            leg.ended.as_deref().unwrap_or("broken off"),
            leg.version
        )
    })
}

/// What failed, a line each.
fn failures(history: &History) -> String {
    lines(&history.failures, |failure| {
        let pixel = failure.pixel;
        let pixel = pixel.map_or_else(String::new, |(row, column)| format!(" {row},{column}"));
        format!(
            "after {} points: {}{pixel}, at {} ms: {}",
            failure.after_point,
            failure.kind.words(),
            failure.at_ms,
            failure.why
        )
    })
}

fn lines<T>(all: &[T], line: impl Fn(&T) -> String) -> String {
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

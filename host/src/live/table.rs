//! `acquisitions.csv` of a live campaign: a row a point, folded from the journal.

use std::path::Path;

use beacon_kernel::Candidate;

use super::LiveError;
use super::taken_up::from_toml;
use crate::campaign::{Author, Event, MeasuredPoint, Record, Settings, State};
use crate::data::files::{WriteError, write_file};
use crate::journal::Follower;

/// The columns before those of the scalarizers; `host/docs/files.md` says what they are.
const COLUMNS: [&str; 24] = [
    "step",
    "row",
    "column",
    "value",
    "score",
    "mean",
    "std",
    "point",
    "seconds",
    "at_ms",
    "x",
    "y",
    "length_units",
    "drift_down",
    "drift_right",
    "dwell",
    "live_seconds",
    "real_seconds",
    "electrons",
    "strategy",
    "target",
    "author",
    "discarded",
    "value_units",
];

/// What held when a point was measured.
struct Held {
    seconds: f64,
    at_ms: u64,
    drift: (f64, f64),
    dwell: f64,
    strategy: String,
    target: String,
}

/// Why the table cannot be written; each is one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// The journal does not tell.
    #[error(transparent)]
    Journal(#[from] LiveError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] WriteError),
}

/// Writes the table of the campaign whose journal is in a folder.
///
/// # Errors
/// When the journal cannot be read, or the file cannot be written; nothing half-written is left.
pub(crate) fn write_points(folder: &Path) -> Result<(), TableError> {
    let file = folder.join("acquisitions.csv");
    let (state, held) = fold(&folder.join("journal"))?;
    let settings = state.settings();
    let axis = &state.begun().channels.axis;
    let units = settings
        .target()
        .units(&axis.units, &state.begun().channels.units);
    let mut table = csv::Writer::from_writer(Vec::new());
    let scalarizers = settings.scalarizers.iter();
    let scalarizers: Vec<String> = scalarizers.map(|of| format!("value:{of}")).collect();
    let names = COLUMNS.iter().copied();
    // To memory nothing fails.
    let _ = table.write_record(names.chain(scalarizers.iter().map(String::as_str)));
    for (index, (point, held)) in state.points().iter().zip(&held).enumerate() {
        let _ = table.write_record(row(&state, index, point, held, &units));
    }
    let bytes = table.into_inner().unwrap_or_default();
    Ok(write_file(&file, &bytes)?)
}

fn row(
    state: &State,
    index: usize,
    point: &MeasuredPoint,
    held: &Held,
    units: &str,
) -> Vec<String> {
    let step = (index + 1).saturating_sub(state.seeds());
    let proposed = point.proposed.filter(|_| step > 0);
    let predicted = proposed.and_then(|proposed| Some((proposed.prediction?, proposed.origin)));
    let optional = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let response = point.responses.get(state.settings().target).copied();
    let image = state.image();
    let length = |pick: fn(&crate::data::Map) -> &crate::data::Axis, at: usize| {
        optional(image.map(|image| pick(image).value(at)))
    };
    let author = match point.author {
        Author::Plan => "plan",
        Author::Chance => "chance",
        Author::Strategy => "strategy",
        Author::Person => "person",
    };
    let mut row = vec![
        step.to_string(),
        point.pixel.row.to_string(),
        point.pixel.column.to_string(),
        optional(response),
        optional(proposed.map(|proposed| f64::from(proposed.score))),
        optional(predicted.map(|((mean, _), origin)| f64::from(mean) + origin)),
        optional(predicted.map(|((_, sigma), _)| f64::from(sigma))),
        (index + 1).to_string(),
        held.seconds.to_string(),
        held.at_ms.to_string(),
        length(|image| &image.columns, point.pixel.column),
        length(|image| &image.rows, point.pixel.row),
        image.map_or_else(String::new, |image| image.columns.units.clone()),
        held.drift.0.to_string(),
        held.drift.1.to_string(),
        held.dwell.to_string(),
        point.live_time.get().to_string(),
        point.real_time.get().to_string(),
        point.electrons.get().to_string(),
        held.strategy.clone(),
        held.target.clone(),
        author.to_owned(),
        u8::from(point.discarded).to_string(),
        units.to_owned(),
    ];
    row.extend(point.responses.iter().map(f64::to_string));
    row
}

/// The campaign at the end of its journal, and what held at each of its points.
fn fold(journal: &Path) -> Result<(State, Vec<Held>), LiveError> {
    let mut follower = Follower::new(journal);
    let mut state: Option<State> = None;
    let mut held = Vec::new();
    loop {
        let news = follower.poll()?;
        if news.records.is_empty() {
            break;
        }
        for (_, record) in news.records {
            take(&mut state, &mut held, &record)?;
        }
    }
    let state = state.ok_or_else(|| LiveError::NothingBegun(journal.to_owned()))?;
    Ok((state, held))
}

fn take(state: &mut Option<State>, held: &mut Vec<Held>, record: &Record) -> Result<(), LiveError> {
    if let Event::Begun(begun) = &record.event {
        let settings = Settings::live(&from_toml(&begun.settings)?, &begun.channels)?;
        *state = Some(State::new((**begun).clone(), settings));
        return Ok(());
    }
    let Some(state) = state else { return Ok(()) };
    if let Event::Exposing(exposing) = &record.event {
        // Journals of version 1 hold no proposals.
        state.expect(Candidate(exposing.candidate));
    }
    let settings = state.settings();
    let now = Held {
        seconds: 1e-3 * record.elapsed_ms as f64,
        at_ms: record.at_ms,
        drift: state.drift(),
        dwell: settings.dwell.get(),
        strategy: settings.campaign.strategy.clone(),
        target: settings.target().to_string(),
    };
    let before = state.points().len();
    state.apply(&record.event)?;
    if state.points().len() > before {
        held.push(now);
    }
    Ok(())
}

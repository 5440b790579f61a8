//! `acquisitions.csv` of a live campaign: a row a point, folded from the journal.

use std::path::Path;

use crate::campaign::{Author, Held, History, MeasuredPoint, State};
use crate::data::files::{WriteError, write_file};
use crate::scalarizer::Scalarizer;

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

/// Writes the table of a campaign into its folder: the points of its state at the end, and what held
/// at each by its history.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left.
pub(crate) fn write_points(
    folder: &Path,
    state: &State,
    history: &History,
) -> Result<(), WriteError> {
    let file = folder.join("acquisitions.csv");
    let settings = state.settings();
    let channels = &state.begun().channels;
    let mut table = csv::Writer::from_writer(Vec::new());
    // A component that was never learnt is a number of no point, and was never sought.
    let columns: Vec<usize> = (0..settings.scalarizers.len())
        .filter(|&index| settings.scalarizers[index].is_learnt())
        .collect();
    let columns = columns.as_slice();
    let named = |of: &Scalarizer| format!("value:{of}");
    let scalarizers: Vec<String> = (columns.iter())
        .map(|&index| named(&settings.scalarizers[index]))
        .collect();
    let names = COLUMNS.iter().copied();
    // To memory nothing fails.
    let mut further = further_of(history);
    further.retain(|of| scalarizers.iter().any(|name| name[6..] == **of));
    let predicted = further.iter().flat_map(|of| {
        let columns = ["mean", "std"];
        columns.map(|column| format!("{column}:{of}"))
    });
    let predicted: Vec<String> = predicted.collect();
    let responses = scalarizers.iter().chain(&predicted).map(String::as_str);
    let _ = table.write_record(names.chain(responses));
    for (index, (point, held)) in state.points().iter().zip(&history.held).enumerate() {
        // Beside what was predicted and chosen by stands the response that this was about.
        let mut all = settings.scalarizers.iter();
        let target = all.position(|of| of.to_string() == held.target);
        let sought = target.and_then(|target| settings.scalarizers.get(target));
        let units = sought.map(|sought| sought.units(&channels.axis.units, &channels.units));
        let value = target.and_then(|target| point.responses.get(target).copied());
        let value = (value, units.unwrap_or_default());
        let mut row = row(state, index, point, held, value);
        row.extend((columns.iter()).map(|&index| optional(point.responses.get(index).copied())));
        let step = (index + 1).saturating_sub(state.seeds());
        for of in &further {
            let place = held.further_targets.iter().position(|held| held == *of);
            let foreseen = place.and_then(|place| point.foreseen.get(place));
            let foreseen = foreseen.filter(|_| step > 0);
            let (mean, sigma) = foreseen.map_or_else(Default::default, |of| {
                let (mean, sigma) = of.prediction;
                let mean = f64::from(mean) + of.origin;
                (mean.to_string(), f64::from(sigma).to_string())
            });
            row.extend([mean, sigma]);
        }
        let _ = table.write_record(row);
    }
    let bytes = table.into_inner().unwrap_or_default();
    write_file(&file, &bytes)
}

/// Everything that was sought beside a first target, in the order in which it first was.
fn further_of(history: &History) -> Vec<&String> {
    let mut further = Vec::new();
    for of in history.held.iter().flat_map(|held| &held.further_targets) {
        if !further.contains(&of) {
            further.push(of);
        }
    }
    further
}

/// A number as text; empty where it is not known.
fn optional(value: Option<f64>) -> String {
    let known = value.filter(|value| !value.is_nan());
    known.map_or_else(String::new, |value| value.to_string())
}

fn row(
    state: &State,
    index: usize,
    point: &MeasuredPoint,
    held: &Held,
    (response, units): (Option<f64>, String),
) -> Vec<String> {
    let step = (index + 1).saturating_sub(state.seeds());
    let proposed = point.proposed.filter(|_| step > 0);
    let predicted = proposed.and_then(|proposed| Some((proposed.prediction?, proposed.origin)));
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
    vec![
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
        units,
    ]
}

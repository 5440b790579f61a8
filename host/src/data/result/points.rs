//! The points as one table: a row a point, a column a quantity.

use rust_hdf5::H5File;

use super::ResultFile;
use super::signal::{Signal, SignalAxis, list};

/// All that is known of one measured point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointRow {
    /// Number of the candidate.
    pub candidate: u32,
    /// Number of the step, counted from 1; 0 for a seed.
    pub step: u32,
    /// Row of the pixel that was meant, in the first overview image.
    pub row: u32,
    /// Its column.
    pub column: u32,
    /// Where the beam was after drift correction: (row, column) of the overview image, whole
    /// numbers being the centres of pixels.
    pub beam: Option<(f64, f64)>,
    /// The response of every scalarizer, in their order; NaN where one has none.
    pub responses: Vec<f64>,
    /// Time that the detectors were ready to count, in seconds.
    pub live_seconds: Option<f64>,
    /// Time that the beam was on, in seconds.
    pub real_seconds: Option<f64>,
    /// Dose of this acquisition, in electrons.
    pub dose_electrons: Option<f64>,
    /// Dose of this acquisition per area, in electrons per square ångström.
    pub dose_density: Option<f64>,
    /// What the model expected of the target when it chose the point, and its standard
    /// deviation: (mean, sigma).
    pub expected: Option<(f64, f64)>,
    /// Score of the point when it was chosen.
    pub score: Option<f64>,
    /// How long the campaign had been running when it was measured, in seconds.
    pub seconds: Option<f64>,
    /// Whether a person discarded it.
    pub discarded: bool,
}

/// Columns before and after the responses, with their units.
const PLACE: [(&str, &str); 6] = [
    ("candidate", ""),
    ("step", ""),
    ("row", "px"),
    ("column", "px"),
    ("beam row", "px"),
    ("beam column", "px"),
];
const ACQUISITION: [(&str, &str); 4] = [
    ("live time", "s"),
    ("real time", "s"),
    ("dose", "e"),
    ("dose density", "e/Å²"),
];

impl PointRow {
    fn push_into(&self, table: &mut Vec<f64>) {
        let known = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let place = [self.candidate, self.step, self.row, self.column];
        table.extend(place.map(f64::from));
        table.push(known(self.beam.map(|(row, _)| row)));
        table.push(known(self.beam.map(|(_, column)| column)));
        table.extend_from_slice(&self.responses);
        table.push(known(self.live_seconds));
        table.push(known(self.real_seconds));
        table.push(known(self.dose_electrons));
        table.push(known(self.dose_density));
        table.push(known(self.expected.map(|(mean, _)| mean)));
        table.push(known(self.expected.map(|(_, sigma)| sigma)));
        table.push(known(self.score));
        table.push(known(self.seconds));
        table.push(f64::from(u8::from(self.discarded)));
    }
}

/// Writes the table. The names and units of its columns are in `metadata/Columns`, since an axis
/// of neither format has names.
pub(super) fn write(file: &H5File, result: &ResultFile<'_>) -> rust_hdf5::Result<()> {
    if result.points.is_empty() {
        return Ok(());
    }
    let target = &result.responses[result.target];
    let responses = result.responses.iter().map(|r| (r.name, r.units));
    let expected = [
        ("expected mean", target.units),
        ("expected sigma", target.units),
        ("score", ""),
        ("time", "s"),
        ("discarded", ""),
    ];
    let columns = PLACE.into_iter().chain(responses).chain(ACQUISITION);
    let (names, units): (Vec<&str>, Vec<&str>) = columns.chain(expected).unzip();

    let mut table = Vec::with_capacity(result.points.len() * names.len());
    for point in result.points {
        point.push_into(&mut table);
    }
    let signal = Signal {
        name: "points",
        quantity: "points",
        units: "",
        hyperspy_type: "",
        sidpy_type: "LINE_PLOT_FAMILY",
        axes: &[
            SignalAxis::count("point", result.points.len(), "POINT_CLOUD", true),
            SignalAxis::count("column", names.len(), "CHANNEL", false),
        ],
    };
    let (group, data) = signal.create::<f64>(file)?;
    let columns = group.group("metadata")?.create_group("Columns")?;
    list(&columns, "names", &names)?;
    list(&columns, "units", &units)?;
    columns.set_attr_string("target", target.name)?;
    data.write_raw(&table)
}

//! The result of a campaign as `HyperSpy`, sidpy and pyNSID open it: the programs themselves read
//! the file and compare every number, axis, unit and text with what this test says it wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use beacon_host::data::files::Conditions;
use beacon_host::data::result::{PointRow, PointSpectra, Response, ResultFile};
use beacon_host::data::{Axis, Channels, Map};
use serde_json::{Value, json};

use super::python;

fn axis(name: &str, units: &str, (offset, scale): (f64, f64), size: usize) -> Axis {
    Axis {
        name: name.to_owned(),
        units: units.to_owned(),
        offset,
        scale,
        size,
    }
}

/// A map of 5 × 7 pixels, NaN at every `gap`th.
fn map(quantity: &str, units: &str, gap: Option<usize>) -> Map {
    let value = |i: usize| match gap {
        Some(gap) if i.is_multiple_of(gap) => f64::NAN,
        _ => 0.1 + i as f64 / 3.0,
    };
    Map {
        values: (0..35).map(value).collect(),
        rows: axis("y", "nm", (12.5, 0.25), 5),
        columns: axis("x", "nm", (-3.0, 0.5), 7),
        quantity: quantity.to_owned(),
        units: units.to_owned(),
    }
}

/// Three points: a seed of which little is known, and two steps.
fn points() -> Vec<PointRow> {
    let seed = PointRow {
        candidate: 30,
        row: 4,
        column: 2,
        responses: vec![12.5, f64::NAN],
        ..PointRow::default()
    };
    let step = |step: u32| PointRow {
        candidate: 7 * step,
        step,
        row: step,
        column: 0,
        beam: Some((f64::from(step) + 0.25, -0.5)),
        responses: vec![100.0 / f64::from(step), -1e-9],
        live_seconds: Some(1.0),
        real_seconds: Some(1.125),
        dose_electrons: Some(6.241_509_074e9),
        dose_density: Some(1.5e4),
        expected: Some((99.5, 0.125)),
        score: Some(2.75),
        seconds: Some(60.5 * f64::from(step)),
        discarded: step == 2,
    };
    vec![seed, step(1), step(2)]
}

const NAMES: [&str; 17] = [
    "candidate",
    "step",
    "row",
    "column",
    "beam row",
    "beam column",
    "line:Pd-La",
    "line:Si-Ka",
    "live time",
    "real time",
    "dose",
    "dose density",
    "expected mean",
    "expected sigma",
    "score",
    "time",
    "discarded",
];
const UNITS: [&str; 17] = [
    "", "", "px", "px", "px", "px", "counts", "", "s", "s", "e", "e/Å²", "counts", "counts", "",
    "s", "",
];

/// A number as JSON: `null` for NaN, which JSON lacks.
fn numbers(values: &[f64]) -> Value {
    json!(values)
}

fn columns_of(point: &PointRow) -> Vec<f64> {
    let known = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let (row, column) = point.beam.unwrap_or((f64::NAN, f64::NAN));
    let (mean, sigma) = point.expected.unwrap_or((f64::NAN, f64::NAN));
    let place = [point.candidate, point.step, point.row, point.column].map(f64::from);
    let acquisition = [
        known(point.live_seconds),
        known(point.real_seconds),
        known(point.dose_electrons),
        known(point.dose_density),
        mean,
        sigma,
        known(point.score),
        known(point.seconds),
        f64::from(u8::from(point.discarded)),
    ];
    [&place[..], &[row, column], &point.responses, &acquisition].concat()
}

/// An axis as the script expects it.
fn described(axis: &Axis, kind: &str, values: &[f64], navigate: bool) -> Value {
    // HyperSpy's axes only go one way.
    let turns_back = !(values.is_sorted() || values.is_sorted_by(|a, b| a >= b));
    json!({
        "name": axis.name, "units": axis.units, "kind": kind, "navigate": navigate,
        "values": values, "turns back": turns_back,
    })
}

fn counted(name: &str, kind: &str, size: usize, navigate: bool) -> Value {
    let values: Vec<f64> = (0..size).map(|i| i as f64).collect();
    json!({"name": name, "units": "", "kind": kind, "navigate": navigate, "values": values})
}

fn described_map(map: &Map) -> Value {
    let axis = |axis: &Axis| {
        let values: Vec<f64> = (0..axis.size).map(|i| axis.value(i)).collect();
        described(axis, "SPATIAL", &values, false)
    };
    json!({
        "quantity": map.quantity, "units": map.units, "data_type": "IMAGE", "signal_type": "",
        "axes": [axis(&map.rows), axis(&map.columns)],
        "values": numbers(&map.values),
    })
}

const PROVENANCE: [(&str, &str); 5] = [
    ("version", "0.1.0"),
    ("seed", "18446744073709551615"),
    ("controller", "mps2-an500 build 3f2a"),
    (
        "configuration",
        "window = 16\nstrategy = \"beacon\"\n# µ, Å and\ttabs\n",
    ),
    ("journal", "sha256:e3b0c44298fc1c149afbf4c8996fb924"),
];

/// Writes a result of a name with these spectra, and beside it what the programs must find in it.
fn write(
    folder: &Path,
    name: &str,
    channels: &Channels,
    signal_type: &str,
    spectra: Option<&[Vec<f64>]>,
) -> PathBuf {
    let (image, mean) = (
        map("HAADF", "counts", None),
        map("Pd Lα", "counts", Some(4)),
    );
    let sigma = map("Pd Lα", "", Some(5));
    let points = points();
    let fetch = |i: usize, spectrum: &mut Vec<f64>| {
        spectrum.clone_from(&spectra.unwrap_or_default()[i]);
        Ok(())
    };
    let path = folder.join(name).with_extension("hspy");
    let result = ResultFile {
        image: &image,
        conditions: Conditions::default(),
        points: &points,
        responses: &[
            Response {
                name: NAMES[6],
                units: UNITS[6],
            },
            Response {
                name: NAMES[7],
                units: UNITS[7],
            },
        ],
        target: 0,
        spectra: spectra.map(|_| PointSpectra {
            channels,
            fetch: &fetch,
        }),
        maps: &[("mean", &mean), ("sigma", &sigma)],
        provenance: &PROVENANCE,
    };
    result.write(&path).expect("the folder takes files");

    let table: Vec<f64> = points.iter().flat_map(columns_of).collect();
    let point = || counted("point", "POINT_CLOUD", points.len(), true);
    let places: Vec<[f64; 2]> = points
        .iter()
        .map(|p| p.beam.unwrap_or((p.row.into(), p.column.into())).into())
        .collect();
    let along = described(&channels.axis, "SPECTRAL", &channels.coordinates, false);
    let mut expected = json!({
        "provenance": PROVENANCE.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "columns": {"names": NAMES, "units": UNITS, "target": NAMES[6]},
        "elements": channels.elements,
        "places": places,
        "signals": {
            "image": described_map(&image),
            "mean": described_map(&mean),
            "sigma": described_map(&sigma),
            "points": {
                "quantity": "points", "units": "", "data_type": "LINE_PLOT_FAMILY",
                "signal_type": "", "values": numbers(&table),
                "axes": [point(), counted("column", "CHANNEL", NAMES.len(), false)],
            },
        },
    });
    if let Some(spectra) = spectra {
        expected["signals"]["spectra"] = json!({
            "quantity": channels.quantity, "units": channels.units,
            "data_type": "POINT_CLOUD", "signal_type": signal_type,
            "values": numbers(&spectra.concat()), "axes": [point(), along],
        });
    }
    std::fs::write(path.with_extension("json"), expected.to_string())
        .expect("the folder takes files");
    path
}

/// Runs the script on the files, in one start of Python and its programs; it says what differs.
fn open(python: &Path, files: &[PathBuf]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("instruments/open_results.py");
    let done = Command::new(python)
        .arg(script)
        .args(files)
        .output()
        .expect("Python starts");
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Spectra of X-rays, with lines of elements.
fn x_rays(folder: &Path) -> PathBuf {
    let energy = axis("Energy", "keV", (-0.475, 0.01), 8);
    let channels = Channels {
        coordinates: (0..8).map(|i| energy.value(i)).collect(),
        axis: energy,
        quantity: "X-rays".to_owned(),
        units: "counts".to_owned(),
        elements: ["Pd", "Si"].map(str::to_owned).to_vec(),
    };
    let spectra: Vec<Vec<f64>> = (0..3)
        .map(|point| (0..8).map(|k| f64::from(10 * point + k)).collect())
        .collect();
    write(folder, "x-rays", &channels, "EDS_TEM", Some(&spectra))
}

/// Loops, whose axis runs up and down.
fn loops(folder: &Path) -> PathBuf {
    let channels = Channels {
        axis: axis("Voltage", "V", (0.0, 0.5), 6),
        coordinates: vec![0.0, 0.5, 0.0, -0.5, -1.0, 0.0],
        quantity: "Piezoresponse".to_owned(),
        units: "a.u.".to_owned(),
        elements: Vec::new(),
    };
    // Thirds are numbers that single precision does not hold.
    let spectra = vec![vec![1.0 / 3.0; 6], vec![-2.0 / 3.0; 6], vec![1e-300; 6]];
    write(folder, "loops", &channels, "", Some(&spectra))
}

/// Points of a campaign without spectra.
fn points_alone(folder: &Path) -> PathBuf {
    let channels = Channels {
        axis: axis("response", "", (0.0, 1.0), 1),
        coordinates: vec![0.0],
        quantity: "response".to_owned(),
        units: String::new(),
        elements: Vec::new(),
    };
    write(folder, "points", &channels, "", None)
}

#[test]
fn hyperspy_and_sidpy_find_every_number_axis_and_text_of_a_result() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder for files");
    let folder = folder.path();
    open(
        &python,
        &[x_rays(folder), loops(folder), points_alone(folder)],
    );
}

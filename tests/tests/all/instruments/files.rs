//! Files of the field in their variants, written by the programs of the field: HyperSpy, sidpy, h5py,
//! tifffile and NumPy. What they hold is told by the same programs.

use std::path::Path;
use std::process::Command;

use beacon_host::data::files::{self, Dataset};
use serde_json::Value;

use super::python;

/// Whether two numbers are the same to the last bit of the narrower of their types.
fn same(found: f64, expected: f64) -> bool {
    found == expected || (found.is_nan() && expected.is_nan())
}

/// Numbers of an axis, which files keep as offset and step.
fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3)
}

/// A unit of length in metres.
fn metres(units: &str) -> Option<f64> {
    match units {
        "m" => Some(1.0),
        "mm" => Some(1e-3),
        "µm" => Some(1e-6),
        "nm" => Some(1e-9),
        "pm" => Some(1e-12),
        _ => None,
    }
}

/// What is wrong with a location; nothing where it is as expected.
fn judge(location: &str, expected: &Value) -> Option<String> {
    let kind = expected["kind"].as_str().unwrap();
    let found = match files::read(location) {
        Ok(found) => found,
        Err(error) => {
            let message = error.to_string();
            let words = expected["words"].as_array().cloned().unwrap_or_default();
            let holds = |word: &Value| message.contains(word.as_str().unwrap());
            return (kind != "refused" || !words.iter().all(holds)).then_some(message);
        }
    };
    if kind == "refused" {
        return Some("is read".to_owned());
    }
    let (shape, values, axes) = match &found {
        Dataset::Map(map) => (
            vec![map.height(), map.width()],
            map.values.clone(),
            vec![
                (map.rows.values(), &map.rows.units),
                (map.columns.values(), &map.columns.units),
            ],
        ),
        Dataset::Spectra(spectra) => {
            let (height, width) = (spectra.height(), spectra.width());
            let pixels = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
            (
                vec![height, width, spectra.channels.size],
                pixels
                    .flat_map(|(row, column)| spectra.at(row, column))
                    .collect(),
                vec![
                    (spectra.rows.values(), &spectra.rows.units),
                    (spectra.columns.values(), &spectra.columns.units),
                    (spectra.coordinates.clone(), &spectra.channels.units),
                ],
            )
        }
    };
    let wanted: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
    if shape != wanted {
        return Some(format!("has shape {shape:?}, not {wanted:?}"));
    }
    let wanted: Vec<Option<f64>> = serde_json::from_value(expected["values"].clone()).unwrap();
    let wanted: Vec<f64> = wanted
        .iter()
        .map(|value| value.unwrap_or(f64::NAN))
        .collect();
    // Decoders of JPEG may round a brightness either way.
    let most = if kind == "about" { 2.0 } else { 0.0 };
    let differ = |(found, wanted): &(&f64, &f64)| {
        let near = (**found - **wanted).abs() <= most;
        !near && !same(**found, **wanted)
    };
    if let Some((found, wanted)) = values.iter().zip(&wanted).find(differ) {
        return Some(format!("holds {found} where it should hold {wanted}"));
    }
    let wanted = expected["axes"].as_array().unwrap();
    for ((found, units), wanted) in axes.iter().zip(wanted) {
        let wanted_units = wanted[1].as_str().unwrap();
        let mut wanted: Vec<f64> = serde_json::from_value(wanted[0].clone()).unwrap();
        if wanted.is_empty() {
            // Nobody but us knows it.
            continue;
        }
        if let (Some(ours), Some(theirs)) = (metres(units), metres(wanted_units)) {
            for value in &mut wanted {
                *value *= theirs / ours;
            }
        } else if *units != wanted_units && !(wanted_units.is_empty() && *units == "px") {
            return Some(format!("has an axis in `{units}`, not `{wanted_units}`"));
        }
        if found.len() != wanted.len() || !found.iter().zip(&wanted).all(|(&a, &b)| close(a, b)) {
            return Some(format!("has an axis of {found:?}, not {wanted:?}"));
        }
    }
    None
}

/// Runs a script with the Python of the field's programs; nothing where it is absent.
fn run(script: &str, arguments: &[&Path]) -> Option<()> {
    let python = python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("instruments")
        .join(script);
    let ran = Command::new(python)
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}");
    Some(())
}

/// What a script says that files hold.
fn expectations(file: &Path) -> serde_json::Map<String, Value> {
    // Python writes numbers that JSON does not know.
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text.replace("NaN", "null")).unwrap()
}

/// The folder that `script` filled with files, and what it says that they hold.
fn written(script: &str) -> Option<(tempfile::TempDir, serde_json::Map<String, Value>)> {
    let folder = tempfile::tempdir().unwrap();
    run(script, &[folder.path()])?;
    let expected = expectations(&folder.path().join("expected.json"));
    Some((folder, expected))
}

#[test]
fn files_of_the_field_are_read_as_their_own_programs_read_them_or_refused_with_a_remedy() {
    let Some((folder, expected)) = written("write_files.py") else {
        return;
    };
    assert!(expected.len() > 100, "{}", expected.len());
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let location = folder.path().join(name);
        if let Some(fault) = judge(&location.to_string_lossy(), expected) {
            wrong.push(format!("{name}: {fault}"));
        }
    }
    let all = expected.len();
    println!("{} of {all} as expected", all - wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {all}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Files of instruments below the folder that `BEACON_REAL_FILES` names, beside what HyperSpy and others
/// read in them. Every map and every spectrum image that they find must be among what is found here.
#[test]
fn files_of_instruments_are_read_as_the_programs_of_the_field_read_them() {
    let Ok(real) = std::env::var("BEACON_REAL_FILES") else {
        println!("skipped: BEACON_REAL_FILES names no folder");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("expected.json");
    if run("real_files.py", &[Path::new(&real), &told]).is_none() {
        return;
    }
    let (mut signals, mut files, mut wrong) = (0, 0, Vec::new());
    for (file, expected) in expectations(&told) {
        let Some(wanted) = expected["signals"].as_array() else {
            println!(
                "{file}: not read by the program of the field: {}",
                expected["error"]
            );
            continue;
        };
        files += 1;
        let all = files::locations(&file).unwrap_or_else(|error| {
            wrong.push(error.to_string());
            Vec::new()
        });
        for (number, wanted) in wanted.iter().enumerate() {
            signals += 1;
            let faults: Option<Vec<String>> = all.iter().map(|one| judge(one, wanted)).collect();
            if let Some(faults) = faults {
                let shape = &wanted["shape"];
                let faults = faults.join("; ");
                wrong.push(format!(
                    "{file}: signal {number} of shape {shape} is not found: {faults}"
                ));
            }
        }
    }
    println!(
        "{} of {signals} signals of {files} files as expected",
        signals - wrong.len()
    );
    assert!(signals > 0 && wrong.is_empty(), "{}", wrong.join("\n"));
}
